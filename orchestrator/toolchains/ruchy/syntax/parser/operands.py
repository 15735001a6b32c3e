"""Operands: names, macros, brackets, f-strings, lambdas; and what may follow an operand: calls, members, casts."""

from __future__ import annotations

from orchestrator.toolchains.ruchy.hints import did_you_mean
from orchestrator.toolchains.ruchy.syntax.lexer import words
from orchestrator.toolchains.ruchy.syntax.literals import split_template, template_value
from orchestrator.toolchains.ruchy.syntax.parser.cursor import NESTING, Cursor
from orchestrator.toolchains.ruchy.syntax.parser.expressions import (
    choices,
    parse_arguments,
    parse_bracketed,
    parse_expression,
)
from orchestrator.toolchains.ruchy.syntax.parser.patterns import (
    LITERALS,
    parse_loop_pattern,
    parse_pattern,
    parse_single_pattern,
)
from orchestrator.toolchains.ruchy.syntax.parser.types import parse_cast_target, parse_type, parse_type_arguments
from orchestrator.toolchains.ruchy.syntax.std import without_std
from orchestrator.toolchains.ruchy.syntax.tree import (
    PRESENT,
    Array,
    ArrayRepeat,
    Block,
    BoolLiteral,
    Call,
    Cast,
    CharLiteral,
    Comprehension,
    Expr,
    ExprStmt,
    Field,
    FieldValue,
    FloatLiteral,
    FString,
    HolePart,
    Index,
    IntLiteral,
    Lambda,
    MacroCall,
    Match,
    MatchArm,
    MethodCall,
    NamePattern,
    Parameter,
    Path,
    Pattern,
    SafeMember,
    StringLiteral,
    StructLiteral,
    TextPart,
    Try,
    Tuple,
    Type,
    Unsupported,
    WildcardPattern,
)

MACROS = words(
    """println print eprintln eprint format vec assert assert_eq assert_ne panic todo unreachable matches
    unimplemented write writeln"""
)

_BRACKETS = {"(": ")", "[": "]", "{": "}"}

_OWN_VALUE = (
    IntLiteral, FloatLiteral, BoolLiteral, CharLiteral, StringLiteral, FString, Call, MethodCall, MacroCall,
    StructLiteral, Array, ArrayRepeat,
)  # fmt: skip
"""After these, a `[` on a new line begins an array. (In the reference also on the same line.)"""


# ------------------------------------------------------------ names, structs, macros


def parse_name(c: Cursor) -> Expr:
    at = c.at
    kinds = c.kinds
    text = c.texts[at]
    following = kinds[at + 1]
    c.at = at + 1
    types: list[Type] = []
    typed = 0
    if following == "::":
        path, types, typed = _parse_path(c, text)
    elif following == "!" and kinds[at + 2] in _BRACKETS and at + 1 not in c.breaks:
        return _parse_macro(c, at, text)
    elif following == "=>" and not c.no_arrow:
        return _parse_arrow(c, at, [_parameter_of(c, at)])
    elif text == "move" and following in ("|", "||"):
        return parse_lambda(c)
    else:
        path = (text,)
    if kinds[c.at] == "{" and not c.no_struct and path[-1][0].isupper() and _opens_fields(c):
        if types:
            c.report("E0715", "types before the `{` of a value are not supported", at, "write the type at the variable")
        return _parse_struct_literal(c, at, path)
    return Path(at, path, types, typed)


def _parse_path(c: Cursor, first: str) -> tuple[tuple[str, ...], list[Type], int]:
    """The segments of a path, the types in it, and how many segments these stand behind."""
    path, at = [first], c.at - 1
    types: list[Type] = []
    typed = 0
    while c.kinds[c.at] == "::":
        c.at += 1
        if c.kinds[c.at] == "<":
            typed = len(path)
            types = parse_type_arguments(c)
        else:
            path.append(c.name("an item"))
    if len(path) > NESTING:
        c.fail("E0803", f"a path of more than {NESTING} parts", at, "flatten the folders")
    short = without_std(tuple(path))
    return short, types, typed - len(path) + len(short)


def _opens_fields(c: Cursor) -> bool:
    """Whether the `{` here is that of a struct literal."""
    first, second = c.kinds[c.at + 1], c.kinds[c.at + 2]
    return first in ("}", "..") or second in (":", ",") or (second == "}" and first not in LITERALS)


def _parse_struct_literal(c: Cursor, at: int, path: tuple[str, ...]) -> Expr:
    opened = c.at
    c.at += 1
    fields: list[FieldValue] = []
    base: Expr | None = None
    saved, c.no_arrow = c.no_arrow, False
    while c.kinds[c.at] != "}":
        here = c.at
        if c.kinds[here] == "..":
            c.at += 1
            base = parse_expression(c)
        else:
            name = c.name("a field")
            if c.kinds[c.at] == ":":
                c.at += 1
                fields.append(FieldValue(here, name, parse_expression(c)))
            else:
                fields.append(FieldValue(here, name, Path(here, (name,))))
        if c.kinds[c.at] != ",":
            break
        c.at += 1
    c.close("}", opened)
    c.no_arrow = saved
    return StructLiteral(at, path, fields, base)


def _parse_macro(c: Cursor, at: int, name: str) -> Expr:
    c.at += 1
    if name not in MACROS:
        if name == "df":
            c.report("E0704", "`df!` is not supported: there are no data frames", at, "write a struct")
        else:
            hint = did_you_mean(name, MACROS).replace("`?", "!`?")
            c.report("E0708", f"there is no macro `{name}!`", at, hint or "call a function")
        c.skip_balanced()
        return Unsupported(at, f"{name}!")
    closer = _BRACKETS[c.kinds[c.at]]
    if name == "matches":
        return _parse_matches(c, at, closer)
    opened = c.at
    if c.kinds[opened + 1] != closer:
        c.at += 1
        first = parse_bracketed(c)
        if c.kinds[c.at] == ";":
            c.at += 1
            count = parse_bracketed(c)
            c.close(closer, opened)
            return MacroCall(at, name, [first, count], True)
        if c.kinds[c.at] == ",":
            return MacroCall(at, name, [first, *_parse_more_arguments(c, closer, opened)])
        c.close(closer, opened)
        return MacroCall(at, name, [first])
    c.at += 2
    return MacroCall(at, name, [])


def _parse_more_arguments(c: Cursor, closer: str, opened: int) -> list[Expr]:
    arguments: list[Expr] = []
    while c.kinds[c.at] == ",":
        c.at += 1
        if c.kinds[c.at] == closer:
            break
        arguments.append(parse_bracketed(c))
    c.close(closer, opened)
    return arguments


def _parse_matches(c: Cursor, at: int, closer: str) -> Expr:
    """`matches!(value, pattern if guard)` is a `match` whose arms are true and false."""
    opened = c.at
    c.at += 1
    value = parse_bracketed(c)
    c.expect(",", "in matches!")
    pattern = parse_pattern(c)
    guard = None
    if c.kinds[c.at] == "if":
        c.at += 1
        guard = parse_bracketed(c)
    if c.kinds[c.at] == ",":
        c.at += 1
    c.close(closer, opened)
    arms = [
        MatchArm(pattern.at, pattern, guard, BoolLiteral(at, True)),
        MatchArm(at, WildcardPattern(at), None, BoolLiteral(at, False)),
    ]
    return Match(at, value, arms)


# ------------------------------------------------------------ brackets


def parse_parenthesis(c: Cursor) -> Expr:
    opened = c.at
    c.at += 1
    elements: list[Expr] = []
    comma = False
    while c.kinds[c.at] != ")":
        elements.append(parse_bracketed(c))
        comma = c.kinds[c.at] == ","
        if c.kinds[c.at] == ":" and isinstance(elements[-1], Path):  # `(a: i64) => e`
            c.at = opened
            return _parse_typed_arrow(c)
        if not comma:
            break
        c.at += 1
    c.close(")", opened)
    if c.kinds[c.at] == "=>" and not c.no_arrow:
        return _parse_arrow(c, opened, [_parameter_from(c, element) for element in elements])
    if len(elements) == 1 and not comma:
        return elements[0]
    return Tuple(opened, elements)


def parse_array(c: Cursor) -> Expr:
    """`[a, b]`, `[value; count]`, `[e for p in xs if c]`."""
    opened = c.at
    c.at += 1
    if c.kinds[c.at] == "]":
        c.at += 1
        return Array(opened, [])
    first = parse_bracketed(c)
    kind = c.kinds[c.at]
    if kind == ";":
        c.at += 1
        count = parse_bracketed(c)
        c.close("]", opened)
        return ArrayRepeat(opened, first, count)
    if kind == "for":
        return _parse_comprehension(c, opened, first)
    return Array(opened, [first, *_parse_more_arguments(c, "]", opened)])


def _parse_comprehension(c: Cursor, opened: int, element: Expr) -> Expr:
    """Several `for` are as many comprehensions, one in the other, flattened."""
    loops: list[tuple[int, Pattern, Expr, Expr | None]] = []
    while c.kinds[c.at] == "for":
        at = c.at
        c.at += 1
        pattern = parse_loop_pattern(c)
        c.expect("in", "behind the pattern of `for`")
        iterable = parse_bracketed(c)
        condition = None
        if c.kinds[c.at] == "if":
            c.at += 1
            condition = parse_bracketed(c)
        loops.append((at if loops else opened, pattern, iterable, condition))
    c.close("]", opened)
    at, pattern, iterable, condition = loops.pop()
    comprehension: Expr = Comprehension(at, element, pattern, iterable, condition)
    for at, pattern, iterable, condition in reversed(loops):
        comprehension = MethodCall(at, Comprehension(at, comprehension, pattern, iterable, condition), "flatten", [])
    return comprehension


def parse_template(c: Cursor) -> Expr:
    """An f-string with the expressions in its holes."""
    start = c.at
    parts: list[TextPart | HolePart] = []
    text = template_value(split_template(c.texts[start])[1])
    if text:
        parts.append(TextPart(start, text))
    while c.kinds[c.at] in ("fopen", "fmid"):
        c.at += 1
        if c.kinds[c.at] in ("fmid", "fclose"):
            c.fail("E0026", "this hole of the f-string is empty", hint="write `{{}}` for the braces")
        value = parse_bracketed(c)
        at = c.at
        if c.kinds[at] not in ("fmid", "fclose"):
            c.fail("E0026", f"expected `}}` at the end of the hole, found {c.describe(at)}")
        spec, raw = split_template(c.texts[at]) if c.texts[at] != '"' else ("", "")
        parts.append(HolePart(value.at, value, spec))
        text = template_value(raw)
        if text:
            parts.append(TextPart(at, text))
    c.at += 1
    return FString(start, parts)


# ------------------------------------------------------------ lambdas


def parse_lambda(c: Cursor) -> Expr:
    """`|x, y: T| e`, `|| e`, `|x| -> T { .. }`."""
    at = c.at
    parameters: list[Parameter] = []
    c.at += 1
    if c.kinds[at] == "|":
        while c.kinds[c.at] != "|":
            parameters.append(_parse_lambda_parameter(c))
            if c.kinds[c.at] != ",":
                break
            c.at += 1
        c.close("|", at)
    return _parse_lambda_body(c, at, parameters)


def parse_backslash(c: Cursor) -> Expr:
    """`\\x -> e`"""
    at = c.at
    c.at += 1
    parameters = [_parse_lambda_parameter(c)]
    while c.kinds[c.at] == ",":
        c.at += 1
        parameters.append(_parse_lambda_parameter(c))
    c.expect("->", "behind the parameters")
    return _parse_lambda_value(c, at, parameters, None)


def parse_anonymous(c: Cursor) -> Expr:
    """`fn(x) { .. }`"""
    at = c.at
    c.at += 1
    return _parse_lambda_body(c, at, _parse_lambda_list(c))


def _parse_lambda_list(c: Cursor) -> list[Parameter]:
    opened = c.expect("(")
    parameters: list[Parameter] = []
    while c.kinds[c.at] != ")":
        parameters.append(_parse_lambda_parameter(c))
        if c.kinds[c.at] != ",":
            break
        c.at += 1
    c.close(")", opened)
    return parameters


def _parse_typed_arrow(c: Cursor) -> Expr:
    at = c.at
    parameters = _parse_lambda_list(c)
    return _parse_arrow(c, at, parameters)


def _parse_arrow(c: Cursor, at: int, parameters: list[Parameter]) -> Expr:
    c.expect("=>")
    return _parse_lambda_value(c, at, parameters, None)


def _parse_lambda_parameter(c: Cursor) -> Parameter:
    at = c.at
    pattern = parse_single_pattern(c)
    declared = None
    if c.kinds[c.at] == ":":
        c.at += 1
        declared = parse_type(c)
    if isinstance(pattern, NamePattern) and pattern.inner is None:
        return Parameter(at, pattern.name, declared, mutable=pattern.mutable)
    return Parameter(at, "", declared, pattern=pattern)


def _parameter_of(c: Cursor, at: int) -> Parameter:
    name = c.texts[at]
    return Parameter(at, name, None) if name != "_" else Parameter(at, "", None, pattern=WildcardPattern(at))


def _parameter_from(c: Cursor, element: Expr) -> Parameter:
    if not isinstance(element, Path) or len(element.segments) > 1:
        c.fail("E0011", "the parameters of `(a, b) => e` are names", element.at)
    return _parameter_of(c, element.at)


def _parse_lambda_body(c: Cursor, at: int, parameters: list[Parameter]) -> Expr:
    result: Type | None = None
    if c.kinds[c.at] == "->":
        c.at += 1
        result = parse_type(c)
    return _parse_lambda_value(c, at, parameters, result)


def _parse_lambda_value(c: Cursor, at: int, parameters: list[Parameter], result: Type | None) -> Expr:
    loops, c.loops = c.loops, 0
    body = parse_expression(c)
    c.loops = loops
    return Lambda(at, parameters, result, body)


# ------------------------------------------------------------ behind an operand


def parse_member(c: Cursor, value: Expr) -> Expr:
    """`.name`, `.0`, `.name(..)`, the cursor at the dot."""
    c.at += 1
    at = c.at
    kind, text = c.kinds[at], c.texts[at]
    if kind == "int" and text.isdigit():
        c.at = at + 1
        return Field(at, value, text)
    if kind == "float" and text.replace(".", "", 1).isdigit():  # `t.0.1`
        c.at = at + 1
        first, second = text.split(".")
        return Field(at, Field(at, value, first), second)
    if kind == "await":
        c.report("E0702", "`await` is not supported: there is nothing to wait for", hint="remove it")
        c.at = at + 1
        return Unsupported(at, "await")
    name = c.name("a field or method")
    if c.kinds[c.at] == "::" and c.kinds[c.at + 1] == "<":
        start = c.at = c.at + 1
        parse_type_arguments(c)
        if name in ("parse", "collect"):  # the methods that read them
            name += "::" + "".join(c.texts[start : c.at])
    if c.kinds[c.at] == "(" and c.at not in c.breaks:
        return MethodCall(at, value, name, parse_arguments(c))
    return Field(at, value, name)


def parse_call(c: Cursor, value: Expr) -> Expr | None:
    return None if c.at in c.breaks else Call(value.at, value, parse_arguments(c))


def parse_index(c: Cursor, value: Expr) -> Expr | None:
    at = c.at
    if at in c.breaks and isinstance(value, _OWN_VALUE):
        return None
    c.at = at + 1
    index = parse_bracketed(c)
    c.close("]", at)
    return Index(at, value, index)


def parse_cast(c: Cursor, value: Expr) -> Expr:
    at = c.at
    c.at = at + 1
    return Cast(at, value, parse_cast_target(c))


def parse_try(c: Cursor, value: Expr) -> Expr | None:
    """`value?`; the `?` of `c ? a : b` is an operator of the chain."""
    at = c.at
    if at in choices(c):
        return None
    c.at = at + 1
    return Try(at, value)


def parse_safe_member(c: Cursor, value: Expr) -> Expr:
    """`value?.name`, `value?.name(..)`. The value is named by a block, so that it is no place to be written to."""
    at = c.at
    present = Block(at, [ExprStmt(at, Path(at, (PRESENT,)))], at)
    return SafeMember(at, value, parse_member(c, present))


def parse_increment(c: Cursor, value: Expr) -> Expr | None:
    at = c.at
    if at in c.breaks:
        return None
    kind = c.kinds[at]
    c.report("E0714", f"`{kind}` is not supported", hint=f"write `{kind[0]}= 1`")
    c.at = at + 1
    return value
