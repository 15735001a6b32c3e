"""The commit point of an entry: `metadata/<key>.json`, readable by anybody, checked by us.

    {"check":"<checksum of the rest>","module":...,"digest":...,"manifest":{...},...}

`check` is the checksum of the key and of the file with `"check":"...",` cut out. So a flipped bit in a warning's text
or a function's name is noticed too, not only one in the object, and so is a file under another one's name. Readers
ignore fields that they do not know.
"""

from __future__ import annotations

import msgspec

from actors.diagnostics import Diagnostic
from actors.digests import Digest, checksum
from actors.untrusted import UNREADABLE, Count, HexChecksum, HexDigest, Milliseconds

_HEAD = b'{"check":"'
_BODY = len(_HEAD) + 32 + len(b'",')


class Odd(Exception):
    """Something in the cache is not what it should be; the message says what."""


class Metadata(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the cache knows of an entry. `manifest` is its canonical JSON as it was hashed, `checksum` and `size`
    (bytes) are those of the object, `functions` as `shortened` gives them, `identity` is the toolchain's, `when` is in
    Unix seconds."""

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
    manifest: msgspec.Raw = msgspec.Raw(b"null")


def shortened(module: str, functions: tuple[str, ...]) -> tuple[str, ...]:
    """Names of functions without their module, which is most of their bytes; a name of another module begins with `::`
    instead."""
    prefix = module + "::"
    length = len(prefix)
    return tuple([name[length:] if name.startswith(prefix) else "::" + name for name in functions])


def lengthened(module: str, joined: str) -> tuple[str, ...]:
    """The full names again, from shortened ones joined by NUL: a few passes over one string, for this runs for every
    module of every look-up."""
    if not joined:
        return ()
    text = ("\0" + joined).replace("\0", f"\0{module}::").replace(f"\0{module}::::", "\0")
    return tuple(text[1:].split("\0"))


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Metadata)


def encode(metadata: Metadata, key: Digest) -> bytes:
    body = _encoder.encode(metadata)[1:]
    return b'%s%s",%s' % (_HEAD, _check(body, key), body)


def decode(data: bytes, key: Digest) -> Metadata:
    """Read the metadata of `key`. Raises `Odd` where it is damaged, or another entry's."""
    body = data[_BODY:]
    if not data.startswith(_HEAD) or data[len(_HEAD) : _BODY] != _check(body, key) + b'",':
        raise Odd("its own checksum does not match")
    try:
        return _decoder.decode(b"{" + body)
    except UNREADABLE as error:
        raise Odd(f"it cannot be read: {error}") from error


def _check(body: bytes, key: Digest) -> bytes:
    return checksum(key.encode() + body).encode()
