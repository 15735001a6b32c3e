"""The targets, each with the figures that it is about: what was asked, what was measured, and whether it is met."""

from __future__ import annotations

from tests.bench.runner import Book, Times, shown

NOT_YET = "not measured yet"


class Bound:
    """A figure and the most (or the least) that it may be. `of`: a multiple of this other figure; `more`: that much
    above it."""

    def __init__(
        self,
        label: str,
        figure: str,
        limit: float,
        *,
        of: str = "",
        more: str = "",
        least: bool = False,
        unit: str = "",
    ) -> None:
        self.label = label
        self.figure = figure
        self.limit = limit
        self.of = of
        self.more = more
        self.least = least
        self.unit = unit

    def measured(self, book: Book) -> Times | None:
        return book.figures.get(self.figure)

    def bound(self, book: Book) -> float | None:
        """What the figure is compared with; None where that was not measured."""
        if not self.of and not self.more:
            return self.limit
        base = book.median(self.of or self.more)
        return None if base is None else base * self.limit if self.of else base + self.limit

    def met(self, book: Book) -> bool | None:
        times, bound = self.measured(book), self.bound(book)
        if times is None or bound is None:
            return None
        return times.median >= bound if self.least else times.median <= bound


class BenchTarget:
    """A row of the table. `asked` is how the target reads."""

    def __init__(self, figure: str, asked: str, *limits: Bound) -> None:
        self.figure = figure
        self.asked = asked
        self.limits = limits


def _ladder(name: str, sizes: dict[int, float]) -> list[Bound]:
    return [Bound(f"{size:,}", f"{name}/{size}", limit) for size, limit in sizes.items()]


TARGETS = [
    BenchTarget(
        "nothing changed, from the shell, 10 / 1,000 modules",
        "within 5 ms of a bare interpreter",
        *[Bound(f"{size:,}", f"nothing/shell/{size}", 5, more=f"bare/{size}") for size in (10, 1_000)],
    ),
    BenchTarget(
        "nothing changed, from the shell, 10,000 modules",
        "at most 0.8 × ninja",
        Bound("10,000", "nothing/shell/10000", 0.8, of="nothing/ninja/10000"),
    ),
    BenchTarget(
        "nothing changed, in process, 10 / 1,000 / 10,000 modules",
        "< 1 / 2 / 28 ms",
        *_ladder("nothing/inside", {10: 1, 1_000: 2, 10_000: 28}),
    ),
    BenchTarget(
        "one module changed (one body), from the shell, 10 / 100 / 1,000 modules",
        "< 170 / 180 / 240 ms",
        *_ladder("edit/shell/transitive", {10: 170, 100: 180, 1_000: 240}),
    ),
    BenchTarget(
        "one module changed (one body), in process, 10 / 100 / 1,000 modules",
        "< 10 / 15 / 50 ms",
        *_ladder("edit/inside/transitive", {10: 10, 100: 15, 1_000: 50}),
    ),
    BenchTarget(
        "one module rewritten (all 20 bodies), from the shell, 10 / 100 / 1,000 modules",
        "< 170 / 180 / 240 ms",
        *_ladder("rewrite/shell/transitive", {10: 170, 100: 180, 1_000: 240}),
    ),
    BenchTarget(
        "one module rewritten (all 20 bodies), in process, 10 / 100 / 1,000 modules",
        "< 10 / 15 / 50 ms",
        *_ladder("rewrite/inside/transitive", {10: 10, 100: 15, 1_000: 50}),
    ),
    BenchTarget(
        "one module changed, 10,000 modules of 2 functions, under `precise`",
        "< 450 ms from the shell, < 120 ms in process",
        Bound("shell", "edit/shell/precise/10000", 450),
        Bound("in process", "edit/inside/precise/10000", 120),
    ),
    BenchTarget(
        "full build, 1,000 modules of 20 functions, from the shell",
        "< 25 s",
        *_ladder("full/shell/transitive", {1_000: 25_000}),
    ),
    BenchTarget("actors, messages, keys and cache, a compiled module", "at most 100 µs", Bound("", "actors/1000", 100)),
    BenchTarget(
        "cache look-up in a batch, read and checked, a module", "< 20 µs", Bound("", "keeper/look-up/10000", 20)
    ),
    BenchTarget("fingerprints of an edited module of 20 functions", "< 0.3 ms", Bound("", "fingerprints/20", 0.3)),
    BenchTarget(
        "relink after one function changed in 10,000",
        "< 5 ms with the image resident, < 60 ms from a new process",
        Bound("resident", "link/resident", 5),
        Bound("new process", "link/new process", 60),
    ),
    BenchTarget(
        "hit rate over a replayed editing history, functions",
        "> 95 %",
        *[Bound(f"`{mode}`", f"history/functions/{mode}", 95, least=True) for mode in ("transitive", "precise")],
    ),
    BenchTarget(
        "the same, whole modules",
        "> 95 %",
        *[Bound(f"`{mode}`", f"history/modules/{mode}", 95, least=True) for mode in ("transitive", "precise")],
    ),
    BenchTarget(
        "metadata and index, of the compiled size, modules of 20 KB",
        "< 10 %",
        Bound("", "keeper/storage/10000", 10),
    ),
    BenchTarget("memory of the cache's structures, 10,000 modules", "< 50 MB", Bound("", "keeper/memory/10000", 50)),
    BenchTarget(
        "2 workers over 1, 100 modules of 20 functions",
        "at least 1.7 ×",
        Bound("", "workers/speed-up", 1.7, least=True),
    ),
]


def said(limit: Bound, book: Book) -> str:
    times = limit.measured(book)
    label = f"{limit.label}: " if limit.label else ""
    if times is None:
        return f"{label}{NOT_YET}"
    beside = limit.of or limit.more
    base = book.median(beside) if beside else None
    also = f" beside {shown(base)}" if base is not None else ""
    return f"{label}{times}{also}"


def verdict(target: BenchTarget, book: Book) -> str:
    met = [limit.met(book) for limit in target.limits]
    if None in met and not any(one is not None for one in met):
        return ""
    words = {True: "met", False: "**missed**", None: "?"}
    return words[met[0]] if len(set(met)) == 1 else " / ".join(words[one] for one in met)


def table(book: Book) -> list[str]:
    """The table of targets, in Markdown."""
    lines = ["| figure | target | here | |", "|---|---|---|---|"]
    for target in TARGETS:
        here = "; ".join(said(limit, book) for limit in target.limits)
        lines.append(f"| {target.figure} | {target.asked} | {here} | {verdict(target, book)} |")
    return lines
