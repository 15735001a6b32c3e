"""Items: functions, types, constants, imports, modules (section 3 of the language)."""

from __future__ import annotations

from bisect import bisect_left

from orchestrator.toolchains.ruchy.syntax.lexer import KEYWORDS, Tokens, words
from orchestrator.toolchains.ruchy.syntax.parser.cursor import SyntaxProblem
from orchestrator.toolchains.ruchy.syntax.parser.imports import Imports
from orchestrator.toolchains.ruchy.syntax.parser.statements import Statements
from orchestrator.toolchains.ruchy.syntax.tree import (
    Attribute,
    Block,
    Const,
    Enum,
    ExprStmt,
    Function,
    Impl,
    Item,
    Let,
    Mod,
    NamedType,
    NamePattern,
    Parameter,
    ReferenceType,
    Stmt,
    Struct,
    StructField,
    TypeAlias,
    Unsupported,
    Variant,
)

BEGINS = words(
    """fun fn struct enum impl const type use import mod module pub #[ @ from export actor effect class trait
    static async unsafe handler extend property interface mixin infra signal abstract final sealed override
    private protected"""
)
_BRACES = frozenset("{}")
_MISSING = {
    "actor": ("E0701", "actors", "write a struct, and functions that take it"),
    "effect": ("E0703", "effects", "call a function"),
    "handler": ("E0703", "effect handlers", "call a function"),
    "class": ("E0705", "classes", "write a struct, and functions that take it"),
    "abstract": ("E0705", "classes", "write a struct, and functions that take it"),
    "final": ("E0705", "classes", "write a struct, and functions that take it"),
    "sealed": ("E0705", "classes", "write a struct, and functions that take it"),
    "mixin": ("E0705", "mixins", "write a struct, and functions that take it"),
    "interface": ("E0706", "interfaces", "write a function for each type"),
    "trait": ("E0706", "traits", "write a function for each type"),
    "extend": ("E0706", "extensions", "write a function that takes the value"),
    "static": ("E0707", "statics", "write `const`, or hand the value over as a parameter"),
    "property": ("E0711", "properties", "write a function, and check with `assert`"),
    "infra": ("E0711", "infrastructure blocks", "leave it out"),
    "signal": ("E0711", "signals", "call a function"),
}


class Items(Imports):
    def item(self) -> Stmt | None:
        kind, start = self.kinds[self.at], self.at
        if kind not in BEGINS or (kind in ("fun", "fn") and self.kinds[start + 1] == "("):
            return None
        if kind == "@" and self.kinds[start + 1] == "name" and self.kinds[start + 2] == ":":
            return ExprStmt(start, self.labelled())
        if kind in ("#[", "@", "pub", "export"):
            if kind == "export" and self.kinds[start + 1] in ("=", ".", "(", ")", ";", "}", ","):
                return None
            attributes = self._attributes()
            public = self._visibility()
            found = self._bare_item(start, public, attributes)
            if found is None:
                self.fail("E0015", f"expected an item, found {self.describe(self.at)}", after=True)
            return found
        return self._bare_item(start, False, [])

    def _bare_item(self, start: int, public: bool, attributes: list[Attribute]) -> Stmt | None:
        kind, following = self.kinds[self.at], self.kinds[self.at + 1]
        if kind in ("fun", "fn"):
            return self.function(start, public, attributes)
        if kind == "struct":
            return self._struct(start, public, attributes)
        if kind == "enum":
            return self._enum(start, public, attributes)
        if kind == "const":
            return self._const(start, public, attributes)
        if kind == "impl":
            return self._impl(start)
        if kind in ("mod", "module") and following == "name":
            return self._mod(start, public)
        if kind == "type" and following in ("name", *KEYWORDS):
            return self._type_alias(start, public)
        if kind in ("use", "import", "from"):
            return self.imported(start, public)
        if kind in ("async", "unsafe") and following in ("fun", "fn"):
            code = "E0702" if kind == "async" else "E0707"
            self.report(code, f"`{kind}` functions are not supported", hint=f"remove `{kind}`")
            self.at += 1
            return self.function(start, public, attributes)
        if kind in _MISSING and (following == "name" or following in KEYWORDS):
            code, what, hint = _MISSING[kind]
            self.report(code, f"`{kind}`: {what} are not supported", hint=hint)
            at = self.at
            self.skip_item()
            return ExprStmt(at, Unsupported(at, kind))
        return None

    def _attributes(self) -> list[Attribute]:
        """`#[name(args)]` and `@name(args)` before an item."""
        found: list[Attribute] = []
        while self.kinds[self.at] in ("#[", "@"):
            at, opened = self.at, self.kinds[self.at] == "#["
            self.at += 1
            name = self.name("an attribute")
            arguments: list[str] = []
            if self.kinds[self.at] == "(":
                first = self.at + 1
                self.skip_balanced()
                arguments = [text for text in self.texts[first : self.at - 1] if text != ","]
            elif self.kinds[self.at] == "=":
                self.at += 1
                self.literal()
            if opened:
                self.close("]", at)
            found.append(Attribute(at, name, arguments))
        return found

    def _visibility(self) -> bool:
        """`pub`, `pub(crate)`, `pub(in path)`, `export`."""
        if self.kinds[self.at] == "export":
            self.at += 1
            return True
        if self.kinds[self.at] != "pub":
            return False
        self.at += 1
        if self.kinds[self.at] == "(" and self.texts[self.at + 1] in ("crate", "super", "self", "in"):
            self.skip_balanced()
        return True

    # ------------------------------------------------------------ functions

    def function(self, start: int, public: bool, attributes: list[Attribute]) -> Function:
        self.at += 1
        at = self.at
        name = self.name("the function")
        generics = self.generics()
        saved, self.loops = self.loops, 0
        parameters = self._parameters()
        result = None
        if self.kinds[self.at] == "->":
            self.at += 1
            result = self.type_()
        self.where_clause()
        while self.kinds[self.at] in ("requires", "ensures", "invariant", "decreases"):
            self.report("E0711", f"`{self.kinds[self.at]}` is not supported", hint="check it in the body, with assert")
            self.at += 1
            self.condition()
        if self.headers and self.kinds[self.at] != "{":
            body = Block(self.at, [], 0)
            self.at += self.kinds[self.at] == ";"
        else:
            body = self.function_body()
        self.loops = saved
        receiver = bool(parameters) and parameters[0].name == "self"
        return Function(at, name, public, parameters, result, body, generics, attributes, receiver, start, self.at)

    function_body = Statements.block

    def _parameters(self) -> list[Parameter]:
        opened = self.at
        if self.kinds[opened] != "(":
            self.fail("E0001", f"expected `(` and parameters, found {self.describe(opened)}", after=True)
        self.at += 1
        found: list[Parameter] = []
        while self.kinds[self.at] != ")":
            found.append(self._parameter_declared())
            if self.kinds[self.at] != ",":
                break
            self.at += 1
        self.close(")", opened)
        return found

    def _parameter_declared(self) -> Parameter:
        at = self.at
        receiver = self._receiver()
        if receiver is not None:
            return receiver
        if self.kinds[at] == "{" and self.kinds[at - 1] == "(":
            self.close(")", at - 1)
        pattern = self.single_pattern()
        declared = default = None
        if self.kinds[self.at] == ":":
            self.at += 1
            declared = self.type_()
        if self.kinds[self.at] == "=":
            self.at += 1
            default = self.expression()
        if isinstance(pattern, NamePattern) and pattern.inner is None:
            return Parameter(at, pattern.name, declared, default, pattern.mutable)
        return Parameter(at, "", declared, default, False, pattern)

    def _receiver(self) -> Parameter | None:
        """`self`, `mut self`, `&self`, `&'a mut self`."""
        start = self.at
        reference = self.kinds[self.at] == "&"
        self.at += reference
        self.at += reference and self.kinds[self.at] == "lifetime"
        mutable = self.kinds[self.at] == "mut"
        self.at += mutable
        if self.texts[self.at] != "self":
            self.at = start
            return None
        at = self.at
        self.at += 1
        declared = ReferenceType(start, NamedType(at, ("Self",)), mutable) if reference else None
        if self.kinds[self.at] == ":":
            self.at += 1
            self.type_()
        return Parameter(at, "self", declared, None, mutable)

    # ------------------------------------------------------------ types

    def _struct(self, start: int, public: bool, attributes: list[Attribute]) -> Struct:
        self.at += 1
        at = self.at
        name = self.name("the struct")
        generics = self.generics()
        self.where_clause()
        fields: list[StructField] = []
        methods: list[Function] = []
        tuple_like = self.kinds[self.at] == "("
        if tuple_like:
            fields = self._tuple_fields()
            self.where_clause()
        elif self.kinds[self.at] == "{":
            fields, methods = self._fields()
        elif self.kinds[self.at] != ";":
            self.fail("E0016", f"expected `{{`, `(` or `;`, found {self.describe(self.at)}", after=True)
        self.at += self.kinds[self.at] == ";"
        return Struct(at, name, public, fields, generics, tuple_like, methods, attributes, start, self.at)

    def _tuple_fields(self) -> list[StructField]:
        opened = self.at
        self.at += 1
        found: list[StructField] = []
        while self.kinds[self.at] != ")":
            at = self.at
            public = self._visibility()
            found.append(StructField(at, str(len(found)), self.type_(), public))
            if self.kinds[self.at] != ",":
                break
            self.at += 1
        self.close(")", opened)
        return found

    def _fields(self) -> tuple[list[StructField], list[Function]]:
        """What stands in the braces of a struct: fields, and methods between them."""
        opened = self.at
        self.at += 1
        fields: list[StructField] = []
        methods: list[Function] = []
        while self.kinds[self.at] != "}":
            start = self.at
            attributes = self._attributes()
            public = self._visibility()
            if self.kinds[self.at] in ("fun", "fn") and self.kinds[self.at + 1] not in (":", ","):
                methods.append(self.function(start, public, attributes))
            else:
                fields.append(self._field(public))
            if self.kinds[self.at] in (",", ";"):
                self.at += 1
        self.close("}", opened)
        return fields, methods

    def _field(self, public: bool) -> StructField:
        self.at += self.kinds[self.at] == "mut"
        at = self.at
        name = self.name("a field")
        self.expect(":", f"and the type of the field `{name}`")
        declared = self.type_()
        default = None
        if self.kinds[self.at] == "=":
            self.at += 1
            default = self.expression()
        return StructField(at, name, declared, public, default)

    def _enum(self, start: int, public: bool, attributes: list[Attribute]) -> Enum:
        self.at += 1
        at = self.at
        name = self.name("the enum")
        generics = self.generics()
        self.where_clause()
        opened = self.expect("{", "and the variants")
        variants: list[Variant] = []
        while self.kinds[self.at] != "}":
            self._attributes()
            variants.append(self._variant())
            if self.kinds[self.at] in (",", ";"):
                self.at += 1
        self.close("}", opened)
        return Enum(at, name, public, variants, generics, attributes, start, self.at)

    def _variant(self) -> Variant:
        at = self.at
        name = self.name("a variant")
        kind = self.kinds[self.at]
        if kind == "(":
            return Variant(at, name, elements=[field.type for field in self._tuple_fields()])
        if kind == "{":
            return Variant(at, name, fields=self._fields()[0])
        if kind == "=":
            self.at += 1
            return Variant(at, name, discriminant=self.expression())
        return Variant(at, name)

    def _impl(self, start: int) -> Impl:
        self.at += 1
        generics = self.generics()
        at = self.at
        target, trait = self._impl_name(), None
        if self.kinds[self.at] == "for":
            self.report("E0706", "`impl` of a trait is not supported: there are no traits", at, "write `impl Type`")
            self.at += 1
            trait, target = target, self._impl_name()
        self.where_clause()
        opened = self.expect("{", "and the methods")
        self.enter()
        methods: list[Function] = []
        while self.kinds[self.at] != "}":
            first = self.at
            try:
                methods.append(self._method())
            except SyntaxProblem:
                if self.kinds[self.at] == "end":
                    raise
                self.recover(first, "}")
                self.at += self.at == first
            if self.kinds[self.at] == "end":
                break
        self.close("}", opened)
        self.depth -= 1
        return Impl(target.at, target, trait, methods, generics, start, self.at)

    def _impl_name(self) -> NamedType:
        found = self.type_()
        if not isinstance(found, NamedType):
            self.fail("E0012", "`impl` is for a type with a name", found.at)
        return found

    def _method(self) -> Function:
        start = self.at
        attributes = self._attributes()
        public = self._visibility()
        if self.kinds[self.at] in ("async", "unsafe", "const", "override", "static"):
            if self.kinds[self.at] in ("async", "unsafe"):
                self._bare_item(start, public, attributes)
            self.at += 1
        if self.kinds[self.at] not in ("fun", "fn"):
            self.fail("E0015", f"an `impl` holds functions, found {self.describe(self.at)}", after=True)
        method = self.function(start, public, attributes)
        self.at += self.kinds[self.at] in (";", ",")
        return method

    # ------------------------------------------------------------ the rest

    def _const(self, start: int, public: bool, attributes: list[Attribute]) -> Item:
        self.at += 1
        if self.kinds[self.at] in ("fun", "fn"):
            return self.function(start, public, attributes)
        at = self.at
        name = self.name("the constant")
        declared = None
        if self.kinds[self.at] == ":":
            self.at += 1
            declared = self.type_()
        self.expect("=", "and the value of the constant", f"write `const {name} = ...`")
        value = self.expression()
        self.at += self.kinds[self.at] == ";"
        return Const(at, name, public, declared, value, start, self.at)

    def _type_alias(self, start: int, public: bool) -> TypeAlias:
        self.at += 1
        at = self.at
        name = self.name("the type")
        if self.generics():
            self.report("E0715", "a type alias with parameters is not supported", at, "write one for each type")
        self.expect("=", "and the type")
        target = self.type_()
        self.at += self.kinds[self.at] == ";"
        return TypeAlias(at, name, public, target, start, self.at)

    def _mod(self, start: int, public: bool) -> Mod:
        self.at += 1
        at = self.at
        name = self.name("the module")
        if self.kinds[self.at] != "{":
            self.at += self.kinds[self.at] == ";"
            return Mod(at, name, public, None, start, self.at)
        opened = self.at
        self.enter()
        self.at += 1
        items: list[Item] = []
        for statement in self.statements("}"):
            if not isinstance(statement, Let | ExprStmt):
                items.append(statement)
            elif not isinstance(statement.value, Unsupported):
                self.report("E0015", "an inline module holds items, not statements", statement.at)
        self.close("}", opened)
        self.depth -= 1
        return Mod(at, name, public, items, start, self.at)


class Outline(Items):
    """Reads items, and steps over the bodies of functions."""

    def __init__(self, source: str, tokens: Tokens) -> None:
        super().__init__(source, tokens)
        self.braces = [at for at, kind in enumerate(self.kinds) if kind in _BRACES]

    def function_body(self) -> Block:  # noqa: RET503 (`fail` never returns)
        opened = self.at
        if self.kinds[opened] != "{":
            self.fail("E0016", "expected a body")
        depth = 0
        for index in range(bisect_left(self.braces, opened), len(self.braces)):
            at = self.braces[index]
            depth += 1 if self.kinds[at] == "{" else -1
            if depth == 0:
                self.at = at + 1
                return Block(opened, [], at)
        self.fail("E0002", "the body is not closed", opened)
