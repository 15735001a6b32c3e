"""The parser's hand on the tokens: where it is, what it found wrong, how it goes on after an error."""

from __future__ import annotations

from typing import NoReturn

import msgspec

from actors.diagnostics import Finding
from orchestrator.toolchains.ruchy.syntax.lexer import KEYWORDS, Tokens, words
from orchestrator.toolchains.ruchy.syntax.places import Places
from orchestrator.toolchains.ruchy.syntax.tree import Block, Expr, Pattern, Type

NESTING = 128
"""Brackets, blocks, types and patterns nest at most so deep."""

STARTS_STATEMENT = words(
    """let var fun fn struct enum impl const type use import mod module pub if while for loop match return break
    continue try throw trait class actor effect #["""
)
STARTS_ITEM = words("""fun fn struct enum impl const type use import mod module pub trait class actor effect #[""")


_ONE_QUOTE = 'write "..." or f"...": both may run over several lines; a `"` inside is written `\\"`'


class SyntaxProblem(Exception):
    """The statement or item at hand cannot be read further. It has been reported."""


class Cursor:
    """Tokens, a position, and what the rules of the grammar share."""

    def __init__(self, source: str, tokens: Tokens, headers: bool = False) -> None:
        self.source = source
        self.kinds = tokens.kinds
        self.texts = tokens.texts
        self.breaks = frozenset(tokens.breaks)
        self.at = 0
        self.headers = headers  # functions without a body are allowed
        self.found: list[tuple[Finding, bool]] = []
        """What is wrong, and whether it is shown behind the token before it where a line ends between the two."""
        self.joined = 0  # the last line with two values and nothing between them
        self.quiet = -1  # errors up to here follow from an earlier one
        self.depth = 0
        self.loops = 0  # loops around, inside the function at hand
        self.no_struct = False  # `{` after a name opens a block: conditions
        self.no_arrow = False  # `=>` after a name ends a guard
        self._places: Places | None = None
        self._choices: set[int] | None = None

    # the rest of the grammar, for those who come before it
    def expression(self, first: Expr | None = None) -> Expr:
        raise NotImplementedError

    def type_(self) -> Type:
        raise NotImplementedError

    def pattern(self) -> Pattern:
        raise NotImplementedError

    def block(self) -> Block:
        raise NotImplementedError

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
        """Records an error, unless it follows from an earlier one."""
        place = self.at if at is None else at
        if self.kinds[place] == "string" and self._three_quotes(place):
            code, message, hint, after = "E0030", "a text stands in one quote on each side", _ONE_QUOTE, False
        if place > self.quiet:
            self.found.append((Finding(code, message, hint=hint, at=place), after))

    def _three_quotes(self, at: int) -> bool:
        """Is the string at `at` what stands between three quotes?"""
        if at == 0 or self.texts[at - 1] not in ('""', 'f""') or self.texts[at][0] != '"':
            return False
        return self.places.offset(at) == self.places.offset(at - 1) + len(self.texts[at - 1])

    def fail(self, code: str, message: str, at: int | None = None, hint: str = "", after: bool = False) -> NoReturn:
        """Records an error and leaves the statement at hand."""
        self.report(code, message, at, hint, after)
        raise SyntaxProblem

    def fail_softly(self, code: str, message: str, hint: str) -> None:
        """Records an error where the cursor stands, without leaving."""
        self.quiet = -1
        self.report(code, message, min(self.at, len(self.kinds) - 3), hint)

    def expect(self, kind: str, context: str = "", hint: str = "") -> int:
        """Takes the token `kind`, and gives its ordinal."""
        at = self.at
        if self.kinds[at] != kind:
            where = f" {context}" if context else ""
            message = f"expected `{kind}`{where}, found {self.describe(at)}"
            self.fail("E0001", message, hint=hint or f"add `{kind}`", after=True)
        self.at = at + 1
        return at

    def close(self, kind: str, opened: int) -> int:
        """Takes the bracket that closes the one at `opened`."""
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
        """Takes a name where only a name can stand: reserved words are names there too."""
        kind = self.kinds[self.at]
        if kind != "name" and kind not in KEYWORDS:
            self.fail("E0013", f"expected the name of {what}, found {self.describe(self.at)}", after=True)
        self.at += 1
        return self.texts[self.at - 1]

    def enter(self) -> None:
        """One level deeper. Whoever enters also leaves, by subtracting 1 from `depth`."""
        self.depth += 1
        if self.depth > NESTING + 1:  # the outermost expression stands in no bracket
            self.fail("E0803", f"nested more than {NESTING} deep", hint="name the inner parts with `let` or functions")

    def skip_balanced(self) -> None:
        """Steps over one bracket with everything in it; over the rest where it is never closed."""
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
        """Steps over an item that the target does not have: through its braces, or to the end of its line."""
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
        """Goes on behind the broken statement that began at `start`: at a `;`, at the end of its block, or where a line
        begins with a word that begins a statement."""
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
        self.quiet = at

    def findings(self) -> list[Finding]:
        """What was found, in the order of the source."""
        return [self._settled(*each) for each in sorted(self.found, key=lambda each: each[0].at)]

    def _settled(self, found: Finding, after: bool) -> Finding:
        at = found.at
        if at > 0 and ((after and self.first_on_line(at)) or self.kinds[at] == "end"):
            return msgspec.structs.replace(found, at=at - 1, offset=len(self.texts[at - 1]), length=1)
        return found
