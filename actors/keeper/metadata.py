"""The commit point of an entry: `metadata/<key>.json`, readable by anybody, checked by us.

    {"check":"<checksum of the rest>","key":...,"kind":...,"manifest":{...},...}

`check` is the checksum of the file with `"check":"...",` cut out, so that a flipped bit in a warning's text or a
function's name is noticed too, not only one in the object. Readers ignore fields that they do not know.
"""

from __future__ import annotations

import msgspec

from actors.diagnostics import Diagnostic
from actors.digests import Digest, checksum

_HEAD = b'{"check":"'
_BODY = len(_HEAD) + 32 + len(b'",')


class Odd(Exception):
    """Something in the cache is not what it should be; the message says what."""


class Metadata(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the cache knows of an entry. `manifest` is its canonical JSON as it was hashed, `checksum` and `size`
    (bytes) are those of the object, `identity` is the toolchain's, `when` is in Unix seconds."""

    key: Digest
    kind: str
    module: str
    digest: Digest
    checksum: str
    size: int
    identity: Digest = ""
    imports: tuple[str, ...] = ()
    exports: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    warnings: tuple[Diagnostic, ...] = ()
    duration_ms: float = 0.0
    when: int = 0
    manifest: msgspec.Raw = msgspec.Raw(b"null")


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Metadata)


def encode(metadata: Metadata) -> bytes:
    body = _encoder.encode(metadata)[1:]
    return b'%s%s",%s' % (_HEAD, checksum(body).encode(), body)


def decode(data: bytes, key: Digest) -> Metadata:
    """Read the metadata of `key`. Raises `Odd` where it is damaged, or another entry's."""
    body = data[_BODY:]
    if not data.startswith(_HEAD) or data[len(_HEAD) : _BODY] != checksum(body).encode() + b'",':
        raise Odd("its own checksum does not match")
    try:
        metadata = _decoder.decode(b"{" + body)
    except msgspec.MsgspecError as error:
        raise Odd(f"it cannot be read: {error}") from error
    if metadata.key != key:
        raise Odd("it belongs to another entry")
    return metadata
