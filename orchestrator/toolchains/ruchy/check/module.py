"""What is collected of a module before any body is checked, and what one check shares among all of its passes.

`CollectedModule` does not change once everything is collected. `Report` and `InProgress` change all the time, but
nothing in them is tentative: what is tentative belongs to a pass (`passes.py`).
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from orchestrator.toolchains.ruchy.check.scope import ConstItem, EnumItem, FunctionItem, Item, StructItem, TraitItem
from orchestrator.toolchains.ruchy.check.types import Named, StructType, Type
from orchestrator.toolchains.ruchy.syntax.places import Places
from orchestrator.toolchains.ruchy.syntax.throwing import throws

if TYPE_CHECKING:
    from actors.compiler.toolchain import Binding, CompileJob
    from actors.diagnostics import Finding
    from orchestrator.toolchains.ruchy.check.stubs import Stubs
    from orchestrator.toolchains.ruchy.syntax import tree
    from orchestrator.toolchains.ruchy.syntax.top import TopName


class TopLet:
    """A variable of a `let` of the top level, the `index`th of those. `named`: functions name it; so it `lives` in
    memory, under `symbol`, if it is the only one of its name. `earlier` is the one before it of the same name. `state`:
    0 type unknown, 1 in work, 2 known. A known type may have open parts, which any use may decide; `began` is a copy of
    what it was before."""

    __slots__ = (
        "began",
        "earlier",
        "index",
        "lives",
        "mutable",
        "name",
        "named",
        "node",
        "state",
        "steps",
        "symbol",
        "type",
    )

    def __init__(self, index: int, variable: TopName, node: tree.Let, symbol: str, earlier: TopLet | None) -> None:
        self.index = index
        self.name, self.mutable, self.steps = variable
        self.node = node
        self.symbol = symbol
        self.earlier = earlier
        self.named = False
        self.lives = False
        self.state = 0
        self.type: Type | None = None
        self.began: Type | None = None


class FoundOut:
    """What a check finds out that it would have had to know before, so that it begins anew.

    `instanced` are the symbols of untyped functions whose calls do not agree. `arguments` are the types of the
    arguments of a call of such a function, by where it stands, if they are not what they seemed to be at that moment;
    `rounds` counts how often only such were found. `doubtful` are functions that may have to be among the first.
    `variables` are the types of top-level variables, as far as an earlier look at the whole module found them.
    """

    def __init__(
        self,
        instanced: set[str] | None = None,
        arguments: dict[tuple[str, int], tuple[Type, ...]] | None = None,
        rounds: int = 0,
    ) -> None:
        self.instanced = instanced or set()
        self.arguments = arguments or {}
        self.rounds = rounds
        self.doubtful: set[str] = set()
        self.variables: dict[str, Type] = {}

    def with_variables(self, types: dict[str, Type]) -> FoundOut:
        """The same, and more types of variables."""
        copy = FoundOut(self.instanced, self.arguments, self.rounds)
        copy.variables = {**self.variables, **types}
        return copy


class CollectedModule:
    """The module that is checked: its items, the names that its imports bind, and its top-level variables.

    `starts` has the first token of each unit. Where there are syntax errors, `headers` are the functions (by `at`)
    whose bodies are broken, and `left_out` the names of what cannot be checked at all (see `syntax/broken.py`).
    `foreign` and `layouts` are filled as items of other modules are looked up. They only remember what an interface
    says, so no pass ever has to take an entry back. The same is true of `endless`, which says of a struct what its
    text says, of `changing`, the names of methods that take `&mut self`, and of `extensions`, the methods of types of
    elsewhere that traits of this module bring. `known` is what earlier rounds of this check found out.
    """

    def __init__(self, job: CompileJob, stubs: Stubs, known: FoundOut | None = None) -> None:
        self.job = job
        self.stubs = stubs
        self.known = known or FoundOut()
        self.name = job.module
        self.throws = throws(job.source.decode())
        self.items: dict[str, Item] = {}
        self.bindings: dict[tuple[str, str], Binding] = {(b.scope, b.name): b for b in job.resolution}
        self.top_lets: dict[str, TopLet] = {}  # the last one of each name
        self.top_order: list[TopLet] = []
        self.starts: dict[str, int] = {}
        self.headers: set[int] = set()
        self.left_out: set[str] = set()
        self.foreign: dict[str, Item] = {}
        self.layouts: dict[Named, StructItem | EnumItem] = {}
        self.changing: set[str] = set()
        self.extensions: set[str] = set()
        self.endless: set[StructType] = set()
        self._block_names: set[str] | None = None

    def has_blocks(self, name: str) -> bool:
        """Whether some trait that may be seen here has a method of that name, and is implemented for a type of
        elsewhere."""
        if self._block_names is None:
            traits = [one for one in (*self.items.values(), *self.foreign.values()) if isinstance(one, TraitItem)]
            self._block_names = {member for trait in traits if trait.blocks for member in trait.members}
        return name in self._block_names

    @cached_property
    def places(self) -> Places:
        """Where the tokens stand, for messages that name a second place."""
        return Places(self.job.source.decode())


class Seen:
    """What the check of a unit (an item with code, and what is nested in it) looked at outside of it: bindings by
    (scope, name)."""

    __slots__ = ("bindings",)

    def __init__(self) -> None:
        self.bindings: set[tuple[str, str]] = set()


def unit_of(symbol: str) -> str:
    """The unit that a function belongs to: the name of the item that it is, or is nested in."""
    return symbol.partition("::")[2].partition(".")[0]


class Report:
    """What a check reports in the end.

    `elsewhere` is the first error that is reported elsewhere: by the resolution of names, or by another module. `here`
    is the function that is being checked, for an error that has no place of its own in this module. `unknown` has the
    plain names that mean nothing, by their tokens. `seen` says, by unit, what was looked at; what belongs to no unit is
    under "". Looking at a name is a fact, whether or not the pass that did so is dropped. `found_out` is what the next
    round of this check has to know.
    """

    def __init__(self) -> None:
        self.errors: list[Finding] = []
        self.warnings: list[Finding] = []
        self.elsewhere: Finding | None = None
        self.here = 0
        self.unknown: dict[int, str] = {}
        self.seen: dict[str, Seen] = {"": Seen()}
        self.found_out = FoundOut()

    @property
    def too_many_errors(self) -> bool:
        """Whether there are too many errors for hints that suggest another name: finding one looks at all names."""
        return len(self.errors) >= 20


class InProgress:
    """What is in work at this moment, in any pass. A check that needs it has to wait, or has found a circle.

    `depth` counts the blocks and calls around the current expression, `level` the bodies. `waiting` are the functions
    that had to be checked first, each for the one before it. `decided` is what is known of `pub` functions without
    `->`, `deciding` those of them in work, innermost last; `results` counts the results that are known, and `guesses`
    says how many were when a function was found in the middle of a circle (see
    `inference/decide.py`). `reading` are the constants in work, innermost last.
    """

    def __init__(self) -> None:
        self.depth = 0
        self.level = 0
        self.waiting: list[FunctionItem] = []
        self.decided: dict[str, FunctionItem] = {}
        self.deciding: list[FunctionItem] = []
        self.results = 0
        self.guesses: dict[str, int] = {}
        self.reading: list[ConstItem] = []
