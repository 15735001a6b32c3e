"""Incremental equals full, for toolchains that keep it, and for those that don't."""

from __future__ import annotations

import pytest

from actors.compiler.toolchain import Compiled, CompileJob, Summarised, SummariseJob
from orchestrator.testing.equality import BuildOutcome, Differs, incremental_equals_full
from orchestrator.testing.toolchain import PlainToolchain

pytestmark = pytest.mark.anyio

VERSIONS: list[dict[str, str | None]] = [
    {"main": "run a::f\n", "a": "use b::g as x\npub f = x\n", "b": "pub g = old\n"},
    {"b": "pub g = new\n"},
    {"c": "pub h =\n", "a": "use b::g as x\nuse c::h as y\npub f = x y\n"},
    {"b": "fail not now\npub g = new\n"},
    {"b": None},
    {"b": "pub g = old\n", "c": None, "a": "use b::g as x\npub f = x\n"},
]


@pytest.mark.slow
async def test_a_good_toolchain_keeps_it() -> None:
    results = await incremental_equals_full(PlainToolchain(), VERSIONS)
    assert [result.recompiled for result in results] == [
        ["a", "b", "main"],
        ["a", "b", "main"],
        ["a", "c", "main"],
        [],
        [],
        [],
    ]
    assert [result.success for result in results] == [True, True, True, False, False, True]


class GlobalToolchain(PlainToolchain):
    """Objects depend on how many modules were compiled before: on something that no summary mentions."""

    def compile(self, job: CompileJob) -> Compiled:
        made = super().compile(job)
        assert made.object is not None
        count = sum(function == "compile" for function, _ in self.calls)
        return Compiled(object=type(made.object)(data=made.object.data + str(count).encode()))


class Blind(PlainToolchain):
    """Says of no module that it depends on another, and looks at them all the same."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: dict[str, str] = {}

    def summarise(self, job: SummariseJob) -> Summarised:
        self.texts[job.module] = job.source.decode()
        found = super().summarise(job)
        assert found.summary is not None
        return Summarised(summary=type(found.summary)(statements_line=found.summary.statements_line))

    def compile(self, job: CompileJob) -> Compiled:
        made = super().compile(job)
        assert made.object is not None
        seen = self.texts.get("b", "") if job.module == "a" else ""
        return Compiled(object=type(made.object)(data=made.object.data + seen.encode()))


async def test_an_object_that_depends_on_more_than_its_key_is_found() -> None:
    with pytest.raises(Differs) as differs:
        await incremental_equals_full(Blind(), VERSIONS)
    assert (differs.value.version, differs.value.how) == (1, "in the open Project")
    assert len(differs.value.differences) == 1
    assert differs.value.differences[0].startswith("the object of a: ")


async def test_an_output_that_is_another_one_each_time_is_found() -> None:
    with pytest.raises(Differs, match="version 0, in the open Project: the object of "):
        await incremental_equals_full(GlobalToolchain(), VERSIONS)


def test_differences_in_words() -> None:
    one = BuildOutcome({"a": b"abc", "b": b"x", "c": None}, b"program", ("a:1 E1 no",), {})
    other = BuildOutcome({"a": b"abd", "b": b"x", "d": b""}, None, (), {})
    assert one.differences(other) == [
        "the object of a: 3 bytes instead of 3, the first that differs at 2: b'c'",
        "the object of d: there is none",
        "the program: there should be none",
        "diagnostics: ('a:1 E1 no',) instead of ()",
    ]
    assert one.differences(one) == []
