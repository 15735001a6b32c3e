"""Programs give back what they take: they run within a few pages however long they loop."""

from __future__ import annotations

import pytest

from tests.helpers.programs import run_text

PAGE = 65536


@pytest.mark.slow
def test_a_million_strings_in_bounded_memory():
    source = """
    fun main() {
        let mut total = 0;
        for i in 0..1000000 {
            let s = "item " + i;
            total += s.len();
        }
        println(total);
    }"""
    assert run_text(source, memory_limit=4 * PAGE).stdout == "10888890\n"


def test_a_string_grows_in_place():
    """Quadratic copying of a megabyte would take minutes."""
    source = """
    fun main() {
        let mut s = "";
        for i in 0..350000 { s = s + "abc"; }
        println(s.len());
    }"""
    ran = run_text(source, memory_limit=96 * PAGE)
    assert (ran.stdout, ran.reason) == ("1050000\n", "")


def test_a_field_grows_in_place():
    source = """
    struct Log { text: String, lines: i64 }
    fun main() {
        let mut log = Log { text: "", lines: 0 };
        for i in 0..100000 { log.text += "abc"; log.lines += 1; }
        println(log.text.len(), log.lines);
    }"""
    assert run_text(source, memory_limit=40 * PAGE).stdout == "300000 100000\n"


def test_every_way_out_of_a_loop_gives_memory_back():
    source = """
    struct P { name: String, n: i64 }
    fun pick(p: P, k: i64) -> String {
        let mut mine = p;
        mine.name = mine.name + k;
        'outer: for i in 0..3 {
            let a = mine.name + "a";
            for j in 0..3 {
                let b = a + j;
                if (k + j) % 4 == 0 { continue 'outer; }
                if (k + j) % 5 == 0 { break 'outer; }
                if (k + j) % 7 == 0 { return b + a; }
            }
            mine = P { name: a, ..mine };
        }
        mine.name
    }
    fun main() {
        let mut total = 0;
        for k in 0..20000 {
            let text = pick(P { name: "p" + k, n: k }, k) + loop { let t = "x" + k; break t + t; };
            total += text.len();
            if total < 0 { return; }
        }
        println(total > 0);
    }"""
    ran = run_text(source, memory_limit=4 * PAGE)
    assert (ran.stdout, ran.reason, ran.code) == ("true\n", "", 0)


def test_conversions_comparisons_and_calls_keep_nothing():
    source = """
    struct P { name: String, at: f64 }
    fun id(p: P) -> P { p }
    fun main() {
        let mut hits = 0;
        for k in 0..5000 {
            let p = P { name: f"{k}-{k as f64 / 8.0:.3}", at: k as f64 };
            if id(p).name == id(id(p)).name && id(p) == p { hits += 1; }
            if (p.name + "!") < p.name { hits = -100000; }
            let text = f"{id(p)} {id(p).name.to_upper().trim()} {p.at}";
            hits += text.len() * 0;
            id(p);
            "unused" + k;
        }
        println(hits);
    }"""
    ran = run_text(source, memory_limit=4 * PAGE)
    assert (ran.stdout, ran.reason) == ("5000\n", "")


@pytest.mark.slow
def test_a_million_arrays_and_tuples_in_bounded_memory():
    """Nested, shared, grown, cut, passed, returned, dropped on every way out of a loop."""
    source = """
    struct S { name: String, xs: [i64] }
    fun make(n: i64) -> [String] { ["a" + n, "b"] }
    fun early(xs: [String], n: i64) -> String {
        for y in xs + ["q" + n] { if y == "q" + n { return y } }
        "none"
    }
    let mut top: [[String]] = [];
    fun main() {
        let mut t = 0;
        for i in 0..100000 {
            let a = make(i);
            let b = [S { name: "x" + i, xs: [i, i + 1] }, S { name: "y", xs: [] }];
            let mut c = b;
            c[0].xs.push(5);
            c[0].name = "z";
            c.push(S { name: "w", xs: [1] });
            t += b[0].xs[1] - i + c.pop().xs[0] + early(a, i).len();
            let mut u = (a, "p" + i, (1, [i]));
            u.0.push("v");
            u.2.1[0] = 3;
            if i % 3 == 0 { continue; }
            let e = [x for x in a if x != "b"];
            top.push(a);
            if top.len() > 10 { top = top[5..]; }
            top[0][0] = "k" + i;
            let f = ["s" + i; 3];
            t += e.len() + f.concat(e).reverse().len() + f.join(",").len();
            if f == f.reverse() && f.contains("s" + i) { t += 1; }
            let none = ["s" + i; 0];
            let mut rows = [["a"], ["b"]];
            rows[0] = rows[1];
            rows[0].push("c" + i);
            rows = rows + [["d"]];
            rows[1] = rows[1] + ["e" + i] + ["f"];
            t += rows[0].len() + rows[1].len() + none.len() + f"{rows} {u}".len();
        }
        println(t > 0, top.len());
    }"""
    ran = run_text(source, memory_limit=24 * PAGE)
    assert (ran.stdout, ran.reason) == ("true 6\n", "")


def test_an_array_grows_in_place():
    """Quadratic copying of a megabyte would take minutes; so would copying an inner array at each push."""
    source = """
    struct Log { lines: [[i64]] }
    let mut shared: [i64] = [];
    fun note(n: i64) { shared.push(n); }
    fun main() {
        let mut a = [];
        let mut b = [0];
        let mut log = Log { lines: [[], [7]] };
        for i in 0..150000 {
            a.push(i);
            b = b + [i];
            log.lines[0].push(i);
            note(i);
        }
        println(a.len(), b.len(), log.lines[0].len(), shared.len(), a[-1] + shared[-1]);
    }"""
    ran = run_text(source, memory_limit=220 * PAGE)
    assert (ran.stdout, ran.reason) == ("150000 150001 150000 150000 299998\n", "")
