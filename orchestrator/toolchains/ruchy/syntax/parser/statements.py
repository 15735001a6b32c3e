"""Blocks and statements."""

from __future__ import annotations

from orchestrator.toolchains.ruchy.syntax.lexer import ENDS, VALUES, words
from orchestrator.toolchains.ruchy.syntax.parser.control import Control
from orchestrator.toolchains.ruchy.syntax.parser.cursor import SyntaxProblem
from orchestrator.toolchains.ruchy.syntax.tree import (
    Block,
    Expr,
    ExprStmt,
    Let,
    NamePattern,
    Pattern,
    Stmt,
)

_FIRST_WORDS = words("println print eprintln eprint assert assert_eq assert_ne panic")


class Statements(Control):
    def item(self) -> Stmt | None:
        """The item that begins here; None where an expression does."""
        raise NotImplementedError

    def _separated(self) -> None:
        """Two values on one line: the first ends with `}`, or a `;` stands between them, or the second begins with a
        word that begins a statement."""
        at = self.at
        if self.kinds[at - 1] not in ENDS or (self.texts[at] in _FIRST_WORDS and self.kinds[at + 1] in ("(", "!")):
            return
        line = self.places.line(at)
        if line != self.joined:  # one for a line says it
            self.report("E0029", f"{self.describe(at)} stands behind a value, with nothing between them", at, "add `;`")
        self.joined = line

    def block(self) -> Block:
        opened = self.at
        if self.kinds[opened] != "{":
            self.fail(
                "E0016",
                f"expected `{{`, found {self.describe(opened)}",
                hint="a block stands in braces: `{ .. }`",
                after=True,
            )
        self.enter()
        self.at = opened + 1
        saved = (self.no_struct, self.no_arrow)
        self.no_struct = self.no_arrow = False
        statements = self.statements("}")
        end = self.close("}", opened)
        self.no_struct, self.no_arrow = saved
        self.depth -= 1
        return Block(opened, statements, end)

    def statements(self, closer: str) -> list[Stmt]:
        """Statements up to `closer` or the end; broken ones are reported and left out."""
        kinds = self.kinds
        found: list[Stmt] = []
        while (kind := kinds[self.at]) != closer and kind != "end":
            start = self.at
            if kind == ";":
                self.at = start + 1
                continue
            saved = (self.depth, self.loops)
            try:
                found.append(self.statement())
                if kinds[self.at] in VALUES and self.at not in self.breaks:
                    self._separated()
            except SyntaxProblem:
                self.depth, self.loops = saved
                self.no_struct = self.no_arrow = False
                self.recover(start, closer)
                if self.at == start and kinds[start] != "end":
                    self.at += 1
        return found

    def statement(self) -> Stmt:
        kind = self.kinds[self.at]
        if kind == "let" or kind == "var":
            return self._let()
        item = self.item()
        if item is not None:
            return item
        if kind == "else":
            self._stray_else()
        if kind == "name" and self.texts[self.at] in ("elif", "elseif", "elsif"):
            self._else_if()
        if kind == "name" and self.kinds[self.at + 1] == "name" and not self.first_on_line(self.at + 1):
            self._other_language(self.at)
        value = self.statement_value()
        semicolon = self.kinds[self.at] == ";"
        if semicolon:
            self.at += 1
        return ExprStmt(value.at, value, semicolon)

    def _else_if(self) -> None:
        at = self.at
        while self.texts[self.at] in ("elif", "elseif", "elsif", "else"):
            while self.kinds[self.at] not in ("{", "}", ";", "end"):
                self.at += 1
            if self.kinds[self.at] == "{":
                self.skip_balanced()
        self.fail("E0001", f"expected `else if`, found `{self.texts[at]}`", at, "write `else if`")

    def _other_language(self, at: int) -> None:
        """Two names in a row are no expression: fails where they are a declaration in other languages."""
        first, second = self.texts[at], self.texts[at + 1]
        following = self.kinds[at + 2]
        if first in ("def", "function", "func", "sub") and following == "(":
            self.fail("E0001", f"expected `fun`, found `{first}`", at, "a function begins with `fun`")
        if first == "test" and following == "(":
            self.fail("E0001", "a test is a function with an attribute", at, f"write `#[test] fun {second}() {{ .. }}`")
        if following == "=":
            self.fail("E0001", f"expected `let`, found `{first}`", at, f"write `let {second} = ...`")

    def _stray_else(self) -> None:
        at = self.at
        self.at += 1
        if self.kinds[self.at] == "{":
            self.skip_balanced()
        self.fail("E0005", "`else` without an `if`", at, "`else` follows the `}` of an `if`")

    def _let(self) -> Stmt:
        at = self.at
        mutable = self.kinds[at] == "var"
        self.at = at + 1
        if self.kinds[self.at] == "mut":
            mutable = True
            self.at += 1
        pattern = self.pattern()
        if isinstance(pattern, NamePattern) and pattern.mutable:
            mutable = True
        declared = None
        if self.kinds[self.at] == ":":
            self.at += 1
            if self.kinds[self.at] == "=" and self.places.offset(self.at) == self.places.offset(self.at - 1) + 1:
                self.fail("E0012", "`:=` is no operator", self.at - 1, f"write `{self.texts[at]} x = ...`")
            declared = self.type_()
        if self.kinds[self.at] != "=":
            self._no_value(at, pattern)
        self.at += 1
        value = self.expression()
        otherwise = None
        if self.kinds[self.at] == "else":
            self.at += 1
            otherwise = self.block()
        bound = Let(at, pattern, declared, value, mutable, otherwise)
        if self.kinds[self.at] == "in":
            return self._let_in(bound)
        if self.kinds[self.at] == ";":
            self.at += 1
        return bound

    def _no_value(self, at: int, pattern: Pattern) -> None:
        word, name = self.texts[at], getattr(pattern, "name", "x")
        if self.kinds[self.at] in (";", "end", "}") or self.first_on_line(self.at):
            hint = f"write `{word} {name} = ...`"
            if self.kinds[self.at] == ";":
                self.report("E0004", f"`{word}` without a value", at, hint)
                self.at += 1
                self.quiet = self.at - 1
                self.fail("E0004", "", self.at - 1)
            self.fail("E0004", f"`{word}` without a value", at, hint)
        self.expect("=", f"in `{word}`", f"write `{word} {name} = ...`")

    def _let_in(self, bound: Let) -> Stmt:
        """`let x = e in body` is a block of its own."""
        self.at += 1
        body: Expr = self.expression()
        if self.kinds[self.at] == ";":
            self.at += 1
        return ExprStmt(bound.at, Block(bound.at, [bound, ExprStmt(body.at, body)], self.at - 1))
