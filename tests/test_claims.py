"""What the documents claim of names, numbers and codes is what the code has: claims that can be read are read here.
`test_documents.py` runs the examples, `test_house.py` follows links, files and codes."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

import orchestrator
from actors.compiler.crew import EACH_MS
from actors.diagnostics import MOST
from actors.hasher.source import MAX_BYTES
from orchestrator import configfile, errors
from orchestrator.cli import app, build, run
from orchestrator.running import LIMITS
from orchestrator.settings import SETTINGS, size
from orchestrator.toolchains.ruchy.syntax.lexer import LONGEST_NAME
from orchestrator.toolchains.ruchy.syntax.names import LONGEST_PATH
from orchestrator.wasm.execute import _STACK, TRAPPED

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


def text(document: str) -> str:
    return (ROOT / document).read_text(encoding="utf-8")


def section(document: str, heading: str) -> str:
    return re.search(rf"^## {re.escape(heading)}$(.*?)(?=^## |\Z)", text(document), re.MULTILINE | re.DOTALL)[1]  # type: ignore[index]


def first_columns(table: str) -> list[str]:
    """All that stands between backticks in the first column of the tables in a text."""
    return [name for row in re.findall(r"^\| (`[^|]+) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)]


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


# ------------------------------------------------------------------------------------------------ README


def test_the_first_project_of_the_readme_does_what_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    part = section("README.md", "Try it")
    monkeypatch.chdir(tmp_path)
    Path("hello").mkdir()
    for source in re.findall(r"^```ruchy\n(.*?)^```$", part, re.MULTILINE | re.DOTALL):
        name, _, content = source.partition("\n")
        Path("hello", name.removeprefix("// ")).write_text(content)
    shown = re.findall(r"^\.venv/bin/wasmill (.*?) +# (.*)$", part, re.MULTILINE)
    assert [command.split()[0] for command, _ in shown] == ["run", "build"]
    for command, said in shown:
        assert app.main(command.split()) == 0
        out, err = capfd.readouterr()
        assert said == (out if command.startswith("run") else err).strip()
    assert Path("hello/build/main.wasm").is_file()


def test_what_the_readme_says_of_installing() -> None:
    project = tomllib.loads(text("pyproject.toml"))["project"]
    part = section("README.md", "Install it")
    assert f"Python {project['requires-python'].removeprefix('>=')} or newer" in part
    for extra in re.findall(r"\.\[(\w+)\]", part):
        assert extra in project["optional-dependencies"]
    assert re.findall(r"pip install (\S+)", part) == ["."]
    assert "It does not work on Windows" in part


def test_the_settings_that_documents_show_are_some(tmp_path: Path) -> None:
    shown = 0
    for document in DOCUMENTS:
        for block in re.findall(r"^```toml\n(.*?)^```$", document.read_text(), re.MULTILINE | re.DOTALL):
            file = tmp_path / "wasmill.toml"
            file.write_text(block)
            configfile.read_file(str(file), orchestrator.Offload().disk)
            shown += 1
    assert shown


def test_the_default_settings_are_those_written_down() -> None:
    tables = tomllib.loads(text("configs/default.toml"))
    written = {key: value for table in tables.values() for key, value in table.items()}
    plain = text("configs/default.toml").partition("\n# [toolchain.")[0]
    commented = re.findall(r"^# (\w+) = ", plain, re.MULTILINE)
    assert {*written, *commented} == set(SETTINGS)
    for key, value in written.items():
        default: Any = SETTINGS[key].default
        assert SETTINGS[key].check(value) == (tuple(default) if isinstance(default, list) else default), key
        assert key in tables[SETTINGS[key].table]


# ------------------------------------------------------------------------------------------------ exit codes


def all_errors(of: type = errors.WasmillError) -> list[type[errors.WasmillError]]:
    return [of, *(one for sub in of.__subclasses__() for one in all_errors(sub))]


def numbers(words: str) -> set[int]:
    return {int(one) for one in re.findall(r"\b(\d{1,3})\b", words)}


def test_exit_codes_are_the_same_everywhere() -> None:
    table = re.search(r"^\| exit code \|.*?\n\n", text("README.md"), re.MULTILINE | re.DOTALL)
    assert table
    codes = {0, 1, 2, 3, 130, 143, TRAPPED}
    assert numbers(table[0]) == codes
    assert numbers(app.HELP.partition("exit codes:")[2]) == codes
    assert numbers(build.DETAILS.partition("exit codes:")[2]) <= codes
    assert numbers(run.DETAILS.partition("exit codes:")[2]) <= codes
    assert {one.exit_code for one in all_errors()} <= codes


def test_the_tree_of_errors_is_the_one_shown() -> None:
    shown = dict(re.findall(r"(\w+) .*exit code (\d+)$", errors.__doc__ or "", re.MULTILINE))
    ours = [one for one in all_errors() if one.__module__ == errors.__name__]
    assert shown == {one.__name__: str(one.exit_code) for one in ours if one is not errors.WasmillError}
    table = first_columns(section("docs/embedding.md", "What can be raised"))
    assert {name for name in table if hasattr(orchestrator, name)} == {one.__name__ for one in ours}


# ------------------------------------------------------------------------------------------------ the API


def test_the_fields_of_results_are_those_listed() -> None:
    part = section("docs/embedding.md", "Open, build, run")
    results, limits = part.split("| key of `limits` |")
    listed = [name for name in first_columns(results) if name != "BuildResult"]
    assert sorted(listed) == sorted(orchestrator.BuildResult.__struct_fields__)
    sentence = re.search(r"`run\(.*?\)` builds(.*?)\.", results, re.DOTALL)
    assert sentence
    assert set(re.findall(r"`(\w+)`", sentence[1])) == set(orchestrator.RunResult.__struct_fields__)
    rows = re.findall(r"^\| `(\w+)` \|.*\| (.*?) \|$", limits, re.MULTILINE)
    assert [name for name, _ in rows] == list(LIMITS)
    for name, where in rows:
        key, default = re.fullmatch(r"(?:`(\w+)` \((.*)\))?.*", where).groups()  # type: ignore[union-attr]
        assert (key or "") == LIMITS[name]
        assert not key or size(default if default.strip("0") else int(default)) == SETTINGS[key].default


@pytest.mark.parametrize("document", ["README.md", "docs/embedding.md"])
def test_the_names_that_documents_use_are_public(document: str) -> None:
    """`orchestrator.x`, and what looks like one of our classes."""
    found = text(document)
    for name in re.findall(r"\borchestrator\.(\w+)", found):
        assert name in (*orchestrator.__all__, "events", "sync", "testing"), name
    classes = set(re.findall(r"`([A-Z][a-z]+(?:[A-Z][a-z]+)+)\b", found)) - {"TypedDicts", "ResourceWarning"}
    for name in classes:
        assert hasattr(orchestrator, name) or hasattr(orchestrator.events, name), name
    for name in re.findall(r"`project\.(\w+)\(", found):
        assert hasattr(orchestrator.Project, name), name


def test_the_events_in_json_have_the_names_that_are_said() -> None:
    tags = {
        one.__struct_config__.tag for one in vars(orchestrator.events).values() if hasattr(one, "__struct_config__")
    }
    said = set(
        re.findall(r"\b((?:build|compile|cache|program|link|source)-[a-z]+)\b", text("README.md") + build.DETAILS)
    )
    assert {one for one in said if one.startswith("build-")} == {"build-started", "build-finished", "build-cancelled"}
    assert {one for one in said if one.startswith("build-")} <= tags


def test_every_document_with_python_in_it_is_run() -> None:
    shown = {named(one) for one in DOCUMENTS if "```python" in one.read_text()}
    tests = text("tests/test_documents.py")
    assert {one for one in shown if one not in tests} == set()


# ------------------------------------------------------------------------------------------------ numbers


NUMBERS: list[tuple[str, str, object]] = [
    ("docs/security.md", r"`run_memory` \((\d+ \w+)\)", SETTINGS["run_memory"].default),
    ("docs/security.md", r"a stack of (\d+ \w+)", _STACK),
    ("docs/security.md", r"A source has at most (\d+ \w+)", MAX_BYTES),
    ("docs/language.md", r"A source of (\d+ \w+) \(E0802\)", MAX_BYTES),
    ("docs/security.md", r"a name (\d+) characters \(E0028\)", LONGEST_NAME),
    ("docs/security.md", r"a path (\d+) parts \(E0803\)", LONGEST_PATH),
    ("docs/security.md", r"A `wasmill.toml` has at most (\d+ \w+)", configfile.LARGEST),
    ("docs/security.md", r"(\d+) errors and 100 warnings of a module are reported", MOST),
    ("docs/embedding.md", r"one for each (\d+) ms of work", int(EACH_MS)),
]


@pytest.mark.parametrize(("document", "pattern", "value"), NUMBERS, ids=[pattern for _, pattern, _ in NUMBERS])
def test_a_number_is_the_one_in_the_code(document: str, pattern: str, value: object) -> None:
    (found,) = re.findall(pattern, text(document))
    assert size(int(found) if found.isdecimal() else found) == value
