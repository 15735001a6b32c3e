"""`wasmill cache`, from end to end: real Projects, real damage."""

from __future__ import annotations

import errno
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from actors.disk import RealDisk
from actors.keeper.database import Database, Unusable
from orchestrator.cli.cache import amount
from tests.cli.cli_fakes import Wasmill
from tests.helpers.remote_server import CacheServer

FIELDS = {
    "compilations", "hits", "misses", "hit_rate", "evictions", "corruptions", "degradations",
    "compiled_twice", "bytes_read",
    "bytes_written", "saved_ms", "entries", "size_bytes", "limit_bytes",
    "remote",
}  # fmt: skip


@pytest.fixture
def project(wasmill: Wasmill, home: Path) -> Path:
    """Two modules and a program, built."""
    (home / "main.ruchy").write_text("fun main() { println(names::first()); }\n")
    (home / "names.ruchy").write_text('pub fun first() -> String { "Ada" }\n')
    assert wasmill("build", "-q") == (0, "", "")
    return home


def asked(wasmill: Wasmill, *argv: str, code: int = 0) -> dict[str, Any]:
    """The answer with `--json`: one object on standard output, and nothing else anywhere."""
    said, out, err = wasmill("cache", *argv, "--json")
    assert (said, err, out.count("\n")) == (code, "", 1)
    answer: dict[str, Any] = json.loads(out)
    return answer


def object_of(project: Path, module: str) -> Path:
    for file in (project / ".ruchy-cache" / "metadata").iterdir():
        found = json.loads(file.read_bytes())
        if (found["module"], found.get("kind", "object")) == (module, "object"):
            return project / ".ruchy-cache" / "modules" / f"{found['digest']}.wasm"
    raise AssertionError(f"no object of {module}")


def test_a_cache_travels_in_a_file(wasmill: Wasmill, project: Path, tmp_path: Path) -> None:
    file = tmp_path / "cache.bin"
    done = asked(wasmill, "export", str(file))
    assert (done["entries"], done["missing"]) == (3, 0)
    assert done["size_bytes"] == file.stat().st_size
    shutil.rmtree(project / ".ruchy-cache")
    shutil.rmtree(project / "build")
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    code, out, err = wasmill("cache", "import", str(file))
    assert (code, out) == (3, "")
    assert "was not imported: it is damaged, or not whole" in err
    assert asked(wasmill, "stats")["entries"] == 0
    file.write_bytes(whole)
    assert wasmill("cache", "import", str(file), str(project)) == (0, "", "imported 3 of 3 entries\n")
    assert wasmill("build", "-q") == (0, "", "")
    stats = asked(wasmill, "stats")
    assert (stats["compilations"], stats["hits"], stats["corruptions"]) == (0, 2, 0)


def test_a_remote_cache_by_flags(wasmill: Wasmill, project: Path, tmp_path: Path) -> None:
    pytest.importorskip("h11", reason="the extra wasmill[remote] is not installed")
    with CacheServer() as server:
        shutil.rmtree(project / ".ruchy-cache")
        assert wasmill("build", "-q", "--remote-cache", server.url, "--upload", "--force") == (0, "", "")
        assert len(server.held) == 6
        shutil.rmtree(project / ".ruchy-cache")
        asked_before = len(server.asked)
        assert wasmill("build", "-q", "--remote-cache", server.url, "--no-remote") == (0, "", "")
        assert len(server.asked) == asked_before
        shutil.rmtree(project / ".ruchy-cache")
        assert wasmill("build", "-q", "--remote-cache", server.url) == (0, "", "")
        assert server.calls("PUT") == 6
    out = wasmill("cache", "stats")[1]
    assert "remote hits    3 of 3 look-ups, 1 object fetched" in out
    assert "remote faults  0 calls failed, 0 answers were wrong" in out


def test_export_and_import_want_a_file_and_what_there_is(wasmill: Wasmill, home: Path) -> None:
    assert wasmill("cache", "export")[0] == 2
    assert wasmill("cache", "stats", "a", "b")[0] == 2
    (home / "main.ruchy").write_text("fun main() {}\n")
    assert "nothing to export" in wasmill("cache", "export", "x.bin")[2]
    assert wasmill("cache", "import", "absent.bin")[0] == 3
    assert not (home / "x.bin").exists()


def test_stats(wasmill: Wasmill, project: Path) -> None:
    found = asked(wasmill, "stats")
    assert set(found) == FIELDS
    assert (found["compilations"], found["hits"], found["misses"], found["entries"]) == (2, 0, 2, 3)
    names = (project / "names.ruchy").read_text()
    (project / "names.ruchy").write_text(names.replace("Ada", "Ida"))
    wasmill("build", "-q")
    (project / "names.ruchy").write_text(names)
    wasmill("build", "-q")
    found = asked(wasmill, "stats")
    assert (found["compilations"], found["hits"], found["misses"], found["hit_rate"]) == (4, 2, 4, 1 / 3)
    assert found["saved_ms"] > 0
    code, out, err = wasmill("cache", "stats")
    assert (code, err) == (0, "")
    assert out.startswith(f"entries        6 ({amount(found['size_bytes'])} of at most 2.1 GB)\n")
    assert "\nhits           2 of 6 look-ups (33.3%)\ncompilations   4\ntime saved     " in out


def test_verify_finds_nothing(wasmill: Wasmill, project: Path) -> None:
    assert asked(wasmill, "verify") == {"checked": 3, "damage": [], "degraded": None}
    assert wasmill("cache", "verify") == (0, "", "checked 3, damaged 0\n")


def test_verify_finds_damage_says_what_it_did_and_the_next_build_heals(wasmill: Wasmill, project: Path) -> None:
    file = object_of(project, "names")
    good = file.read_bytes()
    file.write_bytes(good.replace(b"Ada", b"Ide"))
    (damage,) = asked(wasmill, "verify", code=1)["damage"]
    assert len(damage.pop("key")) == 64
    assert damage == {
        "file": f"modules/{file.name}",
        "problem": "its bytes are not the ones that were written",
        "action": "quarantined",
        "module": "names",
    }
    assert asked(wasmill, "verify")["damage"] == [], "what was wrong is gone"
    assert [moved.read_bytes() for moved in (project / ".ruchy-cache" / "quarantine").iterdir()] == [
        good.replace(b"Ada", b"Ide")
    ]
    assert asked(wasmill, "stats")["corruptions"] == 1
    code, _, err = wasmill("build")
    assert code == 0 and "1 compiled, 1 from the cache" in err, "though nobody needed the object"
    assert file.read_bytes() == good
    file.unlink()
    code, out, err = wasmill("cache", "verify")
    assert (code, out) == (1, "")
    assert err == f"modules/{file.name}: it is missing: entry removed\nchecked 3, damaged 1\n"
    assert wasmill("cache", "verify", "-q") == (0, "", "")


def test_verify_a_broken_index(wasmill: Wasmill, project: Path) -> None:
    index = project / ".ruchy-cache" / "index.db"
    index.write_bytes(b"no database" * 500)
    code, out, err = wasmill("cache", "verify")
    assert (code, out) == (1, "")
    assert err == ("index.db: file is not a database: quarantined, rebuilt from metadata\nchecked 3, damaged 1\n")
    assert asked(wasmill, "verify")["damage"] == []
    assert not list((project / ".ruchy-cache" / "snapshots").iterdir()), "the next build asks for everything"
    assert wasmill("build") == (0, "", "up to date: 2 modules\n")


def test_verify_metadata_that_breaks_while_the_index_is_rebuilt(wasmill: Wasmill, project: Path) -> None:
    file = min((project / ".ruchy-cache" / "metadata").iterdir())
    file.write_bytes(b"{")
    for path in (project / ".ruchy-cache").glob("index.db*"):
        path.unlink()
    found = asked(wasmill, "verify", code=1)
    assert found["checked"] == 2
    assert found["damage"] == [
        {
            "file": f"metadata/{file.name}",
            "problem": "its own checksum does not match",
            "action": "quarantined",
            "module": "",
            "key": file.stem,
        }
    ]
    assert wasmill("build")[0] == 0
    assert asked(wasmill, "verify") == {"checked": 3, "damage": [], "degraded": None}


def test_gc(wasmill: Wasmill, project: Path) -> None:
    assert wasmill("cache", "gc") == (0, "", "removed 0 files, 0 B; evicted 0 entries\n")
    (project / ".ruchy-cache" / "modules" / ".tmp-left-behind").write_bytes(b"x" * 1500)
    nothing = {"removed_files": 0, "freed_bytes": 0, "evicted": 0, "busy": False, "left_files": 0, "degraded": None}
    assert asked(wasmill, "gc") == nothing
    assert asked(wasmill, "gc", "--force") == {**nothing, "removed_files": 1, "freed_bytes": 1500}
    assert asked(wasmill, "verify") == {"checked": 3, "damage": [], "degraded": None}


def test_gc_under_a_lower_limit(wasmill: Wasmill, project: Path) -> None:
    (project / "wasmill.toml").write_text('[cache]\nmax_size = "1 KiB"\n')
    found = asked(wasmill, "gc")
    assert found["evicted"] >= 2 and found["freed_bytes"] > 1024
    now = asked(wasmill, "stats")
    assert now["size_bytes"] <= now["limit_bytes"] == 1024
    assert now["evictions"] == found["evicted"]


def test_clear(wasmill: Wasmill, project: Path) -> None:
    found = asked(wasmill, "clear")
    assert found["removed_files"] >= 6 and found["freed_bytes"] > 0
    now = asked(wasmill, "stats")
    assert (now["entries"], now["size_bytes"], now["compilations"]) == (0, 0, 2), "statistics stay"
    assert "2 compiled, 0 from the cache" in wasmill("build")[2]
    assert wasmill("cache", "clear", "-q") == (0, "", "")


def test_without_a_cache(wasmill: Wasmill, home: Path) -> None:
    """Asking makes no entries, whatever is in the folder."""
    (home / "main.ruchy").write_text("fun main() {}\n")
    assert asked(wasmill, "stats")["entries"] == 0
    assert asked(wasmill, "verify") == {"checked": 0, "damage": [], "degraded": None}
    assert asked(wasmill, "gc")["removed_files"] == asked(wasmill, "clear")["removed_files"] == 0


def test_what_cannot_be_removed_is_said(wasmill: Wasmill, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a file system that is mounted read-only."""
    cache = project / ".ruchy-cache"
    (cache / "modules" / ".tmp-left-behind").write_bytes(b"x")

    def refuse(_: RealDisk, path: str) -> None:
        raise OSError(errno.EROFS, "Read-only file system", path)

    with monkeypatch.context() as patch:
        patch.setattr(RealDisk, "remove", refuse)
        why = "removing modules/.tmp-left-behind: Read-only file system"
        code, out, err = wasmill("cache", "gc", "--force", "-q")
        assert (code, out, err) == (3, "", f"wasmill: 1 file could not be removed: {why}\n")
        code, out, err = wasmill("cache", "clear", "--json")
        found = json.loads(out)
        left = len(list((cache / "snapshots").iterdir()))  # while they stay, so does what they promise
        assert left > 0
        assert (found["removed_files"], found["left_files"]) == (0, left)
        assert found["degraded"].endswith(": Read-only file system")
        assert (code, err) == (3, f"wasmill: {left} files could not be removed: {found['degraded']}\n")
    assert wasmill("cache", "clear", "-q") == (0, "", ""), "and now it works"
    assert "2 compiled, 0 from the cache" in wasmill("build")[2]


def test_an_index_that_cannot_be_written_is_said(
    wasmill: Wasmill, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object, **__: object) -> None:
        raise Unusable("attempt to write a readonly database")

    monkeypatch.setattr(Database, "transact", refuse)
    code, _, err = wasmill("cache", "clear")
    assert code == 3
    assert err.endswith("\nwasmill: not all could be done: index: attempt to write a readonly database\n")
