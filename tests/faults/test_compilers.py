"""Compilers that crash, hang, print without end, or leave something that is no object: their module fails, nothing of
it is kept, other modules are compiled, and the next build tries again."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

import orchestrator
from orchestrator.toolchains import c
from orchestrator.toolchains.c.compilers import Compiler

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

SCRIPT = r"""#!/bin/sh
# A compiler: the text of the source, which the overlay names, says what it does.
while [ $# -gt 0 ]; do
  case "$1" in -o) out=$2; shift;; -MF) rule=$2; shift;; -ivfsoverlay) source=${2%/overlay}/source; shift;; esac
  shift
done
printf 'o: \n' > "$rule"
whole() { printf '\0asm\1\0\0\0\0\10\7linking' > "$out"; }
case "$(cat "$source")" in
  crash) kill -SEGV $$;;
  ends) echo 'Stack dump'; exit 3;;
  hang) sleep 100;;
  child) sleep 100 & echo $! > "$FOLDER/child"; exec sleep 100;;
  closes) exec >&- 2>&-; sleep 100;;
  half) printf '\0asm\1\0\0\0\0\10\7lin' > "$out";;
  nothing) ;;
  text) echo 'not an object' > "$out";;
  endless) exec yes 'a line that is printed without end, for as long as anybody reads it';;
  large) exec head -c 3000000000 /dev/zero > "$out";;
  *) whole;;
esac
"""

FAULTS = {
    "crash": "it was killed (SIGSEGV)",
    "ends": "it ended with exit code 3: Stack dump",
    "hang": "it took longer than 1 s, and was stopped",
    "child": "it took longer than 1 s, and was stopped",
    "closes": "it took longer than 1 s, and was stopped",
    "half": "its object is cut off",
    "nothing": "it left no object",
    "text": "what it left is no WebAssembly",
    "endless": "it wrote more than 4 MiB of messages",
    "large": "it was killed (SIGXFSZ)",
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    script, folder = tmp_path / "clang", tmp_path / "app"
    folder.mkdir()
    script.write_text(SCRIPT.replace("$FOLDER", str(tmp_path)))
    script.chmod(0o755)
    monkeypatch.setattr(c, "find", lambda asked: Compiler("clang", str(script), str(tmp_path / "library"), "fake"))
    monkeypatch.setattr("orchestrator.toolchains.programs.LARGEST_FILE", 1 << 20)
    (folder / "good.c").write_text("good")
    return folder


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_compiler_that_breaks_fails_its_module_alone(project: Path, tmp_path: Path, fault: str) -> None:
    (project / "bad.c").write_text(fault)
    async with orchestrator.open(project, timeout=1.0, jobs=1) as opened:
        result = await opened.build()
        errors = [(one.code, one.file) for one in result.diagnostics if one.severity == "error"]
        assert errors == [("E1003", "bad.c")], result.diagnostics
        assert FAULTS[fault] in result.diagnostics[0].message
        assert await opened.cache.lookup("bad") is None and await opened.cache.lookup("good") is not None
        if fault == "child":
            _assert_gone(int((tmp_path / "child").read_text()))
        (project / "bad.c").write_text("good again")
        assert (await opened.build()).success


async def test_a_cancelled_build_ends_its_compilers(project: Path, tmp_path: Path) -> None:
    (project / "bad.c").write_text("child")
    began = time.monotonic()
    async with orchestrator.open(project, jobs=1) as opened, anyio.create_task_group() as group:
        group.start_soon(opened.build)
        await anyio.to_thread.run_sync(_wait_for, tmp_path / "child")
        group.cancel_scope.cancel()
    assert time.monotonic() - began < 30
    _assert_gone(int((tmp_path / "child").read_text()))


def _wait_for(file: Path) -> None:
    while not file.exists() or not file.read_text():
        time.sleep(0.005)


def _assert_gone(process: int) -> None:
    """The process has ended, or is ending: it was killed, and nobody else does that."""
    for _ in range(200):
        try:
            with open(f"/proc/{process}/stat", encoding="ascii") as file:
                if file.read().rpartition(")")[2].split()[0] in "ZX":
                    return
        except FileNotFoundError:
            return
        time.sleep(0.005)
    os.kill(process, signal.SIGKILL)
    raise AssertionError("a program that the compiler started goes on")
