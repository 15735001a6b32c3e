"""An event loop in a daemon thread of its own, in which other threads have coroutines run.

AnyIO's `start_blocking_portal` runs its loop in an executor, and the interpreter waits for an executor's threads when
it ends: for ever, where nobody closed what lives there. A daemon thread holds up nobody, and neither do the threads
that are started from it. At the end of the interpreter all that is still open is closed.
"""

from __future__ import annotations

import atexit
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, suppress
from typing import Any

import anyio
from anyio.from_thread import BlockingPortal

from actors.forks import OwnProcess

END_SECONDS = 15.0
"""The end of the interpreter waits so long for a loop to stop. A Project that closes takes ten at most."""


class LoopThread:
    """Starts a loop of `backend`, enters `inside` in it, and leaves that in `stop`. Made and stopped from any thread
    but its own. Raises what entering raises."""

    def __init__(self, backend: str, name: str, inside: AbstractAsyncContextManager[Any] | None = None) -> None:
        self._backend = backend
        self._inside = inside
        self._begun: Future[BlockingPortal] = Future()
        self._given_up = False
        self._error: BaseException | None = None
        self._process = OwnProcess()
        self._thread = threading.Thread(target=self._main, name=name, daemon=True)
        if inside is not None:  # else it serves somebody who closes it
            _running.add(self)
            _stop_at_exit()
        self._thread.start()
        try:
            self.portal = self._begun.result()
        except BaseException:
            self._given_up = True
            with suppress(Exception):
                self.stop(wait=False)
            raise

    @property
    def foreign(self) -> bool:
        """Whether this process is a fork of the one that started it: its thread does not exist here."""
        return self._process.is_fork

    @property
    def current(self) -> bool:
        """Whether the caller is in the loop's own thread, where waiting for the loop would be waiting for ever."""
        return threading.current_thread() is self._thread

    def stop(self, *, wait: bool = True, seconds: float | None = None) -> None:
        """Leave `inside` and end the loop, any number of times. Raises what leaving raised, once."""
        if self.foreign:
            return
        if self._begun.done() and not self._begun.exception():
            portal = self._begun.result()
            with suppress(RuntimeError):  # it has stopped, or its loop has ended
                portal.start_task_soon(portal.stop)
        if not wait:
            return
        self._thread.join(seconds)
        error, self._error = self._error, None
        if error is not None:
            raise error

    def _main(self) -> None:
        try:
            anyio.run(self._live, backend=self._backend)
        except BaseException as error:
            self._fail(error)
        finally:
            _running.discard(self)

    def _fail(self, error: BaseException) -> None:
        if self._begun.done():
            self._error = error
        else:
            self._begun.set_exception(error)

    async def _live(self) -> None:
        async with BlockingPortal() as portal:
            try:
                if self._inside is None:
                    await self._serve(portal)
                else:
                    async with self._inside:
                        await self._serve(portal)
            except Exception as error:  # leaves as itself, and not in the portal's group
                self._fail(error)

    async def _serve(self, portal: BlockingPortal) -> None:
        self._begun.set_result(portal)
        if not self._given_up:
            await portal.sleep_until_stopped()


_running: weakref.WeakSet[LoopThread] = weakref.WeakSet()
_registered = False


def _stop_at_exit() -> None:
    """Before the interpreter waits for its threads: after that none can be started, and closing may need one."""
    global _registered
    if not _registered:
        _registered = True
        register: Callable[[Callable[[], None]], object] = getattr(threading, "_register_atexit", atexit.register)
        register(_stop_all)


def _stop_all() -> None:
    for loop in list(_running):
        with suppress(Exception):
            loop.stop(seconds=END_SECONDS)
