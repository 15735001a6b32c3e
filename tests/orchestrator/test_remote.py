"""A remote cache, from end to end: two people with one server, and servers that are dead, slow or wrong."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import orchestrator
from orchestrator.errors import ConfigError
from orchestrator.result import BuildResult
from tests.helpers.remote_server import CacheServer

pytest.importorskip("h11", reason="the extra wasmill[remote] is not installed")
pytestmark = pytest.mark.anyio

MODULES = 6
MAIN = "fun main() { println(" + " + ".join(f"low{n}::value()" for n in range(MODULES)) + "); }\n"
TEXTS = {"main.ruchy": MAIN} | {f"low{n}.ruchy": f"pub fun value() -> i64 {{ {n} }}\n" for n in range(MODULES)}
ALL = sorted(name.removesuffix(".ruchy") for name in TEXTS)


@pytest.fixture
def server() -> Iterator[CacheServer]:
    with CacheServer() as server:
        yield server


def copy(folder: Path) -> None:
    """The same sources in a folder, if they are not there."""
    if not folder.exists():
        folder.mkdir()
        for name, text in TEXTS.items():
            (folder / name).write_text(text)


def program(result: BuildResult) -> bytes:
    return Path(result.program).read_bytes()


def files(folder: Path) -> list[bytes]:
    return [file.read_bytes() for file in folder.rglob("*") if file.is_file()]


async def built(place: Path, server: CacheServer | str, **settings: Any) -> tuple[BuildResult, dict[str, int]]:
    """A build in a folder, in a Project of its own, and what the statistics say after it."""
    copy(place)
    url = server if isinstance(server, str) else server.url
    async with orchestrator.open(place, cache=url, jobs=1, **settings) as project:
        result = await project.build()
    async with orchestrator.open(place) as project:
        statistics = await project.cache.statistics()
    said = {f"remote_{name}": getattr(statistics.remote, name) for name in statistics.remote.__struct_fields__}
    return result, said | {name: getattr(statistics, name) for name in ("entries", "corruptions", "degradations")}


async def test_what_one_has_compiled_the_other_does_not(server: CacheServer, tmp_path: Path) -> None:
    one, said = await built(tmp_path / "one", server, upload=True)
    assert sorted(one.recompiled) == ALL
    assert (said["remote_hits"], said["remote_misses"], said["remote_uploads"]) == (0, MODULES + 2, MODULES + 2)
    two, said = await built(tmp_path / "two", server)
    assert (two.success, two.recompiled, two.cache_hits, two.cache_degraded) == (True, [], MODULES + 1, None)
    assert program(two) == program(one)
    # The program alone was fetched: nobody needed the objects of the modules.
    assert (said["remote_hits"], said["remote_objects"], said["entries"]) == (MODULES + 2, 1, 1)
    assert server.calls("GET", "/cas/") == 1
    assert server.calls("PUT") == 2 * (MODULES + 2)

    # An edit needs the objects of the others, for the link.
    (tmp_path / "two" / "low0.ruchy").write_text("pub fun value() -> i64 { 70 }\n")
    edited, said = await built(tmp_path / "two", server, invalidation="transitive")
    clean, _ = await built(tmp_path / "two", "", folder=".clean", output="clean")
    assert program(edited) == program(clean)
    assert said["remote_uploads"] == 0


async def test_nothing_is_uploaded_unless_told(server: CacheServer, tmp_path: Path) -> None:
    _, said = await built(tmp_path / "one", server)
    assert server.held == {}
    assert server.calls("PUT") == 0
    assert (said["remote_misses"], said["remote_uploads"], said["remote_dropped"]) == (MODULES + 2, 0, 0)


def everything(how: Any, part: str = "") -> Any:
    return lambda method, path, data: how if part in path else data


def flipped(method: str, path: str, data: bytes | None) -> bytes | None:
    return data if method == "PUT" or not data else data[:-1] + bytes([data[-1] ^ 1])


FAULTS = {
    "hangs": everything("hang"),
    "hangs at objects": everything("hang", "/cas/"),
    "resets": everything("reset"),
    "cuts": everything("cut"),
    "is no HTTP": everything("noise"),
    "never ends": everything("endless"),
    "fails": everything(500),
    "refuses": everything(403),
    "has rotten objects": lambda method, path, data: flipped(method, path, data) if "/cas/" in path else data,
    "has rotten results": lambda method, path, data: flipped(method, path, data) if "/ac/" in path else data,
    "has lost its objects": everything(None, "/cas/"),
    "sends nothing": everything(b""),
    "sends too much": lambda method, path, data: (data or b"") + bytes(100_000),
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_server_that_fails_costs_little_and_nothing_else(
    fault: str, server: CacheServer, tmp_path: Path
) -> None:
    good, _ = await built(tmp_path / "one", server, upload=True)
    server.wrong = FAULTS[fault]
    begin = time.monotonic()
    result, said = await built(tmp_path / "two", server, upload=True)
    took = time.monotonic() - begin
    assert result.success
    assert program(result) == program(good)
    assert took < 2 + 1.5  # 1.5 s are more than the build itself takes.
    if fault != "has lost its objects":
        assert said["remote_errors"] + said["remote_refused"] > 0 or "does not answer" in (result.cache_degraded or "")
    assert said["corruptions"] == 0
    # And the local cache is as if there were no server.
    again, _ = await built(tmp_path / "two", "", output="again")
    assert (again.recompiled, again.cache_degraded) == ([], None)


async def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    with CacheServer() as gone:
        pass
    result, said = await built(tmp_path / "one", gone, upload=True)
    assert result.success
    assert result.cache_degraded is not None
    assert result.cache_degraded.startswith("the remote cache: ")
    assert (said["remote_misses"], said["degradations"]) == (0, 1)


async def test_secrets_come_from_the_environment_and_stay_there(
    server: CacheServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WASMILL_REMOTE_TOKEN", "s3cret")
    monkeypatch.setenv("CACHE_KEY", "hidden")
    server.requires = ("Authorization", "Bearer s3cret")
    seen: list[str] = []
    folder = tmp_path / "one"
    await built(folder, "")
    shutil.rmtree(folder / ".ruchy-cache")
    headers = ["X-Key: $CACHE_KEY", "X-None: $NOT_SET_ANYWHERE"]
    async with orchestrator.open(
        folder, cache=server.url, upload=True, headers=headers, tap=lambda record: seen.append(repr(record))
    ) as project:
        project.listen(lambda event: seen.append(repr(event)))
        seen.append(repr(project.config))
        assert (await project.build()).cache_degraded is None
    assert server.headers["X-Key"] == "hidden"
    assert "X-None" not in server.headers
    monkeypatch.setenv("WASMILL_REMOTE_TOKEN", "wr0ng")
    result, _ = await built(tmp_path / "two", server)
    assert result.success
    assert result.cache_degraded == "the remote cache: HTTP 401"
    for secret in ("s3cret", "hidden", "wr0ng"):
        assert not any(secret in text for text in seen)
        assert not any(secret.encode() in data for data in (*files(tmp_path), *server.held.values()))


async def test_a_file_that_names_a_server_needs_trust(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: CacheServer
) -> None:
    (tmp_path / "main.ruchy").write_text("fun main() {}\n")
    (tmp_path / "wasmill.toml").write_text(f'[remote]\ncache = "{server.url}"\n')
    with pytest.raises(ConfigError, match="not trusted"):
        orchestrator.open(tmp_path)
    monkeypatch.setenv("WASMILL_TRUST", str(tmp_path))
    async with orchestrator.open(tmp_path) as project:
        assert (await project.build()).success
    assert server.calls("GET") == 2


@pytest.mark.parametrize("url", ["ftp://a/", "https://user:word@a/", "https://", "a", "https://a/?k=1", "http://a b/"])
async def test_urls_that_are_none_or_hold_secrets_are_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as raised:
        orchestrator.open(tmp_path, cache=url)
    assert "cache" in str(raised.value)
