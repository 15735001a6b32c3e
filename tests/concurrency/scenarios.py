"""Scenarios of our actors, each small enough to be run under thousands of schedules: what must hold is
asserted in them, whatever the schedule is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import anyio
import anyio.lowlevel

import orchestrator
from actors.compiler.pool import Pool
from actors.compiler.toolchain import CompileJob
from actors.compiler.toolchains import Toolchains
from actors.digests import digest
from actors.keeper.keeper import Keeper
from actors.mailbox import Address, Cell, Closed, Mailbox
from actors.messages import (
    Begin,
    Begun,
    Build,
    Collect,
    CompileDone,
    End,
    Find,
    Found,
    Load,
    Loaded,
    Message,
    NewEntry,
    Publish,
    RunCompile,
    Statistics,
    StoreEntries,
    Verify,
)
from actors.offload import InlineOffload
from actors.system import Actor, Broken, System, TapRecord
from orchestrator import BuildCancelled, Project, ProjectError, Sources
from orchestrator.testing.disk import FakeDisk
from orchestrator.testing.faults import Faults
from orchestrator.testing.laws import MessageLaws
from orchestrator.testing.toolchain import PlainToolchain
from orchestrator.testing.world import World

Scenario = Callable[[], Awaitable[None]]

checkpoint = anyio.lowlevel.checkpoint


async def turns(count: int) -> None:
    """Let others have so many turns."""
    for _ in range(count):
        await checkpoint()


# ------------------------------------------------------------------------------------------------ actors alone


def note(number: int) -> Begin:
    """A message: the smallest that there is."""
    return Begin(build=number)


class Clerk(Actor[Begin]):
    """Answers with the number that it was asked, after `slow` turns."""

    def __init__(self, slow: int = 0, capacity: int = 8) -> None:
        self.name = "clerk"
        super().__init__(mailbox=Mailbox(capacity))
        self.slow = slow
        self.got: list[int] = []
        self.left: Mailbox[Begin] | None = None
        """The desk's mailbox, which is none of the clerk's business; one of the planted bugs makes it so."""

    async def receive(self, message: Begin, reply: Cell) -> None:
        await turns(self.slow)
        self.got.append(message.build)
        reply.set(Begun(degraded=str(message.build)))


class FrontDesk(Actor[Begin]):
    """Passes on what it is told or asked; answers come back through it."""

    def __init__(self, right: Address[Begin], capacity: int = 8, slow: int = 0) -> None:
        self.name = "desk"
        super().__init__(right, outstanding=8, mailbox=Mailbox(capacity))
        self.right = right
        self.slow = slow
        self.asking: dict[int, Cell] = {}

    async def receive(self, message: Begin, reply: Cell) -> None:
        await turns(self.slow)
        if message.build >= 100:
            await self.tell(self.right, message)
        else:
            self.asking[message.build] = reply
            self.post(self.right, message)

    async def replied(self, request: Message, answer: Message) -> None:
        assert isinstance(request, Begin)
        self.asking.pop(request.build).set(answer)


@asynccontextmanager
async def office(
    slow: int = 0, capacity: int = 1, *, all_told: bool = True
) -> AsyncIterator[tuple[System, FrontDesk, Clerk]]:
    """A desk and a clerk, and the laws of messages about them. `all_told`: nobody is refused, so all that was to be
    told must arrive."""
    clerk = Clerk(slow, capacity)
    desk = FrontDesk(clerk.address, capacity)
    clerk.left = desk.mailbox
    laws = MessageLaws()
    system = System([desk, clerk], tap=laws)
    laws.watch(system)
    async with system.running():
        yield system, desk, clerk
    if all_told:
        laws.check()
        for actor in (desk, clerk):
            box = actor.mailbox
            assert (len(box.items), box.told, box.bytes, box.waiting) == (0, 0, 0, 0)
    assert laws.violations == []


async def asks() -> None:
    """Everybody gets the answer to their own question."""

    async def ask(system: System, desk: FrontDesk, number: int) -> None:
        await turns(2 * number)
        answer = await system.ask(desk.address, note(number))
        assert answer == Begun(degraded=str(number)), f"{number} was answered {answer}"

    async with office(slow=1) as (system, desk, _), anyio.create_task_group() as group:
        for number in range(3):
            group.start_soon(ask, system, desk, number, name=f"asker {number}")


async def asks_slowly() -> None:
    """The same, one asker well after the other."""

    async def ask(system: System, desk: FrontDesk, number: int) -> None:
        await turns(10 + 15 * number)
        assert await system.ask(desk.address, note(number)) == Begun(degraded=str(number))

    async with office(slow=2) as (system, desk, _), anyio.create_task_group() as group:
        for number in range(3):
            group.start_soon(ask, system, desk, number, name=f"asker {number}")


async def tells() -> None:
    """All that is told arrives once, of each sender in order, and no mailbox is ever over its bound."""

    async def tell(system: System, desk: FrontDesk, base: int) -> None:
        for number in range(3):
            await system.tell(desk.address, note(base + number))
            await turns(3)

    async with office() as (system, desk, clerk), anyio.create_task_group() as group:
        for base in (100, 200):
            group.start_soon(tell, system, desk, base, name=f"teller {base}")
    for base in (100, 200):
        assert [one for one in clerk.got if base <= one < base + 100] == [base, base + 1, base + 2]
    assert max(desk.mailbox.most, clerk.mailbox.most) <= 1, "a mailbox was over its bound"


async def tells_slowly() -> None:
    """The same of one sender, who takes time."""
    count = 7

    async def tell(system: System, desk: FrontDesk) -> None:
        for number in range(count):
            await system.tell(desk.address, note(100 + number))
            await turns(12)

    async with office(all_told=False) as (system, desk, clerk), anyio.create_task_group() as group:
        group.start_soon(tell, system, desk, name="teller")
    assert [one for one in clerk.got if one >= 100] == list(range(100, 100 + count))


async def two_tells() -> None:
    """The smallest of them, to be run under all schedules: one tells, and then the other."""
    async with office() as (system, desk, clerk):
        await system.tell(desk.address, note(100))
        await system.tell(desk.address, note(101))
    assert clerk.got == [100, 101]


async def gives_up() -> None:
    """Who waits at a full mailbox and is cancelled leaves nothing behind, and the next one gets through."""
    box: Mailbox[Begin] = Mailbox(1)
    scope = anyio.CancelScope()
    sent: list[int] = []
    arrived: list[int] = []

    async def tell(number: int, scope: anyio.CancelScope) -> None:
        with scope:
            await turns(number)
            await box.put(note(number), 5)
            sent.append(number)

    async def take() -> None:
        while {1, 3} - set(arrived):
            woken = anyio.Event()
            box.wake = woken.set
            if not box.items:
                await woken.wait()
            arrived.append(box.take().message.build)
            assert len(box.items) <= 1, "the mailbox is over its bound"

    async with anyio.create_task_group() as group:
        group.start_soon(tell, 1, anyio.CancelScope(), name="first")
        group.start_soon(tell, 2, scope, name="second")
        group.start_soon(tell, 3, anyio.CancelScope(), name="third")
        await turns(8)
        group.start_soon(take)
        await turns(5)
        scope.cancel()
    while box.items:
        arrived.append(box.take().message.build)
    assert sorted(arrived) == sorted(sent)
    assert (box.told, box.bytes, box.waiting) == (0, 0, 0)


async def stops() -> None:
    """An orderly stop delivers what was told before it, and refuses the rest."""
    sent: list[int] = []

    async def tell(system: System, desk: FrontDesk) -> None:
        try:
            for number in range(100, 104):
                await system.tell(desk.address, note(number))
                sent.append(number)
        except Closed:
            pass

    async with anyio.create_task_group() as group, office(all_told=False) as (system, desk, clerk):
        group.start_soon(tell, system, desk, name="teller")
        await turns(6)
    assert clerk.got == sent


async def breaks() -> None:
    """An exception in an actor reaches everyone who waits, and everyone who comes later."""

    class Faulty(Clerk):
        async def receive(self, message: Begin, reply: Cell) -> None:
            if message.build == 1:
                raise ValueError("a bug")
            await super().receive(message, reply)

    ends: list[str] = []

    async def ask(system: System, desk: FrontDesk, number: int) -> None:
        try:
            await system.ask(desk.address, note(number))
            ends.append("answered")
        except Broken as error:
            assert isinstance(error.__cause__, ValueError)
            ends.append("broken")

    clerk = Faulty(slow=1)
    desk = FrontDesk(clerk.address)
    system = System([desk, clerk])
    async with system.running(), anyio.create_task_group() as group:
        for number in range(3):
            group.start_soon(ask, system, desk, number, name=f"asker {number}")
    assert len(ends) == 3 and "broken" in ends
    assert clerk.ended.is_set() and desk.ended.is_set()


# ------------------------------------------------------------------------------------------------ pool and keeper


class Hops(InlineOffload):
    """Each way out of the loop takes as many turns as `of` says for the function and its subject (a module's name)."""

    def __init__(self, of: Callable[[str, str], int], disk: FakeDisk | None = None) -> None:
        super().__init__(disk or FakeDisk())
        self._of = of

    async def run(self, function: Callable[..., Any], *args: Any) -> Any:
        name = getattr(function, "__name__", "")
        subject = next((one.module for one in args if isinstance(one, CompileJob)), "")
        await turns(1)
        result = function(*args)
        await anyio.lowlevel.checkpoint()
        await turns(self._of(name, subject))
        return result


def job(build: int, module: str) -> RunCompile:
    return RunCompile(
        build=build,
        jobs=(CompileJob(module=module, path=f"{module}.plain", source=b"f = x\n"),),
        digests=(digest(b"f = x\n"),),
    )


async def pool_jobs() -> None:
    """Each job is compiled once, is answered with its own outcome, and gives its slot back."""
    toolchain = PlainToolchain()
    pool = Pool(Toolchains(toolchain), 2)
    slow = {"short": 0, "long": 12}
    laws = MessageLaws()
    system = System([pool], offload=Hops(lambda _, module: slow.get(module, 0)), tap=laws)
    laws.watch(system)

    async def ask(module: str) -> None:
        for build in (1, 2):
            answer = await system.ask(pool.address, job(build, module))
            assert isinstance(answer, CompileDone)
            assert [one.module for one in answer.outcomes] == [module], f"{module} got another's answer"
            assert answer.build == build

    async with system.running():
        async with anyio.create_task_group() as group:
            group.start_soon(ask, "short", name="short")
            group.start_soon(ask, "long", name="long")
        assert pool.idle(), "a slot was lost"
    laws.check()
    assert sorted(module for _, module in toolchain.calls) == ["long", "long", "short", "short"]


async def pool_cancelled() -> None:
    """A cancelled build's job is answered with what is finished, and its slot is idle again."""
    pool = Pool(Toolchains(PlainToolchain()), 1)
    system = System([pool], offload=Hops(lambda *_: 3))
    async with system.running():
        async with anyio.create_task_group() as group:
            group.start_soon(system.ask, pool.address, job(1, "a"), name="asker")
            await turns(4)
            system.cancel(1)
        assert pool.idle(), "a slot was lost"
        answer = await system.ask(pool.address, job(2, "b"))
        assert isinstance(answer, CompileDone) and [one.module for one in answer.outcomes] == ["b"]


def entry(module: str) -> NewEntry:
    data = f"\0asm {module}".encode()
    return NewEntry(
        key=digest(module.encode()),
        digest=digest(data),
        kind="object",
        module=module,
        manifest=b"{}",
        data=data,
        identity=digest(b"it"),
    )


async def keeper_crowd() -> None:
    """Many at one keeper: what was stored is found and read, byte for byte, and the statistics add up."""
    keeper = Keeper(None, max_size=0, eviction="lru", hot_memory=1 << 20)
    laws = MessageLaws()
    system = System([keeper], offload=InlineOffload(FakeDisk()), tap=laws)
    laws.watch(system)

    async def use(module: str) -> None:
        mine = entry(module)
        await system.ask(keeper.address, StoreEntries(build=1, entries=(mine,), force=False))
        found: Any = await system.ask(keeper.address, Find(build=1, keys=(mine.key,)))
        assert mine.key in found.entries, f"{module} was stored, and is not found"
        read: Any = await system.ask(keeper.address, Load(build=1, digests=(found.entries[mine.key].digest,)))
        assert list(read.data.values()) == [mine.data]

    async def look_after() -> None:
        await turns(60)
        checked: Any = await system.ask(keeper.address, Verify())
        assert checked.damage == ()
        await system.ask(keeper.address, Collect(force=True))

    async with system.running():
        await system.ask(keeper.address, Begin(build=1))
        async with anyio.create_task_group() as group:
            group.start_soon(use, "a", name="user a")
            group.start_soon(use, "b", name="user b")
            group.start_soon(look_after)
        await system.ask(keeper.address, End(build=1, finished=True, hits=2, misses=0, compilations=2))
        counts: Any = await system.ask(keeper.address, Statistics())
        assert (counts.entries, counts.hits, counts.compilations) == (2, 2, 2)
    laws.check()


# ------------------------------------------------------------------------------------------------ whole builds


TEXTS = {"main": "use low::f as x\npub g = x\n", "low": "pub f = one\n"}


def named(texts: Mapping[str, str]) -> dict[str, str]:
    return {f"{module}.plain": text for module, text in texts.items()}


class Watch:
    """The laws of messages, and one of builds: what a cancelled build may not do any more."""

    def __init__(self) -> None:
        self.laws = MessageLaws()
        self.wrong: list[str] = []
        self.project: Project | None = None
        self.found: set[str] = set()
        self.builds: set[int] = set()

    def watch(self, project: Project) -> None:
        self.project = project
        self.laws.watch(project)

    def __call__(self, record: TapRecord) -> None:
        self.laws(record)
        message = record.message
        if isinstance(message, Found):
            self.found = {one.digest for one in message.entries.values()}
        if isinstance(message, Loaded) and record.kind == "reply" and self.found - set(message.data):
            self.wrong.append("what was found was not there to be read")
        if isinstance(message, Build) and record.kind == "ask":
            if message.build in self.builds:
                self.wrong.append(f"two builds have the number {message.build}")
            self.builds.add(message.build)
        if self.project is None or record.kind != "post":
            return
        late = isinstance(message, Publish) or (isinstance(message, End) and message.finished)
        if late and message.build in self.project.system.cancelled_builds:
            self.wrong.append(f"{type(message).__name__} of a cancelled build")

    def check(self) -> None:
        self.laws.check()
        assert self.wrong == []


@asynccontextmanager
async def project(
    sources: Sources, toolchain: PlainToolchain, hops: Callable[[str, str], int] = lambda *_: 0, **settings: Any
) -> AsyncIterator[Project]:
    """An open project with its cache in memory."""
    watch = Watch()
    settings = {"jobs": 2, "entry": "main.plain", **settings}
    opened = orchestrator.open(sources, toolchain=toolchain, offload=Hops(hops), tap=watch, **settings)
    async with opened as found:
        watch.watch(found)
        yield found
    watch.check()


def compiled(toolchain: PlainToolchain) -> list[str]:
    return sorted(module for function, module in toolchain.calls if function == "compile")


async def builds_twice() -> None:
    """Everything once, and then nothing."""
    toolchain = PlainToolchain()
    async with project(Sources(named(TEXTS)), toolchain) as opened:
        first = await opened.build()
        assert first.success and first.recompiled == ["low", "main"]
        assert compiled(toolchain) == ["low", "main"], "a module was compiled twice"
        second = await opened.build()
        assert (second.recompiled, second.cache_hits) == ([], 2)
    assert compiled(toolchain) == ["low", "main"]


async def two_requests() -> None:
    """Two different builds are asked for at about the same time: both are done, one after the other."""
    async with project(Sources(named(TEXTS)), PlainToolchain()) as opened:

        async def build(later: int, **more: Any) -> None:
            await turns(later)
            assert (await opened.build(**more)).success

        async with anyio.create_task_group() as group:
            group.start_soon(build, 0, name="first")
            group.start_soon(partial(build, 9, force=True), name="second")


async def waits_for_imports() -> None:
    """With a toolchain that needs its imports' objects, nobody begins before they are there, and none twice."""
    toolchain = PlainToolchain(waits=True)
    texts = {"main": "use a::f as x\nuse b::f as y\npub g = x y\n", "a": "pub f =\n", "b": "pub f =\n"}
    async with project(Sources(named(texts)), toolchain, lambda _, module: 2 if module == "a" else 0) as opened:
        result = await opened.build()
        assert result.success
    order = [module for function, module in toolchain.calls if function == "compile"]
    assert sorted(order) == ["a", "b", "main"] and order[-1] == "main"


async def fails_early() -> None:
    """What fails, and what is blocked by it, does not depend on the schedule."""
    toolchain = PlainToolchain()
    texts = {"main": "use low::f as x\npub g = x\n", "low": "pub f =\nfail no\n", "alone": "pub h =\n"}
    async with project(Sources(named(texts)), toolchain) as opened:
        result = await opened.build()
        assert (result.failed, result.blocked, result.program) == (["low"], ["main"], None)
        assert result.recompiled == ["alone"]


async def everyone_sees_their_edits() -> None:
    """Whoever edits and then builds gets a build of their edit, whoever else builds meanwhile."""
    toolchain = PlainToolchain()
    sources = Sources(named(TEXTS))
    async with project(sources, toolchain) as opened:

        async def edit(number: int) -> None:
            await turns(GAP * number)
            word = f"edit{number}"
            sources["low.plain"] += f"pub {word} =\n"
            revision = sources["low.plain"]
            result = await opened.build()
            assert result.success
            built = [one for one in BUILT if word in one]
            assert built, f"a build was answered that had not seen {word}, of {revision!r}"

        BUILT.clear()
        toolchain.summarise = _noting(toolchain.summarise)  # type: ignore[method-assign]
        async with anyio.create_task_group() as group:
            for number in range(2):
                group.start_soon(edit, number, name=f"editor {number}")


BUILT: list[str] = []

GAP = 8
"""So many turns between one editor and the next."""


def _noting(summarise: Callable[..., Any]) -> Callable[..., Any]:
    def noting(job: Any) -> Any:
        BUILT.append(job.source.decode())
        return summarise(job)

    return noting


async def cancelled_early() -> None:
    """A build that is cancelled before it has much to do."""
    await cancelled(6)


async def cancelled(after: int = 20) -> None:
    """A build that is cancelled at some moment leaves nothing behind but finished objects."""
    toolchain = PlainToolchain()
    sources = Sources(named(TEXTS))
    async with project(sources, toolchain) as opened:
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as group:
                group.start_soon(opened.build)
                await turns(after)
                scope.cancel()
        result = await opened.build()
        assert result.success and result.program is not None
        assert len(result.recompiled) + result.cache_hits == 2
        again = await opened.build()
        assert (again.recompiled, again.cache_hits) == ([], 2)
    assert set(compiled(toolchain)) == {"low", "main"}


async def closed() -> None:
    """A Project that is closed while it builds answers who waits, and leaves no task."""
    ends: list[str] = []

    async def build(opened: Project) -> None:
        try:
            result = await opened.build()
            assert result.success
            ends.append("built")
        except (BuildCancelled, ProjectError):
            ends.append("closed")

    async with anyio.create_task_group() as group, project(Sources(named(TEXTS)), PlainToolchain()) as opened:
        group.start_soon(build, opened, name="builder")
        await turns(15)
    assert len(ends) == 1


async def looked_up_and_collected() -> None:
    """What a look-up has found is there to be read, although another process makes room meanwhile."""
    world = World()
    world.write(TEXTS)
    watch = Watch()
    async with world.open(tap=watch, hot_memory=0) as opened, world.open(max_size=1) as other:
        watch.watch(opened)
        await opened.build()

        async def look_up() -> None:
            await turns(2)
            await opened.cache.lookup_all(["low", "main"])

        async with anyio.create_task_group() as group:
            group.start_soon(look_up, name="reader")
            group.start_soon(other.cache.gc, name="collector")
    watch.check()


async def two_processes() -> None:
    """Two processes build one folder at once: both succeed, and what they leave answers a third."""
    world = World()
    world.write(TEXTS)

    async def build() -> None:
        laws = MessageLaws()
        async with world.process().open(tap=laws) as opened:
            laws.watch(opened)
            result = await opened.build()
            assert result.success and result.cache_degraded is None
        laws.check()

    async with anyio.create_task_group() as group:
        group.start_soon(build, name="one process")
        group.start_soon(build, name="another")
    async with world.open() as opened:
        result = await opened.build()
        assert (result.recompiled, result.cache_hits) == ([], 2)


def faulty(seed: int) -> Scenario:
    """A build of a folder in which things go wrong by chance: it succeeds all the same, and the next one is as one from
    nothing."""

    async def scenario() -> None:
        world = World()
        world.write(TEXTS)
        faults = Faults.seeded(seed, rate=0.08, kinds=("fail", "lose", "delay", "reorder"), hops="[!d]*")
        async with world.open(faults=faults) as opened:
            result = await opened.build()
            assert result.success, result.diagnostics
        async with world.open() as opened:
            result = await opened.build()
            assert result.success and len(result.recompiled) + result.cache_hits == 2

    return scenario


async def shared_elsewhere() -> None:
    """Two machines with one remote cache build at the same time, and a third one after them. All have the same program,
    and the third compiles nothing."""
    served: dict[str, bytes] = {}
    texts = {"main": "run a::f b::g", "a": "use b\npub f = b::g", "b": "pub g = 2"}
    programs: list[bytes] = []

    async def machine(upload: bool = True) -> list[str]:
        world = World()
        world.served = served
        world.write(texts)
        laws = MessageLaws()
        async with world.process().open(cache="http://cache.example/", upload=upload, tap=laws) as project:
            laws.watch(project.system)
            result = await project.build()
        laws.check()
        assert result.success
        programs.append(world.disk.read(str(result.program)))
        return result.recompiled

    async with anyio.create_task_group() as group:
        group.start_soon(machine)
        group.start_soon(machine)
    assert await machine(upload=False) == []
    assert len(programs) == 3
    assert len(set(programs)) == 1
