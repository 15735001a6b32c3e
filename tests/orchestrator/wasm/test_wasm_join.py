"""Joining pieces: byte for byte what the encoder and the reader make of the same units."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from orchestrator.toolchains.ruchy import assemble
from orchestrator.wasm.cursor import ByteCursor
from orchestrator.wasm.fragment import (
    DATA,
    FUNCTION,
    GLOBAL,
    HIDDEN,
    LOCAL,
    MEMORY_ADDR_I32,
    MEMORY_ADDR_SLEB,
    TABLE_INDEX_I32,
    TABLE_INDEX_SLEB,
    TYPE_INDEX_LEB,
    WEAK,
    Data,
    FunctionCode,
    Reference,
    Relocation,
    WasmGlobal,
)
from orchestrator.wasm.join import join
from orchestrator.wasm.pieces import CodePiece, DataPiece, code_piece, data_piece, read_use
from orchestrator.wasm.wat import assemble as assemble_text
from tests.helpers.models import with_model
from tests.helpers.reuse_tools import compiled, job_of
from tests.orchestrator.wasm.helpers import (
    HOLE,
    NULLARY,
    PROCEDURE,
    STACK_POINTER,
    UNARY,
    address,
    call,
    constant,
    function,
    load,
    slot,
)
from tests.orchestrator.wasm.referee import encode_object
from tests.orchestrator.wasm.slack_worlds import SlackWorld

RUNTIME = Path(assemble.__file__).parent / "runtime"
SINGLE = sorted(Path(__file__).parents[2].glob("conformance/single/s1-*.ruchy"))
FEATURES = ("sign-ext",)
CUSTOMS = (("one", b"payload"),)


def joined(code, data, globals_=()):
    pieces = [code_piece(one) for one in code], [data_piece(one) for one in data]
    made, model = join(*pieces, FEATURES, CUSTOMS, globals_)
    return made, model


def agree(code, data=(), globals_=()):
    """The joiner's object is the referee's, and its model that of the object, where it has one."""
    made, model = joined(code, data, globals_)
    expected = encode_object(code, data, globals_, features=FEATURES, customs=CUSTOMS)
    assert made == expected
    if not globals_ and not any(item.section == ".bss" or item.flags & WEAK for item in data):
        assert made + model == with_model(expected)
    else:
        assert model == b""


def code_of(piece: CodePiece) -> FunctionCode:
    """The unit that a piece was made of."""
    size = 1
    while piece.entry[size - 1] > 127:
        size += 1
    return FunctionCode(
        ByteCursor(piece.name).name(), piece.type, piece.entry[size:], relocations_of(piece, size), piece.flags
    )


def relocations_of(piece: CodePiece | DataPiece, base: int) -> tuple[Relocation, ...]:
    found = []
    for hole, number in zip(piece.holes, piece.hole_uses, strict=True):
        kind, addend, target = read_use(piece.uses[number])
        found.append(Relocation(kind, hole - base, target, addend))
    return tuple(found)


def data_of(piece: DataPiece) -> Data:
    return Data(
        ByteCursor(piece.name).name(), piece.section, piece.content, piece.align, relocations_of(piece, 0), piece.flags
    )


@pytest.mark.parametrize("seed", range(40))
def test_random_units_agree(seed):
    world = SlackWorld(Random(seed))
    for _ in range(4):
        world.edit()
        ranks = world.ranks()
        for name in world.modules:
            code, data, _ = world.units(name, ranks)
            agree(code, data)
            agree(code, [item for item in data if item.section != ".bss"])


@pytest.mark.parametrize("file", sorted(RUNTIME.glob("*.wat")), ids=lambda file: file.stem)
def test_the_runtime_agrees(file):
    """Mutable globals, .bss, host imports and addresses of other objects: what compiled modules do not have."""
    units = assemble_text(file.read_text(encoding="utf-8"), file.stem)
    agree(units.code, units.data, units.globals)


def test_own_globals_agree():
    """An own global beside an imported one: the imported one is numbered first."""
    own = Reference(GLOBAL, "state", b"\x7f\x01")
    code = [function("f", NULLARY, b"\x23", (7, own), b"\x23", (7, STACK_POINTER), b"\x6a")]
    globals_ = [
        WasmGlobal("other", b"\x7e\x01", b"\x42\x07\x0b", LOCAL),
        WasmGlobal("state", b"\x7f\x01", b"\x41\x05\x0b"),
    ]
    agree(code, [Data("z", ".bss", b"\0\0", 3)], globals_)
    with pytest.raises(ValueError, match="another type"):
        joined([function("f", NULLARY, b"\x23", (7, Reference(GLOBAL, "state", b"\x7e\x01")))], [], globals_)
    with pytest.raises(ValueError, match="another kind"):
        joined([function("f", NULLARY, b"\x10", call("state"))], [], globals_)
    with pytest.raises(ValueError, match="defined twice"):
        joined([constant("state", 1)], [], globals_)


def test_nothing_agrees():
    agree([])
    agree([], [Data("s", ".rodata", b"hey", 2)])


def test_every_kind_of_use_agrees():
    imported = {"module": "wasi", "field": "clock"}
    code = [
        function("f", NULLARY, b"\x10", call("g", UNARY), b"\x10", call("away"), b"\x10", call("host", **imported)),
        function("g", UNARY, b"\x41", slot("f"), b"\x11", (TYPE_INDEX_LEB, UNARY), b"\0", flags=LOCAL),
        function("h", PROCEDURE, b"\x41", address("d", 3), b"\x28\0", load("far", 8), flags=WEAK | HIDDEN),
        function("i", NULLARY, b"\x23", (7, STACK_POINTER), b"\x41", address("far", 8), b"\x41", slot("away")),
    ]
    words = (
        Relocation(TABLE_INDEX_I32, 4, Reference(FUNCTION, "away", NULLARY)),
        Relocation(MEMORY_ADDR_I32, 8, Reference(DATA, "d"), 1),
    )
    data = [Data("d", ".rodata", b"12345", 0), Data("w", ".data", bytes(16), 3, words, HIDDEN)]
    agree(code, data)
    agree([*code, *[constant(f"c{n}", n % 64) for n in range(200)]], data)
    agree([function(f"c{n}", NULLARY, b"\x01" * 400, b"\x10", call(f"c{(n * 7) % 150}")) for n in range(150)])
    agree([function("f" * 200, NULLARY, b"\x41", address("d" * 200))], [Data("d" * 200, ".rodata", b"1")])


@pytest.mark.parametrize(
    "part",
    [
        (7, Reference(GLOBAL, "other", b"\x7f\x00")),
    ],
)
def test_what_the_fast_linker_does_not_take_has_no_model_here_either(part):
    agree([function("f", NULLARY, b"\x10", part)], [Data("d", ".rodata", b"123")])
    made, model = join([code_piece(function("f", NULLARY, b"\x10", part))], [], (), ())
    assert made
    assert not model


@pytest.mark.parametrize(
    "part", [call("away", weak=True), call("__wasm_call_ctors", PROCEDURE), address("d", 9), address("d", -1)]
)
def test_what_is_rare_agrees(part):
    agree([function("f", NULLARY, b"\x10", part)], [Data("d", ".rodata", b"123")])


@pytest.mark.parametrize("flags", [WEAK, 0x20])
def test_data_that_others_may_define_has_no_model(flags):
    agree([], [Data("d", ".rodata", b"123", 0, (), flags)])


@pytest.mark.parametrize(
    ("code", "data"),
    [
        ([constant("f", 1), constant("f", 2)], []),
        ([constant("f", 1)], [Data("f", ".rodata", b"1")]),
        ([constant("f", 1), function("g", NULLARY, b"\x10", call("f", UNARY))], []),
        ([constant("f", 1), function("g", NULLARY, b"\x41", address("f"))], []),
        ([function("g", NULLARY, b"\x41", slot("d"))], [Data("d", ".rodata", b"1")]),
        ([function("g", NULLARY, b"\x10", call("f", UNARY), b"\x10", call("f"))], []),
        ([function("g", NULLARY, b"\x10", call("f", b""))], []),
        ([function("g", NULLARY, b"\x10", (7, Reference(GLOBAL, "x")))], []),
        ([function("g", NULLARY, b"\x10", (0, Reference(DATA, "x")))], []),
        ([function("g", NULLARY, b"\x10", (9, Reference(DATA, "x")))], []),
    ],
)
def test_contradictions_are_errors_in_both(code, data):
    with pytest.raises(ValueError, match=r"."):
        encode_object(code, data)
    with pytest.raises(ValueError, match=r"."):
        joined(code, data)


@pytest.mark.parametrize(
    "unit",
    [
        constant("f", 1, export="f"),
        constant("f", 1, flags=0x20),
        FunctionCode("f", NULLARY, b"\0\x0b", (Relocation(0, 1, Reference(FUNCTION, "f", NULLARY)),)),
        FunctionCode("f", NULLARY, b"\0" + HOLE, (Relocation(2, 1, Reference(FUNCTION, "f", NULLARY)),)),
        FunctionCode("f", NULLARY, b"\0" + HOLE, (Relocation(0, 1, NULLARY),)),
        FunctionCode("f", NULLARY, b"\0" + HOLE, (Relocation(6, 1, Reference(FUNCTION, "f", NULLARY)),)),
        FunctionCode("f", NULLARY, b"\0" + HOLE, tuple([Relocation(6, 1, NULLARY)] * 2)),
    ],
)
def test_a_function_that_makes_no_piece(unit):
    with pytest.raises(ValueError, match="f: "):
        code_piece(unit)


@pytest.mark.parametrize(
    "item",
    [
        Data("d", ".bss", b"\0\0\1\0"),
        Data("d", ".bss", bytes(4), 0, (Relocation(MEMORY_ADDR_I32, 0, Reference(DATA, "d")),)),
        Data("d", ".text", bytes(4)),
        Data("d", ".rodata", bytes(8), 0, (Relocation(MEMORY_ADDR_SLEB, 0, Reference(DATA, "d")),)),
        Data("d", ".rodata", b"1234", 0, (Relocation(MEMORY_ADDR_I32, 0, Reference(DATA, "d")),)),
        Data("d", ".rodata", bytes(3), 0, (Relocation(MEMORY_ADDR_I32, 0, Reference(DATA, "d")),)),
        Data("d", ".rodata", bytes(8), 0, (Relocation(TABLE_INDEX_SLEB, 0, Reference(FUNCTION, "d")),)),
    ],
)
def test_data_that_makes_no_piece(item):
    with pytest.raises(ValueError, match="d: "):
        data_piece(item)


def test_compiled_modules_agree(monkeypatch):
    seen = []

    def refereed(code, data, features, customs):
        found = join(code, data, features, customs)
        made = encode_object(
            [code_of(one) for one in code], [data_of(one) for one in data], features=features, customs=customs
        )
        assert found[0] == made
        assert with_model(made) == found[0] + found[1]
        seen.append(len(code))
        return found

    monkeypatch.setattr(assemble, "join", refereed)
    for file in SINGLE[::5]:
        compiled(job_of(file.read_text()))
    assert sum(seen) > 30
