"""Types and the lists of generic parameters (section 6 of the language)."""

from __future__ import annotations

from orchestrator.toolchains.ruchy.syntax.parser.cursor import Cursor
from orchestrator.toolchains.ruchy.syntax.tree import (
    ArrayType,
    FunctionType,
    NamedType,
    ReferenceType,
    TupleType,
    Type,
)

_ANGLES = (">", ">>", ">=", ">>=")


class Types(Cursor):
    def type_(self) -> Type:
        kind, at = self.kinds[self.at], self.at
        if kind == "name" and self.kinds[at + 1] not in ("<", "::", "(") and self.texts[at] != "dyn":
            self.at = at + 1
            return NamedType(at, (self.texts[at],))
        self.enter()
        found = self._compound_type(kind, at)
        self.depth -= 1
        return found

    def _compound_type(self, kind: str, at: int) -> Type:  # noqa: RET503 (`fail` never returns)
        if kind == "[":
            return self._array_type()
        if kind == "(":
            return self._tuple_type()
        if kind in ("&", "&&"):
            self.at += 1
            if self.kinds[self.at] == "lifetime":
                self.at += 1
            mutable = self.kinds[self.at] == "mut"
            self.at += mutable
            inner: Type = ReferenceType(at, self.type_(), mutable)
            return ReferenceType(at, inner) if kind == "&&" else inner
        if kind in ("fn", "fun"):
            self.at += 1
            return self._function_type(at)
        if kind == "impl" or (kind == "name" and self.texts[at] == "dyn" and self.kinds[at + 1] == "name"):
            self.at += 1
            return self._some_trait(at)
        if kind == "name":
            return self._named_type(at, True)
        self.fail("E0012", f"expected a type, found {self.describe(at)}", after=True)

    def _array_type(self) -> Type:
        at = self.at
        self.at += 1
        element = self.type_()
        size = None
        if self.kinds[self.at] == ";":
            self.at += 1
            size = self.expression()
        self.close("]", at)
        return ArrayType(at, element, size)

    def _type_list(self, closer: str, opened: int) -> list[Type]:
        found: list[Type] = []
        while self.kinds[self.at] != closer:
            found.append(self.type_())
            if self.kinds[self.at] != ",":
                break
            self.at += 1
        self.close(closer, opened)
        return found

    def _tuple_type(self) -> Type:
        at = self.at
        self.at += 1
        elements = self._type_list(")", at)
        if len(elements) == 1 and self.kinds[self.at - 2] != ",":
            return elements[0]
        return TupleType(at, elements)

    def _function_type(self, at: int) -> FunctionType:
        """`(A, B) -> C`, behind `fn` or `Fn`."""
        opened = self.expect("(")
        parameters = self._type_list(")", opened)
        result = None
        if self.kinds[self.at] == "->":
            self.at += 1
            result = self.type_()
        return FunctionType(at, parameters, result)

    def _some_trait(self, at: int) -> Type:
        """`impl Fn(A) -> B` is a function type; other traits do not exist."""
        word = self.texts[self.at]
        if self.kinds[self.at] == "name" and word in ("Fn", "FnMut", "FnOnce"):
            self.at += 1
            return self._function_type(at)
        self.report("E0715", f"`{self.texts[at]} {word}`: there are no traits here", at, "write the type itself")
        return self.type_()

    def _named_type(self, at: int, arguments: bool) -> Type:
        path = [self.texts[at]]
        self.at = at + 1
        while self.kinds[self.at] == "::" and self.kinds[self.at + 1] != "<":
            self.at += 1
            path.append(self.name("a type"))
        if self.kinds[self.at] == "(" and path[-1] in ("Fn", "FnMut", "FnOnce") and len(path) == 1:
            return self._function_type(at)
        if self.kinds[self.at] == "::":
            self.at += 1
        found = self.type_arguments() if arguments and self.kinds[self.at] == "<" else []
        return NamedType(at, tuple(path), found)

    def cast_target(self) -> Type:
        """The type behind `as`: a name or path alone, so that `a as i64 < b` is a comparison."""
        if self.kinds[self.at] == "name":
            return self._named_type(self.at, False)
        return self.type_()

    def type_arguments(self) -> list[Type]:
        """`<A, B>`; lifetimes are left out."""
        opened = self.expect("<")
        found: list[Type] = []
        while self.kinds[self.at] not in _ANGLES:
            if self.kinds[self.at] == "lifetime":
                self.at += 1
            else:
                found.append(self.type_())
            if self.kinds[self.at] != ",":
                break
            self.at += 1
        self.close_angle(opened)
        return found

    def close_angle(self, opened: int) -> None:
        """Takes one `>`, also the first part of `>>`, `>=` and `>>=`."""
        kind = self.kinds[self.at]
        if kind != ">" and kind in _ANGLES:
            self.kinds[self.at] = kind[1:]
        else:
            self.close(">", opened)

    def generics(self) -> list[str]:
        """`<T: A + B, U>` of an item: the names. Bounds are read, and mean nothing where there are no traits."""
        found: list[str] = []
        if self.kinds[self.at] != "<":
            return found
        opened = self.at
        self.at += 1
        while self.kinds[self.at] not in _ANGLES:
            if self.kinds[self.at] == "lifetime":
                self.at += 1
            else:
                if self.kinds[self.at] == "const":
                    self.fail("E0715", "constants as generic parameters are not supported", hint="write a `const`")
                found.append(self.name("a generic parameter"))
            self._bounds()
            if self.kinds[self.at] != ",":
                break
            self.at += 1
        self.close_angle(opened)
        return found

    def _bounds(self) -> None:
        if self.kinds[self.at] != ":":
            return
        self.at += 1
        while True:
            if self.kinds[self.at] == "lifetime":
                self.at += 1
            else:
                self.type_()
            if self.kinds[self.at] != "+":
                return
            self.at += 1

    def where_clause(self) -> None:
        """`where T: A + B, U: C`: read like bounds."""
        if self.kinds[self.at] != "where":
            return
        self.at += 1
        while self.kinds[self.at] not in ("{", ";", "end"):
            self.type_()
            self._bounds()
            if self.kinds[self.at] != ",":
                return
            self.at += 1
