"""Value types and function types as bytes."""

from __future__ import annotations

from typing import Final

from orchestrator.wasm.leb import uleb

I32: Final = 0x7F
I64: Final = 0x7E
F32: Final = 0x7D
F64: Final = 0x7C


def functype(parameters: bytes, results: bytes) -> bytes:
    """The encoded function type: `60 vec vec`."""
    return b"\x60" + uleb(len(parameters)) + parameters + uleb(len(results)) + results
