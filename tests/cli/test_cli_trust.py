"""`wasmill trust`, and builds of folders that are not trusted."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cli.cli_fakes import Wasmill


def test_a_folder_is_trusted_and_no_longer(wasmill: Wasmill, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    monkeypatch.delenv("WASMILL_TRUST", raising=False)
    Path("wasmill.toml").write_text('[toolchain.c]\ncompiler = "/opt/cc"\n')
    code, _, err = wasmill("build")
    assert code == 2 and "not trusted" in err and "wasmill trust" in err
    here = os.getcwd()
    assert wasmill("trust") == (0, "", f"{here} is trusted\n")
    assert wasmill("trust", ".") == (0, "", f"{here} was trusted already\n")
    assert "not trusted" not in wasmill("build")[2]
    assert wasmill("trust", "--remove") == (0, "", f"{here} is no longer trusted\n")
    assert wasmill("trust", "--remove") == (0, "", f"{here} was not trusted\n")
    assert wasmill("build")[0] == 2
