"""The section that lists an object's fragments, read by section headers alone."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.compiler.toolchain import FUNCTIONS_SECTION
from actors.keeper.fragments import fragments_of
from tests.actors.keeper.fragmented import MAGIC, custom, fingerprint, leb, object_of, section

SECTION = FUNCTIONS_SECTION.encode()
GOOD = object_of({"f": b"first", "g": b"second one"}, bytes(300))


def listing(*functions: object) -> bytes:
    return MAGIC + custom(SECTION, msgspec.msgpack.encode(list(functions)))


def test_the_fragments_of_an_object() -> None:
    found = fragments_of(GOOD)
    assert list(found) == [fingerprint("f"), fingerprint("g")]
    assert [GOOD[offset : offset + length] for offset, length in found.values()] == [b"first", b"second one"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0asm",
        MAGIC,
        MAGIC + section(10, b"code"),
        MAGIC + custom(b"wasmill.function", b"\x90"),
        MAGIC + b"\0",
        MAGIC + b"\0\xff\xff\xff\xff\xff\xff",
        MAGIC + b"\0" + leb(1000) + leb(len(SECTION)) + SECTION + b"\x90",
        MAGIC + section(0, leb(1000) + SECTION),
        MAGIC + custom(SECTION, b""),
        MAGIC + custom(SECTION, b"\xc1"),
        MAGIC + custom(SECTION, b"\x91" * 5000),
        listing() + b"\0",
        listing([fingerprint("f"), 0, 0]),
        listing([fingerprint("f"), 1 << 40, 4]),
        listing([fingerprint("f"), -1, 4]),
        listing([fingerprint("f"), 4, 1 << 60]),
        listing([fingerprint("f"), 0, 4], [b"short", 0, 4]),
        listing([fingerprint("f"), 0, 4], [fingerprint("g"), 0, 4000]),
        listing([fingerprint("f").hex(), 0, 4]),
        listing([fingerprint("f"), 0]),
        listing([fingerprint("f"), 0, 4, 4]),
        listing([fingerprint("f"), 0.5, 4]),
        listing({"fingerprint": fingerprint("f")}),
    ],
)
def test_a_section_that_lies_says_nothing(data: bytes) -> None:
    assert fragments_of(data) == {}


@given(st.binary(max_size=60).map(MAGIC.__add__) | st.binary(max_size=60))
@settings(max_examples=50)
def test_any_bytes_are_no_error(data: bytes) -> None:
    assert fragments_of(data) == {}


@given(st.integers(0, len(GOOD) - 1), st.integers(0, 7), st.integers(0, len(GOOD)))
@settings(max_examples=100)
def test_damaged_objects_are_no_error_and_name_nothing_outside(at: int, bit: int, stop: int) -> None:
    damaged = (GOOD[:at] + bytes([GOOD[at] ^ 1 << bit]) + GOOD[at + 1 :])[: max(stop, at)]
    for offset, length in fragments_of(damaged).values():
        assert 0 <= offset < offset + length <= len(damaged)
