"""The verifier of typed trees finds a wrong tree of every kind of node."""

from typing import Any, get_args

import pytest

from orchestrator.toolchains.ruchy.check import checker, hir
from orchestrator.toolchains.ruchy.check.parts import PARTS
from orchestrator.toolchains.ruchy.check.types import BOOL, ERROR, F64, I32, I64, NEVER, STRING, UNIT, StructType
from orchestrator.toolchains.ruchy.check.verify import WrongTreeError, verify
from tests.orchestrator.toolchains.ruchy.check.checking import good

SOURCE = """struct P { x: i64, s: String }
fun g(n: i64, s: String) -> i64 { return n; }
fun raise(n: &mut i64, by: i64) { *n += by }
fun lend() { raise(&mut shared, 1) }
fun f(n: i64, p: P, c: bool) -> i64 {
    let mut m = 1 + n;
    let mut q = P { x: 1, s: "a" };
    q.x = -m;
    m = ~m;
    let r = P { x: 2, ..q };
    if !c && n < 2 || c { println("a", n); }
    while c { continue; }
    for i in 0..3 { println(i) }
    let v = loop { break r.x; };
    let t = "x" + m;
    if t.trim() == "" { panic("no") }
    let h = (v as f64) * 2.5;
    g(v, t);
    raise(&mut m, 2);
    println(h);
    let mut xs = [[1, 2], [3; 4]];
    xs[0].push(xs[1][0]);
    xs[0][1] = 5;
    println(xs, xs.contains([1]));
    println(Some(m) ?? 1);
    m
}
let mut shared = 1
fun up() { shared = shared + 1 }
up()
shared = 3
fun keep() -> i64 {
    let mut kept = 1
    let add = |x: i64| { kept += x }
    add(2)
    kept
}
"""
THROWING = """fun big(n: i64) -> i64 {
    if n > 1 { throw "big" }
    n
}
fun risky(n: i64) -> i64 {
    let v = try { big(n) } catch e { println(e); 0 }
    try {
        if v > 2 { return big(v) }
        println(v)
    } finally { println("end") }
    v
}
fun fill(xs: &mut [i64]) {
    xs.push(1)
    if xs.len() > 2 { throw "full" }
}
fun filled() -> i64 {
    let mut p = [[1], [2]]
    fill(&mut p[0])
    p[0].len()
}
"""
"""Apart, because a module with these words looks after each call."""
UNITS = hir.Unit(UNIT, 0)
STOP = hir.Return(NEVER, 0, hir.Int(I64, 0, 1))
TEXT = hir.Str(STRING, 0, "")
ONE = hir.Int(I64, 0, 1)
STRANGE = StructType("nowhere", "S")

WRONG: dict[type, list[dict[str, Any]]] = {
    hir.Int: [{"type": STRING}, {"value": 1 << 63}, {"type": BOOL, "value": 2}],
    hir.Float: [{"type": I64}],
    hir.Str: [{"type": I64}],
    hir.Unit: [{"type": I64}, {"type": NEVER}],
    hir.Local: [{"slot": 99}, {"type": STRING}, {"slot": -1}],
    hir.GetGlobal: [{"type": STRING}, {"type": UNIT}],
    hir.LendGlobal: [{"type": I64}, {"type": NEVER}],
    hir.Arithmetic: [{"left": TEXT}, {"right": TEXT}, {"type": I32}, {"op": "<"}, {"left": STOP}, {"type": STRING}],
    hir.Negate: [{"operand": TEXT}, {"type": BOOL}, {"operand": STOP}],
    hir.BitNot: [{"operand": TEXT}, {"type": F64}, {"operand": STOP}],
    hir.Not: [{"operand": ONE}, {"type": I64}, {"operand": STOP}],
    hir.Compare: [{"left": STOP}, {"right": UNITS}, {"type": I64}, {"op": "+"}],
    hir.And: [{"left": ONE}, {"right": ONE}, {"left": STOP}, {"type": UNIT}],
    hir.Or: [{"left": ONE}, {"right": ONE}, {"left": STOP}, {"type": I64}],
    hir.Cast: [{"operand": TEXT}, {"type": STRING}, {"type": BOOL}, {"operand": STOP}],
    hir.ToText: [{"operand": UNITS}, {"type": I64}, {"precision": 2, "operand": TEXT}, {"operand": STOP}],
    hir.Concat: [{"parts": [TEXT, ONE]}, {"parts": [TEXT]}, {"type": UNIT}, {"parts": [TEXT, STOP]}],
    hir.CallChanging: [{"changed": [99]}, {"changed": [0]}, {"symbol": "main::none"}, {"type": STRING}],
    hir.Call: [{"arguments": [TEXT, TEXT]}, {"arguments": [ONE]}, {"type": STRING}, {"symbol": "main::none"}],
    hir.Runtime: [{"arguments": [UNITS]}, {"name": "sqrt"}, {"arguments": [STOP]}, {"type": ERROR}],
    hir.NewStruct: [{"fields": [TEXT, TEXT]}, {"order": [0, 0]}, {"type": STRANGE}, {"fields": [STOP, TEXT]}],
    hir.UpdateStruct: [{"base": ONE}, {"fields": [(0, TEXT)]}, {"base": STOP}, {"type": STRING}],
    hir.GetField: [{"index": 1}, {"index": 7}, {"value": ONE}, {"type": STRING}, {"value": STOP}],
    hir.NewVariant: [{"fields": [TEXT]}, {"order": [0, 0]}, {"variant": 7}, {"type": STRANGE}, {"fields": [STOP]}],
    hir.GetTag: [{"value": ONE}, {"type": I64}, {"value": STOP}],
    hir.GetPayload: [{"index": 1}, {"variant": 0}, {"variant": 7}, {"value": ONE}, {"type": STRING}, {"value": STOP}],
    hir.NewArray: [{"elements": [TEXT]}, {"elements": [STOP]}, {"type": I64}],
    hir.RepeatArray: [{"value": TEXT}, {"count": TEXT}, {"count": STOP}, {"type": I64}],
    hir.GetElement: [{"value": ONE}, {"index": TEXT}, {"index": STOP}, {"type": STRING}],
    hir.Helper: [{"subject": ERROR}, {"subject": STRANGE}, {"arguments": [STOP, ONE]}],
    hir.Block: [{"value": TEXT}, {"type": STRING}, {"statements": [ONE]}, {"statements": [hir.Do(STOP)]}],
    hir.If: [{"condition": ONE}, {"then": TEXT}, {"otherwise": TEXT}, {"condition": STOP}],
    hir.Loop: [{"label": 0}, {"type": STRING}, {"type": UNIT}],
    hir.While: [{"condition": ONE}, {"label": 1}, {"type": I64}, {"condition": STOP}],
    hir.ForRange: [{"start": TEXT}, {"end": hir.Int(I32, 0, 1)}, {"type": I64}, {"start": STOP}],
    hir.Break: [{"label": 9}, {"value": TEXT}, {"value": None}, {"type": I64}, {"value": STOP}],
    hir.Continue: [{"label": 9}, {"type": UNIT}],
    hir.Return: [{"value": TEXT}, {"value": None}, {"type": I64}, {"value": STOP}],
    hir.Print: [{"parts": [ONE]}, {"type": STRING}, {"parts": [STOP]}],
    hir.Panic: [{"message": ONE}, {"type": UNIT}, {"message": STOP}],
    hir.MakeClosure: [{"symbol": "main::g"}, {"type": I64}, {"captures": []}],
    hir.CallValue: [{"callee": ONE}, {"arguments": []}, {"arguments": [TEXT]}, {"type": I64}],
    hir.GetCell: [{"cell": ONE}, {"type": STRING}],
    hir.SetCell: [{"cell": ONE}, {"value": TEXT}, {"type": I64}, {"value": STOP}],
    hir.ThrowText: [{"value": ONE}, {"type": UNIT}, {"value": STOP}],
    hir.HandOn: [{"dummy": 99}, {"type": I64}],
    hir.Catching: [{"body": TEXT}, {"handler": TEXT}, {"slot": 99}],
    hir.Leaving: [{"body": TEXT}, {"type": I64}],
    hir.Let: [{"value": TEXT}, {"value": UNITS}, {"slot": 99}, {"value": STOP}, {"value": hir.Local(I64, 0, 5)}],
    hir.Change: [{"slot": 99}, {"path": [0]}, {"path": [TEXT]}, {"arguments": [TEXT]}, {"arguments": [STOP]}],
    hir.Store: [{"value": TEXT}, {"slot": 99}, {"path": [0, 0]}, {"path": [9]}, {"value": STOP}],
    hir.SetGlobal: [{"value": TEXT}, {"value": UNITS}, {"value": STOP}],
    hir.Do: [{"value": STOP}],
}


OF_THROWING = (hir.ThrowText, hir.HandOn, hir.Catching, hir.Leaving)


def nodes(module: hir.CheckedModule, kind: type) -> list[Any]:
    found = []
    waiting: list[Any] = [one.body for one in module.functions]
    while waiting:
        node = waiting.pop()
        found += [node] if node.__class__ is kind else []
        waiting += PARTS[node.__class__](node)
    return found


def test_every_kind_is_broken_here():
    assert set(WRONG) == {*get_args(hir.Expr), *get_args(hir.Stmt)}


@pytest.mark.parametrize("kind", WRONG, ids=[kind.__name__ for kind in WRONG])
def test_a_wrong_tree_is_found(kind):
    for change in WRONG[kind]:
        module = good(THROWING if kind in OF_THROWING else SOURCE)
        verify(module)
        node = nodes(module, kind)[0]
        for name, value in change.items():
            assert getattr(node, name) != value, change
            setattr(node, name, value)
        with pytest.raises(WrongTreeError):
            verify(module)
            pytest.fail(f"nothing is said of {kind.__name__} with {change}")


def test_wrong_functions_are_found():
    for name, value in {"result": STRING, "parameters": [STRING], "locals": []}.items():
        module = good(SOURCE)
        setattr(module.functions[1], name, value)
        with pytest.raises(WrongTreeError):
            verify(module)
    module = good(SOURCE)
    module.structs.clear()
    with pytest.raises(WrongTreeError):
        verify(module)
    module = good("fun f(n: i64) { let mut m = n; m = 2; }")
    module.functions[0].body = hir.Local(I64, 0, 1)
    with pytest.raises(WrongTreeError, match="never bound"):
        verify(module)


def test_it_is_on_in_tests():
    assert checker.VERIFY
