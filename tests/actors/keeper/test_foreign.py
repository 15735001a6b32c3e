"""Entries from elsewhere: what is accepted, and that everything else is refused as a whole."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

import anyio
import pytest

from actors.digests import Digest, digest
from actors.keeper.foreign import ForeignEntry, pack, unpack
from actors.keeper.metadata import Odd, described, encode
from actors.messages import ExportCache, ImportCache, Imported, NewEntry
from tests.actors.keeper.keeping import Open, entry


def travelling(one: NewEntry, data: bytes | None = None, key: Digest = "", **changed: Any) -> ForeignEntry:
    """An entry as its writer packs it. Another writer may say what it likes, with checksums that fit."""
    named = bytes.fromhex(key or one.key)
    metadata = described(one, bytes.fromhex(changed.pop("digest", one.digest)), 1)
    return ForeignEntry(named, encode(metadata, named), one.data if data is None else data)


def sealed(data: bytes) -> bytes:
    return data + sha256(data).digest()


def test_a_file_holds_what_was_packed() -> None:
    entries = [entry("a"), entry("b", kind="program", functions=("b::x", "other::y")), entry("c", b"")]
    assert [incoming.entry for incoming in unpack(pack(map(travelling, entries)))] == entries
    assert unpack(pack([])) == []


def test_a_file_that_is_cut_or_damaged_anywhere_is_refused() -> None:
    file = pack([travelling(entry("a")), travelling(entry("b"))])
    for length in range(len(file)):
        with pytest.raises(Odd):
            unpack(file[:length])
    for place in range(len(file)):
        with pytest.raises(Odd):
            unpack(file[:place] + bytes([file[place] ^ 1]) + file[place + 1 :])


def test_a_file_with_a_matching_digest_is_checked_nevertheless() -> None:
    good, other = entry("a"), entry("b")
    for wrong in (
        travelling(good, other.data),  # other bytes
        travelling(good, good.data + b"\0"),  # more bytes
        travelling(good, key=other.key),  # another's key
        travelling(good, digest=other.digest),  # another's digest
        travelling(entry("a", kind="spell")),
        ForeignEntry(bytes.fromhex(good.key), b"{}", good.data),
        ForeignEntry(b"short", *travelling(good)[1:]),
    ):
        with pytest.raises(Odd):
            unpack(pack([travelling(other), wrong]))
    whole = pack([travelling(good)])[:-32]
    assert len(unpack(sealed(whole))) == 1
    for text in (whole + b"\0", whole[:-12], whole[:16], whole[:16] + b"\xff" * 12, whole[:20] + b"\xff" + whole[21:]):
        with pytest.raises(Odd):
            unpack(sealed(text))


@pytest.mark.anyio
async def test_only_what_is_asked_for_is_exported_and_only_whole_files_are_imported(
    open_keeper: Open, tmp_path: Path
) -> None:
    a, b, c = entry("a"), entry("b", functions=("b::x", "other::y")), entry("c")
    file = anyio.Path(tmp_path / "cache.bin")
    path = str(file)
    async with open_keeper() as talk:
        await talk.begin()
        await talk.store(a, b, c)
        await talk.end()
        done = await talk.ask(ExportCache(path=path, keys=(a.key, digest(b"gone")), digests=(b.digest,)))
        assert (done.entries, done.missing, done.error) == (2, 0, "")
        assert done.size_bytes == len(await file.read_bytes())
    whole = await file.read_bytes()
    async with open_keeper(str(tmp_path / "other")) as talk:
        await file.write_bytes(whole[:-40])
        refused = await talk.ask(ImportCache(path=path))
        assert refused == Imported(error="it is damaged, or not whole")
        assert (await talk.ask(ImportCache(path=path + "x"))).error
        await talk.begin()
        assert (await talk.find(a, b, c)).entries == {}
        await talk.end()
        await file.write_bytes(whole)
        assert await talk.ask(ImportCache(path=path)) == Imported(entries=2, stored=2)
        assert await talk.ask(ImportCache(path=path)) == Imported(entries=2)
        await talk.begin()
        found = (await talk.find(a, b, c)).entries
        assert found.keys() == {a.key, b.key}
        assert found[b.key].functions == b.functions
        assert await talk.load(a.digest, b.digest) == {a.digest: a.data, b.digest: b.data}


@pytest.mark.anyio
async def test_what_a_cache_has_stays(open_keeper: Open, tmp_path: Path) -> None:
    ours, theirs = entry("a"), entry("a", b"\0asm of another compiler")
    path = anyio.Path(tmp_path / "cache.bin")
    await path.write_bytes(pack([travelling(theirs)]))
    async with open_keeper() as talk:
        await talk.begin()
        await talk.store(ours)
        await talk.end()
        assert await talk.ask(ImportCache(path=str(path))) == Imported(entries=1, refused=1)
        await talk.begin()
        assert (await talk.find(ours)).entries[ours.key].digest == ours.digest
