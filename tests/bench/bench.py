"""The bench: `make bench`, or `python tests/bench/bench.py [--sizes 10,100] [--only builds,link,...] [--write FILE]`.

Generates projects, measures everything that the targets name (`targets.py`), rows that are to be compared in turn
(`runner.py`), prints each figure as it comes, then the tables, and stores all of it in `.bench/results.json`. Ctrl-C
ends it with what there is by then. With `--write` the tables replace what stands between the markers in that file.

Where a colleague adds a row: measure it in a module of its own with `async def measure(book)`, name it in `PARTS`, and
its target in `targets.TARGETS`.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

import anyio

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.bench import builds, functions, history
from tests.bench.runner import Book, machine
from tests.bench.targets import table

PARTS = {
    "overhead": "tests.bench.overhead",
    "link": "tests.bench.bench_link",
    "keeper": "tests.bench.bench_keeper",
    "workers": "tests.bench.bench_workers",
    "history": "tests.bench.history",
}
"""Each has `async def measure(book)`."""

SIZED = ("builds", "functions")
"""Parts that are measured for each size that is asked for."""

RESULTS = Path(__file__).parents[2] / ".bench" / "results.json"
BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"


async def run(book: Book, sizes: list[int], parts: list[str], place: Path) -> None:
    for part in PARTS:
        if part in parts:
            await importlib.import_module(PARTS[part]).measure(book)
    if "functions" in parts:
        modules = [functions.PROJECT] if functions.PROJECT in sizes else []
        await functions.measure(book, [size for size in sizes if size in functions.SIZES], modules)
    for count in sizes if "builds" in parts else ():
        size = builds.SIZES[count]
        for mode in size.modes:
            inner = place / f"{count}-{mode}"
            inner.mkdir()
            await builds.measure(size, mode, inner, book)
            shutil.rmtree(inner)


def builds_table(book: Book, sizes: list[int]) -> list[str]:
    """Everything about whole builds, one column a size."""
    rows = {
        "bare interpreter (`python -c pass`)": "bare",
        "**nothing changed, from the shell**": "nothing/shell",
        "ninja": "nothing/ninja",
        "make": "nothing/make",
        "doit": "nothing/doit",
        "SCons": "nothing/scons",
        "nothing changed, in process": "nothing/inside",
        "**one edit, from the shell**, `transitive`": "edit/shell/transitive",
        "the same under `precise`": "edit/shell/precise",
        "ninja, with `cp` for a compiler": "edit/ninja",
        "make, likewise": "edit/make",
        "doit, likewise": "edit/doit",
        "SCons, likewise": "edit/scons",
        "one edit, in process, `transitive`": "edit/inside/transitive",
        "the same under `precise`, in process": "edit/inside/precise",
        "one module rewritten, from the shell, `transitive`": "rewrite/shell/transitive",
        "the same under `precise`, from the shell": "rewrite/shell/precise",
        "one module rewritten, in process, `transitive`": "rewrite/inside/transitive",
        "the same under `precise`, in process again": "rewrite/inside/precise",
        "modules that this compiles, `transitive`": "edit/compiled/transitive",
        "modules that this compiles, `precise`": "edit/compiled/precise",
        "**full build, from the shell**": "full/shell/transitive",
        "full build, in process": "full/inside/transitive",
        "full build under `precise`, from the shell": "full/shell/precise",
        "memory of a full build, MB": "memory/full",
        "memory where nothing changed, MB": "memory/nothing",
    }
    lines = [f"| | {' | '.join(f'{size:,}' for size in sizes)} |", "|---|" + "---|" * len(sizes)]
    for text, name in rows.items():
        found = [book.figures.get(f"{name}/{size}") for size in sizes]
        if any(found):
            cells = [
                str(one).replace(" ms", "").replace(" MB", "").replace(" modules", "") if one else "" for one in found
            ]
            lines.append(f"| {text} | {' | '.join(cells)} |")
    return lines


def watched_lines(book: Book) -> list[str]:
    nobody, listener, tap = (book.median(f"watched/ratio/{who}") for who in ("nobody", "a listener", "a tap"))
    if nobody is None or listener is None or tap is None:
        return []
    text = (
        "Events and messages can be watched. A build that nobody watches takes "
        f"{nobody:.5f} times as long as if that could not be (calls counted, and timed), with a listener "
        f"{listener:.2f}, with a tap {tap:.2f} (1,000 modules without a compiler, processor time)."
    )
    return ["", text]


def report(book: Book, sizes: list[int]) -> str:
    here, loads = machine(), book.loads
    where = f"{here['processor']}, {here['cores']} cores, {here['system']}, {here['python']}"
    when = f"{book.began:%Y-%m-%d}, load {min(loads):.1f} to {max(loads):.1f}"
    lines = [f"{where}; {when}. Milliseconds, median (fastest to slowest)."]
    if book.notes.get("not installed"):
        lines.append(f"Not installed: {book.notes['not installed']}.")
    if any(name.startswith("full/") for name in book.figures):
        lines += ["", *builds_table(book, sizes)]
    lines += [*functions.table(book), "", *table(book), *history.lines(book), *watched_lines(book)]
    return "\n".join(lines)


def rewrite(file: Path, text: str) -> None:
    """Put the text between the markers. Raises SystemExit where they are not there."""
    before, begin, rest = file.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"{file} has no markers {BEGIN} and {END}")
    file.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--sizes", help="numbers of modules, and of functions in one; without --only, their parts alone"
    )
    parser.add_argument("--only", help="parts to measure")
    parser.add_argument("--write", metavar="FILE", help="the document whose tables to replace")
    asked = parser.parse_args()
    sizes = [int(size) for size in asked.sizes.split(",")] if asked.sizes else list(builds.SIZES)
    parts = asked.only.split(",") if asked.only else [*SIZED, *(() if asked.sizes else PARTS)]
    book = Book()
    place = Path(tempfile.mkdtemp(prefix="bench-", dir=os.environ.get("FOLDER")))
    try:
        anyio.run(run, book, sizes, parts, place)
    except KeyboardInterrupt:
        print("\ninterrupted: this is what was measured")
        book.notes["interrupted"] = "yes"
    finally:
        shutil.rmtree(place, ignore_errors=True)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(book.to_json(), indent=1) + "\n")
    text = report(book, sizes)
    print(f"\n{text}\n\nstored in {RESULTS}")
    if asked.write:
        rewrite(Path(asked.write), text)
        print(f"and written to {asked.write}")


if __name__ == "__main__":
    main()
