"""The parser: tokens to a tree, by recursive descent; operator and `else if` chains without recursion.

One class, cut into rooms by subject, each knowing those before it:
`cursor` <- `types` <- `patterns` <- `expressions` <- `operands` <- `control` <- `statements` <- `imports` <- `items`.
Every input gives a tree or errors, never an exception.
"""

from __future__ import annotations

import msgspec

from actors.diagnostics import Diagnostic, Finding
from orchestrator.toolchains.ruchy.syntax.lexer import Tokens, lex
from orchestrator.toolchains.ruchy.syntax.parser.cursor import NESTING, SyntaxProblem
from orchestrator.toolchains.ruchy.syntax.parser.items import Items, Outline
from orchestrator.toolchains.ruchy.syntax.places import Places
from orchestrator.toolchains.ruchy.syntax.tree import Module, Stmt, UseItem

__all__ = ["NESTING", "Parsed", "imported_at", "outline", "parse", "parse_item", "parse_tokens"]


class Parsed(msgspec.Struct):
    """A module's tree and what was found on the way, by token. `module` is None exactly where `findings` has an error;
    warnings leave the tree. `body` is what could be read in either case, broken or not."""

    source: str
    module: Module | None
    tokens: Tokens
    findings: list[Finding]
    body: list[Stmt] = []

    def tell(self, *, module: str, file: str) -> list[Diagnostic]:
        """What was found, in its places in this file."""
        return Places(self.source).tell(self.findings, module=module, file=file) if self.findings else []

    @property
    def errors(self) -> list[Finding]:
        return [found for found in self.findings if found.severity == "error"]

    @property
    def diagnostics(self) -> list[Diagnostic]:
        """For those who have a text and no file."""
        return self.tell(module="", file="text")


def parse(source: str) -> Parsed:
    """The tree of a module."""
    return parse_tokens(source, lex(source))


def parse_item(text: str) -> Parsed:
    """The tree of an interface text: items, of which functions may be headers alone (`end` of their body is 0)."""
    return parse_tokens(text, lex(text), headers=True)


def parse_tokens(source: str, tokens: Tokens, headers: bool = False) -> Parsed:
    """The same for somebody who has the tokens already."""
    if tokens.kinds[-2:-1] == ["unclosed"]:
        return Parsed(source, None, tokens, [_unclosed(tokens)])
    parser = Items(source, _padded(tokens), headers)
    body: list[Stmt] = []
    try:
        body = parser.statements("end")
    except RecursionError:  # deeper than the caller's stack allows: far above what people write
        parser.fail_softly("E0803", "nested too deep for the stack", "name the inner parts with `let` or functions")
    findings = parser.findings() if parser.found else []
    if tokens.findings:
        findings = _merged(Places(source), findings, literal_findings(tokens))
    broken = any(found.severity == "error" for found in findings)
    return Parsed(source, None if broken else Module(0, body), tokens, findings, body)


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


def literal_findings(tokens: Tokens) -> list[Finding]:
    """Every occurrence of a token that the lexer found fault with."""
    return [
        msgspec.structs.replace(found, at=at)
        for at, text in enumerate(tokens.texts)
        for found in tokens.findings.get(text, ())
    ]


_BREAKING = frozenset(("E0023", "E0025", "E0026"))


def _merged(places: Places, parsed: list[Finding], lexed: list[Finding]) -> list[Finding]:
    """Both, in the order of the source. Where a token cannot be read, the parser stumbles over it too: of the two on a
    line, only the first is shown, the lexer's if they are at one place."""
    spots = {id(found): (place.line, place.column) for found in (*parsed, *lexed) for place in (places.of(found),)}
    stray = dict(spots[id(found)] for found in reversed(lexed) if found.code in _BREAKING)
    errors = dict(spots[id(found)] for found in reversed(parsed) if found.severity == "error")
    kept: list[Finding] = []
    for found in parsed:
        line, column = spots[id(found)]
        if found.severity != "error" or column < stray.get(line, 1 << 30):
            kept.append(found)
    for found in lexed:
        line, column = spots[id(found)]
        if found.code not in _BREAKING or column <= errors.get(line, 1 << 30):
            kept.append(found)
    return sorted(kept, key=lambda found: spots[id(found)])


def _unclosed(tokens: Tokens) -> Finding:
    """A comment or string without an end. Where an earlier string runs over several lines, its quote is the one that is
    more likely missing."""
    at = len(tokens.kinds) - 2
    if tokens.texts[at].startswith("/*"):
        return Finding("E0024", "this comment is never closed", 0, 2, "add `*/`", at)
    for earlier, kind in enumerate(tokens.kinds):
        if kind == "string" and "\n" in tokens.texts[earlier]:
            hint = 'add the closing `"`; if it is meant to run over several lines, another one is missing further down'
            return Finding("E0020", "this string is probably not closed where it should be", hint=hint, at=earlier)
    return Finding("E0020", "this string is never closed", hint='add the closing `"`', at=at)
