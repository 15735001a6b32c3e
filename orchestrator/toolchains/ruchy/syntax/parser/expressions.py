"""Expressions: operators by precedence, without recursion over a chain, and expressions in brackets.

All binary operators are left associative, `**` too; only assignment is not. What an operand may begin with, and what
may follow it, is in the tables of the grammar (`parser/__init__.py`).
"""

from __future__ import annotations

from typing import NoReturn

from orchestrator.toolchains.ruchy.syntax.lexer import words
from orchestrator.toolchains.ruchy.syntax.parser.borrowed import check_operator
from orchestrator.toolchains.ruchy.syntax.parser.cursor import NESTING, Cursor
from orchestrator.toolchains.ruchy.syntax.parser.patterns import parse_literal
from orchestrator.toolchains.ruchy.syntax.tree import (
    Array,
    Assign,
    Binary,
    Block,
    Call,
    Expr,
    ExprStmt,
    Field,
    If,
    Index,
    MethodCall,
    Path,
    RangeExpr,
    Tuple,
    Unary,
    Unsupported,
)

LEVELS = {
    "||": 1, "??": 2, "&&": 3, "|>": 3, "|": 4, "^": 5, "..": 5, "..=": 5, "&": 6, "==": 7, "!=": 7,
    "<": 8, "<=": 8, ">": 8, ">=": 8, "<<": 9, ">>": 9, "+": 10, "-": 10, "*": 11, "/": 11, "%": 11, "**": 12,
    "=": 0, "+=": 0, "-=": 0, "*=": 0, "/=": 0, "%=": 0, "**=": 0, "&=": 0, "|=": 0, "^=": 0, "<<=": 0, ">>=": 0,
}  # fmt: skip

_PREFIX = words("- + ! ~ & && * ** ++ --")

NOT_AN_OPERAND = words(
    """) ] } , ; : => -> = += -= *= /= %= **= &= |= ^= <<= >>= == != < <= > >= << >> / % ** ? ?? ?. . @ |> ^ in as
    else where end fmid fclose catch finally"""
)
"""Kinds that cannot begin an operand."""

_NEXT_VALUE = words("name int float string char fstring fopen true false")
"""Kinds that begin one more value where the `,` before it is missing."""

_ENDS_CHOICE = words("; , let var const static lifetime @ end")
"""Tokens that the two values of `c ? a : b` do not have at their own depth."""

_ARROWS = {"<-": "actor send", "<?": "actor query"}


def parse_expression(c: Cursor, first: Expr | None = None) -> Expr:
    """A whole expression. `first`: its first operand, if that has been read, with its suffixes."""
    c.enter()
    kinds = c.kinds
    operands: list[Expr | None] = []
    operators: list[int] = []
    levels: list[int] = []
    firsts: dict[int, Expr] = {}  # the first value of each `c ? a : b` whose second one is being read
    if first is not None:
        operands.append(first)
    elif kinds[c.at] in ("..", "..="):
        operands.append(None)
    else:
        operands.append(parse_operand(c))
    while True:
        kind, at = kinds[c.at], c.at
        level = LEVELS.get(kind)
        if level is None:
            if kind == "?":
                _reduce(c, operands, operators, levels, firsts, 1)
                firsts[at] = _parse_first_choice(c, operands[-1])
                operators.append(at)
                levels.append(0)
                operands.append(parse_operand(c))
                continue
            if kind in _ARROWS or (kind == "!" and at not in c.breaks):
                what = _ARROWS.get(kind, "actor send")
                hint = "write `a < -b` for a comparison" if kind == "<-" else ""
                c.fail("E0701", f"`{kind}` is the {what}: actors are not supported", hint=hint)
            break
        if at in c.breaks and ((kind == "*" and _begins_write(c, at)) or _begins_lambda(c, at)):
            break
        _reduce(c, operands, operators, levels, firsts, level if level > 0 else 1)
        operators.append(at)
        levels.append(level)
        c.at = at + 1
        if level == 5 and kind != "^" and not _range_has_end(c):
            operands.append(None)
        else:
            operands.append(parse_operand(c))
    _reduce(c, operands, operators, levels, firsts, 0)
    c.depth -= 1
    operand = operands[0]
    if operand is None:
        c.fail("E0003", "expected an expression")
    return operand


def _begins_write(c: Cursor, at: int) -> bool:
    """Whether a `*` that stands first on a line begins `*place = value`: as a product it could not be assigned to."""
    kinds = c.kinds
    at += 1
    if kinds[at] != "name":
        return False
    depth = 0
    while True:
        at += 1
        kind = kinds[at]
        if kind in ("[", "("):
            depth += 1
        elif kind in ("]", ")") and depth:
            depth -= 1
        elif kinds[at - 1] == "." and kind in ("name", "int"):
            continue
        elif kind == "end" or (not depth and kind != "."):
            return LEVELS.get(kind) == 0


def _begins_lambda(c: Cursor, at: int) -> bool:
    """Whether what stands first on a line begins a lambda: `|| {`, `|a|` and `|a, b|` on one line. No condition of
    several lines is written so, because each of its lines has the operator in front."""
    kinds = c.kinds
    if kinds[at] == "||":
        return kinds[at + 1] == "{"
    while kinds[at] in ("|", ",") and kinds[at + 1] == "name":
        at += 2
        if kinds[at] == "|":
            return at not in c.breaks
    return False


def _range_has_end(c: Cursor) -> bool:
    kind = c.kinds[c.at]
    if kind == "{":
        return not c.no_struct
    return kind not in NOT_AN_OPERAND and c.at not in c.breaks


def _reduce(
    c: Cursor,
    operands: list[Expr | None],
    operators: list[int],
    levels: list[int],
    firsts: dict[int, Expr],
    level: int,
) -> None:
    """Applies the operators that bind at least as tightly as `level`."""
    while levels and levels[-1] >= level:
        at = operators.pop()
        right, left = operands.pop(), operands.pop()
        kind = c.texts[at]
        if levels.pop() == 5 and kind != "^":
            operands.append(RangeExpr(at, left, right, kind == "..="))
            continue
        if left is None or right is None:
            c.fail("E0003", f"`{kind}` needs a value on both sides", at)
        if kind == "?":
            operands.append(_choice(at, left, firsts[at], right))
        elif LEVELS[kind] == 0:
            operands.append(_assignment(c, at, left, right))
        else:
            operands.append(Binary(at, kind, left, right))


def _assignment(c: Cursor, at: int, place: Expr, value: Expr) -> Expr:
    waiting: list[Expr] = [place]
    while waiting:
        target = waiting.pop()
        while isinstance(target, Field | Index):
            target = target.value
        if isinstance(target, Unary) and target.op == "*":
            target = target.operand
        if isinstance(target, Tuple | Array) and c.texts[at] == "=":  # `(a, b) = (b, a)`
            waiting += target.elements
        elif not isinstance(target, Path | Field | Index | Call | MethodCall | Unsupported):
            c.report("E0014", "this cannot be assigned to", at, "assign to a variable, a field or an element")
            break
    return Assign(at, place, c.texts[at][:-1], value)


def parse_operand(c: Cursor) -> Expr:
    """An operand with its prefix operators and all that follows it."""
    kind = c.kinds[c.at]
    if kind in _PREFIX:
        return _parse_prefixed(c, kind)
    rule = c.operands.get(kind)
    if rule is None:
        _fail_missing_operand(c, kind)
    return parse_suffixes(c, rule(c))


def parse_suffixes(c: Cursor, value: Expr) -> Expr:
    """Calls, indices, members, `?` and casts behind an operand."""
    kinds, suffixes = c.kinds, c.suffixes
    while (rule := suffixes.get(kinds[c.at])) is not None:
        longer = rule(c, value)
        if longer is None:
            break
        value = longer
    return value


def _parse_prefixed(c: Cursor, kind: str) -> Expr:
    prefixes: list[tuple[int, str]] = []
    while kind in _PREFIX:
        at = c.at
        c.at += 1
        if kind in ("++", "--"):
            c.report("E0714", f"`{kind}` is not supported", at, f"write `x {kind[0]}= 1`")
        elif kind in ("&&", "**"):
            prefixes += [(at, kind[0]), (at, kind[0])]
        else:
            prefixes.append((at, kind))
        if kind in ("&", "&&") and c.kinds[c.at] == "mut":
            prefixes[-1] = (at, "&mut")
            c.at += 1
        kind = c.kinds[c.at]
    if len(prefixes) + c.depth > NESTING:
        c.fail("E0803", f"nested more than {NESTING} deep", prefixes[0][0])
    if kind in ("int", "float") and prefixes and prefixes[-1][1] == "-" and c.kinds[c.at + 1] == "as":
        # `-128 as i8`: the sign belongs to the literal, else 128 would be out of range.
        value = parse_suffixes(c, Unary(prefixes.pop()[0], "-", parse_literal(c)))
    else:
        value = parse_operand(c)
    for at, operator in reversed(prefixes):
        value = Unary(at, operator, value)
    return value


def _fail_missing_operand(c: Cursor, kind: str) -> NoReturn:
    check_operator(c)
    if kind not in NOT_AN_OPERAND and kind not in LEVELS and kind != "...":
        if kind == "stray":  # the lexer has reported it
            c.quiet_until = max(c.quiet_until, c.at)
        c.fail("E0003", f"expected an expression, found {c.describe(c.at)}", after=True)
    before = c.texts[c.at - 1] if c.at else ""
    shown = c.describe(c.at)
    if kind == "else":
        c.fail("E0005", "`else` without an `if`", hint="`else` follows the `}` of an `if`")
    if kind == "...":
        c.fail("E0709", "the spread `...` is not supported", hint="write what is in it, one by one")
    if kind == ":" and c.kinds[c.at + 1] == "name":
        c.fail("E0710", f"the atom `:{c.texts[c.at + 1]}` is not supported", hint="write a string")
    if kind in (")", "]", "}") and before in ("", ";", "{", "}"):
        c.fail("E0009", f"{shown} closes nothing", hint="remove it")
    behind = f" after `{before}`" if before in LEVELS or before in ("(", "[", ",") else ""
    hint = "a value is missing here" if behind else ""
    c.fail("E0003", f"expected an expression{behind}, found {shown}", hint=hint, after=True)


def parse_bracketed(c: Cursor) -> Expr:
    """An expression in brackets, where struct literals and `=>` are allowed again."""
    if not (c.no_struct or c.no_arrow):
        return parse_expression(c)
    saved, c.no_struct, c.no_arrow = (c.no_struct, c.no_arrow), False, False
    node = parse_expression(c)
    c.no_struct, c.no_arrow = saved
    return node


def parse_arguments(c: Cursor, closer: str = ")") -> list[Expr]:
    """Expressions between brackets, from the opening one."""
    opened = c.at
    c.at += 1
    arguments: list[Expr] = []
    saved = (c.no_struct, c.no_arrow)
    c.no_struct = c.no_arrow = False
    kinds = c.kinds
    while kinds[c.at] != closer:
        arguments.append(parse_expression(c))
        if kinds[c.at] != ",":
            break
        c.at += 1
    if kinds[c.at] in _NEXT_VALUE and not c.first_on_line(c.at):
        c.fail("E0002", f"expected `,` or `{closer}`, found {c.describe(c.at)}", hint="add `,`")
    c.close(closer, opened)
    c.no_struct, c.no_arrow = saved
    return arguments


def choices(c: Cursor) -> set[int]:
    """The ordinals of the `?` that begin a `c ? a : b`. They are found for all tokens at once: each `:` belongs to the
    last `?` of its depth that has none yet."""
    if c.choices is None:
        c.choices = open_choices = set[int]()
        open_: list[list[int]] = [[]]
        for at, kind in enumerate(c.kinds):
            if kind in ("(", "[", "{", "#[", "fopen"):
                open_.append([])
            elif kind in (")", "]", "}", "fclose"):
                open_.pop()
                if not open_:
                    open_.append([])
            elif kind == "?":
                if c.kinds[at + 1] not in NOT_AN_OPERAND:
                    open_[-1].append(at)
            elif kind == ":":
                if open_[-1]:
                    open_choices.add(open_[-1].pop())
            elif kind in _ENDS_CHOICE or kind == "fmid":
                open_[-1].clear()
    return c.choices


def _parse_first_choice(c: Cursor, condition: Expr | None) -> Expr:
    """The value between the `?` here and its `:`."""
    if condition is None:
        c.fail("E0003", "`?` needs a condition")
    c.at += 1
    then = parse_expression(c)
    c.expect(":", "in `condition ? value : value`")
    return then


def _choice(at: int, condition: Expr, then: Expr, otherwise: Expr) -> Expr:
    """`c ? a : b` is an `if`; a chain of them is one of `else if`, whatever its length."""
    last = otherwise
    if not isinstance(last, If):
        last = Block(last.at, [ExprStmt(last.at, last)], last.at)
    return If(at, condition, Block(then.at, [ExprStmt(then.at, then)], then.at), last)
