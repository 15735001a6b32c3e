"""The fast linker: one program for one set of objects, whatever was linked before; and the one that the compact linker
makes, but for where things lie."""

from __future__ import annotations

from random import Random

import pytest
import wasmtime
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.digests import digest
from orchestrator.wasm.fragment import EXPORTED, HIDDEN, LOCAL, WEAK, Data
from orchestrator.wasm.leb import functype
from orchestrator.wasm.linker import LinkError, link
from orchestrator.wasm.reader import read_object
from orchestrator.wasm.slack.image import size_class
from orchestrator.wasm.slack.library import Library
from orchestrator.wasm.slack.model import UnusualError, model_of, read_model
from orchestrator.wasm.slack.resident import Resident
from orchestrator.wasm.validate import validate
from tests.helpers.models import with_model
from tests.orchestrator.wasm.helpers import (
    NULLARY,
    UNARY,
    address,
    call,
    constant,
    function,
    load,
    sections,
    slot,
)
from tests.orchestrator.wasm.referee import encode_object
from tests.orchestrator.wasm.slack_worlds import LIBRARY, SlackWorld, library_objects, library_parts

MAIN = {"main": "f0"}
ENGINE = wasmtime.Engine()


def fresh() -> Resident:
    return Resident(Library(LIBRARY, library_parts))


def linked(resident: Resident, objects: list[tuple[str, bytes]], exports=MAIN) -> tuple[bytes, bytes] | str:
    """The program and its proof, or why it is not for this linker."""
    try:
        return resident.link([(digest(data), data) for _, data in objects], b"", exports)
    except UnusualError as error:
        return str(error)


def compactly(objects: list[tuple[str, bytes]], *, library: bool = True) -> bytes | None:
    try:
        return link([*objects, *(library_objects() if library else [])], entry=None, exports=MAIN)
    except LinkError:
        return None


def result(program: bytes) -> int:
    """What `main` gives, but for the stack pointer and addresses, which differ from layout to layout."""
    store = wasmtime.Store(ENGINE)
    module = wasmtime.Module(ENGINE, program)
    seven = wasmtime.Func(store, wasmtime.FuncType([], [wasmtime.ValType.i32()]), lambda: 7)
    instance = wasmtime.Instance(store, module, [seven for _ in module.imports])
    return instance.exports(store)["main"](store)


def check(resident: Resident, world: SlackWorld, *, behaviour: bool) -> str:
    objects = world.objects()
    found, again = linked(resident, objects), linked(fresh(), objects)
    if isinstance(found, str) or isinstance(again, str):
        assert found == again
        return "unusual"
    assert found[0] == again[0]
    assert not again[1]
    assert validate(found[0]) is None
    if found[1]:
        assert validate(found[1]) is None
    resident.accepted(found[0])
    if behaviour:
        compact = compactly(objects)
        assert compact is not None
        assert result(found[0]) == result(compact)
    return "patched" if found[1] else "linked"


@settings(max_examples=12)
@given(st.randoms(use_true_random=False))
def test_a_program_does_not_tell_its_history(random):
    world, resident = SlackWorld(random), fresh()
    for step in range(6):
        check(resident, world, behaviour=step in (0, 5))
        world.edit()


@pytest.mark.slow
def test_most_edits_are_patched_and_some_are_not():
    ways = {"patched": 0, "linked": 0, "unusual": 0}
    for seed in range(8):
        world, resident = SlackWorld(Random(seed)), fresh()
        for _ in range(8):
            ways[check(resident, world, behaviour=False)] += 1
            world.edit()
    assert ways["patched"] > 10 and ways["linked"] > 10 and ways["unusual"] > 1, ways


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1000, 1004))
def test_long_histories(seed):
    world, resident = SlackWorld(Random(seed), modules=12), fresh()
    for step in range(200):
        check(resident, world, behaviour=step % 5 == 0)
        world.edit()


# ---------------------------------------------------------------- what is patched, and what is linked again


def obj(*units, **more) -> bytes:
    code = [unit for unit in units if not isinstance(unit, Data)]
    return with_model(encode_object(code, [unit for unit in units if isinstance(unit, Data)], **more))


def text(content: bytes, name: str = "text", align: int = 0) -> Data:
    return Data(name, ".rodata", content, align, (), HIDDEN)


def pointers(*targets: str) -> list:
    """f1, which takes the addresses of functions, and two more functions of which no other module knows."""
    parts = [part for target in targets for part in (b"\x41", slot(target), b"\x1a")]
    own = [constant("a", 1, flags=LOCAL), constant("b", 2, flags=LOCAL)]
    return [function("f1", NULLARY, *parts, b"\x41\x05"), *own]


USER = obj(function("f0", NULLARY, b"\x10", call("f1"), b"\x41\0\x28\0", load("text"), b"\x6a"))
HELD = obj(constant("f1", 5), constant("local", 1, flags=LOCAL), text(b"abcd"))


def replaced(after: bytes, before: bytes = HELD, user: bytes = USER) -> bool:
    """Whether this change was patched; the program is right either way, and does what the compact one does."""
    resident = fresh()
    first = linked(resident, [("a", user), ("b", before)])
    assert not isinstance(first, str), first
    resident.accepted(first[0])
    objects = [("a", user), ("b", after)]
    second, again = linked(resident, objects), linked(fresh(), objects)
    assert not isinstance(second, str) and not isinstance(again, str)
    assert second[0] == again[0]
    compact = compactly(objects)
    assert compact is not None and result(second[0]) == result(compact)
    assert validate(second[0]) is None
    return bool(second[1]) and validate(second[1]) is None


@pytest.mark.parametrize(
    "after",
    [
        obj(function("f1", NULLARY, b"\x41\x05\x41\x06\x6a" + b"\x41\0\x6a" * 500), text(b"abcd")),
        obj(constant("f1", 5), constant("local", 2, flags=LOCAL), text(b"dcba")),
        obj(constant("f1", 5), constant("new", 2), constant("local", 1, flags=LOCAL), text(b"abcd")),
        obj(*pointers("a", "b"), text(b"abcd")),
        obj(constant("f1", 5), text(b"abcd"), Data("more", ".rodata", b"1", 0, (), LOCAL)),
    ],
)
def test_a_change_inside_a_module_moves_nothing_else(after):
    assert replaced(after)


@pytest.mark.parametrize(
    "after",
    [
        pytest.param(obj(constant("first", 1), constant("f1", 5), text(b"abcd")), id="an index that others use"),
        pytest.param(obj(constant("f1", 5), text(b"....", "other"), text(b"abcd")), id="an address that others use"),
        pytest.param(obj(constant("f1", 5), text(b"abcd" * 80)), id="more data than fits"),
        pytest.param(obj(constant("f1", 5), text(b"abcd", align=4)), id="another alignment"),
        pytest.param(obj(*[constant(f"f{n}", n) for n in range(1, 9)], text(b"abcd")), id="more functions than fit"),
        pytest.param(obj(constant("f1", 5, flags=WEAK), text(b"abcd")), id="weak from now on"),
        pytest.param(
            obj(constant("f1", 5), function("id", UNARY, b"\x20\0"), text(b"abcd")), id="a type that is new to all"
        ),
        pytest.param(
            obj(function("f1", NULLARY, b"\x10", call("h", module="env", field="seven")), text(b"abcd")), id="an import"
        ),
        pytest.param(obj(function("f1", NULLARY, b"\x10", call("lib::c")), text(b"abcd")), id="more of the library"),
        pytest.param(obj(*pointers("f1"), text(b"abcd")), id="the address of what others can name"),
    ],
)
def test_whatever_moves_something_links_all_again(after):
    assert not replaced(after)


@pytest.mark.parametrize(
    "before",
    [
        pytest.param(obj(constant("f1", 5), function("x", UNARY, b"\x20\0"), text(b"abcd")), id="the last of a type"),
        pytest.param(
            obj(function("f1", NULLARY, b"\x10", call("lib::c")), text(b"abcd")), id="the last of the library"
        ),
    ],
)
def test_what_nobody_uses_any_more_goes(before):
    assert not replaced(HELD, before)


def test_more_slots_than_fit():
    own = [constant(f"x{n}", n, flags=LOCAL) for n in range(4)]
    parts = [part for n in range(4) for part in (b"\x41", slot(f"x{n}"), b"\x1a")]
    after = obj(function("f1", NULLARY, *parts, b"\x41\x05"), *own, text(b"abcd"))
    assert not replaced(after, obj(constant("f1", 5), *own, text(b"abcd")))


def test_all_modules_take_the_same_address_of_a_function():
    takes = [b"\x41", slot("f1"), b"\x10", call("g"), b"\x46"]  # Whether the two addresses are equal.
    user = obj(function("f0", NULLARY, *takes, b"\x41\0\x28\0", load("text"), b"\x6a"))
    other = function("g", NULLARY, b"\x41", slot("f1"))
    before = obj(constant("f1", 5), other, text(b"abcd"))
    first = linked(fresh(), [("a", user), ("b", before)])
    assert not isinstance(first, str)
    assert result(first[0]) == 1 + int.from_bytes(b"abcd", "little")
    assert replaced(obj(constant("f1", 6), other, text(b"abcd")), before, user)
    unused = constant("g", 7)
    assert replaced(obj(constant("f1", 5), unused, text(b"abcd")), before, user)
    assert not replaced(obj(constant("f1", 5), unused, text(b"abcd")), before)


def test_an_import_that_nobody_wants_any_more_goes():
    before = obj(function("f1", NULLARY, b"\x10", call("h", module="env", field="seven")), text(b"abcd"))
    assert not replaced(HELD, before)


def test_a_weak_function_that_moves_or_goes_is_noticed():
    user = obj(function("f0", NULLARY, b"\x10", call("w"), b"\x10", call("f1"), b"\x6a"))
    weak, other = constant("w", 3, flags=WEAK), constant("x", 2)
    assert not replaced(obj(constant("f1", 5), other, weak), obj(constant("f1", 5), weak, other), user)
    assert replaced(obj(constant("f1", 6), weak, other), obj(constant("f1", 5), weak, other), user)
    resident = fresh()
    first = linked(resident, [("a", user), ("b", obj(constant("f1", 5), weak))])
    assert not isinstance(first, str)
    assert (
        linked(resident, [("a", user), ("b", obj(constant("f1", 5)))])
        == "a symbol is not defined, or an address lies outside of memory"
    )


def test_a_name_that_was_patched_in_can_be_used_and_not_be_defined_again():
    resident = fresh()
    more = obj(constant("f1", 5), constant("new", 2), text(b"abcd"))
    user = obj(function("f0", NULLARY, b"\x10", call("new")))
    steps = [[("a", USER), ("b", HELD)], [("a", USER), ("b", more)], [("a", user), ("b", more)]]
    for number, objects in enumerate(steps):
        found = linked(resident, objects)
        assert not isinstance(found, str)
        assert found[0] == linked(fresh(), objects)[0]
        assert bool(found[1]) == (number > 0)
        resident.accepted(found[0])
    both = obj(constant("new", 1), function("f0", NULLARY, b"\x10", call("f1")))
    assert isinstance(linked(resident, [("a", both), ("b", more)]), str)


def test_of_the_library_only_what_is_reached_is_linked():
    def named(program: bytes) -> set[bytes]:
        return {name for name in (b"lib::a", b"lib::b", b"lib::c", b"hidden") if name in program}

    def program(name: str) -> bytes:
        found = linked(fresh(), [("a", obj(function("f0", NULLARY, b"\x10", call(name))))])
        assert not isinstance(found, str)
        assert validate(found[0]) is None
        return found[0]

    assert named(program("lib::c")) == {b"lib::c"}
    assert named(program("lib::b")) == {b"lib::b"}
    assert named(program("lib::a")) == {b"lib::a", b"lib::b", b"hidden"}
    assert (result(program("lib::a")), result(program("lib::c"))) == (8, 7)


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (obj(constant("f1", 1), constant("f0", 1)), "defined twice"),
        (obj(constant("f2", 1)), "not defined"),
        (obj(function("f1", UNARY, b"\x20\0")), "another type"),
        (obj(constant("f1", 1), constant("lib::c", 1)), "of the library"),
        (obj(constant("f1", 1), text(b"", "__heap_base")), "defined twice"),
        (obj(constant("f1", 1), constant("w", 1, flags=EXPORTED | WEAK)), "may be left out"),
        (obj(constant("f1", 1, export="main")), "two exports"),
        (obj(constant("f1", 1), function("s", functype(b"", b"")), inits=[(1, "s")]), "nothing calls the init"),
        (obj(function("f1", NULLARY, b"\x41", address("weak", weak=True))), "not defined"),
        (b"", "not a WebAssembly file"),
    ],
)
def test_the_unusual_is_refused(other, why):
    user = obj(function("f0", NULLARY, b"\x10", call("f1")))
    found = linked(fresh(), [("a", user), ("b", other)])
    assert isinstance(found, str) and why in found


def test_what_was_refused_leaves_nothing_behind():
    good, bad = [("a", USER), ("b", HELD)], [("a", USER), ("b", obj(constant("f1", 5), constant("f0", 1)))]
    resident = fresh()
    first = linked(resident, good)
    assert isinstance(linked(resident, bad), str)
    assert linked(resident, good) == first
    assert isinstance(linked(resident, good, {"main": "nobody"}), str)
    assert linked(resident, good) == first


def test_there_is_a_proof_only_for_changes_to_what_is_known_to_be_valid():
    resident, other = fresh(), obj(constant("f1", 6), text(b"abcd"))
    first = linked(resident, [("a", USER), ("b", HELD)])
    second = linked(resident, [("a", USER), ("b", other)])  # nobody said that the first was valid
    assert (first[1], second[1]) == (b"", b"")
    resident.accepted(first[0])  # not the last one
    assert linked(resident, [("a", USER), ("b", HELD)])[1] == b""
    resident.accepted(linked(resident, [("a", USER), ("b", HELD)])[0])
    assert linked(resident, [("a", USER), ("b", other)])[1] != b""
    assert linked(resident, [("a", USER), ("b", HELD)])[1] == b""


def test_the_proof_of_an_invalid_change_is_invalid():
    broken = obj(function("f1", NULLARY, b"\x42\x01"), text(b"abcd"))  # an i64 where an i32 is wanted
    resident = fresh()
    resident.accepted(linked(resident, [("a", USER), ("b", HELD)])[0])
    program, proof = linked(resident, [("a", USER), ("b", broken)])
    assert proof and validate(proof) is not None and validate(program) is not None
    assert validate(linked(resident, [("a", USER), ("b", HELD)])[0]) is None


def test_the_model_is_that_of_the_object():
    plain = encode_object([function("f", NULLARY, b"\x10", call("g"))], [text(b"abc")])
    data = with_model(plain)
    model, own = read_model(data), model_of(read_object(plain))
    assert data.startswith(plain)
    assert model.code == own.code == plain[model.code_at : model.code_at + model.code_size]
    own.code_at, own.code_size = model.code_at, model.code_size
    assert model == own
    assert sections(data)[10] == sections(plain)[10]
    for end in range(len(plain), len(data)):
        with pytest.raises(UnusualError):
            read_model(data[:end])


@pytest.mark.parametrize("unit", [4, 256])
def test_size_classes(unit):
    sizes = [size_class(n, unit) for n in range(5000)]
    assert sizes == sorted(sizes)
    assert sizes[0] == unit
    assert all(n + n // 8 < size <= n * 1.5 + unit + 2 and size % unit == 0 for n, size in enumerate(sizes))
    assert len(set(sizes)) < 5000 // unit // 2 + 40
