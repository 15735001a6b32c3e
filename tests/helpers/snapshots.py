"""A snapshot as a build leaves it, from what a scan and the hasher say: for tests that have no build."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from actors.digests import NO_STAMP
from actors.messages import KnownSource, ScanEnd, Source
from actors.scanner.snapshot import Beside, Snapshot, make_snapshot


def snapshot_of(root: str, end: ScanEnd, read: Iterable[Source], **more: Any) -> Snapshot:
    """`read` are the sources that were read; `end` has those that were not."""
    known = [
        KnownSource(
            module=source.module,
            path=source.path,
            digest=source.digest,
            size=len(source.data),
            stamp=NO_STAMP if source.error else source.stamp,
        )
        for source in read
    ]
    return make_snapshot(root, end, [*known, *end.unchanged], Beside(**more))
