"""The headers of a compile as inputs: those that it read, and those that it would have read instead.

A compiler names the files that it found. A file that is not there yet may take the place of one of them: `#include
"list.h"` looks beside the file that includes it, and then in each folder of the search path. So the text of every file
that was read is searched for what it includes, and each place before the one where the compiler found it is an absent
input. Includes that the preprocessor skips are counted too: that costs a look at one more name, and is never wrong.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from actors.compiler.toolchain import Discovered
from actors.digests import Digest, digest
from orchestrator.toolchains.c.meaning import meaning

LARGEST = 64 << 20
"""Bytes of a header."""

TICK_NS = 20_000_000
"""A file whose time of change is younger than this before a look may change again and keep it."""

_DIRECTIVE = re.compile(
    rb'(?:#|%:)[ \t]*(?:include|include_next|import|embed)[ \t]*(?:"([^"\n]+)"|<([^>\n]+)>|([A-Za-z_]))'
    rb'|__has_(?:include|include_next|embed)[ \t]*\(?[ \t]*(?:"([^"\n]+)"|<([^>\n]+)>)'
)


class Include(NamedTuple):
    """What a file includes, as it is written, in quotes or not."""

    path: str
    quoted: bool


class _HeaderLook(NamedTuple):
    """What a file was when it was read."""

    stamp: tuple[int, int, int, int]
    digest: Digest
    includes: tuple[Include, ...]
    computed: bool
    data: bytes
    meanings: dict[bool, Digest]

    def meaning(self, *, lines: bool) -> Digest:
        """What the file means, with or without its lines."""
        if lines not in self.meanings:
            self.meanings[lines] = meaning(self.data, lines=lines)
        return self.meanings[lines]


class Headers:
    """What is known of headers in this process, so that a header that many files include is read once."""

    def __init__(self) -> None:
        self._known: dict[str, _HeaderLook] = {}

    def look(self, place: str) -> _HeaderLook | None:
        """The file at an absolute path as it is now; None if it is not there. Raises OSError."""
        try:
            stamp = _stamp(place)
            known = self._known.get(place)
            if known is not None and known.stamp == stamp:
                return known
            now = time.time_ns()
            with open(place, "rb") as file:
                data = file.read(LARGEST + 1)
        except (FileNotFoundError, NotADirectoryError):
            return None
        if len(data) > LARGEST:
            raise OSError(f"`{place}` is larger than {LARGEST >> 20} MiB")
        names, computed = includes(data)
        look = _HeaderLook(stamp, digest(data), names, computed, data, {})
        if stamp == _stamp(place) and stamp[3] < now - TICK_NS:
            self._known[place] = look
        return look


def _stamp(place: str) -> tuple[int, int, int, int]:
    status = os.stat(place)
    return (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def changed_since(places: Iterable[str], began_ns: int) -> bool:
    """Whether one of these files may have changed since a time."""
    for place in places:
        try:
            status = os.stat(place)
        except OSError:
            return True
        if max(status.st_ctime_ns, status.st_mtime_ns if status.st_mtime_ns <= time.time_ns() else 0) >= began_ns:
            return True
    return False


def includes(data: bytes) -> tuple[tuple[Include, ...], bool]:
    """What a text includes or asks for, and whether it includes something that a macro names."""
    included: dict[Include, None] = {}
    computed = False
    for match in _DIRECTIVE.finditer(data.replace(b"\\\r\n", b"").replace(b"\\\n", b"")):
        quoted, angled = match[1] or match[4], match[2] or match[5]
        if quoted or angled:
            path = (quoted or angled).decode("utf-8", "surrogateescape")
            included[Include(path, bool(quoted))] = None
        else:
            computed = True
    return tuple(included), computed


def discovered(
    read: Sequence[str],
    source: bytes,
    path: str,
    root: str,
    search: Sequence[str],
    system: Sequence[str],
    known: Headers,
) -> tuple[Discovered, ...]:
    """The inputs of a compile. `read` are the files that the compiler names, `source` is the text of the module at
    `path`; paths are absolute or relative to `root`. `search` are the folders of the search path, `system` those of the
    compiler's own headers, which its identity stands for. Raises OSError where a file that was read has gone."""
    own = [os.path.normpath(path) for path in read if not _is_below(os.path.join(root, path), system)]
    texts: dict[str, tuple[tuple[Include, ...], bool]] = {os.path.normpath(path): includes(source)}
    inputs: dict[str, Digest] = {}
    for file in own:
        if file == os.path.normpath(path):
            continue
        look = known.look(os.path.join(root, file))
        if look is None:
            raise FileNotFoundError(file)
        inputs[file] = look.digest
        texts[file] = (look.includes, look.computed)
    paths = {*texts, *inputs}
    folders = [os.path.normpath(folder) for folder in search]
    absent: set[str] = set()
    for file, (wanted, computed) in texts.items():
        for include in wanted:
            absent |= _before(include, os.path.dirname(file), folders, paths)
        if computed:
            for path in paths:
                for spelled in _spellings(path, (os.path.dirname(file), *folders)):
                    absent |= _before(Include(spelled, True), os.path.dirname(file), folders, paths)
    for path in read if folders else ():
        place = os.path.join(root, path)
        for spelled in _spellings(place, system) if _is_below(place, system) else ():
            absent |= _before(Include(spelled, False), "", folders, paths)
    absent = {path for path in absent if path not in inputs and not os.path.lexists(os.path.join(root, path))}
    return (
        *[Discovered(path=path, digest=inputs[path]) for path in sorted(inputs)],
        *[Discovered(path=path, digest="") for path in sorted(absent)],
    )


def _before(include: Include, beside: str, folders: Sequence[str], names: set[str]) -> set[str]:
    """The paths at which an include is looked for before it is found."""
    looked: set[str] = set()
    if os.path.isabs(include.path):
        return {os.path.normpath(include.path)} - names
    for folder in (beside, *folders) if include.quoted else folders:
        place = os.path.normpath(os.path.join(folder, include.path))
        if place in names:
            break
        looked.add(place)
    return looked


def _spellings(place: str, folders: Iterable[str]) -> list[str]:
    """How a file may be written that was found in one of the folders."""
    return [os.path.relpath(place, folder or ".") for folder in folders if not folder or _is_below(place, (folder,))]


def _is_below(place: str, folders: Iterable[str]) -> bool:
    return any(place.startswith(folder.rstrip("/") + "/") for folder in folders)
