"""`T::default()` and `Default::default()`: what a type begins with."""

from __future__ import annotations

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.consts import inline
from orchestrator.toolchains.ruchy.check.data.maps import first_value
from orchestrator.toolchains.ruchy.check.function import DROP, TAIL, Fn, Want, Why, bad, check
from orchestrator.toolchains.ruchy.check.functions.builtins import BUILTINS, Builtin, Called, arguments_of
from orchestrator.toolchains.ruchy.check.functions.calls import OF_TYPES, call_function
from orchestrator.toolchains.ruchy.check.inference.annotations import (
    BUILTIN_TYPES,
    enum_of,
    field_types,
    named_type,
    struct_of,
)
from orchestrator.toolchains.ruchy.check.inference.infer import is_open, resolve, shown, unify
from orchestrator.toolchains.ruchy.check.scope import EnumItem, FunctionItem, StructItem
from orchestrator.toolchains.ruchy.check.types import UNIT, MixedType, TupleType, Type
from orchestrator.toolchains.ruchy.syntax import tree

_LACKS = "write `#[derive(Default)]` before it, if its fields have defaults, or `impl Default for {0}`"


def default_of(c: Fn, kind: Type, at: int) -> hir.Expr | None:
    """What a type begins with: 0, "", nothing, what its own `default` gives, or the defaults of its fields; None where
    it has no default."""
    kind = resolve(kind)
    if kind is UNIT:
        return hir.Unit(UNIT, at)
    if isinstance(kind, TupleType) and not isinstance(kind, MixedType):
        return _record(kind, at, [default_of(c, part, at) for part in kind.elements])
    c.p.touch(kind)
    owner = struct_of(c.p, kind) or enum_of(c.p, kind)
    method = owner.methods.get("default") if owner is not None else None
    if isinstance(method, FunctionItem) and not method.node.parameters:
        value = call_function(c, tree.Call(at, tree.Path(at, ("default",)), []), method)
        return value if unify(value.type, kind) else None
    if isinstance(owner, StructItem):
        return _derived(c, owner, kind, at)
    call = tree.Call(at, tree.Path(at, ("default",)), [])
    node = None if is_open(kind) else first_value(kind, call)
    return None if node is None else check(c, node, kind, ())


def _derived(c: Fn, item: StructItem, kind: Type, at: int) -> hir.Expr | None:
    """A struct of the defaults of its fields; None where it does not derive that."""
    derives = any(one.name == "derive" and "Default" in one.arguments for one in item.node.attributes)
    if not derives:
        return None
    values = [
        default_of(c, type_, at) if field.default is None else inline(c, item.env, field.default, type_, at)
        for field, type_ in zip(item.node.fields, field_types(c.p, item, kind), strict=True)
    ]
    return _record(kind, at, values)


def _record(kind: Type, at: int, values: list[hir.Expr | None]) -> hir.Expr | None:
    parts = [value for value in values if value is not None]
    return hir.NewStruct(kind, at, parts, list(range(len(parts)))) if len(parts) == len(values) else None


def _needs_default(c: Fn, at: int, kind: Type) -> hir.Expr:
    c.p.error("E0107", at, f"{shown(kind)} has no method `default`", _LACKS.format(shown(kind)))
    return bad(at)


def _wanted(c: Fn, node: Called, want: Want, why: Why) -> hir.Expr:
    """`Default::default()`: of the type that is wanted."""
    if arguments_of(c, node, "Default::default", 0, 0) is None:
        return bad(node.at)
    kind = None if want is None or want is DROP or want is TAIL else resolve(want)
    if kind is None or is_open(kind):
        message = "`Default::default()` is of the type that is wanted here, and nothing says which one that is"
        c.p.error("E0107", node.at, message, "write the type: `i64::default()`, `let x: T = Default::default()`")
        return bad(node.at)
    return default_of(c, kind, node.at) or _needs_default(c, node.at, kind)


def _of_builtin(name: str) -> Builtin:
    def handler(c: Fn, node: Called, want: Want, why: Why) -> hir.Expr:
        if arguments_of(c, node, f"{name}::default", 0, 0) is None:
            return bad(node.at)
        value = default_of(c, BUILTIN_TYPES[name], node.at)
        assert value is not None
        return value

    return handler


def _as_new(name: str) -> Builtin:
    return lambda c, node, want, why: BUILTINS[f"{name}::new"](c, node, want, why)


def _of_type(c: Fn, node: tree.Call, path: tuple[str, ...]) -> hir.Expr | None:
    """`T::default()` of a struct that derives it; None where the path means no such type."""
    item = c.p.lookup(c.env, path)
    if isinstance(item, EnumItem | StructItem) and not node.arguments:
        kind = named_type(c.p, item)
        return default_of(c, kind, node.at) or _needs_default(c, node.at, kind)
    return None


OF_TYPES.default = _of_type
BUILTINS["Default::default"] = _wanted
BUILTINS.update({f"{name}::default": _of_builtin(name) for name in BUILTIN_TYPES})
for _name in ("Vec", "VecDeque", "HashMap", "BTreeMap", "HashSet", "BTreeSet"):
    BUILTINS[f"{_name}::default"] = _as_new(_name)
