"""The files of the cache. Everything else about it can be rebuilt from them.

    modules/<digest>.wasm   an object or a program, immutable
    metadata/<key>.json     the commit point
    quarantine/             what failed its check
    snapshots/<name>        written for the scanner; <name>.plan beside it for the planner

A file appears whole or not at all: it is written under a temporary name in its own folder and renamed. The order is
object, then metadata (then, elsewhere, the row); removing goes the other way round. So a crash leaves an orphan at
worst: a file that nothing names.

All of this blocks, and is called through `actors.offload`.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import msgspec

from actors.digests import Digest, are_digests, checksum, digest
from actors.disk import Disk
from actors.keeper.metadata import Metadata, Odd, decode, encode, shortened
from actors.messages import NewEntry

MODULES = "modules"
METADATA = "metadata"
QUARANTINE = "quarantine"
SNAPSHOTS = "snapshots"
TEMPORARY = ".tmp-"
"""How the names of unfinished files begin."""

LARGEST = {MODULES: 1 << 30, METADATA: 64 << 20, SNAPSHOTS: 256 << 20}
"""Bytes of a file above which it is none of ours: a sparse file takes no disk, and all of memory."""

NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT})


class Written(NamedTuple):
    """An entry on disk; `overhead` is the size of its metadata in bytes."""

    key: Digest
    metadata: Metadata
    overhead: int


class Kept(NamedTuple):
    """What came of storing a batch. `refused` maps keys to the digest
    that stays; `failure` ended the batch early, and `rest` are the entries that were not stored because of it."""

    stored: list[Written]
    refused: dict[Digest, Digest]
    failure: OSError | None
    rest: Sequence[NewEntry]
    written: int


class Fetched(NamedTuple):
    """What came of reading a batch. `damaged` says what was wrong, by digest; `failed` could not be read at all."""

    data: dict[Digest, bytes]
    damaged: dict[Digest, str]
    vanished: list[Digest]
    failed: dict[Digest, OSError]


class Known(NamedTuple):
    """Metadata with its size in bytes, by key. `damaged` says what was wrong; `failed` could not be read at all."""

    found: dict[Digest, tuple[Metadata, int]]
    damaged: dict[Digest, str]
    failed: dict[Digest, OSError]


class Store:
    def __init__(self, disk: Disk, folder: str) -> None:
        self.disk = disk
        self.folder = folder
        self._token = os.urandom(6).hex()
        self._count = 0
        self._ready: set[str] = set()

    def path(self, *parts: str) -> str:
        return "/".join((self.folder, *parts))

    # ---- entries

    def keep(
        self,
        entries: Sequence[NewEntry],
        names: Sequence[Digest],
        known: dict[Digest, tuple[Digest, str]],
        when: int,
        force: bool,
    ) -> Kept:
        """Write objects and their metadata. `names` are the objects' digests; `known` are the digest and checksum that
        keys have already: other bytes are refused while the first ones are good, unless `force`. `when` is in Unix
        seconds."""
        kept = Kept([], {}, None, [], 0)
        written = 0
        for place, (entry, name) in enumerate(zip(entries, names, strict=True)):
            first = known.get(entry.key)
            try:
                if first and first[0] != name and not force and self._is_good(*first):
                    kept.refused[entry.key] = first[0]
                    continue
                metadata = described(entry, name, when)
                # Written even where it exists: an object that somebody damaged is healed, and one that garbage
                # collection takes for an orphan becomes young again.
                self.write(MODULES, name + ".wasm", entry.data)
                text = encode(metadata, entry.key)
                self.write(METADATA, entry.key + ".json", text)
            except OSError as error:
                return kept._replace(failure=error, rest=entries[place:], written=written)
            kept.stored.append(Written(entry.key, metadata, len(text)))
            written += len(entry.data) + len(text)
        return kept._replace(written=written)

    def fetch(self, wanted: Iterable[tuple[Digest, str]]) -> Fetched:
        """Read objects and check them: by checksum, or by digest where that is "". What fails is read once more."""
        fetched = Fetched({}, {}, [], {})
        for name, expected in wanted:
            try:
                data = self._read_checked(name, expected)
            except FileNotFoundError:
                fetched.vanished.append(name)
            except Odd as odd:
                fetched.damaged[name] = str(odd)
            except OSError as error:
                fetched.failed[name] = error
            else:
                fetched.data[name] = data
        return fetched

    def _read_checked(self, name: Digest, expected: str) -> bytes:
        path = self.path(MODULES, name + ".wasm")
        for _ in range(2):
            data = self._read(MODULES, path)
            if (checksum(data) == expected) if expected else (digest(data) == name):
                return data
        raise Odd("its bytes are not the ones that were written")

    def _is_good(self, name: Digest, expected: str) -> bool:
        try:
            self._read_checked(name, expected)
        except (OSError, Odd):
            return False
        return True

    def restate(self, key: Digest, metadata: Metadata) -> None:
        """Replace the metadata of an entry. Raises OSError."""
        self.write(METADATA, key + ".json", encode(metadata, key))

    def read_metadata(self, key: Digest) -> tuple[Metadata, int]:
        """The metadata of `key` and its size in bytes. Raises FileNotFoundError (no such entry), other OSErrors, and
        `Odd` where two looks found damage."""
        path = self.path(METADATA, key + ".json")
        try:
            text = self._read(METADATA, path)
            return decode(text, key), len(text)
        except Odd:
            text = self._read(METADATA, path)
            return decode(text, key), len(text)

    def read_known(self, keys: Iterable[Digest]) -> Known:
        """The metadata of those keys that have some."""
        known = Known({}, {}, {})
        for key in keys:
            try:
                known.found[key] = self.read_metadata(key)
            except (FileNotFoundError, NotADirectoryError):
                continue
            except Odd as odd:
                known.damaged[key] = str(odd)
            except OSError as error:
                known.failed[key] = error
        return known

    def whole(self, entries: Sequence[tuple[Digest, Digest]]) -> set[Digest]:
        """Those of these entries (key and digest) that have both files."""
        try:
            self.disk.rows([path for entry in entries for path in self._paths(*entry)])
        except OSError:
            return {
                key for key, name in entries if self.has(METADATA, key + ".json") and self.has(MODULES, name + ".wasm")
            }
        return {key for key, _ in entries}

    def complete(self, stored: Sequence[Written], entries: Iterable[NewEntry]) -> set[Digest]:
        """Write what was `stored` of `entries` again where it is not there any more. Gives the keys that are whole."""
        whole = self.whole([(one.key, one.metadata.digest) for one in stored])
        if len(whole) < len(stored):
            data = {entry.key: entry.data for entry in entries}
            for one in stored:
                if one.key not in whole:
                    try:
                        self.write(MODULES, one.metadata.digest + ".wasm", data[one.key])
                        self.restate(one.key, one.metadata)
                    except OSError:
                        continue
                    whole.add(one.key)
        return whole

    def _paths(self, key: Digest, name: Digest) -> tuple[str, str]:
        return self.path(METADATA, key + ".json"), self.path(MODULES, name + ".wasm")

    def forget(self, entries: Sequence[tuple[Digest, Digest]]) -> tuple[int, int]:
        """Remove the metadata of `entries` (key and digest), then their objects ("": keep it). Gives the number of
        files and bytes that are gone. Where metadata cannot be removed its object stays as well, and both are
        orphans."""
        files = size = 0
        names = dict.fromkeys(name for _, name in entries if name)
        for key, name in entries:
            try:
                gone = self.discard(METADATA, key + ".json")
            except OSError:
                names.pop(name, None)
                continue
            files += gone is not None
            size += gone or 0
        for name in names:
            gone = self.remove(MODULES, name + ".wasm")
            files += gone is not None
            size += gone or 0
        return files, size

    def quarantine(self, folder: str, name: str) -> bool:
        """Move a file aside, for a look; False where that was not possible, or it is gone."""
        return bool(self._move_aside(self.path(folder, name) if folder else self.path(name), name))

    def quarantine_object(self, name: Digest) -> bool:
        """The same for an object that is damaged. Another process may have made it whole since that was seen: then it
        is put back, and this is False."""
        path = self.path(MODULES, name + ".wasm")
        aside = self._move_aside(path, name + ".wasm")
        return bool(aside) and not self._put_back(aside, path, lambda data: digest(data) == name)

    def quarantine_metadata(self, key: Digest) -> bool:
        """The same for metadata."""
        path = self.path(METADATA, key + ".json")
        aside = self._move_aside(path, key + ".json")
        return bool(aside) and not self._put_back(aside, path, lambda data: bool(decode(data, key)))

    def _move_aside(self, path: str, name: str) -> str:
        """Where the file is now; "" where it could not be moved."""
        try:
            self._prepare(QUARANTINE)
            self._count += 1
            aside = self.path(QUARANTINE, f"{self._token}-{self._count}-{name}")
            self.disk.rename(path, aside)
        except OSError:
            return ""
        return aside

    def _put_back(self, aside: str, path: str, good: Callable[[bytes], bool]) -> bool:
        try:
            if not good(self._read(MODULES, aside)):
                return False
            self.disk.rename(aside, path)
        except (OSError, Odd):
            return False
        return True

    # ---- files

    def _read(self, folder: str, path: str) -> bytes:
        """A file of the cache; `Odd` where it is larger than any of ours. Raises OSError."""
        try:
            data = self.disk.read(path, LARGEST[folder])
        except OSError as error:
            if error.errno != errno.EFBIG:
                raise
            data = None
        if data is None or len(data) > LARGEST[folder]:
            raise Odd("it is larger than anything that is stored")
        return data

    def write(self, folder: str, name: str, data: bytes) -> None:
        """Write `folder/name`, whole or not at all. Raises OSError, and leaves no temporary file."""
        self._prepare(folder)
        self._count += 1
        temporary = self.path(folder, f"{TEMPORARY}{self._token}-{self._count}")
        try:
            self.disk.create(temporary, data)
        except FileNotFoundError:
            # Somebody removed the whole folder since we made it.
            self._ready.discard(folder)
            self._prepare(folder)
            self.disk.create(temporary, data)
        path = self.path(folder, name)
        try:
            try:
                self.disk.rename(temporary, path)
            except IsADirectoryError:  # Whose it is nobody knows; a file's place is no place for a folder.
                self._move_aside(path, name)
                self.disk.rename(temporary, path)
        except OSError:
            self.disk.remove(temporary)
            raise

    def remove(self, folder: str, name: str) -> int | None:
        """Remove a file; its size in bytes, or None where it was not there or would not go."""
        try:
            return self.discard(folder, name)
        except OSError:
            return None

    def discard(self, folder: str, name: str) -> int | None:
        """Remove a file; its size in bytes, or None where it was not there. Raises OSError where it would not go."""
        path = self.path(folder, name)
        try:
            size = self.disk.stamp(path).size
            self.disk.remove(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        return size

    def has(self, folder: str, name: str) -> bool:
        try:
            self.disk.stamp(self.path(folder, name))
        except OSError:
            return False
        return True

    def names(self, folder: str) -> list[str]:
        """Names of the files in a folder of the cache; none where it does not exist."""
        try:
            self._refuse_link(folder)
            return [entry.name for entry in self.disk.entries(self.path(folder))]
        except (FileNotFoundError, NotADirectoryError):
            return []

    def committed(self) -> list[Digest]:
        """The keys that have metadata."""
        return [key for name in self.names(METADATA) if (key := stem(name, ".json"))]

    def size(self, *folders: str) -> int:
        """Bytes in all files of these folders."""
        total = 0
        for folder in folders:
            for name in self.names(folder):
                try:
                    total += self.disk.stamp(self.path(folder, name)).size
                except OSError:
                    continue  # Gone in between.
        return total

    def _prepare(self, folder: str) -> None:
        if folder not in self._ready:
            self.disk.make_folders(self.path(folder) if folder else self.folder)
            self._refuse_link(folder)
            self._ready.add(folder)

    def _refuse_link(self, folder: str) -> None:
        """Raises OSError where a folder of the cache leads elsewhere: what is removed there would be somebody else's
        files. The cache itself may be a link: that is its owner's business."""
        if folder and self.disk.is_link(self.path(folder)):
            raise NotADirectoryError(errno.ENOTDIR, "a folder of the cache is a link", folder)


def stem(name: str, extension: str) -> Digest:
    """The digest that a file is named by; "" where it is no file of ours."""
    found = name.removesuffix(extension)
    return found if found != name and are_digests([found]) else ""


def described(entry: NewEntry, name: Digest, when: int) -> Metadata:
    return Metadata(
        kind=entry.kind,
        module=entry.module,
        digest=name,
        checksum=checksum(entry.data),
        size=len(entry.data),
        identity=entry.identity,
        imports=entry.imports,
        exports=entry.exports,
        functions=shortened(entry.module, entry.functions),
        warnings=entry.warnings,
        duration_ms=round(entry.duration_ms, 3),
        when=when,
        manifest=msgspec.Raw(entry.manifest or b"null"),
    )
