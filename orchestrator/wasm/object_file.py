"""A parsed object: what `read_object` returns, and the linker works on."""

from __future__ import annotations

import msgspec


class Symbol(msgspec.Struct, gc=False):
    """`index` is the number among the object's own functions (segments, globals), without imports; 0 if undefined.
    `offset` and `size` are the place of data in its segment, in bytes. `type` is the encoded function type, or the two
    bytes of a global's type. `module` and `field` are set for undefined symbols that the host is to provide."""

    kind: int
    flags: int
    name: str
    index: int = 0
    type: bytes = b""
    offset: int = 0
    size: int = 0
    module: str = ""
    field: str = ""


class Segment(msgspec.Struct, gc=False):
    """A data segment; `align` is log2 of bytes."""

    name: str
    align: int
    flags: int
    data: bytes


class Group(msgspec.Struct, gc=False):
    """A COMDAT group: of all groups of one name in a program, only the first one is linked. `functions` and `segments`
    are numbers of the object's own."""

    name: str
    functions: list[int]
    segments: list[int]


class Relocations:
    """The relocations of one section, as columns. Unit i (a function or a segment) has those from `starts[i]` to
    `starts[i + 1]`. `offsets` count from the first entry of the code section, or from the first byte of the segment."""

    __slots__ = ("addends", "indices", "kinds", "offsets", "starts")

    # Columns, and not a list of relocations: a large program has a million of them, and a Python object for each would
    # cost time and memory. `kind in kinds` also tells quickly that an object has no relocation of a kind.
    def __init__(self) -> None:
        self.kinds = bytearray()
        self.offsets: list[int] = []
        self.indices: list[int] = []
        self.addends: list[int] = []
        self.starts: list[int] = [0]


class ObjectFile:
    """A parsed object. `code` holds all function entries with their size prefixes; function i is
    `code[entries[i]:entries[i + 1]]`. `exports` maps own functions to the export names that the object asks for.
    `inits` are (priority, symbol number). `groups` are COMDAT groups. `imports_table`: a program of this object has a
    table, if only an empty one. `features` are those that its code needs (`+name`) or must not meet (`-name`).
    `producers` are (field, name, version). `lazy`: it comes from an archive, so its init functions run only if
    something else of it is in the program. `uses_got`: some relocations for globals name functions or data; what they
    want is a global that holds the address (a "global offset table", as position-independent code has)."""

    __slots__ = (
        "code",
        "code_relocations",
        "data_relocations",
        "entries",
        "exports",
        "features",
        "function_types",
        "globals",
        "groups",
        "imported_functions",
        "imported_globals",
        "imports_table",
        "inits",
        "lazy",
        "producers",
        "segments",
        "symbols",
        "types",
        "uses_got",
    )

    def __init__(self) -> None:
        self.types: list[bytes] = []
        self.imported_functions: list[tuple[str, str, bytes]] = []
        self.imported_globals: list[tuple[str, str, bytes]] = []
        self.imports_table = False
        self.function_types: list[int] = []
        self.globals: list[tuple[bytes, bytes]] = []
        self.exports: dict[int, str] = {}
        self.code = b""
        self.entries: list[int] = [0]
        self.segments: list[Segment] = []
        self.symbols: list[Symbol] = []
        self.inits: list[tuple[int, int]] = []
        self.groups: list[Group] = []
        self.features: list[str] = []
        self.producers: list[tuple[str, str, str]] = []
        self.lazy = False
        self.uses_got = False
        self.code_relocations = Relocations()
        self.data_relocations = Relocations()
