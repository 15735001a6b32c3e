"""Reads sources and names them by digest. A source is bytes and a stamp that certainly belong together, or an error.

Otherwise a later build could believe a stamp and get the digest of other bytes. A file may change while it is read, so
its stamp is taken before and after, and the reading counts only where both are equal."""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Callable, Iterable

import msgspec

from actors.diagnostics import Diagnostic, SourceError, about_file
from actors.digests import NO_STAMP, Stamp, digest, settled, through_link
from actors.disk import Disk
from actors.messages import FoundSource, Source

MAX_BYTES = 16 << 20
"""Bytes of the largest source."""

ATTEMPTS = 3
"""How often a source that changes while it is read is read before that is an error."""

Normalise = Callable[[str, bytes], bytes]
"""Takes a path and raw bytes, and returns the normalised text (`Toolchains.normalise`)."""


class ReadResult(msgspec.Struct, frozen=True):
    """`sources` are in the order of the request; `vanished` are the modules whose file has gone."""

    sources: tuple[Source, ...]
    vanished: tuple[str, ...] = ()


class _Refused(Exception):
    """The source cannot be read; the diagnostic to report."""

    def __init__(self, code: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint


def read_sources(changed: Iterable[FoundSource], root: str, normalise: Normalise, disk: Disk) -> ReadResult:
    """Reads, normalises and digests what the scanner found changed. What cannot be read is an error in its `Source`.
    Raises only exceptions of `normalise` that are no `SourceError`, which are bugs of the toolchain."""
    sources: list[Source] = []
    vanished: list[str] = []
    for wanted in changed:
        source = _read_source(wanted, root, normalise, disk)
        if source is None:
            vanished.append(wanted.module)
        else:
            sources.append(source)
    return ReadResult(tuple(sources), tuple(vanished))


def _read_source(scanned: FoundSource, root: str, normalise: Normalise, disk: Disk) -> Source | None:
    """One source; None where its file has gone."""
    raw = b""
    try:
        if scanned.data is None:
            raw, stamp = _read_steady(f"{root.rstrip('/')}/{scanned.path}", scanned.stamp, disk)
        else:
            raw, stamp = scanned.data, NO_STAMP
        if len(raw) > MAX_BYTES:
            raise _too_large(f"more than {MAX_BYTES}")
        data = normalise(scanned.path, raw)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return _failed(scanned, "E0807", f"the file cannot be read: {reason}", "make it readable, or exclude it")
    except _Refused as refused:
        return _failed(scanned, refused.code, refused.message, refused.hint)
    except SourceError as error:
        return _erroneous(scanned, error.diagnostics(_lines(raw), module=scanned.module, file=scanned.path)[0])
    return Source(
        module=scanned.module,
        path=scanned.path,
        digest=digest(data),
        data=data,
        stamp=stamp,
        in_memory=scanned.data is not None,
    )


def _lines(raw: bytes) -> bytes:
    """The text with line ends as people count lines, for diagnostics about a text that cannot be normalised."""
    return raw.removeprefix(BOM_UTF8).replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _read_steady(path: str, seen: Stamp | None, disk: Disk) -> tuple[bytes, Stamp]:
    """Returns a file's bytes and the stamp that belongs to them; `NO_STAMP` where that is racy, because a later change
    might leave it as it is. `seen` is the stamp that the scanner took: while the file itself has that stamp, it is a
    regular file and no link, so that no further check is needed. Raises `_Refused` where the file keeps changing."""
    # Bytes and stamp belong together if the stamp was the same before and after the read, and time was taken before
    # both: a write after `now_ns` may fall into the same tick and leave the stamp as it is, so a stamp that is not
    # clearly older is not believed. One that changed during the read means that the file is being written: once more.
    for _ in range(ATTEMPTS):
        now_ns = disk.now_ns()
        before = disk.stamp(path, follow=False)
        plain = before == seen
        if not plain:
            before = through_link(before, disk.stamp(path))
            if not disk.is_regular(path):
                raise FileNotFoundError(path)  # A folder or a pipe has taken its place.
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


def _failed(scanned: FoundSource, code: str, message: str, hint: str) -> Source:
    return _erroneous(scanned, about_file(code, message, module=scanned.module, file=scanned.path, hint=hint))


def _erroneous(scanned: FoundSource, error: Diagnostic) -> Source:
    return Source(module=scanned.module, path=scanned.path, digest="", data=b"", stamp=NO_STAMP, error=error)
