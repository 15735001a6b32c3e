"""Projects with several toolchains: Ruchy, and a small language beside it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import orchestrator
from actors.scanner.snapshot import PLAIN, decode
from orchestrator.codes import all_codes, registries
from orchestrator.errors import ConfigError, ProjectError
from orchestrator.testing.toolchain import PlainToolchain, WordsToolchain
from orchestrator.toolchains import locate

pytestmark = pytest.mark.anyio

MAIN = "use low::area;\nfun main() { println(area()) }\n"
LOW = "pub fun area() -> i64 { 1 }\n"
NOTES = "use low::area\npub note = area\n"


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / name.replace("_", ".", 1)).write_text(text)
    return folder


@pytest.fixture(autouse=True)
def no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if Wasmill had no toolchain but Ruchy."""
    monkeypatch.setattr(locate, "BUILT_IN", {"ruchy": locate.BUILT_IN["ruchy"]})


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of packages in which `words` is installed as a toolchain."""
    folder = tmp_path / "packages"
    info = folder / "words-1.0.dist-info"
    info.mkdir(parents=True)
    text = "[console_scripts]\nw = w:w\n\n[wasmill.toolchains]\nwords = orchestrator.testing.toolchain:WordsToolchain\n"
    (info / "entry_points.txt").write_text(text)
    monkeypatch.syspath_prepend(str(folder))
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "app"
    folder.mkdir()
    return write(folder, main_ruchy=MAIN, low_ruchy=LOW, notes_words=NOTES)


async def test_each_module_is_compiled_by_the_toolchain_of_its_extension() -> None:
    words = WordsToolchain()
    sources = orchestrator.Sources({"main.ruchy": MAIN, "low.ruchy": LOW, "notes.words": NOTES})
    async with orchestrator.open(sources, toolchain=["ruchy", words]) as project:
        result = await project.build()
        assert result.success and result.recompiled == ["low", "main", "notes"], result.diagnostics
        assert words.compiled_modules() == ["notes"]
        assert result.program is not None and result.program.read_bytes().startswith(b"\0asm")
        assert words.calls == [], "the entry is a Ruchy module, and reaches no other"


async def test_names_resolve_across_toolchains() -> None:
    words = WordsToolchain()
    sources = orchestrator.Sources({"main.ruchy": MAIN, "low.ruchy": LOW, "notes.words": NOTES})
    async with orchestrator.open(sources, toolchain=["ruchy", words]) as project:
        await project.build()
        sources["low.ruchy"] = "pub fun area() -> i64 { 2 }\n"
        result = await project.build()
        assert result.reasons["notes"].via == ("low",)
        sources["notes.words"] = "use low::nothing\n"
        result = await project.build()
        assert [(one.code, one.file) for one in result.diagnostics] == [("E0502", "notes.words")]


async def test_an_identity_enters_the_keys_of_its_own_modules_alone(project: Path) -> None:
    for words, expected in (("1", ["low", "main", "notes"]), ("2", ["notes"]), ("1", []), ("2", [])):
        async with orchestrator.open(project, toolchain=["ruchy", WordsToolchain(words)]) as opened:
            result = await opened.build()
            assert (result.success, result.recompiled) == (True, expected), words


async def test_a_second_toolchain_leaves_the_summaries_of_the_first(tmp_path: Path) -> None:
    """They are stored under the identity of their own toolchain."""
    folder = write(tmp_path, main_plain="use low::f\nrun f\n", low_plain="pub f = 1\n")
    plain, words = PlainToolchain(), WordsToolchain()
    async with orchestrator.open(folder, toolchain=plain, entry="main.plain") as opened:
        assert (await opened.build()).compiled_modules == 2
    plain.calls.clear()
    write(folder, notes_words="use low::f\npub note = f\n")
    for expected in ([("summarise", "notes"), ("compile", "notes")], []):
        async with orchestrator.open(folder, toolchain=[plain, words], entry="main.plain") as opened:
            assert (await opened.build()).success
        assert (plain.calls, words.calls) == ([], expected)
        words.calls.clear()
    # A changed toolchain has no summaries, the other one has its own.
    async with orchestrator.open(folder, toolchain=[plain, WordsToolchain("2")], entry="main.plain") as opened:
        assert (await opened.build()).recompiled == ["notes"]
    assert plain.calls == []


async def test_a_program_that_no_linker_takes_is_an_error_of_the_entry() -> None:
    sources = orchestrator.Sources({"main.words": "use low::area\nrun area\n", "low.ruchy": LOW})
    async with orchestrator.open(sources, toolchain=[WordsToolchain(), "ruchy"]) as project:
        result = await project.build()
        [found] = result.diagnostics
        assert (result.success, found.code, found.file) == (False, "E0906", "main.words")
        assert "`ruchy`, `words`" in found.message
        assert result.program is None
        sources["main.words"] = "run nothing\n"
        assert (await project.build()).success, "the entry reaches objects of one kind"


async def test_a_linker_may_take_the_objects_of_others() -> None:
    sources = orchestrator.Sources({"main.words": "use low::x\nrun x\n", "low.plain": "pub x = 1\n"})
    plain, words = PlainToolchain(), WordsToolchain(links=("plain",))
    async with orchestrator.open(sources, toolchain=[plain, words], entry="main.words") as project:
        result = await project.build(verify=1.0)
        assert result.success and result.program is not None
        assert b"low.plain" in result.program.read_bytes()
        assert [call for call in plain.calls + words.calls if call[0] == "link"] == [("link", "main")]


@pytest.mark.parametrize("invalidation", ["transitive", "precise"])
async def test_verify_compiles_again_with_the_same_toolchains(project: Path, invalidation: str) -> None:
    settings = {"toolchain": ["ruchy", WordsToolchain()], "invalidation": invalidation}
    async with orchestrator.open(project, **settings) as opened:  # type: ignore[arg-type]
        assert (await opened.build()).success
        result = await opened.build(verify=1.0)
        assert (result.success, result.verified, result.differences) == (True, 3, [])


async def test_all_that_are_installed_belong_to_a_project(project: Path, packages: Path) -> None:
    async with orchestrator.open(project) as opened:
        assert [one.name for one in opened.toolchains.members] == ["ruchy", "words"]
        result = await opened.build()
        assert result.recompiled == ["low", "main", "notes"]


async def test_the_command_line_believes_no_build_with_other_toolchains(project: Path, packages: Path) -> None:
    """And looks again once a toolchain was installed: the folders of packages are stamped."""
    for toolchain, plain in ((WordsToolchain(), False), (None, True)):
        async with orchestrator.open(project, toolchain=toolchain) as opened:
            await opened.build()
        files = sorted((project / ".ruchy-cache/snapshots").iterdir())
        found = [one for one in (decode(file.read_bytes()) for file in files) if one is not None]
        assert [one.settings == PLAIN for one in found].count(True) == plain
        folders = {extra.path for one in found for extra in one.extras}
        assert (str(packages) in folders) is plain


async def test_a_table_leaves_a_toolchain_out(project: Path, packages: Path) -> None:
    write(project, wasmill_toml="[toolchain.words]\nenabled = false\n")
    async with orchestrator.open(project) as opened:
        assert [one.name for one in opened.toolchains.members] == ["ruchy"]
        assert (await opened.build()).recompiled == ["low", "main"]


def test_installing_a_toolchain_is_noticed(project: Path, packages: Path) -> None:
    info = packages / "words-1.0.dist-info"
    info.rename(packages / "words.off")
    assert list(locate.installed()) == ["ruchy"]
    assert str(packages) not in locate.package_folders()
    (packages / "words.off").rename(info)
    assert locate.installed() == {**locate.BUILT_IN, "words": "orchestrator.testing.toolchain:WordsToolchain"}
    assert os.path.realpath(packages) in locate.package_folders()


@pytest.mark.parametrize(
    ("text", "where", "message", "hint"),
    [
        ("[toolchain.wrds]\n", 1, "there is no toolchain `wrds`", "did you mean `words`?"),
        ("\n[toolchain.words]\nenabeld = true\n", 3, "`enabeld` is not a setting of [toolchain.words]", "`enabled`"),
        ("[toolchain.words]\nenabled = 1\n", 2, "`toolchain.words.enabled`: must be true or false, not 1", ""),
        ("[toolchain]\nwords = 1\n", 2, "`toolchain.words` must be a table", ""),
    ],
)
async def test_what_is_wrong_with_a_table_is_said(
    project: Path, packages: Path, text: str, where: int, message: str, hint: str
) -> None:
    write(project, wasmill_toml=text)
    with pytest.raises(ConfigError) as caught:
        orchestrator.open(project)
    assert message in str(caught.value) and hint in (caught.value.hint or "")
    assert caught.value.where.endswith(f"wasmill.toml:{where}")


async def test_a_toolchain_that_is_not_there_may_be_left_out(project: Path) -> None:
    write(project, wasmill_toml="[toolchain.other]\nenabled = false\n")
    async with orchestrator.open(project) as opened:
        assert [one.name for one in opened.toolchains.members] == ["ruchy"]


async def test_a_project_without_toolchains_is_refused(project: Path) -> None:
    write(project, wasmill_toml="[toolchain.ruchy]\nenabled = false\n")
    with pytest.raises(ProjectError, match="no toolchain"):
        orchestrator.open(project)


async def test_two_toolchains_of_one_extension_are_refused(project: Path, packages: Path) -> None:
    text = "[wasmill.toolchains]\nother = orchestrator.testing.toolchain:WordsToolchain\n"
    info = packages / "other-1.0.dist-info"
    info.mkdir()
    (info / "entry_points.txt").write_text(text)
    with pytest.raises(ProjectError, match="two toolchains have one name") as caught:
        orchestrator.open(project)
    assert "[toolchain.NAME]" in (caught.value.hint or "")


async def test_the_default_entry_is_one_that_is_there(project: Path, packages: Path) -> None:
    (project / "main.ruchy").rename(project / "main.words")
    write(project, main_words="run nothing\n")
    async with orchestrator.open(project) as opened:
        assert opened.config.entry == "main.words"
        assert (await opened.build()).success


def test_registries_are_those_of_installed_toolchains(packages: Path) -> None:
    assert list(registries()) == ["", "ruchy"], "the other one has no codes"
    assert {"E0806", "E0102"} <= set(all_codes())
