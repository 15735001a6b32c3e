"""The assembled runtime is kept between processes: the same bytes, or none."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.toolchains.ruchy import runtime
from orchestrator.toolchains.ruchy.identity import files, identity
from orchestrator.toolchains.ruchy.runtime import kept, runtime_names, runtime_objects, runtime_objects_of
from orchestrator.wasm import wat

IDENTITY = "0123456789abcdef" * 4
PARTS = {"alloc": b"\0one", "print": b"two"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where they are kept, for this test: an empty place, as in a new installation."""
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(runtime, "_parts", {})
    return Path(kept._path(IDENTITY)).parent


def kept_files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.exists() else []


def test_kept_and_found(folder: Path) -> None:
    assert kept.load(IDENTITY) == {}
    kept.keep(IDENTITY, PARTS)
    assert kept.load(IDENTITY) == PARTS
    assert kept.load(IDENTITY[::-1]) == {}
    [file] = kept_files(folder)
    assert str(file) not in files(), "what is kept is no part of the compiler"


def test_damage_is_as_if_nothing_were_there(folder: Path) -> None:
    kept.keep(IDENTITY, PARTS)
    [file] = kept_files(folder)
    whole = file.read_bytes()
    for at in range(len(whole)):
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert kept.load(IDENTITY) == {}
        file.write_bytes(whole[:at])
        assert kept.load(IDENTITY) == {}


def test_those_of_another_compiler_go(folder: Path) -> None:
    (folder.parent / folder.name).mkdir(parents=True)
    (folder / "module.cpython-311.pyc").write_bytes(b"Python's own")
    kept.keep(IDENTITY, PARTS)
    kept.keep(IDENTITY[::-1], PARTS)
    assert kept.load(IDENTITY) == {}
    assert kept.load(IDENTITY[::-1]) == PARTS
    assert len(kept_files(folder)) == 2


def test_where_nothing_may_be_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    kept.keep(IDENTITY, PARTS)
    assert kept_files(folder) == []
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("a file in the way")
    kept.keep(IDENTITY, PARTS)
    assert kept.load(IDENTITY) == {}


def test_a_new_process_assembles_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And what is needed beside is added."""
    names = sorted(runtime_names())
    first = runtime_objects_of(names[:1])
    assert set(first) <= set(runtime_objects())
    assert kept.load(identity()) == {name.removeprefix("rt/"): data for name, data in first}
    assert runtime_objects_of(names) == runtime_objects()

    def never(*_: object) -> bytes:
        raise AssertionError("assembled again")

    monkeypatch.setattr(wat, "assemble_object", never)
    monkeypatch.setattr(runtime, "_parts", {})
    assert runtime_objects_of(names[:1]) == first
    assert runtime_objects_of(names) == runtime_objects()
