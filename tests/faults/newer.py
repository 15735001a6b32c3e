"""A Wasmill whose schemas are raised: another index file, other keys, and metadata with fields that this one does not
know. Its objects are the same, byte for byte."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import pytest

from actors.keeper import index, metadata
from actors.planner import fingerprints, keys

OLD, NEW = 1, 2
"""Ours, and the one after it."""

_metadata = metadata._encoder
_manifest = keys._encoder


class _Metadata:
    """With a field of any kind more: readers ignore what they do not know."""

    def encode(self, plain: metadata.Metadata) -> bytes:
        return _metadata.encode(plain)[:-1] + b',"invented":[1,{"a":null}],"later":"yes"}'


class _Manifest:
    """Manifests say the schema that they are of; what else is encoded there begins with it."""

    def encode(self, what: Any) -> bytes:
        if isinstance(what, (keys.ObjectManifest, keys.ProgramManifest)):
            what = msgspec.structs.replace(what, schema=NEW)
        return _manifest.encode(what)


def become_newer(put: Callable[[object, str, Any], None] = setattr) -> None:
    """From now on everything in this process is done by the newer one."""
    put(index, "SCHEMA", NEW)
    put(index, "FILE", index.file_of(NEW))
    for module in (keys, fingerprints):
        put(module, "SCHEMA", NEW)
    put(keys, "INFERENCE_SCHEMA", NEW)
    put(keys, "_encoder", _Manifest())
    put(metadata, "_encoder", _Metadata())


@contextmanager
def schema(number: int) -> Iterator[None]:
    """What happens in here is done by that one."""
    with pytest.MonkeyPatch.context() as patch:
        if number == NEW:
            become_newer(patch.setattr)
        yield
