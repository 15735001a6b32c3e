"""Small projects in the plain language, for tests of the planner's cores."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import structs

from actors.compiler.toolchain import Binding, SummariseJob, Summary
from actors.digests import NO_STAMP, digest
from actors.messages import BuildSettings, Source
from actors.planner.facts import Facts
from actors.planner.resolve import Modules, Resolved, resolve
from actors.planner.table import PlannedModule
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


def learn(facts: Facts, texts: dict[str, str], settings: BuildSettings | None = None) -> set[str]:
    """Have `facts` take over a whole project, and give what is needed. Returns the modules whose summaries were."""
    facts.take((), sources(texts), ())
    return supply(facts, texts, settings or BuildSettings(), {})


def supply(
    facts: Facts, texts: dict[str, str], settings: BuildSettings, objects: Mapping[str, PlannedModule]
) -> set[str]:
    asked: set[str] = set()
    while (need := facts.update(settings, objects)) is not None:
        asked |= need.summaries.keys()
        for module in need.summaries:
            found = summary(module, texts[module])
            if found is None:
                facts.fail(module, ())
            else:
                facts.learn(module, found)
    return asked
