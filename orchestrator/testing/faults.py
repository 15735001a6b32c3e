"""Faults on demand: a plan or a seed says what goes wrong, where and when, and a list tells what did.

Everything that leaves the event loop passes a *hop*, and each hop has a name::

    disk.create, disk.read, ...              an operation of the disk (`actors.disk.Disk`), with its path
    index.begin, index.insert, ...           a statement to SQLite, by its first word, with the database's path
    offload.keep, offload.read_sources, ...  a function that is run outside of the loop, by its name without underscores
    worker.start, worker.compile_module, ... what a worker process does, with the module

A plan says which of them fail, and how. "The third store fails for want of space", and "for ever after the first"::

    faults = Faults()
    faults.on("disk.create", fail("ENOSPC"), at=3, path="/metadata/")
    faults.on("index.*", fail("EIO"), at=1, times=0)

A plan can be written and read as text, which is how a failure is replayed:
`Faults.parse("disk.create@3 fail ENOSPC")`. With a seed, faults are drawn by chance, the same ones for the same hops:
`Faults.seeded(42, rate=0.05)`; `faults.plan()` is then the plan that injects just what was injected. Faults do nothing
by themselves: `orchestrator.testing.world` puts them into a build.
"""

from __future__ import annotations

import errno
import os
from collections import Counter
from collections.abc import Callable
from fnmatch import fnmatchcase
from random import Random
from typing import NamedTuple

KINDS = ("fail", "lose", "short", "delay", "reorder", "kill", "crash", "tear", "flip")
"""All kinds of faults. See the functions of these names."""


class Crashed(Exception):
    """The simulated process has crashed: none of its hops does anything any more."""


class Fault(NamedTuple):
    """One thing that goes wrong, made by `fail`, `delay` and so on. `argument` is their argument as text."""

    kind: str
    argument: str = ""
    error: Exception | None = None

    def __str__(self) -> str:
        return f"{self.kind} {self.argument}".strip()

    @property
    def number(self) -> float:
        """The argument of a delay, a tear or a flip."""
        return float(self.argument)

    def error_at(self, path: str) -> Exception | None:
        """Returns the error to raise. An error of the system is made again each time, because an exception keeps alive
        everything that it has passed through."""
        if type(self.error) is OSError or (isinstance(self.error, OSError) and self.error.filename is None):
            return OSError(self.error.errno, self.error.strerror, path)
        return self.error


def fail(error: str | int | Exception = "EIO") -> Fault:
    """The hop fails, and nothing of it has happened. `error` is an errno, its name, or the exception to raise. An errno
    becomes what SQLite makes of it where the hop is a statement."""
    return _with_error("fail", error)


def lose(error: str | int | Exception = "EIO") -> Fault:
    """The reply is lost: everything has happened, and the caller gets `error` all the same. If a worker's reply is
    lost, none ever comes."""
    return _with_error("lose", error)


def short() -> Fault:
    """A short write: half of the bytes are written, then the disk is full. Every other hop fails for lack of space, and
    a statement finds a database that ends too early."""
    return Fault("short", "ENOSPC", OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))


def delay(seconds: float) -> Fault:
    """The hop takes so many seconds longer, of the loop's own time."""
    return Fault("delay", f"{seconds:g}")


def reorder() -> Fault:
    """The hop's reply is held back until another hop has ended, so that it is overtaken (or until a second passed,
    where nothing else is under way)."""
    return Fault("reorder")


def kill() -> Fault:
    """The worker process is killed: before it has done anything."""
    return Fault("kill")


def crash(when: str = "before") -> Fault:
    """The whole process crashes, "before" or "after" the hop, or when half of a file is written ("half"). The disk
    keeps what is on it."""
    if when not in ("before", "half", "after"):
        raise ValueError(f'a process crashes "before", "half" way or "after", not {when!r}')
    return Fault("crash", when)


def tear(kept: int = 0) -> Fault:
    """Only the first `kept` bytes of what is written, or read, arrive, and no error says so."""
    return Fault("tear", str(kept))


def flip(bit: int = 0) -> Fault:
    """One bit of what is written, or read, is flipped: `bit` counts from the first byte's lowest, and starts again at
    the end."""
    return Fault("flip", str(bit))


def _with_error(kind: str, error: str | int | Exception) -> Fault:
    if isinstance(error, Exception):
        return Fault(kind, f"{type(error).__name__}: {error}", error)
    number = getattr(errno, error) if isinstance(error, str) else error
    return Fault(kind, errno.errorcode[number], OSError(number, os.strerror(number)))


class Rule(NamedTuple):
    """`fault` happens at the `at`-th hop (from 1) whose name matches the pattern `hop` and whose path contains `path`;
    `times` so often in a row, 0 for ever. Patterns are those of `fnmatch`; `disk.create|index.*` is either of two."""

    hop: str
    fault: Fault
    at: int = 1
    path: str = ""
    times: int = 1

    def __str__(self) -> str:
        where = f" in {self.path}" if self.path else ""
        often = {1: "", 0: " for ever"}.get(self.times, f" {self.times} times")
        return f"{self.hop}@{self.at}{where} {self.fault}{often}"

    def matches(self, hop: str, path: str) -> bool:
        return self.path in path and any(fnmatchcase(hop, pattern) for pattern in self.hop.split("|"))

    def falls_on(self, count: int) -> bool:
        """Whether the `count`-th hop that matches is to fail."""
        return count >= self.at and (not self.times or count < self.at + self.times)


class Injected(NamedTuple):
    """A fault that happened: at the `number`-th hop of this name."""

    hop: str
    path: str
    number: int
    fault: Fault

    def __str__(self) -> str:
        return f"{self.hop}@{self.number} {self.fault}" + (f" ({self.path})" if self.path else "")


SUFFERS = {
    "disk": ("fail", "lose", "short", "delay", "crash", "tear", "flip"),
    "index": ("fail", "delay", "crash"),
    "offload": ("delay", "reorder", "crash"),
    "remote": ("fail", "delay", "crash", "tear", "flip"),
    "worker": ("kill", "lose", "delay", "reorder", "crash"),
}
"""The faults that may be drawn by chance at a hop: those that really occur there."""

_ERRORS = ("EIO", "ENOSPC", "EACCES", "EMFILE", "EROFS")


class Faults:
    """A plan of faults, and a record of those that happened. See the module.

    `injected` lists the faults that happened, in order; `passed` all hops so far, with their paths; `counts` says how
    often each hop was passed. `crashed`: the process has crashed, and every hop raises `Crashed` from then on.
    `when_crashed` is called when it does."""

    def __init__(self, *rules: Rule) -> None:
        self.rules = list(rules)
        self.injected: list[Injected] = []
        self.passed: list[tuple[str, str]] = []
        self.counts: Counter[str] = Counter()
        self.crashed = False
        self.when_crashed: list[Callable[[], None]] = []
        self._matched: Counter[int] = Counter()
        self._chance: Random | None = None
        self._rate = 0.0
        self._kinds: frozenset[str] = frozenset()
        self._hops = "*"
        self._path = ""

    @classmethod
    def seeded(
        cls, seed: int, *, rate: float = 0.05, kinds: tuple[str, ...] = KINDS, hops: str = "*", path: str = ""
    ) -> Faults:
        """Faults by chance: at each hop that `hops` matches, on a path that has `path` in it, with probability `rate`,
        of those `kinds` that can happen there. The same seed and the same hops give the same faults."""
        plan = cls()
        plan._chance = Random(seed)
        plan._rate = rate
        plan._kinds = frozenset(kinds)
        plan._hops = hops
        plan._path = path
        return plan

    @classmethod
    def parse(cls, text: str) -> Faults:
        """A plan from its text: `hop@n fault argument`, separated by semicolons, as `plan` gives it. Raises
        ValueError."""
        return cls(*(_rule(part.strip()) for part in text.split(";") if part.strip()))

    def on(self, hop: str, fault: Fault, *, at: int = 1, path: str = "", times: int = 1) -> Faults:
        """Adds a rule (see `Rule`). Counting begins now. Returns itself, so that calls can follow one another."""
        self.rules.append(Rule(hop, fault, at, path, times))
        return self

    def heal(self) -> None:
        """Forgets the rules: nothing of what was planned fails any more."""
        self.rules.clear()
        self._matched.clear()

    def plan(self) -> str:
        """The plan that injects exactly what was injected, as text."""
        return "; ".join(f"{fault.hop}@{fault.number} {fault.fault}" for fault in self.injected)

    def at(self, hop: str, path: str = "") -> Fault | None:
        """Somebody passes a hop: what goes wrong there. Raises `Crashed` where the process has, or does so now."""
        self.check()
        self.passed.append((hop, path))
        self.counts[hop] += 1
        fault = self._planned(hop, path) or self._drawn(hop, path)
        if fault is not None:
            self.injected.append(Injected(hop, path, self.counts[hop], fault))
            if fault == crash("before"):
                self.crash()
        return fault

    def check(self) -> None:
        """Raises `Crashed` where the process has."""
        if self.crashed:
            raise Crashed("the process has crashed")

    def crash(self) -> None:
        """The process crashes now: raises `Crashed`."""
        self.kill()
        self.check()

    def kill(self) -> None:
        """Somebody else ends the process: its next hop raises `Crashed`."""
        if not self.crashed:
            self.crashed = True
            for act in self.when_crashed:
                act()

    def _planned(self, hop: str, path: str) -> Fault | None:
        fault = None
        for number, rule in enumerate(self.rules):
            if rule.matches(hop, path):
                self._matched[number] += 1
                if fault is None and rule.falls_on(self._matched[number]):
                    fault = rule.fault
        return fault

    def _drawn(self, hop: str, path: str) -> Fault | None:
        chance = self._chance
        if chance is None or not fnmatchcase(hop, self._hops) or self._path not in path:
            return None
        if chance.random() >= self._rate:
            return None
        kinds = [kind for kind in SUFFERS[hop.partition(".")[0]] if kind in self._kinds]
        if not kinds:
            return None
        return _draw(chance, chance.choice(kinds))


def _draw(chance: Random, kind: str) -> Fault:
    if kind in ("fail", "lose"):
        return _with_error(kind, chance.choice(_ERRORS))
    if kind == "short":
        return short()
    if kind == "delay":
        return delay(chance.choice((0.001, 0.1, 10.0)))
    if kind == "crash":
        return crash(chance.choice(("before", "half", "after")))
    if kind in ("tear", "flip"):
        return Fault(kind, str(chance.randrange(1 << chance.randrange(1, 13))))
    return Fault(kind)


def _rule(text: str) -> Rule:
    """A rule from its text. What may follow the fault's argument: nothing, `for ever`, `3 times`."""
    words = text.split()
    times = 1
    if words[-2:] == ["for", "ever"]:
        times, words = 0, words[:-2]
    elif words[-1:] == ["times"]:
        times, words = int(words[-2]), words[:-2]
    hop, _, at = words[0].partition("@")
    path = ""
    if words[1:2] == ["in"]:
        path = words[2]
        del words[1:3]
    kind, argument = words[1], " ".join(words[2:])
    if kind not in KINDS:
        raise ValueError(f"there is no fault `{kind}` in `{text}`: there are {', '.join(KINDS)}")
    fault = _with_error(kind, argument or "EIO") if kind in ("fail", "lose") else Fault(kind, argument)
    if kind == "crash":
        fault = crash(argument or "before")
    elif kind == "short":
        fault = short()
    return Rule(hop, fault, int(at or 1), path, times)


def damaged(fault: Fault | None, data: bytes) -> bytes:
    """What `tear` and `flip` make of `data`; any other fault leaves it as it is."""
    if fault is None or not data:
        return data
    if fault.kind == "tear":
        return data[: int(fault.number)]
    if fault.kind == "flip":
        byte, bit = divmod(int(fault.number) % (len(data) * 8), 8)
        return data[:byte] + bytes([data[byte] ^ 1 << bit]) + data[byte + 1 :]
    return data
