"""The WebAssembly locals of one function: those of its slots, and temporaries, which are used again and again."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.toolchains.ruchy.check.types import Type
from orchestrator.toolchains.ruchy.lower.layout import valtype
from orchestrator.wasm.leb import uleb


class Locals:
    """`slots` has the local of each slot: parameters come first, and what has no value has none (-1). `count` is how
    many there are by now; so many of them are `parameters`."""

    def __init__(self, types: Sequence[Type], parameters: int) -> None:
        self.slots: list[int] = []
        self._kinds = bytearray()
        self._free: dict[int, list[int]] = {}
        count = 0
        for index, type_ in enumerate(types):
            kind = valtype(type_)
            self.slots.append(count if kind else -1)
            if kind:
                count += 1
                if index >= parameters:
                    self._kinds.append(kind)
        self.count = count
        self.parameters = count - len(self._kinds)

    def temporary(self, kind: int) -> int:
        """A free local of this value type."""
        free = self._free.get(kind)
        if free:
            return free.pop()
        self._kinds.append(kind)
        self.count += 1
        return self.count - 1

    def give_back(self, kind: int, index: int) -> None:
        """Makes a temporary free for others."""
        self._free.setdefault(kind, []).append(index)

    def declaration(self) -> bytes:
        """The vector of locals at the head of a function's code: runs of one type."""
        runs: list[list[int]] = []
        for kind in self._kinds:
            if runs and runs[-1][1] == kind:
                runs[-1][0] += 1
            else:
                runs.append([1, kind])
        return uleb(len(runs)) + b"".join(uleb(count) + bytes((kind,)) for count, kind in runs)
