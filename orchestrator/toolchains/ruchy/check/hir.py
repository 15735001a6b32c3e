"""What the checker hands to lowering: a small typed tree with every name resolved and all sugar gone.

Every expression has its `type` and `at`, the ordinal of the token that a trap in it should name. Ownership: an
expression of a reference-counted type (String, struct, array) gives an owned reference; `Local`, `GetField` and
`GetElement` give a copy of the reference (lowering retains it where it is kept, and may skip that where it is only
looked at). A record is what has fields by index: a struct, or a tuple.
Places of evaluation are in the order written.
"""

from __future__ import annotations

from typing import Union

import msgspec

from orchestrator.toolchains.ruchy.check.types import EnumType, StructType, Type


class _Expr(msgspec.Struct, gc=False, tag=True, tag_field="node"):
    type: Type
    at: int


class Int(_Expr):
    """Of an integer type or bool (0, 1); or of a float type, where a variable that starts from an
    integer turned out to be a float."""

    value: int


class Float(_Expr):
    value: float


class Str(_Expr):
    value: str


class Unit(_Expr):
    pass


class Local(_Expr):
    slot: int


class GetGlobal(_Expr):
    """A variable of the top level, which lives in memory under `symbol`. Its value is an owned reference. `name`: trap
    with that name where its `let` has not run yet; empty where it surely has. `taken`: the reference itself, which a
    `SetGlobal` with `back` returns before anything else looks."""

    symbol: str
    name: str = ""
    taken: bool = False


class LendGlobal(_Expr):
    """A call is about to change a variable of the top level through `&mut` (`lent`), or has done so. Meanwhile the
    variable itself may not be used: what it holds is out of date, and what is written to it would be lost. Unit."""

    symbol: str
    lent: bool


class Arithmetic(_Expr):
    """`op` of `+ - * / % ** & | ^ << >>` on two operands of one integer or float type (`**` and shifts: the right one
    is an integer of any width, or a float for float `**`). Integers trap on overflow, division by zero, a shift by the
    width or more, a negative exponent."""

    op: str
    left: Expr
    right: Expr


class Negate(_Expr):
    operand: Expr


class BitNot(_Expr):
    operand: Expr


class Not(_Expr):
    operand: Expr


class Compare(_Expr):
    """`op` of `== != < <= > >=`; both operands of one type (number, bool, String; `==` and `!=`: structs too)."""

    op: str
    left: Expr
    right: Expr


class And(_Expr):
    left: Expr
    right: Expr


class Or(_Expr):
    left: Expr
    right: Expr


class Cast(_Expr):
    """Between numbers, and from bool to an integer. Traps where the value does not fit."""

    operand: Expr


class ToText(_Expr):
    """Any value as a String, as `println` displays it. `precision` for `{:.N}`; `debug` for `{:?}` (quotes strings);
    `plain` for a whole float without its point, as `.to_string()` and `+` beside text have it; `bare` for strings
    without quotes in arrays and tuples, as f-strings have it."""

    operand: Expr
    precision: int | None = None
    debug: bool = False
    plain: bool = False
    bare: bool = False


class Concat(_Expr):
    """Strings joined; two or more parts, each of type String."""

    parts: list[Expr]


class Call(_Expr):
    """A call of a Ruchy function by its symbol ("shapes/circle::area"), all defaults filled in."""

    symbol: str
    arguments: list[Expr]
    throws: bool = False
    """Whether something may be thrown out of it."""


class CallChanging(_Expr):
    """A call of a function with parameters `&mut T`. It hands over the values of the slots `changed`, one for each such
    parameter, and gets new ones back. The arguments are literals and locals."""

    symbol: str
    arguments: list[Expr]
    changed: list[int]
    throws: bool = False


class Runtime(_Expr):
    """A call of a runtime function (see runtime/README.md): arguments are borrowed, a String result is owned.
    `traps`: the call takes the trap site as two more arguments. `name` is without `rt::`: "str_len".

    Names that are single instructions, on one operand of type f64 or f32: `sqrt`, `floor`, `ceil`, `trunc`, `fabs`;
    `add` of two i64 whose sum surely fits; and `length` of a String (in bytes) or an array. Names in `arr_` get what
    the elements of the first argument are as one more argument, before the site.
    `format` takes the template, an i64 that says what its arguments are, and then these, each a String: lowering puts
    them in memory for `rt::format`. `radix` takes an integer of any width, `fixed` any number.
    """

    name: str
    arguments: list[Expr]
    traps: bool = False


class MakeClosure(_Expr):
    """A function as a value: that of the symbol, which gets the value itself as its first argument, and with it what it
    captured."""

    symbol: str
    captures: list[Expr]


class CallValue(_Expr):
    """A call of a function that is a value."""

    callee: Expr
    arguments: list[Expr]


class GetCell(_Expr):
    """What a cell holds, a variable that several functions share: a tuple of one value that is never copied. The value
    is an owned reference. `taken`: the reference itself, which a `SetCell` with `back` returns."""

    cell: Expr
    taken: bool = False


class SetCell(_Expr):
    """Unit. `back`: the cell's reference was taken, so there is none to release."""

    cell: Expr
    value: Expr
    back: bool = False


class NewStruct(_Expr):
    """A record: values of all fields by index. Evaluated in the order of `order` (indices of fields), as written."""

    fields: list[Expr]
    order: list[int]


class UpdateStruct(_Expr):
    """`S { a: 1, ..base }`: `base` with some fields replaced; `base` is evaluated last."""

    base: Expr
    fields: list[tuple[int, Expr]]


class GetField(_Expr):
    value: Expr
    index: int


class NewVariant(_Expr):
    """A value of an enum, of `Option` or `Result`: the `variant`th, with its payload by index, evaluated as `NewStruct`
    does."""

    variant: int
    fields: list[Expr]
    order: list[int]


class GetTag(_Expr):
    """Which variant a value is, an i32."""

    value: Expr


class GetPayload(_Expr):
    """A field of the payload of a value, which surely is the `variant`th; where it is `checked`, traps if not."""

    value: Expr
    variant: int
    index: int
    checked: bool = False


class NewArray(_Expr):
    elements: list[Expr]


class RepeatArray(_Expr):
    """`[value; count]`: the value is computed once, and before the count, an i64. Traps below 0."""

    value: Expr
    count: Expr


class GetElement(_Expr):
    """`value[index]` of an array; the index is an i64, a negative one counts from the end. Traps outside, unless it is
    not `checked`: then it is surely within."""

    value: Expr
    index: Expr
    checked: bool = True


class Helper(_Expr):
    """A call of a helper of the type `subject` (`lower/glue.py`). Arguments are borrowed, the result is owned."""

    name: str
    subject: Type
    arguments: list[Expr]


class Block(_Expr):
    """Statements, then the value (Unit where there is none)."""

    statements: list[Stmt]
    value: Expr


class If(_Expr):
    condition: Expr
    then: Expr
    otherwise: Expr


class Loop(_Expr):
    """Endless; `label` is unique in the function. Its value is that of its breaks."""

    label: int
    body: Expr


class While(_Expr):
    label: int
    condition: Expr
    body: Expr


class ForRange(_Expr):
    """`slot` takes each value of the range, of an integer type; it is the loop's own. `start` and `end` are evaluated
    once. No overflow at the type's greatest value."""

    label: int
    slot: int
    start: Expr
    end: Expr
    inclusive: bool
    body: Expr


class Break(_Expr):
    label: int
    value: Expr | None


class Continue(_Expr):
    label: int


class Return(_Expr):
    value: Expr | None


class Print(_Expr):
    """Writes the parts, each a String, one after the other; `fd` 1 or 2. Separators and newline are parts too."""

    fd: int
    parts: list[Expr]


class Panic(_Expr):
    """Traps with a message computed at run time."""

    message: Expr


class ThrowText(_Expr):
    """Throws a String. `again` are the slots that say where it was thrown before."""

    value: Expr
    again: tuple[int, int] | None = None


class HandOn(_Expr):
    """Goes on with what a call before has thrown, if it has. `dummy` is the slot of its result, which is none, or -1.
    Unit."""

    dummy: int


class Catching(_Expr):
    """The value of `body`; or that of `handler`, if something is thrown in `body`, which is then in `slot`, a String.
    `where`: two slots take the place of the throw. `label`: unique in the function where it belongs to a `finally`, of
    which `copies` are left, to run before a jump out of the body."""

    body: Expr
    slot: int
    handler: Expr
    where: tuple[int, int] | None = None
    label: int = -1
    copies: list[Expr] = []


class Leaving(_Expr):
    """A copy of a `finally`, before a jump out of its `try`, which has this label. What the copy throws is not caught
    there. Unit."""

    label: int
    body: Expr


# ---------------------------------------------------------------- statements


class Let(msgspec.Struct, gc=False, tag=True, tag_field="node"):
    slot: int
    value: _ExprUnion


class InPayload(msgspec.Struct, frozen=True, gc=False, tag=True, tag_field="node"):
    """A step to a field of the payload of the `variant`th variant. Traps where the value is another one by now."""

    variant: int
    index: int


class Store(msgspec.Struct, gc=False, tag=True, tag_field="node"):
    """`place = value`. The place is a local, and a path into it (copy on write): a step is the index of a field, one to
    a payload, or what an element is indexed by, a literal or a local of type i64."""

    slot: int
    path: list[Step]
    value: _ExprUnion
    at: int


class Change(msgspec.Struct, gc=False, tag=True, tag_field="node"):
    """`place = rt::name(place, arguments)`: the place hands its value over, so that it can change where it is. `push`
    stores its argument behind the last element of an array, `insert` its second one at the index that is its first.
    `at` as in expressions, for calls that trap."""

    slot: int
    path: list[Step]
    name: str
    arguments: list[_ExprUnion]
    at: int
    traps: bool = False


class SetGlobal(msgspec.Struct, gc=False, tag=True, tag_field="node"):
    """`name = value` for a variable of the top level; `name` as in `GetGlobal`. `first`: it is the variable's `let`.
    `back`: its reference was taken, so there is none to release."""

    symbol: str
    value: _ExprUnion
    at: int
    name: str = ""
    first: bool = False
    back: bool = False


class Do(msgspec.Struct, gc=False, tag=True, tag_field="node"):
    """An expression for its effect; its value is dropped."""

    value: _ExprUnion


Expr = Union[
    Int, Float, Str, Unit, Local, GetGlobal, LendGlobal, Arithmetic, Negate, BitNot, Not, Compare, And, Or,
    Cast, ToText, Concat, Call, CallChanging, Runtime, NewStruct, UpdateStruct, GetField, NewVariant, GetTag,
    GetPayload, NewArray, RepeatArray, GetElement, Helper, Block, If, Loop, While, ForRange, Break, Continue,
    Return, Print, Panic, MakeClosure, CallValue, GetCell, SetCell,
    ThrowText, HandOn, Catching, Leaving,
]  # fmt: skip
_ExprUnion = Expr
Literal = Union[Int, Float, Str]
"""What a constant may be folded to."""
Step = Union[int, InPayload, Expr]
Stmt = Union[Let, Store, Change, SetGlobal, Do]


# ---------------------------------------------------------------- items


class StructLayout(msgspec.Struct, gc=False):
    """A struct that the module's functions touch, its own or another module's. Fields in declaration order."""

    type: StructType
    names: list[str]
    types: list[Type]


class VariantLayout(msgspec.Struct, gc=False):
    """A variant, with the names ("0", "1" and so on in a tuple) and types of its payload."""

    name: str
    fields: list[str]
    types: list[Type]


class EnumLayout(msgspec.Struct, gc=False):
    """An enum that the module's functions touch. (`Option` and `Result` are known by their arguments.)"""

    type: EnumType
    variants: list[VariantLayout]


class FunctionBody(msgspec.Struct, gc=False):
    """`symbol` is "module::name"; the first `len(parameters)` slots are the parameters; `locals` are the types of all
    slots. `start` is the ordinal of the item's first token: trap sites are stored relative to it. `globals` are the
    symbols of the variables of the top level that it holds (that is "<top>" alone)."""

    symbol: str
    public: bool
    parameters: list[Type]
    result: Type
    locals: list[Type]
    body: Expr
    start: int
    at: int
    globals: list[str] = []
    changes: list[int] = []
    """The parameters `&mut T`: they are handed over, and their values are given back behind the result."""
    throws: bool = False
    """Whether it hands on what is thrown in it. Where not, the program stops."""


class CheckedModule(msgspec.Struct, gc=False):
    """`functions` in source order; the top-level statements, if any, are the function "module::<top>".
    `signatures`: parameter types and result of every function of other modules that is called, by symbol.
    `structs` and `enums`: layouts of all that occur, by type. `calls_main`: the top level calls main itself."""

    functions: list[FunctionBody]
    signatures: dict[str, tuple[list[Type], Type]]
    structs: dict[StructType, StructLayout]
    calls_main: bool = False
    enums: dict[EnumType, EnumLayout] = {}
    changing: dict[str, list[int]] = {}
    """Which parameters of functions of other modules are `&mut T`, by symbol."""
