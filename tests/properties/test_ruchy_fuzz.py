"""Random programs, and programs with words left out, doubled and exchanged: whatever is accepted is valid WebAssembly,
its tree is what the checker promises, and nothing is ever called a bug of the compiler."""

from __future__ import annotations

import zlib
from functools import cache
from pathlib import Path

import pytest

from actors.compiler.toolchain import CompileJob
from orchestrator.codes import all_codes
from orchestrator.toolchains.ruchy.check import checker
from orchestrator.toolchains.ruchy.compile import compile_module
from orchestrator.wasm.validate import validate
from tests.helpers.tallies import LONG
from tests.properties.ruchy_programs import Writer, mutated

CODES = all_codes()

HOME = Path(__file__).parents[2]
PARTS = 100 if LONG else 12
EACH = 1000 if LONG else 80


def accepted(source: str) -> bool:
    """Whether a module compiles; then it is valid, and else there is an error with a code and a place."""
    made = compile_module(CompileJob(module="main", path="main.ruchy", source=source.encode()))
    if made.object is not None:
        assert validate(made.object.data) is None, source
        return True
    assert made.diagnostics, source
    for one in made.diagnostics:
        assert one.code in CODES and one.code[:3] != "E09", (one, source)
        assert one.file == "main.ruchy" and one.line > 0, (one, source)
    return False


@cache
def sources() -> list[str]:
    """The programs of the other tests and of the documents: those of moderate size."""
    paths = [path for folder in ("tests", "docs") for path in sorted((HOME / folder).rglob("*.ruchy"))]
    texts = [path.read_text("utf-8", "replace") for path in paths]
    return [text for text in texts if 20 < len(text) < 3000]


@pytest.mark.slow
@pytest.mark.sweep
@pytest.mark.parametrize("part", range(PARTS))
def test_programs(part):
    assert checker.VERIFY
    taken = 0
    for number in range(EACH // 2):
        seed = part * EACH + number
        source = Writer(seed).program()
        taken += accepted(source)
        found = sources()[zlib.crc32(b"%d" % seed) % len(sources())] if number % 2 else source
        accepted(mutated(found, seed))
    assert taken > EACH // 6, "too few programs are right for this to find anything"


def test_the_programs_have_all_of_the_language():
    written = "\n".join(Writer(seed).program() for seed in range(150))
    for word in ("const", "fun", "struct", "let mut", "loop {", "while", "for ", "'l: ", "break 'l", "return", "as u8",
                 "f\"", "format!", " ? ", "panic(", "{:x}", "..", "&&", "<<=", " in {"):  # fmt: skip
        assert word in written, word
    assert any(written.count(f": {kind}") > 20 for kind in ("u8", "i16", "f32", "usize"))
