"""What an attacker would write: values for every place, and ways to put one of them into a structure that is well.

Nothing here is random by itself: `changed` draws from Hypothesis.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"


def share(cases: int) -> settings:
    """So many cases in `make test`; in the long run as many as the profile says."""
    return settings() if LONG else settings(max_examples=cases * int(os.environ.get("TIMES", "1")))


TEXTS = [
    "",
    "..",
    "../../../../etc/passwd",
    "/etc/passwd",
    "/dev/zero",
    "a\0b",
    "\x1b[2J\x1b]0;title\x07",
    "\u202etxt.ywjr\u2066",
    "\r\x9b31m",
    "<script>alert(1)</script>",
    "main",
    "0" * 64,
    "A" * 64,
    "0" * 63 + "\n",
    "  " * 32,
    "x" * 100_000,
    "\U0010ffff",
]
NUMBERS = [0, 1, -1, 127, 2**31, 2**32, -(2**31), 2**53 + 1, 2**63 - 1, -(2**63), 2**64 - 1, 0.5, -0.0, 1e308]
ODD = [None, True, [], {}, [[]], {"": ""}, [0] * 300, b"", b"\0" * 32, b"\xff" * 16]
HOSTILE: list[Any] = [*TEXTS, *NUMBERS, *ODD, float("nan"), float("inf")]


def nested(depth: int = 10_000, *, opening: bytes = b"\x91", end: bytes = b"\xc0") -> bytes:
    """An array in an array in an array, as msgpack: for where a whole message is replaced."""
    return opening * depth + end


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths to all values inside of a decoded message, the whole first."""
    yield path
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield from places(part, (*path, key))


def replaced(value: Any, path: tuple[Any, ...], by: Any) -> Any:
    """A copy of a decoded message with another value in one place."""
    if not path:
        return by
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(copy[path[0]], path[1:], by)
    return copy


@st.composite
def changed(draw: st.DrawFn, value: Any) -> Any:
    """A decoded message with one or two values replaced by hostile ones, or by others of its own."""
    for _ in range(draw(st.integers(1, 2))):
        paths = list(places(value))
        path = draw(st.sampled_from(paths))
        if draw(st.booleans()):
            value = replaced(value, path, draw(st.sampled_from(HOSTILE)))
        else:
            found = value
            for key in draw(st.sampled_from(paths)):
                found = found[key]
            value = replaced(value, path, found)
    return value


@st.composite
def scrambled(draw: st.DrawFn, data: bytes) -> bytes:
    """Bytes with a few of them changed, cut out, doubled or exchanged: for what has no structure to mutate."""
    out = bytearray(data)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(len(out) - 1, 0)))
        how = draw(st.integers(0, 3))
        if how == 0 and out:
            out[at] = draw(st.sampled_from((0, 1, 2, 0x10, 0x40, 0x7F, 0x80, 0xFE, 0xFF)))
        elif how == 1:
            del out[at : at + draw(st.integers(1, 40))]
        elif how == 2:
            out[at:at] = out[at : at + draw(st.integers(1, 40))]
        else:
            other = draw(st.integers(0, max(len(out) - 1, 0)))
            out[at : at + 8] = out[other : other + 8]
    return bytes(out)
