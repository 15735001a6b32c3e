"""Patterns; and literals, which stand in patterns and in expressions."""

from __future__ import annotations

from orchestrator.toolchains.ruchy.syntax.lexer import KEYWORDS, words
from orchestrator.toolchains.ruchy.syntax.literals import float_value, int_value, string_value
from orchestrator.toolchains.ruchy.syntax.parser.cursor import Cursor
from orchestrator.toolchains.ruchy.syntax.std import without_std
from orchestrator.toolchains.ruchy.syntax.tree import (
    BoolLiteral,
    CharLiteral,
    Expr,
    FieldPattern,
    FloatLiteral,
    IntLiteral,
    ListPattern,
    LiteralPattern,
    NamePattern,
    OrPattern,
    Path,
    PathPattern,
    Pattern,
    RangePattern,
    RestPattern,
    StringLiteral,
    TuplePattern,
    Unary,
    WildcardPattern,
)

SOFT = words(
    """extend handle handler property private protected sealed final abstract mixin operator interface
    implements override receive send ask type with from export requires ensures invariant decreases infra
    signal df module trait catch finally"""
)
"""Reserved words that begin a construct only before certain tokens; elsewhere they are read as names."""

LITERALS = words("int float string char byte true false")


def parse_pattern(c: Cursor) -> Pattern:
    first = parse_single_pattern(c)
    if c.kinds[c.at] != "|":
        return first
    at, alternatives = first.at, [first]
    while c.kinds[c.at] == "|":
        c.at += 1
        alternatives.append(parse_single_pattern(c))
    return OrPattern(at, alternatives)


def parse_loop_pattern(c: Cursor) -> Pattern:
    """The pattern of a `for`: `k, v` is `(k, v)`."""
    first = parse_pattern(c)
    if c.kinds[c.at] != ",":
        return first
    elements = [first]
    while c.kinds[c.at] == ",":
        c.at += 1
        elements.append(parse_pattern(c))
    return TuplePattern(first.at, elements)


def parse_single_pattern(c: Cursor) -> Pattern:
    """A pattern without `|` at its top: what a lambda's parameter may be."""
    kind, at = c.kinds[c.at], c.at
    if kind == "name" and c.kinds[at + 1] not in ("::", "(", "{", "@"):
        c.at = at + 1
        return _parse_plain_name(c, at)
    c.enter()
    pattern = _parse_compound_pattern(c, kind, at)
    c.depth -= 1
    return pattern


def _parse_plain_name(c: Cursor, at: int) -> Pattern:
    text = c.texts[at]
    if text == "_":
        return WildcardPattern(at)
    if text == "None":
        return PathPattern(at, (text,))
    if text == "ref" and (c.kinds[c.at] == "mut" or c.kinds[c.at] == "name"):
        return parse_single_pattern(c)
    return NamePattern(at, text)


def _parse_compound_pattern(c: Cursor, kind: str, at: int) -> Pattern:  # noqa: RET503 (`fail` never returns)
    if kind == "name" or (kind in SOFT and kind != "df"):
        return _parse_path_pattern(c, at)
    if kind in LITERALS or kind == "-":
        return _parse_literal_pattern(c)
    if kind == "mut":
        c.at += 1
        inner = parse_single_pattern(c)
        if not isinstance(inner, NamePattern):
            c.fail("E0011", "`mut` stands before a name", at)
        inner.mutable = True
        return inner
    if kind == "(":
        elements = _parse_pattern_list(c, ")")
        lone = len(elements) == 1 and c.kinds[c.at - 2] != "," and not isinstance(elements[0], RestPattern)
        return elements[0] if lone else TuplePattern(at, elements)
    if kind == "[":
        return ListPattern(at, _parse_pattern_list(c, "]"))
    if kind == "{":
        fields, rest = _parse_field_patterns(c)
        return PathPattern(at, (), fields=fields, rest=rest)
    if kind == "..=" or (kind == ".." and _is_bound(c, at + 1)):
        return _parse_range_end(c, at, None)
    if kind == "..":
        c.at += 1
        if c.kinds[c.at] == "name":
            c.at += 1
            return RestPattern(at, c.texts[c.at - 1])
        return RestPattern(at)
    if kind in ("&", "&&"):
        c.at += 1
        return parse_single_pattern(c)
    if kind in KEYWORDS:
        c.fail("E0010", f"`{kind}` is a reserved word: it cannot be a name here", hint="choose another name")
    c.fail("E0011", f"expected a pattern, found {c.describe(at)}", after=True)


def _parse_pattern_list(c: Cursor, closer: str) -> list[Pattern]:
    opened = c.at
    c.at += 1
    patterns: list[Pattern] = []
    while c.kinds[c.at] != closer:
        patterns.append(parse_pattern(c))
        if c.kinds[c.at] != ",":
            break
        c.at += 1
    c.close(closer, opened)
    return patterns


def _parse_path_pattern(c: Cursor, at: int) -> Pattern:
    path = [c.texts[at]]
    c.at = at + 1
    if c.kinds[c.at] == "@":
        c.at += 1
        inner = parse_single_pattern(c)
        if isinstance(inner, RestPattern):
            return RestPattern(at, path[0])
        return NamePattern(at, path[0], inner=inner)
    while c.kinds[c.at] == "::":
        c.at += 1
        path.append(c.name("a variant"))
    path = [*without_std(tuple(path))]
    kind = c.kinds[c.at]
    if len(path) > 1 and kind in ("..", "..="):
        return _parse_range_end(c, at, Path(at, tuple(path)))
    if kind == "(":
        return PathPattern(at, tuple(path), elements=_parse_pattern_list(c, ")"))
    if kind == "{" and path[-1][0].isupper():
        fields, rest = _parse_field_patterns(c)
        return PathPattern(at, tuple(path), fields=fields, rest=rest)
    return PathPattern(at, tuple(path)) if len(path) > 1 else _parse_plain_name(c, at)


def _parse_field_patterns(c: Cursor) -> tuple[list[FieldPattern], bool]:
    opened = c.at
    c.at += 1
    fields: list[FieldPattern] = []
    rest = False
    while c.kinds[c.at] != "}":
        at = c.at
        if c.kinds[at] == "..":
            c.at += 1
            rest = True
        elif c.kinds[at + 1] == ":" and c.kinds[at] != "mut":
            name = c.name("a field")
            c.at += 1
            fields.append(FieldPattern(at, name, parse_pattern(c)))
        else:
            pattern = parse_single_pattern(c)
            if not isinstance(pattern, NamePattern):
                c.fail("E0011", f"expected the name of a field, found {c.describe(at)}", at)
            fields.append(FieldPattern(at, pattern.name, pattern))
        if c.kinds[c.at] != ",":
            break
        c.at += 1
    c.close("}", opened)
    return fields, rest


def _parse_literal_pattern(c: Cursor) -> Pattern:
    at = c.at
    start = _parse_pattern_bound(c)
    if c.kinds[c.at] not in ("..", "..="):
        return LiteralPattern(at, start)
    return _parse_range_end(c, at, start)


def _parse_range_end(c: Cursor, at: int, start: Expr | None) -> Pattern:
    """What follows the first end of a range; `5..` has no second one, `..=5` no first one."""
    inclusive = c.kinds[c.at] == "..="
    c.at += 1
    bounded = inclusive or _is_bound(c, c.at)
    return RangePattern(at, start, _parse_pattern_bound(c) if bounded else None, inclusive)


def _is_bound(c: Cursor, at: int) -> bool:
    """Whether an end of a range stands here: a literal, or a constant by its path."""
    kind = c.kinds[at]
    return kind in LITERALS or kind == "-" or (kind == "name" and c.kinds[at + 1] == "::")


def _parse_pattern_bound(c: Cursor) -> Expr:
    if c.kinds[c.at] == "-" and c.kinds[c.at + 1] in ("int", "float"):
        c.at += 1
        return Unary(c.at - 1, "-", parse_literal(c))
    if c.kinds[c.at] == "name" and _is_bound(c, c.at):
        at, path = c.at, [c.texts[c.at]]
        c.at += 1
        while c.kinds[c.at] == "::":
            c.at += 1
            path.append(c.name("a constant"))
        return Path(at, without_std(tuple(path)))
    if c.kinds[c.at] not in LITERALS:
        c.fail("E0011", f"expected a literal, found {c.describe(c.at)}", after=True)
    return parse_literal(c)


def parse_literal(c: Cursor) -> Expr:
    """A literal without holes; the caller has looked at its kind."""
    at = c.at
    kind, text = c.kinds[at], c.texts[at]
    c.at = at + 1
    if kind == "int":
        value, suffix = int_value(text)
        return IntLiteral(at, value, suffix)
    if kind == "string":
        return StringLiteral(at, string_value(text))
    if kind == "float":
        return FloatLiteral(at, float_value(text))
    if kind == "char":
        return CharLiteral(at, string_value(text))
    if kind == "byte":
        return IntLiteral(at, ord(string_value(text)[-1]), "u8")
    return BoolLiteral(at, kind == "true")
