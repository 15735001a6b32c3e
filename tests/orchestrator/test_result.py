"""One list of fields, from the planner to the API and to the last event. A new field needs no line here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from actors.events import BuildFinished
from actors.messages import BuildDone
from actors.planner.phases.ending import finished_event
from actors.result import Result, ResultFields
from orchestrator.result import BuildResult, build_result
from tests.helpers.examples import example

FULL: Result[str] = example(Result[str], full=True)
NARROWED = {"program", "reasons", "differences"}
"""Fields that the event, or the result of the API, has in another form."""


def values(struct: msgspec.Struct) -> dict[str, Any]:
    return {name: getattr(struct, name) for name in struct.__struct_fields__ if name not in NARROWED}


def test_no_field_of_the_example_has_its_usual_value() -> None:
    for field in msgspec.structs.fields(Result):
        usual = field.default_factory() if field.default is msgspec.NODEFAULT and not field.required else field.default
        assert getattr(FULL, field.name) != usual, field.name


def test_the_api_passes_on_every_field_and_shares_no_container() -> None:
    first, second = build_result(FULL), build_result(FULL)
    assert type(first) is BuildResult and first.__struct_fields__ == Result.__struct_fields__
    assert values(first) == values(FULL) and first == second
    assert first.program == Path("é\u2028x")
    assert (first.reasons, first.differences) == (FULL.reasons, FULL.differences)
    for name in first.__struct_fields__:
        value = getattr(first, name)
        if isinstance(value, list | dict):
            assert value is not getattr(FULL, name) and value is not getattr(second, name), name


def test_functions_are_sorted_for_the_caller_alone() -> None:
    found = msgspec.structs.replace(FULL, recompiled_functions=["m::b", "m::a"])
    assert build_result(found).recompiled_functions == ["m::a", "m::b"]
    assert finished_event(1, found).recompiled_functions == found.recompiled_functions == ["m::b", "m::a"]


def test_the_event_passes_on_every_field_but_the_seed() -> None:
    event = finished_event(3, FULL)
    assert {*event.__struct_fields__} - {"build"} == {*Result.__struct_fields__} - {"verify_seed"}
    assert {**values(event), "verify_seed": FULL.verify_seed} == {**values(FULL), "build": 3}
    [reason] = FULL.reasons.values()
    assert event.program == FULL.program and event.differences == 1
    assert [*event.reasons.values()] == [reason.kind]


def test_the_fields_stand_in_one_place() -> None:
    """What the others declare themselves is narrower, or theirs alone."""
    declared = {kind: set(kind.__annotations__) for kind in (Result, BuildFinished, BuildResult, BuildDone)}
    assert declared[Result] == {*NARROWED, "verify_seed"}
    assert declared[BuildFinished] == {*NARROWED, "build"}
    assert declared[BuildResult] == set()
    assert declared[BuildDone].isdisjoint(ResultFields.__struct_fields__)


def test_the_line_of_json_has_its_fields_in_their_order() -> None:
    line = msgspec.json.encode(BuildFinished(build=2, success=True, compiled_modules=1, cache_hits=3, duration_ms=1.5))
    usual = (
        b'{"event":"build-finished","success":true,"compiled_modules":1,"cache_hits":3,"duration_ms":1.5,'
        b'"recompiled":[],"failed":[],"blocked":[],"recompiled_functions":[],"cached_functions":0,"program":null,'
        b'"diagnostics":[],"reasons":{},"cache_degraded":null,"cache_needed_bytes":0,"verified":0,"differences":0,'
        b'"build":2}'
    )
    known = msgspec.json.decode(usual)
    found = {name: value for name, value in msgspec.json.decode(line).items() if name in known}
    assert msgspec.json.encode(found) == usual
