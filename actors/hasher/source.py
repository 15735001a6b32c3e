"""Reads sources and names them by digest. A source is bytes and a stamp that surely belong together, or an error."""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Callable, Iterable

import msgspec

from actors.diagnostics import Diagnostic, SourceError, about_file
from actors.digests import NO_STAMP, Stamp, digest, settled, through_link
from actors.disk import Disk
from actors.messages import FoundSource, Source

MAX_BYTES = 16 << 20
"""The largest source (design section 8)."""

ATTEMPTS = 3
"""How often a source that changes under the reader is read before that is an error."""

Normalise = Callable[[str, bytes], bytes]
"""The bytes that count, of the source at a path (`Toolchains.normalise`)."""


class Read(msgspec.Struct, frozen=True):
    """`sources` in the order they were asked for; `vanished` are the modules whose file has gone."""

    sources: tuple[Source, ...]
    vanished: tuple[str, ...] = ()


class _Refused(Exception):
    """The source cannot be read, and why."""

    def __init__(self, code: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint


def read_sources(found: Iterable[FoundSource], root: str, normalise: Normalise, disk: Disk) -> Read:
    """Read, normalise and digest what the scanner found. Raises nothing but what `normalise` raises that is no
    `SourceError`, which is a bug of the toolchain."""
    sources: list[Source] = []
    vanished: list[str] = []
    for wanted in found:
        source = _read_source(wanted, root, normalise, disk)
        if source is None:
            vanished.append(wanted.module)
        else:
            sources.append(source)
    return Read(tuple(sources), tuple(vanished))


def _read_source(found: FoundSource, root: str, normalise: Normalise, disk: Disk) -> Source | None:
    """One source; None when there is none any more."""
    raw = b""
    try:
        if found.data is None:
            raw, stamp = _read_steady(f"{root.rstrip('/')}/{found.path}", found.stamp, disk)
        else:
            raw, stamp = found.data, NO_STAMP
        if len(raw) > MAX_BYTES:
            raise _too_large(f"more than {MAX_BYTES}")
        data = normalise(found.path, raw)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return _failed(found, "E0807", f"the file cannot be read: {reason}", "make it readable, or exclude it")
    except _Refused as refused:
        return _failed(found, refused.code, refused.message, refused.hint)
    except SourceError as error:
        return _erroneous(found, error.diagnostics(_lines(raw), module=found.module, file=found.path)[0])
    return Source(
        module=found.module,
        path=found.path,
        digest=digest(data),
        data=data,
        stamp=stamp,
        in_memory=found.data is not None,
    )


def _lines(raw: bytes) -> bytes:
    """The lines of a text that is wrong, as people count them."""
    return raw.removeprefix(BOM_UTF8).replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _read_steady(path: str, seen: Stamp | None, disk: Disk) -> tuple[bytes, Stamp]:
    """A file's bytes and the stamp that they belong to: taken before and after, and equal. `NO_STAMP` where it is racy,
    for then a later change might leave the stamp as it is. `seen` is what the scanner saw: while a file's own stamp is
    that, it is a regular file and no link."""
    for _ in range(ATTEMPTS):
        now_ns = disk.now_ns()
        before = disk.stamp(path, follow=False)
        plain = before == seen
        if not plain:
            before = through_link(before, disk.stamp(path))
            if not disk.is_regular(path):
                raise FileNotFoundError(path)  # a folder or a pipe has taken its place: this source is gone
        if before.size > MAX_BYTES:
            raise _too_large(str(before.size))
        raw = disk.read(path, MAX_BYTES)
        after = disk.stamp(path, follow=False)
        if before == (after if plain else through_link(after, disk.stamp(path))):
            return raw, settled(before, now_ns)
    raise _Refused(
        "E0809", f"the file kept changing: it was read {ATTEMPTS} times", "build when whatever writes it has finished"
    )


def _too_large(size: str) -> _Refused:
    return _Refused(
        "E0802", f"the file has {size} bytes; a source has at most {MAX_BYTES} (16 MiB)", "cut it into several modules"
    )


def _failed(found: FoundSource, code: str, message: str, hint: str) -> Source:
    return _erroneous(found, about_file(code, message, module=found.module, file=found.path, hint=hint))


def _erroneous(found: FoundSource, error: Diagnostic) -> Source:
    return Source(module=found.module, path=found.path, digest="", data=b"", stamp=NO_STAMP, error=error)
