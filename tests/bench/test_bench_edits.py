"""A history is the same for the same seed, of edits that are what they say; and a short one replays, with figures."""

from __future__ import annotations

import itertools

import anyio
import pytest

from tests.bench import functions, history
from tests.bench.bench import report
from tests.bench.edits import WEIGHTS, SourceEditor
from tests.bench.edits import functions as functions_in
from tests.bench.runner import Book

TEXT = """// One.
const LIMIT: i64 = 3;

fun main() {
    let first = 4;
    // 5
    println(f"{first + 1} 6");
}

pub fun twice(a: i64) -> i64 {
    a * 2
}
"""


class Only(SourceEditor):
    """Edits of one kind."""

    def of(self, kind: str) -> str:
        made = self._edited(kind, TEXT)
        assert made is not None
        return made


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("operator", {TEXT.replace(" * ", " + ")}),
        ("constant", {TEXT.replace("= 3", f"= {3 + more}") for more in range(1, 9)}),
        ("rename", {TEXT.replace("first", "first_0")}),
        ("string", {TEXT.replace(' 6"', f' 6 {more}"') for more in range(1, 9)}),
        ("remove comment", {TEXT.replace("// One.\n", ""), TEXT.replace("    // 5\n", "")}),
        ("parameter", {TEXT.replace("(a: i64)", f"(a: i64, more_0: i64 = {more})") for more in range(1, 9)}),
        (
            "literal",
            {TEXT.replace("= 4", f"= {4 + more}") for more in range(1, 9)}
            | {TEXT.replace("* 2", f"* {2 + more}") for more in range(1, 9)},
        ),
        ("typo", {TEXT.replace("println(", "printlnn("), TEXT.replace('6");', '6";')}),
    ],
)
def test_edits_are_made_where_they_mean_something(kind: str, expected: set[str]) -> None:
    found = {Only({"main.ruchy": TEXT}, seed).of(kind) for seed in range(60)}
    assert found <= expected
    assert len(found) > len(expected) // 3


def test_the_same_seed_gives_the_same_history() -> None:
    texts = history.texts_of("routes")
    one, other = SourceEditor(texts, 1), SourceEditor(texts, 1)
    made = [one.next() for _ in range(150)]
    assert made == [other.next() for _ in range(150)]
    assert made != [another.next() for another in [SourceEditor(texts, 2)] for _ in range(150)]
    assert {edit.kind for edit in made} == {*WEIGHTS, "mending"}
    for edit, after in itertools.pairwise(made):
        assert edit.fails == (edit.kind == "typo") == (after.kind == "mending")


def test_reverting_goes_back_edit_by_edit() -> None:
    texts = history.texts_of("hello")
    editor = SourceEditor(texts, 3)
    for _ in range(40):
        editor.next()
    while editor._undo:
        editor._back("revert")
    assert editor.texts == texts


@pytest.mark.slow
def test_a_short_history_replays() -> None:
    tallies = {mode: history.SchedulesTally() for mode in history.MODES}
    anyio.run(history.one_program, "hello", 4, 5, tallies)
    book = Book()
    for mode, tally in tallies.items():
        assert tally.checks == 1 and tally.builds >= 4
        assert 0 < tally.new_texts <= tally.misses
        assert 0 < tally.compiled < tally.functions
        tally.write(mode, book)
    assert tallies["precise"].misses <= tallies["transitive"].misses
    assert "after seeded edits of the examples" in report(book, [])


def test_fingerprints_are_measured_of_an_edited_module() -> None:
    async def both() -> list[dict[str, str]]:
        one = functions.Fingerprinting(4)
        found = []
        for _ in range(2):
            await one.edit()
            assert await one.make() > 0
            found.append({name: made.digest for name, made in one.facts.fingerprints("p0/m0").items()})
        return found

    first, second = anyio.run(both)
    assert first.keys() == second.keys() == {f"m0_{number}" for number in range(4)}
    assert not set(first.values()) & set(second.values())


def test_functions_are_counted() -> None:
    assert functions_in(TEXT) == 2
