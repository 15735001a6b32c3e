"""Runs a project's program: with captured streams for the API, with this process's own streams for the command line."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

import msgspec

from actors.digests import printable
from actors.offload import Offload
from orchestrator.config import Config
from orchestrator.errors import ProjectError, UsageError
from orchestrator.result import RunResult
from orchestrator.settings import SETTINGS, SIZE, Setting, near_miss, size
from orchestrator.wasm.execute import MachineCode, NothingToRunError, ProgramError, Running, RunOutcome

if TYPE_CHECKING:
    from orchestrator.keywords import LimitName


OUT_OF_MEMORY = "rt::trap_memory"
"""The function of Ruchy's runtime in which a program ends when it runs out of memory."""

LIBRARY = "rt::"
"""How the names of the functions of Ruchy's runtime begin."""

LIMITS: dict[str, str] = {"memory": "run_memory", "fuel": "fuel", "seconds": "seconds", "output": ""}
"""Every limit of a run, and the setting that applies if the call does not give it."""


class Limit(msgspec.Struct, frozen=True):
    """The values of all limits for one run; None for no limit. `said` are those that the call gave."""

    memory: int
    fuel: int | None
    seconds: float | None
    output: int | None
    said: frozenset[str] = frozenset()


def checked_limits(limits: Mapping[str, object], config: Config) -> Limit:
    """Returns the limits of a call, completed by the settings. Raises ProjectError if one does not exist or has an
    invalid value."""
    for name in limits:
        if name not in LIMITS:
            known = ", ".join(f'"{limit}"' for limit in LIMITS)
            hint = near_miss(str(name), tuple(LIMITS)) or f"there are {known}"
            raise ProjectError(f"`{name}` is not a limit of a program", hint=hint)
    said = {name: _checked(name, value) for name, value in limits.items() if value is not None}
    values = {name: said.get(name, getattr(config.run, key) if key else 0) for name, key in LIMITS.items()}
    return Limit(
        memory=values["memory"],
        fuel=values["fuel"] or None,
        seconds=values["seconds"] or None,
        output=values["output"] if "output" in said else None,
        said=frozenset(said),
    )


def _checked(name: str, value: object) -> Any:
    setting = SETTINGS[LIMITS[name]] if LIMITS[name] else Setting("run", SIZE, size, 0)
    try:
        return setting.check(value)
    except ValueError:
        raise ProjectError(f"the limit `{name}` must be {setting.allowed}, not {value!r}") from None


async def run_captured(
    config: Config,
    program: str,
    args: Sequence[str],
    stdin: bytes,
    limits: Limit,
    offload: Offload | None = None,
    variables: Mapping[str, str] | None = None,
) -> RunResult:
    """Runs the program file and collects what it writes. Raises ProjectError if it cannot be run. Cancelling stops the
    program at once."""
    _refuse_odd(args)
    running = Running(
        program,
        args,
        name=os.path.basename(program),
        stdin=stdin,
        memory_limit=limits.memory,
        fuel=limits.fuel,
        folders=config.run.folders,
        variables=_visible(variables or {}),
        capture=True,
        optimise=config.profile == "release",
        seconds=limits.seconds,
        output_limit=limits.output,
        kept=machine_code(config),
    )
    outcome = await _ended(running, config.entry, offload or Offload())
    message = host_message(outcome, config, limits)
    stderr = (outcome.stderr or b"") + (f"{message}\n".encode() if message else b"")
    return RunResult(
        exit_code=outcome.exit_code, stdout=outcome.stdout or b"", stderr=stderr, limit=limit_reached(outcome)
    )


async def run_attached(
    config: Config, program: str, args: Sequence[str], offload: Offload | None = None
) -> tuple[int, str]:
    """Runs the program file with this process's own input and output. Returns its exit code and what the host has to
    report about its end ("" if the program reported everything). Raises and can be cancelled like `run_captured`."""
    running, limits = _attached(config, program, args)
    outcome = await _ended(running, config.entry, offload or Offload())
    return outcome.exit_code, host_message(outcome, config, limits)


def run_at_once(config: Config, program: str, args: Sequence[str], stop: Callable[[], bool]) -> tuple[int, str]:
    """Does the same as `run_attached` without an event loop. Asks `stop` twenty times a second whether to stop the
    program."""
    running, limits = _attached(config, program, args)
    running.start()
    try:
        outcome = running.wait(stop)
    except ProgramError as wrong:
        raise _refused(wrong, config.entry) from wrong
    return outcome.exit_code, host_message(outcome, config, limits)


def _attached(config: Config, program: str, args: Sequence[str]) -> tuple[Running, Limit]:
    """Returns the program file, to be started with this process's own input and output, and its limits."""
    _refuse_odd(args)
    limits = checked_limits({}, config)
    running = Running(
        program,
        args,
        name=os.path.basename(program),
        memory_limit=limits.memory,
        fuel=limits.fuel,
        folders=config.run.folders,
        variables=_visible(os.environ),
        optimise=config.profile == "release",
        seconds=limits.seconds,
        kept=machine_code(config),
    )
    return running, limits


def _visible(variables: Mapping[str, str]) -> dict[str, str]:
    """The variables that a program sees: those that are text, and PWD, which relative paths begin at."""
    passed = {"PWD": os.getcwd()}
    for name, value in variables.items():
        with suppress(UnicodeEncodeError):
            f"{name}={value}".encode()
            if name != "PWD":
                passed[name] = value
    return passed


def machine_code(config: Config) -> MachineCode | None:
    """Where the machine code of this project's programs is kept: in the user's own cache folder, and not in that of the
    project: who supplies a project could supply its cache too, and WebAssembly does not hold back machine code. None
    for a project without a cache on disk, and for a user without a folder."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    if not config.cache.folder or not config.cache.enabled or os.name != "posix" or not os.path.isabs(home):
        return None
    return MachineCode(os.path.join(home, "wasmill", "machine-code"), LIBRARY)


def _refuse_odd(args: Sequence[str]) -> None:
    """Raises UsageError for an argument that cannot be passed to a program: WASI allows only UTF-8 text without NUL."""
    for number, argument in enumerate(args, 1):
        if printable(argument) != argument or "\0" in argument:
            what = "has a NUL in it" if "\0" in argument else "is not UTF-8"
            raise UsageError(f"argument {number} of the program {what}: `{printable(argument)}`")


def limit_reached(outcome: RunOutcome) -> LimitName | None:
    """Returns the limit that ended the program, or None."""
    if outcome.reason in LIMITS:
        return cast("LimitName", outcome.reason)
    return "memory" if outcome.frames[:1] == (OUT_OF_MEMORY,) else None


def host_message(outcome: RunOutcome, config: Config, limits: Limit) -> str:
    """Returns what the host reports: a program reports its own traps, but not which limit it reached, nor what it
    cannot survive."""
    reached = limit_reached(outcome)
    if reached is None or reached == "fuel":
        return f"{config.entry}: {outcome.trap}" if reached or outcome.reason == "stack" else ""
    value = getattr(limits, reached)
    what = {
        "memory": f"out of memory: it may have {value} bytes",
        "seconds": f"stopped: it may run for {value:g} s",
        "output": f"stopped: it may write {value} bytes to each stream",
    }[reached]
    whose = f"limit `{reached}`" if reached in limits.said else f"setting `{LIMITS[reached]}`"
    return f"{config.entry}: {what} ({whose})"


async def _ended(running: Running, entry: str, offload: Offload) -> RunOutcome:
    """Waits for the program to end. If cancelled in any way, stops the program, waits until it has stopped, and passes
    the cancellation on."""
    import anyio

    error: BaseException | None = None
    outcome: RunOutcome | None = None
    done = anyio.Event()

    async def wait() -> None:
        # In its own task, because AnyIO's shield does not protect a running task from a native asyncio cancellation.
        nonlocal error, outcome
        with anyio.CancelScope(shield=True):
            try:
                outcome = await offload.run(running.wait)
            except Exception as wrong:
                error = wrong
            done.set()

    running.start()
    async with anyio.create_task_group() as group:
        group.start_soon(wait)
        try:
            await done.wait()
        except anyio.get_cancelled_exc_class():
            running.interrupt()
            raise
        except BaseException as wrong:  # raised below, outside of the exception group
            running.interrupt()
            error = wrong
    if isinstance(error, ProgramError):
        raise _refused(error, entry) from error
    if error is not None:
        raise error
    assert outcome is not None
    return outcome


def _refused(error: ProgramError, entry: str) -> ProjectError:
    """Returns what a user is told of a program that cannot be run."""
    if isinstance(error, NothingToRunError):
        return ProjectError(
            f"there is nothing to run in `{entry}`: it has neither `main` nor statements at its top level",
            hint="write `fun main() { ... }`; "
            "without it the program is a library, for a host to call its `pub` functions",
        )
    return ProjectError(str(error))
