"""What the functions of one module share while they are lowered: references, layouts, signatures, and which helpers
they want."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.toolchains.ruchy.check.abilities import name_of
from orchestrator.toolchains.ruchy.lower.layout import Layouts, signature
from orchestrator.wasm.fragment import FUNCTION, Reference

if TYPE_CHECKING:
    from orchestrator.toolchains.ruchy.check.hir import CheckedModule
    from orchestrator.toolchains.ruchy.check.types import Type


class Shared:
    """One module being lowered. `wanted` are the helpers of types that some code calls (see `glue.py`), by symbol."""

    def __init__(self, module: CheckedModule) -> None:
        self.layouts = Layouts(module.structs, module.enums)
        self.wanted: dict[str, tuple[Type, str]] = {}
        self._functions: dict[tuple[str, bytes], Reference] = {}
        self._types: dict[str, bytes] = {}
        for symbol, (parameters, result) in module.signatures.items():
            self._types[symbol] = signature(parameters, result, module.changing.get(symbol, ()))
        for function in module.functions:
            self._types[function.symbol] = signature(function.parameters, function.result, function.changes)

    def request(self, type_: Type, kind: str) -> str:
        """The symbol of a helper of a type; it is written when `Glue.collect` asks for it."""
        name = f"{name_of(type_)}.{{{kind}}}"
        self.wanted.setdefault(name, (type_, kind))
        return name

    def function(self, name: str, type_: bytes) -> Reference:
        """The one `Reference` to a function."""
        reference = self._functions.get((name, type_))
        if reference is None:
            reference = self._functions[name, type_] = Reference(FUNCTION, name, type_)
        return reference

    def type_of(self, symbol: str) -> bytes:
        """The encoded function type of a Ruchy function that this module defines or calls."""
        return self._types[symbol]
