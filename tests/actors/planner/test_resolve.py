"""What names mean: every form of import, the order of precedence, absent candidates, and what is wrong."""

from __future__ import annotations

import pytest
from plain_projects import binding, modules, resolved

from actors.planner.resolve import interfaces, resolve

A = "pub f = 1\nsecret = 2\n"


def codes(texts: dict[str, str], module: str = "main") -> list[tuple[str, int]]:
    return [(found.code, found.line) for found in resolved(texts, module).diagnostics]


def test_use_of_an_item() -> None:
    bound = binding({"a": A, "main": "use a::f\nrun f"}, "f")
    assert (bound.module, bound.item, bound.failed) == ("a", "f", False)
    assert resolved({"a": A, "main": "use a::f\nrun f"}).imports == ("a",)


def test_use_of_a_module_and_of_one_under_another_name() -> None:
    assert binding({"a": A, "main": "use a\nrun a::f"}, "a::f").module == "a"
    bound = binding({"a": A, "main": "use a as m\nrun m::f"}, "m::f")
    assert (bound.module, bound.item) == ("a", "f")


def test_a_path_needs_no_use() -> None:
    found = resolved({"x/y": A, "main": "run x::y::f"})
    assert found.imports == ("x/y",)
    assert found.diagnostics == ()


def test_the_last_segment_is_first_an_item_then_a_module() -> None:
    both = {"x": "pub y = 1", "x/y": "pub z = 1", "main": "use x::y\nrun y"}
    assert (binding(both, "y").module, binding(both, "y").item) == ("x", "y")
    del both["x"]
    assert (binding(both, "y").module, binding(both, "y").item) == ("x/y", "")
    assert binding(both, "y").absent == ("module x",)


def test_what_was_looked_for_and_found_absent_is_in_the_table() -> None:
    bound = binding({"x": "pub other = 1", "x/y": "pub z = 1", "main": "use x::y\nrun y"}, "y")
    assert (bound.module, bound.item) == ("x/y", "")
    assert bound.absent == ("x::y",)


def test_a_glob_offers_public_items_only() -> None:
    texts = {"a": A, "main": "use a::*\nrun f secret println"}
    assert (binding(texts, "f").module, binding(texts, "f").item) == ("a", "f")
    for name in ("secret", "println"):
        bound = binding(texts, name)
        assert (bound.module, bound.failed, bound.absent) == ("", False, (f"a::{name}",))
    assert codes(texts) == []


def test_a_name_used_beats_a_glob_and_the_modules_own_beats_both() -> None:
    texts = {"a": A, "b": "pub f = 2", "main": "use a::*\nuse b::f\nrun f"}
    assert binding(texts, "f").module == "b"
    texts["main"] += "\nf = 3"
    assert [bound.module for bound in resolved(texts).bindings if bound.name == "f"] == ["b"]  # the `use` itself


def test_two_globs_with_the_name_are_an_error_where_it_occurs() -> None:
    texts = {"a": A, "b": "pub f = 2", "main": "use a::*\nuse b::*\nrun f"}
    found = resolved(texts)
    assert [(one.code, one.line) for one in found.diagnostics] == [("E0504", 3)]
    assert "`a::f` or `b::f`" in found.diagnostics[0].message
    assert binding(texts, "f").failed
    texts["main"] = "use a::*\nuse b::*\nrun g"
    assert codes(texts) == []  # It does not occur.


def test_two_imports_of_one_name_are_an_error_unless_they_mean_the_same() -> None:
    assert codes({"a": A, "b": "pub f = 2", "main": "use a::f\nuse b::f"}) == [("E0504", 2)]
    assert codes({"a": A, "main": "use a::f\nuse a::f"}) == []


@pytest.mark.parametrize(
    ("text", "code", "mentions"),
    [
        ("use geomtry::f", "E0501", ["geomtry", "geometry"]),
        ("use wether", "E0501", ["wether"]),
        ("use geometry::aera", "E0502", ["aera", "`area`", "geometry"]),
        ("use geometry::secret", "E0503", ["secret", "geometry", "line 2"]),
        ("use std::net::tcp", "E0505", ["std::net::tcp"]),
        ("use main::x", "E0506", ["main"]),
        ("run maths::f", "E0501", ["maths"]),
        ("run geometry::secret", "E0503", ["secret"]),
        ("use geomtry::*", "E0501", ["geomtry", "geometry"]),
    ],
)
def test_what_cannot_be_found_names_it_and_the_closest(text: str, code: str, mentions: list[str]) -> None:
    texts = {"geometry": "pub area = 1\nsecret = 1", "main": f"pub x = 1\n{text}"}
    found = resolved(texts).diagnostics
    assert [(one.code, one.line, one.file) for one in found] == [(code, 2, "main.plain")]
    for word in mentions:
        assert word in found[0].message + found[0].hint


def test_what_follows_from_a_failed_import_is_silent() -> None:
    texts = {"a": A, "main": "use a::nothing\nrun nothing nothing::deeper"}
    assert codes(texts) == [("E0502", 1)]
    assert all(bound.failed for bound in resolved(texts).bindings)


def test_a_module_without_summary_is_depended_upon_in_silence() -> None:
    found = resolved({"a": "syntax error", "main": "use a::f\nrun f"})
    assert found.imports == ("a",)
    assert found.diagnostics == ()
    assert binding({"a": "syntax error", "main": "use a::f\nrun f"}, "f").failed


def test_interfaces_are_closed_over_what_they_drag_in() -> None:
    texts = {
        "main": "use a::f\nrun f",
        "a": "use b::T\npub f = T U\npub unused = T\nU = 1",
        "b": "use c::V\npub T = V W\nW = 1",
        "c": "use a::U2\npub V = 1",
    }
    known = modules(texts)
    tables = {module: resolve(known, module) for module in texts}
    closed = interfaces(known, "main", tables)
    assert list(closed) == ["a::U", "a::f", "b::T", "b::W", "c::V"]
    assert closed["a::f"].names == {"T": "b::T", "U": "a::U"}
    assert closed["b::T"].names == {"V": "c::V", "W": "b::W"}


def test_interfaces_of_a_cycle_end() -> None:
    texts = {"main": "use b::g\npub f = g", "b": "use main::f\npub g = f"}
    known = modules(texts)
    tables = {module: resolve(known, module) for module in texts}
    assert list(interfaces(known, "main", tables)) == ["b::g", "main::f"]
