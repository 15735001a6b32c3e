"""Objects of clang, and the C library, linked by us and by `wasm-ld`: the same bytes where that can be, the same
behaviour anywhere. Equal strings apart, which only `wasm-ld` merges (not with -O0)."""

from __future__ import annotations

import pytest

from orchestrator.wasm.linker import link
from orchestrator.wasm.validate import validate
from tests.helpers.running import run_program
from tests.helpers.zig import WITH_CXX, compiled, library, zig_links
from tests.orchestrator.wasm.foreign.programs import PROGRAMS, ForeignProgram
from tests.orchestrator.wasm.helpers import exports_of, sections

STACK = 1 << 20


def objects_of(program: ForeignProgram, *flags: str) -> list[tuple[str, bytes]]:
    headers = {name: text for name, text in program.files.items() if name.endswith(".h")}
    return [
        (f"{name.partition('.')[0]}.o", compiled(text, *flags, name=name, headers=headers))
        for name, text in program.files.items()
        if name not in headers
    ]


def linked(program: ForeignProgram, *flags: str) -> tuple[bytes, bytes]:
    """The program by us, and by `wasm-ld`."""
    start, *archives = library(cxx=program.cxx)
    inputs = [start, *objects_of(program, *flags), *archives]
    return link(inputs, stack_size=STACK), zig_links(inputs, "-z", f"stack-size={STACK}", "-O0", "--strip-debug")


def ran(data: bytes, program: ForeignProgram) -> tuple[int, bytes | None]:
    ended = run_program(data, program.arguments, stdin=program.stdin, capture=True, seconds=20)
    return ended.exit_code, (ended.stdout or b"") + (ended.stderr or b"")


@pytest.mark.parametrize("name", [name for name in PROGRAMS if name != "plus"])
def test_programs_in_c_are_the_same_bytes_and_behave_the_same(name):
    program = PROGRAMS[name]
    ours, theirs = linked(program)
    assert validate(ours) is None
    mine, reference = sections(ours), sections(theirs)
    assert sorted(mine.pop(7)) == sorted(reference.pop(7))
    assert mine == reference
    assert {(name, 0) for name in program.exports} <= set(exports_of(ours))
    assert ran(ours, program) == ran(theirs, program)


@pytest.mark.slow
@pytest.mark.sweep
@pytest.mark.timeout(600)
@pytest.mark.skipif(not WITH_CXX, reason="zig builds the library of C++ for minutes: make test-long")
@pytest.mark.parametrize("flags", [(), ("-O0",), ("-O2", "-fno-inline")])
def test_a_program_in_cplusplus_behaves_the_same(flags):
    ours, theirs = linked(PROGRAMS["plus"], "-fno-exceptions", *flags)
    assert validate(ours) is None
    assert exports_of(ours) == exports_of(theirs)
    assert ran(ours, PROGRAMS["plus"]) == ran(theirs, PROGRAMS["plus"])
