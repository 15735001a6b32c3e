"""The assembler of WebAssembly text: the same bytes as wasmtime's, and the units that make it relocatable."""

from __future__ import annotations

import pytest
import wasmtime

from orchestrator.wasm.fragment import (
    DATA,
    FUNCTION,
    FUNCTION_INDEX_LEB,
    GLOBAL,
    GLOBAL_INDEX_LEB,
    HIDDEN,
    LOCAL,
    MEMORY_ADDR_SLEB,
    TYPE_INDEX_LEB,
    Data,
    FunctionCode,
    Reference,
    Relocation,
    WasmGlobal,
)
from orchestrator.wasm.leb import functype
from orchestrator.wasm.opcodes import IMMEDIATES, PLAIN
from orchestrator.wasm.wat import Assembly, TextError, assemble, assemble_object

I32, I64, F32, F64 = b"\x7f", b"\x7e", b"\x7d", b"\x7c"
DATA_RULE = "a data segment stands at the address of an earlier global of the same name"
MEMORY = '(import "env" "memory" (memory 1))'


def code_section(text: str) -> list[bytes]:
    """The bodies of a module as wasmtime assembles it."""
    raw, at = bytes(wasmtime.wat2wasm(text)), 8

    def uleb(at: int) -> tuple[int, int]:
        value = shift = 0
        while True:
            value |= (raw[at] & 127) << shift
            shift, at = shift + 7, at + 1
            if raw[at - 1] < 128:
                return value, at

    while at < len(raw):
        number, (size, start) = raw[at], uleb(at + 1)
        if number == 10:
            count, start = uleb(start)
            bodies = []
            for _ in range(count):
                length, start = uleb(start)
                bodies.append(raw[start : start + length])
                start += length
            return bodies
        at = start + size
    return []


def agree(text: str) -> None:
    """Our bodies equal wasmtime's, for text without relocations."""
    assert [code.body for code in assemble(text).code] == code_section(text)


def body(*lines: str, head: str = "") -> str:
    return f"(module {MEMORY} (func $f {head} " + "\n".join(lines) + "))"


@pytest.mark.parametrize("name", sorted(PLAIN))
def test_every_plain_instruction_has_the_bytes_that_wasmtime_gives_it(name):
    # Dead code may be anything of the right stack shape: unreachable makes the operands.
    tail = "" if name in ("nop", "unreachable", "return", "memory.copy", "memory.fill", "drop") else " drop"
    before = "unreachable " + ("i32.const 0 i32.const 0 i32.const 0 " if name == "select" else "")
    text = body(before, name, tail)
    ours, theirs = assemble(text).code[0].body, code_section(text)[0]
    assert ours == theirs


@pytest.mark.parametrize("name", sorted(name for name in IMMEDIATES if ".load" in name or ".store" in name))
def test_every_load_and_store(name):
    drop = "drop" if "load" in name else ""
    agree(body("unreachable", name, drop, "unreachable", f"{name} offset=300 align=1", drop))


@pytest.mark.parametrize(
    "lines",
    [
        ["i32.const -1 drop i32.const 0xffffffff drop i32.const 0x7fff_ffff drop i32.const -0x80000000 drop"],
        ["i64.const -1 drop i64.const 0xffffffffffffffff drop i64.const 9223372036854775807 drop i64.const +5 drop"],
        ["f64.const 0.1 drop f64.const -0 drop f64.const 1e308 drop f64.const 0x1.8p-3 drop f64.const 0x1p+4 drop"],
        ["f64.const inf drop f64.const -inf drop f64.const nan drop f64.const -nan drop f64.const nan:0x4 drop"],
        [
            "f32.const 0.1 drop f32.const -0.0 drop f32.const inf drop",
            "f32.const nan drop f32.const nan:0x1 drop f32.const 3. drop",
        ],
        ["block br 0 end block $a block $b br $a end end loop $c br 1 end"],
        ["(block $a (loop $b (br_if $a (i32.const 1)) (br $b)))"],
        ["(if (i32.const 1) (then nop) (else (nop) unreachable))"],
        ["(if $x (i32.const 1) (then (br $x)))"],
        ["(drop (if (result i64) (i32.eqz (i32.const 1)) (then (i64.const 1)) (else (i64.const 2))))"],
        ["i32.const 1 if $x (result f32) f32.const 1 else $x f32.const 2 end $x drop"],
        ["block $a block $b i32.const 2 br_table $a $b 2 1 0 end end"],
        ["(block $a (br_table $a 0 1 (i32.const 0)))"],
        ["(i32.store offset=8 (i32.const 1) (i32.load8_s align=1 (i32.const 2)))"],
        ["(drop (select (i32.const 1) (i32.const 2) (i32.const 3)))", "return"],
        ["(block (block (block (block (br 3)))))", ";; a comment", "(; one (; inside ;) ;) nop (;;)"],
    ],
)
def test_bodies(lines):
    agree(body(*lines))


def test_locals_are_numbered_after_parameters_and_stand_in_runs():
    head = "(param $a i32) (param i64 f32) (local $b f64) (local i32 i32) (local $c i32)"
    agree(
        body(
            "local.get $a drop local.get 2 drop local.get $b drop (local.set $c (local.tee 4 (local.get 5)))", head=head
        )
    )


def test_functions_without_names_and_by_number():
    text = "(module (func) (func (param i32) (result i32) (local.get 0)) (func $c (drop (call 1 (i32.const 1)))))"
    assert [code.name for code in assemble(text, "file").code] == ["file.0", "file.1", "file.$c"]


def test_a_whole_file_becomes_these_units():
    text = """(module
      (type $pair (func (param i32 i32) (result i32)))
      (import "env" "memory" (memory 1))
      (import "env" "__indirect_function_table" (table 0 funcref))
      (import "env" "rt::alloc" (func $alloc (param i32) (result i32)))
      (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (type $pair)))
      (import "host" "tick" (func $tick))
      (import "env" "__stack_pointer" (global $sp (mut i32)))
      (import "data" "__heap_base" (global $base i32))
      (global $page i32 (i32.const 65536))
      (global $text (export "rt::text") i32 (i32.const 20))
      (data $text (i32.const 20) "a\\00\\u{e9}" "\\"")
      (global $list i32 (i32.const 1024))
      (global $list.size i32 (i32.const 12))
      (global $state (mut i64) (i64.const -7))
      (func $f (export "rt::f") (param $x i32) (result i32)
        (global.set $sp (i32.add (global.get $sp) (global.get $page)))
        (drop (call $alloc (global.get $text)))
        (drop (i64.add (global.get $state) (i64.const 0)))
        (drop (call_indirect (type $pair) (global.get $base) (global.get $list) (local.get $x)))
        (call $g))
      (func $g (result i32) (call $tick) (call $fd_write (i32.const 1) (i32.const 2))))"""
    wasmtime.wat2wasm(text)
    pair = functype(I32 + I32, I32)
    stack = Reference(GLOBAL, "__stack_pointer", I32 + b"\x01")
    state = Reference(GLOBAL, "file.$state", I64 + b"\x01")
    tick = Reference(FUNCTION, "host:tick", functype(b"", b""), "host", "tick")
    hole = bytes(5)
    f = b"\x00" + b"\x23" + hole + b"\x41\x80\x80\x04" + b"\x6a" + b"\x24" + hole
    f += b"\x41" + hole + b"\x10" + hole + b"\x1a" + b"\x23" + hole + b"\x42\x00\x7c\x1a"
    f += b"\x41" + hole + b"\x41" + hole + b"\x20\x00" + b"\x11" + hole + b"\x00\x1a" + b"\x10" + hole + b"\x0b"
    g = b"\x00\x10" + hole + b"\x41\x01\x41\x02\x10" + hole + b"\x0b"
    assert assemble(text, "file") == Assembly(
        code=(
            FunctionCode(
                "rt::f",
                functype(I32, I32),
                f,
                (
                    Relocation(GLOBAL_INDEX_LEB, 2, stack),
                    Relocation(GLOBAL_INDEX_LEB, 13, stack),
                    Relocation(MEMORY_ADDR_SLEB, 19, Reference(DATA, "rt::text")),
                    Relocation(FUNCTION_INDEX_LEB, 25, Reference(FUNCTION, "rt::alloc", functype(I32, I32))),
                    Relocation(GLOBAL_INDEX_LEB, 32, state),
                    Relocation(MEMORY_ADDR_SLEB, 42, Reference(DATA, "__heap_base")),
                    Relocation(MEMORY_ADDR_SLEB, 48, Reference(DATA, "file.$list")),
                    Relocation(TYPE_INDEX_LEB, 56, pair),
                    Relocation(FUNCTION_INDEX_LEB, 64, Reference(FUNCTION, "file.$g", functype(b"", I32))),
                ),
                HIDDEN,
            ),
            FunctionCode(
                "file.$g",
                functype(b"", I32),
                g,
                (
                    Relocation(FUNCTION_INDEX_LEB, 2, tick),
                    Relocation(
                        FUNCTION_INDEX_LEB,
                        12,
                        Reference(FUNCTION, "wasi:fd_write", pair, "wasi_snapshot_preview1", "fd_write"),
                    ),
                ),
                LOCAL,
            ),
        ),
        data=(
            Data("rt::text", ".rodata", b'a\0\xc3\xa9"', 2, (), HIDDEN),
            Data("file.$list", ".bss", bytes(12), 4, (), LOCAL),
        ),
        globals=(WasmGlobal("file.$state", I64 + b"\x01", b"\x42\x79\x0b", LOCAL),),
    )


def test_an_object_is_valid_by_itself():
    text = '(module (import "env" "rt::g" (func $g (result i32))) (func (export "rt::f") (result i32) (call $g)))'
    raw = assemble_object(text, "file", ("sign-ext",))
    wasmtime.Module.validate(wasmtime.Engine(), raw)
    assert raw == assemble_object(text, "file", ("sign-ext",))
    assert b"rt::f" in raw
    assert b"+\x08sign-ext" in raw


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("", 1, 1, "the text ends too early"),
        ("(module", 1, 8, "the text ends too early"),
        ("(module (func (nop", 1, 19, "the text ends too early"),
        ("(modul)", 1, 2, "expected 'module', found 'modul'"),
        ("(module))", 1, 9, "')' stands behind the module"),
        ("(module\n  (func\n    i32.ad))", 3, 5, "unknown instruction 'i32.ad'"),
        ("(module\n  (func ;; nop\n    (i32.ad)))", 3, 6, "unknown instruction 'i32.ad'"),
        ("(module (; a\n b ;) (func local.get $x))", 2, 23, "unknown local $x"),
        ("(module (func call $g))", 1, 20, "unknown function $g"),
        ("(module (func global.get $g))", 1, 26, "unknown global $g"),
        ("(module (global $g i32 (i32.const 1)) (func (global.set $g (nop))))", 1, 57, "global $g cannot be set"),
        ("(module (func br $l))", 1, 18, "unknown label $l"),
        ("(module (func br 1))", 1, 18, "unknown label 1"),
        ("(module (func i32.const 4294967296))", 1, 25, "'4294967296' is no number of this type"),
        ("(module (func i32.const 1.5))", 1, 25, "'1.5' is no number of this type"),
        ("(module (func f32.const 1e40))", 1, 25, "'1e40' is no number of this type"),
        ("(module (func i32.load align=3))", 1, 24, "the alignment is no power of two"),
        ("(module (func i32.load offset=x))", 1, 24, "the offset is no number"),
        ("(module (func block))", 1, 20, "a block has no end"),
        ("(module (func (block block)))", 1, 27, "a block inside has no end"),
        ("(module (func (block end)))", 1, 22, "end has no block to belong to"),
        ("(module (func end))", 1, 15, "end has no block to belong to"),
        ("(module (func block $a end $b))", 1, 28, "$b is not the innermost label"),
        ("(module (func (then)))", 1, 16, "(then has no (if"),
        ("(module (func (if (i32.const 1))))", 1, 32, "(if needs a (then"),
        ("(module (func (block (result v128))))", 1, 30, "unknown value type 'v128'"),
        ("(module (func (block (param i32))))", 1, 23, "a block takes no parameters and gives at most one result"),
        ("(module (func (param $a i31)))", 1, 25, "unexpected 'i31' for a value type"),
        ("(module (func (param $a i32 i32)))", 1, 29, "unexpected 'i32' for a value type"),
        ("(module (func $f) (func $f))", 1, 25, "function $f is defined twice"),
        ("(module (func $f (param $a i32) (local $a i32)))", 1, 15, "local $a is defined twice"),
        ("(module (start 0))", 1, 10, "unknown field 'start'"),
        ('(module (import "env" "x" (tag)))', 1, 28, "this import of a tag from 'env' has no meaning here"),
        ('(module (import env "x" (func)))', 1, 17, "expected a string, found 'env'"),
        ('(module (import "\\q" "x" (func)))', 1, 17, "expected a string, found '\"\\\\q\"'"),
        ('(module (import "\\fe" "x" (func)))', 1, 17, "the name '\"\\\\fe\"' is no UTF-8"),
        ('(module (func (export "\\ff")))', 1, 23, "the name '\"\\\\ff\"' is no UTF-8"),
        ('(module (data $x (i32.const 4) "a"))', 1, 15, DATA_RULE),
        ("(module (func br_table (i32.const 0)))", 1, 24, "br_table needs a label"),
        ('(module (func "x))', 1, 15, "unknown instruction '\"'"),
        ("(module (func (type $t)))", 1, 21, "unknown type $t"),
    ],
)  # fmt: skip
def test_errors_name_their_place(text, line, column, message):
    with pytest.raises(TextError) as error:
        assemble(text, "a.wat")
    assert (error.value.line, error.value.column, error.value.message) == (line, column, message)
    assert str(error.value) == f"a.wat:{line}:{column}: {message}"


def test_depth_costs_no_stack():
    deep = 20_000
    text = body("(block " * deep + ")" * deep)
    assert assemble(text).code[0].body == b"\0" + b"\x02\x40" * deep + b"\x0b" * deep + b"\x0b"
