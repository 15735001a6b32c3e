"""Imports all handlers, and refuses to start while a node of the typed tree has none, or a type lacks the code that its
row of `check/abilities.py` asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Union

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.abilities import ABILITIES, HELPER, INLINE, STORAGES
from orchestrator.toolchains.ruchy.lower.body import HANDLERS
from orchestrator.toolchains.ruchy.tables import complete

if TYPE_CHECKING:
    from collections.abc import Iterable

# isort: split
import orchestrator.toolchains.ruchy.lower.casts
import orchestrator.toolchains.ruchy.lower.closures
import orchestrator.toolchains.ruchy.lower.control
import orchestrator.toolchains.ruchy.lower.elements
import orchestrator.toolchains.ruchy.lower.enums
import orchestrator.toolchains.ruchy.lower.glue_arrays
import orchestrator.toolchains.ruchy.lower.numbers
import orchestrator.toolchains.ruchy.lower.places
import orchestrator.toolchains.ruchy.lower.structs
import orchestrator.toolchains.ruchy.lower.throwing
import orchestrator.toolchains.ruchy.lower.variables  # noqa: F401
from orchestrator.toolchains.ruchy.lower.comparisons import INLINE_COMPARISONS
from orchestrator.toolchains.ruchy.lower.glue import HELPERS
from orchestrator.toolchains.ruchy.lower.layout import STORAGE
from orchestrator.toolchains.ruchy.lower.strings import INLINE_TEXTS

complete(HANDLERS, Union[hir.Expr, hir.Stmt], "lower.table.HANDLERS")


def _check(what: str, handled: Iterable[object], wanted: Iterable[object]) -> None:
    difference = set(handled) ^ set(wanted)
    if difference:
        raise TypeError(f"check.abilities and {what} differ about {difference}")


_ABILITIES = ("drop", "unshare", "eq", "order", "show")
_FIXED = [row.storage for row in ABILITIES.values() if not callable(row.storage)]
_check("lower.layout.STORAGE", STORAGE, [*STORAGES, *_FIXED])
_check(
    "lower.glue.HELPERS",
    [(kind, name) for kind, name in HELPERS if name in _ABILITIES],
    [(kind, column) for kind, row in ABILITIES.items() for column in _ABILITIES if getattr(row, column) == HELPER],
)
_check(
    "lower.comparisons.INLINE_COMPARISONS",
    INLINE_COMPARISONS,
    [kind for kind, row in ABILITIES.items() if INLINE in (row.eq, row.order)],
)
_check("lower.strings.INLINE_TEXTS", INLINE_TEXTS, [kind for kind, row in ABILITIES.items() if row.show == INLINE])
