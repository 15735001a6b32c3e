"""Primary expressions: names, literals, brackets, lambdas, macros."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, NoReturn

from orchestrator.toolchains.ruchy.syntax.lexer import words
from orchestrator.toolchains.ruchy.syntax.literals import split_template, template_value
from orchestrator.toolchains.ruchy.syntax.parser.cursor import NESTING
from orchestrator.toolchains.ruchy.syntax.parser.expressions import Expressions
from orchestrator.toolchains.ruchy.syntax.parser.patterns import LITERALS, SOFT
from orchestrator.toolchains.ruchy.syntax.tree import (
    Array,
    ArrayRepeat,
    BoolLiteral,
    Comprehension,
    Expr,
    FieldValue,
    FString,
    HolePart,
    Lambda,
    MacroCall,
    Match,
    MatchArm,
    NamePattern,
    Parameter,
    Path,
    StructLiteral,
    TextPart,
    Tuple,
    Type,
    Unsupported,
    WildcardPattern,
)

MACROS = words(
    """println print eprintln eprint format vec assert assert_eq assert_ne panic todo unreachable matches
    unimplemented"""
)

_BRACKETS = {"(": ")", "[": "]", "{": "}"}


class Operands(Expressions):
    construct: ClassVar[dict[str, Callable[[Any], Expr]]]
    """What a reserved word or bracket begins, by kind: a rule of the whole parser. Filled in by `Control`."""

    def primary(self) -> Expr:
        kind = self.kinds[self.at]
        if kind == "name":
            return self._name()
        if kind in LITERALS:
            return self.literal()
        rule = self.construct.get(kind)
        if rule is not None:
            return rule(self)
        if kind in SOFT:
            return self._name()
        return self.no_expression()

    def no_expression(self) -> NoReturn:
        kind = self.kinds[self.at]
        if kind == "stray":  # the lexer has reported it
            self.quiet = max(self.quiet, self.at)
        self.fail("E0003", f"expected an expression, found {self.describe(self.at)}", after=True)

    # ------------------------------------------------------------ names, structs, macros

    def _name(self) -> Expr:
        at = self.at
        kinds = self.kinds
        text = self.texts[at]
        following = kinds[at + 1]
        self.at = at + 1
        if following == "::":
            path = self._path(text)
        elif following == "!" and kinds[at + 2] in _BRACKETS and at + 1 not in self.breaks:
            return self._macro(at, text)
        elif following == "=>" and not self.no_arrow:
            return self._arrow(at, [self._parameter_of(at)])
        elif text == "move" and following in ("|", "||"):
            return self.lambda_()
        else:
            path = (text,)
        if kinds[self.at] == "{" and not self.no_struct and path[-1][0].isupper() and self._opens_fields():
            return self._struct_literal(at, path)
        return Path(at, path)

    def _path(self, first: str) -> tuple[str, ...]:
        path, at = [first], self.at - 1
        while self.kinds[self.at] == "::":
            self.at += 1
            if self.kinds[self.at] == "<":
                self.type_arguments()
            else:
                path.append(self.name("an item"))
        if len(path) > NESTING:
            self.fail("E0803", f"a path of more than {NESTING} parts", at, "flatten the folders")
        return tuple(path)

    def _opens_fields(self) -> bool:
        """Is the `{` here that of a struct literal?"""
        first, second = self.kinds[self.at + 1], self.kinds[self.at + 2]
        return first in ("}", "..") or second in (":", ",") or (second == "}" and first not in LITERALS)

    def _struct_literal(self, at: int, path: tuple[str, ...]) -> Expr:
        opened = self.at
        self.at += 1
        fields: list[FieldValue] = []
        base: Expr | None = None
        saved, self.no_arrow = self.no_arrow, False
        while self.kinds[self.at] != "}":
            here = self.at
            if self.kinds[here] == "..":
                self.at += 1
                base = self.expression()
            else:
                name = self.name("a field")
                if self.kinds[self.at] == ":":
                    self.at += 1
                    fields.append(FieldValue(here, name, self.expression()))
                else:
                    fields.append(FieldValue(here, name, Path(here, (name,))))
            if self.kinds[self.at] != ",":
                break
            self.at += 1
        self.close("}", opened)
        self.no_arrow = saved
        return StructLiteral(at, path, fields, base)

    def _macro(self, at: int, name: str) -> Expr:
        self.at += 1
        if name not in MACROS:
            if name == "df":
                self.report("E0704", "`df!` is not supported: there are no data frames", at, "write a struct")
            else:
                # deferred: only this error needs it
                from orchestrator.toolchains.ruchy.check.hints import did_you_mean

                hint = did_you_mean(name, MACROS).replace("`?", "!`?")
                self.report("E0708", f"there is no macro `{name}!`", at, hint or "call a function")
            self.skip_balanced()
            return Unsupported(at, f"{name}!")
        closer = _BRACKETS[self.kinds[self.at]]
        if name == "matches":
            return self._matches(at, closer)
        opened = self.at
        if self.kinds[opened + 1] != closer:
            self.at += 1
            first = self.inside()
            if self.kinds[self.at] == ";":
                self.at += 1
                count = self.inside()
                self.close(closer, opened)
                return MacroCall(at, name, [first, count], True)
            if self.kinds[self.at] == ",":
                return MacroCall(at, name, [first, *self._more_arguments(closer, opened)])
            self.close(closer, opened)
            return MacroCall(at, name, [first])
        self.at += 2
        return MacroCall(at, name, [])

    def _more_arguments(self, closer: str, opened: int) -> list[Expr]:
        found: list[Expr] = []
        while self.kinds[self.at] == ",":
            self.at += 1
            if self.kinds[self.at] == closer:
                break
            found.append(self.inside())
        self.close(closer, opened)
        return found

    def _matches(self, at: int, closer: str) -> Expr:
        """`matches!(value, pattern if guard)` is a `match` that gives true or false."""
        opened = self.at
        self.at += 1
        value = self.inside()
        self.expect(",", "in matches!")
        pattern = self.pattern()
        guard = None
        if self.kinds[self.at] == "if":
            self.at += 1
            guard = self.inside()
        if self.kinds[self.at] == ",":
            self.at += 1
        self.close(closer, opened)
        arms = [
            MatchArm(pattern.at, pattern, guard, BoolLiteral(at, True)),
            MatchArm(at, WildcardPattern(at), None, BoolLiteral(at, False)),
        ]
        return Match(at, value, arms)

    # ------------------------------------------------------------ brackets

    def parenthesis(self) -> Expr:
        opened = self.at
        self.at += 1
        elements: list[Expr] = []
        comma = False
        while self.kinds[self.at] != ")":
            elements.append(self.inside())
            comma = self.kinds[self.at] == ","
            if self.kinds[self.at] == ":" and isinstance(elements[-1], Path):  # `(a: i64) => e`
                self.at = opened
                return self._typed_arrow()
            if not comma:
                break
            self.at += 1
        self.close(")", opened)
        if self.kinds[self.at] == "=>" and not self.no_arrow:
            return self._arrow(opened, [self._parameter(element) for element in elements])
        if len(elements) == 1 and not comma:
            return elements[0]
        return Tuple(opened, elements)

    def array(self) -> Expr:
        """`[a, b]`, `[value; count]`, `[e for p in xs if c]`."""
        opened = self.at
        self.at += 1
        if self.kinds[self.at] == "]":
            self.at += 1
            return Array(opened, [])
        first = self.inside()
        kind = self.kinds[self.at]
        if kind == ";":
            self.at += 1
            count = self.inside()
            self.close("]", opened)
            return ArrayRepeat(opened, first, count)
        if kind == "for":
            return self._comprehension(opened, first)
        return Array(opened, [first, *self._more_arguments("]", opened)])

    def _comprehension(self, opened: int, element: Expr) -> Expr:
        self.at += 1
        pattern = self.pattern()
        self.expect("in", "behind the pattern of `for`")
        iterable = self.inside()
        condition = None
        if self.kinds[self.at] == "if":
            self.at += 1
            condition = self.inside()
        self.close("]", opened)
        return Comprehension(opened, element, pattern, iterable, condition)

    def brace(self) -> Expr:
        """A block, or an object literal, which the target does not have."""
        at = self.at
        if self.kinds[at + 1] in ("name", "string") and self.kinds[at + 2] == ":":
            self.report("E0709", "object literals are not supported", at, "declare a struct")
            self.skip_balanced()
            return Unsupported(at, "object")
        return self.block()

    def template(self) -> Expr:
        """An f-string, its holes read in place."""
        start = self.at
        parts: list[TextPart | HolePart] = []
        text = template_value(split_template(self.texts[start])[1])
        if text:
            parts.append(TextPart(start, text))
        while self.kinds[self.at] in ("fopen", "fmid"):
            self.at += 1
            if self.kinds[self.at] in ("fmid", "fclose"):
                self.fail("E0026", "this hole of the f-string is empty", hint="write `{{}}` for the braces")
            value = self.inside()
            at = self.at
            if self.kinds[at] not in ("fmid", "fclose"):
                self.fail("E0026", f"expected `}}` at the end of the hole, found {self.describe(at)}")
            spec, raw = split_template(self.texts[at]) if self.texts[at] != '"' else ("", "")
            parts.append(HolePart(value.at, value, spec))
            text = template_value(raw)
            if text:
                parts.append(TextPart(at, text))
        self.at += 1
        return FString(start, parts)

    # ------------------------------------------------------------ lambdas

    def lambda_(self) -> Expr:
        """`|x, y: T| e`, `|| e`, `|x| -> T { .. }`."""
        at = self.at
        parameters: list[Parameter] = []
        self.at += 1
        if self.kinds[at] == "|":
            while self.kinds[self.at] != "|":
                parameters.append(self._lambda_parameter())
                if self.kinds[self.at] != ",":
                    break
                self.at += 1
            self.close("|", at)
        return self._lambda_body(at, parameters)

    def backslash(self) -> Expr:
        """`\\x -> e`"""
        at = self.at
        self.at += 1
        parameters = [self._lambda_parameter()]
        while self.kinds[self.at] == ",":
            self.at += 1
            parameters.append(self._lambda_parameter())
        self.expect("->", "behind the parameters")
        return self._outside_loops(at, parameters, None)

    def anonymous(self) -> Expr:
        """`fn(x) { .. }`"""
        at = self.at
        self.at += 1
        return self._lambda_body(at, self._lambda_list())

    def _lambda_list(self) -> list[Parameter]:
        opened = self.expect("(")
        parameters: list[Parameter] = []
        while self.kinds[self.at] != ")":
            parameters.append(self._lambda_parameter())
            if self.kinds[self.at] != ",":
                break
            self.at += 1
        self.close(")", opened)
        return parameters

    def _typed_arrow(self) -> Expr:
        at = self.at
        parameters = self._lambda_list()
        return self._arrow(at, parameters)

    def _arrow(self, at: int, parameters: list[Parameter]) -> Expr:
        self.expect("=>")
        return self._outside_loops(at, parameters, None)

    def _lambda_parameter(self) -> Parameter:
        at = self.at
        pattern = self.single_pattern()
        declared = None
        if self.kinds[self.at] == ":":
            self.at += 1
            declared = self.type_()
        if isinstance(pattern, NamePattern) and pattern.inner is None:
            return Parameter(at, pattern.name, declared, mutable=pattern.mutable)
        return Parameter(at, "", declared, pattern=pattern)

    def _parameter_of(self, at: int) -> Parameter:
        name = self.texts[at]
        return Parameter(at, name, None) if name != "_" else Parameter(at, "", None, pattern=WildcardPattern(at))

    def _parameter(self, element: Expr) -> Parameter:
        if not isinstance(element, Path) or len(element.segments) > 1:
            self.fail("E0011", "the parameters of `(a, b) => e` are names", element.at)
        return self._parameter_of(element.at)

    def _lambda_body(self, at: int, parameters: list[Parameter]) -> Expr:
        result: Type | None = None
        if self.kinds[self.at] == "->":
            self.at += 1
            result = self.type_()
        return self._outside_loops(at, parameters, result)

    def _outside_loops(self, at: int, parameters: list[Parameter], result: Type | None) -> Expr:
        loops, self.loops = self.loops, 0
        body = self.expression()
        self.loops = loops
        return Lambda(at, parameters, result, body)
