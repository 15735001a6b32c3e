"""The runtime of compiled Ruchy as relocatable objects, assembled from the `*.wat` beside this file on first use.

`README.md` beside it is the interface: names, signatures, ownership.
"""

from __future__ import annotations

import os
from functools import lru_cache

FEATURES = ("bulk-memory", "sign-ext")
_FOLDER = os.path.dirname(__file__)


def _sources() -> list[tuple[str, bytes]]:
    """Name and text of each file, in order of name."""
    found = []
    for name in sorted(os.listdir(_FOLDER)):
        if name.endswith(".wat"):
            with open(os.path.join(_FOLDER, name), "rb") as file:
                found.append((name[:-4], file.read()))
    return found


@lru_cache(1)
def runtime_objects() -> tuple[tuple[str, bytes], ...]:
    """Name ("rt/alloc") and object bytes of each part of the runtime, in order of name. The same bytes always."""
    from orchestrator.wasm.text import assemble_object

    return tuple((f"rt/{name}", assemble_object(text.decode(), name, FEATURES)) for name, text in _sources())


def sources_digest_inputs() -> list[bytes]:
    """What the toolchain's identity must cover of the runtime: name and text of each file."""
    return [part for name, text in _sources() for part in (name.encode(), text)]
