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


def test_closures_and_what_they_capture_are_given_back():
    source = """
    struct Op { name: String, run: fn(String) -> i64 }
    fun adder(n: i64) -> fn(i64) -> i64 { |x| x + n }
    fun main() {
        let mut sum = 0;
        for i in 0..20000 {
            let text = f"t{i}";
            let mut parts = [text];
            let keep = |x: String| { parts.push(x); parts.len() };
            keep("a");
            let op = Op { name: text, run: keep };
            let fs = [adder(i), adder(1)];
            sum += (op.run)(op.name) + parts.len() + fs[1](fs[0](0)) - i;
            let again = fs[0];
            sum += again(0) - i;
        }
        println(sum);
    }"""
    assert run_text(source, memory_limit=4 * PAGE).stdout == "140000\n"


def test_a_text_in_a_cell_grows_in_place():
    source = """
    fun main() {
        let mut text = "";
        let add = |s: String| { text += s; text.push_str("-"); };
        for i in 0..50000 { add("abc"); }
        println(text.len());
    }"""
    assert run_text(source, memory_limit=40 * PAGE).stdout == "200000\n"


def test_a_function_value_outlives_a_call_that_replaces_it():
    """What is called is kept until it returns, although it replaces the array that it stands in."""
    source = """
    fun maker(n: i64) -> fn() -> String { let name = f"value {n}"; || name + "!" }
    struct Box2 { f: fn() -> String }
    fun call(f: fn() -> String, change: fn()) -> String { change(); f() }
    fun main() {
        let mut name = "old" + 1;
        let change = || { name = "new" + 2 };
        let show = |s: String| { change(); s + name };
        println(show(name));
        for i in 0..3 { println(call(maker(i), || { name = name + i })); }
        println(name);
    }"""
    assert run_text(source).stdout == "old1new2\nvalue 0!\nvalue 1!\nvalue 2!\nnew2012\n"


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


@pytest.mark.slow
def test_enums_options_and_results_in_bounded_memory():
    source = """
    enum Shape { Dot, Circle(f64), Named { name: String, tags: [String] } }
    enum Tree { Leaf, Node(Box<Tree>, i64, Box<Tree>) }
    struct Pair(String, Option<String>);
    struct User { name: String, boss: Option<Box<User>> }
    fun make(i: i64) -> Shape {
        if i % 3 == 0 { Shape::Dot } else if i % 3 == 1 { Shape::Circle(1.0) } else {
            Shape::Named { name: "n" + i, tags: ["t" + i] }
        }
    }
    fun check(i: i64) -> Result<String, String> { if i % 2 == 0 { Ok("ok " + i) } else { Err("bad " + i) } }
    fun both(i: i64) -> Result<String, String> { let a = check(i)?; let b = check(i + 2)?; Ok(a + b) }
    fun some(i: i64) -> Option<[String]> { if i % 2 == 0 { Some(["a" + i]) } else { None } }
    fun two(i: i64) -> Option<String> { let xs = some(i)?; let ys = some(i + 1) ?? ["b" + i]; Some(xs[0] + ys[0]) }
    fun main() {
        let mut total = 0;
        let mut last = Some("x");
        for i in 0..100000 {
            let s = make(i);
            if s == make(i) { total += 1; }
            let tree = Tree::Node(Tree::Node(Tree::Leaf, i, Tree::Leaf), i, Tree::Leaf);
            let p = Pair("p" + i, Some("q" + i));
            if p.1.contains("q" + i) { total += 1; }
            if both(i).unwrap_or("none") != "none" { total += 1; }
            if (two(i) ?? "no") != "no" { total += 1; }
            let before = last.replace("l" + i);
            if before.unwrap() != "" { total += 1; }
            last = last.or(None);
            let shown = f"{tree} {s} {both(i)}";
            if shown != "" { total += 1; }
            if check(i).ok().unwrap_or_default() != "" { total += 1; }
            let user = User { name: "u" + i, boss: Some(User { name: "b" + i, boss: None }) };
            if user.boss?.name == Some("b" + i) { total += 1; }
            if some(i).zip(some(i + 2)).is_some() { total += 1; }
        }
        println(total);
    }"""
    # each turn counts 5: the comparison, the pair, what was there before, the text, the boss; each even one 4 more
    assert run_text(source, memory_limit=6 * PAGE).stdout == "700000\n"


@pytest.mark.slow
def test_a_million_values_of_enums_in_bounded_memory():
    source = """
    enum Item { Number(i64), Word(String) }
    fun main() {
        let mut same = 0;
        let mut kept = [Item::Number(0), Item::Number(0)];
        for i in 0..1000000 {
            let item = if i % 2 == 0 { Item::Number(i) } else { Item::Word("w" + i) };
            kept[i % 2] = item;
            if kept[0] == kept[1] { same += 1; }
        }
        println(same, kept);
    }"""
    assert run_text(source, memory_limit=4 * PAGE).stdout == '1 [Number(999998), Word("w999999")]\n'


@pytest.mark.parametrize(
    ("types", "empty", "more"),
    [
        ("enum List { End, More(String, Box<List>) }", "List::End", "List::More(text, list)"),
        ("enum List { More { rest: List, word: String }, End }", "List::End", "List::More { rest: list, word: text }"),
        ("struct Node { word: String, next: Option<Box<Node>> }", "None", "Some(Node { word: text, next: list })"),
        ("struct Node { next: Option<Box<Node>>, word: String }", "None", "Some(Node { word: text, next: list })"),
        ("struct Node(String, Option<(i64, Box<Node>)>);", "None", "Some((i, Node(text, list)))"),
        ("enum List { End, More(Cell) } struct Cell { rest: List, word: String }", "List::End",
         "List::More(Cell { rest: list, word: text })"),
    ],
)  # fmt: skip
def test_a_list_of_any_length_is_given_back(types: str, empty: str, more: str) -> None:
    """A call for each of its links would need more stack than there is."""
    source = f"""
    {types}
    fun main() {{
        for turn in 0..3 {{
            let mut list = {empty};
            for i in 0..200000 {{ let text = "t" + i; list = {more}; }}
        }}
        println("done");
    }}"""
    ran = run_text(source, memory_limit=400 * PAGE)
    assert (ran.stdout, ran.reason) == ("done\n", "")
