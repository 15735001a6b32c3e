"""The conformance suite, through the toolchain and the planner's resolution (README.md in this folder)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orchestrator.codes import all_codes
from tests.helpers.programs import BuiltProgram, build, read_folder, run

CODES = all_codes()

HERE = Path(__file__).parent
MANIFEST = json.loads((HERE / "manifest.json").read_text(encoding="utf-8"))


def names(folder: str, stage: int) -> list[str]:
    return sorted(name for name, about in MANIFEST[folder].items() if about["stage"] == stage)


def build_single(folder: str, name: str) -> BuiltProgram:
    source = (HERE / folder / f"{name}.ruchy").read_bytes().decode()
    return build({f"{name}.ruchy": source}, f"{name}.ruchy")


def test_the_manifest_lists_every_program():
    for folder in ("single", "traps"):
        assert sorted(MANIFEST[folder]) == sorted(path.stem for path in (HERE / folder).glob("*.ruchy"))
    assert sorted(MANIFEST["projects"]) == sorted(path.name for path in (HERE / "projects").iterdir())
    assert len(names("single", 1)) == 53


def check_single(built: BuiltProgram, name: str) -> None:
    ran = run(built.program)
    assert (ran.code, ran.stderr) == (0, "")
    assert ran.stdout.encode() == (HERE / "single" / f"{name}.out").read_bytes()


def check_project(built: BuiltProgram, name: str) -> None:
    ran = run(built.program)
    assert (ran.code, ran.stderr) == (0, "")
    assert ran.stdout.encode() == (HERE / "projects" / name / "expected.out").read_bytes()


def check_trap(built: BuiltProgram, name: str) -> None:
    wanted = json.loads((HERE / "traps" / f"{name}.trap.json").read_text(encoding="utf-8"))
    ran = run(built.program)
    assert (ran.code, ran.stdout) == (134, wanted["stdout_before"])
    if wanted.get("line_optional"):
        assert ran.reason == "stack"  # the host's affair, and its message
    else:
        assert ran.stderr.startswith(f"error: {name}.ruchy:{wanted['line']}: ")
        assert [word for word in wanted["must_mention"] if word.lower() not in ran.stderr.lower()] == []


CHECKS = {"single": check_single, "traps": check_trap, "projects": check_project}
PROGRAMS = [(folder, stage, name) for folder in CHECKS for stage in (1, 2) for name in names(folder, stage)]


def build_named(folder: str, name: str) -> BuiltProgram:
    return build(read_folder(str(HERE / folder / name))) if folder == "projects" else build_single(folder, name)


@pytest.mark.parametrize(("folder", "name"), [(folder, name) for folder, stage, name in PROGRAMS if stage == 1])
def test_program(folder, name):
    built = build_named(folder, name)
    assert built.errors() == []
    if folder == "single":
        assert [one.code for one in built.diagnostics if one.code != "W0001"] == []
    CHECKS[folder](built, name)


@pytest.mark.parametrize(("folder", "name"), [(folder, name) for folder, stage, name in PROGRAMS if stage == 2])
def test_program_of_the_next_stage(folder, name):
    """It may work already; otherwise what is missing is an error with a code and a place, never a crash."""
    built = build_named(folder, name)
    if built.program is not None:
        CHECKS[folder](built, name)
        return
    assert built.errors() != []
    assert [found.code for found in built.errors() if found.code not in CODES] == []
    assert [found for found in built.errors() if not found.line] == []


@pytest.mark.parametrize("name", [*names("errors", 1), *names("errors", 2)])
def test_error(name):
    wanted = json.loads((HERE / "errors" / f"{name}.err.json").read_text(encoding="utf-8"))
    folder = HERE / "errors" / name
    built = build(read_folder(str(folder))) if folder.is_dir() else build_single("errors", name)
    assert built.program is None
    assert built.errors() != []
    assert [found.code for found in built.errors() if found.code not in CODES] == []
    if MANIFEST["errors"][name]["stage"] == 1:
        assert any(_is_asked(found, wanted) for found in built.errors()), built.errors()
        if wanted["kind"] != "import":
            assert _is_asked(built.errors()[0], wanted), built.errors()
            assert len({found.line for found in built.errors()}) == 1, "an error that follows from another"


def _is_asked(found, wanted) -> bool:
    text = f"{found.message} {found.text} {found.hint} {found.file}".lower()
    lines = [wanted.get("line"), *wanted.get("also_lines", [])]
    return (
        CODES[found.code].kind == wanted["kind"]
        and (wanted.get("line_optional") or found.line in lines)
        and ("file" not in wanted or found.file == wanted["file"])
        and all(word.lower() in text for word in wanted["must_mention"])
    )
