"""What the bench says is what was measured: rows in turn, medians, verdicts, and the place in the document."""

from __future__ import annotations

import json
from pathlib import Path

import anyio
import pytest

from tests.bench import guard
from tests.bench.bench import BEGIN, END, report, rewrite
from tests.bench.runner import Book, TableRow, Times, in_turn, shown
from tests.bench.targets import BenchTarget, Bound, said, verdict


def test_rows_are_measured_in_turn() -> None:
    order: list[str] = []

    def row(name: str, spent: float) -> TableRow:
        async def work() -> float:
            order.append(name)
            return spent + len(order)

        async def prepare() -> None:
            order.append(f"({name})")

        return TableRow(name, work, prepare if name == "b" else None)

    found = anyio.run(in_turn, [row("a", 0), row("b", 100)], 3)
    assert order == ["a", "(b)", "b", "(b)", "b", "a", "a", "(b)", "b"]
    assert found["a"].values == [1, 6, 7]
    assert (found["a"].median, found["a"].low, found["a"].high) == (6, 1, 7)
    assert found["b"].values == [103, 105, 109]


@pytest.mark.parametrize(
    ("value", "text"), [(1234.5, "1,234"), (12.34, "12.3"), (1.234, "1.23"), (0.01234, "0.0123"), (0, "0")]
)
def test_figures_are_short(value: float, text: str) -> None:
    assert shown(value) == text


def test_verdicts() -> None:
    book = Book()
    book.add("slow", Times([3, 5, 4]))
    book.add("base", 3.0)
    plain, missing = Bound("", "slow", 5), Bound("x", "none", 5)
    assert [Bound("", "slow", limit).met(book) for limit in (5, 4, 3.9)] == [True, True, False]
    assert [Bound("", "slow", limit, least=True).met(book) for limit in (5, 4, 3.9)] == [False, True, True]
    assert [Bound("", "slow", limit, of="base").met(book) for limit in (2, 1)] == [True, False]
    assert [Bound("", "slow", limit, more="base").met(book) for limit in (2, 0.5)] == [True, False]
    assert missing.met(book) is Bound("", "slow", 1, of="none").met(book) is None
    assert said(plain, book) == "4.00 ms (3.00 to 5.00)"
    assert said(Bound("y", "slow", 2, of="base"), book) == "y: 4.00 ms (3.00 to 5.00) beside 3.00"
    assert verdict(BenchTarget("", "", plain, plain), book) == "met"
    assert verdict(BenchTarget("", "", plain, Bound("", "slow", 1), missing), book) == "met / **missed** / ?"
    assert verdict(BenchTarget("", "", missing), book) == ""
    assert "| 2 workers over 1, 100 modules of 20 functions | at least 1.7 × | not measured yet |" in report(book, [10])


def test_the_tables_go_between_the_markers(tmp_path: Path) -> None:
    file = tmp_path / "page.md"
    file.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    rewrite(file, "new")
    assert file.read_text() == f"before\n{BEGIN}\nnew\n{END}\nafter\n"
    page = (Path(__file__).parents[2] / "docs/performance.md").read_text()
    assert page.count(BEGIN) == page.count(END) == 1
    file.write_text("nothing")
    with pytest.raises(SystemExit, match="no markers"):
        rewrite(file, "new")


@pytest.mark.parametrize(
    ("counts", "well", "said_of_it"),
    [
        ({"lex": 1050, "link": 1000}, True, "as it was"),
        ({"lex": 1051, "link": 1000}, False, "MORE"),
        ({"lex": 900, "link": 1000}, True, "less: write a new baseline"),
        ({"lex": 1000}, False, "not counted any more"),
        ({"lex": 1000, "link": 1000, "new": 1}, False, "not in the baseline"),
    ],
)
def test_the_guard_sees_more_work(counts: dict[str, int], well: bool, said_of_it: str) -> None:
    lines, found = guard.verdict(counts, {"lex": 1000, "link": 1000})
    assert found == well
    assert any(line.endswith(said_of_it) for line in lines)


def test_the_guard_has_ten_paths_in_each_baseline() -> None:
    names = sorted(name for name, _ in guard.paths())
    baselines = json.loads(guard.BASELINES.read_text())
    assert len(names) == 10
    assert [sorted(counts) for counts in baselines.values()] == [names] * len(baselines) != []
