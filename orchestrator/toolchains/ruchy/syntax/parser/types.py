"""Types and the lists of generic parameters."""

from __future__ import annotations

from orchestrator.toolchains.ruchy.syntax.parser.cursor import Cursor
from orchestrator.toolchains.ruchy.syntax.parser.expressions import parse_expression
from orchestrator.toolchains.ruchy.syntax.std import without_std
from orchestrator.toolchains.ruchy.syntax.tree import (
    ArrayType,
    FunctionType,
    NamedType,
    ReferenceType,
    TraitBound,
    TupleType,
    Type,
)

_ANGLES = (">", ">>", ">=", ">>=")


def parse_type(c: Cursor) -> Type:
    kind, at = c.kinds[c.at], c.at
    if kind == "name" and c.kinds[at + 1] not in ("<", "::", "(") and c.texts[at] != "dyn":
        c.at = at + 1
        return NamedType(at, (c.texts[at],))
    c.enter()
    type_ = _parse_compound_type(c, kind, at)
    c.depth -= 1
    return type_


def _parse_compound_type(c: Cursor, kind: str, at: int) -> Type:  # noqa: RET503 (`fail` never returns)
    if kind == "[":
        return _parse_array_type(c)
    if kind == "(":
        return _parse_tuple_type(c)
    if kind in ("&", "&&"):
        c.at += 1
        if c.kinds[c.at] == "lifetime":
            c.at += 1
        mutable = c.kinds[c.at] == "mut"
        c.at += mutable
        inner: Type = ReferenceType(at, parse_type(c), mutable)
        return ReferenceType(at, inner) if kind == "&&" else inner
    if kind in ("fn", "fun"):
        c.at += 1
        return _parse_function_type(c, at)
    if kind == "impl" or (kind == "name" and c.texts[at] == "dyn" and c.kinds[at + 1] == "name"):
        c.at += 1
        return _parse_trait(c, at)
    if kind == "name":
        return _parse_named_type(c, at, True)
    c.fail("E0012", f"expected a type, found {c.describe(at)}", after=True)


def _parse_array_type(c: Cursor) -> Type:
    at = c.at
    c.at += 1
    element = parse_type(c)
    size = None
    if c.kinds[c.at] == ";":
        c.at += 1
        size = parse_expression(c)
    c.close("]", at)
    return ArrayType(at, element, size)


def _parse_type_list(c: Cursor, closer: str, opened: int) -> list[Type]:
    types: list[Type] = []
    while c.kinds[c.at] != closer:
        types.append(parse_type(c))
        if c.kinds[c.at] != ",":
            break
        c.at += 1
    c.close(closer, opened)
    return types


def _parse_tuple_type(c: Cursor) -> Type:
    at = c.at
    c.at += 1
    elements = _parse_type_list(c, ")", at)
    if len(elements) == 1 and c.kinds[c.at - 2] != ",":
        return elements[0]
    return TupleType(at, elements)


def _parse_function_type(c: Cursor, at: int) -> FunctionType:
    """`(A, B) -> C`, behind `fn` or `Fn`."""
    opened = c.expect("(")
    parameters = _parse_type_list(c, ")", opened)
    result = None
    if c.kinds[c.at] == "->":
        c.at += 1
        result = parse_type(c)
    return FunctionType(at, parameters, result)


def _parse_trait(c: Cursor, at: int) -> Type:
    """`impl Fn(A) -> B` is a function type; `impl Shape` is a type parameter of its own where a parameter is of it."""
    word = c.texts[c.at]
    if c.kinds[c.at] == "name" and word in ("Fn", "FnMut", "FnOnce"):
        c.at += 1
        return _parse_function_type(c, at)
    if c.kinds[at] == "impl" and c.anonymous is not None:
        traits = [parse_type(c)]
        while c.kinds[c.at] == "+":
            c.at += 1
            traits.append(parse_type(c))
        kind = NamedType(at, (f"impl {word}{len(c.anonymous) or ''}",))
        c.anonymous.append([TraitBound(at, kind, trait) for trait in traits])
        return kind
    c.report("E0715", f"`{c.texts[at]} {word}` is not supported here", at, "write the type itself")
    return parse_type(c)


def _parse_named_type(c: Cursor, at: int, arguments: bool) -> Type:
    path = [c.texts[at]]
    c.at = at + 1
    while c.kinds[c.at] == "::" and c.kinds[c.at + 1] != "<":
        c.at += 1
        path.append(c.name("a type"))
    if c.kinds[c.at] == "(" and path[-1] in ("Fn", "FnMut", "FnOnce") and len(path) == 1:
        return _parse_function_type(c, at)
    if c.kinds[c.at] == "::":
        c.at += 1
    if path[-2:] == ["fmt", "Result"]:
        return NamedType(at, ("Result",), [TupleType(at, []), NamedType(at, ("String",))])
    type_arguments = parse_type_arguments(c) if arguments and c.kinds[c.at] == "<" else []
    return NamedType(at, without_std(tuple(path)), type_arguments)


def parse_cast_target(c: Cursor) -> Type:
    """The type behind `as`: a name or path alone, so that `a as i64 < b` is a comparison."""
    if c.kinds[c.at] == "name":
        return _parse_named_type(c, c.at, False)
    return parse_type(c)


def parse_type_arguments(c: Cursor) -> list[Type]:
    """`<A, B>`; lifetimes are left out, and so is `Output = T`, because a body says what an operator gives."""
    opened = c.expect("<")
    types: list[Type] = []
    while c.kinds[c.at] not in _ANGLES:
        if c.kinds[c.at] == "lifetime":
            c.at += 1
        elif c.kinds[c.at] == "name" and c.kinds[c.at + 1] == "=":
            c.at += 2
            parse_type(c)
        else:
            types.append(parse_type(c))
        if c.kinds[c.at] != ",":
            break
        c.at += 1
    _close_angle(c, opened)
    return types


def _close_angle(c: Cursor, opened: int) -> None:
    """Takes one `>`, also the first part of `>>`, `>=` and `>>=`."""
    kind = c.kinds[c.at]
    if kind != ">" and kind in _ANGLES:
        c.kinds[c.at] = kind[1:]
    else:
        c.close(">", opened)


def parse_generics(c: Cursor, bounds: list[TraitBound] | None = None) -> list[str]:
    """The names in the `<T: A + B, U>` of an item. What they must implement joins `bounds`."""
    texts: list[str] = []
    if c.kinds[c.at] != "<":
        return texts
    opened = c.at
    c.at += 1
    while c.kinds[c.at] not in _ANGLES:
        at = c.at
        if c.kinds[at] == "lifetime":
            c.at += 1
            parse_bounds(c)
        else:
            if c.kinds[at] == "const":
                c.fail("E0715", "constants as generic parameters are not supported", hint="write a `const`")
            name = c.name("a generic parameter")
            texts.append(name)
            traits = parse_bounds(c)
            if bounds is not None:
                bounds += [TraitBound(trait.at, NamedType(at, (name,)), trait) for trait in traits]
        if c.kinds[c.at] != ",":
            break
        c.at += 1
    _close_angle(c, opened)
    return texts


def parse_bounds(c: Cursor) -> list[Type]:
    """`: A + B`, lifetimes left out."""
    bounds: list[Type] = []
    if c.kinds[c.at] != ":":
        return bounds
    c.at += 1
    while c.kinds[c.at] not in ("{", *_ANGLES):
        if c.kinds[c.at] == "lifetime":
            c.at += 1
        else:
            c.at += c.kinds[c.at] == "?"  # `?Sized`
            bounds.append(parse_type(c))
        if c.kinds[c.at] != "+":
            break
        c.at += 1
    return bounds


def parse_where(c: Cursor, bounds: list[TraitBound] | None = None) -> None:
    """`where T: A + B, U: C`: joins `bounds`."""
    if c.kinds[c.at] != "where":
        return
    c.at += 1
    while c.kinds[c.at] not in ("{", ";", "end"):
        kind = parse_type(c)
        traits = parse_bounds(c)
        if bounds is not None:
            bounds += [TraitBound(trait.at, kind, trait) for trait in traits]
        if c.kinds[c.at] != ",":
            return
        c.at += 1
