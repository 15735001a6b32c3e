"""Loops, chains and their limits."""

from __future__ import annotations

import pytest

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.types import BOOL, I64, INTEGERS, NEVER, STRING, UNIT
from tests.helpers.counting_machine import CountingMachine
from tests.orchestrator.toolchains.ruchy.lower.trees import (
    block,
    compare,
    concat,
    function,
    module,
    num,
    op,
    put,
    shown,
    text,
    var,
    when,
)

U8, I8, U64, I32 = INTEGERS["u8"], INTEGERS["i8"], INTEGERS["u64"], INTEGERS["i32"]


@pytest.mark.parametrize("inclusive", [False, True])
@pytest.mark.parametrize(
    ("type_", "start", "end"),
    [
        *[(I64, 3, 7), (I64, 7, 3), (I64, 5, 5), (U8, 250, 255), (I8, -128, -125), (I8, 125, 127)],
        *[(I64, 2**63 - 3, 2**63 - 1), (U64, 2**64 - 2, 2**64 - 1), (I32, 2**31 - 2, 2**31 - 1)],
    ],
)
def test_a_range_counts_as_pythons_does(type_, start, end, inclusive):
    """Changing the variable in the body changes no other turn."""
    step = block(put(1, concat(var(1, STRING), shown(var(0, type_)), text(" "))), put(0, num(0, type_)))
    loop = hir.ForRange(UNIT, 0, 1, 0, num(start, type_), num(end, type_), inclusive, step)
    body = block(hir.Let(1, text("")), loop, value=var(1, STRING))
    machine = CountingMachine(module(function("f", [], STRING, body, [type_, STRING])))
    wanted = "".join(f"{value} " for value in range(start, end + inclusive))
    assert machine.text(machine.run("m::f")) == wanted
    assert machine.leaked() == []


def test_a_while_loop_with_continue():
    step = block(
        put(0, op("+", var(0), num(1))),
        when(compare("==", op("%", var(0), num(3)), num(0)), hir.Continue(NEVER, 0, 1)),
        put(1, op("+", var(1), var(0))),
    )
    loop = hir.While(UNIT, 0, 1, compare("<", var(0), num(10)), step)
    body = block(hir.Let(0, num(0)), hir.Let(1, num(0)), loop, value=var(1))
    assert CountingMachine(module(function("f", [], I64, body, [I64, I64]))).run("m::f") == 37


def test_and_and_or_compute_the_right_side_only_where_it_counts():
    loud = function("g", [BOOL], BOOL, block(hir.Print(UNIT, 0, 1, [shown(var(0, BOOL))]), value=var(0, BOOL)))

    def said(value: int) -> hir.Expr:
        return hir.Call(BOOL, 0, "m::g", [num(value, BOOL)])

    either = hir.Or(BOOL, 0, hir.Or(BOOL, 0, said(0), said(1)), said(1))
    both = hir.And(BOOL, 0, hir.And(BOOL, 0, either, said(0)), said(1))
    machine = CountingMachine(module(function("f", [], BOOL, both), loud))
    assert machine.run("m::f") == 0
    assert machine.output == b"falsetruefalse"


@pytest.mark.slow
def test_a_sum_of_5000_terms():
    value: hir.Expr = var(0)
    for _ in range(5000):
        value = op("+", value, num(1))
    assert CountingMachine(module(function("f", [I64], I64, value))).run("m::f", 7) == 5007


@pytest.mark.slow
def test_5000_joined_parts():
    parts: list[hir.Expr] = [var(0, STRING) if index % 2 else text("ab") for index in range(5000)]
    machine = CountingMachine(module(function("f", [STRING], STRING, concat(*parts))))
    assert machine.text(machine.run("m::f", "c")) == "abc" * 2500
    assert machine.leaked() == []


@pytest.mark.slow
def test_a_chain_of_1000_else_ifs_and_1000_conditions():
    value: hir.Expr = num(-1)
    test: hir.Expr = compare("==", var(0), num(-1))
    for index in reversed(range(1000)):
        value = when(compare("==", var(0), num(index)), num(index * 2), value)
        test = hir.Or(BOOL, 0, test, compare("==", var(0), num(index)))
    chain = function("f", [I64], I64, when(test, value, num(-2)))
    machine = CountingMachine(module(chain))
    assert [machine.run("m::f", value) for value in (0, 999, 1000)] == [0, 1998, -2]


def test_unit_has_no_value_anywhere():
    take = function("g", [UNIT, I64], UNIT, block(hir.Let(2, hir.Unit(UNIT, 0)), value=var(2, UNIT)), [UNIT])
    give = hir.Call(UNIT, 0, "m::g", [hir.Unit(UNIT, 0), num(4)])
    body = concat(shown(give), text(" "), shown(compare("==", give, give)))
    machine = CountingMachine(module(function("f", [], STRING, body), take))
    assert machine.text(machine.run("m::f")) == "nil true"


def test_a_template_known_at_run_time():
    arguments = [var(0, STRING), num(9), shown(num(1)), text("b")]
    body = hir.Runtime(STRING, 0, "format", arguments)
    machine = CountingMachine(module(function("f", [STRING], STRING, body)))
    assert machine.text(machine.run("m::f", "{}-{}-{}")) == "1-b-{}"
    assert machine.leaked() == []


def test_strings_are_named_by_their_owner_and_shared_in_it():
    body = concat(var(0, STRING), text("x"), var(0, STRING), text("x"), var(0, STRING), text("y"))
    (fragment,) = CountingMachine(module(function("f", [STRING], STRING, body))).fragments
    assert [(item.name, item.data) for item in fragment.data] == [
        ("m::f.str0", b"\xff\xff\xff\xff\x01\0\0\0x"),
        ("m::f.str1", b"\xff\xff\xff\xff\x01\0\0\0y"),
    ]


def test_lowering_is_a_pure_function():
    body = block(hir.Let(1, shown(op("*", var(0), num(3)))), value=concat(var(1, STRING), text("!")))
    made = [CountingMachine(module(function("f", [I64], STRING, body, [STRING]))).fragments for _ in range(2)]
    assert made[0] == made[1]
