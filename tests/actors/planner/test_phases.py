"""Each phase by itself: a plain loop follows a build into it, and gives it the answers that it is about."""

from __future__ import annotations

from typing import TypeVar

import msgspec
import pytest

from actors.compiler.toolchain import Compiled, Inference, Linked, Object, Summarised
from actors.diagnostics import Diagnostic, about_file
from actors.digests import NO_STAMP, Stamp, digest
from actors.messages import (
    Begin,
    Build,
    CompileDone,
    CompileOutcome,
    End,
    Ended,
    Find,
    FindFragments,
    FindSummaries,
    Found,
    FragmentsFound,
    InferDone,
    InferOutcome,
    LinkDone,
    Load,
    Loaded,
    Message,
    Published,
    RunCompile,
    RunInfer,
    RunLink,
    RunSummarise,
    ScanEnd,
    SnapshotSettings,
    SourcesRead,
    Stored,
    StoreEntries,
    StoreSummaries,
    SummariesFound,
    SummariseDone,
    SummariseOutcome,
)
from actors.planner.phases import compiling
from actors.planner.phases.analysing import Analysing, Inferring
from actors.planner.run import Phase, Run, State
from actors.planner.table import Need
from tests.actors.planner.others import SETTINGS, TEXTS, Others
from tests.actors.planner.plain_projects import sources

M = TypeVar("M", bound=Message)
EDITED = {**TEXTS, "a": "use b::g\npub f = g g"}
ALONE = msgspec.structs.replace(SETTINGS, snapshot=SnapshotSettings())
SAME = ScanEnd(same=True, snapshot=Stamp(1, 1, 1, 1, 1), beside_snapshot="r")


def asked(others: Others, kind: type[M]) -> list[M]:
    return [one for one in others.asked if isinstance(one, kind)]


def wrong(module: str) -> Diagnostic:
    return about_file("E0201", "wrong", module=module, file=f"{module}.plain")


# ---- scanning


def test_scanning_waits_for_the_end_of_the_scan() -> None:
    others = Others()
    others.builds = 1
    others.machine.build(Build(build=1, settings=SETTINGS), others.answers.append)
    first, *rest = sources(TEXTS)
    others.machine.arrived(SourcesRead(build=1, sources=(first,)))
    while others.waiting:
        others.step()
    assert (others.run.phase, others.kinds()) == (Phase.SCANNING, ["Begin", "RecallPlan"])
    problem = about_file("W0801", "skipped", module="", file="x")
    others.machine.arrived(SourcesRead(build=1, sources=tuple(rest), end=ScanEnd(problems=(problem,))))
    assert others.run.phase is Phase.SUMMARISING
    assert others.run.diagnostics == [problem]
    assert others.machine.session.facts.sources.keys() == TEXTS.keys()


def test_scanning_trusts_no_plan_whose_snapshot_is_gone() -> None:
    others = Others()
    session = others.machine.session
    others.build(TEXTS)
    for beside, keys in (("r", 0), (None, 4)):
        others.begin(TEXTS, end=ScanEnd(beside_snapshot=beside))
        assert session.earlier.trusted is (beside is not None)
        others.finish()
        assert sum(len(one.keys) for one in asked(others, Find)) == keys, "what was believed is asked for"
        assert session.earlier.trusted, "in what this build found"


def test_an_answer_is_repeated_for_the_same_snapshot_and_request_alone() -> None:
    others = Others()
    session = others.machine.session
    others.build(TEXTS)
    others.build(TEXTS)
    run = Run(Build(build=2, settings=SETTINGS), 0.0)
    session.earlier.remember(run, ScanEnd(snapshot=NO_STAMP), others.answers[-1])
    assert session.earlier.standing is None, "this snapshot could be any"
    session.earlier.remember(run, SAME, others.answers[-1])
    others.begin(TEXTS, end=SAME)
    assert (others.kinds(), others.finish().cache_hits) == ([], 3)
    assert others.answers[-1].build == others.builds == 3
    others.begin(TEXTS, msgspec.structs.replace(SETTINGS, keep_going=False), end=SAME)
    assert others.kinds() == ["Begin"]
    others.finish()
    session.earlier.remember(run, SAME, others.answers[-1])
    others.begin(TEXTS, end=msgspec.structs.replace(SAME, snapshot=Stamp(2, 2, 2, 2, 2)))
    assert others.kinds() == ["Begin"]


# ---- analysing, summarising, inferring


def test_analysing_asks_for_summaries_and_comes_back() -> None:
    others = Others()
    steps = others.begin_until(Phase.SUMMARISING, TEXTS)
    analysing = steps.of[Phase.ANALYSING]
    assert isinstance(analysing, Analysing)
    assert analysing.need.summaries.keys() == TEXTS.keys() and not analysing.unchanged
    others.until(Phase.FINDING)
    assert not analysing.need.summaries and analysing.kept == {}
    assert others.run.states.members(State.WANTED) == ["a", "b", "main"]


def test_analysing_keeps_what_the_last_build_answers_for() -> None:
    others = Others()
    others.build(TEXTS)
    steps = others.begin_until(Phase.FINDING, EDITED)
    analysing = steps.of[Phase.ANALYSING]
    assert isinstance(analysing, Analysing)
    assert (sorted(analysing.kept), analysing.unchanged) == (["b"], False)
    others.finish()
    others.begin(EDITED)
    others.until(Phase.LINKING)
    assert others.machine.current is not None
    analysing = others.machine.current.later.of[Phase.ANALYSING]
    assert isinstance(analysing, Analysing)
    assert (sorted(analysing.kept), analysing.unchanged) == (["a", "b", "main"], True)


def test_analysing_ends_a_graph_and_tells_what_no_compile_will() -> None:
    others = Others()
    graph = msgspec.structs.replace(SETTINGS, goal="graph")
    result = others.build({**TEXTS, "b": "use no::one\nrun g\npub g = 1"}, graph)
    assert [one.code for one in result.diagnostics] == ["E0501", "E0810"]
    assert not asked(others, Find) and not asked(others, End)
    assert [(one.module, one.imported) for one in others.answers[-1].edges] == [("a", "b"), ("main", "a")]


def test_analysing_marks_errors_that_are_known_before_the_compile() -> None:
    others = Others()
    others.begin_until(Phase.FINDING, {**TEXTS, "b": "run g\npub g = 1"})
    assert others.run.failures.marked.keys() == {"b"}
    assert others.run.states["b"] is State.WANTED, "it is compiled for what else is wrong"


def test_summarising_has_workers_make_what_the_index_lacks() -> None:
    others = Others()
    others.build(TEXTS)
    names = {name.partition(" ")[2]: name for name in others.summaries}
    others.summaries[names["a.plain"]] = b"not readable"
    del others.summaries[names["b.plain"]]
    others.plan = b""
    others.new_process()
    others.build(TEXTS)
    assert [job.module for one in asked(others, RunSummarise) for job in one.jobs] == ["a", "b"]
    assert [sorted(one.summaries) for one in asked(others, StoreSummaries)] == [
        sorted((names["a.plain"], names["b.plain"]))
    ]


def test_summarising_plans_again_what_changed_on_the_way() -> None:
    others = Others()
    others.begin_until(Phase.SUMMARISING, TEXTS)
    later, attempts = sources({"b": "pub g = 2"})[0], others.run.attempts
    summarise = others._RunSummarise

    def changes(request: RunSummarise) -> Message:
        done = summarise(request)
        assert isinstance(done, SummariseDone)
        for place, one in enumerate(done.outcomes):
            if one.module == "b":
                others._RunSummarise = summarise  # type: ignore[method-assign]
                changed = SummariseOutcome(module="b", changed=later)
                return SummariseDone(build=1, outcomes=(*done.outcomes[:place], changed, *done.outcomes[place + 1 :]))
        return done

    others._RunSummarise = changes  # type: ignore[method-assign]
    assert others.finish().success
    assert [[job.module for job in one.jobs] for one in asked(others, RunSummarise)][-1] == ["b"]
    assert attempts == {"b": 2}
    assert b"pub g = 2" in others.program


def test_inferring_takes_from_the_index_and_has_the_rest_made() -> None:
    others = Others()
    steps = others.begin_until(Phase.FINDING, TEXTS)
    session, run, sent = others.machine.session, others.run, others.asked
    analysing, inferring = steps.of[Phase.ANALYSING], steps.of[Phase.INFERRING]
    assert isinstance(analysing, Analysing) and isinstance(inferring, Inferring)
    run.phase, run.awaited = Phase.ANALYSING, 0
    run.go(Phase.INFERRING)
    keys = {module: digest(module.encode()) for module in TEXTS}
    analysing.need = Need(inferences=keys)
    sent.clear()
    inferring.begin()
    assert [(type(one), sorted(one.sources)) for one in asked(others, FindSummaries)] == [
        (FindSummaries, sorted(keys.values()))
    ]
    known = msgspec.msgpack.encode(Inference())
    inferring.answered(sent[0], SummariesFound(summaries={keys["main"]: known, keys["a"]: b"not readable"}))
    run.awaited = 0
    inferring.advance()
    assert [job.module for one in asked(others, RunInfer) for job in one.jobs] == ["a", "b"]
    made = InferOutcome(module="a", inference=Inference())
    broken = InferOutcome(module="b", crash="oh")
    inferring.answered(sent[-1], InferDone(build=1, outcomes=(made, broken)))
    run.awaited = 0
    inferring.advance()
    assert [one.summaries.keys() for one in asked(others, StoreSummaries)] == [{keys["a"]}], "no crash is kept"
    assert session.facts.inferences.keys() >= set(keys.values())
    assert run.phase is Phase.ANALYSING


# ---- finding


def test_finding_asks_for_all_keys_at_once_and_claims_the_first() -> None:
    others = Others()
    others.begin_until(Phase.FINDING, TEXTS)
    (find,) = asked(others, Find)
    facts = others.machine.session.facts
    assert find.keys == tuple(facts.key(module) for module in ("b", "a", "main")), "imports have the longest path"
    assert find.claim == 3
    assert others.run.schedule.priorities["b"] > others.run.schedule.priorities["main"]


def test_finding_claims_nothing_where_nobody_else_builds() -> None:
    others = Others()
    others.begin_until(Phase.FINDING, TEXTS, ALONE)
    (find,) = asked(others, Find)
    assert (len(find.keys), find.claim) == (3, 0)


def test_finding_asks_nothing_where_all_is_compiled_anyway() -> None:
    others = Others()
    others.build(TEXTS, msgspec.structs.replace(SETTINGS, force=True))
    assert not asked(others, Find) and len(asked(others, RunCompile)) >= 1


def test_finding_leaves_out_what_the_last_build_answers_for() -> None:
    others = Others()
    others.build(TEXTS)
    others.build(EDITED)
    facts = others.machine.session.facts
    assert asked(others, Find)[0].keys == (facts.key("a"), facts.key("main"))


def test_a_look_up_asks_for_rows_and_bytes_and_counts_what_is_missing() -> None:
    others = Others()
    others.build(TEXTS)
    lookup = msgspec.structs.replace(SETTINGS, goal="lookup", lookup=("a", "no", "b"))
    others._Load = lambda request: Loaded(data={})  # type: ignore[method-assign]
    others.build(TEXTS, lookup)
    assert [(one.module, one.data) for one in others.answers[-1].lookups] == [("a", None), ("no", None), ("b", None)]
    (ending,) = asked(others, End)
    assert (ending.hits, ending.misses) == (0, 3)
    assert not others.machine.session.earlier.trusted, "the last build says that they are there"
    del others._Load  # type: ignore[attr-defined]
    others.build(TEXTS, lookup)
    assert [one.data is not None for one in others.answers[-1].lookups] == [True, False, True]


# ---- compiling


def compiled(others: Others, **outcomes: CompileOutcome) -> None:
    """Have workers answer so for these modules."""
    work = others._RunCompile

    def answer(request: RunCompile) -> Message:
        done = work(request)
        assert isinstance(done, CompileDone)
        return msgspec.structs.replace(done, outcomes=tuple(outcomes.get(one.module, one) for one in done.outcomes))

    others._RunCompile = answer  # type: ignore[method-assign]


def test_compiling_takes_hits_and_compiles_misses() -> None:
    others = Others()
    others.build(TEXTS)
    others.plan = b""
    others.new_process()
    others.entries = {key: one for key, one in others.entries.items() if one.module != "a"}
    steps = others.begin_until(Phase.COMPILING, TEXTS)
    assert (steps.compiling.missed, others.run.states.members(State.HIT)) == ({"a"}, ["b", "main"])
    result = others.finish()
    assert (result.recompiled, result.cache_hits) == (["a"], 2)
    assert [one.kind for one in steps.compiling.reasons.values()] == ["first"]


def test_compiling_begins_what_another_process_has_not_claimed() -> None:
    others = Others()
    others._Find = lambda request: Found(taken=request.keys[:1])  # type: ignore[method-assign]
    steps = others.begin_until(Phase.COMPILING, TEXTS)
    while others.waiting:
        others.step()
    assert steps.compiling.left_to_others == 1
    assert [job.module for one in asked(others, RunCompile) for job in one.jobs] == ["a", "main"]
    del others._Find  # type: ignore[attr-defined]
    others.now += 1.0
    others.machine.advance()
    others.finish()
    assert others.answers[-1].result.recompiled == ["a", "b", "main"]


def test_compiling_blocks_what_is_unexplained_by_what_failed() -> None:
    others = Others()
    unexplained = Compiled(otherwise=(wrong("a"),))
    compiled(
        others,
        a=CompileOutcome(module="a", compiled=unexplained),
        b=CompileOutcome(module="b", compiled=Compiled(diagnostics=(wrong("b"),))),
    )
    result = others.build(TEXTS)
    assert (result.failed, result.blocked, result.diagnostics) == (["b"], ["a", "main"], [wrong("b")])


def test_compiling_blocks_what_is_unexplained_in_a_circle() -> None:
    others = Others()
    compiled(
        others,
        a=CompileOutcome(module="a", compiled=Compiled(otherwise=(wrong("a"),))),
        b=CompileOutcome(module="b", compiled=Compiled(diagnostics=(wrong("b"),))),
    )
    result = others.build({**TEXTS, "b": "use a::f\npub g = f"})
    assert (result.failed, result.blocked, result.diagnostics) == (["b"], ["a", "main"], [wrong("b")])


def test_compiling_reports_what_is_unexplained_where_nothing_failed() -> None:
    others = Others()
    compiled(others, a=CompileOutcome(module="a", compiled=Compiled(otherwise=(wrong("a"),))))
    result = others.build(TEXTS)
    assert (result.failed, result.blocked, result.diagnostics) == (["a"], ["main"], [wrong("a")])


def test_compiling_stores_once_at_a_time_and_takes_the_first_object_of_a_key() -> None:
    others = Others()
    store = others._StoreEntries
    earlier = digest(b"earlier")

    def first_stays(request: StoreEntries) -> Message:
        done = store(request)
        assert isinstance(done, Stored)
        key = next((one.key for one in request.entries if one.module == "b" and one.kind == "object"), "")
        return Stored(kept={**done.kept, key: earlier} if key else done.kept)

    others._StoreEntries = first_stays  # type: ignore[method-assign]
    others.begin_until(Phase.LINKING, TEXTS)
    assert others.run.objects.digests["b"] == earlier
    assert sorted(one.module for request in asked(others, StoreEntries) for one in request.entries) == [
        "a",
        "b",
        "main",
    ]


def test_compiling_keeps_what_a_cancelled_build_finished() -> None:
    others = Others()
    others.begin_until(Phase.COMPILING, TEXTS)
    others.cancelled.add(1)
    others.machine.advance()
    while others.waiting:
        others.step()
    assert others.answers[-1].cancelled
    assert asked(others, End)[0].compilations == len(others.entries) == len(asked(others, RunCompile)) > 0


def test_compiling_stores_what_came_after_a_cancel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiling, "STORE_MS", 0.0)
    others = Others()
    others.begin_until(Phase.COMPILING, TEXTS)
    while not asked(others, StoreEntries):
        others.step()
    assert any(isinstance(one, RunCompile) for one in others.waiting)
    others.cancelled.add(1)
    others.finish()
    assert [len(one.entries) for one in asked(others, StoreEntries)] == [1, len(others.entries) - 1]
    assert len(others.entries) > 1


def test_compiling_begins_anew_when_a_source_has_changed() -> None:
    """What was ready is not begun any more: meanwhile another process has stored it."""
    others = Others()
    texts = {"main": "run x", **{f"m{number}": f"pub f{number} = 1" for number in range(8)}}
    others.build(texts)
    others.plan = b""
    others.new_process()
    find, work = others._Find, others._RunCompile
    others._Find = lambda request: Found()  # type: ignore[method-assign]
    others.begin_until(Phase.COMPILING, texts, ALONE)

    def changes(request: RunCompile) -> Message:
        others._Find, others._RunCompile = find, work  # type: ignore[method-assign]
        module = request.jobs[0].module
        (later,) = sources({module: "pub f = 2"})
        return CompileDone(build=request.build, outcomes=(CompileOutcome(module=module, changed=later),))

    others._RunCompile = changes  # type: ignore[method-assign]
    result = others.finish()
    first, second, *rest = [[job.module for job in one.jobs] for one in asked(others, RunCompile)]
    assert rest == [first[:1]]
    assert result.success and result.recompiled == sorted({first[0], *second})
    assert len(result.recompiled) + result.cache_hits == 9 and result.cache_hits > 3


# ---- reusing


def reusable() -> Others:
    """Others of a language whose items are compiled one by one."""
    others = Others()
    summarise = others._RunSummarise

    def with_code(request: RunSummarise) -> Message:
        done = summarise(request)
        assert isinstance(done, SummariseDone)
        outcomes = []
        for one in done.outcomes:
            assert one.summarised is not None and one.summarised.summary is not None
            items = tuple([msgspec.structs.replace(item, code=True) for item in one.summarised.summary.items])
            found = Summarised(summary=msgspec.structs.replace(one.summarised.summary, items=items))
            outcomes.append(msgspec.structs.replace(one, summarised=found))
        return SummariseDone(build=request.build, outcomes=tuple(outcomes))

    others._RunSummarise = with_code  # type: ignore[method-assign]
    return others


BEFORE = {"main": "use a::f\npub m = f", "a": "pub f = 1\npub h = 1"}
AFTER = {**BEFORE, "a": "pub f = 1\npub h = 2"}


def test_an_object_is_reused_under_a_new_key_where_its_parts_are_the_same() -> None:
    others = reusable()
    others.build(BEFORE)
    old = {one.module: key for key, one in others.entries.items() if one.kind == "object"}
    steps = others.begin_until(Phase.LINKING, AFTER)
    assert [one for request in asked(others, FindFragments) for one in request.objects] == [old["main"]]
    assert [job.module for one in asked(others, RunCompile) for job in one.jobs] == ["a"]
    assert others.run.states.members(State.COMPILED) == ["a", "main"]
    others.finish()
    stored = {
        one.module: one for request in asked(others, StoreEntries) for one in request.entries if one.kind == "object"
    }
    assert stored["main"].key != old["main"] and stored["main"].data == others.data[others.entries[old["main"]].digest]
    assert steps.compiling.reasons["main"].kind == "import"


def test_an_object_that_is_gone_has_the_build_look_at_the_sources_again() -> None:
    others = reusable()
    before = {**BEFORE, "a": "pub f = 1\nh = 1"}
    others.build(before)
    others.new_process()
    others._FindFragments = lambda request: FragmentsFound()  # type: ignore[method-assign]
    others.begin_until(Phase.COMPILING, {**before, "a": "pub f = 1\nh = 2"})
    assert others.machine.session.facts.as_before == {"main"}
    assert not others.machine.session.facts.can_compile("main")
    result = others.finish()
    assert (result.success, result.recompiled) == (True, ["a", "main"])
    assert sorted(job.module for one in asked(others, RunCompile) for job in one.jobs) == ["a", "main"]


# ---- verifying


VERIFY = msgspec.structs.replace(SETTINGS, verify=1.0)


def test_verifying_does_nothing_unless_it_is_asked_for() -> None:
    others = Others()
    others.begin_until(Phase.LINKING, TEXTS)
    assert sorted(job.module for one in asked(others, RunCompile) for job in one.jobs) == ["a", "b", "main"]
    assert not asked(others, Load)


def test_verifying_loads_compiles_and_compares() -> None:
    others = Others()
    others.build(TEXTS)
    others.new_process()
    result = others.build(TEXTS, VERIFY)
    assert (result.success, result.verified, result.differences) == (True, 3, [])
    assert [len(one.keys) for one in asked(others, Find)] == [1], "the program alone: the plan has the objects"
    compiled(others, a=CompileOutcome(module="a", compiled=Compiled(object=Object(data=b"another"))))
    result = others.build(TEXTS, VERIFY)
    assert [(one.module, one.kind) for one in result.differences] == [("a", "object")]
    assert [one.code for one in result.diagnostics] == ["E0905"]
    assert not asked(others, RunLink)


# ---- linking


def test_linking_compiles_a_module_whose_object_is_lost() -> None:
    others = Others()
    others.build(TEXTS)
    others.program = b""
    lost = next(one for one in others.entries.values() if one.module == "b")
    del others.data[lost.digest]
    steps = others.begin_until(Phase.LINKING, {**TEXTS, "main": "use a::f\nrun f f"})
    result = others.finish()
    assert (result.success, result.recompiled, sorted(steps.compiling.missed)) == (
        True,
        ["b", "main"],
        ["b", "main"],
    )
    assert result.reasons["b"].kind == "missing"


def test_linking_makes_the_program_again_that_the_cache_has_lost() -> None:
    others = Others()
    others.build(TEXTS)
    published = [Published(missing=True), Published(written=True)]
    others._Publish = lambda request: published.pop(0)  # type: ignore[method-assign]
    result = others.build(TEXTS)
    assert (result.success, result.compiled_modules, result.program) == (True, 0, "/out/main.wasm")
    assert len(asked(others, RunLink)) == 1 and not published


def test_linking_fails_where_there_is_neither_program_nor_error() -> None:
    others = Others()
    others._RunLink = lambda request: LinkDone(build=request.build, linked=Linked())  # type: ignore[method-assign]
    result = others.build(TEXTS)
    assert (result.success, result.program, [one.code for one in result.diagnostics]) == (False, None, ["E0901"])
    assert [one.kind for request in asked(others, StoreEntries) for one in request.entries] == ["object"] * 3


@pytest.mark.parametrize(("outside", "code"), [(False, "E0814"), (True, "E0815")])
def test_linking_reports_a_program_that_cannot_be_written(outside: bool, code: str) -> None:
    others = Others()
    others._Publish = lambda request: Published(error="no room", outside=outside)  # type: ignore[method-assign]
    result = others.build(TEXTS)
    assert (result.success, [one.code for one in result.diagnostics]) == (False, [code])
    others.new_process()
    del others._Publish  # type: ignore[attr-defined]
    assert (others.build(TEXTS).success, asked(others, RunLink)) == (True, [])


# ---- ending


def test_recording_counts_and_leaves_a_plan() -> None:
    others = Others()
    others.build(TEXTS)
    (ending,) = asked(others, End)
    assert (ending.compilations, ending.hits, ending.misses, ending.snapshot) == (3, 0, 3, "s")
    assert ending.plan and ending.snapshot_data and ending.finished
    others.build(EDITED)
    (ending,) = asked(others, End)
    assert (ending.compilations, ending.hits, ending.misses) == (2, 1, 2)


def test_recording_writes_neither_plan_nor_snapshot_of_a_cancelled_build() -> None:
    others = Others()
    others.begin(TEXTS)
    others.cancelled.add(1)
    others.machine.advance()
    others.finish()
    (ending,) = asked(others, End)
    assert (ending.finished, ending.snapshot, ending.plan) == (False, "", b"")
    assert isinstance(others.asked[0], Begin)


# ---- answering before the end


def until_answered(others: Others) -> None:
    count = len(others.answers)
    while len(others.answers) == count:
        others.step()


def test_a_build_answers_when_its_program_is_in_its_place() -> None:
    """All but the first. What it made is stored after that, and then the build ends."""
    others, ended = Others(), list[int]()
    others.build(TEXTS)
    assert others.kinds()[-2:] == ["StoreEntries", "End"], "the first one was answered when it had ended"
    others.begin(EDITED)
    assert others.machine.current is not None
    others.machine.current.ended = lambda: ended.append(len(others.asked))
    until_answered(others)
    result = others.answers[-1].result
    assert (result.success, result.recompiled, others.kinds()[-1]) == (True, ["a", "main"], "Publish")
    assert "StoreEntries" not in others.kinds() and "StoreSummaries" not in others.kinds()
    others.machine.build(Build(build=3, settings=SETTINGS), others.answers.append)
    assert others.run.id == 2, "the next build waits"
    while others.run.id == 2:
        others.step()
    after = others.kinds()[others.kinds().index("Publish") + 1 :]
    assert after[:3] == ["StoreSummaries", "StoreEntries", "End"] and ended
    [stored] = asked(others, StoreEntries)
    assert {one.kind for one in stored.entries} == {"object", "program"}
    assert len(others.answers) == 2


@pytest.mark.parametrize(
    "ended",
    [Ended(degraded="full"), Ended(evicted=1), Ended(needed_bytes=1)],
    ids=["bad", "evicts", "small"],
)
def test_a_build_answers_after_its_end_where_the_last_one_had_trouble(ended: Ended) -> None:
    others = Others()
    others._End = lambda request: ended  # type: ignore[method-assign]
    others.build(TEXTS)
    others.begin(EDITED)
    until_answered(others)
    assert others.kinds()[-1] == "End"
    assert others.answers[-1].result.cache_degraded == ended.degraded
    assert others.answers[-1].result.cache_needed_bytes == ended.needed_bytes


def test_what_goes_wrong_after_the_answer_is_said_by_the_next_one() -> None:
    others = Others()
    others.build(TEXTS)
    others._End = lambda request: Ended(degraded="gone")  # type: ignore[method-assign]
    assert others.build(EDITED).cache_degraded is None
    others._End = lambda request: Ended()  # type: ignore[method-assign]
    assert others.build(EDITED).cache_degraded == "gone"
    assert others.build(EDITED).cache_degraded is None


def test_a_build_that_is_cancelled_after_its_answer_ends_all_the_same() -> None:
    others = Others()
    others.build(TEXTS)
    others.begin(EDITED)
    until_answered(others)
    others.cancelled.add(2)
    others.finish()
    [ending] = asked(others, End)
    assert ending.finished and ending.snapshot_data and len(others.answers) == 2
