"""Arrays of the runtime: growing, sharing, parts."""

from __future__ import annotations

import random
import struct

import pytest

FORMS = {1: "b", 2: "h", 4: "i", 8: "q"}
COUNTED = 256 + 4


def make(rt, values, size=8):
    """A new array of numbers."""
    address = rt.call("arr_new", len(values), size)
    rt.memory.write(rt.store, struct.pack(f"<{len(values)}{FORMS[size]}", *values), address + 8)
    return address


def texts(rt, values):
    """A new array of Strings."""
    address = rt.call("arr_new", len(values), COUNTED)
    rt.memory.write(rt.store, struct.pack(f"<{len(values)}i", *map(rt.string, values)), address + 8)
    return address


def look(rt, address, size=8):
    """The elements; for `size` 256 and more the texts of Strings."""
    length = struct.unpack("<I", rt.read(address + 4, 4))[0]
    plain = size & 255
    raw = rt.read(address + 8, length * plain) if length else b""
    found = list(struct.unpack(f"<{length}{FORMS[plain]}", raw))
    return [rt.peek(one) for one in found] if size >= 256 else found


def count(rt, address):
    return struct.unpack("<i", rt.read(address, 4))[0]


def push(rt, array, value, how=8):
    array = rt.call("arr_grow", array, 1, how)
    length = struct.unpack("<I", rt.read(array + 4, 4))[0]
    plain = how & 255
    rt.memory.write(rt.store, struct.pack(f"<{FORMS[plain]}", value), array + 8 + (length - 1) * plain)
    return array


@pytest.mark.parametrize("size", FORMS)
def test_pushing_keeps_what_is_there(rt, size):
    array = rt.call("arr_new", 0, size)
    values = [n % 100 - 50 for n in range(500)]
    for value in values:
        array = push(rt, array, value, size)
    assert look(rt, array, size) == values
    rt.call("release", array)


@pytest.mark.slow
def test_pushing_moves_each_element_a_few_times_only(rt):
    array, moves = rt.call("arr_new", 0, 8), 0
    for n in range(20_000):
        before, array = array, rt.call("arr_grow", array, 1, 8)
        moves += n * (array != before)
    assert moves < 20_000 * 4
    rt.call("release", array)


def test_a_shared_array_is_copied_before_it_grows(rt):
    array = texts(rt, ["a", "b"])
    rt.call("retain", array)
    grown = push(rt, array, rt.string("c"), COUNTED)
    assert (look(rt, array, COUNTED), look(rt, grown, COUNTED)) == (["a", "b"], ["a", "b", "c"])
    assert (count(rt, array), count(rt, grown)) == (1, 1)
    rt.call("arr_drop", array)
    assert look(rt, grown, COUNTED) == ["a", "b", "c"]
    rt.call("arr_drop", grown)


def test_an_array_that_nobody_else_holds_is_its_own(rt):
    array = make(rt, [1, 2])
    assert rt.call("arr_own", array, 8) == array
    rt.call("retain", array)
    copy = rt.call("arr_own", array, 8)
    assert copy != array
    assert (look(rt, array), look(rt, copy), count(rt, array)) == ([1, 2], [1, 2], 1)
    rt.call("release", array)
    rt.call("release", copy)


def test_a_static_array_is_copied_and_stays(rt):
    array = make(rt, [4, 5])
    rt.memory.write(rt.store, struct.pack("<i", -1), array)
    copy = push(rt, array, 6)
    assert (look(rt, array), look(rt, copy), count(rt, array)) == ([4, 5], [4, 5, 6], -1)
    rt.call("release", copy)
    rt.memory.write(rt.store, struct.pack("<i", 1), array)
    rt.call("release", array)


def test_shortening(rt):
    array = texts(rt, ["a", "b"])
    last = struct.unpack("<i", rt.read(array + 12, 4))[0]
    rt.call("retain", last)
    rt.call("retain", array)
    shorter = rt.call("arr_shorten", array, COUNTED)
    assert (look(rt, array, COUNTED), look(rt, shorter, COUNTED), rt.peek(last)) == (["a", "b"], ["a"], "b")
    for one in (array, shorter):
        rt.call("arr_drop", one)
    assert rt.text(last) == "b"


@pytest.mark.parametrize("index", [0, 2, -1, -3])
def test_an_index_within(rt, index):
    array = make(rt, [7, 8, 9])
    assert rt.on("arr_index", array, index, site=0) == index % 3
    rt.call("release", array)


@pytest.mark.parametrize("index", [3, -4, 2**62, -(2**63)])
def test_an_index_outside_traps(fresh, index):
    array = make(fresh, [7, 8, 9])
    message = f"error: shop.ruchy:7: index {index} out of range for length 3\n"
    assert fresh.trap("arr_index", array, index) == (134, message)


@pytest.mark.parametrize(
    ("start", "end", "wanted"),
    [(0, 3, [1, 2, 3]), (1, 2, [2]), (1, 99, [2, 3]), (3, 3, []), (3, 7, []), (-2, 3, [2, 3]), (0, -1, [1, 2])],
)
def test_a_slice(rt, start, end, wanted):
    array = make(rt, [1, 2, 3])
    part = rt.on("arr_slice", array, start, end, 8, site=0)
    assert look(rt, part) == wanted
    for one in (array, part):
        rt.call("release", one)


@pytest.mark.parametrize(("start", "end"), [(4, 5), (2, 1), (-4, 2), (1, -3), (2**62, 2**62)])
def test_a_slice_that_is_none_traps(fresh, start, end):
    array = make(fresh, [1, 2, 3])
    message = f"error: shop.ruchy:7: index {start} out of range for length 3\n"
    assert fresh.trap("arr_slice", array, start, end, 8) == (134, message)


def test_parts_are_cut_to_what_there_is(rt):
    array = make(rt, [1, 2, 3])
    for start in (-5, 0, 1, 3, 9, 2**62):
        for end in (-5, 0, 1, 3, 9, 2**62):
            part = rt.call("arr_part", array, start, end, 8)
            assert look(rt, part) == [1, 2, 3][max(start, 0) : max(end, 0)]
            rt.call("release", part)
    rt.call("release", array)


def test_joining(rt):
    a, b = texts(rt, ["a"]), texts(rt, ["b", "c"])
    joined = rt.call("arr_concat", a, b, COUNTED)
    a = rt.call("arr_append", a, b, COUNTED)
    for one in (joined, a):
        assert look(rt, one, COUNTED) == ["a", "b", "c"]
    for one in (joined, a, b):
        rt.call("arr_drop", one)


@pytest.mark.parametrize("length", [0, 1, 5, 1000])
def test_an_array_behind_itself(rt, length):
    values = [f"{n}" for n in range(length)]
    array = texts(rt, values)
    array = rt.call("arr_append", array, array, COUNTED)
    assert look(rt, array, COUNTED) == values * 2
    rt.call("arr_drop", array)


def test_repeating(rt):
    for size, form in FORMS.items():
        for length in (1, 2, 3, 8, 100):
            array = rt.on("arr_times", length, size, site=0)
            rt.memory.write(rt.store, struct.pack(f"<{form}", -7), array + 8)
            rt.call("arr_fill", array, size)
            assert look(rt, array, size) == [-7] * length
            rt.call("release", array)
    array = rt.on("arr_times", 3, COUNTED, site=0)
    rt.memory.write(rt.store, struct.pack("<i", rt.string("x")), array + 8)
    rt.call("arr_fill", array, COUNTED)
    assert look(rt, array, COUNTED) == ["x"] * 3
    rt.call("arr_drop", array)


def test_repeating_less_than_no_times_traps(fresh):
    assert fresh.trap("arr_times", -1, 8) == (134, "error: shop.ruchy:7: repeated less than 0 times\n")


@pytest.mark.parametrize("length", [2**27, 2**32, 2**62])
def test_absurd_lengths_are_out_of_memory(fresh, length):
    assert fresh.trap("arr_times", length, 8) == (134, "error: out of memory\n")


@pytest.mark.parametrize("size", FORMS)
def test_turning_round(rt, size):
    for length in range(6):
        array = make(rt, list(range(length)), size)
        array = rt.call("arr_reverse", array, size)
        assert look(rt, array, size) == list(range(length))[::-1]
        rt.call("release", array)


def test_opening_and_closing_a_gap(rt):
    random_ = random.Random(3)
    array, wanted = rt.call("arr_new", 0, 8), []
    for n in range(300):
        at = random_.randint(0, len(wanted))
        if wanted and n % 3 == 2:
            at = min(at, len(wanted) - 1)
            array = rt.call("arr_close", array, at, 8)
            del wanted[at]
        else:
            array = rt.on("arr_open", array, at, 8, site=0)
            rt.memory.write(rt.store, struct.pack("<q", n), array + 8 + 8 * at)
            wanted.insert(at, n)
        assert look(rt, array) == wanted
    rt.call("release", array)


@pytest.mark.parametrize("at", [3, -1])
def test_a_gap_outside_traps(fresh, at):
    array = make(fresh, [1, 2])
    assert fresh.trap("arr_open", array, at, 8) == (134, f"error: shop.ruchy:7: index {at} out of range for length 2\n")
