"""docs/language.md lists every builtin and method with its type: these lists are those of the compiler.

`python -m tests.test_language_methods` writes the tables that the page must have.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from orchestrator.toolchains.ruchy.check import checker  # noqa: F401  (it imports all tables)
from orchestrator.toolchains.ruchy.check.functions.builtins import BUILTINS, MACROS
from orchestrator.toolchains.ruchy.check.inference.infer import shown
from orchestrator.toolchains.ruchy.check.methods.arrays import CHANGERS, METHODS
from orchestrator.toolchains.ruchy.check.methods.exact import FLOATS, INTEGERS
from orchestrator.toolchains.ruchy.check.methods.maps import CHANGERS as TABLE_CHANGERS
from orchestrator.toolchains.ruchy.check.methods.maps import METHODS as TABLE_METHODS
from orchestrator.toolchains.ruchy.check.methods.numbers import FLOAT_METHODS, INTEGER_METHODS
from orchestrator.toolchains.ruchy.check.methods.options import METHODS as OPTION_METHODS
from orchestrator.toolchains.ruchy.check.methods.scalars import _NUMBER, _READ
from orchestrator.toolchains.ruchy.check.methods.text_changes import TEXT_CHANGERS
from orchestrator.toolchains.ruchy.check.methods.texts import TEXT_METHODS
from orchestrator.toolchains.ruchy.check.methods.written_rows import ON_ARRAYS, ON_OPTIONS, ON_RESULTS
from orchestrator.toolchains.ruchy.check.types import MapType, SetType
from tests.helpers.programs import errors_of

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


RECEIVERS = {
    "an array": ("[7]", "[i64]"),
    "a map": ('HashMap::from([("k", 7)])', "HashMap<String, i64>"),
    "a set": ("HashSet::from([7])", "HashSet<i64>"),
    "an integer": ("7", "i64"),
    "a float": ("7.5", "f64"),
}
"""What methods are tried on, with its type."""
SHOWN = {"1": "i64", "1.5": "f64", "[1]": "[i64]", '"x"': "String", "m": "HashMap<String, i64>", "s": "HashSet<i64>"}
"""What they are given, with its type."""
FUNCTION = "retain"
"""Takes a function."""
BY_COUNT = ("", "1", "1, 1")
GIVEN = {
    ("an array", '"x"'): ("join",),
    ("an array", "[1]"): (
        *("append", "concat", "difference", "extend", "extend_from_slice"),
        *("intersection", "starts_with", "union", "zip"),
    ),
    ("a map", '"x"'): ("contains", "contains_key", "get", "has_key", "remove"),
    ("a map", '"x", 1'): ("get_or", "insert"),
    ("a map", "m"): ("extend",),
    ("a set", "s"): (
        *("difference", "extend", "intersection", "is_disjoint", "is_subset", "is_superset"),
        *("symmetric_difference", "union"),
    ),
    ("a float", "1.5"): ("atan2", "copysign", "hypot", "log"),
    ("a float", "1.5, 1.5"): ("clamp",),
}
"""Arguments of methods that do not take integers alone."""


def methods_of(what: str) -> dict[str, int]:
    """The methods that are tried, with how many arguments they take."""
    rows: dict[str, dict[str, tuple[int, object]]] = {
        "an array": {**METHODS, **CHANGERS},
        "an integer": {**INTEGER_METHODS},
        "a float": {**FLOAT_METHODS},
    }
    kinds = {"a map": MapType, "a set": SetType}
    if what in kinds:
        tables = {**TABLE_METHODS, **TABLE_CHANGERS}
        return {name: count for (of, name), (count, _) in tables.items() if of is kinds[what] and name != FUNCTION}
    more = {"an integer": INTEGERS, "a float": FLOATS, "an array": {}}[what]
    return {**{name: count for name, (count, _) in rows[what].items()}, **more}


def tried(what: str) -> tuple[str, list[str]]:
    """A program that calls each method, in a line of its own, and how each call is shown."""
    receiver, _ = RECEIVERS[what]
    before = f"let mut m = {RECEIVERS['a map'][0]}; let mut s = {RECEIVERS['a set'][0]}; let mut x = {receiver};"
    lines, calls = ["struct Probe { p: i64 }"], []
    for name, count in methods_of(what).items():
        given = next((one for (of, one), names in GIVEN.items() if of == what and name in names), BY_COUNT[count])
        lines.append(f"fun f{len(calls)}() {{ {before} let probe: Probe = x.{name}({given}) }}")
        calls.append(f"{name}({', '.join(SHOWN[one] for one in given.split(', ') if one)})")
    return "\n".join([*lines, "fun main() {}"]), calls


def given_by_compiler(what: str) -> dict[str, set[str]]:
    """What the compiler says that each method gives: the calls of each type."""
    source, calls = tried(what)
    rows: dict[str, set[str]] = {}
    for error in errors_of(source):
        found = re.search("(?:its value is|this is) (.*?)(?:, and Probe is needed)?$", error.message)
        assert found is not None and error.code == "E0201", (what, calls[error.line - 2], error.message)
        rows.setdefault(found[1], set()).add(calls[error.line - 2])
    return rows


def written(table: str) -> dict[str, set[str]]:
    """The rows of a table of the document: calls in the first column, their type in the second one."""
    lines = re.findall("^\\| (`.*`) \\| `(.*)` \\|$", table, re.MULTILINE)
    return {result: set(re.findall("`([^`]*)`", calls)) for calls, result in lines}


@pytest.mark.parametrize("what", RECEIVERS)
def test_every_method_has_the_type_that_the_compiler_gives_it(what):
    behind = section().partition(f"Of {what}, `{RECEIVERS[what][1]}`")[2]
    table = behind.partition("\n\n|")[2].partition("\n\n")[0]
    assert written(table) == given_by_compiler(what)


def test_methods_that_take_a_function_are_listed():
    words = set(re.findall(r"`([^`]+)`", section()))
    assert {*ON_ARRAYS, *ON_OPTIONS, *ON_RESULTS, *OPTION_METHODS} - words == set()


def test_every_builtin_is_listed():
    words = set(re.findall(r"`([^`]+)`", section()))
    called = set(re.findall(r"`([\w:]+)\([^`]*\)`", PAGE.read_text()))
    own = {name for name in BUILTINS if name.startswith("#")}
    of_types = {"T::default", "i64::from_str_radix"}  # many types have them
    own |= {name for name in BUILTINS if name.rpartition("::")[2] in ("default", "from_str_radix")}
    assert of_types - called == set()
    assert {*BUILTINS} - own - words - called == set()
    assert {*(f"{name}!" for name in MACROS)} - words == set()
    assert set(_NUMBER) - words == set()
    assert {f"{name}()" for name in _READ if name != "append"} - words == set()


if __name__ == "__main__":
    for what, (_, kind) in RECEIVERS.items():
        print(f"\nOf {what}, `{kind}`:\n\n| | |\n|---|---|")
        for result, calls in given_by_compiler(what).items():
            print("|", *(f"`{call}`" for call in calls), f"| `{result}` |")
