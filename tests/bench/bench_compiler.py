"""How fast the Ruchy compiler is, phase by phase: `python tests/bench/bench_compiler.py [FUNCTIONS]`.

One generated module of 20 functions of ten lines. Medians and the spread (fastest to slowest) of `RUNS` runs, each the
mean of `LOOPS` calls, in processor time: what else runs on the machine disturbs that less than the clock. Every phase
gets what the phase before it made, so "lex" and the rows from "parse" to "assemble" are most of "compile".
"""

from __future__ import annotations

import gc
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import msgspec

from actors.compiler.toolchain import CompileJob, LinkInput, LinkJob, SummariseJob
from actors.digests import NO_STAMP
from actors.hasher.source import digest
from actors.keeper.fragments import fragments_of
from actors.messages import BuildSettings, Source
from actors.planner.facts import Facts
from orchestrator.toolchains.ruchy import Ruchy
from orchestrator.toolchains.ruchy.check.checker import check
from orchestrator.toolchains.ruchy.compile import compile_module
from orchestrator.toolchains.ruchy.link import link_program
from orchestrator.toolchains.ruchy.lower import lower
from orchestrator.toolchains.ruchy.summary.summarise import summarise
from orchestrator.toolchains.ruchy.syntax.lexer import lex
from orchestrator.toolchains.ruchy.syntax.parser import parse_tokens
from orchestrator.toolchains.ruchy.syntax.split import split
from tests.bench.projects import imports_of, module_text, path_of

RUNS = 11
LOOPS = 10
COUNT = 4
"""Modules in the project that the measured one, the first, stands in."""


def jobs(functions: int) -> tuple[CompileJob, list[LinkInput]]:
    """The job of the first module, and the objects of all, as the planner would make them."""
    facts = Facts("")
    read = []
    for index in range(COUNT):
        data = module_text(index, functions, imports_of(index, COUNT)).encode()
        path = path_of(index)
        read.append(Source(module=path, path=f"{path}.ruchy", digest=digest(data), data=data, stamp=NO_STAMP))
    facts.take((), read, ())
    while (need := facts.update(BuildSettings())) is not None:
        for module, file in need.summaries.items():
            done = summarise(SummariseJob(module=module, path=file.path, source=file.data or b""))
            assert done.summary is not None
            facts.learn(module, done.summary)
    made = []
    for source in read:
        compiled = compile_module(_job(facts, source.module))
        assert compiled.object is not None and not compiled.object.warnings, compiled
        made.append(LinkInput(module=source.module, path=source.path, data=compiled.object.data))
    return _job(facts, path_of(0)), made


def _job(facts: Facts, module: str) -> CompileJob:
    found = facts.fingerprints(module)
    fingerprints = {name: one.digest for name, one in found.items()}
    return msgspec.structs.replace(facts.job(module), fingerprints=fingerprints)


def with_fragments(job: CompileJob, left: int = 0) -> CompileJob:
    """The job with all of its fragments at hand, but for the first `left`."""
    made = compile_module(job).object
    assert made is not None
    found = list(fragments_of(made.data).items())[left:]
    at_hand = {one.hex(): made.data[at : at + length] for one, (at, length) in found}
    return msgspec.structs.replace(job, fragments=at_hand)


def measure(work: Callable[[], object]) -> list[float]:
    """Milliseconds of processor time of one call, for each run, sorted."""
    work()
    gc.collect()
    found = []
    for _ in range(RUNS):
        began = time.process_time()
        for _ in range(LOOPS):
            work()
        found.append((time.process_time() - began) / LOOPS * 1e3)
    return sorted(found)


def main() -> None:
    functions = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    job, objects = jobs(functions)
    source = job.source.decode()
    tokens = lex(source)
    parsed = parse_tokens(source, tokens)
    checked = check(job, parsed).module
    assert checked is not None
    one_left, all_there = with_fragments(job, 1), with_fragments(job)
    summary_job = SummariseJob(module=job.module, path=job.path, source=job.source)
    link_job = LinkJob(entry=job.module, objects=tuple(objects))
    size = len(job.source)
    print(f"a module of {functions} functions, {source.count(chr(10))} lines, {size} bytes, {len(tokens.kinds)} tokens")
    print(f"medians of {RUNS} runs of {LOOPS} calls\n")
    print(f"{'':<40} {'ms':>8} {'MB/s':>8}   fastest to slowest, ms")
    rows: list[tuple[str, Callable[[], object]]] = [
        ("normalise and digest", lambda: digest(Ruchy().normalise(job.source))),
        ("split into items", lambda: split(source)),
        ("lex", lambda: lex(source)),
        ("summarise (lex, outline, names)", lambda: summarise(summary_job)),
        ("parse", lambda: parse_tokens(source, tokens)),
        ("check", lambda: check(job, parsed)),
        ("lower", lambda: lower(checked)),
        ("compile, all of it", lambda: compile_module(job)),
        ("compile one function, reuse the others", lambda: compile_module(one_left)),
        ("reuse all: take over and assemble", lambda: compile_module(all_there)),
        (f"link {COUNT} modules and the runtime", lambda: link_program(link_job)),
    ]
    for name, work in rows:
        times = measure(work)
        middle = statistics.median(times)
        print(f"{name:<40} {middle:8.3f} {size / middle / 1e3:8.2f}   {times[0]:.3f} to {times[-1]:.3f}")


if __name__ == "__main__":
    main()
