"""Names, fields, struct literals, f-strings, indexing: expressions that are neither operators nor calls."""

from __future__ import annotations

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.consts import const_value, inline
from orchestrator.toolchains.ruchy.check.data.display import joined, text_parts
from orchestrator.toolchains.ruchy.check.data.enums import struct_value, variant_literal, variant_value, word_value
from orchestrator.toolchains.ruchy.check.data.formats import count_of, formatted, read_spec
from orchestrator.toolchains.ruchy.check.function import Fn, Want, Why, bad, check, expr, handles, later
from orchestrator.toolchains.ruchy.check.functions.builtins import BUILTINS
from orchestrator.toolchains.ruchy.check.functions.named import asked_function, function_value
from orchestrator.toolchains.ruchy.check.functions.sight import PolymorphicLambda
from orchestrator.toolchains.ruchy.check.inference.annotations import field_types, named_type, type_names
from orchestrator.toolchains.ruchy.check.inference.infer import ANY, Var, fresh, openness, resolve
from orchestrator.toolchains.ruchy.check.inference.written import with_written
from orchestrator.toolchains.ruchy.check.inside import nothing_inside
from orchestrator.toolchains.ruchy.check.lending.places import Alias, field_of, read_alias
from orchestrator.toolchains.ruchy.check.limits import limit
from orchestrator.toolchains.ruchy.check.scope import (
    AliasItem,
    ConstItem,
    ErrorItem,
    FunctionItem,
    Global,
    Item,
    ModuleItem,
    StructItem,
    Variable,
    VariantItem,
)
from orchestrator.toolchains.ruchy.check.types import NEVER, STRING, Type
from orchestrator.toolchains.ruchy.check.variables import global_of, hidden, read_global
from orchestrator.toolchains.ruchy.hints import did_you_mean
from orchestrator.toolchains.ruchy.syntax import tree

_FIELD: Why = ("E0201", "the field `{0}` of `{1}` is {want}, and this is {got}")
_BASE: Why = ("E0201", "`..` takes the other fields from a {want}, and this is {got}")


@handles(tree.Path)
def path(c: Fn, node: tree.Path, want: Want, why: Why) -> hir.Expr:
    """A variable, or a constant. Other items are no values yet."""
    segments = node.segments
    target: Item | Variable | None = None
    if len(segments) == 1:
        target = c.names.get(segments[0]) or global_of(c, segments[0], node.at)
    if isinstance(target, Variable):
        target.read = True
        if isinstance(target, PolymorphicLambda):
            return function_value(c, node, len(target.node.parameters), want)
        if target in c.p.made.lambdas:
            c.p.made.lambdas[target].passed_on = True
        if isinstance(target, Global):
            return read_global(c, target, node.at)
        if isinstance(target, Alias):
            return read_alias(c, target, node.at)
        kind = target.type
        if kind.__class__ is Var:
            kind = target.type = resolve(kind)
            typed = hir.Local(kind, node.at, target.slot)
            if kind.__class__ is Var:
                c.p.open.pending.append(typed)
            return typed
        if target.slot < 0:
            return hir.Unit(kind, node.at)
        return hir.Local(kind, node.at, target.slot)
    item = target or c.p.lookup(c.env, segments)
    if len(segments) > 1 and not c.p.visible(c.env, segments, item, node.at):
        return bad(node.at)
    if isinstance(item, ConstItem):
        return const_value(c, item, node.at)
    if isinstance(item, ErrorItem):
        c.p.failed = True
        return bad(node.at)
    asked = asked_function(want)
    if asked is not None and isinstance(item, VariantItem | StructItem):
        return function_value(c, node, len(asked.parameters), want)
    if isinstance(item, VariantItem):
        return with_written(c, node, variant_value(c, node, item))
    value = struct_value(c, node, item) if isinstance(item, StructItem) else None
    if item is None and asked is not None and node.segments[-1] in ("Some", "Ok", "Err"):
        return function_value(c, node, 1, want)
    value = word_value(c, node, want) if item is None else value
    if value is not None:
        return value
    name = "::".join(segments)
    if isinstance(item, FunctionItem) and item.node.constant:
        return expr(c, tree.Call(node.at, node, []), want, why)
    if isinstance(item, FunctionItem):
        taken = len(item.node.parameters)
        return function_value(c, node, len(asked.parameters) if asked is not None else taken, want)
    if item is None and len(segments) == 1 and name in BUILTINS and limit(segments, node.at) is None:
        return function_value(c, node, len(asked.parameters) if asked is not None else 1, want)
    if item is None:
        return _unknown(c, node, name)
    what = "module" if isinstance(item, ModuleItem) else "type"
    hint = f"name what is in it: `{name}::...`" if isinstance(item, ModuleItem) else ""
    c.p.error("E0106", node.at, f"`{name}` is a {what}, not a value", hint)
    return bad(node.at)


def _unknown(c: Fn, node: tree.Path, name: str) -> hir.Expr:
    p = c.p
    constant = limit(node.segments, node.at)
    if constant is not None:
        return constant
    p.failed = True
    if c.item is not None and name in c.item.env.hidden:
        hidden(c, node.at, name)
        return bad(node.at)
    if nothing_inside(p, c.env, node.segments, node.at):
        return bad(node.at)
    if name == "result" and (c.contract or (c.item is not None and c.item.node.contracts)):
        hint = "in a body, give what it returns a name with `let`" if not c.contract else "write `ensures`"
        p.error("E0110", node.at, "`result` is what a function returns: only its `ensures` knows it", hint)
        return bad(node.at)
    hint = "" if p.report.too_many_errors else did_you_mean(name, names_in_sight(c)) or _hint_for(c, name)
    p.error_unknown("E0101", node.at, name, "name", hint)
    return bad(node.at)


_OTHER_WORDS = {
    "and": "write `&&`",
    "or": "write `||`",
    "not": "write `!`",
    "True": "write `true`",
    "False": "write `false`",
    "nil": "there is no nil: every variable holds a value of its type",
    "undefined": "there is no undefined: every variable holds a value of its type",
    "switch": "write `match`",
    "this": "a method has `self`",
    "pass": "write an empty block: `{}`",
    "begin": "a block stands in braces: `{ .. }`",
    "end": "a block ends with `}`",
    "public": "write `pub`",
    "private": "leave it out: what is not `pub` is private",
    "console": "write `println(..)`",
    "System": "write `println(..)`",
    "Math": "write `sqrt(x)`, or `x.sqrt()`",
    "NaN": "write `f64::NAN`",
    "Infinity": "write `f64::INFINITY`",
    "elif": "write `else if`",
}


def _hint_for(c: Fn, name: str) -> str:
    return _OTHER_WORDS.get(name, "")


def names_in_sight(c: Fn) -> list[str]:
    """Names that can be meant here: locals, items, imports, builtins."""
    items = list(c.p.module.items) if c.env.names is None else list(c.env.names)
    return [*c.names, *items, *(name for _, name in c.p.module.bindings), *BUILTINS]


@handles(tree.Field)
def field(c: Fn, node: tree.Field, want: Want, why: Why) -> hir.Expr:
    """`value.name`, chains in a loop."""
    chain = [node]
    inner: tree.Expr = node.value
    while isinstance(inner, tree.Field):
        chain.append(inner)
        inner = inner.value
    if isinstance(inner, tree.Path) and inner.segments == ("math",) and "math" not in c.names:
        constant = limit(("math", chain[-1].name), node.at) if c.p.lookup(c.env, inner.segments) is None else None
        if constant is not None:
            typed = constant
            chain.pop()
        else:
            typed = expr(c, inner)
    else:
        typed = expr(c, inner)
    for part in reversed(chain):
        typed = _one_field(c, part, typed)
    return typed


def _one_field(c: Fn, node: tree.Field, value: hir.Expr) -> hir.Expr:
    kind = resolve(value.type)
    if openness(kind) == ANY:

        def decide(last: bool) -> hir.Expr | None:
            is_open = resolve(value.type).__class__ is Var
            return None if is_open and not last else _one_field_now(c, node, value)

        return later(c, node.at, fresh(), (kind,), decide)
    return _one_field_now(c, node, value)


def _one_field_now(c: Fn, node: tree.Field, value: hir.Expr) -> hir.Expr:
    if value.type is NEVER:
        return value
    step = field_of(c, node, value.type)
    if step is None:
        return bad(node.at)
    return hir.GetField(step[1], node.at, value, step[0])


@handles(tree.StructLiteral)
def struct_literal(c: Fn, node: tree.StructLiteral, want: Want, why: Why) -> hir.Expr:
    """`S { a: 1, b, ..base }`: every field once, from here, from the base, or from its default."""
    item = literal_struct(c, node)
    if isinstance(item, VariantItem):
        return variant_literal(c, node, item)
    if item is None:
        for given in node.fields:
            expr(c, given.value)
        if node.base is not None:
            expr(c, node.base)
        return bad(node.at)
    kind = named_type(c.p, item)
    types = field_types(c.p, item, kind)
    values: dict[int, hir.Expr] = {}
    for given in node.fields:
        index = item.index.get(given.name)
        if index is None:
            hint = did_you_mean(given.name, item.names)
            c.p.error("E0104", given.at, f"`{item.name}` has no field `{given.name}`", hint)
            expr(c, given.value)
            continue
        if index in values:
            c.p.error("E0604", given.at, f"the field `{given.name}` is given twice")
        values[index] = check(c, given.value, types[index], (*_FIELD, given.name, item.name))
    if node.base is not None:
        base = check(c, node.base, kind, _BASE)
        return hir.UpdateStruct(kind, node.at, base, list(values.items()))
    order = list(values)
    misspelt = any(given.name not in item.index for given in node.fields)
    missing = []
    for index, declared in enumerate(item.node.fields):
        if index not in values:
            if declared.default is None:
                missing.append(declared.name)
                continue
            order.append(index)
            values[index] = inlined(c, item, declared.default, types[index], node.at)
    if missing and misspelt:  # it has been reported
        return hir.Unit(kind, node.at)
    if missing:
        names = ", ".join(f"`{name}`" for name in missing)
        c.p.error("E0214", node.at, f"`{item.name}` needs its field{'s' * (len(missing) > 1)} {names}")
        return hir.Unit(kind, node.at)
    if len(values) < len(types):
        return bad(node.at)
    return hir.NewStruct(kind, node.at, [values[index] for index in range(len(types))], order)


def inlined(c: Fn, item: StructItem, node: tree.Expr, kind: Type, at: int) -> hir.Expr:
    """A default value, computed where it is used; its errors are reported where it stands."""
    return inline(c, item.env, node, kind, at)


def literal_struct(c: Fn, node: tree.StructLiteral | tree.PathPattern) -> StructItem | VariantItem | None:
    """The struct, or the variant, that is named before `{`; None after an error."""
    segments = node.path
    item = c.names.get(segments[0]) if len(segments) == 1 else None
    if item is None or isinstance(item, Variable):
        item = c.p.lookup(c.env, segments)
    name = "::".join(segments)
    seen = 0
    while isinstance(item, AliasItem) and seen < 100:
        target = item.node.target
        item = c.p.lookup(item.env, target.path) if isinstance(target, tree.NamedType) else None
        seen += 1
    if isinstance(item, StructItem | VariantItem):
        return item
    if item is None and nothing_inside(c.p, c.env, segments, node.at):
        return None
    if item is None:
        names = [*type_names(c.p, c.env), *(known for known, what in c.names.items() if isinstance(what, StructItem))]
        c.p.error_unknown("E0103", node.at, name, "type", did_you_mean(name, names))
    elif not isinstance(item, ErrorItem):
        c.p.error("E0103", node.at, f"`{name}` is not a struct")
    c.p.failed = True
    return None


@handles(tree.FString)
def f_string(c: Fn, node: tree.FString, want: Want, why: Why) -> hir.Expr:
    """The literal parts and the texts of the holes, joined."""
    parts: list[hir.Expr] = []
    for part in node.parts:
        if isinstance(part, tree.TextPart):
            parts.append(hir.Str(STRING, part.at, part.text))
        else:
            parts += hole(c, part)
    return joined(node.at, parts)


def hole(c: Fn, part: tree.HolePart) -> list[hir.Expr]:
    """A hole of an f-string. A specification that we do not know is ignored, as in the reference, with a warning."""
    typed = expr(c, part.value)
    spec = read_spec(part.spec)
    counts = () if spec is None else (spec.width, spec.precision)
    if spec is None or any(isinstance(count, str) and not count[:1].isidentifier() for count in counts):
        message = f"the format `{part.spec}` is not known, and has no effect"
        c.p.warn("W0007", part.at, message, "formats are `:>5`, `:05`, `:.2`, `:x`, `:?`, and others of Rust")
        return text_parts(c, typed, bare=True)
    width, precision = [
        count_of(c, expr(c, tree.Path(part.at, (count,)))) if isinstance(count, str) else None for count in counts
    ]
    return formatted(c, typed, spec, width, precision, bare=True)
