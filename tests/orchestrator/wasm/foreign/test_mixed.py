"""The linker that keeps its last link, with objects of other compilers: what it makes equals a link from nothing, and
behaves as what `wasm-ld` makes."""

from __future__ import annotations

import re
from functools import lru_cache
from random import Random

import pytest

from actors.digests import digest
from orchestrator.wasm.mixed import Libraries, MixedLinker, MixedObject, MixedProgram
from orchestrator.wasm.validate import validate
from tests.helpers.zig import WITH_CXX, compiled, library
from tests.orchestrator.wasm.foreign.programs import PROGRAMS, ForeignProgram
from tests.orchestrator.wasm.foreign.random_c import RandomC
from tests.orchestrator.wasm.foreign.test_foreign_programs import STACK, linked, objects_of, ran


@lru_cache(2)
def libraries(*, cxx: bool = False) -> Libraries:
    (_, start), *archives = library(cxx=cxx)
    return Libraries(archives, start=start)


def linker(*, cxx: bool = False, few: int = 0) -> MixedLinker:
    return MixedLinker(libraries(cxx=cxx), stack_size=STACK, few=few)


def mixed(program: ForeignProgram, *flags: str) -> list[MixedObject]:
    return [MixedObject(name, digest(data), data) for name, data in objects_of(program, *flags)]


def whole(objects: list[MixedObject], found: MixedProgram) -> bytes:
    assert found.program is not None, found
    assert validate(found.program) is None
    return found.program


@pytest.mark.parametrize("name", [name for name in PROGRAMS if name != "plus"])
def test_programs_behave_as_those_of_the_referee(name):
    program = PROGRAMS[name]
    objects = mixed(program)
    found = linker().link(objects)
    assert ran(whole(objects, found), program) == ran(linked(program)[1], program)


@pytest.mark.slow
@pytest.mark.sweep
@pytest.mark.timeout(600)
@pytest.mark.skipif(not WITH_CXX, reason="zig builds the library of C++ for minutes: make test-long")
def test_a_program_in_cplusplus_behaves_as_that_of_the_referee():
    program = PROGRAMS["plus"]
    objects = mixed(program, "-fno-exceptions")
    found = linker(cxx=True).link(objects)
    assert found.proof == b""
    assert ran(whole(objects, found), program) == ran(linked(program, "-fno-exceptions")[1], program)


@pytest.mark.parametrize("seed", range(3))
def test_edits_of_c_give_what_a_link_from_nothing_gives(seed):
    world, kept, patched = RandomC(Random(seed)), linker(), 0
    for step in range(6):
        program = world.program()
        objects = mixed(program)
        found, again = kept.link(objects), linker().link(objects)
        assert whole(objects, found) == again.program
        if found.proof:
            assert validate(found.proof) is None
            patched += 1
        if step in (0, 5):
            assert ran(whole(objects, found), program) == ran(linked(program)[1], program)
        kept.accepted(found.program)
        world.edit()
    assert patched


def test_another_process_goes_on_and_needs_only_what_changed():
    main = 'extern int f(void);\n#include <stdio.h>\nint main(void) { printf("%d\\n", f()); return 0; }\n'
    before = {"main.c": main, "f.c": "int f(void) { return 1; }\n"}
    first, after = linker(), ForeignProgram({**before, "f.c": "int f(void) { return 2; }\n"})
    found = first.link(mixed(ForeignProgram(before)))
    assert found.program is not None and found.state
    other = linker()
    other.restore(found.state, found.program)
    old, new = mixed(after)
    again = other.link([MixedObject(old.name, old.digest, b""), new])
    assert again.proof and again.program == linker().link([old, new]).program
    assert ran(again.program, after) == (0, b"2\n")
    needs = linker().link([MixedObject(old.name, old.digest, b""), new]).needs
    assert needs == (old.digest,)


def test_a_module_may_take_the_place_of_a_function_of_the_library():
    text = "#include <stdio.h>\nint abs(int n) { return n + 1000; }\n"
    text += 'int puts(const char *s) { return printf("<%s>", s); }\n'
    text += 'extern int call(int (*f)(int)); int main(void) { puts("x"); return call(abs) == 1005; }\n'
    program = ForeignProgram({"main.c": text, "call.c": "int call(int (*f)(int)) { return f(5); }\n"})
    objects = mixed(program, "-fno-builtin")
    found = linker().link(objects)
    assert found.state, "the fast linker takes it"
    assert ran(whole(objects, found), program) == (1, b"<x>")


@pytest.mark.parametrize(
    ("texts", "error"),
    [
        (["int g(void); int main(void) { return g(); }"], r"undefined symbol: g \(referenced by f0\.o\)"),
        (
            ["int f(void) { return 1; } int main(void) { return 0; }", "int f(void) { return 2; }"],
            "duplicate symbol: f",
        ),
        (["int f(void) { return 1; }"], "undefined symbol: main"),
    ],
)
def test_errors_name_the_objects(texts, error):
    program = ForeignProgram({f"f{number}.c": text for number, text in enumerate(texts)})
    found = linker().link(mixed(program))
    assert not found.program and not found.beyond
    assert re.search(error, "\n".join(found.errors)), found.errors


@pytest.mark.parametrize(
    ("texts", "flags", "reason"),
    [
        (["_Thread_local int t; int main(void) { return t; }"], ("-matomics", "-mbulk-memory"), "thread-local data"),
        (
            ["int f(int); int main(void) { return f(1); }", "int f(double n) { return n; }"],
            (),
            "signature mismatch: f",
        ),
    ],
)
def test_what_is_beyond_is_told_from_errors(texts, flags, reason):
    program = ForeignProgram({f"f{number}.c": text for number, text in enumerate(texts)})
    found = linker().link(mixed(program, *flags))
    assert not found.program and not found.errors
    assert reason in found.beyond[0]


def test_a_broken_object_is_named():
    broken = MixedObject("broken.c", "0" * 64, compiled("int main(void) { return 0; }")[:-9])
    assert linker().link([broken]).errors[0].startswith("broken.c: ")
