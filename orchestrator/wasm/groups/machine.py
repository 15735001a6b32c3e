"""Machine code for the groups of a program: kept code where there is some, compiled code for the rest."""

from __future__ import annotations

import os
from hashlib import sha256
from typing import TYPE_CHECKING, Any, cast

import msgspec

from actors.untrusted import UNREADABLE
from orchestrator.wasm.groups.emit import emit_base, emit_group, imported_name, needs_start
from orchestrator.wasm.groups.finished import UngroupedError, read_program
from orchestrator.wasm.groups.layout import GroupLayout, GroupPlan
from orchestrator.wasm.groups.scan import called_by
from orchestrator.wasm.groups.store import MachineStore

if TYPE_CHECKING:
    import wasmtime

_FORMAT = b"1"  # Raise it whenever other bytes are made of the same plan, or other calls are found in the same bodies.

_plans = msgspec.msgpack.Encoder()
_calls = msgspec.msgpack.Encoder()
_read_calls = msgspec.msgpack.Decoder(dict[str, list[list[int]]])


def grouped(
    program: bytes, engine: wasmtime.Engine, folder: str, library: str, configuration: str
) -> MachineGroups | None:
    """The program as groups, whose machine code is kept in the folder; None where it must run as one module."""
    import wasmtime

    store = MachineStore(folder)
    if not store.usable():
        return None
    try:
        return MachineGroups(program, engine, configuration, store, library)
    except (UngroupedError, wasmtime.WasmtimeError):
        return None


class MachineGroups:
    """A program as groups, ready to be instantiated in any store of the engine. `configuration` says in words which
    settings the engine compiles with. `library` is the prefix of functions that are copied to where they are called.
    `compiled` is the number of groups that had to be compiled, of `count`.

    Raises UngroupedError for a program that must run as one module; an error of wasmtime means the same.
    """

    def __init__(
        self, program: bytes, engine: wasmtime.Engine, configuration: str, store: MachineStore, library: str
    ) -> None:
        import wasmtime

        self._engine, self._store = engine, store
        self._configuration = f"{_engine_version()} {configuration}".encode()
        self.compiled = 0
        layout = self._laid_out(program, library)
        self.count = len(layout)
        self._calls = [imported_name(f) for f in needs_start(layout.program)]
        self._base = wasmtime.Module(engine, emit_base(layout))
        self._groups = [self._machine_code(layout, layout.plan(number)) for number in range(len(layout))]
        # At the end: what this run uses has been read by now, and so is not the least recently used.
        store.evict()

    def _laid_out(self, program: bytes, library: str) -> GroupLayout:
        """The layout. Finding the calls in all code takes as long as compiling it, so what each function calls is kept
        from run to run, by the digest of its group's code, in one file for programs with these names of functions."""
        finished = read_program(program)
        name = sha256(b"calls" + _FORMAT + b"".join(finished.names)).hexdigest()
        try:
            known = _read_calls.decode(self._store.read(name) or b"")
        except UNREADABLE:
            known = {}
        kept: dict[str, list[list[int]]] = {}
        first, new = len(finished.imports), False

        def calls(own: bytes, begin: int, end: int) -> list[list[int]]:
            nonlocal new
            key = own.hex()
            callees = known.get(key)
            if callees is None or len(callees) != end - begin:
                new = True
                callees = called_by(program, finished.bodies[begin - first : end - first + 1])
            kept[key] = callees
            return callees

        try:
            layout = GroupLayout(finished, library.encode(), calls)
        except IndexError as error:
            raise UngroupedError("a body that ends too early") from error
        # Only what this program asked for, so that calls of bodies that are edited away do not stay for ever.
        if new:
            self._store.write(name, _calls.encode(kept))
        return layout

    def _machine_code(self, layout: GroupLayout, plan: GroupPlan) -> wasmtime.Module:
        import wasmtime

        name = sha256(b"code" + _FORMAT + self._configuration + b"\0" + _plans.encode(plan)).hexdigest()
        kept = self._store.read(name)
        if kept is not None:
            try:
                return wasmtime.Module.deserialize(self._engine, kept)
            except wasmtime.WasmtimeError:  # made under settings that are not in `configuration`, or on another machine
                pass
        self.compiled += 1
        module = wasmtime.Module(self._engine, emit_group(layout, plan))
        self._store.write(name, bytes(module.serialize()))
        return module

    def instantiate(self, store: wasmtime.Store, linker: wasmtime.Linker) -> object:
        """Instantiates all groups, calls the start function, if there is one, and returns the entry."""
        # The last group first: each one imports functions from those behind it only.
        linker.define_instance(store, "base", linker.instantiate(store, self._base))
        for group in reversed(self._groups):
            linker.define_instance(store, "calls", linker.instantiate(store, group))
        *starts, entry = [cast(Any, linker.get(store, "calls", name)) for name in self._calls]
        for start in starts:
            start(store)
        return entry


def _engine_version() -> str:
    """Which wasmtime this is. It refuses code of another version itself; so this need only be right nearly always."""
    from wasmtime import _ffi

    status = os.stat(_ffi.filename)
    return f"{status.st_size} {status.st_mtime_ns}"
