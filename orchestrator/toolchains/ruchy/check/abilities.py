"""What each type can do: one row for each class of types.

The checker and lowering read this table and name no class themselves, so that a new type is a class in `types.py`, a
row here, and the code that the row asks for. The table is complete, or this module cannot be imported; and where a row
asks for code that `lower/` does not have, `lower/table.py` cannot be imported. A new ability (a hash, a default value)
is a new column: it has no default, so each type has to say what it does.

Each ability is done in a `Way`: by instructions in place (INLINE), by a function of the runtime, which is then named,
by a function that is written for each type (HELPER, see `lower/glue.py`), or not at all (NONE).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple
from urllib.parse import quote

from orchestrator.toolchains.ruchy.check.types import (
    ArrayType,
    BoolType,
    EnumType,
    ErrorType,
    FloatType,
    FunctionType,
    IntType,
    MapType,
    MixedType,
    NeverType,
    ObjectType,
    PlainEnumType,
    SetType,
    StringType,
    StructType,
    TupleType,
    Type,
    UnitType,
    key_of,
)
from orchestrator.toolchains.ruchy.tables import complete

Way = str
NONE: Final = ""
INLINE: Final = "inline"
HELPER: Final = "helper"

NO_VALUE: Final = ""
REFERENCE: Final = "reference"

STORAGES: Final = (None, NO_VALUE, "i8", "u8", "i16", "u16", "i32", "i64", "f32", "f64", REFERENCE)
"""What a value can be in memory. `isize` and `usize` are kept as their 64 bits."""

Text = Callable[[Type], str]


class Abilities(NamedTuple):
    """One row. The functions get the type, and `shown` and `name` also what makes the text of its parts.

    `shown`: as the user writes it. `name`: canonical, for signatures, fingerprints and the symbols of helpers
    (`signatures.py` reads it back); empty for a type that no value has. `type_of`: what `type_of(x)` says.
    `storage`: what a value is in memory (`lower/layout.py` has the list), NO_VALUE where there is nothing to store,
    None where no such type may reach lowering. Only a REFERENCE is counted: then it has a `drop`.
    `eq`, `order` and `show` are the ways of `==`, of `<` and of the text of a value. Where a type is `taken_apart`, the
    checker shows its values in terms of others (`data/display.py`), so lowering only meets them inside of helpers.
    """

    shown: Callable[[Any, Text], str]
    name: Callable[[Any, Text], str]
    type_of: str
    storage: str | Callable[[Any], str] | None
    drop: Way
    unshare: Way
    eq: Way
    order: Way
    show: Way
    taken_apart: bool


def _always(text: str) -> Callable[[Any, Text], str]:
    return lambda kind, text_of: text


def _own_name(kind: IntType | FloatType, text_of: Text) -> str:
    return kind.name


def _storage_of_int(kind: IntType) -> str:
    """Small integers are kept small in memory."""
    if kind.bits >= 32:
        return f"i{kind.bits}"
    return f"{'i' if kind.signed else 'u'}{kind.bits}"


def _storage_of_float(kind: FloatType) -> str:
    return kind.name


def _own_item(kind: StructType | EnumType) -> str:
    return kind.item.rsplit("::", 1)[-1].rsplit(".", 1)[-1].rstrip("'")


def _shown_named(kind: StructType | EnumType, text_of: Text) -> str:
    texts = _listed(kind, text_of)
    return f"{_own_item(kind)}<{', '.join(texts)}>" if texts else _own_item(kind)


def _name_of_struct(kind: StructType | EnumType, text_of: Text) -> str:
    """`m::P`; `m::Stack<i64>`."""
    texts = _listed(kind, text_of)
    return f"{key_of(kind)}<{', '.join(texts)}>" if texts else key_of(kind) if not kind.parts else ""


def _name_of_enum(kind: EnumType, text_of: Text) -> str:
    """`enum m::E`; `enum m::Tree<i64>`; `::Option<i64>`."""
    name = _name_of_struct(kind, text_of)
    return f"enum {name}" if name and kind.module else name


def _name_of_plain(kind: PlainEnumType, text_of: Text) -> str:
    return f"plain {key_of(kind)}"


def _listed(kind: Type, text_of: Text) -> list[str]:
    """The texts of the parts, none where one of them has none."""
    texts = [text_of(part) for part in kind.parts]
    return texts if all(texts) else []


def _array(kind: ArrayType, text_of: Text) -> str:
    return "".join(f"[{text}]" for text in _listed(kind, text_of))


def _tuple(kind: TupleType, text_of: Text) -> str:
    texts = _listed(kind, text_of)
    return f"({', '.join(texts)}{',' * (len(texts) == 1)})" if texts else ""


def _shown_mixed(kind: MixedType, text_of: Text) -> str:
    return f"[{', '.join(_listed(kind, text_of))}]"


def _name_of_mixed(kind: MixedType, text_of: Text) -> str:
    texts = _listed(kind, text_of)
    return f"mixed({', '.join(texts)})" if texts else ""


def _object(kind: ObjectType, text_of: Text) -> str:
    """A key may be any text. In a name nothing but letters, digits and a few marks stays as it is."""
    texts = [text_of(part) for part in kind.types]
    if not all(texts):
        return ""
    return "{" + ",".join(f"{quote(name, '')}:{text}" for name, text in zip(kind.names, texts, strict=True)) + "}"


def _shown_object(kind: ObjectType, text_of: Text) -> str:
    return "{" + ", ".join(f"{name}: {text_of(part)}" for name, part in zip(kind.names, kind.types, strict=True)) + "}"


def _angled(word: str) -> Callable[[Any, Text], str]:
    def text(kind: Type, text_of: Text) -> str:
        texts = _listed(kind, text_of)
        return f"{word}<{', '.join(texts)}>" if texts else ""

    return text


def _shown_function(kind: FunctionType, text_of: Text) -> str:
    result = text_of(kind.result)
    return f"fn({', '.join(map(text_of, kind.parameters))}){'' if result == '()' else f' -> {result}'}"


def _name_of_function(kind: FunctionType, text_of: Text) -> str:
    *parameters, result = _listed(kind, text_of) or [""]
    return f"fn({','.join(parameters)})->{result}" if result else ""


def _plain(shown: str, type_of: str, storage: str | None, ways: tuple[Way, Way, Way]) -> Abilities:
    """A type whose name says everything, and whose values are not counted."""
    return Abilities(_always(shown), _always(shown), type_of, storage, NONE, NONE, *ways, taken_apart=False)


_SCALAR = (INLINE, INLINE, INLINE)
_NOTHING = (NONE, NONE, NONE)

ABILITIES: dict[type, Abilities] = {
    IntType: Abilities(_own_name, _own_name, "integer", _storage_of_int, NONE, NONE, *_SCALAR, taken_apart=False),
    FloatType: Abilities(_own_name, _own_name, "float", _storage_of_float, NONE, NONE, *_SCALAR, taken_apart=False),
    BoolType: _plain("bool", "boolean", "u8", _SCALAR),
    StringType: Abilities(
        shown=_always("String"),
        name=_always("String"),
        type_of="string",
        storage=REFERENCE,
        drop="rt::release",
        unshare=NONE,
        eq="rt::str_eq",
        order="rt::str_compare",
        show=INLINE,
        taken_apart=False,
    ),
    UnitType: _plain("()", "nil", NO_VALUE, (INLINE, NONE, INLINE))._replace(taken_apart=True),
    NeverType: Abilities(_always("!"), _always(""), "object", NO_VALUE, NONE, NONE, *_NOTHING, taken_apart=False),
    ErrorType: Abilities(_always("?"), _always(""), "object", None, NONE, NONE, *_NOTHING, taken_apart=True),
    StructType: Abilities(
        shown=_shown_named,
        name=_name_of_struct,
        type_of="object",
        storage=REFERENCE,
        drop=HELPER,
        unshare=HELPER,
        eq=HELPER,
        order=NONE,
        show=HELPER,
        taken_apart=True,
    ),
    ArrayType: Abilities(
        shown=_array,
        name=_array,
        type_of="array",
        storage=REFERENCE,
        drop=HELPER,
        unshare="rt::arr_own",
        eq=HELPER,
        order=NONE,
        show=HELPER,
        taken_apart=False,
    ),
    TupleType: Abilities(
        shown=_tuple,
        name=_tuple,
        type_of="tuple",
        storage=REFERENCE,
        drop=HELPER,
        unshare=HELPER,
        eq=HELPER,
        order=NONE,
        show=HELPER,
        taken_apart=False,
    ),
    MixedType: Abilities(
        shown=_shown_mixed,
        name=_name_of_mixed,
        type_of="array",
        storage=REFERENCE,
        drop=HELPER,
        unshare=HELPER,
        eq=HELPER,
        order=NONE,
        show=HELPER,
        taken_apart=False,
    ),
    ObjectType: Abilities(
        shown=_shown_object,
        name=_object,
        type_of="object",
        storage=REFERENCE,
        drop=HELPER,
        unshare=HELPER,
        eq=HELPER,
        order=NONE,
        show=HELPER,
        taken_apart=False,
    ),
    EnumType: Abilities(
        shown=_shown_named,
        name=_name_of_enum,
        type_of="enum_variant",
        storage=REFERENCE,
        drop=HELPER,
        unshare=HELPER,
        eq=HELPER,
        order=NONE,
        show=HELPER,
        taken_apart=False,
    ),
    PlainEnumType: Abilities(
        shown=_shown_named,
        name=_name_of_plain,
        type_of="enum_variant",
        storage="i32",
        drop=NONE,
        unshare=NONE,
        eq=INLINE,
        order=NONE,
        show=HELPER,
        taken_apart=False,
    ),
    MapType: Abilities(
        shown=_angled("HashMap"),
        name=_angled("map"),
        type_of="object",
        storage=REFERENCE,
        drop=HELPER,
        unshare=HELPER,
        eq=HELPER,
        order=NONE,
        show=HELPER,
        taken_apart=False,
    ),
    SetType: Abilities(
        shown=_angled("HashSet"),
        name=_angled("set"),
        type_of="object",
        storage=REFERENCE,
        drop=HELPER,
        unshare=HELPER,
        eq=HELPER,
        order=NONE,
        show=HELPER,
        taken_apart=False,
    ),
    FunctionType: Abilities(
        shown=_shown_function,
        name=_name_of_function,
        type_of="function",
        storage=REFERENCE,
        drop="rt::fn_drop",
        unshare=NONE,
        eq=INLINE,
        order=NONE,
        show=INLINE,
        taken_apart=False,
    ),
}
complete(ABILITIES, Type, "check.abilities.ABILITIES")


def abilities(kind: Type) -> Abilities:
    """The row of a type."""
    return ABILITIES[kind.__class__]


def storage_of(kind: Type) -> str | None:
    """What a value of a type is in memory."""
    storage = ABILITIES[kind.__class__].storage
    return storage if storage is None or storage.__class__ is str else storage(kind)  # type: ignore[operator]


def name_of(kind: Type) -> str:
    """The canonical name of a type; empty for one that no value has."""
    return ABILITIES[kind.__class__].name(kind, name_of)


def named(kind: Type) -> bool:
    """Whether a type is a struct, or an enum of some module: what it holds says its definition alone."""
    return isinstance(kind, StructType) or (isinstance(kind, EnumType) and bool(kind.module))


def has_order(kind: Type) -> bool:
    """Whether values of a type stand in an order that `sort` and the keys of maps can go by (`lower/glue.py`,
    "compare"). Tuples, arrays, `Option` and `Result` do, if their parts do, although they have no `<`; and so do enums
    without payloads, in the order of their variants."""
    if isinstance(kind, PlainEnumType):
        return True
    if isinstance(kind, ObjectType | MapType | SetType | FunctionType):
        return False
    if kind.parts and not named(kind):
        return all(has_order(part) for part in kind.parts)
    return bool(ABILITIES[kind.__class__].order)


def can_be_key(kind: Type) -> bool:
    """Whether values of a type can be keys of a map. Floats have an order to sort by, but NaN equals nothing."""
    return has_order(kind) and not isinstance(kind, FloatType) and all(can_be_key(part) for part in kind.parts)


def is_comparable(kind: Type, op: str) -> bool:
    """Whether two values of a type can be compared by this operator. What has no value is equal to itself only as a
    field of something else."""
    row = ABILITIES[kind.__class__]
    return bool(row.eq if op in ("==", "!=") else row.order) and row.storage != NO_VALUE
