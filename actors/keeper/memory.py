"""Objects that were used last, in memory, bounded in bytes."""

from __future__ import annotations

from collections import OrderedDict

from actors.digests import Digest


class HotObjects:
    """Bytes by digest; when `limit` bytes are exceeded the one used longest ago goes. What it gives is not checked:
    whoever uses it compares checksums, as with bytes from anywhere else."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.size = 0
        self._objects: OrderedDict[Digest, bytes] = OrderedDict()

    def __len__(self) -> int:
        return len(self._objects)

    def get(self, digest: Digest) -> bytes | None:
        data = self._objects.get(digest)
        if data is not None:
            self._objects.move_to_end(digest)
        return data

    def put(self, digest: Digest, data: bytes) -> None:
        """An object above the limit is not kept at all: it would only drive out everything else."""
        self.drop(digest)
        if len(data) > self.limit:
            return
        self._objects[digest] = data
        self.size += len(data)
        while self.size > self.limit:
            self.size -= len(self._objects.popitem(last=False)[1])

    def drop(self, digest: Digest) -> None:
        data = self._objects.pop(digest, None)
        if data is not None:
            self.size -= len(data)

    def clear(self) -> None:
        self._objects.clear()
        self.size = 0
