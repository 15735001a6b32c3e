"""Every program that other tests run ends in the same way as one module and as groups of few functions. `make test`
has 120 of them, from each folder some that stop with a trap and some that do not; `make test-long` has all."""

from __future__ import annotations

import os

import pytest

from orchestrator.wasm.execute import MachineCode
from orchestrator.wasm.groups import layout
from tests.conformance.test_conformance import PROGRAMS, build_named
from tests.helpers.running import run_program
from tests.helpers.tallies import LONG, share
from tests.programs.test_programs import HERE as PROGRAM_FOLDER
from tests.programs.test_programs import NAMES, built

ALL = [*NAMES, *[f"{folder}/{name}" for folder, _, name in PROGRAMS]]


def kinds_of(name: str) -> tuple[object, ...]:
    output = PROGRAM_FOLDER / f"{name}.out"
    return ((name.partition("/")[0], output.exists() and "trap: " in output.read_text(encoding="utf-8")),)


CHOSEN = ALL if LONG else share(ALL, 0, 120, kinds=kinds_of)


def bytes_of(name: str) -> bytes | None:
    folder, _, rest = name.partition("/")
    return (built(name) if name in NAMES else build_named(folder, rest)).program


def compare(name: str, kept: MachineCode) -> None:
    data = bytes_of(name)
    if data is not None:
        alone = run_program(data, capture=True)
        for _ in ("compiled", "kept"):
            assert run_program(data, capture=True, kept=kept) == alone
        assert os.listdir(kept.folder)  # so there were groups


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(layout, "SMALLEST", 3)
    monkeypatch.setattr(layout, "FEWEST", 1)


@pytest.mark.sweep
@pytest.mark.slow
@pytest.mark.parametrize("name", CHOSEN)
def test_program(name, few, tmp_path):
    compare(name, MachineCode(str(tmp_path / "code"), "rt::"))
