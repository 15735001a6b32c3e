"""Traits: which methods a type has by them, which types implement them, and whether an `impl` says what it must.

A default method is a generic function whose last type parameter is `Self`, so it is compiled for each type, in the unit
of who calls it. A type's own `impl` of a trait puts its methods among those of the type. For a type of elsewhere the
`impl` stands beside the trait (`TraitItem.blocks`), and counts where the trait is seen: in its own module, where it is
imported, and where a text of another module names it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.toolchains.ruchy.check.inference.annotations import (
    enum_of,
    is_written_through,
    named_type,
    signature,
    struct_of,
    type_of,
)
from orchestrator.toolchains.ruchy.check.inference.infer import Var, fresh, openness, resolve, shown, unify
from orchestrator.toolchains.ruchy.check.passes import IN_TYPES, Pass
from orchestrator.toolchains.ruchy.check.scope import EnumItem, FunctionItem, Implementation, StructItem, TraitItem
from orchestrator.toolchains.ruchy.check.types import ERROR, F64, I64, EnumType, FunctionType, StructType, Type
from orchestrator.toolchains.ruchy.check.unsupported import not_yet
from orchestrator.toolchains.ruchy.hints import did_you_mean
from orchestrator.toolchains.ruchy.syntax import tree
from orchestrator.toolchains.ruchy.syntax.lexer import words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from orchestrator.toolchains.ruchy.check.scope import Env, Item

BUILT_IN = words(
    """Add Sub Mul Div Rem Neg Not AddAssign SubAssign MulAssign DivAssign RemAssign Index IndexMut PartialEq Eq
    PartialOrd Ord Hash Clone Copy Debug Display Default Drop Iterator IntoIterator FromIterator From Into TryFrom
    TryInto FromStr ToString AsRef AsMut Deref DerefMut Borrow Error Fn FnMut FnOnce Send Sync Sized Any Read Write"""
)
"""Traits that need no import. As bounds they ask for nothing: what a body does must be possible with each type."""


NOT_ASKED = words("Debug Drop AddAssign SubAssign MulAssign DivAssign RemAssign Index IndexMut Deref DerefMut")
"""Of these, those whose methods nothing would call."""


CALLED = {
    **{name: (name.lower(), 2) for name in ("Add", "Sub", "Mul", "Div", "Rem")},
    "Neg": ("neg", 1),
    "PartialEq": ("eq", 2),
    "PartialOrd": ("partial_cmp", 2),
    "Ord": ("cmp", 2),
    "Iterator": ("next", 1),
    "Display": ("fmt", 2),
}
"""The method of a built-in trait that operators or `for` call, and how many parameters it has, `self` among them."""


def owner_of(p: Pass, kind: Type) -> StructItem | EnumItem | None:
    """The struct or enum of a type that may have methods."""
    return struct_of(p, kind) or enum_of(p, kind)


def own_method(p: Pass, env: Env, kind: Type, name: str) -> FunctionItem | None:
    """The method or associated function that a type has by an `impl`, None where it has none of that name."""
    owner = owner_of(p, kind) if isinstance(kind, StructType | EnumType) else None
    method = None if owner is None else p.method_of(owner, name)
    return method or extension(p, env, kind, name)


def _in_type(p: Pass, env: Env, kind: Type, name: str) -> Item | None:
    """What stands in a type: a variant, or a method."""
    kind = resolve(kind)
    owner = owner_of(p, kind)
    return (p.inside(owner, name) if owner is not None else None) or extension(p, env, kind, name)


IN_TYPES.find = _in_type


# ---------------------------------------------------------------- what is seen


def _seen(p: Pass, env: Env) -> Iterator[TraitItem]:
    """The traits that count in an environment."""
    interfaces = p.module.job.interfaces
    if env.names is not None:
        for key in {key for key in env.names.values() if key in interfaces and interfaces[key].kind == "trait"}:
            trait = p.item_of(key)
            if isinstance(trait, TraitItem):
                yield trait
        if env.module != p.module.name:
            return
    yield from [item for item in p.module.items.values() if isinstance(item, TraitItem)]
    for (scope, name), binding in p.module.bindings.items():
        interface = interfaces.get(f"{binding.module}::{binding.item}")
        if interface is not None and interface.kind == "trait" and not binding.rest:
            trait = p.item_of(f"{binding.module}::{binding.item}")
            if isinstance(trait, TraitItem):
                p.now_seen.bindings.add((scope, name))
                yield trait


def extension(p: Pass, env: Env, kind: Type, name: str) -> FunctionItem | None:
    """The method that a trait brings for a type of elsewhere."""
    kind = resolve(kind)
    if openness(kind) == 0 or not p.module.has_blocks(name):
        return None
    candidates = [
        (block, trait)
        for trait in _seen(p, env)
        if name in trait.members
        for block in trait.blocks
        if _fits(kind, _target(p, block))
    ]
    if not candidates:
        return None
    if kind.__class__ is Var:
        usual = [candidate for candidate in candidates if _target(p, candidate[0]) in (I64, F64)]
        block, trait = (usual or candidates)[0]
        unify(kind, _target(p, block))
    else:
        block, trait = candidates[0]
    return block.methods.get(name) or p.default_of(trait, name, _target(p, block), block)


def _fits(kind: Type, target: Type) -> bool:
    """Whether a type is that of an `impl`, or a number that may still become it."""
    if kind.__class__ is not Var:
        return kind == target
    return unify(fresh(openness(kind)), target)


def _target(p: Pass, block: Implementation) -> Type:
    if block.kind is None:
        with p.silenced():
            block.kind = type_of(p, block.env, block.node.target)
    return block.kind


# ---------------------------------------------------------------- which types implement a trait


def implements(p: Pass, kind: Type, trait: TraitItem) -> bool:
    """Whether a type implements a trait."""
    kind = resolve(kind)
    owner = owner_of(p, kind)
    blocks = owner.traits if owner is not None else []
    if any(p.lookup(block.env, _trait_path(block.node)) is trait for block in blocks):
        return True
    return kind is ERROR or any(_target(p, block) == kind for block in trait.blocks)


def _trait_path(node: tree.Impl) -> tuple[str, ...]:
    assert node.trait is not None
    return node.trait.path


def check_bounds(p: Pass, node: tree.Function, env: Env, at: int) -> bool:
    """E0268 where a type parameter got a type that does not implement what it must. Returns whether all is well."""
    for bound in node.bounds:
        if not isinstance(bound.trait, tree.NamedType):
            continue
        trait = p.lookup(env, bound.trait.path)
        if isinstance(trait, TraitItem):
            with p.silenced():
                kind = type_of(p, env, bound.type)
            if not implements(p, kind, trait):
                message = f"`{node.name}` needs a type that implements `{trait.name}`, and {shown(kind)} does not"
                p.error_even_if_silent("E0268", at, message, f"write `impl {trait.name} for {shown(kind)} {{ .. }}`")
                return False
    return True


def functions_of_bounds(p: Pass, node: tree.Function, env: Env) -> None:
    """`F: Fn(i64) -> i64`: that is what `F` is."""
    for bound in node.bounds:
        if isinstance(bound.trait, tree.FunctionType):
            kind = type_of(p, env, bound.trait)
            if isinstance(kind, FunctionType):
                unify(type_of(p, env, bound.type), kind)


def check_bounds_written(p: Pass, node: tree.Function, env: Env) -> None:
    """E0103 for a bound that is no trait."""
    for bound in node.bounds:
        if isinstance(bound.trait, tree.NamedType):
            _known_trait(p, env, bound.trait)


def _known_trait(p: Pass, env: Env, node: tree.NamedType) -> TraitItem | None:
    """The trait that is meant; None for a built-in one, and after an error."""
    trait = p.lookup(env, node.path)
    if isinstance(trait, TraitItem):
        return trait
    name = "::".join(node.path)
    if trait is None and node.path[-1] in BUILT_IN:
        return None
    p.failed = True
    if trait is None or hasattr(trait, "node"):
        traits = [item.name for item in p.module.items.values() if isinstance(item, TraitItem)]
        p.error("E0103", node.at, f"there is no trait `{name}`", did_you_mean(name, [*traits, *BUILT_IN]))
    return None


# ---------------------------------------------------------------- definitions


def check_trait(p: Pass, item: TraitItem) -> None:
    """The types in the headers of a trait mean something, and no method is there twice."""
    seen: set[str] = set()
    for super_ in item.node.supers:
        if isinstance(super_, tree.NamedType):
            _known_trait(p, item.env, super_)
    for node in item.node.members:
        if node.name in seen:
            p.error("E0606", node.at, f"`{item.name}` has two methods `{node.name}`", "give one of them another name")
        seen.add(node.name)
        env = item.env.copy()
        env.types.update({name: fresh() for name in node.generics})
        env.types.update({f"Self::{name}": fresh() for name in item.node.types})
        kinds = [parameter.type for parameter in node.parameters if parameter.type is not None]
        for kind in [*kinds, *([] if node.result is None else [node.result])]:
            while isinstance(kind, tree.ReferenceType):
                kind = kind.target
            type_of(p, env, kind)
        check_bounds_written(p, node, env)


def check_implementation(p: Pass, block: Implementation, owner: StructItem | EnumItem | None) -> None:
    """An `impl` of a trait: each of its methods is one of the trait's, in the same form, and none is missing."""
    node = block.node
    assert node.trait is not None
    trait = _known_trait(p, block.env, node.trait)
    if owner is None:
        block.kind = type_of(p, block.env, node.target)
    if trait is None and node.trait.path[-1] in NOT_ASKED and p.lookup(block.env, node.trait.path) is None:
        not_yet(p, node.at, f"`impl {node.trait.path[-1]}`, which nothing would call,", plural=False)
    if trait is None:
        if p.lookup(block.env, node.trait.path) is None:
            _check_called(p, block, block.methods if owner is None else owner.methods)
        return
    kind = _target(p, block) if owner is None else named_type(p, owner)
    what = "::".join(node.target.path)
    methods = block.methods if owner is None else owner.methods
    mine = {name: one for name, one in methods.items() if _is_of(one.context.block, node)}
    for name, method in mine.items():
        if name not in trait.members:
            hint = did_you_mean(name, trait.members) or f"write it in an `impl {what}` of its own"
            p.error("E0266", method.node.at, f"the trait `{trait.name}` has no method `{name}`", hint)
        else:
            _same_form(p, trait, block, method, kind)
    missing = [name for name in trait.members if name not in mine and not trait.has_body(name)]
    if missing:
        names = ", ".join(f"`{name}`" for name in missing)
        what_lacks = "constant" if all(trait.members[name].node.constant for name in missing) else "method"
        s = "s" * (len(missing) > 1)
        p.error(
            "E0264",
            node.at,
            f"`{what}` lacks the {what_lacks}{s} {names} of the trait `{trait.name}`",
            _written(trait, missing),
        )
    for super_ in trait.node.supers:
        above = p.lookup(trait.env, super_.path) if isinstance(super_, tree.NamedType) else None
        if isinstance(above, TraitItem) and not implements(p, kind, above):
            message = f"what implements `{trait.name}` implements `{above.name}` too, and `{what}` does not"
            p.error("E0264", node.at, message, f"write `impl {above.name} for {what} {{ .. }}`")


def _check_called(p: Pass, block: Implementation, methods: Mapping[str, FunctionItem]) -> None:
    """The method of a built-in trait is there, and can be called: what is not found would be passed over silently."""
    node = block.node
    assert node.trait is not None
    trait = node.trait.path[-1]
    if trait not in CALLED:
        return
    name, count = CALLED[trait]
    method = methods.get(name)
    head = f"fun {name}({'&mut self' if trait == 'Iterator' else '&self'}{', other: &Self' * (count - 1)})"
    head = "fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result" if trait == "Display" else head
    if method is None or not _is_of(method.context.block, node):
        what = "::".join(node.target.path)
        message = f"`{what}` lacks the method `{name}` of the trait `{trait}`"
        p.error("E0264", node.at, message, f"write `{head}`")
    elif not method.node.receiver or len(method.node.parameters) != count:
        p.error("E0267", method.node.at, f"`{name}` of `{trait}` has another form", f"write it as `{head}`")


def _is_of(block: tree.Impl | None, node: tree.Impl) -> bool:
    """Whether a method's block is this one. (That of a stub has its head only.)"""
    if block is None or block.trait is None or node.trait is None:
        return False
    return block is node or block.trait.path == node.trait.path


def _written(trait: TraitItem, names: list[str]) -> str:
    member = trait.members[names[0]].node
    others = " and the others" * (len(names) > 1)
    if member.constant:
        return f"write `const {names[0]}: .. = ..;`{others}"
    parameters = ["&self" if parameter.name == "self" else f"{parameter.name}: .." for parameter in member.parameters]
    return f"write `fun {names[0]}({', '.join(parameters)})`{others}"


def _same_form(p: Pass, trait: TraitItem, block: Implementation, method: FunctionItem, kind: Type) -> None:
    """E0267 for a method of other parameters, or of another result, than the trait says."""
    node, wanted = method.node, trait.members[method.name].node
    what = ""
    if node.receiver != wanted.receiver:
        what = f"takes {'no ' * (not wanted.receiver)}`self` in the trait"
    elif len(node.parameters) != len(wanted.parameters):
        what = f"has {len(wanted.parameters) - wanted.receiver} parameters in the trait beside `self`"
    elif [is_written_through(parameter.type) for parameter in node.parameters] != [
        is_written_through(one.type) for one in wanted.parameters
    ]:
        what = "takes other parameters as `&mut` in the trait"
    elif not node.generics and not block.node.generics:
        what = _other_types(p, trait, block, method, kind)
    if what:
        p.error("E0267", node.at, f"`{method.name}` {what}", f"write it as `{trait.name}` does")


def _other_types(p: Pass, trait: TraitItem, block: Implementation, method: FunctionItem, kind: Type) -> str:
    member = trait.members[method.name].node
    types = signature(p, method)
    env = trait.env.copy()
    env.types.update({name: fresh() for name in member.generics})
    env.types.update({f"Self::{name}": fresh() for name in trait.node.types})
    env.types["Self"] = kind
    assert block.node.trait is not None
    for name, written in zip(trait.node.generics, block.node.trait.arguments, strict=False):
        env.types[name] = type_of(p, block.env, written)
    with p.silenced(not trait.own):
        for one, type_ in zip(member.parameters, types, strict=True):
            asked = one.type
            while isinstance(asked, tree.ReferenceType):
                asked = asked.target
            wanted = fresh() if asked is None else type_of(p, env, asked)
            if not unify(wanted, type_):
                return f"takes {shown(wanted)} as its `{one.name}` in the trait, and {shown(type_)} here"
        wanted = fresh() if member.result is None else type_of(p, env, member.result)
    result = method.result if method.node.result is not None else None
    if member.result is None and not member.body.end:
        wanted = type_of(p, env, tree.TupleType(0, []))
    if result is not None and not unify(wanted, result):
        return f"gives {shown(wanted)} in the trait, and {shown(result)} here"
    return ""
