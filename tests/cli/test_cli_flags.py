"""Every command, flag and exit code of the command line, over a fake Project."""

from __future__ import annotations

import errno
import json
import os
import sys
from pathlib import Path

import msgspec
import pytest

from actors.diagnostics import Diagnostic, about_file, about_project
from actors.events import ActorState, BuildStalled, RunningJob
from actors.messages import CacheStatistics, Collected, Damage, Verified
from actors.result import Difference, Reason
from orchestrator.cli import app
from orchestrator.cli.cache import amount
from orchestrator.dependencies import DependencyGraph
from orchestrator.errors import ProjectBroken, ProjectError
from orchestrator.wasm.leb import MAGIC
from tests.cli.cli_fakes import FakeProject, Wasmill, result

# ---------------------------------------------------------------------------------------------- help and usage


def test_no_command_shows_the_help_and_is_wrong(wasmill: Wasmill) -> None:
    code, out, err = wasmill()
    assert (code, err) == (2, "")
    assert out == app.help_text() + "\n"


@pytest.mark.parametrize("flag", ["-h", "--help", "help"])
def test_help(wasmill: Wasmill, flag: str) -> None:
    assert wasmill(flag) == (0, app.help_text() + "\n", "")
    assert "a folder of\nsources, with a file called `main` in it" in app.help_text()


@pytest.mark.parametrize("command", app.COMMANDS)
def test_every_command_has_help_worth_reading(wasmill: Wasmill, command: str) -> None:
    code, out, err = wasmill(command, "--help")
    assert (code, err) == (0, "")
    assert out.startswith(f"usage: wasmill {command} ")
    assert len(out.splitlines()) > 8
    assert wasmill("help", command) == (0, out, "")
    assert f"\n  {command} " in app.HELP


@pytest.mark.parametrize("flag", ["-V", "--version", "version"])
def test_version(wasmill: Wasmill, flag: str) -> None:
    assert wasmill(flag) == (0, "wasmill 0.1.0\n", "")


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["bild"], "there is no command `bild`\n  did you mean `build`?"),
        (["--jbos"], "there is no flag `--jbos`\n  see `wasmill --help`"),
        (["\x1b[2J"], "there is no command `\\x1b[2J`"),
        (["build", "--jbos", "2"], "unrecognized arguments: --jbos"),
        (["build", "--job", "2"], "unrecognized arguments: --job"),
        (["build", "-j", "many"], "`many` is not a whole number"),
        (["build", "-j"], "argument -j/--jobs: expected one argument"),
        (["build", "-j", "0"], "`jobs`: must be a whole number from 1 to 256, not 0"),
        (["build", "--profile", "relase"], "there is no profile `relase`\n  did you mean `release`?"),
        (["build", "--invalidation", "quick"], '`invalidation`: must be "transitive" or "precise", not "quick"'),
        (["build", "--verify=2"], "argument --verify: `2` is not a share"),
        (["build", "--verify=much"], "argument --verify: `much` is not a share"),
        (["build", "one", "two"], "unrecognized arguments: two"),
        (["build", "--", "x"], "only `run` takes arguments after `--`"),
        (["build", "nowhere"], "there is no folder `nowhere`"),
        (["build", "nul\0l"], "there is no folder `nul\\x00l`"),
        (["build", "main.ruchy"], "`main.ruchy` is a file, and this takes the folder of a project"),
        (["graph", "main.ruchy"], "`wasmill run main.ruchy`"),
        (["graph", "--json", "--dot"], "not allowed with argument"),
        (["run", "nowhere.ruchy"], "there is no file `nowhere.ruchy`"),
        (["run", ".", "argument"], "arguments for the program go after `--`"),
        (["run", ".", "--verbose", "a b"], "after `--`: wasmill run . -- --verbose 'a b'"),
        (["run", "app", "x", "-q", "y"], "after `--`: wasmill run app -- x y"),
        (["run", "--json"], "`run` has no --json: standard output is the program's"),
        (["cache"], "the following arguments are required: ACTION"),
        (["cache", "wipe"], "invalid choice: 'wipe'"),
        (["cache", "clear", "--force"], "`--force` is for `wasmill cache gc`"),
        (["explain", "E05012"], "there is no code `E05012`\n  did you mean `E0502`?"),
        (["clean", "nowhere"], "there is no folder `nowhere`"),
    ],
)
def test_wrong_usage_is_2_and_opens_nothing(
    wasmill: Wasmill, fake: FakeProject, home: Path, argv: list[str], says: str
) -> None:
    (home / "main.ruchy").write_text("fun main() {}")
    code, out, err = wasmill(*argv)
    assert (code, out) == (2, "")
    assert err.startswith("wasmill: ")
    assert says in err
    assert "Traceback" not in err
    assert fake.calls == []


def test_a_broken_configuration_is_2(wasmill: Wasmill, fake: FakeProject, home: Path) -> None:
    (home / "wasmill.toml").write_text("[build]\njbos = 1\n")
    for argv in (["build"], ["run"], ["graph"], ["clean"], ["cache", "stats"]):
        code, out, err = wasmill(*argv)
        if argv[0] != "cache":
            assert fake.calls == []
            assert (code, out) == (2, "")
            assert "wasmill.toml:2: `jbos` is not a setting of [build]\n  did you mean `jobs`?" in err


# ---------------------------------------------------------------------------------------------- build


def test_build_without_flags(wasmill: Wasmill, fake: FakeProject) -> None:
    code, out, err = wasmill("build")
    assert (code, out) == (0, "")
    assert err == ("built 1 of 1 module in 12 ms: 1 compiled, 0 from the cache\nno program: there is no main.ruchy\n")
    assert fake.calls == [("open", ".", {}), ("build", False)]
    assert fake.closed


def test_every_flag_of_build_arrives(wasmill: Wasmill, fake: FakeProject, home: Path) -> None:
    (home / "app").mkdir()
    flags = ["-j", "3", "--profile", "release", "--invalidation", "transitive", "--force", "--no-cache", "-q"]
    assert wasmill("build", "app", *flags) == (0, "", "")
    said = {"jobs": 3, "profile": "release", "invalidation": "transitive", "enabled": False}
    assert fake.calls == [("open", "app", said), ("build", True)]


def test_verify_takes_a_share_and_a_seed(wasmill: Wasmill, fake: FakeProject, home: Path) -> None:
    (home / "app").mkdir()
    assert wasmill("build", "--verify", "app", "-q") == (0, "", "")
    assert wasmill("build", "app", "--verify=0.01", "--verify-seed", "7", "-q") == (0, "", "")
    verified = [call for call in fake.calls if call[0] == "verify"]
    assert verified == [("verify", 1.0, None), ("verify", 0.01, 7)]


def test_functions_are_counted_where_some_were_reused(wasmill: Wasmill, fake: FakeProject) -> None:
    fake.result = result(compiled_modules=1, recompiled=["a"], recompiled_functions=["a::f"], cached_functions=7)
    assert "1 compiled (1 function, 7 reused), 0 from the cache\n" in wasmill("build")[2]


def test_what_verify_found_is_said(wasmill: Wasmill, fake: FakeProject) -> None:
    fake.result = result(verified=12, verify_seed=5)
    equal = "verified 12 objects, compiled again with nothing reused: all equal (seed 5)\n"
    assert equal in wasmill("build", "--verify")[2]
    found = Difference(module="a", kind="object", what="byte 3", manifest='{"kind":"object"}')
    fake.result = result(success=False, verified=1, verify_seed=5, differences=[found])
    said = wasmill("build", "--verify")[2]
    assert "verified 1 object: 1 not as compiled afresh (seed 5)\n  object of a: byte 3\n" in said
    assert 'manifest: {"kind":"object"}' in said


def test_wrong_sources_are_1(wasmill: Wasmill, fake: FakeProject, home: Path) -> None:
    (home / "build").mkdir()
    (home / "build" / "main.wasm").write_bytes(b"old")
    error = Diagnostic(code="E0102", message="no `x`", file="a.ruchy", line=1, column=1, text="x")
    warning = about_file("W0001", "unused", severity="warning", file="a.ruchy")
    fake.result = result(success=False, failed=["a"], diagnostics=[error, warning])
    shown = "a.ruchy:1:1: error[E0102]: no `x`\n  1 | x\n    | ^\n\n"
    code, out, err = wasmill("build")
    assert (code, out) == (1, "")
    assert err == (
        f"{shown}a.ruchy: warning[W0001]: unused\n\nfailed in 12 ms: 1 error in a, 1 warning\n"
        "build/main.wasm is old: it is the program of an earlier build\n"
    )
    assert wasmill("build", "-q") == (1, "", shown), "quiet leaves errors, and nothing else"


def test_up_to_date_is_said_as_the_short_way_says_it(wasmill: Wasmill, fake: FakeProject, home: Path) -> None:
    program = home / "build" / "main.wasm"
    program.parent.mkdir()
    program.write_bytes(b"x")
    fake.result = result(cache_hits=3, program=program)
    assert wasmill("build") == (0, "", "up to date: 3 modules\n")

    async def publish() -> None:
        program.write_bytes(b"other")

    fake.during = publish
    _, _, err = wasmill("build")
    assert err == "built 0 of 3 modules in 12 ms: 0 compiled, 3 from the cache\nprogram: build/main.wasm\n"


def test_reasons_are_said(wasmill: Wasmill, fake: FakeProject, home: Path) -> None:
    reasons = {"a": Reason(kind="source")}
    fake.result = result(
        compiled_modules=1, cache_hits=1, recompiled=["a"], reasons=reasons, program=home / "build" / "main.wasm"
    )
    assert wasmill("build")[2] == (
        "  a  its source changed\n"
        "built 1 of 2 modules in 12 ms: 1 compiled, 1 from the cache\n"
        "program: build/main.wasm\n"
    )


def test_json_is_one_event_a_line_and_the_last_is_the_result(wasmill: Wasmill, fake: FakeProject) -> None:
    code, out, err = wasmill("build", "--json")
    assert code == 0
    lines = [json.loads(line) for line in out.splitlines()]
    assert [line["event"] for line in lines] == ["build-started", "build-finished"]
    assert ("events", "wait") in fake.calls, "no event may be lost"
    assert "built 1 of 1 module" in err
    assert wasmill("build", "--json", "-q") == (0, out, "")


def test_json_of_a_build_that_breaks(wasmill: Wasmill, fake: FakeProject) -> None:
    fake.error = ProjectError("gone")
    fake.events_sent = fake.events_sent[:1]
    code, out, err = wasmill("build", "--json")
    assert code == 2
    assert [json.loads(line)["event"] for line in out.splitlines()] in ([], ["build-started"])
    assert err == "wasmill: gone\n"


def test_our_own_failure_is_3_and_shows_the_cause(wasmill: Wasmill, fake: FakeProject) -> None:
    broken = ProjectBroken("an actor failed")
    broken.__cause__ = ZeroDivisionError("the cause")
    fake.error = broken
    code, out, err = wasmill("build")
    assert (code, out) == (3, "")
    assert "ZeroDivisionError: the cause" in err
    assert err.endswith("wasmill: an actor failed\n")
    assert "ExceptionGroup" not in err


@pytest.mark.parametrize("argv", [["build", "--json"], ["graph"], ["explain"], ["--help"]])
def test_a_full_standard_output_is_3_and_one_line(
    wasmill: Wasmill, fake: FakeProject, monkeypatch: pytest.MonkeyPatch, argv: list[str]
) -> None:
    def refuse(_: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(sys.stdout, "write", refuse)
    monkeypatch.setattr(os, "dup2", lambda *_: None)
    monkeypatch.setattr(sys.stdout, "fileno", lambda: 1)
    code, out, err = wasmill(*argv)
    assert (code, out, err) == (3, "", "wasmill: standard output cannot be written: No space left on device\n")


@pytest.mark.parametrize("wrong", [KeyboardInterrupt(), BaseExceptionGroup("two", [KeyboardInterrupt()])])
def test_an_interrupt_before_anybody_listens_is_130(
    wasmill: Wasmill, monkeypatch: pytest.MonkeyPatch, wrong: BaseException
) -> None:
    def interrupted(_: str) -> None:
        raise wrong

    monkeypatch.setattr(app, "import_module", interrupted)
    assert wasmill("build") == (130, "", "wasmill: interrupted\n")


def test_an_unexpected_exception_is_3(wasmill: Wasmill, fake: FakeProject) -> None:
    fake.error = RuntimeError("what?")
    code, out, err = wasmill("build")
    assert (code, out) == (3, "")
    assert err.endswith("RuntimeError: what?\nwasmill: this is a failure of wasmill itself, not of your sources\n")
    assert "ExceptionGroup" not in err
    assert fake.closed


# ---------------------------------------------------------------------------------------------- graph


def test_graph(wasmill: Wasmill, fake: FakeProject) -> None:
    assert wasmill("graph") == (0, "main\n└─ a\n", "")
    code, out, _ = wasmill("graph", "--json")
    assert (code, json.loads(out)) == (0, {"modules": ["a", "main"], "edges": [["main", "a"]]})
    assert wasmill("graph", "--dot")[1].startswith("digraph modules {\n")


def test_graph_says_what_is_wrong_beside_the_graph(wasmill: Wasmill, fake: FakeProject) -> None:
    warning = about_file("W0001", "odd", severity="warning", file="a.ruchy")
    fake.dependencies = msgspec.structs.replace(fake.dependencies, diagnostics=(warning,))
    assert wasmill("graph") == (0, "main\n└─ a\n", "a.ruchy: warning[W0001]: odd\n")
    fake.dependencies = DependencyGraph(modules=(), edges=(), diagnostics=(about_project("E0811", "none"),))
    assert wasmill("graph") == (1, "", "error[E0811]: none\n")
    assert wasmill("graph", "--json") == (1, '{"modules": [], "edges": []}\n', "error[E0811]: none\n")


# ---------------------------------------------------------------------------------------------- cache


def test_cache_stats(wasmill: Wasmill, fake: FakeProject) -> None:
    code, out, err = wasmill("cache", "stats")
    assert (code, err) == (0, "")
    assert "entries        2 (12.3 kB)\n" in out
    assert "hits           3 of 4 look-ups (75.0%)\n" in out
    code, out, _ = wasmill("cache", "stats", "--json")
    found = json.loads(out)
    assert set(found) == set(CacheStatistics.__struct_fields__)
    assert (found["hits"], found["evictions"]) == (3, 0), "fields at their defaults are there too"


def test_cache_verify(wasmill: Wasmill, fake: FakeProject) -> None:
    assert wasmill("cache", "verify") == (0, "", "checked 2, damaged 0\n")
    fake.verified = Verified(checked=2, damage=(Damage(file="modules/x\x1b", problem="cut", action="quarantined"),))
    code, out, err = wasmill("cache", "verify")
    assert (code, out) == (1, "")
    assert err == "modules/x\\x1b: cut: quarantined\nchecked 2, damaged 1\n"
    code, out, err = wasmill("cache", "verify", "--json")
    assert (code, err) == (1, "")
    assert json.loads(out)["damage"][0]["action"] == "quarantined"


def test_cache_gc_and_clear(wasmill: Wasmill, fake: FakeProject) -> None:
    assert wasmill("cache", "gc") == (0, "", "removed 4 files, 1.5 kB; evicted 1 entries\n")
    assert wasmill("cache", "gc", "--force", "-q") == (0, "", "")
    code, out, err = wasmill("cache", "clear", "--json")
    assert (code, err, json.loads(out)["removed_files"]) == (0, "", 4)
    assert [call for call in fake.calls if call[0] != "open"] == [("gc", False), ("gc", True), ("clear",)]
    fake.collected = Collected(busy=True)
    assert wasmill("cache", "gc", "-q") == (
        0,
        "",
        "another process looks after this cache right now: nothing was done\n",
    )


@pytest.mark.parametrize("argv", [["gc", "--force", "app"], ["--force", "gc", "app"], ["gc", "app", "--force"]])
def test_flags_may_stand_anywhere(wasmill: Wasmill, fake: FakeProject, home: Path, argv: list[str]) -> None:
    (home / "app").mkdir()
    assert wasmill("cache", *argv, "-q") == (0, "", "")
    assert fake.calls == [("open", "app", {}), ("gc", True)]
    fake.calls.clear()
    assert wasmill("cache", "stats", "--json", "app")[0] == 0
    assert fake.calls == [("open", "app", {})]


def test_amounts() -> None:
    sizes = [0, 999, 1000, 12_345, 999_949, 999_950, 5_000_000_000, 7_000_000_000_000]
    assert [amount(size) for size in sizes] == [
        "0 B", "999 B", "1.0 kB", "12.3 kB", "999.9 kB", "1.0 MB", "5.0 GB", "7000.0 GB",
    ]  # fmt: skip


# ---------------------------------------------------------------------------------------------- clean, explain


def listing(home: Path, *files: Path) -> Path:
    from orchestrator.config import load

    place = Path(load(home).outputs_list)
    place.parent.mkdir(exist_ok=True)
    place.write_text(json.dumps([str(file) for file in files]))
    return place


def test_clean_removes_what_is_on_the_list_and_nothing_else(wasmill: Wasmill, fake: FakeProject, home: Path) -> None:
    (home / "build").mkdir()
    (home / "dist").mkdir()
    ours, gone, mine = home / "build" / "main.wasm", home / "build" / "gone.wasm", home / "dist" / "mine.txt"
    theirs = home / "dist" / "app.wasm"
    for file in (ours, theirs):
        file.write_bytes(MAGIC)
    mine.write_text("x")
    place = listing(home, ours, gone, theirs)
    assert wasmill("clean") == (0, "", "removed build/main.wasm\nremoved dist/app.wasm\n")
    assert not (home / "build").exists(), "the folder was empty"
    assert mine.read_text() == "x"
    assert place.parent.is_dir(), "the cache stays"
    assert wasmill("clean") == (0, "", "nothing to remove\n")
    assert wasmill("clean", "-q") == (0, "", "")
    assert fake.calls == [], "no event loop for this"


@pytest.mark.parametrize("text", ["", "{}", "[1]", '["main.ruchy"]', "\xff"])
def test_clean_with_a_damaged_list_removes_nothing(wasmill: Wasmill, home: Path, text: str) -> None:
    (home / "main.ruchy").write_text("fun main() {}")
    listing(home).write_text(text, encoding="latin-1")
    assert wasmill("clean") == (0, "", "nothing to remove\n")
    assert (home / "main.ruchy").exists()


def test_clean_says_what_it_cannot_remove(wasmill: Wasmill, home: Path) -> None:
    (home / "build" / "main.wasm").mkdir(parents=True)
    place = listing(home, home / "build" / "main.wasm")
    code, out, err = wasmill("clean")
    assert (code, out) == (3, "")
    assert "cannot be removed" in err
    assert place.exists()


@pytest.mark.parametrize("stuck", ["main.wasm", "outputs-"])
def test_clean_in_a_read_only_folder(wasmill: Wasmill, home: Path, monkeypatch: pytest.MonkeyPatch, stuck: str) -> None:
    (home / "build").mkdir()
    program = home / "build" / "main.wasm"
    program.write_bytes(MAGIC)
    place = listing(home, program)
    unlink = os.unlink

    def refuse(path: str) -> None:
        if stuck in path:
            raise OSError(errno.EROFS, "Read-only file system", path)
        unlink(path)

    monkeypatch.setattr(os, "unlink", refuse)
    left = program if stuck == "main.wasm" else place
    code, out, err = wasmill("clean", "-q")
    assert (code, out, err) == (3, "", f"wasmill: `{left}` cannot be removed: Read-only file system\n")
    assert place.exists()


def test_a_copied_project_does_not_clean_the_original(wasmill: Wasmill, home: Path) -> None:
    import shutil

    original = home / "original"
    (original / "build").mkdir(parents=True)
    program = original / "build" / "main.wasm"
    program.write_bytes(MAGIC)
    listing(original, program)
    shutil.copytree(original, home / "copy")
    assert wasmill("clean", "copy") == (0, "", "nothing to remove\n")
    assert program.exists()


def test_explain(wasmill: Wasmill) -> None:
    code, out, err = wasmill("explain", "e0806")
    assert (code, err) == (0, "")
    assert out.startswith("E0806: one module, two files (project)\n")
    code, out, _ = wasmill("explain")
    assert code == 0
    assert "\nE0806  one module, two files\n" in out


@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_a_build_in_which_nothing_moves_says_what_it_waits_for(
    wasmill: Wasmill, fake: FakeProject, flags: list[str]
) -> None:
    job = RunningJob(slot=1, doing="compiling", module="a\x1b[31m", left=0, seconds=20.0, process=77)
    event = BuildStalled(
        build=1,
        seconds=10.0,
        waiting_for=("compiling a\x1b[31m (20 s, process 77)",),
        actors=(
            ActorState(
                name="planner", doing="compiling, 2 of 3 modules done", messages=0, bytes=0, waiting=0, outstanding=1
            ),
            ActorState(name="keeper", doing="", messages=8, bytes=9, waiting=2, outstanding=0),
        ),
        jobs=(job,),
    )

    async def stall() -> None:
        for listener in fake.listeners:
            listener(event)

    fake.during = stall
    code, _, err = wasmill("build", *flags)
    assert code == 0
    assert err.startswith(
        "nothing has moved for 10 s; waiting for compiling a\\x1b[31m (20 s, process 77)\n"
        "  planner: compiling, 2 of 3 modules done; keeper: idle (8 in its mailbox) (2 wait for room in it)\n"
    )
    assert fake.listeners == []
    assert "nothing has moved" not in wasmill("build", "-q", *flags)[2]
