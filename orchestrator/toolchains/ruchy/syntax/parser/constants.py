"""Constants: of a module, and of an `impl`, a class or a trait."""

from __future__ import annotations

from orchestrator.toolchains.ruchy.syntax.parser.cursor import Cursor
from orchestrator.toolchains.ruchy.syntax.parser.expressions import parse_expression
from orchestrator.toolchains.ruchy.syntax.parser.types import parse_type
from orchestrator.toolchains.ruchy.syntax.tree import Attribute, Block, Expr, ExprStmt, Function, Type


def parse_associated_const(c: Cursor, start: int, public: bool, attributes: list[Attribute]) -> Function:
    """`const NAME: T = value;` of an `impl`; in a trait the value may be missing."""
    at, name, declared = parse_const_head(c)
    header = c.at
    if c.allow_headers and c.kinds[c.at] != "=":
        body = Block(c.at, [], 0)
    else:
        value = parse_const_value(c, name)
        body = Block(value.at, [ExprStmt(value.at, value)], c.at)
    c.at += c.kinds[c.at] in (";", ",")
    return Function(
        at,
        name,
        public,
        [],
        declared,
        body,
        attributes=attributes,
        start=start,
        stop=c.at,
        header=header,
        constant=True,
    )


def parse_const_head(c: Cursor) -> tuple[int, str, Type | None]:
    c.at += 1
    at = c.at
    name = c.name("the constant")
    if c.kinds[c.at] != ":":
        return at, name, None
    c.at += 1
    return at, name, parse_type(c)


def parse_const_value(c: Cursor, name: str) -> Expr:
    c.expect("=", "and the value of the constant", f"write `const {name} = ...`")
    return parse_expression(c)
