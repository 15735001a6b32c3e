"""Ruchy jobs as the planner makes them, with signatures and fingerprints, and what comes of them: for tests of compiles
that reuse fragments."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from actors.compiler.toolchain import FUNCTIONS_SECTION, CompileJob, Object, SummariseJob
from actors.diagnostics import Diagnostic, Finding
from actors.digests import NO_STAMP, Digest, digest, module_name
from actors.messages import BuildSettings, Source
from actors.planner.facts import Facts
from orchestrator.toolchains.ruchy import Ruchy
from orchestrator.wasm.reader import custom_section

RUCHY = Ruchy()
SETTINGS = BuildSettings()


class WrongError(Exception):
    """Sources that come to no jobs; `codes` says why."""

    def __init__(self, found: tuple[Diagnostic | Finding, ...]) -> None:
        super().__init__(*found)
        self.codes = [one.code for one in found]


def jobs(sources: Mapping[str, str]) -> dict[str, CompileJob]:
    """The compile jobs of modules, named by path, by module. Raises WrongError for what has no summary, or names that
    mean nothing."""
    facts = Facts("test")
    read: list[Source] = []
    for path, text in sources.items():
        data = RUCHY.normalise(text.encode())
        name = module_name(path, RUCHY.extensions)
        read.append(Source(module=name, path=path, digest=digest(data), data=data, stamp=NO_STAMP))
    facts.take((), read, ())
    while (need := facts.update(SETTINGS)) is not None:
        for module, file in need.summaries.items():
            done = RUCHY.summarise(SummariseJob(module=module, path=file.path, source=file.data or b""))
            if done.summary is None:
                raise WrongError(done.diagnostics)
            facts.learn(module, done.summary)
        for module, key in need.inferences.items():
            facts.inferences[key] = RUCHY.infer(facts.job(module))
    wrong = [one for module in sorted(facts.troubled) for one in facts.resolved[module].findings]
    if any(one.severity == "error" for one in wrong):
        raise WrongError(tuple(wrong))
    made: dict[str, CompileJob] = {}
    for source in read:
        prints = {name: one.digest for name, one in facts.fingerprints(source.module).items()}
        made[source.module] = msgspec.structs.replace(facts.job(source.module), fingerprints=prints)
    return made


def job_of(source: str) -> CompileJob:
    """That of a project of one module."""
    return jobs({"main.ruchy": source})["main"]


def compiled(job: CompileJob, fragments: Mapping[Digest, bytes] | None = None) -> Object:
    """The object of a job with these fragments at hand. Raises WrongError where it has errors."""
    done = RUCHY.compile(msgspec.structs.replace(job, fragments=dict(fragments or {})))
    if done.object is None:
        raise WrongError(done.diagnostics)
    return done.object


def fragments_of(made: Object) -> dict[Digest, bytes]:
    """The fragments in an object, by fingerprint, found as the keeper finds them."""
    table = msgspec.msgpack.decode(custom_section(made.data, FUNCTIONS_SECTION) or b"\x90")
    return {raw.hex(): made.data[at : at + size] for raw, at, size in table}


def edited(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, set[str]]:
    """The items that an edit of some files compiles again, by module. Asserts that the objects are those of compiles
    from nothing."""
    kept: dict[Digest, bytes] = {}
    for job in jobs(before).values():
        kept |= fragments_of(compiled(job))
    found: dict[str, set[str]] = {}
    for module, job in jobs({**before, **after}).items():
        whole, again = compiled(job), compiled(job, kept)
        assert again.data == whole.data
        assert again.warnings == whole.warnings
        found[module] = {name.partition(".")[0] for name in again.compiled}
    return found
