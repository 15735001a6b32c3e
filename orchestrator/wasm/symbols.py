"""Resolves symbols: which definition each symbol of each object means.

The rules are those of `wasm-ld`. A strong definition wins over weak ones, the first weak one over later ones, two
strong ones are an error, and local symbols are visible in their object only. Where LLD warns of differing signatures
and inserts a trap, this linker raises, because such a program is never intended.

Everything that can be part of a program is a node, and nodes are integers: the linker's own symbols first, then the
functions, data segments and globals of all objects in order, then what comes from outside (host imports, and weak
symbols that no object defines). All later passes work on lists indexed by node.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from orchestrator.wasm.fragment import DATA, EXPLICIT_NAME, FUNCTION, GLOBAL, KIND_NAMES, LOCAL, UNDEFINED, WEAK
from orchestrator.wasm.leb import functype
from orchestrator.wasm.object_file import ObjectFile, Symbol

NULL = 0
CONSTRUCTORS = 1
STACK_POINTER = 2
FIRST_ADDRESS = 3

CONSTRUCTORS_NAME = "__wasm_call_ctors"
STACK_POINTER_NAME = "__stack_pointer"
ADDRESS_NAMES = (
    "__heap_base",
    "__data_end",
    "__global_base",
    "__dso_handle",
    "__heap_end",
    "__stack_low",
    "__stack_high",
    "__memory_base",
    "__table_base",
)
"""Data symbols that the linker defines, unless an object does. Their nodes start at FIRST_ADDRESS."""

_OWN = {
    CONSTRUCTORS_NAME: (FUNCTION, functype(b"", b""), CONSTRUCTORS),
    STACK_POINTER_NAME: (GLOBAL, b"\x7f\x01", STACK_POINTER),
    **{name: (DATA, b"", FIRST_ADDRESS + i) for i, name in enumerate(ADDRESS_NAMES)},
}


def own_addresses(heap: int, top: int, stack_size: int, end: int) -> tuple[int, ...]:
    """The addresses of `ADDRESS_NAMES`, where the heap begins at `heap`, the data ends at `top`, and the memory ends at
    `end`. The data begins where the stack ends. (Bases: addresses count from 0, and table slots from 1.)"""
    return heap, top, stack_size, stack_size, end, 0, stack_size, 0, 1


BASES = ("__memory_base", "__table_base")
"""What position-independent code imports as globals. They have fixed values here, which are held like addresses."""

_MOST_ERRORS = 20


class LinkError(ValueError):
    """The objects cannot be linked. The message has one line for each problem, and names the objects."""


class BeyondError(LinkError):
    """Another linker may link the objects. The message says what is beyond this one."""


class Foreign:
    """A symbol that no object defines: a host import (`module` is set), a weak symbol, or an undefined one. `user` is
    the number of the first object that refers to it."""

    __slots__ = ("field", "kind", "module", "name", "type", "user", "weak")

    def __init__(self, symbol: Symbol, user: int) -> None:
        self.kind, self.type, self.name = symbol.kind, symbol.type, symbol.name
        self.weak = bool(symbol.flags & WEAK)
        self.module, self.field = symbol.module, symbol.field
        self.user = user


class Resolution:
    """The symbols of all objects, resolved. Raises LinkError where they contradict each other.

    `function_bases[i]` is the node of object i's first function, likewise for segments and globals; each list ends with
    the node after the last one. `targets[i][j]` is the node that symbol j of object i means. `offsets` are places of
    data symbols in their segments, by name (0 where missing; local symbols have their own). `foreign` has what comes
    from outside, by node. `excluded` are nodes of COMDAT groups of which the program has another copy. `errors`
    collects problems until `check` raises them.
    """

    __slots__ = (
        "_mismatches",
        "definitions",
        "errors",
        "excluded",
        "foreign",
        "function_bases",
        "global_bases",
        "names",
        "nodes",
        "objects",
        "offsets",
        "segment_bases",
        "size",
        "targets",
    )

    def __init__(self, names: Sequence[str], objects: Sequence[ObjectFile]) -> None:
        self.names, self.objects = names, objects
        first = FIRST_ADDRESS + len(ADDRESS_NAMES)
        self.function_bases = list(accumulate((len(o.function_types) for o in objects), initial=first))
        self.segment_bases = list(accumulate((len(o.segments) for o in objects), initial=self.function_bases[-1]))
        self.global_bases = list(accumulate((len(o.globals) for o in objects), initial=self.segment_bases[-1]))
        self.size = self.global_bases[-1]
        self.errors: list[str] = []
        self._mismatches = 0
        self.definitions: dict[str, tuple[int, Symbol]] = {}
        self.nodes: dict[str, int] = {}
        self.offsets: dict[str, int] = {}
        self.foreign: dict[int, Foreign] = {}
        self.excluded = self._exclude()
        # Definitions of all objects come before any reference, because an object may refer to one that stands later.
        # Only then is it known what no object defines and needs a node as `foreign`; `_bind` needs the nodes of
        # everything.
        self._define()
        self._refer()
        self.targets = self._bind()
        self.check()

    def check(self) -> None:
        """Raises LinkError if there are errors."""
        if self.errors:
            more = len(self.errors) - _MOST_ERRORS
            lines = self.errors[:_MOST_ERRORS] + ([f"... and {more} more errors"] if more > 0 else [])
            # `wasm-ld` warns of a call with another signature, and makes it trap. In C such calls may never be reached.
            raise (BeyondError if len(self.errors) == self._mismatches else LinkError)("\n".join(lines))

    def _exclude(self) -> set[int]:
        first: dict[str, int] = {}
        excluded = set[int]()
        for number, file in enumerate(self.objects):
            for group in file.groups:
                if first.setdefault(group.name, number) != number:
                    excluded.update(self.function_bases[number] + index for index in group.functions)
                    excluded.update(self.segment_bases[number] + index for index in group.segments)
        return excluded

    def defines(self, symbol: Symbol) -> bool:
        """Whether this definition is the one that its name means."""
        definition = self.definitions.get(symbol.name)
        return definition is not None and definition[1] is symbol

    def offset(self, file: ObjectFile, index: int) -> int:
        """The offset of a symbol of this object in the segment that it means. That of a local symbol is its own,
        because another object may have one of the same name."""
        symbol = file.symbols[index]
        return symbol.offset if symbol.flags & LOCAL else self.offsets.get(symbol.name, 0)

    def _is_excluded(self, number: int, symbol: Symbol) -> bool:
        """Whether what the symbol defines is left out. The symbol then means the first copy, as if it were
        undefined."""
        bases = (self.function_bases, self.segment_bases, self.global_bases)
        return bases[symbol.kind][number] + symbol.index in self.excluded

    def _define(self) -> None:
        definitions, shadowed = self.definitions, []
        for number, file in enumerate(self.objects):
            for symbol in file.symbols:
                if symbol.flags & (UNDEFINED | LOCAL) or (file.groups and self._is_excluded(number, symbol)):
                    continue
                name = symbol.name
                old = definitions.setdefault(name, (number, symbol))
                if old[1] is symbol:
                    continue
                if symbol.flags & WEAK:
                    shadowed.append((number, symbol))
                elif old[1].flags & WEAK:
                    shadowed.append(old)
                    definitions[name] = (number, symbol)
                else:
                    self.errors.append(f"duplicate symbol: {name} (in {self.names[old[0]]} and {self.names[number]})")
        # A definition that lost is compared only now: the one that won may stand in a later object.
        for number, symbol in shadowed:
            self._agree(number, symbol)
        for name in (CONSTRUCTORS_NAME, STACK_POINTER_NAME):
            if name in definitions:
                where = self.names[definitions[name][0]]
                self.errors.append(f"{name} belongs to the linker, and {where} defines it")
        bases = (self.function_bases, self.segment_bases, self.global_bases)
        for name, (number, symbol) in definitions.items():
            self.nodes[name] = bases[symbol.kind][number] + symbol.index
            if symbol.offset:
                self.offsets[name] = symbol.offset

    def _agree(self, number: int, symbol: Symbol) -> None:
        """Notes an error where a declaration has another kind or type than the definition that it means."""
        other, definition = self.definitions[symbol.name]
        if symbol.kind != definition.kind or symbol.type != definition.type:
            self._mismatch(symbol.name, number, symbol, other, definition)

    def _mismatch(
        self, name: str, number: int, symbol: Symbol | Foreign, other: int, definition: Symbol | Foreign
    ) -> None:
        here, elsewhere = self.names[number], self.names[other]
        if symbol.kind != definition.kind:
            kinds = f"{KIND_NAMES[symbol.kind]} in {here}, {KIND_NAMES[definition.kind]} in {elsewhere}"
            self.errors.append(f"symbol kind mismatch: {name} ({kinds})")
        else:
            types = f"{describe(symbol.type)} in {here}, {describe(definition.type)} in {elsewhere}"
            self.errors.append(f"signature mismatch: {name} ({types})")
            self._mismatches += symbol.kind == FUNCTION

    def _refer(self) -> None:
        """Checks references against their definitions, and collects what no object defines."""
        definitions = self.definitions
        foreign: dict[str, Foreign] = {}
        for number, file in enumerate(self.objects):
            for symbol in file.symbols:
                if symbol.kind > GLOBAL or not (
                    symbol.flags & UNDEFINED
                    or (file.groups and not symbol.flags & LOCAL and self._is_excluded(number, symbol))
                ):
                    continue
                name = symbol.name
                definition = definitions.get(name)
                if definition is not None:
                    if symbol.type != definition[1].type or symbol.kind != definition[1].kind:
                        self._agree(number, symbol)
                elif name in _OWN and not symbol.flags & EXPLICIT_NAME:
                    kind, type_, node = _OWN[name]
                    self.nodes[name] = node
                    if (symbol.kind != kind or symbol.type != type_) and name not in BASES:
                        self.errors.append(f"{self.names[number]} declares {name} as something else than the linker's")
                elif name in foreign:
                    self._merge(foreign[name], symbol, number)
                else:
                    foreign[name] = Foreign(symbol, number)
        self._place(foreign)

    def _merge(self, known: Foreign, symbol: Symbol, number: int) -> None:
        if symbol.kind != known.kind or symbol.type != known.type:
            self._mismatch(symbol.name, number, symbol, known.user, known)
        elif symbol.module:
            if not known.module:
                known.module, known.field = symbol.module, symbol.field
            elif (known.module, known.field) != (symbol.module, symbol.field):
                here, elsewhere = self.names[number], self.names[known.user]
                imports = f"{symbol.module}.{symbol.field} in {here}, {known.module}.{known.field} in {elsewhere}"
                self.errors.append(f"two imports for one symbol: {symbol.name} ({imports})")
        # One strong reference is enough to make a missing symbol an error (in `mark`, and only if live code has it).
        known.weak = known.weak and bool(symbol.flags & WEAK)

    def _place(self, foreign: dict[str, Foreign]) -> None:
        """Gives nodes to what comes from outside. Two symbols of one import have two nodes (`layout` gives them one
        index), because only one of them may be live, and its place among the symbols counts."""
        for name, symbol in foreign.items():
            # Missing weak data has address 0. A missing weak function gets a node, because a call of it needs something
            # to call: a stub that traps (`layout.is_stub`).
            if symbol.weak and not symbol.module and symbol.kind != FUNCTION:
                self.nodes[name] = NULL
            else:
                self.nodes[name] = self.size
                self.foreign[self.size] = symbol
                self.size += 1

    def _bind(self) -> list[list[int]]:
        nodes, targets = self.nodes, []
        for number, file in enumerate(self.objects):
            bases = (self.function_bases[number], self.segment_bases[number], self.global_bases[number], 0, 0, 0)
            targets.append([bases[s.kind] + s.index if s.flags & LOCAL else nodes[s.name] for s in file.symbols])
        return targets


_VALUE_TYPES = {0x7F: "i32", 0x7E: "i64", 0x7D: "f32", 0x7C: "f64", 0x7B: "v128", 0x70: "funcref", 0x6F: "externref"}


def describe(type_: bytes) -> str:
    """A function type or a global's type, for people."""
    if type_[:1] != b"\x60":
        return " ".join([_VALUE_TYPES.get(b, hex(b)) for b in type_[:1]] + (["mut"] if type_[1:] == b"\1" else []))
    count = type_[1]
    if count > 127:
        return type_.hex()
    params, results = type_[2 : 2 + count], type_[3 + count :]
    names = [", ".join(_VALUE_TYPES.get(b, hex(b)) for b in part) for part in (params, results)]
    return f"({names[0]}) -> ({names[1]})"
