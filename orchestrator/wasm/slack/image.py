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
from orchestrator.wasm.slack.chunk import PROCEDURE, Chunk, Range, Tables, make_chunk
from orchestrator.wasm.slack.library import Library
from orchestrator.wasm.slack.model import LinkModel, UnusualError
from orchestrator.wasm.slack.outline import Outline, Outlines, imports_of, outline_of, signatures
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
    that use a function of the library. `top` is the number of functions and of table slots, `pages` the initial memory
    in pages of 64 KiB, `stack_size` is in bytes.

    Raises UnusualError for what only the full linker can link or report.
    """

    __slots__ = (
        "chunks",
        "count",
        "globals",
        "imports",
        "library",
        "library_users",
        "outlines",
        "pages",
        "ranges",
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
        self.library_users = Counter[bytes]()
        if library is not None:
            for model in models:
                self.library_users.update(library.names.intersection(model.outside))
            if self.library_users:
                models.append(library.model(frozenset(self.library_users)))
        # Imports have the first function indices, so they are counted before ranges are given out. All definitions are
        # in the tables before the first chunk is made, because a module may refer to one that stands behind it.
        self.tables = Tables()
        self.type_users = Counter(chain.from_iterable([set(model.types) for model in models]))
        self._number_types_and_imports(models)
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

    def _place(self, models: Sequence[LinkModel]) -> list[Range]:
        """Gives each module its ranges, one behind the other. Only modules have slack: `start` and the library stand
        last, where nothing behind them could move."""
        function, address, slot, global_ = len(self.imports), self.stack_size, 1, 1
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
        shadowed: list[tuple[bytes, int]] = []
        # `count` is the number of names there are if no two strong definitions share one: that is checked once at the
        # end, because a test of each name would take longer.
        count, owned = len(tables.functions), self.library.names if self.library else frozenset()
        for number, (model, range_) in enumerate(zip(models, self.ranges, strict=True)):
            base, names, types = range_.function, model.names, [tables.types[type_] for type_ in model.types]
            tables.function_types += [types[kind] for kind in model.function_types]
            tables.function_types += [tables.types[PROCEDURE]] * (range_.functions - len(model.function_types))
            if len(model.strong) == len(names):
                tables.functions.update(zip(names, range(base, base + len(names)), strict=True))
            else:
                tables.functions.update([(names[index], base + index) for index in model.strong])
            count += len(model.strong)
            for index, name in [(base + index, names[index]) for index in model.weak]:
                if weak.setdefault(name, index) != index:
                    shadowed.append((name, index))
            for name, offset in zip(model.data_names, model.data_offsets, strict=True):
                if name in tables.data:
                    raise UnusualError("data is defined twice, or is the linker's own")
                tables.data[name] = range_.address + offset
            # Modules only: `start` stands behind them, and then the library itself.
            if number == self.count - 1 and not owned.isdisjoint([*tables.functions, *weak]):
                raise UnusualError("a module defines a function of the library")
        if len(tables.functions) != count or not _OWN_NAMES.isdisjoint(tables.functions):
            raise UnusualError("a function is defined twice, or is the linker's own")
        for name, index in weak.items():
            if (found := tables.functions.setdefault(name, index)) != index:
                if found < len(self.imports):
                    raise UnusualError("a host import is also defined")
                shadowed.append((name, index))
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
        self.chunks[number] = make_chunk(model, range_, tables)
        old, now = self.outlines[number], outline_of(model, self.library)
        self.type_users.subtract(set(old.types))
        self.type_users.update(set(now.types))
        self.library_users.subtract(old.library)
        self.library_users.update(now.library)
        self.outlines[number] = now
        return True

    def _fits(self, number: int, model: LinkModel) -> bool:
        """Whether linking from scratch would move nothing, and would change nothing that other modules use."""
        old, now = self.outlines[number], outline_of(model, self.library)
        range_, tables = self.ranges[number], self.tables
        # In this order: the module keeps its ranges, so that nothing behind it moves; its data begins where it did;
        # globals have no slack; other modules hold addresses of its data; imports and types keep their numbers, which
        # every module has; other modules hold indices of its functions; and what it newly refers to is in the image
        # already.
        return (
            _sizes(model, slack=number < self.count) == (range_.functions, range_.addresses, range_.slots)
            and now.align == old.align
            and now.globals == old.globals
            and (now.data_names, now.data_offsets) == (old.data_names, old.data_offsets)
            and set(now.imports) == set(old.imports)
            and all(type_ in tables.types for type_ in now.types)
            and self._defines_the_same(old, now)
            and all(name in tables.functions for name in model.outside)
            and not self._drops_last_use(old, now)
        )

    def _defines_the_same(self, old: Outline, now: Outline) -> bool:
        """Whether each old definition keeps its index and type, and no other module or the library has a new name."""
        if signatures(old, old.weak) != signatures(now, now.weak):
            return False
        before, after = signatures(old, old.strong), signatures(now, now.strong)
        if any(after.get(name) != signature for name, signature in before.items()):
            return False
        added = after.keys() - before.keys()
        if len(after) != len(now.strong):
            return False
        owned = self.library.names if self.library else frozenset()
        return all(name not in self.tables.functions and name not in owned and name not in _OWN_NAMES for name in added)

    def _drops_last_use(self, old: Outline, now: Outline) -> bool:
        """Whether the new version drops a type, or a function of the library, that no other module uses. Linking from
        scratch would leave it out, and renumber others."""
        types = set(old.types).difference(now.types, (PROCEDURE,))
        used = set(old.library).difference(now.library)
        return any(self.type_users[type_] < 2 for type_ in types) or any(self.library_users[name] < 2 for name in used)


def _sizes(model: LinkModel, *, slack: bool) -> tuple[int, int, int]:
    """How many function indices, addresses and table slots a module owns."""
    *_, own_slots, far_slots = model.values
    functions, slots = len(model.function_types), len(own_slots) + len(far_slots)
    if not slack:
        return functions, model.size, slots
    return size_class(functions, _FUNCTIONS), size_class(model.size, _ADDRESSES), size_class(slots, _SLOTS)
