"""Programs of Ruchy that call C: what is added to their objects, and what is checked of these.

The C library begins the program and calls `main`, which is Ruchy's. So there is one memory, one stack, one allocator.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from actors.compiler.toolchain import Linked, LinkInput, LinkJob
from actors.diagnostics import Finding
from actors.digests import Digest, digest
from orchestrator.toolchains.c.own_linker import MAINS
from orchestrator.toolchains.c.proof import refuted_in
from orchestrator.toolchains.objects import is_ruchy
from orchestrator.toolchains.ruchy.link import main_of_c
from orchestrator.toolchains.ruchy.runtime import runtime_objects_of
from orchestrator.wasm.fragment import UNDEFINED
from orchestrator.wasm.reader import read_object


def with_main(job: LinkJob, known: dict[Digest, frozenset[str]]) -> LinkJob | Linked:
    """The job with the `main` that C calls, or what is wrong, or what is needed to tell. `known` says of objects which
    functions of theirs Ruchy must not call."""
    main = main_of_c(job.objects[0])
    if not isinstance(main, LinkInput):
        return Linked(findings=main)
    for one in job.objects:
        if one.data:
            if any(name in one.data for name in MAINS):
                return Linked(findings=(_two_mains(job.objects[0].path, one.path),))
            known.setdefault(one.digest or digest(one.data), refuted_in(one.data))
    absent = tuple([one.digest for one in job.objects if not one.data])
    if not known.keys() >= set(absent):
        return Linked(needs=absent)
    refuted = {name for one in job.objects for name in known[one.digest or digest(one.data)]}
    if refuted and absent:
        return Linked(needs=absent)
    used = {name for one in job.objects if refuted and is_ruchy(one.data) for name in _wanted(one.data)}
    if wrong := sorted(refuted & used):
        return Linked(findings=tuple([_other_types(name) for name in wrong]))
    return msgspec.structs.replace(job, objects=(*job.objects, main))


def _two_mains(ruchy: str, other: str) -> Finding:
    what = f"the program begins with `{ruchy}`, and `{other}` defines `main` too"
    return Finding("E1005", what, hint="rename it, or name the file under `exclude` in wasmill.toml")


def _wanted(data: bytes) -> Iterable[str]:
    return [symbol.name for symbol in read_object(data).symbols if symbol.flags & UNDEFINED]


def _other_types(name: str) -> Finding:
    what = f"`{name}` of C cannot be called: its types are others than its text says"
    return Finding("E1006", what, hint="a macro or a type of the project has the name of a type of C: rename that")


def runtime_of(objects: Iterable[LinkInput]) -> tuple[tuple[str, bytes], ...]:
    """The parts of Ruchy's runtime that these objects need."""
    symbols = {name.decode() for one in objects for name in re.findall(rb"rt::\w+", one.data)}
    return runtime_objects_of(symbols, beside_c=True)
