"""What a Ruchy module says about itself, for the planner: its items, imports and names.

Bodies of functions are stepped over, not parsed: only the outline is. A module whose outline has an error is parsed in
full to report its errors. If a summary of an earlier text is at hand, only what has changed is read (`incremental.py`).
"""

from __future__ import annotations

from actors.compiler.toolchain import Summarised, SummariseJob
from actors.diagnostics import Finding
from orchestrator.toolchains.ruchy.summary.assemble import assemble
from orchestrator.toolchains.ruchy.summary.incremental import summarise_incrementally
from orchestrator.toolchains.ruchy.summary.parts import (
    Definitions,
    Entry,
    Part,
    Reader,
    UnreadItem,
    mark_recognisable,
    qualified,
    read,
)
from orchestrator.toolchains.ruchy.syntax import tree
from orchestrator.toolchains.ruchy.syntax.lexer import Tokens, scan, tokens_of
from orchestrator.toolchains.ruchy.syntax.names import METHOD, extended
from orchestrator.toolchains.ruchy.syntax.parser import outline, parse_tokens
from orchestrator.toolchains.ruchy.syntax.places import Places
from orchestrator.toolchains.ruchy.syntax.top import statement_runs


def summarise(job: SummariseJob) -> Summarised:
    """The summary of a module, or the errors that prevent one. `job.source` is normalised, so it is UTF-8. The answer
    does not depend on `job.before`."""
    source = job.source.decode()
    if job.before is not None:
        summary = summarise_incrementally(job.module, source, job.before)
        if summary is not None:
            return Summarised(summary=summary)
    return _summarise_whole(job, source)


def _summarise_whole(job: SummariseJob, source: str) -> Summarised:
    pairs = scan(source)
    tokens = tokens_of(pairs)
    module = None if tokens.unclosed else outline(source, tokens)
    if module is None:
        parsed = parse_tokens(source, tokens)
        if parsed.module is None:
            return _refused(job, parsed.errors, Places(source, pairs))
        module = parsed.module
    return _Whole(job, source, tokens, Places(source, pairs)).summarise(module)


def _refused(job: SummariseJob, errors: list[Finding], places: Places) -> Summarised:
    return Summarised(diagnostics=tuple(places.tell(errors, module=job.module, file=job.path)))


class _Whole:
    """The summary of a whole text that has an outline."""

    def __init__(self, job: SummariseJob, source: str, tokens: Tokens, places: Places) -> None:
        self.job = job
        self.source = source
        self.tokens = tokens
        self.places = places
        self.collected = Definitions()

    def summarise(self, module: tree.Module) -> Summarised:
        collected, reader = self.collected, Reader(self.job.module, self.tokens, self.places)
        texts = [collected.collect([node], "") for node in module.body]
        errors = self._attach_impls()
        texts = [self._named(text_parts) for text_parts in texts]
        if errors:
            return _refused(self.job, errors, self.places)
        parts: list[Part] = []
        for text in texts:
            read_parts = [read(reader, one) for one in text]
            if read_parts and collected.plain:
                mark_recognisable(self.job.module, self.source, read_parts)
            parts += read_parts
        loose = [reader.loose(node, scope) for scope, node in collected.loose]
        lets = [node for node in module.body if isinstance(node, tree.Let)]
        runs = [
            reader.statements(run, [node for node in lets if run[0] <= node.at < run[1]])
            for run in statement_runs(module.body, self.tokens)
        ]
        return Summarised(summary=assemble(self.source, parts, loose, runs))

    def _named(self, entries: list[Entry]) -> list[Entry]:
        """The entries of a text, with names for methods. Another method of the same name is no item: the checker
        reports it."""
        named: list[Entry] = []
        for entry in entries:
            if isinstance(entry, UnreadItem) and entry.of is not None:
                owner, of = self._owner(entry.of, entry.scope)
                entry.name = f"{of}{METHOD}{entry.definition.name}"
                if owner is None or entry.name in self.collected.own:
                    self.collected.loose.append((entry.scope, entry.definition))
                    continue
                self.collected.own[entry.name] = entry
            named.append(entry)
        return named

    def _owner(self, block: tree.Impl | tree.Struct, scope: str) -> tuple[UnreadItem | None, str]:
        """The item that a method belongs to, and its name: that of its type or, where that is of elsewhere, the trait,
        and what the type is called in the names of methods then."""
        own = self.collected.own
        name = block.name if isinstance(block, tree.Struct) else "::".join(block.target.path)
        draft = own.get(qualified(scope, name)) or own.get(name)
        if isinstance(draft, UnreadItem) and isinstance(draft.definition, tree.Struct | tree.Enum):
            return draft, draft.name
        if isinstance(block, tree.Impl) and block.trait is not None:
            trait = "::".join(block.trait.path)
            draft = own.get(qualified(scope, trait)) or own.get(trait)
            if isinstance(draft, UnreadItem) and isinstance(draft.definition, tree.Trait):
                return draft, extended(block)
        return None, ""

    def _attach_impls(self) -> list[Finding]:
        """Assigns each `impl` to its type, or to its trait. An `impl` where neither is in this module is an error."""
        findings: list[Finding] = []
        for scope, impl in self.collected.impls:
            draft, _ = self._owner(impl, scope)
            if draft is not None:
                draft.impls.append(impl)
                continue
            name = "::".join(impl.target.path)
            if impl.trait is not None:
                message = f"neither the trait nor `{name}` is defined in this module"
                hint = "an `impl` of a trait stands beside the trait, or beside the type"
            else:
                message = f"`impl {name}` stands outside of the module that defines `{name}`"
                hint = "an `impl` stands beside its type; write a function that takes the value instead"
            findings.append(Finding("E0508", message, hint=hint, at=impl.at))
        return findings
