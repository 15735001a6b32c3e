"""A pass over a module: it owns everything tentative, so that it can be tried and dropped.

There are two ways to try something:

- A *trial* (`Pass.trial`) is a pass of its own over the same module. It is silent, and nothing that it makes gets into
  the pass that began it. Dropping it means to use only the type that it found.
- A *savepoint* (`Pass.attempt`) is for an action of this pass that may turn out to need a function's result first. Then
  the pass is put back to where it was, and the action is tried again later.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from actors.diagnostics import Finding
from orchestrator.toolchains.ruchy.check.abilities import can_be_key
from orchestrator.toolchains.ruchy.check.inference.infer import (
    ANY,
    KNOWN,
    PARTS,
    is_open,
    is_too_large,
    openness,
    renewed,
    settle,
    shown,
    unify,
)
from orchestrator.toolchains.ruchy.check.inference.undecided import MadeFunctions, Undecided
from orchestrator.toolchains.ruchy.check.interfaces import read_interface
from orchestrator.toolchains.ruchy.check.module import CollectedModule, InProgress, Report, Seen
from orchestrator.toolchains.ruchy.check.scope import (
    CHECKED,
    DEFAULT,
    RANGES,
    STUB,
    UNCHECKED,
    AliasItem,
    EnumItem,
    Env,
    ErrorItem,
    FunctionItem,
    Implementation,
    Item,
    MethodContext,
    ModuleItem,
    StructItem,
    TraitItem,
    VariantItem,
    range_item,
)
from orchestrator.toolchains.ruchy.check.types import (
    ERROR,
    I64,
    FloatType,
    IntType,
    Type,
    bare,
    key_of,
    named_in,
)
from orchestrator.toolchains.ruchy.syntax import tree
from orchestrator.toolchains.ruchy.syntax.names import BUILTIN_TYPES, ROOT, named_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from orchestrator.toolchains.ruchy.signatures import Known


class _InTypes:
    """What stands in the type that a type parameter is; `methods/traits.py` enters it, which is made of what is
    here."""

    find: Callable[[Pass, Env, Type, str], Item | None]


IN_TYPES = _InTypes()

BUDGET = 50_000
"""How many expressions may be put in where they are used, beside as many as the source has bytes (see `Pass.spend`)."""


class NeedsFirst(Exception):
    """A function must be checked before this one can go on; raised instead of nesting deeper."""

    def __init__(self, item: FunctionItem) -> None:
        super().__init__(item.name)
        self.item = item


class Pass:
    """One pass over a module. `module`, `report` and `work` are shared by all passes of a check; `made` is what it made
    of functions, `open` what waits for a type.

    `copies` is None in the pass that becomes the checked module. In a trial it has the trial's own copies of functions,
    by symbol. `silent` counts the reasons to report nothing (an inlined constant whose errors were reported where it
    stands; a trial has one from the start). `failed` is set by every error, silent ones too: then nothing comes of this
    pass. `cut`: some operand never returns, so that there is something to leave out (see `never.py`). `composed`: there
    are types with parts, which may be open in nodes that are made already.

    `inlining` are the constants and defaults that are being put in, by node, and where. `spent` says who took how much
    of the `budget`. `now_seen` is what the current unit looked at.
    """

    __slots__ = (
        "budget",
        "composed",
        "copies",
        "cut",
        "failed",
        "found_more",
        "inlining",
        "made",
        "module",
        "now_seen",
        "open",
        "report",
        "silent",
        "spent",
        "work",
    )

    def __init__(self, module: CollectedModule, report: Report, work: InProgress) -> None:
        self.module = module
        self.report = report
        self.work = work
        self.copies: dict[str, FunctionItem] | None = None
        self.silent = 0
        self.failed = False
        self.cut = False
        self.found_more: dict[str, Type] = {}
        self.composed = False
        self.made = MadeFunctions()
        self.open = Undecided()
        self.inlining: dict[int, int] = {}
        self.budget = BUDGET + len(module.job.source) - module.stubs.grown
        self.spent: list[tuple[Seen, int]] = []
        self.now_seen = report.seen[""]

    # ------------------------------------------------------------ trying and dropping

    def trial(self) -> Pass:
        """A silent pass of its own, of which nothing gets into this one."""
        inner = Pass(self.module, self.report, self.work)
        inner.copies = {}
        inner.silent = 1
        inner.budget = BUDGET
        inner.now_seen = Seen()
        return inner

    def copy_of(self, item: FunctionItem) -> FunctionItem:
        """A trial's own copy of a function of which not every type is written."""
        assert self.copies is not None
        copy = self.copies.get(item.symbol)
        if copy is None:
            copy = self.copies[item.symbol] = FunctionItem(item.name, item.symbol, item.node, item.env, own=False)
            copy.trial = self
        return copy

    def attempt(self, action: Callable[[], object]) -> FunctionItem | None:
        """Does something, or undoes it and returns the function that has to be checked first."""
        before = Savepoint(self)
        depth, self.work.depth = self.work.depth, 0
        needed = None
        try:
            action()
        except NeedsFirst as needs:
            needed = needs.item
            before.restore()
        self.work.depth = depth
        return needed

    def twice(self, action: Callable[[], None]) -> None:
        """Does something; and if it missed a type that only what comes later tells, does it again with what the first
        time found out: `let mut xs = []`, `xs[0].n = 1`, `xs.push(p)`."""
        before = Savepoint(self)
        opened, missed = self.open.opened, self.open.missed
        self.open.opened, self.open.missed = [], False
        try:
            action()
            if self.open.missed:
                renewals = {id(node): renewed(kind) for node, kind in self.open.opened}
                self.open.hints.update({node: kind for node, kind in renewals.items() if _says_something(kind)})
                before.restore()
                action()
        finally:
            self.open.opened, self.open.missed = opened, missed

    def started_open(self, node: tree.Let, kind: Type) -> None:
        """Notes a variable that starts with something of which not everything is known. `twice` may know it."""
        if openness(kind) == KNOWN and kind.parts and is_open(kind):
            self.open.opened.append((node, kind))
            hint = self.open.hints.get(id(node))
            if hint is not None:
                unify(kind, renewed(hint))

    # ------------------------------------------------------------ reporting

    def error(self, code: str, at: int, message: str, hint: str = "") -> None:
        self.failed = True
        if not self.silent:
            self.report.errors.append(Finding(code, message, hint=hint, at=at))
        else:
            self.reported_elsewhere(message)

    def error_unknown(self, code: str, at: int, name: str, what: str, hint: str = "") -> None:
        """An error about a name that means nothing."""
        self.error(code, at, f"unknown {what} `{name}`", hint)
        if not self.silent and "::" not in name:
            self.report.unknown[at] = name

    def reported_elsewhere(self, what: str) -> None:
        """Something is wrong that stands, and is reported, elsewhere: nothing is said of it here. If nobody reports it
        after all, `what` it is becomes an error of this module (E0514)."""
        self.failed = True
        report = self.report
        if report.elsewhere is None:
            message = f"this uses something of another module that is wrong: {what}"
            report.elsewhere = Finding("E0514", message, hint="mend it in the module that it stands in", at=report.here)

    def warn(self, code: str, at: int, message: str, hint: str = "") -> None:
        if not self.silent:
            self.report.warnings.append(Finding(code, message, hint=hint, at=at))

    @contextmanager
    def silenced(self, really: bool = True) -> Iterator[None]:
        """Reports nothing meanwhile."""
        before = self.silent
        self.silent += really
        try:
            yield
        finally:
            self.silent = before

    def error_even_if_silent(self, code: str, at: int, message: str, hint: str = "") -> None:
        """An error that is reported even where everything else is silent, because nobody else will."""
        before, self.silent = self.silent, 0
        self.error(code, at, message, hint)
        self.silent = before

    def look_for(self, unit: str) -> Seen:
        """From now on it is this unit that looks at things. Returns what to put back into `now_seen` afterwards."""
        before = self.now_seen
        self.now_seen = self.report.seen.setdefault(unit, Seen())
        return before

    def composed_type(self, at: int, kind: Type) -> Type:
        """A type with parts as one that may be used; ERROR where it is too large."""
        self.composed = True
        if not is_too_large(kind):
            return kind
        self.error("E0803", at, f"a type consists of more than {PARTS:,} types", "make a struct of some of them")
        return ERROR

    def spend(self, at: int, by: int) -> bool:
        """Takes `by` more expressions that stand in no text out of the budget: constants and defaults where they are
        used, fields of a struct that is shown. They may need one another, and then double with every line. Returns
        whether the budget lasts."""
        if self.budget < 0:
            return False
        self.budget -= by
        self.spent.append((self.now_seen, by))
        if self.budget < 0 and self.copies is None:
            message = "constants, defaults and shown structs, put in where they are used, make too much of this module"
            self.error_even_if_silent("E0219", at, message, "make a function of what is used so often")
        return self.budget >= 0

    # ------------------------------------------------------------ what names mean

    def lookup(self, env: Env, path: tuple[str, ...]) -> Item | None:
        """The item that a path means in an environment; None where it is none (a builtin, or unknown)."""
        first, further = path[0], "::".join(path[1:])
        if first == "Self" and env.owner is not None:
            return self.inside(env.owner, further) if further else env.owner
        if further and first in env.types:
            return IN_TYPES.find(self, env, env.types[first], further)
        if env.nested is not None:
            nested = env.nested.get(path[0])
            if nested is not None and (len(path) == 1 or nested.__class__ is ErrorItem):
                return nested
            if len(path) == 2 and isinstance(nested, StructItem | EnumItem | AliasItem):
                return self.inside(nested, path[1])
            if isinstance(nested, ModuleItem) and nested.path:  # a local import
                path = (*nested.path, *path[1:])
        if env.names is not None:
            key = env.names.get("::".join(named_path(path, env.module, env.scope)))
            item = None if key is None else self.item_of(key)
            return self._variant_of(item, path) if path[1:] else item
        if path[1:] and path[0] in ("self", "super", "crate", ROOT):
            path = named_path(path, self.module.name, env.scope)
        rooted = path[0] == ROOT and bool(path[1:])
        item = (self._rooted(path) if rooted else self._own(env.scope, path)) or self._bound(env.scope, path)
        return (
            self._error_item(path[-1])
            if item is None and not self.module.left_out.isdisjoint((path[0], path[-1]))
            else item
        )

    def visible(self, env: Env, path: tuple[str, ...], item: Item | None, at: int) -> bool:
        """Whether an item may be named by this path: from outside of its inline module only if it is `pub`. (What is
        visible across files has been settled before.)"""
        if len(path) == 1 or item is None or env.names is not None:
            return True
        if isinstance(item, FunctionItem) and item.context.block is not None:
            return True
        if isinstance(item, FunctionItem) and item.env.owner is not None and not item.own and not item.node.public:
            self.error("E0108", at, f"`{path[-1]}` is private in `{item.env.owner.name}`", "write `pub` before it")
            return False
        node = getattr(item, "node", None)
        if node is None or node.public or item.env.module != self.module.name:  # type: ignore[union-attr]
            return True
        home = item.env.scope  # type: ignore[union-attr]
        if not home or env.scope == home or env.scope.startswith(f"{home}::"):
            return True
        self.error("E0108", at, f"`{path[-1]}` is private in `{home}`", "write `pub` before it")
        return False

    def _rooted(self, path: tuple[str, ...]) -> Item | None:
        """An own item by a path from the source root."""
        here = (ROOT, *self.module.name.split("/"))
        below = path[len(here) :]
        return self._own("", below) if below and path[: len(here)] == here else None

    def _own(self, scope: str, path: tuple[str, ...]) -> Item | None:
        """From the inline module outward."""
        name = path[0] if len(path) == 1 else "::".join(path)
        items = self.module.items
        while scope:
            item = items.get(f"{scope}::{name}") or self._stub(f"{scope}::{name}")
            if item is not None:
                return item
            scope = scope.rpartition("::")[0]
        item = items.get(name) or self._stub(name)
        return item if item is not None or len(path) == 1 else self._part_of(scope, path)

    def _part_of(self, scope: str, path: tuple[str, ...]) -> Item | None:
        """What belongs to an own item (`Colour::Red`, `Point::new`)."""
        return self.inside(self._own(scope, path[:-1]), "::".join(path))

    def _variant_of(self, item: Item | None, path: tuple[str, ...]) -> Item | None:
        """What a path means that another module wrote, and that led to an item: the item, a variant or a method of
        it."""
        if isinstance(item, StructItem | EnumItem | TraitItem) and path[-2] == item.name:
            method = self.inside(item, path[-1])
            if method is not None:
                return method
        if not isinstance(item, EnumItem) or path[-1] not in item.index:
            return item
        itself = path[-1] == item.name != path[-2]
        return item if itself else item.members[item.index[path[-1]]]

    def behind(self, item: Item | None) -> Item | None:
        """The item itself, or what an alias stands for."""
        seen = 0
        while isinstance(item, AliasItem) and seen < 100:
            target = item.node.target
            item = self.lookup(item.env, target.path) if isinstance(target, tree.NamedType) else None
            seen += 1
        return item

    def inside(self, owner: Item | None, name: str) -> ErrorItem | VariantItem | FunctionItem | None:
        """What stands in an item: a variant, or a method. None where there is none."""
        behind, last = self.behind(owner), name.rpartition("::")[2]
        if isinstance(behind, EnumItem) and last in behind.index:
            return behind.members[behind.index[last]]
        if isinstance(behind, StructItem | EnumItem):
            return self.method_of(behind, last)
        if isinstance(behind, TraitItem):
            return behind.members.get(last)
        return self._error_item(name) if isinstance(owner, ErrorItem) else None

    def method_of(self, owner: StructItem | EnumItem, name: str) -> FunctionItem | None:
        """A method of a type: its own, or one that a trait has for all its types."""
        method = owner.methods.get(name)
        if method is None:
            for block in owner.traits:
                trait = self.lookup(block.env, block.node.trait.path) if block.node.trait is not None else None
                if isinstance(trait, TraitItem) and method is None:
                    method = self.default_of(trait, name, owner, block)
            if method is not None:
                owner.methods[name] = method
        return method

    def default_of(
        self, trait: TraitItem, name: str, kind: StructItem | EnumItem | Type, through: Implementation
    ) -> FunctionItem | None:
        """The default method of a trait, for a type; None where it has none of that name."""
        if name not in trait.members or not trait.has_body(name):
            return None
        member = trait.members[name]
        item = FunctionItem(member.name, member.symbol, member.node, member.env, trait.own)
        item.state, item.context = CHECKED, MethodContext(None, DEFAULT, kind, through)
        return item

    def _bound(self, scope: str, path: tuple[str, ...]) -> Item | None:
        name = path[0] if len(path) == 1 else "::".join(path)
        binding = self.module.bindings.get((scope, name))
        if binding is None:
            return self._in_imported(scope, path) if len(path) == 2 and path[0] in BUILTIN_TYPES else None
        if binding.failed:
            return self._error_item(name)
        if not binding.module:  # nothing outside has the name: the table only says where was looked
            return None
        self.now_seen.bindings.add((scope, name))
        if not binding.item:
            return ModuleItem(name)
        item = self.item_of(f"{binding.module}::{binding.item}")
        if not binding.rest:
            return item
        inside = self.inside(item, binding.rest) if "::" not in binding.rest else None
        if len(path) == 1 and not isinstance(inside, VariantItem | FunctionItem):  # the import has been reported
            return self._error_item(name)
        return inside

    def _in_imported(self, scope: str, path: tuple[str, ...]) -> Item | None:
        """What a type has that is imported under the name of a builtin one: such a path counts as that name alone."""
        module_item = self._bound(scope, path[:1])
        return self.inside(module_item, path[1]) if isinstance(module_item, StructItem | EnumItem) else None

    def item_of(self, key: str) -> Item:
        """An item by its "module::item": own, or read from its interface (once)."""
        module, _, name = key.partition("::")
        if module == self.module.name:
            return self.module.items.get(name) or self._stub(name) or self._error_item(name)
        item = self.module.foreign.get(key)
        if item is None:
            interface = self.module.job.interfaces.get(key)
            item = self._error_item(name) if interface is None else read_interface(interface) or self._error_item(name)
            self.module.foreign[key] = item
            for method in getattr(item, "methods", getattr(item, "members", {})).values():
                if method.node.receiver and getattr(method.node.parameters[0].type, "mutable", False):
                    self.module.changing.add(method.name)
        return item

    def _stub(self, name: str) -> FunctionItem | None:
        """The stub of an own function, entered among the items; None where there is none of that name."""
        module = self.module
        stub = module.stubs.make(module.name, name)
        if stub is None:
            return None
        module.items[name] = stub
        known = module.stubs.signatures.get(name)
        if known is not None:
            self.know(stub, known)
        return stub

    def know(self, item: FunctionItem, known: Known) -> None:
        """Sets the inferred signature of an own function, as if it were written."""
        item.inferred = item.untyped = False
        item.required = 0
        for i, parameter in enumerate(item.node.parameters):
            if parameter.default is None:
                item.required = i + 1
        item.types = list(known.parameters)
        item.result = known.result
        if known.instanced:
            item.instanced, item.types, item.result = True, [cast("Type", ERROR)] * len(item.node.parameters), ERROR
        for kind in (*known.parameters, known.result):
            self.composed = self.composed or bool(kind.parts)
            self.touch(kind)

    def touch(self, kind: Type) -> None:
        """Notes that the module touches this type, wherever it is from."""
        if kind in RANGES:
            self.module.layouts.setdefault(kind, range_item(kind))
        else:
            for named_type in named_in(kind):
                definition = bare(named_type)
                if definition not in self.module.layouts:
                    item = self.item_of(key_of(named_type))
                    if isinstance(item, StructItem | EnumItem):
                        self.module.layouts[definition] = item

    def _error_item(self, name: str) -> ErrorItem:
        self.reported_elsewhere(f"`{name}`")
        return ErrorItem(name)

    # ------------------------------------------------------------ late decisions

    def settle(self) -> None:
        """Takes every late decision, gives open types their defaults, and checks the ranges of literals."""
        self.open.decide()
        for typed in self.open.pending:
            typed.type = settle(typed.type)
        for call, types, taken in self.open.guesses:
            settled = tuple([settle(kind) for kind in types])
            if settled != taken and self.copies is None:
                self.report.found_out.arguments[call] = settled
        for literal, value in self.open.literals:
            check_range(self, literal.at, value, literal.type)
        for at, source, target in self.open.flows:
            if isinstance(settle(source), FloatType) and isinstance(settle(target), IntType):
                self.error("E0240", at, _FLOAT_INTO_INTEGER, "start the variable with a float: `0.0`")
        self.open.flows = []
        for at, key in self.open.keys:
            kind = settle(key)
            if kind is not ERROR and not can_be_key(kind):
                hint = "keys are integers, texts, bools, and tuples, arrays and enums of these"
                self.error("E0290", at, f"{shown(kind)} cannot be a key: its values stand in no order", hint)
        self.open.keys = []


def _says_something(kind: Type) -> bool:
    return any(openness(part) != ANY for part in kind.parts)


class Savepoint:
    """What is tentative in a pass, as it is now.

    The lists only grow, so their lengths say it all. `bodies`, `nested` and the like are not put back: they are by
    symbol or by node, and the next try enters the same keys again. (`Report.elsewhere` stays too: that something is
    wrong elsewhere is a fact.)
    """

    __slots__ = ("_budget", "_failed", "_finished", "_functions", "_lists", "_pass", "_silent", "_sizes")

    def __init__(self, p: Pass) -> None:
        self._pass = p
        self._lists: tuple[list[Any], ...] = (
            p.report.errors,
            p.report.warnings,
            p.spent,
            p.made.finished,
            p.made.functions,
            p.open.pending,
            p.open.literals,
            p.open.late,
            p.open.flows,
            p.open.keys,
            p.open.guesses,
        )
        self._sizes = [len(lane) for lane in self._lists]
        self._finished, self._functions = len(p.made.finished), len(p.made.functions)
        self._budget, self._silent, self._failed = p.budget, p.silent, p.failed

    def restore(self) -> None:
        """Forgets all that came since, so that the same action can be tried anew."""
        p = self._pass
        for item in p.made.finished[self._finished :]:  # what was found of them goes too, so they begin anew
            item.state = UNCHECKED
        for item in p.made.functions[
            self._functions :
        ]:  # nested ones will be found again, with the errors of their types
            item.types = item.types if item.state in (CHECKED, STUB) else None
            if item.instance is not None:  # it may have been made for types that are others the next time
                p.made.drop_instance(item.symbol)
        report = p.report
        report.errors, report.warnings, p.spent, p.made.finished, p.made.functions, *rest = self._lists
        p.open.pending, p.open.literals, p.open.late, p.open.flows, p.open.keys, p.open.guesses = rest
        for items, size in zip(self._lists, self._sizes, strict=True):
            del items[size:]
        p.inlining.clear()
        p.budget, p.silent, p.failed = self._budget, self._silent, self._failed


_FLOAT_INTO_INTEGER = "this variable is a float, because floats are assigned to it, and an integer is needed here"


def check_range(p: Pass, at: int, value: int, kind: Type) -> None:
    """E0205 where an integer type cannot hold a literal."""
    if not isinstance(kind, IntType):
        return
    bits = kind.bits
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if kind.signed else (0, (1 << bits) - 1)
    if not low <= value <= high:
        if kind is I64:
            p.error(
                "E0022", at, f"the integer {value} is too large", f"i64 holds {low} to {high}; a u64 has its suffix"
            )
            return
        p.error("E0205", at, f"{value} does not fit in {kind.name}", f"{kind.name} holds {low} to {high}")
