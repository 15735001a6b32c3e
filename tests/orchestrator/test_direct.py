"""A build without an event loop is the same build: results, programs, plans and cache; and it knows when to leave a
build to an event loop."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest

import orchestrator
import orchestrator.sync
from actors.compiler import worker
from actors.disk import REAL
from actors.events import BuildCancelled, BuildFinished, BuildStarted, Event, Events
from actors.plainloop import PlainLoop
from orchestrator import BuildResult, ProjectBroken
from orchestrator.direct import DirectBuild
from orchestrator.opening import Opening
from tests.helpers.projects import write_files

SHAPES = "pub fun area(side: i64) -> i64 {\n    side * side\n}\n"
MAIN = "use shapes::area;\n\nfun main() {\n    println(area(4));\n}\n"

EDITS: list[dict[str, str]] = [
    {"shapes.ruchy": SHAPES, "main.ruchy": MAIN, "alone.ruchy": "pub fun f() -> i64 {\n    1\n}\n"},
    {},
    {"shapes.ruchy": SHAPES.replace("side * side", "side * side * side")},
    {"main.ruchy": MAIN.replace("area(4)", "area(4, 5)")},
    {"main.ruchy": MAIN.replace("area(4)", "area(")},
    {"main.ruchy": MAIN, "shapes.ruchy": SHAPES + "pub fun unused() -> i64 {\n    let x = 1;\n    2\n}\n"},
    {"shapes.ruchy": SHAPES.replace("i64", "f64")},
    {"shapes.ruchy": SHAPES},
    {"alone.ruchy": "use shapes::area;\n\npub fun f() -> i64 {\n    area(1)\n}\n"},
]
"""Modules made, nothing changed, a body, a wrong call, a syntax error, a warning, an interface, and back; an import."""


def directly(
    folder: Path, *, stop: Any = lambda: False, listener: Any = None, force: bool = False, **said: Any
) -> BuildResult | None:
    events = Events()
    if listener is not None:
        events.listen(listener)
    opening = Opening(str(folder), None, REAL, said)
    return DirectBuild(opening, PlainLoop(), events, stop).build(opening.config.build.output, force=force)


def in_loop(folder: Path, **said: Any) -> BuildResult:
    with orchestrator.sync.open(str(folder), **said) as project:
        return project.build()


def told(result: BuildResult | None, folder: Path) -> dict[str, Any]:
    """What a result says, but for the time that it took and the place that it was in."""
    assert result is not None
    program = result.program.read_bytes() if result.program else None
    fields = msgspec.structs.asdict(msgspec.structs.replace(result, duration_ms=0.0, program=None))
    return {**fields, "program": program}


@pytest.mark.slow
@pytest.mark.parametrize("invalidation", ["precise", "transitive"])
def test_each_build_of_a_history_is_as_in_a_loop(
    tmp_path: Path, invalidation: Literal["precise", "transitive"]
) -> None:
    """Each in a new process, so to say: nothing is in memory. And a process with a loop goes on where one without left
    off."""
    ours, theirs, mixed = (tmp_path / name for name in ("ours", "theirs", "mixed"))
    for number, edit in enumerate(EDITS):
        for folder in (ours, theirs, mixed):
            write_files(folder, edit)
        expected = told(in_loop(theirs, invalidation=invalidation), theirs)
        assert told(directly(ours, invalidation=invalidation), ours) == expected
        build: Any = in_loop if number % 2 else directly
        assert told(build(mixed, invalidation=invalidation), mixed) == expected
    for folder in (ours, mixed):
        with orchestrator.sync.open(str(folder), invalidation=invalidation) as project:
            assert project.cache.verify().damage == ()
            assert not any((folder / ".ruchy-cache" / "running").glob("*"))


def test_a_single_file_is_built_with_what_it_reaches(tmp_path: Path) -> None:
    """Nothing else in its folder is read, and nothing stays there."""
    write_files(tmp_path, {**EDITS[0], "wrong.ruchy": "fun ("})
    before = sorted(tmp_path.iterdir())
    for edit in EDITS:
        write_files(tmp_path, edit)
        opening = Opening(str(tmp_path / "main.ruchy"), None, REAL, {})
        with orchestrator.sync.open(str(tmp_path / "main.ruchy")) as project:
            result = project.build()
            expected = told(result, tmp_path)
        with tempfile.TemporaryDirectory() as folder:
            direct = DirectBuild(opening, PlainLoop(), Events(), lambda: False)
            assert told(direct.build(f"{folder}/program.wasm"), tmp_path) == expected
    assert sorted(tmp_path.iterdir()) == before


def test_a_build_with_work_for_workers_is_left_to_a_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is found out until then is not lost, and nothing stays pinned or claimed."""
    monkeypatch.setattr("actors.plainloop.ENOUGH_MS", 1e-6)
    write_files(tmp_path, EDITS[0])
    seen: list[Event] = []
    assert directly(tmp_path, listener=seen.append, jobs=2) is None
    assert [type(one) for one in seen if isinstance(one, BuildStarted | BuildFinished | BuildCancelled)] == [
        BuildStarted,
        BuildCancelled,
    ]
    assert not (tmp_path / "build").exists()
    result = in_loop(tmp_path, jobs=2)
    assert result.success and result.compiled_modules == 3
    # One job alone needs no workers, however much there is to do.
    write_files(tmp_path, {"main.ruchy": MAIN.replace("4", "5")})
    again = directly(tmp_path, jobs=1)
    assert again is not None and again.recompiled == ["main"]


def test_a_build_that_waits_for_programs_is_left_to_a_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would hear no signal meanwhile."""
    monkeypatch.setattr("actors.compiler.toolchains.Toolchains.calls_programs", lambda *_: True)
    write_files(tmp_path, EDITS[0])
    assert directly(tmp_path, jobs=1) is None
    assert in_loop(tmp_path, jobs=1).success


def test_stop_cancels_between_two_steps(tmp_path: Path) -> None:
    """At every step at which it can come: the build is cancelled, or was done, and the next one is not confused."""
    write_files(tmp_path, EDITS[0])
    fresh = told(in_loop(tmp_path), tmp_path)["program"]
    for steps in (0, 1, 5, 10, 20, 40):
        write_files(tmp_path, {"main.ruchy": MAIN.replace("4", str(steps))})
        left = steps

        def stop() -> bool:
            nonlocal left
            left -= 1
            return left < 0

        result = directly(tmp_path, stop=stop)
        assert result is None or result.success
        if steps == 0:
            assert result is None
    write_files(tmp_path, {"main.ruchy": MAIN})
    assert told(directly(tmp_path), tmp_path)["program"] == fresh


def test_a_bug_in_an_actor_breaks_the_build_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(tmp_path, EDITS[0])

    def broken(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(worker, "link", broken)
    with pytest.raises(ProjectBroken, match="ZeroDivisionError: a bug") as caught:
        directly(tmp_path)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert not any((tmp_path / ".ruchy-cache" / "running").glob("*"))
    monkeypatch.undo()
    result = directly(tmp_path)
    assert result is not None and result.success


def test_force_compiles_all(tmp_path: Path) -> None:
    write_files(tmp_path, EDITS[0])
    for force, compiled in ((False, 3), (False, 0), (True, 3)):
        result = directly(tmp_path, force=force)
        assert result is not None and result.compiled_modules == compiled
