"""Small projects in the plain language, for tests of the planner's cores."""

from __future__ import annotations

from msgspec import structs

from actors.compiler.toolchain import Binding, SummariseJob, Summary
from actors.digests import NO_STAMP, digest
from actors.messages import Source
from actors.planner.knowledge import Knowledge
from actors.planner.resolve import Modules, Resolved, resolve
from orchestrator.testing.toolchain import PlainToolchain

TOOLCHAIN = PlainToolchain()


def summary(module: str, text: str) -> Summary | None:
    """As if each item were compiled by itself: so it has a fingerprint, and its module may be known by its parts."""
    found = TOOLCHAIN.summarise(SummariseJob(module=module, path=f"{module}.plain", source=text.encode())).summary
    if found is None:
        return None
    return structs.replace(found, items=tuple([structs.replace(item, code=True) for item in found.items]))


def modules(texts: dict[str, str]) -> Modules:
    return Modules(
        {module: summary(module, text) for module, text in texts.items()},
        {module: f"{module}.plain" for module in texts},
    )


def resolved(texts: dict[str, str], module: str = "main") -> Resolved:
    return resolve(modules(texts), module)


def binding(texts: dict[str, str], name: str, module: str = "main") -> Binding:
    return next(bound for bound in resolved(texts, module).bindings if bound.name == name)


def sources(texts: dict[str, str]) -> list[Source]:
    return [
        Source(module=name, path=f"{name}.plain", digest=digest(text.encode()), data=text.encode(), stamp=NO_STAMP)
        for name, text in texts.items()
    ]


def learn(knowledge: Knowledge, texts: dict[str, str]) -> bool:
    """Have `knowledge` take over a whole project, summaries and resolution included."""
    changed = knowledge.take((), sources(texts), ())
    for module, file in knowledge.unsummarised().items():
        found = summary(module, texts[module])
        if found is None:
            knowledge.failures[file.summary] = ()
        else:
            knowledge.summaries[file.summary] = found
    knowledge.resolve()
    return changed
