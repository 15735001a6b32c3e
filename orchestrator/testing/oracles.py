"""Oracles: properties that must hold in every run, under any schedule and with any faults.

| oracle | what it sees | where |
|---|---|---|
| `incremental_equals_full` | an object that was not compiled although it had to be, by any toolchain | `equality.py` |
| `linearize`, `CacheModel` | calls of several clients that got into one another | `linear.py`, `cachemodel.py` |
| `MessageLaws` | requests never answered, messages lost or doubled, full mailboxes, mail that starves | `laws.py` |
| `no_leaks` | tasks, processes, files and threads that are left over | `leaks.py` |

Each raises an AssertionError of its own that says what it saw. They need nothing from one another, and work with the
plain test functions of any test runner.
"""

from __future__ import annotations

from orchestrator.testing.cachemodel import CacheModel
from orchestrator.testing.equality import BuildOutcome, Differs, everything, full, incremental_equals_full
from orchestrator.testing.laws import LawBroken, MessageLaws
from orchestrator.testing.leaks import Holdings, Leaked, holdings, no_leaks, no_leaks_here
from orchestrator.testing.linear import PENDING, ClientCall, History, Model, NotLinearizable, linearize

__all__ = [
    "PENDING",
    "BuildOutcome",
    "CacheModel",
    "ClientCall",
    "Differs",
    "History",
    "Holdings",
    "LawBroken",
    "Leaked",
    "MessageLaws",
    "Model",
    "NotLinearizable",
    "everything",
    "full",
    "holdings",
    "incremental_equals_full",
    "linearize",
    "no_leaks",
    "no_leaks_here",
]
