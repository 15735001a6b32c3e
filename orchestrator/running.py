"""Running a project's program: captured for the API, attached to this process's own streams for the command line."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import anyio

from actors.offload import Offload
from orchestrator.config import Config
from orchestrator.errors import ProjectError
from orchestrator.result import RunResult
from orchestrator.wasm.run import NothingToRunError, ProgramError, Running, RunOutcome


async def run_captured(
    config: Config,
    program: str,
    args: Sequence[str],
    stdin: bytes,
    limits: Mapping[str, int],
    offload: Offload | None = None,
) -> RunResult:
    """Run the program file and collect what it writes. `limits` may hold `memory` (bytes) and `fuel`, over the
    settings. Raises ProjectError where it cannot be run. Cancelled, it stops the program at once."""
    unknown = set(limits) - {"memory", "fuel"}
    if unknown:
        raise ProjectError(f"`{min(unknown)}` is no limit of a program", hint='there are "memory" and "fuel"')
    running = Running(
        program,
        args,
        name=os.path.basename(program),
        stdin=stdin,
        memory_limit=limits.get("memory", config.run_memory),
        fuel=limits.get("fuel", config.fuel) or None,
        folders=config.folders,
        capture=True,
        optimise=config.profile == "release",
    )
    outcome = await _ended(running, config.entry, offload or Offload())
    message = host_message(outcome, config)
    stderr = (outcome.stderr or b"") + (f"{message}\n".encode() if message else b"")
    return RunResult(exit_code=outcome.exit_code, stdout=outcome.stdout or b"", stderr=stderr)


async def run_attached(
    config: Config, program: str, args: Sequence[str], offload: Offload | None = None
) -> tuple[int, str]:
    """Run the program file with this process's input and output as its own. Its exit code, and what the host has to say
    about its end ("" where the program said it all). Raises ProjectError, and is cancelled, as `run_captured`."""
    running = Running(
        program,
        args,
        name=os.path.basename(program),
        memory_limit=config.run_memory,
        fuel=config.fuel or None,
        folders=config.folders,
        optimise=config.profile == "release",
    )
    outcome = await _ended(running, config.entry, offload or Offload())
    return outcome.exit_code, host_message(outcome, config)


def host_message(outcome: RunOutcome, config: Config) -> str:
    """A program reports its own traps; only what it cannot survive to tell is the host's to say."""
    if outcome.reason in ("stack", "memory", "fuel"):
        return f"{config.entry}: {outcome.trap}"
    return ""


async def _ended(running: Running, entry: str, offload: Offload) -> RunOutcome:
    """Wait for the end; stop the program when the waiting is cancelled."""
    error: Exception | None = None
    outcome: RunOutcome | None = None
    running.start()
    async with anyio.create_task_group() as group:
        # The wait below cannot be cancelled, only be ended: by this task.
        group.start_soon(_interrupt_when_cancelled, running)
        try:
            outcome = await offload.run(running.wait)
        except Exception as wrong:  # leaves as itself, and not in a group
            error = wrong
        group.cancel_scope.cancel()
    if isinstance(error, NothingToRunError):
        raise ProjectError(
            f"there is nothing to run in `{entry}`: it has neither `main` nor statements at its top level",
            hint="write `fun main() { ... }`; "
            "without it the program is a library, for a host to call its `pub` functions",
        ) from error
    if isinstance(error, ProgramError):
        raise ProjectError(str(error)) from error
    if error is not None:
        raise error
    assert outcome is not None
    return outcome


async def _interrupt_when_cancelled(running: Running) -> None:
    try:
        await anyio.sleep_forever()
    finally:
        running.interrupt()
