"""The summary of a build, the moving line, and the reasons."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from actors.codes import CODES
from actors.diagnostics import about_project
from actors.events import BuildFinished, CompileFinished, CompileStarted, SourcesScanned
from actors.result import Reason
from orchestrator.report import progress as module
from orchestrator.report.explain import code_text, listed, why
from orchestrator.report.progress import Progress, round_up, summary
from orchestrator.result import BuildResult
from orchestrator.settings import size


def result(**fields: Any) -> BuildResult:
    return BuildResult(**{"success": True, "compiled_modules": 0, "cache_hits": 0, "duration_ms": 140.0, **fields})


def test_a_rebuild_names_what_was_compiled_and_why() -> None:
    found = result(
        compiled_modules=2,
        cache_hits=9,
        recompiled=["invoice", "tax"],
        reasons={"tax": Reason(kind="source"), "invoice": Reason(kind="import", via=("tax",))},
        program=Path("/p/build/main.wasm"),
    )
    assert summary(found) == (
        "  invoice  imports tax, which changed\n"
        "  tax      its source changed\n"
        "built 2 of 11 modules in 0.14 s: 2 compiled, 9 from the cache\n"
        "program: /p/build/main.wasm"
    )


def test_a_first_build_does_not_list_everything() -> None:
    reasons = {"a": Reason(kind="first")}
    found = result(compiled_modules=1, recompiled=["a"], reasons=reasons, duration_ms=12.4)
    assert summary(found, wanted="main.ruchy") == (
        "built 1 of 1 module in 12 ms: 1 compiled, 0 from the cache\nno program: there is no main.ruchy"
    )


def test_many_recompiled_modules_are_only_counted() -> None:
    names = [f"m{i}" for i in range(7)]
    reasons = {name: Reason(kind="source") for name in names}
    found = result(compiled_modules=7, cache_hits=1, recompiled=names, reasons=reasons)
    assert summary(found).startswith("built 7 of 8 modules")


def test_a_failed_build_says_what_stands_still() -> None:
    found = result(
        success=False,
        failed=["tax"],
        blocked=["a", "b", "c", "d", "e"],
        diagnostics=[about_project("E1", "m")],
        cache_degraded="the disk is full",
    )
    assert summary(found, old="/p/build/main.wasm") == (
        "failed in 0.14 s: 1 error in tax; a, b, c and 2 more had to wait for that\n"
        "/p/build/main.wasm is old: it is the program of an earlier build\n"
        "the cache was not used as usual: the disk is full"
    )
    assert "is old" not in summary(found)


def test_names_from_sources_are_escaped() -> None:
    found = result(success=False, failed=["\x1b[31m"])
    assert "\x1b" not in summary(found)


def test_every_reason_has_words() -> None:
    kinds = ("new", "source", "import", "resolution", "toolchain", "options", "forced", "missing", "first")
    said = [why(Reason(kind=kind)) for kind in kinds]
    assert len(set(said)) == len(kinds)
    assert why(Reason(kind="import", via=("a", "b", "c", "d", "e"))) == "imports a, b, c and 2 more, which changed"


def test_listed() -> None:
    assert [listed(list("abcde"[:n])) for n in range(5)] == ["", "a", "a and b", "a, b and c", "a, b, c and 1 more"]


def test_a_code_is_explained_with_both_examples() -> None:
    code = CODES["E0806"]
    assert code_text(code) == (
        "E0806: one module, two files (project)\n\n`a.ext` and `a/mod.ext` would both be the module `a`; so would "
        "an inline module `b` of `a.ext` and the file `a/b.ext` both be `a::b`.\n\n"
        "Wrong:\n\n    a.ext and a/mod.ext\n\nRight:\n\n    a/mod.ext alone"
    )


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    return now


def test_the_moving_line_moves_and_goes(clock: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "24")
    stream = io.StringIO()
    line = Progress(stream, live=True)
    line.see(SourcesScanned(build=1, total=3, changed=3, removed=0))
    assert stream.getvalue() == "\r\x1b[Klooking at 3 modules"
    line.see(CompileStarted(build=1, module="a", slot=0))
    assert stream.getvalue() == "\r\x1b[Klooking at 3 modules", "not twice within a moment"
    line.see(CompileFinished(build=1, module="a", slot=0, duration_ms=1, compiled_functions=1, reused_functions=0))
    clock[0] += 1
    line.see(CompileStarted(build=1, module="long/\x1bname", slot=0))
    assert stream.getvalue().endswith("\r\x1b[Kcompiling long/\\x1bname"), "escaped, and cut to the terminal"
    line.see(BuildFinished(build=1, success=True, compiled_modules=1, cache_hits=0, duration_ms=1))
    assert stream.getvalue().endswith("\r\x1b[K")
    line.close()
    assert stream.getvalue().count("\r") == 3


def test_nobody_watches_nothing_moves(clock: list[float]) -> None:
    stream = io.StringIO()
    line = Progress(stream)
    line.see(SourcesScanned(build=1, total=3, changed=3, removed=0))
    line.close()
    assert stream.getvalue() == ""


def test_a_limit_that_fits_is_said_as_the_settings_take_it() -> None:
    found = result(cache_needed_bytes=5 * 2**20 + 1)
    assert summary(found).endswith("\nthe cache is too small for this build: make its `max_size` 5.1 MiB or more")
    assert [round_up(size) for size in (1, 2**10, 2**20 - 1, 2**20, 2**30 + 1)] == [
        "0.1 KiB",
        "1.0 KiB",
        "1024.0 KiB",
        "1.0 MiB",
        "1.1 GiB",
    ]
    assert all(size(round_up(number)) >= number for number in range(1, 2**31, 2**23 + 12_345))
