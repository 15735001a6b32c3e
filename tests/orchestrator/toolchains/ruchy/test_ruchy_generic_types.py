"""Generic structs and enums: what is refused, that memory comes back, and what an edit compiles again."""

from __future__ import annotations

import pytest

from tests.helpers.programs import build, run_text
from tests.helpers.reuse_tools import edited

PAGE = 65536
STACK = """
struct Stack<T> { items: [T] }
impl<T> Stack<T> {
    fun new() -> Stack<T> { Stack { items: [] } }
    fun push(&mut self, x: T) { self.items.push(x) }
    fun last(&self) -> Option<T> { if self.items.is_empty() { None } else { Some(self.items[self.items.len() - 1]) } }
}
enum Tree<T> { Leaf, Node(Box<Tree<T>>, T) }
"""
WRONG = {
    "struct S<T> { n: i64 }": "E0265",
    "enum E<T> { A, B }": "E0265",
    "struct L<T> { x: T, rest: L<T> }": "E0218",
    "struct A<T> { x: T } struct B { a: A<B> }": "E0218",
    "enum E<T> { More(E<T>, T) }": "E0263",
    "struct S<T> { x: T, y: Nope }": "E0103",
    "struct S<T> { x: T } fun f(s: S) { println(s) }": "E0262",
    "struct S<T> { x: T } fun f(s: S<i64, i64>) { println(s) }": "E0262",
    "struct S { x: i64 } fun f(s: S<i64>) { println(s) }": "E0262",
    "struct S<T> { x: T } fun f() { let s: S<String> = S { x: 1 }; println(s) }": "E0201",
    'struct S<T> { x: T, y: T } fun f() { println(S { x: 1, y: "a" }) }': "E0201",
    'struct S<T> { x: T } fun f() -> bool { S { x: 1 } == S { x: "a" } }': "E0208",
    "struct S<T> { x: T } impl<T> S<T> { fun one(&self) -> T { self.x } } fun f() { S { x: 1 }.two() }": "E0107",
    "struct S<T> { x: T } impl S<i64> { fun m(&self) { } } fun f() { S { x: true }.m() }": "E0201",
    "struct M<K> { m: HashMap<K, i64>, k: K } fun f() { println(M { m: HashMap::new(), k: 1.5 }) }": "E0290",
    "enum G<T> { More(Box<G<[T]>>, T), End } fun f() { let g: G<i64> = G::End; println(g) }": "E0803",
    "fun id<T>(x: T) -> T { x } fun f() -> i64 { id::<i64, i64>(1) }": "E0262",
    "struct S<T> { x: T } fun f() { println(S::<i64> { x: 1 }) }": "E0715",
}


@pytest.mark.parametrize("source", WRONG)
def test_what_is_wrong(source):
    assert [one.code for one in build({"main.ruchy": source}).errors()] == [WRONG[source]]


@pytest.mark.slow
def test_values_of_generic_types_give_memory_back():
    def total(turns):
        source = f"""{STACK}
        fun main() {{
            let mut n = 0;
            for i in 0..{turns} {{
                let mut s = Stack::new();
                s.push("a" + i % 7);
                s.push("b");
                let t = Stack {{ items: [s, s] }};
                let mut u = t;
                u.items[0].push("c" + i % 3);
                let tree = Tree::Node(Box::new(Tree::Node(Box::new(Tree::Leaf), s)), u.items[0]);
                match tree {{ Tree::Node(_, x) => {{ n += x.items.len() }}, Tree::Leaf => {{ n += 100 }} }}
                if let Some(x) = t.last() {{ n += x.items.len(); }}
                n += u.items.len();
            }}
            println(n)
        }}"""
        ran = run_text(source, memory_limit=6 * PAGE)
        assert (ran.code, ran.stderr) == (0, "")
        return int(ran.stdout)

    assert total(21_000) == 1000 * total(21) == 1000 * 21 * 7


LIBRARY = """
pub struct Stack<T> { items: [T] }
impl<T> Stack<T> {
    pub fun new() -> Stack<T> { Stack { items: [] } }
    pub fun push(&mut self, x: T) { self.items.push(x) }
}
pub fun other() -> i64 { 1 }
"""
USER = """
use lib::{Stack, other}
fun uses() -> i64 { let mut s = Stack::new(); s.push(1); 2 }
fun main() { println(other() + uses()) }
"""
EDITS = {
    "the body of a generic method": ("self.items.push(x) }", "self.items.push(x); println(1) }", {"main": {"uses"}}),
    "a field": ("items: [T]", "items: [T], n: i64 = 0", {"main": {"uses"}}),
    "a method more": ("pub fun other", "impl<T> Stack<T> { fun more(&self) { } } pub fun other", {"main": {"uses"}}),
    "the body of another function": ("{ 1 }", "{ 3 }", {"lib": {"other"}}),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_compiles_the_users_again(edit):
    before, after, wanted = EDITS[edit]
    assert LIBRARY.count(before) == 1
    compiled = edited({"lib.ruchy": LIBRARY, "main.ruchy": USER}, {"lib.ruchy": LIBRARY.replace(before, after)})
    users = {module: {one for one in names if "#" not in one} for module, names in compiled.items()}
    assert {module: names for module, names in users.items() if names} == wanted
