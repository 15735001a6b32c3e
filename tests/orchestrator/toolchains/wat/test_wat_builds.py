"""Projects of WebAssembly text, alone and beside C."""

from __future__ import annotations

from pathlib import Path

import pytest

import orchestrator
from actors.diagnostics import SourceError
from orchestrator.toolchains.wat import WatText

pytestmark = pytest.mark.anyio

MAIN = """(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (import "env" "square" (func $square (param i32) (result i32)))
  (func (export "_start") (call $exit (call $square (i32.const 5)))))
"""
SQUARE = """(module
  (func $times (param i32 i32) (result i32) (i32.mul (local.get 0) (local.get 1)))
  (func (export "square") (param i32) (result i32) (call $times (local.get 0) (local.get 0))))
"""


async def test_files_are_linked_by_the_names_of_imports() -> None:
    sources = orchestrator.Sources({"main.wat": MAIN, "low/square-x.wat": SQUARE})
    async with orchestrator.open(sources) as project:
        assert (await project.run()).exit_code == 25
        sources["low/square-x.wat"] = SQUARE.replace("i32.mul", "i32.add")
        result = await project.build()
        assert result.recompiled == ["low/square-x"]
        assert (await project.run()).exit_code == 10
        assert (await project.build(verify=1.0)).differences == []


async def test_what_is_wrong_has_a_place() -> None:
    sources = orchestrator.Sources({"main.wat": MAIN, "square.wat": SQUARE.replace("i32.mul", "i32.mull")})
    async with orchestrator.open(sources) as project:
        [one] = (await project.build()).diagnostics
        assert (one.code, one.file, one.line, one.column) == ("E1101", "square.wat", 2, 46), one
        sources["square.wat"] = SQUARE.replace('"square"', '"other"')
        [one] = (await project.build()).diagnostics
        assert one.code == "E1102" and "square" in one.message
    with pytest.raises(SourceError, match="not UTF-8"):
        WatText().normalise(b"(module ;; \xff\n)")


async def test_one_without_a_start_is_a_library() -> None:
    sources = orchestrator.Sources({"main.wat": SQUARE})
    async with orchestrator.open(sources) as project:
        result = await project.build()
        assert result.success and result.program is not None
        assert b"square" in result.program.read_bytes()


@pytest.mark.slow
async def test_c_calls_text_and_text_calls_c(tmp_path: Path) -> None:
    (tmp_path / "main.c").write_text(
        "int square(int);\nint half(int x) { return x / 2; }\nint main(void) { return square(4); }\n"
    )
    (tmp_path / "square.wat").write_text(
        SQUARE.replace(
            "(func $times", '(import "env" "half" (func $half (param i32) (result i32)))\n  (func $times'
        ).replace("(call $times (local.get 0) (local.get 0))", "(call $half (call $times (local.get 0) (local.get 0)))")
    )
    async with orchestrator.open(tmp_path) as project:
        assert (await project.run()).exit_code == 8
