"""Types as written, to types: names, aliases, structs, signatures, fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.toolchains.ruchy.check.hints import did_you_mean
from orchestrator.toolchains.ruchy.check.infer import fresh
from orchestrator.toolchains.ruchy.check.inside import nothing_inside
from orchestrator.toolchains.ruchy.check.scope import (
    AliasItem,
    Env,
    ErrorItem,
    FunctionItem,
    ModuleItem,
    StructItem,
)
from orchestrator.toolchains.ruchy.check.stubs import know
from orchestrator.toolchains.ruchy.check.types import (
    BOOL,
    CHAR,
    ERROR,
    FLOATS,
    INTEGERS,
    STRING,
    UNIT,
    StructType,
    Type,
)
from orchestrator.toolchains.ruchy.check.unsupported import not_yet
from orchestrator.toolchains.ruchy.syntax import tree

if TYPE_CHECKING:
    from orchestrator.toolchains.ruchy.check.module import Module

BUILTIN_TYPES: dict[str, Type] = {
    **INTEGERS,
    **FLOATS,
    "bool": BOOL,
    "char": CHAR,
    "String": STRING,
    "str": STRING,
}
_PLANNED = {
    "Option": "`Option`",
    "Result": "`Result`",
    "Vec": "arrays",
    "HashMap": "maps",
    "HashSet": "sets",
    "Box": "`Box`",
    "i128": "`i128`",
    "u128": "`u128`",
}
_OTHER_WORDS = {
    "int": "i64",
    "integer": "i64",
    "Int": "i64",
    "float": "f64",
    "Float": "f64",
    "double": "f64",
    "string": "String",
    "boolean": "bool",
    "Bool": "bool",
    "void": "()",
}


def type_of(m: Module, env: Env, node: tree.Type) -> Type:
    """The type that an annotation means; ERROR where it means none, which has been reported then."""
    while isinstance(node, tree.ReferenceType):
        if node.mutable:
            m.error("E0231", node.at, "only the type of a parameter can be `&mut`, so far", "leave out the `&mut`")
            return ERROR
        node = node.target
    if isinstance(node, tree.NamedType):
        return _named(m, env, node)
    if isinstance(node, tree.TupleType):
        if not node.elements:
            return UNIT
        not_yet(m, node.at, "tuples")
    elif isinstance(node, tree.ArrayType):
        not_yet(m, node.at, "arrays")
    else:
        not_yet(m, node.at, "function types")
    return ERROR


def _named(m: Module, env: Env, node: tree.NamedType) -> Type:
    path = node.path
    item = m.lookup(env, path)
    if item is None:
        if len(path) == 1:
            found = BUILTIN_TYPES.get(path[0])
            if found is not None and not node.arguments:
                return found
            if path[0] in _PLANNED:
                not_yet(m, node.at, _PLANNED[path[0]], plural=path[0] in ("Vec", "HashMap", "HashSet"))
                return ERROR
        return _unknown_type(m, env, node.at, "::".join(path))
    if isinstance(item, StructItem):
        if node.arguments:
            not_yet(m, node.at, "generics")
            return ERROR
        return struct_type(m, item)
    if isinstance(item, AliasItem):
        return alias_target(m, item)
    if not isinstance(item, ErrorItem):
        kind = "module" if isinstance(item, ModuleItem) else "value"
        m.error("E0103", node.at, f"`{'::'.join(path)}` is a {kind}, not a type")
    m.failed = True
    return ERROR


def _unknown_type(m: Module, env: Env, at: int, name: str) -> Type:
    m.failed = True
    if nothing_inside(m, env, name.split("::"), at):
        return ERROR
    hint = f"write `{_OTHER_WORDS[name]}`" if name in _OTHER_WORDS else ""
    hint = hint or ("" if m.too_many_errors else did_you_mean(name, [*type_names(m, env), *BUILTIN_TYPES]))
    m.error_unknown("E0103", at, name, "type", hint)
    return ERROR


def type_names(m: Module, env: Env) -> list[str]:
    """Names of types that can be meant in an environment."""
    own = [name for name, item in m.items.items() if item.__class__ in (StructItem, AliasItem)]
    nested = [name for name, item in (env.nested or {}).items() if item.__class__ in (StructItem, AliasItem)]
    return own + nested + [name for _, name in m.bindings]


def struct_type(m: Module, item: StructItem) -> Type:
    """The type of a struct; notes that the module touches it."""
    m.layouts.setdefault(item.type, item)
    if item.node.generics or item.node.tuple_like:
        m.failed = True
        return ERROR
    return item.type


def field_types(m: Module, item: StructItem) -> list[Type]:
    """Types of a struct's fields, in the order declared."""
    if item.types is None:
        item.types = []
        silent = 0 if item.own else 1
        m.silent += silent
        item.types = [type_of(m, item.env, field.type) for field in item.node.fields]
        m.silent -= silent
    return item.types


def struct_of(m: Module, kind: Type) -> StructItem | None:
    """The struct of a struct type that the module touches."""
    return m.layouts.get(kind) if isinstance(kind, StructType) else None


def alias_target(m: Module, item: AliasItem) -> Type:
    """What an alias stands for, through other aliases. A cycle is an error at the alias that closes it."""
    chain = [item]
    while item.state == 0:
        item.state = 1
        node: Any = item.node.target
        while isinstance(node, tree.ReferenceType):
            node = node.target
        following = m.lookup(item.env, node.path) if isinstance(node, tree.NamedType) else None
        if isinstance(following, AliasItem):
            item = following
            chain.append(item)
            continue
        silent = 0 if item.own else 1
        m.silent += silent
        item.target = type_of(m, item.env, item.node.target)
        m.silent -= silent
        item.state = 2
    if item.state == 1:
        loop = chain[chain.index(item) :] if item in chain[:-1] else chain
        names = " -> ".join(f"`{part.name}`" for part in loop)
        own = next((part for part in loop if part.own), None)
        if own is not None:
            m.error("E0206", own.node.at, f"the type alias {names} stands for itself")
        else:
            m.reported_elsewhere(f"the type alias {names} stands for itself")
        item.target = ERROR
    for part in chain:
        part.target = item.target
        part.state = 2
    return item.target or ERROR


def signature(m: Module, item: FunctionItem) -> list[Type]:
    """Types of a function's parameters; sets `result` too. What is not annotated becomes a variable."""
    if item.types is not None:
        return item.types
    node, env = item.node, item.env
    silent = 0 if item.own else 1
    m.silent += silent
    types: list[Type] = []
    item.required = 0
    for i, parameter in enumerate(node.parameters):
        if parameter.default is None:  # a default before it can only be left out where nothing follows
            item.required = i + 1
        types.append(_parameter(m, item, parameter))
    if node.generics:
        not_yet(m, node.at, "generics")
        types = [ERROR for _ in types]
        item.result = ERROR
    elif node.result is not None:
        item.result = type_of(m, env, node.result)
    else:
        item.result = fresh()
    m.silent -= silent
    item.types = types
    if item.own and item.sandbox is None and item.inferred | item.untyped:
        known = m.stubs.signatures.get(item.symbol.partition("::")[2])
        if known is not None and len(known.parameters) == len(types):
            know(m, item, known)
    return item.types


def is_written_through(node: tree.Type | None) -> bool:
    """Whether what is written to a parameter of this type would be seen by the caller: `&mut T`."""
    while isinstance(node, tree.ReferenceType):
        if node.mutable:
            return True
        node = node.target
    return False


def _parameter(m: Module, item: FunctionItem, parameter: tree.Parameter) -> Type:
    if item.node.generics:
        return ERROR
    if parameter.type is not None:
        kind = parameter.type
        while isinstance(kind, tree.ReferenceType):
            kind = kind.target
        return type_of(m, item.env, kind)
    if parameter.pattern is not None:
        not_yet(m, parameter.at, "patterns as parameters")
        return ERROR
    if item.node.public:
        m.error(
            "E0509",
            parameter.at,
            f"the parameter `{parameter.name}` of the `pub` function `{item.name}` needs a type",
            f"write `{parameter.name}: i64`, or whatever its type is",
        )
        return ERROR
    item.untyped = True
    return fresh()
