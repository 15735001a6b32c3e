"""Frozen images: a link that goes on from one gives what a link of everything does, whatever happened to it."""

from __future__ import annotations

from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.digests import checksum, digest
from orchestrator.wasm.linker import STACK_SIZE
from orchestrator.wasm.slack.frozen import freeze, thaw
from orchestrator.wasm.slack.library import Library
from orchestrator.wasm.slack.model import UnusualError
from orchestrator.wasm.slack.resident import NeedsError, Resident
from orchestrator.wasm.validate import validate
from tests.helpers.models import with_model
from tests.orchestrator.wasm.helpers import NULLARY, call, constant, function
from tests.orchestrator.wasm.referee import encode_object
from tests.orchestrator.wasm.slack_worlds import LIBRARY, SlackWorld, library_parts

MAIN = {"main": "f0"}
Objects = list[tuple[str, bytes]]


def fresh() -> Resident:
    return Resident(Library(LIBRARY, library_parts), few=0)


def named(objects: Objects) -> Objects:
    return [(digest(data), data) for _, data in objects]


def whole(objects: Objects) -> bytes | str:
    try:
        return fresh().link(objects, b"", MAIN)[0]
    except UnusualError as error:
        return str(error)


def partly(resident: Resident, objects: Objects, at_hand: set[str]) -> tuple[bytes, bytes, int] | str:
    """The link with only those objects at hand, and more when they are asked for: the program, its proof, and how many
    were asked for."""
    asked = 0
    while True:
        try:
            program, proof = resident.link([(key, data if key in at_hand else b"") for key, data in objects], b"", MAIN)
            return program, proof, asked
        except NeedsError as error:
            assert error.digests and not at_hand.intersection(error.digests)
            assert {key for key, _ in objects}.issuperset(error.digests)
            at_hand.update(error.digests)
            asked += len(error.digests)
        except UnusualError as error:
            return str(error)


def frozen_now(resident: Resident) -> bytes:
    last = resident._last
    assert last is not None
    return freeze(last.image, last.keys, last.start, last.program)


def accepted_alone(objects: Objects) -> Resident:
    resident = fresh()
    resident.link(objects, b"", MAIN)
    return resident


def damaged(random: Random, data: bytes) -> bytes:
    at = random.randrange(len(data))
    choice = random.randrange(3)
    if choice == 0:
        return data[:at]
    if choice == 1:
        return data[:at] + bytes((data[at] ^ 1 << random.randrange(8),)) + data[at + 1 :]
    return data + b"\0"


def history(random: Random, steps: int, modules: int = 6) -> dict[str, int]:
    """Edits, and now and then a new process, which has what was frozen, or nothing, or something odd."""
    world, resident = SlackWorld(random, modules), fresh()
    kept = (b"", b"")
    ways = {"patched": 0, "restored": 0, "linked": 0, "unusual": 0}
    for _ in range(steps):
        objects = named(world.objects())
        choice = random.randrange(6)
        if choice < 4:
            resident = fresh()
            if choice < 3 and kept[0]:
                resident.restore(*kept)
            elif kept[0]:
                resident.restore(damaged(random, kept[0]), kept[1])
                resident.restore(kept[0], damaged(random, kept[1]))
        at_hand = {key for key, _ in objects if not random.randrange(4)}
        found, expected = partly(resident, objects, at_hand), whole(objects)
        if isinstance(found, str) or isinstance(expected, str):
            assert found == expected
            ways["unusual"] += 1
        else:
            program, proof, _ = found
            assert program == expected
            assert validate(program) is None
            assert not proof or validate(proof) is None
            ways["patched" if proof and choice > 3 else "restored" if proof else "linked"] += 1
            resident.accepted(program)
            assert frozen_now(resident) == frozen_now(accepted_alone(objects))
            frozen = resident.freeze()
            if frozen:
                kept = (frozen, program)
        world.edit()
    return ways


@settings(max_examples=15)
@given(st.randoms(use_true_random=False))
def test_a_program_does_not_tell_what_was_dropped_or_restored(random):
    history(random, 6)


@pytest.mark.slow
def test_most_edits_are_patched_after_a_restore():
    ways = dict.fromkeys(("patched", "restored", "linked", "unusual"), 0)
    for seed in range(10):
        for way, count in history(Random(seed), 8).items():
            ways[way] += count
    assert ways["restored"] > 10 and ways["patched"] > 5 and ways["linked"] > 10 and ways["unusual"] > 1, ways


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2000, 2004))
def test_long_histories_with_restores(seed):
    history(Random(seed), 150, modules=12)


# ---------------------------------------------------------------- what is asked for, and what is frozen


def module(number: int, value: int) -> tuple[str, bytes]:
    unit = function(f"f{number}", NULLARY, b"\x41" + bytes((value,)), b"\x10", call(f"f{number + 1}"), b"\x6a")
    data = with_model(encode_object([unit if number < 19 else constant("f19", value)], []))
    return digest(data), data


def chain(**changed: int) -> Objects:
    return [module(number, changed.get(f"m{number}", 1)) for number in range(20)]


def accepted(resident: Resident, objects: Objects) -> bytes:
    program, _ = resident.link(objects, b"", MAIN)
    resident.accepted(program)
    return program


def test_a_restored_image_asks_for_what_changed_and_nothing_else():
    before, after = chain(), chain(m3=5, m7=6)
    first = fresh()
    program = accepted(first, before)
    second = fresh()
    second.restore(first.freeze(), program)
    with pytest.raises(NeedsError) as needed:
        second.link([(key, b"") for key, _ in after], b"", MAIN)
    assert needed.value.digests == (after[3][0], after[7][0])
    found, proof = second.link(
        [(key, data if at in (3, 7) else b"") for at, (key, data) in enumerate(after)], b"", MAIN
    )
    assert found == whole(after)
    assert proof and len(proof) < len(found)


def test_nothing_is_asked_for_where_nothing_changed():
    objects = chain()
    first = fresh()
    program = accepted(first, objects)
    second = fresh()
    second.restore(first.freeze(), program)
    assert second.link([(key, b"") for key, _ in objects], b"", MAIN)[0] == program


def test_what_was_asked_for_is_not_asked_for_again():
    more = with_model(encode_object([constant("more", 1)], []))
    before, after = chain(), [*chain(m3=5), (digest(more), more)]
    resident = fresh()
    accepted(resident, before)
    found = partly(resident, after, set())
    assert not isinstance(found, str) and found[2] == 2
    assert found[0] == whole(after)


def test_everything_is_asked_for_where_nothing_is_remembered():
    objects = chain()
    found = partly(fresh(), objects, set())
    assert not isinstance(found, str) and found[2] == len({key for key, _ in objects})


def test_an_image_is_frozen_again_when_enough_modules_changed():
    resident = fresh()
    accepted(resident, chain())
    assert resident.freeze()
    assert not resident.freeze()
    accepted(resident, chain(**{f"m{n}": 9 for n in range(11)}))
    assert not resident.freeze()
    accepted(resident, chain(**{f"m{n}": 9 for n in range(12)}))
    assert resident.freeze()
    assert not resident.freeze()


def test_small_programs_are_not_frozen():
    resident = Resident(few=21)
    accepted(resident, chain())
    assert not resident.freeze()


def test_what_is_frozen_does_not_tell_its_history():
    first, second, end = fresh(), fresh(), chain(m3=5, m7=6)
    accepted(first, end)
    accepted(second, chain())
    second.freeze()
    accepted(second, chain(m7=6))
    program = accepted(second, end)
    assert program == whole(end)
    assert frozen_now(second) == first.freeze()


def test_a_restored_image_does_not_replace_what_is_remembered():
    first, second = fresh(), fresh()
    program = accepted(first, chain())
    accepted(second, chain(m1=7))
    second.restore(first.freeze(), program)
    assert partly(second, chain(m1=8), set())[2] == 1


@pytest.mark.parametrize("where", range(0, 4000, 97))
def test_whatever_is_damaged_is_not_restored(where):
    resident = fresh()
    program = accepted(resident, chain())
    frozen = resident.freeze()
    library = Library(LIBRARY, library_parts)
    at = where % len(frozen)
    flipped = bytes((frozen[at] ^ 16,))
    assert thaw(frozen[:at] + flipped + frozen[at + 1 :], program, library, STACK_SIZE) is None
    assert thaw(frozen[:at], program, library, STACK_SIZE) is None
    assert thaw(frozen, program[:-1], library, STACK_SIZE) is None
    assert thaw(frozen, program, library, STACK_SIZE + 16) is None
    assert thaw(frozen, program, library, STACK_SIZE) is not None


def test_what_lies_about_its_program_is_not_restored():
    resident = fresh()
    program = accepted(resident, chain())
    fields = msgspec.msgpack.decode(resident.freeze()[:-16])
    assert isinstance(fields, list)
    for number in range(len(fields)):
        for lie in (-1, [], {}, b"", fields[number] + [0] if isinstance(fields[number], list) else 1 << 60):
            data = msgspec.msgpack.encode([*fields[:number], lie, *fields[number + 1 :]])
            thaw(data + bytes.fromhex(checksum(data)), program, None, STACK_SIZE)  # raises nothing
