"""Looking modules up from many tasks at once."""

from __future__ import annotations

import anyio

from orchestrator import Project
from orchestrator.api import CachedObject


async def look_all_up(project: Project, modules: list[str], tasks: int) -> dict[str, CachedObject | None]:
    """Each task looks up its share, all at the same time."""
    found: dict[str, CachedObject | None] = {}

    async def look_up(share: list[str]) -> None:
        found.update(await project.cache.lookup_all(share))

    async with anyio.create_task_group() as group:
        for number in range(tasks):
            group.start_soon(look_up, modules[number::tasks])
    return found
