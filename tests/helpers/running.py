"""Runs a WebAssembly program and waits for its end."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from orchestrator.wasm.execute import Running, RunOutcome


def run_program(program: bytes | str | os.PathLike[str], args: Sequence[str] = (), **settings: Any) -> RunOutcome:
    """Runs a program. The arguments are those of `Running`. Ctrl-C stops the program, then raises KeyboardInterrupt."""
    running = Running(program, args, **settings)
    running.start()
    try:
        return running.wait()
    except KeyboardInterrupt:
        running.interrupt()
        running.wait()
        raise
