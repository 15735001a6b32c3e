"""Helpers of the checker's tests: check a text, and hold what comes out against the rules of `hir`."""

from typing import Any, NamedTuple

import msgspec

from actors.compiler.toolchain import Binding, CompileJob, Interface
from actors.diagnostics import Diagnostic
from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.checker import check
from orchestrator.toolchains.ruchy.check.types import (
    BOOL,
    ERROR,
    NEVER,
    STRING,
    UNIT,
    CharType,
    FloatType,
    IntType,
    StructType,
    Type,
)
from orchestrator.toolchains.ruchy.codes import CODES
from orchestrator.toolchains.ruchy.syntax.parser import Parsed, parse
from orchestrator.toolchains.ruchy.syntax.places import Places


class Told(NamedTuple):
    """What a check says, in its places. Of the warnings those that no other function makes moot."""

    module: hir.CheckedModule | None
    diagnostics: list[Diagnostic]
    warnings: list[Diagnostic]


def told(job: CompileJob, parsed: Parsed) -> Told:
    checked = check(job, parsed)
    places = Places(parsed.source)
    reads = {name for one in checked.state.seen.values() for name in one.reads} if checked.state else set()
    heard = [one for one in parsed.findings if one.severity == "warning"]
    warnings = [one for one in checked.warnings if one.unless not in reads]
    return Told(
        checked.module,
        places.tell(checked.errors, module=job.module, file=job.path),
        [
            *places.tell(heard, module=job.module, file=job.path),
            *places.tell(warnings, module=job.module, file=job.path),
        ],
    )


def check_text(
    source: str,
    *,
    module: str = "main",
    resolution: tuple[Binding, ...] = (),
    interfaces: dict[str, Interface] | None = None,
) -> Told:
    """A module by its text; everything that it gives must be well formed."""
    job = CompileJob(
        module=module,
        path=f"{module}.ruchy",
        source=source.encode(),
        resolution=resolution,
        interfaces=interfaces or {},
    )
    checked = told(job, parse(source))
    for found in [*checked.diagnostics, *checked.warnings]:
        assert found.code in CODES, found
    assert all(found.severity == "error" for found in checked.diagnostics)
    assert all(found.severity == "warning" for found in checked.warnings)
    if checked.module is not None:
        assert checked.diagnostics == []
        validate(checked.module)
    return checked


def good(source: str, **more: Any) -> hir.CheckedModule:
    checked = check_text(source, **more)
    assert checked.module is not None, checked.diagnostics
    return checked.module


def found(source: str, **more: Any) -> list[tuple[str, int]]:
    """Code and line of all errors."""
    checked = check_text(source, **more)
    assert (checked.module is None) == bool(checked.diagnostics) or more
    return [(one.code, one.line) for one in checked.diagnostics]


def warned(source: str, **more: Any) -> list[tuple[str, int]]:
    checked = check_text(source, **more)
    assert checked.module is not None, checked.diagnostics
    return [(one.code, one.line) for one in checked.warnings]


def function(module: hir.CheckedModule, name: str) -> hir.FunctionBody:
    return next(one for one in module.functions if one.symbol.partition("::")[2] == name)


def body(source: str, name: str = "f") -> hir.Expr:
    return function(good(source), name).body


# ------------------------------------------------------------ the rules of `hir`


def validate(module: hir.CheckedModule) -> None:
    """Every expression has a type of `types`, and the types of its parts are those that `hir` promises."""
    signatures = dict(module.signatures)
    for one in module.functions:
        signatures[one.symbol] = (one.parameters, one.result)
    for one in module.functions:
        Validator(module, one, signatures).run()
    for layout in module.structs.values():
        assert len(layout.names) == len(layout.types)
        for kind in layout.types:
            is_type(kind)
            assert not isinstance(kind, StructType) or kind in module.structs


def is_type(kind: Any) -> None:
    assert isinstance(kind, msgspec.Struct), kind
    assert kind != ERROR


class Validator:
    def __init__(
        self,
        module: hir.CheckedModule,
        one: hir.FunctionBody,
        signatures: dict[str, tuple[list[Type], Type]],
    ) -> None:
        self.module = module
        self.one = one
        self.signatures = signatures
        self.labels: set[int] = set()

    def run(self) -> None:
        for kind in [*self.one.parameters, *self.one.locals, self.one.result]:
            is_type(kind)
            assert not isinstance(kind, StructType) or kind in self.module.structs
        assert self.one.locals[: len(self.one.parameters)] == self.one.parameters
        self.expr(self.one.body)
        self.fits(self.one.body, self.one.result)

    def fits(self, made: hir.Expr, kind: Type) -> None:
        assert made.type in (kind, NEVER), (self.one.symbol, made, kind)

    def expr(self, made: Any) -> None:
        is_type(made.type)
        assert isinstance(made, hir.Expr), made
        if isinstance(made.type, StructType):
            assert made.type in self.module.structs
        for name in made.__struct_fields__:
            self.parts(getattr(made, name))
        rule = getattr(self, type(made).__name__.lower(), None)
        if rule is not None:
            rule(made)

    def parts(self, part: Any) -> None:
        if isinstance(part, list | tuple):
            for one in part:
                self.parts(one)
        elif isinstance(part, hir.Let):
            self.expr(part.value)
            self.fits(part.value, self.one.locals[part.slot])
            assert part.value.type not in (UNIT, NEVER)
        elif isinstance(part, hir.Store):
            self.expr(part.value)
            kind = self.one.locals[part.slot]
            for index in part.path:
                assert isinstance(kind, StructType)
                kind = self.module.structs[kind].types[index]
            self.fits(part.value, kind)
        elif isinstance(part, hir.Do):
            self.expr(part.value)
        elif isinstance(part, hir.Expr):
            self.expr(part)

    def local(self, made: hir.Local) -> None:
        assert made.type == self.one.locals[made.slot] != UNIT

    def integer(self, made: hir.Int) -> None:
        assert made.type == BOOL or isinstance(made.type, IntType | CharType | FloatType)

    def floating(self, made: hir.Float) -> None:
        assert isinstance(made.type, FloatType)

    def arithmetic(self, made: hir.Arithmetic) -> None:
        assert isinstance(made.type, IntType | FloatType)
        self.fits(made.left, made.type)
        if made.op in ("**", "<<", ">>"):
            assert isinstance(made.right.type, IntType) or made.right.type == made.type
        else:
            self.fits(made.right, made.type)

    def negate(self, made: hir.Negate) -> None:
        self.fits(made.operand, made.type)

    def bitnot(self, made: hir.BitNot) -> None:
        self.fits(made.operand, made.type)

    def compare(self, made: hir.Compare) -> None:
        assert made.type == BOOL
        self.fits(made.right, made.left.type)
        assert made.left.type != UNIT

    def and_(self, made: hir.And | hir.Or) -> None:
        self.fits(made.left, BOOL)
        self.fits(made.right, BOOL)

    def not_(self, made: hir.Not) -> None:
        self.fits(made.operand, BOOL)

    def totext(self, made: hir.ToText) -> None:
        assert made.type == STRING
        assert not isinstance(made.operand.type, StructType)
        assert made.operand.type != UNIT
        if made.precision is not None:
            assert isinstance(made.operand.type, FloatType)

    def concat(self, made: hir.Concat) -> None:
        assert len(made.parts) >= 2
        for part in made.parts:
            assert part.type == STRING

    def print(self, made: hir.Print) -> None:
        assert made.type == UNIT
        for part in made.parts:
            self.fits(part, STRING)

    def call(self, made: hir.Call) -> None:
        types, result = self.signatures[made.symbol]
        assert made.type == result
        assert len(types) == len(made.arguments)
        for argument, kind in zip(made.arguments, types, strict=True):
            self.fits(argument, kind)

    def newstruct(self, made: hir.NewStruct) -> None:
        layout = self.module.structs[made.type]  # type: ignore[index]
        assert sorted(made.order) == list(range(len(layout.types)))
        for value, kind in zip(made.fields, layout.types, strict=True):
            self.fits(value, kind)

    def updatestruct(self, made: hir.UpdateStruct) -> None:
        layout = self.module.structs[made.type]  # type: ignore[index]
        self.fits(made.base, made.type)
        for index, value in made.fields:
            self.fits(value, layout.types[index])

    def getfield(self, made: hir.GetField) -> None:
        layout = self.module.structs[made.value.type]  # type: ignore[index]
        assert made.type == layout.types[made.index]

    def block(self, made: hir.Block) -> None:
        self.fits(made.value, made.type)

    def if_(self, made: hir.If) -> None:
        self.fits(made.condition, BOOL)
        self.fits(made.then, made.type)
        self.fits(made.otherwise, made.type)

    def while_(self, made: hir.While) -> None:
        self.fits(made.condition, BOOL)
        self.label(made.label)

    def forrange(self, made: hir.ForRange) -> None:
        kind = self.one.locals[made.slot]
        assert isinstance(kind, IntType)
        self.fits(made.start, kind)
        self.fits(made.end, kind)
        self.label(made.label)

    def loop(self, made: hir.Loop) -> None:
        self.label(made.label)

    def label(self, label: int) -> None:
        assert label not in self.labels
        self.labels.add(label)

    def break_(self, made: hir.Break) -> None:
        assert made.type == NEVER

    def return_(self, made: hir.Return) -> None:
        assert made.type == NEVER
        if made.value is None:
            assert self.one.result == UNIT
        else:
            self.fits(made.value, self.one.result)

    def panic(self, made: hir.Panic) -> None:
        self.fits(made.message, STRING)


for _short in ("and", "if", "while", "break", "return", "not"):
    setattr(Validator, _short, getattr(Validator, f"{_short}_"))
setattr(Validator, "or", Validator.and_)
Validator.int = Validator.integer
Validator.float = Validator.floating
