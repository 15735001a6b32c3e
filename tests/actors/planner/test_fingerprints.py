"""Deep interfaces and fingerprints: everything that counts changes them, nothing else does; the document says which."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from actors.compiler.toolchain import Binding, Item, Signature, Summary, Use
from actors.digests import digest
from actors.messages import BuildSettings
from actors.planner import fingerprints as room
from actors.planner.deep import DeepInterfaces, Meanings
from actors.planner.fingerprints import Fingerprint, Fingerprints
from actors.planner.resolve import Modules, resolve

DOCUMENT = Path(__file__).parents[3] / "docs" / "fingerprints.md"


def item(name: str, interface: str = "", *, body: str = "", **more: Any) -> Item:
    """An item whose interface and body are words; words that begin with a letter are its names."""
    seen = tuple(dict.fromkeys(re.findall(r"[A-Za-z_][\w:]*", interface)))
    names = tuple(dict.fromkeys([*seen, *re.findall(r"[A-Za-z_][\w:]*", body)]))
    settings: dict[str, Any] = {
        "kind": "function",
        "public": True,
        "digest": digest(f"{name} {interface} {body}".encode()),
        "interface": interface.encode(),
        "interface_names": seen,
        "names": names,
        "code": True,
        **more,
    }
    return Item(name=name, **settings)


def known(
    signatures: dict[str, dict[str, Signature]] | None = None, **modules: Summary
) -> tuple[Meanings, DeepInterfaces]:
    table = Modules(modules, {name: f"{name}.x" for name in modules})
    resolved = {name: resolve(table, name) for name in modules}
    meanings = Meanings(table, resolved.get)
    return meanings, DeepInterfaces(meanings, lambda module: (signatures or {}).get(module, {}))


def made(
    *items: Item,
    module: str = "m",
    wanted: str = "f",
    toolchain: str = "t",
    signature: Signature | None = None,
    options: dict[str, str] | None = None,
    target: str = "wasm",
    **others: Summary,
) -> Fingerprint:
    """The fingerprint of one item of a module that imports everything of `lib`."""
    uses = (Use(path=("lib",), glob=True),) if "lib" in others else ()
    names = [name for one in items for name in one.names]
    summary = Summary(items=items, uses=uses, names=tuple(_name(name) for name in dict.fromkeys(names)))
    signatures = {module: {wanted: signature}} if signature else {}
    meanings, deep = known(signatures, **{module: summary}, **others)
    settings = BuildSettings(target=target, options=options or {})
    return Fingerprints(settings, meanings, deep).of_module(toolchain, module, summary, signatures.get(module, {}))[
        wanted
    ]


def _name(name: str) -> Any:
    from actors.compiler.toolchain import Name

    return Name(name=name)


BASE = (item("f", "(Size)", body="g 1"), item("g", "(Size)"), item("Size", "3", kind="type", code=False))
LIB = Summary(items=(item("h", "()"),))


def changed_schema(monkeypatch: pytest.MonkeyPatch) -> Fingerprint:
    monkeypatch.setattr(room, "SCHEMA", room.SCHEMA + 1)
    return made(*BASE)


INSIDE = (item("n", kind="module", code=False), item("n::f", "()"))
PARTS: dict[str, tuple[Any, Any]] = {
    "schema": (lambda _: made(*BASE), changed_schema),
    "toolchain": (lambda _: made(*BASE), lambda _: made(*BASE, toolchain="u")),
    "target": (lambda _: made(*BASE), lambda _: made(*BASE, target="other")),
    "options": (lambda _: made(*BASE), lambda _: made(*BASE, options={"profile": "release"})),
    "module": (lambda _: made(item("f")), lambda _: made(item("f"), module="k")),
    "name": (lambda _: made(item("f", digest="d")), lambda _: made(item("e", digest="d"), wanted="e")),
    "kind": (lambda _: made(item("f")), lambda _: made(item("f", kind="statements"))),
    "heads": (
        lambda _: made(*INSIDE, wanted="n::f"),
        lambda _: made(item("n", "pub", kind="module", code=False), INSIDE[1], wanted="n::f"),
    ),
    "digest": (lambda _: made(*BASE), lambda _: made(item("f", "(Size)", body="g 2"), *BASE[1:])),
    "signature": (
        lambda _: made(item("f", inferred=True), signature=Signature(interface=b"i64")),
        lambda _: made(item("f", inferred=True), signature=Signature(interface=b"i32")),
    ),
    "names": (lambda _: made(*BASE), lambda _: made(BASE[0], item("g", "(Size, 4)"), BASE[2])),
}


@pytest.mark.parametrize("part", PARTS)
def test_each_part_counts(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before, after = PARTS[part]
    assert before(monkeypatch).digest != after(monkeypatch).digest


def test_the_document_names_the_parts() -> None:
    table = re.split(r"^## ", DOCUMENT.read_text(), flags=re.MULTILINE)[1]
    assert re.findall(r"^\| `(\w+)`", table, re.MULTILINE) == list(PARTS)


# ---- what does not count


def test_places_and_neighbours_do_not_count() -> None:
    moved = [item("new", "(Other)"), *BASE]
    assert made(*moved).digest == made(*BASE).digest
    assert made(*[_moved(one) for one in BASE]).digest == made(*BASE).digest
    assert made(*reversed(BASE)).digest == made(*BASE).digest


def _moved(one: Item) -> Item:
    import msgspec

    return msgspec.structs.replace(one, line=one.line + 9, start=7, stop=9, memo=b"elsewhere")


def test_a_body_that_others_call_does_not_count() -> None:
    assert made(BASE[0], item("g", "(Size)", body="9"), BASE[2]).digest == made(*BASE).digest


def test_what_a_body_names_does_not_reach_its_callers() -> None:
    with_helper = (item("helper", "(1)"), item("g", "(Size)", body="helper"))
    other_helper = (item("helper", "(2)"), item("g", "(Size)", body="helper"))
    assert made(BASE[0], *with_helper, BASE[2]).digest == made(BASE[0], *other_helper, BASE[2]).digest


# ---- what does, from far away


def test_what_an_interface_drags_in_counts_from_any_depth() -> None:
    def chain(last: str) -> Fingerprint:
        names = ["A", "B", "C"]
        types = [
            item(name, after, kind="type", code=False) for name, after in zip(names, [*names[1:], last], strict=True)
        ]
        return made(item("f", body="g"), item("g", "(A)"), *types)

    assert chain("1").digest != chain("2").digest


def test_a_name_that_comes_to_mean_something_counts() -> None:
    f = item("f", body="h")
    assert made(f).digest != made(f, lib=LIB).digest
    assert made(f, lib=LIB).digest != made(f, item("h", "()"), lib=LIB).digest
    assert made(f, lib=LIB).digest == made(f, lib=Summary(items=(item("h", "()"), item("other")))).digest


def test_the_same_interface_of_another_item_is_another_meaning() -> None:
    f = item("f", body="h")
    there = made(f, lib=LIB)
    meanings, _ = known(m=Summary(items=(f,), names=(_name("h"),), uses=(Use(path=("lib",), glob=True),)), lib=LIB)
    assert meanings.of("m", "", "h") == ("lib", "h")
    assert there.names == ("h",)


def test_items_that_drag_in_one_another_have_an_end_and_each_its_own_digest() -> None:
    def ring(last: str) -> dict[str, str]:
        items = (item("A", "B"), item("B", "C"), item("C", f"A {last}"), item("D", "A"), item("E", "1"))
        _, deep = known(m=Summary(items=items))
        return {one.name: deep.of(("m", one.name)) for one in items}

    one, other = ring("1"), ring("2")
    assert len(set(one.values())) == 5
    assert [name for name in one if one[name] != other[name]] == ["A", "B", "C", "D"]


def test_the_order_of_questions_does_not_count() -> None:
    items = (item("A", "B"), item("B", "A C"), item("C", "D"), item("D", "C"), item("E", "B D"))
    answers = []
    for order in ("ABCDE", "EDCBA", "CEBAD"):
        _, deep = known(m=Summary(items=items))
        found = {name: deep.of(("m", name)) for name in order}
        answers.append([found[name] for name in "ABCDE"])
    assert answers[0] == answers[1] == answers[2]


@pytest.mark.slow
def test_a_very_long_chain_does_not_recurse() -> None:
    items = [item(f"t{at}", f"t{at + 1}") for at in range(5000)]
    _, deep = known(m=Summary(items=tuple(items)))
    assert deep.of(("m", "t0")) != deep.of(("m", "t1"))


def test_an_inferred_item_shows_its_signature_once_it_is_known() -> None:
    def callers(body: str, signature: Signature | None) -> str:
        items = (item("g", body, inferred=True), item("T", "1", kind="type", code=False))
        _, deep = known({"m": {"g": signature}} if signature else None, m=Summary(items=items))
        return deep.of(("m", "g"))

    seen = Signature(interface=b"(T)", names=("m::T",))
    assert callers("one", None) != callers("two", None)
    assert callers("one", seen) == callers("two", seen)
    assert callers("one", seen) != callers("one", Signature(interface=b"(i64)"))


def test_of_two_items_of_one_name_there_is_no_fingerprint() -> None:
    summary = Summary(items=(item("f", "1"), item("f", "2"), item("g")))
    meanings, deep = known(m=summary)
    assert list(Fingerprints(BuildSettings(), meanings, deep).of_module("t", "m", summary, {})) == ["g"]


def test_a_binding_that_failed_means_nothing() -> None:
    meanings, _ = known(m=Summary(items=(item("f", body="nothing"),)))
    assert meanings.of("m", "", "nothing") is None
    assert Binding(scope="", name="x", failed=True).module == ""
