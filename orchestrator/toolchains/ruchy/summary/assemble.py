"""From parts, in the order of the source, to the summary."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import accumulate

import msgspec

from actors.compiler.toolchain import Item, Name, Summary, Use
from actors.digests import digest
from orchestrator.toolchains.ruchy.summary import memo
from orchestrator.toolchains.ruchy.summary.memo import Import, Rest
from orchestrator.toolchains.ruchy.summary.parts import Part, StatementRun
from orchestrator.toolchains.ruchy.syntax import tree
from orchestrator.toolchains.ruchy.syntax.elements import element_types, told
from orchestrator.toolchains.ruchy.syntax.floats import FLOATS, float_variables
from orchestrator.toolchains.ruchy.syntax.names import owned
from orchestrator.toolchains.ruchy.syntax.parser import parse_item
from orchestrator.toolchains.ruchy.syntax.throwing import THROWS, throws
from orchestrator.toolchains.ruchy.syntax.top import TOP


def assemble(source: str, parts: Sequence[Part], loose: Sequence[Part], runs: Sequence[StatementRun]) -> Summary:
    """The summary of a module. The names of `loose` parts come after those of the others."""
    items = [part.item for part in parts if part.item is not None]
    if throws(source):
        items = [*map(_naming_throws, items), Item(name=THROWS, kind="effect", public=False, digest=digest(b"throws"))]
    own = {item.name: item for item in items}
    naming = [*parts, *loose, *(run.part for run in runs)]
    return Summary(
        items=tuple(_with_top(source, items, runs) if runs else items),
        uses=tuple(_uses(source, parts)),
        names=tuple(_outside(source, naming, own)),
        statements_line=runs[0].part.line if runs else 0,
    )


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
            yield Name(name=name, scope=part.scope, line=line, column=column)


def _uses(source: str, parts: Sequence[Part]) -> Iterator[Use]:
    """The imports of the module, then the glob imports in bodies."""
    bodies: list[tuple[Part, Sequence[Import]]] = []
    for part in parts:
        uses = part.uses
        if part.places is None and part.item is not None and memo.has_uses(part.item.memo):
            uses = memo.decode(part.item.memo).uses
        if part.item is None or part.item.kind == "module":
            yield from (_use(source, part, one) for one in uses)
        elif uses:
            bodies.append((part, uses))
    for part, uses in bodies:
        yield from (_use(source, part, one) for one in uses)


def _use(source: str, part: Part, one: Import) -> Use:
    line, column = _place(source, part, one.at)
    return Use(
        path=one.path,
        alias=one.alias,
        glob=one.glob,
        scope=one.scope,
        public=one.public,
        line=line,
        column=column,
        length=one.length,
    )


# ------------------------------------------------------------------------------------------------ statements


def _with_top(source: str, items: Sequence[Item], runs: Sequence[StatementRun]) -> Iterator[Item]:
    """The items, then the item `TOP` of the statements. Functions that may name a variable of the statements depend on
    `TOP`. `TOP` depends on which variables they name, because a variable that a function names lives in memory, and on
    what they assign to those whose type follows from that."""
    variables = frozenset().union(*(run.variables for run in runs))
    read: set[str] = set()
    readers: list[str] = []
    for item in items:
        mine = variables.intersection(item.names) if item.code else None
        if mine:
            read |= mine
            readers.append(source[item.start : item.stop])
            seen = item.interface_names
            interface_names = seen if mine.isdisjoint(seen) else (*seen, TOP)
            item = msgspec.structs.replace(item, names=(*item.names, TOP), interface_names=interface_names)
        yield item
    assigned = _assigned(items, readers, runs, read) if read else ""
    yield _top(runs, sorted(read), assigned)


def _assigned(
    items: Sequence[Item], readers: Iterable[str], runs: Sequence[StatementRun], read: Collection[str]
) -> str:
    """What the item of the statements says of variables whose type follows from what is assigned to them: of arrays,
    and of floats."""
    assigns = re.compile(rf"\b(?:{'|'.join(sorted(read))})\b\s*(?:/[/*]|#|\[|\.\s*push|(?:[-+/%]|\*\*?)?=(?![=>]))")
    functions = [one for text in readers if assigns.search(text) for one in _parsed(text)]
    statements = _parsed(";\n".join(run.text for run in runs))
    own = {item.name: item for item in items}

    def find(name: str) -> object:
        item = own.get(name)
        return next(iter(_parsed(item.interface.decode())), None) if item is not None else None

    written, known = [one for one in functions if isinstance(one, tree.Function)], cache(find)
    elements = {name: kind for name, kind in element_types(statements, written, known).items() if name in read}
    names = [name for name in float_variables(statements, written, known) if name in read]
    return told(elements) + (FLOATS + " ".join(names) if names else "")


def _parsed(text: str) -> Sequence[tree.Stmt]:
    parsed = parse_item(text).module
    return parsed.body if parsed is not None else ()


def _top(runs: Sequence[StatementRun], read: Sequence[str], assigned: str) -> Item:
    first = runs[0].part
    names = tuple(dict.fromkeys(name for run in runs for name in run.part.names))
    return Item(
        name=TOP,
        kind="statements",
        public=False,
        digest=digest("\n".join([*(run.digest for run in runs), *read, assigned]).encode()),
        interface=("\n".join([run.text for run in runs]) + assigned).encode(),
        interface_names=names,
        names=names,
        line=first.line,
        code=True,
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
