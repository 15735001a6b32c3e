"""Which compiler is this? The digest of everything that decides what it makes.

Every process that opens a project asks, and some hundred files are read for the answer: so they are listed once, and
read without the layers of `open`.
"""

from __future__ import annotations

import os
from functools import cache
from hashlib import sha256

_HERE = os.path.dirname(os.path.abspath(__file__))
_FOLDERS = (_HERE, os.path.join(os.path.dirname(os.path.dirname(_HERE)), "wasm"))


FORMAT = 1
"""Raised when the format of objects changes in a way that these sources do not show."""


@cache
def identity(version: int = FORMAT) -> str:
    """Digest over the names and contents of the sources of this compiler, of the WebAssembly rooms and of the runtime,
    and a version of the format. Neither the folder they stand in nor the Python version is part of it."""
    hasher = sha256(f"ruchy {version}\n".encode())
    for path, name in _sources():
        hasher.update(f"{name}\n{sha256(_read(path)).hexdigest()}\n".encode())
    return hasher.hexdigest()


def files() -> tuple[str, ...]:
    """The absolute paths of everything that `identity` reads."""
    return tuple([path for path, _ in _sources()])


@cache
def _sources() -> tuple[tuple[str, str], ...]:
    """Path and name (with `/`, from its folder) of each source, sorted by name within each folder."""
    sources: list[tuple[str, str]] = []
    for folder in _FOLDERS:
        inside: list[tuple[str, str]] = []
        waiting = [""]
        while waiting:
            below = waiting.pop()
            with os.scandir(os.path.join(folder, below)) as entries:
                for entry in entries:
                    if entry.name.endswith((".py", ".wat")):
                        inside.append((entry.path, below + entry.name))
                    elif entry.name != "__pycache__" and entry.is_dir():
                        waiting.append(below + entry.name + "/")
        sources += sorted(inside, key=lambda pair: pair[1])
    return tuple(sources)


def _read(path: str) -> bytes:
    file = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        parts = [os.read(file, os.fstat(file).st_size + 1)]
        while parts[-1]:
            parts.append(os.read(file, 1 << 16))
        return b"".join(parts)
    finally:
        os.close(file)
