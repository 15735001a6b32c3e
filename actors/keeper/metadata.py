"""The commit point of an entry: `metadata/<key>.json`, readable by anyone, and checked when it is read.

    {"check":"<checksum of the rest>","module":...,"digest":...,"manifest":{...},...}

`check` is the checksum of the key and of the file with `"check":"...",` cut out. So it catches a flipped bit in a
warning's text or a function's name, not only one in the object, and a file under another entry's name. Readers ignore
fields that they do not know.

Digests and checksums are hexadecimal in this file and raw bytes in the rest of the keeper: `row_of`, `described` and
`corrected` are the only places that convert.
"""

from __future__ import annotations

import msgspec

from actors.compiler.toolchain import Discovered
from actors.diagnostics import Diagnostic
from actors.digests import Digest, checksum
from actors.keeper.index import EntryRow
from actors.messages import NewEntry
from actors.untrusted import UNREADABLE, Count, HexChecksum, HexDigest, Milliseconds

_HEAD = b'{"check":"'
_BODY = len(_HEAD) + 32 + len(b'",')


class Odd(Exception):
    """Something in the cache is not what it should be; the message says what."""


class Metadata(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the cache knows of an entry. `manifest` is its canonical JSON as it was hashed, `checksum` and `size`
    (bytes) are those of the object, `functions` as `shortened` returns them, `identity` is the toolchain's, `when` is
    in Unix seconds."""

    module: str
    digest: HexDigest
    checksum: HexChecksum
    size: Count
    identity: Digest = ""
    kind: str = "object"
    imports: tuple[str, ...] = ()
    exports: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    warnings: tuple[Diagnostic, ...] = ()
    duration_ms: Milliseconds = 0.0
    when: Count = 0
    inputs: tuple[Discovered, ...] = ()
    manifest: msgspec.Raw = msgspec.Raw(b"null")


def described(entry: NewEntry, digest: bytes, when: int) -> Metadata:
    """The metadata of a new entry. `digest` is the object's, `when` is in Unix seconds."""
    return Metadata(
        kind=entry.kind,
        module=entry.module,
        digest=digest.hex(),
        checksum=checksum(entry.data),
        size=len(entry.data),
        identity=entry.identity,
        imports=entry.imports,
        exports=entry.exports,
        functions=shortened(entry.module, entry.functions),
        warnings=entry.warnings,
        duration_ms=round(entry.duration_ms, 3),
        when=when,
        inputs=entry.inputs,
        manifest=msgspec.Raw(entry.manifest or b"null"),
    )


def row_of(metadata: Metadata, overhead: int) -> EntryRow:
    """The index row of an entry. `overhead` is the size of its metadata in bytes."""
    return EntryRow(
        bytes.fromhex(metadata.digest),
        bytes.fromhex(metadata.checksum),
        metadata.size,
        overhead,
        metadata.kind,
        metadata.module,
        "\0".join(metadata.functions),
        metadata.warnings,
        metadata.duration_ms,
        metadata.inputs,
    )


def corrected(metadata: Metadata, row: EntryRow) -> Metadata:
    """`metadata`, changed to describe the object that `row` names."""
    return msgspec.structs.replace(
        metadata,
        digest=row.digest.hex(),
        checksum=row.checksum.hex(),
        size=row.size,
        functions=tuple(row.functions.split("\0")) if row.functions else (),
        warnings=row.warnings,
        duration_ms=row.duration_ms,
        inputs=row.inputs,
    )


def shortened(module: str, functions: tuple[str, ...]) -> tuple[str, ...]:
    """Function names without their module, which is most of their bytes. A name of another module begins with `::`."""
    prefix = module + "::"
    length = len(prefix)
    return tuple([name[length:] if name.startswith(prefix) else "::" + name for name in functions])


def lengthened(module: str, joined: str) -> tuple[str, ...]:
    """The full names again, from shortened ones joined by NUL. This runs for every module of every look-up, so it makes
    a few passes over one string."""
    if not joined:
        return ()
    text = ("\0" + joined).replace("\0", f"\0{module}::").replace(f"\0{module}::::", "\0")
    return tuple(text[1:].split("\0"))


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Metadata)


def encode(metadata: Metadata, key: bytes) -> bytes:
    """The file of the entry `key`."""
    body = _encoder.encode(metadata)[1:]
    return b'%s%s",%s' % (_HEAD, _check(body, key), body)


def decode(data: bytes, key: bytes) -> Metadata:
    """Reads the file of the entry `key`. Raises `Odd` if it is damaged, or another entry's."""
    body = data[_BODY:]
    if not data.startswith(_HEAD) or data[len(_HEAD) : _BODY] != _check(body, key) + b'",':
        raise Odd("its own checksum does not match")
    try:
        return _decoder.decode(b"{" + body)
    except UNREADABLE as error:
        raise Odd(f"it cannot be read: {error}") from error


def _check(body: bytes, key: bytes) -> bytes:
    return checksum(key.hex().encode() + body).encode()
