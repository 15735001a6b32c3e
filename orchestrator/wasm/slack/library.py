"""A library: objects of which a program gets only the reachable part, as one module without slack.

It stands behind all other modules, so that a change in what a program needs of it moves none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from msgspec import structs

from orchestrator.wasm.fragment import (
    DATA,
    EXPORTED,
    FUNCTION,
    GLOBAL,
    LOCAL,
    NO_STRIP,
    TYPE_INDEX_LEB,
    UNDEFINED,
    WEAK,
)
from orchestrator.wasm.leb import string
from orchestrator.wasm.mark import mark
from orchestrator.wasm.object_file import ObjectFile, Relocations, Symbol
from orchestrator.wasm.reader import TABLE
from orchestrator.wasm.slack.model import LinkModel, UnusualError, model_of
from orchestrator.wasm.symbols import LinkError, Resolution

Names = Sequence[str]
ObjectsOf = Callable[[Names, Names], Sequence[tuple[str, ObjectFile]]]


class Library:
    """`names` are the functions and data that the library defines. The last model is remembered, because edits rarely
    change what is used."""

    __slots__ = ("_last", "_model", "_objects", "_texts", "archived", "names")

    def __init__(self, names: Iterable[str], objects: ObjectsOf, archived: Iterable[str] = ()) -> None:
        """`objects` returns the objects that define given names or are needed by them, in an order that depends on
        nothing but what it returns. `archived` are those of the names that archives offer: a module may define one
        itself, and then it is in the second argument of `objects`; and where one more of them is wanted, that function
        may return other objects, even if it returned the one that defines it."""
        self._texts = {string(name): name for name in names}
        self.names = frozenset(self._texts)
        self.archived = frozenset(map(string, archived))
        self._objects = objects
        self._last: tuple[frozenset[bytes], frozenset[bytes]] | None = None
        self._model: LinkModel | None = None

    def model(self, wanted: frozenset[bytes], replaced: frozenset[bytes] = frozenset()) -> LinkModel:
        """The model of what these names reach; equal for all sets of names that reach the same. `replaced` are names of
        the library that modules define in its stead. Raises UnusualError where the library cannot be linked."""
        if self._model is None or (wanted, replaced) != self._last:
            roots, others = ([self._texts[name] for name in sorted(names)] for names in (wanted, replaced))
            try:
                self._model = model_of(reached(self._objects(roots, others), roots))
            except LinkError as error:
                raise UnusualError(str(error)) from error
            self._last = (wanted, replaced)
        return self._model


def reached(objects: Sequence[tuple[str, ObjectFile]], roots: Sequence[str]) -> ObjectFile:
    """Returns one object that holds, in order, what can be reached from the names `roots`. It may refer to names that
    the objects do not define. Raises LinkError."""
    resolution = Resolution([name for name, _ in objects], [file for _, file in objects])
    missing = [name for name in roots if name not in resolution.definitions]
    if missing:
        raise LinkError(f"the library does not define {missing[0]}")
    inits = {
        number: [resolution.targets[number][index] for _, index in file.inits]
        for number, file in enumerate(resolution.objects)
        if file.inits
    }
    wanted = [resolution.nodes[name] for name in roots] + _kept(resolution)
    return _Merger(resolution, mark(resolution, wanted, companions=inits, partial=True)).merge()


def _kept(resolution: Resolution) -> list[int]:
    """The nodes of what objects keep, whether it is used or not."""
    return [
        resolution.targets[number][index]
        for number, file in enumerate(resolution.objects)
        for index, symbol in enumerate(file.symbols)
        if symbol.flags & (EXPORTED | NO_STRIP) and not symbol.flags & UNDEFINED
    ]


class _Merger:
    """Makes one object of the live parts of several. `_numbers` has the new symbol numbers by the id of the symbol that
    defines, `_outside` those of undefined symbols by name, `_table` that of the table."""

    def __init__(self, resolution: Resolution, live: bytearray) -> None:
        self._resolution, self._live = resolution, live
        self._out = ObjectFile()
        self._types: dict[bytes, int] = {}
        self._numbers: dict[int, int] = {}
        self._outside: dict[str, int] = {}
        self._table = -1

    def merge(self) -> ObjectFile:
        resolution, out = self._resolution, self._out
        for number, file in enumerate(resolution.objects):
            self._define(number, file)
        code: list[bytes] = []
        for number, file in enumerate(resolution.objects):
            code += self._functions(number, file)
            self._segments(number, file)
            live = self._live
            for priority, index in file.inits:
                node = resolution.targets[number][index]
                if live[node] and node not in resolution.excluded:
                    out.inits.append((priority, self._symbol(file.symbols[index])))
        out.code = b"".join(code)
        out.uses_got = any(object_.uses_got for object_ in resolution.objects)
        out.types = list(self._types)
        return out

    def _define(self, number: int, file: ObjectFile) -> None:
        """Numbers the live definitions of an object."""
        resolution, live, out = self._resolution, self._live, self._out
        for base, kind, count in (
            (resolution.function_bases[number], FUNCTION, len(file.function_types)),
            (resolution.segment_bases[number], DATA, len(file.segments)),
            (resolution.global_bases[number], GLOBAL, len(file.globals)),
        ):
            places: dict[int, int] = {}
            for index in range(count):
                if not live[base + index]:
                    continue
                if kind == FUNCTION:
                    places[index] = len(out.function_types)
                    if index in file.exports:
                        out.exports[places[index]] = file.exports[index]
                    out.function_types.append(self._type(file.types[file.function_types[index]]))
                elif kind == DATA:
                    places[index] = len(out.segments)
                    out.segments.append(file.segments[index])
                else:
                    places[index] = len(out.globals)
                    out.globals.append(file.globals[index])
            for symbol in file.symbols:
                if symbol.kind == kind and not symbol.flags & UNDEFINED and symbol.index in places:
                    self._numbers[id(symbol)] = len(out.symbols)
                    out.symbols.append(_moved(symbol, places[symbol.index]))

    def _type(self, type_: bytes) -> int:
        return self._types.setdefault(type_, len(self._types))

    def _symbol(self, symbol: Symbol) -> int:
        """The number of the symbol that this one means in the merged object."""
        out = self._out
        if symbol.kind == TABLE:
            if self._table < 0:
                self._table = len(out.symbols)
                out.symbols.append(symbol)
            return self._table
        if not symbol.flags & LOCAL:
            definition = self._resolution.definitions.get(symbol.name)
            if definition is None:
                return self._undefined(symbol)
            symbol = definition[1]
        return self._numbers[id(symbol)]

    def _undefined(self, symbol: Symbol) -> int:
        out, name = self._out, symbol.name
        if name not in self._outside:
            self._outside[name] = len(out.symbols)
            foreign = self._resolution.foreign.get(self._resolution.nodes[name])
            strong = foreign is not None and not foreign.weak
            out.symbols.append(structs.replace(symbol, flags=symbol.flags & ~WEAK) if strong else symbol)
            if symbol.kind == FUNCTION:
                self._type(symbol.type)
        return self._outside[name]

    def _functions(self, number: int, file: ObjectFile) -> list[bytes]:
        base, code = self._resolution.function_bases[number], []
        out = self._out
        for unit in range(len(file.function_types)):
            if self._live[base + unit]:
                start, end = file.entries[unit], file.entries[unit + 1]
                top = out.entries[-1]
                self._relocations(file, file.code_relocations, out.code_relocations, unit, top - start)
                code.append(file.code[start:end])
                out.entries.append(top + end - start)
        return code

    def _segments(self, number: int, file: ObjectFile) -> None:
        base = self._resolution.segment_bases[number]
        for unit in range(len(file.segments)):
            if self._live[base + unit]:
                self._relocations(file, file.data_relocations, self._out.data_relocations, unit, 0)

    def _relocations(self, file: ObjectFile, old: Relocations, new: Relocations, unit: int, move: int) -> None:
        for at in range(old.starts[unit], old.starts[unit + 1]):
            kind, index = old.kinds[at], old.indices[at]
            new.kinds.append(kind)
            new.offsets.append(old.offsets[at] + move)
            new.addends.append(old.addends[at])
            is_type = kind == TYPE_INDEX_LEB
            new.indices.append(self._type(file.types[index]) if is_type else self._symbol(file.symbols[index]))
        new.starts.append(len(new.kinds))


def _moved(symbol: Symbol, index: int) -> Symbol:
    return Symbol(symbol.kind, symbol.flags, symbol.name, index, symbol.type, symbol.offset, symbol.size)
