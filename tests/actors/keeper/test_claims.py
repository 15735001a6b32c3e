"""Claims: seen by everybody else, held by one, gone with their owner; and what is compiled twice all the same is
counted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from actors.digests import digest
from actors.events import CompiledTwice
from actors.keeper import locks
from actors.keeper.locks import Claims
from actors.messages import Find, NewEntry, Statistics
from tests.actors.keeper.keeping import Open, entry, files

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="claims need locks that belong to an open file")

KEYS = [bytes.fromhex(digest(b"%d" % number)) for number in range(4)]
ONE, TWO = entry("one"), entry("two")


def found(*entries: NewEntry, claim: int, build: int = 1) -> Find:
    return Find(build=build, keys=tuple(it.key for it in entries), claim=claim)


def test_a_claim_is_held_by_one(tmp_path: Path) -> None:
    first, second = Claims(str(tmp_path)), Claims(str(tmp_path))
    assert first.take(KEYS[:2]) == set()
    assert first.take(KEYS[:2]) == set(), "its own"
    assert second.take(KEYS) == set(KEYS[:2])
    assert first.take(KEYS) == set(KEYS[2:])
    first.give_back(KEYS[:1])
    assert second.take(KEYS) == {KEYS[1]}
    first.release()
    first.release()
    assert second.take(KEYS) == set()
    second.release()
    assert (tmp_path / locks.CLAIMS).stat().st_size == 0


def test_who_gave_up_waiting_claims_beside_the_first(tmp_path: Path) -> None:
    first, second, third = (Claims(str(tmp_path)) for _ in range(3))
    key = KEYS[:1]
    assert first.take(key) == set()
    assert second.take(key) == set(key) and second.take(key, 1) == set()
    assert third.take(key, 1) == set(key) and third.take(key, 2) == set()
    assert first.take(key, 2) == set(key) and first.take(key, locks.CLAIM_PLACES) == set()
    second.give_back(key)
    assert first.take(key, 1) == set()
    assert third.take(KEYS[1:]) == set(), "other keys have other places"
    for one in (first, second, third):
        one.release()


@pytest.mark.slow
def test_a_claim_dies_with_its_owner(tmp_path: Path) -> None:
    code = (
        "import sys, signal; from actors.keeper.locks import Claims\n"
        "held = Claims(sys.argv[1]); held.take([bytes.fromhex(sys.argv[2])]); print(flush=True); signal.pause()"
    )
    command = [sys.executable, "-c", code, str(tmp_path), KEYS[0].hex()]
    root = str(Path(__file__).parents[3])
    with subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": root}) as owner:
        assert owner.stdout is not None
        owner.stdout.readline()
        mine = Claims(str(tmp_path))
        assert mine.take(KEYS[:2]) == {KEYS[0]}
        owner.send_signal(signal.SIGKILL)
        owner.wait(20)
        assert mine.take(KEYS[:1]) == set()
        mine.release()


@pytest.mark.anyio
async def test_a_build_claims_the_first_of_what_it_looks_up(open_keeper: Open) -> None:
    async with open_keeper() as first, open_keeper() as second:
        await first.begin()
        await second.begin()
        assert (await first.ask(found(ONE, TWO, claim=1))).taken == ()
        answer = await second.ask(found(ONE, TWO, claim=2))
        assert (answer.taken, answer.entries, answer.degraded) == ((ONE.key,), {}, None)
        assert (await first.ask(found(TWO, claim=1))).taken == (TWO.key,)
        await first.store(ONE)
        answer = await second.ask(found(ONE, claim=1))
        assert list(answer.entries) == [ONE.key]
        await second.end()
        assert (await first.ask(found(TWO, claim=1))).taken == (), "the other build has ended"


@pytest.mark.anyio
async def test_what_is_stored_is_claimed_no_longer(open_keeper: Open) -> None:
    """Thousands of locks in one file would be slow."""
    async with open_keeper() as first, open_keeper() as second:
        await first.begin()
        await second.begin()
        await first.ask(found(ONE, TWO, claim=2))
        await first.store(ONE)
        await first.store(TWO)
        assert (await second.ask(found(ONE, TWO, claim=2))).taken == (TWO.key,)


@pytest.mark.anyio
async def test_without_the_file_nobody_has_claimed_anything(open_keeper: Open, tmp_path: Path) -> None:
    (tmp_path / "cache" / locks.CLAIMS).mkdir(parents=True)
    async with open_keeper() as first, open_keeper() as second, open_keeper(None) as third:
        for talk in (first, second, third):
            await talk.begin()
            answer = await talk.ask(found(ONE, claim=1))
            assert (answer.taken, answer.degraded) == ((), None)


@pytest.mark.anyio
async def test_compiling_twice_is_allowed_and_counted(open_keeper: Open, tmp_path: Path) -> None:
    program = entry("main", kind="program")
    async with open_keeper() as first, open_keeper() as second:
        for talk in (first, second):
            await talk.begin()
            await talk.find(ONE, TWO, program)
        await first.store(ONE, program)
        await second.store(TWO, program, entry("one", duration_ms=3.5))
        twice = [event for event in second.events if isinstance(event, CompiledTwice)]
        assert [(event.module, event.key) for event in twice] == [("one", ONE.key)]
        assert "CompiledTwice" not in first.names()
        assert "NondeterministicToolchain" not in second.names()
        await first.end(compilations=1)
        await second.end(compilations=2)
        said = await first.ask(Statistics())
        assert (said.compilations, said.compiled_twice, said.entries) == (3, 1, 3)
        assert len(files(tmp_path / "cache")) == 6


@pytest.mark.anyio
async def test_forced_and_healed_entries_are_not_counted(open_keeper: Open) -> None:
    async with open_keeper() as talk:
        await talk.build(ONE)
        await talk.begin()
        await talk.store(ONE, force=True)
        await talk.store(ONE)
        await talk.end()
        assert (await talk.ask(Statistics())).compiled_twice == 0
