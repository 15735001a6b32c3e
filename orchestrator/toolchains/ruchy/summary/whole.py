"""The summary of a whole text."""

from __future__ import annotations

from actors.compiler.toolchain import Summarised, SummariseJob
from actors.diagnostics import Finding
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
    module = None if is_unclosed(tokens) else outline(source, tokens)
    if module is None:
        parsed = parse_tokens(source, tokens)
        if parsed.module is None:
            return _refused(job, parsed.errors, Places(source, pairs))
        module = parsed.module
    return _Whole(job, source, tokens, Places(source, pairs)).summarise(module)


def is_unclosed(tokens: Tokens) -> bool:
    return tokens.kinds[-2:-1] == ["unclosed"]


def has_errors(tokens: Tokens) -> bool:
    """Whether some token cannot be read. Where that is one in a body, there is a summary all the same."""
    found = tokens.findings.values()
    return is_unclosed(tokens) or any(not one.code.startswith("W") for each in found for one in each)


def _refused(job: SummariseJob, errors: list[Finding], places: Places) -> Summarised:
    return Summarised(diagnostics=tuple(places.tell(errors, module=job.module, file=job.path)))


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
        errors = self._attach_impls()
        if errors:
            return _refused(self.job, errors, self.places)
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

    def _attach_impls(self) -> list[Finding]:
        """Hands each `impl` to its type; one whose type is not here is an error."""
        found: list[Finding] = []
        own = self.collected.own
        for scope, impl in self.collected.impls:
            name = "::".join(impl.target.path)
            draft = own.get(qualified(scope, name)) or own.get(name)
            if isinstance(draft, Draft) and isinstance(draft.definition, tree.Struct | tree.Enum):
                draft.impls.append(impl)
                continue
            message = f"`impl {name}` stands outside of the module that defines `{name}`"
            hint = "an `impl` stands beside its type; write a function that takes the value instead"
            found.append(Finding("E0508", message, hint=hint, at=impl.at))
        return found
