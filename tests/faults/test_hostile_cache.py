"""A cache whose files a stranger wrote, with checksums that fit: a miss or an error with a code, and nothing worse."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import anyio
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from xxhash import xxh3_128_digest

import orchestrator
from actors.digests import checksum, digest
from actors.disk import RealDisk
from actors.keeper import metadata
from actors.offload import InlineOffload
from orchestrator import BuildResult, Sources
from orchestrator.cli.uptodate import answer
from orchestrator.report.diagnostics import render_all
from orchestrator.testing.disk import FakeDisk
from orchestrator.wasm.leb import custom
from tests.helpers.untrusted_values import LONG, changed, nested, scrambled, share

MAIN = "use low::double;\nfun main() { let unused = 1; println(double(21)); }\n"
LOW = "pub struct P { a: i64 }\npub fun double(n: i64) -> i64 { n * 2 }\n"


class Good:
    """A project that was built, and its cache as it was then."""

    def __init__(self, folder: Path, kept: Path) -> None:
        self.folder = folder
        self.kept = kept
        (folder / "main.ruchy").write_text(MAIN)
        (folder / "low.ruchy").write_text(LOW)
        result = survive(folder)
        assert (result.success, result.compiled_modules) == (True, 2)
        result = survive(folder)
        assert (result.success, result.compiled_modules) == (True, 0)
        for part in (".ruchy-cache", "build"):
            shutil.copytree(folder / part, kept / part)

    def again(self) -> Path:
        """The project as it was."""
        for part in (".ruchy-cache", "build"):
            shutil.rmtree(self.folder / part, ignore_errors=True)
            shutil.copytree(self.kept / part, self.folder / part)
        return self.folder


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Good:
    return Good(tmp_path_factory.mktemp("good"), tmp_path_factory.mktemp("kept"))


def survive(folder: Path, edited: Mapping[str, str] | None = None) -> BuildResult:
    """Build, look after the cache, build again. Nothing may be raised, and what is said has a code."""

    async def main() -> BuildResult:
        offload = InlineOffload(FakeDisk(RealDisk(), aged=True))
        async with orchestrator.open(folder, sources=Sources(edited or {}), offload=offload) as project:
            result = await project.build()
            await project.cache.statistics()
            await project.cache.verify()
            await project.cache.gc(force=True)
            await project.build()
            return result

    result = anyio.run(main)
    assert result.success or any(found.severity == "error" for found in result.diagnostics)
    assert all(found.code for found in result.diagnostics if found.severity == "error")
    render_all(result.diagnostics)
    return result


def cache(folder: Path) -> Path:
    return folder / ".ruchy-cache"


def forget(folder: Path, *what: str) -> None:
    """Remove parts of the cache, so that others are read."""
    for part in what:
        for file in cache(folder).glob(part):
            file.unlink()


def metadata_files(folder: Path) -> list[Path]:
    return sorted((cache(folder) / "metadata").iterdir())


def seal_metadata(file: Path, body: bytes) -> None:
    body = body.removeprefix(b"{")
    file.write_bytes(b'{"check":"%s",%s' % (metadata._check(body, bytes.fromhex(file.stem)), body))


def index(folder: Path) -> sqlite3.Connection:
    return sqlite3.connect(cache(folder) / "index.db", isolation_level=None)


def set_row(folder: Path, data: bytes) -> None:
    with index(folder) as database:
        for (key,) in database.execute("SELECT key FROM entries").fetchall():
            database.execute("UPDATE entries SET row = ? WHERE key = ?", (xxh3_128_digest(key + data) + data, key))
    database.close()


def a_row(folder: Path) -> Any:
    with index(folder) as database:
        ((row,),) = database.execute("SELECT row FROM entries LIMIT 1").fetchall()
    database.close()
    return msgspec.msgpack.decode(row[16:])


def snapshot_file(folder: Path) -> Path:
    return next(file for file in (cache(folder) / "snapshots").iterdir() if file.suffix != ".plan")


def snapshot_parts(folder: Path) -> tuple[bytes, bytes]:
    data = snapshot_file(folder).read_bytes()
    start = 56 + sum(int.from_bytes(data[at:end], "little") for at, end in ((16, 24), (24, 32), (52, 56)))
    return data[:start], data[start:]


def set_snapshot(folder: Path, back: bytes) -> None:
    """Another Snapshot, and a plan that belongs to it."""
    front, _ = snapshot_parts(folder)
    plan = plan_bytes(folder)
    snapshot_file(folder).write_bytes(front[:32] + xxh3_128_digest(back) + front[48:] + back)
    set_plan(folder, plan)


def plan_bytes(folder: Path) -> bytes:
    return (snapshot_file(folder).parent / f"{snapshot_file(folder).name}.plan").read_bytes()[64:]


def set_plan(folder: Path, plan: bytes) -> None:
    head = (checksum(plan) + checksum(snapshot_file(folder).read_bytes())).encode()
    (snapshot_file(folder).parent / f"{snapshot_file(folder).name}.plan").write_bytes(head + plan)


def set_summaries(folder: Path, data: bytes) -> None:
    forget(folder, "snapshots/*")
    with index(folder) as database:
        for (name,) in database.execute("SELECT name FROM summaries").fetchall():
            sealed = xxh3_128_digest(name + data) + data
            database.execute("UPDATE summaries SET data = ? WHERE name = ?", (sealed, name))
    database.close()


def a_summary(folder: Path) -> Any:
    with index(folder) as database:
        ((data,),) = database.execute("SELECT data FROM summaries LIMIT 1").fetchall()
    database.close()
    return msgspec.msgpack.decode(data[16:])


def packed(value: Any) -> bytes:
    return msgspec.msgpack.encode(value)


# ---------------------------------------------------------------------------------------------- mutations


@given(data=st.data())
@share(8)
def test_metadata(data: st.DataObject, good: Good) -> None:
    folder = good.again()
    forget(folder, "index.db*", "snapshots/*")
    file = data.draw(st.sampled_from(metadata_files(folder)))
    fields = json.loads(file.read_bytes())
    del fields["check"]
    body = json.dumps(data.draw(changed(fields)), default=repr)
    seal_metadata(file, body.encode() if body.startswith("{") else b'{"module":' + body.encode() + b"}")
    survive(folder)


@given(data=st.data())
@share(8)
def test_rows(data: st.DataObject, good: Good) -> None:
    folder = good.again()
    forget(folder, "snapshots/*")
    set_row(folder, packed(data.draw(changed(a_row(folder)))))
    survive(folder)


@given(data=st.data())
@share(8)
def test_snapshots(data: st.DataObject, good: Good) -> None:
    folder = good.again()
    set_snapshot(folder, packed(data.draw(changed(msgspec.msgpack.decode(snapshot_parts(folder)[1])))))
    survive(folder)


@given(data=st.data())
@share(12)
def test_plans(data: st.DataObject, good: Good) -> None:
    folder = good.again()
    set_plan(folder, packed(data.draw(changed(msgspec.msgpack.decode(plan_bytes(folder))))))
    edited = {"low.ruchy": LOW + "// edited\n"} if data.draw(st.booleans()) else None
    if data.draw(st.booleans()):
        shutil.rmtree(folder / "build")
    survive(folder, edited)


@given(data=st.data())
@share(12)
def test_summaries(data: st.DataObject, good: Good) -> None:
    folder = good.again()
    set_summaries(folder, packed(data.draw(changed(a_summary(folder)))))
    survive(folder)


@given(data=st.data())
@share(12)
def test_objects(data: st.DataObject, good: Good) -> None:
    """Bytes that fit their checksums and digests, in rows and in metadata, and are no objects, or those of another."""
    folder = good.again()
    forget(folder, "snapshots/*")
    shutil.rmtree(folder / "build")
    objects = sorted((cache(folder) / "modules").iterdir())
    victim, other = data.draw(st.sampled_from(objects)), data.draw(st.sampled_from(objects))
    how = data.draw(st.sampled_from(["scrambled", "scrambled", "other", "model", "short"]))
    old = victim.read_bytes()
    if how == "model":
        new = with_other_model(old, lambda model: data.draw(changed(model)))
    else:
        new = {"other": other.read_bytes, "short": lambda: old[: data.draw(st.integers(0, len(old)))]}.get(
            how, lambda: data.draw(scrambled(old))
        )()
    plant_object(folder, old, new)
    survive(folder)


def with_other_model(data: bytes, change: Callable[[Any], Any]) -> bytes:
    """The object with another model for the fast linker, where it has one."""
    end = len(data) - 4
    start = end - int.from_bytes(data[end:], "little")
    head = data.rfind(b"\\x0cwasmill.link", 0, start) if start > 0 else -1
    if head < 0:
        return data
    section = data.rfind(b"\\0", 0, head - 1)
    encoded = packed(change(msgspec.msgpack.decode(data[start:end])))
    return data[:section] + custom("wasmill.link", encoded + len(encoded).to_bytes(4, "little"))


def plant_object(folder: Path, old: bytes, new: bytes) -> None:
    """Put `new` in the place of `old`, with everything that names it."""
    (cache(folder) / "modules" / f"{digest(new)}.wasm").write_bytes(new)
    for file in metadata_files(folder):
        fields = json.loads(file.read_bytes())
        if fields["digest"] == digest(old):
            del fields["check"]
            fields |= {"digest": digest(new), "checksum": checksum(new), "size": len(new)}
            seal_metadata(file, json.dumps(fields).encode())
    forget(folder, "index.db*")


# ---------------------------------------------------------------------------------------------- one of a kind


@pytest.mark.parametrize("key", ["digest", "checksum", "size", "warnings", "functions", "invented"])
def test_metadata_without_end(good: Good, key: str) -> None:
    folder = good.again()
    forget(folder, "index.db*", "snapshots/*")
    for file in metadata_files(folder):
        fields = json.loads(file.read_bytes())
        fields.pop("check")
        fields.pop(key, None)
        deep = b'"%s":%s' % (key.encode(), b"[" * 10_000 + b"]" * 10_000)
        seal_metadata(file, json.dumps(fields).encode()[:-1] + b"," + deep + b"}")
    result = survive(folder)
    assert (result.success, result.compiled_modules) == (True, 2)


@pytest.mark.parametrize("data", [nested(), b"\x81\xa1x" + nested(), b"\xa1\xff"])
@pytest.mark.parametrize("plant", [set_row, set_summaries, set_snapshot, set_plan])
def test_packed_messages_without_end(good: Good, plant: Callable[[Path, bytes], None], data: bytes) -> None:
    folder = good.again()
    if plant in (set_row, set_summaries):
        forget(folder, "snapshots/*")
    plant(folder, data)
    assert survive(folder).success


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE uses SET key = 1000000000000 WHERE rowid_is = 1",
        "UPDATE uses SET digest = 'text'",
        "UPDATE uses SET digest = x'00'",
        "UPDATE uses SET size = 'large'",
        "UPDATE uses SET size = 9223372036854775807, overhead = 9223372036854775807",
        "UPDATE uses SET size = -1",
        "UPDATE uses SET used = 'never', uses = x'', created = 0.5",
        "DELETE FROM uses",
        "UPDATE entries SET row = 12",
        "UPDATE entries SET row = 'text'",
        "UPDATE counters SET value = 'many'",
        "UPDATE counters SET value = 1e308",
        "UPDATE counters SET value = -5",
        "INSERT OR REPLACE INTO counters VALUES ('saved_ms', x'00')",
        "DELETE FROM counters",
        "UPDATE summaries SET data = 7",
        "CREATE TRIGGER t AFTER INSERT ON entries BEGIN DELETE FROM uses; END",
        "CREATE VIEW v AS SELECT 1",
        "ALTER TABLE uses ADD COLUMN more",
        "DROP TABLE uses",
        "DROP TABLE entries; CREATE VIEW entries AS WITH RECURSIVE c AS (VALUES (1) UNION SELECT 2 FROM c) SELECT 1",
    ],
)
def test_an_index_with_odd_content(good: Good, statement: str) -> None:
    folder = good.again()
    forget(folder, "snapshots/*")
    with index(folder) as database:
        database.executescript(statement.replace("WHERE rowid_is = 1", "WHERE key = (SELECT min(key) FROM uses)"))
    database.close()
    assert survive(folder).success
    again = survive(folder)
    assert (again.success, again.compiled_modules) == (True, 0)


@pytest.mark.parametrize("part", ["modules", "metadata", "quarantine", "snapshots", "running"])
def test_a_folder_of_the_cache_that_is_a_link_costs_nobody_a_file(good: Good, part: str, tmp_path: Path) -> None:
    folder = good.again()
    names = ["mine.txt", "0" * 64 + ".wasm", "0" * 64 + ".json", ".tmp-mine", "0" * 24, "dev-0"]
    for name in names:
        (tmp_path / name).write_text("mine")
        os.utime(tmp_path / name, (0, 0))
    shutil.rmtree(cache(folder) / part, ignore_errors=True)
    (cache(folder) / part).symlink_to(tmp_path)
    forget(folder, "index.db*")
    assert survive(folder).success
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted(names)
    assert {file.read_text() for file in tmp_path.iterdir()} == {"mine"}


KINDS = ["pipe", "folder", "device", "socket", "sparse", "dangling", "circle"]
PARTS = ["modules", "metadata", "snapshots", "index.db", "lock", "index.lock", "outputs"]
PAIRS = [(part, kind) for at, part in enumerate(PARTS) for no, kind in enumerate(KINDS) if LONG or (no - at) % 3 == 0]


@pytest.mark.sweep
@pytest.mark.parametrize(("part", "kind"), PAIRS)
def test_files_of_the_cache_that_are_none(good: Good, part: str, kind: str) -> None:
    folder = good.again()
    forget(folder, "nothing" if part == "snapshots" else "snapshots/*")
    whole = cache(folder) / part
    files = list(whole.iterdir()) if whole.is_dir() else list(cache(folder).glob(f"{part}*")) or [whole]
    if part == "metadata":
        forget(folder, "index.db*")
    for file in files:
        file.unlink(missing_ok=True)
        make(kind, file)
    shutil.rmtree(folder / "build")
    assert survive(folder).success


def make(kind: str, file: Path) -> None:
    """Something that is no plain file of a plain size."""
    if kind == "pipe":
        os.mkfifo(file)
    elif kind == "folder":
        file.mkdir()
        (file / "inside").write_text("")
    elif kind == "sparse":
        with file.open("wb") as opened:
            opened.truncate(1 << 40)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as listening:
            here = Path.cwd()
            os.chdir(file.parent)  # the name of a socket is a hundred characters at most
            try:
                listening.bind(file.name)
            finally:
                os.chdir(here)
    else:
        file.symlink_to({"device": "/dev/zero", "dangling": "nowhere", "circle": file}[kind])


@pytest.mark.parametrize("kind", ["pipe", "folder", "device", "sparse"])
def test_the_shortcut_waits_for_nothing(good: Good, kind: str) -> None:
    folder = good.again()
    assert (
        answer(str(folder)) is None
    )  # the disk of these tests is ahead of its time, so nothing answers; but see below
    file = snapshot_file(folder)
    front = file.read_bytes()[:56]
    file.unlink()
    if kind == "sparse":
        file.write_bytes(front[:8] + (1).to_bytes(4, "little") * 2 + (1 << 39).to_bytes(8, "little") * 2 + front[32:])
        os.truncate(file, 1 << 41)
    else:
        make(kind, file)
    assert answer(str(folder)) is None
