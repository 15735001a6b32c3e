"""Generic functions that nothing calls: their names are looked up, although no types are known."""

from tests.helpers.programs import run_text
from tests.orchestrator.toolchains.ruchy.check.checking import check_text

WRONG = {
    "fun dead<T>(x: T) -> T { y }": ["y"],
    "struct S<T> { v: T } impl<T> S<T> { fun get(&self) -> T { self.valeu } fun two(&self) -> T { valeu } }": ["valeu"],
    "pub fun f(a) { let g = |q| q + a; try { help(a) } catch e { g(nope) } }": ["help", "nope"],
    "fun called<T>(x: T) { oops } fun main() { called(1) }": ["oops"],
}

RIGHT = """
enum E { A, B }
use E::*;
struct Unit;
let mut count = 0;
const LIMIT = 5;
trait T { fun size(&self) -> i64; fun twice(&self) -> i64 { let k = LIMIT; k * self.size() + count } }
pub fun a(x, y) { println(math.sqrt(2.0), Unit, A, i64::MAX, x ?? y); let {p, q} = {p: 1, q: 2}; step(p, by = q) }
fun step(x: i64, by: i64) -> i64 { x + by }
pub fun b<T>(xs: [T]) -> i64 { let f = len; 'out: for i in 0..3 { break 'out } xs.map(|z| 1).sum() + f(xs) }
pub fun c(x) requires x > 0 ensures result > 0 { match x { n @ 1..=5 if n > LIMIT => n, [h, ..t] => h, _ => 0 } }
pub fun d(x) { fun inner(z) { z + x } try { inner(1) } catch e { println(e) } finally { println(input()) } inner(2) }
fun main() { println("right") }
"""


def test_names_that_mean_nothing():
    told = {text: [one.message.split("`")[1] for one in check_text(text).diagnostics] for text in WRONG}
    assert told == WRONG


def test_names_that_mean_something():
    assert run_text(RIGHT).stdout == "right\n"
