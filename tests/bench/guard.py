"""`make bench-guard`: whether one of the ten hottest paths does more work than it did.

    python -m tests.bench.guard            fails where a path executes 5 % more bytecodes than its baseline
    python -m tests.bench.guard --write    makes what it counts the baseline of this minor version of Python

Bytecodes are counted, not time: so the figures are the same on every machine, and a busy one fails nothing. Work inside
of one call of C counts as one, and so does work that another thread does. Baselines are in `guard.json`, one for each
minor version, because each compiles to other bytecodes. Write a new one in the commit that means to change it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

BASELINES = Path(__file__).with_name("guard.json")
MORE = 1.05
"""So many times the baseline fails."""
LESS = 0.95
"""So many times the baseline is worth a new one, or what was gained may be lost again unseen."""

Counts = dict[str, int]


def paths() -> Iterator[tuple[str, Callable[[], object]]]:
    """The hottest paths, by what they do. What is prepared here, and what a first call keeps, is not counted."""
    from actors.compiler.toolchain import CompileJob, SummariseJob
    from actors.planner.deep import Meanings, interfaces
    from actors.planner.resolve import Modules, resolve
    from orchestrator.toolchains.ruchy import Ruchy
    from orchestrator.toolchains.ruchy.syntax.lexer import lex
    from orchestrator.wasm.groups.finished import read_program
    from orchestrator.wasm.groups.layout import GroupLayout
    from orchestrator.wasm.groups.scan import called_by
    from orchestrator.wasm.linker import link
    from orchestrator.wasm.slack.resident import Resident
    from tests.actors.planner.others import Others
    from tests.bench import bench_link
    from tests.bench.projects import module_text
    from tests.helpers.models import with_model

    ruchy, text = Ruchy(), module_text(0, 20, [])
    source = ruchy.normalise(text.encode())
    job = SummariseJob(module="m0", path="m0.ruchy", source=source)
    modules = Modules({"m0": ruchy.summarise(job).summary}, {"m0": "m0.ruchy"})
    own = resolve(modules, "m0")
    meanings = interfaces(Meanings(modules, {"m0": own}.get), "m0", own.bindings)
    yield "read the tokens of a module", lambda: lex(text)
    yield "summarise a module", lambda: ruchy.summarise(job)
    yield "resolve a module", lambda: resolve(modules, "m0")
    compiled = CompileJob(module="m0", path="m0.ruchy", source=source, resolution=own.bindings, interfaces=meanings)
    yield "compile a module of 20 functions", lambda: ruchy.compile(compiled)

    count = 40
    plain = [(f"m{number}", bench_link.module(number, count)) for number in range(count)]
    inputs = bench_link.named([(name, with_model(data)) for name, data in plain])
    changed = inputs.copy()
    changed[20:21] = bench_link.named([("", with_model(bench_link.module(20, count, 1)))])
    resident = Resident()
    program = resident.link(inputs, b"", bench_link.EXPORTS)[0]
    resident.accepted(program)
    yield "link 40 modules compactly", lambda: link(plain, entry=None, exports=bench_link.EXPORTS)
    yield "link 40 modules with slack", lambda: Resident().link(inputs, b"", bench_link.EXPORTS)
    yield "link 40 modules of which one changed", lambda: resident.link(changed, b"", bench_link.EXPORTS)

    texts = {f"m{number}": f"use m{number + 1}::f\npub f = f" for number in range(60)}
    texts.update(m60="pub f = x", main="use m0::f\nrun f")
    edited = {**texts, "m30": "use m31::f\npub f = f f"}
    others = Others()
    others.build(texts)

    def edit() -> None:
        others.build(edited)
        others.build(texts)

    yield "plan 60 modules from nothing", lambda: Others().build(texts)
    yield "plan two edits among 60 modules", edit

    whole = link(
        plain,
        entry=None,
        exports={"_start": "m0::f0"},
    )

    def lay_out() -> None:
        found = read_program(whole)
        layout = GroupLayout(found, b"", lambda _, begin, end: called_by(whole, found.bodies[begin : end + 1]))
        for number in range(len(layout)):
            layout.plan(number)

    yield "lay out 400 functions as groups", lay_out


def counted() -> Counts:
    """How many bytecodes each path executes, its second time."""
    from tests.helpers.bytecodes import bytecodes

    counts = {}
    for name, work in paths():
        work()
        counts[name] = bytecodes(work)
    return counts


def verdict(counts: Mapping[str, int], baseline: Mapping[str, int]) -> tuple[list[str], bool]:
    """A line for each path, and whether all is well: the same paths as in the baseline, and none does more."""
    lines, well = [], counts.keys() == baseline.keys()
    for name in sorted({*counts, *baseline}):
        if name not in counts or name not in baseline:
            lines.append(f"{name}: {'not in the baseline' if name in counts else 'not counted any more'}")
            continue
        ratio = counts[name] / baseline[name]
        word = "MORE" if ratio > MORE else "less: write a new baseline" if ratio < LESS else "as it was"
        well = well and ratio <= MORE
        lines.append(f"{name}: {counts[name]:,} bytecodes, {ratio:.3f} of {baseline[name]:,}, {word}")
    return lines, well


def main(arguments: list[str]) -> int:
    if os.environ.get("PYTHONHASHSEED") != "0":  # the order of sets decides a few bytecodes
        environment = {**os.environ, "PYTHONHASHSEED": "0"}
        return subprocess.run([sys.executable, "-m", "tests.bench.guard", *arguments], env=environment).returncode
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    baselines = json.loads(BASELINES.read_text())
    counts = counted()
    if "--write" in arguments:
        baselines[version] = counts
        BASELINES.write_text(json.dumps(baselines, indent=2, sort_keys=True) + "\n")
        return 0
    if version not in baselines:
        print(f"there is no baseline for Python {version}: make bench-guard WRITE=1 writes one")
        return 1
    lines, well = verdict(counts, baselines[version])
    print("\n".join(lines))
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
