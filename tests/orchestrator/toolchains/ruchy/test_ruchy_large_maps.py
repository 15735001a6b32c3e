"""Maps and sets with more keys than fit among the new ones: held against Python's own."""

from __future__ import annotations

import random

import pytest

from tests.helpers.programs import run_text

PAGE = 65536
KINDS = {"i64": "n", "String": 'f"k{n}"', "(i64, String)": '(n, "x")', "u8": "n as u8"}


BODY = """
fun main() {
    let mut m = HashMap::new()
    let mut s = HashSet::new()
    let mut old = m
    for (step, (what, n)) in STEPS.enumerate() {
        let k = key(n)
        if what < 6 { m.insert(k, step); s.insert(k) }
        else if what < 8 { *m.entry(k).or_insert(0) += 5; s.insert(k) }
        else if what < 10 { println(m.remove(k), s.remove(k)) }
        else if what == 10 { println(m.get(k), s.contains(k), m.len(), s.len()) }
        else { println(m == old, m.values()); old = m; let again = m.clone(); println(again == m) }
    }
    println(m.values(), s.len())
    for (k, v) in m.iter_mut() { *v = 1 }
    println(m.values().sum())
}
"""


def outcome(steps: list[tuple[int, int]], kind: str) -> list[str]:
    """What the program prints."""
    model: dict[int, int] = {}
    old: dict[int, int] = {}
    shown: list[str] = []

    def values() -> list[int]:
        return [model[one] for one in sorted(model, key=lambda n: f"k{n}" if kind == "String" else n)]

    for step, (what, n) in enumerate(steps):
        had = model.get(n)
        there = ("None", "false") if had is None else (f"Some({had})", "true")
        if what < 6:
            model[n] = step
        elif what < 8:
            model[n] = model.get(n, 0) + 5
        elif what < 10:
            model.pop(n, None)
            shown.append(" ".join(there))
        elif what == 10:
            shown.append(f"{' '.join(there)} {len(model)} {len(model)}")
        else:
            shown += [f"{str(model == old).lower()} {values()}", "true"]
            old = dict(model)
    return [*shown, f"{values()} {len(model)}", str(len(model))]


@pytest.mark.parametrize("kind", KINDS)
def test_a_map_is_what_a_dict_is(kind):
    draw = random.Random(7)
    steps = [(draw.randrange(12), draw.randrange(120)) for _ in range(1000)]
    head = f"fun steps() -> [(i64, i64)] {{ {steps} }}\nfun key(n: i64) -> {kind} {{ {KINDS[kind]} }}"
    ran = run_text(head + BODY.replace("STEPS", "steps()"))
    assert ran.code == 0, ran.stderr
    assert ran.stdout.splitlines() == outcome(steps, kind)


WALKS = """fun main() {
    let mut m = HashMap::new()
    for i in 0..20000 { m.insert((i * 7919) % 20011, "v" + i.to_string()) }
    let mut last = -1
    let mut count = 0
    for (k, v) in m { assert(k > last); last = k; count += 1; assert_eq(m[k], v) }
    println(count, m.keys()[0], m.len())
    let copy = m
    for i in 0..19990 { m.remove((i * 7919) % 20011) }
    println(m.len(), copy.len(), copy[7919])
    println(m.values())
}
"""


def test_keys_in_any_order_are_walked_in_order():
    ran = run_text(WALKS)
    gone = [f'"v{i}"' for i in sorted(range(19990, 20000), key=lambda i: (i * 7919) % 20011)]
    assert ran.stdout == f"20000 0 20000\n10 20000 v1\n[{', '.join(gone)}]\n"


def test_tables_of_many_keys_give_their_memory_back():
    source = """fun main() {
        let mut total = 0
        for round in 0..30 {
            let mut m = HashMap::new()
            for i in 0..2000 { m.insert("k" + ((i * 7919) % 2003).to_string(), [i]) }
            let mut other = m
            for i in 0..2000 { other.remove("k" + i.to_string()) }
            total += m.len() + other.len() + m.values().len()
        }
        println(total)
    }"""
    ran = run_text(source, memory_limit=20 * PAGE)
    assert ran.code == 0, ran.stderr
    assert ran.stdout == f"{30 * (4000 + len({(i * 7919) % 2003 for i in range(2000)} - set(range(2000))))}\n"


TOP = 'let mut m = HashMap::from([("b", [1]), ("c", [2])])\nfun g() { m.insert("a", [10])\n 5 }\n'
MOVED = {
    f'{TOP}m["b"].push(g())\nprintln(m)': "{a: [10], b: [1, 5], c: [2]}",
    f'{TOP}m["b"].insert(g() - 5, 7)\nm["b"][g() - 5] += 1\nprintln(m)': "{a: [10], b: [8, 1], c: [2]}",
    'let mut m = HashMap::from([("b", 1)])\nfun g() { m.insert("a", 10)\n 5 }\nm["b"] += g()\n'
    "println(m)": "{a: 10, b: 6}",
    'fun main() {\nlet mut m = HashMap::from([("b", 1)])\nm["b"] += { m.insert("a", 9); 5 }\n'
    "println(m) }": "{a: 9, b: 6}",
    "let mut m = HashMap::new()\nfun g() { for i in 0..50 { m.insert(1000 - i, 1) }\n 5 }\nm[5] = 1\nm[5] += g()\n"
    "*m.entry(6).or_insert(g()) += g()\nprintln(m[5], m[6], m.len())": "6 10 52",
    'fun main() {\nlet mut n = HashMap::from([("x", HashMap::from([("y", 1)]))])\n'
    'n["x"]["y"] += { n.insert("a", HashMap::new()); n["x"].insert("b", 3); 4 }\n'
    "println(n) }": "{a: {}, x: {b: 3, y: 5}}",
}


@pytest.mark.parametrize("source", MOVED)
def test_a_value_is_where_its_key_is_after_what_moved_it(source):
    assert run_text(f"{source}\n").stdout == MOVED[source] + "\n"


def test_a_key_that_is_gone_meanwhile_traps():
    ran = run_text('let mut m = HashMap::from([("b", 1)])\nm["b"] += { m.remove("b"); 1 }\n')
    assert (ran.code, ran.stderr) == (134, 'error: main.ruchy:2: key "b" not found\n')
