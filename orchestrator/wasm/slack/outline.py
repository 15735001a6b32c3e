"""What an image remembers of a module: all that decides whether another version fits into its place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from orchestrator.wasm.leb import string
from orchestrator.wasm.slack.library import Library
from orchestrator.wasm.slack.model import LinkModel, taken
from orchestrator.wasm.symbols import CONSTRUCTORS_NAME


class Outline(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The fields are those of the `LinkModel`. `imports` are module, field and type of each host import, and the symbol
    that means it. `library` are the names of the library that the module uses, `taken` the functions whose slot it
    shares with others (`model.taken`)."""

    types: list[bytes]
    function_types: list[int]
    names: list[bytes]
    strong: list[int]
    weak: list[int]
    imports: list[tuple[bytes, bytes, bytes, bytes]]
    align: int
    data_names: list[bytes]
    data_offsets: list[int]
    globals: list[tuple[bytes, bytes]]
    library: list[bytes]
    taken: list[bytes]
    aliases: list[tuple[bytes, int]]
    weak_aliases: list[tuple[bytes, int]]
    weak_data: list[int]
    inits: list[tuple[int, int]]
    exports: list[tuple[bytes, int]]


CONSTRUCTORS = string(CONSTRUCTORS_NAME)

encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Outline).decode


class Outlines:
    """Outlines by the number of their module. Each is decoded when it is first used, because a link after an edit needs
    only a few of them."""

    def __init__(self, outlines: Sequence[Outline | msgspec.Raw]) -> None:
        self._outlines = list(outlines)

    def __len__(self) -> int:
        return len(self._outlines)

    def __getitem__(self, number: int) -> Outline:
        """Raises `msgspec.DecodeError` for an outline that is damaged."""
        outline = self._outlines[number]
        return _decode(outline) if isinstance(outline, msgspec.Raw) else outline

    def __setitem__(self, number: int, outline: Outline) -> None:
        self._outlines[number] = outline

    def encoded(self) -> list[msgspec.Raw]:
        return [
            outline if isinstance(outline, msgspec.Raw) else msgspec.Raw(encode(outline)) for outline in self._outlines
        ]


def outline_of(model: LinkModel, library: Library | None) -> Outline:
    return Outline(
        model.types,
        model.function_types,
        model.names,
        model.strong,
        model.weak,
        imports_of(model),
        model.align,
        model.data_names,
        model.data_offsets,
        model.globals,
        sorted(used_names(model, library)),
        sorted(set(taken(model)[0])),
        model.aliases,
        model.weak_aliases,
        model.weak_data,
        model.inits,
        model.exports,
    )


def used_names(model: LinkModel, library: Library | None) -> set[bytes]:
    """The names of the library that the module uses, and that of the function that calls the init functions."""
    used = {CONSTRUCTORS} if CONSTRUCTORS in model.outside else set[bytes]()
    if library is not None:
        used.update(library.names.intersection(model.outside), library.names.intersection(model.outside_data))
    return used


def defined_names(model: LinkModel, library: Library) -> set[bytes]:
    """The names of the library that the module defines itself."""
    aliases = [name for name, _ in (*model.aliases, *model.weak_aliases)]
    public = [model.names[number] for number in (*model.strong, *model.weak)]
    return {*library.names.intersection([*public, *aliases, *model.data_names])}


def imports_of(model: LinkModel) -> list[tuple[bytes, bytes, bytes, bytes]]:
    """Module, field and encoded type of each host import, and the symbol that means it."""
    return [
        (module, field, model.types[model.outside_types[number]], model.outside[number])
        for number, module, field in model.imports
    ]


def signatures(
    outline: Outline, indices: Iterable[int], aliases: Iterable[tuple[bytes, int]]
) -> dict[bytes, tuple[int, bytes]]:
    """Index and encoded type of these functions, by name."""
    named = [*[(outline.names[index], index) for index in indices], *aliases]
    return {name: (index, outline.types[outline.function_types[index]]) for name, index in named}
