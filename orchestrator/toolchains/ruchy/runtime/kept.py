"""The assembled runtime, kept from one process to the next: assembling it takes longer than all else of a small link.

It depends on nothing but the compiler's own sources, as Python's compiled modules do on theirs. So it is kept where
those are, under the same conditions (`sys.dont_write_bytecode`, `sys.pycache_prefix`, a folder that can be written),
and shared by all projects. It is named by the compiler's identity and believed by its checksum; anything odd is as if
it were not there.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from importlib.util import cache_from_source

import msgspec
from xxhash import xxh3_128_digest

from actors.untrusted import UNREADABLE

_PREFIX, _SUFFIX = "runtime.", ".bin"
_CHECKSUM = 16
_decoder = msgspec.msgpack.Decoder(dict[str, bytes])


def load(identity: str) -> dict[str, bytes]:
    """The parts that were kept, by name; empty where there are none."""
    try:
        with open(_path(identity), "rb") as file:
            data = file.read()
        return _decoder.decode(data[_CHECKSUM:]) if xxh3_128_digest(data[_CHECKSUM:]) == data[:_CHECKSUM] else {}
    except (OSError, NotImplementedError, *UNREADABLE):
        return {}


def keep(identity: str, parts: dict[str, bytes]) -> None:
    """Keeps these parts, and those of no other compiler. Where that fails, the next process assembles again."""
    if sys.dont_write_bytecode:
        return
    payload = msgspec.msgpack.encode(dict(sorted(parts.items())))
    with suppress(OSError, NotImplementedError):
        path = _path(identity)
        folder, name = os.path.split(path)
        os.makedirs(folder, exist_ok=True)
        temporary = os.path.join(folder, f"{_PREFIX}{os.urandom(6).hex()}~")
        with open(temporary, "xb") as file:
            file.write(xxh3_128_digest(payload) + payload)
        os.replace(temporary, path)
        for other in os.listdir(folder):
            if other.startswith(_PREFIX) and other.endswith(_SUFFIX) and other != name:
                os.unlink(os.path.join(folder, other))


def _path(identity: str) -> str:
    """Raises NotImplementedError where Python itself keeps nothing."""
    folder = os.path.dirname(cache_from_source(os.path.abspath(__file__)))
    return os.path.join(folder, f"{_PREFIX}{identity[:32]}{_SUFFIX}")
