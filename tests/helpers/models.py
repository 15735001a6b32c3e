"""Objects with the model that the fast linker reads, made from an object that is there.

The compiler makes both in one go (`orchestrator.wasm.join`); this is the slow way, to compare with and for objects that
no compiler made.
"""

from __future__ import annotations

from orchestrator.wasm.cursor import ByteCursor
from orchestrator.wasm.reader import read_object
from orchestrator.wasm.slack.model import UnusualError, model_of, model_section


def with_model(data: bytes, between: bytes = b"") -> bytes:
    """Returns the object with its model in a section at the end; without it where the fast linker cannot take the
    object. `between` are custom sections to put before the model."""
    try:
        model = model_of(read_object(data))
    except UnusualError:
        return data + between
    model.code_at, model.code_size, model.code = _code_at(data), len(model.code), b""
    return data + between + model_section(model)


def _code_at(data: bytes) -> int:
    """The offset of the first function entry in an object; 0 where it has none."""
    cursor = ByteCursor(data)
    cursor.magic()
    while cursor.position < len(data):
        number, end = cursor.header()
        if number == 10:
            cursor.u32()
            return cursor.position
        cursor.position = end
    return 0
