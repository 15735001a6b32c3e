"""Random projects under random edits: what an incremental build makes is what a build from nothing makes, and it
compiles exactly what a slow oracle says it must."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from typing import Any

import anyio
import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from orchestrator import Sources
from tests.helpers.plain_builds import Bench, everything, from_nothing, named, opened
from tests.helpers.tallies import LONG

Project = dict[str, dict[str, Any]]
"""For each module: `uses`, the modules whose item it imports; `items`, its item's name -> words; `salt`, a comment."""

NAMES = [f"m{number}" for number in range(7)]
ITEMS = ["f", "g"]


def text(module: dict[str, Any], there: Mapping[str, Container[str]]) -> str:
    """The module's text. Imports of what is not `there` (names of items by module) are left out, but for one module in
    five, which is wrong: else hardly a build would come to anything."""
    keep = module["careless"] == 4
    uses = [(target, item) for target, item in module["uses"] if keep or item in there.get(target, ())]
    lines = [f"use {target}::{item} as {target}{item}" for target, item in uses]
    lines += [f"use {target}::*" for target in module["globs"] if keep or target in there]
    lines += [f"pub {item} = {' '.join(words)}" for item, words in sorted(module["items"].items())]
    return "\n".join([*lines, f"# {module['salt']}", ""])


modules = st.fixed_dictionaries(
    {
        "uses": st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(ITEMS)), max_size=4, unique=True),
        "globs": st.lists(st.sampled_from(NAMES), max_size=1),
        "items": st.dictionaries(
            st.sampled_from(ITEMS),
            st.lists(st.sampled_from(["f", "g", "word", *(f"{name}f" for name in NAMES[:4])]), max_size=2, unique=True),
            max_size=2,
        ),
        "careless": st.integers(0, 4),
        "salt": st.integers(0, 2),
    }
)

edits = st.one_of(
    st.tuples(st.just("body"), st.sampled_from(NAMES), st.integers(0, 5)),
    st.tuples(st.just("whole"), st.sampled_from(NAMES), modules),
    st.tuples(st.just("remove"), st.sampled_from(NAMES), st.none()),
    st.tuples(st.just("rename"), st.sampled_from(NAMES), st.sampled_from(NAMES)),
    st.tuples(st.just("touch"), st.sampled_from(NAMES), st.none()),
    st.tuples(st.just("revert"), st.none(), st.none()),
)

projects = st.dictionaries(st.sampled_from(NAMES), modules, min_size=3, max_size=7)


def edited(texts: dict[str, str], history: list[dict[str, str]], edit: tuple[str, Any, Any]) -> dict[str, str]:
    kind, module, more = edit
    new = dict(texts)
    if kind == "revert":
        return dict(history[0])
    if kind == "whole":
        new[module] = text(more, PlainOracle(texts).items)
    elif module in new:
        if kind == "body":
            new[module] = re.sub(r"# \d+", f"# {more}", new[module])
        elif kind == "remove" and len(new) > 1:
            del new[module]
        elif kind == "rename":
            new[more] = new.pop(module)
    return new


# ------------------------------------------------------------------------------------------------ the oracle


class PlainOracle:
    """What a module's object may depend on, said in the slowest way: its text, what each of its names means, and the
    same of everything that it imports. Knows the plain language, and nothing of graphs, components and digests."""

    def __init__(self, texts: dict[str, str]) -> None:
        self.texts = texts
        self.items = {
            module: set(re.findall(r"^pub (\w+) =", source, re.MULTILINE)) for module, source in texts.items()
        }

    def meaning(self, module: str) -> tuple[dict[str, str], set[str], bool]:
        """What the module's names mean, which modules it imports, and whether something is wrong with it."""
        source = self.texts[module]
        uses = re.findall(r"^use (\w+)::(\w+) as (\w+)$", source, re.MULTILINE)
        globs = re.findall(r"^use (\w+)::\*$", source, re.MULTILINE)
        wrong, imports = False, set()
        aliases: dict[str, str] = {}
        for target, item, alias in uses:
            if item in self.items.get(target, ()):
                aliases[alias] = f"{target}::{item}"
                imports.add(target)
            else:
                wrong = True
        for target in globs:
            wrong = wrong or target not in self.texts or target == module
            imports.update({target} & self.texts.keys())
        words = {word for line in re.findall(r"^pub \w+ =(.*)$", source, re.MULTILINE) for word in line.split()}
        means: dict[str, str] = dict(aliases)
        for word in words - means.keys() - self.items[module]:
            for target in globs:  # one at most
                if word in self.items.get(target, ()):
                    means[word] = f"{target}::{word}"
        return means, imports - {module}, wrong

    def seen(self, module: str) -> list[tuple[str, str, list[tuple[str, str]]]]:
        """Everything that the module's object may depend on."""
        reached: set[str] = set()
        ahead = [module]
        while ahead:
            here = ahead.pop()
            if here in reached:
                continue
            reached.add(here)
            ahead.extend(self.meaning(here)[1])
        return sorted((one, self.texts[one], sorted(self.meaning(one)[0].items())) for one in reached)

    def wrong(self) -> tuple[set[str], set[str]]:
        """The modules that fail, and those that depend on one that does (and not the other way round)."""
        failing = {module for module in self.texts if self.meaning(module)[2]}
        reach = {module: {one for one, _, _ in self.seen(module)} for module in self.texts}
        blocked = {
            module
            for module in self.texts
            if any(bad in reach[module] and module not in reach[bad] for bad in failing if bad != module)
        }
        return failing - blocked, blocked


async def check(project: Project, steps: list[list[tuple[str, Any, Any]]]) -> None:
    there = {name: module["items"] for name, module in project.items()}
    texts = {name: text(module, there) for name, module in project.items()}
    history = [texts]
    sources = Sources(named(texts))
    known: set[str] = set()
    async with opened(sources, entry="m0.plain") as bench:
        for step in [[], *steps]:
            for edit in step:
                texts = edited(texts, history, edit)
            history.append(texts)
            for name in set(sources) - set(named(texts)):
                del sources[name]
            for name, new in named(texts).items():
                if sources.get(name) != new:
                    sources[name] = new
            await one_build(bench, texts, known)
        # Also: one worker makes what two make.
        assert await everything(bench) == await from_nothing(texts, entry="m0.plain", jobs=1)


async def one_build(bench: Bench, texts: dict[str, str], known: set[str]) -> None:
    oracle = PlainOracle(texts)
    failed, blocked = oracle.wrong()
    result = await bench.build()
    assert (set(result.failed), set(result.blocked)) == (failed, blocked), texts
    well = texts.keys() - failed - blocked
    wanted = {module: repr((module, oracle.seen(module))) for module in well}
    assert set(result.recompiled) == {module for module in well if wanted[module] not in known}, texts
    assert result.cache_hits == len(well) - len(result.recompiled)
    known.update(wanted.values())
    compiled = bench.toolchain.compiled_modules()
    assert len(compiled) == len(set(compiled)), "a module was compiled twice"
    again = await bench.build()
    assert again.recompiled == [] and again.cache_hits == len(well)
    assert not well & set(bench.toolchain.compiled_modules()), "nothing changed, and still something was compiled"


@pytest.mark.slow
@pytest.mark.timeout(7200)
@settings(max_examples=settings().max_examples if LONG else 60)
@given(project=projects, steps=st.lists(st.lists(edits, min_size=1, max_size=3), min_size=1, max_size=4))
def test_incremental_equals_full(project: Project, steps: list[list[tuple[str, Any, Any]]]) -> None:
    anyio.run(check, project, steps)
