"""Arrays of values of several types: what they are good for, and what is told where they are not."""

from __future__ import annotations

import pytest

from orchestrator.toolchains.ruchy.check.abilities import name_of
from orchestrator.toolchains.ruchy.check.types import I64, STRING, ArrayType, MixedType, TupleType
from orchestrator.toolchains.ruchy.signatures import type_named
from tests.helpers.programs import errors_of, run_text
from tests.helpers.reuse_tools import job_of

RUN = {
    'println([1, "a"], [1, "a"] == [1, "a"], [(1, "a"), (2, "b")])': '[1, "a"] true [(1, "a"), (2, "b")]',
    'let xs = vec![1, "a"]\nprintln(xs[1], xs.to_string())': 'a [1, "a"]',
    'println([[1, "a"], [2, "b"]], [[1, 2], ["a"]])': '[[1, "a"], [2, "b"]] [[1, 2], ["a"]]',
    'fun f(n) { if n > 0 { [n, "pos"] } else { [0, "neg"] } }\nlet (n, s) = f(2)\nprintln(n, s)': "2 pos",
    "println([1, 2.5], [1, 2u8], [Some(1), None])": "[1.0, 2.5] [1, 2] [Some(1), None]",
    "struct P { x: i64 }\nlet t = [P { x: 1 }, None]\nprintln(t)": "[P {x: 1}, None]",
}


@pytest.mark.parametrize("source", RUN)
def test_such_arrays_are_tuples_that_print_as_arrays(source):
    assert run_text(source).stdout == RUN[source] + "\n"


WRONG = {
    'let xs = [1, "a"]; for x in xs { println(x) }': "E0212",
    'let xs = [1, "a"]; let i = 1; println(xs[i])': "E0252",
    'let xs = [1, "a"]; println(xs[2])': "E0252",
    'let mut xs = [1, "a"]; xs.push(2)': "E0107",
    'let xs = [1, "a"]; println(xs.map(|x| x))': "E0107",
    'let xs: [i64] = [1, "a"]': "E0250",
    'let mut xs = [1]; xs = [1, "a"]': "E0250",
    'let t: (i64, String) = [1, "a"]': "E0201",
    'let [a, b, c] = [1, "a"]': "E0271",
    'let xs = [1, "a"]; println(xs[0] + true)': "E0207",
}


@pytest.mark.parametrize("source", WRONG)
def test_what_needs_one_type_is_refused_once(source):
    found = errors_of(f"{source}\n")
    assert [one.code for one in found] == [WRONG[source]]


def test_a_signature_says_such_a_type():
    kind = MixedType((I64, ArrayType(MixedType((STRING, TupleType((I64,)))))))
    assert type_named(name_of(kind)) == kind
    assert b"mixed(i64, String)" in job_of('fun f(n) { [n, "a"] }\nprintln(f(1))').signatures["f"].interface


def test_a_local_array_that_is_only_printed_looks_like_one_with_a_wrong_element():
    for use in ("println(xs)", 'println("{} {}", xs, 1)', 'println(f"{xs}")', "println(len(xs))", "1"):
        (found,) = errors_of(f'fun main() {{\nlet xs = [1,\n"two"]\n{use}\n}}\n')
        assert (found.code, found.line) == ("E0250", 3)
        assert "i64 and String" in found.message
    for use in ("println(xs[0])", "let (a, b) = xs\nprintln(a, b)", "return xs", 'println(f"{xs[1]}")'):
        assert run_text(f'fun f() {{\nlet xs = [1, "two"]\n{use}\n}}\nfun main() {{ f() }}').code == 0
