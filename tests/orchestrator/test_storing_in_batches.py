"""Finished objects are stored together: a store is files and a transaction, beside workers at work."""

from __future__ import annotations

import pytest

from actors.messages import StoreEntries
from actors.planner.phases import compiling
from actors.system import TapRecord
from orchestrator import Sources
from tests.helpers.plain_builds import named, opened

pytestmark = pytest.mark.anyio

MODULES = {f"module{number}": f"pub f{number} =\n" for number in range(12)}


async def stores(monkeypatch: pytest.MonkeyPatch, worth: float) -> list[int]:
    """How many objects each `StoreEntries` of a build holds, where they are stored when they are worth so much."""
    monkeypatch.setattr(compiling, "STORE_MS", worth)
    seen: list[int] = []

    def tap(record: TapRecord) -> None:
        if record.kind == "post" and isinstance(record.message, StoreEntries):
            seen.append(len(record.message.entries))

    async with opened(Sources(named(MODULES)), jobs=2, entry=None, tap=tap) as bench:
        assert (await bench.build()).recompiled == sorted(MODULES)
        assert (await bench.build()).recompiled == []
    return seen


async def test_what_is_worth_little_waits_until_nothing_else_is_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await stores(monkeypatch, 1e9) == [len(MODULES)]


async def test_what_is_worth_enough_is_stored_while_others_compile(monkeypatch: pytest.MonkeyPatch) -> None:
    found = await stores(monkeypatch, 0.0)
    assert len(found) > 1 and sum(found) == len(MODULES)
