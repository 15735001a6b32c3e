"""How much of the work is spared while people program: `python tests/bench/history.py [EDITS] [SEED]`.

A seeded history of edits (`edits.py`) of copies of the programs in docs/examples, with a build after each one, in
Projects that stay open, under `transitive` and under `precise`. From time to time, and at the end, objects and program
are compared with those of a build from an empty cache, byte for byte. The first build of all, from nothing, counts
nowhere.

- The hit rate of modules: hits of all look-ups, as the cache's statistics count them. A module whose text is new cannot
  hit, so in a program of three modules no cache could spare more than two thirds; beside it therefore the most that was
  possible: only modules whose text had not been there before are compiled. A build in which nothing changed looks
  nothing up, and counts in neither rate.
- The hit rate of functions: those that were not compiled, be it that they were reused or that their module hit, of all
  functions of the builds that succeeded.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import anyio

sys.path.insert(0, str(Path(__file__).parents[2]))

import orchestrator
from orchestrator import BuildResult, Project, Sources
from tests.bench.edits import Edit, SourceEditor, functions
from tests.bench.runner import Book, Times

EXAMPLES = Path(__file__).parents[2] / "docs/examples"
SHARES = {"invoice": 0.45, "routes": 0.4, "hello": 0.15}
"""Programs, and how many of the edits each gets."""

EDITS = 400
SEED = 6
CHECK_EVERY = 25
MODES = ("transitive", "precise")


class SchedulesTally:
    """What came of the builds of one mode."""

    def __init__(self) -> None:
        self.builds = 0
        self.failed = 0
        self.nothing = 0
        """Builds that succeeded and compiled no function."""
        self.hits = 0
        self.misses = 0
        self.new_texts = 0
        """Look-ups that no cache could have answered."""
        self.functions = 0
        self.compiled = 0
        self.checks = 0
        self.times: list[float] = []

    def write(self, mode: str, book: Book) -> None:
        looked_up = self.hits + self.misses
        spared = self.functions - self.compiled
        book.add(f"history/modules/{mode}", 100 * self.hits / looked_up, "%")
        book.add(f"history/modules/possible/{mode}", 100 * (1 - self.new_texts / looked_up), "%")
        book.add(f"history/functions/{mode}", 100 * spared / self.functions, "%")
        book.add(f"history/builds/{mode}", self.builds, "builds")
        book.add(f"history/failed/{mode}", self.failed, "builds")
        book.add(f"history/nothing compiled/{mode}", 100 * self.nothing / (self.builds - self.failed), "%")
        book.add(f"history/compared/{mode}", self.checks, "builds")
        book.add(f"history/times/{mode}", Times(self.times))


class Replay:
    """One program under one mode, as the history goes by."""

    def __init__(self, project: Project, folder: Path, texts: dict[str, str], mode: str, tally: SchedulesTally) -> None:
        self.project = project
        self.folder = folder
        self.mode = mode
        self.tally = tally
        self._texts = dict(texts)
        self._seen = set(texts.items())
        for path, text in texts.items():
            self._write(path, text)

    def _write(self, path: str, text: str) -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    async def begin(self) -> None:
        """The build that counts nowhere."""
        first = await self.project.build()
        assert first.success and len(first.recompiled_functions) == self._functions(), first

    def _functions(self) -> int:
        return sum(map(functions, self._texts.values()))

    async def edit(self, edit: Edit) -> None:
        """Make the edit, build, and count."""
        self._texts[edit.path] = edit.text
        self._write(edit.path, edit.text)
        before = await self.project.cache.statistics()
        began = time.perf_counter()
        result = await self.project.build()
        self.tally.times.append((time.perf_counter() - began) * 1e3)
        after = await self.project.cache.statistics()
        assert result.success is not edit.fails and result.cache_degraded is None, (edit, result)
        self._count(edit, result, after.hits - before.hits, after.misses - before.misses)

    def _count(self, edit: Edit, result: BuildResult, hits: int, misses: int) -> None:
        tally = self.tally
        tally.builds += 1
        tally.hits += hits
        tally.misses += misses
        tally.new_texts += bool(misses) and (edit.path, edit.text) not in self._seen
        if edit.fails:
            tally.failed += 1
            return
        self._seen.add((edit.path, edit.text))
        assert misses == result.compiled_modules == len(result.recompiled), result
        assert hits == (result.cache_hits if edit.kind != "touch" else 0), result
        tally.nothing += not result.recompiled_functions
        if hits or misses:
            tally.functions += self._functions()
            tally.compiled += len(result.recompiled_functions)

    async def compare(self) -> None:
        """With a build from an empty cache."""
        async with orchestrator.open(Sources(self._texts), entry="main.ruchy", invalidation=self.mode) as fresh:
            assert await everything(self.project) == await everything(fresh)
        self.tally.checks += 1


async def everything(project: Project) -> tuple[dict[str, bytes | None], bytes]:
    """All objects by module, and the program."""
    result = await project.build()
    assert result.success and result.program, result
    found = await project.cache.lookup_all(list((await project.graph()).modules))
    assert all(found.values())
    return {module: one.data if one else None for module, one in found.items()}, result.program.read_bytes()


def texts_of(example: str) -> dict[str, str]:
    """The sources of a program, by path."""
    folder = EXAMPLES / example
    return {str(file.relative_to(folder).as_posix()): file.read_text() for file in sorted(folder.rglob("*.ruchy"))}


async def one_program(example: str, edits: int, seed: int, tallies: dict[str, SchedulesTally]) -> None:
    """So many edits of one program; the same in all modes."""
    texts = texts_of(example)
    for mode, tally in tallies.items():
        editor = SourceEditor(texts, seed)
        with tempfile.TemporaryDirectory(prefix="bench-history-") as place:
            folder = Path(place)
            async with orchestrator.open(folder, invalidation=mode) as project:
                replay = Replay(project, folder, texts, mode, tally)
                await replay.begin()
                last = None
                for number in range(1, edits + 1):
                    last = editor.next()
                    await replay.edit(last)
                    if number % CHECK_EVERY == 0 and not last.fails:
                        await replay.compare()
                if last is None or last.fails:
                    await replay.edit(editor.next())
                await replay.compare()


async def measure(book: Book, edits: int = EDITS, seed: int = SEED) -> None:
    """Everything here, of a history of so many edits."""
    tallies = {mode: SchedulesTally() for mode in MODES}
    for number, (example, share) in enumerate(SHARES.items()):
        await one_program(example, round(edits * share), seed + number, tallies)
    for mode, tally in tallies.items():
        tally.write(mode, book)


def lines(book: Book) -> list[str]:
    """What the history was, in a paragraph; nothing where it was not replayed."""
    if "history/times/precise" not in book.figures:
        return []
    said = {name.removeprefix("history/"): str(found) for name, found in book.figures.items()}
    text = (
        f"The history: {said['builds/precise']} after seeded edits of the examples, the same in both modes, "
        f"{said['failed/precise']} of them with a typo that fails; {said['compared/precise']} compared with one from "
        "an empty cache, byte for byte. A module whose text is new cannot hit, so no cache could have had a rate of "
        f"modules above {said['modules/possible/precise']}: these are programs of 3, 8 and 14 modules. Of the builds "
        f"that succeeded, {said['nothing compiled/precise']} under `precise` compiled no function "
        f"({said['nothing compiled/transitive']} under `transitive`). A build took {said['times/precise']} under "
        f"`precise`, {said['times/transitive']} under `transitive`."
    )
    return ["", text]


if __name__ == "__main__":
    anyio.run(measure, Book(), *map(int, sys.argv[1:]))
