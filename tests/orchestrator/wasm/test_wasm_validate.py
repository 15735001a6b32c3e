"""The validator: wasmtime's, whichever way it is reached."""

from __future__ import annotations

import subprocess
import sys
from ctypes import CDLL
from pathlib import Path

import pytest

from orchestrator.wasm import validate as validation

EMPTY = b"\0asm\1\0\0\0"
BODIES = [
    EMPTY,
    EMPTY + b"\0\6\5plain",
    b"",
    b"no program",
    EMPTY[:-1],
    EMPTY + b"\x0a\x05",
    EMPTY + b"\1\4\1\x60\0\0" + b"\3\2\1\0" + b"\x0a\5\1\3\0\x6a\x0b",  # adds what is not there
]


@pytest.mark.parametrize("program", BODIES)
def test_library_and_package_say_the_same(program: bytes) -> None:
    by_library = validation._of_library(CDLL(validation._library()), serial=False)
    assert by_library(program) == validation._of_package(program) == validation.validate(program)
    assert (by_library(program) is None) == (program in BODIES[:2])


def test_the_package_is_not_imported_for_it() -> None:
    script = (
        "import sys\n"
        "from orchestrator.wasm.validate import validate\n"
        f"assert validate({EMPTY!r}) is None and validate(b'x')\n"
        "assert 'wasmtime' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=Path(__file__).parents[3], check=True, timeout=30)


def test_another_layout(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package does it, then; so it does where it was imported anyway."""
    assert validation._validator.__wrapped__(serial=False) is validation._of_package
    monkeypatch.delitem(sys.modules, "wasmtime")
    assert validation._validator.__wrapped__(serial=False) is not validation._of_package
    monkeypatch.setattr(validation, "_library", lambda: "/no/such/library")
    assert validation._validator.__wrapped__(serial=False) is validation._of_package
