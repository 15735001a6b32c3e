"""The scanner finds the sources, and tells the hasher which of them to read."""

from __future__ import annotations

from actors.actor import Actor
from actors.events import FileSkipped, SourcesScanned
from actors.mailbox import Address, Cell
from actors.messages import BATCH, Scan, ScanEnd, SourcesFound
from actors.offload import STAMPS_A_FILE
from actors.scanner.compare import LoadedSnapshot, ScanResult, scan_sources

SKIPPED = frozenset({"W0801", "W0802", "W0803"})
"""Codes of warnings about files and folders that were left out."""


class Scanner(Actor[Scan]):
    """Scans once for each build. walk.py decides what is a source, compare.py what has changed."""

    def __init__(self, hasher: Address[SourcesFound]) -> None:
        super().__init__(hasher)
        self.hasher = hasher
        self.snapshot = LoadedSnapshot()

    async def receive(self, message: Scan, reply: Cell) -> None:
        """Scans, and tells the hasher what must be read."""
        # The end travels with the last batch, which may be empty: the hasher passes both on, so the planner has all
        # sources when it sees the end. A cancelled scan ends too, because the planner waits for its end.
        build, root = message.build, message.rules.root
        if self.cancelled(build):
            await self._end(message)
            return
        stamps = self.snapshot.stamps + len(message.memory)
        result = await self.offload.files(
            stamps // STAMPS_A_FILE, 0, scan_sources, message, self.snapshot, self.offload.disk
        )
        if self.events.wanted:
            self._emit(build, result)
        sources = result.found
        last = max(0, (len(sources) - 1) // BATCH * BATCH)
        for start in range(0, last, BATCH):
            if self.cancelled(build):
                await self._end(message)
                return
            batch = sources[start : start + BATCH]
            await self.tell(self.hasher, SourcesFound(build=build, root=root, found=batch))
        await self.tell(self.hasher, SourcesFound(build=build, root=root, found=sources[last:], end=result.end))

    async def _end(self, message: Scan) -> None:
        """Ends a cancelled scan. The planner waits for an end, and sees for itself that the build is cancelled."""
        await self.tell(self.hasher, SourcesFound(build=message.build, root=message.rules.root, end=ScanEnd()))

    def _emit(self, build: int, result: ScanResult) -> None:
        end = result.end
        for problem in end.problems:
            if problem.code in SKIPPED:
                self.events.emit(FileSkipped(build=build, file=problem.file, reason=problem.message))
        total = len(end.unchanged) + len(result.found)
        self.events.emit(SourcesScanned(build=build, total=total, changed=len(result.found), removed=len(end.removed)))
