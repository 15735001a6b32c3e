"""Programs as users write them: `stage1/NAME.ruchy`, `stage2/NAME.ruchy`, or a folder of modules, and what it prints
(`NAME.out`).

Each was worked out by hand, or by a small Python model, before it was run. Where the last line of an `.out` file begins
with `trap: `, the program stops there, and the rest of the line is in its message.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers.programs import ENTRY, BuiltProgram, build, read_folder, run

HERE = Path(__file__).parent
NAMES = sorted(f"{path.parent.name}/{path.stem}" for path in HERE.glob("stage?/*.out"))
SLOW = {"stage1/long-strings", "stage1/mandelbrot"}


def built(name: str) -> BuiltProgram:
    if (HERE / name).is_dir():
        return build(read_folder(str(HERE / name)))
    return build({ENTRY: (HERE / f"{name}.ruchy").read_bytes().decode()})


def test_every_program_has_an_output():
    assert sorted({f"{path.parent.name}/{path.stem}" for path in HERE.glob("stage?/*")}) == NAMES
    assert len(NAMES) > 100


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name for name in NAMES]
)
def test_program(name):
    program = built(name)
    assert program.errors() == []
    assert [one for one in program.diagnostics if one.code == "W0002"] == []  # every import is used
    ran = run(program.program)
    wanted = (HERE / f"{name}.out").read_bytes().decode()
    before, trap, reason = wanted.rpartition("trap: ")
    if trap:
        assert (ran.code, ran.stdout) == (134, before)
        assert reason.strip() in ran.stderr
    else:
        assert (ran.code, ran.stdout) == (0, wanted)
