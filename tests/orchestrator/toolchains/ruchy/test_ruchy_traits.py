"""Traits: what is refused, across modules, memory, and what an edit compiles again."""

from __future__ import annotations

import pytest

from tests.helpers.programs import build, run, run_text
from tests.helpers.reuse_tools import edited

PAGE = 65536
HEAD = """
trait Shape { fun area(&self) -> f64; fun name(&self) -> String { "shape" } fun make() -> Self; }
struct A { x: f64 }
struct B { x: f64 }
impl Shape for A { fun area(&self) -> f64 { self.x } fun make() -> A { A { x: 1.0 } } }
"""
OWN_EQ = "impl PartialEq for B { fun eq(&self, o: &B) -> bool { true } }"
WRONG = {
    "impl Shape for B { }": ["E0264"],
    "impl Shape for B { fun area(&self) -> f64 { 1.0 } }": ["E0264"],
    "impl Shape for B { fun area(&self) -> i64 { 1 } fun make() -> B { B { x: 1.0 } } }": ["E0267"],
    "impl Shape for B { fun area(&self, k: i64) -> f64 { 1.0 } fun make() -> B { B { x: 1.0 } } }": ["E0267"],
    "impl Shape for B { fun area() -> f64 { 1.0 } fun make() -> B { B { x: 1.0 } } }": ["E0267"],
    "impl Shape for B { fun area(&mut self) -> f64 { 1.0 } fun make() -> B { B { x: 1.0 } } }": ["E0267"],
    "impl Shape for B { fun area(&self) -> f64 { 1.0 } fun make() -> B { B { x: 1.0 } } fun more() { } }": ["E0266"],
    "impl Nope for B { fun area(&self) -> f64 { 1.0 } }": ["E0103"],
    "impl A { fun name(&self) -> i64 { 1 } } impl Shape for B { }": ["E0264"],
    "impl A { fun area(&self) -> i64 { 1 } }": ["E0606"],
    "trait T { fun a(); fun a(); }": ["E0606"],
    "trait T { fun a(x: Nope); }": ["E0103"],
    "trait T: Nope { fun a(); }": ["E0103"],
    "trait Solid: Shape { fun vol(&self) -> f64; } impl Solid for B { fun vol(&self) -> f64 { 1.0 } }": ["E0264"],
    "trait T { const N: i64; } impl T for B { }": ["E0264"],
    "impl B { const N: i64 = 1.5; }": ["E0401"],
    "impl B { const N; }": ["E0001"],
    "fun f() { println(B::NOPE) }": ["E0513"],
    "fun f() { println(B::default().x) }": ["E0107"],
    "fun f() { let x = Default::default(); }": ["E0107"],
    "#[derive(Default)] struct Q { b: B } fun f() { println(Q::default().b.x) }": ["E0107"],
    "fun f() { println(i64::default(1)) }": ["E0301"],
    'fun f() { println(i64::from_str_radix(1, "a")) }': ["E0204", "E0204"],
    "fun f() { println(i64::from_str_radix()) }": ["E0301"],
    "fun f<T: Shape>(x: T) -> f64 { x.area() } fun g() -> f64 { f(B { x: 1.0 }) }": ["E0268"],
    "fun f(x: &impl Shape) -> f64 { x.area() } fun g() -> f64 { f(1) }": ["E0268"],
    "fun f<T>(x: T) -> f64 where T: Shape { x.area() } fun g() -> f64 { f(B { x: 1.0 }) }": ["E0268"],
    "fun f<T: Nope>(x: T) { }": ["E0103"],
    "fun f(x: Shape) { }": ["E0103"],
    "fun f() { let a: impl Shape = A { x: 1.0 }; }": ["E0715"],
    "fun f() { println(Shape::make()) }": ["E0287"],
    "fun f() { println(1.area()) }": ["E0107"],
    "fun f() { println(B { x: 1.0 }.name()) }": ["E0107"],
    "impl Display for A { fun fmt(&self) -> String { self.x.to_string() } } fun f(a: A) { println(a) }": ["E0267"],
    "impl Display for A { fun show(&self) { } }": ["E0264"],
    "fun f() { write!() }": ["E0301"],
    'fun f() { write!(3, "a"); }': ["E0107"],
    "impl Drop for A { fun drop(&mut self) { } }": ["E0720"],
    f"{OWN_EQ} fun f(a: B) -> bool {{ [a] == [a] }}": ["E0208"],
    f"{OWN_EQ} struct H {{ b: B }} fun f(a: H) -> bool {{ a == a }}": ["E0208"],
    f"{OWN_EQ} fun f(a: B) {{ assert_eq(Some(a), Some(a)) }}": ["E0208"],
    "fun f(a: B) -> B { a + a }": ["E0207"],
    "impl PartialEq for B { fun equals(&self, o: &B) -> bool { true } }": ["E0264"],
    "impl PartialEq for B { fun eq(a: B, o: B) -> bool { true } }": ["E0267"],
    "impl Neg for B { fun neg(self, o: B) -> B { self } }": ["E0267"],
    "impl Add for B { fun plus(self, o: B) -> B { self } }": ["E0264"],
    "impl Add for B { fun add(self, o: i64) -> B { self } } fun f(a: B) -> B { a + a }": ["E0204"],
    "trait L { fun l(&self); } impl<T> L for Option<T> { fun l(&self) { } }": ["E0720"],
}


@pytest.mark.parametrize("source", WRONG)
def test_what_is_wrong(source):
    assert [one.code for one in build({"main.ruchy": HEAD + source}).errors()] == WRONG[source]


def test_an_impl_of_elsewhere_stands_beside_its_trait():
    lib = "pub struct P { x: i64 } pub trait T { fun t(&self) -> i64; }"
    wrong = build({"lib.ruchy": lib, "main.ruchy": "use lib::{P, T}\nimpl T for P { fun t(&self) -> i64 { 1 } }"})
    assert [one.code for one in wrong.errors()] == ["E0508"]


LIBRARY = """
pub trait Label { fun label(&self) -> String; fun loud(&self) -> String { self.label() + mark() } fun bump(&mut self); }
fun mark() -> String { "!" }
impl Label for i64 { fun label(&self) -> String { f"#{self}" } fun bump(&mut self) { *self += 1 } }
pub struct Dot { x: i64 }
impl Label for Dot { fun label(&self) -> String { "dot" } fun bump(&mut self) { self.x += 1 } }
pub fun loudly<T: Label>(x: T) -> String { x.loud() }
pub fun other() -> i64 { 1 }
"""
USER = """
use lib::{Dot, Label, loudly, other}
struct Own { n: i64 }
impl Label for Own { fun label(&self) -> String { f"own{self.n}" } fun bump(&mut self) { self.n += 5 } }
trait Size { fun size(&self) -> i64; }
impl Size for Dot { fun size(&self) -> i64 { self.x * 100 } }
fun number() -> String { let mut n = 4; n.bump(); n.loud() }
fun owns() -> String { let mut o = Own { n: 1 }; o.bump(); loudly(o) }
fun dots() -> i64 { let mut d = Dot { x: 2 }; d.bump(); d.size() }
fun none() -> i64 { other() }
fun main() { println(number(), owns(), dots(), none(), loudly(3)) }
"""


def test_traits_of_other_modules():
    built = build({"lib.ruchy": LIBRARY, "main.ruchy": USER})
    assert not built.diagnostics
    assert run(built.program).stdout == "#5! own6! 300 1 #3!\n"


FOR_STRING = 'impl Label for String { fun label(&self) -> String { "s" } fun bump(&mut self) { } }\npub fun other'
DOT = 'impl Label for Dot { fun label(&self) -> String { "dot" } fun bump'
PLAIN = DOT.replace("Label for ", "").replace("fun bump", "pub fun bump")
EVERY = {"number", "owns", "dots", "none", "main"}
EDITS = {
    "a default method": ("self.label() + mark()", "mark() + self.label()", EVERY),
    "the body of a method of a builtin type": ('f"#{self}"', 'f"##{self}"', set()),
    "an implementation for a builtin type": ("pub fun other", FOR_STRING, EVERY),
    "an implementation that vanishes": (DOT, PLAIN, EVERY),  # `Size` is implemented for that type
    "a function": ("{ 1 }", "{ 3 }", set()),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_compiles_the_users_again(edit):
    before, after, wanted = EDITS[edit]
    assert LIBRARY.count(before) == 1
    compiled = edited({"lib.ruchy": LIBRARY, "main.ruchy": USER}, {"lib.ruchy": LIBRARY.replace(before, after)})
    assert {name for name in compiled["main"] if "#" not in name} == wanted


CONSTANTS = """
pub trait Shape { const SIDES: i64; const TWICE: i64 = Self::SIDES * 2; fun corners(&self) -> i64 { Self::SIDES } }
pub struct Box2 { x: i64 }
impl Box2 { pub const LIMIT: i64 = 5; const HIDDEN: i64 = 1; pub const NAMES = ["a"]; }
impl Shape for Box2 { const SIDES: i64 = 4; }
"""
READER = """
use lib::{Box2, Shape}
class Own { n: i64  const START: i64 = 7  new() -> Own { Own { n: Own::START } } }
fun limit() -> i64 { Box2::LIMIT }
fun names() -> String { Box2::NAMES[0] }
fun sides<T: Shape>(x: T) -> i64 { T::SIDES + T::TWICE + x.corners() }
fun main() { println(limit(), names(), sides(Box2 { x: 1 }), Own::new().n) }
"""


def test_constants_of_types_are_functions_to_the_build():
    """A changed value compiles that constant alone; a changed type, or a value that says the type, what reads it."""
    before = {"lib.ruchy": CONSTANTS, "main.ruchy": READER}
    built = build(before)
    assert not built.diagnostics
    assert run(built.program).stdout == "5 a 16 7\n"
    value = edited(before, {"lib.ruchy": CONSTANTS.replace("LIMIT: i64 = 5", "LIMIT: i64 = 6")})
    assert value == {"lib": {"Box2#LIMIT"}, "main": set()}
    inferred = edited(before, {"lib.ruchy": CONSTANTS.replace('["a"]', '["b", "c"]')})
    assert "names" in inferred["main"]
    wrong = build({**before, "main.ruchy": "use lib::Box2\nfun main() { println(Box2::HIDDEN) }"})
    assert [one.code for one in wrong.errors()] == ["E0108"]


SHOWN = """
pub struct Dot { x: i64 }
impl fmt::Display for Dot { fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result { write!(f, "dot {}", self.x) } }
pub fun other() -> i64 { 1 }
"""
SHOWS = """
use lib::{Dot, other}
fun text() -> String { f"{Dot { x: 2 }}" }
fun raw() -> String { format!("{:?}", Dot { x: 2 }) }
fun none() -> i64 { other() }
fun main() { println(text(), raw(), none()) }
"""


def test_who_shows_a_type_depends_on_its_display():
    """A changed `fmt` compiles itself alone; one that vanishes compiles those that have a value of the type."""
    before = {"lib.ruchy": SHOWN, "main.ruchy": SHOWS}
    built = build(before)
    assert not built.diagnostics
    assert run(built.program).stdout == "dot 2 Dot {x: 2} 1\n"
    body = edited(before, {"lib.ruchy": SHOWN.replace("dot {}", "point {}")})
    assert body == {"lib": {"Dot#fmt"}, "main": set()}
    lines = SHOWN.splitlines()
    gone = {"lib.ruchy": "\n".join([lines[1], lines[3]])}
    assert edited(before, gone)["main"] >= {"text"}
    assert "none" not in edited(before, gone)["main"]
    assert run(build({**before, **gone}).program).stdout == "Dot {x: 2} Dot {x: 2} 1\n"


@pytest.mark.slow
def test_values_behind_bounds_give_memory_back():
    def total(turns):
        source = f"""
        trait Grows {{ fun grow(&mut self, by: String); fun all(&self) -> [String]; fun both(&self) -> [String] {{
            self.all() + self.all() }} }}
        struct Words {{ words: [String] }}
        impl Grows for Words {{ fun grow(&mut self, by: String) {{ self.words.push(by) }}
            fun all(&self) -> [String] {{ self.words }} }}
        fun use_it<T: Grows>(x: T) -> i64 {{ let mut y = x; y.grow("b"); y.both().len() + x.all().len() }}
        fun main() {{
            let mut n = 0;
            for i in 0..{turns} {{ n += use_it(Words {{ words: ["a" + i % 7] }}) }}
            println(n)
        }}"""
        ran = run_text(source, memory_limit=6 * PAGE)
        assert (ran.code, ran.stderr) == (0, "")
        return int(ran.stdout)

    assert total(21_000) == 1000 * total(21) == 1000 * 21 * 5
