"""Worker processes and the process that they belong to: it may be killed, interrupted, or a script of any shape."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.actors.compiler.worker_tools import all_end, running, workers_of

ROOT = Path(__file__).parents[3]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="waits for processes by their descriptors"),
]

SCRIPT = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell that runs the tests behind it has it ignored
print("imported", flush=True)
import anyio, orchestrator
from actors.compiler import crew, pool
crew.EACH_MS, pool.INLINE_BYTES = 1e-6, -1

async def main():
    sources = orchestrator.Sources({"main.plain": sys.argv[2], "other.plain": ""})  # one module would need one worker
    odd = "tests.actors.compiler.odd_toolchain:OddToolchain"
    async with orchestrator.open(sources, toolchain=odd, entry="main.plain", jobs=2) as project:
        result = await project.build()
        print(result.success, [found.message for found in result.diagnostics])

anyio.run(main, backend=sys.argv[1])
"""


@pytest.fixture
def script(tmp_path: Path) -> list[str]:
    """An embedding program without `if __name__ == "__main__"`."""
    place = tmp_path / "script.py"
    place.write_text(SCRIPT)
    return [sys.executable, str(place)]


ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


def test_the_embedding_program_is_not_imported_by_workers(
    script: list[str], tmp_path: Path, anyio_backend: str
) -> None:
    done = subprocess.run(
        [*script, anyio_backend, f"note {tmp_path / 'who'}"],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("imported\nTrue []\n", "", 0)
    assert len((tmp_path / "who").read_text().split()) == 1


@pytest.mark.parametrize("text", ["start {}\nhang", "start {}\nspin"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_parent_that_is_killed_leaves_nothing(
    script: list[str], tmp_path: Path, anyio_backend: str, text: str, number: int
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(
        [*script, anyio_backend, text.format(pipe)], env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as parent:
        pids = [int(word) for word in pipe.read_text().split()]
        found = workers_of(parent.pid)
        assert found >= {pids[0]}
        assert len(found) == 2
        parent.send_signal(number)
        parent.communicate(timeout=20)
    assert parent.returncode != 0
    assert all_end({*pids, *found})


def test_the_watching_thread_alone_will_do(tmp_path: Path) -> None:
    """Where the kernel cannot be told."""
    reading, writing = os.pipe()
    code = (
        "import os, signal, subprocess, sys; sys.modules['fcntl'] = None\n"
        "from actors.compiler.process import end_with_parent\n"
        f"end_with_parent({reading}); print(os.getpid(), flush=True); signal.pause()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], env=ENVIRONMENT, pass_fds=[reading], process_group=0, stdout=subprocess.PIPE
    ) as child:
        os.close(reading)
        assert child.stdout is not None
        assert int(child.stdout.readline()) == child.pid
        assert running(child.pid)
        os.close(writing)
        assert child.wait(20) == -signal.SIGKILL


def test_a_worker_ignores_ctrl_c(script: list[str], tmp_path: Path) -> None:
    """A terminal sends it to the whole group in front; who started the build decides what it means."""
    pipe, again = tmp_path / "pipe", tmp_path / "again"
    os.mkfifo(pipe)
    os.mkfifo(again)
    with subprocess.Popen(
        [*script, "asyncio", f"note {pipe}\nnote {again}"], env=ENVIRONMENT, stdout=subprocess.PIPE, text=True
    ) as parent:
        [pid] = [int(word) for word in pipe.read_text().split()]
        assert os.getpgid(pid) == pid
        os.kill(pid, signal.SIGINT)
        assert again.read_text() == f"{pid}\n"
        out, _ = parent.communicate(timeout=20)
    assert (parent.returncode, out) == (0, "imported\nTrue []\n")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_ctrl_c_ends_a_build_with_its_workers_at_once(tmp_path: Path, number: int, code: int) -> None:
    for module in range(120):
        bodies = "\n".join(f"pub fun f{i}(n: i64) -> i64 {{ n * {i} + {module} }}" for i in range(200))
        (tmp_path / f"m{module}.ruchy").write_text(bodies)
    (tmp_path / "main.ruchy").write_text("fun main() { println(m7::f3(2)) }")
    with subprocess.Popen(
        [sys.executable, "-m", "orchestrator", "build", tmp_path, "--json", "--jobs", "2"],
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as command:
        assert command.stdout is not None
        for line in command.stdout:
            if '"event":"compile-finished"' in line and len(found := workers_of(command.pid)) == 2:
                break
        command.send_signal(number)
        began = time.monotonic()
        _, said = command.communicate(timeout=20)
        took = time.monotonic() - began
    assert command.returncode == code
    assert said == f"wasmill: {'interrupted' if code == 130 else 'terminated'}\n"
    assert all_end(found)
    assert took < 1.0
