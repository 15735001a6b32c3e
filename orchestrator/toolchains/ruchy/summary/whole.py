"""The summary of a whole text."""

from __future__ import annotations

import msgspec

from actors.compiler.toolchain import Summarised, SummariseJob
from actors.diagnostics import Diagnostic
from orchestrator.toolchains.ruchy.summary.assembling import assemble
from orchestrator.toolchains.ruchy.summary.collecting import Collected, qualified, read, recognisable
from orchestrator.toolchains.ruchy.summary.reading import Draft, Part, Reader
from orchestrator.toolchains.ruchy.syntax import tree
from orchestrator.toolchains.ruchy.syntax.lexer import Tokens, scan, tokens_of
from orchestrator.toolchains.ruchy.syntax.parser import outline, parse_tokens
from orchestrator.toolchains.ruchy.syntax.places import Places
from orchestrator.toolchains.ruchy.syntax.top import statement_runs


def summarise_whole(job: SummariseJob, source: str) -> Summarised:
    """The summary, or the errors that prevent one."""
    pairs = scan(source)
    tokens = tokens_of(pairs)
    module = None if has_errors(tokens) else outline(source, tokens)
    if module is None:
        parsed = parse_tokens(source, tokens)
        errors = [found for found in parsed.diagnostics if found.severity == "error"]
        if errors or parsed.module is None:
            return Summarised(diagnostics=tuple(_placed(errors, job)))
        module = parsed.module
    return _Whole(job, source, tokens, Places(source, pairs)).summarise(module)


def has_errors(tokens: Tokens) -> bool:
    if tokens.kinds[-2:-1] == ["unclosed"]:
        return True
    return any(not finding.code.startswith("W") for found in tokens.findings.values() for finding in found)


def _placed(diagnostics: list[Diagnostic], job: SummariseJob) -> list[Diagnostic]:
    return [msgspec.structs.replace(found, module=job.module, file=job.path) for found in diagnostics]


class _Whole:
    def __init__(self, job: SummariseJob, source: str, tokens: Tokens, places: Places) -> None:
        self.job = job
        self.source = source
        self.tokens = tokens
        self.places = places
        self.collected = Collected()

    def summarise(self, module: tree.Module) -> Summarised:
        collected, reader = self.collected, Reader(self.job.module, self.tokens, self.places)
        texts = [collected.collect([node], "") for node in module.body]
        diagnostics = self._attach_impls()
        if diagnostics:
            return Summarised(diagnostics=tuple(_placed(diagnostics, self.job)))
        parts: list[Part] = []
        for found in texts:
            made = [read(reader, one) for one in found]
            if made and collected.plain:
                recognisable(self.job.module, self.source, made)
            parts += made
        loose = [reader.loose(node, scope) for scope, node in collected.loose]
        lets = [node for node in module.body if isinstance(node, tree.Let)]
        runs = [
            reader.statements(run, [node for node in lets if run[0] <= node.at < run[1]])
            for run in statement_runs(module.body, self.tokens)
        ]
        return Summarised(summary=assemble(self.source, parts, loose, runs))

    def _attach_impls(self) -> list[Diagnostic]:
        """Hands each `impl` to its type; one whose type is not here is an error."""
        found: list[Diagnostic] = []
        own = self.collected.own
        for scope, impl in self.collected.impls:
            name = "::".join(impl.target.path)
            draft = own.get(qualified(scope, name)) or own.get(name)
            if isinstance(draft, Draft) and isinstance(draft.definition, tree.Struct | tree.Enum):
                draft.impls.append(impl)
                continue
            place = self.places.place(impl.at)
            found.append(
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
        return found
