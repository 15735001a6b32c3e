"""Finds out which task waits on which, to explain a deadlock.

A task does not say what it waits for, but its frames do: the innermost one of an event loop's library that its own code
called is a method of what it waits for (`Lock.acquire`, `Event.wait`, the end of a task group). For locks (their owner)
and task groups (their tasks) it is known who could help. For everything else it is guessed: a task that has the thing
in a local variable of one of its frames, or in an attribute of one."""

from __future__ import annotations

from collections.abc import Sequence
from types import FrameType
from typing import Any, NamedTuple

from orchestrator.testing.schedules.director import Deadlock, Uncontrolled
from orchestrator.testing.schedules.frames import frames_of, is_loops, place_of

_RUNNERS = ("TaskHandle",)
"""What an event loop runs tasks by: nobody waits for these."""

_GROUPS = ("TaskGroup", "Nursery", "NurseryManager")


class Waiter(NamedTuple):
    """A task that waits: its label, itself, its coroutine, and the labels of the tasks in its task groups."""

    label: str
    task: object
    coroutine: object
    children: list[str]


class Wait(NamedTuple):
    """What one task waits for. `sure`: those in `on` are known to be the ones who could help."""

    label: str
    place: str
    what: str
    on: tuple[str, ...]
    sure: bool

    def __str__(self) -> str:
        who = ""
        if self.on:
            who = (" of " if self.sure else ", which is known to ") + ", ".join(self.on)
        elif not self.what.endswith(")"):
            who = ", which no other task knows of"
        return f"{self.label} waits {self.place} for {self.what}{who}"


def deadlock(waiters: Sequence[Waiter], threads: str = "") -> Deadlock:
    """All tasks wait, and no timer will wake one. `threads` says where threads are that could."""
    waits = [wait_of(waiter, waiters) for waiter in waiters]
    lines = ["all tasks wait, and nothing will wake them:", *(f"  {wait}" for wait in waits)]
    circle = circle_in(waits)
    if circle:
        lines.append("  a circle: " + " -> ".join([*circle, circle[0]]))
    return Deadlock("\n".join([*lines, threads] if threads else lines))


def outside(waiters: Sequence[Waiter]) -> Uncontrolled:
    """All tasks wait, and one of them for the outside world."""
    waits = [wait_of(waiter, waiters) for waiter in waiters]
    return Uncontrolled(
        "a task waits for a socket, a pipe or a process, whose time is not under control:\n"
        + "\n".join(f"  {wait}" for wait in waits)
    )


def wait_of(waiter: Waiter, waiters: Sequence[Waiter]) -> Wait:
    """What this task waits for."""
    frames = frames_of(waiter.coroutine)
    place = place_of(waiter.coroutine)
    if place is not None:
        at = f"at {place} in {place.function}"
    else:  # All of it is a library's, or it has not begun.
        began = frames and getattr(waiter.coroutine, "cr_suspended", True)
        theirs = [frame for frame in frames if type(frame.f_locals.get("self")).__name__ not in _RUNNERS]
        at = f"in {theirs[0].f_code.co_name}" if began and theirs else "at its start"
    things = _things(frames)
    if not things:
        return Wait(waiter.label, at, _called(frames), (), False)
    awaited = things[0]
    if waiter.children and type(awaited).__name__ in _GROUPS:
        return Wait(waiter.label, at, "the end", tuple(waiter.children), True)
    owner = _owner(awaited, waiters)
    if owner:
        return Wait(waiter.label, at, "a lock", (owner,), True)
    for held in things:
        known = tuple(other.label for other in waiters if other is not waiter and _knows(other, held))
        if known:
            break
    else:
        known = ()
    return Wait(waiter.label, at, _described(awaited), known, False)


def _called(frames: Sequence[FrameType]) -> str:
    """The function of the loop that a task's own code called."""
    names = [frame.f_code.co_name for frame in frames if is_loops(frame)]
    return f"{names[0]}()" if names else "something"


def _things(frames: Sequence[FrameType]) -> list[object]:
    """What the loop's own frames of a task belong to, the one that the task's own code called first, and then what that
    code belongs to."""
    last = max((number for number, frame in enumerate(frames) if not is_loops(frame)), default=-1)
    inner = [frame.f_locals["self"] for frame in frames[last + 1 :] if "self" in frame.f_locals]
    outer = [frames[last].f_locals["self"]] if last >= 0 and "self" in frames[last].f_locals else []
    return [one for one in inner + outer if type(one).__name__ not in _RUNNERS]


def _owner(awaited: Any, waiters: Sequence[Waiter]) -> str:
    """The task that holds a lock, "" where that is not known."""
    try:
        owner = awaited.statistics().owner
    except Exception:
        return ""
    number = getattr(owner, "id", None)  # AnyIO tells about a task, Trio gives it.
    return next((waiter.label for waiter in waiters if waiter.task is owner or id(waiter.task) == number), "")


def _knows(other: Waiter, awaited: object) -> bool:
    """Whether a task holds something."""
    for frame in frames_of(other.coroutine):
        if is_loops(frame):
            continue
        for value in frame.f_locals.values():
            if value is awaited or any(inside is awaited for inside in _attributes(value)):
                return True
    return False


def _attributes(value: object) -> list[object]:
    values: list[object] = list(getattr(value, "__dict__", {}).values())
    if isinstance(value, (list, tuple)):
        values += value
    elif isinstance(value, dict):
        values += value.values()
    return values


def _described(awaited: object) -> str:
    name = type(awaited).__name__.removesuffix("Adapter")
    return f"{'an' if name[:1] in 'AEIOU' else 'a'} {name}"


def circle_in(waits: Sequence[Wait]) -> list[str]:
    """Returns a circle of tasks, each of which waits on the next; [] if there is none."""
    edges: dict[str, tuple[str, ...]] = {wait.label: wait.on for wait in waits}
    for start in edges:
        path, seen = [start], {start}
        while True:
            # Only where there is one who could help is it certain to be needed.
            ahead = [label for label in edges[path[-1]] if label in edges]
            if len(ahead) != 1:
                break
            if ahead[0] == start:
                return path if len(path) > 1 else []
            if ahead[0] in seen:
                break
            path.append(ahead[0])
            seen.add(ahead[0])
    return []
