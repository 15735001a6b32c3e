"""The function that is being checked, and the three verbs of checking an expression.

`expr` gives an expression its type. `check` does so and insists on a type. Both pass `want` down: a type, None (any
will do), DROP (the value is not used), or TAIL (it is the result of a function without `->`). `why` is what to say when
the type is wrong: a code, a template with `{want}` and `{got}`, and the names that fill its numbered holes.

The handlers stand in the other files. Each registers itself: `@handles(tree.Binary)`.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, MutableMapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

import msgspec

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.functions.sight import shadowed
from orchestrator.toolchains.ruchy.check.inference.array_widths import converted_array, is_of_integers
from orchestrator.toolchains.ruchy.check.inference.infer import Decision, Var, resolve, shown, unify
from orchestrator.toolchains.ruchy.check.inference.widths import placed
from orchestrator.toolchains.ruchy.check.scope import Env, FunctionItem, Item, Variable
from orchestrator.toolchains.ruchy.check.types import (
    BOOL,
    ERROR,
    NEVER,
    STRING,
    UNIT,
    FloatType,
    IntType,
    StringType,
    Type,
)
from orchestrator.toolchains.ruchy.syntax import tree

if TYPE_CHECKING:
    from orchestrator.toolchains.ruchy.check.passes import Pass

Why = tuple[str, ...]
Want = Type | None
Handler = Callable[["Fn", Any, Want, Why], hir.Expr]

HANDLERS: dict[type, Handler] = {}
"""The handler of each class of expressions. `handles` fills it; `checker.py` refuses to start while one is missing."""

Node = TypeVar("Node", bound=tree.Node)


def handles(kind: type[Node]) -> Callable[[Callable[[Fn, Node, Want, Why], hir.Expr]], Handler]:
    """Registers the function behind it as the handler of one class of expressions."""

    def register(handler: Callable[[Fn, Node, Want, Why], hir.Expr]) -> Handler:
        if kind in HANDLERS:
            raise TypeError(f"two handlers for {kind.__name__}")
        HANDLERS[kind] = handler
        return handler

    return register


DROP = cast("Type", object())
"""Wanted of an expression whose value is dropped."""

TAIL = cast("Type", object())
"""Wanted of a last value of which nothing is known yet; it is not dropped."""

PLAIN: Why = ("E0201", "this is {got}, and {want} is needed")


EVERY = 1 << 60
"""For `Fn.sees_top`: all of them."""


class LoopTarget:
    """A loop that `break` and `continue` can mean. `kind`: "loop", "while" or "for". `type` is what its breaks give,
    None while there was none; `breaks` are those that give a value, `literals` the literals among
    these values (see `widths.widen_beside`)."""

    __slots__ = ("breaks", "id", "kind", "label", "literals", "read", "type", "want", "why")

    def __init__(self, label: str, number: int, kind: str, want: Want, why: Why) -> None:
        self.label = label
        self.id = number
        self.kind = kind
        self.want = want
        self.why = why
        self.type: Type | None = None
        self.read = False
        self.breaks: list[hir.Break] = []
        self.literals: list[hir.Expr] = []


class Fn:
    """The checking of one function body. Handlers call it `c`, and its pass `c.p`.

    `names` are the locals and nested items in sight, `undo` what leaving a block puts
    back; `locals` the types of all slots; `lends`: some parameter is `&mut T`; `result` the type to return, with `why`
    it must be. `contract`: the kind of contract whose condition is in work.
    `finally_`: it is in one. `nests`: items may stand in its blocks. `sees_top` is how many `let`s of the top level are
    in sight.
    """

    __slots__ = (
        "contract",
        "counter",
        "env",
        "finally_",
        "foreign",
        "item",
        "lends",
        "locals",
        "loops",
        "names",
        "nests",
        "p",
        "path",
        "result",
        "returned",
        "sees_top",
        "top",
        "undo",
        "variables",
    )

    def __init__(self, p: Pass, env: Env, path: str, item: FunctionItem | None = None) -> None:
        self.p = p
        self.env = env
        self.path = path
        self.item = item
        # Items around it are not copied: a function of many nested ones would take time with their square.
        self.names: MutableMapping[str, Variable | Item] = (
            ChainMap({}, cast("dict[str, Variable | Item]", env.nested)) if env.nested else {}
        )
        self.undo: list[tuple[str, Variable | Item | None]] = []
        self.locals: list[Type] = []
        self.variables: list[Variable] = []
        self.loops: list[LoopTarget] = []
        self.result: Type = UNIT
        self.returned = False
        self.counter = 0
        self.contract = ""
        self.top = item is None
        self.sees_top = 0 if item is None else EVERY
        self.foreign = False
        self.lends = False
        self.finally_ = False
        self.nests = True

    def slot(self, kind: Type) -> int:
        """A new slot."""
        self.locals.append(kind)
        return len(self.locals) - 1

    def declare(self, name: str, kind: Type, at: int, mutable: bool = False, declared: bool = False) -> Variable:
        """A new variable, in sight until its block ends."""
        slot = -1 if kind is UNIT else self.slot(kind)
        variable = Variable(name, kind, slot, at, mutable, declared)
        self.undo.append((name, shadowed(self.names, name)))
        self.names[name] = variable
        if declared:
            self.variables.append(variable)
        return variable

    def leave(self, mark: int) -> None:
        """Puts back the names as they were when `undo` had `mark` entries."""
        undo, names = self.undo, self.names
        while len(undo) > mark:
            name, before = undo.pop()
            if before is None:
                del names[name]
            else:
                names[name] = before


def expr(c: Fn, node: tree.Expr, want: Want = None, why: Why = PLAIN) -> hir.Expr:
    """The typed form of an expression."""
    typed = HANDLERS[node.__class__](c, node, want, why)
    if typed.type is NEVER:
        c.p.cut = True
    return typed


def check(c: Fn, node: tree.Expr, want: Type, why: Why) -> hir.Expr:
    """The typed form of an expression whose type must be `want`."""
    typed = HANDLERS[node.__class__](c, node, want, why)
    return typed if typed.type is want else fit(c, typed, want, why, node)


def fit(c: Fn, typed: hir.Expr, want: Type, why: Why, node: tree.Node) -> hir.Expr:
    """`typed`, whose type must be `want`; says so where it is not, once. Numbers are converted."""
    if typed.type is NEVER:
        c.p.cut = True
        return typed
    converted = placed(c.p, typed, want)
    if converted is not None:
        return converted
    if isinstance(typed, hir.Local) and is_of_integers(typed.type, want):
        return converted_array(c, typed, want) or typed
    if unify(want, typed.type):
        return typed
    array = converted_array(c, typed, want)
    if array is not None:
        return array
    want, given = resolve(want), resolve(typed.type)
    if want is NEVER:
        return typed
    if want is UNIT and why[0] == "E0401":
        c.p.error(why[0], node.at, why[1].format(*why[2:], want=shown(want), got=shown(given)))
        return bad(node.at)
    code, message = why[0], why[1].format(*why[2:], want=shown(want), got=shown(given))
    c.p.error(code, node.at, message, hint_for(want, given, node))
    return bad(node.at)


def hint_for(want: Type, given: Type, node: tree.Node) -> str:
    """What would make a value of one type one of another, where there is something usual."""
    from_number = given.__class__ in _NUMBERS
    if isinstance(want, StringType):
        return "convert it with `.to_string()`" if from_number or given is BOOL else ""
    if want.__class__ in _NUMBERS:
        return _hint_for_number(want, given, node)
    if want is BOOL and isinstance(node, tree.Assign) and not node.op:
        return "write `==` to compare"
    return "compare it: `!= 0`" if want is BOOL and from_number else ""


_NUMBERS = (IntType, FloatType, Var)


def _hint_for_number(want: Type, given: Type, node: tree.Node) -> str:
    if given.__class__ in _NUMBERS:
        if isinstance(want, FloatType) and isinstance(node, tree.IntLiteral):
            return f"write `{node.value}.0`"
        return f"convert it with `as {shown(want)}`"
    if given is STRING and not isinstance(node, tree.StringLiteral):
        return f"convert it with `.{'to_float' if isinstance(want, FloatType) else 'parse'}()`"
    return ""


def bad(at: int) -> hir.Expr:
    """What stands for an expression that has been reported."""
    return hir.Unit(ERROR, at)


def open_type(c: Fn, typed: hir.Expr) -> hir.Expr:
    """Notes an expression whose type may be open still."""
    kind = resolve(typed.type)
    typed.type = kind
    if kind.__class__ is Var:
        c.p.open.pending.append(typed)
    return typed


def later(c: Fn, at: int, kind: Type, waits: tuple[Type, ...], decide: Callable[[bool], hir.Expr | None]) -> hir.Expr:
    """A place for an expression that can only be made once more is known of one of the types `waits`. `decide` makes it
    or returns None; with True it must make it, whatever is known. The place is a block without statements."""
    place = hir.Block(kind, at, [], hir.Unit(kind, at))
    c.p.open.pending.append(place)

    def attempt(last: bool) -> bool:
        typed = decide(last)
        if typed is None:
            return False
        if not unify(kind, typed.type):
            c.p.error("E0201", at, PLAIN[1].format(want=shown(kind), got=shown(typed.type)))
        place.value = typed
        return True

    c.p.open.late.append(Decision(attempt, waits))
    return place


CalledNode = TypeVar("CalledNode", tree.Call, tree.MacroCall)


def only_read(node: CalledNode) -> CalledNode:
    """A call of something that writes to none of its arguments: `&mut x` is `x`."""
    if not any(isinstance(argument, tree.Unary) and argument.op == "&mut" for argument in node.arguments):
        return node
    given = [one.operand if isinstance(one, tree.Unary) and one.op == "&mut" else one for one in node.arguments]
    return msgspec.structs.replace(node, arguments=given)
