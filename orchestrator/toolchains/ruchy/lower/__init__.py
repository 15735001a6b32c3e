"""Lowering: checked functions to fragments of relocatable WebAssembly (orchestrator/wasm/fragment.py).

Each handler registers itself for the nodes that it lowers, and `table.py` sees that none is missing. `body.py` holds
what a handler writes into, and the rules of ownership. No pass recurses along a chain of operators, of joined strings
or of `else if`; elsewhere the parser's limit on nesting bounds the depth.
"""

from __future__ import annotations

import orchestrator.toolchains.ruchy.lower.table  # noqa: F401  (imports all handlers)
from orchestrator.toolchains.ruchy.check.hir import CheckedModule, FunctionBody
from orchestrator.toolchains.ruchy.lower.body import Body
from orchestrator.toolchains.ruchy.lower.glue import Glue
from orchestrator.toolchains.ruchy.lower.limits import hold
from orchestrator.toolchains.ruchy.lower.shared import Shared
from orchestrator.toolchains.ruchy.lower.variables import variable
from orchestrator.wasm.fragment import HIDDEN, Fragment


def lower(module: CheckedModule) -> list[Fragment]:
    """The fragments of all functions of a checked module, in source order. Raises LimitError where one is too large."""
    shared = Shared(module)
    glue = Glue(shared)
    return [_lower_function(shared, glue, function) for function in module.functions]


def _lower_function(shared: Shared, glue: Glue, function: FunctionBody) -> Fragment:
    """One function, with the static strings and the helpers of structs that it uses."""
    body = Body(shared, function)
    body.write()
    code = body.code(shared.type_of(function.symbol), HIDDEN)
    hold(function, body.locals.parameters, body.locals.count, len(code.body))
    helpers, strings = glue.collect(body.glue) if body.glue else ([], [])
    name = function.symbol.partition("::")[2]
    variables = [variable(symbol) for symbol in function.globals]
    return Fragment(name, (code, *helpers), (*variables, *body.statics.items, *strings), body.sites)
