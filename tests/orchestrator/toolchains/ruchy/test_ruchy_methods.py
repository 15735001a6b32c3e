"""Methods of strings, arrays and numbers: what each gives, and that it gives memory back."""

from __future__ import annotations

import random

import pytest

from tests.helpers.programs import run_text

PAGE = 65536

TEXT = """
    let s = "a-b-" + i % 7;
    let parts = s.split("-");
    n += parts.len() + s.chars().len() + s.lines().len() + s.split_whitespace().len() + s.bytes().len();
    n += s.pad_left(9, "xy").len() + s.pad_right(9).len() + s.slice(1, 3).len() + s.char_at(1).len();
    n += s.char_at(99).len();
    n += s.trim_matches("a").len() + s.replacen("-", "+", 1).len() + s.splitn(2, "-").len() + s.matches("-").len();
    n += s.capitalize().len() + s.char_indices().len();
    if s.is_uppercase() || s.eq_ignore_ascii_case("x") || s.is_ascii_digit() || s.is_whitespace() { n += 1 }
    let mut t = s;
    t.insert(1, "XY"); t.remove(0); t.truncate(3); t.push('!');
    for c in t { n += c.len() }
    t.clear();
    n += t.len() + s.len() + (s[0] as i64 - 97);
"""
ARRAYS = """
    let a = ["b" + i % 7, "a" + i % 3, "c", "a" + i % 3];
    let pairs = a.enumerate();
    n += pairs.len() + a.zip([1, 2]).len() + [a, a].flatten().len() + a.unique().len() + a.union(["c"]).len();
    n += a.intersection(["c"]).len() + a.difference(["c"]).len() + a.chunks(3).len() + a.windows(2).len();
    n += a.step_by(2).len() + a.repeat(2).len() + a.sort().len() + pairs.sort().len() + a.index_of("c");
    n += a.min().len() + a.max().len();
    if a.starts_with(["c"]) || a.is_sorted() { n += 1 }
    let mut b = a;
    b.insert(1, "new" + i % 5);
    let gone = b.remove(0);
    n += gone.len() + a.len();
    b.swap(0, -1); b.dedup(); b.rotate_left(1); b.rotate_right(2); b.sort_unstable();
    b.truncate(3); b.fill(gone); b.clear();
    n += b.len();
    let joined: String = a.collect();
    n += joined.len();
"""


@pytest.mark.slow
@pytest.mark.parametrize("body", [TEXT, ARRAYS], ids=["text", "arrays"])
def test_methods_give_memory_back(body):
    """The same turns, few and many, in the same memory, with the same result for each turn."""

    def total(turns):
        source = f"fun main() {{ let mut n = 0; for i in 0..{turns} {{ {body} }} println(n) }}"
        ran = run_text(source, memory_limit=6 * PAGE)
        assert (ran.code, ran.stderr) == (0, "")
        return int(ran.stdout)

    assert total(105_000) == 1000 * total(105)


def test_sorting_agrees_with_a_model():
    random_ = random.Random(5)
    for length in (0, 1, 2, 3, 7, 8, 33, 100):
        numbers = [random_.randint(-20, 20) for _ in range(length)]
        pairs = [(number % 5, index) for index, number in enumerate(numbers)]
        texts = [str(number) for number in numbers]
        source = f"""
        fun main() {{
            let a: [i64] = {numbers};
            println(a.sort());
            let b: [(i64, i64)] = [{", ".join(map(str, pairs))}];
            println(b.sort());
            let c: [String] = [{", ".join(f'"{text}"' for text in texts)}];
            println(c.sort().join(" "));
            println(a);
        }}"""
        wanted = f"{sorted(numbers)}\n{sorted(pairs)}\n{' '.join(sorted(texts))}\n{numbers}\n"
        assert run_text(source).stdout == wanted


def test_sorting_is_fast_whatever_it_is_given():
    source = """
    fun main() {
        let mut a = [0; 100000];
        for i in 0..100000 { a[i] = 100000 - i }
        let b = a.sort();
        println(b[0], b[99999], b.sort().is_sorted());
    }"""
    assert run_text(source).stdout == "1 100000 true\n"


TRAPS = {
    "[].min() + 1": "index 0 out of range for length 0",
    "[1, 2].chunks(0).len()": "`chunks` takes a number of 1 or more",
    '"abc".slice(2, 1).len()': "index 2 out of range for length 3",
    '"abc".slice(-1, 1).len()': "index -1 out of range for length 3",
    '"abc".char_at(-1).len()': "index -1 out of range for length 3",
    '"ab".to_string() as i64': "cast does not fit in i64: the text is not one character",
}


@pytest.mark.parametrize("value", TRAPS)
def test_traps(value):
    ran = run_text(f"fun main() {{\n println({value}) }}")
    assert (ran.code, ran.stdout) == (134, "")
    assert ran.stderr == f"error: main.ruchy:2: {TRAPS[value]}\n"


CHANGES = {
    "a.insert(4, 1)": "index 4 out of range for length 3",
    "a.insert(-1, 1)": "index -1 out of range for length 3",
    "a.remove(3)": "index 3 out of range for length 3",
    "a.remove(-4)": "index -4 out of range for length 3",
    "a.swap(0, 3)": "index 3 out of range for length 3",
    't.insert(9, "x")': "index 9 out of range for length 3",
    "t.remove(3)": "index 4 out of range for length 3",
}


@pytest.mark.parametrize("change", CHANGES)
def test_changes_that_trap(change):
    source = f"""fun main() {{ let mut a = [1, 2, 3]; let mut t = "abc"; t.push('d'); t.remove(3); a.push(4); a.pop()
        {change}; println(a, t) }}"""
    ran = run_text(source)
    assert (ran.code, ran.stdout, ran.stderr) == (134, "", f"error: main.ruchy:2: {CHANGES[change]}\n")


def test_a_counter_of_literals_is_an_index():
    source = "fun main() { let mut a = [0; 4]; for i in 0..4 { a[i] = 4 - i } println(a) }"
    assert run_text(source).stdout == "[4, 3, 2, 1]\n"


OPTIONAL = """
    let s = "k" + i % 7 + "=v";
    if let Some((k, v)) = s.split_once("=") { n += k.len() + v.len() }
    if let Some(rest) = s.strip_prefix("k") { n += rest.len() }
    let mut a = [s, s + "!"];
    while let Some(x) = a.pop() { n += x.len() }
    n += a.first().unwrap_or("none").len() + [s, s].max().unwrap().len() + s.nth(0).unwrap_or("").len();
    match s.parse::<i64>() { Ok(x) => { n += x }, Err(e) => { n += e.len() } }
    let mut t = s;
    if let Some(c) = t.pop() { n += c.len() + t.len() }
    if a.get(0).is_some() || s.find("q").is_some() { n += 1 }
"""


@pytest.mark.slow
def test_what_may_find_nothing_gives_memory_back():
    test_methods_give_memory_back(OPTIONAL)
