"""Items of a program go before builtins of their names, wherever they come from."""

from __future__ import annotations

import pytest

from tests.helpers.programs import build, run

OWN = {
    "types of another module": (
        {
            "m.ruchy": "pub enum Ordering { Less, More }\npub struct VecDeque { pub n: i64 }",
            "main.ruchy": """use m::Ordering
                use m::VecDeque
                fun f(o: Ordering) -> i64 { match o { Ordering::Less => 1, Ordering::More => 2 } }
                fun main() { println(f(Ordering::More), f(Ordering::Less), VecDeque { n: 4 }) }""",
        },
        "2 1 VecDeque {n: 4}\n",
    ),
    "a module math": (
        {
            "math.ruchy": "pub fun sqrt(x: i64) -> i64 { x + 1 }\npub const PI: i64 = 3",
            "main.ruchy": "use math\nfun main() { println(math::sqrt(4), math::PI) }",
        },
        "5 3\n",
    ),
    "functions and variables": (
        {
            "main.ruchy": """fun range(n: i64) -> i64 { n }
                fun push(a: i64, b: i64) -> i64 { a + b }
                fun bool(x: i64) -> i64 { x }
                const PI: i64 = 3
                fun main() { let math = {PI: 5}; println(range(3), push(1, 2), bool(7), PI, math.PI) }""",
        },
        "3 3 7 3 5\n",
    ),
    "methods": (
        {
            "main.ruchy": """struct P { x: i64 }
                impl P {
                    fun get_mut(&mut self, k: i64) -> Option<i64> { Some(self.x + k) }
                    fun checked_add(&self, o: i64) -> i64 { o }
                }
                fun main() {
                    let mut p = P { x: 1 };
                    if let Some(v) = p.get_mut(3) { println(v) }
                    println(p.get_mut(1).unwrap(), p.checked_add(5))
                }""",
        },
        "4\n2 5\n",
    ),
}


@pytest.mark.parametrize("what", OWN)
def test_what_a_program_defines_goes_before_a_builtin(what):
    sources, wanted = OWN[what]
    built = build(sources)
    assert built.errors() == []
    assert built.program is not None
    assert run(built.program).stdout == wanted


@pytest.mark.parametrize(
    ("statement", "warns"),
    [
        ("xs.sort();", True),
        ("xs.reverse();", True),
        ('" a ".trim();', True),
        ("xs.sort_unstable();", False),
        ("xs.push(1);", False),
        ("let ys = xs.sort();", False),
        ("xs.map(|x| println(x));", False),
    ],
)
def test_a_new_value_that_nobody_takes_is_a_warning(statement, warns):
    built = build({"main.ruchy": f"fun main() {{ let mut xs = [2, 1]; {statement} println(xs) }}"})
    assert built.errors() == []
    assert ("W0014" in [one.code for one in built.diagnostics]) == warns
