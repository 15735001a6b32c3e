"""The hasher reads the sources that the scanner found changed, and passes them to the planner."""

from __future__ import annotations

from actors.actor import Actor
from actors.events import SourceRead
from actors.hasher.source import Normalise, ReadResult, read_sources
from actors.mailbox import Address, Cell
from actors.messages import SourcesFound, SourcesRead, ToPlanner


class Hasher(Actor[SourcesFound]):
    """Reads sources and names them by digest. source.py decides when bytes and stamp belong together."""

    def __init__(self, planner: Address[ToPlanner], normalise: Normalise) -> None:
        super().__init__(planner)
        self.planner = planner
        self.normalise = normalise

    async def receive(self, message: SourcesFound, reply: Cell) -> None:
        build = message.build
        if not message.found or self.cancelled(build):
            # The planner waits for the end in any case, and sees for itself whether the build is cancelled.
            await self.tell(self.planner, SourcesRead(build=build, end=message.end))
            return
        offload = self.offload
        changed = message.found
        size = sum(source.stamp.size if source.stamp is not None else len(source.data or b"") for source in changed)
        read = await offload.files(
            len(changed), size, read_sources, changed, message.root, self.normalise, offload.disk
        )
        if self.events.wanted:
            self._emit(message, read)
        weight = sum(len(source.data) for source in read.sources)
        answer = SourcesRead(build=build, sources=read.sources, vanished=read.vanished, end=message.end)
        await self.tell(self.planner, answer, weight)

    def _emit(self, message: SourcesFound, read: ReadResult) -> None:
        known = {source.module: source.known for source in message.found}
        for source in read.sources:
            if source.error is None:
                self.events.emit(
                    SourceRead(
                        build=message.build,
                        module=source.module,
                        digest=source.digest,
                        size=len(source.data),
                        changed=source.digest != known[source.module],
                    )
                )
