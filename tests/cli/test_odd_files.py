"""Projects on file systems that are not as everybody's, through the command line: links, times, names, rights."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from orchestrator.cli import app

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name != "posix", reason="links and rights are those of POSIX")]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    home.mkdir()
    (home / "main.ruchy").write_text("fun main() { println(1); }\n")
    return home


def wasmill(*words: object) -> int:
    return app.main([str(word) for word in words])


def is_program(file: Path) -> bool:
    return file.read_bytes()[:4] == b"\0asm"


def test_a_link_in_the_place_of_the_program_stays(home: Path) -> None:
    (home / "www").mkdir()
    (home / "build").mkdir()
    (home / "build/main.wasm").symlink_to("../www/app.wasm")
    for _ in range(2):
        assert wasmill("build", home) == 0
        assert (home / "build/main.wasm").is_symlink() and is_program(home / "www/app.wasm")
    assert wasmill("clean", home) == 0
    assert not (home / "www/app.wasm").exists()


@pytest.mark.parametrize("link", ["build", "build/main.wasm"])
def test_no_program_is_written_out_of_the_project(
    home: Path, tmp_path: Path, link: str, capsys: pytest.CaptureFixture[str]
) -> None:
    away = tmp_path / "away"
    away.mkdir()
    (away / "main.wasm").write_text("precious")
    (home / link).parent.mkdir(exist_ok=True)
    (home / link).symlink_to(away if link == "build" else away / "main.wasm")
    for command in ("build", "run"):
        assert wasmill(command, home) == 3
        assert "E0815" in (said := capsys.readouterr().err) and "`output`" in said
    wasmill("clean", home)
    assert (away / "main.wasm").read_text() == "precious"
    (home / "wasmill.toml").write_text(f'[build]\noutput = "{away}"\n')
    assert wasmill("build", home) == 0, "a place that the settings name is meant"
    assert is_program(away / "main.wasm")


def test_no_cache_out_of_the_project_is_written_or_cleared(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    away = tmp_path / "away"
    for name in ("modules", "snapshots", "quarantine", "metadata"):
        (away / name).mkdir(parents=True)
        (away / name / "thesis.txt").write_text("mine")
    (home / ".ruchy-cache").symlink_to(away)
    before = sorted(away.rglob("*"))
    for words in (("build",), ("cache", "clear"), ("cache", "gc", "--force"), ("run",), ("clean",)):
        assert wasmill(*words, home) == 3
        assert "`cache.folder`" in capsys.readouterr().err
    assert sorted(away.rglob("*")) == before
    (home / "wasmill.toml").write_text(f'[cache]\nfolder = "{away}"\n')
    (home / ".ruchy-cache").unlink()
    assert wasmill("build", home) == wasmill("cache", "clear", home) == 0
    assert len(list(away.rglob("thesis.txt"))) == 4, "only what is ours is removed"
    assert not list((away / "modules").glob("*.wasm"))


def test_a_cache_that_was_copied_as_hard_links_is_two(home: Path, tmp_path: Path) -> None:
    assert wasmill("build", home) == 0
    copy = tmp_path / "copy"
    shutil.copytree(home, copy, copy_function=os.link)
    index = (home / ".ruchy-cache/index.db").read_bytes()
    (copy / "main.ruchy").unlink()
    (copy / "main.ruchy").write_text("fun main() { println(2); }\n")
    assert wasmill("build", copy) == 0
    assert (home / ".ruchy-cache/index.db").read_bytes() == index
    assert wasmill("cache", "verify", home) == wasmill("cache", "verify", copy) == 0


def test_files_of_a_cache_have_the_rights_that_the_umask_gives(home: Path) -> None:
    before = os.umask(0o002)
    try:
        assert wasmill("build", home) == 0
    finally:
        os.umask(before)
    files = [file for file in (home / ".ruchy-cache").rglob("*") if file.is_file()]
    assert [file.name for file in files if not file.stat().st_mode & 0o020] == []


@pytest.mark.parametrize("length", [200, 201, 240, 250])
def test_long_names(home: Path, length: int) -> None:
    name = "o" * length + ".wasm"
    profile = "p" * 300
    (home / "wasmill.toml").write_text(f'[build]\noutput = "{name}"\nprofile = "{profile}"\n[profile.{profile}]\n')
    assert wasmill("build", home) == 0
    assert is_program(home / name)
    assert [file.name for file in home.iterdir() if file.name.endswith("~")] == []


@pytest.mark.parametrize("year", [-(10**10), 20 * 10**9, 10**9])
@pytest.mark.parametrize("what", ["main.ruchy", ".", "build/main.wasm"])
def test_times_that_no_message_takes(home: Path, what: str, year: int) -> None:
    assert wasmill("build", home) == 0
    os.utime(home / what, (year, year))
    assert [wasmill("build", home) for _ in range(2)] == [0, 0]


def test_names_that_are_no_text(tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    odd = os.fsdecode(os.fsencode(tmp_path) + b"/\xff")
    shutil.copytree(home, odd)
    assert wasmill("build", odd) == 2
    assert "not UTF-8" in capsys.readouterr().err
    assert wasmill("run", home, "--", os.fsdecode(b"\xff")) == 2
    assert "argument 1" in capsys.readouterr().err


def test_a_current_folder_that_is_gone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    before = os.getcwd()
    os.chdir(gone)
    try:
        gone.rmdir()
        assert wasmill("build") == 2
    finally:
        os.chdir(before)
    assert "there is no folder" in capsys.readouterr().err


def test_old_programs_go_and_those_of_others_stay(home: Path) -> None:
    assert wasmill("build", home) == 0
    old = home / "build/main.wasm"
    (home / "main.ruchy").rename(home / "prog.ruchy")
    assert wasmill("build", home) == 0 and not old.exists(), "nothing is the entry"
    (home / "wasmill.toml").write_text('[project]\nentry = "prog.ruchy"\n')
    assert wasmill("build", home) == 0 and is_program(home / "build/prog.wasm")
    (home / "build/prog.wasm").write_bytes(b"\0asm, and changed by somebody")
    (home / "wasmill.toml").write_text('[project]\nentry = "prog.ruchy"\n[build]\noutput = "dist"\n')
    assert wasmill("build", home) == 0 and is_program(home / "dist/prog.wasm")
    assert (home / "build/prog.wasm").read_bytes() == b"\0asm, and changed by somebody"


def test_an_inline_module_and_a_file_of_one_path(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "a.ruchy").write_text("pub mod b { pub fun f() -> i64 { 1 } }\n")
    assert wasmill("build", home) == 0
    (home / "a").mkdir()
    (home / "a/b.ruchy").write_text("pub fun f() -> i64 { 2 }\n")
    assert wasmill("build", home) == 1
    assert "a.ruchy:1:1: error[E0806]" in capsys.readouterr().err
    (home / "a/b.ruchy").unlink()
    assert wasmill("build", home) == 0
