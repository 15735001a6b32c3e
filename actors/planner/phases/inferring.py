"""Between resolution and keys: signatures of functions that do not say all of theirs, from the index or the workers.

Most projects have none, and pass through here at once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

import msgspec

from actors.compiler.toolchain import Inference
from actors.digests import Digest
from actors.messages import BATCH, FindSummaries, InferDone, Message, RunInfer, StoreSummaries, SummariesFound
from actors.planner.desk import Desk
from actors.planner.phases.step import Step
from actors.planner.run import Phase, Run
from actors.untrusted import UNREADABLE

_decoder = msgspec.msgpack.Decoder(Inference)
_encoder = msgspec.msgpack.Encoder()


class Inferring(Step):
    """What the planner does between names and keys."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._keys: dict[str, Digest] = {}
        self._waiting: deque[str] = deque()
        self._new: dict[Digest, bytes] = {}

    def begin(self, run: Run, wanted: Mapping[str, Digest]) -> None:
        """Inferences are derived from what their key names, like summaries, and kept beside them. `wanted` are the keys
        by module."""
        desk = self.desk
        run.go(Phase.INFERRING)
        self._waiting.clear()
        self._keys = dict(wanted)
        sources = tuple(sorted(set(self._keys.values())))
        desk.ask(run, FindSummaries(build=run.id, identity=desk.facts.toolchain, sources=sources))

    def answered(self, run: Run, request: Message, answer: Message) -> None:
        if isinstance(answer, SummariesFound):
            self._found(answer)
        elif isinstance(answer, InferDone):
            self._done(run, answer)
        else:
            super().answered(run, request, answer)

    def _found(self, answer: SummariesFound) -> None:
        """What the index has; the rest is for the workers."""
        inferences = self.desk.facts.inferences
        for key, data in answer.summaries.items():
            try:
                inferences[key] = _decoder.decode(data)
            except UNREADABLE:
                continue  # Not readable is not there.
        self._waiting.extend(module for module, key in self._keys.items() if key not in inferences)

    def advance(self, run: Run) -> None:
        """Keep the slots busy; when all is inferred, go on to keys."""
        desk, facts = self.desk, self.desk.facts
        while desk.idle_slots and self._waiting and not run.replan:
            share = max(1, min(BATCH, len(self._waiting) // desk.idle_slots))
            modules = [self._waiting.popleft() for _ in range(share)]
            request = RunInfer(
                build=run.id,
                jobs=tuple([facts.job(module) for module in modules]),
                digests=tuple([facts.sources[module].digest for module in modules]),
                root=run.settings.root,
                ahead_ms=run.ahead_ms,
            )
            desk.ask(run, request)
        if run.awaited:
            return
        run.replan = False  # A file that changed meanwhile has another text, which is looked at next.
        if self._new:
            desk.ask(run, StoreSummaries(build=run.id, identity=facts.toolchain, summaries=self._new))
            self._new = {}
        run.go(Phase.LOOKING)

    def _done(self, run: Run, answer: InferDone) -> None:
        """Take over what a worker found. A crash is none of ours to report: the compile will meet it too."""
        for outcome in answer.outcomes:
            if outcome.changed is not None:
                self.desk.input_changed(run, outcome.module, outcome.changed)
            elif outcome.inference is not None:
                key = self._keys[outcome.module]
                self.desk.facts.inferences[key] = outcome.inference
                self._new[key] = _encoder.encode(outcome.inference)
            else:
                self.desk.facts.inferences[self._keys[outcome.module]] = Inference()

    def forget(self) -> None:
        """The build is cancelled."""
        self._waiting.clear()
        self._new = {}
