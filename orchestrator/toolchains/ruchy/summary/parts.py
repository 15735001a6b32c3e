"""From tokens and an outline to parts: items with their names, imports, and statements.

A text at the top level is read by itself, and nothing in its part depends on where it stands except its place. So a
part that was read earlier from an equal text can be reused (`incremental.py`).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from actors.compiler.toolchain import Item
from actors.digests import digest
from orchestrator.toolchains.ruchy.summary import memo
from orchestrator.toolchains.ruchy.summary.memo import Import, Rest
from orchestrator.toolchains.ruchy.syntax import tree
from orchestrator.toolchains.ruchy.syntax.lexer import Tokens
from orchestrator.toolchains.ruchy.syntax.names import (
    BUILTIN_TYPES,
    METHOD,
    Occurrence,
    extended,
    local_imports,
    named_path,
    nested_items,
    occurrences,
    root_path,
)
from orchestrator.toolchains.ruchy.syntax.places import Places
from orchestrator.toolchains.ruchy.syntax.std import names_of
from orchestrator.toolchains.ruchy.syntax.top import is_told, variables_of

_KINDS = {
    tree.Function: "function",
    tree.Struct: "struct",
    tree.Enum: "enum",
    tree.Trait: "trait",
    tree.Const: "const",
    tree.TypeAlias: "type",
}
Definition = tree.Function | tree.Struct | tree.Enum | tree.Trait | tree.Const | tree.TypeAlias
Span = tuple[int, int]


class Part:
    """What a summary is made of: an item, or (`item` None) imports, or names that belong to no item.

    `start` and `line` say where it begins in the source, in characters from 0 and in lines from 1. `names` are the
    names in it, and `places` where each occurs first, counted from `start`. If `places` is None, the places and the
    imports are in the item's memo."""

    __slots__ = ("item", "line", "names", "places", "scope", "start", "uses")

    def __init__(
        self,
        item: Item | None,
        scope: str,
        start: int,
        line: int,
        names: tuple[str, ...] = (),
        places: Sequence[int] | None = (),
        uses: Sequence[Import] = (),
    ) -> None:
        self.item = item
        self.scope = scope
        self.start = start
        self.line = line
        self.names = names
        self.places = places
        self.uses = uses


class _Slice(NamedTuple):
    """Tokens of an item that are searched for names together; `body` is where a function's body begins, or 0."""

    start: int
    stop: int
    body: int = 0


class PartNames:
    """The names in a part, each with its first token, and the glob imports in bodies."""

    __slots__ = ("globs", "names")

    def __init__(self) -> None:
        self.names: dict[str, int] = {}
        self.globs: list[tree.UseName] = []


class UnreadItem:
    """An item before it is read: its definition and the `impl` blocks that belong to it. A method has `of`, what it
    stands in, and a name once it is known whose it is."""

    __slots__ = ("definition", "generics", "impls", "name", "of", "scope")

    def __init__(self, name: str, definition: Definition, scope: str) -> None:
        self.name = name
        self.definition = definition
        self.scope = scope
        self.generics: frozenset[str] = frozenset()
        if not isinstance(definition, tree.Const | tree.TypeAlias):
            self.generics = frozenset(definition.generics)
        self.impls: list[tree.Impl] = []
        self.of: tree.Impl | tree.Struct | None = None

    def blocks(self) -> list[Definition | tree.Impl]:
        """The texts that make up the item."""
        return [self.definition, *self.impls]

    def methods(self) -> list[tuple[str, tree.Function]]:
        """Those of a struct or enum, or those that stand beside a trait, and what their type is called in their
        names."""
        beside = isinstance(self.definition, tree.Trait)
        return [
            (extended(block) if beside and isinstance(block, tree.Impl) else self.name.rpartition("::")[2], method)
            for block in self.blocks()
            for method in getattr(block, "methods", ())
        ]


class Reader:
    """Reads parts from texts that stand `shift` characters and `lines` lines further down in the source than in
    `places`. The caller sets both before each text."""

    def __init__(self, module: str, tokens: Tokens, places: Places) -> None:
        self.module = module
        self.tokens = tokens
        self.places = places
        self.shift = 0
        self.lines = 0
        self.newlines = places.newlines()

    def span(self, start: int, stop: int) -> Span:
        """The characters of the source that the tokens `start` to `stop` cover."""
        last = stop - 1
        return self.shift + self.places.offset(start), self.shift + self.places.offset(last) + self.places.length(last)

    def line(self, at: int) -> int:
        return self.lines + self.places.line(at)

    # ------------------------------------------------------------ parts

    def item(self, draft: UnreadItem) -> Part:
        node = draft.definition
        digests = [self.tokens.digest(part.start, part.stop) for part in (node, *draft.impls)]
        seen = self._seen(draft)
        slices = _slices(draft)
        part_names = self._names(draft, slices)
        if draft.of is not None:
            part_names.names.setdefault(draft.name.rpartition("::")[2].partition(METHOD)[0], node.at)
        names = interface_names = tuple(part_names.names)
        if seen != [(part.start, part.stop) for part in slices]:
            interface_names = tuple(self._names(draft, [_Slice(*span) for span in seen]).names)
            if draft.of is not None and names[-1] not in interface_names:
                interface_names += names[-1:]
        interface_names += tuple([f"{of}{METHOD}{one.name}" for of, one in draft.methods() if _is_inferred(one)])
        start, stop = self.span(node.start, node.stop)
        places = self._places(part_names, start)
        uses = [self._import(name, draft.scope, False, start) for name in part_names.globs]
        line = self.line(node.at)
        first = self.line(node.start)
        rest = Rest(node.at - node.start, self._line_table(node.start, node.stop), tuple(places), tuple(uses))
        item = Item(
            name=draft.name,
            kind=_KINDS[type(node)] if draft.of is None else "method",
            public=node.public,
            digest=digests[0] if len(digests) == 1 else digest("".join(digests).encode()),
            interface=self._interface(draft, seen).encode(),
            interface_names=interface_names,
            names=names,
            line=line,
            code=isinstance(node, tree.Function),
            inferred=isinstance(node, tree.Function) and _is_inferred(node),
            start=start,
            stop=stop,
            memo=memo.encode(rest, line - first),
            members=tuple([variant.name for variant in node.variants]) if isinstance(node, tree.Enum) else (),
        )
        return Part(item, draft.scope, start, first, names, places, uses)

    def _interface(self, draft: UnreadItem, seen: Sequence[Span]) -> str:
        node = draft.definition
        if draft.of is not None:  # a method of a class may lack the `fun`, and may have other words before it
            constant = isinstance(node, tree.Function) and node.constant
            text = f"{'pub ' * node.public}{'const' if constant else 'fun'} {self.tokens.text(node.at, seen[0][1])}"
            head = self._head(draft.of)
            if constant and not head:  # alone it would be a constant of the module
                head = (
                    f"impl {'::'.join(draft.of.target.path) if isinstance(draft.of, tree.Impl) else draft.of.name} {{"
                )
            return f"{head} {text} }}" if head else text
        return "\n".join([self.tokens.text(*span) for span in seen])

    def _head(self, block: tree.Impl | tree.Struct) -> str:
        """What stands around a method and says of what types its type is; "" where it is of none."""
        if isinstance(block, tree.Impl):
            if not (block.generics or block.target.arguments or block.trait):
                return ""
            types = "".join([f" {self.tokens.text(type_.start, type_.stop)}" for type_ in block.types])
            return f"{self.tokens.text(block.start, block.opened)} {{{types}"
        names = f"<{', '.join(block.generics)}>"
        return f"impl{names} {block.name}{names} {{" if block.generics else ""

    def inline(self, name: str, node: tree.Mod, scope: str) -> Part:
        """An inline module: its head, and the imports that stand in it."""
        start, stop = self.span(node.start, node.stop)
        uses = [
            self._import(one, name, use.public, start)
            for use in map(imported, node.items or ())
            if use is not None
            for one in use.names
        ]
        line, first = self.line(node.at), self.line(node.start)
        rest = Rest(node.at - node.start, b"", (), tuple(uses))
        item = Item(
            name=name,
            kind="module",
            public=node.public,
            digest=self.tokens.digest(node.start, node.at + 1),
            line=line,
            start=start,
            stop=stop,
            memo=memo.encode(rest, line - first),
        )
        return Part(item, scope, start, first, uses=uses)

    def imports(self, node: tree.UseItem, scope: str) -> Part:
        start, _ = self.span(node.start, node.stop)
        uses = [self._import(name, scope, node.public, start) for name in node.names]
        return Part(None, scope, start, self.line(node.start), uses=uses)

    def loose(self, node: Definition, scope: str) -> Part:
        """A definition that is no item, because its name is defined already. The checker reports that."""
        names = PartNames()
        self._occurrences(names, scope, _Slice(node.start, node.stop), frozenset())
        start, _ = self.span(node.start, node.stop)
        return Part(None, scope, start, self.line(node.start), tuple(names.names), self._places(names, start))

    def statements(self, run: Span, lets: Sequence[tree.Let]) -> StatementRun:
        """Consecutive statements; `lets` are the `let`s among them."""
        names = PartNames()
        self._occurrences(names, "", _Slice(*run), frozenset())
        start, stop = self.span(*run)
        return StatementRun(
            Part(None, "", start, self.line(run[0]), tuple(names.names), self._places(names, start)),
            stop,
            frozenset(one.name for node in lets for one in variables_of(node)),
            frozenset(variable.name for node in lets if not is_told(node) for variable in variables_of(node)),
            self.tokens.digest(*run),
            self.tokens.text(*run),
            run[1] - run[0],
            self._line_table(*run),
        )

    def _import(self, name: tree.UseName, scope: str, public: bool, start: int) -> Import:
        at = self.shift + self.places.offset(name.at) - start
        path = root_path(name.path, self.module, scope)
        return Import(path, name.alias, name.glob, scope, public, at, self.places.place(name.at).length)

    def _places(self, names: PartNames, start: int) -> list[int]:
        offset, further = self.places.offset, self.shift - start
        return [offset(at) + further for at in names.names.values()]

    def _line_table(self, start: int, stop: int) -> bytes:
        low, high = bisect_right(self.newlines, start), bisect_left(self.newlines, stop)
        return memo.encode_lines(self.newlines[low:high], start)

    # ------------------------------------------------------------ names

    def _seen(self, draft: UnreadItem) -> list[Span]:
        """The token spans that make up the interface: what other modules can see, in the order of the source."""
        node = draft.definition
        if isinstance(node, tree.Function):
            return [(node.start, _header_stop(node))]
        seen: list[Span] = []
        for block in draft.blocks():
            start = block.start
            for method in getattr(block, "methods", ()):
                stop = _header_stop(method)
                if stop < method.stop:  # the body is left out
                    seen.append((start, stop))
                    start = method.stop
            seen.append((start, block.stop))
        return seen

    def _names(self, draft: UnreadItem, slices: list[_Slice]) -> PartNames:
        """The names in some slices of an item, in order."""
        names = PartNames()
        labels = _labels(draft.definition)
        generics = draft.generics.union(*[block.generics for block in draft.impls])
        for part in slices:
            self._occurrences(names, draft.scope, part, generics, labels)
        return names

    def _occurrences(
        self, names: PartNames, scope: str, part: _Slice, known: frozenset[str], labels: Sequence[int] | set[int] = ()
    ) -> None:
        """Adds the paths in a slice to `found`, from the source root, with local imports resolved."""
        for path, at in self._paths(names, scope, part, known):
            if at not in labels:
                names.names.setdefault("::".join(path), at)

    def _paths(self, names: PartNames, scope: str, part: _Slice, known: frozenset[str]) -> Iterator[Occurrence]:
        imports: dict[str, tuple[str, ...]] = {}
        inside: list[Span] = []
        if part.body:
            known |= nested_items(self.tokens, part.body, part.stop)
            for item in local_imports(self.tokens, part.body, part.stop):
                inside.append((item.start, item.stop))
                for name in item.names:
                    path = root_path(name.path, self.module, scope)
                    if name.glob:
                        names.globs.append(name)
                    else:
                        imports[name.alias] = path
                        yield path, name.at
        for path, at in occurrences(self.tokens, part.start, part.stop, known):
            if any(start <= at < stop for start, stop in inside):
                continue
            if path[0] in imports:
                if len(path) > 1:
                    yield (*imports[path[0]], *path[1:]), at
            elif len(path) > 1:
                path = names_of(path)
                yield path[:1] if path[0] in BUILTIN_TYPES else named_path(path, self.module, scope), at
            else:
                yield path, at


class StatementRun(NamedTuple):
    """Consecutive statements. `variables` are those of all their `let`s, `untold` those of them whose `let` may leave
    open what type they have; `tokens` counts their tokens; `stop` is where they end in the source."""

    part: Part
    stop: int
    variables: frozenset[str]
    untold: frozenset[str]
    digest: str
    text: str
    tokens: int
    lines: bytes


def imported(node: tree.Stmt) -> tree.UseItem | None:
    """The item as an import, or None. `mod name;` imports a file."""
    if isinstance(node, tree.Mod) and node.items is None:
        return tree.UseItem(
            node.at, [tree.UseName(node.at, (node.name,), node.name)], node.public, node.start, node.stop
        )
    return node if isinstance(node, tree.UseItem) else None


def _says_all(node: tree.Function) -> bool:
    """Whether every type of a function's signature is written. Without `->`, the body decides the result."""
    return node.result is not None and all(
        parameter.type is not None or parameter.name == "self" for parameter in node.parameters
    )


def _is_inferred(node: tree.Function) -> bool:
    """Whether its module decides a signature. (Of a generic function, and of a `pub` one with parameters without types,
    each call does.)"""
    open_to_calls = bool(node.generics) or (
        node.public and any(parameter.type is None for parameter in node.parameters)
    )
    return not _says_all(node) and not open_to_calls


def _header_stop(node: tree.Function) -> int:
    """Where the part of a function ends that its callers can see: its header if that says every type, else its body,
    and so of a generic one, which they compile."""
    return (node.header or node.body.at) if _says_all(node) and not node.generics else node.stop


def _slices(draft: UnreadItem) -> list[_Slice]:
    """An item cut at its methods."""
    node = draft.definition
    if isinstance(node, tree.Function):
        return [_Slice(node.start, node.stop, node.body.at)]
    slices: list[_Slice] = []
    for block in draft.blocks():
        start = block.start
        for method in getattr(block, "methods", ()):
            slices += [_Slice(start, method.start), _Slice(method.start, method.stop, method.body.at)]
            start = method.stop
        slices.append(_Slice(start, block.stop))
    return slices


def _labels(node: Definition) -> set[int]:
    """Ordinals of the names of fields and variants in a definition."""
    if isinstance(node, tree.Struct):
        return set() if node.tuple_like else {field.at for field in node.fields}
    if isinstance(node, tree.Enum):
        fields = {field.at for variant in node.variants for field in variant.fields or ()}
        return fields | {variant.at for variant in node.variants}
    return set()


# ------------------------------------------------------------ which items there are


class Inline(NamedTuple):
    name: str
    node: tree.Mod
    scope: str


class Imports(NamedTuple):
    node: tree.UseItem
    scope: str


Entry = UnreadItem | Inline | Imports


class Definitions:
    """What a module defines, inline modules included. `loose` are definitions of names that are defined already.
    `plain`: there are none of these and no `impl` block, so each text at the top level says all about its items."""

    __slots__ = ("impls", "loose", "own", "plain")

    def __init__(self) -> None:
        self.own: dict[str, UnreadItem | Inline] = {}
        self.impls: list[tuple[str, tree.Impl]] = []
        self.loose: list[tuple[str, Definition]] = []
        self.plain = True

    def collect(self, body: Sequence[tree.Stmt], scope: str) -> list[Entry]:
        """The entries of `body` in the order of the source, an inline module before its items. Adds them to `own`."""
        entries: list[Entry] = []
        for node in body:
            use = imported(node)
            if use is not None:
                if not scope:  # those of an inline module are its own
                    entries.append(Imports(use, scope))
            elif isinstance(node, tree.Impl):
                self.impls.append((scope, node))
                entries += self._methods(node, scope)
            elif isinstance(node, tree.Mod):
                self._inline(node, scope, entries)
            elif not isinstance(node, tree.Let | tree.ExprStmt | tree.UseItem):
                name = qualified(scope, node.name)
                if name in self.own:  # the checker reports it
                    self.loose.append((scope, node))
                    self.plain = False
                else:
                    self.own[name] = draft = UnreadItem(name, node, scope)
                    entries.append(draft)
                if isinstance(node, tree.Struct) and node.methods:
                    entries += self._methods(node, scope)
                if isinstance(node, tree.Trait):
                    self.plain = False
        return entries

    def _methods(self, node: tree.Impl | tree.Struct, scope: str) -> list[UnreadItem]:
        """The methods of a block, which are items too."""
        self.plain = False
        methods: list[UnreadItem] = []
        for method in node.methods:
            draft = UnreadItem("", method, scope)
            draft.of = node
            methods.append(draft)
        return methods

    def _inline(self, node: tree.Mod, scope: str, entries: list[Entry]) -> None:
        name = qualified(scope, node.name)
        if name in self.own:
            self.plain = False
            entries += [Imports(use, name) for use in map(imported, node.items or ()) if use is not None]
        else:
            self.own[name] = inline = Inline(name, node, scope)
            entries.append(inline)
        entries += self.collect(node.items or (), name)


def _own(draft: UnreadItem) -> str:
    """The name of an item in its inline module."""
    return draft.name.rpartition("::")[2]


def qualified(scope: str, name: str) -> str:
    return f"{scope}::{name}" if scope else name


def read(reader: Reader, entry: Entry) -> Part:
    if isinstance(entry, UnreadItem):
        return reader.item(entry)
    if isinstance(entry, Inline):
        return reader.inline(*entry)
    return reader.imports(*entry)


def mark_recognisable(module: str, source: str, parts: Sequence[Part]) -> None:
    """Marks the items that were read from one text, so that `incremental.py` can find them by that text."""
    items = [part.item for part in parts if part.item is not None]
    if not items:
        return
    head = items[0]
    raw = memo.raw_of(module, source[head.start : head.stop])
    marked = memo.mark(head.memo, raw, memo.seal_of(items), len(items))
    parts[0].item = msgspec.structs.replace(head, memo=marked)
