"""The numbers of one object: types, imports, functions, globals, table slots, addresses and symbols.

All of them are given out here, in order of definition and then of first reference, and nowhere else; only lists and
insertion-ordered dicts are walked, so an object is a pure function of its ordered units.
"""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.wasm.fragment import (
    DATA,
    EXPORTED,
    FUNCTION,
    GLOBAL,
    LOCAL,
    TABLE_INDEX_I32,
    TABLE_INDEX_SLEB,
    TYPE_INDEX_LEB,
    Code,
    Data,
    Global,
    Reference,
)

KIND_NAMES = ("function", "data", "global")
TABLE_KINDS = (TABLE_INDEX_SLEB, TABLE_INDEX_I32)
# What a relocation of each kind points at (TYPE_INDEX_LEB names a type, no symbol).
TARGET_KINDS = (FUNCTION, FUNCTION, FUNCTION, DATA, DATA, DATA, -1, GLOBAL)


class Symbols:
    """The numbering of one object. `numbers` holds every symbol by name; the dicts after it give the value that a
    relocation of each kind writes, by symbol name (`types`: by encoded function type)."""

    __slots__ = (
        "addresses",
        "functions",
        "global_numbers",
        "imported_functions",
        "imported_globals",
        "memory_size",
        "numbers",
        "slots",
        "types",
        "undefined",
    )

    def __init__(self, code: Sequence[Code], data: Sequence[Data], globals_: Sequence[Global]) -> None:
        definitions = _definitions(code, data, globals_)
        self.types: dict[bytes, int] = {}
        self.undefined: dict[str, Reference] = {}
        self.slots: dict[str, int] = {}
        for unit in code:
            self.types.setdefault(unit.type, len(self.types))
            if unit.relocations:
                self._refer(unit, definitions)
        for item in data:
            if item.relocations:
                self._refer(item, definitions)
        names = [*definitions, *self.undefined]
        self.numbers: dict[str, int] = dict(zip(names, range(len(names)), strict=True))
        wanted = self.undefined.values()
        self.imported_functions = [reference for reference in wanted if reference.kind == FUNCTION]
        self.imported_globals = [reference for reference in wanted if reference.kind == GLOBAL]
        order = [reference.name for reference in self.imported_functions]
        order += [unit.name for unit in code]
        self.functions: dict[str, int] = dict(zip(order, range(len(order)), strict=True))
        order = [reference.name for reference in self.imported_globals]
        order += [item.name for item in globals_]
        self.global_numbers: dict[str, int] = dict(zip(order, range(len(order)), strict=True))
        self.addresses: dict[str, int] = {}
        self.memory_size = self._lay_out(data)

    def _refer(self, unit: Code | Data, definitions: dict[str, Code | Data | Global]) -> None:
        types, undefined, slots = self.types, self.undefined, self.slots
        for relocation in unit.relocations:
            kind, target = relocation.kind, relocation.target
            if isinstance(target, bytes):
                if kind != TYPE_INDEX_LEB:
                    raise ValueError(f"{unit.name}: relocation of kind {kind} names a type, not a symbol")
                types.setdefault(target, len(types))
                continue
            name = target.name
            if not 0 <= kind < len(TARGET_KINDS) or TARGET_KINDS[kind] != target.kind:
                raise ValueError(f"{unit.name}: relocation of kind {kind} cannot refer to {_describe(target)}")
            known = undefined.get(name)
            if known is None:
                definition = definitions.get(name)
                if definition is not None:
                    _check_definition(unit.name, target, definition)
                else:
                    self._import(unit.name, target)
            elif known is not target and known != target:
                raise ValueError(
                    f"{unit.name}: {name} is declared in two ways: {_describe(known)}, and {_describe(target)}"
                )
            if kind in TABLE_KINDS:
                slots.setdefault(name, len(slots) + 1)

    def _import(self, unit: str, target: Reference) -> None:
        self.undefined[target.name] = target
        if target.kind == FUNCTION:
            if target.type[:1] != b"\x60":
                raise ValueError(f"{unit}: {target.name} is not defined here and its reference has no function type")
            self.types.setdefault(target.type, len(self.types))
        elif target.kind == GLOBAL and len(target.type) != 2:
            raise ValueError(f"{unit}: {target.name} is not defined here and its reference has no global type")

    def _lay_out(self, data: Sequence[Data]) -> int:
        addresses, top = self.addresses, 0
        for name, reference in self.undefined.items():
            if reference.kind == DATA:
                addresses[name] = 0
        for item in data:
            top = -(-top >> item.align << item.align)
            addresses[item.name] = top
            top += len(item.data)
        return top


def _definitions(
    code: Sequence[Code], data: Sequence[Data], globals_: Sequence[Global]
) -> dict[str, Code | Data | Global]:
    definitions: dict[str, Code | Data | Global] = {unit.name: unit for unit in code}
    definitions.update({item.name: item for item in data})
    definitions.update({item.name: item for item in globals_})
    if len(definitions) != len(code) + len(data) + len(globals_):
        seen: set[str] = set()
        for names in ([u.name for u in code], [u.name for u in data], [u.name for u in globals_]):
            for name in names:
                if name in seen:
                    raise ValueError(f"{name} is defined twice in one object")
                seen.add(name)
    exports: dict[str, str] = {}
    for unit in code:
        if unit.export:
            if unit.flags & LOCAL:
                raise ValueError(f"{unit.name} is local, and so cannot be exported as {unit.export!r}")
            other = exports.setdefault(unit.export, unit.name)
            if other != unit.name:
                raise ValueError(f"{other} and {unit.name} are both exported as {unit.export!r}")
        elif unit.flags & EXPORTED and unit.flags & LOCAL:
            raise ValueError(f"{unit.name} is local, and so cannot be exported")
    return definitions


def _check_definition(unit: str, target: Reference, definition: Code | Data | Global) -> None:
    """A reference within an object must agree with the definition. (A host import of a defined name is no conflict:
    the definition wins, as it does in every linker.)"""
    kind = FUNCTION if isinstance(definition, Code) else DATA if isinstance(definition, Data) else GLOBAL
    if target.kind != kind:
        raise ValueError(f"{unit}: {target.name} is used as {KIND_NAMES[target.kind]}, but is {KIND_NAMES[kind]}")
    type_ = b"" if isinstance(definition, Data) else definition.type
    if target.type and target.type != type_:
        raise ValueError(f"{unit}: {target.name} is used with type {target.type.hex()}, but defined with {type_.hex()}")


def _describe(reference: Reference) -> str:
    kind = KIND_NAMES[reference.kind] if 0 <= reference.kind < len(KIND_NAMES) else f"kind {reference.kind}"
    text = f"{kind} {reference.name}"
    if reference.type:
        text += f" of type {reference.type.hex()}"
    if reference.module or reference.field:
        text += f" from {reference.module or 'env'}.{reference.field or reference.name}"
    return text + (" (weak)" if reference.weak else "")
