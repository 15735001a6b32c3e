"""The parser: tokens to a tree, by recursive descent; chains of operators and of `else if` without recursion.

Each rule of the grammar is a function over a `Cursor`. `GRAMMAR` lists the rules by the token that they begin with.
Any input gives a tree or errors, never an exception.
"""

from __future__ import annotations

import msgspec

from actors.diagnostics import Diagnostic, Finding
from orchestrator.toolchains.ruchy.syntax.lexer import Tokens, lex
from orchestrator.toolchains.ruchy.syntax.parser.cursor import NESTING, Cursor, Grammar, SyntaxProblem
from orchestrator.toolchains.ruchy.syntax.parser.imports import parse_import
from orchestrator.toolchains.ruchy.syntax.parser.items import try_parse_item
from orchestrator.toolchains.ruchy.syntax.parser.operands import (
    parse_anonymous,
    parse_array,
    parse_backslash,
    parse_call,
    parse_cast,
    parse_increment,
    parse_index,
    parse_lambda,
    parse_member,
    parse_name,
    parse_parenthesis,
    parse_safe_member,
    parse_template,
    parse_try,
)
from orchestrator.toolchains.ruchy.syntax.parser.patterns import LITERALS, SOFT, parse_literal
from orchestrator.toolchains.ruchy.syntax.parser.statements import (
    UNSUPPORTED,
    parse_brace,
    parse_break,
    parse_continue,
    parse_for,
    parse_if,
    parse_labelled,
    parse_loop,
    parse_match,
    parse_return,
    parse_statements,
    parse_throw,
    parse_try_catch,
    parse_unsupported,
    parse_while,
)
from orchestrator.toolchains.ruchy.syntax.places import Places
from orchestrator.toolchains.ruchy.syntax.tree import Module, Stmt, UseItem

__all__ = ["GRAMMAR", "NESTING", "Parsed", "imported_at", "outline", "parse", "parse_item", "parse_tokens"]

GRAMMAR = Grammar(
    operands={
        **dict.fromkeys(SOFT - {"catch", "finally"}, parse_name),
        **dict.fromkeys(LITERALS, parse_literal),
        **dict.fromkeys(UNSUPPORTED, parse_unsupported),
        "name": parse_name,
        "(": parse_parenthesis,
        "[": parse_array,
        "{": parse_brace,
        "fopen": parse_template,
        "fstring": parse_template,
        "|": parse_lambda,
        "||": parse_lambda,
        "\\": parse_backslash,
        "fn": parse_anonymous,
        "fun": parse_anonymous,
        "if": parse_if,
        "match": parse_match,
        "while": parse_while,
        "for": parse_for,
        "loop": parse_loop,
        "lifetime": parse_labelled,
        "try": parse_try_catch,
        "throw": parse_throw,
        "return": parse_return,
        "break": parse_break,
        "continue": parse_continue,
    },
    suffixes={
        ".": parse_member,
        "(": parse_call,
        "[": parse_index,
        "as": parse_cast,
        "?": parse_try,
        "?.": parse_safe_member,
        "++": parse_increment,
        "--": parse_increment,
    },
    item=try_parse_item,
)


class Parsed(msgspec.Struct):
    """A module's tree and the findings at its tokens. `module` is None exactly where `findings` has an error; warnings
    leave the tree. `body` is what could be read in either case."""

    source: str
    module: Module | None
    tokens: Tokens
    findings: list[Finding]
    body: list[Stmt] = []

    def tell(self, *, module: str, file: str) -> list[Diagnostic]:
        """The findings as diagnostics of this file."""
        return Places(self.source).tell(self.findings, module=module, file=file) if self.findings else []

    @property
    def errors(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.severity == "error"]

    @property
    def diagnostics(self) -> list[Diagnostic]:
        """The findings as diagnostics of a text that is no file."""
        return self.tell(module="", file="text")


def parse(source: str) -> Parsed:
    """The tree of a module."""
    return parse_tokens(source, lex(source))


def parse_item(text: str) -> Parsed:
    """The tree of an interface text: items, where functions may have no body (`end` of the body is then 0)."""
    return parse_tokens(text, lex(text), allow_headers=True)


def parse_tokens(source: str, tokens: Tokens, allow_headers: bool = False) -> Parsed:
    """The tree of a module whose tokens are at hand."""
    if tokens.unclosed:
        return Parsed(source, None, tokens, [_unclosed(tokens)])
    cursor = Cursor(source, _padded(tokens), GRAMMAR, allow_headers=allow_headers)
    body: list[Stmt] = []
    try:
        body = parse_statements(cursor, "end")
    except RecursionError:  # the caller has left little of the stack: what people write is far from that deep
        hint = "name the inner parts with `let` or functions"
        cursor.report_anyway("E0803", "nested too deep for the stack", hint)
    findings = cursor.findings() if cursor.found else []
    if tokens.findings:
        findings = _merged(Places(source), findings, literal_findings(tokens))
    broken = any(finding.severity == "error" for finding in findings)
    return Parsed(source, None if broken else Module(0, body), tokens, findings, body)


def outline(source: str, tokens: Tokens) -> Module | None:
    """The tree with every function's body stepped over: its block is empty, `end` is right. None where there is an
    error outside of the bodies, which `parse_tokens` then reports."""
    cursor = Cursor(source, _padded(tokens), GRAMMAR, skip_bodies=True)
    try:
        body = parse_statements(cursor, "end")
    except RecursionError:
        return None
    return None if cursor.found else Module(0, body)


def imported_at(tokens: Tokens, at: int) -> UseItem | None:
    """The import that begins at a token inside of a body; None where there is none."""
    cursor = Cursor("", _padded(tokens), GRAMMAR)
    cursor.at = at
    try:
        return parse_import(cursor, at, False)
    except SyntaxProblem:
        return None


def _padded(tokens: Tokens) -> Tokens:
    """A copy that the parser may change, with more `end` tokens, so that a rule may look two tokens ahead."""
    return Tokens([*tokens.kinds, "end", "end"], [*tokens.texts, "", ""], tokens.breaks, {})


def literal_findings(tokens: Tokens) -> list[Finding]:
    """The findings of the lexer, at every occurrence of their tokens."""
    return [
        msgspec.structs.replace(finding, at=at)
        for at, text in enumerate(tokens.texts)
        for finding in tokens.findings.get(text, ())
    ]


_BREAKING = frozenset(("E0023", "E0025", "E0026"))
"""Codes of the lexer for tokens at which the parser fails too."""


def _merged(places: Places, parsed: list[Finding], lexed: list[Finding]) -> list[Finding]:
    """Both, in the order of the source. A token that cannot be read is an error for the parser too, so of the two on a
    line only the first is kept; of two at the same place, the lexer's."""
    spots = {
        id(finding): (place.line, place.column) for finding in (*parsed, *lexed) for place in (places.of(finding),)
    }
    stray = dict(spots[id(finding)] for finding in reversed(lexed) if finding.code in _BREAKING)
    errors = dict(spots[id(finding)] for finding in reversed(parsed) if finding.severity == "error")
    kept: list[Finding] = []
    for finding in parsed:
        line, column = spots[id(finding)]
        if finding.severity != "error" or column < stray.get(line, 1 << 30):
            kept.append(finding)
    for finding in lexed:
        line, column = spots[id(finding)]
        if finding.code not in _BREAKING or column <= errors.get(line, 1 << 30):
            kept.append(finding)
    return sorted(kept, key=lambda finding: spots[id(finding)])


def _unclosed(tokens: Tokens) -> Finding:
    """The error for a comment or string without an end. If an earlier string runs over several lines, the missing quote
    is more likely that string's."""
    at = len(tokens.kinds) - 2
    if tokens.texts[at].startswith("/*"):
        return Finding("E0024", "this comment is never closed", 0, 2, "add `*/`", at)
    for earlier, kind in enumerate(tokens.kinds):
        if kind == "string" and "\n" in tokens.texts[earlier]:
            hint = 'add the closing `"`; if it is meant to run over several lines, another one is missing further down'
            return Finding("E0020", "this string is probably not closed where it should be", hint=hint, at=earlier)
    return Finding("E0020", "this string is never closed", hint='add the closing `"`', at=at)
