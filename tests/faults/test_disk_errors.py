"""An error at the k-th operation on the cache, for every k: files, statements of SQLite and locks; once, and from then
on for ever. The build goes on, serves nothing wrong, and says so once; afterwards all is as if nothing had happened."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path

import pytest

from orchestrator.testing.faults import Faults, fail, lose, short
from tests.faults.scenarios import (
    CACHE,
    PROJECT,
    Around,
    a_new_process,
    a_process_that_cleans_up,
    all_is_well,
    failing,
    on_real_files,
    operations,
    two_builds,
)
from tests.helpers.plain_builds import write
from tests.helpers.tallies import Tally, in_parts, share

pytestmark = pytest.mark.anyio

FAULTS = [*map(fail, ("ENOSPC", "EIO", "EACCES", "EMFILE", "EROFS")), short()]


async def run(folder: Path, faults: Faults, tally: Tally, what: object) -> None:
    write(folder, PROJECT)
    await two_builds(folder, tally, what, offload=on_real_files(faults))
    await a_new_process(folder, tally, what, offload=on_real_files(faults))
    await a_process_that_cleans_up(folder, tally, what, offload=on_real_files(faults))


@pytest.fixture
async def passed(tmp_path: Path) -> list[str]:
    """The operations where nothing fails, in order: the same ones each time."""
    found = []
    for name in ("first", "second"):
        faults = Faults()
        await run(tmp_path / name, faults, Tally(), "counting")
        found.append([hop for hop, _ in operations(faults, tmp_path / name / CACHE)])
    assert found[0] == found[1] and len(found[0]) > 300
    kinds = {hop.partition(".")[2] for hop in found[0]}
    assert kinds >= {"stamp", "entries", "read", "create", "rename", "remove", "make_folders", "lock", "append"}, kinds
    assert kinds >= {"open", "begin", "commit", "select", "insert", "close"}, kinds
    return found[0]


@pytest.mark.slow
@pytest.mark.sweep
@pytest.mark.timeout(3600)
@in_parts
async def test_an_error_at_every_operation(
    tmp_path: Path, tally: Tally, passed: list[str], part: int, anyio_backend: str
) -> None:
    cases = list(itertools.product(range(1, len(passed) + 1), FAULTS, (False, True)))
    around = Around()
    for at, fault, for_ever in share(
        cases, part, few=12, backend=anyio_backend, kinds=lambda case: (passed[case[0] - 1], case[1:])
    ):
        what = f"{fault} at {at}{' for ever' if for_ever else ''}"
        folder = tmp_path / what.replace(" ", "-")
        if passed[at - 1] == "index.commit" and fault.kind == "fail" and at % 2:
            fault = lose(fault.argument)  # It has been done, and the error comes all the same.
        faults = failing(folder / CACHE, fault, at, times=0 if for_ever else 1)
        await run(folder, faults, tally, what)
        assert faults.injected, what
        # What could not be removed stays until somebody collects it.
        operation, path = operations(faults, folder / CACHE)[at - 1]
        unremoved = for_ever or fault == short() or operation in ("disk.remove", "disk.stamp")
        await all_is_well(folder, tally, what, temporary=unremoved, stuck=path if unremoved else "")
        around.check(what)
        tally.survive(len(faults.injected))
        shutil.rmtree(folder)
