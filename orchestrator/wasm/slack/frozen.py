"""An image as bytes, so that another process can continue from it.

The frozen bytes leave out what the program holds already, mostly the code: thawing cuts it out of the program again.
They name their program by checksum, because the two are separate files and one may have been replaced meanwhile.

The frozen bytes are a pure function of the image. A thawed image behaves under `replace` exactly as the original would.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import starmap

import msgspec

from actors.digests import checksum
from actors.untrusted import UNREADABLE, Count
from orchestrator.wasm.cursor import ByteCursor
from orchestrator.wasm.slack.chunk import Chunk, Range, Tables
from orchestrator.wasm.slack.image import Image, numbered
from orchestrator.wasm.slack.library import Library
from orchestrator.wasm.slack.outline import Outlines

VERSION = 2
_CHECKSUM = 16
_FUNCTIONS, _ELEMENTS, _CODE, _DATA = 3, 9, 10, 11


class _Frozen(msgspec.Struct, array_like=True, gc=False):
    """`keys` are the digests of the modules' objects, `start` is the object behind them. `sizes` are the sizes of each
    chunk in bytes (code, functions, data, elements, names), then its number of names. The other fields are those of
    `Image` and `Tables`."""

    version: int
    program: str
    stack_size: int
    keys: list[str]
    start: bytes
    ranges: list[tuple[Count, Count, Count, Count, tuple[Count, Count, Count]]]
    sizes: list[tuple[Count, Count, Count, Count, Count, Count]]
    imports: list[tuple[tuple[bytes, bytes, bytes], bytes]]
    globals: list[bytes]
    pages: Count
    top: tuple[Count, Count]
    types: list[bytes]
    functions: dict[bytes, int]
    function_types: list[int]
    data: dict[bytes, int]
    type_users: dict[bytes, int]
    library_users: dict[bytes, int]
    slot_users: dict[bytes, int]
    constructors: bool
    inits: dict[int, list[tuple[Count, Count]]]
    exports: dict[int, list[tuple[bytes, Count]]]
    outlines: list[msgspec.Raw]


class Thawed:
    """An image that was frozen, with the `keys` and `start` that were given to `freeze`."""

    __slots__ = ("image", "keys", "start")

    def __init__(self, image: Image, keys: list[str], start: bytes) -> None:
        self.image, self.keys, self.start = image, keys, start


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Frozen).decode


def freeze(image: Image, keys: Sequence[str], start: bytes, program: bytes) -> bytes:
    """Returns the image as bytes, which end with their own checksum. `keys` and `start` are as in `_Frozen`."""
    tables = image.tables
    data = _encode(
        _Frozen(
            version=VERSION,
            program=checksum(program),
            stack_size=image.stack_size,
            keys=list(keys),
            start=start,
            ranges=[_of_range(range_) for range_ in image.ranges],
            sizes=[_of_chunk(chunk) for chunk in image.chunks],
            imports=image.imports,
            globals=image.globals,
            pages=image.pages,
            top=image.top,
            # Types are in the order of their numbers, and not sorted: thawing numbers them by position. `+counter`
            # leaves out names with a count of 0, which only the history of an image leaves behind.
            types=list(tables.types),
            functions=_sorted(tables.functions),
            function_types=tables.function_types,
            data=_sorted(tables.data),
            type_users=_sorted(+image.type_users),
            library_users=_sorted(+image.library_users),
            slot_users=_sorted(+image.slot_users),
            constructors=image.constructors,
            inits=dict(sorted(image.inits.items())),
            exports=dict(sorted(image.exports.items())),
            outlines=image.outlines.encoded(),
        )
    )
    return data + bytes.fromhex(checksum(data))


def thaw(data: bytes, program: bytes, library: Library | None, stack_size: int) -> Thawed | None:
    """Returns the image of this program, or None where the bytes are damaged, have another version, or belong to
    another program."""
    data, end = data[:-_CHECKSUM], data[-_CHECKSUM:]
    if bytes.fromhex(checksum(data)) != end:
        return None
    try:
        frozen = _decode(data)
        if frozen.version != VERSION or frozen.program != checksum(program) or frozen.stack_size != stack_size:
            return None
        if not len(frozen.ranges) == len(frozen.sizes) == len(frozen.outlines) >= len(frozen.keys):
            return None
        # `Image.__init__` lays out models, and there are none here: all fields are set from what was frozen.
        image = Image.__new__(Image)
        image.library, image.stack_size = library, stack_size
        image.count = len(frozen.keys)
        image.imports, image.globals = frozen.imports, frozen.globals
        image.pages, image.top = frozen.pages, frozen.top
        image.type_users, image.library_users = Counter(frozen.type_users), Counter(frozen.library_users)
        image.slot_users, image.constructors = Counter(frozen.slot_users), frozen.constructors
        image.inits, image.exports = frozen.inits, frozen.exports
        image.outlines = Outlines(frozen.outlines)
        image.tables = tables = Tables()
        tables.types = {type_: number for number, type_ in enumerate(frozen.types)}
        tables.functions, tables.function_types, tables.data = frozen.functions, frozen.function_types, frozen.data
        tables.slots = numbered(image.slot_users)
        image.reach(few=True)
        image.ranges = list(starmap(Range, frozen.ranges))
        image.chunks = _cut(program, frozen.sizes)
    except (IndexError, *UNREADABLE):
        return None
    return Thawed(image, frozen.keys, frozen.start)


def _sorted(table: dict[bytes, int]) -> dict[bytes, int]:
    """Sorts a table by name, so that the bytes do not depend on the history of the image."""
    return dict(sorted(table.items()))


def _of_range(range_: Range) -> tuple[int, int, int, int, tuple[int, int, int]]:
    sizes = range_.functions, range_.addresses, range_.slots
    return range_.function, range_.address, range_.slot, range_.global_, sizes


def _of_chunk(chunk: Chunk) -> tuple[int, int, int, int, int, int]:
    return (
        len(chunk.code),
        len(chunk.functions),
        len(chunk.data),
        len(chunk.elements),
        len(chunk.names),
        chunk.named,
    )


def _cut(program: bytes, sizes: list[tuple[int, int, int, int, int, int]]) -> list[Chunk]:
    """Cuts the chunks out of a program. In each section they follow one another and reach the section's end, so the
    first one begins at the end minus the sum of their sizes. Raises IndexError where that would be negative."""
    ends = {0: len(program)}
    cursor = ByteCursor(program)
    cursor.magic()
    while cursor.position < len(program):
        number, end = cursor.header()
        if number:
            ends[number] = end
        cursor.position = end
    code = functions = data = elements = names = 0
    for sizes_of_one in sizes:
        code += sizes_of_one[0]
        functions += sizes_of_one[1]
        data += sizes_of_one[2]
        elements += sizes_of_one[3]
        names += sizes_of_one[4]
    code, functions = ends.get(_CODE, 0) - code, ends.get(_FUNCTIONS, 0) - functions
    data, elements, names = ends.get(_DATA, 0) - data, ends.get(_ELEMENTS, 0) - elements, ends[0] - names
    if min(code, functions, data, elements, names) < 0:
        raise IndexError
    chunks: list[Chunk] = []
    for code_size, functions_size, data_size, elements_size, names_size, named in sizes:
        chunks.append(
            Chunk(
                program[code : code + code_size],
                program[functions : functions + functions_size],
                program[data : data + data_size],
                program[elements : elements + elements_size],
                program[names : names + names_size],
                named,
            )
        )
        code += code_size
        functions += functions_size
        data += data_size
        elements += elements_size
        names += names_size
    return chunks
