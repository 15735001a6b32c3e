"""Which variables of the top level have floats assigned to them, as far as the text itself tells.

Such a variable is a float from the start, even if that is `0`. Every function must find
the same, also one that is compiled alone, so the summary says it, and types are not looked at: only literals, casts,
written types of parameters, variables, constants and results, and mathematics that always gives floats.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from orchestrator.toolchains.ruchy.syntax import tree
from orchestrator.toolchains.ruchy.syntax.scopes import ScopedWalk
from orchestrator.toolchains.ruchy.syntax.top import variable_of

Find = Callable[[str], Any]
"""The function or constant of the module that has a name, None where it is none."""

FLOATS = "\n// floats: "
"""Before their names, at the end of what a summary says of the statements of the top level. (No text of tokens has a
comment, and a string does not end like that.)"""

_ALWAYS = frozenset(("sqrt", "sin", "cos", "tan", "exp", "ln", "log", "log10"))
_FUNCTIONS = _ALWAYS | {"float", "parse_float"}
_METHODS = _ALWAYS | {"to_float", "powf", "powi"}
_KEEP = frozenset(("abs", "min", "max", "pow", "round", "floor", "ceil", "trunc"))
"""Their result is of the type that they are given; the functions `round`, `floor` and `ceil` give integers."""
_ROUND = frozenset(("round", "floor", "ceil", "trunc"))
_ARITHMETIC = frozenset(("+", "-", "*", "/", "%", "**"))


def float_variables(statements: Sequence[tree.Stmt], functions: Sequence[tree.Function], find: Find) -> list[str]:
    """By name. `statements` are those of the top level; `functions` all that assign to variables of it."""
    lets = [node for node in statements if variable_of(node)]
    names = {variable_of(node) for node in lets}
    found: set[str] = set()
    while True:  # what is found may be assigned to another one
        before = len(found)
        look = _Look(names, found, find)
        look.statements(statements)
        for function in functions:
            look.function(function)
        if len(found) == before:
            return sorted(look.assigned)


def floats_in(interface: bytes) -> frozenset[str]:
    """The variables that a summary says are floats."""
    _, mark, names = interface.decode().rpartition(FLOATS)
    return frozenset(names.split(" ") if mark and names.replace(" ", "").replace("_", "").isalnum() else ())


class _Look(ScopedWalk[bool]):
    """`floats` are the variables known to be floats, `assigned` those of them that become floats by an assignment;
    `scopes` say of locals whether they are floats."""

    def __init__(self, names: set[str], floats: set[str], find: Find) -> None:
        super().__init__()
        self.names = names
        self.floats = floats
        self.find = find
        self.assigned: set[str] = set()

    def parameter(self, node: tree.Parameter) -> bool:
        return _is(node.type) or self.gives(node.default)

    def turn(self, node: tree.For) -> dict[str, bool]:
        return dict.fromkeys(_bound(node.pattern), False)

    def let(self, node: tree.Let) -> None:
        gives = _is(node.type) or (node.type is None and self.gives(node.value))
        if self.scopes:
            self.scopes[-1].update(dict.fromkeys(_bound(node.pattern), gives))
        elif gives:
            self.floats.add(variable_of(node))

    def look(self, node: msgspec.Struct) -> None:
        if isinstance(node, tree.Assign):
            self._assign(node)

    def _assign(self, node: tree.Assign) -> None:
        place = node.place
        if not isinstance(place, tree.Path) or place.segments[1:] or (node.op and node.op not in _ARITHMETIC):
            return
        name = place.segments[0]
        if not self.gives(node.value):
            return
        scope = next((one for one in reversed(self.scopes) if name in one), None)
        if scope is not None:
            scope[name] = True
        elif name in self.names:
            self.floats.add(name)
            self.assigned.add(name)

    def _local(self, name: str) -> bool | None:
        return next((scope[name] for scope in reversed(self.scopes) if name in scope), None)

    def gives(self, node: Any) -> bool:
        """Whether the text says that an expression gives a float."""
        waiting = [node]
        while waiting:
            node = waiting.pop()
            if isinstance(node, tree.FloatLiteral) or (isinstance(node, tree.Cast) and _is(node.target)):
                return True
            if isinstance(node, tree.Path) and self._named(node.segments):
                return True
            if isinstance(node, tree.Call) and isinstance(node.callee, tree.Path):
                if self._called(node.callee.segments):
                    return True
                if node.callee.segments[-1] in _KEEP - _ROUND and self.find(node.callee.segments[-1]) is None:
                    waiting += node.arguments
            elif isinstance(node, tree.MethodCall):
                if node.name in _METHODS:
                    return True
                if node.name in _KEEP:
                    waiting += [node.receiver, *node.arguments]
            else:
                waiting += _values(node)
        return False

    def _named(self, path: tuple[str, ...]) -> bool:
        name = path[0]
        local = self._local(name) if len(path) == 1 else False
        if local is not None:
            return local
        if name in self.names:
            return name in self.floats
        item = self.find(name)
        return isinstance(item, tree.Const) and (_is(item.type) or isinstance(item.value, tree.FloatLiteral))

    def _called(self, path: tuple[str, ...]) -> bool:
        item = self.find(path[0]) if len(path) == 1 else None
        if item is None:
            return path[-1] in _FUNCTIONS
        return isinstance(item, tree.Function) and _is(item.result)


def _values(node: Any) -> list[Any]:
    """The parts that an expression's own type comes from."""
    if isinstance(node, tree.Binary):
        return [node.left, node.right] if node.op in _ARITHMETIC else []
    if isinstance(node, tree.Unary):
        return [node.operand] if node.op != "!" and node.op != "~" else []
    if isinstance(node, tree.If):
        return [node.then, node.otherwise]
    if isinstance(node, tree.Block):
        return node.statements[-1:]
    return [node.value] if isinstance(node, tree.ExprStmt | tree.Let) else []


def _is(kind: tree.Type | None) -> bool:
    """Whether a written type is a float's."""
    return isinstance(kind, tree.NamedType) and kind.path in (("f64",), ("f32",), ("float",))


def _bound(pattern: Any) -> list[str]:
    """The names in a pattern."""
    found: list[str] = []
    waiting = [pattern]
    while waiting:
        node = waiting.pop()
        if isinstance(node, tree.NamePattern):
            found.append(node.name)
        if isinstance(node, list):
            waiting += node
        elif isinstance(node, msgspec.Struct):
            waiting += [getattr(node, name) for name in node.__struct_fields__]
    return found
