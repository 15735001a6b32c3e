"""Maps and sets: what they do, what cannot be done with them, and that their memory comes back."""

import random

import pytest

from tests.helpers.programs import run_text
from tests.orchestrator.toolchains.ruchy.check.checking import found

CASES = {
    "a key of floats": ("fun main() {\n let mut m = HashMap::new();\n m[1.5] = 2;\n println(m);\n}", [("E0290", 2)]),
    "a set of objects": (
        "fun main() {\n let mut s = HashSet::new();\n s.insert({a: 1});\n println(s);\n}",
        [("E0290", 2)],
    ),
    "a written key that is a map": ("fun f(m: HashMap<HashMap<i64, i64>, i64>) {\n println(m)\n}", [("E0290", 1)]),
    "a key of another type": (
        'fun main() {\n let mut m = HashMap::new();\n m["a"] = 1;\n m[2] = 1;\n println(m);\n}',
        [("E0290", 4)],
    ),
    "a value of another type": (
        'fun main() {\n let mut m = HashMap::new();\n m["a"] = 1;\n m["b"] = "x";\n println(m);\n}',
        [("E0201", 4)],
    ),
    "an item of another type": (
        'fun main() {\n let mut s = HashSet::new();\n s.insert("a");\n println(s.contains(1));\n}',
        [("E0290", 4)],
    ),
    "an unknown method": ("fun main() {\n let m = HashMap::from([(1, 2)]);\n println(m.gte(1));\n}", [("E0107", 3)]),
    "too many arguments": (
        "fun main() {\n let m = HashMap::from([(1, 2)]);\n m.get(1, 2, 3);\n}",
        [("E0301", 3)],
    ),
    "a change that is lost": ("fun main() {\n HashMap::from([(1, 2)]).insert(1, 2);\n}", [("E0211", 2)]),
    "a map of no pairs": ("fun main() {\n println(HashMap::from([1, 2]));\n}", [("E0201", 2)]),
    "get_mut": ("fun main() {\n let mut m = HashMap::from([(1, 2)]);\n m.get_mut(1);\n}", [("E0720", 3)]),
    "a part of a map": ("fun main() {\n let m = HashMap::from([(1, 2)]);\n println(m[0..1]);\n}", [("E0215", 3)]),
}


@pytest.mark.parametrize("name", CASES)
def test_error(name):
    source, wanted = CASES[name]
    assert found(source) == wanted


@pytest.mark.slow
def test_against_a_python_dictionary():
    """Random changes of a map, each a line of the program; the answers are those of a dictionary, in sorted order."""
    pick = random.Random(5)
    lines, wanted, held = ["let mut m: HashMap<i64, String> = HashMap::new()"], [], {}
    for step in range(300):
        key, value = pick.randrange(40) - 20, f"v{step}"
        before = f'Some("{held[key]}")' if key in held else "None"
        kind = pick.randrange(4)
        if kind == 0:
            lines.append(f'println(m.insert({key}, "{value}"))')
            held[key] = value
        elif kind == 1:
            lines.append(f'm[{key}] = "{value}"; println(m.get({key}).is_some())')
            held[key], before = value, "true"
        elif kind == 2:
            lines.append(f"println(m.remove({key}))")
            held.pop(key, None)
        else:
            lines.append(f"println(m.get({key}))")
        wanted.append(before)
    lines.append("println(m)")
    wanted.append("{" + ", ".join(f'{key}: "{held[key]}"' for key in sorted(held)) + "}")
    assert run_text("\n".join(lines)).stdout == "\n".join(wanted) + "\n"


def test_a_key_that_is_not_there_traps():
    source = 'let m = HashMap::from([("a", 1)])\nprintln(m["a"])\nprintln(m["b"])'
    ran = run_text(source)
    assert (ran.stdout, ran.code) == ("1\n", 134) and 'main.ruchy:3: key "b" not found' in ran.stderr
    ran = run_text("let mut m = HashMap::new()\nm[1] = 1\nm[2] += 1")
    assert ran.code == 134 and "main.ruchy:3: key 2 not found" in ran.stderr


def test_where_maps_may_stand():
    source = """
    struct Shop { stock: HashMap<String, [i64]>, seen: HashSet<(i64, String)> }
    enum Kind { A, B }
    let mut counts: HashMap<String, i64> = HashMap::new()
    fun note(k) { *counts.entry(k).or_insert(0) += 1 }
    fun grown(m: HashMap<String, i64>) -> HashMap<String, i64> { m["new"] = 1; m }
    fun main() {
        note("x"); note("y"); note("x")
        counts["z"] = 7
        println(counts, counts.len(), counts["x"])
        let mut shop = Shop { stock: HashMap::new(), seen: HashSet::new() }
        shop.stock["pen"] = [1]
        shop.stock["pen"].push(2)
        shop.stock["pen"][0] += 10
        shop.stock.entry("ink").or_insert(vec![]).push(5)
        shop.seen.insert((1, "a"))
        let before = shop
        shop.stock.remove("pen")
        println(before, shop)
        let mut all = [HashMap::new(), HashMap::new()]
        all[1]["k"] = {n: 1}
        all[1]["k"].n += 1
        println(all)
        let mut deep = HashMap::new()
        deep.entry("a").or_insert(HashMap::new()).insert("b", 1)
        deep["a"]["c"] = 2
        println(deep, deep["a"]["b"] + deep["a"]["c"])
        let m = HashMap::new()
        println(grown(m), m)
        let mut by = HashMap::new()
        by[Kind::B] = "b"; by[Kind::A] = "a"
        by.insert(Kind::B, "c")
        println(by, by[Kind::B])
    }"""
    assert run_text(source).stdout == (
        "{x: 2, y: 1, z: 7} 3 2\n"
        'Shop {seen: {(1, "a")}, stock: {ink: [5], pen: [11, 2]}} Shop {seen: {(1, "a")}, stock: {ink: [5]}}\n'
        "[{}, {k: {n: 2}}]\n{a: {b: 1, c: 2}} 3\n{new: 1} {}\n"
        '{A: "a", B: "c"} c\n'
    )


@pytest.mark.slow
def test_a_million_maps_and_sets_in_bounded_memory():
    source = """
    fun main() {
        let mut total = 0;
        let mut kept = HashMap::new();
        for i in 0..1000000 {
            let mut m = HashMap::new();
            m["a" + i] = ["x" + i];
            m.insert("b", ["y"]);
            m.insert("b", ["z" + i]);
            m.entry("c").or_insert(vec![]).push("w" + i);
            let n = m;
            m.remove("b");
            let s = HashSet::from(n.keys()).difference(HashSet::from(m.keys()));
            for p in m { total += p.0.len() + p.1.len(); }
            total += s.len() + n.get("b").unwrap_or([]).len();
            kept[i % 10] = n;
            if i % 3 == 0 { kept.remove(i % 7); }
        }
        println(total, kept.len() > 0, kept[9].len());
    }"""
    ran = run_text(source, memory_limit=8 * 65536)
    assert ran.stdout.endswith(" true 3\n"), ran


@pytest.mark.slow
def test_a_map_of_many_keys():
    source = """
    fun main() {
        let mut m = HashMap::new();
        let mut k = 1;
        for i in 0..50000 { k = k * 16807 % 2147483647; *m.entry(k % 40000).or_insert(0) += 1; }
        println(m.values().sum(), m.len() > 20000);
    }"""
    assert run_text(source).stdout == "50000 true\n"
