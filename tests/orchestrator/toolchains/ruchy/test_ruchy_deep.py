"""Values that hold others of their own type, as deep as memory is large: released and compared without the stack."""

from __future__ import annotations

import pytest

from tests.helpers.programs import run_text

PAGE = 65536
TYPES = """
struct Node { next: Option<Box<Node>>, v: i64, name: String }
enum Tree { Leaf, One(Box<Tree>, i64), Many(Vec<Tree>) }
struct A { b: Option<Box<B>>, n: i64 }
struct B { a: Option<Box<A>>, names: Vec<String> }

fun chain(n: i64, last: i64) -> Option<Box<Node>> {
    let mut made: Option<Box<Node>> = None;
    for i in 0..n { made = Some(Box::new(Node { next: made, v: if i == 0 { last } else { i }, name: f"n{i}" })); }
    made
}
fun tree(n: i64, last: i64) -> Tree {
    let mut made = Tree::One(Box::new(Tree::Leaf), last);
    for i in 0..n {
        made = if i % 2 == 0 { Tree::One(Box::new(made), i) } else { Tree::Many(vec![made, Tree::Leaf]) };
    }
    made
}
fun mutual(n: i64, last: i64) -> A {
    let mut made = A { b: None, n: last };
    for i in 0..n { made = A { b: Some(Box::new(B { a: Some(Box::new(made)), names: vec![f"x{i}"] })), n: i }; }
    made
}
fun compare(n: i64) -> String {
    let (a, b, c) = (chain(n, 0), chain(n, 0), chain(n, 7));
    let (t, u, w) = (tree(n, 1), tree(n, 1), tree(n, 2));
    let (m, o, q) = (mutual(n, 1), mutual(n, 1), mutual(n, 2));
    f"{a == b} {a == c} {t == u} {t == w} {m == o} {m == q}"
}
"""


def test_what_is_put_off_decides_and_is_given_back():
    """Thirty times what a hundred levels of calls leave, in memory that has room for a few of them."""
    main = "fun main() { let mut all = HashSet::new(); for i in 0..30 { all.insert(compare(300)); } println(all); }"
    ran = run_text(TYPES + main, memory_limit=8 * PAGE)
    assert (ran.stdout, ran.reason) == ('{"true false true false true false"}\n', "")


@pytest.mark.slow
def test_a_million_levels():
    ran = run_text(TYPES + "fun main() { println(compare(1000000)); }")
    assert (ran.stdout, ran.reason) == ("true false true false true false\n", "")
