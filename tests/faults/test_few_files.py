"""Few open files are allowed (RLIMIT_NOFILE): a build with workers is right, or says what it lacks; the next one is
whole, and no process is left over."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from actors.digests import digest
from tests.faults.fork_server import ForkServer, fork_server
from tests.faults.killing import as_if_nothing_had_happened, none_left
from tests.faults.scenarios import PROJECT, Around, right
from tests.helpers.plain_builds import write
from tests.helpers.tallies import LONG, Tally, in_parts, share

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.slow,
    pytest.mark.sweep,
    pytest.mark.timeout(3600 if LONG else 120),
    pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="waits for processes by their descriptors"),
]

ENOUGH = 40


@pytest.fixture(scope="module")
def server() -> Iterator[ForkServer]:
    with fork_server() as made:
        yield made


@in_parts
async def test_every_limit(tmp_path: Path, server: ForkServer, tally: Tally, part: int, anyio_backend: str) -> None:
    _, program = await right(PROJECT)
    assert program is not None
    around = Around()
    for files in share(range(ENOUGH), part, few=3, backend=anyio_backend):
        folder = tmp_path / str(files)
        write(folder, PROJECT)
        status, said = server.run("short_of_files", folder=str(folder), backend=anyio_backend, files=files)
        assert status == 0, (files, said)
        if said["success"]:
            assert said["program"] == digest(program), (files, said)
        else:
            assert "error" in said or said["codes"], (files, said)
        none_left(folder)
        await as_if_nothing_had_happened(folder, tally, files)
        around.check(files)
        tally.survive()
        tally.count(builds_that_succeeded_with_few_files=said["success"])
        shutil.rmtree(folder)
