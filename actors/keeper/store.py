"""The files of the cache. Everything else about it can be rebuilt from them.

    modules/<digest>.wasm   an object or a program, immutable
    metadata/<key>.json     the commit point
    quarantine/             what failed its check
    snapshots/<name>        written for the scanner; <name>.plan beside it for the planner

A file appears whole or not at all: it is written under a temporary name in its own folder and renamed. The order is
object, then metadata (then, elsewhere, the row); removing goes the other way round. So a crash leaves an orphan at
worst: a file that nothing names.

A plan begins with two checksums: its own, and that of the snapshot it belongs to. A plan beside another snapshot (after
a crash between the two files) is ignored.

All of this blocks, and is called through `actors.offload`. Keys and digests are raw bytes here; `object_file`,
`metadata_file` and `digest_in` are the only places that turn them into names of files and back.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from typing import NamedTuple

from xxhash import xxh3_128_digest

from actors.digests import are_digests, checksum
from actors.disk import Disk
from actors.keeper.index import EntryRow
from actors.keeper.metadata import Metadata, Odd, decode, described, encode, row_of
from actors.messages import NewEntry

MODULES = "modules"
METADATA = "metadata"
QUARANTINE = "quarantine"
SNAPSHOTS = "snapshots"
TEMPORARY = ".tmp-"
"""How the names of unfinished files begin."""

LARGEST = {MODULES: 1 << 30, METADATA: 64 << 20, SNAPSHOTS: 256 << 20}
"""Bytes of a file above which Wasmill did not write it: a sparse file takes no disk, and all of memory."""

NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT})

_PLAN_HEAD = 64
"""Bytes of the two checksums before a plan."""


class Incoming(NamedTuple):
    """An entry to store, with its key and the digest of its object as raw bytes."""

    key: bytes
    digest: bytes
    entry: NewEntry


class WrittenEntry(NamedTuple):
    """An entry on disk, and the row that belongs to it."""

    key: bytes
    metadata: Metadata
    row: EntryRow


class WriteResult(NamedTuple):
    """The result of storing a batch. `refused` maps keys to the digests that stay; `failure` ended the batch early, and
    `rest` are the entries that were not stored because of it. `written` counts bytes."""

    stored: list[WrittenEntry]
    refused: dict[bytes, bytes]
    failure: OSError | None
    rest: Sequence[Incoming]
    written: int


class Fetched(NamedTuple):
    """The result of reading a batch of objects. `damaged` says what was wrong, by digest; `failed` could not be read at
    all."""

    data: dict[bytes, bytes]
    damaged: dict[bytes, str]
    vanished: list[bytes]
    failed: dict[bytes, OSError]


class KnownMetadata(NamedTuple):
    """Metadata with its size in bytes, by key. `damaged` says what was wrong; `failed` could not be read at all."""

    found: dict[bytes, tuple[Metadata, int]]
    damaged: dict[bytes, str]
    failed: dict[bytes, OSError]


def digest_of(data: bytes) -> bytes:
    """SHA-256 of `data`, raw."""
    return sha256(data).digest()


def object_file(digest: bytes) -> str:
    return digest.hex() + ".wasm"


def metadata_file(key: bytes) -> str:
    return key.hex() + ".json"


def digest_in(name: str, extension: str) -> bytes:
    """The digest in the name of a file; empty if it is no file of ours."""
    stem = name.removesuffix(extension)
    return bytes.fromhex(stem) if stem != name and stem and are_digests([stem]) else b""


def is_snapshot_name(snapshot: str) -> bool:
    """Whether this can be the name of a snapshot: a visible file name without folders."""
    return bool(snapshot) and not snapshot.startswith(".") and not set(snapshot) & set("/\\:\0")


class FileStore:
    """`folder` is the cache's."""

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
        entries: Sequence[Incoming],
        known: dict[bytes, EntryRow],
        when: int,
        force: bool,
    ) -> WriteResult:
        """Writes objects and their metadata. `known` are the rows that keys have already: other bytes are refused while
        the first ones are good, unless `force`. `when` is in Unix seconds."""
        kept = WriteResult([], {}, None, [], 0)
        written = 0
        for place, (key, digest, entry) in enumerate(entries):
            first = known.get(key)
            try:
                if first and first.digest != digest and not force and self._is_good(first.digest, first.checksum):
                    kept.refused[key] = first.digest
                    continue
                metadata = described(entry, digest, when)
                # Written even where it exists. This repairs an object that was damaged, and makes one that
                # garbage collection takes for an orphan young again.
                self.write(MODULES, object_file(digest), entry.data)
                text = encode(metadata, key)
                self.write(METADATA, metadata_file(key), text)
            except OSError as error:
                return kept._replace(failure=error, rest=entries[place:], written=written)
            kept.stored.append(WrittenEntry(key, metadata, row_of(metadata, len(text))))
            written += len(entry.data) + len(text)
        return kept._replace(written=written)

    def fetch(self, wanted: Iterable[tuple[bytes, bytes]]) -> Fetched:
        """Reads objects and checks them: by checksum, or by digest if that is empty. What fails is read once more."""
        fetched = Fetched({}, {}, [], {})
        for digest, expected in wanted:
            try:
                data = self._read_checked(digest, expected)
            except FileNotFoundError:
                fetched.vanished.append(digest)
            except Odd as odd:
                fetched.damaged[digest] = str(odd)
            except OSError as error:
                fetched.failed[digest] = error
            else:
                fetched.data[digest] = data
        return fetched

    def _read_checked(self, digest: bytes, expected: bytes) -> bytes:
        path = self.path(MODULES, object_file(digest))
        for _ in range(2):
            data = self._read(MODULES, path)
            if (xxh3_128_digest(data) == expected) if expected else (digest_of(data) == digest):
                return data
        raise Odd("its bytes are not the ones that were written")

    def _is_good(self, digest: bytes, expected: bytes) -> bool:
        try:
            self._read_checked(digest, expected)
        except (OSError, Odd):
            return False
        return True

    def write_metadata(self, key: bytes, metadata: Metadata) -> None:
        """Replaces the metadata of an entry. Raises OSError."""
        self.write(METADATA, metadata_file(key), encode(metadata, key))

    def read_metadata(self, key: bytes) -> tuple[Metadata, int]:
        """The metadata of `key` and its size in bytes. Raises FileNotFoundError (no such entry), other OSErrors, and
        `Odd` if two reads found damage."""
        path = self.path(METADATA, metadata_file(key))
        try:
            text = self._read(METADATA, path)
            return decode(text, key), len(text)
        except Odd:
            text = self._read(METADATA, path)
            return decode(text, key), len(text)

    def read_known(self, keys: Iterable[bytes]) -> KnownMetadata:
        """Returns the metadata of all of these keys that have some."""
        known = KnownMetadata({}, {}, {})
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

    def whole(self, entries: Sequence[tuple[bytes, bytes]]) -> set[bytes]:
        """Returns the keys of all of these entries (key and digest) that have both files."""
        names = [
            (self.path(METADATA, metadata_file(key)), self.path(MODULES, object_file(digest)))
            for key, digest in entries
        ]
        try:
            self.disk.rows([path for both in names for path in both])
        except OSError:
            return {
                key
                for key, digest in entries
                if self.has(METADATA, metadata_file(key)) and self.has(MODULES, object_file(digest))
            }
        return {key for key, _ in entries}

    def complete(self, stored: Sequence[WrittenEntry], entries: Iterable[Incoming]) -> set[bytes]:
        """Writes what was `stored` of `entries` again if it is not there any more. Returns the keys that are whole."""
        whole = self.whole([(written.key, written.row.digest) for written in stored])
        if len(whole) < len(stored):
            data = {incoming.key: incoming.entry.data for incoming in entries}
            for written in stored:
                if written.key not in whole:
                    try:
                        self.write(MODULES, object_file(written.row.digest), data[written.key])
                        self.write_metadata(written.key, written.metadata)
                    except OSError:
                        continue
                    whole.add(written.key)
        return whole

    def forget(self, entries: Sequence[tuple[bytes, bytes]]) -> int:
        """Removes the metadata of `entries` (key and digest), then their objects (an empty digest: keep it). Returns
        the bytes that are gone. If metadata cannot be removed its object stays as well, and both are orphans."""
        size = 0
        digests = dict.fromkeys(digest for _, digest in entries if digest)
        for key, digest in entries:
            try:
                size += self.discard(METADATA, metadata_file(key)) or 0
            except OSError:
                digests.pop(digest, None)
        for digest in digests:
            size += self.remove(MODULES, object_file(digest)) or 0
        return size

    def quarantine(self, folder: str, name: str) -> bool:
        """Moves a file aside for inspection; False if that was not possible, or it is gone."""
        return bool(self._move_aside(self.path(folder, name) if folder else self.path(name), name))

    def quarantine_object(self, digest: bytes) -> bool:
        """Moves a damaged object aside. If another process has repaired it since, it is put back, and this is False."""
        path = self.path(MODULES, object_file(digest))
        aside = self._move_aside(path, object_file(digest))
        return bool(aside) and not self._put_back(aside, path, lambda data: digest_of(data) == digest)

    def quarantine_metadata(self, key: bytes) -> bool:
        """The same for metadata."""
        path = self.path(METADATA, metadata_file(key))
        aside = self._move_aside(path, metadata_file(key))
        return bool(aside) and not self._put_back(aside, path, lambda data: bool(decode(data, key)))

    def _move_aside(self, path: str, name: str) -> str:
        """Where the file is now; "" if it could not be moved."""
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

    # ---- snapshots and plans

    def write_snapshot(self, snapshot: str, data: bytes, plan: bytes) -> int:
        """Writes a snapshot and its plan; without a `plan` the one that is there goes with the new snapshot. Returns
        the bytes written. Raises OSError."""
        # The plan first: a crash in between leaves a plan that names another snapshot, which nobody believes.
        plan = plan or self.read_plan(snapshot)
        head = (checksum(plan) + checksum(data)).encode()
        self.write(SNAPSHOTS, snapshot + ".plan", head + plan)
        self.write(SNAPSHOTS, snapshot, data)
        return len(head) + len(plan) + len(data)

    def read_plan(self, snapshot: str) -> bytes:
        """The plan of this snapshot; empty if there is none that fits."""
        try:
            text = self.disk.read(self.path(SNAPSHOTS, snapshot + ".plan"), LARGEST[SNAPSHOTS])
            data = self.disk.read(self.path(SNAPSHOTS, snapshot), LARGEST[SNAPSHOTS])
        except OSError:
            return b""
        plan = text[_PLAN_HEAD:]
        return plan if text[:_PLAN_HEAD] == (checksum(plan) + checksum(data)).encode() else b""

    # ---- files

    def _read(self, folder: str, path: str) -> bytes:
        """A file of the cache. Raises `Odd` if it is larger than any of ours, and OSError."""
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
        """Writes `folder/name`, whole or not at all. Raises OSError, and leaves no temporary file."""
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
            except IsADirectoryError:  # A folder of unknown origin is in the file's place.
                self._move_aside(path, name)
                self.disk.rename(temporary, path)
        except OSError:
            self.disk.remove(temporary)
            raise

    def remove(self, folder: str, name: str) -> int | None:
        """Removes a file. Returns its size in bytes, or None if it did not exist or could not be removed."""
        try:
            return self.discard(folder, name)
        except OSError:
            return None

    def discard(self, folder: str, name: str) -> int | None:
        """Removes a file. Returns its size in bytes, or None if it did not exist. Raises OSError if it cannot be
        removed."""
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
        """Names of the files in a folder of the cache; none if it does not exist."""
        try:
            self._refuse_link(folder)
            return [entry.name for entry in self.disk.entries(self.path(folder))]
        except (FileNotFoundError, NotADirectoryError):
            return []

    def committed(self) -> list[bytes]:
        """The keys that have metadata."""
        return [key for name in self.names(METADATA) if (key := digest_in(name, ".json"))]

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
        """Raises OSError if a folder of the cache is a link: what we would remove there belongs to someone else. The
        cache itself may be a link: that is its owner's business."""
        if folder and self.disk.is_link(self.path(folder)):
            raise NotADirectoryError(errno.ENOTDIR, "a folder of the cache is a link", folder)
