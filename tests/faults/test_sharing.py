"""Two to sixteen processes that build overlapping projects on one cache, under eviction that churns, with one of them
killed; and, where nothing is evicted, how many modules they compile twice."""

from __future__ import annotations

import itertools
import os
import random
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from actors.digests import digest
from tests.faults.fork_server import ForkedChild, ForkServer, fork_server
from tests.faults.scenarios import CACHE, leftovers, right
from tests.helpers.plain_builds import opened, write
from tests.helpers.tallies import LONG, Tally, in_parts, share

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.slow,
    pytest.mark.sweep,
    pytest.mark.timeout(3600 if LONG else 120),
    pytest.mark.skipif(not hasattr(os, "fork"), reason="forks"),
]

MODULES = 24
EDITS = 5


@pytest.fixture(scope="module")
def server() -> Iterator[ForkServer]:
    with fork_server() as made:
        yield made


def version(number: int, edits: int = EDITS) -> dict[str, str]:
    """A project of which every version shares some modules with every other."""
    texts = {
        f"m{place:02}": f"pub f = {place} {number if place % edits == number else ''}\n" for place in range(MODULES)
    }
    uses = "".join(f"use m{place:02}::f as f{place:02}\n" for place in range(MODULES))
    return {**texts, "main": uses + "run f00\n"}


Wanted = list[tuple[str, dict[str, str]]]


async def wanted(texts: list[dict[str, str]]) -> Wanted:
    """The digests of program and objects that each version has to give."""
    found = []
    for one in texts:
        objects, program = await right(one)
        assert program is not None
        found.append((digest(program), {module: digest(data) for module, data in objects.items() if data is not None}))
    return found


def check(said: dict[str, Any], good: Wanted, tally: Tally, what: object) -> None:
    """Every program is right, and every object that the cache had."""
    for build in said["builds"]:
        program, objects = good[build["version"]]
        wrong = [module for module, name in build["objects"].items() if name not in ("", objects[module])]
        wrong += ["program"] if build["program"] != program else []
        tally.wrong += len(wrong)
        assert not wrong, (what, wrong)
        assert build["compiled"] + build["hits"] == len(objects), what


async def still_good(folder: Path, texts: list[dict[str, str]], good: Wanted, tally: Tally, what: object) -> Any:
    """Afterwards: every version builds as from nothing, `verify` is clean (or says what a dead process left, once), and
    nothing is left over. Gives the statistics."""
    place = folder / "after"
    write(place, texts[0])
    async with opened(place, folder=str(folder / CACHE)) as bench:
        said = await bench.project.cache.statistics()
        await bench.project.cache.verify()
        assert (await bench.project.cache.verify()).damage == (), what
        for one, (program, objects) in zip(texts, good, strict=True):
            write(place, one)
            result = await bench.build()
            assert (result.success, result.cache_degraded) == (True, None), what
            assert result.program is not None
            assert digest(result.program.read_bytes()) == program, what
            found = await bench.project.cache.lookup_all(sorted(one))
            assert {module: data.digest for module, data in found.items() if data} == objects, what
        await bench.project.cache.gc(force=True)
    leftovers(folder, what)
    return said


CROWDS = [
    (processes, limit, kill, seed)
    for processes in (2, 4, 8, 16)
    for limit in (9_000, 25_000)
    for kill in (False, True)
    for seed in range(8)
]


@in_parts
async def test_many_on_one_cache_that_is_too_small(
    tmp_path: Path, server: ForkServer, tally: Tally, part: int, anyio_backend: str
) -> None:
    texts = [version(number) for number in range(EDITS)]
    good = await wanted(texts)
    cases = CROWDS if LONG else [crowd for crowd in CROWDS if crowd[0] <= 4]
    for processes, limit, kill, seed in share(cases, part, few=1, backend=anyio_backend):
        what = f"{processes}-{limit}-{kill}-{seed}"
        folder = tmp_path / what
        victim = seed % processes if kill else -1
        crowd: list[ForkedChild] = []
        for number in range(processes):
            event = random.Random(seed).randint(1, 150) if number == victim else 0
            crowd.append(
                server.start(
                    "crowd",
                    folder=str(folder / f"p{number}"),
                    cache=str(folder / CACHE),
                    backend=anyio_backend,
                    seed=seed * 100 + number,
                    texts=texts,
                    limit=limit,
                    event=event,
                )
            )
        for number, one in enumerate(crowd):
            status, said = one.end()
            if number == victim:
                assert status in (0, -signal.SIGKILL), (what, said)
                continue
            assert status == 0, (what, said)
            assert said["strange"] == [], what
            check(said, good, tally, what)
        await still_good(folder, texts, good, tally, what)
        tally.survive()


@pytest.mark.skipif(sys.platform != "linux", reason="claims need locks that belong to an open file")
@in_parts
async def test_few_modules_are_compiled_twice(
    tmp_path: Path, server: ForkServer, tally: Tally, part: int, anyio_backend: str
) -> None:
    """All begin at about the same time with the same modules. What is compiled twice is right, and rare."""
    texts = [version(number) for number in range(EDITS)]
    good = await wanted(texts)
    # `main` imports all, so it is another one in each version.
    modules = len({(module, text) for one in texts for module, text in one.items() if module != "main"}) + len(texts)
    cases = list(itertools.product((2, 4, 8, 16), range(4))) if LONG else [(3, 0), (3, 1)]
    for processes, seed in share(cases, part, few=1, backend=anyio_backend):
        folder = tmp_path / f"{processes}-{seed}"
        crowd = [
            server.start(
                "crowd",
                folder=str(folder / f"p{number}"),
                cache=str(folder / CACHE),
                backend=anyio_backend,
                seed=seed,
                texts=texts,
                limit=1 << 30,
            )
            for number in range(processes)
        ]
        twice = compiled = 0
        for one in crowd:
            status, said = one.end()
            assert (status, said["strange"] if status == 0 else said) == (0, [])
            check(said, good, tally, processes)
            twice += said["twice"]
            compiled += sum(build["compiled"] for build in said["builds"])
        statistics = await still_good(folder, texts, good, tally, processes)
        assert (statistics.compilations, statistics.compiled_twice) == (compiled, twice)
        assert compiled - modules - twice in (0, 1), (
            "two may take equally long, to the microsecond; then it is not seen"
        )
        tally.count(
            **{f"{processes:2}_processes:_compilations": compiled, f"{processes:2}_processes:_of_these_twice": twice}
        )
        assert twice <= compiled // 4
        tally.survive()
