"""What arrays of the top level hold that begin empty, or with integers, as far as the text itself tells.

`let mut out = []` takes its elements from what is put in later, also by functions. Every function must find the same,
also one that is compiled alone, so the summary says it, as it says which variables are floats (`floats.py`). Types are
not looked at: only literals, written types of parameters, variables and results, and what always gives a text, a number
or a bool.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from orchestrator.toolchains.ruchy.syntax import tree
from orchestrator.toolchains.ruchy.syntax.lexer import words
from orchestrator.toolchains.ruchy.syntax.scopes import ScopedWalk
from orchestrator.toolchains.ruchy.syntax.top import variable_of

Find = Callable[[str], Any]
"""The function or constant of the module that has a name, None where it is none."""

ELEMENTS = "\n// elements: "
"""Before what the elements are, `name=type` each with a `;` between them; it stands before what `floats.py` says."""

UNKNOWN = "?"
"""The type of elements that are put in, where the text does not tell it."""

_SCALARS = {
    **{name: name for name in words("i8 i16 i32 i64 isize u8 u16 u32 u64 usize f32 f64 bool String")},
    **dict.fromkeys(words("str string char"), "String"),
    "int": "i64",
    "float": "f64",
}
_TEXTS = words(
    """to_string trim trim_start trim_end to_upper to_lower to_uppercase to_lowercase upper lower repeat replace
    substring char_at join format str"""
)
_INTEGERS = words("len length count")
_FLOATS = words("sqrt sin cos tan exp ln log log10 to_float float parse_float")
_BOOLS = frozenset(("==", "!=", "<", "<=", ">", ">=", "&&", "||"))
_ARITHMETIC = frozenset(("+", "-", "*", "/", "%", "**"))


def element_types(statements: Sequence[tree.Stmt], functions: Sequence[tree.Function], find: Find) -> dict[str, str]:
    """By variable, as a canonical name of a type or UNKNOWN. `statements` are those of the top level; `functions` those
    that may put something into a variable of it."""
    names = {
        variable_of(node)
        for node in statements
        if isinstance(node, tree.Let) and node.type is None and _may_take_elements(node.value)
    }
    names.discard("")
    if not names:
        return {}
    look = _ElementSearch(names, find)
    look.statements(statements)
    for function in functions:
        look.function(function)
    return {name: _one(kinds) for name, kinds in sorted(look.found.items())}


def told(elements: Mapping[str, str]) -> str:
    """What a summary says of them."""
    return ELEMENTS + ";".join(f"{name}={kind}" for name, kind in elements.items()) if elements else ""


def elements_in(interface: bytes) -> dict[str, str]:
    """What a summary says of them."""
    _, mark, rest = interface.decode().rpartition(ELEMENTS)
    listed = rest.partition("\n")[0].split(";") if mark else []
    return {name: kind for name, sign, kind in (one.partition("=") for one in listed) if sign and name.isidentifier()}


def _may_take_elements(node: Any) -> bool:
    """Whether a value is an array that says nothing of its elements, or only that they are numbers."""
    if isinstance(node, tree.Array):
        return all(isinstance(one, tree.IntLiteral) or _may_take_elements(one) for one in node.elements)
    if isinstance(node, tree.ArrayRepeat):
        return isinstance(node.value, tree.IntLiteral) or _may_take_elements(node.value)
    if isinstance(node, tree.MacroCall):
        whole = node.arguments[:1] if node.repeat else node.arguments
        return node.name == "vec" and all(isinstance(one, tree.IntLiteral) for one in whole)
    callee = node.callee if isinstance(node, tree.Call) else None
    return isinstance(callee, tree.Path) and callee.segments == ("Vec", "new")


def _one(kinds: Sequence[str]) -> str:
    """What all elements are: floats where some are."""
    known = [kind for kind in kinds if UNKNOWN not in kind] or list(kinds)
    return known[0].replace("i64", "f64") if any("f64" in kind for kind in known) else known[0]


class _ElementSearch(ScopedWalk[str]):
    """`found` are the types of what is put in, by variable; `scopes` have the types of locals; `tops` the types of the
    variables of the top level."""

    def __init__(self, names: set[str], find: Find) -> None:
        super().__init__()
        self.names = names
        self.find = find
        self.found: dict[str, list[str]] = {}
        self.tops: dict[str, str] = {}

    def parameter(self, node: tree.Parameter) -> str:
        return _written(node.type)

    def turn(self, node: tree.For) -> dict[str, str]:
        """A loop's variable."""
        name = node.pattern.name if isinstance(node.pattern, tree.NamePattern) else ""
        kind = "[i64]" if isinstance(node.iterable, tree.RangeExpr) else self._type(node.iterable)
        return {name: kind[1:-1] if kind[:1] == "[" else UNKNOWN}

    def let(self, node: tree.Let) -> None:
        if isinstance(node.pattern, tree.NamePattern):
            variables = self.scopes[-1] if self.scopes else self.tops
            variables[node.pattern.name] = _written(node.type) if node.type else self._type(node.value)

    def look(self, node: msgspec.Struct) -> None:
        for name, found in self._put(node):
            self.found.setdefault(name, []).append(found)

    def _put(self, node: Any) -> Iterator[tuple[str, str]]:
        """The variable that something is put into, and the type of that."""
        if isinstance(node, tree.MethodCall) and node.name == "push" and len(node.arguments) == 1:
            name, depth = self._place(node.receiver)
            kind = self._type(node.arguments[0])
            depth += 1
            self._push_local(node.receiver, kind)
        elif isinstance(node, tree.Assign):
            name, depth = self._place(node.place)
            kind = self._type(node.value)
        else:
            return
        if name and kind:
            for _ in range(depth - 1):
                kind = f"[{kind}]"
            yield name, kind[1:-1] if depth == 0 and kind[0] == "[" else kind

    def _push_local(self, node: Any, kind: str) -> None:
        """A local that began as an empty array holds what is put in."""
        name = node.segments[0] if isinstance(node, tree.Path) else ""
        for scope in reversed(self.scopes):
            if name in scope:
                scope[name] = scope[name] or f"[{kind or UNKNOWN}]"
                return

    def _place(self, node: Any) -> tuple[str, int]:
        """The variable of the top level that a place is in, and by how many indexes; "" where it is no such place."""
        depth = 0
        while isinstance(node, tree.Index):
            node = node.value
            depth += 1
        name = node.segments[0] if isinstance(node, tree.Path) and len(node.segments) == 1 else ""
        local = any(name in scope for scope in self.scopes)
        return ("" if local or name not in self.names else name), depth

    # ------------------------------------------------------------ types

    def _type(self, node: Any) -> str:
        """What the text says of the type of an expression; "" where it is an empty array."""
        find = _TYPES.get(node.__class__)
        return find(self, node) if find is not None else UNKNOWN

    def array(self, node: Any) -> str:
        kinds = [kind for kind in (self._type(one) for one in node.elements) if kind]
        return f"[{_one(kinds)}]" if kinds else ""

    def tuple(self, node: tree.Tuple) -> str:
        kinds = [self._type(one) or UNKNOWN for one in node.elements]
        return f"({', '.join(kinds)}{',' * (len(kinds) == 1)})"

    def binary(self, node: tree.Binary) -> str:
        if node.op in _BOOLS:
            return "bool"
        left, right = self._type(node.left), self._type(node.right)
        if node.op == "+" and "String" in (left, right):
            return "String"
        if node.op == "+" and (left[:1] in ("", "[") or right[:1] in ("", "[")):
            kinds = [kind for kind in (right, left) if kind[:1] == "["]
            return kinds[0] if kinds else UNKNOWN
        if node.op in _ARITHMETIC and "f64" in (left, right):
            return "f64"
        return left if left == right else UNKNOWN

    def unary(self, node: tree.Unary) -> str:
        return "bool" if node.op == "!" else self._type(node.operand)

    def named(self, node: tree.Path) -> str:
        name, *rest = node.segments
        if rest:
            return UNKNOWN
        for scope in (*reversed(self.scopes), self.tops):
            if name in scope:
                return scope[name]
        item = self.find(name)
        return (
            (_written(item.type) if item.type else self._type(item.value)) if isinstance(item, tree.Const) else UNKNOWN
        )

    def called(self, node: tree.Call) -> str:
        name = node.callee.segments[-1] if isinstance(node.callee, tree.Path) else ""
        item = self.find(name)
        if item is not None:
            return _written(item.result) if isinstance(item, tree.Function) else UNKNOWN
        return _given_by(name)

    def method(self, node: tree.MethodCall) -> str:
        return _given_by(node.name)

    def macro(self, node: tree.MacroCall) -> str:
        if node.name == "vec":
            return f"[{self._type(node.arguments[0])}]" if node.repeat else self.array(tree.Array(0, node.arguments))
        return _given_by(node.name)

    def last(self, node: Any) -> str:
        """Of a block, or of one of the branches."""
        nodes = node.statements[-1:] if isinstance(node, tree.Block) else [node.then]
        last = nodes[0].value if nodes and isinstance(nodes[0], tree.ExprStmt | tree.Let) else None
        return self._type(last or (nodes[0] if nodes else None))


def _given_by(name: str) -> str:
    """What a builtin of this name gives."""
    if name in _TEXTS:
        return "String"
    return "i64" if name in _INTEGERS else "f64" if name in _FLOATS else UNKNOWN


def _written(kind: tree.Type | None) -> str:
    """A written type, if it is made of builtin ones."""
    if isinstance(kind, tree.ReferenceType):
        return _written(kind.target)
    if isinstance(kind, tree.ArrayType):
        return f"[{_written(kind.element)}]"
    if isinstance(kind, tree.TupleType) and kind.elements:
        return f"({', '.join(map(_written, kind.elements))}{',' * (len(kind.elements) == 1)})"
    if isinstance(kind, tree.NamedType) and len(kind.path) == 1:
        if kind.path[0] == "Vec" and len(kind.arguments) == 1:
            return f"[{_written(kind.arguments[0])}]"
        return _SCALARS.get(kind.path[0], UNKNOWN)
    return UNKNOWN


_TYPES: dict[type, Callable[[_ElementSearch, Any], str]] = {
    tree.IntLiteral: lambda look, node: node.suffix or "i64",
    tree.FloatLiteral: lambda look, node: "f64",
    tree.BoolLiteral: lambda look, node: "bool",
    tree.StringLiteral: lambda look, node: "String",
    tree.CharLiteral: lambda look, node: "String",
    tree.FString: lambda look, node: "String",
    tree.Array: _ElementSearch.array,
    tree.ArrayRepeat: lambda look, node: f"[{look._type(node.value)}]",
    tree.Tuple: _ElementSearch.tuple,
    tree.Binary: _ElementSearch.binary,
    tree.Unary: _ElementSearch.unary,
    tree.Cast: lambda look, node: _written(node.target),
    tree.Path: _ElementSearch.named,
    tree.Call: _ElementSearch.called,
    tree.MethodCall: _ElementSearch.method,
    tree.MacroCall: _ElementSearch.macro,
    tree.Block: _ElementSearch.last,
    tree.If: _ElementSearch.last,
}
