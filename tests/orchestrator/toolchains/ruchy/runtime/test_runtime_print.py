"""Output and the messages of traps."""

from __future__ import annotations

import pytest


def test_write_writes_all(fresh):
    fresh.on("write", 1, "Grüße")
    fresh.on("write", 2, "")
    fresh.on("write_line", 1, "!")
    fresh.on("write_line", 1, "")
    assert fresh.output == {1: "Grüße!\n\n".encode()}


@pytest.mark.parametrize("partial", [1, 2, 3, 5, 6, 7])
def test_partial_writes_go_on_where_they_stopped(fresh, partial):
    fresh.partial = partial
    fresh.on("write_line", 1, "hello")
    fresh.on("write", 1, "world")
    assert fresh.output == {1: b"hello\nworld"}


def test_interrupted_writes_are_tried_again(fresh):
    fresh.errors = [27, 6, 6]
    fresh.on("write", 1, "once")
    assert fresh.output == {1: b"once"}


@pytest.mark.parametrize("name", ["write", "write_line"])
def test_a_write_error_ends_the_program_with_1(fresh, name):
    fresh.errors = [64]
    with pytest.raises(fresh.Exit) as end:
        fresh.on(name, 1, "lost")
    assert end.value.args == (1,)
    assert fresh.output == {}


def test_a_write_that_gets_nowhere_is_an_error(fresh):
    fresh.partial = -1  # the last byte is never accepted
    text = fresh.string("x")
    with pytest.raises(fresh.Exit):
        fresh.call("write", 1, text)


REASONS = [
    "integer overflow",
    "division by zero",
    "remainder by zero",
    "shift amount out of range",
    "negative exponent",
    "no arm of this match fits",
    "unreachable code was reached",
    "capacity of a String exceeded",
    "repeated less than 0 times",
]


@pytest.mark.parametrize("reason", range(len(REASONS)))
def test_every_reason_has_its_text(fresh, reason):
    fresh.output.clear()
    with pytest.raises(fresh.Exit) as end:
        fresh.call("trap", fresh.site, 0, reason)
    assert end.value.args == (134,)
    assert fresh.output == {2: f"error: shop.ruchy:7: {REASONS[reason]}\n".encode()}


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("trap_text", ["no such user"], "7: no such user"),
        ("trap_cast", ["u8"], "7: cast does not fit in u8"),
        ("trap_index", [8, 4], "7: index 8 out of range for length 4"),
        ("trap_index", [-(2**63), 2**63 - 1], f"7: index {-(2**63)} out of range for length {2**63 - 1}"),
    ],
)
def test_messages_with_a_part_of_their_own(fresh, name, values, message):
    raw = [fresh.string(value) if isinstance(value, str) else value for value in values]
    fresh.output.clear()
    with pytest.raises(fresh.Exit) as end:
        fresh.call(name, fresh.site, 0, *raw)
    assert end.value.args == (134,)
    assert fresh.output == {2: f"error: shop.ruchy:{message}\n".encode()}


def test_lines_are_unsigned(fresh):
    with pytest.raises(fresh.Exit):
        fresh.call("trap", fresh.site, 2, 0)
    assert fresh.output == {2: b"error: shop.ruchy:4000000000: integer overflow\n"}


def test_a_trap_ends_with_its_status_though_nobody_can_read_it(fresh):
    fresh.errors = [8] * 20
    with pytest.raises(fresh.Exit) as end:
        fresh.call("trap", fresh.site, 0, 0)
    assert end.value.args == (134,)
