"""The objects of a build's modules: found in the cache, kept from the last build, or made in this one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from actors.compiler.toolchain import Object
from actors.diagnostics import Diagnostic
from actors.digests import Digest
from actors.planner.state import PlannedModule


class MadeObject(NamedTuple):
    """An object that this build made for a key, or took over from another key. `duration_ms` is what compiling it took,
    in this build or an earlier one."""

    key: Digest
    object: Object
    digest: Digest
    duration_ms: float


class Objects:
    """By module, `digests`, `durations` (milliseconds of the compile), `functions` (how many) and `warnings` of the
    objects that the build uses."""

    def __init__(self) -> None:
        self.made: dict[str, MadeObject] = {}
        self.compilations = 0
        self.data: dict[Digest, bytes] = {}
        """Bytes at hand: of objects just made, and of what the cache loaded."""
        self.digests: dict[str, Digest] = {}
        self.durations: dict[str, float] = {}
        self.functions: dict[str, int] = {}
        self.warnings: dict[str, tuple[Diagnostic, ...]] = {}

    def keep(self, rows: Mapping[str, PlannedModule]) -> None:
        """Begin (again) with the objects of the last build for these modules. What was made stays made."""
        self.digests = {module: row.object for module, row in rows.items()}
        self.durations = {module: row.duration_ms for module, row in rows.items()}
        self.functions = {module: row.functions for module, row in rows.items()}
        self.warnings = {module: row.warnings for module, row in rows.items() if row.warnings}

    def use(
        self, module: str, digest: Digest, duration_ms: float, functions: int, warnings: tuple[Diagnostic, ...]
    ) -> None:
        """Use an object that is there already."""
        self.digests[module] = digest
        self.durations[module] = duration_ms
        self.functions[module] = functions
        self.warnings[module] = warnings

    def add(self, module: str, made: MadeObject) -> None:
        """Use an object that was just made."""
        found = made.object
        self.made[module] = made
        self.data[made.digest] = found.data
        self.use(module, made.digest, made.duration_ms, len(found.functions), found.warnings)
        self.compilations += 1

    def use_made(self, module: str, key: Digest) -> bool:
        """Use the object that this build made for this key, before another module's source changed. Returns whether
        there is one."""
        made = self.made.get(module)
        if made is None or made.key != key:
            return False
        found = made.object
        self.use(module, made.digest, made.duration_ms, len(found.functions), found.warnings)
        return True
