"""The actor alone, with a server in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from actors.keeper.metadata import described, encode
from actors.messages import EndRemote, FetchRemote, FindRemote, NewEntry, Upload
from actors.remote.actions import action_of, encode_result
from actors.remote.remote import Remote
from actors.remote.servers import RemoteSettings
from actors.system import System
from orchestrator.testing.disk import FakeDisk, MemoryDisk
from orchestrator.testing.faulty import FaultyOffload
from tests.actors.keeper.keeping import entry

pytestmark = pytest.mark.anyio

A, B = entry("a"), entry("b")
FETCHES = "remote.fetch_result", "remote.fetch_object"


def serve(held: dict[str, bytes], one: NewEntry, data: bytes | None = None) -> None:
    key = bytes.fromhex(one.key)
    metadata = encode(described(one, bytes.fromhex(one.digest), 0), key)
    held[f"/ac/{action_of(key).hash}"] = encode_result(metadata, one.digest, len(one.data))
    held[f"/cas/{one.digest}"] = one.data if data is None else data


@asynccontextmanager
async def running(held: dict[str, bytes]) -> AsyncIterator[tuple[System, Remote, FaultyOffload]]:
    offload = FaultyOffload(FakeDisk(MemoryDisk()))
    offload.served = held
    remote = Remote(RemoteSettings("http://cache.example/", upload=True))
    system = System([remote], offload=offload)
    async with system.running():
        yield system, remote, offload


async def test_a_build_asks_for_a_key_once_and_fetches_it_when_told() -> None:
    held: dict[str, bytes] = {}
    serve(held, A)
    async with running(held) as (system, remote, offload):
        for _ in range(2):
            answer = await system.ask(remote.address, FindRemote(build=1, keys=(A.key, B.key)))
            assert answer.entries.keys() == {A.key}
            assert (answer.entries[A.key].digest, answer.entries[A.key].functions) == (A.digest, A.functions)
        counts = offload.faults.counts
        assert [counts[call] for call in FETCHES] == [2, 0]
        came = await system.ask(remote.address, FetchRemote(build=1, digests=(A.digest, B.digest)))
        assert (came.entries, came.objects) == ((A,), {})
        assert [counts[call] for call in FETCHES] == [2, 2]
        serve(held, B)
        answer = await system.ask(remote.address, FindRemote(build=2, keys=(B.key,)))
        assert answer.entries.keys() == {B.key}


async def test_what_is_known_by_its_digest_alone_is_checked() -> None:
    held = {f"/cas/{A.digest}": A.data, f"/cas/{B.digest}": A.data}
    async with running(held) as (system, remote, _):
        came = await system.ask(remote.address, FetchRemote(build=1, digests=(A.digest, B.digest)))
        assert (came.entries, came.objects) == ((), {A.digest: A.data})
        assert came.counts["remote_refused"] == 1


async def test_an_entry_of_another_key_is_refused() -> None:
    held: dict[str, bytes] = {}
    serve(held, B)
    theirs = held[f"/ac/{action_of(bytes.fromhex(B.key)).hash}"]
    held[f"/ac/{action_of(bytes.fromhex(A.key)).hash}"] = theirs
    async with running(held) as (system, remote, _):
        answer = await system.ask(remote.address, FindRemote(build=1, keys=(A.key,)))
        assert (answer.entries, answer.counts) == ({}, {"remote_refused": 1})


async def test_uploads_can_be_found_by_others() -> None:
    held: dict[str, bytes] = {}
    async with running(held) as (system, remote, _):
        sent = await system.ask(remote.address, Upload(build=1, entries=(A, B)))
        assert sent.counts["remote_uploads"] == 2
        await system.ask(remote.address, EndRemote(build=1))
    async with running(held) as (system, remote, _):
        came = await system.ask(remote.address, FetchRemote(build=1, keys=(A.key, B.key)))
        assert sorted(came.entries, key=lambda one: one.module) == [A, B]
