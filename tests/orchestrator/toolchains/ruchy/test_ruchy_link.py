"""Linking real modules fast: the same program whatever was linked before, which does what the release does."""

from __future__ import annotations

from functools import partial

import msgspec
import pytest

from actors.compiler.toolchain import Linkage, Linked, LinkInput, LinkJob
from actors.compiler.worker import link
from actors.digests import digest
from orchestrator.toolchains.ruchy import Ruchy
from orchestrator.toolchains.ruchy import link as linking
from orchestrator.wasm.slack.model import read_model
from orchestrator.wasm.validate import validate
from tests.helpers.programs import build, run

MAIN = """use shapes::{Shape, area};
use text::label;
fun main() {
    let one = Shape { name: "one", width: 2, height: 3 };
    println(label(one.name), area(one));
}
"""
SHAPES = """pub struct Shape { pub name: String, pub width: i64, pub height: i64 }
pub fun area(shape: Shape) -> i64 { shape.width * shape.height }
"""
TEXT = 'pub fun label(name: String) -> String { f"[{name}]" }\n'

EDITS = [
    {"shapes.ruchy": SHAPES.replace("height }\n", "height * 3 }\n")},
    {"text.ruchy": TEXT.replace("[", "<<").replace("]", ">>")},
    {"text.ruchy": "// a comment\n" + TEXT.replace("[", "(")},
    {"shapes.ruchy": SHAPES + "pub fun spare(x: i64) -> i64 { x / 2 }\n"},
    {"text.ruchy": 'fun inner(name: String) -> String { f"{name}{1.5}" }\n' + TEXT.replace("{name}", "{inner(name)}")},
    {
        "shapes.ruchy": SHAPES.replace("pub name", "pub id: i32, pub name"),
        "main.ruchy": MAIN.replace("name:", "id: 7, name:"),
    },
    {"main.ruchy": MAIN + "pub fun twice(n: i64) -> i64 { n * 2 }\n"},
    {"main.ruchy": MAIN.replace("    println", "    let zero = one.width - 2;\n    println(1 / zero);\n    println")},
]


def job(sources: dict[str, str], **options: str) -> LinkJob:
    built = build(sources)
    assert built.program is not None, built.errors()
    objects = built.objects
    order = ["main", *sorted(set(objects) - {"main"})]
    inputs = [
        LinkInput(module=name, path=f"{name}.ruchy", data=objects[name].data, digest=digest(objects[name].data))
        for name in order
    ]
    return LinkJob(entry="main", objects=tuple(inputs), options=options)


def program(found: Linked) -> bytes:
    assert found.program is not None, found.findings
    return found.program


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_gives_the_program_that_a_fresh_link_gives(edit, monkeypatch):
    sources = {"main.ruchy": MAIN, "shapes.ruchy": SHAPES, "text.ruchy": TEXT}
    resident = Ruchy()
    before, after = job(sources), job({**sources, **edit})
    release = program(resident.link(LinkJob(entry="main", objects=after.objects, options={"profile": "release"})))
    monkeypatch.setattr(linking, "_link_compactly", None)  # From here on all must be linked fast.
    first = program(resident.link(before))
    resident.accepted(first)
    found = resident.link(after)
    assert program(found) == program(Ruchy().link(after))
    assert program(found) != first
    assert validate(program(found)) is None
    assert not found.proof or validate(found.proof) is None
    assert run(program(found)) == run(release)
    assert program(resident.link(before)) == first


def test_an_edit_of_a_body_is_proved_by_little():
    sources = {"main.ruchy": MAIN, "shapes.ruchy": SHAPES, "text.ruchy": TEXT}
    resident = Ruchy()
    resident.accepted(program(resident.link(job(sources))))
    found = resident.link(job({**sources, **EDITS[0]}))
    assert found.proof
    assert len(found.proof) < len(program(found)) / 2


def test_every_object_brings_its_model():
    for found in job({"main.ruchy": MAIN, "shapes.ruchy": SHAPES, "text.ruchy": TEXT}).objects:
        assert read_model(found.data).names


def test_what_is_validated():
    """All of a first program, then only the proof; and all again after a program that was not validated."""
    sources = {"main.ruchy": MAIN, "shapes.ruchy": SHAPES, "text.ruchy": TEXT}
    jobs, resident, seen = [job(sources), job({**sources, **EDITS[1]})], Ruchy(), []

    def recorded(data: bytes) -> str | None:
        seen.append(data)
        return validate(data)

    programs = [link(resident, jobs[turn % 2], 1, recorded).linked for turn in range(3)]
    assert [found.proof for found in programs] == [b"", b"", b""]
    assert [data == found.program for data, found in zip(seen, programs, strict=True)] == [True, False, False]
    assert link(resident, jobs[1], 1, lambda data: "wrong").crash == "the linked program is not valid: wrong"
    seen.clear()
    last = link(resident, jobs[0], 1, recorded).linked
    assert seen == [last.program]
    link(resident, jobs[1], 1, None)
    seen.clear()
    last = link(resident, jobs[0], 1, recorded).linked
    assert seen == [last.program]


def test_a_release_has_no_dead_functions_and_a_build_for_development_has():
    sources = {"main.ruchy": "fun unused() -> i64 { 77 }\nfun main() { println(1) }"}
    assert b"main::unused" in program(Ruchy().link(job(sources)))
    assert b"main::unused" not in program(Ruchy().link(job(sources, profile="release")))


def test_a_module_that_takes_a_name_of_the_runtime_is_left_to_the_full_linker():
    built = build(
        {
            "main.ruchy": "use rt::alloc;\nfun main() { println(alloc(1)) }",
            "rt.ruchy": "pub fun alloc(n: i64) -> i64 { n }",
        }
    )
    assert [found.code for found in built.errors()] == ["E0903"]
    assert "rt::alloc" in built.errors()[0].message


def left_out(found: LinkJob, needs: tuple[str, ...], earlier: Linkage | None) -> LinkJob:
    """The job with the data of the entry and of these objects only."""
    wanted = {found.objects[0].digest, *needs}
    objects = [one if one.digest in wanted else msgspec.structs.replace(one, data=b"") for one in found.objects]
    return msgspec.structs.replace(found, objects=tuple(objects), earlier=earlier)


@pytest.mark.parametrize("edit", EDITS)
def test_another_process_goes_on_from_what_a_link_left(edit, monkeypatch):
    monkeypatch.setattr(linking, "resident", partial(linking.resident, few=0))
    sources = {"main.ruchy": MAIN, "shapes.ruchy": SHAPES, "text.ruchy": TEXT}
    before, after = job(sources), job({**sources, **edit})
    first, second = Ruchy().link(before), Ruchy()
    earlier = Linkage(state=first.state, program=program(first))
    needs: tuple[str, ...] = ()
    found = second.link(left_out(after, needs, earlier))
    while found.needs:
        needs += found.needs
        found = second.link(left_out(after, needs, earlier))
    assert program(found) == program(Ruchy().link(after))
    assert validate(program(found)) is None
    assert not found.proof or validate(found.proof) is None
    if edit is EDITS[0]:
        assert (needs, found.state) == ((after.objects[1].digest,), b"") and found.proof


def test_a_release_needs_everything():
    wanted = job({"main.ruchy": MAIN, "shapes.ruchy": SHAPES, "text.ruchy": TEXT}, profile="release")
    needs = tuple([one.digest for one in wanted.objects[1:]])
    assert Ruchy().link(left_out(wanted, (), None)).needs == needs
    assert program(Ruchy().link(left_out(wanted, needs, None)))
