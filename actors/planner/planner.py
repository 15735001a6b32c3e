"""The planner as an actor: it passes on what arrives to `Machine`, which decides, and posts what that asks for."""

from __future__ import annotations

from actors.actor import Actor
from actors.compiler.toolchains import Toolchains
from actors.mailbox import Address, Cell
from actors.messages import Build, BuildDone, BuildRequest, Message, ToKeeper, ToPlanner, ToWorkers, WorkerRequest
from actors.planner.machine import Machine
from actors.planner.run import ENDED
from actors.planner.session import Driver

POSTS_BESIDE_JOBS = 16
"""How many requests to the keeper may be unanswered; a build has one or two at a time."""


class Planner(Actor[ToPlanner]):
    """Follows one build at a time. `slots` is the number of worker slots; it posts at most one job for each idle one.
    `remembers` as in `Session`."""

    name = "planner"

    def __init__(
        self,
        workers: Address[ToWorkers],
        keeper: Address[ToKeeper],
        toolchains: Toolchains,
        slots: int,
        *,
        remembers: bool = True,
    ) -> None:
        super().__init__(workers, keeper, outstanding=slots + POSTS_BESIDE_JOBS)
        self.workers = workers
        self.keeper = keeper
        self.machine = Machine(
            toolchains,
            slots,
            remembers,
            Driver(
                send=self._send,
                later=self._later,
                now=lambda: self.offload.now(),
                cancelled=lambda build: self.cancelled(build),
            ),
        )

    async def started(self) -> None:
        self.machine.session.events = self.events

    async def receive(self, message: ToPlanner, reply: Cell) -> None:
        if isinstance(message, Build):
            build = message.build

            def answer(done: BuildDone) -> None:
                self.system.forget_build(build)
                reply.set(done)

            # A build may end after its answer. It cannot be cancelled then, but closing the Project and the
            # next build wait for its end.
            self.system.build_begins(build)
            self.machine.build(message, answer, lambda: self.system.build_ends(build))
        else:
            self.machine.arrived(message)

    async def replied(self, request: Message, answer: Message) -> None:
        self.machine.answered(request, answer)

    async def nudged(self) -> None:
        self.machine.advance()

    def idle(self) -> bool:
        return self.machine.run_now is None

    def doing(self) -> str:
        steps = self.machine.current
        if steps is None:
            return ""
        run, left = steps.run, steps.left_to_others
        counts = run.states.counts
        ended = sum(counts[state] for state in ENDED)
        others = f", {left} left to other processes" if left else ""
        return f"{run.phase.name.lower().replace('_', ' ')}, {ended} of {sum(counts.values())} modules done{others}"

    def _send(self, request: BuildRequest[Message] | ToWorkers) -> None:
        self.post(self.workers if isinstance(request, WorkerRequest) else self.keeper, request)

    def _later(self, seconds: float) -> None:
        async def wait() -> None:
            await self.offload.sleep(seconds)
            self.nudge()

        self.start(wait)
