"""The runtime of compiled Ruchy as relocatable objects, assembled from the `*.wat` beside this file on first use.

`README.md` beside it is the interface: names, signatures, ownership.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from functools import lru_cache

from orchestrator.toolchains.ruchy.runtime import kept

_OF_C = {"alloc": "alloc_of_c"}
"""The parts in whose place others stand where a program has C too: these take their memory from C's `malloc`."""

FEATURES = ("bulk-memory", "sign-ext")
_FOLDER = os.path.dirname(__file__)


def _sources() -> list[tuple[str, bytes]]:
    """Name and text of each file, in order of name, without those that only programs with C have."""
    names = [name[:-4] for name in sorted(os.listdir(_FOLDER)) if name.endswith(".wat")]
    return [(name, _text(name)) for name in names if name not in _OF_C.values()]


def _text(name: str) -> bytes:
    with open(os.path.join(_FOLDER, f"{name}.wat"), "rb") as file:
        return file.read()


@lru_cache(1)
def runtime_objects() -> tuple[tuple[str, bytes], ...]:
    """Name ("rt/alloc") and object bytes of each part of the runtime, in order of name. The same bytes always."""
    from orchestrator.wasm.wat import assemble_object

    return tuple((f"rt/{name}", assemble_object(text.decode(), name, FEATURES)) for name, text in _sources())


_parts: dict[str, bytes] = {}
"""Those that this process has needed, and those that an earlier one kept."""


def _have(names: Iterable[str]) -> None:
    """Sees to it that these are among the parts."""
    if all(name in _parts for name in names):
        return
    from orchestrator.toolchains.ruchy.identity import identity

    if not _parts:
        _parts.update(kept.load(identity()))
    missing = [name for name in names if name not in _parts]
    if missing:
        from orchestrator.wasm.wat import assemble_object

        _parts.update({name: assemble_object(_text(name).decode(), name, FEATURES) for name in missing})
        kept.keep(identity(), _parts)


@lru_cache(1)
def _names() -> tuple[dict[str, str], dict[str, set[str]]]:
    """Which part defines a symbol, and which parts a part needs. Reading the text is faster than assembling it."""
    owners: dict[str, str] = {}
    wanted: dict[str, set[str]] = {}
    for name, text in _sources():
        for symbol in re.findall(rb'\(export "(rt::\w+)"', text):
            owners[symbol.decode()] = name
        wanted[name] = {symbol.decode() for symbol in re.findall(rb'\(import "env" "(rt::\w+)"', text)}
    return owners, {name: {owners[symbol] for symbol in symbols} for name, symbols in wanted.items()}


def runtime_objects_for(objects: Iterable[bytes]) -> tuple[tuple[str, bytes], ...]:
    """Those of `runtime_objects` that these objects may need, in the same order: whose symbols occur in the bytes, and
    what these need in turn. A program linked with them is the one linked with all."""
    names: set[str] = set()
    for data in objects:
        names.update(match.decode() for match in re.findall(rb"rt::\w+", data))
    return runtime_objects_of(names)


def runtime_names() -> Iterable[str]:
    """The symbols that the runtime defines for others."""
    return _names()[0]


def runtime_objects_of(symbols: Iterable[str], *, beside_c: bool = False) -> tuple[tuple[str, bytes], ...]:
    """Those of `runtime_objects` that define some of these symbols, and what they need in turn, in the same order.
    `beside_c`: for a program that has C too, whose `malloc` then gives all memory."""
    owners, needs = _names()
    queue = sorted({owners[symbol] for symbol in symbols if symbol in owners})
    for name in queue:
        queue += sorted(needs[name].difference(queue))
    names = sorted([_OF_C.get(name, name) for name in queue] if beside_c else queue)
    _have(names)
    return tuple((f"rt/{name}", _parts[name]) for name in names)
