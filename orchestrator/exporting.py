"""What the last builds of a cache use: the entries that `project.cache.export_to` writes."""

from __future__ import annotations

from actors.digests import Digest
from actors.disk import Disk
from actors.keeper.store import SNAPSHOTS, FileStore
from actors.planner.table import Plan, decode_plan

_EXTENSION = ".plan"


def plans_of(folder: str, disk: Disk) -> list[Plan]:
    """Returns the plans of the last builds: one for each project and profile that uses the cache in `folder`."""
    store = FileStore(disk, folder)
    names = [name.removesuffix(_EXTENSION) for name in store.names(SNAPSHOTS) if name.endswith(_EXTENSION)]
    plans = [decode_plan(store.read_plan(name)) for name in sorted(names)]
    return [plan for plan in plans if plan is not None]


def used_by(plans: list[Plan]) -> tuple[tuple[Digest, ...], tuple[Digest, ...]]:
    """Returns the keys of what these builds use, and the digests of what they know by digest alone."""
    keys: set[Digest] = set()
    digests: set[Digest] = set()
    for plan in plans:
        keys.update(row.key for row in plan.modules.values() if row.object)
        keys.add(plan.program_key)
        digests.update((plan.link_state, plan.link_program))
    return tuple(sorted(keys - {""})), tuple(sorted(digests - {""}))
