"""Ruchy and C in one program: one memory, one allocator."""

from __future__ import annotations

from functools import partial

import pytest

from actors.digests import digest
from orchestrator.toolchains.ruchy.runtime import FEATURES, runtime_names, runtime_objects, runtime_objects_of
from orchestrator.wasm.linker import link
from orchestrator.wasm.mixed import Libraries, MixedLinker, MixedObject
from orchestrator.wasm.reader import read_object
from orchestrator.wasm.validate import validate
from orchestrator.wasm.wat import assemble_object
from tests.helpers.running import run_program
from tests.helpers.zig import compiled, library, zig_links

# What Ruchy would compile to: it makes Strings, which grow, and lets them go.
RUCHY = """(module
  (import "env" "memory" (memory 1))
  (import "env" "rt::str_of" (func $of (param i32 i32) (result i32)))
  (import "env" "rt::str_append" (func $append (param i32 i32) (result i32)))
  (import "env" "rt::release" (func $release (param i32)))
  (import "env" "rt::live" (func $live (result i32)))
  (func (export "ruchy_text") (param $at i32) (param $size i32) (result i32) (call $of (local.get 0) (local.get 1)))
  (func (export "ruchy_add") (param i32 i32) (result i32) (call $append (local.get 0) (local.get 1)))
  (func (export "ruchy_drop") (param i32) (call $release (local.get 0)))
  (func (export "ruchy_live") (result i32) (call $live)))
"""

C = """
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
struct text { int count, length; char bytes[]; };
struct text *ruchy_text(const char *, int), *ruchy_add(struct text *, struct text *);
void ruchy_drop(struct text *);
int ruchy_live(void);
int main(void) {
  char *blocks[60]; struct text *texts[60];
  struct text *all = ruchy_text("", 0);
  for (int i = 0; i < 60; i++) {
    blocks[i] = malloc(i * 700 + 1);
    memset(blocks[i], i, i * 700 + 1);
    char word[9000];
    memset(word, 'a' + i % 26, sizeof word);
    texts[i] = ruchy_text(word, i * 150);
    if (((long)texts[i] & 7) || texts[i]->count != 1) return 1;
    all = ruchy_add(all, texts[i]);
    if (i % 3 == 2) { free(blocks[i - 1]); blocks[i - 1] = 0; ruchy_drop(texts[i - 2]); texts[i - 2] = 0; }
  }
  for (int i = 0; i < 60; i++) {
    for (int n = 0; blocks[i] && n <= i * 700; n++) if (blocks[i][n] != i) return 2;
    for (int n = 0; texts[i] && n < i * 150; n++) if (texts[i]->bytes[n] != 'a' + i % 26) return 3;
  }
  printf("%d %d\\n", all->length, ruchy_live());
  for (int i = 0; i < 60; i++) { free(blocks[i]); if (texts[i]) ruchy_drop(texts[i]); }
  ruchy_drop(all);
  int before = __builtin_wasm_memory_size(0);
  for (int round = 0; round < 300; round++) {
    char *block = malloc(100000); ruchy_drop(ruchy_text(block, 100000)); free(block);
  }
  printf("%d %d\\n", ruchy_live(), (int)__builtin_wasm_memory_size(0) - before);
  return 0;
}
"""
EXPECTED = (0, f"{sum(n * 150 for n in range(60))} 41\n0 0\n".encode())


def objects() -> list[tuple[str, bytes]]:
    return [("m.o", assemble_object(RUCHY, "m", FEATURES)), ("main.o", compiled(C))]


def test_c_and_ruchy_share_the_heap_and_what_one_frees_the_other_gets():
    (_, start), *archives = library()
    runtime = partial(runtime_objects_of, beside_c=True)
    libraries = Libraries(archives, start=start, runtime_names=sorted(runtime_names()), runtime=runtime)
    found = MixedLinker(libraries, stack_size=1 << 20, few=0).link(
        [MixedObject(name, digest(data), data) for name, data in objects()]
    )
    assert found.program is not None, found
    assert found.state, "the fast linker made it"
    assert validate(found.program) is None
    ended = run_program(found.program, capture=True, seconds=20)
    assert (ended.exit_code, ended.stdout) == EXPECTED


@pytest.mark.parametrize("by", ["us", "wasm-ld"])
def test_the_compact_program_does_the_same(by):
    (name, start), *archives = library()
    parts = runtime_objects_of(["rt::str_of", "rt::str_append", "rt::release", "rt::live"], beside_c=True)
    inputs = [(name, start), *objects(), *[(name.replace("/", "-"), data) for name, data in parts], *archives]
    program = link(inputs, stack_size=1 << 20) if by == "us" else zig_links(inputs, "-z", "stack-size=1048576")
    ended = run_program(program, capture=True, seconds=20)
    assert (ended.exit_code, ended.stdout) == EXPECTED


def test_both_allocators_offer_the_same():
    own = dict(runtime_objects())["rt/alloc"]
    beside = dict(runtime_objects_of(["rt::take"], beside_c=True))["rt/alloc_of_c"]
    offered = [
        {(symbol.name, symbol.type) for symbol in read_object(data).symbols if symbol.name.startswith("rt::")}
        for data in (own, beside)
    ]
    assert offered[0] == offered[1]
