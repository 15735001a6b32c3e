"""Variables of the top level under edits: what is reused of earlier compiles never tells."""

from __future__ import annotations

import os
import random

import pytest

from orchestrator.toolchains.ruchy.check.inference.infer import shown
from orchestrator.toolchains.ruchy.check.variables import types_in
from orchestrator.toolchains.ruchy.signatures import known
from tests.helpers.programs import build, run_text
from tests.helpers.reuse_tools import WrongError, compiled, fragments_of, job_of

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
HEADS = ("", "fun aside() -> i64 { 1 }\n", "fun aside() -> f64 { 1.0 }\nconst STEP = 0.5\n", "const STEP = 2\n")
LETS = (
    "let mut n = 0\n",
    "let mut n: i32 = 0\n",
    "let n = 1.5\n",
    'let mut n = "a"\n',
    "let mut n = start()\n",
    "let mut m = 1\nlet mut n = m\n",
    "let mut n = []\n",
    "let (mut n, m) = (0, 1)\n",
    "let mut n = None\n",
    "let mut n = 1\nlet n = 2\n",
    "const n: i64 = 4\n",
    "",
)
STARTS = ("fun start() -> i64 { 3 }\n", "fun start() -> u8 { 3 }\n", "fun start() { 2.5 }\n")
READERS = (
    "fun read() { n }\n",
    "fun read() -> i64 { 7 }\n",
    "fun read() { println(n) }\n",
    "fun read() { let n = 1; n }\n",
    "pub fun read() { n }\n",
    "pub fun read() { let n = 1; n = 1.5; n }\n",
)
WRITERS = (
    "fun write() { n = n + n }\n",
    "fun write() { }\n",
    "fun write() { fun inner() { n = n } inner() }\n",
    "fun write() { n /* a float */ += 0.5 }\n",
    "fun write() { fun inner() { n = if n > 0 { 2.5 } else { n } } inner() }\n",
    "fun write() { n = n + aside() }\n",
    "fun write() { n = STEP }\n",
    "fun write() { let n = 0; n = 1.5 }\n",
    "fun write() { n.push(aside()) }\n",
    "fun write() { n = Some(STEP) }\n",
)
TAILS = ("println(read())\nwrite()\nprintln(n)\n", "println(read())\n", "write()\nn = n\n", "n = n * 1.5\n")
PARTS = (HEADS, LETS, STARTS, READERS, WRITERS, TAILS)


def outcome(source: str, fragments: dict[str, bytes]):
    """Object and warnings, or the codes of the errors; and what may be reused later."""
    try:
        made = compiled(job_of(source), fragments)
    except WrongError as wrong:
        return wrong.codes, {}
    return (made.data, made.warnings), fragments_of(made)


def check(seed: int, edits: int) -> None:
    draw = random.Random(seed)
    chosen = [draw.choice(part) for part in PARTS]
    kept: dict[str, bytes] = {}
    for _ in range(edits):
        at = draw.randrange(len(PARTS))
        chosen[at] = draw.choice(PARTS[at])
        source = "".join(chosen)
        made, more = outcome(source, kept)
        assert made == outcome(source, {})[0], source
        kept.update(more)


@pytest.mark.sweep
@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100 if LONG else 1))
def test_an_object_is_the_same_whatever_is_reused(seed):
    check(seed, 100)


def recompiled(before: str, after: str) -> list[str]:
    return sorted(compiled(job_of(after), fragments_of(compiled(job_of(before)))).compiled)


def test_a_function_is_compiled_again_when_a_variable_that_it_names_is_another():
    text = "let mut n = 1\nfun f() -> i64 { n }\nfun g() -> i64 { 1 }\nprintln(f() + g())\n"
    assert recompiled(text, text.replace("n = 1", "n: i32 = 1")) == ["<top>", "f"]
    assert recompiled(text, text.replace("{ 1 }", "{ n }")) == ["g"]  # `f` made it live in memory before
    local = text.replace("{ n }", "{ 2 }")
    assert recompiled(local, text) == ["<top>", "f"]
    assert recompiled(text, local) == ["<top>", "f"]


def test_a_variable_is_another_when_a_function_assigns_floats_to_it():
    text = "let mut n = 0\nfun f() -> i64 { println(n); 1 }\nfun g() { n = n + 1 }\nprintln(f())\n"
    assert recompiled(text, text.replace("n + 1", "n + 1.5")) == ["<top>", "f", "g"]
    assert recompiled(text, text.replace("n + 1", "n + 2")) == ["g"]
    assert recompiled(text.replace("n + 1", "n + 1.5"), text) == ["<top>", "f", "g"]


FLOATS = {
    "a literal": "n = 1.5",
    "beside an integer": "n = n + 1.5",
    "in place": "n += 1.5",
    "in brackets": "n = -(1 + 1.5) * 2",
    "a branch": "if n == 0 { n = if n > 1 { 1 } else { 1.5 } }",
    "a choice": "n = n > 0 ? 1 : 1.5",
    "a loop": "for i in 0..1 { n = n + 1.5 }",
    "a cast": "n = 1 as f64",
    "a parameter": "n = x",
    "a local": "let y = x * 2.0; n = y",
    "a local with a type": "let y: f64 = 1; n = y",
    "a local that became a float": "let mut y = 1; y = 1.5; n = y",
    "a constant": "n = HALF",
    "a result": "n = half()",
    "mathematics": "n = sqrt(2)",
    "mathematics that keeps floats": "n = max(1, (1.5).abs())",
    "another variable": "n = m",
    "a variable that becomes a float": "n = k; k = 1.5",
    "a nested function": "fun inner() { n = 1.5 } inner()",
}
INTEGERS = {
    "an integer": "n = n + 1",
    "a comparison": "if 1.5 > 1.0 { n = 1 }",
    "a cast": "n = 1.5 as i64",
    "an argument": "n = whole(1.5)",
    "a condition": "n = if 1.5 > 1.0 { 1 } else { 2 }",
    "a local of that name": "let mut n = 1; n = 1.5",
    "rounding": "n = round(1.5)",
    "nothing": "",
}
AROUND = """let mut n = 0
let mut m = 2.5
let mut k = 0
const HALF = 0.5
fun half() -> f64 { 0.5 }
fun whole(x: f64) -> i64 { 1 }
fun get() { n + k as i64 + m as i64 }
fun f(x: f64) { @ }
println(n)
"""


@pytest.mark.parametrize("how", [*FLOATS.values(), *INTEGERS.values()], ids=[*FLOATS, *INTEGERS])
def test_what_is_a_float_because_floats_are_assigned(how):
    source = AROUND.replace("@", how)
    ran = run_text(source)
    assert (ran.code, ran.stdout) == (0, "0.0\n" if how in FLOATS.values() else "0\n")
    assert found(source)["n"] == ("f64" if how in FLOATS.values() else "i64")
    assert compiled(job_of(source)).data


def found(source: str) -> dict[str, str]:
    """What `infer` says of the variables that functions name."""
    signature = job_of(source).signatures.get("<top>")
    types = types_in(known(signature)) if signature is not None else {}
    return {name: shown(kind) for name, kind in types.items()}


def test_a_result_that_depends_on_variables_of_the_top_level_is_for_their_module():
    entry = "use a::f\nlet n = 3\npub fun get() { n }\nprintln(get() + f())\n"
    other = "use main::get\npub fun f() -> i64 { get() }\n"
    found = build({"main.ruchy": entry, "a.ruchy": other}).diagnostics
    assert [(one.code, one.file, one.line) for one in found] == [("E0507", "a.ruchy", 2)]
    for source, printed in (
        ("let n = 3\npub fun get() { n + twice(n) }\nfun twice(x) { x + n }\nprintln(get())\n", "9\n"),
        ("let n = f()\nlet m = n + 1\npub fun f() { 3 }\npub fun g() { m }\nprintln(g())\n", "4\n"),
    ):
        assert run_text(source).stdout == printed
