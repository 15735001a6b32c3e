"""The scanner: looks at the sources, and tells the hasher which of them to read."""

from __future__ import annotations

from actors.events import FileSkipped, SourcesScanned
from actors.messages import BATCH, Scan, ScanEnd, SourcesFound
from actors.scanner.compare import Looked, Remembered, look
from actors.system import Actor, Address, Cell

SKIPPED = frozenset({"W0801", "W0802", "W0803"})
"""Warnings that say that something was left out."""


class Scanner(Actor[Scan]):
    """Walks once a build; what counts as a source is decided in walk.py, what as changed in compare.py."""

    def __init__(self, hasher: Address[SourcesFound]) -> None:
        super().__init__(hasher)
        self.hasher = hasher
        self.remembered = Remembered()

    async def receive(self, message: Scan, reply: Cell) -> None:
        build, root = message.build, message.rules.root
        if self.cancelled(build):
            await self._end(message)
            return
        looked = await self.offload.run(look, message, self.remembered, self.offload.disk)
        if self.events.wanted:
            self._emit(build, looked)
        found = looked.found
        last = max(0, (len(found) - 1) // BATCH * BATCH)
        for start in range(0, last, BATCH):
            if self.cancelled(build):
                await self._end(message)
                return
            batch = found[start : start + BATCH]
            await self.tell(self.hasher, SourcesFound(build=build, root=root, found=batch))
        await self.tell(self.hasher, SourcesFound(build=build, root=root, found=found[last:], end=looked.end))

    async def _end(self, message: Scan) -> None:
        """The end of a cancelled scan: whoever waits for it knows for itself that the build is cancelled."""
        await self.tell(self.hasher, SourcesFound(build=message.build, root=message.rules.root, end=ScanEnd()))

    def _emit(self, build: int, looked: Looked) -> None:
        end = looked.end
        for problem in end.problems:
            if problem.code in SKIPPED:
                self.events.emit(FileSkipped(build=build, file=problem.file, reason=problem.message))
        total = len(end.unchanged) + len(looked.found)
        self.events.emit(SourcesScanned(build=build, total=total, changed=len(looked.found), removed=len(end.removed)))
