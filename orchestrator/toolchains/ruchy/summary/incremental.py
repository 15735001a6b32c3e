"""The summary of a text whose earlier version has a summary: only what has changed is read.

The text is cut into items and statements without lexing (`syntax/split.py`). An item that was read earlier from an
equal text is reused, wherever it stands now. All other texts are read together as if they were one module, and each
must turn out to be exactly what it was cut as.

This is enough, because the pieces cannot influence each other: an item ends at its `}` or `;` whatever follows, and no
statement that ends so continues in what begins an item. Anything unusual (two definitions of one name, `impl` blocks,
errors) is left to a reading of the whole text.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from actors.compiler.toolchain import Item, Summary
from orchestrator.toolchains.ruchy.summary import memo
from orchestrator.toolchains.ruchy.summary.assemble import assemble
from orchestrator.toolchains.ruchy.summary.parts import Definitions, Part, Reader, StatementRun, mark_recognisable, read
from orchestrator.toolchains.ruchy.syntax import tree
from orchestrator.toolchains.ruchy.syntax.lexer import scan, tokens_of
from orchestrator.toolchains.ruchy.syntax.names import TRAIT
from orchestrator.toolchains.ruchy.syntax.parser import outline
from orchestrator.toolchains.ruchy.syntax.places import Places
from orchestrator.toolchains.ruchy.syntax.split import Cut, cut
from orchestrator.toolchains.ruchy.syntax.throwing import THROWS
from orchestrator.toolchains.ruchy.syntax.top import TOP

_APART = ("\n", "\n;\n")
"""What separates texts that are read together: after an item, and after statements, which a `;` must end."""


class _Unusual(Exception):
    """The whole text must be read."""


class _Text(NamedTuple):
    """A text as cut: its place, the line it begins on, and the earlier items of an equal text."""

    cut: Cut
    line: int
    known: Sequence[Item]


def summarise_incrementally(module: str, source: str, before: Summary) -> Summary | None:
    """The summary of `source`; None if all of it has to be read."""
    earlier = _earlier(before)
    cuts = cut(source) if earlier else None
    if not cuts:
        return None
    texts = _match_earlier(module, source, cuts, earlier)
    if all(not text.known for text in texts):
        return None
    try:
        return _assembled(module, source, texts)
    except _Unusual:
        return None


def _earlier(before: Summary) -> dict[bytes, Sequence[Item]]:
    """The items of a summary by the text they were read from, without what the statements added to them."""
    by_text: dict[bytes, Sequence[Item]] = {}
    items = [_without_traits(_without(_without(item, TOP), THROWS)) for item in before.items]
    for index, item in enumerate(items):
        raw = memo.raw(item.memo)
        if len(raw) == len(memo.NO_RAW) and raw != memo.NO_RAW:
            by_text[raw] = items[index : index + memo.parts(item.memo)]
    return by_text


def _without(item: Item, last: str) -> Item:
    """An item without this name at the end of its names."""
    if last not in item.names[-1:]:
        return item
    seen = item.interface_names
    return msgspec.structs.replace(
        item, names=item.names[:-1], interface_names=seen[:-1] if last in seen[-1:] else seen
    )


def _without_traits(item: Item) -> Item:
    """An item without what its calls of methods may need."""
    if not item.names or not item.names[-1].startswith(TRAIT):
        return item
    names, seen = (
        [one for one in all_names if not one.startswith(TRAIT)] for all_names in (item.names, item.interface_names)
    )
    return msgspec.structs.replace(item, names=tuple(names), interface_names=tuple(seen))


def _match_earlier(module: str, source: str, cuts: Sequence[Cut], earlier: dict[bytes, Sequence[Item]]) -> list[_Text]:
    texts: list[_Text] = []
    line, at = 1, 0
    for piece in cuts:
        line += source.count("\n", at, piece.start)
        at = piece.start
        known: Sequence[Item] = ()
        if not piece.statements:
            known = earlier.get(memo.raw_of(module, source[piece.start : piece.stop]), ())
            if known and not memo.is_whole(known):
                known = ()
        texts.append(_Text(piece, line, known))
    return texts


def _assembled(module: str, source: str, texts: Sequence[_Text]) -> Summary:
    fresh = [text for text in texts if not text.known]
    fresh_results = iter(_NewTexts(module, source, fresh).read() if fresh else ())
    parts: list[Part] = []
    runs: list[StatementRun] = []
    for text in texts:
        if text.known:
            parts += _reused(text)
        else:
            result = next(fresh_results)
            if isinstance(result, StatementRun):
                runs.append(result)
            else:
                parts += result
    names = [part.item.name for part in parts if part.item is not None]
    if len(set(names)) < len(names):
        raise _Unusual
    return assemble(source, parts, (), runs)


def _reused(text: _Text) -> Iterator[Part]:
    """Earlier items, at their new places."""
    head = text.known[0]
    further, lines = text.cut.start - head.start, text.line + memo.lead(head.memo) - head.line
    for item in text.known:
        if further or lines:
            item = msgspec.structs.replace(
                item, start=item.start + further, stop=item.stop + further, line=item.line + lines
            )
        scope = item.name.rpartition("::")[0]
        yield Part(item, scope, item.start, item.line - memo.lead(item.memo), item.names, None)


class _NewTexts:
    """Reads all new texts together. Raises `_Unusual` if one of them is not what it was cut as."""

    def __init__(self, module: str, source: str, texts: Sequence[_Text]) -> None:
        self.module = module
        self.source = source
        self.texts = texts
        pieces = [source[text.cut.start : text.cut.stop] + _APART[text.cut.statements] for text in texts]
        pieces[-1] = source[texts[-1].cut.start : texts[-1].cut.stop]
        joined = "".join(pieces)
        pairs = scan(joined)
        self.tokens = tokens_of(pairs)
        self.places = Places(joined, pairs)
        read = None if self.tokens.unreadable else outline(joined, self.tokens)
        if read is None:
            raise _Unusual
        self.nodes = read.body
        self.collected = Definitions()

    def read(self) -> Iterator[Sequence[Part] | StatementRun]:
        """The parts of each text, in order."""
        reader, places, kinds = Reader(self.module, self.tokens, self.places), self.places, self.tokens.kinds
        starts = places.offsets()
        begin = token = taken = 0
        for text in self.texts:
            stop = begin + text.cut.stop - text.cut.start
            behind = bisect_left(starts, stop)
            end = places.offset(behind - 1) + places.length(behind - 1)
            first = taken
            while taken < len(self.nodes) and _ordinal(self.nodes[taken]) < behind:
                taken += 1
            nodes = self.nodes[first:taken]
            if not nodes or places.offset(token) != begin or end > stop:
                raise _Unusual
            reader.shift, reader.lines = text.cut.start - begin, text.line - places.line(token)
            if text.cut.statements:
                yield self._run(reader, nodes, token, behind, closed=text.cut.stop < len(self.source))
            elif end < stop:
                raise _Unusual
            else:
                yield self._item(reader, nodes, token, behind)
            begin = stop + len(_APART[text.cut.statements])
            token = behind + (text.cut.statements and kinds[behind] == ";")

    def _run(self, reader: Reader, nodes: Sequence[tree.Stmt], start: int, stop: int, closed: bool) -> StatementRun:
        lets = [node for node in nodes if isinstance(node, tree.Let)]
        kinds = self.tokens.kinds
        plain = all(isinstance(node, tree.Let | tree.ExprStmt) for node in nodes)
        if not plain or kinds[start] == ";" or (closed and kinds[stop - 1] not in (";", "}")):
            raise _Unusual
        return reader.statements((start, stop), lets)

    def _item(self, reader: Reader, nodes: Sequence[tree.Stmt], start: int, stop: int) -> list[Part]:
        node = nodes[0]
        if len(nodes) > 1 or isinstance(node, tree.Let | tree.ExprStmt) or (node.start, node.stop) != (start, stop):
            raise _Unusual
        parts = [read(reader, entry) for entry in self.collected.collect(nodes, "")]
        if not self.collected.plain:
            raise _Unusual
        mark_recognisable(self.module, self.source, parts)
        return parts


def _ordinal(node: tree.Stmt) -> int:
    """The first token of an item; some token of a statement."""
    return node.at if isinstance(node, tree.Let | tree.ExprStmt) else node.start
