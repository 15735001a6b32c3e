"""Methods of structs and enums: what they do, what they may change, and what is said of wrong ones."""

import pytest

from tests.helpers.programs import build, run, run_text
from tests.orchestrator.toolchains.ruchy.check.checking import check_text, found
from tests.properties.test_ruchy_values import counted

HEAD = """struct P { x: i64, s: String }
impl P {
    fun new(x: i64) -> Self { P { x, s: "s" + x } }
    fun get(&self) -> i64 { self.x }
    fun grow(&mut self, by: i64 = 1) -> i64 { self.x += by; self.s += "!"; self.x }
    fun taken(mut self) -> P { self.x = -self.x; self }
    fun both(&mut self, other: &mut P) { let t = self.x; self.x = other.x; other.x = t }
}
enum E { A(String, i64), B }
impl E {
    fun text(&self) -> String { match self { E::A(s, n) => s + n, E::B => "b" } }
    fun turn(&mut self) { match self { E::A(s, n) => { s.push_str("+"); *n += 1 }, E::B => self.begin() } }
    fun begin(&mut self) { *self = Self::A("new" + 1, 0) }
}
struct H { ps: [P], e: E }
"""
RUNS = {
    "let mut p = P::new(3); println(p.get(), p.grow(), p.grow(4), p.get(), p.s)": "3 4 8 8 s3!!",
    "let p = P::new(3); let q = p.taken(); println(q.get(), p.get(), P::get(q), p.taken().taken().get())": "-3 3 -3 3",
    "let mut p = P::new(1); let q = p; p.grow(); println(p.s == q.s, q.x)": "false 1",
    "let mut h = H { ps: [P::new(1), P::new(2)], e: E::B }; let o = h; h.ps[1].grow(5); h.e.turn(); h.e.turn(); "
    "println(h.ps[1].get(), h.e, o.ps[1].get(), o.e)": '7 A("new1+", 1) 2 B',
    "let mut es = [E::A('a', 1), E::B]; for e in es.iter_mut() { e.turn() } for e in es { println(e.text()) }": (
        "a+2\nnew10"
    ),
    "let mut a = P::new(1); let mut b = P::new(2); a.both(&mut b); println(a.x, b.x)": "2 1",
    "println(P::new(1).grow(), P::new(5).s.len())": "2 2",
    "let mut m = HashMap::new(); m.insert('k', P::new(1)); m['k'].grow(2); println(m['k'].get())": "3",
    "let mut o = Some(P::new(1)); if let Some(p) = &mut o { p.grow(); } println(o.unwrap().get())": "2",
    "let mut ps = [P::new(1), P::new(2)]; let mut i = 0; ps[{ i += 1; i }].grow(); println(i, ps[1].x)": "1 3",
    "let mut p = P::new(1); println(p.grow(p.grow(2)))": "6",
}
WRONG = {
    "fun f(p: P) {\n p.gett() }": [("E0107", 2)],
    "fun f(p: P) {\n p.get(1) }": [("E0301", 2)],
    "fun f(p: P) {\n P::get() }": [("E0301", 2)],
    "fun f(mut p: P) {\n p.grow(true) }": [("E0204", 2)],
    "fun f(p: P) {\n p.new(1) }": [("E0286", 2)],
    "fun f(p: P) {\n P::nwe(1) }": [("E0513", 2)],
    "fun f(p: P) {\n println(p.get) }": [("E0104", 2)],
    "impl P {\n fun get(self) {} }": [("E0606", 2)],
    "impl E {\n fun B(self) {} }": [("E0606", 2)],
    "fun f(\nself) {}": [("E0111", 2)],
    "impl P { fun set(&self) {\n self.x = 1 } }": [("E0230", 2)],
    "impl P { fun set(&self) {\n self.grow(); } }": [("E0230", 2)],
    "fun f(mut p: P) {\n p.both(&mut p) }": [("E0296", 2)],
    "fun f() { impl Q {\n fun g(self) {} } }": [("E0103", 1)],
}


@pytest.mark.parametrize("line", RUNS)
def test_what_methods_do(line):
    assert run_text(f"{HEAD}fun main() {{ {line} }}").stdout == RUNS[line] + "\n"
    if "HashMap" not in line:
        assert counted(f"{HEAD}fun main() {{ {line} }}")[1] == []


@pytest.mark.parametrize("text", WRONG)
def test_one_error_says_what_is_wrong(text):
    lines = HEAD.count("\n")
    assert [(code, line - lines) for code, line in found(HEAD + text)] == WRONG[text]


def test_hints():
    told = [one.hint for text in WRONG for one in check_text(HEAD + text).diagnostics]
    for wanted in ("did you mean `get`?", "did you mean `new`?", "call it: `.get()`", "write `P::new(..)`, or give it"):
        assert any(hint.startswith(wanted) for hint in told), wanted


def test_methods_of_other_modules():
    shapes = """pub struct C { pub r: f64 }
    impl C { pub fun new(r: f64) -> C { C { r } }  pub fun area(&self) { self.r * pi() }  fun secret(&self) -> i64 { 1 }
    pub fun grow(&mut self, by: f64 = STEP) { self.r += by } }
    fun pi() { 3.0 } const STEP = 0.5;"""
    main = (
        "use shapes::C; fun main() { let mut c = C::new(1.5); c.grow(); println(c.area(), shapes::C::new(2).area()) }"
    )
    built = build({"shapes.ruchy": shapes, "main.ruchy": main})
    assert built.program is not None, built.errors()
    assert run(built.program).stdout == "6.0 6.0\n"
    private = build(
        {"shapes.ruchy": shapes, "main.ruchy": "use shapes::C; fun main() { println(C::new(1.0).secret()) }"}
    )
    assert [one.code for one in private.errors()] == ["E0108"]
    path = build({"shapes.ruchy": shapes, "main.ruchy": "use shapes::C; fun main() { println(C::secret(C::new(1))) }"})
    assert [one.code for one in path.errors()] == ["E0108"]


def test_a_million_calls_in_bounded_memory():
    turn = "let mut p = P::new(i); p.grow(); h.ps[0].grow(); h.e.turn(); n += p.taken().get();"
    loop = f"for i in 0..3000 {{ {turn} h.ps[0].s = ''; h.e = E::B }}"
    line = f"let mut h = H {{ ps: [P::new(1)], e: E::B }}; let mut n = 0; {loop}"
    assert run_text(f"{HEAD}fun main() {{ {line} println(n) }}", memory_limit=3 * 65536).stdout == "-4501500\n"


def test_a_usize_meets_a_length():
    fields = "struct L { pos: usize, n: u32 }"
    line = "println(l.pos < xs.len(), xs.len() - l.pos, l.n == xs.len(), xs[l.pos], l.pos - 2 + xs.len() - 3)"
    line = f"let xs = [4, 5]; {line}"
    ran = run_text(f"{fields}\nfun main() {{ let l = L {{ pos: 1, n: 2 }}; {line} }}")
    assert (ran.stdout, ran.code) == ("", 134)  # `l.pos - 2` is below 0
    ran = run_text(f"{fields}\nfun main() {{ let l = L {{ pos: 1, n: 2 }}; {line.replace('pos - 2', 'pos')} }}")
    assert ran.stdout == "true 1 true 5 0\n"
