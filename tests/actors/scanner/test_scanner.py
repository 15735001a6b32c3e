"""The scanner as an actor, with the hasher behind it."""

from __future__ import annotations

import pytest

from actors.events import Events, FileSkipped, SourceRead, SourcesScanned
from actors.hasher.hasher import Hasher
from actors.messages import MemorySource, Rules, Scan, ScanEnd, SourcesRead
from actors.offload import InlineOffload
from actors.scanner.scanner import Scanner
from actors.system import Actor, System
from orchestrator.testing.disk import FakeDisk

pytestmark = pytest.mark.anyio

RULES = Rules(root="/p", extensions=(".ruchy",))


class FakePlanner(Actor[SourcesRead]):
    """Collects what arrives."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[SourcesRead] = []

    async def receive(self, message, reply):
        self.batches.append(message)


class Rig:
    def __init__(self, disk: FakeDisk) -> None:
        self.disk = disk
        self.planner = FakePlanner()
        self.hasher = Hasher(self.planner.address, lambda path, raw: raw)
        self.scanner = Scanner(self.hasher.address)
        self.seen: list[object] = []
        events = Events()
        events.listen(self.seen.append)
        self.system = System([self.scanner, self.hasher, self.planner], offload=InlineOffload(disk), events=events)

    async def scan(self, *scans: Scan, cancel: int = 0) -> list[SourcesRead]:
        async with self.system.running():
            if cancel:
                self.system.cancelled_builds.add(cancel)
            for scan in scans:
                await self.system.tell(self.scanner.address, scan)
        return self.planner.batches


def disk_with(count: int) -> FakeDisk:
    disk = FakeDisk(aged=True)
    disk.memory.make_folders("/p")
    for number in range(count):
        disk.write(f"/p/m{number:03}.ruchy", b"%d" % number)
    return disk


@pytest.mark.parametrize(("count", "sizes"), [(0, [0]), (1, [1]), (64, [64]), (65, [64, 1]), (130, [64, 64, 2])])
async def test_batches_of_64_and_the_last_has_the_end(count, sizes):
    batches = await Rig(disk_with(count)).scan(Scan(build=3, rules=RULES))
    assert [len(batch.sources) for batch in batches] == sizes
    assert [batch.end is not None for batch in batches] == [False] * (len(sizes) - 1) + [True]
    assert {batch.build for batch in batches} == {3}
    texts = [source.data for batch in batches for source in batch.sources]
    assert texts == [b"%d" % number for number in range(count)]


async def test_events():
    disk = disk_with(2)
    disk.write("/p/my-app.ruchy", b"")
    rig = Rig(disk)
    await rig.scan(Scan(build=1, rules=RULES))
    assert [type(event) for event in rig.seen] == [FileSkipped, SourcesScanned, SourceRead, SourceRead]
    skipped, scanned, read, _ = rig.seen
    assert skipped.file == "my-app.ruchy"
    assert "no identifier" in skipped.reason
    assert (scanned.total, scanned.changed, scanned.removed) == (2, 2, 0)
    assert (read.module, read.size, read.changed) == ("m000", 1, True)


async def test_memory_without_a_folder():
    memory = (MemorySource(path="main.ruchy", data=b"1"), MemorySource(path="a.ruchy", data=b"2"))
    rig = Rig(FakeDisk())
    (batch,) = await rig.scan(Scan(build=1, rules=RULES, memory=memory, walk=False))
    assert [(source.module, source.data) for source in batch.sources] == [("a", b"2"), ("main", b"1")]
    assert batch.end is not None
    assert batch.end.problems == ()
    assert rig.disk.counts.total() == 0


async def test_a_missing_root_is_a_problem_and_no_exception():
    (batch,) = await Rig(FakeDisk()).scan(Scan(build=1, rules=RULES))
    assert batch.end is not None
    assert [problem.code for problem in batch.end.problems] == ["E0807"]


async def test_a_cancelled_build_reads_nothing_and_still_ends():
    rig = Rig(disk_with(70))
    batches = await rig.scan(Scan(build=1, rules=RULES), Scan(build=2, rules=RULES), cancel=1)
    assert batches[0] == SourcesRead(build=1, end=ScanEnd())
    assert [batch.build for batch in batches] == [1, 2, 2]
    assert len(rig.disk.reads) == 70


async def test_cancelled_half_way():
    rig = Rig(disk_with(64 * 20))
    rig.disk.before = lambda operation, path: (
        rig.system.cancelled_builds.add(1) if operation == "read" and path.endswith("m063.ruchy") else None
    )
    batches = await rig.scan(Scan(build=1, rules=RULES))
    assert len(rig.disk.reads) < 64 * 4
    assert len(batches) < 20
    assert [batch.end is None for batch in batches] == [True] * (len(batches) - 1) + [False]


async def test_a_module_that_vanishes_between_scan_and_read():
    disk = disk_with(3)
    disk.before = lambda operation, path: disk.memory.nodes.pop("/p/m001.ruchy", None) if operation == "read" else None
    (batch,) = await Rig(disk).scan(Scan(build=1, rules=RULES))
    assert [source.module for source in batch.sources] == ["m000", "m002"]
    assert batch.vanished == ("m001",)
