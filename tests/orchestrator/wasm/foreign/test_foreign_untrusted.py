"""Objects and archives that other compilers made, changed in a few places: each is linked, or refused in words that
name it. Nothing crashes, hangs, or takes memory out of proportion."""

from __future__ import annotations

import tracemalloc
from contextlib import suppress
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.digests import digest
from orchestrator.wasm.archive import Archive
from orchestrator.wasm.cursor import ObjectError
from orchestrator.wasm.linker import LinkError, link
from orchestrator.wasm.mixed import Libraries, MixedLinker, MixedObject
from orchestrator.wasm.validate import validate
from tests.helpers.untrusted_values import scrambled, share
from tests.helpers.zig import compiled
from tests.orchestrator.wasm.foreign.test_archives import archive

TEXT = """
#include <stddef.h>
extern int far(int), data[]; extern __attribute__((weak)) int maybe(void);
__attribute__((import_module("host"), import_name("log"))) void log_(int);
static int inside = 3; int *const to = &inside; static char room[99];
__attribute__((weak)) int over(int n) { return n; }
__attribute__((constructor)) static void begin(void) { inside += room[5]; }
__attribute__((export_name("out"))) int out(int (*f)(int), int n) { log_(n); return f(far(n)) + data[n & 3] + over(n); }
int (*table[])(int) = { over, far };
int start(void) { return out(table[inside & 1], maybe ? maybe() : 1) + (int)(ptrdiff_t)to; }
"""
PLUS = """
template <class T> struct Box { T one; virtual ~Box() {} virtual T get() { static T kept = one; return kept; } };
struct Other { int n; Other(); }; inline Other global;
int use(int n) {
  Box<int> a; a.one = n; Box<long> *b = new Box<long>;
  int r = a.get() + (int)b->get();
  delete b;
  return r;
}
"""


@cache
def samples() -> list[bytes]:
    return [
        compiled(TEXT),
        compiled(TEXT, "-fPIC"),
        compiled(TEXT, "-g"),
        compiled(PLUS, "-fno-exceptions", "-fno-rtti", name="t.cpp"),
    ]


def tried(data: bytes) -> None:
    """Links in both ways."""
    tracemalloc.start()
    try:
        with suppress(LinkError):
            link([("a.o", data)], entry=None, gc=False)
        found = MixedLinker(Libraries([]), stack_size=1 << 16).link(
            [MixedObject("a.o", digest(data), data)], entry=None
        )
        assert (found.program is None) == bool(found.errors or found.beyond)
        if found.program is None:
            assert all(found.errors + found.beyond)
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 400 * len(data) + (4 << 20)


@given(data=st.data())
@share(100)
def test_objects_of_clang_are_linked_or_refused(data: st.DataObject) -> None:
    tried(data.draw(scrambled(data.draw(st.sampled_from(samples())))))


@given(data=st.data())
@share(60)
def test_archives_are_read_or_refused(data: st.DataObject) -> None:
    members = {"a.o": samples()[0], "another one with a long name.o": samples()[3]}
    raw = data.draw(scrambled(archive(members)))
    with suppress(ObjectError):
        found = Archive(raw)
        for number in range(len(found.members)):
            assert len(found.bytes_of(number)) <= len(raw)
    try:
        link([("x.a", raw)], entry=None, exports={"f": "out"})
    except LinkError as error:
        assert str(error)


@pytest.mark.parametrize("number", range(4))
def test_objects_that_are_cut_off_are_refused_by_name(number: int) -> None:
    whole = samples()[number]
    for size in range(0, len(whole), max(1, len(whole) // 40)):
        with pytest.raises(LinkError, match=r"^cut\.o: "):
            link([("cut.o", whole[:size])], entry=None, gc=False)


def test_the_samples_themselves_are_linked() -> None:
    far = "int far(int n) { return n; } int data[4]; void *_ZN5OtherC1Ev(void *p) { return p; }"
    far += " void *_Znwm(unsigned long n) { return 0; } void _ZdlPvm(void *p, unsigned long n) {} void log_(int n) {}"
    far += " int __cxa_guard_acquire(void *p) { return 1; } void __cxa_guard_release(void *p) {}"
    more = compiled(far, "-fno-builtin", "-Wno-everything")
    for number, one in enumerate(samples()):
        objects = [("one.o", one), ("far.o", more)]
        export = "use" if number == 3 else "start"
        name = "_Z3usei" if number == 3 else "start"
        program = link(objects, entry=None, exports={export: name, "begin": "__wasm_call_ctors"})
        assert validate(program) is None
