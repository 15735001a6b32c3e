"""From parts, in the order of the source, to the summary."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate

import msgspec

from actors.compiler.toolchain import Item, Name, Summary, Use
from actors.digests import digest
from orchestrator.toolchains.ruchy.summary import memo
from orchestrator.toolchains.ruchy.summary.memo import Import, Rest
from orchestrator.toolchains.ruchy.summary.parts import Part, StatementRun
from orchestrator.toolchains.ruchy.syntax.names import TRAIT, owned
from orchestrator.toolchains.ruchy.syntax.std import OPTIONAL
from orchestrator.toolchains.ruchy.syntax.throwing import THROWS, throws
from orchestrator.toolchains.ruchy.syntax.top import TOP


def assemble(source: str, parts: Sequence[Part], loose: Sequence[Part], runs: Sequence[StatementRun]) -> Summary:
    """The summary of a module. The names of `loose` parts come after those of the others."""
    items = [part.item for part in parts if part.item is not None]
    traits = _traits(items, parts)
    if traits:
        items = [_seeing(item, traits) if item.code else item for item in items]
    if throws(source):
        items = [*map(_naming_throws, items), Item(name=THROWS, kind="effect", public=False, digest=digest(b"throws"))]
    own = {item.name: item for item in items}
    naming = [*parts, *loose, *(run.part for run in runs)]
    return Summary(
        items=tuple(_with_top(items, runs) if runs else items),
        uses=tuple(_uses(source, parts)),
        names=tuple(_outside(source, naming, own)),
        statements_line=runs[0].part.line if runs else 0,
    )


def _traits(items: Sequence[Item], parts: Sequence[Part]) -> tuple[str, ...]:
    """What a call of a method may need although it does not name it: the module's own traits, and what it imports, as
    far as that may be a trait."""
    own = [item.name for item in items if item.kind == "trait" and b"impl" in item.interface]
    used = {alias.alias for part in parts for alias in _imports(part) if not alias.glob and alias.alias[:1].isupper()}
    return tuple([TRAIT + name for name in (*own, *sorted(used))])


def _seeing(item: Item, traits: tuple[str, ...]) -> Item:
    """An item with code, whose calls of methods may be such of traits. (An interface that ends in a body is compiled
    elsewhere, too.)"""
    seen = item.interface_names
    if item.interface.endswith(b"}"):
        seen = (*seen, *traits)
    return msgspec.structs.replace(item, names=(*item.names, *traits), interface_names=seen)


def _imports(part: Part) -> Sequence[Import]:
    uses = part.uses
    if part.places is None and part.item is not None and memo.has_uses(part.item.memo):
        uses = memo.decode(part.item.memo).uses
    return uses


def _naming_throws(item: Item) -> Item:
    """An item of a module that throws: its users depend on that, too. So does its own code."""
    return msgspec.structs.replace(item, names=(*item.names, THROWS), interface_names=(*item.interface_names, THROWS))


def _place(source: str, part: Part, further: int) -> tuple[int, int]:
    """Line and column, from 1, of the character `further` characters after the beginning of a part."""
    start, at = part.start, part.start + further
    lines = source.count("\n", start, at) if further >= 0 else -source.count("\n", at, start)
    return part.line + lines, at - source.rfind("\n", 0, at)


def _outside(source: str, parts: Iterable[Part], own: Mapping[str, object]) -> Iterator[Name]:
    """The names that are no items of the module itself, once per scope."""
    known: dict[str, set[str]] = {}
    for part in parts:
        seen = known.setdefault(part.scope, set())
        if seen.issuperset(part.names):
            continue
        places = part.places
        for index, name in enumerate(part.names):
            if name in seen:
                continue
            seen.add(name)
            if owned(name.partition("::")[:1], part.scope, own):
                continue
            if places is None:
                places = memo.decode(part.item.memo).places if part.item else ()
            line, column = _place(source, part, places[index])
            optional = name.partition("::")[0] in OPTIONAL
            yield Name(name=name, scope=part.scope, line=line, column=column, optional=optional)


def _uses(source: str, parts: Sequence[Part]) -> Iterator[Use]:
    """The imports of the module, then the glob imports in bodies."""
    bodies: list[tuple[Part, Sequence[Import]]] = []
    for part in parts:
        uses = _imports(part)
        if part.item is None or part.item.kind == "module":
            yield from (_use(source, part, one) for one in uses)
        elif uses:
            bodies.append((part, uses))
    for part, uses in bodies:
        yield from (_use(source, part, use) for use in uses)


def _use(source: str, part: Part, import_: Import) -> Use:
    line, column = _place(source, part, import_.at)
    return Use(
        path=import_.path,
        alias=import_.alias,
        glob=import_.glob,
        scope=import_.scope,
        public=import_.public,
        line=line,
        column=column,
        length=import_.length,
    )


# ------------------------------------------------------------------------------------------------ statements


def _with_top(items: Sequence[Item], runs: Sequence[StatementRun]) -> Iterator[Item]:
    """The items, then the item `TOP` of the statements. Functions that may name a variable of the statements depend on
    `TOP`. `TOP` depends on which variables they name, because a variable that a function names lives in memory. Where
    such a variable's own text leaves its type open, all that names it decides, so `infer` says the types."""
    variables = frozenset().union(*(run.variables for run in runs))
    read: set[str] = set()
    for item in items:
        mine = variables.intersection(item.names) if item.code else None
        if mine:
            read |= mine
            seen = item.interface_names
            interface_names = seen if mine.isdisjoint(seen) else (*seen, TOP)
            item = msgspec.structs.replace(item, names=(*item.names, TOP), interface_names=interface_names)
        yield item
    yield _top(runs, sorted(read))


def _top(runs: Sequence[StatementRun], read: Sequence[str]) -> Item:
    first = runs[0].part
    names = tuple(dict.fromkeys(name for run in runs for name in run.part.names))
    return Item(
        name=TOP,
        kind="statements",
        public=False,
        digest=digest("\n".join([*(run.digest for run in runs), *read]).encode()),
        interface="\n".join([run.text for run in runs]).encode(),
        interface_names=names,
        names=names,
        line=first.line,
        code=True,
        inferred=any(not run.untold.isdisjoint(read) for run in runs),
        start=first.start,
        stop=runs[-1].stop,
        memo=memo.encode(Rest(0, _lines(runs)), 0),
    )


def _lines(runs: Sequence[StatementRun]) -> bytes:
    """The line table of all runs, as if their tokens followed each other."""
    ordinals: list[int] = []
    line, begins = runs[0].part.line, 0
    for run in runs:
        ordinals += [begins] * (run.part.line - line)
        inner = [at for step, at in zip(run.lines, accumulate(run.lines), strict=True) if step < memo.LONG]
        ordinals += [begins + at for at in inner]
        line = run.part.line + len(inner)
        begins += run.tokens
    return memo.encode_lines(ordinals, 0)
