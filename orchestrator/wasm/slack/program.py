"""The bytes of an image, and the small module that proves a change to it valid."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from orchestrator.wasm.leb import MAGIC, section, sleb, string, uleb, vector
from orchestrator.wasm.slack.chunk import TRAP, Chunk
from orchestrator.wasm.slack.image import Image
from orchestrator.wasm.slack.model import PROCEDURE, UnusualError
from orchestrator.wasm.slack.outline import CONSTRUCTORS


def emit(image: Image, exports: Mapping[str, str], *, names: bool = True) -> bytes:
    """Returns the program. `exports` maps names to functions that the modules define. `names` adds the section "name"
    for stack traces. Raises UnusualError for an export that no module defines."""
    chunks = image.chunks
    out = _head(image)
    out.append(_exports(image, exports))
    _append_elements(out, image, chunks)
    _append(out, 10, image.top[0] - len(image.imports), [_constructors(image), *[chunk.code for chunk in chunks]])
    _append(out, 11, sum([chunk.data != b"" for chunk in chunks]), [chunk.data for chunk in chunks])
    if names:
        own = [uleb(index) + name for index, (_, name) in enumerate(image.imports)]
        if image.constructors:
            own.append(uleb(len(own)) + CONSTRUCTORS)
        count = uleb(len(own) + sum([chunk.named for chunk in chunks]))
        content = section(1, b"".join([count, *own, *[chunk.names for chunk in chunks]]))
        out.append(section(0, string("name") + content))
    return b"".join(out)


def prove(image: Image, changed: Collection[int], exports: Mapping[str, str]) -> bytes:
    """Returns a module that is valid exactly if the image is, provided that the image was valid before the modules
    `changed` were replaced.

    The validity of a function depends on its own body and on the types, imports, functions, table, memory, globals and
    exports of the module around it. The proof has all of these, and the bodies of the changed modules. All other bodies
    trap: they were valid before, and nothing that they depend on has changed."""
    chunks = image.chunks
    replaced = [chunks[number] for number in sorted(changed)]
    out = _head(image)
    out.append(_exports(image, exports))
    _append_elements(out, image, replaced)
    bodies = [
        chunk.code if number in changed else TRAP * range_.functions
        for number, (chunk, range_) in enumerate(zip(chunks, image.ranges, strict=True))
    ]
    _append(out, 10, image.top[0] - len(image.imports), [_constructors(image), *bodies])
    _append(out, 11, sum([chunk.data != b"" for chunk in replaced]), [chunk.data for chunk in replaced])
    return b"".join(out)


def _head(image: Image) -> list[bytes | bytearray]:
    """The sections up to the globals."""
    types = image.tables.types
    imports = [module + field + b"\0" + uleb(types[type_]) for (module, field, type_), _ in image.imports]
    out: list[bytes | bytearray] = [MAGIC, section(1, vector(tuple(types)))]
    if imports:
        out.append(section(2, vector(imports)))
    functions, slots = image.top
    first = uleb(types[PROCEDURE]) if image.constructors else b""
    _append(out, 3, functions - len(imports), [first, *[chunk.functions for chunk in image.chunks]])
    # There is always a table, because an indirect call is invalid without one.
    out.append(section(4, b"\1\x70\1" + uleb(slots) + uleb(slots)))
    out.append(section(5, b"\1\0" + uleb(image.pages)))
    out.append(section(6, vector([b"\x7f\x01\x41" + sleb(image.stack_size) + b"\x0b", *image.globals])))
    return out


def _append(out: list[bytes | bytearray], number: int, count: int, items: Sequence[bytes | bytearray]) -> None:
    """Appends a section of `count` items, none where `count` is 0. The items are joined only once, with everything
    else, because copying the code twice would be noticed."""
    if count:
        size = uleb(count)
        out += [bytes((number,)), uleb(len(size) + sum(map(len, items))), size, *items]


def _append_elements(out: list[bytes | bytearray], image: Image, chunks: Sequence[Chunk]) -> None:
    """Appends what the table holds: the functions that modules share, then those of each of these chunks."""
    tables, parts = image.tables, [chunk.elements for chunk in chunks if chunk.elements]
    if tables.slots:
        parts.insert(0, b"\0\x41\1\x0b" + vector([uleb(tables.functions[name]) for name in tables.slots]))
    _append(out, 9, len(parts), parts)


def _constructors(image: Image) -> bytes:
    """The function that calls the init functions, by priority and then in the order of the modules; with its size."""
    if not image.constructors:
        return b""
    inits = [
        (priority, number, image.ranges[number].function + function)
        for number, items in image.inits.items()
        for priority, function in items
    ]
    inits.sort(key=lambda init: init[:2])
    body = b"\0" + b"".join([b"\x10" + uleb(index) for *_, index in inits]) + b"\x0b"
    return uleb(len(body)) + body


def _exports(image: Image, exports: Mapping[str, str]) -> bytes:
    entries, functions = [string("memory") + b"\2\0"], image.tables.functions
    for name, symbol in exports.items():
        index = functions.get(string(symbol), -1)
        if index < len(image.imports) or name == "memory":
            raise UnusualError("an export that is not defined, or belongs to the linker")
        entries.append(string(name) + b"\0" + uleb(index))
    known = {string(name): functions[string(symbol)] for name, symbol in exports.items()} | {string("memory"): -1}
    for number, items in sorted(image.exports.items()):
        for own, function in items:
            index = image.ranges[number].function + function
            if own not in known:
                entries.append(own + b"\0" + uleb(index))
            if known.setdefault(own, index) != index:
                raise UnusualError("two exports of one name")
    return section(7, vector(entries))
