"""The bytes that count: UTF-8, no byte order mark, line feeds."""

from __future__ import annotations

from actors.diagnostics import Finding, SourceError

LARGEST = 16 << 20
"""Bytes that a source file may have."""


def normalise(raw: bytes) -> bytes:
    """`raw` without a byte order mark, with every CRLF and lone CR made a line feed. SourceError where it is too large
    or no UTF-8."""
    if len(raw) > LARGEST:
        raise SourceError(_too_large(len(raw)))
    if raw.startswith(b"\xef\xbb\xbf"):
        raw = raw[3:]
    if b"\r" in raw:
        raw = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if not raw.isascii():
        try:
            raw.decode()
        except UnicodeDecodeError as error:
            raise SourceError(_not_utf8(raw, error.start)) from None
    return raw


def _too_large(size: int) -> Finding:
    message = f"the file has {size:,} bytes; at most {LARGEST:,} are allowed"
    return Finding("E0802", message, hint="cut it into several modules")


def _not_utf8(raw: bytes, at: int) -> Finding:
    """Names the first byte that is not UTF-8; everything before it is."""
    line, start = raw.count(b"\n", 0, at) + 1, raw.rfind(b"\n", 0, at) + 1
    offset = len(raw[start:at].decode())
    return Finding("E0801", f"byte 0x{raw[at]:02x} is not UTF-8", offset, 1, "save the file as UTF-8", line)
