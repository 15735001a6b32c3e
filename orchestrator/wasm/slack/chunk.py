"""A module's part of an image: its code with the values of this layout, and its part of the other sections."""

from __future__ import annotations

from struct import Struct
from struct import error as StructError  # noqa: N812

from orchestrator.wasm.leb import leb5, sleb, uleb, vector
from orchestrator.wasm.slack.model import ADDENDS, LinkModel, UnusualError

TRAP = b"\x03\0\0\x0b"
"""A body of `unreachable`, with its size: what spare indices are."""

_put5 = Struct("5s").pack_into
_put4 = Struct("<I").pack_into
_LOW = [bytes((n | 128,)) for n in range(128)]


class Range:
    """The ranges that a module owns: the first function index, address, table slot and global, and how many it has of
    the first three."""

    __slots__ = ("address", "addresses", "function", "functions", "global_", "slot", "slots")

    def __init__(self, function: int, address: int, slot: int, global_: int, sizes: tuple[int, int, int]) -> None:
        self.function, self.address, self.slot, self.global_ = function, address, slot, global_
        self.functions, self.addresses, self.slots = sizes


class Tables:
    """What names mean in an image: `functions` are indices and `data` addresses by name, `slots` the table slots of
    functions by name, `types` numbers by encoded type, `function_types` the type number of each function index.

    The rest are tables for filling holes. A hole is five bytes: `_LOW` has the first one by the low seven bits of the
    value, and `high` the other four by the remaining bits. `short` has the shortest LEB128 of each function index."""

    __slots__ = ("data", "function_types", "functions", "high", "short", "slots", "types")

    def __init__(self) -> None:
        self.types: dict[bytes, int] = {}
        self.functions: dict[bytes, int] = {}
        self.function_types: list[int] = []
        self.data: dict[bytes, int] = {}
        self.slots: dict[bytes, int] = {}
        self.high: list[bytes] = []
        self.short: list[bytes] = []

    def reach(self, limit: int, functions: int) -> None:
        """Makes `high` for all values up to `limit` at least, and `short` for all function indices below `functions`
        (0: no table, because few forms will be needed)."""
        # A padded LEB128 has seven bits in each of five bytes. `high[n]` is the last four bytes of any value whose bits
        # from the seventh on are `n`: one of `_LOW` for the low seven of these bits, and three bytes for the rest.
        self.high = [low + rest for rest in [leb5(n << 14)[2:] for n in range((limit >> 14) + 1)] for low in _LOW]
        if not functions:
            return
        small = [uleb(n) for n in range(128)]
        self.short = small + [low + rest for rest in small[1 : (functions >> 7) + 1] for low in _LOW]
        self.short += [uleb(n) for n in range(len(self.short), functions)]

    def indices(self, first: int, count: int) -> list[bytes]:
        """The shortest LEB128 of `count` function indices."""
        return self.short[first : first + count] if self.short else [uleb(n) for n in range(first, first + count)]


class Chunk:
    """A module's bytes in each section. `functions` are type numbers, `code` function entries with their sizes, `data`
    and `elements` one segment each (empty: there is none), `names` are `named` entries of the section "name"."""

    __slots__ = ("code", "data", "elements", "functions", "named", "names")

    def __init__(
        self, code: bytes | bytearray, functions: bytes, data: bytes, elements: bytes, names: bytes, named: int
    ) -> None:
        self.code, self.functions, self.data, self.elements = code, functions, data, elements
        self.names, self.named = names, named


def make_chunk(model: LinkModel, range_: Range, tables: Tables) -> Chunk:
    """Returns the module's chunk. Raises UnusualError where a name is undefined, or defined as something else than it
    is used for."""
    spare = range_.functions - len(model.function_types)
    try:
        slots, numbers = _values(model, range_, tables)
        high, low, put = tables.high, _LOW, _put5
        # Each value is encoded once, and then copied to all of its holes: that is the whole link of a module, so it has
        # no call in its loop but the copy.
        values = [low[n & 127] + high[n >> 7] for n in numbers]
        code = bytearray(model.code)
        for at, value in zip(model.holes, model.hole_values, strict=True):
            put(code, at, values[value])
        data: bytes | bytearray = model.data
        if model.words:
            data = bytearray(data)
            for at, value in zip(model.words, model.word_values, strict=True):
                _put4(data, at, numbers[value])
    except (KeyError, IndexError, StructError) as error:
        raise UnusualError("a symbol is not defined, or an address lies outside of memory") from error
    if spare:
        code += TRAP * spare
    first = range_.function
    kinds = tables.function_types[first : first + range_.functions]
    indices = tables.indices(first, len(model.names))
    names = [index + name for index, name in zip(indices, model.names, strict=True) if name]
    return Chunk(
        code,
        bytes(kinds) if len(tables.types) < 128 else b"".join([uleb(kind) for kind in kinds]),
        b"".join((b"\0\x41", sleb(range_.address), b"\x0b", uleb(len(data)), data)) if data else b"",
        b"\0\x41" + sleb(range_.slot) + b"\x0b" + vector([uleb(index) for index in slots]) if slots else b"",
        b"".join(names),
        len(names),
    )


def _values(model: LinkModel, range_: Range, tables: Tables) -> tuple[list[int], list[int]]:
    """Returns the functions in the module's own table slots, and all its values in the order that its holes number
    them."""
    function, address, slot = range_.function, range_.address, range_.slot
    functions, numbers = tables.functions, tables.types
    far = [functions[name] for name in model.outside]
    types = [numbers[type_] for type_ in model.types]
    kinds = tables.function_types
    # The full linker compares each reference with its definition (`symbols._agree`). Here an index says everything, so
    # that one comparison of lists is enough.
    if [kinds[index] for index in far] != [types[kind] for kind in model.outside_types]:
        raise UnusualError("a function is declared with another type than it has")
    own, others, own_data, far_data, used, globals_, stack_pointer, own_slots, far_slots = model.values
    # Holes number values through all classes, so the lists follow one another in the order of the classes: OWN, FAR,
    # OWN_DATA, FAR_DATA, TYPES, OWN_GLOBALS, STACK_POINTER, then the slots of own and of outside functions.
    values = [function + n for n in own]
    values += [far[n] for n in others]
    values += [address + n for n in own_data]
    if own_data:
        _unsigned(address + min(own_data))
    if far_data:
        addresses = [tables.data[name] for name in model.outside_data]
        values += [_unsigned(addresses[n % ADDENDS] + n // ADDENDS) for n in far_data]
    values += [types[n] for n in used]
    values += [range_.global_ + n for n in globals_]
    values += stack_pointer  # This is [0] or empty, and the stack pointer is global 0.
    # The slots of functions that others can name are in the tables; the module owns those of the rest.
    public = {*model.strong, *model.weak} if own_slots else ()
    slots: list[int] = []
    for n in own_slots:
        if n in public:
            values.append(tables.slots[model.names[n]])
        else:
            values.append(slot + len(slots))
            slots.append(function + n)
    values += [tables.slots[model.outside[n]] for n in far_slots]
    return slots, values


def _unsigned(address: int) -> int:
    if address < 0:
        raise UnusualError("an address below 0")
    return address
