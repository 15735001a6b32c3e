"""Scopes and groups of tasks: AnyIO's where it is installed, else those of the event loop.

The harness then needs nothing beside the library under test. AnyIO goes first, because what its users write runs in
its scopes, and a scope cancels otherwise than `Task.cancel` does: at each await inside, not at one.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, NamedTuple, Protocol


class CancellableScope(Protocol):
    """What `cancellable` gives. Trio's and AnyIO's scopes are such."""

    @property
    def cancelled_caught(self) -> bool:
        """Whether this scope was cancelled, and the cancellation ended here."""
        ...

    def cancel(self) -> None: ...


class User(NamedTuple):
    """A task to start: its function, what it is called with, its name."""

    function: Callable[..., Coroutine[object, object, object]]
    arguments: tuple[object, ...]
    name: str


class _TaskScope:
    """A scope on asyncio without AnyIO. It is cancelled while its task waits, so what it asks for arrives inside."""

    def __init__(self) -> None:
        self.cancelled_caught = False
        self._asked = False

    def __enter__(self) -> _TaskScope:
        task = asyncio.current_task()
        assert task is not None, "a scope outside of any task"
        self._task = task
        self._cancels = task.cancelling()
        return self

    def cancel(self) -> None:
        if not self._asked:
            self._asked = True
            self._task.cancel()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> bool:
        # Another one may have cancelled the task as well: then the cancellation goes on outwards, as in
        # `asyncio.timeout`.
        if self._asked and self._task.uncancel() <= self._cancels and kind is asyncio.CancelledError:
            self.cancelled_caught = True
        return self.cancelled_caught


def scope() -> AbstractContextManager[CancellableScope]:
    """A scope that can be cancelled, for the task that enters it."""
    anyio = anyio_if_installed()
    if anyio is not None:
        return anyio.CancelScope()  # type: ignore[no-any-return]
    if _on_asyncio():
        return _TaskScope()
    return sys.modules["trio"].CancelScope()  # type: ignore[no-any-return]


async def together(users: Sequence[User]) -> None:
    """Runs all users at once, and returns when the last one has ended. An error of one cancels the others."""
    anyio = anyio_if_installed()
    if anyio is None and _on_asyncio():
        async with asyncio.TaskGroup() as tasks:
            for user in users:
                tasks.create_task(user.function(*user.arguments), name=user.name)
        return
    opened = sys.modules["trio"].open_nursery() if anyio is None else anyio.create_task_group()
    async with opened as group:
        for user in users:
            group.start_soon(user.function, *user.arguments, name=user.name)


async def let_others_run() -> None:
    """Waits until each other task that can run had its turn."""
    anyio = anyio_if_installed()
    if anyio is not None:
        await anyio.lowlevel.checkpoint()
    elif _on_asyncio():
        await asyncio.sleep(0)
    else:
        await sys.modules["trio"].lowlevel.checkpoint()


def anyio_if_installed() -> Any:
    """The module `anyio`, or None."""
    try:
        import anyio
    except ModuleNotFoundError as missing:
        if missing.name != "anyio":
            raise
        return None
    return anyio


def _on_asyncio() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
