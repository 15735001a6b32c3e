"""The programs of the conformance suite that must not compile, and that one module makes wrong."""

import json
from pathlib import Path

import pytest

from orchestrator.codes import all_codes
from tests.orchestrator.toolchains.ruchy.check.checking import check_text

CODES = all_codes()

SUITE = Path(__file__).parents[4] / "conformance"
MANIFEST = json.loads((SUITE / "manifest.json").read_text()) if SUITE.exists() else {"errors": {}, "single": {}}


def programs(stage: int) -> list[str]:
    about = MANIFEST["errors"]
    return [
        name for name in sorted(about) if about[name]["stage"] == stage and (SUITE / f"errors/{name}.ruchy").exists()
    ]


def kinds(stage: int) -> list[str]:
    return [name for name in programs(stage) if MANIFEST["errors"][name]["kind"] != "import"]


@pytest.mark.parametrize("name", kinds(1))
def test_error(name):
    wanted = json.loads((SUITE / f"errors/{name}.err.json").read_text())
    checked = check_text((SUITE / f"errors/{name}.ruchy").read_text())
    assert checked.module is None
    first = checked.diagnostics[0]
    whole = f"{first.message} {first.hint} {first.text}".lower()
    assert CODES[first.code].kind == wanted["kind"]
    assert first.line in [wanted["line"], *wanted.get("also_lines", [])]
    assert [word for word in wanted["must_mention"] if word.lower() not in whole] == []
    lines = {one.line for one in checked.diagnostics}
    assert lines == {first.line}, "an error that follows from another"


@pytest.mark.parametrize("name", programs(2))
def test_error_of_the_next_stage_is_an_error(name):
    checked = check_text((SUITE / f"errors/{name}.ruchy").read_text())
    assert checked.module is None
    assert checked.diagnostics


@pytest.mark.parametrize("name", sorted(name for name in MANIFEST["single"] if name.startswith("s1-")))
def test_program(name):
    checked = check_text((SUITE / f"single/{name}.ruchy").read_text())
    assert checked.module is not None
    assert [one.code for one in checked.warnings if one.code != "W0001"] == []
