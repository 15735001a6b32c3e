"""What a Ruchy module says about itself, for the planner: its items, imports and names.

Bodies of functions are stepped over, not parsed: only the outline is. A module whose outline cannot be read, or whose
brackets do not match, is parsed in full for its errors.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from actors.compiler.toolchain import Item, Name, Summarised, SummariseJob, Summary, Use
from actors.diagnostics import Diagnostic
from actors.digests import digest
from orchestrator.toolchains.ruchy.syntax import tree
from orchestrator.toolchains.ruchy.syntax.lexer import Tokens, scan, tokens_of
from orchestrator.toolchains.ruchy.syntax.names import (
    BUILTIN_TYPES,
    Occurrence,
    local_imports,
    nested_items,
    occurrences,
    owned,
    root_path,
)
from orchestrator.toolchains.ruchy.syntax.parser import outline, parse_tokens
from orchestrator.toolchains.ruchy.syntax.places import Places
from orchestrator.toolchains.ruchy.syntax.top import TOP, is_literal, statement_runs, variable_of

_KINDS = {
    tree.Function: "function",
    tree.Struct: "struct",
    tree.Enum: "enum",
    tree.Const: "const",
    tree.TypeAlias: "type",
}
Definition = tree.Function | tree.Struct | tree.Enum | tree.Const | tree.TypeAlias
Span = tuple[int, int]


def summarise(job: SummariseJob) -> Summarised:
    """The summary of a module, or the errors that prevent one. `job.source` is normalised, so it is UTF-8."""
    source = job.source.decode()
    pairs = scan(source)
    tokens = tokens_of(pairs)
    module = None if _has_errors(tokens) else outline(source, tokens)
    if module is None:
        parsed = parse_tokens(source, tokens)
        errors = [found for found in parsed.diagnostics if found.severity == "error"]
        if errors or parsed.module is None:
            return Summarised(diagnostics=tuple(_placed(errors, job)))
        module = parsed.module
    return _Summariser(job, tokens, Places(source, pairs)).summarise(module)


def _has_errors(tokens: Tokens) -> bool:
    if tokens.kinds[-2:-1] == ["unclosed"]:
        return True
    return any(not finding.code.startswith("W") for found in tokens.findings.values() for finding in found)


def _placed(diagnostics: list[Diagnostic], job: SummariseJob) -> list[Diagnostic]:
    return [msgspec.structs.replace(found, module=job.module, file=job.path) for found in diagnostics]


class _Part(NamedTuple):
    """Tokens of an item that are looked through together; `body` is where a function's body begins, or 0."""

    start: int
    stop: int
    body: int = 0


class _Draft:
    """An item in the making: its definition and the `impl` blocks that belong to it."""

    __slots__ = ("definition", "generics", "impls", "scope")

    def __init__(self, definition: Definition, scope: str) -> None:
        self.definition = definition
        self.scope = scope
        self.generics: frozenset[str] = frozenset()
        if not isinstance(definition, tree.Const | tree.TypeAlias):
            self.generics = frozenset(definition.generics)
        self.impls: list[tree.Impl] = []


class _Summariser:
    def __init__(self, job: SummariseJob, tokens: Tokens, places: Places) -> None:
        self.job = job
        self.tokens = tokens
        self.places = places
        self.drafts: dict[str, _Draft | tree.Mod] = {}
        self.uses: list[Use] = []
        self.unowned: list[tuple[str, tuple[str, ...], int]] = []  # what occurs, before own items are left out
        self.impls: list[tuple[str, tree.Impl]] = []
        self.loose: list[tuple[str, int, int]] = []  # spans whose names count for no item
        self.diagnostics: list[Diagnostic] = []

    def summarise(self, module: tree.Module) -> Summarised:
        self._collect(module.body, "")
        self._attach_impls()
        if self.diagnostics:
            return Summarised(diagnostics=tuple(_placed(self.diagnostics, self.job)))
        items = tuple(
            self._inline(name, draft) if isinstance(draft, tree.Mod) else self._item(name, draft)
            for name, draft in self.drafts.items()
        )
        for scope, start, stop in self.loose:
            found = self._occurrences(scope, _Part(start, stop), frozenset(), False)
            self.unowned.extend((scope, path, at) for path, at in found)
        statements_line = 0
        if runs := statement_runs(module.body, self.tokens):
            items = self._with_top(items, module.body, runs)
            statements_line = items[-1].line
        main = self.drafts.get("main")
        return Summarised(
            summary=Summary(
                items=items,
                uses=tuple(self.uses),
                names=self._outside(),
                statements_line=statements_line,
                has_main=isinstance(main, _Draft) and isinstance(main.definition, tree.Function),
            )
        )

    def _outside(self) -> tuple[Name, ...]:
        """What occurs and is no item of the module itself, by scope, each once."""
        found: dict[tuple[str, str], Name] = {}
        for scope, path, at in self.unowned:
            key = (scope, "::".join(path))
            if key not in found and not owned(path, scope, self.drafts):
                place = self.places.place(at)
                found[key] = Name(name=key[1], scope=scope, line=place.line, column=place.column)
        return tuple(found.values())

    # ------------------------------------------------------------ collecting

    def _collect(self, body: list[tree.Stmt] | list[tree.Item], scope: str) -> None:
        for node in body:
            if isinstance(node, tree.Let | tree.ExprStmt):
                continue
            if isinstance(node, tree.UseItem):
                self._use(node, scope)
            elif isinstance(node, tree.Impl):
                self.impls.append((scope, node))
            elif isinstance(node, tree.Mod):
                self._module(node, scope)
            elif _qualified(scope, node.name) in self.drafts:  # the checker reports it
                self.loose.append((scope, node.start, node.stop))
            else:
                self.drafts[_qualified(scope, node.name)] = _Draft(node, scope)

    def _module(self, node: tree.Mod, scope: str) -> None:
        if node.items is None:
            named = tree.UseName(node.at, (node.name,), node.name)
            self._use(tree.UseItem(node.at, [named], node.public, node.start, node.stop), scope)
            return
        name = _qualified(scope, node.name)
        self.drafts.setdefault(name, node)
        self._collect(node.items, name)

    def _use(self, node: tree.UseItem, scope: str) -> None:
        for name in node.names:
            place = self.places.place(name.at)
            path = root_path(name.path, self.job.module, scope)
            self.uses.append(
                Use(
                    path=path,
                    alias=name.alias,
                    glob=name.glob,
                    scope=scope,
                    public=node.public,
                    line=place.line,
                    column=place.column,
                    length=place.length,
                )
            )

    def _attach_impls(self) -> None:
        for scope, impl in self.impls:
            name = "::".join(impl.target.path)
            draft = self.drafts.get(_qualified(scope, name)) or self.drafts.get(name)
            if isinstance(draft, _Draft) and isinstance(draft.definition, tree.Struct | tree.Enum):
                draft.impls.append(impl)
                continue
            place = self.places.place(impl.at)
            self.diagnostics.append(
                Diagnostic(
                    code="E0508",
                    message=f"`impl {name}` stands outside of the module that defines `{name}`",
                    line=place.line,
                    column=place.column,
                    length=place.length,
                    text=place.text,
                    hint="an `impl` stands beside its type; write a function that takes the value instead",
                )
            )

    # ------------------------------------------------------------ items

    def _inline(self, name: str, node: tree.Mod) -> Item:
        head = self.tokens.digest(node.start, node.at + 1)
        start, stop = self._span(node.start, node.stop)
        return Item(
            name=name,
            kind="module",
            public=node.public,
            digest=head,
            line=self.places.line(node.at),
            start=start,
            stop=stop,
        )

    def _item(self, name: str, draft: _Draft) -> Item:
        node = draft.definition
        digests = [self.tokens.digest(part.start, part.stop) for part in (node, *draft.impls)]
        seen = self._seen(draft)
        parts = _parts(draft)
        interface_names = names = self._names(draft, parts)
        if seen != [(part.start, part.stop) for part in parts]:
            interface_names = self._names(draft, [_Part(*span) for span in seen], silent=True)
        start, stop = self._span(node.start, node.stop)
        return Item(
            name=name,
            kind=_KINDS[type(node)],
            public=node.public,
            digest=digests[0] if len(digests) == 1 else digest("".join(digests).encode()),
            interface="\n".join([self.tokens.text(*span) for span in seen]).encode(),
            interface_names=interface_names,
            names=names,
            line=self.places.line(node.at),
            code=isinstance(node, tree.Function),
            inferred=isinstance(node, tree.Function) and not _says_all(node),
            start=start,
            stop=stop,
        )

    def _span(self, start: int, stop: int) -> Span:
        """Where the tokens `start` to `stop` stand in the source."""
        last = stop - 1
        return self.places.offset(start), self.places.offset(last) + self.places.length(last)

    def _with_top(self, items: tuple[Item, ...], body: list[tree.Stmt], runs: list[Span]) -> tuple[Item, ...]:
        """The items and behind them that of the statements, upon which the functions depend that may read their
        variables; as it does on being read, for a variable that nobody reads is warned of."""
        variables = {name for node in body if (name := variable_of(node))}
        read: set[str] = set()
        found: list[Item] = []
        for item in items:
            mine = variables.intersection(item.names) if item.code else None
            if mine:
                read |= mine
                seen = item.interface_names
                item = msgspec.structs.replace(
                    item,
                    names=(*item.names, TOP),
                    interface_names=seen if mine.isdisjoint(seen) else (*seen, TOP),
                )
            found.append(item)
        found.append(self._top(body, runs, sorted(read)))
        return tuple(found)

    def _top(self, body: list[tree.Stmt], runs: list[Span], read: list[str]) -> Item:
        names: dict[str, None] = {}
        for run in runs:
            for path, at in self._occurrences("", _Part(*run), frozenset(), False):
                names["::".join(path)] = None
                self.unowned.append(("", path, at))
        lets = [node for node in body if isinstance(node, tree.Let) and variable_of(node) and is_literal(node.value)]
        seen = {
            "::".join(path): None
            for node in lets
            for path, _ in self._occurrences("", _Part(node.at, node.value.at), frozenset(), True)
        }
        start, stop = self._span(runs[0][0], runs[-1][1])
        return Item(
            name=TOP,
            kind="statements",
            public=False,
            digest=digest("\n".join([*(self.tokens.digest(*run) for run in runs), *read]).encode()),
            interface="\n".join([self.tokens.text(*run) for run in runs]).encode(),
            interface_names=tuple(seen),
            names=tuple(names),
            line=self.places.line(runs[0][0]),
            code=True,
            start=start,
            stop=stop,
        )

    def _seen(self, draft: _Draft) -> list[Span]:
        """The token spans that make up the interface, in the order of the source."""
        node = draft.definition
        if isinstance(node, tree.Function):
            return [(node.start, _header_stop(node))]
        seen = [(node.start, node.stop)]
        for impl in draft.impls:
            start = impl.start
            for method in impl.methods:
                stop = _header_stop(method)
                if stop < method.stop:  # the body is left out
                    seen.append((start, stop))
                    start = method.stop
            seen.append((start, impl.stop))
        return seen

    def _names(self, draft: _Draft, parts: list[_Part], silent: bool = False) -> tuple[str, ...]:
        """The names that occur in parts of an item, in order; they also count for the module, unless `silent`."""
        found: dict[str, None] = {}
        labels = _labels(draft.definition)
        for part in parts:
            for path, at in self._occurrences(draft.scope, part, draft.generics, silent):
                if at in labels:
                    continue
                name = "::".join(path)
                if name not in found:
                    found[name] = None
                    if not silent:
                        self.unowned.append((draft.scope, path, at))
        return tuple(found)

    def _occurrences(self, scope: str, part: _Part, known: frozenset[str], silent: bool) -> Iterator[Occurrence]:
        """The paths that occur in a part, counted from the root, with local imports looked through."""
        imports: dict[str, tuple[str, ...]] = {}
        inside: list[Span] = []
        if part.body:
            known |= nested_items(self.tokens, part.body, part.stop)
            for item in local_imports(self.tokens, part.body, part.stop):
                inside.append((item.start, item.stop))
                for name in item.names:
                    path = root_path(name.path, self.job.module, scope)
                    if not name.glob:
                        imports[name.alias] = path
                        yield path, name.at
                    elif not silent:
                        self._use(tree.UseItem(item.at, [name]), scope)
        for path, at in occurrences(self.tokens, part.start, part.stop, known):
            if any(start <= at < stop for start, stop in inside):
                continue
            if path[0] in imports:
                if len(path) > 1:
                    yield (*imports[path[0]], *path[1:]), at
            elif len(path) > 1:
                yield path[:1] if path[0] in BUILTIN_TYPES else root_path(path, self.job.module, scope), at
            else:
                yield path, at


def _says_all(node: tree.Function) -> bool:
    """Whether every type of a function's signature is written. A missing `->` means whatever the body gives."""
    return node.result is not None and all(one.type is not None or one.name == "self" for one in node.parameters)


def _header_stop(node: tree.Function) -> int:
    """Where the part of a function ends that its callers must see: its header, if it says every type, else its body."""
    return node.body.at if _says_all(node) else node.stop


def _parts(draft: _Draft) -> list[_Part]:
    """An item cut at its methods."""
    node = draft.definition
    if isinstance(node, tree.Function):
        return [_Part(node.start, node.stop, node.body.at)]
    parts = [_Part(node.start, node.stop)]
    for impl in draft.impls:
        start = impl.start
        for method in impl.methods:
            parts += [_Part(start, method.start), _Part(method.start, method.stop, method.body.at)]
            start = method.stop
        parts.append(_Part(start, impl.stop))
    return parts


def _labels(node: Definition) -> set[int]:
    """Ordinals of the names of fields and variants in a definition."""
    if isinstance(node, tree.Struct):
        return set() if node.tuple_like else {field.at for field in node.fields}
    if isinstance(node, tree.Enum):
        fields = {field.at for variant in node.variants for field in variant.fields or ()}
        return fields | {variant.at for variant in node.variants}
    return set()


def _qualified(scope: str, name: str) -> str:
    return f"{scope}::{name}" if scope else name
