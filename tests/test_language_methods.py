"""docs/language.md lists every builtin and method: these lists are those of the compiler."""

from __future__ import annotations

import re
from pathlib import Path

from orchestrator.toolchains.ruchy.check import checker  # noqa: F401  (it imports all tables)
from orchestrator.toolchains.ruchy.check.array_methods import CHANGERS, METHODS
from orchestrator.toolchains.ruchy.check.builtins import BUILTINS, MACROS
from orchestrator.toolchains.ruchy.check.infer import shown
from orchestrator.toolchains.ruchy.check.methods import _NUMBER, _READ
from orchestrator.toolchains.ruchy.check.number_methods import FLOAT_METHODS, INTEGER_METHODS
from orchestrator.toolchains.ruchy.check.text_changes import TEXT_CHANGERS
from orchestrator.toolchains.ruchy.check.text_methods import TEXT_METHODS

PAGE = Path(__file__).parents[1] / "docs" / "language.md"


def section() -> str:
    return PAGE.read_text().partition("\n## Builtins and methods\n")[2].partition("\n## ")[0]


def text_lines() -> list[str]:
    """The rows of the table of methods of String: those of one type stand together."""
    rows: dict[tuple[str, str], list[str]] = {}
    for name, method in [*TEXT_METHODS.items(), *TEXT_CHANGERS.items()]:
        given = [shown(kind) for kind in method.arguments]
        for number, text in enumerate(getattr(method, "defaults", ())[::-1], 1):
            given[-number] += f' = "{text}"'
        rows.setdefault((", ".join(given), shown(method.result)), []).append(name)
    shown_rows = [(" ".join(f"`{name}({given})`" for name in names), result) for (given, result), names in rows.items()]
    return [f"| {names} | `{result}` |" for names, result in shown_rows]


def test_every_method_of_string_has_its_type():
    assert [line for line in text_lines() if line not in section()] == []


def test_every_builtin_is_listed():
    words = set(re.findall(r"`([^`]+)`", section()))
    assert {*BUILTINS, *(f"{name}!" for name in MACROS)} - words == set()
    assert {*_NUMBER, *INTEGER_METHODS, *FLOAT_METHODS, *METHODS, *CHANGERS} - words == set()
    assert {f"{name}()" for name in _READ if name != "append"} - words == set()


def test_the_counts_of_arguments_are_those_of_the_tables():
    text = " ".join(section().split())
    for name, (count, _) in [*METHODS.items(), *CHANGERS.items(), *INTEGER_METHODS.items(), *FLOAT_METHODS.items()]:
        assert f"`{name}` {count}" in text, name
