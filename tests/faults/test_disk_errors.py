"""An error at the k-th operation on the cache, for every k: files, statements of SQLite and locks; once, and from then
on for ever. The build goes on, serves nothing wrong, and says so once; afterwards all is as if nothing had happened."""

from __future__ import annotations

import errno
import itertools
import shutil
from pathlib import Path

import pytest

from tests.faults.gates import SHORT, FaultyOffload, Gate
from tests.faults.scenarios import (
    CACHE,
    PROJECT,
    Around,
    a_new_process,
    a_process_that_cleans_up,
    all_is_well,
    two_builds,
)
from tests.helpers.plain_builds import write
from tests.helpers.tallies import Tally, in_parts, share

pytestmark = pytest.mark.anyio

FAULTS = [errno.ENOSPC, errno.EIO, errno.EACCES, errno.EMFILE, errno.EROFS, SHORT]


async def run(folder: Path, gate: Gate, tally: Tally, what: object) -> None:
    write(folder, PROJECT)
    await two_builds(folder, tally, what, offload=FaultyOffload(gate))
    await a_new_process(folder, tally, what, offload=FaultyOffload(gate))
    await a_process_that_cleans_up(folder, tally, what, offload=FaultyOffload(gate))


@pytest.fixture
async def operations(tmp_path: Path) -> int:
    """How many operations there are where nothing fails: the same number each time."""
    counts = []
    for name in ("first", "second"):
        gate = Gate(tmp_path / name / CACHE)
        await run(tmp_path / name, gate, Tally(), "counting")
        counts.append(len(gate.log))
    assert counts[0] == counts[1] > 300
    kinds = {operation for operation, _ in gate.log}
    assert kinds >= {"stamp", "entries", "read", "create", "rename", "remove", "make_folders", "lock", "append"}, kinds
    assert kinds >= {"sql open", "sql BEGIN", "sql COMMIT", "sql SELECT", "sql INSERT", "sql close"}, kinds
    return counts[0]


@pytest.mark.slow
@pytest.mark.sweep
@pytest.mark.timeout(3600)
@in_parts
async def test_an_error_at_every_operation(
    tmp_path: Path, tally: Tally, operations: int, part: int, anyio_backend: str
) -> None:
    cases = list(itertools.product(range(1, operations + 1), FAULTS, (False, True)))
    around = Around()
    for at, fault, for_ever in share(cases, part, few=12, backend=anyio_backend):
        what = f"{fault} at {at}{' for ever' if for_ever else ''}"
        folder = tmp_path / what.replace(" ", "-")
        gate = Gate(folder / CACHE, at=at, for_ever=for_ever, fault=fault)
        await run(folder, gate, tally, what)
        assert gate.injected >= 1, what
        # What could not be removed stays until somebody collects it.
        operation, path = gate.log[at - 1]
        unremoved = for_ever or fault == SHORT or operation in ("remove", "stamp")
        await all_is_well(folder, tally, what, temporary=unremoved, stuck=path if unremoved else "")
        around.check(what)
        tally.survive(gate.injected)
        shutil.rmtree(folder)
