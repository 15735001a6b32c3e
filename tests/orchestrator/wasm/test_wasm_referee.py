"""`wasm-ld` is the referee: the sections of a program are the same bytes, order of exports and "name" apart."""

from __future__ import annotations

import subprocess

import pytest

from orchestrator.wasm.fragment import (
    DATA,
    FUNCTION,
    FUNCTION_INDEX_LEB,
    GLOBAL,
    GLOBAL_INDEX_LEB,
    HIDDEN,
    LOCAL,
    MEMORY_ADDR_I32,
    NO_STRIP,
    TABLE_INDEX_I32,
    TYPE_INDEX_LEB,
    WEAK,
    Data,
    Reference,
    Relocation,
    WasmGlobal,
)
from orchestrator.wasm.leb import functype
from orchestrator.wasm.linker import link
from orchestrator.wasm.validate import validate
from tests.orchestrator.wasm.helpers import (
    BINARY,
    CLANG,
    NULLARY,
    PROCEDURE,
    STACK_POINTER,
    UNARY,
    WASM_LD,
    WASM_VALIDATE,
    address,
    call,
    constant,
    function,
    load,
    program,
    sections,
    slot,
    wasm_ld,
)
from tests.orchestrator.wasm.referee import encode_object
from tests.orchestrator.wasm.test_wasm_encode import everything

pytestmark = pytest.mark.skipif(WASM_LD is None, reason="wasm-ld is not installed")

EXPORT = 7


def agree(folder, objects, *symbols, entry=None, gc=True, stack_size=65536):
    """Links with both, and compares all sections but the exports, which are compared as sets."""
    ours = link(objects, entry=entry, exports={name: name for name in symbols}, gc=gc, stack_size=stack_size)
    flags = [f"--export={name}" for name in symbols]
    flags += [f"--entry={entry}"] if entry else ["--no-entry"]
    flags += [] if gc else ["--no-gc-sections"]
    theirs = wasm_ld(folder, objects, "-z", f"stack-size={stack_size}", *flags)
    assert validate(ours) is None
    mine, reference = sections(ours), sections(theirs)
    assert sorted(mine) == sorted(reference)
    for number in mine:
        if number == EXPORT:
            assert sorted(mine[number]) == sorted(reference[number])
        else:
            assert mine[number] == reference[number], f"section {number}"
    return ours


@pytest.mark.parametrize("gc", [True, False])
def test_a_generated_program(tmp_path, gc):
    agree(tmp_path, program(6, 13), "m0::f0", gc=gc)


@pytest.mark.slow
def test_a_big_generated_program(tmp_path):
    agree(tmp_path, program(300, 40), "m0::f0", "m7::f3")


@pytest.mark.parametrize("stack_size", [16, 1024, 1 << 20])
def test_other_stacks(tmp_path, stack_size):
    agree(tmp_path, program(2, 5), "m0::f0", stack_size=stack_size)


def host(field: str, type_: bytes = NULLARY) -> tuple[int, Reference]:
    return FUNCTION_INDEX_LEB, Reference(FUNCTION, f"host:{field}", type_, "host", field)


def test_everything_that_objects_have(tmp_path):
    """Host imports, weak definitions and references, globals, init functions, exports, addresses of all kinds."""
    state = Reference(GLOBAL, "state", b"\x7f\1")
    start = function(
        "_start", PROCEDURE,
        b"\x10", call("__wasm_call_ctors", PROCEDURE),
        b"\x10", call("shared"), b"\x1a\x10", host("b"), b"\x1a\x10", host("a"), b"\x1a",
        b"\x10", call("missing", weak=True), b"\x1a",
        b"\x41", slot("absent", weak=True), b"\x1a\x41", slot("late"), b"\x1a",
        b"\x41", address("nothing", 5, weak=True), b"\x1a\x41\0\x28\2", load("values", 4), b"\x1a",
        b"\x41", address("__heap_base"), b"\x1a\x41", address("__data_end", 4), b"\x1a",
        b"\x23", (GLOBAL_INDEX_LEB, state), b"\x1a\x23", (GLOBAL_INDEX_LEB, STACK_POINTER), b"\x1a",
        b"\x41\0\x41\1\x41", slot("_start", PROCEDURE), b"\x11", (TYPE_INDEX_LEB, BINARY), b"\0\x1a",
    )  # fmt: skip
    pointers = (
        Relocation(TABLE_INDEX_I32, 0, Reference(FUNCTION, "last", UNARY)),
        Relocation(MEMORY_ADDR_I32, 4, Reference(DATA, "text"), -1),
        Relocation(TABLE_INDEX_I32, 8, Reference(FUNCTION, "late", NULLARY)),
    )
    first = encode_object(
        [
            start,
            constant("shared", 1, flags=WEAK | HIDDEN),
            constant("dead", 3),
            function("one", PROCEDURE, flags=LOCAL),
        ],
        [
            Data("values", ".data", bytes(12), 2, pointers),
            Data("big", ".bss", bytes(99), 4),
            Data("text", ".rodata", b"abc"),
        ],
        inits=[(20, "one")],
    )
    second = encode_object(
        [
            constant("late", 2),
            function("last", UNARY, b"\x20\0\x10", call("shared"), b"\x6a\x10", host("a"), b"\x6a"),
            constant("shared", 9, flags=WEAK | HIDDEN),
            function("two", PROCEDURE, flags=LOCAL),
            constant("own", 4, export="own name"),
            constant("kept", 5, flags=HIDDEN | NO_STRIP),
        ],
        [Data("lost", ".data", b"lost"), Data("more", ".rodata", b"x" * 300, 3, flags=HIDDEN | NO_STRIP)],
        [WasmGlobal("unused", b"\x7e\1", b"\x42\x80\x01\x0b"), WasmGlobal("state", b"\x7f\1", b"\x41\x05\x0b")],
        inits=[(10, "two"), (20, "two")],
    )
    objects = [("a.o", first), ("b.o", second)]
    agree(tmp_path, objects, entry="_start")
    agree(tmp_path, objects[::-1], entry="_start")


def test_many_functions_and_types(tmp_path):
    """Over 128 of everything, so that all counts and indices take two bytes."""
    types = [functype(b"\x7f" * n, b"") for n in range(140)]
    pushes = [b"\x41\0" * n for n in range(140)]
    code = []
    for n, (type_, push) in enumerate(zip(types, pushes, strict=True)):
        far, indirect = slot(f"f{139 - n}", types[139 - n]), (TYPE_INDEX_LEB, types[139 - n])
        body = (push, b"\x10", call(f"f{n}", type_), pushes[139 - n], b"\x41", far, b"\x11", indirect, b"\0")
        code.append(function(f"f{n}", type_, *body))
    agree(tmp_path, [("a.o", encode_object(code[:70], [])), ("b.o", encode_object(code[70:], []))], "f3", "f77")


def test_wabt_reads_our_objects_and_programs(tmp_path):
    if WASM_VALIDATE is None:
        pytest.skip("wabt is not installed")
    for name, data in (("o", everything()), ("p", link(program(2, 5), entry=None, exports={"f": "m0::f0"}))):
        path = tmp_path / name
        path.write_bytes(data)
        subprocess.run([WASM_VALIDATE, str(path)], check=True)


C_MAIN = """
typedef int (*op)(int, int);
extern int add(int, int), mul(int, int), from_us(int);
extern op table[];
extern const char *names[];
static int counter;
int state = 42;
int big[5000];
__attribute__((weak)) int shared(void) { return 1; }
extern __attribute__((weak)) int missing(int);
__attribute__((import_module("host"), import_name("log"))) void log_(int);
__attribute__((constructor)) static void init(void) { counter = 7; state += 1; }
extern void __wasm_call_ctors(void);
extern char __heap_base, __data_end;
void _start(void) {
  __wasm_call_ctors();
  int local[20];
  for (int i = 0; i < 20; i++) local[i] = table[i & 1](i, state);
  for (int i = 0; i < 20; i++) counter += local[i] + names[i & 1][0];
  if (missing) counter += missing(1);
  log_(counter + shared() + big[counter & 63] + from_us(3) + (int)&__heap_base + (int)&__data_end);
}
"""
C_MORE = """
typedef int (*op)(int, int);
int add(int a, int b) { return a + b; }
int mul(int a, int b) { return a * b; }
int unused(int a) { return a; }
op table[] = { add, mul };
const char *names[] = { "first name", "second", "third" };
__attribute__((weak)) int shared(void) { return 2; }
double unused_data[100] = { 1.5 };
int back(int x) { return x + (int)unused_data[x & 7]; }
"""


@pytest.mark.skipif(CLANG is None, reason="clang is not installed")
@pytest.mark.slow
@pytest.mark.parametrize("level", ["-O0", "-O2", "-Os"])
def test_objects_of_clang(tmp_path, level):
    objects = []
    for name, source in (("main", C_MAIN), ("more", C_MORE)):
        (tmp_path / f"{name}.c").write_text(source)
        command = [CLANG, "--target=wasm32", "-c", level, "-fdata-sections", f"{name}.c", "-o", f"{name}.o"]
        subprocess.run(command, check=True, cwd=tmp_path)
        objects.append((f"{name}.o", (tmp_path / f"{name}.o").read_bytes()))
    ours = function("from_us", UNARY, b"\x20\0\x10", call("back", UNARY), b"\x41", address("word"), b"\x6a")
    objects.append(("ours.o", encode_object([ours], [Data("word", ".rodata", b"word", 2)])))
    agree(tmp_path, objects, entry="_start")
    agree(tmp_path, objects[::-1], entry="_start")
    agree(tmp_path, objects, entry="_start", gc=False)
