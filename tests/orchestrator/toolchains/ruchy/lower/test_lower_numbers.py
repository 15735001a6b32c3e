"""Arithmetic, comparisons and casts of every width against Python's exact numbers: the value, or the trap."""

from __future__ import annotations

import math
import random
import struct

import pytest

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.types import BOOL, FLOATS, INTEGERS, IntType, Type
from tests.helpers.counting_machine import CountingMachine, Trap
from tests.orchestrator.toolchains.ruchy.lower.trees import function, module, num, var

WIDTHS = [INTEGERS[name] for name in ("i8", "u8", "i16", "u16", "i32", "u32", "i64", "u64")]
F64, F32 = FLOATS["f64"], FLOATS["f32"]


def limits(type_: IntType) -> tuple[int, int]:
    return (-1 << type_.bits - 1, (1 << type_.bits - 1) - 1) if type_.signed else (0, (1 << type_.bits) - 1)


def corners(type_: IntType) -> list[int]:
    low, high = limits(type_)
    found = {low, low + 1, high, high - 1, high // 2, high // 2 + 1, 0, 1, 2, 3, 7, type_.bits - 1, type_.bits}
    return sorted(value for value in {*found, *(-value for value in found)} if low <= value <= high)


def exact(operator: str, a: int, b: int, type_: IntType) -> int | str:
    """What an operator gives on exact integers, or the reason of its trap."""
    low, high = limits(type_)
    if operator in ("/", "%") and b == 0:
        return "division by zero" if operator == "/" else "remainder by zero"
    if operator in ("<<", ">>"):
        if not 0 <= b < type_.bits:
            return "shift amount out of range"
        found = a << b if operator == "<<" else a >> b
        found &= (1 << type_.bits) - 1
        return found - (1 << type_.bits) if found > high else found
    quotient = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1) if b else 0
    found = {
        "+": a + b, "-": a - b, "*": a * b, "/": quotient, "%": a - b * quotient, "&": a & b, "|": a | b, "^": a ^ b,
    }[operator]  # fmt: skip
    return found if low <= found <= high else "integer overflow"


def passed(value: int, type_: Type) -> int:
    """As wasmtime takes it: signed."""
    bits = 64 if isinstance(type_, IntType) and type_.bits == 64 else 32
    return value - (1 << bits) if value >> (bits - 1) == 1 else value


def given(value: int, type_: Type) -> int:
    """As Ruchy means it."""
    if isinstance(type_, IntType) and not type_.signed and type_.bits >= 32:
        return value & ((1 << type_.bits) - 1)
    return value


def outcome(machine: CountingMachine, name: str, result: Type, *arguments):
    try:
        return given(machine.run(name, *arguments), result)
    except Trap as trap:
        assert trap.site == 5
        return trap.reason


@pytest.mark.parametrize("type_", WIDTHS, ids=lambda type_: type_.name)
@pytest.mark.slow
def test_operators_on_variables_and_on_constants(type_):
    draw = random.Random(type_.name)
    values = corners(type_)
    pairs = [(a, b) for a in values for b in values if draw.random() < 60 / len(values) ** 2]
    pairs += [(draw.randint(*limits(type_)), draw.randint(*limits(type_))) for _ in range(12)]
    operators = ["+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>"]
    functions = []
    for operator in operators:
        right = var(1, type_)
        functions.append(_operation(f"v{operator}", [type_, type_], type_, operator, right))
        functions += [
            _operation(f"c{operator}{b}", [type_], type_, operator, num(b, type_)) for b in {b for _, b in pairs}
        ]
    machine = CountingMachine(module(*functions))
    for a, b in pairs:
        for operator in operators:
            wanted = exact(operator, a, b, type_)
            first, second = passed(a, type_), passed(b, type_)
            assert outcome(machine, f"m::v{operator}", type_, first, second) == wanted, (a, operator, b)
            assert outcome(machine, f"m::c{operator}{b}", type_, first) == wanted, (a, operator, b, "constant")


def _operation(name: str, parameters: list[Type], type_: Type, operator: str, right: hir.Expr) -> hir.FunctionBody:
    body = hir.Arithmetic(type_, 9, operator, var(0, type_), right)
    return function(name, parameters, type_, body, start=4)


@pytest.mark.parametrize("type_", WIDTHS, ids=lambda type_: type_.name)
def test_one_operand(type_):
    low, high = limits(type_)
    minus = hir.Negate(type_, 9, var(0, type_))
    flip = hir.BitNot(type_, 9, var(0, type_))
    machine = CountingMachine(
        module(function("minus", [type_], type_, minus, start=4), function("flip", [type_], type_, flip, start=4))
    )
    for value in corners(type_):
        wanted = -value if low <= -value <= high else "integer overflow"
        assert outcome(machine, "m::minus", type_, passed(value, type_)) == wanted
        flipped = ~value if type_.signed else high - value
        assert outcome(machine, "m::flip", type_, passed(value, type_)) == flipped


@pytest.mark.parametrize("type_", WIDTHS, ids=lambda type_: type_.name)
def test_comparisons(type_):
    operators = ["==", "!=", "<", "<=", ">", ">="]
    functions = [
        function(operator, [type_, type_], BOOL, hir.Compare(BOOL, 9, operator, var(0, type_), var(1, type_)))
        for operator in operators
    ]
    machine = CountingMachine(module(*functions))
    for a in corners(type_):
        for b in corners(type_)[::3]:
            wanted = [a == b, a != b, a < b, a <= b, a > b, a >= b]
            found = [machine.run("m::" + op, passed(a, type_), passed(b, type_)) for op in operators]
            assert found == wanted, (a, b)


@pytest.mark.parametrize("source", [*WIDTHS, BOOL], ids=lambda type_: getattr(type_, "name", "other"))
def test_casts_between_integers(source):
    targets = WIDTHS
    functions = [
        function(f"to{index}", [source], target, hir.Cast(target, 9, var(0, source)), start=4)
        for index, target in enumerate(targets)
    ]
    machine = CountingMachine(module(*functions))
    values = corners(source) if isinstance(source, IntType) else [0, 1]
    for value in values:
        for index, target in enumerate(targets):
            low, high = limits(target)
            wanted = value if low <= value <= high else f"cast does not fit in {target.name}"
            assert outcome(machine, f"m::to{index}", target, passed(value, source)) == wanted, (value, target)


@pytest.mark.parametrize("source", [F32, F64], ids=lambda type_: type_.name)
def test_casts_from_floats(source):
    functions = [function(type_.name, [source], type_, hir.Cast(type_, 9, var(0, source)), start=4) for type_ in WIDTHS]
    machine = CountingMachine(module(*functions))
    values = [0.0, -0.0, -0.9, -1.0, 0.99, 2.75, 255.9, 256.0, 1e30, -1e30, math.inf, -math.inf, math.nan]
    for type_ in WIDTHS:
        low, high = limits(type_)
        around = [
            near
            for edge in (float(low), float(high), low - 1.0, high + 1.0)
            for near in (edge, math.nextafter(edge, math.inf), math.nextafter(edge, -math.inf))
        ]
        for value in values + around:
            if source == F32:
                (value,) = struct.unpack("<f", struct.pack("<f", value))
            whole = math.trunc(value) if math.isfinite(value) else high + 1
            wanted = whole if low <= whole <= high else f"cast does not fit in {type_.name}"
            assert outcome(machine, "m::" + type_.name, type_, value) == wanted, (value, type_)


@pytest.mark.parametrize("type_", WIDTHS, ids=lambda type_: type_.name)
def test_casts_to_floats(type_):
    functions = [function(to.name, [type_], to, hir.Cast(to, 9, var(0, type_))) for to in (F32, F64)]
    machine = CountingMachine(module(*functions))
    for value in corners(type_):
        assert machine.run("m::f64", passed(value, type_)) == float(value)
    assert machine.run("m::f32", 3) == 3.0


def test_a_power_checks_the_width_of_its_base():
    type_ = INTEGERS["i8"]
    machine = CountingMachine(module(_operation("f", [type_, type_], type_, "**", var(1, type_))))
    assert outcome(machine, "m::f", type_, 2, 6) == 64
    assert outcome(machine, "m::f", type_, -2, 7) == -128
    assert outcome(machine, "m::f", type_, 2, 7) == "integer overflow"
    assert outcome(machine, "m::f", type_, 2, -1) == "negative exponent"


def test_an_exponent_beyond_i64_is_not_negative():
    wide = INTEGERS["u64"]
    machine = CountingMachine(module(_operation("f", [INTEGERS["i64"], wide], INTEGERS["i64"], "**", var(1, wide))))
    assert outcome(machine, "m::f", INTEGERS["i64"], 1, passed((1 << 64) - 1, wide)) == 1
    assert outcome(machine, "m::f", INTEGERS["i64"], 2, passed(1 << 63, wide)) == "integer overflow"


@pytest.mark.parametrize("amount", [INTEGERS["u8"], INTEGERS["i64"]], ids=lambda type_: type_.name)
@pytest.mark.parametrize("type_", [INTEGERS["i32"], INTEGERS["u64"]], ids=lambda type_: type_.name)
def test_a_shift_by_another_width(type_, amount):
    machine = CountingMachine(module(_operation("f", [type_, amount], type_, "<<", var(1, amount))))
    assert outcome(machine, "m::f", type_, 3, 4) == 48
    assert outcome(machine, "m::f", type_, 3, type_.bits) == "shift amount out of range"


def test_floats_never_trap():
    body = hir.Arithmetic(F64, 0, "/", var(0, F64), hir.Arithmetic(F64, 0, "-", var(1, F64), var(1, F64)))
    machine = CountingMachine(module(function("f", [F64, F64], F64, body)))
    assert machine.run("m::f", 1.0, 2.0) == math.inf


def test_a_function_without_traps_has_no_sites():
    body = hir.Arithmetic(F64, 0, "*", var(0, F64), var(0, F64))
    (fragment,) = CountingMachine(module(function("f", [F64], F64, body))).fragments
    assert fragment.sites == ()
    assert fragment.code[0].relocations == ()


def test_sites_count_from_the_first_token_of_the_item_and_are_shared():
    type_ = INTEGERS["i64"]
    inner = hir.Arithmetic(type_, 107, "/", var(0, type_), var(1, type_))
    body = hir.Arithmetic(type_, 103, "+", inner, inner)
    (fragment,) = CountingMachine(module(function("f", [type_, type_], type_, body, start=100))).fragments
    assert fragment.sites == (7, 3)
