"""What a build makes is digested once in the whole process: who makes an entry says its digest, and the keeper believes
it. What comes from the disk is checked, by digest where no checksum is known."""

from __future__ import annotations

import hashlib
import sys
from collections import Counter
from typing import Any

import pytest

from actors.messages import NewEntry, StoreEntries
from actors.system import TapRecord
from orchestrator.testing.world import World

pytestmark = pytest.mark.anyio

TEXTS = {"main": "use a::f as x\nrun a::f\n", "a": "use b::g as x\npub f = x\n", "b": "pub g =\n"}


@pytest.fixture
def digested(monkeypatch: pytest.MonkeyPatch) -> Counter[bytes]:
    """How often SHA-256 was computed of what, by all modules of ours."""
    counts: Counter[bytes] = Counter()
    sha256 = hashlib.sha256

    def counted(data: bytes = b"", **more: Any) -> Any:
        counts[bytes(data)] += 1
        return sha256(data, **more)

    users = [one for name, one in sys.modules.items() if name.startswith(("actors.", "orchestrator."))]
    for module in users:
        if getattr(module, "sha256", None) is sha256:
            monkeypatch.setattr(module, "sha256", counted)
    return counts


async def test_an_object_and_a_program_are_digested_once(digested: Counter[bytes]) -> None:
    entries: list[NewEntry] = []

    def tap(record: TapRecord) -> None:
        if record.kind == "post" and isinstance(record.message, StoreEntries):
            entries.extend(record.message.entries)

    world = World()
    world.write(TEXTS)
    async with world.open(tap=tap, jobs=1) as project:
        await project.build()
        assert sorted((one.kind, one.module) for one in entries if one.kind != "link") == [
            ("object", "a"),
            ("object", "b"),
            ("object", "main"),
            ("program", "main"),
        ]
        for one in entries:
            assert digested[one.data] == 1, f"{one.kind} {one.module}"
            assert hashlib.sha256(one.data).hexdigest() == one.digest
        first = len(entries)
        digested.clear()
        world.write({"a": "use b::g as x\npub f = x\npub h =\n"})
        await project.build()
        await project.builds_ended()
        made = {one.data for one in entries[first:]}
        assert made
        assert all(digested[data] == 1 for data in made)
        assert max(digested[one.data] for one in entries) == 1, "what is read from the disk is checked once, too"
