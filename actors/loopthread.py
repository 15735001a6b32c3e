"""An event loop in its own daemon thread, which runs coroutines for other threads.

AnyIO's `start_blocking_portal` runs its loop in an executor. The interpreter waits for the threads of executors when it
ends, so it would wait for ever for a loop that was not closed. It does not wait for a daemon thread, nor for threads
that are started from one. At the end of the interpreter, loops that are still open are stopped.
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
"""Time that the end of the interpreter waits for a loop to stop. A Project takes ten seconds at most to close."""


class LoopThread:
    """Starts a loop of `backend` and enters `inside` in it; `stop` leaves that. It is made and stopped from any thread
    but its own. Raises what entering raises."""

    def __init__(self, backend: str, name: str, inside: AbstractAsyncContextManager[Any] | None = None) -> None:
        self._backend = backend
        self._inside = inside
        self._begun: Future[BlockingPortal] = Future()
        self._given_up = False
        self._error: BaseException | None = None
        self._process = OwnProcess()
        self._thread = threading.Thread(target=self._main, name=name, daemon=True)
        if inside is not None:  # Otherwise the loop belongs to an object that stops it.
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
        """Whether this process is a fork of the one that started the loop. The loop's thread does not exist here."""
        return self._process.is_fork

    @property
    def current(self) -> bool:
        """Whether the caller is in the loop's own thread, where waiting for the loop would never end."""
        return threading.current_thread() is self._thread

    def stop(self, *, wait: bool = True, seconds: float | None = None) -> None:
        """Leaves `inside` and ends the loop; further calls do nothing. Raises, once, what leaving raised."""
        if self.foreign:
            return
        if self._begun.done() and not self._begun.exception():
            portal = self._begun.result()
            with suppress(RuntimeError):  # The portal has stopped, or its loop has ended.
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
            except Exception as error:  # Caught here, because the portal would raise it in an exception group.
                self._fail(error)

    async def _serve(self, portal: BlockingPortal) -> None:
        self._begun.set_result(portal)
        if not self._given_up:
            await portal.sleep_until_stopped()


_running: weakref.WeakSet[LoopThread] = weakref.WeakSet()
_registered = False


def _stop_at_exit() -> None:
    """Registers the stop of all loops before the interpreter waits for its threads. After that point no thread can be
    started, and closing may need one."""
    global _registered
    if not _registered:
        _registered = True
        # `atexit` runs too late for this, but `threading` has nothing public that runs earlier.
        register: Callable[[Callable[[], None]], object] = getattr(threading, "_register_atexit", atexit.register)
        register(_stop_all)


def _stop_all() -> None:
    for loop in list(_running):
        with suppress(Exception):
            loop.stop(seconds=END_SECONDS)
