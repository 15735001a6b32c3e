"""Finding, replacing, trimming, quoting, templates, case and classes against Python's str."""

from __future__ import annotations

import struct
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

few = settings(max_examples=40, deadline=None)
texts = st.text("abé日", max_size=14)
needles = st.text("abé日", max_size=3)
SPACES = "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u200a\u2028\u2029\u202f\u205f\u3000"


@pytest.fixture(scope="module")
def rt(shared):
    before = shared.call("live")
    yield shared
    assert shared.call("live") == before


@few
@given(text=texts, other=needles, new=needles)
def test_search_and_replace(rt, text, other, new):
    assert rt.on("str_contains", text, other) == (other in text)
    assert rt.on("str_starts_with", text, other) == text.startswith(other)
    assert rt.on("str_ends_with", text, other) == text.endswith(other)
    assert rt.on("str_find", text, other) == text.find(other)
    assert rt.text(rt.on("str_replace", text, other, new)) == text.replace(other, new)


def test_replace_of_what_is_not_there_gives_the_same_string(rt):
    text, old, new = rt.string("abc"), rt.string("x"), rt.string("y")
    same = rt.call("str_replace", text, old, new)
    assert same == text
    for address in (same, text, old, new):
        rt.call("release", address)


@few
@given(text=st.text("ab \t\n\x85\xa0\u2003\u3000é\x1f", max_size=10))
def test_trim(rt, text):
    assert rt.text(rt.on("str_trim", text)) == text.strip(SPACES)
    assert rt.text(rt.on("str_trim_start", text)) == text.lstrip(SPACES)
    assert rt.text(rt.on("str_trim_end", text)) == text.rstrip(SPACES)


def test_white_space_is_what_unicode_says(rt):
    found = [
        code
        for code in [*range(0x180), 0x1680, 0x180E, *range(0x1FF0, 0x2070), 0x2FFF, 0x3000, 0x3001]
        if rt.call("is_space", code)
    ]
    assert found == [
        *range(9, 14), 32, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000
    ]  # fmt: skip


def quoted(text: str) -> str:
    known = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\0"}
    other = {chr(code): f"\\u{{{code:x}}}" for code in [*range(32), 127]}
    return '"' + "".join({**other, **known}.get(char, char) for char in text) + '"'


@few
@given(text=st.text(st.sampled_from('ab"\\\n\r\t\0\x01\x0f\x10\x1b\x1f\x7fé日😀'), max_size=12))
def test_debug(rt, text):
    assert rt.text(rt.on("str_debug", text)) == quoted(text)


@few
@given(parts=st.lists(st.text("a{} é", max_size=6), min_size=1, max_size=5), values=st.lists(texts, max_size=6))
def test_format(rt, parts, values):
    template = "{}".join(parts)
    rest, expected, left = template, "", list(values)
    while left and "{}" in rest:
        head, _, rest = rest.partition("{}")
        expected += head + left.pop(0)
    if "{}" not in template:
        expected, rest = " ".join([template, *values]), ""
    strings = [rt.string(value) for value in values]
    table = rt.call("alloc", 4 * len(values) + 8)
    rt.memory.write(rt.store, struct.pack(f"<{len(values)}I", *strings), table + 8)
    whole = rt.string(template)
    assert rt.text(rt.call("format", whole, 0, table + 8, len(values))) == expected + rest
    for address in (*strings, table, whole):
        rt.call("release", address)


@pytest.mark.parametrize("template", ["", "{", "}", "{}", "a{}", "{}{}{}", "{{}}", "x{}{"])
def test_format_with_one_value(rt, template):
    value, table, whole = rt.string("V"), rt.call("alloc", 12), rt.string(template)
    rt.memory.write(rt.store, struct.pack("<I", value), table + 8)
    expected = template.replace("{}", "V", 1) if "{}" in template else f"{template} V"
    assert rt.text(rt.call("format", whole, 0, table + 8, 1)) == expected
    for address in (value, table, whole):
        rt.call("release", address)


def one(mapped: str, char: str) -> str:
    return mapped if len(mapped) == 1 or char == "ß" else char


# Python 3.11 has Unicode 14, from which the tables are: a later one may know more letters.
known = pytest.mark.skipif(unicodedata.unidata_version != "14.0.0", reason="another version of Unicode")
PLANE = [chr(code) for code in range(0x10000) if not 0xD800 <= code < 0xE000]


@known
def test_case_of_the_whole_plane(rt):
    for start in range(0, len(PLANE), 8192):
        text = "".join(PLANE[start : start + 8192])
        assert rt.text(rt.on("str_upper", text)) == "".join(one(char.upper(), char) for char in text)
        assert rt.text(rt.on("str_lower", text)) == "".join(one(char.lower(), char) for char in text)


@pytest.mark.parametrize(
    ("text", "upper", "lower"),
    [
        ("", "", ""),
        ("Hello, World! 123", "HELLO, WORLD! 123", "hello, world! 123"),
        ("straße ÀÉÎ ÿ", "STRASSE ÀÉÎ Ÿ", "straße àéî ÿ"),
        ("Αλφα Ωμέγα", "ΑΛΦΑ ΩΜΈΓΑ", "αλφα ωμέγα"),
        ("Привет Ёлка", "ПРИВЕТ ЁЛКА", "привет ёлка"),
        ("日本語 😀", "日本語 😀", "日本語 😀"),
        ("ɐⱯ", "ⱯⱯ", "ɐɐ"),
    ],
)
def test_case(rt, text, upper, lower):
    assert rt.text(rt.on("str_upper", text)) == upper
    assert rt.text(rt.on("str_lower", text)) == lower


@known
@pytest.mark.slow
def test_letters_and_numbers_of_the_whole_plane(rt):
    wrong = []
    for char in PLANE[::7] + PLANE[:0x600]:
        category = unicodedata.category(char)
        if category[0] == "M" or category in ("Cn", "Co"):
            continue
        if rt.call("is_letter", ord(char)) != char.isalpha() or rt.call("is_number", ord(char)) != char.isnumeric():
            wrong.append(char)
    assert wrong == []


@pytest.mark.parametrize(
    ("text", "alphabetic", "numeric", "alphanumeric"),
    [
        ("", 1, 1, 1), ("abc", 1, 0, 1), ("123", 0, 1, 1), ("a1", 0, 0, 1), ("a 1", 0, 0, 0),
        ("日本", 1, 0, 1), ("é½", 0, 0, 1),
        ("-1", 0, 0, 0), ("1.5", 0, 0, 0), ("😀", 0, 0, 0), ("𠀀", 1, 0, 1), ("x_", 0, 0, 0), ("²", 0, 1, 1),
        ("٣", 0, 1, 1),
    ],
)  # fmt: skip
def test_classes(rt, text, alphabetic, numeric, alphanumeric):
    assert rt.on("str_is_alphabetic", text) == alphabetic
    assert rt.on("str_is_numeric", text) == numeric
    assert rt.on("str_is_alphanumeric", text) == alphanumeric
