"""Looks at objects that other programs made, before they are believed."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.wasm.cursor import custom_section
from orchestrator.wasm.leb import MAGIC

EXPORTS_SECTION = "wasmill.exports"
"""What each object of Ruchy has: what it would export, and run, as the entry."""


def is_ruchy(data: bytes) -> bool:
    """Whether an object is one of Ruchy."""
    return custom_section(data, EXPORTS_SECTION) is not None


def object_problem(data: bytes) -> str:
    """What is wrong with an object, as the end of a sentence; "" for a whole relocatable object."""
    if not data:
        return "it left no object"
    if not data.startswith(MAGIC):
        return "what it left is no WebAssembly"
    try:
        names = [name for name, _, _, _ in custom_sections(data)]
    except ValueError:
        return "its object is cut off"
    return "" if "linking" in names else "its object cannot be linked (it has no `linking` section)"


def custom_sections(data: bytes) -> Iterator[tuple[str, int, int, int]]:
    """The custom sections of a module: name, where the content begins and ends, where the section begins. Raises
    ValueError where the module is cut off."""
    at = len(MAGIC)
    while at < len(data):
        start, kind = at, data[at]
        size, at = _number(data, at + 1)
        if at + size > len(data):
            raise ValueError("cut off")
        if kind == 0:
            length, name = _number(data, at)
            yield data[name : name + length].decode("utf-8", "replace"), name + length, at + size, start
        at += size


def _number(data: bytes, at: int) -> tuple[int, int]:
    """A number in LEB128, and the place after it."""
    value = shift = 0
    while at < len(data) and shift < 35:
        byte, at = data[at], at + 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise ValueError("cut off")
