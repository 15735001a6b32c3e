"""What names mean: every form of import, the order of precedence, absent candidates, and what is wrong."""

from __future__ import annotations

import pytest

from actors.compiler.toolchain import Item, Name, Summary, Use
from actors.digests import digest
from actors.planner.deep import Meanings, interfaces
from actors.planner.resolve import Modules, resolve
from tests.actors.planner.plain_projects import binding, modules, resolved

A = "pub f = 1\nsecret = 2\n"


def codes(texts: dict[str, str], module: str = "main") -> list[tuple[str, int]]:
    return [(found.code, found.at) for found in resolved(texts, module).findings]


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
    assert found.findings == ()


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
    assert [(one.code, one.at) for one in found.findings] == [("E0504", 3)]
    assert "`a::f` or `b::f`" in found.findings[0].message
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
    found = resolved(texts).findings
    assert [(one.code, one.at) for one in found] == [(code, 2)]
    for word in mentions:
        assert word in found[0].message + found[0].hint


def test_what_follows_from_a_failed_import_is_silent() -> None:
    texts = {"a": A, "main": "use a::nothing\nrun nothing nothing::deeper"}
    assert codes(texts) == [("E0502", 1)]
    assert all(bound.failed for bound in resolved(texts).bindings)


def test_a_module_without_summary_is_depended_upon_in_silence() -> None:
    found = resolved({"a": "syntax error", "main": "use a::f\nrun f"})
    assert found.imports == ("a",)
    assert found.findings == ()
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
    closed = interfaces(Meanings(known, tables.get), "main", tables["main"].bindings)
    assert list(closed) == ["a::U", "a::f", "b::T", "b::W", "c::V"]
    assert closed["a::f"].names == {"T": "b::T", "U": "a::U"}
    assert closed["b::T"].names == {"V": "c::V", "W": "b::W"}


def test_interfaces_of_a_cycle_end() -> None:
    texts = {"main": "use b::g\npub f = g", "b": "use main::f\npub g = f"}
    known = modules(texts)
    tables = {module: resolve(known, module) for module in texts}
    assert list(interfaces(Meanings(known, tables.get), "main", tables["main"].bindings)) == ["b::g", "main::f"]


# ---- inline modules


def inline(*uses: Use, names: tuple[str, ...] = ()) -> Summary:
    """A module with `pub mod m { pub f; secret; pub mod deep { pub g } }`."""
    items = [
        Item(name=name, kind=kind, public=public, digest=digest(name.encode()))
        for name, kind, public in [
            ("m", "module", True),
            ("m::f", "function", True),
            ("m::secret", "function", False),
            ("m::deep", "module", True),
            ("m::deep::g", "function", True),
        ]
    ]
    return Summary(items=tuple(items), uses=uses, names=tuple(Name(name=name) for name in names))


def bound_in(summary: Summary, **others: Summary) -> tuple[dict[str, str], list[str]]:
    """What the names of `main` mean, and the codes of what is wrong."""
    summaries = {"main": summary, **others}
    found = resolve(Modules(summaries, {name: f"{name}.plain" for name in summaries}), "main")
    meanings = {bound.name: f"{bound.module}::{bound.item}" for bound in found.bindings if not bound.failed}
    return meanings, [one.code for one in found.findings]


def test_an_import_that_begins_with_an_own_inline_module_leads_there() -> None:
    summary = inline(
        Use(path=("m", "f"), alias="f"), Use(path=("m", "deep"), alias="deep"), Use(path=("m",), alias="n"),
        names=("deep::g", "n::f"),
    )  # fmt: skip
    wanted = {"f": "main::m::f", "deep": "main::m::deep", "deep::g": "main::m::deep::g", "n": "main::m"}
    assert bound_in(summary) == ({**wanted, "n::f": "main::m::f"}, [])
    other = Summary(items=(Item(name="f", kind="function", public=True, digest=digest(b"f")),))
    assert bound_in(summary, m=other)[0]["f"] == "main::m::f"  # a file of that name is hidden


def test_a_glob_of_an_inline_module_offers_what_is_public_in_it_and_nothing_else() -> None:
    summary = inline(Use(path=("m",), glob=True), names=("f", "secret", "println", "deep::g"))
    meanings, codes = bound_in(summary)
    assert (meanings["f"], meanings["deep::g"], codes) == ("main::m::f", "main::m::deep::g", [])
    assert (meanings["secret"], meanings["println"]) == ("::", "::")


def test_what_an_inline_module_keeps_for_itself_cannot_be_imported() -> None:
    assert bound_in(inline(Use(path=("m", "secret"), alias="secret")))[1] == ["E0503"]
    assert bound_in(inline(Use(path=("m", "secret"), alias="s", scope="m::deep")))[1] == []  # it is inside of `m`
    assert bound_in(inline(Use(path=("m", "absent"), alias="absent")))[1] == ["E0502"]


def test_inline_modules_hand_on_what_they_import() -> None:
    lib = inline(
        Use(path=("m", "deep", "g"), alias="g", public=True),
        Use(path=("far", "h"), alias="h", scope="m", public=True),
        Use(path=("far", "i"), alias="i", scope="m"),
    )
    far = Summary(items=tuple(Item(name=n, kind="function", public=True, digest=digest(n.encode())) for n in "hi"))
    user = Summary(uses=(Use(path=("lib", "m"), glob=True), Use(path=("lib", "g"), alias="g")), names=tuple(
        Name(name=name) for name in ("h", "i", "lib::m::h")
    ))  # fmt: skip
    meanings, codes = bound_in(user, lib=lib, far=far)
    assert (meanings["g"], meanings["h"], meanings["lib::m::h"]) == ("lib::m::deep::g", "far::h", "far::h")
    assert (meanings["i"], codes) == ("::", [])
