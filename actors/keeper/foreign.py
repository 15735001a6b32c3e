"""Entries that come from elsewhere: from a file that another machine exported, or from a server.

Nothing that they say is believed. An entry is taken only if its metadata can be read and belongs to the key, if the
manifest in it has the key as its digest, and if the bytes have the size, the SHA-256 and the checksum that the metadata
names. What remains possible is that its writer lies about what a compile of that manifest makes: see
`docs/security.md`.

An export is one file:

    head, then for each entry: two lengths, key, metadata as in `metadata/`, bytes; then two zeros, and the SHA-256 of
    everything before

So a file that was cut off or damaged is known as such before anything of it is stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import sha256
from struct import Struct
from typing import NamedTuple

from xxhash import xxh3_128_hexdigest

from actors.keeper.metadata import Metadata, Odd, decode, lengthened
from actors.keeper.store import Incoming, digest_of
from actors.messages import ENTRY_KINDS, NewEntry

HEAD = b"wasmill cache 1\n"

LARGEST_EXPORT = 2 << 30
"""Bytes of a file above which it is not imported, because a file is read as a whole."""

_LENGTHS = Struct(">IQ")
_END = _LENGTHS.pack(0, 0)


class ForeignEntry(NamedTuple):
    """An entry as it travels: its key, its metadata as in the cache's own file, and the bytes of its object."""

    key: bytes
    metadata: bytes
    data: bytes


def checked_metadata(key: bytes, text: bytes) -> Metadata:
    """Returns the metadata of the entry `key`. Raises `Odd` if it is damaged, absurd, or another entry's."""
    metadata = decode(text, key)
    if digest_of(bytes(metadata.manifest)) != key:
        raise Odd("its manifest is that of another key")
    if metadata.kind not in ENTRY_KINDS:
        raise Odd("it is of no kind that this version knows")
    return metadata


def checked_entry(key: bytes, metadata: Metadata, data: bytes) -> Incoming:
    """Returns the entry, ready to be stored. Raises `Odd` if the bytes are not those that `metadata` names."""
    digest = bytes.fromhex(metadata.digest)
    if len(data) != metadata.size or digest_of(data) != digest or xxh3_128_hexdigest(data) != metadata.checksum:
        raise Odd("its bytes are not those that its metadata names")
    entry = NewEntry(
        key=key.hex(),
        digest=metadata.digest,
        kind=metadata.kind,
        module=metadata.module,
        manifest=bytes(metadata.manifest),
        data=data,
        identity=metadata.identity,
        imports=metadata.imports,
        exports=metadata.exports,
        functions=lengthened(metadata.module, "\0".join(metadata.functions)),
        warnings=metadata.warnings,
        duration_ms=metadata.duration_ms,
        inputs=metadata.inputs,
    )
    return Incoming(key, digest, entry)


def pack(entries: Iterable[ForeignEntry]) -> bytes:
    """Returns the file that has these entries."""
    parts = [HEAD]
    for key, metadata, data in entries:
        parts += _LENGTHS.pack(len(metadata), len(data)), key, metadata, data
    parts.append(_END)
    total = sha256()
    for part in parts:
        total.update(part)
    return b"".join((*parts, total.digest()))


def unpack(file: bytes) -> list[Incoming]:
    """Returns the entries of a file, all of them checked. Raises `Odd` if anything in it is wrong."""
    if not file.startswith(HEAD):
        raise Odd("it is no export of a cache, or one of another version")
    if digest_of(file[:-32]) != file[-32:]:
        raise Odd("it is damaged, or not whole")
    return [checked_entry(key, checked_metadata(key, text), data) for key, text, data in _entries(file)]


def _entries(file: bytes) -> Iterator[ForeignEntry]:
    at, end = len(HEAD), len(file) - 32 - _LENGTHS.size
    while at + _LENGTHS.size <= end:
        length, size = _LENGTHS.unpack_from(file, at)
        key = at + _LENGTHS.size
        metadata = key + 32
        data = metadata + length
        at = data + size
        if at > end:
            break
        yield ForeignEntry(file[key:metadata], file[metadata:data], file[data:at])
    if at != end or file[end:-32] != _END:
        raise Odd("its entries do not end where the file does")
