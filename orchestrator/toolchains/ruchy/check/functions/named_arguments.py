"""Arguments that are named: `area(h = 5.0, w = 1.5)` gives each to the parameter of its name.

They are computed in the order written, as all arguments are, and then put in the order of the parameters.
"""

from __future__ import annotations

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.function import Fn, expr
from orchestrator.toolchains.ruchy.check.inference.infer import resolve
from orchestrator.toolchains.ruchy.check.inference.widths import started
from orchestrator.toolchains.ruchy.check.scope import FunctionItem
from orchestrator.toolchains.ruchy.check.unsupported import not_yet
from orchestrator.toolchains.ruchy.hints import did_you_mean
from orchestrator.toolchains.ruchy.syntax import tree

_PLAIN = (tree.IntLiteral, tree.FloatLiteral, tree.StringLiteral, tree.CharLiteral, tree.BoolLiteral, tree.Path)
"""What may be computed in any order."""


def name_of(node: tree.Expr) -> str:
    """The parameter that an argument names, "" where it names none."""
    if not isinstance(node, tree.Assign) or node.op or not isinstance(node.place, tree.Path):
        return ""
    return node.place.segments[0] if len(node.place.segments) == 1 else ""


def in_order(c: Fn, node: tree.Call, item: FunctionItem, first: int, out: list[hir.Stmt]) -> tree.Call | None:
    """The same call with all arguments in the order of the parameters, of which those before `first` are not written.
    What must be computed before joins `out`. None after an error."""
    parameters = item.node.parameters
    given: dict[int, tree.Expr] = {}
    for index, argument in enumerate(node.arguments, first):
        name = name_of(argument)
        place = next((at for at, one in enumerate(parameters) if at >= first and one.name == name), -1)
        if not name:
            place = index
            if len(given) < index - first:
                c.p.error("E0310", argument.at, "an argument without a name stands behind named ones", _NAME_ALL)
                return None
        if place < 0:
            hint = did_you_mean(name, [parameter.name for parameter in parameters[first:]])
            c.p.error("E0310", argument.at, f"`{item.name}` has no parameter `{name}`", hint)
            return None
        if place in given:
            c.p.error("E0310", argument.at, f"`{name}` is given twice", "leave one of them out")
            return None
        given[place] = argument.value if name and isinstance(argument, tree.Assign) else argument
    for place in range(first, max(given)):
        if place not in given and place < len(parameters) and not _by_default(c, node, item, place, given):
            return None
    return _made(c, node, given, out)


_NAME_ALL = "name it too, or put it first"


def _by_default(c: Fn, node: tree.Call, item: FunctionItem, place: int, given: dict[int, tree.Expr]) -> bool:
    """Gives a parameter that is left out its default, which is a literal."""
    parameter = item.node.parameters[place]
    if parameter.default is None:
        message = f"`{item.name}` needs a value for its `{parameter.name}`, which has no default"
        c.p.error("E0301", node.at, message)
        return False
    if not isinstance(parameter.default, _PLAIN) or isinstance(parameter.default, tree.Path):
        not_yet(c.p, node.at, f"leaving out `{parameter.name}`, whose default is computed,", plural=False)
        return False
    given[place] = parameter.default
    return True


def _made(c: Fn, node: tree.Call, given: dict[int, tree.Expr], out: list[hir.Stmt]) -> tree.Call:
    order = sorted(given)
    if list(given) != order and sum(not isinstance(one, _PLAIN) for one in given.values()) > 1:
        for place, value in given.items():
            if isinstance(value, (*_PLAIN, tree.Lambda)):
                continue
            typed = started(c.p, expr(c, value))
            variable = c.declare(f"#{place}", resolve(typed.type), node.at)
            variable.read = True
            out.append(hir.Do(typed) if variable.slot < 0 else hir.Let(variable.slot, typed))
            given[place] = tree.Path(value.at, (f"#{place}",))
    return tree.Call(node.at, node.callee, [given[place] for place in order])
