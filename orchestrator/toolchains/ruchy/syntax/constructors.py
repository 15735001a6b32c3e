"""Constructors that assign fields: `new(name: String) { self.name = name }` in a class, without `->` and `self`.

Each field that is assigned is a variable of the constructor, and at the end these make the value. So nothing sees a
value some of whose fields are missing. A constructor is changed only where each field that it names is assigned, as a
statement of its body, before anything else names it; any other one stays as it is, and its `self` is an error.
"""

from __future__ import annotations

from typing import Any

import msgspec

from orchestrator.toolchains.ruchy.syntax import tree


def construct(function: tree.Function, name: str, fields: list[tree.StructField]) -> None:
    """Changes the function, if it is such a constructor of the struct."""
    if function.receiver or function.result is not None or not function.body.statements:
        return
    types = {field.name: field.type for field in fields}
    assigned: dict[str, str] = {}
    statements: list[tree.Stmt] = []
    for statement in function.body.statements:
        field = _assigned(statement, types)
        if field is None or field in assigned:
            statements.append(_on_variables(statement, assigned))
            continue
        assert isinstance(statement, tree.ExprStmt) and isinstance(statement.value, tree.Assign)
        value = _on_variables(statement.value.value, assigned)
        assigned[field] = f"#{field}"
        pattern = tree.NamePattern(statement.at, assigned[field], mutable=True)
        statements.append(tree.Let(statement.at, pattern, types[field], value))
    if not assigned or _names_self(statements):
        return
    at = function.body.at
    values = [tree.FieldValue(at, field, tree.Path(at, (variable,))) for field, variable in assigned.items()]
    statements.append(tree.ExprStmt(at, tree.StructLiteral(at, (name,), values, None)))
    function.body.statements[:] = statements
    function.result = tree.NamedType(function.at, ("Self",))


def _assigned(statement: tree.Stmt, types: dict[str, tree.Type]) -> str | None:
    """The field of `self.field = value`."""
    assignment = statement.value if isinstance(statement, tree.ExprStmt) else None
    if not isinstance(assignment, tree.Assign) or assignment.op or not isinstance(assignment.place, tree.Field):
        return None
    return assignment.place.name if _is_self(assignment.place.value) and assignment.place.name in types else None


def _is_self(node: object) -> bool:
    return isinstance(node, tree.Path) and node.segments == ("self",)


def _on_variables(node: Any, assigned: dict[str, str]) -> Any:
    """The same tree, with variables for the fields that have been assigned."""
    if isinstance(node, tree.Field) and _is_self(node.value) and node.name in assigned:
        return tree.Path(node.at, (assigned[node.name],))
    if isinstance(node, list):
        return [_on_variables(one, assigned) for one in node]
    if isinstance(node, tuple):
        return tuple([_on_variables(one, assigned) for one in node])
    if isinstance(node, msgspec.Struct):
        return node.__class__(
            **{field: _on_variables(getattr(node, field), assigned) for field in node.__struct_fields__}
        )
    return node


def _names_self(node: object) -> bool:
    if _is_self(node):
        return True
    if isinstance(node, list | tuple):
        return any(_names_self(one) for one in node)
    return isinstance(node, msgspec.Struct) and any(
        _names_self(getattr(node, field)) for field in node.__struct_fields__
    )
