"""`wasmill build --record` and `wasmill trace replay`, over real Projects in this process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from actors.planner.phases.compiling import Compiling
from orchestrator.recording.record import read
from tests.cli.cli_fakes import Wasmill


@pytest.fixture
def app(home: Path) -> Path:
    (home / "main.ruchy").write_text('use low::x;\nfun main() { println(f"{x()}"); }\n')
    (home / "low.ruchy").write_text("pub fun x() -> i64 { 1 }\n")
    return home


@pytest.mark.slow
def test_record_edit_record_replay(wasmill: Wasmill, app: Path) -> None:
    code, out, err = wasmill("build", "--record", "one.trace")
    assert (code, out) == (0, "") and "built 2 of 2 modules" in err
    (app / "low.ruchy").write_text("pub fun x() -> i64 { 2 }\n")
    assert wasmill("build", "--record=two.trace", "--json")[0] == 0
    assert wasmill("build", "-q", "--record", "three.trace") == (0, "", "")
    assert wasmill("build") == (0, "", "up to date: 2 modules\n")
    for name in ("one", "two", "three"):
        assert read(app / f"{name}.trace").complete
        code, out, err = wasmill("trace", "replay", f"{name}.trace")
        assert (code, err) == (0, ""), out
        assert out.startswith("planner: ")
        assert out.endswith("\nnothing differs: every decision is the one that was recorded\n")
        assert wasmill("trace", "replay", "-q", f"{name}.trace") == (0, "", "")


def test_a_recording_that_differs(wasmill: Wasmill, app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wasmill("build", "--record", "one.trace")

    def stores_nothing(self: Compiling) -> None:
        self._to_store = []

    monkeypatch.setattr(Compiling, "store", stores_nothing)
    code, out, err = wasmill("trace", "replay", "one.trace")
    assert (code, err) == (1, "")
    assert "\nplanner differs at record " in out and "\n    then  StoreEntries(build=1, entries: " in out


@pytest.mark.parametrize(
    ("argv", "code", "says"),
    [
        (("trace", "replay", "none.trace"), 3, "none.trace: cannot be read: No such file or directory"),
        (("trace", "replay", "main.ruchy"), 3, "main.ruchy: is no recording of a build"),
        (("trace", "replay"), 2, "the following arguments are required: FILE"),
        (("trace", "play", "x"), 2, "argument ACTION: invalid choice: 'play'"),
        (("build", "--record"), 2, "argument --record: expected one argument"),
        (("build", "--record", "none/x.trace"), 3, "none/x.trace: cannot be written: No such file or directory"),
    ],
)
def test_what_is_wrong_is_said(wasmill: Wasmill, app: Path, argv: tuple[str, ...], code: int, says: str) -> None:
    found, out, err = wasmill(*argv)
    assert (found, out) == (code, "")
    assert says in err


@pytest.mark.slow
def test_replaying_writes_no_program(wasmill: Wasmill, app: Path) -> None:
    """The recording names the place of the program, which is another one by now."""
    wasmill("build", "-q", "--record", "one.trace")
    program = app / "build" / "main.wasm"
    program.write_bytes(b"newer")
    assert wasmill("trace", "replay", "one.trace")[0] == 0
    assert program.read_bytes() == b"newer"


def test_a_build_that_fails_is_recorded_too(wasmill: Wasmill, app: Path) -> None:
    (app / "low.ruchy").write_text("pub fun x() -> i64 { y }\n")
    assert wasmill("build", "-q", "--record", "one.trace")[0] == 1
    assert wasmill("trace", "replay", "one.trace")[0] == 0


@pytest.mark.slow
def test_an_ordinary_build_imports_nothing_of_the_testing_package(app: Path) -> None:
    code = (
        "import sys\nfrom orchestrator.cli.app import main\nmain(['build', '--json'])\nmain(['run'])\n"
        "main(['cache', 'verify'])\n"
        "print(*(name for name in sys.modules if name.startswith('orchestrator.testing')), 'pytest' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", code], cwd=app, capture_output=True, text=True, check=True)
    assert told.stdout.splitlines()[-1] == "False"
