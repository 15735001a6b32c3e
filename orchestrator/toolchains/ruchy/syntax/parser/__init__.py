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
from orchestrator.toolchains.ruchy.syntax.parser.cursor import NESTING, SyntaxProblem
from orchestrator.toolchains.ruchy.syntax.parser.items import Items, Outline
from orchestrator.toolchains.ruchy.syntax.places import Places
from orchestrator.toolchains.ruchy.syntax.tree import Module, Stmt, UseItem

__all__ = ["NESTING", "Parsed", "imported_at", "outline", "parse", "parse_item", "parse_tokens"]


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
    parser = Items(source, _padded(tokens), headers)
    body: list[Stmt] = []
    try:
        body = parser.statements("end")
    except RecursionError:  # deeper than the caller's stack allows: far above what people write
        parser.fail_softly("E0803", "nested too deep for the stack", "name the inner parts with `let` or functions")
    diagnostics = parser.diagnostics() if parser.found else []
    if tokens.findings:
        diagnostics = _merged(diagnostics, _literal_findings(source, tokens))
    broken = any(found.severity == "error" for found in diagnostics)
    return Parsed(None if broken else Module(0, body), tokens, diagnostics)


def outline(source: str, tokens: Tokens) -> Module | None:
    """The tree with every function's body stepped over (its block is empty, `end` is right); None where that finds an
    error, which `parse_tokens` then reports. Errors inside of bodies are not looked for."""
    parser = Outline(source, _padded(tokens))
    try:
        body = parser.statements("end")
    except RecursionError:
        return None
    return None if parser.found else Module(0, body)


def imported_at(tokens: Tokens, at: int) -> UseItem | None:
    """The import that begins at a token inside of a body; None where there is none."""
    parser = Items("", _padded(tokens))
    parser.at = at
    try:
        return parser.imported(at, False)
    except SyntaxProblem:
        return None


def _padded(tokens: Tokens) -> Tokens:
    """A copy that the parser may change, with an end that it may look beyond."""
    return Tokens([*tokens.kinds, "end", "end"], [*tokens.texts, "", ""], tokens.breaks, {})


def _literal_findings(source: str, tokens: Tokens) -> list[Diagnostic]:
    """Every occurrence of a token that the lexer found fault with."""
    places = Places(source)
    return [
        _diagnostic(places, at, finding)
        for at, text in enumerate(tokens.texts)
        for finding in tokens.findings.get(text, ())
    ]


_BREAKING = frozenset(("E0023", "E0025", "E0026"))


def _merged(parsed: list[Diagnostic], lexed: list[Diagnostic]) -> list[Diagnostic]:
    """Both, in the order of the source. Where a token cannot be read, the parser stumbles over it too: of the two on a
    line, only the first is shown, the lexer's if they are at one place."""
    stray = {found.line: found.column for found in reversed(lexed) if found.code in _BREAKING}
    errors = {found.line: found.column for found in reversed(parsed) if found.severity == "error"}
    kept = [found for found in parsed if found.severity != "error" or found.column < stray.get(found.line, 1 << 30)]
    kept += [found for found in lexed if found.code not in _BREAKING or found.column <= errors.get(found.line, 1 << 30)]
    return sorted(kept, key=lambda found: (found.line, found.column))


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
