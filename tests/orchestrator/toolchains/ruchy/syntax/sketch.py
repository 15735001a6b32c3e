"""Trees as short text, for exact comparison: `a + b * 2` is `(+ a (* b 2))`."""

from __future__ import annotations

from orchestrator.toolchains.ruchy.syntax import tree
from orchestrator.toolchains.ruchy.syntax.parser import parse


def sketch(node: object) -> str:
    """One node, without its position."""
    if isinstance(node, list):
        return "[" + " ".join(sketch(one) for one in node) + "]"
    if not isinstance(node, tree.Node):
        return "-" if node is None else str(node)
    match node:
        case tree.Path():
            return "::".join(node.segments)
        case tree.IntLiteral():
            return f"{node.value}{node.suffix}"
        case tree.FloatLiteral() | tree.BoolLiteral():
            return str(node.value)
        case tree.StringLiteral() | tree.CharLiteral():
            return repr(node.value)
        case tree.Binary():
            return f"({node.op} {sketch(node.left)} {sketch(node.right)})"
        case tree.Unary():
            return f"({node.op} {sketch(node.operand)})"
        case tree.Assign():
            return f"({node.op}= {sketch(node.place)} {sketch(node.value)})"
        case tree.ExprStmt():
            return sketch(node.value)
        case tree.NamedType():
            path = "::".join(node.path)
            return path + (f"<{' '.join(sketch(one) for one in node.arguments)}>" if node.arguments else "")
        case tree.NamePattern() if node.inner is None:
            return ("mut " if node.mutable else "") + node.name
    skipped = (
        ("at",) if isinstance(node, tree.RangeExpr | tree.RangePattern) else ("at", "start", "stop", "end", "header")
    )
    if not getattr(node, "contracts", True):
        skipped = (*skipped, "contracts")
    if not getattr(node, "constant", True):
        skipped = (*skipped, "constant")
    values = [getattr(node, field) for field in node.__struct_fields__ if field not in skipped]
    return f"({type(node).__name__} {' '.join(sketch(value) for value in values)})".replace(" )", ")")


def statements(source: str) -> list[str]:
    """Every statement of a module that parses."""
    parsed = parse(source)
    assert parsed.module is not None, parsed.diagnostics
    return [sketch(statement) for statement in parsed.module.body]


def expression(source: str) -> str:
    """The only statement of a module that parses."""
    (only,) = statements(source)
    return only


def errors(source: str) -> list[tuple[str, int, int]]:
    """(code, line, column) of everything that is wrong."""
    parsed = parse(source)
    assert (parsed.module is None) == any(found.severity == "error" for found in parsed.diagnostics)
    return [(found.code, found.line, found.column) for found in parsed.diagnostics]
