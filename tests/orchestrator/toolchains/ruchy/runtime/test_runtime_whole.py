"""The runtime as a whole: the same however it is assembled and linked, small where little is used, steady in memory."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import wasmtime

from orchestrator.toolchains.ruchy.identity import files
from orchestrator.toolchains.ruchy.runtime import FEATURES, runtime_objects
from orchestrator.wasm.linker import link
from orchestrator.wasm.wat import assemble_object
from tests.helpers.running import run_program

HELLO = """(module
  (import "env" "rt::write" (func $write (param i32 i32)))
  (global $text i32 (i32.const 16))
  (data $text (i32.const 16) "\\ff\\ff\\ff\\ff\\06\\00\\00\\00hello\\n")
  (func $start (export "_start") (call $write (i32.const 1) (global.get $text))))"""


def work(rt) -> list[object]:
    """Something of everything."""
    seen: list[object] = []
    for x in (0.1, 1 / 3, 1e300, 5e-324, -2.5, 123456.789, math.pi * 1e-7):
        seen += [
            rt.text(rt.call("f64_to_str", x)),
            rt.text(rt.call("f64_to_fixed", x, 3)),
            rt.call("f64_pow", abs(x), 0.3),
        ]
        seen += [rt.text(rt.call("f32_to_str", min(x, 1e30))), rt.call("f64_rem", x, 0.7)]
        seen += [rt.on("str_to_f64", repr(x), site=0)]
    for text in ("", "Grüße", "日本 x y", '"quoted"\n'):
        seen += [
            rt.text(rt.on(name, text)) for name in ("str_upper", "str_lower", "str_trim", "str_debug", "str_reverse")
        ]
        seen += [rt.text(rt.on("str_repeat", text, 3, site=0)), rt.text(rt.on("str_replace", text, "x", "<>"))]
        seen += [rt.on("str_find", text, "本"), rt.on("str_is_alphabetic", text), rt.on("str_compare", text, "H")]
    array = rt.call("arr_append", a := rt.on("arr_times", 3, 8, site=0), a, 8)
    seen += [rt.on("arr_index", array, -6, site=0), rt.read(rt.call("arr_reverse", array, 8) + 4, 4)]
    rt.call("release", array)
    seen += [rt.text(rt.call("i64_to_str", -(2**63))), rt.on("i64_pow", 3, 39, site=0), rt.call("live")]
    seen += [rt.trap("str_at", "abc", 3), rt.trap("str_to_i64", "x"), rt.trap("i64_mul", 2**62, 2)]
    return seen


def test_others_put_together_the_same(fresh, other):
    assert work(fresh) == work(other)


def test_objects_are_the_same_every_time():
    first = runtime_objects()
    runtime_objects.cache_clear()
    assert runtime_objects() == first
    assert [name for name, _ in first] == sorted(name for name, _ in first)
    assert all(raw.startswith(b"\0asm\1\0\0\0") for _, raw in first)


def test_the_identity_covers_every_file():
    covered = {Path(file) for file in files() if file.endswith(".wat")}
    names = [name for name, _ in runtime_objects()]
    assert [f"rt/{path.stem}" for path in sorted(covered)] == sorted([*names, "rt/alloc_of_c"])
    assert all(path.read_bytes().startswith(b";;") for path in covered)


def test_hello_world_is_small_and_has_no_allocator():
    program = link([("hello", assemble_object(HELLO, "hello", FEATURES)), *runtime_objects()], names=False)
    assert len(program) < 600
    assert b"out of memory" not in program
    outcome = run_program(program, capture=True)
    assert (outcome.exit_code, outcome.stdout) == (0, b"hello\n")


STRINGS = """(module
  (import "env" "rt::i64_to_str" (func $text (param i64) (result i32)))
  (import "env" "rt::str_append" (func $append (param i32 i32) (result i32)))
  (import "env" "rt::str_len" (func $length (param i32) (result i64)))
  (import "env" "rt::release" (func $release (param i32)))
  (import "env" "rt::live" (func $live (result i32)))
  (func (export "run") (param $times i64) (result i64) (local $a i32) (local $b i32) (local $sum i64)
    (loop $next
      (local.set $a (call $text (local.get $times)))
      (local.set $b (call $text (i64.mul (local.get $times) (i64.const 1000003))))
      (local.set $a (call $append (local.get $a) (local.get $b)))
      (local.set $sum (i64.add (local.get $sum) (call $length (local.get $a))))
      (call $release (local.get $a))
      (call $release (local.get $b))
      (local.set $times (i64.sub (local.get $times) (i64.const 1)))
      (br_if $next (i64.ne (local.get $times) (i64.const 0))))
    (if (call $live) (then unreachable))
    (local.get $sum)))"""


@pytest.mark.slow
def test_a_million_strings_need_no_more_memory_than_one():
    program = link(
        [("strings", assemble_object(STRINGS, "strings", FEATURES)), *runtime_objects()],
        entry=None,
        exports={"run": "run"},
    )
    store = wasmtime.Store()
    linker = wasmtime.Linker(store.engine)
    linker.define_wasi()
    store.set_wasi(wasmtime.WasiConfig())
    instance = linker.instantiate(store, wasmtime.Module(store.engine, program)).exports(store)
    pages = instance["memory"].size(store)

    expected = sum(len(str(n)) + len(str(n * 1000003)) for n in range(1, 1000, 1))
    assert instance["run"](store, 999) == expected
    instance["run"](store, 1_000_000)
    assert instance["memory"].size(store) <= pages + 1
