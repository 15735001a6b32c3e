"""Object literals: `{a: 1, "b": 2, c}`."""

from __future__ import annotations

from orchestrator.toolchains.ruchy.syntax.literals import string_value
from orchestrator.toolchains.ruchy.syntax.parser.cursor import Cursor
from orchestrator.toolchains.ruchy.syntax.parser.expressions import parse_bracketed
from orchestrator.toolchains.ruchy.syntax.tree import FieldValue, ObjectLiteral, Path


def parse_object(c: Cursor) -> ObjectLiteral:
    """The cursor is at the `{`."""
    opened = c.at
    c.enter()
    c.at += 1
    fields: list[FieldValue] = []
    while c.kinds[c.at] != "}":
        field = _parse_field(c)
        if field is not None:
            fields.append(field)
        if c.kinds[c.at] != ",":
            break
        c.at += 1
    c.close("}", opened)
    c.depth -= 1
    return ObjectLiteral(opened, fields)


def _parse_field(c: Cursor) -> FieldValue | None:
    at = c.at
    if c.kinds[at] == "...":
        c.report("E0709", "`...` is not supported: the fields of an object are written out", hint="name each: `a: o.a`")
        c.at += 1
        parse_bracketed(c)
        return None
    if c.kinds[at] == "string":
        name = string_value(c.texts[at])
        c.at += 1
    else:
        name = c.name("a field")
        if c.kinds[c.at] != ":":
            return FieldValue(at, name, Path(at, (name,)))
    c.expect(":", f"and the value of the field `{name}`")
    return FieldValue(at, name, parse_bracketed(c))
