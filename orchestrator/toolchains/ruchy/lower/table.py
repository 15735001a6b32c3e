"""Imports all handlers, and refuses to start while a node of the typed tree has none."""

from __future__ import annotations

from typing import Union

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.lower.body import HANDLERS
from orchestrator.toolchains.ruchy.tables import complete

# isort: split
import orchestrator.toolchains.ruchy.lower.casts
import orchestrator.toolchains.ruchy.lower.comparisons
import orchestrator.toolchains.ruchy.lower.control
import orchestrator.toolchains.ruchy.lower.numbers
import orchestrator.toolchains.ruchy.lower.strings
import orchestrator.toolchains.ruchy.lower.structs
import orchestrator.toolchains.ruchy.lower.variables  # noqa: F401

complete(HANDLERS, Union[hir.Expr, hir.Stmt], "lower.table.HANDLERS")
