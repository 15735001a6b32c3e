"""Edits with reuse: after each one, a compile that is given every fragment ever made equals one from nothing."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.reuse_tools import WrongError, compiled, fragments_of, job_of

NAMES = ("f", "g", "h", "k")
HEADS = (
    "fun {0}(a: i64) -> i64",
    "pub fun {0}(a: i64) -> i64",
    "fun {0}(a)",
    "fun {0}(a: i64 = N)",
    "fun {0}(a: i32) -> i32",
)
BODIES = (
    "a + 1",
    "let unused = a; a * 2",
    "f(a) + 1",
    "g(a)",
    'println("{} {}", a, N); a',
    "let p = P { x: 3 }; println(p); a / 2",
    "fun inner(b) { b - 1 } inner(a)",
    "if a > 3 { h(a - 1) } else { a }",
    "limit + 1",
    "return a; a",
    'let w = "\\q"; println(w); a',
    "let mut p = P { x: 3 }; p.up(a); p.m() + a",
    "P::made(a).m()",
    "println(P { x: 3 }); P::made(a).up(2); a",
    'println(same("s", 2)); same(same(a, 1), 2)',
    "let get = |x| same(x, N); get(a)",
    'println(each("s"), each(a)); a',
    "println(each(1.5), each([a])); f(a)",
    "let mut q = Q::of(a); q.put(N); q.read() + Q { v: P { x: 3 } }.v.x",
    'println(Q::of("t")); Q::of(P { x: 3 }).read(); a',
    "println(P { x: 3 }.twice(), 5.once()); a",
    "fun all<T: Once>(x: T) -> i64 { x.once() + x.twice() } all(P { x: 3 }) + all(a)",
)
UNTYPED = (
    "fun each(x) { x }",
    "pub fun each(x) { if N > 5 { x } else { part(x, N) } } fun part(x, n) { if n > 9 { x } else { part(x, n + N) } }",
    'fun each(x) { fun inner(y) { f"{y}{limit}" } inner(x) + inner(N) }',
    "fun each(x) { let pair = |y| (x, y); f(2); pair(part(x)) } fun part(x) { println(x); [x] }",
    "/* c */ fun each(x) { let unused = 1; x }",
)
CONSTS = ("const N = 5;", "const N: i64 = 2 + 3;", "const N = 7;")
STRUCTS = ("struct P { x: i64 }", 'struct P { x: i32, y: String = "s" }', "struct P { x: Z } type Z = u8;")
METHODS = (
    "",
    "impl P { fun m(&self) -> i64 { self.x + N } fun up(&mut self, k: i64) { self.x += k } fun made(x) { P { x } } }",
    """impl P { fun m(&self) { f(self.x) } fun up(&mut self, k) { self.x += 2 } }
    impl P { fun made(x: i64) -> P { P { x } } }""",
    """impl P { fun made(x: i64) -> P { P { x: x } } fun m(&self) -> i64 { let unused = 1; self.m2() }
    fun m2(self) -> i64 { self.x } pub fun up(&self, k: i64 = N) -> i64 { k } }""",
    """impl P { /* moved */ fun made(x: i64) -> Self { Self { x } } fun m(&self) -> i64 { limit }
    fun up(&mut self, k: i64) { } }""",
)
GENERIC = (
    "fun same<T>(x: T, n: i64) -> T { x }",
    "/* c */ fun same<T>(x: T, n: i64) -> T { let unused = n; if n > 1 { x } else { same(x, n + N) } }",
    "pub fun same<U>(x: U, n: i64) { let both = |y| (y, x); println(both(n)); [x][n - 1] }",
    "fun same<T>(x: T, n: i64) -> T { g(n); fun inner(k: i64) -> i64 { limit + k } [x, x][inner(0) - 10] }",
)
GENERIC_TYPES = (
    (
        "struct Q<T> { v: T } impl<T> Q<T> { fun of(v: T) -> Q<T> { Q { v } } fun put(&mut self, v: T) { self.v = v } "
        "fun read(&self) -> T { self.v } }"
    ),
    (
        "impl<U> Q<U> { fun of(v: U) -> Q<U> { let k = N; Q { v, n: k } } fun put(&mut self, v: U) { self.n += 1; "
        "self.v = v } fun read(&self) -> U { println(limit); self.v } } struct Q<T> { v: T, n: i64 }"
    ),
    "class Q<T> { v: T  fun of(v: T) { Q { v } } fun put(&mut self, v: T) { self.v = v } fun read(&self) { self.v } }",
)
TRAITS = (
    """trait Once { fun once(&self) -> i64; fun twice(&self) -> i64 { self.once() * 2 } }
    impl Once for P { fun once(&self) -> i64 { N } } impl Once for i64 { fun once(&self) -> i64 { *self } }""",
    """impl Once for i64 { fun once(&self) -> i64 { limit + 1 } } trait Once { fun once(&self) -> i64 { N }
    fun twice(&self) -> i64 { println(1); self.once() * 2 } } impl Once for P { fun twice(&self) -> i64 { f(2) } }""",
    """trait Once { fun once(&self) -> i64; fun twice(&self) -> i64 { g(1); self.once() } } impl Once for i64 {
    fun once(&self) -> i64 { 4 } }""",
)
TOPS = (
    "",
    "let limit = 10;",
    "let limit = 11; println(f(2))",
    "let mut limit = 1; limit = 2; println(limit)",
    "println(k(1));",
)
NOISE = ("", "// a comment\n\n", "/* one\n more */ ", "\n\n\n")

functions = st.dictionaries(
    st.sampled_from(NAMES), st.tuples(st.sampled_from(HEADS), st.sampled_from(BODIES), st.sampled_from(NOISE))
)
modules = st.tuples(
    functions,
    st.permutations(NAMES),
    st.sampled_from(CONSTS),
    st.sampled_from(STRUCTS),
    st.sampled_from(TOPS),
    st.sampled_from(METHODS),
    st.sampled_from(GENERIC),
    st.sampled_from(GENERIC_TYPES),
    st.sampled_from(UNTYPED),
    st.sampled_from(TRAITS),
)


def text(module) -> str:
    written, order, const, struct, top, methods, generic, kinds, untyped, traits = module
    bodies = dict.fromkeys(NAMES, ("fun {0}(a: i64) -> i64", "a", "")) | written
    parts = [f"{noise}{head.format(name)} {{ {body} }}" for name in order for head, body, noise in [bodies[name]]]
    around = [methods, parts[0], const, parts[1], top, struct]
    return "\n".join([*around, *parts[2:-1], generic, kinds, untyped, parts[-1], traits])


@settings(deadline=None)
@given(st.lists(modules, min_size=2, max_size=5))
def test_fragments_of_any_earlier_text_change_nothing(texts):
    kept: dict[str, bytes] = {}
    for module in texts:
        source = text(module)
        job = job_of(source)
        try:
            whole = compiled(job)
        except WrongError as wrong:
            try:
                compiled(job, kept)
            except WrongError as again:
                assert again.args == wrong.args
                continue
            raise AssertionError(source) from wrong
        reused = compiled(job, kept)
        assert reused.data == whole.data
        assert reused.warnings == whole.warnings
        known = {name for name, digest in job.fingerprints.items() if digest in kept}
        if b"wasmill.fragments" in whole.data:
            assert reused.compiled == tuple(one for one in whole.functions if one.partition(".")[0] not in known)
        for digest, data in fragments_of(whole).items():
            assert kept.setdefault(digest, data) == data, "one fingerprint, two fragments"
