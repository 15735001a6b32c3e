"""What one edit costs in modules of ever more functions: `python tests/bench/functions.py [FUNCTIONS...]`; in projects
of ever more modules with `modules MODULES...`.

A module and a `main` that calls it, under `precise`. In turn: the body of the function in the middle changes, and a
comment is added in front of everything; built in a Project that stays open, and from the shell. What is compiled is
asserted: one function, or none. Beside these the one part that must grow with the module: reading it, naming it by
digest and splitting it into items. Then the fingerprints of an edited module of 20 functions. With `profile FUNCTIONS`
it says where the time of such a build in process goes.
"""

from __future__ import annotations

import cProfile
import itertools
import json
import pstats
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

import anyio

sys.path.insert(0, str(Path(__file__).parents[2]))

import orchestrator
from actors.compiler.toolchain import SummariseJob
from actors.digests import NO_STAMP
from actors.hasher.source import digest
from actors.messages import BuildSettings, Source
from actors.planner.facts import Facts
from orchestrator import Project
from orchestrator.toolchains.ruchy import Ruchy
from orchestrator.toolchains.ruchy.syntax.split import split
from tests.bench.builds import SETTLE, environment, process, wasmill, well
from tests.bench.projects import FUNCTION, generate, imports_of, middle, module_text, path_of
from tests.bench.runner import Book, TableRow, in_turn

SIZES = {10: 15, 100: 15, 1_000: 7, 10_000: 5}
"""Numbers of functions, and how often each row is measured."""

PRINTED = 20
RUCHY = Ruchy()
EACH = 20
"""Functions in each of many modules."""
PROJECT = 1_000
Edit = Callable[[], Awaitable[None]]
Make = Callable[[Path, int], "Edited"]


class Edited:
    """A project in a folder, the module of it that is edited, and the function whose body changes. No two edits give
    the same text."""

    def __init__(self, folder: Path, module: str, function: str, text: str) -> None:
        self.folder = folder
        self.module = module
        self.function = f"{module}::{function}"
        self.file = folder / f"{module}.ruchy"
        before, header, after = text.partition(f"fun {function}(")
        old = " + 1;"
        body, found, rest = after.partition(old)
        assert header and found
        self._parts = (before + header + body, rest)
        self._salts = itertools.count(2)
        self._salt = 1
        self._comments = ""
        (folder / "wasmill.toml").write_text('[build]\ninvalidation = "precise"\n')
        self._write()

    def _write(self) -> None:
        before, after = self._parts
        self.file.write_text(f"{self._comments}{before} + {self._salt};{after}")

    async def body(self) -> None:
        self._salt = next(self._salts)
        self._write()

    async def comment(self) -> None:
        self._comments += f"// Note {next(self._salts)}.\n"
        self._write()


def one_module(folder: Path, functions: int) -> Edited:
    """A module `big` of so many functions, and a `main` that calls it."""
    folder.mkdir(parents=True)
    (folder / "main.ruchy").write_text("use big::big_0;\n\nfun main() {\n    println(big_0(1, 3));\n}\n")
    text = "\n".join(FUNCTION.format(name="big", number=one, salt=1, tail="total") for one in range(functions))
    return Edited(folder, "big", f"big_{functions // 2}", text)


def many_modules(folder: Path, modules: int) -> Edited:
    """Modules of 20 functions; one in the middle of the graph is edited."""
    generate(folder, modules, EACH)
    index = middle(modules)
    text = module_text(index, EACH, imports_of(index, modules))
    return Edited(folder, path_of(index), f"m{index}_{EACH // 2}", text)


def inside(name: str, one: Edited, project: Project, edit: Edit, compiled: list[str], reused: list[int]) -> TableRow:
    async def work() -> float:
        began = time.perf_counter()
        result = await project.build()
        spent = (time.perf_counter() - began) * 1e3
        assert well(result).recompiled == [one.module] and result.recompiled_functions == compiled, result
        reused.append(result.cached_functions)
        return spent

    return TableRow(name, work, edit)


def from_shell(name: str, one: Edited, edit: Edit) -> TableRow:
    async def work() -> float:
        return process([*wasmill(), "build", "-q"], one.folder)

    return TableRow(name, work, edit)


async def shell_compiles(one: Edited, edit: Edit, compiled: list[str]) -> None:
    """Assert what a new process compiles after an edit: the rows are measured with `-q`, which does not say it."""
    await edit()
    command = [*wasmill(), "build", "--json"]
    done = await anyio.run_process(command, cwd=one.folder, env=environment())
    last = json.loads(done.stdout.splitlines()[-1])
    assert (last["recompiled"], last["recompiled_functions"]) == ([one.module], compiled), last


def reading(name: str, one: Edited) -> TableRow:
    """What must grow with the module, whoever builds it."""

    async def work() -> float:
        began = time.perf_counter()
        data = RUCHY.normalise(one.file.read_bytes())
        digest(data)
        split(data.decode())
        return (time.perf_counter() - began) * 1e3

    return TableRow(name, work)


async def measure_one(name: str, size: int, make: Make, functions: int, rounds: int, place: Path, book: Book) -> None:
    """All rows of one project, whose edited module has so many functions."""
    opened, shell = make(place / f"inside-{name}-{size}", size), make(place / f"shell-{name}-{size}", size)
    for _ in range(3):
        process([*wasmill(), "build", "-q"], shell.folder)
        await anyio.sleep(SETTLE)
    async with orchestrator.open(opened.folder) as project:
        assert len(well(await project.build()).recompiled_functions) > functions
        for edit in (opened.body, opened.comment):
            await edit()
            await project.build()
        reused: dict[str, list[int]] = {"body": [], "comment": []}
        rows = [
            inside(f"{name}/inside/body", opened, project, opened.body, [opened.function], reused["body"]),
            inside(f"{name}/inside/comment", opened, project, opened.comment, [], reused["comment"]),
            from_shell(f"{name}/shell/body", shell, shell.body),
            from_shell(f"{name}/shell/comment", shell, shell.comment),
            reading(f"{name}/reading", opened),
        ]
        book.add_all(await in_turn(rows, rounds), size)
    await shell_compiles(shell, shell.body, [shell.function])
    await shell_compiles(shell, shell.comment, [])
    for what, counts in reused.items():
        assert set(counts) == {functions - (what == "body")}, counts
        book.add(f"{name}/compiled/{what}/{size}", functions - counts[0], "functions")
        book.add(f"{name}/reused/{what}/{size}", counts[0], "functions")


class Fingerprinting:
    """A project of four modules of so many functions, the first of which is edited, as the planner knows it."""

    COUNT = 4

    def __init__(self, functions: int) -> None:
        self.functions = functions
        self.settings = BuildSettings(invalidation="precise")
        self.facts = Facts("bench")
        self._salts = itertools.count(1)

    async def edit(self) -> None:
        """Everything that comes before the fingerprints; nothing that they look up is known from the last time."""
        salts = [next(self._salts), *[1] * (self.COUNT - 1)]
        read = []
        for index, salt in enumerate(salts):
            data = module_text(index, self.functions, imports_of(index, self.COUNT), salt).encode()
            path = path_of(index)
            read.append(Source(module=path, path=f"{path}.ruchy", digest=digest(data), data=data, stamp=NO_STAMP))
        self.facts.take((), read, ())
        while (need := self.facts.update(self.settings)) is not None:
            assert not need.inferences
            for module, file in need.summaries.items():
                done = RUCHY.summarise(SummariseJob(module=module, path=file.path, source=file.data or b""))
                assert done.summary is not None
                self.facts.learn(module, done.summary)

    async def make(self) -> float:
        began = time.perf_counter()
        made = self.facts.fingerprints(path_of(0))
        spent = (time.perf_counter() - began) * 1e3
        assert len(made) == self.functions
        return spent


async def fingerprints(book: Book) -> None:
    one = Fingerprinting(20)
    found = await in_turn([TableRow("fingerprints", one.make, one.edit)], 40)
    book.add_all(found, 20)


async def measure(book: Book, sizes: Iterable[int] = SIZES, modules: Iterable[int] = ()) -> None:
    """Modules of so many functions, and projects of so many modules; and the fingerprints."""
    await fingerprints(book)
    with tempfile.TemporaryDirectory(prefix="bench-functions-") as name:
        place = Path(name)
        for size in sizes:
            await measure_one("function", size, one_module, size, SIZES.get(size, 5), place, book)
        for size in modules:
            await measure_one("project", size, many_modules, EACH, SIZES.get(size, 5), place, book)


def table(book: Book) -> list[str]:
    """One column a size; nothing where nothing was measured."""
    columns = [("function", f"{size:,} functions", size) for size in SIZES]
    columns.append(("project", f"{PROJECT:,} modules of {EACH}", PROJECT))
    columns = [one for one in columns if f"{one[0]}/reading/{one[2]}" in book.figures]
    if not columns:
        return []
    rows = {
        "a body changed, in process": "inside/body",
        "a body changed, from the shell": "shell/body",
        "functions compiled, reused": "{}/body",
        "a comment added, in process": "inside/comment",
        "a comment added, from the shell": "shell/comment",
        "functions compiled, reused, with the comment": "{}/comment",
        "of it: reading the file, its digest, splitting it": "reading",
    }
    lines = [
        f"| one edit, `precise` | {' | '.join(text for _, text, _ in columns)} |",
        "|---" * (len(columns) + 1) + "|",
    ]
    for text, row in rows.items():
        cells = []
        for name, _, size in columns:
            figures = [f"{name}/{row.format(one)}/{size}" for one in (("compiled", "reused") if "{}" in row else ("",))]
            cells.append(
                ", ".join(str(book.figures[one]).replace(" ms", "").replace(" functions", "") for one in figures)
            )
        lines.append(f"| {text} | {' | '.join(cells)} |")
    return ["", *lines]


async def profiled(functions: int) -> None:
    """Print where a build in process after one edit goes, by function, and its share of the whole."""
    with tempfile.TemporaryDirectory(prefix="bench-functions-") as place:
        one = one_module(Path(place) / "inside", functions)
        async with orchestrator.open(one.folder, jobs=1) as project:
            for _ in range(3):
                await one.body()
                await project.build()
            await one.body()
            profile = cProfile.Profile()
            profile.enable()
            await project.build()
            profile.disable()
    pstats.Stats(profile).sort_stats("cumulative").print_stats(PRINTED * 3).sort_stats("tottime").print_stats(PRINTED)


def main() -> None:
    numbers = [int(one) for one in sys.argv[1:] if one.isdigit()]
    if "profile" in sys.argv:
        anyio.run(profiled, numbers[0] if numbers else 1_000)
    elif "modules" in sys.argv:
        anyio.run(measure, Book(), (), numbers)
    else:
        anyio.run(measure, Book(), numbers or SIZES)


if __name__ == "__main__":
    main()
