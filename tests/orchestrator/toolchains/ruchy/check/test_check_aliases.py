"""Names of places: `let r = &mut place`, loops over `&mut xs`, patterns held against `&mut value`."""

import pytest

from tests.helpers.programs import run_text
from tests.orchestrator.toolchains.ruchy.check.checking import found
from tests.properties.test_ruchy_values import counted

HEAD = """struct Q { n: i64, s: String }
struct P { x: i64, q: Q }
enum E { A(i64, String), B { xs: [String] }, C }
"""
SEEN = {
    "let mut k = 1; let r = &mut k; *r = 2; println(k, r)": "2 2",
    "let mut k = 1; let r: &mut i64 = &mut k; let q = &mut *r; *q += 2; println(k)": "3",
    'let mut p = P { x: 1, q: Q { n: 2, s: "a" } }; let o = p; let q = &mut p.q; q.s.push_str("b"); q.n += 1; '
    "println(q.n, p.q.s, o.q.s, o.q.n)": "3 ab a 2",
    'let mut xs = ["a" + 1, "b" + 2]; let o = xs; let x = &mut xs[1]; x.push_str("c"); println(xs, o)': (
        '["a1", "b2c"] ["a1", "b2"]'
    ),
    'let mut xs = [["a" + 1], []]; for x in &mut xs { x.push("z" + 1) } println(xs)': '[["a1", "z1"], ["z1"]]',
    'let mut xs = [(1, "a" + 1), (2, "b" + 1)]; for (n, s) in xs.iter_mut() { *n += 1; *s += n } println(xs)': (
        '[(2, "a12"), (3, "b13")]'
    ),
    "let mut xs = [1, 2]; for (i, x) in xs.iter_mut().enumerate() { *x = i } println(xs)": "[0, 1]",
    "let mut xs = [1.5, 2]; for x in xs.iter_mut() { *x *= 2 } println(xs)": "[3.0, 4.0]",
    'let mut e = E::A(1, "x" + 1); let o = e; if let E::A(n, s) = &mut e { *n += 1; s.push_str("y") } println(e, o)': (
        'A(2, "x1y") A(1, "x1")'
    ),
    'let mut e = E::B { xs: ["a" + 1] }; match &mut e { E::A(..) => {}, E::B { xs } => xs.push("b" + 1), E::C => {} } '
    "println(e)": 'B {xs: ["a1", "b1"]}',
    "let mut o = Some(Some([1])); if let Some(Some(xs)) = &mut o { xs.push(2) } println(o)": "Some(Some([1, 2]))",
    "let mut r = Ok(1); let k: Result<i64, String> = r; match &mut r { Ok(n) => *n = 5, Err(e) => e.push('x') } "
    "println(r)": "Ok(5)",
    'let mut m = HashMap::new(); let v = m.entry("b").or_insert([1]); v.push(2); m.insert("a", [9]); v.push(3); '
    "println(m)": ("{a: [9], b: [1, 2, 3]}"),
    'let mut m = HashMap::new(); m.insert("k", 1); for (k, v) in &mut m { *v += k.len() } println(m)': "{k: 2}",
    "let mut o = Some([1]); while let Some(xs) = &mut o { if xs.len() > 2 { break } xs.push(0) } println(o)": (
        "Some([1, 0, 0])"
    ),
    "let mut xs = [1, 2]; let r = &mut xs; for x in r.iter_mut() { *x += 1 } r.push(1); println(r[1..], xs.len())": (
        "[3, 1] 3"
    ),
}
GONE = {
    "let mut e = E::C; let mut f = E::A(1, ''); if let E::A(n, s) = &mut f { f = e; println(n) }": "no longer there",
    "let mut xs = [1, 2]; for x in xs.iter_mut() { xs.pop(); println(x) }": "index 1",
    "let mut xs = [1]; let x = &mut xs[3]; println(2)": "index 3",
    'let mut m = HashMap::new(); m.insert("k", 1); let v = m.get_mut("k").unwrap(); m.remove("k"); *v = 2': "key",
}
REFUSED = {
    "let x = [1]; let r = [&mut x]; println(r)": ["E0231"],
    "let mut k = [1]; let r = &mut k; let q = r; q.push(2)": ["E0230"],
    "let mut t = (1, 2); if let (1, n) | (n, 1) = &mut t { *n = 3 }": ["E0230"],
    "let mut k = 1; let r: &mut String = &mut k; println(r)": ["E0201"],
    "let r = &mut nothing; r.push(1)": ["E0231"],
    "for x in 5.iter_mut() { println(x) }": ["E0107"],
}


@pytest.mark.parametrize("line", SEEN)
def test_what_is_written_to_a_name_is_written_to_its_place(line):
    if "HashMap" not in line:
        assert counted(f"{HEAD}fun main() {{ {line} }}") == (SEEN[line] + "\n", [])
    assert run_text(f"{HEAD}{line}").stdout == SEEN[line] + "\n"


@pytest.mark.parametrize("line", GONE)
def test_a_place_that_is_gone_traps(line):
    ran = run_text(f"{HEAD}fun main() {{ {line} }}")
    assert ran.code == 134
    assert GONE[line] in ran.stderr


@pytest.mark.parametrize("line", REFUSED)
def test_what_would_be_lost_is_refused(line):
    try:
        codes = [code for code, _ in found(f"{HEAD}fun main() {{ {line} }}")]
    except AssertionError:
        codes = []
    assert codes == REFUSED[line]


def test_a_payload_grows_in_place():
    """A copy for each turn would take minutes."""
    turn = "if let Some(xs) = &mut o { xs.push(i) }"
    line = f"let mut o = Some([0]); for i in 0..100000 {{ {turn} }} println(o.unwrap().len())"
    assert run_text(line, memory_limit=8 << 20).stdout == "100001\n"


def test_a_line_that_begins_with_a_write():
    text = "let mut k = 2\nlet r = &mut k\n*r = 3\n*r += 1\nlet n = k\n* 2\nprintln(k, n)"
    assert run_text(text).stdout == "4 8\n"
