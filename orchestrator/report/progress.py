"""What a person sees of a build: a progress line while it runs (only on a terminal), and a summary at its end."""

from __future__ import annotations

import os
import time
from typing import TextIO

from actors.events import (
    BuildFinished,
    BuildStalled,
    CompileFinished,
    CompileStarted,
    Event,
    GraphResolved,
    LinkStarted,
    SourcesScanned,
)
from orchestrator.report.diagnostics import count
from orchestrator.report.explain import listed, why
from orchestrator.report.paths import from_here
from orchestrator.report.terminal import Style, shown, width
from orchestrator.result import BuildResult

FEW = 6
"""Up to this many recompiled modules are listed, each with the reason."""

_UNITS = (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10))

_REDRAW_SECONDS = 0.05
_ERASE = "\r\x1b[K"


class Progress:
    """The progress line. Pass it every event; `close` erases it."""

    def __init__(self, stream: TextIO, *, live: bool | None = None) -> None:
        self._stream = stream
        self.live = stream.isatty() and os.environ.get("TERM") != "dumb" if live is None else live
        self._total = 0
        self._done = 0
        self._next = 0.0
        self._drawn = False

    def see(self, event: Event) -> None:
        if not self.live:
            return
        match event:
            case SourcesScanned(total=total):
                self._total = total
                self._draw(f"looking at {total} modules")
            case GraphResolved():
                self._draw("asking the cache")
            case CompileStarted(module=module):
                self._draw(f"compiling {shown(module)} ({self._done} done of {self._total})")
            case CompileFinished():
                self._done += 1
            case LinkStarted(modules=modules):
                self._draw(f"linking {modules} modules")
            case BuildFinished():
                self.close()
            case _:
                pass

    def close(self) -> None:
        if self._drawn:
            self._stream.write(_ERASE)
            self._stream.flush()
            self._drawn = False

    def _draw(self, text: str) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _REDRAW_SECONDS
            from shutil import get_terminal_size

            columns = get_terminal_size().columns
            self._stream.write(_ERASE + cut(text, columns - 1))
            self._stream.flush()
            self._drawn = True


def cut(text: str, columns: int) -> str:
    """Returns as much of the beginning as fits, because a line that wraps cannot be erased."""
    if text.isascii():
        return text[:columns]
    while width(text) > columns:
        text = text[:-1]
    return text


def stalled(event: BuildStalled) -> str:
    """Returns a report on a build in which nothing moves: what it waits for, and the state of the actors."""
    named, more = event.waiting_for[:FEW], len(event.waiting_for) - FEW
    what = "; ".join(shown(name) for name in named) + (f"; and {more} more" if more > 0 else "")
    actors = []
    for actor in event.actors:
        mail = f" ({actor.messages} in its mailbox)" if actor.messages else ""
        waiting = f" ({actor.waiting} wait for room in it)" if actor.waiting else ""
        actors.append(f"{actor.name}: {shown(actor.doing) or 'idle'}{mail}{waiting}")
    return f"nothing has moved for {event.seconds:.0f} s; waiting for {what}\n  {'; '.join(actors)}"


def summary(result: BuildResult, style: Style | None = None, *, old: str = "", wanted: str = "") -> str:
    """Returns the last lines of a build. `old` is the program of an earlier build that remains although this build
    failed; `wanted` is the missing entry, if there is no program for that reason."""
    style = style or Style()
    seconds = result.duration_ms / 1000
    took = f"{seconds:.2f} s" if seconds >= 0.1 else f"{result.duration_ms:.0f} ms"
    total = result.compiled_modules + result.cache_hits
    lines = _reasons(result)
    if result.success:
        functions = plural(len(result.recompiled_functions), "function")
        reused = f" ({functions}, {result.cached_functions} reused)" if result.cached_functions else ""
        counts = f"{result.compiled_modules} compiled{reused}, {result.cache_hits} from the cache"
        lines.append(f"built {result.compiled_modules} of {plural(total, 'module')} in {took}: {counts}")
        lines.append(_program(result, wanted))
    else:
        what = (
            count([diagnostic for diagnostic in result.diagnostics if diagnostic.severity == "error"]) or "no program"
        )
        lines.append(style.paint(f"failed in {took}: {what}", "error") + _failures(result))
        if old:
            lines.append(f"{shown(from_here(old))} is old: it is the program of an earlier build")
    if result.verified:
        lines += _verified(result)
    if result.cache_degraded:
        lines.append(f"the cache was not used as usual: {shown(result.cache_degraded)}")
    if result.cache_needed_bytes:
        least = round_up(result.cache_needed_bytes)
        lines.append(f"the cache is too small for this build: make its `max_size` {least} or more")
    return "\n".join(lines)


def _reasons(result: BuildResult) -> list[str]:
    modules = result.recompiled
    if not 0 < len(modules) <= FEW or not result.cache_hits:
        return []
    column = max(len(shown(module)) for module in modules)
    known = result.reasons
    return [f"  {shown(module):<{column}}  {why(known[module])}" for module in modules if module in known]


def _verified(result: BuildResult) -> list[str]:
    """Returns what `--verify` found. The manifests of differences help to find the cause."""
    objects = plural(result.verified, "object")
    if not result.differences:
        return [f"verified {objects}, compiled again with nothing reused: all equal (seed {result.verify_seed})"]
    lines = [f"verified {objects}: {len(result.differences)} not as compiled afresh (seed {result.verify_seed})"]
    for difference in result.differences:
        lines += [
            f"  {difference.kind} of {shown(difference.module)}: {shown(difference.what)}",
            f"    manifest: {shown(difference.manifest)}",
        ]
    return lines


def _program(result: BuildResult, wanted: str) -> str:
    if result.program is not None:
        return f"program: {shown(from_here(str(result.program)))}"
    return f"no program: there is no {shown(wanted)}" if wanted else "no program"


def _failures(result: BuildResult) -> str:
    parts = []
    if result.failed:
        parts.append(f" in {listed([shown(name) for name in result.failed])}")
    # Warnings include those of modules that compiled.
    if warnings := count([diagnostic for diagnostic in result.diagnostics if diagnostic.severity == "warning"]):
        parts.append(f", {warnings}")
    if result.blocked:
        parts.append(f"; {listed([shown(name) for name in result.blocked])} had to wait for that")
    return "".join(parts)


def plural(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def round_up(size: int) -> str:
    """Returns bytes in the form that settings accept, rounded up: "1.3 MiB"."""
    unit, length = next(((unit, length) for unit, length in _UNITS if size >= length), _UNITS[-1])
    tenths = -(-size * 10 // length)
    return f"{tenths // 10}.{tenths % 10} {unit}"
