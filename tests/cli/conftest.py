"""The command line in this process, over a fake Project."""

from __future__ import annotations

from pathlib import Path

import pytest

import orchestrator
from orchestrator.cli import session
from orchestrator.cli.app import main
from tests.cli.cli_fakes import FakeProject, Wasmill


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeProject:
    made = FakeProject()
    monkeypatch.setitem(vars(orchestrator), "open", made)
    monkeypatch.setattr(session, "opening_of", lambda *_: None)  # what builds without a loop opens no Project
    return made


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, which is the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def wasmill(home: Path, capsys: pytest.CaptureFixture[str]) -> Wasmill:
    """Runs one command; exit code, standard output, standard error."""

    def run(*argv: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main(list(argv))
        out, err = capsys.readouterr()
        return code, out, err

    return run
