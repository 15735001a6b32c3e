"""What a pass leaves open until more is known, and what it makes of functions: two parts of a `Pass` that grow only.

Both belong to one pass: a trial has its own, and a savepoint cuts their lists back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestrator.toolchains.ruchy.check import hir
    from orchestrator.toolchains.ruchy.check.inference.infer import Decision
    from orchestrator.toolchains.ruchy.check.scope import FunctionItem, Given, Variable
    from orchestrator.toolchains.ruchy.check.types import Type
    from orchestrator.toolchains.ruchy.syntax import tree


class Closure:
    """A lambda: the function `symbol`, made in the function `outer`. `captured` has the variables around that it uses,
    and those that stand for them in it; `values` are where it is made, and get what is captured at the end."""

    __slots__ = ("at", "captured", "outer", "symbol", "values")

    def __init__(self, symbol: str, outer: str, at: int) -> None:
        self.symbol = symbol
        self.outer = outer
        self.at = at
        self.captured: dict[Variable, Variable] = {}
        self.values: list[hir.MakeClosure] = []


class NamedLambda:
    """A lambda to which a `let` gives a name. `calls` says what its calls give. `called`: there are some; `passed_on`:
    it is used as a value, too."""

    __slots__ = ("called", "calls", "passed_on", "symbol", "type")

    def __init__(self, symbol: str, kind: Type) -> None:
        self.symbol = symbol
        self.type = kind
        self.calls: list[Given] = []
        self.called = False
        self.passed_on = False


class MadeFunctions:
    """What a pass makes of functions.

    `functions` are those of the module and of the bodies seen so far, by symbol in `symbols`; `nested` the latter by
    their node. `finished` are those whose bodies were checked, in that order, and `bodies` their typed trees.
    `closures` are the lambdas in them, by symbol; `lambdas` those with a name, by their variables. `signatures` and
    `changing` say of functions that are made elsewhere what a call must know. `instances` are the copies of generic
    functions, by symbol. `leaving` has, by symbol, the
    loops that stand for the bodies of functions with `ensures`.
    """

    __slots__ = (
        "bodies",
        "calls_main",
        "changing",
        "closures",
        "finished",
        "functions",
        "instances",
        "lambdas",
        "leaving",
        "nested",
        "nested_types",
        "signatures",
        "symbols",
    )

    def __init__(self) -> None:
        self.calls_main = False
        self.functions: list[FunctionItem] = []
        self.symbols: dict[str, FunctionItem] = {}
        self.instances: dict[str, FunctionItem] = {}
        self.finished: list[FunctionItem] = []
        self.bodies: dict[str, hir.FunctionBody] = {}
        self.signatures: dict[str, tuple[list[Type], Type]] = {}
        self.changing: dict[str, list[int]] = {}
        self.closures: dict[str, Closure] = {}
        self.lambdas: dict[Variable, NamedLambda] = {}
        self.nested: dict[int, FunctionItem] = {}
        self.nested_types: dict[tuple[str, str], tree.Struct | tree.Enum] = {}
        self.leaving: dict[str, int] = {}

    def drop_instance(self, symbol: str) -> None:
        """Forgets an instance, and what is nested in it."""
        self.instances.pop(symbol, None)
        for inner in [body for body in self.bodies if body.startswith(symbol)]:
            del self.bodies[inner]

    def instance_in(self, symbol: str) -> FunctionItem | None:
        """The instance that a function is, or is nested in."""
        return self.instances.get(symbol[: symbol.rfind(">") + 1]) if self.instances else None


class Undecided:
    """What waits for a type.

    `pending` are expressions whose type was open when they were made; `literals` the integers among them, whose range
    is checked once it is known; `flows` what of open numbers flows into which, and where; `keys` are the types of keys
    of maps, and where they are made; `late` are decisions that wait for a type. `guesses` are calls, the types of their
    arguments, and what they were taken to be before they were known.

    `missed`, `opened` and `hints` belong to `Pass.twice`: some type was missed; the variables that started with an open
    type; what is known of these from the first time, by node.
    """

    __slots__ = ("flows", "guesses", "hints", "keys", "late", "literals", "missed", "opened", "pending")

    def __init__(self) -> None:
        self.pending: list[hir.Expr] = []
        self.literals: list[tuple[hir.Int, int]] = []
        self.flows: list[tuple[int, Type, Type]] = []
        self.keys: list[tuple[int, Type]] = []
        self.late: list[Decision] = []
        self.guesses: list[tuple[tuple[str, int], tuple[Type, ...], tuple[Type, ...]]] = []
        self.missed = False
        self.opened: list[tuple[tree.Let, Type]] = []
        self.hints: dict[int, Type] = {}

    def decide(self) -> None:
        """Takes all late decisions, the older first. Where nothing can be decided any more, the oldest takes its
        default, and what waits for that is looked at again."""
        order: list[Decision] = []
        queue: list[Decision] = []
        open_: set[int] = set()
        oldest = 0
        while True:
            for choice in self.late:
                choice.number, choice.queue = len(order), queue
                open_.add(choice.number)
                order.append(choice)
            now = sorted({choice.number for choice in (*queue, *self.late)} & open_)
            queue.clear()
            self.late = []
            for number in now:
                if order[number].decide(False):
                    open_.discard(number)
                else:
                    order[number].wait()
            if queue or self.late:
                continue
            while oldest < len(order) and oldest not in open_:
                oldest += 1
            if oldest == len(order):
                return
            open_.discard(oldest)
            order[oldest].decide(True)
