"""The module that is being checked: its items, what it found out, and what it still has to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actors.diagnostics import Finding
from orchestrator.toolchains.ruchy.check.infer import settle
from orchestrator.toolchains.ruchy.check.scope import (
    RANGES,
    ConstItem,
    Env,
    ErrorItem,
    FunctionItem,
    Item,
    ModuleItem,
    StructItem,
    range_item,
)
from orchestrator.toolchains.ruchy.check.stubs import Stubs, stub
from orchestrator.toolchains.ruchy.check.types import I64, INTEGERS, FloatType, IntType, StructType, Type
from orchestrator.toolchains.ruchy.syntax.names import ROOT, named_path

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors.compiler.toolchain import Binding, CompileJob
    from orchestrator.toolchains.ruchy.check import hir
    from orchestrator.toolchains.ruchy.syntax import tree


class TopLet:
    """A `let` of the top level, the `index`th of them. `named`: functions name its variable; so it `lives` in memory,
    under `symbol`, if it is the only one of its name. `earlier` is the one before it of the same name. `state`: 0 type
    unknown, 1 in work, 2 known."""

    __slots__ = ("earlier", "index", "lives", "name", "named", "node", "state", "symbol", "type")

    def __init__(self, index: int, name: str, node: tree.Let, symbol: str, earlier: TopLet | None) -> None:
        self.index = index
        self.name = name
        self.node = node
        self.symbol = symbol
        self.earlier = earlier
        self.named = False
        self.lives = False
        self.state = 0
        self.type: Type | None = None


class Seen:
    """What the check of a unit (an item with code, and what is nested in it) looked at outside of it: bindings by
    (scope, name)."""

    __slots__ = ("bindings",)

    def __init__(self) -> None:
        self.bindings: set[tuple[str, str]] = set()


def unit_of(symbol: str) -> str:
    """The unit that a function belongs to: the name of the item that it is, or is nested in."""
    return symbol.partition("::")[2].partition(".")[0]


ROOM = 50_000
"""What may be put in where it is used, beside as many expressions as the source has bytes (see `Module.grows`)."""


class NeedsFirst(Exception):
    """A function must be checked before this one can go on; raised instead of nesting deeper."""

    def __init__(self, item: FunctionItem) -> None:
        super().__init__(item.name)
        self.item = item


class Module:
    """State of one check.

    `silent` counts the reasons to stay silent (an inlined constant whose errors were reported where it stands).
    `failed` is set by every error, silent ones too: then there is no checked module. `elsewhere` is the first error
    that is reported elsewhere: by the resolution of names, or by another module. `cut`: some operand
    never returns, so that there is something to leave out (see `never.py`). `pending` are expressions whose
    type was open when they were made; `literals` the integers among them, whose range is checked once it is known;
    `late` are decisions that wait for a type: each returns whether it could be taken. `seen` says, by unit, what was
    looked at; what belongs to no unit is under "". `starts` has the first token of each unit, `nested` the functions in
    bodies by their node, `decided` what is known of `pub` functions without `->` (see `sandbox.py`). Where there are
    syntax errors, `headers` are the functions (by `at`) whose bodies are broken, `lost` the names of what is left out
    (see `syntax/broken.py`).
    """

    def __init__(self, job: CompileJob, stubs: Stubs) -> None:
        self.job = job
        self.stubs = stubs
        self.name = job.module
        self.items: dict[str, Item] = {}
        self.functions: list[FunctionItem] = []
        self.bodies: dict[str, hir.FunctionBody] = {}
        self.bindings: dict[tuple[str, str], Binding] = {(b.scope, b.name): b for b in job.resolution}
        self.seen: dict[str, Seen] = {"": Seen()}
        self.now_seen = self.seen[""]
        self.foreign: dict[str, Item] = {}
        self.layouts: dict[StructType, StructItem] = {}
        self.signatures: dict[str, tuple[list[Type], Type]] = {}
        self.with_methods: set[StructType] = set()
        self.errors: list[Finding] = []
        self.warnings: list[Finding] = []
        self.pending: list[hir.Expr] = []
        self.literals: list[tuple[hir.Int, int]] = []
        self.late: list[Callable[[bool], bool]] = []
        self.flows: list[tuple[int, Any, Any]] = []  # what of open numbers flows into which, and where
        self.silent = 0
        self.failed = False
        self.unknown: dict[int, str] = {}  # plain names that mean nothing, by their tokens
        self.elsewhere: Finding | None = None
        self.here = 0  # the function that is being checked, for what has no place of its own here
        self.cut = False
        self.depth = 0
        self.room = ROOM + len(job.source) - stubs.grown
        self.grown: list[tuple[Seen, int]] = []  # what took up how much of it
        self.finished: list[FunctionItem] = []  # whose bodies were checked, in that order
        self.waiting: list[FunctionItem] = []  # functions that had to be checked first, each for the one before it
        self.calls_main = False
        self.integers = INTEGERS
        self.top_lets: dict[str, TopLet] = {}  # the last one of each name
        self.top_order: list[TopLet] = []
        self.top: Any = None
        self.reading: list[ConstItem] = []  # constants in work, innermost last
        self.level = 0  # how many bodies are being checked, each for the one around it
        self.inlining: dict[int, int] = {}  # constants and defaults that are being put in, by node: where
        self.starts: dict[str, int] = {}
        self.sandbox: Any = None
        self.decided: dict[str, FunctionItem] = {}
        self.deciding: list[FunctionItem] = []  # those of them that are in work, innermost last
        self.results = 0  # how many of their results are known
        self.nested: dict[int, FunctionItem] = {}
        self.nested_structs: dict[StructType, Any] = {}
        self.endless: set[StructType] = set()
        self.headers: set[int] = set()
        self.lost: set[str] = set()

    @property
    def too_many_errors(self) -> bool:
        """Whether so much is wrong already that nobody is told what else a name may have been: that takes a look at all
        names there are."""
        return len(self.errors) >= 20

    def error(self, code: str, at: int, message: str, hint: str = "") -> None:
        self.failed = True
        if not self.silent:
            self.errors.append(Finding(code, message, hint=hint, at=at))
        else:
            self.reported_elsewhere(message)

    def error_unknown(self, code: str, at: int, name: str, what: str, hint: str = "") -> None:
        """An error about a name that means nothing."""
        self.error(code, at, f"unknown {what} `{name}`", hint)
        if not self.silent and "::" not in name:
            self.unknown[at] = name

    def reported_elsewhere(self, what: str) -> None:
        """Something is wrong that stands, and is told, elsewhere: nothing is said of it here. Should nobody tell it
        after all, `what` it is becomes an error of this module (E0514)."""
        self.failed = True
        if self.elsewhere is None:
            message = f"this uses something of another module that is wrong: {what}"
            self.elsewhere = Finding("E0514", message, hint="mend it in the module that it stands in", at=self.here)

    def warn(self, code: str, at: int, message: str, hint: str = "") -> None:
        if not self.silent:
            self.warnings.append(Finding(code, message, hint=hint, at=at))

    def look_for(self, unit: str) -> Seen:
        """From now on it is this unit that looks at things. Gives what to put back into `now_seen` afterwards."""
        before = self.now_seen
        self.now_seen = self.seen.setdefault(unit, Seen())
        return before

    def grows(self, at: int, by: int) -> bool:
        """Whether there is room for `by` more expressions that stand in no text: constants and defaults where they are
        used, fields of a struct that is shown. They may need one another, and then double with every line."""
        if self.room < 0:
            return False
        self.room -= by
        self.grown.append((self.now_seen, by))
        if self.room < 0 and self.sandbox is None:
            message = "constants, defaults and shown structs, put in where they are used, make too much of this module"
            self.silent, silent = 0, self.silent
            self.error("E0219", at, message, "make a function of what is used so often")
            self.silent = silent
        return self.room >= 0

    def lookup(self, env: Env, path: tuple[str, ...]) -> Item | None:
        """The item that a path means in an environment; None where it is none (a builtin, or unknown)."""
        if env.nested is not None:
            nested = env.nested.get(path[0])
            if nested is not None and (len(path) == 1 or nested.__class__ is ErrorItem):
                return nested
            if isinstance(nested, ModuleItem) and nested.path:  # a local import
                path = (*nested.path, *path[1:])
        if env.names is not None:
            key = env.names.get("::".join(named_path(path, env.module, env.scope)))
            return None if key is None else self.item_of(key)
        if path[0] in ("self", "super", "crate", ROOT) and len(path) > 1:
            path = named_path(path, self.name, env.scope)
        rooted = path[0] == ROOT and len(path) > 1
        found = (self._rooted(path) if rooted else self._own(env.scope, path)) or self._bound(env.scope, path)
        return self._error_item(path[-1]) if found is None and not self.lost.isdisjoint((path[0], path[-1])) else found

    def visible(self, env: Env, path: tuple[str, ...], item: Item | None, at: int) -> bool:
        """Whether an item may be named by this path: from outside of its inline module only if it is `pub`. (What is
        visible across files has been settled before.)"""
        if len(path) == 1 or item is None or env.names is not None:
            return True
        node = getattr(item, "node", None)
        if node is None or node.public or item.env.module != self.name:  # type: ignore[union-attr]
            return True
        home = item.env.scope  # type: ignore[union-attr]
        if not home or env.scope == home or env.scope.startswith(f"{home}::"):
            return True
        self.error("E0108", at, f"`{path[-1]}` is private in `{home}`", "write `pub` before it")
        return False

    def _rooted(self, path: tuple[str, ...]) -> Item | None:
        """An own item by a path from the source root."""
        here = (ROOT, *self.name.split("/"))
        below = path[len(here) :]
        return self._own("", below) if below and path[: len(here)] == here else None

    def _own(self, scope: str, path: tuple[str, ...]) -> Item | None:
        """From the inline module outward."""
        name = path[0] if len(path) == 1 else "::".join(path)
        items = self.items
        while scope:
            found = items.get(f"{scope}::{name}") or stub(self, f"{scope}::{name}")
            if found is not None:
                return found
            scope = scope.rpartition("::")[0]
        found = items.get(name) or stub(self, name)
        return found if found is not None or len(path) == 1 else self._part_of(scope, path)

    def _part_of(self, scope: str, path: tuple[str, ...]) -> Item | None:
        """What belongs to an own item (`Colour::Red`, `Point::new`): nothing that is supported yet."""
        return self._inside(self._own(scope, path[:-1]), "::".join(path))

    def _inside(self, owner: Item | None, name: str) -> ErrorItem | None:
        """What stands in an item, such as a method: nothing that is supported yet. None where there is none."""
        return self._error_item(name) if self.has_inside(owner) else None

    def has_inside(self, owner: Item | None) -> bool:
        """Whether there is something in an item, or nobody knows: that has been reported."""
        has_methods = isinstance(owner, StructItem) and (owner.type in self.with_methods or owner.has_methods)
        return has_methods or isinstance(owner, ErrorItem)

    def _bound(self, scope: str, path: tuple[str, ...]) -> Item | None:
        name = path[0] if len(path) == 1 else "::".join(path)
        binding = self.bindings.get((scope, name))
        if binding is None:
            return None
        if binding.failed:
            return self._error_item(name)
        if not binding.module:  # nothing outside has the name: the table only says where was looked
            return None
        self.now_seen.bindings.add((scope, name))
        if not binding.item:
            return ModuleItem(name)
        found = self.item_of(f"{binding.module}::{binding.item}")
        if binding.rest and len(path) == 1:  # the import has been reported
            return self._error_item(name)
        return self._inside(found, name) if binding.rest else found

    def item_of(self, key: str) -> Item:
        """An item by its "module::item": own, or read from its interface (once)."""
        module, _, name = key.partition("::")
        if module == self.name:
            return self.items.get(name) or stub(self, name) or self._error_item(name)
        found = self.foreign.get(key)
        if found is None:
            # deferred: reading interfaces needs the parser, which most modules of a check never call
            from orchestrator.toolchains.ruchy.check.interfaces import read_interface

            interface = self.job.interfaces.get(key)
            found = self._error_item(name) if interface is None else read_interface(interface) or self._error_item(name)
            self.foreign[key] = found
        return found

    def touch(self, kind: Type) -> None:
        """Notes that the module touches this type, wherever it is from."""
        if kind in RANGES:
            self.layouts.setdefault(kind, range_item(kind))
        elif isinstance(kind, StructType) and kind not in self.layouts:
            item = self.item_of(f"{kind.module}::{kind.item}")
            if isinstance(item, StructItem):
                self.layouts[kind] = item

    def _error_item(self, name: str) -> ErrorItem:
        self.reported_elsewhere(f"`{name}`")
        return ErrorItem(name)

    def settle(self) -> None:
        """Takes every late decision, gives open types their defaults, and checks the ranges of literals."""
        while self.late:
            waiting, self.late = self.late, []
            waiting = [decide for decide in waiting if not decide(False)]
            self.late = waiting + self.late
            if len(waiting) == len(self.late) and self.late and not self._progress():
                break
        for made in self.pending:
            made.type = settle(made.type)
        for literal, value in self.literals:
            check_range(self, literal.at, value, literal.type)
        for at, source, target in self.flows:
            if isinstance(settle(source), FloatType) and isinstance(settle(target), IntType):
                self.error("E0240", at, _FLOAT_INTO_INTEGER, "start the variable with a float: `0.0`")
        self.flows = []

    def _progress(self) -> bool:
        """Nothing decides any more: the oldest decision takes its default, and the others another look."""
        oldest = self.late.pop(0)
        oldest(True)
        return True


_FLOAT_INTO_INTEGER = "this variable is a float, because floats are assigned to it, and an integer is needed here"


def check_range(m: Module, at: int, value: int, kind: Any) -> None:
    """E0205 where an integer type cannot hold a literal."""
    if not isinstance(kind, IntType):
        return
    bits = kind.bits
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if kind.signed else (0, (1 << bits) - 1)
    if not low <= value <= high:
        if kind is I64:
            m.error(
                "E0022", at, f"the integer {value} is too large", f"i64 holds {low} to {high}; a u64 has its suffix"
            )
            return
        m.error("E0205", at, f"{value} does not fit in {kind.name}", f"{kind.name} holds {low} to {high}")
