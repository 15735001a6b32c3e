"""The snapshot and its file."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.diagnostics import about_file
from actors.digests import NO_STAMP, Stamp
from actors.messages import FolderStamp, KnownSource, Rules, ScanEnd, Source
from actors.scanner.snapshot import (
    PLAIN,
    Extra,
    Snapshot,
    answers,
    decode,
    encode,
    rules_digest,
    stamp_extras,
    stamped,
    warnings_of,
)
from orchestrator.testing.disk import FakeDisk
from tests.helpers.snapshots import snapshot_of

STAMP = Stamp(1, 2**64 - 1, 3, -4, 2**62)
KNOWN = KnownSource(module="größe", path="größe.ruchy", digest="d" * 64, size=7, stamp=STAMP)
WARNING = about_file("W0801", "skipped", severity="warning", file="a-b.ruchy")
FULL = Snapshot(
    root="/p/src",
    rules="r",
    known=(KNOWN,),
    folders=(FolderStamp(path="", stamp=STAMP),),
    extras=(Extra("/p/build/main.wasm", STAMP),),
    absent=("/p/wasmill.toml",),
    project="/p",
    settings=PLAIN,
    quiet=True,
    taken_ns=5,
)


def but(**fields):
    return msgspec.structs.replace(FULL, **fields)


@pytest.mark.parametrize("snapshot", [FULL, Snapshot(root=""), but(problems=(WARNING,), links=True)])
def test_there_and_back(snapshot):
    assert decode(encode(snapshot)) == snapshot


def test_equal_snapshots_have_equal_bytes():
    assert encode(FULL) == encode(decode(encode(FULL)))


def test_truncated_is_none():
    data = encode(FULL)
    assert [end for end in range(len(data)) if decode(data[:end]) is not None] == []
    assert decode(data + b"x") is None


def test_other_versions_are_none():
    data = encode(FULL)
    assert decode(data[:7] + b"\x01" + data[8:]) is None
    assert decode(b"") is None


@settings(max_examples=60)
@given(st.integers(0, 8 * len(encode(FULL)) - 1))
def test_a_flipped_bit_never_gives_another_snapshot(bit):
    data = bytearray(encode(FULL))
    data[bit // 8] ^= 1 << bit % 8
    assert decode(bytes(data)) in (None, FULL)


@given(st.binary(max_size=120))
def test_rubbish_is_none(data):
    assert decode(data) is None
    assert decode(b"wasmill\x02" + data) is None


@pytest.mark.parametrize(
    "fields",
    [
        {"settings": ""},
        {"settings": "--profile"},
        {"quiet": False},
        {"project": ""},
        {"known": ()},
        {"links": True},
        {"problems": (msgspec.structs.replace(WARNING, severity="error"),)},
        {"warnings": (msgspec.structs.replace(WARNING, message="a \x1f in it"),)},
        {"known": (msgspec.structs.replace(KNOWN, stamp=NO_STAMP),)},
        {"folders": (FolderStamp(path="", stamp=NO_STAMP),)},
        {"extras": (Extra("/p/wasmill.toml", NO_STAMP),)},
    ],
)
def test_what_does_not_answer_alone(fields):
    assert answers(FULL)
    assert not answers(but(**fields))
    assert int.from_bytes(encode(but(**fields))[8:12], "little") == 0


def test_stamped_paths():
    paths, stamps = stamped(FULL)
    assert paths == ["/p/src/", "/p/src/größe.ruchy"]
    assert stamps == [STAMP, STAMP]
    assert stamped(FULL, without=frozenset(["größe"]))[0] == ["/p/src/"]


def test_made_of_what_was_read_and_what_was_not():
    wrong = about_file("E0801", "not UTF-8", file="a.ruchy")
    end = ScanEnd(unchanged=(KNOWN,), folders=FULL.folders, problems=(WARNING,), rules="r", taken_ns=5)
    read = [
        Source(module="z", path="z.ruchy", digest="e" * 64, data=b"12", stamp=STAMP),
        Source(module="a", path="a.ruchy", digest="", data=b"", stamp=STAMP, error=wrong),
    ]
    snapshot = snapshot_of("/p/src", end, read, settings=PLAIN, project="/p", quiet=True)
    assert snapshot.known == (
        KnownSource(module="a", path="a.ruchy", digest="", size=0, stamp=NO_STAMP),
        KNOWN,
        KnownSource(module="z", path="z.ruchy", digest="e" * 64, size=2, stamp=STAMP),
    )
    assert (snapshot.problems, snapshot.rules, snapshot.taken_ns) == ((WARNING,), "r", 5)
    assert not answers(snapshot)


def test_warnings_are_there_for_the_short_way_to_tell():
    assert answers(but(problems=(WARNING,), warnings=(WARNING,)))
    assert b"a-b.ruchy" in (warnings_of(but(warnings=(WARNING,))) or b"")
    assert decode(encode(but(warnings=(WARNING,)))) == but(warnings=(WARNING,))


def test_extras():
    disk = FakeDisk(aged=True)
    disk.write("/p/wasmill.toml", b"")
    disk.memory.link("/p/linked.toml", "/p/wasmill.toml")
    paths = ["/p/wasmill.toml", "/p/none.toml", "/p/linked.toml"]
    assert stamp_extras(paths, disk) == (
        (Extra("/p/wasmill.toml", disk.memory.stamp("/p/wasmill.toml")), Extra("/p/linked.toml", NO_STAMP)),
        ("/p/none.toml",),
    )
    disk.aged = False
    assert stamp_extras(paths[:1], disk)[0][0].stamp == NO_STAMP
    assert disk.reads == []


def test_rules_have_a_name():
    one = Rules(root="/p", extensions=(".ruchy",))
    assert rules_digest(one) == rules_digest(msgspec.structs.replace(one, snapshot="/s"))
    assert rules_digest(one) != rules_digest(msgspec.structs.replace(one, exclude=("a",)))
    assert rules_digest(one) != rules_digest(msgspec.structs.replace(one, entry="main.ruchy"))
