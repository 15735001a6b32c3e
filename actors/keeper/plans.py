"""The snapshot of a build and the planner's memory that goes with it, under `snapshots/`.

The plan begins with two checksums: that of the plan, and that of the snapshot it belongs to. A plan beside another
snapshot (a crash between the two files) is none.
"""

from __future__ import annotations

from actors.digests import checksum
from actors.keeper.store import LARGEST, SNAPSHOTS, Store

_LENGTH = 32


def is_name(snapshot: str) -> bool:
    """Whether this can be the name of a snapshot: a visible file name without folders."""
    return bool(snapshot) and not snapshot.startswith(".") and not set(snapshot) & set("/\\:\0")


def write(store: Store, snapshot: str, data: bytes, plan: bytes) -> int:
    """Write both; without a `plan` the one that is there goes with the new snapshot. Gives the bytes written; raises
    OSError."""
    plan = plan or recall(store, snapshot)
    head = (checksum(plan) + checksum(data)).encode()
    store.write(SNAPSHOTS, snapshot + ".plan", head + plan)
    store.write(SNAPSHOTS, snapshot, data)
    return len(head) + len(plan) + len(data)


def recall(store: Store, snapshot: str) -> bytes:
    """The plan of this snapshot; empty where there is none that fits."""
    try:
        text = store.disk.read(store.path(SNAPSHOTS, snapshot + ".plan"), LARGEST[SNAPSHOTS])
        data = store.disk.read(store.path(SNAPSHOTS, snapshot), LARGEST[SNAPSHOTS])
    except OSError:
        return b""
    plan = text[2 * _LENGTH :]
    return plan if text[: 2 * _LENGTH] == (checksum(plan) + checksum(data)).encode() else b""
