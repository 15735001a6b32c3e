"""A library: objects of which a program gets only the reachable part, as one module without slack.

It stands behind all other modules, so that a change in what a program needs of it moves none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from orchestrator.wasm.fragment import DATA, FUNCTION, GLOBAL, TYPE_INDEX_LEB, UNDEFINED
from orchestrator.wasm.leb import string
from orchestrator.wasm.mark import mark
from orchestrator.wasm.object_file import ObjectFile, Relocations, Symbol
from orchestrator.wasm.reader import read_object
from orchestrator.wasm.slack.model import LinkModel, UnusualError, model_of
from orchestrator.wasm.symbols import LinkError, Resolution


class Library:
    """`names` are the functions that the library defines. `objects` returns the objects (name, bytes) that define given
    functions or are needed by them. The last model is remembered, because edits rarely change what is used."""

    __slots__ = ("_last", "_model", "_objects", "_texts", "names")

    def __init__(self, names: Iterable[str], objects: Callable[[Iterable[str]], Sequence[tuple[str, bytes]]]) -> None:
        self._texts = {string(name): name for name in names}
        self.names = frozenset(self._texts)
        self._objects = objects
        self._last: frozenset[bytes] | None = None
        self._model: LinkModel | None = None

    def model(self, wanted: frozenset[bytes]) -> LinkModel:
        """The model of what these functions reach; equal for all sets of functions that reach the same. Raises
        UnusualError where the library cannot be linked."""
        if self._model is None or wanted != self._last:
            roots = sorted([self._texts[name] for name in wanted])
            objects = self._objects(roots)
            try:
                self._model = model_of(reached([(name, read_object(data)) for name, data in objects], roots))
            except LinkError as error:
                raise UnusualError(str(error)) from error
            self._last = wanted
        return self._model


def reached(objects: Sequence[tuple[str, ObjectFile]], roots: Sequence[str]) -> ObjectFile:
    """Returns one object that holds, in order, what can be reached from the functions `roots`. Raises LinkError."""
    resolution = Resolution([name for name, _ in objects], [found for _, found in objects])
    live = mark(resolution, [resolution.nodes[name] for name in roots])
    return _Merger(resolution, live).merge()


class _Merger:
    """Makes one object of the live parts of several. `_numbers` has the new symbol numbers by the id of the symbol that
    defines, `_outside` those of undefined symbols by name."""

    def __init__(self, resolution: Resolution, live: bytearray) -> None:
        self._resolution, self._live = resolution, live
        self._out = ObjectFile()
        self._types: dict[bytes, int] = {}
        self._numbers: dict[int, int] = {}
        self._outside: dict[str, int] = {}

    def merge(self) -> ObjectFile:
        resolution, out = self._resolution, self._out
        for number, found in enumerate(resolution.objects):
            self._define(number, found)
        code: list[bytes] = []
        for number, found in enumerate(resolution.objects):
            code += self._functions(number, found)
            self._segments(number, found)
        out.code = b"".join(code)
        out.types = list(self._types)
        return out

    def _define(self, number: int, found: ObjectFile) -> None:
        """Numbers the live definitions of an object."""
        resolution, live, out = self._resolution, self._live, self._out
        for base, kind, count in (
            (resolution.function_bases[number], FUNCTION, len(found.function_types)),
            (resolution.segment_bases[number], DATA, len(found.segments)),
            (resolution.global_bases[number], GLOBAL, len(found.globals)),
        ):
            places: dict[int, int] = {}
            for index in range(count):
                if not live[base + index]:
                    continue
                if kind == FUNCTION:
                    places[index] = len(out.function_types)
                    out.function_types.append(self._type(found.types[found.function_types[index]]))
                elif kind == DATA:
                    places[index] = len(out.segments)
                    out.segments.append(found.segments[index])
                else:
                    places[index] = len(out.globals)
                    out.globals.append(found.globals[index])
            for symbol in found.symbols:
                if symbol.kind == kind and not symbol.flags & UNDEFINED and symbol.index in places:
                    self._numbers[id(symbol)] = len(out.symbols)
                    out.symbols.append(_moved(symbol, places[symbol.index]))

    def _type(self, type_: bytes) -> int:
        return self._types.setdefault(type_, len(self._types))

    def _symbol(self, symbol: Symbol) -> int:
        """The number of the symbol that this one means in the merged object."""
        out = self._out
        if symbol.flags & UNDEFINED:
            definition = self._resolution.definitions.get(symbol.name)
            if definition is None:
                if symbol.name not in self._outside:
                    self._outside[symbol.name] = len(out.symbols)
                    out.symbols.append(symbol)
                    if symbol.kind == FUNCTION:
                        self._type(symbol.type)
                return self._outside[symbol.name]
            symbol = definition[1]
        return self._numbers[id(symbol)]

    def _functions(self, number: int, found: ObjectFile) -> list[bytes]:
        base, code = self._resolution.function_bases[number], []
        out = self._out
        for unit in range(len(found.function_types)):
            if self._live[base + unit]:
                start, end = found.entries[unit], found.entries[unit + 1]
                top = out.entries[-1]
                self._relocations(found, found.code_relocations, out.code_relocations, unit, top - start)
                code.append(found.code[start:end])
                out.entries.append(top + end - start)
        return code

    def _segments(self, number: int, found: ObjectFile) -> None:
        base = self._resolution.segment_bases[number]
        for unit in range(len(found.segments)):
            if self._live[base + unit]:
                self._relocations(found, found.data_relocations, self._out.data_relocations, unit, 0)

    def _relocations(self, found: ObjectFile, old: Relocations, new: Relocations, unit: int, move: int) -> None:
        for at in range(old.starts[unit], old.starts[unit + 1]):
            kind, index = old.kinds[at], old.indices[at]
            new.kinds.append(kind)
            new.offsets.append(old.offsets[at] + move)
            new.addends.append(old.addends[at])
            is_type = kind == TYPE_INDEX_LEB
            new.indices.append(self._type(found.types[index]) if is_type else self._symbol(found.symbols[index]))
        new.starts.append(len(new.kinds))


def _moved(symbol: Symbol, index: int) -> Symbol:
    return Symbol(symbol.kind, symbol.flags, symbol.name, index, symbol.type, symbol.offset, symbol.size)
