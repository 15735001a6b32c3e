"""Chains of methods that take one element at a time: `xs.iter().map(f).filter(g).take(2)` is one loop.

A chain is lazy behind `iter()`, of a range, and of a range without an end, as in Rust: each element goes through all
steps before the next one is taken, and what nobody asks for is never computed. The methods of an array that is not
iterated (`xs.map(f).map(g)`) go over the whole of it each, as in the reference.

The loop is written in Ruchy, as in `written_methods.py`. Step `k` has its function as `__F{k}`, its argument as
`__a{k}`, a count as `__n{k}`. Whether enough were taken is asked at the beginning of each turn, so that nothing is
computed of an element that comes after them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.function import Fn, Want, bad, check, expr
from orchestrator.toolchains.ruchy.check.inference.infer import fresh, resolve
from orchestrator.toolchains.ruchy.check.inference.widths import started
from orchestrator.toolchains.ruchy.check.methods.inlined import bind_function, leaves
from orchestrator.toolchains.ruchy.check.methods.written_methods import block_of
from orchestrator.toolchains.ruchy.check.scope import RANGES
from orchestrator.toolchains.ruchy.check.types import BOOL, ERROR, I64, NEVER, UNIT, ArrayType, Type
from orchestrator.toolchains.ruchy.syntax import tree

SAME = frozenset(("iter", "into_iter", "cloned", "copied", "by_ref"))
"""Methods that give the elements as they are."""
TO_RESULTS = "map?"
"""What a `map` is called where a `Result` is collected of it."""
_BEGINS = frozenset(("iter", "into_iter"))


class ChainStep(NamedTuple):
    """What a method does with each element, as text, in which `{k}` is the number of the step, `{x}` its element and
    `{z}` the one that it makes.

    `takes` are its arguments: `n` for a number, `v` for a value, `a` for an array, and for functions `F` with an `x`
    for each element that it takes (`P`: it gives a bool, `U`: nothing). `init` stands before the loop, `turn` at the
    beginning of each turn. `ends`: it can end the loop. `result` is the value, of a last step only."""

    takes: tuple[str, ...] = ()
    init: str = ""
    turn: str = ""
    text: str = ""
    ends: bool = False
    result: str = ""


_COUNT = "let mut __n{k} = 0;"
STEPS: dict[str, ChainStep] = {
    "map": ChainStep(("Fx",), text="let {z} = __F{k}({x});"),
    "filter": ChainStep(("Px",), text="if !__F{k}({x}) { continue }"),
    "filter_map": ChainStep(("Fx",), text="let Some({z}) = __F{k}({x}) else { continue };"),
    "flat_map": ChainStep(("Fx",)),
    "take": ChainStep(
        ("n",),
        init=_COUNT,
        turn="if __n{k} >= __a{k} { break '__l }",
        text="__n{k} += 1;",
        ends=True,
    ),
    "skip": ChainStep(("n",), init=_COUNT, text="if __n{k} < __a{k} { __n{k} += 1; continue }"),
    "take_while": ChainStep(("Px",), text="if !__F{k}({x}) { break '__l }", ends=True),
    "skip_while": ChainStep(
        ("Px",),
        init="let mut __s{k} = true;",
        text="if __s{k} { if __F{k}({x}) { continue } __s{k} = false }",
    ),
    "map_while": ChainStep(("Fx",), text="let Some({z}) = __F{k}({x}) else { break '__l };", ends=True),
    "enumerate": ChainStep(init=_COUNT, text="let {z} = (__n{k}, {x}); __n{k} += 1;"),
    "zip": ChainStep(
        ("a",),
        init=_COUNT,
        turn="if __n{k} >= __a{k}.len() { break '__l }",
        text="let {z} = ({x}, __a{k}[__n{k}]); __n{k} += 1;",
        ends=True,
    ),
    "step_by": ChainStep(
        ("n",),
        init=_COUNT + ' if __a{k} < 1 { panic("`step_by` takes a number of 1 or more") }',
        text="__n{k} += 1; if (__n{k} - 1) % __a{k} != 0 { continue }",
    ),
    "inspect": ChainStep(("Ux",), text="__F{k}({x});"),
    "scan": ChainStep(("v", "Fax"), text="__a{k} = __F{k}(__a{k}, {x}); let {z} = __a{k};"),
}
"""All but the last step, by name."""

_ZIP_OPEN = ChainStep(("o",), init=_COUNT, text="let {z} = ({x}, __a{k} + __n{k}); __n{k} += 1;")
_SCAN_LENT = ChainStep(("v", "Fx"), text="let Some({z}) = __F{k}({x}) else { break '__l };", ends=True)

_TO_RESULTS = ChainStep(("Fx",), text="let {z}: Result<_, _> = __F{k}({x});")
"""A `map` whose function is asked for a `Result`."""

LAST: dict[str, ChainStep] = {
    "any": ChainStep(
        ("Px",), "let mut __r = false;", "", "if __F{k}({x}) { __r = true; break '__l }", ends=True, result="__r"
    ),
    "all": ChainStep(
        ("Px",), "let mut __r = true;", "", "if !__F{k}({x}) { __r = false; break '__l }", ends=True, result="__r"
    ),
    "find": ChainStep(
        ("Px",), "let mut __r = None;", "", "if __F{k}({x}) { __r = Some({x}); break '__l }", True, "__r"
    ),
    "position": ChainStep(
        ("Px",),
        _COUNT + " let mut __r = None;",
        text="if __F{k}({x}) { __r = Some(__n{k}); break '__l } __n{k} += 1;",
        ends=True,
        result="__r",
    ),
    "find_map": ChainStep(
        ("Fx",),
        "let mut __r = None;",
        text="let __y = __F{k}({x}); if __y.is_some() { __r = __y; break '__l }",
        ends=True,
        result="__r",
    ),
    "fold": ChainStep(("v", "Fax"), text="__a{k} = __F{k}(__a{k}, {x});", result="__a{k}"),
    "for_each": ChainStep(("Ux",), text="__F{k}({x});", result="()"),
    "each": ChainStep(("Ux",), text="__F{k}({x});", result="()"),
    "count": ChainStep((), "let mut __r = 0;", text="__r += 1;", result="__r"),
    "nth": ChainStep(
        ("n",),
        _COUNT + " let mut __r = None;",
        text="if __n{k} == __a{k} { __r = Some({x}); break '__l } __n{k} += 1;",
        ends=True,
        result="__r",
    ),
    "next": ChainStep((), "let mut __r = None;", text="__r = Some({x}); break '__l", ends=True, result="__r"),
}
"""The last step, by name. Without one the elements become an array."""

_COLLECTED = ChainStep(init="let mut __r = [];", text="__r.push({x});", result="__r")


def _plain(name: str) -> str:
    return name.partition("::")[0]


def begins(node: tree.MethodCall, receiver: hir.Expr) -> bool:
    """Whether a chain is lazy from here on."""
    kind = resolve(receiver.type)
    starts = (node.name in _BEGINS and not node.arguments) or _step(node) in (_SCAN_LENT, _TO_RESULTS)
    return kind in RANGES or (isinstance(kind, ArrayType) and starts)


def begins_loop(receiver: hir.Expr) -> bool:
    """Whether a loop can go over a value here."""
    kind = resolve(receiver.type)
    return kind in RANGES or isinstance(kind, ArrayType)


def goes_on(node: tree.MethodCall) -> bool:
    """Whether a lazy chain stays so behind a call."""
    name = _plain(node.name)
    return name in STEPS or name in SAME or name in ("rev", "chain")


def steps_of(calls: Sequence[tree.MethodCall], endless: bool) -> list[ChainStep]:
    """The steps that can be done in one loop, a call each. Nothing where that is not worth it: it takes two steps, one
    with a function."""
    steps: list[ChainStep] = []
    for call in calls:
        step = _step(call)
        if step is None or len(call.arguments) != len(step.takes):
            break
        steps.append(step)
        if step.result:
            break
    if endless or _SCAN_LENT in steps or _TO_RESULTS in steps:
        return steps
    real = [step for call, step in zip(calls, steps, strict=False) if call.name not in SAME]
    if len(real) < 2 or not any(len(take) > 1 for step in real for take in step.takes):
        return []
    lambdas = [
        argument for call in calls[: len(steps)] for argument in call.arguments if isinstance(argument, tree.Lambda)
    ]
    return [] if any(leaves(lambda_.body) for lambda_ in lambdas) else steps


def _step(call: tree.MethodCall) -> ChainStep | None:
    name = _plain(call.name)
    if name in SAME:
        return ChainStep()
    if name == TO_RESULTS:
        return _TO_RESULTS
    if name == "zip" and len(call.arguments) == 1 and _is_endless(call.arguments[0]):
        return _ZIP_OPEN
    if name == "scan" and len(call.arguments) == 2 and lent_state(call.arguments[1]) is not None:
        return _SCAN_LENT
    return LAST.get(name) or STEPS.get(name)


def _is_endless(node: tree.Expr) -> bool:
    return isinstance(node, tree.RangeExpr) and node.start is not None and node.end is None


class EndlessSource(NamedTuple):
    """What has no end of its own: `head` begins the loop, where `__xs` is the `value` and `__F` the `function`, which
    takes so many arguments."""

    head: str
    value: tree.Expr
    function: tree.Expr | None = None
    takes: int = 0
    is_walked: bool = False
    """`next()` of the value gives the elements."""


_TURNS = "for __c in 0.. {"
_MAKERS = {
    ("repeat", 1): f"{_TURNS} let __x = __xs;",
    (
        "successors",
        2,
    ): f"{_TURNS} if __c > 0 {{ __xs = __F(__xs.unwrap()) }} let Some(__x) = __xs else {{ break '__l }};",
    ("from_fn", 1): f"{_TURNS} let Some(__x) = __F() else {{ break '__l }};",
}
"""Functions of `std::iter` that begin a chain."""
_NEXT = f"{_TURNS} let Some(__x) = __xs.next() else {{ break '__l }};"
_CYCLE = f"{_TURNS} if __xs.is_empty() {{ break '__l }} for __x in __xs {{"


def endless(c: Fn, node: tree.Expr, calls: Sequence[tree.MethodCall]) -> EndlessSource | None:
    """What begins a chain and has no end, if something that follows ends it."""
    if not any(step.ends for step in steps_of(calls, endless=True)):
        return None
    if isinstance(node, tree.RangeExpr) and node.start is not None and node.end is None:
        return EndlessSource("for __x in __xs.. {", node.start)
    if not isinstance(node, tree.Call) or not isinstance(node.callee, tree.Path):
        return None
    segments = node.callee.segments
    head = _MAKERS.get((segments[-1], len(node.arguments)))
    if head is None or segments[:-1] not in ((), ("iter",)) or c.p.lookup(c.env, segments) or segments[0] in c.names:
        return None
    first = node.arguments[0]
    if segments[-1] == "from_fn":
        return EndlessSource(head, tree.IntLiteral(node.at, 0), first, 0)
    return EndlessSource(head, first, node.arguments[1] if len(node.arguments) == 2 else None, 1)


# ---------------------------------------------------------------- `scan`


def lent_state(node: tree.Expr) -> tree.Lambda | None:
    """The function of a `scan` as in Rust, which writes to `*state`: its body writes to `__a` instead. None for one
    that gives the next state."""
    if not isinstance(node, tree.Lambda) or len(node.parameters) != 2 or leaves(node.body):
        return None
    state = node.parameters[0]
    if state.pattern is not None or not _writes_through(node.body, state.name):
        return None
    return node


def _writes_through(node: object, name: str) -> bool:
    if isinstance(node, tree.Assign) and isinstance(node.place, tree.Unary) and node.place.op == "*":
        inner = node.place.operand
        if isinstance(inner, tree.Path) and inner.segments == (name,):
            return True
    if isinstance(node, list | tuple):
        return any(_writes_through(one, name) for one in node)
    if isinstance(node, msgspec.Struct):
        return any(_writes_through(getattr(node, field), name) for field in node.__struct_fields__)
    return False


# ---------------------------------------------------------------- the loop


def text_of(steps: Sequence[ChainStep], flat: Sequence[bool], head: str) -> str:
    """The block that does all steps; `flat` are those that go over what their function gives."""
    last = len(steps)
    if not steps or not steps[-1].result:
        steps, flat = [*steps, _COLLECTED], [*flat, False]
    else:
        last -= 1
    before = " ".join(step.init.replace("{k}", str(k)) for k, step in enumerate(steps))
    element, body, ends = "__x", "", " }"
    for k, step in enumerate(steps[: last + 1]):
        text, value = step.text, f"__x{k + 1}"
        if flat[k]:
            text, ends = f"for {{z}} in __F{k}({{x}}) {{ {_turns(steps, k)}", ends + " }"
        body += " " + text.replace("{k}", str(k)).replace("{x}", element).replace("{z}", value)
        element = value if "{z}" in text else element
    result = steps[last].result.replace("{k}", str(last))
    ends += " }" * (head.count("{") - head.count("}") - 1)
    return f"{{ {before} '__l: {head} {_turns(steps, -1)}{body}{ends} {result} }}"


def _turns(steps: Sequence[ChainStep], behind: int) -> str:
    """What is asked at the beginning of a turn, by the steps that come behind one."""
    return " ".join(step.turn.replace("{k}", str(k)) for k, step in enumerate(steps) if k > behind and step.turn)


def fused(
    c: Fn,
    calls: Sequence[tree.MethodCall],
    steps: Sequence[ChainStep],
    receiver: hir.Expr,
    want: Want,
    source: EndlessSource | None = None,
) -> hir.Expr:
    """The calls of a chain, in one loop. `receiver` is an array, a range, or the value of `source`."""
    at = calls[len(steps) - 1].at
    out: list[hir.Stmt] = []
    mark = len(c.undo)
    over = c.declare("#xs", resolve(receiver.type), at, mutable=True)
    over.read = True
    if resolve(receiver.type) in (ERROR, NEVER) or over.slot < 0:
        c.leave(mark)
        return bad(at)
    out.append(hir.Let(over.slot, receiver))
    head = "for __x in __xs {" if source is None else source.head
    if source is not None and source.function is not None:
        bind_function(c, "#F", source.function, [fresh()] * source.takes, fresh(), out)
    bound = all(_bind_values(c, k, call, step, out) for k, (call, step) in enumerate(zip(calls, steps, strict=False)))
    if not bound:
        c.leave(mark)
        return bad(at)
    is_known = source is None or (source.function is None and not source.is_walked)
    element: Type | None = _element(receiver) if is_known else None
    for k, (call, step) in enumerate(zip(calls, steps, strict=False)):
        _bind_functions(c, k, call, step, element, out)
        if call.name not in SAME and _plain(call.name) not in ("filter", "take", "skip", "inspect"):
            element = None
    flat = [_plain(call.name) == "flat_map" for call in calls[: len(steps)]]
    typed = expr(c, block_of(text_of(steps, flat, head), at), want)
    c.leave(mark)
    return hir.Block(typed.type, at, out, typed)


def _element(receiver: hir.Expr) -> Type:
    kind = resolve(receiver.type)
    return kind.element if isinstance(kind, ArrayType) else I64 if kind in RANGES else kind


def cycled(calls: Sequence[tree.MethodCall], receiver: hir.Expr) -> EndlessSource | None:
    """The chain behind `xs.cycle()`, which goes over an array again and again, if something ends it."""
    if calls[0].name != "cycle" or calls[0].arguments or not begins_loop(receiver):
        return None
    if not any(step.ends for step in steps_of(calls[1:], endless=True)):
        return None
    return EndlessSource(_CYCLE, calls[0])


def by_next(call: tree.MethodCall) -> EndlessSource:
    """The chain behind a value of a type that has `next()`, which may have an end."""
    return EndlessSource(_NEXT, call, is_walked=True)


def _bind_values(c: Fn, k: int, call: tree.MethodCall, step: ChainStep, out: list[hir.Stmt]) -> bool:
    """Gives the arguments that are no functions their names, in the order written."""
    for given, takes in zip(call.arguments, step.takes, strict=True):
        if len(takes) > 1:
            continue
        if takes == "o":
            assert isinstance(given, tree.RangeExpr)
            assert given.start is not None
            given = given.start
        if takes == "n":
            typed = check(c, given, I64, ("E0204", "`{0}` takes {want}, and this is {got}", call.name))
        else:
            typed = started(c.p, expr(c, given))
            if takes == "a" and resolve(typed.type) in RANGES:
                typed = started(c.p, expr(c, tree.MethodCall(call.at, given, "to_vec", [])))
        if typed.type is NEVER or resolve(typed.type) is ERROR:
            return False
        if takes == "a" and not isinstance(resolve(typed.type), ArrayType):
            c.p.error("E0204", call.at, f"`{call.name}` takes an array, and this is no array")
            return False
        variable = c.declare(f"#a{k}", resolve(typed.type), call.at, mutable=True)
        variable.read = True
        out.append(hir.Do(typed) if variable.slot < 0 else hir.Let(variable.slot, typed))
    return True


def _bind_functions(
    c: Fn, k: int, call: tree.MethodCall, step: ChainStep, element: Type | None, out: list[hir.Stmt]
) -> None:
    for given, takes in zip(call.arguments, step.takes, strict=True):
        if len(takes) < 2:
            continue
        if step is _SCAN_LENT:
            given = _on_state(given, f"#a{k}")
        result: Type = BOOL if takes[0] == "P" else UNIT if takes[0] == "U" else fresh()
        kinds = [element if letter == "x" and element is not None else fresh() for letter in takes[1:]]
        bind_function(c, f"#F{k}", given, kinds, result, out)


def _on_state(node: tree.Expr, state: str) -> tree.Expr:
    """The function of a `scan` that writes to `*state`, of the element alone."""
    lent = lent_state(node)
    assert lent is not None
    body = _renamed(lent.body, lent.parameters[0].name, state)
    return msgspec.structs.replace(lent, parameters=lent.parameters[1:], body=body)


def _renamed(node: Any, name: str, state: str) -> Any:
    if isinstance(node, tree.Unary) and node.op == "*":
        inner = node.operand
        if isinstance(inner, tree.Path) and inner.segments == (name,):
            return tree.Path(node.at, (state,))
    if isinstance(node, tree.Path) and node.segments == (name,):
        return tree.Path(node.at, (state,))
    if isinstance(node, list):
        return [_renamed(one, name, state) for one in node]
    if isinstance(node, tuple):
        return tuple([_renamed(one, name, state) for one in node])
    if isinstance(node, msgspec.Struct):
        fields = {field: _renamed(getattr(node, field), name, state) for field in node.__struct_fields__}
        return node.__class__(**fields)
    return node
