"""A keeper in a system of its own, on real files and real SQLite."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from actors.disk import Disk
from actors.events import Event, Events
from actors.keeper.keeper import Keeper
from actors.offload import InlineOffload, Offload
from actors.system import System
from tests.actors.keeper.keeping import Open, Talk


@pytest.fixture
def open_keeper(tmp_path: Path) -> Open:
    """Opens a keeper, by default on `cache` in the test's own folder, with room for everything."""

    @asynccontextmanager
    async def open_keeper(
        folder: str | None = str(tmp_path / "cache"), *, disk: Disk | None = None, inline: bool = False, **settings: Any
    ) -> AsyncIterator[Talk]:
        settings = {"max_size": 1 << 30, "eviction": "lru", "hot_memory": 1 << 20, **settings}
        keeper = Keeper(folder, **settings)
        events = Events()
        seen: list[Event] = []
        events.listen(seen.append)
        system = System([keeper], offload=InlineOffload(disk) if inline else Offload(disk), events=events)
        async with system.running():
            yield Talk(system, keeper, seen)

    return open_keeper
