"""Blocks, statements and control flow: `if` chains, loops, `match`, `try`, jumps. All of these are expressions."""

from __future__ import annotations

from typing import NoReturn

from orchestrator.toolchains.ruchy.syntax.lexer import ENDS, KEYWORDS, VALUES, words
from orchestrator.toolchains.ruchy.syntax.parser.borrowed import check_arm, check_block, check_first_word, word_beside
from orchestrator.toolchains.ruchy.syntax.parser.contracts import parse_condition, parse_contracts
from orchestrator.toolchains.ruchy.syntax.parser.cursor import Cursor, SyntaxProblem
from orchestrator.toolchains.ruchy.syntax.parser.expressions import (
    LEVELS,
    NOT_AN_OPERAND,
    parse_expression,
    parse_operand,
    parse_suffixes,
)
from orchestrator.toolchains.ruchy.syntax.parser.objects import parse_object
from orchestrator.toolchains.ruchy.syntax.parser.patterns import parse_loop_pattern, parse_pattern
from orchestrator.toolchains.ruchy.syntax.parser.types import parse_type
from orchestrator.toolchains.ruchy.syntax.tree import (
    Assign,
    Block,
    Break,
    Continue,
    Expr,
    ExprStmt,
    For,
    If,
    IfLet,
    Let,
    Loop,
    Match,
    MatchArm,
    NamePattern,
    Pattern,
    Return,
    Stmt,
    Throw,
    TryCatch,
    Unsupported,
    While,
    WhileLet,
)

_NO_VALUE = NOT_AN_OPERAND | words("let var struct enum impl const use mod module pub #[ trait static")
"""Kinds that cannot begin the value of a `return` or `break`."""

_CONTINUES = (frozenset(LEVELS) | words(". ?. ? as")) - {"="}
"""Kinds that continue an expression after a construct in braces."""

_FIRST_WORDS = words("println print eprintln eprint assert assert_eq assert_ne panic")
"""Names of functions whose calls surely begin a statement."""

_VALUE_FOLLOWS = words("= == != ( [ , : return")
"""Kinds behind which a value follows, and so no block without statements."""

UNSUPPORTED = {
    "await": ("E0702", "there is nothing to wait for", "call the function itself"),
    "async": ("E0702", "there is nothing to wait for", "remove `async`"),
    "spawn": ("E0701", "there are no actors and no threads", "call the function itself"),
    "yield": ("E0711", "there are no generators", "collect the values in an array"),
    "lazy": ("E0711", "values are computed at once", "write a function"),
    "unsafe": ("E0707", "nothing here is unsafe", "remove `unsafe`"),
    "null": ("E0712", "there is no null", 'use a value that means nothing here (`""`, `-1`), or a `bool` beside it'),
}


def parse_block(c: Cursor) -> Block:
    opened = c.at
    if c.kinds[opened] != "{":
        check_block(c)
        c.fail(
            "E0016",
            f"expected `{{`, found {c.describe(opened)}",
            hint="a block stands in braces: `{ .. }`",
            after=True,
        )
    c.enter()
    c.at = opened + 1
    saved = (c.no_struct, c.no_arrow)
    c.no_struct = c.no_arrow = False
    statements = parse_statements(c, "}")
    end = c.close("}", opened)
    c.no_struct, c.no_arrow = saved
    c.depth -= 1
    return Block(opened, statements, end)


def parse_statements(c: Cursor, closer: str) -> list[Stmt]:
    """Statements up to `closer` or the end; broken ones are reported and left out."""
    kinds = c.kinds
    statements: list[Stmt] = []
    while (kind := kinds[c.at]) != closer and kind != "end":
        start = c.at
        if kind == ";":
            c.at = start + 1
            continue
        saved = (c.depth, c.loops)
        try:
            statements.append(parse_statement(c))
            if kinds[c.at] in VALUES and c.at not in c.breaks and not _is_assignment(statements[-1]):
                _report_joined_values(c)
        except SyntaxProblem:
            c.depth, c.loops = saved
            c.no_struct = c.no_arrow = False
            c.recover(start, closer)
            if c.at == start and kinds[start] != "end":
                c.at += 1
    return statements


def _is_assignment(node: Stmt) -> bool:
    """Whether a statement assigns: nothing that follows it on its line can belong to it."""
    return isinstance(node, ExprStmt) and isinstance(node.value, Assign)


def parse_statement(c: Cursor) -> Stmt:
    kind = c.kinds[c.at]
    if kind == "let" or kind == "var":
        return _parse_let(c)
    item = c.item(c)
    if item is not None:
        return item
    if kind == "else":
        _fail_stray_else(c)
    if kind == "name" and c.texts[c.at] in ("elif", "elseif", "elsif"):
        _fail_else_if(c)
    if kind == "name":
        if c.kinds[c.at + 1] == "name" and not c.first_on_line(c.at + 1):
            _fail_other_language(c, c.at)
        check_first_word(c)
    value = parse_statement_value(c)
    semicolon = c.kinds[c.at] == ";"
    if semicolon:
        c.at += 1
    return ExprStmt(value.at, value, semicolon)


def _report_joined_values(c: Cursor) -> None:
    """Reports a value that follows another on one line, unless the first ends with `}`, or the second begins with a
    word that begins a statement."""
    at = c.at
    if c.kinds[at - 1] not in ENDS or (c.texts[at] in _FIRST_WORDS and c.kinds[at + 1] in ("(", "!")):
        return
    line = c.places.line(at)
    word = word_beside(c, at)
    if line != c.joined_line and word is not None:
        c.report("E0033", f"`{c.texts[word[0]]}` is no word of Ruchy", *word)
    elif line != c.joined_line:  # one report per line is enough
        c.report("E0029", f"{c.describe(at)} stands behind a value, with nothing between them", at, "add `;`")
    c.joined_line = line


def _fail_else_if(c: Cursor) -> NoReturn:
    at = c.at
    while c.texts[c.at] in ("elif", "elseif", "elsif", "else"):
        while c.kinds[c.at] not in ("{", "}", ";", "end"):
            c.at += 1
        if c.kinds[c.at] == "{":
            c.skip_balanced()
    c.fail("E0001", f"expected `else if`, found `{c.texts[at]}`", at, "write `else if`")


def _fail_other_language(c: Cursor, at: int) -> None:
    """Fails where two names in a row are a declaration in other languages."""
    first, second = c.texts[at], c.texts[at + 1]
    following = c.kinds[at + 2]
    if first in ("def", "function", "func", "sub") and following == "(":
        c.fail("E0001", f"expected `fun`, found `{first}`", at, "a function begins with `fun`")
    if first == "test" and following == "(":
        c.fail("E0001", "a test is a function with an attribute", at, f"write `#[test] fun {second}() {{ .. }}`")
    if following == "=":
        c.fail("E0001", f"expected `let`, found `{first}`", at, f"write `let {second} = ...`")


def _fail_stray_else(c: Cursor) -> NoReturn:
    at = c.at
    c.at += 1
    if c.kinds[c.at] == "{":
        c.skip_balanced()
    c.fail("E0005", "`else` without an `if`", at, "`else` follows the `}` of an `if`")


def _parse_let(c: Cursor) -> Stmt:
    at = c.at
    mutable = c.kinds[at] == "var"
    c.at = at + 1
    if c.kinds[c.at] == "mut":
        mutable = True
        c.at += 1
    pattern = parse_pattern(c)
    if isinstance(pattern, NamePattern) and pattern.mutable:
        mutable = True
    declared = None
    if c.kinds[c.at] == ":":
        c.at += 1
        if c.kinds[c.at] == "=" and c.places.offset(c.at) == c.places.offset(c.at - 1) + 1:
            c.fail("E0012", "`:=` is no operator", c.at - 1, f"write `{c.texts[at]} x = ...`")
        declared = parse_type(c)
    if c.kinds[c.at] != "=":
        _fail_without_value(c, at, pattern)
    c.at += 1
    value = parse_expression(c)
    otherwise = None
    if c.kinds[c.at] == "else":
        c.at += 1
        otherwise = parse_block(c)
    bound = Let(at, pattern, declared, value, mutable, otherwise)
    if c.kinds[c.at] == "in":
        return _parse_let_in(c, bound)
    if c.kinds[c.at] == ";":
        c.at += 1
    return bound


def _fail_without_value(c: Cursor, at: int, pattern: Pattern) -> None:
    word, name = c.texts[at], getattr(pattern, "name", "x")
    if c.kinds[c.at] in (";", "end", "}") or c.first_on_line(c.at):
        hint = f"write `{word} {name} = ...`"
        if c.kinds[c.at] == ";":
            c.report("E0004", f"`{word}` without a value", at, hint)
            c.at += 1
            c.quiet_until = c.at - 1
            c.fail("E0004", "", c.at - 1)
        c.fail("E0004", f"`{word}` without a value", at, hint)
    c.expect("=", f"in `{word}`", f"write `{word} {name} = ...`")


def _parse_let_in(c: Cursor, bound: Let) -> Stmt:
    """`let x = e in body` is a block of its own."""
    c.at += 1
    body: Expr = parse_expression(c)
    if c.kinds[c.at] == ";":
        c.at += 1
    return ExprStmt(bound.at, Block(bound.at, [bound, ExprStmt(body.at, body)], c.at - 1))


def parse_statement_value(c: Cursor) -> Expr:
    """An expression that begins a statement or an arm. After a construct in braces, a token on the next line
    continues it only if that token cannot begin a statement."""
    kind = c.kinds[c.at]
    if kind not in ("if", "match", "while", "for", "loop", "{", "try", "lifetime", "unsafe"):
        return parse_expression(c)
    value = c.operands[kind](c)
    kind = c.kinds[c.at]
    if kind in _CONTINUES and c.at not in c.breaks and not _without_value(value):
        value = parse_expression(c, parse_suffixes(c, value))
    return value


def _without_value(value: Expr) -> bool:
    """Whether this is a loop without a value or an `if` without `else`: no operator can follow those."""
    link: Expr | None = value
    while isinstance(link, If | IfLet):
        link = link.otherwise
    return link is None or isinstance(link, While | WhileLet | For)


def parse_brace(c: Cursor) -> Expr:
    """A block, or an object literal: `{name:`, `{"text":`, `{name,`, and `{}` where a value must be."""
    first, second = c.kinds[c.at + 1], c.kinds[c.at + 2]
    if second == ":" and (first in ("name", "string") or first in KEYWORDS):
        return parse_object(c)
    if (second == "," and first == "name") or first == "..." or (first == "}" and c.kinds[c.at - 1] in _VALUE_FOLLOWS):
        return parse_object(c)
    return parse_block(c)


# ------------------------------------------------------------ control flow


def _parse_let_condition(c: Cursor) -> tuple[Pattern | None, Expr]:
    """What follows `if` or `while`: a condition, or `let P = e` as (P, e)."""
    if c.kinds[c.at] != "let":
        return None, parse_condition(c)
    c.at += 1
    pattern = parse_pattern(c)
    c.expect("=", "behind the pattern")
    return pattern, parse_condition(c)


def parse_if(c: Cursor) -> Expr:
    """A chain of any length, built from its end, so that no chain is too deep for the stack."""
    arms: list[tuple[int, Pattern | None, Expr, Block]] = []
    otherwise: Block | If | IfLet | None = None
    while True:
        at = c.at
        c.at += 1
        pattern, condition = _parse_let_condition(c)
        arms.append((at, pattern, condition, parse_block(c)))
        if c.kinds[c.at] != "else":
            break
        c.at += 1
        if c.kinds[c.at] != "if":
            otherwise = parse_block(c)
            break
    for at, pattern, condition, then in reversed(arms):
        if pattern is None:
            otherwise = If(at, condition, then, otherwise)
        else:
            otherwise = IfLet(at, pattern, condition, then, otherwise)
    assert otherwise is not None
    return otherwise


def _fail_quoted_text(c: Cursor, at: int) -> None:
    """Fails where the `'` at `at` opens a text, because another one closes it on the same line."""
    end = at + 1
    while c.kinds[end] != "end" and not c.first_on_line(end):
        if c.texts[end] == "'":
            c.fail("E0025", "a text stands in double quotes", at, 'write "..."')
        end += 1


def parse_labelled(c: Cursor) -> Expr:  # noqa: RET503 (`fail` never returns)
    """`'name: loop`, `@name: loop`."""
    at = c.at
    label = _parse_label(c)
    if not label or c.kinds[c.at] != ":":
        _fail_quoted_text(c, at)
        c.fail("E0001", f"expected `:` and a loop behind the label, found {c.describe(c.at)}")
    c.at += 1
    kind = c.kinds[c.at]
    if kind == "while":
        return parse_while(c, label)
    if kind == "for":
        return parse_for(c, label)
    if kind == "loop":
        return parse_loop(c, label)
    c.fail("E0001", f"a label stands before a loop, found {c.describe(c.at)}", at)


def _parse_label(c: Cursor) -> str:
    """A label without its mark, "" where there is none."""
    kind = c.kinds[c.at]
    if kind == "lifetime":
        c.at += 1
        return c.texts[c.at - 1][1:]
    if kind == "@" and c.kinds[c.at + 1] == "name":
        c.at += 2
        return c.texts[c.at - 1]
    return ""


def _parse_loop_body(c: Cursor) -> Block:
    """The body of a loop; what its invariants say is checked first in each turn."""
    contracts = parse_contracts(c, "invariant")
    c.loops += 1
    body = parse_block(c)
    c.loops -= 1
    body.statements[:0] = [ExprStmt(contract.at, contract) for contract in contracts]
    return body


def parse_while(c: Cursor, label: str = "") -> Expr:
    at = c.at
    c.at += 1
    pattern, condition = _parse_let_condition(c)
    body = _parse_loop_body(c)
    if pattern is None:
        return While(at, label, condition, body)
    return WhileLet(at, label, pattern, condition, body)


def parse_loop(c: Cursor, label: str = "") -> Expr:
    at = c.at
    c.at += 1
    return Loop(at, label, _parse_loop_body(c))


def parse_for(c: Cursor, label: str = "") -> Expr:
    at = c.at
    c.at += 1
    if c.kinds[c.at] == "(" and ";" in c.kinds[c.at : c.at + 8]:
        c.report("E0006", "a `for` goes over a range or over values", at, "write `for i in 0..n { .. }`")
        c.skip_balanced()
        _parse_loop_body(c)
        return Unsupported(at, "for")
    pattern = parse_loop_pattern(c)
    if c.kinds[c.at] != "in":
        message = f"expected `in` behind the pattern of `for`, found {c.describe(c.at)}"
        c.fail("E0006", message, hint="write `for x in values { .. }`", after=True)
    c.at += 1
    iterable = parse_condition(c)
    return For(at, label, pattern, iterable, _parse_loop_body(c))


def parse_match(c: Cursor) -> Expr:
    at = c.at
    c.at += 1
    value = parse_condition(c)
    opened = c.expect("{", "behind the value of `match`")
    c.enter()
    saved = (c.no_struct, c.no_arrow)
    c.no_struct = c.no_arrow = False
    arms: list[MatchArm] = []
    while c.kinds[c.at] != "}":
        if c.kinds[c.at] == "end":
            c.close("}", opened)
        arms.append(_parse_arm(c))
    c.at += 1
    c.depth -= 1
    c.no_struct, c.no_arrow = saved
    return Match(at, value, arms)


def _parse_arm(c: Cursor) -> MatchArm:
    at = c.at
    if c.kinds[at] == "|":
        c.at += 1
    pattern = parse_pattern(c)
    guard = None
    if c.kinds[c.at] == "if":
        c.at += 1
        c.no_arrow = True
        guard = parse_expression(c)
        c.no_arrow = False
    if c.kinds[c.at] != "=>":
        check_arm(c)
    c.expect("=>", "behind the pattern of an arm")
    body = parse_statement_value(c)
    if c.kinds[c.at] in (",", ";"):
        c.at += 1
    return MatchArm(at, pattern, guard, body)


def parse_try_catch(c: Cursor) -> Expr:
    at = c.at
    c.at += 1
    body = parse_block(c)
    name, handler, finally_ = "", None, None
    if c.kinds[c.at] == "catch":
        c.at += 1
        bracket = c.kinds[c.at] == "("
        c.at += bracket
        if c.kinds[c.at] not in ("{", ")"):
            name = c.name("the caught value")
        if bracket:
            c.close(")", c.at - 2)
        handler = parse_block(c)
    if c.kinds[c.at] == "finally":
        c.at += 1
        finally_ = parse_block(c)
    if handler is None and finally_ is None:
        c.fail("E0001", "`try` without `catch`", at, "add `catch (e) { .. }`")
    return TryCatch(at, body, name, handler, finally_)


def parse_throw(c: Cursor) -> Expr:
    at = c.at
    c.at += 1
    return Throw(at, parse_expression(c))


def _parse_optional_value(c: Cursor) -> Expr | None:
    kind = c.kinds[c.at]
    if kind in _NO_VALUE or (kind == "{" and c.no_struct):
        return None
    return parse_expression(c)


def parse_return(c: Cursor) -> Expr:
    at = c.at
    c.at += 1
    return Return(at, _parse_optional_value(c))


def parse_break(c: Cursor) -> Expr:
    at = c.at
    c.at += 1
    if not c.loops:
        c.report("E0007", "`break` outside of a loop", at, "`return` leaves the function")
    label = _parse_label(c)
    return Break(at, label, _parse_optional_value(c))


def parse_continue(c: Cursor) -> Expr:
    at = c.at
    c.at += 1
    if not c.loops:
        c.report("E0008", "`continue` outside of a loop", at, "`return` leaves the function")
    return Continue(at, _parse_label(c))


def parse_unsupported(c: Cursor) -> Expr:
    """`await e`, `spawn e` and similar: reports them, and reads their operand all the same."""
    at = c.at
    kind = c.kinds[at]
    code, message, hint = UNSUPPORTED[kind]
    c.report(code, f"`{kind}` is not supported: {message}", at, hint)
    c.at += 1
    if kind == "unsafe":
        parse_block(c)
    elif kind != "null" and c.kinds[c.at] not in _NO_VALUE:
        parse_operand(c)
    return Unsupported(at, kind)
