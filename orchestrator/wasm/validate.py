"""Checks a linked program with the validator of wasmtime, before it is handed out."""

from __future__ import annotations


def validate(program: bytes) -> str | None:
    """None if the program is valid WebAssembly, else what is wrong with it, and where. Costs about 4 ms for a megabyte,
    and 44 ms for the first call of a process, which imports wasmtime."""
    import wasmtime

    try:
        wasmtime.Module.validate(wasmtime.Engine(), program)
    except wasmtime.WasmtimeError as error:
        return str(error).strip()
    return None
