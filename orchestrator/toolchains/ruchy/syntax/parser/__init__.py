"""The parser: tokens to a tree, by recursive descent; operator and `else if` chains without recursion.

One class, cut into rooms by subject, each knowing those before it:
`cursor` <- `types` <- `patterns` <- `expressions` <- `operands` <- `control` <- `statements` <- `imports` <- `items`.
Every input gives a tree or errors, never an exception.
"""

from __future__ import annotations

import msgspec

from actors.diagnostics import Diagnostic
from orchestrator.toolchains.ruchy.syntax.lexer import Tokens, lex
from orchestrator.toolchains.ruchy.syntax.literals import Finding
from orchestrator.toolchains.ruchy.syntax.parser.cursor import NESTING
from orchestrator.toolchains.ruchy.syntax.parser.items import Items
from orchestrator.toolchains.ruchy.syntax.places import Places
from orchestrator.toolchains.ruchy.syntax.tree import Module, Stmt

__all__ = ["NESTING", "Parsed", "parse", "parse_item", "parse_tokens"]


class Parsed(msgspec.Struct):
    """A module's tree and what was found on the way. `module` is None exactly where `diagnostics` has an error;
    warnings leave the tree. Diagnostics have no file and no module: the caller knows them."""

    module: Module | None
    tokens: Tokens
    diagnostics: list[Diagnostic]


def parse(source: str) -> Parsed:
    """The tree of a module."""
    return parse_tokens(source, lex(source))


def parse_item(text: str) -> Parsed:
    """The tree of an interface text: items, of which functions may be headers alone (`end` of their body is 0)."""
    return parse_tokens(text, lex(text), headers=True)


def parse_tokens(source: str, tokens: Tokens, headers: bool = False) -> Parsed:
    """The same for somebody who has the tokens already."""
    if tokens.kinds[-2:-1] == ["unclosed"]:
        return Parsed(None, tokens, [_unclosed(source, tokens)])
    kinds = tokens.kinds
    parser = Items(source, Tokens([*kinds, "end", "end"], [*tokens.texts, "", ""], tokens.breaks, {}), headers)
    body: list[Stmt] = []
    try:
        body = _module(parser)
    except RecursionError:  # deeper than the caller's stack allows: far above what people write
        parser.fail_softly("E0803", "nested too deep for the stack", "name the inner parts with `let` or functions")
    diagnostics = parser.diagnostics() if parser.found else []
    if tokens.findings:
        diagnostics += _literal_findings(source, tokens)
        diagnostics.sort(key=lambda found: (found.line, found.column))
    broken = any(found.severity == "error" for found in diagnostics)
    return Parsed(None if broken else Module(0, body), tokens, diagnostics)


def _module(parser: Items) -> list[Stmt]:
    return parser.statements("end")


def _literal_findings(source: str, tokens: Tokens) -> list[Diagnostic]:
    """Every occurrence of a token that the lexer found fault with."""
    places = Places(source)
    return [
        _diagnostic(places, at, finding)
        for at, text in enumerate(tokens.texts)
        for finding in tokens.findings.get(text, ())
    ]


def _diagnostic(places: Places, at: int, finding: Finding) -> Diagnostic:
    whole = places.place(at)
    place = places.at(places.offset(at) + finding.offset, finding.length) if finding.length else whole
    return Diagnostic(
        code=finding.code,
        message=finding.message,
        severity="warning" if finding.code.startswith("W") else "error",
        line=place.line,
        column=place.column,
        length=place.length,
        text=place.text,
        hint=finding.hint,
    )


def _unclosed(source: str, tokens: Tokens) -> Diagnostic:
    """A comment or string without an end. Where an earlier string runs over several lines, its quote is the one that is
    more likely missing."""
    places = Places(source)
    at = len(tokens.kinds) - 2
    if tokens.texts[at].startswith("/*"):
        return _diagnostic(places, at, Finding("E0024", "this comment is never closed", 0, 2, "add `*/`"))
    finding = Finding("E0020", "this string is never closed", hint='add the closing `"`')
    for earlier, kind in enumerate(tokens.kinds):
        if kind == "string" and "\n" in tokens.texts[earlier]:
            hint = 'add the closing `"`; if it is meant to run over several lines, another one is missing further down'
            finding = Finding("E0020", "this string is probably not closed where it should be", hint=hint)
            return _diagnostic(places, earlier, finding)
    return _diagnostic(places, at, finding)
