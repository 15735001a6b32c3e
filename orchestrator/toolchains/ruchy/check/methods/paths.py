"""Methods of builtin types by their path: `i64::max(a, b)`, `String::len(s)`; and functions of `char`."""

from __future__ import annotations

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.function import Fn, Want, Why, bad
from orchestrator.toolchains.ruchy.check.functions.builtins import BUILTINS, Called, arguments_of
from orchestrator.toolchains.ruchy.check.methods.written_methods import in_ruchy

_CHARACTERS = {
    "from": ("x", "__x as char"),
    "from_u32": (
        "x",
        "if __x < 55296 || (__x > 57343 && __x < 1114112) { Some(__x as char) } else { None }",
    ),
    "from_digit": (
        "x r",
        'if __x < __r { "0123456789abcdefghijklmnopqrstuvwxyz".get(__x) } else { None }',
    ),
}


def _of_char(name: str) -> None:
    names, text = _CHARACTERS[name]

    def handler(c: Fn, node: Called, want: Want, why: Why) -> hir.Expr:
        count = len(names.split())
        arguments = arguments_of(c, node, name, count, count)
        if arguments is None:
            return bad(node.at)
        return in_ruchy(c, node.at, text, dict(zip(names.split(), arguments, strict=True)))

    BUILTINS[f"char::{name}"] = handler


for _name in _CHARACTERS:
    _of_char(_name)
