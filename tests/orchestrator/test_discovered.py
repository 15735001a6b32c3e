"""Inputs that only a compile finds out about: an object that has some is never taken from an earlier build."""

from __future__ import annotations

from pathlib import Path

import pytest

import orchestrator
from actors.scanner.snapshot import answers, decode
from orchestrator.result import BuildResult
from orchestrator.testing.toolchain import IncludingToolchain

pytestmark = pytest.mark.anyio


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "main.plain").write_text("use low::f\nrun f\n")
    (folder / "low.plain").write_text("include table\npub f = 1\n")
    return folder


def program(result: BuildResult) -> bytes:
    assert result.success and result.program is not None, result.diagnostics
    return result.program.read_bytes()


async def test_an_input_that_changed_is_seen_in_an_open_project(project: Path, tmp_path: Path) -> None:
    toolchain = IncludingToolchain(str(tmp_path))
    async with orchestrator.open(project, toolchain=toolchain) as opened:
        assert b"one" not in program(await opened.build())
        (tmp_path / "table").write_text("one")  # it was absent, which is an input too
        result = await opened.build()
        assert (b"one" in program(result), result.recompiled) == (True, ["low"])
        (tmp_path / "table").write_text("two")
        result = await opened.build()
        assert (b"two" in program(result), result.recompiled) == (True, ["low"])


async def test_an_input_that_changed_is_seen_by_the_next_process(project: Path, tmp_path: Path) -> None:
    toolchain = IncludingToolchain(str(tmp_path))
    for text in ("one", "two", "one"):
        (tmp_path / "table").write_text(text)
        async with orchestrator.open(project, toolchain=toolchain) as opened:
            assert text.encode() in program(await opened.build())
        assert [call for call in toolchain.calls if call[0] == "compile" and call[1] == "low"]
        toolchain.calls.clear()


async def test_what_depends_on_it_is_a_hit(project: Path, tmp_path: Path) -> None:
    async with orchestrator.open(project, toolchain=IncludingToolchain(str(tmp_path))) as opened:
        assert (await opened.build()).recompiled == ["low", "main"]
        result = await opened.build()
        assert (result.recompiled, result.cache_hits) == (["low"], 1)
        assert (await opened.build(verify=1.0)).success


async def test_a_snapshot_never_answers_for_it(project: Path, tmp_path: Path) -> None:
    for text, expected in (("pub f = 1\n", True), ("include table\npub f = 1\n", False)):
        (project / "low.plain").write_text(text)
        async with orchestrator.open(project, toolchain=IncludingToolchain(str(tmp_path))) as opened:
            await opened.build()
        files = sorted((project / ".ruchy-cache/snapshots").iterdir())
        [snapshot] = filter(None, [decode(file.read_bytes()) for file in files])
        assert snapshot.quiet is expected
        assert not (answers(snapshot) and not expected)
