"""Passes: what is tentative in a check can be tried and dropped."""

import ast
from collections.abc import Collection
from pathlib import Path

import pytest

from actors.compiler.toolchain import CompileJob
from orchestrator.toolchains.ruchy import check as room
from orchestrator.toolchains.ruchy import lower
from orchestrator.toolchains.ruchy.check import checker, hir
from orchestrator.toolchains.ruchy.check.function import HANDLERS, bad, handles
from orchestrator.toolchains.ruchy.check.module import CollectedModule, InProgress, Report
from orchestrator.toolchains.ruchy.check.passes import BUDGET, NeedsFirst, Pass
from orchestrator.toolchains.ruchy.check.scope import Env, FunctionItem
from orchestrator.toolchains.ruchy.check.stubs import Stubs
from orchestrator.toolchains.ruchy.check.types import I64
from orchestrator.toolchains.ruchy.syntax import tree


def begun() -> Pass:
    job = CompileJob(module="main", path="main.ruchy", source=b"12345")
    return Pass(CollectedModule(job, Stubs({})), Report(), InProgress())


def function(name: str) -> FunctionItem:
    node = tree.Function(0, name, False, [], None, tree.Block(0, [], 0))
    return FunctionItem(name, f"main::{name}", node, Env("main"), own=True)


SHARED = ("module", "report", "work")


def tentative(p: Pass) -> dict[str, object]:
    """All that a pass owns, copied."""
    owners = {"": p, "made": p.made, "open": p.open}
    fields = {
        f"{of}.{name}": getattr(owner, name)
        for of, owner in owners.items()
        for name in type(owner).__slots__
        if name not in SHARED and name not in owners
    }
    return {name: value.copy() if isinstance(value, list | dict) else value for name, value in fields.items()}


def write_all_over(p: Pass) -> None:
    """Puts something into each list of a pass."""
    literal = hir.Int(I64, 0, 1)
    p.error("E0101", 3, "wrong")
    p.warn("W0003", 3, "strange")
    p.open.pending.append(literal)
    p.open.literals.append((literal, 1))
    p.open.flows.append((0, I64, I64))
    p.open.late.append(lambda last: True)
    p.made.functions.append(function("inner"))
    p.made.finished.append(function("done"))
    p.inlining[1] = 2
    p.silent += 1
    assert p.spend(0, 10)


def test_an_action_that_needs_a_function_first_leaves_nothing_behind():
    p = begun()
    p.warn("W0001", 1, "before")
    p.open.pending.append(hir.Int(I64, 0, 7))
    before, errors, warnings = tentative(p), p.report.errors.copy(), p.report.warnings.copy()
    needed = function("needed")

    def action() -> None:
        write_all_over(p)
        p.work.depth += 5
        raise NeedsFirst(needed)

    assert p.attempt(action) is needed
    assert (tentative(p), p.report.errors, p.report.warnings, p.work.depth) == (before, errors, warnings, 0)


def test_an_action_that_ends_stays():
    p = begun()
    assert p.attempt(lambda: write_all_over(p)) is None
    assert [one.code for one in p.report.errors] == ["E0101"]
    assert p.failed
    assert (len(p.open.pending), len(p.open.late), p.budget) == (1, 1, BUDGET + 5 - 10)


def test_functions_that_were_finished_on_the_way_begin_anew():
    p = begun()
    done, half, whole = function("done"), function("half"), function("whole")
    done.state, whole.state = 2, 2
    half.types = whole.types = [I64]

    def action() -> None:
        p.made.finished.append(done)
        p.made.functions += [half, whole]
        raise NeedsFirst(function("needed"))

    p.attempt(action)
    assert (done.state, half.types, whole.types) == (0, None, [I64])


def test_a_list_that_was_replaced_on_the_way_is_put_back():
    p = begun()
    warnings = p.report.warnings

    def action() -> None:
        p.report.warnings = []
        raise NeedsFirst(function("needed"))

    p.attempt(action)
    assert p.report.warnings is warnings


def test_nothing_of_a_trial_gets_into_the_pass_that_began_it():
    p = begun()
    before = tentative(p)
    trial = p.trial()
    write_all_over(trial)
    trial.cut = trial.made.calls_main = True
    trial.made.bodies["main::f"] = hir.FunctionBody("main::f", False, [], I64, [], hir.Int(I64, 0, 1), 0, 0)
    trial.made.signatures["main::f"] = ([], I64)
    trial.made.nested_types["main", "S"] = tree.Struct(0, "S", False, [])
    trial.now_seen.bindings.add(("", "f"))
    assert tentative(p) == before
    assert p.report.errors == p.report.warnings == []
    assert p.report.seen[""].bindings == set()


def test_a_trial_has_copies_of_its_own():
    p = begun()
    item = function("f")
    one, other = p.trial(), p.trial()
    copy = one.copy_of(item)
    assert one.copy_of(item) is copy is not item
    assert copy.trial is one
    assert other.copy_of(item) is not copy


def test_an_error_that_nobody_else_reports_is_heard_from_a_trial():
    p = begun()
    trial = p.trial()
    trial.error("E0101", 0, "silent")
    trial.error_even_if_silent("E0216", 4, "aloud")
    trial.error("E0101", 0, "silent again")
    assert [(one.code, one.at) for one in p.report.errors] == [("E0216", 4)]
    assert trial.failed
    assert not p.failed


def test_one_class_of_nodes_has_one_handler():
    assert checker.HANDLERS is HANDLERS
    assert tree.Binary in HANDLERS
    with pytest.raises(TypeError, match="two handlers for Binary"):
        handles(tree.Binary)(lambda c, node, want, why: bad(node.at))


@pytest.mark.slow
@pytest.mark.parametrize("package", [room, lower])
def test_no_import_goes_in_a_circle(package):
    """Lazy imports count too, and those for type checkers alone."""
    home = package.__name__
    files = {f"{home}.{path.stem}": path for path in Path(next(iter(package.__path__))).glob("[!_]*.py")}
    leads = {name: imports(path, files.keys()) for name, path in files.items()}
    assert sum(map(len, leads.values())) > 20
    while leads:
        ends = [name for name, to in leads.items() if not to & leads.keys()]
        assert ends, sorted(leads)
        for name in ends:
            del leads[name]


def imports(path: Path, names: Collection[str]) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
            found |= {f"{node.module}.{one.name}" for one in node.names}
        elif isinstance(node, ast.Import):
            found |= {one.name for one in node.names}
    return found & set(names)
