"""The syntax tree. No node knows its line: `at` is the ordinal of its first token in the module's token list, so equal
token streams give equal trees. `places.py` turns ordinals into places when a message needs one.

Nodes compare by value, `at` included. They are acyclic, so the garbage collector does not track them.
"""

from __future__ import annotations

from typing import Union

import msgspec


class Node(msgspec.Struct, gc=False, tag=True, tag_field="node"):
    at: int


# ---------------------------------------------------------------- types


class NamedType(Node):
    """`i64`, `geometry::Point`, `Option<i64>`."""

    path: tuple[str, ...]
    arguments: list[Type] = []


class ArrayType(Node):
    """`[T]`, `[T; n]`; `size` is n, any expression."""

    element: Type
    size: Expr | None = None


class TupleType(Node):
    """`(A, B)`; `()` is unit."""

    elements: list[Type]


class FunctionType(Node):
    """`fn(A) -> B`, `impl Fn(A) -> B`."""

    parameters: list[Type]
    result: Type | None


class ReferenceType(Node):
    """`&T`, `&mut T`. A reference is a value here, except that a `mutable` one can be written through."""

    target: Type
    mutable: bool = False


Type = Union[NamedType, ArrayType, TupleType, FunctionType, ReferenceType]


# ---------------------------------------------------------------- expressions


class IntLiteral(Node):
    value: int
    suffix: str = ""


class FloatLiteral(Node):
    value: float


class BoolLiteral(Node):
    value: bool


class CharLiteral(Node):
    value: str


class StringLiteral(Node):
    value: str


class TextPart(Node):
    """Literal text in an f-string."""

    text: str


class HolePart(Node):
    """`{expr:spec}` in an f-string; `spec` without the colon: "", ".2", "?"."""

    value: Expr
    spec: str = ""


class FString(Node):
    parts: list[TextPart | HolePart]


class Path(Node):
    """`x`, `a::b::c`, `Point::new`. One segment may be a local. `types` are those of `Stack::<i64>::new`, which stand
    behind the first `typed` segments."""

    segments: tuple[str, ...]
    types: list[Type] = []
    typed: int = 0


class Unary(Node):
    """`op` is one of `-`, `+`, `!`, `~`, `&`, `&mut`, `*`."""

    op: str
    operand: Expr


class Binary(Node):
    """`op` as written: arithmetic, bits, comparisons, `&&`, `||`, `??`, `|>`. `at` is the operator's token."""

    op: str
    left: Expr
    right: Expr


class RangeExpr(Node):
    start: Expr | None
    end: Expr | None
    inclusive: bool


class Cast(Node):
    operand: Expr
    target: Type


class Assign(Node):
    """`place op value`; `op` is "" for `=`, else the operator without its `=`: `+`, `**`, `<<`."""

    place: Expr
    op: str
    value: Expr


class Call(Node):
    callee: Expr
    arguments: list[Expr]


class MethodCall(Node):
    """`receiver.name(arguments)`; `at` is the name's token."""

    receiver: Expr
    name: str
    arguments: list[Expr]


class Field(Node):
    """`value.name`; `name` is a decimal number for tuples. `at` is the name's token."""

    value: Expr
    name: str


class Index(Node):
    value: Expr
    index: Expr


class MacroCall(Node):
    """`println!(..)`, `vec![..]`: the arguments parsed as expressions; `repeat` for `[value; count]`."""

    name: str
    arguments: list[Expr]
    repeat: bool = False


class Array(Node):
    elements: list[Expr]


class ArrayRepeat(Node):
    value: Expr
    count: Expr


class Comprehension(Node):
    """`[element for pattern in iterable if condition]`"""

    element: Expr
    pattern: Pattern
    iterable: Expr
    condition: Expr | None = None


class Tuple(Node):
    """Unit is the empty tuple."""

    elements: list[Expr]


class FieldValue(Node):
    """`name: value`, or `name` alone (shorthand, `value` is then the Path of that name)."""

    name: str
    value: Expr


class StructLiteral(Node):
    path: tuple[str, ...]
    fields: list[FieldValue]
    base: Expr | None = None


class ObjectLiteral(Node):
    """`{a: 1, "b": 2}`, `{a, b}`; `{}` where a value must be."""

    fields: list[FieldValue]


class Block(Node):
    """The value of a block is that of its last statement, even with a `;` after it."""

    statements: list[Stmt]
    end: int = 0
    """Ordinal of the closing brace."""


class If(Node):
    condition: Expr
    then: Block
    otherwise: Block | If | IfLet | None


class IfLet(Node):
    pattern: Pattern
    value: Expr
    then: Block
    otherwise: Block | If | IfLet | None


class While(Node):
    label: str
    condition: Expr
    body: Block


class WhileLet(Node):
    label: str
    pattern: Pattern
    value: Expr
    body: Block


class Loop(Node):
    label: str
    body: Block


class For(Node):
    label: str
    pattern: Pattern
    iterable: Expr
    body: Block


class Break(Node):
    label: str
    value: Expr | None


class Continue(Node):
    label: str


class Return(Node):
    value: Expr | None


class MatchArm(Node):
    pattern: Pattern
    guard: Expr | None
    body: Expr


class Match(Node):
    value: Expr
    arms: list[MatchArm]


class Lambda(Node):
    parameters: list[Parameter]
    result: Type | None
    body: Expr


class Try(Node):
    """`operand?`"""

    operand: Expr


PRESENT = "?."
"""The name by which the member of a `SafeMember` has the value; no text can say it."""


class SafeMember(Node):
    """`value?.name`, `value?.name(..)`; `member` is a `Field` or a `MethodCall` of what is in `value`."""

    value: Expr
    member: Expr


class TryCatch(Node):
    body: Block
    name: str
    handler: Block | None
    finally_: Block | None


class Throw(Node):
    value: Expr


class Contract(Node):
    """What must hold: `kind` is "requires", "ensures", "invariant" or "decreases"; `text` is the condition as a trap
    shows it. In the tree of a function, and as the first statements of a loop's body."""

    kind: str
    condition: Expr
    text: str


class Unsupported(Node):
    """A construct of the language that is not supported; `what` names it: "actor", "await"."""

    what: str


# ---------------------------------------------------------------- patterns


class WildcardPattern(Node):
    pass


class NamePattern(Node):
    name: str
    mutable: bool = False
    inner: Pattern | None = None
    """`name @ inner`"""


class LiteralPattern(Node):
    value: Expr


class RangePattern(Node):
    """`1..5`, `1..=5`; `1..` and `..5` have one end."""

    start: Expr | None
    end: Expr | None
    inclusive: bool


class PathPattern(Node):
    """`Colour::Red`, `None`; with `elements` a tuple variant, with `fields` a struct or struct variant; without a
    path an object."""

    path: tuple[str, ...]
    elements: list[Pattern] | None = None
    fields: list[FieldPattern] | None = None
    rest: bool = False


class FieldPattern(Node):
    name: str
    pattern: Pattern


class TuplePattern(Node):
    elements: list[Pattern]


class RestPattern(Node):
    """`..` or `..name` inside a list pattern."""

    name: str = ""


class ListPattern(Node):
    elements: list[Pattern]


class OrPattern(Node):
    alternatives: list[Pattern]


Pattern = Union[
    WildcardPattern, NamePattern, LiteralPattern, RangePattern, PathPattern, TuplePattern, RestPattern, ListPattern,
    OrPattern,
]  # fmt: skip


# ---------------------------------------------------------------- statements and items


class Let(Node):
    pattern: Pattern
    type: Type | None
    value: Expr
    mutable: bool = False
    otherwise: Block | None = None


class ExprStmt(Node):
    value: Expr
    semicolon: bool = False


class Parameter(Node):
    """`self` is a parameter too: `self` is of the type `Self`, `&self` and `&mut self` are a ReferenceType to it (the
    latter `mutable`). With a `pattern`, `name` is ""."""

    name: str
    type: Type | None
    default: Expr | None = None
    mutable: bool = False
    pattern: Pattern | None = None


class Attribute(Node):
    name: str
    arguments: list[str] = []


class TraitBound(Node):
    """`T: A`: of a type parameter, or of another type in a `where`."""

    type: Type
    trait: Type


class Function(Node):
    """`at` is the ordinal of the name's token; `start` and `stop` bound the whole item's tokens (attributes and `pub`
    included), `stop` exclusive. A header without a body (`parse_item` only) has an empty body with `end` 0."""

    name: str
    public: bool
    parameters: list[Parameter]
    result: Type | None
    body: Block
    generics: list[str] = []
    attributes: list[Attribute] = []
    receiver: bool = False
    """The first parameter is `self`."""
    start: int = 0
    stop: int = 0
    contracts: list[Contract] = []
    """Those in the header, in the order written."""
    header: int = 0
    """Ordinal behind the part of the header that callers see: no contracts."""
    bounds: list[TraitBound] = []
    constant: bool = False
    """`const NAME: T = value` of an `impl` or a trait: a function without parameters that is named to be called."""


class StructField(Node):
    name: str
    type: Type
    public: bool = False
    default: Expr | None = None


class Struct(Node):
    name: str
    public: bool
    fields: list[StructField]
    generics: list[str] = []
    tuple_like: bool = False
    methods: list[Function] = []
    attributes: list[Attribute] = []
    start: int = 0
    stop: int = 0


class Variant(Node):
    name: str
    elements: list[Type] | None = None
    fields: list[StructField] | None = None
    discriminant: Expr | None = None


class Enum(Node):
    name: str
    public: bool
    variants: list[Variant]
    generics: list[str] = []
    attributes: list[Attribute] = []
    start: int = 0
    stop: int = 0


class Impl(Node):
    """`generics` are parameters of its methods, too, which have them before their own. `opened` is its brace."""

    target: NamedType
    trait: NamedType | None
    methods: list[Function]
    generics: list[str] = []
    start: int = 0
    stop: int = 0
    opened: int = 0
    types: list[TypeAlias] = []


class Trait(Node):
    """`members` are its methods, whose last type parameter is `Self`; those without a body end at 0. `types` are the
    names of its associated types."""

    name: str
    public: bool
    members: list[Function]
    generics: list[str] = []
    supers: list[Type] = []
    types: list[str] = []
    attributes: list[Attribute] = []
    start: int = 0
    stop: int = 0


class Const(Node):
    name: str
    public: bool
    type: Type | None
    value: Expr
    start: int = 0
    stop: int = 0


class TypeAlias(Node):
    name: str
    public: bool
    target: Type
    start: int = 0
    stop: int = 0


class UseName(Node):
    """One imported name: `path` from the source root, without `crate::`; `alias` is the name it introduces."""

    path: tuple[str, ...]
    alias: str
    glob: bool = False


class UseItem(Node):
    """`built_in` are the names that are there without an import."""

    names: list[UseName]
    public: bool = False
    start: int = 0
    stop: int = 0
    built_in: list[UseName] = []


class Mod(Node):
    """`mod name { .. }`; `mod name;` has `items` None and means `name.ruchy`."""

    name: str
    public: bool
    items: list[Item] | None
    start: int = 0
    stop: int = 0


Item = Union[Function, Struct, Enum, Trait, Impl, Const, TypeAlias, UseItem, Mod]
Stmt = Union[Let, ExprStmt, Item]
Expr = Union[
    IntLiteral, FloatLiteral, BoolLiteral, CharLiteral, StringLiteral, FString, Path, Unary, Binary, RangeExpr, Cast,
    Assign, Call, MethodCall, Field, Index, MacroCall, Array, ArrayRepeat, Comprehension, Tuple, StructLiteral,
    ObjectLiteral, Block, If, IfLet, While, WhileLet, Loop, For, Break, Continue, Return, Match, Lambda, Try,
    SafeMember, TryCatch,
    Throw, Contract, Unsupported,
]  # fmt: skip


class Module(Node):
    """A whole file: items and top-level statements in the order written."""

    body: list[Stmt]
