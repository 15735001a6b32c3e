"""Compares two messages: what a replay compares, and which fields it leaves out."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from actors.digests import digest
from actors.messages import (
    CacheEntry,
    Collected,
    Ended,
    Message,
    Published,
    Verified,
)
from actors.result import Result
from orchestrator.recording.record import described

LEFT_OUT: dict[type[msgspec.Struct], tuple[str, ...]] = {
    Result: ("duration_ms",),
    Ended: ("freed_bytes", "needed_bytes"),
    CacheEntry: ("warnings", "duration_ms", "functions"),
    Verified: ("checked",),
}
"""Fields that depend on clocks, and on files that are not recorded."""

NEVER = (Collected, Published)
"""Answers that are not compared at all: they depend on the age of files, and on which programs existed."""


class ReplayDifference(NamedTuple):
    """Where the replay differs from the recording. `at` is the index of the record in the recording, from 0. `after`
    says what the actor had just been given. `then` and `now` are what it sent or answered, in words."""

    actor: str
    at: int
    after: str
    then: tuple[str, ...]
    now: tuple[str, ...]

    def __str__(self) -> str:
        lines = [f"{self.actor} differs at record {self.at}, after {self.after}"]
        lines += [f"    then  {line}" for line in self.then or ("nothing",)]
        lines += [f"    now   {line}" for line in self.now or ("nothing",)]
        return "\n".join(lines)


def compared(message: object) -> bool:
    """Whether this answer can be compared with a replayed one: it depends neither on a disk that failed nor on other
    processes."""
    if isinstance(message, NEVER) or getattr(message, "degraded", None) is not None:
        return False
    return not getattr(message, "taken", ())


def comparable(message: Message) -> object:
    """What is compared of a message, as plain data."""
    return _plain(message)


def _plain(value: object) -> object:
    if isinstance(value, msgspec.Struct):
        left = LEFT_OUT.get(type(value), ())
        fields = [name for name in value.__struct_fields__ if name not in left]
        return type(value).__name__, {name: _plain(getattr(value, name)) for name in fields}
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(part) for part in value]
    return value


def in_words(message: Message, other: Message | None = None) -> str:
    """A message in one line; given another one of its kind, only the fields that differ."""
    if other is None or type(other) is not type(message):
        return described(message)
    left = LEFT_OUT.get(type(message), ())
    fields = [
        name
        for name in message.__struct_fields__
        if name not in left and _plain(getattr(message, name)) != _plain(getattr(other, name))
    ]
    shown = ", ".join(f"{name}={_difference(getattr(message, name), getattr(other, name))}" for name in fields)
    return f"{type(message).__name__}(... {shown})"


def _difference(value: object, other: object) -> str:
    """The part of a value that the other one does not have."""
    if isinstance(value, tuple) and isinstance(other, tuple):
        return f"{len(value)} in all, of its own: {_short([part for part in value if part not in other])}"
    if isinstance(value, dict) and isinstance(other, dict):
        own = {key: part for key, part in value.items() if other.get(key) != part}
        return f"{len(value)} in all, of its own: {_short(own)}"
    return _short(value)


def _short(value: object) -> str:
    if isinstance(value, bytes):
        return f"{len(value)} bytes, digest {digest(value)[:12]}"
    text = repr(value)
    return text if len(text) <= 200 else text[:197] + "..."
