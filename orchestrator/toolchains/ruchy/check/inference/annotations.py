"""Types as written, to types: names, aliases, structs, signatures, fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from orchestrator.toolchains.ruchy.check.inference.infer import fresh
from orchestrator.toolchains.ruchy.check.inside import nothing_inside
from orchestrator.toolchains.ruchy.check.module import unit_of
from orchestrator.toolchains.ruchy.check.scope import (
    STUB,
    AliasItem,
    EnumItem,
    Env,
    ErrorItem,
    FunctionItem,
    ModuleItem,
    StructItem,
    TraitItem,
)
from orchestrator.toolchains.ruchy.check.types import (
    BOOL,
    ERROR,
    F64,
    FLOATS,
    I64,
    INTEGERS,
    STRING,
    UNIT,
    ArrayType,
    EnumType,
    FunctionType,
    MapType,
    Named,
    SetType,
    StructType,
    TupleType,
    Type,
    bare,
    option_of,
    result_of,
)
from orchestrator.toolchains.ruchy.check.unsupported import not_yet
from orchestrator.toolchains.ruchy.hints import did_you_mean
from orchestrator.toolchains.ruchy.syntax import tree

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from orchestrator.toolchains.ruchy.check.passes import Pass

BUILTIN_TYPES: dict[str, Type] = {
    **INTEGERS,
    **FLOATS,
    "bool": BOOL,
    "char": STRING,
    "String": STRING,
    "str": STRING,
    "string": STRING,
    "Formatter": STRING,
    "int": I64,
    "float": F64,
    "Ordering": I64,
    "Chars": ArrayType(STRING),
}
_PLANNED = {
    "Vec": "arrays",
    "Box": "`Box`",
}
WIDE = {
    "i128": "write `i64`: it holds up to 9223372036854775807",
    "u128": "write `u64`: it holds up to 18446744073709551615",
}
_OTHER_WORDS = {
    "integer": "i64",
    "Int": "i64",
    "Float": "f64",
    "double": "f64",
    "boolean": "bool",
    "Bool": "bool",
    "void": "()",
}


_GENERIC: dict[str, tuple[int, Callable[[Pass, Env, Sequence[tree.Type]], Type]]] = {
    "Vec": (1, lambda p, env, nodes: _composed(p, env, nodes, ArrayType)),
    "VecDeque": (1, lambda p, env, nodes: _composed(p, env, nodes, ArrayType)),
    "Box": (1, lambda p, env, nodes: type_of(p, env, nodes[0])),
    "Peekable": (1, lambda p, env, nodes: type_of(p, env, nodes[0])),
    "Option": (1, lambda p, env, nodes: _composed(p, env, nodes, option_of)),
    "Result": (2, lambda p, env, nodes: _composed(p, env, nodes, result_of)),
    **{name: (2, lambda p, env, nodes: _keyed(p, env, nodes, MapType)) for name in ("HashMap", "BTreeMap")},
    **{name: (1, lambda p, env, nodes: _keyed(p, env, nodes, SetType)) for name in ("HashSet", "BTreeSet")},
}
"""Builtin types of others, and of how many."""


def type_of(p: Pass, env: Env, node: tree.Type) -> Type:
    """The type that an annotation means; ERROR where it means none, which has been reported then."""
    while isinstance(node, tree.ReferenceType):
        if node.mutable:
            p.error("E0231", node.at, "only the type of a parameter can be `&mut`, so far", "leave out the `&mut`")
            return ERROR
        node = node.target
    if isinstance(node, tree.NamedType):
        return _named(p, env, node)
    if isinstance(node, tree.TupleType):
        return _composed(p, env, node.elements, lambda *parts: TupleType(parts)) if node.elements else UNIT
    if isinstance(node, tree.ArrayType):  # the length says nothing: arrays grow
        return _composed(p, env, [node.element], ArrayType)
    if node.result is None:
        return _function_type(p, env, [*node.parameters, tree.TupleType(node.at, [])])
    return _function_type(p, env, [*node.parameters, node.result])


def _function_type(p: Pass, env: Env, nodes: Sequence[tree.Type]) -> Type:
    """Of parameters, and of a result behind them."""
    return _composed(p, env, nodes, lambda *parts: FunctionType(parts[:-1], parts[-1]))


def _keyed(p: Pass, env: Env, nodes: Sequence[tree.Type], make: Callable[..., Type]) -> Type:
    """A map or a set. (A foreign one is reported in its module.)"""
    kind = _composed(p, env, nodes, make)
    if kind is not ERROR and not p.silent:
        p.open.keys.append((nodes[0].at, kind.parts[0]))
    return kind


def _composed(p: Pass, env: Env, nodes: Sequence[tree.Type], make: Callable[..., Type]) -> Type:
    """A type that consists of others; ERROR where one of these is one."""
    parts = [type_of(p, env, node) for node in nodes]
    return ERROR if ERROR in parts else p.composed_type(nodes[0].at, make(*parts))


def _named(p: Pass, env: Env, node: tree.NamedType) -> Type:
    path = node.path
    if env.types and not node.arguments:
        meaning = env.types.get(path[0] if len(path) == 1 else "::".join(path))
        if meaning is not None:
            return meaning
    item = p.lookup(env, path)
    if item is None:
        if len(path) == 1:
            meaning = BUILTIN_TYPES.get(path[0])
            if meaning is not None and not node.arguments:
                return meaning
            if path[0] == "_" and not node.arguments:
                return fresh()
            count, make = _GENERIC.get(path[0], (-1, None))
            if make is not None and len(node.arguments) == count:
                return make(p, env, node.arguments)
            if path[0] in WIDE:
                p.error("E0716", node.at, f"there are no integers of 128 bits: `{path[0]}`", WIDE[path[0]])
                return ERROR
            if make is not None:
                return _needs_types(p, node, ["i64", "String"][:count])
            if path[0] in _PLANNED:
                not_yet(p, node.at, _PLANNED[path[0]], plural=path[0] == "Vec")
                return ERROR
        return _unknown_type(p, env, node.at, "::".join(path))
    if isinstance(item, StructItem | EnumItem):
        if len(node.arguments) != len(item.node.generics):
            return _needs_types(p, node, item.node.generics)
        if node.arguments:
            return _composed(p, env, node.arguments, lambda *parts: named_type(p, item, parts))
        return named_type(p, item)
    if isinstance(item, AliasItem):
        return alias_target(p, item)
    if isinstance(item, TraitItem):
        hint = f"write `impl {item.name}` as the type of a parameter"
        p.error("E0103", node.at, f"`{'::'.join(path)}` is a trait, not a type", hint)
    elif not isinstance(item, ErrorItem):
        kind = "module" if isinstance(item, ModuleItem) else "value"
        p.error("E0103", node.at, f"`{'::'.join(path)}` is a {kind}, not a type")
    p.failed = True
    return ERROR


def _needs_types(p: Pass, node: tree.NamedType, wanted: Sequence[str]) -> Type:
    """E0262 for `Option` without the type that it is of."""
    name = "::".join(node.path)
    shown_as = f"{name}<{', '.join(wanted)}>" if wanted else name
    is_of = f"is of {len(wanted)} type{'s' * (len(wanted) > 1)}" if wanted else "is of no other types"
    p.error("E0262", node.at, f"`{name}` {is_of}, and has {len(node.arguments)}", f"write `{shown_as}`")
    return ERROR


def _unknown_type(p: Pass, env: Env, at: int, name: str) -> Type:
    p.failed = True
    if nothing_inside(p, env, name.split("::"), at):
        return ERROR
    if name == "Self":
        message = "`self` and `Self` mean something inside of an `impl` only"
        p.error("E0111", at, message, "write the name of the type, and `fun` inside of `impl Type { .. }`")
        return ERROR
    hint = f"write `{_OTHER_WORDS[name]}`" if name in _OTHER_WORDS else ""
    hint = hint or ("" if p.report.too_many_errors else did_you_mean(name, [*type_names(p, env), *BUILTIN_TYPES]))
    p.error_unknown("E0103", at, name, "type", hint)
    return ERROR


_TYPES = (StructItem, EnumItem, AliasItem)


def type_names(p: Pass, env: Env) -> list[str]:
    """Names of types that can be meant in an environment."""
    own = [name for name, item in p.module.items.items() if item.__class__ in _TYPES]
    nested = [name for name, item in (env.nested or {}).items() if item.__class__ in _TYPES]
    return own + nested + [name for _, name in p.module.bindings]


def named_type(p: Pass, item: StructItem | EnumItem, arguments: tuple[Type, ...] | None = None) -> Named:
    """The type of a struct or an enum; notes that the module touches it. Without `arguments`, those of a generic one
    are still to be found."""
    kind = item.type
    p.module.layouts.setdefault(kind, item)
    if item.node.generics:
        p.composed = True
        if arguments is None:
            arguments = tuple([fresh() for _ in item.node.generics])
        return cast("Named", kind.with_parts(arguments))
    return kind


def field_types(p: Pass, item: StructItem, kind: Type) -> list[Type]:
    """Types of a struct's fields, in the order declared; `kind` says what its type parameters are."""
    if item.node.generics:
        types = item.instances.get(kind)
        if types is None:
            env = with_arguments(item.env, item.node.generics, kind.parts)
            types = item.instances[kind] = []
            with p.silenced():
                types += [type_of(p, env, field.type) for field in item.node.fields]
        return types
    if item.types is None:
        item.types = []
        with p.silenced(not item.own):
            item.types = [type_of(p, item.env, field.type) for field in item.node.fields]
    return item.types


def with_arguments(env: Env, names: Sequence[str], arguments: Sequence[Type]) -> Env:
    """An environment in which names stand for types. An erroneous use of a type may have none."""
    inner = env.copy()
    inner.types = {**env.types, **dict(zip(names, arguments or [ERROR] * len(names), strict=True))}
    return inner


def struct_of(p: Pass, kind: Type) -> StructItem | None:
    """The struct of a struct type that the module touches."""
    item = p.module.layouts.get(bare(kind)) if isinstance(kind, StructType) else None
    return item if isinstance(item, StructItem) else None


def enum_of(p: Pass, kind: Type) -> EnumItem | None:
    """The enum of an enum type that the module touches; None for `Option` and `Result`."""
    item = p.module.layouts.get(bare(kind)) if isinstance(kind, EnumType) else None
    return item if isinstance(item, EnumItem) else None


def alias_target(p: Pass, item: AliasItem) -> Type:
    """What an alias stands for, through other aliases. A cycle is an error at the alias that closes it."""
    chain = [item]
    while item.state == 0:
        item.state = 1
        node = item.node.target
        while isinstance(node, tree.ReferenceType):
            node = node.target
        following = p.lookup(item.env, node.path) if isinstance(node, tree.NamedType) else None
        if isinstance(following, AliasItem):
            item = following
            chain.append(item)
            continue
        with p.silenced(not item.own):
            item.target = type_of(p, item.env, item.node.target)
        item.state = 2
    if item.state == 1:
        loop = chain[chain.index(item) :] if item in chain[:-1] else chain
        names = " -> ".join(f"`{part.name}`" for part in loop)
        own = next((part for part in loop if part.own), None)
        if own is not None:
            p.error("E0206", own.node.at, f"the type alias {names} stands for itself")
        else:
            p.reported_elsewhere(f"the type alias {names} stands for itself")
        item.target = ERROR
    for part in chain:
        part.target = item.target
        part.state = 2
    return item.target or ERROR


def signature(p: Pass, item: FunctionItem) -> list[Type]:
    """Types of a function's parameters; sets `result` too. What is not annotated becomes a variable."""
    if item.types is not None:
        return item.types
    before = p.now_seen
    if item.state == STUB:  # what its header names counts for the stub, not for who is the first to call it
        p.look_for(unit_of(item.symbol))
    with p.silenced(not item.own):
        types = _read_signature(p, item)
    p.now_seen = before
    item.types = types
    if item.own and item.trial is None and item.inferred | item.untyped:
        known = p.module.stubs.signatures.get(item.symbol.partition("::")[2])
        if known is not None and len(known.parameters) in (0, len(types)):
            p.know(item, known)
    return item.types


def _read_signature(p: Pass, item: FunctionItem) -> list[Type]:
    node = item.node
    if (item.context.of or item.context.block) and not node.generics:
        item.env = item.env.copy()
        self_types(p, item, item.env)
    types: list[Type] = []
    item.required = 0
    if item.own and item.symbol in p.module.known.instanced and item.instance is None and item.trial is None:
        item.instanced = True
    for i, parameter in enumerate(node.parameters):
        if parameter.default is None:  # a default before it can only be left out where nothing follows
            item.required = i + 1
        types.append(_parameter(p, item, i))
    if item.instanced:  # they are found for each call
        item.result = ERROR
    elif node.result is not None:
        item.result = type_of(p, item.env, node.result)
    else:
        item.result = fresh()
    return types


def self_types(p: Pass, item: FunctionItem, env: Env) -> None:
    """Enters what `Self` is for a method, where that is no plain type of its module, and the types `Self::Item` of its
    block."""
    of, block = item.context.of, item.context.block
    if of is not None:
        env.types["Self"] = type_of(p, env, of)
    for type_ in block.types if block is not None else ():
        env.types[f"Self::{type_.name}"] = type_of(p, env, type_.target)


def is_written_through(node: tree.Type | None) -> bool:
    """Whether what is written to a parameter of this type would be seen by the caller: `&mut T`."""
    while isinstance(node, tree.ReferenceType):
        if node.mutable:
            return True
        node = node.target
    return False


def changed_parameters(item: FunctionItem, types: Sequence[Type]) -> list[int]:
    """The parameters `&mut T` that have a value."""
    given = zip(item.node.parameters, types, strict=True)
    return [
        index
        for index, (parameter, kind) in enumerate(given)
        if is_written_through(parameter.type) and kind is not UNIT
    ]


def _parameter(p: Pass, item: FunctionItem, index: int) -> Type:
    if item.instanced:
        return ERROR
    parameter = item.node.parameters[index]
    if parameter.type is not None:
        kind = parameter.type
        while isinstance(kind, tree.ReferenceType):
            kind = kind.target
        return type_of(p, item.env, kind)
    if index in item.bound:
        return item.bound[index]
    if not item.own and item.trial is None:  # its module gives it types for its own calls
        item.instanced = True
        return ERROR
    item.untyped = True
    return fresh()
