"""Where a task is: the frames of a coroutine that waits, from the outermost to the innermost."""

from __future__ import annotations

import gc
import os
import sys
from types import FrameType, TracebackType
from typing import Any

from orchestrator.testing.schedules.trace import CodePlace

_LOOPS = ("trio", "anyio", "asyncio", "outcome", "sniffio")
_LIBRARY = os.path.dirname(os.__file__)
_HERE = os.path.dirname(os.path.abspath(__file__)) + os.sep


def frames_of(coroutine: Any) -> list[FrameType]:
    """The frames of a coroutine and of all that it awaits."""
    frames: list[FrameType] = []
    while coroutine is not None:
        if hasattr(coroutine, "cr_frame"):
            frame, coroutine = coroutine.cr_frame, coroutine.cr_await
        elif hasattr(coroutine, "gi_frame"):
            frame, coroutine = coroutine.gi_frame, coroutine.gi_yieldfrom
        elif hasattr(coroutine, "ag_frame"):
            frame, coroutine = coroutine.ag_frame, coroutine.ag_await
        elif type(coroutine).__name__ in ("async_generator_asend", "async_generator_athrow"):
            # These know their generator, but tell nobody else than the garbage collector.
            inside = [referent for referent in gc.get_referents(coroutine) if hasattr(referent, "ag_frame")]
            coroutine = inside[0] if inside else None
            continue
        elif type(coroutine).__name__ == "coroutine_wrapper":
            inside = [referent for referent in gc.get_referents(coroutine) if hasattr(referent, "cr_frame")]
            coroutine = inside[0] if inside else None
            continue
        else:
            break
        if frame is not None:
            frames.append(frame)
    return frames


def is_loops(frame: FrameType) -> bool:
    """Whether a frame belongs to an event loop, to Python's own library or to this harness, and so says nothing about
    the test."""
    file = frame.f_code.co_filename
    if file.startswith(("<", _HERE)):
        return True
    if file.startswith(_LIBRARY) and "site-packages" not in file:
        return True
    module = frame.f_globals.get("__name__", "")
    return module.partition(".")[0] in _LOOPS


def _is_installed(frame: FrameType) -> bool:
    """Whether a frame belongs to a library that is installed: its caller's line tells more."""
    file = frame.f_code.co_filename
    return "site-packages" in file or "dist-packages" in file


def place_of(coroutine: object) -> CodePlace | None:
    """Where a coroutine waits, in the test or what is tested; None before it began and after it ended."""
    if not getattr(coroutine, "cr_suspended", True):
        return None
    theirs = [frame for frame in frames_of(coroutine) if not is_loops(frame)]
    if not theirs:
        return None
    own = [frame for frame in theirs if not _is_installed(frame)]
    frame = (own or theirs)[-1]
    return CodePlace(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name)


def place_of_caller() -> CodePlace | None:
    """The line of the test, or of what it calls, that the running code was called from."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and (is_loops(frame) or _is_installed(frame)):
        frame = frame.f_back
    return CodePlace(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name) if frame is not None else None


def without_loops(traceback: TracebackType | None) -> TracebackType | None:
    """A traceback without the frames that led to the scenario: all of them where nothing else is there."""
    inner = traceback
    while inner is not None and is_loops(inner.tb_frame):
        inner = inner.tb_next
    return inner or traceback


def raised_at(error: BaseException, *, of_the_test: bool = False) -> CodePlace | None:
    """The last line of the scenario's own, or of what it called, that an exception came through. `of_the_test`: of no
    library that is installed, where there is one."""
    place = own = None
    traceback = error.__traceback__
    while traceback is not None:
        frame = traceback.tb_frame
        if not is_loops(frame):
            place = CodePlace(frame.f_code.co_filename, traceback.tb_lineno, frame.f_code.co_name)
            own = own if _is_installed(frame) else place
        traceback = traceback.tb_next
    return own or place if of_the_test else place
