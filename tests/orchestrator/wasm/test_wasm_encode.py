"""Objects, byte for byte; and what is refused."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.wasm.cursor import ByteCursor, custom_section
from orchestrator.wasm.fragment import (
    DATA,
    FUNCTION,
    FUNCTION_INDEX_LEB,
    GLOBAL,
    GLOBAL_INDEX_LEB,
    LOCAL,
    MEMORY_ADDR_I32,
    MEMORY_ADDR_SLEB,
    TYPE_INDEX_LEB,
    WEAK,
    Data,
    FunctionCode,
    Reference,
    Relocation,
    WasmGlobal,
)
from orchestrator.wasm.leb import functype, leb5, signed32, sleb, uleb
from orchestrator.wasm.reader import read_object
from orchestrator.wasm.validate import validate
from tests.orchestrator.wasm.helpers import (
    NULLARY,
    PROCEDURE,
    STACK_POINTER,
    UNARY,
    address,
    call,
    constant,
    function,
    load,
    program,
    slot,
)
from tests.orchestrator.wasm.referee import encode_object


@given(st.integers(0, 2**32 - 1))
def test_unsigned_numbers_come_back(n):
    for written in (uleb(n), leb5(n)):
        cursor = ByteCursor(written)
        assert cursor.u32() == n
        assert cursor.position == len(written)
    assert len(leb5(n)) == 5


@given(st.integers(-(2**31), 2**31 - 1))
def test_signed_numbers_come_back(n):
    for written in (sleb(n), leb5(n)):
        cursor = ByteCursor(written)
        assert cursor.signed() == n
        assert cursor.position == len(written)
    assert signed32(n & 0xFFFFFFFF) == n


@pytest.mark.parametrize(
    ("n", "short"),
    [(0, "00"), (63, "3f"), (64, "c000"), (127, "ff00"), (128, "8001"), (-1, "7f"), (-64, "40"), (-65, "bf7f")],
)
def test_signed_numbers_are_short(n, short):
    assert sleb(n).hex() == short


@pytest.mark.parametrize(("n", "short"), [(127, "7f"), (128, "8001"), (16383, "ff7f"), (16384, "808001")])
def test_unsigned_numbers_are_short(n, short):
    assert uleb(n).hex() == short


def test_function_types():
    assert functype(b"\x7f\x7e", b"\x7d").hex() == "60027f7e017d"
    assert functype(b"", b"") is functype(b"", b"")


def test_a_tiny_object_byte_for_byte():
    """One function that calls another and adds the length of a string's address: every section once."""
    unit = function("f", NULLARY, b"\x10", call("g"), b"\x41", address("s", 1), b"\x6a", export="run")
    found = encode_object([unit], [Data("s", ".rodata", b"hey", 0)])
    assert found == bytes.fromhex("".join([line.partition("#")[0] for line in TINY.splitlines()]))


TINY = """
0061736d 01000000
01 05   01 60 00 01 7f                                        # types: () -> i32
02 42   03 03 656e76 0f 5f5f6c696e6561725f6d656d6f7279 02 00 01  # imports: memory of 1 page
        03 656e76 01 67 00 00                                 # g
        03 656e76 19 5f5f696e6469726563745f66756e6374696f6e5f7461626c65 01 70 00 00
03 02   01 00                                                 # f has type 0
07 07   01 03 72756e 00 01                                    # the export "run" is function 1
0a 11   01 0f 00 10 8080808000 41 8180808000 6a 0b
0b 09   01 00 41 00 0b 03 686579
00 2b   07 6c696e6b696e67 02                                  # linking, version 2
        08 11 03                                              # symbols:
        00 a401 01 01 66                                      # f, exported and kept
        01 02 01 73 00 00 03                                  # s, local
        00 10 00                                              # g, undefined
        05 0d 01 09 2e726f646174612e73 00 00                  # .rodata.s
00 14   0a 72656c6f632e434f4445 04 02                         # relocations of section 4:
        00 04 02                                              # the call of g
        04 0a 01 01                                           # the address of s, plus 1
"""


def everything() -> bytes:
    """An object with all that an object can have."""
    host = Reference(FUNCTION, "wasi:proc_exit", functype(b"\x7f", b""), "wasi_snapshot_preview1", "proc_exit")
    code = [
        function("start", PROCEDURE, b"\x41\0\x10", (FUNCTION_INDEX_LEB, host)),
        function("f", UNARY, b"\x20\0\x41", slot("f", UNARY), b"\x11", (TYPE_INDEX_LEB, UNARY), b"\0"),
        function("g", NULLARY, b"\x23", (GLOBAL_INDEX_LEB, STACK_POINTER), b"\x28\2", load("table", 4)),
        function("h", NULLARY, b"\x10", call("elsewhere"), b"\x23", (GLOBAL_INDEX_LEB, own()), b"\x6a"),
        constant("weak", 7, flags=WEAK),
    ]
    pointer = Relocation(MEMORY_ADDR_I32, 4, Reference(DATA, "text"), 2)
    data = [
        Data("text", ".rodata", b"text"),
        Data("table", ".data", bytes(8), 2, (pointer,)),
        Data("z", ".bss", b"\0", 3),
    ]
    globals_ = [WasmGlobal("state", b"\x7f\x01", b"\x41\x05\x0b")]
    return encode_object(
        code, data, globals_, [(10, "start")], ["mutable-globals"], [("wasmill.a", b"first"), ("wasmill.b", b"")]
    )


def own() -> Reference:
    return Reference(GLOBAL, "state", b"\x7f\x01")


def test_an_object_is_valid_webassembly():
    assert validate(everything()) is None
    for _, data in program(3, 13):
        assert validate(data) is None


def test_custom_sections_come_last():
    found = everything()
    assert custom_section(found, "wasmill.a") == b"first"
    assert custom_section(found, "wasmill.b") == b""
    assert custom_section(found, "wasmill.c") is None
    assert found.endswith(b"\0\x0f\x09wasmill.afirst\0\x0a\x09wasmill.b")


def test_every_symbol_has_its_flags():
    symbols = {symbol.name: symbol.flags for symbol in read_object(everything()).symbols}
    assert symbols == {
        "start": 4, "f": 4, "g": 4, "h": 4, "weak": 1, "text": 2, "table": 2, "z": 2, "state": 4,
        "wasi:proc_exit": 0x50, "__stack_pointer": 0x10, "elsewhere": 0x10,
    }  # fmt: skip


def test_offsets_move_when_the_count_grows_to_two_bytes():
    for count in (127, 128, 129):
        code = [function(f"f{i}", NULLARY, b"\x10", call(f"f{(i + 1) % count}")) for i in range(count)]
        found = read_object(encode_object(code, []))
        assert found.code_relocations.offsets == [3 + 9 * i for i in range(count)]
        for i, code_at in enumerate(found.code_relocations.offsets):
            assert found.code[code_at : code_at + 5] == leb5((i + 1) % count)


def test_only_order_and_content_decide():
    code = [constant("a", 1), function("b", NULLARY, b"\x10", call("a"))]
    assert encode_object(code, []) == encode_object(tuple(code), ())
    assert encode_object(code, []) != encode_object(code[::-1], [])


@pytest.mark.slow
def test_objects_and_programs_do_not_depend_on_the_hash_seed():
    script = (
        "import hashlib\n"
        "from tests.orchestrator.wasm.helpers import program\n"
        "from tests.orchestrator.wasm.test_wasm_encode import everything\n"
        "from orchestrator.wasm.linker import link\n"
        "objects = program(5, 13)\n"
        "whole = everything() + b''.join(d for _, d in objects) + link(objects, entry=None, exports={'f': 'm0::f0'})\n"
        "print(hashlib.sha256(whole).hexdigest())\n"
    )
    found = set()
    for seed in ("0", "1", "2", "77", "random"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        command = [sys.executable, "-W", "error", "-c", script]
        found.add(subprocess.run(command, env=environment, capture_output=True, check=True, text=True).stdout)
    assert len(found) == 1


def test_the_encoding_is_fixed():
    """The referee must not drift together with what it referees."""
    assert hashlib.sha256(everything()).hexdigest()[:16] == "7d5db1893c6a3af6"


@pytest.mark.parametrize(
    ("code", "data", "more", "message"),
    [
        ([constant("a", 1), constant("a", 1)], [], {}, "a is defined twice"),
        ([constant("a", 1)], [Data("a", ".data", b"x")], {}, "a is defined twice"),
        (
            [function("a", NULLARY, b"\x10", call("b"), b"\x41\0\x10", call("b", UNARY))],
            [],
            {},
            "a: b is declared in two",
        ),
        (
            [function("a", NULLARY, b"\x10", call("b")), function("c", NULLARY, b"\x10", call("b", weak=True))],
            [],
            {},
            "c: b is declared in two ways: function b of type 6000017f, and .*weak",
        ),
        ([function("a", NULLARY, b"\x41", address("a"))], [], {}, "a: a is used as data, but is function"),
        ([function("a", NULLARY, b"\x41\0\x10", call("a", UNARY))], [], {}, "a: a is used with type 60017f017f, but"),
        ([function("a", NULLARY, b"\x10", call("b", b""))], [], {}, "a: b is not defined here and .* no function type"),
        ([function("a", NULLARY, b"\x23", (GLOBAL_INDEX_LEB, Reference(GLOBAL, "b")))], [], {}, "no global type"),
        (
            [function("a", NULLARY, b"\x10", (MEMORY_ADDR_SLEB, Reference(FUNCTION, "a")))],
            [],
            {},
            "kind 4 cannot refer",
        ),
        ([function("a", NULLARY, b"\x10", (20, Reference(FUNCTION, "a")))], [], {}, "kind 20 cannot refer"),
        (
            [function("a", NULLARY, b"\x10", (FUNCTION_INDEX_LEB, NULLARY))],
            [],
            {},
            "a: relocation of kind 0 names a type",
        ),
        ([function("a", NULLARY, b"\x10", (TYPE_INDEX_LEB, Reference(FUNCTION, "a")))], [], {}, "kind 6 cannot refer"),
        (
            [FunctionCode("a", NULLARY, b"\0\x10\0\0\0\0", (Relocation(0, 2, Reference(0, "a")),))],
            [],
            {},
            "a: no hole of 5",
        ),
        (
            [FunctionCode("a", NULLARY, b"\0\x10\1\0\0\0\0\x0b", (Relocation(0, 2, Reference(0, "a")),))],
            [],
            {},
            "a: no hole",
        ),
        (
            [
                FunctionCode(
                    "a", NULLARY, bytes(12), (Relocation(0, 3, Reference(0, "a")), Relocation(0, 1, Reference(0, "a")))
                )
            ],
            [],
            {},
            "a: no hole .* out of order",
        ),
        ([], [Data("a", ".bss", b"x")], {}, "a: data in .bss must be zero"),
        ([], [Data("a", ".text", b"x")], {}, "a: data section '.text' is not one of"),
        ([constant("a", 1, export="x"), constant("b", 1, export="x")], [], {}, "a and b are both exported as 'x'"),
        ([constant("a", 1, export="x", flags=LOCAL)], [], {}, "a is local, and so cannot be exported as 'x'"),
        ([constant("a", 1)], [], {"inits": [(1, "a")]}, "init function a is not a function"),
        ([], [], {"inits": [(1, "b")]}, "init function b is not a function"),
    ],
)
def test_nonsense_is_refused_by_name(code, data, more, message):
    with pytest.raises(ValueError, match=message):
        encode_object(code, data, **more)


def test_a_definition_beats_the_import_of_its_name():
    host = Reference(FUNCTION, "f", NULLARY, "env", "host_f")
    found = read_object(encode_object([constant("f", 1), function("g", NULLARY, b"\x10", (0, host))], []))
    assert found.imported_functions == []
