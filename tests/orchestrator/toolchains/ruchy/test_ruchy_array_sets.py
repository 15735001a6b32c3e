"""`unique`, `union`, `intersection` and `difference` of arrays of a few elements and of many, and sets of arrays."""

from __future__ import annotations

import random

import pytest

from tests.helpers.programs import run_text

VALUES = {
    "integers": lambda draw: draw.randrange(40),
    "texts": lambda draw: f"k{draw.randrange(40)}",
    "pairs": lambda draw: (draw.randrange(7), f"x{draw.randrange(6)}"),
    "floats": lambda draw: draw.randrange(9) + 0.5,  # are no keys: compared with each other
}


def written(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(written(one) for one in value)}]"
    if isinstance(value, tuple):
        return f"({', '.join(written(one) for one in value)})"
    return f'"{value}"' if isinstance(value, str) else str(value)


def firsts(values: list[object]) -> list[object]:
    return list(dict.fromkeys(values))


@pytest.mark.parametrize("what", VALUES)
@pytest.mark.parametrize("size", [3, 60])
def test_the_first_of_each_value_stays_in_its_order(what, size):
    draw = random.Random(size)
    a, b = ([VALUES[what](draw) for _ in range(size)] for _ in range(2))
    source = (
        f"fun main() {{ let a = {written(a)}; let b = {written(b)};"
        " println(a.unique()); println(a.union(b)); println(a.intersection(b)); println(a.difference(b)); println(a); }"
    )
    wanted = [firsts(a), firsts(a + b), firsts([x for x in a if x in b]), firsts([x for x in a if x not in b]), a]
    assert run_text(source).stdout == "".join(f"{written(one)}\n" for one in wanted)


def test_sets_made_from_arrays_and_joined_are_in_order():
    source = """fun main() {
        let words = "pear fig apple fig date".split(" ");
        let mut s = words.into_iter().collect::<HashSet<String>>();
        println(s, s.union(HashSet::from(["cherry", "fig"])), words.len());
        s.extend(["banana", "fig"]);
        println(s, HashSet::from([3, 1, 2, 3, 1]));
    }"""
    assert run_text(source).stdout == (
        '{"apple", "date", "fig", "pear"} {"apple", "cherry", "date", "fig", "pear"} 5\n'
        '{"apple", "banana", "date", "fig", "pear"} {1, 2, 3}\n'
    )


def test_memory_is_given_back():
    source = """fun main() {
        let mut a = []; for i in 0..60 { a.push("k" + (i * 7 % 50)) }
        let b = a.skip(20);
        let mut total = 0;
        for turn in 0..700 {
            total += a.unique().len() + a.union(b).len() + a.intersection(b).len() + a.difference(b).len()
        }
        println(total);
    }"""
    ended = run_text(source, memory_limit=1 << 20)
    assert (ended.code, ended.stderr) == (0, "")


def test_twenty_thousand_elements_take_no_time_with_their_square():
    source = """fun main() {
        let mut xs = []; let mut ys = [];
        for i in 0..20000 { xs.push(i * 7919 % 1000003); ys.push(i) }
        println(xs.unique().len(), xs.union(ys).len() > 20000, ys.difference(xs).len() < 20000);
    }"""
    ended = run_text(source)
    assert (ended.code, ended.stdout) == (0, "20000 true true\n")
