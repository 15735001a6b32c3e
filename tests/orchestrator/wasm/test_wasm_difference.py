"""Where two WebAssembly files begin to differ, in words."""

from __future__ import annotations

from orchestrator.wasm.difference import difference
from tests.helpers.programs import compile_text

ONE = compile_text("fun f(n: i64) -> i64 { n + 1 }\nfun main() { println(f(2)); }\n")


def test_equal_files() -> None:
    assert difference(ONE, ONE) == "they are equal"


def test_a_changed_body_is_named_by_its_number() -> None:
    other = compile_text("fun f(n: i64) -> i64 { n + 2 }\nfun main() { println(f(2)); }\n")
    found = difference(ONE, other)
    assert found.startswith("section code, function ") and ", byte " in found and ", fresh: " in found


def test_other_sections_show_the_first_byte() -> None:
    data = bytearray(ONE)
    at = ONE.rindex(b"main")
    data[at] ^= 1
    assert difference(ONE, bytes(data)).startswith('section "name", byte ')


def test_a_section_more() -> None:
    more = ONE + b"\0\3\1ab"
    assert difference(ONE, more) == 'only a fresh one has a section "a"'
    assert difference(more, ONE) == 'only the old one has a section "a"'


def test_what_is_no_module_is_compared_byte_by_byte() -> None:
    assert difference(b"abc", b"abd") == "byte 2: 63, fresh: 64"
    assert difference(b"abc", b"ab") == "byte 2: 63, fresh: the end"
    assert difference(ONE, ONE[:20]).startswith("byte 20: ")
    for length in range(0, len(ONE), 7):
        assert difference(ONE[:length], ONE)
