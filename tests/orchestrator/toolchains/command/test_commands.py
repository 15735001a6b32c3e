"""Compilers that a project names, by one of a few lines: its language is the base64 of objects."""

from __future__ import annotations

import base64
import sys
from pathlib import Path

import pytest

import orchestrator
from orchestrator.errors import ConfigError
from orchestrator.wasm.wat import assemble_object

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

COMPILER = """
import base64, pathlib, os, sys
source, target, rule = sys.argv[1:4]
text = pathlib.Path(source).read_text()
if text.startswith("wrong"):
    sys.exit(print(f"{source}:1:2: error: this is wrong") or 1)
if text.startswith("odd"):
    sys.exit(print("it does not work") or 7)
if text.startswith("half"):
    pathlib.Path(target).write_bytes(b"half")
    sys.exit(0)
assert "SECRET" not in os.environ
more = pathlib.Path("more.txt").read_bytes()
print(f"{source}:1:1: warning: {more.decode().strip()}")
pathlib.Path(target).write_bytes(base64.b64decode(text))
pathlib.Path(rule).write_text(f"x: {source} more.txt\\n")
"""
TOML = """
[toolchain.b64]
extensions = [".b64"]
command = [%r, "{source}", "{object}", "{depfile}"]
inputs = ["settings.ini"]
"""


def square(operation: str) -> str:
    text = f'(module (func (export "square") (param i32) (result i32) (i32.{operation} (local.get 0) (local.get 0))))'
    return base64.b64encode(assemble_object(text)).decode()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WASMILL_TRUST", str(tmp_path))
    monkeypatch.setenv("SECRET", "1")
    folder = tmp_path / "app"
    (folder / "tools").mkdir(parents=True)
    compiler = folder / "tools/compile"
    compiler.write_text(f"#!{sys.executable}{COMPILER}")
    compiler.chmod(0o755)
    (folder / "wasmill.toml").write_text((TOML % "tools/compile").replace("'", '"'))
    (folder / "more.txt").write_text("mind\n")
    (folder / "square.b64").write_text(square("mul"))
    (folder / "main.c").write_text("int square(int);\nint main(void) { return square(3); }\n")
    return folder


async def recompiled(project: Path) -> list[str]:
    async with orchestrator.open(project) as opened:
        result = await opened.build()
    assert result.success, result.diagnostics
    return result.recompiled


async def test_its_objects_are_linked_with_c_and_its_inputs_are_discovered(project: Path) -> None:
    async with orchestrator.open(project) as opened:
        assert (await opened.run()).exit_code == 9
        result = await opened.build()
        assert [(one.code, one.message) for one in result.diagnostics] == [("W1001", "mind")]
    assert await recompiled(project) == []
    (project / "more.txt").write_text("mind this\n")
    assert await recompiled(project) == ["square"]
    (project / "settings.ini").write_text("x")
    assert await recompiled(project) == ["square"], "a declared input that was absent"
    (project / "tools/compile").write_text((project / "tools/compile").read_text() + "# another one\n")
    assert await recompiled(project) == ["square"], "a compiler in the project is an input"
    (project / "square.b64").write_text(square("add"))
    assert await recompiled(project) == ["square"]
    async with orchestrator.open(project) as opened:
        assert (await opened.run()).exit_code == 6
        assert (await opened.build(verify=1.0)).differences == []
    toml = (project / "wasmill.toml").read_text()
    (project / "wasmill.toml").write_text(toml + 'identity = "2"\n')
    assert await recompiled(project) == ["square"]


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("wrong", "E1001", "this is wrong"),
        ("odd", "E1001", "the command ended with exit code 7: it does not work"),
        ("half", "E1003", "the command ended without an error, and what it left is no WebAssembly"),
    ],
)
async def test_what_is_wrong_is_told(project: Path, text: str, code: str, message: str) -> None:
    (project / "square.b64").write_text(text)
    async with orchestrator.open(project) as opened:
        result = await opened.build()
    assert [(one.code, one.message, one.file) for one in result.diagnostics] == [(code, message, "square.b64")]


async def test_one_that_is_not_there_is_told(project: Path) -> None:
    (project / "wasmill.toml").write_text((TOML % "no-such-program").replace("'", '"'))
    async with orchestrator.open(project) as opened:
        [one] = (await opened.build()).diagnostics
    assert one.code == "E1003" and "`no-such-program` cannot be started" in one.message


async def test_it_runs_in_a_trusted_folder_only(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WASMILL_TRUST", "")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(project / "config"))
    with pytest.raises(ConfigError, match="not trusted"):
        orchestrator.open(project)


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ('[toolchain.x]\ncommand = ["a", "{source}", "{object}"]\n', "a command needs `extensions`"),
        ('[toolchain.x]\nextensions = [".x"]\ncommand = ["a", "{source}"]\n', "must be a list of texts with"),
        ('[toolchain.x]\nextensions = [".c"]\ncommand = ["a", "{source}", "{object}"]\n', "both take"),
        ('[toolchain.wat]\ncommand = ["a", "{source}", "{object}"]\n', "`command` is not a setting of"),
        ('[toolchain.x]\nextensions = [".x"]\n', "there is no toolchain `x`"),
    ],
)
async def test_wrong_tables_are_refused(project: Path, toml: str, message: str) -> None:
    (project / "wasmill.toml").write_text(toml)
    with pytest.raises((ConfigError, orchestrator.ProjectError), match=message):
        orchestrator.open(project)
