"""Looks at objects that other programs made, before they are believed."""

from __future__ import annotations

from orchestrator.wasm.leb import MAGIC


def object_problem(data: bytes) -> str:
    """What is wrong with an object, as the end of a sentence; "" for a whole relocatable object."""
    if not data:
        return "it left no object"
    if not data.startswith(MAGIC):
        return "what it left is no WebAssembly"
    at, linking = len(MAGIC), False
    while at < len(data):
        kind, at = data[at], at + 1
        size, at = _number(data, at)
        if size < 0 or at + size > len(data):
            return "its object is cut off"
        if kind == 0:
            length, name = _number(data, at)
            linking = linking or data[name : name + max(length, 0)] == b"linking"
        at += size
    return "" if linking else "its object cannot be linked (it has no `linking` section)"


def _number(data: bytes, at: int) -> tuple[int, int]:
    """A number in LEB128 and the place after it; -1 where it is cut off."""
    value = shift = 0
    while at < len(data) and shift < 35:
        byte, at = data[at], at + 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    return -1, at
