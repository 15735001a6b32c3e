"""Objects are read back as they were written, and no bytes whatever do harm."""

from __future__ import annotations

import time
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.wasm.cursor import custom_section
from orchestrator.wasm.fragment import Data
from orchestrator.wasm.leb import MAGIC, custom, leb5, section, uleb, vector
from orchestrator.wasm.linker import BeyondError, LinkError, link
from orchestrator.wasm.reader import ObjectError, UnsupportedError, read_object
from orchestrator.wasm.validate import validate
from tests.orchestrator.wasm.helpers import NULLARY, PROCEDURE, UNARY, address, call, constant, function, program
from tests.orchestrator.wasm.referee import encode_object
from tests.orchestrator.wasm.test_wasm_encode import everything

OBJECTS = [everything(), program(1, 3)[0][1]]
COMPANION = encode_object(
    [function("elsewhere", NULLARY, b"\x10", call("__wasm_call_ctors", PROCEDURE), b"\x41\1")], []
)


def test_an_object_comes_back():
    found = read_object(everything())
    symbols = {symbol.name: symbol for symbol in found.symbols}
    assert [symbols[name].index for name in ("start", "f", "g", "h", "weak")] == [0, 1, 2, 3, 4]
    assert symbols["f"].type == UNARY
    assert (symbols["wasi:proc_exit"].module, symbols["wasi:proc_exit"].field) == (
        "wasi_snapshot_preview1",
        "proc_exit",
    )
    assert (symbols["elsewhere"].module, symbols["elsewhere"].type) == ("", NULLARY)
    assert [(s.name, s.align, s.data) for s in found.segments] == [
        (".rodata.text", 0, b"text"),
        (".data.table", 2, b"\0\0\0\0\2\0\0\0"),
        (".bss.z", 3, b"\0"),
    ]
    assert (symbols["table"].index, symbols["table"].size) == (1, 8)
    assert found.globals == [(b"\x7f\x01", b"\x41\x05\x0b")]
    assert [(priority, found.symbols[number].name) for priority, number in found.inits] == [(10, "start")]
    code = found.code_relocations
    assert bytes(code.kinds) == bytes((0, 1, 6, 7, 3, 0, 7))
    assert code.starts == [0, 1, 3, 5, 7, 7]
    assert [found.symbols[code.indices[i]].name for i in (0, 1, 3, 4, 5, 6)] == [
        "wasi:proc_exit", "f", "__stack_pointer", "table", "elsewhere", "state",
    ]  # fmt: skip
    assert code.addends == [0, 0, 0, 0, 4, 0, 0]
    data = found.data_relocations
    assert (bytes(data.kinds), data.offsets, data.addends, data.starts) == (b"\5", [4], [2], [0, 0, 1, 1])


def test_the_bodies_are_cut_at_their_sizes():
    code = [constant("a", 1), function("b", NULLARY, b"\x10", call("a")), constant("c", 3)]
    found = read_object(encode_object(code, []))
    bodies = [found.code[start:end] for start, end in zip(found.entries, found.entries[1:], strict=False)]
    assert bodies == [b"\4\0\x41\1\x0b", b"\x08\0\x10" + leb5(0) + b"\x0b", b"\4\0\x41\3\x0b"]


def edited(find: bytes, replace: bytes) -> bytes:
    """An object of one function that calls, and one datum, with some bytes replaced."""
    code = [function("f", NULLARY, b"\x10", call("g"), b"\x41", address("s"), b"\x6a")]
    found = encode_object(code, [Data("s", ".rodata", b"hey")])
    assert found.count(find) == 1
    assert len(find) == len(replace)
    return found.replace(find, replace)


RELOCATIONS = b"reloc.CODE\3\2\0\4\2\4\x0a\1\0"


@pytest.mark.parametrize(
    ("data", "message", "offset"),
    [
        (b"", "not a WebAssembly file", 0),
        (b"\0asm\2\0\0\0", "not a WebAssembly file", 0),
        (MAGIC, "no linking section", 8),
        (MAGIC + b"\1\x05\1", "section 1 is longer than the file", 10),
        (MAGIC + b"\1\xff\xff\xff\xff\x7f", "longer than 32 bits", 13),
        (MAGIC + b"\1\x80\x80\x80\x80\x80\0", "longer than 32 bits", 13),
        (MAGIC + section(1, b"\1\x61\0\0"), "a type is not a function type", 11),
        (MAGIC + section(1, b"\0\0"), "section 1 does not end where its size says", 11),
        (MAGIC + section(3, b"\0") + section(1, b"\0"), "section 1 is out of order", 11),
        (MAGIC + section(14, b"\0"), "section 14 does not belong", 8),
        (MAGIC + section(3, b"\1\0"), "a type that does not exist", 12),
        (MAGIC + section(6, b"\1\x7f\0\x23\0\x0b"), "opcode 0x23 is not supported", 13),
        (MAGIC + section(6, b"\1\x7f\0\x41\0\x41\0\x0b"), "more than one instruction", 13),
        (MAGIC + section(2, b"\1\1e\1\xff\0"), "not UTF-8", 15),
        (MAGIC + custom("linking", b"\1"), "version 1", 19),
        (MAGIC + custom("linking", b"\2") * 2, "second linking section", 29),
        (MAGIC + custom("linking", b"\2") + section(1, b"\0"), "behind the linking section", 19),
        (MAGIC + custom("reloc.CODE", b"\0\0"), "before the linking section", 21),
        (MAGIC + custom("linking", b"\2\7\7\1\1a\0\1\1\0"), "group a is not there", 28),
        (MAGIC + custom("linking", b"\2\x08\x04\1\6\0\0"), "symbol of kind 6", 25),
        (MAGIC + custom("linking", b"\2\x08\x04\1\0\x10\0"), "import 0, which does not exist", 25),
        (MAGIC + custom("linking", b"\2\x08\x06\1\0\0\0\1f"), "symbol f is defined as something", 27),
        (MAGIC + custom("linking", b"\2\x08\x08\1\1\0\1d\0\0\1"), "symbol d lies outside", 29),
        (MAGIC + custom("linking", b"\2\x08\5\1\1\x12\1d"), "both undefined and local", 24),
        (MAGIC + custom("linking", b"\2\5\1\1"), "1 segment names for 0 segments", 22),
        (MAGIC + custom("linking", b"\2\6\3\1\0\0"), "init function", 24),
        (edited(RELOCATIONS, b"reloc.CODE\3\2\0\4\2\4\4\1\0"), "not in order", None),
        (edited(RELOCATIONS, b"reloc.CODE\3\2\0\1\2\4\x0a\1\0"), "outside of its unit", None),
        (edited(RELOCATIONS, b"reloc.CODE\3\2\0\4\2\4\x0d\1\0"), "outside of its unit", None),
        (edited(RELOCATIONS, b"reloc.CODE\3\2\0\4\2\4\x2d\1\0"), "outside of its section", None),
        (edited(RELOCATIONS, b"reloc.CODE\3\2\0\4\3\4\x0a\1\0"), "kind 0 does not fit symbol 3", None),
        (edited(RELOCATIONS, b"reloc.CODE\3\2\0\4\1\4\x0a\1\0"), "kind 0 does not fit symbol 1", None),
        (edited(RELOCATIONS, b"reloc.CODE\3\2\6\4\2\4\x0a\1\0"), "a type that does not exist", None),
        (edited(RELOCATIONS, b"reloc.CODE\3\2\x17\4\2\4\x0a\1\0"), "kind 23 does not fit", None),
        (edited(RELOCATIONS, b"reloc.CODE\3\x7f\0\4\2\4\x0a\1\0"), "ends in the middle", None),
        (edited(b".rodata.s\0\0", b".rodata.s\x20\0"), "aligned to 2", None),
        (edited(b"\1\x02\1s\0\0\3", b"\1\x02\1s\0\1\3"), "symbol s lies outside", None),
        (edited(b"\x03\x02\1\0\x0a", b"\x03\x02\0\0\x0a"), "section 3 does not end", None),
    ],
)
def test_malformed_objects_say_what_and_where(data, message, offset):
    with pytest.raises(ObjectError, match=message) as caught:
        read_object(data)
    assert offset is None or caught.value.offset == offset
    assert str(caught.value) == f"{caught.value.what} (at offset {caught.value.offset})"
    with pytest.raises(LinkError, match=r"^bad\.o: "):
        link([("bad.o", data)], entry=None)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (MAGIC + section(8, b"\0"), "a start function"),
        (MAGIC + section(5, b"\0"), "a memory of its own"),
        (MAGIC + section(11, b"\1\1\1x"), "passive"),
        (MAGIC + section(2, b"\1\1e\1m\2\3\1\1"), "a memory that is shared"),
        (MAGIC + section(2, b"\1\1e\1t\4\0\0"), "exceptions"),
        (MAGIC + custom("linking", b"\2\x08\x06\1\5\0\0\1t"), "a table of its own"),
        (MAGIC + custom("linking", b"\2\x08\x04\1\4\0\0"), "exceptions"),
        (MAGIC + custom("linking", b"\2\x08\x08\1\1\x80\x04\1d\0\0\1"), "an absolute address"),
        (edited(RELOCATIONS, b"reloc.CODE\3\2\x0e\4\2\4\x0a\1\0"), "64-bit memory"),
        (edited(RELOCATIONS, b"reloc.CODE\3\2\x15\4\2\4\x0a\1\0"), "thread-local data"),
        (edited(b".rodata.s\0\0", b".rodata.s\0\2"), "thread-local data"),
    ],
)
def test_what_only_other_linkers_take_is_told_from_what_is_malformed(data, what):
    with pytest.raises(UnsupportedError, match=what):
        read_object(data)
    with pytest.raises(BeyondError, match=rf"^there\.o: .*{what}"):
        link([("there.o", data)], entry=None)


@pytest.mark.parametrize("number", range(len(OBJECTS)))
def test_every_prefix_is_refused_or_a_shorter_object(number):
    data = OBJECTS[number]
    readable = 0
    for end in range(len(data)):
        try:
            read_object(data[:end])
            readable += 1
        except ObjectError as error:
            assert error.offset <= len(data)
    assert readable <= 5  # cut just before one of the custom sections at the end


@st.composite
def mutations(draw: st.DrawFn) -> bytes:
    """An object with some bytes changed, removed, repeated or swapped for those of another place."""
    data = bytearray(draw(st.sampled_from(OBJECTS)))
    for _ in range(draw(st.integers(1, 5))):
        at = draw(st.integers(0, len(data) - 1))
        how = draw(st.integers(0, 3))
        if how == 0:
            data[at] = draw(st.sampled_from((0, 1, 2, 3, 8, 16, 0x40, 0x7F, 0x80, 0xFF)))
        elif how == 1:
            del data[at : at + draw(st.integers(1, 8))]
            data += b"\0" * (not data)
        elif how == 2:
            data[at:at] = data[at : at + draw(st.integers(1, 30))]
        else:
            other = draw(st.integers(0, len(data) - 1))
            data[at : at + 4] = data[other : other + 4]
    return bytes(data)


def test_the_fuzzed_objects_link():
    for data in OBJECTS:
        assert validate(link([("a.o", data), ("b.o", COMPANION)], entry=None, gc=False)) is None


@given(mutations())
def test_mutated_objects_do_no_harm(data):
    try:
        read_object(data)
    except ObjectError:
        return
    try:
        link([("a.o", data), ("b.o", COMPANION)], entry=None, gc=False)
    except LinkError:
        return


@given(st.binary(max_size=200))
def test_arbitrary_bytes_do_no_harm(tail):
    for data in (tail, MAGIC + tail, MAGIC + custom("linking", b"\2" + tail)):
        try:
            read_object(data)
        except ObjectError:
            continue


@pytest.mark.parametrize(
    "data",
    [
        MAGIC + section(1, b"\xff\xff\xff\xff\x0f" + b"\x60\0\0" * 5000),
        MAGIC + section(3, b"\xff\xff\xff\xff\x0f" + bytes(15000)),
        MAGIC + section(10, b"\xff\xff\xff\xff\x0f" + bytes(15000)),
        MAGIC + section(2, b"\xff\xff\xff\xff\x0f" + b"\0\0\3\x7f\0" * 3000),
        MAGIC + custom("linking", b"\2\x08" + leb5(15005) + b"\xff\xff\xff\xff\x0f" + b"\3\0\0" * 5000),
        MAGIC + section(0, b"\xff\xff\xff\xff\x0f" + bytes(15000)),
        MAGIC + b"".join([section(0, b"\0")] * 5000),
    ],
)
def test_a_lie_in_a_count_costs_no_memory_and_no_time(data):
    tracemalloc.start()
    started = time.process_time()
    with pytest.raises(ObjectError):
        read_object(data)
    assert time.process_time() - started < 5
    assert tracemalloc.get_traced_memory()[1] < 120 * len(data)
    tracemalloc.stop()


def test_custom_sections_are_found_by_headers_alone():
    other = MAGIC + b"\1\2\xff\xff" + custom("a", b"1") + custom("b", b"22") + custom("a", b"333")
    assert custom_section(other, "a") == b"1"
    assert custom_section(other, "b") == b"22"
    assert custom_section(other, "linking") is None
    assert custom_section(MAGIC, "a") is None
    for bad in (b"", MAGIC + b"\1\3\0", MAGIC + b"\0\1\2", MAGIC + b"\1", MAGIC + section(0, uleb(9))):
        with pytest.raises(ObjectError):
            custom_section(bad, "a")
    assert vector([b"a", b"bc"]) == b"\2abc"
