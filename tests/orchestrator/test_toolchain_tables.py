"""`[toolchain.NAME]` in wasmill.toml: extensions and options of an installed toolchain."""

from __future__ import annotations

from pathlib import Path

import pytest

import orchestrator
from orchestrator.errors import ConfigError, ProjectError
from orchestrator.testing.toolchain import TunableToolchain
from orchestrator.toolchains import locate

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if Wasmill had no toolchain but Ruchy."""
    monkeypatch.setattr(locate, "BUILT_IN", {"ruchy": locate.BUILT_IN["ruchy"]})


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of two modules, where the toolchain `tunable` is installed, and Ruchy is left out."""
    packages, folder = tmp_path / "packages", tmp_path / "app"
    info = packages / "tunable-1.0.dist-info"
    info.mkdir(parents=True)
    text = "[wasmill.toolchains]\ntunable = orchestrator.testing.toolchain:TunableToolchain\n"
    (info / "entry_points.txt").write_text(text)
    monkeypatch.syspath_prepend(str(packages))
    folder.mkdir()
    (folder / "main.tune").write_text("use low::f\nrun f\n")
    (folder / "low.tune").write_text("pub f =\n")
    return folder


def say(project: Path, *lines: str) -> None:
    text = "[toolchain.ruchy]\nenabled = false\n[toolchain.tunable]\n" + "\n".join(lines) + "\n"
    (project / "wasmill.toml").write_text(text)


async def built(project: Path) -> tuple[list[str], bytes, set[str]]:
    """What was compiled, the program, and the kinds of reasons."""
    async with orchestrator.open(project, jobs=1) as opened:
        result = await opened.build()
    assert result.success and result.program is not None, result.diagnostics
    return result.recompiled, result.program.read_bytes(), {reason.kind for reason in result.reasons.values()}


async def test_an_option_that_changes_objects_is_part_of_every_key(project: Path) -> None:
    say(project)
    assert (await built(project))[0] == ["low", "main"]
    say(project, 'mark = "<here>"')
    recompiled, program, kinds = await built(project)
    assert (recompiled, kinds) == (["low", "main"], {"toolchain"})
    assert program.count(b"<here>") == 2
    assert (await built(project))[0] == []
    say(project)
    recompiled, program, _ = await built(project)
    assert (recompiled, program.count(b"<here>")) == ([], 0), "the objects of before are in the cache"


async def test_an_option_that_changes_no_object_compiles_nothing(project: Path) -> None:
    say(project)
    await built(project)
    say(project, "width = 100")
    async with orchestrator.open(project) as opened:
        [tunable] = opened.toolchains.members
        assert isinstance(tunable, TunableToolchain) and tunable.width == 100
        assert (await opened.build()).recompiled == []


@pytest.mark.slow
async def test_worker_processes_have_the_options_too(project: Path) -> None:
    """A toolchain that is found by name has a place, and this names its options."""
    say(project, 'mark = "<here>"', 'extensions = [".tune", ".tn"]')
    (project / "more.tn").write_text("pub g =\n")
    async with orchestrator.open(project, jobs=2) as opened:
        assert '"options":{"mark":"<here>"}' in opened.toolchains.place
        result = await opened.build()
        assert result.recompiled == ["low", "main", "more"]
        found = await opened.cache.lookup("more")
        assert found is not None and found.data.endswith(b"<here>")


async def test_extensions_decide_which_files_are_modules(project: Path) -> None:
    (project / "main.txt").write_text("run nothing\n")
    say(project, 'extensions = [".txt"]')
    async with orchestrator.open(project) as opened:
        assert (opened.toolchains.extensions, opened.config.entry) == ((".txt",), "main.txt")
        assert (await opened.graph()).modules == ("main",)
        assert (await opened.build()).recompiled == ["main"]
    say(project)
    assert (await built(project))[0] == ["low", "main"]


async def test_two_toolchains_may_swap_files(project: Path) -> None:
    text = '[toolchain.ruchy]\nextensions = [".rr"]\n[toolchain.tunable]\nextensions = [".ruchy"]\n'
    (project / "wasmill.toml").write_text(text)
    (project / "main.rr").write_text("fun main() { println(1) }\n")
    (project / "notes.ruchy").write_text("pub note =\n")
    async with orchestrator.open(project) as opened:
        result = await opened.build()
        assert (result.success, result.recompiled) == (True, ["main", "notes"]), result.diagnostics
        assert [opened.toolchains.of(path).name for path in ("main.rr", "notes.ruchy")] == ["ruchy", "tunable"]


async def test_one_that_is_given_is_left_as_it_is_and_one_that_is_named_is_not(project: Path) -> None:
    say(project, 'mark = "m"', 'extensions = [".txt"]')
    given = TunableToolchain("own")
    assert orchestrator.open(project, toolchain=given).toolchains.members == (given,)
    assert orchestrator.open(project, toolchain=given).toolchains.extensions == (".tune",)
    for name in ("tunable", "orchestrator.testing.toolchain:TunableToolchain"):
        found = orchestrator.open(project, toolchain=name).toolchains
        [tunable] = found.members
        assert isinstance(tunable, TunableToolchain) and (tunable.mark, found.extensions) == ("m", (".txt",))


@pytest.mark.parametrize(
    ("lines", "where", "what", "hint"),
    [
        (["mrk = 1"], 4, "`mrk` is not a setting of [toolchain.tunable]", "did you mean `mark`?; "),
        (
            ["colour = 1"],
            4,
            "`colour` is not a setting of",
            "[toolchain.tunable] takes: enabled, extensions, mark, width",
        ),
        (["", "width = 0"], 5, "`toolchain.tunable.width`: must be a whole number above 0, not 0", ""),
        (["mark = 1979-05-27"], 4, "`toolchain.tunable.mark`: must be text, not datetime.date(1979, 5, 27)", ""),
        (["width = inf"], 4, "`toolchain.tunable.width`: must be a whole number above 0, not inf", ""),
        (
            ["extensions = []"],
            4,
            '`toolchain.tunable.extensions`: must be a list of extensions, as [".txt"], not []',
            "",
        ),
        (['extensions = ["txt"]'], 4, "must be a list of extensions", ""),
        (['extensions = [".a/b"]'], 4, "must be a list of extensions", ""),
        (['extensions = ".txt"'], 4, 'must be a list of extensions, as [".txt"], not ".txt"', ""),
        (
            ["[toolchain.ruchi]"],
            4,
            "there is no toolchain `ruchi`",
            "did you mean `ruchy`?; installed are: ruchy, tunable",
        ),
        (["[toolchain.other]"], 4, "there is no toolchain `other`", "installed are: ruchy, tunable"),
    ],
)
async def test_what_is_wrong_is_told_with_its_line(
    project: Path, lines: list[str], where: int, what: str, hint: str
) -> None:
    say(project, *lines)
    with pytest.raises(ConfigError) as caught:
        orchestrator.open(project)
    assert what in str(caught.value)
    assert hint in caught.value.hint and bool(hint) is bool(caught.value.hint)
    assert caught.value.where == f"{project / 'wasmill.toml'}:{where}"
    assert caught.value.key.startswith("toolchain.")


async def test_a_toolchain_without_options_says_what_its_table_takes(project: Path) -> None:
    (project / "wasmill.toml").write_text("[toolchain.ruchy]\noptimise = 2\n")
    with pytest.raises(ConfigError) as caught:
        orchestrator.open(project)
    assert caught.value.hint == "[toolchain.ruchy] takes: enabled, extensions"


async def test_two_toolchains_of_one_extension_are_refused(project: Path) -> None:
    (project / "wasmill.toml").write_text('[toolchain.tunable]\nextensions = [".ruchy"]\n')
    with pytest.raises(ProjectError, match=r"both take `\.ruchy` files"):
        orchestrator.open(project)


async def test_the_table_of_one_that_is_left_out_is_not_looked_into(project: Path) -> None:
    """Because only the toolchain knows its options, and it is not loaded."""
    (project / "wasmill.toml").write_text("[toolchain.tunable]\nenabled = false\ncolour = 1\n")
    assert [one.name for one in orchestrator.open(project).toolchains.members] == ["ruchy"]


async def test_a_value_that_workers_would_get_otherwise_is_refused(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even where the toolchain takes it: JSON has no dates."""
    monkeypatch.setattr(TunableToolchain, "with_option", lambda self, name, value: self)
    say(project, "mark = [1979-05-27]")
    with pytest.raises(ConfigError, match="must be text"):
        orchestrator.open(project)
