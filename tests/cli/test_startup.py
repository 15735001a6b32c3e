"""What a build from the shell imports, beside what its libraries need; and how it ends.

Every module costs a fraction of a millisecond in each process, some cost many. A module that turns up here, and that a
build after an edit does not need, is to be imported where it is used.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from orchestrator.cli import arguments, build, run
from orchestrator.cli.output import Output
from orchestrator.cli.parser import parse

REPOSITORY = Path(__file__).parents[2]

LIBRARIES = "import msgspec, sqlite3, xxhash, ctypes, contextlib, heapq, threading, weakref, copy, signal, fcntl\n"

LISTED = """
import sys
from orchestrator.cli import app
code = app.main(sys.argv[1:])
print(code, *sorted(sys.modules))
"""

STANDARD = {"bisect", "_bisect", "gc", "hashlib", "_hashlib", "_blake2", "marshal", "unicodedata"}
"""What we ourselves take from the standard library. Some are there anyway, depending on versions."""

MOST = {"compiler": 200, "own": 135, "libraries": 150}
"""At most so many modules after an edit. One that is really needed may raise its number, in the commit that adds it."""

NOT_IMPORTED = {
    "anyio": "a plain loop drives a small build",
    "argparse": "the command line is plain",
    "asyncio": "a plain loop drives a small build",
    "bz2": "nothing is compressed",
    "concurrent.futures": "there is no thread",
    "difflib": "nothing is misspelt",
    "importlib.metadata": "the toolchain is ours",
    "logging": "nothing is logged",
    "random": "nothing is temporary",
    "selectors": "nothing is waited for",
    "shutil": "nothing is temporary",
    "socket": "there is no server",
    "subprocess": "there are no workers",
    "tempfile": "nothing is temporary",
    "tomllib": "there is no wasmill.toml",
    "trio": "the loop is asyncio's",
    "wasmtime": "its library validates without it",
    "orchestrator.api": "nobody has the Project of an embedder",
    "orchestrator.cli.parser": "the command line is plain",
    "orchestrator.cli.run": "it is another command",
    "orchestrator.running": "nothing is run",
    "orchestrator.sync": "nobody asks for it",
    "orchestrator.testing": "no test",
    "orchestrator.toolchains.ruchy.codes": "no code is explained",
    "orchestrator.codes": "no code is explained",
    "actors.codes": "no code is explained",
    "orchestrator.wasm.execute": "nothing is run",
}


def python(script: str, *words: str) -> list[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WASMILL_")}
    environment = {**kept, "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-c", script, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, env=environment)
    return done.stdout.split()


@pytest.mark.slow
def test_what_a_build_imports(tmp_path: Path) -> None:
    """From an empty cache, so that everything is summarised, compiled, linked, validated and stored."""
    (tmp_path / "main.ruchy").write_text('fun main() { println("Hello"); }\n')
    libraries = set(python(LIBRARIES + "import sys; print(*sys.modules)"))
    code, *imported = python(LISTED, "build", "-q", str(tmp_path))
    assert code == "0"
    assert {name: why for name, why in NOT_IMPORTED.items() if name in imported} == {}
    own = {name for name in imported if name.split(".")[0] in ("actors", "orchestrator")}
    assert {*imported} - own - libraries - STANDARD == set()

    # The second edit: a first one still finds places that the first build made, and looks at them.
    after_edit: list[str] = []
    for number in range(2):
        (tmp_path / "main.ruchy").write_text(f'fun main() {{ println("Hello {number}"); }}\n')
        code, *after_edit = python(LISTED, "build", "-q", str(tmp_path))
    assert code == "0"
    assert {*after_edit} <= {*imported}
    counts = Counter(
        "compiler" if name.startswith("orchestrator.toolchains.") else "own" if name in own else "libraries"
        for name in after_edit
    )
    assert {name: count for name, count in counts.items() if count > MOST[name]} == {}


@pytest.mark.slow
def test_what_a_run_imports(tmp_path: Path) -> None:
    """What a build imports, what runs a program, and wasmtime. A single file has a temporary folder besides."""
    (tmp_path / "main.ruchy").write_text('fun main() { println("Hello"); }\n')
    libraries = {*python(LIBRARIES + "import wasmtime, sys; print(*sys.modules)")}
    _, *built = python(LISTED, "build", "-q", str(tmp_path))
    code, *imported = python(LISTED, "run", "-q", str(tmp_path))[1:]
    running = ("orchestrator.cli.run", "orchestrator.running", "orchestrator.wasm.execute", "orchestrator.wasm.groups")
    more = {*imported} - {*built} - libraries
    assert (code, [name for name in more if not name.startswith(running)]) == ("0", [])

    code, *imported = python(LISTED, "run", "-q", str(tmp_path / "main.ruchy"))[1:]
    assert code == "0"
    assert {"anyio", "argparse", "asyncio", "orchestrator.api", "subprocess"}.isdisjoint(imported)


@pytest.mark.parametrize("words", [[], ["-q"], ["app"], ["-q", "app"], ["app", "-q"]])
def test_a_plain_command_line_is_read_without_argparse(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """And to the same effect, for every flag that there is."""
    monkeypatch.setattr("orchestrator.cli.environ", {})
    found, parsed = arguments.plain(["build", *words]), parse("build", build, words, Output())
    assert found is not None and parsed is not None
    assert {**vars(found), "help": None} == vars(parsed)
    assert arguments.plain(["build", "--json", *words]) is None
    for rest in ([], ["--"], ["--", "-q", "--", "x"]):
        found, parsed = arguments.plain(["run", *words, *rest]), parse("run", run, [*words, *rest], Output())
        assert found is not None and parsed is not None
        assert {**vars(found), "help": None} == vars(parsed)
    assert arguments.plain(["run", *words, "--json"]) is None
    assert arguments.plain(["graph", *words]) is None


@pytest.mark.slow
@pytest.mark.parametrize(("words", "code"), [(["build", "-q"], 0), (["build", "-q", "nowhere"], 2), (["--version"], 0)])
def test_the_process_ends_with_the_code_of_the_command(tmp_path: Path, words: list[str], code: int) -> None:
    """At once, without what `atexit` would do, but with all that was written."""
    (tmp_path / "main.ruchy").write_text("fun main() {}\n")
    script = (
        "import atexit, sys\n"
        "atexit.register(print, 'taken apart')\n"
        "print('written', end='')\n"
        "from orchestrator.cli.uptodate import main\n"
        "sys.exit(main())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *words],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout.startswith("written"), "taken apart" in done.stdout) == (code, True, False)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device here")
def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    script = "import sys\nsys.stdout.write('lost')\nfrom orchestrator.cli.uptodate import leave\nsys.exit(leave(0))\n"
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-c", script]
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
        done = subprocess.run(
            command,
            cwd=REPOSITORY,
            env=environment,
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
            timeout=30,
        )
    assert done.returncode == 120
    assert b"No space left" in done.stderr
