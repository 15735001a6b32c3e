"""A toolchain whose compiles do as a script says: take virtual time, fail, hang, crash, or kill their process.

    toolchain = ScriptedToolchain({
        "main": takes(2.0),                             # two virtual seconds, each time
        "a": [fails("no good"), takes(1.0)],            # fails the first time
        "b": [dies(), takes(0.5)],                      # kills its worker; the second try gets through
        "c": hangs(),                                   # until it is cancelled, or its time is over
    }, otherwise=takes(0.1))
    world = World(toolchain)

The toolchain decides what a compile does, and its `duration`, the hook of `InlineOffload`, how long it takes; `World`
connects the two. Scripts say nothing about summaries and links, which take no time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from actors.compiler.toolchain import Compiled, CompileJob
from actors.diagnostics import Finding, in_text
from orchestrator.testing.toolchain import PlainToolchain


class Killed(BaseException):
    """The process that computes ends at once, as under a signal: for simulated workers. Computing in its own process, a
    Project would end, so this is not raised there."""


class CompileStep(NamedTuple):
    """What one compile does. Made by `takes`, `fails` and so on."""

    kind: str
    seconds: float = 0.0
    message: str = ""


def takes(seconds: float) -> CompileStep:
    """Compiles as usual, in so many seconds of virtual time."""
    return CompileStep("takes", seconds)


def fails(message: str, *, after: float = 0.0) -> CompileStep:
    """An error in the source (E0201) with that message."""
    return CompileStep("fails", after, message)


def hangs() -> CompileStep:
    """It never ends by itself."""
    return CompileStep("takes", float("inf"))


def crashes(message: str = "a bug", *, after: float = 0.0) -> CompileStep:
    """The toolchain raises: a bug in it."""
    return CompileStep("crashes", after, message)


def dies() -> CompileStep:
    """The worker process dies over it. Only where there are simulated workers."""
    return CompileStep("dies")


class ScriptedToolchain(PlainToolchain):
    """`script` says what the compiles of a module do: always the same step, or the steps of a list one after the other,
    with the last one repeated. `otherwise` is what modules do that are not in it. See `PlainToolchain` for the
    language, and for what else can be given."""

    def __init__(
        self,
        script: Mapping[str, CompileStep | Sequence[CompileStep]] | None = None,
        *,
        otherwise: CompileStep = takes(0.0),  # noqa: B008  (a tuple)
        identity: str = "1",
        waits: bool = False,
    ) -> None:
        super().__init__(identity, waits=waits)
        self.script = {
            module: [steps] if isinstance(steps, CompileStep) else list(steps)
            for module, steps in (script or {}).items()
        }
        self.otherwise = otherwise
        self._taken: dict[str, float] = {}

    def compile(self, job: CompileJob) -> Compiled:
        step = self._next(job.module)
        self._taken[job.module] = step.seconds
        if step.kind == "dies":
            self.calls.append(("compile", job.module))
            raise Killed
        if step.kind == "crashes":
            self.calls.append(("compile", job.module))
            raise RuntimeError(step.message)
        if step.kind == "fails":
            self.calls.append(("compile", job.module))
            diagnostic = in_text(Finding("E0201", step.message, at=1), job.source, module=job.module, file=job.path)
            return Compiled(diagnostics=(diagnostic,))
        return super().compile(job)

    def duration(self, function: Callable[..., object], args: tuple[Any, ...]) -> float:
        """The hook of `InlineOffload`: the seconds that the compile took which has just been done."""
        if getattr(function, "__name__", "") != "compile_module":
            return 0.0
        return self._taken.pop(args[1].module, 0.0)

    def _next(self, module: str) -> CompileStep:
        steps = self.script.get(module)
        if not steps:
            return self.otherwise
        return steps.pop(0) if len(steps) > 1 else steps[0]
