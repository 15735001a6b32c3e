"""What the functions of one module share while they are lowered: references, layouts, signatures and glue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.toolchains.ruchy.lower.glue import Glue
from orchestrator.toolchains.ruchy.lower.layout import Layouts, signature
from orchestrator.wasm.fragment import FUNCTION, Reference

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.toolchains.ruchy.check.hir import CheckedModule
    from orchestrator.toolchains.ruchy.lower.body import Body


class Unit:
    """One module being lowered. `handlers` is the dispatch table, by class of node."""

    def __init__(self, module: CheckedModule, handlers: dict[type, Callable[[Body, Any], int]]) -> None:
        self.handlers = handlers
        self.layouts = Layouts(module.structs)
        self.glue = Glue(self)
        self._functions: dict[tuple[str, bytes], Reference] = {}
        self._types: dict[str, bytes] = {}
        for symbol, (parameters, result) in module.signatures.items():
            self._types[symbol] = signature(parameters, result)
        for function in module.functions:
            self._types[function.symbol] = signature(function.parameters, function.result)

    def function(self, name: str, type_: bytes) -> Reference:
        """The one `Reference` to a function."""
        found = self._functions.get((name, type_))
        if found is None:
            found = self._functions[name, type_] = Reference(FUNCTION, name, type_)
        return found

    def type_of(self, symbol: str) -> bytes:
        """The encoded function type of a Ruchy function that this module defines or calls."""
        return self._types[symbol]
