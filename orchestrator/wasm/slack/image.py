"""A linked program whose modules can be replaced one by one.

An image is a pure function of its modules in their order, the library and the stack size. `replace` must keep it so:
it changes the image only where the result equals the image that linking from scratch would make, and refuses
everything else. `_fits` lists the conditions. Each one covers something that another module's bytes depend on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain

from orchestrator.wasm.leb import PAGE, string
from orchestrator.wasm.slack.chunk import Chunk, Range, Tables, make_chunk
from orchestrator.wasm.slack.library import Library
from orchestrator.wasm.slack.model import PROCEDURE, LinkModel, UnusualError, taken
from orchestrator.wasm.slack.outline import (
    CONSTRUCTORS,
    Outline,
    Outlines,
    defined_names,
    imports_of,
    outline_of,
    signatures,
    used_names,
)
from orchestrator.wasm.symbols import ADDRESS_NAMES, CONSTRUCTORS_NAME, own_addresses

_HEAP_ALIGN = 16
_OWN_NAMES = frozenset(string(name) for name in (*ADDRESS_NAMES, CONSTRUCTORS_NAME))
_FUNCTIONS, _ADDRESSES, _SLOTS = 4, 256, 4
"""The smallest ranges of a module. A spare function costs five bytes of the program, a spare address or slot none."""

_MOST = 1 << 27
"""Addresses and indices of an image are below this. For larger values the tables that fill holes would be too big."""


@lru_cache(4096)
def size_class(size: int, unit: int) -> int:
    """The size of a range for `size` things: an eighth more and one, rounded up to a step of `unit` or larger, which
    grows with the size."""
    wanted = size + (size >> 3) + 1
    step = max(unit, 1 << max(wanted.bit_length() - 3, 0))
    return -(-wanted // step) * step


class Image:
    """A laid-out program: `ranges`, `chunks` and `outlines` of the modules (`count` of them), then of `start`, then of
    what these need of the library. `type_users` is the number of modules that have a type, `library_users` the number
    that use a name of the library, `slot_users` the number that take the address of a function. `inits` and `exports`
    are those of the modules that have some, by number. `constructors`: the first function calls the init functions.
    `top` is the number of functions and of table slots, `pages` the initial memory in pages of 64 KiB, `stack_size` is
    in bytes.

    Raises UnusualError for what only the full linker can link or report.
    """

    __slots__ = (
        "chunks",
        "constructors",
        "count",
        "exports",
        "globals",
        "imports",
        "inits",
        "library",
        "library_users",
        "outlines",
        "pages",
        "ranges",
        "slot_users",
        "stack_size",
        "tables",
        "top",
        "type_users",
    )

    def __init__(
        self, modules: Sequence[LinkModel], start: LinkModel | None, library: Library | None, *, stack_size: int
    ) -> None:
        self.library, self.stack_size = library, stack_size
        models = [*modules] if start is None else [*modules, start]
        self.count = len(modules)
        self.library_users = Counter(chain.from_iterable([used_names(model, library) for model in models]))
        own = frozenset[bytes]()
        if library is not None:
            own = own.union(*[defined_names(model, library) for model in models])
            if not own <= library.archived:
                raise UnusualError("a module defines a function of the library")
        if library is not None and self.library_users:
            models.append(library.model(frozenset(self.library_users) - own - {CONSTRUCTORS}, own))
        self.inits = {number: model.inits for number, model in enumerate(models) if model.inits}
        self.exports = {number: model.exports for number, model in enumerate(models) if model.exports}
        self.constructors = any(CONSTRUCTORS in model.outside for model in models)
        if self.inits and not self.constructors:
            raise UnusualError("nothing calls the init functions")
        # Imports have the first function indices, so they are counted before ranges are given out. All definitions are
        # in the tables before the first chunk is made, because a module may refer to one that stands behind it.
        self.tables = Tables()
        self.type_users = Counter(chain.from_iterable([set(model.types) for model in models]))
        self._number_types_and_imports(models)
        self.slot_users = Counter(chain.from_iterable([set(taken(model)[0]) for model in models]))
        self.tables.slots = numbered(self.slot_users)
        self.ranges = self._place(models)
        self._define(models)
        self.chunks: list[Chunk] = [
            make_chunk(model, range_, self.tables) for model, range_ in zip(models, self.ranges, strict=True)
        ]
        self.globals = [type_ + init for model in models for type_, init in model.globals]
        self.outlines = Outlines([outline_of(model, library) for model in models])

    def _number_types_and_imports(self, models: Sequence[LinkModel]) -> None:
        """Numbers types and imports in sorted order, so that the numbers depend on no order of modules or edits."""
        tables, imports = self.tables, dict[tuple[bytes, bytes, bytes], set[bytes]]()
        tables.types = {type_: number for number, type_ in enumerate(sorted({*self.type_users, PROCEDURE}))}
        for model in models:
            for *place, name in imports_of(model):
                imports.setdefault((place[0], place[1], place[2]), set()).add(name)
        self.imports = [(key, min(imports[key])) for key in sorted(imports)]
        for number, (key, _) in enumerate(self.imports):
            tables.function_types.append(tables.types[key[2]])
            for name in imports[key]:
                if tables.functions.setdefault(name, number) != number:
                    raise UnusualError("two imports for one symbol")
        if self.constructors:
            tables.function_types.append(tables.types[PROCEDURE])

    def _place(self, models: Sequence[LinkModel]) -> list[Range]:
        """Gives each module its ranges, one behind the other. Only modules have slack: `start` and the library stand
        last, where nothing behind them could move."""
        function, slot = len(self.imports) + self.constructors, 1 + len(self.tables.slots)
        address, global_ = self.stack_size, 1
        ranges = []
        for number, model in enumerate(models):
            address = -(-address >> model.align << model.align)
            sizes = _sizes(model, slack=number < self.count)
            ranges.append(Range(function, address, slot, global_, sizes))
            function += sizes[0]
            address += sizes[1]
            slot += sizes[2]
            global_ += len(model.globals)
        heap = -(-address // _HEAP_ALIGN) * _HEAP_ALIGN
        self.pages = -(-heap // PAGE)
        self.top = (function, slot)
        if max(self.pages * PAGE, function, slot) >= _MOST:
            raise UnusualError("too large")
        self.reach()
        own = own_addresses(heap, address, self.stack_size, self.pages * PAGE)
        self.tables.data = dict(zip([string(name) for name in ADDRESS_NAMES], own, strict=True))
        return ranges

    def reach(self, *, few: bool = False) -> None:
        """Makes the tables for filling holes. `few` leaves out the largest one, for a caller that makes few chunks."""
        function, slot = self.top
        self.tables.reach(max(self.pages * PAGE, function, slot), 0 if few else function)

    def _define(self, models: Sequence[LinkModel]) -> None:
        """Enters the definitions of all modules into the tables. A strong definition wins over weak ones, and the first
        weak one over later ones. Raises UnusualError for conflicts, which the full linker reports."""
        tables = self.tables
        weak: dict[bytes, int] = {}
        weak_data: dict[bytes, int] = {}
        shadowed: list[tuple[bytes, int]] = []
        # `count` is the number of names there are if no two strong definitions share one: that is checked once at the
        # end, because a test of each name would take longer.
        count = len(tables.functions)
        for model, range_ in zip(models, self.ranges, strict=True):
            base, names, types = range_.function, model.names, [tables.types[type_] for type_ in model.types]
            tables.function_types += [types[kind] for kind in model.function_types]
            tables.function_types += [tables.types[PROCEDURE]] * (range_.functions - len(model.function_types))
            if len(model.strong) == len(names):
                tables.functions.update(zip(names, range(base, base + len(names)), strict=True))
            else:
                tables.functions.update([(names[index], base + index) for index in model.strong])
            tables.functions.update([(name, base + index) for name, index in model.aliases])
            count += len(model.strong) + len(model.aliases)
            aliases = [(base + index, name) for name, index in model.weak_aliases]
            for index, name in [*[(base + index, names[index]) for index in model.weak], *aliases]:
                if weak.setdefault(name, index) != index:
                    shadowed.append((name, index))
            for number, (name, offset) in enumerate(zip(model.data_names, model.data_offsets, strict=True)):
                if number in model.weak_data:
                    weak_data.setdefault(name, range_.address + offset)
                elif name in tables.data:
                    raise UnusualError("data is defined twice, or is the linker's own")
                else:
                    tables.data[name] = range_.address + offset
        tables.data = weak_data | tables.data
        if len(tables.functions) != count or not _OWN_NAMES.isdisjoint(tables.functions):
            raise UnusualError("a function is defined twice, or is the linker's own")
        for name, index in weak.items():
            if (defined := tables.functions.setdefault(name, index)) != index:
                if defined < len(self.imports):
                    raise UnusualError("a host import is also defined")
                shadowed.append((name, index))
        if self.constructors:
            tables.functions[CONSTRUCTORS] = len(self.imports)
        if any(name not in tables.functions for name in tables.slots):
            raise UnusualError("a function whose address is taken is not defined")
        kinds = tables.function_types
        if any(kinds[index] != kinds[tables.functions[name]] for name, index in shadowed):
            raise UnusualError("definitions of one name differ in type")

    # ---- one module replaced

    def replace(self, number: int, model: LinkModel) -> bool:
        """Replaces a module by another version, and returns True; or changes nothing and returns False, where another
        part of the program would change too. Raises UnusualError where linking from scratch would; the image must not
        be used then."""
        if not self._fits(number, model):
            return False
        tables, range_ = self.tables, self.ranges[number]
        base, names = range_.function, model.names
        types = [tables.types[type_] for type_ in model.types]
        kinds = [types[kind] for kind in model.function_types]
        # The tables change before the chunk is made, because the module's code refers to its own new functions.
        # `make_chunk` may raise then, with the tables changed: so the image must not be used any more after
        # `UnusualError`.
        tables.function_types[base : base + len(kinds)] = kinds
        spare = range_.functions - len(kinds)
        tables.function_types[base + len(kinds) : base + range_.functions] = [tables.types[PROCEDURE]] * spare
        tables.functions.update([(names[index], base + index) for index in model.strong])
        tables.functions.update([(name, base + index) for name, index in model.aliases])
        if model.inits:
            self.inits[number] = model.inits
        self.chunks[number] = make_chunk(model, range_, tables)
        old, now = self.outlines[number], outline_of(model, self.library)
        self.type_users.subtract(set(old.types))
        self.type_users.update(set(now.types))
        self.library_users.subtract(old.library)
        self.library_users.update(now.library)
        self.slot_users.subtract(old.taken)
        self.slot_users.update(now.taken)
        self.outlines[number] = now
        return True

    def _fits(self, number: int, model: LinkModel) -> bool:
        """Whether linking from scratch would move nothing, and would change nothing that other modules use."""
        old, now = self.outlines[number], outline_of(model, self.library)
        range_, tables = self.ranges[number], self.tables
        # In this order: the module keeps its ranges, so that nothing behind it moves; its data begins where it did;
        # globals have no slack; other modules hold addresses of its data; imports, types and shared slots keep their
        # numbers, which every module has; the function that calls init functions stays; other modules hold indices of
        # its functions; and what it newly refers to is in the image already.
        return (
            _sizes(model, slack=number < self.count) == (range_.functions, range_.addresses, range_.slots)
            and now.align == old.align
            and now.globals == old.globals
            and (now.data_names, now.data_offsets, now.weak_data) == (old.data_names, old.data_offsets, old.weak_data)
            and (bool(now.inits), now.exports) == (bool(old.inits), old.exports)
            and all(name in tables.slots for name in now.taken)
            and not self._asks_library_for_more(old, now)
            and set(now.imports) == set(old.imports)
            and all(type_ in tables.types for type_ in now.types)
            and self._defines_the_same(old, now)
            and all(name in tables.functions for name in model.outside)
            and not self._drops_last_use(old, now)
        )

    def _defines_the_same(self, old: Outline, now: Outline) -> bool:
        """Whether each old definition keeps its index and type, and no other module or the library has a new name."""
        if signatures(old, old.weak, old.weak_aliases) != signatures(now, now.weak, now.weak_aliases):
            return False
        before, after = signatures(old, old.strong, old.aliases), signatures(now, now.strong, now.aliases)
        if any(after.get(name) != signature for name, signature in before.items()):
            return False
        added = after.keys() - before.keys()
        if len(after) != len(now.strong) + len(now.aliases):
            return False
        owned = self.library.names if self.library else frozenset()
        return all(name not in self.tables.functions and name not in owned and name not in _OWN_NAMES for name in added)

    def _asks_library_for_more(self, old: Outline, now: Outline) -> bool:
        """Whether the new version uses names for which the library might give something else (`Library.archived`)."""
        archived = self.library.archived if self.library else frozenset()
        added = set(now.library).difference(old.library)
        return any(name in archived and not self.library_users[name] for name in added)

    def _drops_last_use(self, old: Outline, now: Outline) -> bool:
        """Whether the new version drops a type, a name of the library, or the address of a function that no other
        module uses. Linking from scratch would leave it out, and renumber others."""
        types = set(old.types).difference(now.types, (PROCEDURE,))
        return (
            any(self.type_users[type_] < 2 for type_ in types)
            or any(self.library_users[name] < 2 for name in set(old.library).difference(now.library))
            or any(self.slot_users[name] < 2 for name in set(old.taken).difference(now.taken))
        )


def numbered(users: Counter[bytes]) -> dict[bytes, int]:
    """The table slots of functions whose address is taken by name: in order of name, from 1."""
    return {name: number for number, name in enumerate(sorted(+users), 1)}


def _sizes(model: LinkModel, *, slack: bool) -> tuple[int, int, int]:
    """How many function indices, addresses and table slots a module owns."""
    functions, slots = len(model.function_types), len(taken(model)[1])
    if not slack:
        return functions, model.size, slots
    return size_class(functions, _FUNCTIONS), size_class(model.size, _ADDRESSES), size_class(slots, _SLOTS)
