"""What names mean: the items of the module, what its imports bind, and the items of other modules.

One written order: locals, items of the module (from the inline module outward), `use`d
names and globs, builtins. Locals are the function's own business (`function.py`); builtins come last, and are the
caller's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Union

from orchestrator.toolchains.ruchy.check.types import I64, EnumType, PlainEnumType, StructType
from orchestrator.toolchains.ruchy.syntax import tree

if TYPE_CHECKING:
    from orchestrator.toolchains.ruchy.check import hir
    from orchestrator.toolchains.ruchy.check.types import Type


class Env:
    """Where names are looked up. In the own module: an inline module (`scope`, "" for the file), and in it the items
    of the function bodies around (`nested`), whose variables are `hidden` from the functions among them. In another
    module's interface: `names`, name -> "module::item". `types`: what names of types mean beside items, such as the
    type parameters of an instance. `owner` is the item that `Self` means."""

    __slots__ = ("hidden", "module", "names", "nested", "owner", "scope", "types")

    def __init__(
        self,
        module: str,
        scope: str = "",
        names: dict[str, str] | None = None,
        nested: dict[str, Item] | None = None,
    ) -> None:
        self.module = module
        self.scope = scope
        self.names = names
        self.nested = nested
        self.hidden: frozenset[str] = frozenset()
        self.types: dict[str, Type] = {}
        self.owner: StructItem | EnumItem | None = None

    def copy(self) -> Env:
        """The same, for other types or another owner."""
        twin = Env(self.module, self.scope, self.names, self.nested)
        twin.hidden, twin.types, twin.owner = self.hidden, dict(self.types), self.owner
        return twin

    def of(self, owner: StructItem | EnumItem) -> Env:
        """The same, inside of what is written in an `impl` of a type."""
        inner = self.copy()
        inner.owner = owner
        return inner


Natural = Any
"""A type as an argument has it by itself (see `inference/untyped.py`)."""


class Given(NamedTuple):
    """The types of the arguments of one call of an untyped function, by parameter: by themselves, and as they are."""

    place: tuple[str, int]
    natural: dict[int, Natural]
    types: dict[int, Type]


def lacks_types(node: tree.Function) -> bool:
    """Whether some parameter of a function says no type."""
    return any(parameter.type is None for parameter in node.parameters)


class MethodContext:
    """Where a method stands. `of`: what `Self` is, as its `impl` writes it, where that has arguments. `block` is that
    `impl`, where it is one of a trait. Of a default method of a trait: `default_of` is the type, or its item, that it
    is called on, where that is known; `through` is the `impl` that says so."""

    __slots__ = ("block", "default_of", "of", "through")

    def __init__(
        self,
        of: tree.NamedType | None = None,
        block: tree.Impl | None = None,
        default_of: StructItem | EnumItem | Type | None = None,
        through: Implementation | None = None,
    ) -> None:
        self.of = of
        self.block = block
        self.default_of = default_of
        self.through = through


NO_CONTEXT = MethodContext()
"""Of a function that is no method, or one of a plain `impl` of a type without arguments. Never changed."""


class Instance:
    """What an instance of a function says beside it. `original` is what it is a copy of, `uses` says where it is used:
    places, or other instances (see `inference/instances.py`)."""

    __slots__ = ("original", "uses")

    def __init__(self, original: FunctionItem, use: int | FunctionItem) -> None:
        self.original = original
        self.uses: list[int | FunctionItem] = [use]


def method_context(target: tree.NamedType, block: tree.Impl | None) -> MethodContext:
    """Where a method of an `impl` stands that is written for `target`."""
    return MethodContext(
        target if target.arguments else None, block if block is not None and block.trait is not None else None
    )


UNCHECKED, IN_WORK, CHECKED, STUB = range(4)
"""States of a function. A STUB is an own one whose signature is known, and whose body is not looked at."""


class FunctionItem:
    """A function, own or another module's. `types` is None until its signature is read; `result` is None until then,
    or a variable while the body that decides it has not been checked. `trial` is the `Pass` that a copy belongs to,
    which is looked at only to find out what a `pub` function returns. `index` is its place in `Pass.functions`.

    `instanced`: there is one copy for each set of types, of a generic one or one that lacks types. `given` has the
    types of the arguments of the calls of an untyped one (see `inference/untyped.py`). `calls`: of an instanced one as
    it stands in one call, the calls whose symbol is not known yet. `bound` has the types of the parameters without
    types, by index, of an instance and of what is tried for one."""

    __slots__ = (
        "bound",
        "calls",
        "context",
        "env",
        "given",
        "index",
        "inferred",
        "instance",
        "instanced",
        "name",
        "needs_foreign",
        "node",
        "own",
        "required",
        "result",
        "state",
        "symbol",
        "trial",
        "types",
        "untyped",
    )

    def __init__(self, name: str, symbol: str, node: tree.Function, env: Env, own: bool) -> None:
        self.name = name
        self.symbol = symbol
        self.node = node
        self.env = env
        self.own = own
        self.types: list[Type] | None = None
        self.result: Type | None = None
        self.required = 0
        self.inferred = node.result is None
        self.untyped = False
        self.state = UNCHECKED
        self.needs_foreign = False
        self.trial: object = None
        self.calls: list[hir.Call | hir.CallChanging] | None = None
        self.context = NO_CONTEXT
        self.instance: Instance | None = None
        self.bound: dict[int, Type] = {}
        self.given: list[Given] = []
        self.instanced = bool(node.generics) or (node.public and lacks_types(node))
        self.index = 0

    @property
    def is_open(self) -> bool:
        """Whether some type of the signature is not written."""
        return self.node.result is None or any(parameter.type is None for parameter in self.node.parameters)

    @property
    def is_seen(self) -> bool:
        """Whether other modules may see the function: it is `pub`, and not nested in another."""
        return self.node.public and "." not in self.symbol.partition("::")[2]


class RefusedFunction(FunctionItem):
    """A function of another language that Ruchy cannot call: why, and what to do."""

    __slots__ = ("cure", "reason")

    def __init__(self, name: str, node: tree.Function, env: Env, reason: str, cure: str) -> None:
        super().__init__(name, name, node, env, own=False)
        self.reason = reason
        self.cure = cure


class StructItem:
    """A struct. Its fields are read when they are first needed, so that structs may name one another: into `types`,
    or `instances` of a generic one, by its type with arguments. `methods` are its methods and associated functions."""

    __slots__ = ("env", "index", "instances", "methods", "name", "names", "node", "own", "traits", "type", "types")

    def __init__(self, name: str, kind: StructType, node: tree.Struct, env: Env, own: bool) -> None:
        self.name = name
        self.type = kind
        self.node = node
        self.env = env
        self.own = own
        self.names: list[str] = [field.name for field in node.fields]
        self.index: dict[str, int] = {field: i for i, field in enumerate(self.names)}
        self.types: list[Type] | None = None
        self.instances: dict[Type, list[Type]] = {}
        self.methods: dict[str, FunctionItem] = {}
        self.traits: list[Implementation] = []


def range_item(kind: StructType) -> StructItem:
    """What a range is made of."""
    named = tree.NamedType(0, ("i64",))
    fields = [tree.StructField(0, name, named) for name in ("start", "end")]
    item = StructItem(kind.item, kind, tree.Struct(0, kind.item, False, fields), Env(""), own=False)
    item.types = [I64, I64]
    return item


RANGE, INCLUSIVE = StructType("", "Range"), StructType("", "RangeInclusive")
"""The types of `a..b` and of `a..=b`; no module has the empty name, so no text can name them."""
RANGES = frozenset((RANGE, INCLUSIVE))


class EnumItem:
    """An enum. `variants` are read when they are first needed, so that types may name one another; `members` are what
    `E::V` means. `numbers` are the discriminants, where some are written."""

    __slots__ = (
        "env",
        "index",
        "instances",
        "members",
        "methods",
        "name",
        "names",
        "node",
        "numbers",
        "own",
        "traits",
        "type",
        "variants",
    )

    def __init__(self, name: str, key: tuple[str, str], node: tree.Enum, env: Env, own: bool) -> None:
        self.name = name
        has_payload = any(one.elements or one.fields for one in node.variants)
        self.type: EnumType = EnumType(*key) if has_payload else PlainEnumType(*key)
        self.node = node
        self.env = env
        self.own = own
        self.names: list[str] = [variant.name for variant in node.variants]
        self.index: dict[str, int] = {one: i for i, one in reversed(list(enumerate(self.names)))}
        self.members = [VariantItem(self, i) for i in range(len(self.names))]
        self.variants: list[VariantShape] | None = None
        self.instances: dict[Type, list[VariantShape]] = {}
        self.numbers: list[int] | None = None
        self.methods: dict[str, FunctionItem] = {}
        self.traits: list[Implementation] = []


class Implementation:
    """`impl Trait for Type`, where `env` is. `methods` are those of a type that is no own struct or enum: `kind`, once
    it is read."""

    __slots__ = ("env", "kind", "methods", "node")

    def __init__(self, node: tree.Impl, env: Env) -> None:
        self.node = node
        self.env = env
        self.methods: dict[str, FunctionItem] = {}
        self.kind: Type | None = None


DEFAULT = tree.Impl(0, tree.NamedType(0, ("Self",)), None, [])
"""The block of default methods."""


class TraitItem:
    """A trait. Each of its `members` has `Self` as its last type parameter. `blocks` implement it for types that are no
    structs or enums of its module."""

    __slots__ = ("blocks", "env", "members", "name", "node", "own")

    def __init__(self, name: str, symbol: str, node: tree.Trait, env: Env, own: bool) -> None:
        self.name = name
        self.node = node
        self.env = env
        self.own = own
        self.members: dict[str, FunctionItem] = {}
        for member in node.members:
            item = FunctionItem(member.name, f"{symbol}#{member.name}", member, env, own)
            item.state = 2
            self.members.setdefault(member.name, item)
        self.blocks: list[Implementation] = []

    def has_body(self, name: str) -> bool:
        """Whether a member has a body of its own, for types that bring none."""
        return bool(self.members[name].node.body.end)


class VariantItem:
    """`E::V`, the `index`th variant of an enum."""

    __slots__ = ("enum", "index", "name")

    def __init__(self, enum: EnumItem, index: int) -> None:
        self.enum = enum
        self.index = index
        self.name = enum.names[index]

    @property
    def node(self) -> tree.Enum:
        return self.enum.node

    @property
    def env(self) -> Env:
        return self.enum.env


class VariantShape(NamedTuple):
    """A variant of an enum, of `Option` or of `Result`, with the names and types of its payload. `form`: "unit",
    "tuple" (the names are "0", "1" and so on) or "struct"."""

    name: str
    fields: tuple[str, ...]
    types: tuple[Type, ...]
    form: str


class ConstItem:
    """A constant. `state`: 0 unread, 1 in work (meeting it again is a cycle), 2 done. `folded` is its value as a
    literal node, or None where it has to be computed at each use. `failed_silently`: its errors were
    found where nothing may be reported. `level`: in how many bodies it was met first."""

    __slots__ = ("env", "failed_silently", "folded", "level", "name", "node", "own", "state", "type")

    def __init__(self, name: str, node: tree.Const, env: Env, own: bool) -> None:
        self.name = name
        self.node = node
        self.env = env
        self.own = own
        self.state = 0
        self.type: Type | None = None
        self.folded: hir.Literal | None = None
        self.failed_silently = False
        self.level = 0


class AliasItem:
    """A type alias. `state` as for constants."""

    __slots__ = ("env", "name", "node", "own", "state", "target")

    def __init__(self, name: str, node: tree.TypeAlias, env: Env, own: bool) -> None:
        self.name = name
        self.node = node
        self.env = env
        self.own = own
        self.state = 0
        self.target: Type | None = None


class ModuleItem:
    """A module, inline or another file: no value and no type. `path`, where an import inside of a function binds it, is
    what its name stands for there."""

    __slots__ = ("name", "path")

    def __init__(self, name: str, path: tuple[str, ...] = ()) -> None:
        self.name = name
        self.path = path


class ErrorItem:
    """Something that an error has been reported about already: its uses report nothing more."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


DEFINITIONS: frozenset[type] = frozenset(
    (tree.Function, tree.Struct, tree.Enum, tree.Trait, tree.Impl, tree.Const, tree.TypeAlias, tree.UseItem, tree.Mod)
)
"""The nodes that define an item, or bind one."""

Item = Union[FunctionItem, StructItem, EnumItem, TraitItem, VariantItem, ConstItem, AliasItem, ModuleItem, ErrorItem]


class Variable:
    """A local. `slot` is -1 for a value of no size (unit). `declared`: by a `let` (others are parameters and loops).
    `lent`: a parameter `&mut T`, or another name of it; `changes`: that parameter itself, whose caller sees what is
    written to it."""

    __slots__ = ("assigned", "at", "changes", "declared", "lent", "mutable", "name", "read", "slot", "type")

    def __init__(self, name: str, kind: Type, slot: int, at: int, mutable: bool, declared: bool) -> None:
        self.name = name
        self.type = kind
        self.slot = slot
        self.at = at
        self.mutable = mutable
        self.declared = declared
        self.read = False
        self.lent = False
        self.changes = False
        self.assigned = False


class Global(Variable):
    """A variable of the top level that functions name, as one function sees it. `known`: its `let` has surely run."""

    __slots__ = ("known", "symbol")

    def __init__(self, name: str, kind: Type, at: int, mutable: bool, symbol: str, known: bool) -> None:
        super().__init__(name, kind, -1, at, mutable, declared=True)
        self.symbol = symbol
        self.known = known
