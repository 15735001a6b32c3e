"""Items: functions, types, constants, inline modules."""

from __future__ import annotations

from bisect import bisect_left

from orchestrator.toolchains.ruchy.syntax.capturing import capture
from orchestrator.toolchains.ruchy.syntax.constructors import construct
from orchestrator.toolchains.ruchy.syntax.lexer import KEYWORDS, words
from orchestrator.toolchains.ruchy.syntax.parser.constants import (
    parse_associated_const,
    parse_const_head,
    parse_const_value,
)
from orchestrator.toolchains.ruchy.syntax.parser.contracts import parse_contracts, refuse_type_invariant
from orchestrator.toolchains.ruchy.syntax.parser.cursor import Cursor, SyntaxProblem
from orchestrator.toolchains.ruchy.syntax.parser.expressions import parse_expression
from orchestrator.toolchains.ruchy.syntax.parser.imports import parse_import
from orchestrator.toolchains.ruchy.syntax.parser.patterns import parse_literal, parse_single_pattern
from orchestrator.toolchains.ruchy.syntax.parser.statements import (
    parse_block,
    parse_labelled,
    parse_statements,
)
from orchestrator.toolchains.ruchy.syntax.parser.types import parse_bounds, parse_generics, parse_type, parse_where
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
    Trait,
    TraitBound,
    Type,
    TypeAlias,
    Unsupported,
    Variant,
)

_BEGINS = words(
    """fun fn struct enum impl const type use import mod module pub #[ @ from export actor effect class trait
    static async unsafe handler extend property interface mixin infra signal abstract final sealed override
    private protected"""
)
"""Kinds that may begin an item."""

_UNSUPPORTED = {
    "actor": ("E0701", "actors", "write a struct, and functions that take it"),
    "effect": ("E0703", "effects", "call a function"),
    "handler": ("E0703", "effect handlers", "call a function"),
    "abstract": ("E0705", "abstract classes", "write a struct and its methods in an `impl`"),
    "final": ("E0705", "final classes", "write a struct and its methods in an `impl`"),
    "sealed": ("E0705", "sealed classes", "write a struct and its methods in an `impl`"),
    "mixin": ("E0705", "mixins", "write a struct and its methods in an `impl`"),
    "interface": ("E0706", "interfaces", "write a function for each type"),
    "extend": ("E0706", "extensions", "write a function that takes the value"),
    "static": ("E0707", "statics", "write `const`, or hand the value over as a parameter"),
    "property": ("E0711", "properties", "write a function, and check with `assert`"),
    "infra": ("E0711", "infrastructure blocks", "leave it out"),
    "signal": ("E0711", "signals", "call a function"),
}
"""Items that are not supported: code, their plural, what to write instead."""


def try_parse_item(c: Cursor) -> Stmt | None:
    """The item that begins here; None where there is none, and an expression begins."""
    kind, start = c.kinds[c.at], c.at
    if kind not in _BEGINS or (kind in ("fun", "fn") and c.kinds[start + 1] == "("):
        return None
    if kind == "@" and c.kinds[start + 1] == "name" and c.kinds[start + 2] == ":":
        return ExprStmt(start, parse_labelled(c))
    if kind in ("#[", "@", "pub", "export"):
        if kind == "export" and c.kinds[start + 1] in ("=", ".", "(", ")", ";", "}", ","):
            return None
        attributes = _parse_attributes(c)
        public = _parse_visibility(c)
        item = _parse_bare_item(c, start, public, attributes)
        if item is None:
            c.fail("E0015", f"expected an item, found {c.describe(c.at)}", after=True)
        return item
    return _parse_bare_item(c, start, False, [])


def _parse_bare_item(c: Cursor, start: int, public: bool, attributes: list[Attribute]) -> Stmt | None:
    kind, following = c.kinds[c.at], c.kinds[c.at + 1]
    if kind in ("fun", "fn"):
        return parse_function(c, start, public, attributes)
    if kind == "struct" or (kind == "class" and (following == "name" or following in KEYWORDS)):
        return _parse_struct(c, start, public, attributes)
    if kind == "enum":
        return _parse_enum(c, start, public, attributes)
    if kind == "const":
        return _parse_const(c, start, public, attributes)
    if kind == "impl":
        return _parse_impl(c, start)
    if kind == "trait" and following == "name":
        return _parse_trait(c, start, public, attributes)
    if kind in ("mod", "module") and following == "name":
        return _parse_mod(c, start, public)
    if kind == "type" and following in ("name", *KEYWORDS):
        return _parse_type_alias(c, start, public)
    if kind in ("use", "import", "from"):
        return parse_import(c, start, public)
    if kind in ("async", "unsafe") and following in ("fun", "fn"):
        code = "E0702" if kind == "async" else "E0707"
        c.report(code, f"`{kind}` functions are not supported", hint=f"remove `{kind}`")
        c.at += 1
        return parse_function(c, start, public, attributes)
    if kind in _UNSUPPORTED and (following == "name" or following in KEYWORDS):
        code, what, hint = _UNSUPPORTED[kind]
        c.report(code, f"`{kind}`: {what} are not supported", hint=hint)
        at = c.at
        c.skip_item()
        return ExprStmt(at, Unsupported(at, kind))
    return None


def _parse_attributes(c: Cursor) -> list[Attribute]:
    """`#[name(args)]` and `@name(args)` before an item."""
    attributes: list[Attribute] = []
    while c.kinds[c.at] in ("#[", "@"):
        at, opened = c.at, c.kinds[c.at] == "#["
        c.at += 1
        name = c.name("an attribute")
        arguments: list[str] = []
        if c.kinds[c.at] == "(":
            first = c.at + 1
            c.skip_balanced()
            arguments = [text for text in c.texts[first : c.at - 1] if text != ","]
        elif c.kinds[c.at] == "=":
            c.at += 1
            parse_literal(c)
        if opened:
            c.close("]", at)
        attributes.append(Attribute(at, name, arguments))
    return attributes


def _parse_visibility(c: Cursor) -> bool:
    """`pub`, `pub(crate)`, `pub(in path)`, `export`."""
    if c.kinds[c.at] == "export":
        c.at += 1
        return True
    if c.kinds[c.at] != "pub":
        return False
    c.at += 1
    if c.kinds[c.at] == "(" and c.texts[c.at + 1] in ("crate", "super", "self", "in"):
        c.skip_balanced()
    return True


# ------------------------------------------------------------ functions


def parse_function(c: Cursor, start: int, public: bool, attributes: list[Attribute]) -> Function:
    c.at += 1
    at = c.at
    name = c.name("the function")
    bounds: list[TraitBound] = []
    generics = parse_generics(c, bounds)
    saved, c.loops = c.loops, 0
    outer = c.anonymous
    anonymous = c.anonymous = []
    parameters = _parse_parameters(c)
    for parameter in anonymous:
        generics += [kind.path[0] for kind in [parameter[0].type] if isinstance(kind, NamedType)]
        bounds += parameter
    c.anonymous = outer
    result = None
    if c.kinds[c.at] == "->":
        c.at += 1
        result = _parse_result(c)
    parse_where(c, bounds)
    header = c.at
    contracts = parse_contracts(c, "requires", "ensures")
    if c.allow_headers and c.kinds[c.at] != "{":
        body = Block(c.at, [], 0)
        c.at += c.kinds[c.at] == ";"
    else:
        allowed, c.allow_headers = c.allow_headers, False
        body = parse_block(c) if c.braces is None else _skip_body(c, c.braces)
        c.allow_headers = allowed
    c.loops = saved
    receiver = bool(parameters) and parameters[0].name == "self"
    function = Function(
        at,
        name,
        public,
        parameters,
        result,
        body,
        generics,
        attributes,
        receiver,
        start,
        c.at,
        contracts,
        header,
        bounds,
    )
    inside = c.kinds[header : c.at]
    if "fun" in inside or "fn" in inside:
        capture(function)
    return function


def _parse_result(c: Cursor) -> Type | None:
    """What a function returns; None for `impl Shape`, where its body says of what type that is."""
    at = c.at
    if c.kinds[at] != "impl" or c.texts[at + 1] in ("Fn", "FnMut", "FnOnce"):
        return parse_type(c)
    outer = c.anonymous
    c.anonymous = []
    type_ = parse_type(c)
    c.anonymous = outer
    return None if type_.at == at else type_


def _skip_body(c: Cursor, braces: list[int]) -> Block:
    """Steps over a body, which must stand in braces, and returns an empty block in its place."""
    opened = c.at
    if c.kinds[opened] != "{":
        c.fail("E0016", "expected a body")
    depth = 0
    for index in range(bisect_left(braces, opened), len(braces)):
        at = braces[index]
        depth += 1 if c.kinds[at] == "{" else -1
        if depth == 0:
            c.at = at + 1
            return Block(opened, [], at)
    return c.fail("E0002", "the body is not closed", opened)


def _parse_parameters(c: Cursor) -> list[Parameter]:
    opened = c.at
    if c.kinds[opened] != "(":
        c.fail("E0001", f"expected `(` and parameters, found {c.describe(opened)}", after=True)
    c.at += 1
    parameters: list[Parameter] = []
    while c.kinds[c.at] != ")":
        parameters.append(_parse_parameter(c))
        if c.kinds[c.at] != ",":
            break
        c.at += 1
    c.close(")", opened)
    return parameters


def _is_object_pattern(c: Cursor, at: int) -> bool:
    """Whether the `{` at `at` is a parameter `{ a, b }`, and not the body behind a `(` that is not closed."""
    depth = 0
    for end in range(at, min(at + 200, len(c.kinds) - 1)):
        depth += (c.kinds[end] == "{") - (c.kinds[end] == "}")
        if not depth:
            return c.kinds[end + 1] in (":", ")", ",")
    return False


def _parse_parameter(c: Cursor) -> Parameter:
    at = c.at
    receiver = _parse_receiver(c)
    if receiver is not None:
        return receiver
    if c.kinds[at] == "{" and c.kinds[at - 1] == "(" and not _is_object_pattern(c, at):
        c.close(")", at - 1)
    pattern = parse_single_pattern(c)
    declared = default = None
    if c.kinds[c.at] == ":":
        c.at += 1
        declared = parse_type(c)
    if c.kinds[c.at] == "=":
        c.at += 1
        default = parse_expression(c)
    if isinstance(pattern, NamePattern) and pattern.inner is None:
        return Parameter(at, pattern.name, declared, default, pattern.mutable)
    return Parameter(at, "", declared, default, False, pattern)


def _parse_receiver(c: Cursor) -> Parameter | None:
    """`self`, `mut self`, `&self`, `&'a mut self`."""
    start = c.at
    reference = c.kinds[c.at] == "&"
    c.at += reference
    c.at += reference and c.kinds[c.at] == "lifetime"
    mutable = c.kinds[c.at] == "mut"
    c.at += mutable
    if c.texts[c.at] != "self":
        c.at = start
        return None
    at = c.at
    c.at += 1
    itself = NamedType(at, ("Self",))
    declared = ReferenceType(start, itself, mutable) if reference else itself
    if c.kinds[c.at] == ":":
        c.at += 1
        parse_type(c)
    return Parameter(at, "self", declared, None, mutable)


# ------------------------------------------------------------ types


def _parse_struct(c: Cursor, start: int, public: bool, attributes: list[Attribute]) -> Struct:
    c.at += 1
    at = c.at
    name = c.name("the struct")
    generics = parse_generics(c)
    parse_where(c)
    if c.kinds[c.at] in (":", "extends") or c.texts[c.at] in ("extends", "implements"):
        c.fail("E0705", "classes that take over others are not supported", hint="hold the other one in a field")
    fields: list[StructField] = []
    methods: list[Function] = []
    tuple_like = c.kinds[c.at] == "("
    if tuple_like:
        fields = _parse_tuple_fields(c)
        parse_where(c)
    elif c.kinds[c.at] == "{":
        fields, methods = _parse_fields(c)
        while refuse_type_invariant(c):
            pass
    elif c.kinds[c.at] != ";" and not c.first_on_line(c.at):  # `struct S` alone on its line has no fields
        c.fail("E0016", f"expected `{{`, `(` or `;`, found {c.describe(c.at)}", after=True)
    c.at += c.kinds[c.at] == ";"
    for method in methods:
        if method.name == "new":
            construct(method, name, fields)
        method.generics[:0] = generics
    return Struct(at, name, public, fields, generics, tuple_like, methods, attributes, start, c.at)


def _parse_tuple_fields(c: Cursor) -> list[StructField]:
    opened = c.at
    c.at += 1
    fields: list[StructField] = []
    while c.kinds[c.at] != ")":
        at = c.at
        public = _parse_visibility(c)
        fields.append(StructField(at, str(len(fields)), parse_type(c), public))
        if c.kinds[c.at] != ",":
            break
        c.at += 1
    c.close(")", opened)
    return fields


def _parse_fields(c: Cursor) -> tuple[list[StructField], list[Function]]:
    """The fields and methods in the braces of a struct, in any order."""
    opened = c.at
    c.at += 1
    fields: list[StructField] = []
    methods: list[Function] = []
    while c.kinds[c.at] != "}":
        start = c.at
        if c.kinds[start] == ";" and c.kinds[start - 1] != ";":  # where a method was cut out
            c.at += 1
            continue
        if refuse_type_invariant(c):
            continue
        attributes = _parse_attributes(c)
        public = _parse_visibility(c)
        while c.kinds[c.at] in ("static", "override", "private", "protected") and c.kinds[c.at + 1] != ":":
            c.at += 1
        if c.kinds[c.at] == "const" and c.kinds[c.at + 1] == "name":
            methods.append(parse_associated_const(c, start, public, attributes))
        elif c.kinds[c.at + 1] == "(":  # `new(..)` of a class needs no `fun`
            c.at -= 1
            methods.append(parse_function(c, start, public, attributes))
        elif c.kinds[c.at] in ("fun", "fn") and c.kinds[c.at + 1] not in (":", ","):
            methods.append(parse_function(c, start, public, attributes))
        else:
            fields.append(_parse_field(c, public))
        if c.kinds[c.at] in (",", ";"):
            c.at += 1
    c.close("}", opened)
    return fields, methods


def _parse_field(c: Cursor, public: bool) -> StructField:
    c.at += c.kinds[c.at] == "mut"
    at = c.at
    name = c.name("a field")
    c.expect(":", f"and the type of the field `{name}`")
    declared = parse_type(c)
    default = None
    if c.kinds[c.at] == "=":
        c.at += 1
        default = parse_expression(c)
    return StructField(at, name, declared, public, default)


def _parse_enum(c: Cursor, start: int, public: bool, attributes: list[Attribute]) -> Enum:
    c.at += 1
    at = c.at
    name = c.name("the enum")
    generics = parse_generics(c)
    parse_where(c)
    opened = c.expect("{", "and the variants")
    variants: list[Variant] = []
    while c.kinds[c.at] != "}":
        _parse_attributes(c)
        variants.append(_parse_variant(c))
        if c.kinds[c.at] in (",", ";"):
            c.at += 1
    c.close("}", opened)
    return Enum(at, name, public, variants, generics, attributes, start, c.at)


def _parse_variant(c: Cursor) -> Variant:
    at = c.at
    name = c.name("a variant")
    kind = c.kinds[c.at]
    if kind == "(":
        return Variant(at, name, elements=[field.type for field in _parse_tuple_fields(c)])
    if kind == "{":
        return Variant(at, name, fields=_parse_fields(c)[0])
    if kind == "=":
        c.at += 1
        return Variant(at, name, discriminant=parse_expression(c))
    return Variant(at, name)


def _parse_impl(c: Cursor, start: int) -> Impl:
    c.at += 1
    bounds: list[TraitBound] = []
    generics = parse_generics(c, bounds)
    target, trait = _parse_impl_name(c), None
    if c.kinds[c.at] == "for":
        c.at += 1
        trait, target = target, _parse_impl_name(c)
    parse_where(c, bounds)
    opened = c.expect("{", "and the methods")
    c.enter()
    methods: list[Function] = []
    types: list[TypeAlias] = []
    while c.kinds[c.at] != "}":
        first = c.at
        if c.kinds[first] == ";":  # where a method was cut out
            c.at += 1
            continue
        if c.kinds[first] == "type":
            types.append(_parse_type_alias(c, first, False))
            continue
        try:
            methods.append(_parse_method(c))
        except SyntaxProblem:
            if c.kinds[c.at] == "end":
                raise
            c.recover(first, "}")
            c.at += c.at == first
        if c.kinds[c.at] == "end":
            break
    c.close("}", opened)
    c.depth -= 1
    for method in methods:
        method.generics[:0] = generics
        method.bounds[:0] = bounds
    return Impl(target.at, target, trait, methods, generics, start, c.at, opened, types)


def _parse_impl_name(c: Cursor) -> NamedType:
    type_ = parse_type(c)
    while isinstance(type_, ReferenceType):
        type_ = type_.target
    if not isinstance(type_, NamedType):
        c.fail("E0012", "`impl` is for a type with a name", type_.at)
    return type_


def _parse_trait(c: Cursor, start: int, public: bool, attributes: list[Attribute]) -> Trait:
    c.at += 1
    at = c.at
    name = c.name("the trait")
    generics = parse_generics(c)
    supers = parse_bounds(c)
    parse_where(c)
    opened = c.expect("{", "and the methods")
    c.enter()
    allowed, c.allow_headers = c.allow_headers, True
    members: list[Function] = []
    types: list[str] = []
    while c.kinds[c.at] != "}":
        kind = c.kinds[c.at]
        if kind == "type":
            c.at += 1
            types.append(c.name("the type"))
            parse_bounds(c)
            c.at += c.kinds[c.at] == ";"
        else:
            members.append(_parse_method(c))
    c.close("}", opened)
    c.allow_headers = allowed
    c.depth -= 1
    for member in members:
        member.generics = [*generics, *member.generics, "Self"]
    return Trait(at, name, public, members, generics, supers, types, attributes, start, c.at)


def _parse_method(c: Cursor) -> Function:
    start = c.at
    attributes = _parse_attributes(c)
    public = _parse_visibility(c)
    if c.kinds[c.at] == "const" and c.kinds[c.at + 1] not in ("fun", "fn"):
        return parse_associated_const(c, start, public, attributes)
    if c.kinds[c.at] in ("async", "unsafe", "const", "override", "static"):
        if c.kinds[c.at] in ("async", "unsafe"):
            _parse_bare_item(c, start, public, attributes)
        c.at += 1
    if c.kinds[c.at] not in ("fun", "fn"):
        c.fail("E0015", f"functions stand here, found {c.describe(c.at)}", after=True)
    method = parse_function(c, start, public, attributes)
    c.at += c.kinds[c.at] in (";", ",")
    return method


# ------------------------------------------------------------ constants, aliases, modules


def _parse_const(c: Cursor, start: int, public: bool, attributes: list[Attribute]) -> Item:
    if c.kinds[c.at + 1] in ("fun", "fn"):
        c.at += 1
        return parse_function(c, start, public, attributes)
    at, name, declared = parse_const_head(c)
    value = parse_const_value(c, name)
    c.at += c.kinds[c.at] == ";"
    return Const(at, name, public, declared, value, start, c.at)


def _parse_type_alias(c: Cursor, start: int, public: bool) -> TypeAlias:
    c.at += 1
    at = c.at
    name = c.name("the type")
    if parse_generics(c):
        c.report("E0715", "a type alias with parameters is not supported", at, "write one for each type")
    c.expect("=", "and the type")
    target = parse_type(c)
    c.at += c.kinds[c.at] == ";"
    return TypeAlias(at, name, public, target, start, c.at)


def _parse_mod(c: Cursor, start: int, public: bool) -> Mod:
    c.at += 1
    at = c.at
    name = c.name("the module")
    if c.kinds[c.at] != "{":
        c.at += c.kinds[c.at] == ";"
        return Mod(at, name, public, None, start, c.at)
    opened = c.at
    c.enter()
    c.at += 1
    items: list[Item] = []
    for statement in parse_statements(c, "}"):
        if not isinstance(statement, Let | ExprStmt):
            items.append(statement)
        elif not isinstance(statement.value, Unsupported):
            c.report("E0015", "an inline module holds items, not statements", statement.at)
    c.close("}", opened)
    c.depth -= 1
    return Mod(at, name, public, items, start, c.at)
