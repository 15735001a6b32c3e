"""For all tests: both event loops, the profiles of Hypothesis, and shards of a long run."""

from __future__ import annotations

import os
import shutil
import tempfile
import zlib

import hypothesis
import pytest

from tests.helpers.tallies import FaultSummary, tally

__all__ = ["tally"]

# The compiler verifies the trees that it makes (orchestrator/toolchains/ruchy/check/verify.py), in all processes.
os.environ["RUCHY_VERIFY"] = "1"

# The same cases in every run, and no clock: a busy machine fails nothing. `make test-long` looks at more, and new ones.
hypothesis.settings.register_profile("short", derandomize=True, deadline=None, database=None)
hypothesis.settings.register_profile("long", max_examples=10_000, deadline=None, print_blob=True)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "short"))


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """Every test marked `anyio` runs on both backends."""
    return str(request.param)


def pytest_configure(config: pytest.Config) -> None:
    """In the processes of pytest-xdist as well: they skip what passed earlier, and the one that asked them adds up."""
    # Machine code that tests leave goes away with them. The C library takes half a minute to build, so that is kept.
    kept = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    os.environ.setdefault("WASMILL_C_LIBRARIES", os.path.join(kept, "wasmill", "c"))
    home = os.environ["XDG_CACHE_HOME"] = tempfile.mkdtemp(prefix="wasmill-tests-")
    config.add_cleanup(lambda: shutil.rmtree(home, ignore_errors=True))
    summary = FaultSummary(os.environ.get("RESUME"))
    if hasattr(config, "workerinput"):
        summary.file = None
    config.pluginmanager.register(summary, "fault-tallies")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """SHARD=2/4 keeps the second quarter of the tests: each test is always in the same one."""
    shard = os.environ.get("SHARD")
    if not shard:
        return
    number, _, shards = shard.partition("/")
    if not (number.isdecimal() and shards.isdecimal() and 1 <= int(number) <= int(shards)):
        raise pytest.UsageError(f"SHARD is written 2/4, the second of four: not {shard!r}")
    chosen = [item for item in items if zlib.crc32(item.nodeid.encode()) % int(shards) == int(number) - 1]
    kept = set(chosen)
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = chosen
