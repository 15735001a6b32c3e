"""What a job lets us reuse of earlier compiles, and where reused things stand in today's text.

Anything unusual (no summary, two items of one name, spans that make no sense, a fragment that cannot be read) means
that less is reused, or nothing: never a wrong answer.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence

from actors.compiler.toolchain import CompileJob, Item
from orchestrator.toolchains.ruchy.check.stubs import Stubs
from orchestrator.toolchains.ruchy.signatures import Known, known
from orchestrator.toolchains.ruchy.summary.memo import decode as decode_memo
from orchestrator.toolchains.ruchy.summary.memo import lead, line_starts
from orchestrator.toolchains.ruchy.syntax.top import TOP
from orchestrator.toolchains.ruchy.units import CachedUnit, decode
from orchestrator.toolchains.ruchy.view import Span, View, edges_of


def coded(job: CompileJob) -> dict[str, Item]:
    """The items with code of a job that reuses fragments or makes reusable ones, by name, in the order of the object;
    empty for one that does neither."""
    if job.summary is None or not job.fingerprints:
        return {}
    names: set[str] = set()
    items: dict[str, Item] = {}
    behind = 0
    for item in job.summary.items:
        if item.name in names:
            return {}
        names.add(item.name)
        if not item.code:
            continue
        if item.inferred and item.name not in job.signatures:
            return {}
        if item.name != TOP:
            if not behind <= item.start < item.stop <= len(job.source):
                return {}
            behind = item.stop
        items[item.name] = item
    return items


def known_signatures(job: CompileJob) -> dict[str, Known] | None:
    """The inferred signatures that a job brings, None where one cannot be read."""
    signatures = {name: known(signature) for name, signature in job.signatures.items()}
    return None if None in signatures.values() else signatures  # type: ignore[return-value]


def reusable(job: CompileJob, items: Mapping[str, Item]) -> dict[str, tuple[CachedUnit, bytes]]:
    """The units that need not be compiled again, by name, with the bytes that they came as."""
    units: dict[str, tuple[CachedUnit, bytes]] = {}
    for name in items:
        data = job.fragments.get(job.fingerprints.get(name, ""))
        unit = decode(data, name) if data is not None else None
        if unit is not None and data is not None:
            units[name] = (unit, data)
    return units


def cut(items: Mapping[str, Item], reused: Mapping[str, object]) -> list[Span]:
    """Where the functions stand that are not to be looked at. (Statements stay: they are what is around items.)"""
    return [(item.start, item.stop) for name, item in items.items() if name in reused and name != TOP]


def stubs_for(
    items: Mapping[str, Item], signatures: Mapping[str, Known], reused: Mapping[str, tuple[CachedUnit, bytes]]
) -> Stubs:
    """What the checker is told of reused units."""
    units = [unit for unit, _ in reused.values()]
    return Stubs(
        signatures,
        {name: items[name] for name in reused if name != TOP},
        {key for unit in units for key in unit.bindings},
        top=TOP in reused,
        grown=sum([unit.grown for unit in units]),
    )


class Spot:
    """A reused function in today's text: where its tokens stand. Lexed when somebody asks for more than lines."""

    def __init__(self, view: View, item: Item) -> None:
        self._view = view
        self._item = item
        self._edges: list[int] = []

    def offset(self, number: int) -> int:
        """Where a token of the item stands in the source; IndexError for one that it does not have."""
        if not self._edges:
            self._edges = edges_of(self._view.source[self._item.start : self._item.stop])
        return self._item.start + self._edges[2 * number]

    def lines(self, numbers: Sequence[int]) -> list[int]:
        """The lines of some of its tokens."""
        if not numbers:
            return []
        memo = self._item.memo
        if not memo:
            return [self._view.line(self.offset(number)) for number in numbers]
        starts = line_starts(decode_memo(memo).lines)
        first = self._item.line - lead(memo)
        return [first + bisect_right(starts, number) for number in numbers]
