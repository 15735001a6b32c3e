"""Hot objects in memory."""

from __future__ import annotations

from actors.keeper.cache import HotObjects


def test_the_one_used_longest_ago_goes_first() -> None:
    hot = HotObjects(10)
    hot.put(b"a", b"aaaa")
    hot.put(b"b", b"bbbb")
    assert hot.get(b"a") == b"aaaa"
    hot.put(b"c", b"cccc")
    assert (hot.get(b"a"), hot.get(b"b"), hot.get(b"c")) == (b"aaaa", None, b"cccc")
    assert (hot.size, len(hot)) == (8, 2)


def test_one_that_is_too_large_drives_nobody_out() -> None:
    hot = HotObjects(10)
    hot.put(b"a", b"aaaa")
    hot.put(b"b", b"b" * 11)
    assert (hot.get(b"a"), hot.get(b"b"), hot.size) == (b"aaaa", None, 4)


def test_replacing_and_dropping_keep_count() -> None:
    hot = HotObjects(10)
    hot.put(b"a", b"aaaa")
    hot.put(b"a", b"aa")
    hot.drop(b"unknown")
    assert hot.size == 2
    hot.drop(b"a")
    hot.put(b"b", b"b" * 10)
    assert (hot.size, len(hot)) == (10, 1)
    hot.clear()
    assert (hot.size, hot.get(b"b")) == (0, None)
