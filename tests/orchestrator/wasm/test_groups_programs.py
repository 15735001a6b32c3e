"""Every program that other tests run ends in the same way as one module and as groups of few functions."""

from __future__ import annotations

import os
import random

import pytest

from orchestrator.wasm.execute import MachineCode
from orchestrator.wasm.groups import layout
from tests.conformance.test_conformance import PROGRAMS, build_named
from tests.helpers.running import run_program
from tests.programs.test_programs import NAMES, built

ALL = [*NAMES, *[f"{folder}/{name}" for folder, _, name in PROGRAMS]]
SAMPLE = random.Random(16).sample(ALL, 8)


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


@pytest.mark.parametrize("name", SAMPLE)
def test_program(name, few, tmp_path):
    compare(name, MachineCode(str(tmp_path / "code"), "rt::"))


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in ALL if name not in SAMPLE])
def test_every_program(name, few, tmp_path):
    compare(name, MachineCode(str(tmp_path / "code"), "rt::"))
