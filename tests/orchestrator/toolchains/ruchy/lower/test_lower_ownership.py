"""Every reference is released once, on every way out, and values behave like values."""

from __future__ import annotations

import pytest

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.types import BOOL, I64, NEVER, STRING, UNIT
from tests.helpers.counting_machine import CountingMachine
from tests.orchestrator.toolchains.ruchy.lower.trees import (
    P,
    Q,
    block,
    call,
    compare,
    concat,
    field,
    function,
    leave,
    module,
    new,
    num,
    op,
    put,
    shown,
    stop,
    text,
    var,
    when,
)

S0 = var(0, STRING)


def run(body: hir.Expr, result=STRING, parameters=(), locals_=(), arguments=(), others=()):
    """Runs "m::f"; gives the result (strings as text) and the machine, with nothing leaked."""
    machine = CountingMachine(module(function("f", list(parameters), result, body, list(locals_)), *others))
    found = machine.run("m::f", *arguments)
    if result == STRING:
        found = machine.text(found)
    assert machine.leaked() == []
    return found, machine


def test_a_parameter_that_is_returned_is_retained():
    assert run(S0, parameters=[STRING], arguments=["x"])[0] == "x"


def test_a_local_is_handed_on_without_a_copy():
    body = block(hir.Let(0, concat(text("a"), shown(num(1)))), value=var(0, STRING))
    assert run(body, locals_=[STRING])[0] == "a1"


def test_an_unused_value_is_released():
    assert run(block(concat(text("a"), shown(num(1))), value=num(3)), I64)[0] == 3


def test_assigning_to_a_parameter_leaves_the_callers_value():
    body = block(put(0, concat(S0, text("!"))), put(0, concat(S0, S0)), value=S0)
    assert run(body, parameters=[STRING], arguments=["x"])[0] == "x!x!"


def test_appending_in_a_loop_never_copies():
    step = block(put(1, concat(var(1, STRING), text("ab"), shown(var(0)))))
    loop = hir.ForRange(UNIT, 0, 1, 0, num(0), num(5), False, step)
    found, machine = run(
        block(hir.Let(1, concat(text(""), shown(num(7)))), loop, value=var(1, STRING)), locals_=[I64, STRING]
    )
    assert found == "7ab0ab1ab2ab3ab4"
    assert machine.copies == 0


def test_appending_something_of_itself():
    body = block(
        hir.Let(0, concat(text("a"), shown(num(1)))),
        put(0, concat(S0, S0)),
        put(0, concat(S0, shown(hir.Runtime(I64, 0, "str_len", [S0])))),
        put(0, concat(S0, text("-"), S0)),
        value=S0,
    )
    assert run(body, locals_=[STRING])[0] == "a1a14-a1a14"


def test_a_borrowed_argument_survives_a_store_in_a_later_argument():
    other = block(put(0, shown(num(9))), value=S0)
    both = function("g", [STRING, STRING], STRING, concat(S0, text("/"), var(1, STRING)))
    body = block(hir.Let(0, shown(num(1))), value=call("m::g", STRING, S0, other))
    assert run(body, locals_=[STRING], others=[both])[0] == "1/9"


def test_a_joined_part_survives_a_store_in_a_later_part():
    other = block(put(0, shown(num(9))), value=S0)
    body = block(hir.Let(0, shown(num(1))), value=concat(S0, other, text("."), S0))
    assert run(body, locals_=[STRING])[0] == "19.9"


@pytest.mark.parametrize("turn", [0, 1, 2, 3])
def test_every_way_out_of_nested_scopes_releases_what_was_bound(turn):
    """break, continue and return from inside an argument, with owned values waiting in three scopes."""
    way = when(
        compare("==", var(0), num(0)),
        stop(7, shown(num(50))),
        when(
            compare("==", var(0), num(1)),
            leave(var(1, STRING)),
            when(compare("==", var(0), num(2)), leave(shown(num(60))), shown(num(70))),
        ),
    )
    both = function("g", [STRING, STRING], STRING, concat(S0, var(1, STRING)))
    inner = block(
        hir.Let(2, shown(num(2))),
        stop(7, concat(shown(num(3)), call("m::g", STRING, shown(num(4)), way), var(2, STRING))),
        value=hir.Unit(NEVER, 0),
    )
    loop = hir.Loop(STRING, 0, 7, inner)
    body = block(hir.Let(1, shown(num(1))), value=concat(loop, text("|"), var(1, STRING)))
    found, _ = run(body, parameters=[I64], locals_=[STRING, STRING], arguments=[turn], others=[both])
    assert found == ["50|1", "1", "60", "34702|1"][turn]


def test_continue_releases_the_scope_of_one_turn():
    step = block(
        hir.Let(1, shown(var(0))),
        when(compare("==", op("%", var(0), num(2)), num(0)), hir.Continue(NEVER, 0, 3)),
        put(2, concat(var(2, STRING), var(1, STRING))),
    )
    loop = hir.ForRange(UNIT, 0, 3, 0, num(0), num(6), True, step)
    body = block(hir.Let(2, text("")), loop, value=var(2, STRING))
    assert run(body, locals_=[I64, STRING, STRING])[0] == "135"


def test_a_break_whose_value_nobody_wants_is_released():
    loop = hir.While(UNIT, 0, 1, num(1, BOOL), block(hir.Let(0, shown(num(1))), stop(1, S0)))
    assert run(block(loop, value=num(1)), I64, locals_=[STRING])[0] == 1


# ---------------------------------------------------------------- structs


def p(n: int, word: str) -> hir.NewStruct:
    return new(P, num(n), concat(text(word), shown(num(n))), num(1, BOOL))


def test_a_struct_is_shown_with_sorted_fields():
    assert run(shown(new(Q, num(1), p(2, "x"))))[0] == 'Q {inner: P {flag: true, n: 2, text: "x2"}, tag: 1}'


def test_fields_are_computed_in_the_order_written():
    loud = function("g", [I64], I64, block(hir.Print(UNIT, 0, 1, [shown(var(0))]), value=var(0)))
    value = new(P, call("m::g", I64, num(1)), shown(call("m::g", I64, num(2))), num(0, BOOL), order=[1, 2, 0])
    found, machine = run(field(value, 1), others=[loud])
    assert (found, machine.output) == ("2", b"21")


def test_fields_that_may_jump_leak_nothing():
    way = when(compare("==", var(0), num(0)), leave(text("left")), shown(num(5)))
    value = new(P, num(1), way, num(0, BOOL), order=[0, 1, 2])
    body = field(field(new(Q, num(3), value, order=[1, 0]), 1), 1)
    assert run(body, parameters=[I64], arguments=[0])[0] == "left"
    assert run(body, parameters=[I64], arguments=[1])[0] == "5"


def test_a_copy_is_independent():
    body = block(
        hir.Let(0, p(1, "a")),
        hir.Let(1, var(0, P)),
        put(1, text("changed"), 1),
        put(1, num(9), 0),
        value=concat(shown(var(0, P)), shown(var(1, P))),
    )
    found, machine = run(body, locals_=[P, P])
    assert found == 'P {flag: true, n: 1, text: "a1"}P {flag: true, n: 9, text: "changed"}'
    assert machine.copies == 1


def test_a_struct_of_ones_own_is_written_in_place():
    body = block(
        hir.Let(0, new(Q, num(1), p(1, "a"))),
        put(0, num(5), 1, 0),
        put(0, concat(field(field(var(0, Q), 1), 1), text("b"), text("c")), 1, 1),
        value=shown(var(0, Q)),
    )
    found, machine = run(body, locals_=[Q])
    assert found == 'Q {inner: P {flag: true, n: 5, text: "a1bc"}, tag: 1}'
    assert machine.copies == 0


def test_a_nested_struct_that_is_shared_is_copied_on_the_way():
    body = block(
        hir.Let(0, new(Q, num(1), p(1, "a"))),
        hir.Let(1, var(0, Q)),
        hir.Let(2, field(var(0, Q), 1)),
        put(1, num(5), 1, 0),
        value=concat(shown(var(0, Q)), shown(field(var(1, Q), 1)), shown(var(2, P))),
    )
    before, after = 'P {flag: true, n: 1, text: "a1"}', 'P {flag: true, n: 5, text: "a1"}'
    assert run(body, locals_=[Q, Q, P])[0] == f"Q {{inner: {before}, tag: 1}}{after}{before}"


def test_update_replaces_fields_of_a_copy():
    base = hir.UpdateStruct(P, 0, var(0, P), [(1, shown(num(8)))])
    body = block(hir.Let(0, p(1, "a")), value=concat(shown(base), shown(var(0, P))))
    found, _ = run(body, locals_=[P])
    assert found == 'P {flag: true, n: 1, text: "8"}P {flag: true, n: 1, text: "a1"}'


def test_a_struct_parameter_that_is_changed_is_not_the_callers():
    change = function("g", [P], I64, block(put(0, num(9), 0), value=field(var(0, P), 0)))
    body = block(
        hir.Let(0, p(1, "a")), hir.Let(1, call("m::g", I64, var(0, P))), value=op("-", var(1), field(var(0, P), 0))
    )
    assert run(body, I64, locals_=[P, I64], others=[change])[0] == 8


def test_structs_compare_by_their_fields():
    same = compare("==", p(1, "a"), p(1, "a"))
    other = compare("!=", new(Q, num(1), p(1, "a")), new(Q, num(1), p(1, "b")))
    assert run(hir.And(BOOL, 0, same, other), BOOL)[0] == 1


def test_the_helpers_of_a_struct_are_weak_and_travel_with_each_user():
    show = [function(name, [Q], STRING, shown(var(0, Q))) for name in ("f", "g")]
    fragments = CountingMachine(module(*show)).fragments
    assert [code.name for code in fragments[0].code] == ["m::f", "m::Q.{show}", "m::P.{show}"]
    assert fragments[0].code[1:] == fragments[1].code[1:]
    assert {code.flags for code in fragments[0].code[1:]} == {5}
    assert fragments[0].data == fragments[1].data
