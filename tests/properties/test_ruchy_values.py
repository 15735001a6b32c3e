"""Random programs about strings and structs: what they print, and that they free exactly what they made."""

from __future__ import annotations

import pytest

from actors.compiler.toolchain import CompileJob
from orchestrator.toolchains.ruchy.check.checker import check
from orchestrator.toolchains.ruchy.syntax.parser import parse
from tests.helpers.counting_machine import CountingMachine
from tests.helpers.programs import run_text
from tests.helpers.tallies import LONG
from tests.properties.ruchy_values import Programs


def counted(source: str) -> tuple[str, list[bytes]]:
    """What a program writes on the machine that checks every reference, and what it leaks."""
    checked = check(CompileJob(module="main", path="main.ruchy", source=source.encode()), parse(source))
    assert checked.module is not None, checked.errors
    machine = CountingMachine(checked.module)
    machine.run("main::main")
    return machine.output.decode(), machine.leaked()


@pytest.mark.parametrize("seed", range(12))
def test_values(seed):
    source, wanted = Programs(seed).program()
    assert counted(source) == (wanted, [])


@pytest.mark.parametrize("seed", range(4))
def test_values_on_the_real_runtime(seed):
    source, wanted = Programs(seed).program()
    ran = run_text(source)
    assert (ran.code, ran.stdout, ran.stderr) == (0, wanted, "")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1000, 1010))
def test_many_values(seed):
    for number in range(30 if LONG else 8):
        source, wanted = Programs(seed * 1000 + number).program()
        assert counted(source) == (wanted, []), source
        assert run_text(source).stdout == wanted
