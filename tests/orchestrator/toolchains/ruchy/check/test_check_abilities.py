"""The table of what each type can do: a type that misses a row, or the code that its row asks for, fails on import."""

from __future__ import annotations

from typing import Any, Union

import pytest

from orchestrator.toolchains.ruchy.check import abilities as table
from orchestrator.toolchains.ruchy.check import types
from orchestrator.toolchains.ruchy.check.abilities import (
    ABILITIES,
    HELPER,
    INLINE,
    NONE,
    REFERENCE,
    is_comparable,
    name_of,
    storage_of,
)
from orchestrator.toolchains.ruchy.check.data import display
from orchestrator.toolchains.ruchy.check.inference.infer import FLOATING, fresh, resolve, settle, shown, unify
from orchestrator.toolchains.ruchy.check.types import (
    BOOL,
    ERROR,
    F64,
    FLOATS,
    I64,
    INTEGERS,
    NEVER,
    STRING,
    UNIT,
    ArrayType,
    EnumType,
    FunctionType,
    MapType,
    MixedType,
    NeverType,
    ObjectType,
    PlainEnumType,
    SetType,
    StructType,
    TupleType,
    Type,
    named_in,
    option_of,
    result_of,
)
from orchestrator.toolchains.ruchy.lower import comparisons, glue, layout, strings
from orchestrator.toolchains.ruchy.lower import table as lowering
from orchestrator.toolchains.ruchy.signatures import known, signature_of, type_named

POINT = StructType("m", "a::Point")
SHAPE = EnumType("m", "a::Shape")
LIGHT = PlainEnumType("m", "Light")
NAMED: dict[str, Type] = {
    **INTEGERS,
    **FLOATS,
    "bool": BOOL,
    "String": STRING,
    "()": UNIT,
    "m::a::Point": POINT,
    "[i64]": ArrayType(I64),
    "[[m::a::Point]]": ArrayType(ArrayType(POINT)),
    "(i64,)": TupleType((I64,)),
    "mixed(i64, [String])": MixedType((I64, ArrayType(STRING))),
    "{a:i64,b%20c:[f64]}": ObjectType(("a", "b c"), (I64, ArrayType(F64))),
    "{}": ObjectType((), ()),
    "map<String, [i64]>": MapType(STRING, ArrayType(I64)),
    "set<(i64, set<m::a::Point>)>": SetType(TupleType((I64, SetType(POINT)))),
    "fn(i64,[m::a::Point])->f64": FunctionType((I64, ArrayType(POINT)), F64),
    "fn()->()": FunctionType((), UNIT),
    "fn(fn(i64)->f64,map<String, fn()->()>)->fn()->i64": FunctionType(
        (FunctionType((I64,), F64), MapType(STRING, FunctionType((), UNIT))), FunctionType((), I64)
    ),
    "enum m::a::Shape": SHAPE,
    "plain m::Light": LIGHT,
    "::Option<[i64]>": option_of(ArrayType(I64)),
    "::Result<(i64, ::Option<enum m::a::Shape>), String>": result_of(TupleType((I64, option_of(SHAPE))), STRING),
    "((i64, [f64]), String)": TupleType((TupleType((I64, ArrayType(F64))), STRING)),
}


@pytest.mark.parametrize("name", NAMED)
def test_a_name_and_its_type(name: str) -> None:
    assert name_of(NAMED[name]) == name
    assert type_named(name) == NAMED[name]


def test_every_type_that_a_value_can_have_is_among_these() -> None:
    covered = {kind.__class__ for kind in NAMED.values()}
    assert covered == set(ABILITIES) - {NEVER.__class__, ERROR.__class__}
    assert name_of(NEVER) == name_of(ERROR) == ""


@pytest.mark.parametrize(
    "name",
    ["", "int", "[int]", "[i64", "(i64", "[]", "(,)", "i64]", "::Option<>", "::Result<i64>", "::Some<i64>", "enum m"],
)
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(ValueError, match=r"^"):
        type_named(name)


def test_a_signature_names_the_structs_in_parts() -> None:
    signature = signature_of([ArrayType(POINT)], TupleType((I64, STRING)))
    assert signature is not None
    assert signature.names == ("m::a::Point",)
    found = known(signature)
    assert found is not None
    assert (found.parameters, found.result) == ((ArrayType(POINT),), TupleType((I64, STRING)))
    assert signature_of([ArrayType(StructType("m", "f.Local"))], UNIT) is None


# ------------------------------------------------------------------------------------------------ parts


def test_types_are_inferred_part_by_part() -> None:
    element, number = fresh(), fresh(FLOATING)
    assert unify(ArrayType(element), ArrayType(STRING))
    assert resolve(element) is STRING
    assert settle(TupleType((number, ArrayType(fresh())))) == TupleType((F64, ArrayType(I64)))
    assert settle(ArrayType(I64)) == ArrayType(I64)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (ArrayType(I64), ArrayType(STRING)),
        (TupleType((I64,)), TupleType((I64, I64))),
        (ArrayType(I64), TupleType((I64,))),
        (ArrayType(I64), I64),
        (POINT, StructType("m", "Other")),
        (SHAPE, EnumType("m", "Other")),
        (option_of(I64), option_of(STRING)),
        (option_of(I64), result_of(I64, STRING)),
    ],
)
def test_types_that_are_not_one(left: Type, right: Type) -> None:
    assert not unify(left, right)


def test_a_type_is_no_part_of_itself() -> None:
    inner, other = fresh(), fresh()
    assert unify(inner, other)
    assert not unify(other, TupleType((I64, ArrayType(inner))))
    assert unify(ArrayType(ERROR), ArrayType(I64))


def test_types_are_shown_with_their_parts() -> None:
    assert shown(TupleType((ArrayType(fresh()), StructType("m", "f.Local'")))) == "([_], Local)"
    assert named_in(TupleType((I64, ArrayType(POINT), POINT))) == [POINT, POINT]


# ------------------------------------------------------------------------------------------------ the table


def test_a_counted_type_can_be_dropped_and_no_other() -> None:
    for kind, row in ABILITIES.items():
        assert (row.storage == REFERENCE) == (row.drop != NONE), kind
        assert row.unshare == NONE or row.storage == REFERENCE, kind


def test_what_can_be_compared() -> None:
    assert is_comparable(I64, "<")
    assert is_comparable(STRING, "<")
    assert is_comparable(POINT, "==")
    assert not is_comparable(POINT, "<")
    assert not is_comparable(UNIT, "==")


@pytest.mark.parametrize(
    ("kind", "storage"),
    [(INTEGERS["i8"], "i8"), (INTEGERS["u16"], "u16"), (INTEGERS["usize"], "i64"), (BOOL, "u8")],
)
def test_what_a_value_is_in_memory(kind: Type, storage: str) -> None:
    assert storage_of(kind) == storage


def test_a_type_without_a_row_makes_the_import_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(types, "Type", Union[types.Type, bytes])
    with pytest.raises(TypeError, match="bytes"):
        check_again(table)


@pytest.mark.parametrize(
    ("column", "way", "code", "place"),
    [
        ("drop", HELPER, glue.HELPERS, "lower.glue"),
        ("order", HELPER, glue.HELPERS, "lower.glue"),
        ("eq", INLINE, comparisons.INLINE_COMPARISONS, "lower.comparisons"),
        ("order", INLINE, comparisons.INLINE_COMPARISONS, "lower.comparisons"),
        ("show", INLINE, strings.INLINE_TEXTS, "lower.strings"),
    ],
)
def test_a_row_whose_code_is_missing_makes_the_import_fail(
    column: str, way: str, code: dict[object, object], place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ABILITIES, NeverType, ABILITIES[NeverType]._replace(**{column: way}))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=place):
        check_again(lowering)
    monkeypatch.setitem(code, (NeverType, column) if way == HELPER else NeverType, object())
    check_again(lowering)


def test_storage_that_is_not_there_makes_the_import_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ABILITIES, ArrayType, ABILITIES[ArrayType]._replace(storage="v128"))
    with pytest.raises(TypeError, match="v128"):
        check_again(lowering)
    monkeypatch.undo()
    monkeypatch.delitem(layout.STORAGE, "u16")
    with pytest.raises(TypeError, match="u16"):
        check_again(lowering)


def test_a_type_that_nobody_takes_apart_makes_the_import_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ABILITIES, ArrayType, ABILITIES[ArrayType]._replace(taken_apart=True))
    with pytest.raises(TypeError, match=r"check\.display"):
        check_again(display)


def check_again(module: Any) -> None:
    """Runs a module's text as its import does, and leaves the module that all others hold as it is."""
    with open(module.__file__, encoding="utf-8") as file:
        exec(compile(file.read(), module.__file__, "exec"), {"__name__": module.__name__})
