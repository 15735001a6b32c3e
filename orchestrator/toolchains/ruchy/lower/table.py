"""The one dispatch table: how each node of the typed tree is lowered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Union

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.lower import casts, comparisons, control, numbers, strings, structs, variables
from orchestrator.toolchains.ruchy.tables import complete

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.toolchains.ruchy.lower.body import Body

_LINKS: dict[type, Callable[[Body, Any], int]] = {
    hir.Cast: casts.lower_cast,
    hir.ToText: strings.lower_to_text,
    hir.Runtime: strings.lower_runtime,
}


def _lower_link(body: Body, node: hir.Cast | hir.ToText | hir.Runtime) -> int:
    """Methods may be called one on the other's result thousands of times: from the innermost outwards, no recursion."""
    chain: list[hir.Expr] = [node]
    first = _first(node)
    while first is not None and first.__class__ in _LINKS:
        chain.append(first)
        first = _first(first)
    held = _LINKS[chain[-1].__class__](body, chain[-1])
    while len(chain) > 1:
        done = chain.pop()
        held = body.emit_after(done, held, chain[-1], _LINKS[chain[-1].__class__])
    return held


def _first(node: Any) -> hir.Expr | None:
    if isinstance(node, hir.Runtime):
        return node.arguments[0] if node.arguments else None
    return node.operand  # type: ignore[no-any-return]


HANDLERS: dict[type, Callable[[Body, Any], int]] = {
    hir.Int: numbers.lower_int,
    hir.Float: numbers.lower_float,
    hir.Str: strings.lower_str,
    hir.Unit: control.lower_unit,
    hir.Local: control.lower_local,
    hir.GetGlobal: variables.lower_get_global,
    hir.Arithmetic: numbers.lower_arithmetic,
    hir.Negate: numbers.lower_negate,
    hir.BitNot: numbers.lower_bit_not,
    hir.Not: numbers.lower_not,
    hir.Compare: comparisons.lower_compare,
    hir.And: control.lower_and,
    hir.Or: control.lower_or,
    hir.Cast: _lower_link,
    hir.ToText: _lower_link,
    hir.Concat: strings.lower_concat,
    hir.Call: control.lower_call,
    hir.Runtime: _lower_link,
    hir.NewStruct: structs.lower_new_struct,
    hir.UpdateStruct: structs.lower_update_struct,
    hir.GetField: structs.lower_get_field,
    hir.Block: control.lower_block,
    hir.If: control.lower_if,
    hir.Loop: control.lower_loop,
    hir.While: control.lower_while,
    hir.ForRange: control.lower_for_range,
    hir.Break: control.lower_break,
    hir.Continue: control.lower_continue,
    hir.Return: control.lower_return,
    hir.Print: strings.lower_print,
    hir.Panic: strings.lower_panic,
    hir.Let: control.lower_let,
    hir.Store: structs.lower_store,
    hir.SetGlobal: variables.lower_set_global,
    hir.Do: control.lower_do,
}

complete(HANDLERS, Union[hir.Expr, hir.Stmt], "lower.table.HANDLERS")
