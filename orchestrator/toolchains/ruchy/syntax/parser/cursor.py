"""The cursor that the parser moves over the tokens: its position, what it has reported, and where it goes on after an
error; and the tables by which one rule of the grammar calls another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, NoReturn

import msgspec

from actors.diagnostics import Finding
from orchestrator.toolchains.ruchy.syntax.lexer import KEYWORDS, Tokens, words
from orchestrator.toolchains.ruchy.syntax.places import Places
from orchestrator.toolchains.ruchy.syntax.tree import Expr, Stmt, TraitBound

NESTING = 128
"""How deep brackets, blocks, types and patterns may nest."""

STARTS_STATEMENT = words(
    """let var fun fn struct enum impl const type use import mod module pub if while for loop match return break
    continue try throw trait class actor effect #["""
)
STARTS_ITEM = words("""fun fn struct enum impl const type use import mod module pub trait class actor effect #[""")


_BRACES = frozenset("{}")
_ONE_QUOTE = 'write "..." or f"...": both may run over several lines; a `"` inside is written `\\"`'


class SyntaxProblem(Exception):
    """The statement or item at hand cannot be read further. The reason has been reported."""


class Grammar(NamedTuple):
    """Rules by the token that they begin with.

    Expressions contain blocks, blocks contain items, and items contain expressions. The rules look each other up here,
    so the files of the grammar need not import each other in a circle. `parser/__init__.py` fills the tables in.
    """

    operands: Mapping[str, Callable[[Cursor], Expr]]
    """What each kind of token begins as an operand. The cursor is at that token."""
    suffixes: Mapping[str, Callable[[Cursor, Expr], Expr | None]]
    """What each kind of token makes of the operand before it; None where the operand ends before the token."""
    item: Callable[[Cursor], Stmt | None]
    """The item at the cursor; None where there is none."""


class Cursor:
    """The tokens, a position, the findings so far, and the state that the rules of the grammar share.

    Functions that read part of the grammar are called `parse_...`. They begin at `at` and leave it behind what they
    have read. After some errors they can read on, and `report` them; all others `fail`, which leaves the statement or
    item.
    """

    def __init__(
        self, source: str, tokens: Tokens, grammar: Grammar, *, allow_headers: bool = False, skip_bodies: bool = False
    ) -> None:
        """`allow_headers`: functions need no body. `skip_bodies`: bodies of functions are stepped over, not read."""
        self.source = source
        self.kinds = tokens.kinds
        self.texts = tokens.texts
        self.breaks = frozenset(tokens.breaks)
        self.operands = grammar.operands
        self.suffixes = grammar.suffixes
        self.item = grammar.item
        self.allow_headers = allow_headers
        self.braces = [at for at, kind in enumerate(self.kinds) if kind in _BRACES] if skip_bodies else None
        """The ordinals of all braces, only where bodies are stepped over."""
        self.anonymous: list[list[TraitBound]] | None = None
        """The bounds of each `impl Trait` of the parameters that are read; None where there can be none."""
        self.at = 0
        self.found: list[tuple[Finding, bool]] = []
        """What is wrong, and whether it is shown behind the token before it where a line ends between the two."""
        self.joined_line = 0  # the last line reported to have two values and nothing between them
        self.quiet_until = -1  # errors up to this token follow from an earlier one
        self.depth = 0
        self.loops = 0  # how many loops are open in the function at hand
        self.no_struct = False  # `{` after a name opens a block: conditions
        self.no_arrow = False  # `=>` after a name ends a guard
        self.choices: set[int] | None = None  # see `expressions.choices`
        self._places: Places | None = None

    @property
    def places(self) -> Places:
        if self._places is None:
            self._places = Places(self.source)
        return self._places

    def first_on_line(self, at: int) -> bool:
        return at == 0 or self.places.line(at) != self.places.line(at - 1)

    def describe(self, at: int) -> str:
        """A token as a message shows it."""
        kind, text = self.kinds[at], self.texts[at]
        if kind == "end":
            return "the end of the file"
        shown = text if len(text) <= 40 and "\n" not in text else text[:40].split("\n")[0] + "..."
        return f"`{shown}`"

    def report(self, code: str, message: str, at: int | None = None, hint: str = "", after: bool = False) -> None:
        """Adds an error at `at` (the current token if None), unless it follows from an earlier one. `after`: where the
        token begins a line, show the error behind the token before it."""
        place = self.at if at is None else at
        if self.kinds[place] == "string" and self._three_quotes(place):
            code, message, hint, after = "E0030", "a text stands in one quote on each side", _ONE_QUOTE, False
        if place > self.quiet_until:
            self.found.append((Finding(code, message, hint=hint, at=place), after))

    def _three_quotes(self, at: int) -> bool:
        """Whether the string at `at` is what stands between three quotes."""
        if at == 0 or self.texts[at - 1] not in ('""', 'f""') or self.texts[at][0] != '"':
            return False
        return self.places.offset(at) == self.places.offset(at - 1) + len(self.texts[at - 1])

    def fail(self, code: str, message: str, at: int | None = None, hint: str = "", after: bool = False) -> NoReturn:
        """Reports an error and leaves the statement or item at hand."""
        self.report(code, message, at, hint, after)
        raise SyntaxProblem

    def report_anyway(self, code: str, message: str, hint: str) -> None:
        """Adds an error at the current token even if it follows from an earlier one."""
        self.quiet_until = -1
        self.report(code, message, min(self.at, len(self.kinds) - 3), hint)

    def expect(self, kind: str, context: str = "", hint: str = "") -> int:
        """Takes the token `kind` and returns its ordinal."""
        at = self.at
        if self.kinds[at] != kind:
            where = f" {context}" if context else ""
            message = f"expected `{kind}`{where}, found {self.describe(at)}"
            self.fail("E0001", message, hint=hint or f"add `{kind}`", after=True)
        self.at = at + 1
        return at

    def close(self, kind: str, opened: int) -> int:
        """Takes the bracket `kind`, which closes the one at `opened`, and returns its ordinal."""
        at = self.at
        if self.kinds[at] != kind:
            line = self.places.line(opened)
            message = (
                f"`{self.texts[opened]}` of line {line} is not closed: expected `{kind}`, found {self.describe(at)}"
            )
            if self.kinds[at] == "end" and self.found:
                raise SyntaxProblem
            self.fail("E0002", message, hint=f"add `{kind}`", after=True)
        self.at = at + 1
        return at

    def name(self, what: str) -> str:
        """Takes a name where only a name can stand, so reserved words are names too."""
        kind = self.kinds[self.at]
        if kind != "name" and kind not in KEYWORDS:
            self.fail("E0013", f"expected the name of {what}, found {self.describe(self.at)}", after=True)
        self.at += 1
        return self.texts[self.at - 1]

    def enter(self) -> None:
        """Goes one level deeper. The caller subtracts 1 from `depth` when it leaves that level."""
        self.depth += 1
        if self.depth > NESTING + 1:  # the outermost expression stands in no bracket
            self.fail("E0803", f"nested more than {NESTING} deep", hint="name the inner parts with `let` or functions")

    def skip_balanced(self) -> None:
        """Steps over a bracket and everything in it, or over the rest of the file if it is never closed."""
        depth = 0
        while (kind := self.kinds[self.at]) != "end":
            self.at += 1
            if kind in ("(", "[", "{", "#["):
                depth += 1
            elif kind in (")", "]", "}"):
                depth -= 1
                if depth <= 0:
                    return

    def skip_item(self) -> None:
        """Steps over an item that is not supported: over its braces, or to the end of its line."""
        start = self.at
        while (kind := self.kinds[self.at]) != "end":
            if kind == "{":
                self.skip_balanced()
                return
            if kind in ("(", "["):
                self.skip_balanced()
            elif kind in (";", "}") or (self.at > start and self.first_on_line(self.at)):
                return
            else:
                self.at += 1

    def recover(self, start: int, closer: str) -> None:
        """Moves behind the broken statement that began at `start`: behind its `;`, to the `closer` of its block, or to
        a line that begins with a word that begins a statement. Errors before that place follow from the first one.

        An item word in the first column wins over all open braces, because there the mistake is most often a missing
        `}`: else one such mistake would hide all errors in the rest of the file."""
        at, depth = max(self.at, start), 0
        while (kind := self.kinds[at]) != "end":
            fresh = at > start and self.first_on_line(at)
            if fresh and kind in STARTS_ITEM and self.places.place(at).column == 1:
                break
            if depth == 0 and fresh and kind in STARTS_STATEMENT:
                break
            if kind == "}" and depth == 0 and closer == "}":
                break
            at += 1
            if kind == "{":
                depth += 1
            elif kind == "}" and depth <= 1:
                depth = 0
                if self.kinds[at] == "end" or self.first_on_line(at):
                    break
            elif kind == "}":
                depth -= 1
            elif kind == ";" and depth == 0:
                break
        self.at = at
        self.quiet_until = at

    def findings(self) -> list[Finding]:
        """All findings, in the order of the source."""
        return [self._moved(*each) for each in sorted(self.found, key=lambda each: each[0].at)]

    def _moved(self, finding: Finding, after: bool) -> Finding:
        at = finding.at
        if at > 0 and ((after and self.first_on_line(at)) or self.kinds[at] == "end"):
            return msgspec.structs.replace(finding, at=at - 1, offset=len(self.texts[at - 1]), length=1)
        return finding
