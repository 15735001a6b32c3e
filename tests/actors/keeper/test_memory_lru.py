"""Hot objects in memory."""

from __future__ import annotations

from actors.keeper.memory import HotObjects


def test_the_one_used_longest_ago_goes_first() -> None:
    hot = HotObjects(10)
    hot.put("a", b"aaaa")
    hot.put("b", b"bbbb")
    assert hot.get("a") == b"aaaa"
    hot.put("c", b"cccc")
    assert (hot.get("a"), hot.get("b"), hot.get("c")) == (b"aaaa", None, b"cccc")
    assert (hot.size, len(hot)) == (8, 2)


def test_one_that_is_too_large_drives_nobody_out() -> None:
    hot = HotObjects(10)
    hot.put("a", b"aaaa")
    hot.put("b", b"b" * 11)
    assert (hot.get("a"), hot.get("b"), hot.size) == (b"aaaa", None, 4)


def test_replacing_and_dropping_keep_count() -> None:
    hot = HotObjects(10)
    hot.put("a", b"aaaa")
    hot.put("a", b"aa")
    hot.drop("unknown")
    assert hot.size == 2
    hot.drop("a")
    hot.put("b", b"b" * 10)
    assert (hot.size, len(hot)) == (10, 1)
    hot.clear()
    assert (hot.size, hot.get("b")) == (0, None)
