"""wasmtime has a pool of threads for the whole process, made when it is first needed, and a process that forks leaves
none of them to its child: there everything that goes through the pool waits for ever. So a fork of a process in which
the pool may have been made tells wasmtime to do without.
"""

from __future__ import annotations

from actors.forks import OwnProcess

_process = OwnProcess()
"""The one that imported this, which all do who use wasmtime."""


def forked() -> bool:
    """Whether wasmtime has to work in the caller's thread alone."""
    return _process.is_fork
