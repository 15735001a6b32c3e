"""Whole builds, from the shell and in process, beside ninja, make and doit: full, with nothing changed, after an edit.

From the shell means the whole process, interpreter start included, by the command `wasmill` that stands beside the
interpreter that runs this (`make bench` installs it into an environment of its own, as a user would: an editable
installation takes longer to start).
"""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import anyio

import orchestrator
from orchestrator import BuildResult, Project
from tests.bench import projects, rivals
from tests.bench.runner import Book, TableRow, Times, in_turn

SETTLE = 0.1
"""Seconds after which a file just written is not racy any more, and its stamp is believed."""

KNOWS_MEMORY = os.path.exists("/proc/self/status")

_salts = itertools.count(2)


class Size:
    """How large a project, and how often its rows are measured."""

    def __init__(self, modules: int, functions: int, rounds: int, full_rounds: int, modes: tuple[str, ...]) -> None:
        self.modules = modules
        self.functions = functions
        self.rounds = rounds
        self.full_rounds = full_rounds
        self.modes = modes

    def edit(self, folder: Path) -> None:
        """Change one body of a module in the middle."""
        projects.edit(folder, projects.middle(self.modules), self.modules, self.functions, next(_salts))

    def rewrite(self, folder: Path) -> None:
        """Change all bodies of another one there."""
        projects.rewrite(folder, projects.middle(self.modules) + 1, self.modules, self.functions, next(_salts))


SIZES = {
    10: Size(10, 20, 15, 5, ("transitive", "precise")),
    100: Size(100, 20, 11, 3, ("transitive", "precise")),
    1_000: Size(1_000, 20, 7, 1, ("transitive", "precise")),
    10_000: Size(10_000, 2, 5, 1, ("precise",)),
}


def process(command: list[str], folder: Path) -> float:
    """Milliseconds from start to end."""
    began = time.perf_counter()
    subprocess.run(
        command, cwd=folder, env=environment(), check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    return (time.perf_counter() - began) * 1e3


def environment() -> dict[str, str]:
    """Without what would make Python, or wasmill, behave otherwise than they do by themselves."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("WASMILL_", "PYTHON"))}


_MEASURED = """
import sys
import orchestrator.cli.uptodate as command

def leave(code, leave=command._exit):
    with open("/proc/self/status") as status:
        sys.stdout.write(next(line.split()[1] for line in status if line.startswith("VmHWM")))
    sys.stdout.flush()
    leave(code)

command._exit = leave
command.main()
"""


def memory(folder: Path) -> float:
    """The most memory that a build from the shell had, in MB, as it says itself: what the system says of a child has
    that of its parent in it, from before it became another program."""
    command = [sys.executable, "-c", _MEASURED, "build", "-q"]
    done = subprocess.run(command, cwd=folder, env=environment(), check=True, capture_output=True, text=True)
    return int(done.stdout) / 1e3


def wasmill() -> list[str]:
    script = Path(sys.executable).parent / "wasmill"
    return [str(script)] if script.exists() else [sys.executable, "-m", "orchestrator"]


def shell(name: str, command: list[str], folder: Path) -> TableRow:
    """A row of a whole process."""

    async def work() -> float:
        return process(command, folder)

    return TableRow(name, work)


def inside(name: str, project: Project, compiled: list[int]) -> TableRow:
    """A row of a Project that stays open; `compiled` gets how many modules each build compiled."""

    async def work() -> float:
        began = time.perf_counter()
        result = await project.build()
        spent = (time.perf_counter() - began) * 1e3
        compiled.append(well(result).compiled_modules)
        return spent

    return TableRow(name, work)


def well(result: BuildResult) -> BuildResult:
    assert result.success and not result.diagnostics and result.cache_degraded is None, result
    return result


async def measure(size: Size, mode: str, place: Path, book: Book) -> None:
    """All rows of one size under one mode of invalidation. Only the first mode has those that no mode changes."""
    first = mode == size.modes[0]
    ours = {way: place / f"{way}-{mode}" for way in ("shell", "inside")}
    for folder in ours.values():
        projects.generate(folder, size.modules, size.functions)
        if mode != "transitive":
            (folder / "wasmill.toml").write_text(f'[build]\ninvalidation = "{mode}"\n')
    others = []
    if first:
        there, missing = rivals.installed()
        others = [rival for rival in there if rival.most >= size.modules]
        book.notes["not installed"] = ", ".join(missing)
        for rival in others:
            rival.prepare(place / rival.name, size.modules, size.functions)
    if first and KNOWS_MEMORY:
        book.add(f"memory/full/{size.modules}", memory(ours["shell"]), "MB")
    await _full(size, mode, ours, book)
    async with orchestrator.open(ours["inside"]) as project:
        for _ in range(3):
            await project.build()
            process([*wasmill(), "build", "-q"], ours["shell"])
            await anyio.sleep(SETTLE)
        if first:
            await _nothing(size, place, ours, project, others, book)
        await _edited(size, mode, place, ours, project, others, book)


async def _full(size: Size, mode: str, ours: dict[str, Path], book: Book) -> None:
    async def empty() -> None:
        for folder in ours.values():
            shutil.rmtree(folder / ".ruchy-cache", ignore_errors=True)
            shutil.rmtree(folder / "build", ignore_errors=True)

    async def open_and_build() -> float:
        began = time.perf_counter()
        async with orchestrator.open(ours["inside"]) as project:
            result = await project.build()
            spent = (time.perf_counter() - began) * 1e3
        assert well(result).compiled_modules == size.modules + 1
        return spent

    row = shell(f"full/shell/{mode}", [*wasmill(), "build", "-q"], ours["shell"])
    row.prepare = empty
    rows = [row, TableRow(f"full/inside/{mode}", open_and_build, empty)]
    book.add_all(await in_turn(rows, size.full_rounds), size.modules)


async def _nothing(
    size: Size, place: Path, ours: dict[str, Path], project: Project, others: list[rivals.Rival], book: Book
) -> None:
    compiled: list[int] = []
    rows = [
        shell("bare", [sys.executable, "-c", "pass"], place),
        shell("nothing/shell", [*wasmill(), "build", "-q"], ours["shell"]),
        inside("nothing/inside", project, compiled),
        *[shell(f"nothing/{rival.name}", rival.command, place / rival.name) for rival in others],
    ]
    book.add_all(await in_turn(rows, size.rounds), size.modules)
    assert not any(compiled), "nothing had changed"
    if KNOWS_MEMORY:
        book.add(f"memory/nothing/{size.modules}", memory(ours["shell"]), "MB")


async def _edited(
    size: Size,
    mode: str,
    place: Path,
    ours: dict[str, Path],
    project: Project,
    others: list[rivals.Rival],
    book: Book,
) -> None:
    compiled: list[int] = []
    rows = [
        shell(f"edit/shell/{mode}", [*wasmill(), "build", "-q"], ours["shell"]),
        inside(f"edit/inside/{mode}", project, compiled),
        shell(f"rewrite/shell/{mode}", [*wasmill(), "build", "-q"], ours["shell"]),
        inside(f"rewrite/inside/{mode}", project, []),
        *[shell(f"edit/{rival.name}", rival.command, place / rival.name) for rival in others],
    ]
    folders = [ours["shell"], ours["inside"]] * 2 + [place / rival.name for rival in others]

    def editing(row: TableRow, folder: Path) -> TableRow:
        change = size.rewrite if row.name.startswith("rewrite/") else size.edit

        async def prepare() -> None:
            change(folder)

        row.prepare = prepare
        return row

    rows = [editing(row, folder) for row, folder in zip(rows, folders, strict=True)]
    book.add_all(await in_turn(rows, size.rounds), size.modules)
    book.add(f"edit/compiled/{mode}/{size.modules}", Times(map(float, compiled), "modules"))
