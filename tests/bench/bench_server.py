"""What a server is worth: `python tests/bench/bench_server.py [ROUNDS] [SIZES]` (9 and 10,100,1000 unless told).

An edit of one body, and then `wasmill build`, from the shell: in a project with a server, and in the same project
without one, in turn; beside them a bare interpreter, which is the least that any command in Python takes. The same for
`wasmill run`, to the program's end. Ratios of one run mean something; times of different ones hardly do.

It measures the `wasmill` of the interpreter that runs it, so install it first, with its bytecode (`make bench` has such
an environment in .bench/venv).
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import anyio

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.bench import projects
from tests.bench.builds import environment, process
from tests.bench.runner import TableRow, in_turn

FUNCTIONS = 20
WASMILL = str(Path(sys.executable).with_name("wasmill"))


class ServedBench:
    """A project that is edited before each build."""

    def __init__(self, folder: Path, modules: int) -> None:
        self.folder, self.modules, self.salt = folder, modules, 1
        projects.generate(folder, modules, FUNCTIONS)

    async def edit(self) -> None:
        self.salt += 1
        index = projects.middle(self.modules)
        text = projects.module_text(index, FUNCTIONS, projects.imports_of(index, self.modules), last=self.salt)
        (self.folder / f"{projects.path_of(index)}.ruchy").write_text(text)

    def row(self, name: str, command: str) -> TableRow:
        async def work() -> float:
            return process([WASMILL, command, "-q"], self.folder)

        return TableRow(name, work, self.edit)


async def measure(folder: Path, modules: int, rounds: int) -> None:
    served, plain = ServedBench(folder / "served", modules), ServedBench(folder / "plain", modules)

    def server(action: str) -> str:
        command = [WASMILL, "server", action]
        return subprocess.run(
            command, cwd=served.folder, env=environment(), check=True, capture_output=True, text=True
        ).stdout

    async def bare() -> float:
        return process([sys.executable, "-c", "pass"], folder)

    for one in (served, plain):
        process([WASMILL, "build", "-q"], one.folder)
    server("start")
    try:
        for command in ("build", "run"):
            rows = [served.row("with", command), plain.row("without", command), TableRow("python -c pass", bare)]
            await in_turn(rows, 2)
            found = await in_turn(rows, rounds)
            ratio = found["with"].median / found["without"].median
            told = ", ".join(f"{name} {times}" for name, times in found.items())
            print(
                f"{modules:>6} modules, edit and {command:<5}: with / without a server {ratio:.2f}; {told}", flush=True
            )
        print(server("status"), flush=True)
    finally:
        server("stop")


async def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    sizes = [int(size) for size in sys.argv[2].split(",")] if len(sys.argv) > 2 else [10, 100, 1000]
    for modules in sizes:
        with tempfile.TemporaryDirectory(prefix="wasmill-bench-") as folder:
            await measure(Path(folder), modules, rounds)


if __name__ == "__main__":
    anyio.run(main)
