"""`write!` and `writeln!`, and the text that a type has by an `impl Display` of its own."""

from __future__ import annotations

import msgspec

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.data.display import OWN_TEXT
from orchestrator.toolchains.ruchy.check.function import Fn, Want, Why, bad, expr
from orchestrator.toolchains.ruchy.check.functions.builtins import MACROS, Builtin, Called, arguments_of
from orchestrator.toolchains.ruchy.check.inference.annotations import enum_of, struct_of
from orchestrator.toolchains.ruchy.check.methods.written_methods import in_ruchy
from orchestrator.toolchains.ruchy.check.types import STRING, UNIT, EnumType, StructType, Type, result_of
from orchestrator.toolchains.ruchy.syntax import tree

_SHOWN = '{ let mut __f = ""; let _ = __x.fmt(&mut __f); __f }'


def _own_text(c: Fn, typed: hir.Expr, kind: Type) -> hir.Expr | None:
    """What the `fmt` of a type's own `Display` writes; None for a type without one."""
    if not isinstance(kind, StructType | EnumType) or not kind.module:
        return None
    owner = struct_of(c.p, kind) or enum_of(c.p, kind)
    method = owner.methods.get("fmt") if owner is not None else None
    if method is None or not method.node.receiver or len(method.node.parameters) != 2:  # another form was told
        return None
    block = method.context.block
    if block is None or block.trait is None or block.trait.path[-1] != "Display":
        return None
    return in_ruchy(c, typed.at, _SHOWN, {"x": typed}, STRING)


def _writer(end: str) -> Builtin:
    """`write!(f, "{}", x)` appends to the text `f`, and gives `Ok(())`. A formatter is such a text."""

    def handler(c: Fn, node: Called, want: Want, why: Why) -> hir.Expr:
        if not isinstance(node, tree.MacroCall) or not node.arguments:
            arguments_of(c, node, "write!", 2, 2)
            return bad(node.at)
        at = node.at
        place, *rest = node.arguments
        texts: list[tree.Expr] = [msgspec.structs.replace(node, name="format", arguments=rest)] if rest else []
        texts += [tree.StringLiteral(at, end)] if end else []
        statements: list[tree.Stmt] = [
            tree.ExprStmt(at, tree.MethodCall(at, place, "push_str", [text]), True) for text in texts
        ]
        done = tree.Call(at, tree.Path(at, ("Ok",)), [tree.Tuple(at, [])])
        block = tree.Block(at, [*statements, tree.ExprStmt(at, done)], at)
        c.p.composed = True
        return expr(c, block, result_of(UNIT, STRING), why)

    return handler


OWN_TEXT.of = _own_text
MACROS["write"] = _writer("")
MACROS["writeln"] = _writer("\n")
