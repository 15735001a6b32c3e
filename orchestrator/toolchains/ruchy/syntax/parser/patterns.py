"""Patterns (section 5 of the language)."""

from __future__ import annotations

from orchestrator.toolchains.ruchy.syntax.lexer import KEYWORDS, words
from orchestrator.toolchains.ruchy.syntax.literals import float_value, int_value, string_value
from orchestrator.toolchains.ruchy.syntax.parser.types import Types
from orchestrator.toolchains.ruchy.syntax.tree import (
    BoolLiteral,
    CharLiteral,
    Expr,
    FieldPattern,
    FloatLiteral,
    IntLiteral,
    ListPattern,
    LiteralPattern,
    NamePattern,
    OrPattern,
    PathPattern,
    Pattern,
    RangePattern,
    RestPattern,
    StringLiteral,
    TuplePattern,
    Unary,
    WildcardPattern,
)

SOFT = words(
    """extend handle handler property private protected sealed final abstract mixin operator interface
    implements override receive send ask type with from export requires ensures invariant decreases infra
    signal df module trait catch finally"""
)
"""Reserved words that open a construct only in front of something else; elsewhere we read them as names."""

LITERALS = words("int float string char byte true false")


class Patterns(Types):
    def pattern(self) -> Pattern:
        first = self.single_pattern()
        if self.kinds[self.at] != "|":
            return first
        at, alternatives = first.at, [first]
        while self.kinds[self.at] == "|":
            self.at += 1
            alternatives.append(self.single_pattern())
        return OrPattern(at, alternatives)

    def single_pattern(self) -> Pattern:
        """A pattern without `|` at its top: what a lambda's parameter may be."""
        kind, at = self.kinds[self.at], self.at
        if kind == "name" and self.kinds[at + 1] not in ("::", "(", "{", "@"):
            self.at = at + 1
            return self._plain_name(at)
        self.enter()
        found = self._compound_pattern(kind, at)
        self.depth -= 1
        return found

    def _plain_name(self, at: int) -> Pattern:
        text = self.texts[at]
        if text == "_":
            return WildcardPattern(at)
        if text == "None":
            return PathPattern(at, (text,))
        if text == "ref" and (self.kinds[self.at] == "mut" or self.kinds[self.at] == "name"):
            return self.single_pattern()
        return NamePattern(at, text)

    def _compound_pattern(self, kind: str, at: int) -> Pattern:  # noqa: RET503 (`fail` never returns)
        if kind == "name" or (kind in SOFT and kind != "df"):
            return self._path_pattern(at)
        if kind in LITERALS or kind == "-":
            return self._literal_pattern()
        if kind == "mut":
            self.at += 1
            inner = self.single_pattern()
            if not isinstance(inner, NamePattern):
                self.fail("E0011", "`mut` stands before a name", at)
            inner.mutable = True
            return inner
        if kind == "(":
            elements = self._pattern_list(")")
            lone = len(elements) == 1 and self.kinds[self.at - 2] != "," and not isinstance(elements[0], RestPattern)
            return elements[0] if lone else TuplePattern(at, elements)
        if kind == "[":
            return ListPattern(at, self._pattern_list("]"))
        if kind == "..":
            self.at += 1
            if self.kinds[self.at] == "name":
                self.at += 1
                return RestPattern(at, self.texts[self.at - 1])
            return RestPattern(at)
        if kind == "&":
            self.at += 1
            return self.single_pattern()
        if kind in KEYWORDS:
            self.fail("E0010", f"`{kind}` is a reserved word: it cannot be a name here", hint="choose another name")
        self.fail("E0011", f"expected a pattern, found {self.describe(at)}", after=True)

    def _pattern_list(self, closer: str) -> list[Pattern]:
        opened = self.at
        self.at += 1
        found: list[Pattern] = []
        while self.kinds[self.at] != closer:
            found.append(self.pattern())
            if self.kinds[self.at] != ",":
                break
            self.at += 1
        self.close(closer, opened)
        return found

    def _path_pattern(self, at: int) -> Pattern:
        path = [self.texts[at]]
        self.at = at + 1
        if self.kinds[self.at] == "@":
            self.at += 1
            inner = self.single_pattern()
            if isinstance(inner, RestPattern):
                return RestPattern(at, path[0])
            return NamePattern(at, path[0], inner=inner)
        while self.kinds[self.at] == "::":
            self.at += 1
            path.append(self.name("a variant"))
        kind = self.kinds[self.at]
        if kind == "(":
            return PathPattern(at, tuple(path), elements=self._pattern_list(")"))
        if kind == "{" and path[-1][0].isupper():
            fields, rest = self._field_patterns()
            return PathPattern(at, tuple(path), fields=fields, rest=rest)
        return PathPattern(at, tuple(path)) if len(path) > 1 else self._plain_name(at)

    def _field_patterns(self) -> tuple[list[FieldPattern], bool]:
        opened = self.at
        self.at += 1
        found: list[FieldPattern] = []
        rest = False
        while self.kinds[self.at] != "}":
            at = self.at
            if self.kinds[at] == "..":
                self.at += 1
                rest = True
            elif self.kinds[at + 1] == ":" and self.kinds[at] != "mut":
                name = self.name("a field")
                self.at += 1
                found.append(FieldPattern(at, name, self.pattern()))
            else:
                pattern = self.single_pattern()
                if not isinstance(pattern, NamePattern):
                    self.fail("E0011", f"expected the name of a field, found {self.describe(at)}", at)
                found.append(FieldPattern(at, pattern.name, pattern))
            if self.kinds[self.at] != ",":
                break
            self.at += 1
        self.close("}", opened)
        return found, rest

    def _literal_pattern(self) -> Pattern:
        at = self.at
        start = self._pattern_bound()
        if self.kinds[self.at] not in ("..", "..="):
            return LiteralPattern(at, start)
        inclusive = self.kinds[self.at] == "..="
        self.at += 1
        return RangePattern(at, start, self._pattern_bound(), inclusive)

    def _pattern_bound(self) -> Expr:
        if self.kinds[self.at] == "-" and self.kinds[self.at + 1] in ("int", "float"):
            self.at += 1
            return Unary(self.at - 1, "-", self.literal())
        if self.kinds[self.at] not in LITERALS:
            self.fail("E0011", f"expected a literal, found {self.describe(self.at)}", after=True)
        return self.literal()

    def literal(self) -> Expr:
        """A literal without holes; the caller has looked at its kind."""
        at = self.at
        kind, text = self.kinds[at], self.texts[at]
        self.at = at + 1
        if kind == "int":
            value, suffix = int_value(text)
            return IntLiteral(at, value, suffix)
        if kind == "string":
            return StringLiteral(at, string_value(text))
        if kind == "float":
            return FloatLiteral(at, float_value(text))
        if kind == "char":
            return CharLiteral(at, string_value(text))
        if kind == "byte":
            return IntLiteral(at, ord(string_value(text)[-1]), "u8")
        return BoolLiteral(at, kind == "true")
