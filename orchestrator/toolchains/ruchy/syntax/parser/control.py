"""Control flow: `if` chains, loops, `match`, `try`, jumps. All of them are expressions."""

from __future__ import annotations

from orchestrator.toolchains.ruchy.syntax.lexer import words
from orchestrator.toolchains.ruchy.syntax.parser.expressions import LEVELS, NOT_AN_OPERAND
from orchestrator.toolchains.ruchy.syntax.parser.operands import Operands
from orchestrator.toolchains.ruchy.syntax.tree import (
    Block,
    Break,
    Continue,
    Expr,
    For,
    If,
    IfLet,
    Loop,
    Match,
    MatchArm,
    Pattern,
    Return,
    Throw,
    TryCatch,
    Unsupported,
    While,
    WhileLet,
)

_NO_VALUE = NOT_AN_OPERAND | words("let var struct enum impl const use mod module pub #[ trait static")
_CONTINUES = (frozenset(LEVELS) | words(". ?. ? as")) - {"="}


def _without_value(value: Expr) -> bool:
    """Loops without a value and `if` without `else`: no operator can go on with them."""
    link: Expr | None = value
    while isinstance(link, If | IfLet):
        link = link.otherwise
    return link is None or isinstance(link, While | WhileLet | For)


class Control(Operands):
    def condition(self) -> Expr:
        """An expression in front of a block: no struct literal at its top."""
        saved, self.no_struct = self.no_struct, True
        found = self.expression()
        self.no_struct = saved
        return found

    def _let_condition(self) -> tuple[Pattern | None, Expr]:
        """What follows `if` or `while`: `let P = e`, or a condition."""
        if self.kinds[self.at] != "let":
            return None, self.condition()
        self.at += 1
        pattern = self.pattern()
        self.expect("=", "behind the pattern")
        return pattern, self.condition()

    def if_(self) -> Expr:
        """A chain of any length, built from its end."""
        arms: list[tuple[int, Pattern | None, Expr, Block]] = []
        otherwise: Block | If | IfLet | None = None
        while True:
            at = self.at
            self.at += 1
            pattern, condition = self._let_condition()
            arms.append((at, pattern, condition, self.block()))
            if self.kinds[self.at] != "else":
                break
            self.at += 1
            if self.kinds[self.at] != "if":
                otherwise = self.block()
                break
        for at, pattern, condition, then in reversed(arms):
            if pattern is None:
                otherwise = If(at, condition, then, otherwise)
            else:
                otherwise = IfLet(at, pattern, condition, then, otherwise)
        assert otherwise is not None
        return otherwise

    def _quoted_text(self, at: int) -> None:
        """Fails where the `'` at `at` opens a text: another one closes it on the same line."""
        end = at + 1
        while self.kinds[end] != "end" and not self.first_on_line(end):
            if self.texts[end] == "'":
                self.fail("E0025", "a text stands in double quotes", at, 'write "..."')
            end += 1

    def labelled(self) -> Expr:  # noqa: RET503 (`fail` never returns)
        """`'name: loop`, `@name: loop`."""
        at = self.at
        label = self._label()
        if not label or self.kinds[self.at] != ":":
            self._quoted_text(at)
            self.fail("E0001", f"expected `:` and a loop behind the label, found {self.describe(self.at)}")
        self.at += 1
        kind = self.kinds[self.at]
        if kind == "while":
            return self.while_(label)
        if kind == "for":
            return self.for_(label)
        if kind == "loop":
            return self.loop_(label)
        self.fail("E0001", f"a label stands before a loop, found {self.describe(self.at)}", at)

    def _label(self) -> str:
        """A label without its mark, or nothing."""
        kind = self.kinds[self.at]
        if kind == "lifetime":
            self.at += 1
            return self.texts[self.at - 1][1:]
        if kind == "@" and self.kinds[self.at + 1] == "name":
            self.at += 2
            return self.texts[self.at - 1]
        return ""

    def _body(self) -> Block:
        self.loops += 1
        body = self.block()
        self.loops -= 1
        return body

    def while_(self, label: str = "") -> Expr:
        at = self.at
        self.at += 1
        pattern, condition = self._let_condition()
        body = self._body()
        if pattern is None:
            return While(at, label, condition, body)
        return WhileLet(at, label, pattern, condition, body)

    def loop_(self, label: str = "") -> Expr:
        at = self.at
        self.at += 1
        return Loop(at, label, self._body())

    def for_(self, label: str = "") -> Expr:
        at = self.at
        self.at += 1
        if self.kinds[self.at] == "(" and ";" in self.kinds[self.at : self.at + 8]:
            self.report("E0006", "a `for` goes over a range or over values", at, "write `for i in 0..n { .. }`")
            self.skip_balanced()
            self._body()
            return Unsupported(at, "for")
        pattern = self.pattern()
        if self.kinds[self.at] != "in":
            message = f"expected `in` behind the pattern of `for`, found {self.describe(self.at)}"
            self.fail("E0006", message, hint="write `for x in values { .. }`", after=True)
        self.at += 1
        iterable = self.condition()
        return For(at, label, pattern, iterable, self._body())

    def match_(self) -> Expr:
        at = self.at
        self.at += 1
        value = self.condition()
        opened = self.expect("{", "behind the value of `match`")
        self.enter()
        saved = (self.no_struct, self.no_arrow)
        self.no_struct = self.no_arrow = False
        arms: list[MatchArm] = []
        while self.kinds[self.at] != "}":
            if self.kinds[self.at] == "end":
                self.close("}", opened)
            arms.append(self._arm())
        self.at += 1
        self.depth -= 1
        self.no_struct, self.no_arrow = saved
        return Match(at, value, arms)

    def _arm(self) -> MatchArm:
        at = self.at
        if self.kinds[at] == "|":
            self.at += 1
        pattern = self.pattern()
        guard = None
        if self.kinds[self.at] == "if":
            self.at += 1
            self.no_arrow = True
            guard = self.expression()
            self.no_arrow = False
        self.expect("=>", "behind the pattern of an arm")
        body = self.statement_value()
        if self.kinds[self.at] in (",", ";"):
            self.at += 1
        return MatchArm(at, pattern, guard, body)

    def statement_value(self) -> Expr:
        """An expression that may begin a statement or an arm: behind a construct in braces, what follows on the next
        line goes on only if it cannot stand alone."""
        kind = self.kinds[self.at]
        if kind not in ("if", "match", "while", "for", "loop", "{", "try", "lifetime", "unsafe"):
            return self.expression()
        value = self.primary()
        kind = self.kinds[self.at]
        if kind in _CONTINUES and self.at not in self.breaks and not _without_value(value):
            value = self.expression(self.postfix(value))
        return value

    def try_(self) -> Expr:
        at = self.at
        self.at += 1
        body = self.block()
        name, handler, finally_ = "", None, None
        if self.kinds[self.at] == "catch":
            self.at += 1
            bracket = self.kinds[self.at] == "("
            self.at += bracket
            if self.kinds[self.at] not in ("{", ")"):
                name = self.name("the caught value")
            if bracket:
                self.close(")", self.at - 2)
            handler = self.block()
        if self.kinds[self.at] == "finally":
            self.at += 1
            finally_ = self.block()
        if handler is None and finally_ is None:
            self.fail("E0001", "`try` without `catch`", at, "add `catch (e) { .. }`")
        return TryCatch(at, body, name, handler, finally_)

    def throw_(self) -> Expr:
        at = self.at
        self.at += 1
        return Throw(at, self.expression())

    def _value(self) -> Expr | None:
        kind = self.kinds[self.at]
        if kind in _NO_VALUE or (kind == "{" and self.no_struct):
            return None
        return self.expression()

    def return_(self) -> Expr:
        at = self.at
        self.at += 1
        return Return(at, self._value())

    def break_(self) -> Expr:
        at = self.at
        self.at += 1
        if not self.loops:
            self.report("E0007", "`break` outside of a loop", at, "`return` leaves the function")
        label = self._label()
        return Break(at, label, self._value())

    def continue_(self) -> Expr:
        at = self.at
        self.at += 1
        if not self.loops:
            self.report("E0008", "`continue` outside of a loop", at, "`return` leaves the function")
        return Continue(at, self._label())

    def unsupported_prefix(self) -> Expr:
        """`await e`, `spawn e` and their like: reported, and their operand read all the same."""
        at = self.at
        kind = self.kinds[at]
        code, message, hint = PREFIXES[kind]
        self.report(code, f"`{kind}` is not supported: {message}", at, hint)
        self.at += 1
        if kind == "unsafe":
            self.block()
        elif kind != "null" and self.kinds[self.at] not in _NO_VALUE:
            self.operand()
        return Unsupported(at, kind)


PREFIXES = {
    "await": ("E0702", "there is nothing to wait for", "call the function itself"),
    "async": ("E0702", "there is nothing to wait for", "remove `async`"),
    "spawn": ("E0701", "there are no actors and no threads", "call the function itself"),
    "yield": ("E0711", "there are no generators", "collect the values in an array"),
    "lazy": ("E0711", "values are computed at once", "write a function"),
    "unsafe": ("E0707", "nothing here is unsafe", "remove `unsafe`"),
    "null": ("E0712", "there is no null", 'use a value that means nothing here (`""`, `-1`), or a `bool` beside it'),
}

Control.construct = {
    "(": Operands.parenthesis,
    "[": Operands.array,
    "{": Operands.brace,
    "fopen": Operands.template,
    "fstring": Operands.template,
    "|": Operands.lambda_,
    "||": Operands.lambda_,
    "\\": Operands.backslash,
    "fn": Operands.anonymous,
    "fun": Operands.anonymous,
    "if": Control.if_,
    "match": Control.match_,
    "while": Control.while_,
    "for": Control.for_,
    "loop": Control.loop_,
    "lifetime": Control.labelled,
    "try": Control.try_,
    "throw": Control.throw_,
    "return": Control.return_,
    "break": Control.break_,
    "continue": Control.continue_,
    **dict.fromkeys(PREFIXES, Control.unsupported_prefix),
}
