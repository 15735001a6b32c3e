"""A program as groups behaves as the one module that it is, whatever it does."""

from __future__ import annotations

import os

import pytest
import wasmtime

from orchestrator.wasm.execute import MachineCode, RunOutcome
from orchestrator.wasm.groups import layout
from orchestrator.wasm.groups.finished import UngroupedError, read_program
from orchestrator.wasm.groups.scan import calls_of
from tests.helpers.running import run_program

HEAD = """
  (type $v (func)) (type $i (func (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1 4)
  (global $count (mut i32) (i32.const 7))
  (global $pi f64 (f64.const 3.25))
  (table 5 funcref) (elem (i32.const 1) $double $boom $show)
  (data (i32.const 100) "0123456789")
  (func $show (param $digit i32) (result i32)
    (i32.store (i32.const 0) (i32.add (i32.const 100) (local.get $digit))) (i32.store (i32.const 4) (i32.const 1))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))) (local.get $digit))
  (func $double (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2)))
  (func $boom unreachable)
  (func $bump (global.set $count (i32.add (global.get $count) (i32.const 1))))
  (func $library::copied (param i32) (result i32) (call $library::deeper (local.get 0)))
  (func $library::deeper (param i32) (result i32) (i32.div_s (i32.const 8) (local.get 0)))
  (func (result i32) (call $library::copied (i32.const 0)))
  (func $down (param i32) (result i32)
    (if (result i32) (local.get 0) (then (call $up (i32.sub (local.get 0) (i32.const 1)))) (else (i32.const 0))))
  (func $up (param i32) (result i32) (i32.add (i32.const 1) (call $down (local.get 0))))
"""
END = '(func $library::last (export "other"))'


def program(body: str, more: str = "") -> bytes:
    return bytes(wasmtime.wat2wasm(f'(module {HEAD} (func $main (export "_start") {body}) {more} {END})'))


@pytest.fixture
def tiny(monkeypatch):
    """Groups of one function, so that every call goes from group to group."""
    monkeypatch.setattr(layout, "SMALLEST", 1)
    monkeypatch.setattr(layout, "FEWEST", 1)


@pytest.fixture
def kept(tmp_path):
    return MachineCode(str(tmp_path / "machine"), "library")


def both(data: bytes, kept: MachineCode, **limits) -> RunOutcome:
    """The outcome, which must be the same as one module, as groups that are compiled, and as groups that were kept."""
    alone = run_program(data, capture=True, **limits)
    assert run_program(data, capture=True, kept=kept, **limits) == alone
    assert os.listdir(kept.folder)  # so there were groups
    assert run_program(data, capture=True, kept=kept, **limits) == alone
    return alone


SHOWN = "(drop (call $show ({})))"
ENDS = {
    "returns": ("(drop (call $show (i32.const 4)))", "", 0, b"4"),
    "exits": ("(call $exit (i32.const 3))", "", 3, b""),
    "calls back and forth": (SHOWN.format("call $up (i32.const 6)"), "", 0, b"7"),
    "shares a global": (f"(call $bump) {SHOWN.format('global.get $count')}", "", 0, b"8"),
    "has a constant global": (SHOWN.format("i32.trunc_f64_s (global.get $pi)"), "", 0, b"3"),
    "calls by the table": (
        "(drop (call_indirect (type $i) (call_indirect (type $i) (i32.const 4) (i32.const 1)) (i32.const 3)))",
        "",
        0,
        b"8",
    ),
    "traps below": (SHOWN.format("call $library::copied (i32.const 0)"), "", 134, b""),
    "traps by the table": ("(call_indirect (type $v) (i32.const 2))", "", 134, b""),
    "an empty slot": ("(call_indirect (type $v) (i32.const 4))", "", 134, b""),
    "another type": ("(call_indirect (type $v) (i32.const 1))", "", 134, b""),
    "beyond the table": ("(call_indirect (type $v) (i32.const 5))", "", 134, b""),
    "beyond memory": ("(i32.store (i32.const 65536) (i32.const 1))", "", 134, b""),
    "grows": (SHOWN.format("memory.grow (i32.const 1)") + SHOWN.format("memory.size"), "", 0, b"12"),
    "grows too much": (SHOWN.format("i32.add (i32.const 3) (memory.grow (i32.const 9))"), "", 0, b"2"),
    "starts": (SHOWN.format("global.get $count"), "(start $bump)", 0, b"8"),
    "traps at the start": ("", "(start $boom)", 134, b""),
    "exits at the start": ("", "(func $leave (call $exit (i32.const 3))) (start $leave)", 134, b""),
    "a function without a name": ("(drop (call 8))", "", 134, b""),
    "overlapping segments": ("(call_indirect (type $v) (i32.const 2))", "(elem (i32.const 2) $bump)", 0, b""),
    "data beyond memory": ("", '(data (i32.const 65536) "x")', 134, b""),
    "all kinds of blocks": (
        f"""(block $a (loop $b (br_table $a $a (i32.const 1))))
        (drop (select (result i64) (i64.const 300) (i64.const -70000) (i32.const 1)))
        (drop (f32.add (f32.const 1.5) (f32.const 2))) (drop (i32.trunc_sat_f64_s (f64.const 1e99)))
        (memory.fill (i32.const 200) (i32.const 1) (i32.const 4))
        (memory.copy (i32.const 300) (i32.const 200) (i32.const 4))
        {SHOWN.format("i32.load8_u offset=300 (i32.const 3)")}""",
        "",
        0,
        b"1",
    ),
}


@pytest.mark.parametrize("name", ENDS)
def test_groups_end_as_one_module_does(name, tiny, kept):
    body, more, code, output = ENDS[name]
    outcome = both(program(body, more), kept)
    assert (outcome.exit_code, outcome.stdout) == (code, output)


def test_a_trap_names_the_same_functions(tiny, kept):
    outcome = both(program("(drop (call 8))"), kept)
    assert outcome.frames == ("library::deeper", "library::copied", "function 8", "main")


def test_limits_are_the_same(tiny, kept):
    assert both(program("", "(func $deep call $deep)(func $f call $deep)(start $f)"), kept).reason == "stack"
    assert both(program("(drop (call $show (i32.const 4)))"), kept, memory_limit=65535).reason == "memory"
    grow = SHOWN.format("i32.add (i32.const 3) (memory.grow (i32.const 1))")
    assert both(program(grow), kept, memory_limit=65536).stdout == b"2"
    assert both(program("(loop (br 0))"), kept, seconds=0.01).reason == "seconds"


def test_fuel_is_counted_in_the_one_module(tiny, kept):
    """Groups would use another amount."""
    data = program(SHOWN.format("call $up (i32.const 6)"))
    for fuel in (20, 10_000):
        alone = run_program(data, capture=True, fuel=fuel)
        assert run_program(data, capture=True, fuel=fuel, kept=kept) == alone
    assert not os.path.exists(kept.folder)


def test_the_depth_of_the_stack_is_the_same(tiny, kept):
    """A call to another group takes as much of the stack as one within the module."""
    deepest = {}
    for name, where in (("one", None), ("groups", kept)):
        low, high = 1_000, 200_000
        while high - low > 2_000:
            middle = (low + high) // 2
            ended = run_program(program(f"(drop (call $up (i32.const {middle})))"), capture=True, kept=where)
            low, high = (middle, high) if ended.exit_code == 0 else (low, middle)
        deepest[name] = low
    assert deepest["groups"] > 0.9 * deepest["one"]


REFUSED = {
    "a tail call": (HEAD, "return_call $bump"),
    "a reference to a function": (HEAD, "(drop (ref.is_null (ref.func $bump)))", "(elem declare func $bump)"),
    "a vector": (HEAD, "(drop (i32x4.all_true (v128.const i32x4 1 1 1 1)))"),
    "passive data": (HEAD, "", '(data $d "x")'),
    "passive elements": (HEAD, "", "(elem $e func $bump)"),
    "a table that changes": (HEAD, "(table.set (i32.const 0) (ref.null func))"),
    "elements beyond the table": (HEAD, "", "(elem (i32.const 4) $bump $bump)"),
    "a function of the host in the table": (HEAD, "", "(elem (i32.const 4) $exit)"),
    "two memories": (HEAD, "", "(memory 1)"),
    "two tables": (HEAD, "", "(table 1 funcref)"),
    "a block with parameters": (HEAD, "(i32.const 1) (block (param i32) (drop))"),
    "a hidden memory": (HEAD.replace('(export "memory")', ""), ""),
    "another host": (HEAD.replace("(memory", '(import "env" "f" (func)) (memory', 1), ""),
    "a global that is computed": (HEAD, "", "(global i32 (i32.add (i32.const 1) (i32.const 1)))"),
    "an exception": (HEAD, "(throw $t)", "(tag $t)"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_handled_runs_as_one_module(name, tiny, kept):
    head, body, *more = REFUSED[name]
    text = f'(module {head} (func $main (export "_start") {body}) {"".join(more)} {END})'
    data = bytes(wasmtime.wat2wasm(text))
    outcomes = []
    for where in (None, kept):
        try:
            outcomes.append(run_program(data, capture=True, kept=where))
        except ValueError as error:
            outcomes.append(str(error))
    assert outcomes[0] == outcomes[1]
    assert not os.path.exists(kept.folder) or not os.listdir(kept.folder)


def test_a_small_program_runs_as_one_module(kept):
    assert run_program(program("(drop (call $show (i32.const 4)))"), capture=True, kept=kept).stdout == b"4"
    assert os.listdir(kept.folder) == []


@pytest.mark.parametrize("optimise", [True, False])
def test_optimised_programs_are_one_module(optimise, tiny, kept):
    run_program(program(""), capture=True, kept=kept, optimise=optimise)
    assert os.path.exists(kept.folder) != optimise


def test_every_prefix_of_a_program_is_refused_or_read(tiny):
    """A linker would never write it; but nothing else than an `UngroupedError` may come of it."""
    data = program(ENDS["all kinds of blocks"][0])
    for end in range(8, len(data)):
        try:
            found = read_program(data[:end])
        except UngroupedError:
            continue
        assert found.bodies[-1] <= end


def test_calls_are_found_behind_every_immediate():
    """What no other test has: numbers of several bytes, and numbers that look like a call."""
    body = b"\x01\x02\x7f" + b"\x41\x90\x10\x1a" + b"\x44" + b"\x10" * 8 + b"\x1a" + b"\x10\x85\x80\x00" + b"\x0b"
    pieces, targets = calls_of(body)
    assert targets == [5]
    assert pieces == [body[:-5], b"\x0b"]
