"""Names for bytes, places on disk and modules: `digest`, `checksum`, `Stamp`, `module_name`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import TypeAlias
from unicodedata import normalize

import msgspec
from xxhash import xxh3_128_hexdigest

Digest: TypeAlias = str
"""64 lower-case hexadecimal digits: SHA-256 of some bytes."""


def digest(data: bytes) -> Digest:
    """SHA-256 of `data` in hexadecimal. It names everything that is stored or shared."""
    return sha256(data).hexdigest()


def short(data: bytes) -> bytes:
    """The first 16 bytes of the SHA-256 of `data`. They answer whether something has changed, and name nothing."""
    return sha256(data).digest()[:16]


def are_digests(names: Iterable[str]) -> bool:
    """Whether all of these are digests or "". Only then may they become file names."""
    digests = [name for name in names if name]
    joined = "".join(digests)
    try:
        raw = bytes.fromhex(joined)
    except ValueError:
        return False
    # `fromhex` skips blanks and accepts capitals, which would give one object two names.
    return 2 * len(raw) == len(joined) and joined == joined.lower() and all(len(name) == 64 for name in digests)


def checksum(data: bytes) -> str:
    """XXH3-128 of `data`, 32 hexadecimal digits. It answers whether these are the bytes that were written on this
    machine, and is never part of a key."""
    return xxh3_128_hexdigest(data)


StampRow: TypeAlias = tuple[int, int, int, int, int]
"""The fields of a `Stamp`, in its order. A tuple, not a Struct, because thousands of them are compared at once."""


class Stamp(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What `stat` says of a file; times in nanoseconds. It is a shortcut, never the truth. All zeros never match."""

    device: int
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int

    @property
    def row(self) -> StampRow:
        """The fields as a tuple."""
        return (self.device, self.inode, self.size, self.mtime_ns, self.ctime_ns)


NO_STAMP = Stamp(0, 0, 0, 0, 0)
"""Matches no file. It stands in a snapshot for a stamp that must not be trusted."""

_TICK_NS = 20_000_000
_COARSE_NS = 2_000_000_000
_SECOND_NS = 1_000_000_000


def settled(stamp: Stamp, now_ns: int) -> Stamp:
    """Returns `stamp`, or `NO_STAMP` where it is racy: so young that a later write could leave it as it is.

    `now_ns` is the file system's own time (`Disk.now_ns`) when the stamp was taken, or earlier. The margin is two ticks
    of the slowest kernel clock (10 ms each). It is 2 s where the time is a whole second, because some file systems
    store no finer times.
    """
    latest = max(stamp.mtime_ns, stamp.ctime_ns)
    margin = _TICK_NS if latest % _SECOND_NS else _COARSE_NS
    return stamp if latest + margin < now_ns else NO_STAMP


def through_link(link: Stamp, target: Stamp) -> Stamp:
    """One stamp for a link and its target, which changes as soon as either changes."""
    if link == target:
        return target
    both = sha256(repr((link, target)).encode()).digest()
    return Stamp(
        target.device,
        int.from_bytes(both[:7], "little"),
        target.size,
        max(link.mtime_ns, target.mtime_ns),
        max(link.ctime_ns, target.ctime_ns),
    )


class ModuleNameError(ValueError):
    """A path cannot name a module. The message says what is wrong with it and what is allowed."""


_ALLOWED = "folders and files are named like identifiers (letters, digits, `_`), with `/` between them"
RESERVED = frozenset(
    ("con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(10)))
)
"""Names, in lower case, that no file can have on Windows."""


def segment_problem(segment: str) -> str:
    """What is wrong with a folder name, or a file name without its extension, as part of a module name; "" for
    nothing."""
    if segment.isidentifier():
        return f"`{segment}` is a reserved name on Windows" if segment.lower() in RESERVED else ""
    if not segment:
        return "it has an empty part"
    if segment in (".", ".."):
        return f"it has a `{segment}` in it"
    for letter, what in (("\0", "a NUL"), ("\\", "a backslash"), (":", "a colon")):
        if letter in segment:
            return f"it has {what} in it"
    if not _is_utf8(segment):
        return "it is not UTF-8"
    return f"`{segment}` is no identifier"


def module_name(path: str, extensions: Sequence[str], free: Sequence[str] = ()) -> str:
    """The name of the module in the file `path`, which is relative to the source root: `a/b.ext` is `a/b`, and
    `a/mod.ext` is `a`. (A `mod.ext` in the root itself is `mod`.) Raises `ModuleNameError` where a part is not an
    identifier. Parts of a file with one of the `free` extensions may be any text, and `a/mod.ext` is `a/mod` there.
    """
    extension = next((known for known in extensions if path.endswith(known)), None)
    if extension is None:
        *others, last = sorted(f"`{known}`" for known in extensions)
        allowed = f"{', '.join(others)} or {last}" if others else last
        raise ModuleNameError(f"`{printable(path)}` cannot name a module: it does not end in {allowed}")
    segments = path[: -len(extension)].split("/")
    for segment in segments:
        problem = segment_problem(segment)
        if problem and extension in free:
            problem = "" if segment.strip(".") and problem.endswith("is no identifier") else problem
        if problem:
            raise ModuleNameError(f"`{printable(path)}` cannot name a module: {problem}; {_ALLOWED}")
    if len(segments) > 1 and segments[-1] == "mod" and extension not in free:
        segments.pop()
    return "/".join(segments)


def fold_name(name: str) -> str:
    """Folds Unicode form (NFC) and case, so that names which are one file on some systems become equal."""
    return name.lower() if name.isascii() else normalize("NFC", normalize("NFC", name).casefold())


def printable(path: str) -> str:
    """`path` as text that can be encoded: bytes that are not UTF-8 become escapes."""
    return path if path.isascii() else path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
