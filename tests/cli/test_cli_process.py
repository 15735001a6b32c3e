"""The command line as a process of its own: programs with their own streams, signals, broken pipes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
WASMILL = [sys.executable, "-m", "orchestrator"]

FOREVER = 'fun main() { println("started"); let mut i = 0; while i >= 0 { i = (i + 1) % 1000 } }'


def wasmill(*argv: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # type: ignore[call-overload, no-any-return]
        [*WASMILL, *argv], capture_output=True, text=True, timeout=50, **options
    )


def ended(done: subprocess.CompletedProcess[str]) -> tuple[int, str, str]:
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("name", ["hello", "routes", "invoice"])
def test_examples_print_what_is_written_down(tmp_path: Path, name: str) -> None:
    project = tmp_path / name
    shutil.copytree(EXAMPLES / name, project, ignore=shutil.ignore_patterns("build", ".*"))
    expected = (project / "expected.out").read_text()
    assert ended(wasmill("run", str(project))) == (0, expected, "")
    assert (project / "build" / "main.wasm").exists()


@pytest.mark.slow
@pytest.mark.timeout(240)  # zig builds the C library where nothing has used it yet
def test_the_demo_runs(tmp_path: Path) -> None:
    shim = tmp_path / "wasmill"
    shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m orchestrator "$@"\n')
    shim.chmod(0o755)
    done = subprocess.run(["sh", EXAMPLES / "demo.sh", shim], capture_output=True, text=True, timeout=230)
    assert done.returncode == 0, done.stderr
    assert "built 14 of 14 modules" in done.stderr
    assert "  pricing/tax      its source changed\nbuilt 5 of 14 modules" in done.stderr
    assert "did you mean `share`?" in done.stderr
    assert "\nbuilt 0 of 14 modules" in done.stderr
    assert "168 primes below 1000, the largest is 997" in done.stdout
    assert "1 compiled, 2 from the cache" in done.stderr.rpartition("built 0 of 14 modules")[2]


def test_a_single_file_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "my-tool.ruchy").write_text("use helper::twice;\nfun main() { println(twice(21)) }")
    (tmp_path / "helper.ruchy").write_text("pub fun twice(n: i64) -> i64 { n * 2 }")
    (tmp_path / "broken.ruchy").write_text("fun (")
    before = sorted(tmp_path.iterdir())
    assert ended(wasmill("run", "my-tool.ruchy", cwd=tmp_path)) == (0, "42\n", "")
    assert sorted(tmp_path.iterdir()) == before


def test_a_trap_is_134_and_its_message_is_the_programs(tmp_path: Path) -> None:
    (tmp_path / "main.ruchy").write_text("fun main() {\n    println(1);\n    let zero = 0;\n    println(1 / zero);\n}")
    code, out, err = ended(wasmill("run", str(tmp_path)))
    assert (code, out) == (134, "1\n")
    assert "main.ruchy:4" in err
    assert "Traceback" not in err


def test_an_exhausted_stack_is_said_by_the_host(tmp_path: Path) -> None:
    (tmp_path / "main.ruchy").write_text("fun f(n: i64) -> i64 { f(n + 1) + 1 }\nfun main() { println(f(0)) }")
    assert ended(wasmill("run", str(tmp_path))) == (134, "", "main.ruchy: call stack exhausted\n")


def test_limits_of_the_configuration_hold(tmp_path: Path) -> None:
    (tmp_path / "main.ruchy").write_text(FOREVER)
    (tmp_path / "wasmill.toml").write_text("[run]\nfuel = 100_000\n")
    assert ended(wasmill("run", str(tmp_path))) == (134, "started\n", "main.ruchy: all fuel is used up\n")


@pytest.mark.parametrize(("number", "code", "word"), [("SIGINT", 130, "interrupted"), ("SIGTERM", 143, "terminated")])
def test_a_running_program_is_stopped(tmp_path: Path, number: str, code: int, word: str) -> None:
    (tmp_path / "main.ruchy").write_text(FOREVER)
    with subprocess.Popen(
        [*WASMILL, "run", tmp_path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "started\n"
        running.send_signal(getattr(signal, number))
        out, err = running.communicate(timeout=20)
    assert (running.returncode, out, err) == (code, "", f"wasmill: {word}\n")


def test_a_build_is_interrupted_and_the_next_one_is_whole(tmp_path: Path) -> None:
    for number in range(200):
        bodies = "\n".join(f"pub fun f{i}(n: i64) -> i64 {{ n * {i} + {number} }}" for i in range(20))
        (tmp_path / f"m{number}.ruchy").write_text(bodies)
    (tmp_path / "main.ruchy").write_text("fun main() { println(m7::f3(2)) }")
    with subprocess.Popen(
        [*WASMILL, "build", tmp_path, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        for line in running.stdout:
            if '"event":"compile-finished"' in line:
                break
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=20)
    assert (running.returncode, err) == (130, "wasmill: interrupted\n")
    assert not (tmp_path / "build").exists()
    assert ended(wasmill("run", str(tmp_path))) == (0, "13\n", "")


@pytest.mark.parametrize("argv", [["graph", "--json"], ["build", "--json", "-q"], ["explain"], ["--help"]])
def test_a_reader_who_has_gone_is_no_error(tmp_path: Path, argv: list[str]) -> None:
    (tmp_path / "main.ruchy").write_text("fun main() {}")
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run([*WASMILL, *argv], cwd=tmp_path, stdout=writing, stderr=subprocess.PIPE, timeout=50)
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is full")
@pytest.mark.parametrize("argv", [["graph"], ["build", "--json", "-q"], ["explain"], ["--version"]])
def test_a_full_standard_output_is_one_line(tmp_path: Path, argv: list[str]) -> None:
    (tmp_path / "main.ruchy").write_text("fun main() {}")
    with open("/dev/full", "w") as full:
        done = subprocess.run([*WASMILL, *argv], cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, timeout=50)
    assert done.stderr == b"wasmill: standard output cannot be written: No space left on device\n"
    assert done.returncode == 3
    with open("/dev/full", "w") as full:
        done = subprocess.run([*WASMILL, *argv], cwd=tmp_path, stdout=full, stderr=full, timeout=50)
    assert done.returncode == 3, "even though nobody can be told"


def test_closed_streams_are_no_error(tmp_path: Path) -> None:
    (tmp_path / "main.ruchy").write_text('fun main() { println("said") }')
    for argv in (["build", "--json"], ["graph"], ["run"]):
        line = 'exec "$0" -m orchestrator "$@" >&- 2>&-'
        assert subprocess.run(["/bin/sh", "-c", line, sys.executable, *argv], cwd=tmp_path, timeout=50).returncode == 0
    line = 'exec "$0" -m orchestrator build --force 2>&-'
    shell = ["/bin/sh", "-c", line, sys.executable]
    done = subprocess.run(shell, cwd=tmp_path, stdout=subprocess.PIPE, timeout=50)
    assert (done.returncode, done.stdout) == (0, b""), "what is for people never goes to standard output"


def test_small_commands_start_without_the_big_machinery() -> None:
    heavy = ("anyio", "argparse", "msgspec", "wasmtime", "sqlite3", "re", "typing")
    code = "import sys; from orchestrator.cli.app import main; main(['--help']); main(['help'])"
    code += f"; print([name for name in {heavy} if name in sys.modules], file=sys.stderr)"
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, cwd=EXAMPLES.parents[1])
    assert done.stderr == "[]\n"


def test_no_colour_and_no_moving_line_in_a_pipe(tmp_path: Path) -> None:
    (tmp_path / "main.ruchy").write_text("fun main() { nothing() }")
    done = wasmill("build", str(tmp_path))
    assert done.returncode == 1
    assert "\x1b" not in done.stderr
    assert "\r" not in done.stderr
