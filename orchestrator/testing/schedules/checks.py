"""Laws that any lock, queue, pool or stream should keep, each checked in one line.

    def test_the_pool_is_safe_to_cancel():
        cancellation_safe(Pool, use, lambda pool: pool.free == 2)

`make` makes the thing anew for each schedule, and `use` is an async function that uses it once. Each check runs on the
backends that it is given, and raises what fails, with the schedule and a line that replays.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from inspect import isawaitable
from typing import TypeVar, cast

from orchestrator.testing.schedules.cancelling import invariant
from orchestrator.testing.schedules.explore import DEFAULT_BACKEND, Backend, Exploration, explore
from orchestrator.testing.schedules.groups import User, let_others_run, together

T = TypeVar("T")

BACKENDS: tuple[Backend, ...] = ("asyncio", "trio") if DEFAULT_BACKEND == "trio" else ("asyncio",)
"""Those that are installed."""


def cancellation_safe(
    make: Callable[[], T | Awaitable[T]],
    use: Callable[[T], Coroutine[object, object, object]],
    law: Callable[[T], object],
    *,
    users: int = 3,
    schedules: int = 1000,
    backends: Sequence[Backend] = BACKENDS,
) -> list[Exploration]:
    """Cancels one of several users at each await, in each order of steps up to `schedules`, then asserts the law.

    `law(thing)` is called when all users have ended; it may be async. False breaks it, and what it raises. It is also
    asked whether another user still gets its turn: a `use` that waits for ever is a deadlock, which fails.
    """

    async def scenario() -> None:
        subject = await _made(make)
        await together([User(use, (subject,), f"user {number + 1}") for number in range(users)])
        await _asserted(law, subject)
        await use(subject)
        await _asserted(law, subject)

    return [_checked(scenario, schedules, backend, cancel=True) for backend in backends]


def bounded(
    make: Callable[[], T | Awaitable[T]],
    use: Callable[[T], Coroutine[object, object, object]],
    size: Callable[[T], int],
    bound: int,
    *,
    users: int = 3,
    schedules: int = 1000,
    cancel: bool = False,
    backends: Sequence[Backend] = BACKENDS,
) -> list[Exploration]:
    """Asserts after each step that `size(thing)` is at most `bound`, while several users are at work."""

    async def scenario() -> None:
        subject = await _made(make)

        def within() -> None:
            now = size(subject)
            assert now <= bound, f"{now}, and the bound is {bound}"

        with invariant(within):
            await together([User(use, (subject,), f"user {number + 1}") for number in range(users)])
        within()

    return [_checked(scenario, schedules, backend, cancel=cancel) for backend in backends]


def fair(
    make: Callable[[], T | Awaitable[T]],
    use: Callable[[T], Coroutine[object, object, object]],
    *,
    users: int = 3,
    turns: int = 5,
    ahead: int = 2,
    backends: Sequence[Backend] = BACKENDS,
) -> list[Exploration]:
    """Asserts that no user that takes `turns` turns is more than `ahead` turns before another one that waits as well.

    Fairness is asked on an event loop that is fair itself: the tasks run in FIFO order, and each user lets others run
    after its turn.
    """

    async def scenario() -> None:
        subject = await _made(make)
        taken = [0] * users

        async def take(user: int) -> None:
            for _ in range(turns):
                await use(subject)
                taken[user] += 1
                assert max(taken) - min(taken) <= ahead, f"turns taken: {taken}"
                await let_others_run()

        await together([User(take, (user,), f"user {user + 1}") for user in range(users)])

    waits = []
    for backend in backends:
        exploration = explore(scenario, "exhaustive", 1, backend=backend, order="fifo")
        exploration.check()
        waits.append(exploration)
    return waits


async def _made(make: Callable[[], T | Awaitable[T]]) -> T:
    subject = make()
    if isawaitable(subject):
        return await cast("Awaitable[T]", subject)
    return subject


async def _asserted(law: Callable[[T], object], subject: T) -> None:
    holds = law(subject)
    if isawaitable(holds):
        holds = await holds
    assert holds is not False, "the law does not hold"


def _checked(
    scenario: Callable[[], Awaitable[object]], schedules: int, backend: Backend, *, cancel: bool
) -> Exploration:
    exploration = explore(scenario, "portfolio", schedules, backend=backend, cancel=cancel)
    exploration.check()
    return exploration
