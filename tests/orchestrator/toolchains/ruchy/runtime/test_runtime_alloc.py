"""The allocator: what it gives, what it takes back, how much memory it needs."""

from __future__ import annotations

import itertools
import random
import struct

import pytest

SIZES = [
    8,
    12,
    13,
    16,
    20,
    21,
    24,
    28,
    29,
    36,
    44,
    60,
    61,
    64,
    100,
    128,
    200,
    256,
    500,
    1000,
    4096,
    10_000,
    70_000,
    300_000,
]


def test_objects_are_aligned_zero_and_apart(rt):
    objects = [(rt.call("alloc", size), size) for size in SIZES for _ in range(3)]
    for address, size in objects:
        assert address % 8 == 0
        assert rt.read(address, size) == struct.pack("<i", 1) + bytes(size - 4)
    spans = sorted((address, address + size) for address, size in objects)
    assert all(end <= start for (_, end), (start, _) in itertools.pairwise(spans))
    for address, _ in objects:
        rt.call("release", address)


def test_reused_objects_are_zero_again(rt):
    for size in SIZES:
        address = rt.call("alloc", size)
        rt.memory.write(rt.store, b"\xff" * (size - 4), address + 4)
        rt.call("free", address)
        again = rt.call("alloc", size)
        assert again == address
        assert rt.read(again, size) == struct.pack("<i", 1) + bytes(size - 4)
        rt.call("release", again)


def test_room_is_never_less_than_asked_nor_far_more(rt):
    for size in range(4, 3000, 7):
        address = rt.call("alloc", size)
        room = rt.call("room", address)
        assert size <= room <= max(12, size * 1.25 + 8)
        rt.call("free", address)


def test_counts(rt):
    address = rt.call("alloc", 16)
    assert rt.call("unshared", address) == 1
    rt.call("retain", address)
    assert rt.call("unshared", address) == 0
    assert rt.call("drop_count", address) == 0
    assert rt.call("unshared", address) == 1
    assert rt.call("drop_count", address) == 1
    rt.call("free", address)


def test_static_objects_are_never_counted(rt):
    static = rt.call("bool_to_str", 0)
    before = rt.read(static, 16)
    for name in ("retain", "release", "release", "drop_count"):
        assert rt.call(name, static) in (None, 0)
    assert rt.call("unshared", static) == 0
    assert rt.read(static, 16) == before


def test_copy_copies_what_is_behind_the_header(rt):
    text = rt.string("abcdefgh")
    rt.call("retain", text)
    copy = rt.call("copy", text, 16)
    assert copy != text
    assert rt.read(copy, 16) == struct.pack("<iI", 1, 8) + b"abcdefgh"
    for address in (text, text, copy):
        rt.call("release", address)


def test_a_second_cycle_of_all_sizes_needs_no_more_memory(fresh):
    def cycle() -> None:
        objects = [fresh.call("alloc", size) for size in SIZES * 2]
        random.Random(4).shuffle(objects)
        for address in objects:
            fresh.call("release", address)

    live = fresh.call("live")
    cycle()
    pages = fresh.memory.size(fresh.store)
    for _ in range(5):
        cycle()
    assert fresh.memory.size(fresh.store) == pages
    assert fresh.call("live") == live


def test_random_work_never_mixes_objects(fresh):
    random_ = random.Random(7)
    live: dict[int, bytes] = {}
    for step in range(1500):
        if live and random_.random() < 0.45:
            address = random_.choice(list(live))
            assert fresh.read(address + 4, len(live[address])) == live.pop(address)
            fresh.call("release", address)
        else:
            size = random_.choice(SIZES[:-4])
            address = fresh.call("alloc", size)
            assert address not in live
            live[address] = struct.pack("<I", step) * (size // 4 - 1)
            fresh.memory.write(fresh.store, live[address], address + 4)
    assert all(fresh.read(address + 4, len(content)) == content for address, content in live.items())


def test_out_of_memory_says_so(fresh):
    fresh.store.set_limits(memory_size=4 << 20)
    status, message = 0, b""
    try:
        while True:
            fresh.call("alloc", 1 << 20)
    except Exception as end:
        status, message = end.args[0], fresh.output[2]
    assert (status, message) == (134, b"error: out of memory\n")


@pytest.mark.parametrize("size", [0x40000000, 0x7FFFFFFF, -1])
def test_absurd_sizes_are_out_of_memory(fresh, size):
    with pytest.raises(Exception, match="134"):
        fresh.call("alloc", size)
    assert fresh.output[2] == b"error: out of memory\n"
