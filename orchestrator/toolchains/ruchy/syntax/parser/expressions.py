"""Expressions: operator chains by precedence, without recursion, and what follows an operand.

The table is section 4 of the language; all binary operators are left associative, `**` too, assignment alone is not.
"""

from __future__ import annotations

from typing import NoReturn

from orchestrator.toolchains.ruchy.syntax.lexer import words
from orchestrator.toolchains.ruchy.syntax.parser.cursor import NESTING
from orchestrator.toolchains.ruchy.syntax.parser.patterns import Patterns
from orchestrator.toolchains.ruchy.syntax.tree import (
    Array,
    ArrayRepeat,
    Assign,
    Binary,
    Block,
    BoolLiteral,
    Call,
    Cast,
    CharLiteral,
    Expr,
    ExprStmt,
    Field,
    FloatLiteral,
    FString,
    If,
    Index,
    IntLiteral,
    MacroCall,
    MethodCall,
    Path,
    RangeExpr,
    StringLiteral,
    StructLiteral,
    Try,
    Unary,
    Unsupported,
)

LEVELS = {
    "||": 1, "??": 2, "&&": 3, "|>": 3, "|": 4, "^": 5, "..": 5, "..=": 5, "&": 6, "==": 7, "!=": 7,
    "<": 8, "<=": 8, ">": 8, ">=": 8, "<<": 9, ">>": 9, "+": 10, "-": 10, "*": 11, "/": 11, "%": 11, "**": 12,
    "=": 0, "+=": 0, "-=": 0, "*=": 0, "/=": 0, "%=": 0, "**=": 0, "&=": 0, "|=": 0, "^=": 0, "<<=": 0, ">>=": 0,
}  # fmt: skip

PREFIX = words("- + ! ~ & && * ++ --")

NOT_AN_OPERAND = words(
    """) ] } , ; : => -> = += -= *= /= %= **= &= |= ^= <<= >>= == != < <= > >= << >> / % ** ? ?? ?. . @ |> ^ in as
    else where end fmid fclose catch finally"""
)
"""Kinds that cannot begin an operand."""

_NEXT_VALUE = words("name int float string char fstring fopen true false")
"""Kinds that begin one more value where the `,` before it is missing."""

_OWN_VALUE = (
    IntLiteral, FloatLiteral, BoolLiteral, CharLiteral, StringLiteral, FString, Call, MethodCall, MacroCall,
    StructLiteral, Array, ArrayRepeat,
)  # fmt: skip
"""Behind these a `[` on a new line begins an array. (In the reference also on the same line.)"""

_ENDS_CHOICE = words("; , let var const static lifetime @ end")
"""Tokens that the two values of `c ? a : b` do not hold at their own depth."""

_ARROWS = {"<-": "actor send", "<?": "actor query"}


class Expressions(Patterns):
    def primary(self) -> Expr:
        raise NotImplementedError

    def expression(self, first: Expr | None = None) -> Expr:
        """A whole expression. `first`: its first operand has been read, with all that follows it."""
        self.enter()
        kinds = self.kinds
        operands: list[Expr | None] = []
        operators: list[int] = []
        levels: list[int] = []
        choices: dict[int, Expr] = {}  # the first value of each `c ? a : b` whose second one is being read
        if first is not None:
            operands.append(first)
        elif kinds[self.at] in ("..", "..="):
            operands.append(None)
        else:
            operands.append(self.operand())
        while True:
            kind, at = kinds[self.at], self.at
            level = LEVELS.get(kind)
            if level is None:
                if kind == "?":
                    self._reduce(operands, operators, levels, choices, 1)
                    choices[at] = self._first_choice(operands[-1])
                    operators.append(at)
                    levels.append(0)
                    operands.append(self.operand())
                    continue
                if kind in _ARROWS or (kind == "!" and at not in self.breaks):
                    what = _ARROWS.get(kind, "actor send")
                    hint = "write `a < -b` for a comparison" if kind == "<-" else ""
                    self.fail("E0701", f"`{kind}` is the {what}: actors are not supported", hint=hint)
                break
            self._reduce(operands, operators, levels, choices, level if level > 0 else 1)
            operators.append(at)
            levels.append(level)
            self.at = at + 1
            if level == 5 and kind != "^" and not self._range_has_end():
                operands.append(None)
            else:
                operands.append(self.operand())
        self._reduce(operands, operators, levels, choices, 0)
        self.depth -= 1
        found = operands[0]
        if found is None:
            self.fail("E0003", "expected an expression")
        return found

    def _range_has_end(self) -> bool:
        kind = self.kinds[self.at]
        if kind == "{":
            return not self.no_struct
        return kind not in NOT_AN_OPERAND and self.at not in self.breaks

    def _reduce(
        self,
        operands: list[Expr | None],
        operators: list[int],
        levels: list[int],
        choices: dict[int, Expr],
        level: int,
    ) -> None:
        """Applies the operators that bind at least as tightly as `level`."""
        while levels and levels[-1] >= level:
            at = operators.pop()
            right, left = operands.pop(), operands.pop()
            kind = self.texts[at]
            if levels.pop() == 5 and kind != "^":
                operands.append(RangeExpr(at, left, right, kind == "..="))
                continue
            if left is None or right is None:
                self.fail("E0003", f"`{kind}` needs a value on both sides", at)
            if kind == "?":
                operands.append(_choice(at, left, choices[at], right))
            elif LEVELS[kind] == 0:
                operands.append(self._assign(at, left, right))
            else:
                operands.append(Binary(at, kind, left, right))

    def _assign(self, at: int, place: Expr, value: Expr) -> Expr:
        target: Expr | None = place
        while isinstance(target, Field | Index):
            target = target.value
        if isinstance(target, Unary) and target.op == "*":
            target = target.operand
        if not isinstance(target, Path | Field | Index | Call | MethodCall | Unsupported):
            self.report("E0014", "this cannot be assigned to", at, "assign to a variable, a field or an element")
        return Assign(at, place, self.texts[at][:-1], value)

    def operand(self) -> Expr:
        """Prefix operators, a primary expression, and what follows it."""
        kind = self.kinds[self.at]
        if kind == "name":
            return self.postfix(self.primary())
        if kind not in PREFIX:
            if kind in NOT_AN_OPERAND or kind == "..." or (kind in LEVELS and kind not in ("|", "||")):
                self._missing_operand(kind)
            return self.postfix(self.primary())
        prefixes: list[tuple[int, str]] = []
        while kind in PREFIX:
            at = self.at
            self.at += 1
            if kind in ("++", "--"):
                self.report("E0714", f"`{kind}` is not supported", at, f"write `x {kind[0]}= 1`")
            elif kind == "&&":
                prefixes += [(at, "&"), (at, "&")]
            else:
                prefixes.append((at, kind))
            if kind in ("&", "&&") and self.kinds[self.at] == "mut":
                prefixes[-1] = (at, "&mut")
                self.at += 1
            kind = self.kinds[self.at]
        if len(prefixes) + self.depth > NESTING:
            self.fail("E0803", f"nested more than {NESTING} deep", prefixes[0][0])
        if kind in ("int", "float") and prefixes and prefixes[-1][1] == "-" and self.kinds[self.at + 1] == "as":
            value = self.postfix(
                Unary(prefixes.pop()[0], "-", self.literal())
            )  # `-128 as i8`: the literal has its sign
        else:
            value = self.operand()
        for at, operator in reversed(prefixes):
            value = Unary(at, operator, value)
        return value

    def _missing_operand(self, kind: str) -> NoReturn:
        before = self.texts[self.at - 1] if self.at else ""
        shown = self.describe(self.at)
        if kind == "else":
            self.fail("E0005", "`else` without an `if`", hint="`else` follows the `}` of an `if`")
        if kind == "...":
            self.fail("E0709", "the spread `...` is not supported", hint="write what is in it, one by one")
        if kind == ":" and self.kinds[self.at + 1] == "name":
            self.fail("E0710", f"the atom `:{self.texts[self.at + 1]}` is not supported", hint="write a string")
        if kind in (")", "]", "}") and before in ("", ";", "{", "}"):
            self.fail("E0009", f"{shown} closes nothing", hint="remove it")
        behind = f" after `{before}`" if before in LEVELS or before in ("(", "[", ",") else ""
        hint = "a value is missing here" if behind else ""
        self.fail("E0003", f"expected an expression{behind}, found {shown}", hint=hint, after=True)

    def postfix(self, value: Expr) -> Expr:
        """Calls, indices, fields, `?` and casts behind an operand."""
        kinds = self.kinds
        while True:
            kind, at = kinds[self.at], self.at
            if kind == ".":
                value = self._member(value)
            elif kind == "(":
                if at in self.breaks:
                    return value
                value = Call(value.at, value, self.arguments())
            elif kind == "[":
                if at in self.breaks and isinstance(value, _OWN_VALUE):
                    return value
                value = self._index(value)
            elif kind == "as":
                self.at = at + 1
                value = Cast(at, value, self.cast_target())
            elif kind == "?":
                if at in self.choices:
                    return value
                self.at = at + 1
                value = Try(at, value)
            elif kind == "?.":
                self.report("E0713", "`?.` is not supported", hint="every value is there: write `.`")
                value = self._member(value)
            elif kind in ("++", "--") and at not in self.breaks:
                self.report("E0714", f"`{kind}` is not supported", hint=f"write `{kind[0]}= 1`")
                self.at = at + 1
            else:
                return value

    def _index(self, value: Expr) -> Expr:
        at = self.at
        self.at = at + 1
        index = self.inside()
        self.close("]", at)
        return Index(at, value, index)

    def inside(self) -> Expr:
        """Reads an expression in brackets, where structs and arrows mean what they usually mean."""
        if not (self.no_struct or self.no_arrow):
            return self.expression()
        saved, self.no_struct, self.no_arrow = (self.no_struct, self.no_arrow), False, False
        found = self.expression()
        self.no_struct, self.no_arrow = saved
        return found

    def arguments(self, closer: str = ")") -> list[Expr]:
        """Expressions between brackets, the cursor at the opening one."""
        opened = self.at
        self.at += 1
        found: list[Expr] = []
        saved = (self.no_struct, self.no_arrow)
        self.no_struct = self.no_arrow = False
        kinds = self.kinds
        while kinds[self.at] != closer:
            found.append(self.expression())
            if kinds[self.at] != ",":
                break
            self.at += 1
        if kinds[self.at] in _NEXT_VALUE and not self.first_on_line(self.at):
            self.fail("E0002", f"expected `,` or `{closer}`, found {self.describe(self.at)}", hint="add `,`")
        self.close(closer, opened)
        self.no_struct, self.no_arrow = saved
        return found

    def _member(self, value: Expr) -> Expr:
        """`.name`, `.0`, `.name(..)`, the cursor at the dot."""
        self.at += 1
        at = self.at
        kind, text = self.kinds[at], self.texts[at]
        if kind == "int" and text.isdigit():
            self.at = at + 1
            return Field(at, value, text)
        if kind == "float" and text.replace(".", "", 1).isdigit():  # `t.0.1`
            self.at = at + 1
            first, second = text.split(".")
            return Field(at, Field(at, value, first), second)
        if kind == "await":
            self.report("E0702", "`await` is not supported: there is nothing to wait for", hint="remove it")
            self.at = at + 1
            return Unsupported(at, "await")
        name = self.name("a field or method")
        if self.kinds[self.at] == "::" and self.kinds[self.at + 1] == "<":
            start = self.at = self.at + 1
            self.type_arguments()
            if name == "parse":  # the one method that reads them
                name += "::" + "".join(self.texts[start : self.at])
        if self.kinds[self.at] == "(" and self.at not in self.breaks:
            return MethodCall(at, value, name, self.arguments())
        return Field(at, value, name)

    @property
    def choices(self) -> set[int]:
        """The ordinals of the `?` that begin a `c ? a : b`: found for all tokens at once, each `:` going to the last
        `?` of its depth that has none yet."""
        if self._choices is None:
            self._choices = found = set[int]()
            open_: list[list[int]] = [[]]
            for at, kind in enumerate(self.kinds):
                if kind in ("(", "[", "{", "#[", "fopen"):
                    open_.append([])
                elif kind in (")", "]", "}", "fclose"):
                    open_.pop()
                    if not open_:
                        open_.append([])
                elif kind == "?":
                    if self.kinds[at + 1] not in NOT_AN_OPERAND:
                        open_[-1].append(at)
                elif kind == ":":
                    if open_[-1]:
                        found.add(open_[-1].pop())
                elif kind in _ENDS_CHOICE or kind == "fmid":
                    open_[-1].clear()
        return self._choices

    def _first_choice(self, condition: Expr | None) -> Expr:
        """What stands between the `?` here and its `:`."""
        if condition is None:
            self.fail("E0003", "`?` needs a condition")
        self.at += 1
        then = self.expression()
        self.expect(":", "in `condition ? value : value`")
        return then


def _choice(at: int, condition: Expr, then: Expr, otherwise: Expr) -> Expr:
    """`c ? a : b` is an `if`; a chain of them is one of `else if`, whatever its length."""
    last = otherwise
    if not isinstance(last, If):
        last = Block(last.at, [ExprStmt(last.at, last)], last.at)
    return If(at, condition, Block(then.at, [ExprStmt(then.at, then)], then.at), last)
