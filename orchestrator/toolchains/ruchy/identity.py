"""Which compiler is this? The digest of everything that decides what it makes."""

from __future__ import annotations

import os
from functools import cache
from hashlib import sha256

_HERE = os.path.dirname(__file__)
_FOLDERS = (_HERE, os.path.join(_HERE, os.pardir, os.pardir, "wasm"))


@cache
def identity(version: int) -> str:
    """Digest over the names and contents of the sources of this compiler, of the WebAssembly rooms and of the runtime,
    and a version of the format. Neither the folder they stand in nor the Python version is part of it."""
    found = sha256(f"ruchy {version}\n".encode())
    for folder in _FOLDERS:
        for path, name in _sources(folder):
            with open(path, "rb") as file:
                found.update(f"{name}\n{sha256(file.read()).hexdigest()}\n".encode())
    return found.hexdigest()


def files() -> tuple[str, ...]:
    """The absolute paths of everything that `identity` reads."""
    return tuple(os.path.normpath(path) for folder in _FOLDERS for path, _ in _sources(folder))


def _sources(folder: str) -> list[tuple[str, str]]:
    """Path and name (with `/`, from the folder) of each source, sorted by name."""
    found: list[tuple[str, str]] = []
    for parent, folders, files in os.walk(folder):
        folders[:] = [inner for inner in folders if inner != "__pycache__"]
        for file in files:
            if file.endswith((".py", ".wat")):
                path = os.path.join(parent, file)
                found.append((path, os.path.relpath(path, folder).replace(os.sep, "/")))
    return sorted(found, key=lambda pair: pair[1])
