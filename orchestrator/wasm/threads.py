"""Whether wasmtime may use its threads in this process.

wasmtime makes one pool of threads for the whole process, when it first needs it. A fork has no threads but the one that
forked, so in the child everything that goes through the pool waits for ever. A fork of a process in which the pool may
exist must therefore tell wasmtime to work without threads.
"""

from __future__ import annotations

from actors.forks import OwnProcess

_process = OwnProcess()
"""The process that imported this module, which everything that uses wasmtime does."""


def forked() -> bool:
    """Whether wasmtime must work in the caller's thread alone."""
    return _process.is_fork


def unused_before_fork() -> None:
    """Says that this process is a fork of one that has used no wasmtime, so that there was no pool."""
    global _process
    _process = OwnProcess()
