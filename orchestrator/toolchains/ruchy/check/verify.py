"""Whether a typed tree is what `hir` promises: each node's type against those of its parts.

Nothing behind the checker looks at types twice, so a wrong one gives wrong code, or none. This is on in all tests (the
environment says RUCHY_VERIFY, see `checker.py`), and off where programs are built.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Union

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.abilities import ABILITIES, HELPER, abilities, is_comparable
from orchestrator.toolchains.ruchy.check.data.variants import builtin_variants
from orchestrator.toolchains.ruchy.check.parts import OPERANDS, PARTS
from orchestrator.toolchains.ruchy.check.types import (
    BOOL,
    I32,
    I64,
    NEVER,
    STRING,
    UNIT,
    ArrayType,
    BoolType,
    EnumType,
    FloatType,
    FunctionType,
    IntType,
    MapType,
    NeverType,
    ObjectType,
    SetType,
    StringType,
    StructType,
    TupleType,
    Type,
    UnitType,
    fields_of_table,
    named_in,
)
from orchestrator.toolchains.ruchy.tables import complete

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Signatures = dict[str, tuple[list[Type], Type]]
_INSTRUCTIONS = frozenset(("sqrt", "floor", "ceil", "trunc", "fabs"))
_ANY_RIGHT = frozenset(("**", "<<", ">>"))
_ON_BITS = frozenset(("&", "|", "^", "<<", ">>"))
_OPERATORS = frozenset(("+", "-", "*", "/", "%", *_ANY_RIGHT, *_ON_BITS))
_COMPARISONS = frozenset(("==", "!=", "<", "<=", ">", ">="))


class WrongTreeError(Exception):
    """A tree that the checker must not make."""


def verify(module: hir.CheckedModule) -> None:
    """Raises WrongTreeError where a function of the module has a tree that breaks the rules."""
    signatures = {**module.signatures, **{one.symbol: (one.parameters, one.result) for one in module.functions}}
    for kind, layout in module.structs.items():
        if len(layout.names) != len(layout.types) or layout.type != kind:
            raise WrongTreeError(f"the layout of {kind}: {layout}")
        for part in layout.types:
            _known(module, part, f"a field of {kind}")
    for enum, variants in module.enums.items():
        for part in [part for variant in variants.variants for part in variant.types]:
            _known(module, part, f"a payload of {enum}")
    globals_: dict[str, Type] = {}
    for function in module.functions:
        _Function(module, function, signatures, globals_).verify()


def _all_laid_out(module: hir.CheckedModule, kind: Type) -> bool:
    return all(one in (module.structs if isinstance(one, StructType) else module.enums) for one in named_in(kind))


def _known(module: hir.CheckedModule, kind: Type, what: str) -> None:
    """A type that lowering has a form for, and if it is a struct, its layout."""
    row = ABILITIES.get(kind.__class__)
    if row is None or row.storage is None or not _all_laid_out(module, kind):
        raise WrongTreeError(f"{what} has the type {kind}")


class _Loops:
    """The loops around a node, innermost first."""

    __slots__ = ("label", "outer", "type")

    def __init__(self, label: int, kind: Type, outer: _Loops | None) -> None:
        self.label = label
        self.type = kind
        self.outer = outer


class _Function:
    """One function being verified. `bound`: slots that some statement or loop gives a value; `loops`: all labels."""

    def __init__(
        self, module: hir.CheckedModule, body: hir.FunctionBody, signatures: Signatures, globals_: dict[str, Type]
    ) -> None:
        self.globals = globals_
        self.module = module
        self.one = body
        self.signatures = signatures
        self.bound = set(range(len(body.parameters)))
        self.read: set[int] = set()
        self.loops: set[int] = set()
        self.around: _Loops | None = None

    def verify(self) -> None:
        function = self.one
        for kind in (*function.parameters, *function.locals, function.result):
            _known(self.module, kind, f"{function.symbol}: a local, or the result,")
        self.must(
            function.body,
            function.locals[: len(function.parameters)] == function.parameters,
            "the parameters are no first slots",
        )
        waiting: list[tuple[Any, _Loops | None]] = [(function.body, None)]
        while waiting:
            node, self.around = waiting.pop()
            kind = node.__class__
            if kind not in _STATEMENTS:
                _known(self.module, node.type, f"{function.symbol}: {kind.__name__} at {node.at}")
            for part in OPERANDS[kind](node):
                never = part.__class__ not in _STATEMENTS and isinstance(part.type, NeverType)
                self.must(node, not never, "an operand never returns")
            _RULES[kind](self, node)
            inside = self.around
            if kind in _LOOPS:
                self.must(node, node.label not in self.loops, "two loops of one label")
                self.loops.add(node.label)
                inside = _Loops(node.label, node.type, inside)
            for part in PARTS[kind](node):
                loops = inside if kind not in _LOOPS or part is node.body else self.around
                waiting.append((part, loops))
        self.must(function.body, self.read <= self.bound, f"locals {self.read - self.bound} are read, and never bound")
        if function.result != UNIT:
            self.fits(function.body, function.body, function.result)

    def must(self, node: hir.Expr | hir.Stmt, holds: bool, what: str) -> None:
        if not holds:
            at = getattr(node, "at", "?")
            raise WrongTreeError(
                f"{self.one.symbol}: {node.__class__.__name__} at token {at}: {what}: {str(node)[:300]}"
            )

    def fits(self, node: hir.Expr | hir.Stmt, part: hir.Expr, kind: Type) -> None:
        """A part that is of a type, or never gives a value."""
        good = part.type == kind or isinstance(part.type, NeverType)
        self.must(node, good, f"a part of type {part.type}, and not {kind}")

    def is_one(self, node: hir.Expr | hir.Stmt, kind: Type, *kinds: type) -> None:
        self.must(node, isinstance(kind, kinds), f"the type {kind}")

    def target(self, node: hir.Break | hir.Continue) -> _Loops:
        loop = self.around
        while loop is not None and loop.label != node.label:
            loop = loop.outer
        if loop is None:
            raise WrongTreeError(f"{self.one.symbol}: no loop {node.label} is around the {node.__class__.__name__}")
        return loop

    # ------------------------------------------------------------ values

    def int_(self, node: hir.Int) -> None:
        kind = node.type
        self.is_one(node, kind, IntType, BoolType, FloatType)
        if isinstance(kind, FloatType):  # a variable that starts from it turned out to be a float
            return
        low, high = (0, 1) if isinstance(kind, BoolType) else (0, 0x10FFFF)
        if isinstance(kind, IntType):
            low = -(1 << kind.bits - 1) if kind.signed else 0
            high = (1 << kind.bits - kind.signed) - 1
        self.must(node, low <= node.value <= high, "out of its range")

    def float_(self, node: hir.Float) -> None:
        self.is_one(node, node.type, FloatType)

    def str_(self, node: hir.Str) -> None:
        self.is_one(node, node.type, StringType)

    def unit(self, node: hir.Unit | hir.LendGlobal) -> None:
        self.is_one(node, node.type, UnitType)

    def local(self, node: hir.Local) -> None:
        self.must(node, 0 <= node.slot < len(self.one.locals), "no such slot")
        self.must(node, node.type == self.one.locals[node.slot], "not the type of its slot")
        self.must(node, not isinstance(node.type, UnitType | NeverType), "a slot without a value is read")
        self.read.add(node.slot)

    def get_global(self, node: hir.GetGlobal) -> None:
        self.shared(node, node.symbol, node.type)

    def shared(self, node: hir.GetGlobal | hir.SetGlobal, symbol: str, kind: Type) -> None:
        """A variable of the top level has one type wherever it occurs."""
        self.must(node, not isinstance(kind, UnitType), "a variable without a value")
        self.must(node, self.globals.setdefault(symbol, kind) == kind, f"elsewhere it is {self.globals[symbol]}")

    # ------------------------------------------------------------ operations

    def arithmetic(self, node: hir.Arithmetic) -> None:
        self.must(node, node.op in _OPERATORS, "no such operator")
        self.is_one(node, node.type, *((IntType,) if node.op in _ON_BITS else (IntType, FloatType)))
        self.fits(node, node.left, node.type)
        if node.op not in _ANY_RIGHT or not isinstance(node.right.type, IntType):
            self.fits(node, node.right, node.type)

    def negate(self, node: hir.Negate) -> None:
        self.is_one(node, node.type, IntType, FloatType)
        self.fits(node, node.operand, node.type)

    def bit_not(self, node: hir.BitNot) -> None:
        self.is_one(node, node.type, IntType)
        self.fits(node, node.operand, node.type)

    def compare(self, node: hir.Compare) -> None:
        self.must(node, node.op in _COMPARISONS, "no such operator")
        self.fits(node, node, BOOL)
        self.fits(node, node.right, node.left.type)
        comparable = isinstance(node.left.type, NeverType) or is_comparable(node.left.type, node.op)
        self.must(node, comparable, f"{node.left.type} cannot be compared so")

    def truth(self, node: hir.Not | hir.And | hir.Or) -> None:
        self.fits(node, node, BOOL)
        for part in PARTS[node.__class__](node):
            self.fits(node, part, BOOL)

    def cast(self, node: hir.Cast) -> None:
        source, target = node.operand.type, node.type
        self.is_one(node, target, IntType, FloatType)
        good = (IntType, FloatType, BoolType) if isinstance(target, IntType) else (IntType, FloatType)
        self.is_one(node, source, *good)

    def to_text(self, node: hir.ToText) -> None:
        self.is_one(node, node.type, StringType)
        self.must(node, not abilities(node.operand.type).taken_apart, "no text of its own")
        digits = isinstance(node.operand.type, IntType | FloatType) or abilities(node.operand.type).show == HELPER
        self.must(node, node.precision is None or digits, "only numbers have digits")

    def texts(self, node: hir.Concat | hir.Print) -> None:
        self.must(node, node.type == (UNIT if isinstance(node, hir.Print) else STRING), "another type")
        self.must(node, isinstance(node, hir.Print) or len(node.parts) >= 2, "one part is joined to nothing")
        for part in node.parts:
            self.fits(node, part, STRING)

    def call(self, node: hir.Call | hir.CallChanging) -> None:
        self.must(node, node.symbol in self.signatures, "a function without a signature")
        types, result = self.signatures[node.symbol]
        self.must(node, node.type == result, f"a call that gives {result}")
        self.must(node, len(types) == len(node.arguments), "another number of arguments")
        for part, kind in zip(node.arguments, types, strict=True):
            self.fits(node, part, kind)

    def call_changing(self, node: hir.CallChanging) -> None:
        self.call(node)
        for slot in node.changed:
            self.must(node, 0 <= slot < len(self.one.locals), "no such slot")
            self.read.add(slot)
        places = [part.slot for part in node.arguments if isinstance(part, hir.Local)]
        self.must(node, all(slot in places for slot in node.changed), "a slot that is no argument changes")

    def runtime(self, node: hir.Runtime) -> None:
        for part in node.arguments:
            self.must(node, not isinstance(part.type, UnitType), "an argument without a value")
        if node.name in _INSTRUCTIONS:
            self.is_one(node, node.type, FloatType)
            self.must(node, len(node.arguments) == 1, "one operand")
            self.fits(node, node.arguments[0], node.type)

    # ------------------------------------------------------------ structs

    def fields(self, node: hir.Expr | hir.Stmt, kind: Type) -> Sequence[Type]:
        if isinstance(kind, TupleType | ObjectType):
            return kind.parts
        if isinstance(kind, MapType | SetType):
            return fields_of_table(kind)
        self.is_one(node, kind, StructType)
        return self.module.structs[kind].types  # type: ignore[index]

    def new_struct(self, node: hir.NewStruct) -> None:
        types = self.fields(node, node.type)
        self.must(node, sorted(node.order) == list(range(len(types))), "fields left out, or twice")
        for part, kind in zip(node.fields, types, strict=True):
            self.fits(node, part, kind)

    def update_struct(self, node: hir.UpdateStruct) -> None:
        types = self.fields(node, node.type)
        self.fits(node, node.base, node.type)
        for index, part in node.fields:
            self.fits(node, part, types[index])

    def get_field(self, node: hir.GetField) -> None:
        types = self.fields(node, node.value.type)
        self.must(node, 0 <= node.index < len(types) and types[node.index] == node.type, "not the type of the field")

    # ------------------------------------------------------------ functions as values

    def make_closure(self, node: hir.MakeClosure) -> None:
        self.is_one(node, node.type, FunctionType)
        assert isinstance(node.type, FunctionType)
        self.must(node, node.symbol in self.signatures, "a function without a signature")
        types, result = self.signatures[node.symbol]
        captured = TupleType((I32, I32, *[capture.type for capture in node.captures]))
        self.must(node, types == [captured, *node.type.parameters], f"a function that takes {types}")
        self.must(node, result == node.type.result, f"a function that gives {result}")

    def call_value(self, node: hir.CallValue) -> None:
        kind = node.callee.type
        self.is_one(node, kind, FunctionType)
        assert isinstance(kind, FunctionType)
        self.must(node, node.type == kind.result, f"a call that gives {kind.result}")
        self.must(node, len(kind.parameters) == len(node.arguments), "another number of arguments")
        for part, wanted in zip(node.arguments, kind.parameters, strict=True):
            self.fits(node, part, wanted)

    def cell(self, node: hir.GetCell | hir.SetCell) -> None:
        kind = node.cell.type
        self.is_one(node, kind, TupleType)
        self.must(node, isinstance(node.cell, hir.Local) and len(kind.parts) == 1, "no cell")
        held = kind.parts[0]
        value = node if isinstance(node, hir.GetCell) else node.value
        self.must(node, isinstance(node, hir.GetCell) or node.type == UNIT, "a store with a value")
        self.must(node, value.type == held, f"a cell of {held}")

    # ------------------------------------------------------------ enums

    def payload(
        self, node: hir.NewVariant | hir.GetPayload | hir.Store | hir.Change, kind: Type, variant: int
    ) -> Sequence[Type]:
        """The types of the payload of a variant."""
        self.is_one(node, kind, EnumType)
        assert isinstance(kind, EnumType)
        variants = [variant.types for variant in builtin_variants(kind)]
        if kind in self.module.enums:
            variants = [tuple(one.types) for one in self.module.enums[kind].variants]
        self.must(node, 0 <= variant < len(variants), "no such variant")
        return variants[variant]

    def new_variant(self, node: hir.NewVariant) -> None:
        types = self.payload(node, node.type, node.variant)
        self.must(node, sorted(node.order) == list(range(len(types))), "a payload left out, or twice")
        for part, kind in zip(node.fields, types, strict=True):
            self.fits(node, part, kind)

    def get_tag(self, node: hir.GetTag) -> None:
        self.is_one(node, node.value.type, EnumType)
        self.fits(node, node, I32)

    def get_payload(self, node: hir.GetPayload) -> None:
        types = self.payload(node, node.value.type, node.variant)
        self.must(node, 0 <= node.index < len(types) and types[node.index] == node.type, "not the type of the payload")

    # ------------------------------------------------------------ arrays

    def element(self, node: Any, kind: Type) -> Type:
        self.is_one(node, kind, ArrayType)
        return kind.parts[0]

    def new_array(self, node: hir.NewArray) -> None:
        kind = self.element(node, node.type)
        for part in node.elements:
            self.fits(node, part, kind)

    def repeat_array(self, node: hir.RepeatArray) -> None:
        self.fits(node, node.value, self.element(node, node.type))
        self.fits(node, node.count, I64)

    def get_element(self, node: hir.GetElement) -> None:
        self.must(node, self.element(node, node.value.type) == node.type, "not the type of the elements")
        self.fits(node, node.index, I64)

    def helper(self, node: hir.Helper) -> None:
        _known(self.module, node.subject, f"{self.one.symbol}: the subject of {node.name}")

    def place(self, node: hir.Store | hir.Change) -> Type:
        """The type of a place."""
        self.must(node, 0 <= node.slot < len(self.one.locals), "no such slot")
        kind = self.one.locals[node.slot]
        self.read.add(node.slot)
        for step in node.path:
            if isinstance(step, int):
                types = self.fields(node, kind)
                self.must(node, 0 <= step < len(types), "no such field")
                kind = types[step]
            elif isinstance(step, hir.InPayload):
                types = self.payload(node, kind, step.variant)
                self.must(node, 0 <= step.index < len(types), "no such part of a payload")
                kind = types[step.index]
            else:
                self.must(node, isinstance(step, hir.Int | hir.Local) and step.type == I64, "an index to be computed")
                kind = self.element(node, kind)
        return kind

    # ------------------------------------------------------------ control

    def block(self, node: hir.Block) -> None:
        self.fits(node, node.value, node.type)
        for statement in node.statements:
            self.must(node, isinstance(statement, _STATEMENTS), "a statement that is none")
            values = statement.arguments if isinstance(statement, hir.Change) else [statement.value]
            never = any(isinstance(value.type, NeverType) for value in values)
            self.must(node, not never, "statements behind one that never returns")

    def if_(self, node: hir.If) -> None:
        self.fits(node, node.condition, BOOL)
        self.fits(node, node.then, node.type)
        self.fits(node, node.otherwise, node.type)

    def loop(self, node: hir.Loop) -> None:
        pass

    def while_(self, node: hir.While) -> None:
        self.must(node, node.type == UNIT, "a loop with a value")
        self.fits(node, node.condition, BOOL)

    def for_range(self, node: hir.ForRange) -> None:
        self.must(node, node.type == UNIT, "a loop with a value")
        kind = self.one.locals[node.slot]
        self.is_one(node, kind, IntType)
        self.fits(node, node.start, kind)
        self.fits(node, node.end, kind)
        self.bound.add(node.slot)

    def break_(self, node: hir.Break) -> None:
        kind = self.target(node).type
        self.must(node, node.type == NEVER, "a jump with a value")
        if node.value is not None and kind != UNIT:
            self.fits(node, node.value, kind)
        else:
            self.must(node, kind == UNIT, f"it leaves a loop of type {kind} without a value")

    def continue_(self, node: hir.Continue) -> None:
        self.target(node)
        self.must(node, node.type == NEVER, "a jump with a value")

    def return_(self, node: hir.Return) -> None:
        self.must(node, node.type == NEVER, "a jump with a value")
        if node.value is not None:
            self.fits(node, node.value, self.one.result)
        else:
            self.must(node, self.one.result == UNIT, "a value is needed")

    def panic(self, node: hir.Panic) -> None:
        self.must(node, node.type == NEVER, "a panic with a value")
        self.fits(node, node.message, STRING)

    def throw(self, node: hir.ThrowText) -> None:
        self.must(node, node.type == NEVER, "a throw with a value")
        self.fits(node, node.value, STRING)
        self.read.update(node.again or ())

    def hand_on(self, node: hir.HandOn) -> None:
        self.must(node, node.type == UNIT and node.dummy < len(self.one.locals), "no such slot")

    def leaving(self, node: hir.Leaving) -> None:
        self.fits(node, node.body, node.type)

    def try_catch(self, node: hir.Catching) -> None:
        self.fits(node, node.body, node.type)
        self.fits(node, node.handler, node.type)
        self.must(node, 0 <= node.slot < len(self.one.locals), "no such slot")
        self.must(node, self.one.locals[node.slot] == STRING, "what is thrown is a String")
        self.bound.update((node.slot, *(node.where or ())))

    # ------------------------------------------------------------ statements

    def let(self, node: hir.Let) -> None:
        self.must(node, 0 <= node.slot < len(self.one.locals), "no such slot")
        self.must(node, not isinstance(node.value.type, UnitType), "a slot for nothing")
        self.must(node, node.value.type == self.one.locals[node.slot], "not the type of its slot")
        self.bound.add(node.slot)

    def store(self, node: hir.Store) -> None:
        kind = self.place(node)
        self.must(node, node.value.type == kind, f"the place is {kind}, the value {node.value.type}")

    def change(self, node: hir.Change) -> None:
        kind = self.place(node)
        if node.name == "push":
            self.must(node, len(node.arguments) == 1, "one element")
            self.fits(node, node.arguments[0], self.element(node, kind))
        if node.name in ("insert", "remove"):
            self.fits(node, node.arguments[0], I64)
        if node.name == "insert":
            self.fits(node, node.arguments[1], self.element(node, kind))

    def set_global(self, node: hir.SetGlobal) -> None:
        self.shared(node, node.symbol, node.value.type)

    def do(self, node: hir.Do) -> None:
        pass


_STATEMENTS = (hir.Let, hir.Store, hir.Change, hir.SetGlobal, hir.Do)
_LOOPS = (hir.Loop, hir.While, hir.ForRange)
_RULES: dict[type, Callable[[_Function, Any], None]] = {
    hir.Int: _Function.int_,
    hir.Float: _Function.float_,
    hir.Str: _Function.str_,
    hir.Unit: _Function.unit,
    hir.Local: _Function.local,
    hir.GetGlobal: _Function.get_global,
    hir.LendGlobal: _Function.unit,
    hir.Arithmetic: _Function.arithmetic,
    hir.Negate: _Function.negate,
    hir.BitNot: _Function.bit_not,
    hir.Not: _Function.truth,
    hir.Compare: _Function.compare,
    hir.And: _Function.truth,
    hir.Or: _Function.truth,
    hir.Cast: _Function.cast,
    hir.ToText: _Function.to_text,
    hir.Concat: _Function.texts,
    hir.Call: _Function.call,
    hir.CallChanging: _Function.call_changing,
    hir.Runtime: _Function.runtime,
    hir.NewStruct: _Function.new_struct,
    hir.UpdateStruct: _Function.update_struct,
    hir.GetField: _Function.get_field,
    hir.NewVariant: _Function.new_variant,
    hir.GetTag: _Function.get_tag,
    hir.GetPayload: _Function.get_payload,
    hir.NewArray: _Function.new_array,
    hir.RepeatArray: _Function.repeat_array,
    hir.GetElement: _Function.get_element,
    hir.Helper: _Function.helper,
    hir.Block: _Function.block,
    hir.If: _Function.if_,
    hir.Loop: _Function.loop,
    hir.While: _Function.while_,
    hir.ForRange: _Function.for_range,
    hir.Break: _Function.break_,
    hir.Continue: _Function.continue_,
    hir.Return: _Function.return_,
    hir.Print: _Function.texts,
    hir.Panic: _Function.panic,
    hir.MakeClosure: _Function.make_closure,
    hir.CallValue: _Function.call_value,
    hir.GetCell: _Function.cell,
    hir.SetCell: _Function.cell,
    hir.Let: _Function.let,
    hir.Store: _Function.store,
    hir.Change: _Function.change,
    hir.SetGlobal: _Function.set_global,
    hir.Do: _Function.do,
    hir.ThrowText: _Function.throw,
    hir.HandOn: _Function.hand_on,
    hir.Catching: _Function.try_catch,
    hir.Leaving: _Function.leaving,
}
complete(_RULES, Union[hir.Expr, hir.Stmt], "check.verify")
