"""Checks a linked program with the validator of wasmtime, before it is handed out.

`import wasmtime` describes hundreds of functions of its library to `ctypes`, which takes ten times as long as loading
the library. A build needs five of them, so this module binds these to the library file of the installed package. Where
that fails, because another version has other files or names, the package itself validates.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from ctypes import CDLL, POINTER, Structure, byref, c_bool, c_char, c_char_p, c_size_t, c_void_p, string_at
from functools import cache

from orchestrator.wasm.threads import forked

Validator = Callable[[bytes], "str | None"]


def validate(program: bytes) -> str | None:
    """Returns None if the program is valid WebAssembly, else what is wrong with it and where. It takes about 4 ms for a
    megabyte, and the first call of a process another 4 ms."""
    return _validator(forked())(program)


@cache
def _validator(serial: bool) -> Validator:
    """`serial` means without threads; see `orchestrator.wasm.threads`."""
    if "wasmtime" not in sys.modules:
        try:
            return _of_library(CDLL(_library()), serial)
        except (OSError, AttributeError, ImportError):
            pass
    return _of_package


def _of_package(program: bytes) -> str | None:
    import wasmtime

    config = wasmtime.Config()
    config.parallel_compilation = not forked()
    try:
        wasmtime.Module.validate(wasmtime.Engine(config), program)
    except wasmtime.WasmtimeError as error:
        return str(error).strip()
    return None


def _library() -> str:
    """Finds the library file of the package wasmtime without importing the package. Raises ImportError."""
    import os
    from importlib.util import find_spec

    spec = find_spec("wasmtime")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        with os.scandir(folder) as entries:
            platforms = [entry.path for entry in entries if entry.name.startswith(sys.platform + "-")]
        for path in platforms:
            for name in os.listdir(path):
                if "libwasmtime." in name:
                    return os.path.join(path, name)
    raise ImportError("wasmtime has its library elsewhere")


class _Bytes(Structure):
    """`wasm_byte_vec_t`"""

    _fields_ = (("size", c_size_t), ("data", POINTER(c_char)))


def _of_library(library: CDLL, serial: bool) -> Validator:
    """A validator that calls the library. Raises AttributeError where the library lacks a function."""
    library.wasm_config_new.restype = c_void_p
    library.wasm_engine_new_with_config.argtypes = (c_void_p,)
    library.wasm_engine_new_with_config.restype = c_void_p
    library.wasmtime_config_parallel_compilation_set.argtypes = (c_void_p, c_bool)
    library.wasmtime_config_parallel_compilation_set.restype = None
    check = library.wasmtime_module_validate
    check.argtypes, check.restype = (c_void_p, c_char_p, c_size_t), c_void_p
    message, delete, release = (
        library.wasmtime_error_message,
        library.wasmtime_error_delete,
        library.wasm_byte_vec_delete,
    )
    message.argtypes, message.restype = (c_void_p, POINTER(_Bytes)), None
    delete.argtypes, delete.restype = (c_void_p,), None
    release.argtypes, release.restype = (POINTER(_Bytes),), None
    config = library.wasm_config_new()
    library.wasmtime_config_parallel_compilation_set(config, not serial)
    engine = library.wasm_engine_new_with_config(config)

    def validate_with_it(program: bytes) -> str | None:
        error = check(engine, program, len(program))
        if not error:
            return None
        said = _Bytes()
        message(error, byref(said))
        text = string_at(said.data, said.size).decode("utf-8", "replace").strip()
        release(byref(said))
        delete(error)
        return text

    return validate_with_it
