"""Ruchy jobs with all that reuse needs, made without a planner, and what comes of them: for tests of compiles that reuse
fragments. The fingerprints are slow and obviously sufficient: whatever a function's names reach is in them as text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from actors.compiler.toolchain import CompileJob, Item, Object, SummariseJob, Summary
from actors.digests import Digest, digest
from actors.planner.interfaces import interfaces
from actors.planner.resolve import Modules, resolve
from orchestrator.toolchains.ruchy.assemble import FUNCTIONS_SECTION
from orchestrator.wasm.reader import custom_section
from tests.programs import ENTRY, RUCHY, _module_name


def jobs(sources: Mapping[str, str], entry: str = ENTRY) -> dict[str, CompileJob]:
    """The compile jobs of modules that are right, by module, with signatures and fingerprints."""
    paths = {_module_name(path, entry): path for path in sorted(sources)}
    texts = {name: RUCHY.normalise(sources[path].encode()) for name, path in paths.items()}
    summaries: dict[str, Summary | None] = {}
    for name, source in texts.items():
        summarised = RUCHY.summarise(SummariseJob(module=name, path=paths[name], source=source))
        assert summarised.summary is not None, summarised.diagnostics
        summaries[name] = summarised.summary
    modules = Modules(summaries, paths)
    resolved = {name: resolve(modules, name) for name in texts}
    made: dict[str, CompileJob] = {}
    for name, source in texts.items():
        job = CompileJob(
            module=name,
            path=paths[name],
            source=source,
            resolution=tuple(one for one in resolved[name].bindings if one.module or one.failed),
            interfaces=interfaces(modules, name, resolved),
            summary=summaries[name],
        )
        job = msgspec.structs.replace(job, signatures=RUCHY.infer(job).signatures)
        made[name] = msgspec.structs.replace(job, fingerprints=fingerprints(job))
    return made


def job_of(source: str) -> CompileJob:
    """That of a project of one module."""
    return jobs({ENTRY: source})["main"]


def fingerprints(job: CompileJob) -> dict[str, Digest]:
    assert job.summary is not None
    own = {item.name: item for item in job.summary.items}
    return {item.name: digest(repr(_dependencies(job, item, own)).encode()) for item in own.values() if item.code}


def _dependencies(job: CompileJob, item: Item, own: Mapping[str, Item]) -> list[object]:
    bindings = {(one.scope, one.name): f"{one.module}::{one.item}" for one in job.resolution}
    heads = [one.digest for one in own.values() if item.name.startswith(f"{one.name}::")]
    found: list[object] = [job.module, item.name, item.digest, heads, job.signatures.get(item.name)]
    seen: set[str] = set()
    waiting = [(item.name.rpartition("::")[0], name) for name in item.names]
    waiting += [("", key) for one in [job.signatures.get(item.name)] if one for key in one.names]
    while waiting:
        scope, name = waiting.pop()
        keys = [f"{outer}::{name}" if outer else name for outer in _scopes(scope)]
        key = next((one for one in keys if one in own or one.rpartition("::")[0] in own), "")
        key = f"{job.module}::{key}" if key else next(filter(None, [bindings.get((s, name)) for s in _scopes(scope)]), "")
        key = key or (name if name in job.interfaces or name.startswith(f"{job.module}::") else "")
        found.append((scope, name, key))
        if not key or key in seen:
            continue
        seen.add(key)
        module, _, inside = key.partition("::")
        if module != job.module:
            found.append(_reached(job, key))
            continue
        target = own.get(inside) or own.get(inside.rpartition("::")[0])
        if target is None:
            continue
        signature = job.signatures.get(target.name)
        found.append((target.name, target.kind, target.public, signature or target.interface))
        names = () if signature else target.interface_names
        waiting += [(target.name.rpartition("::")[0], one) for one in names]
        waiting += [("", one) for one in (signature.names if signature else ())]
    return found


def _reached(job: CompileJob, key: str) -> object:
    seen: dict[str, object] = {}
    waiting = [key]
    while waiting:
        at = waiting.pop()
        if at not in seen:
            seen[at] = job.interfaces.get(at)
            waiting += job.interfaces[at].names.values() if at in job.interfaces else ()
    return sorted(seen.items())


def _scopes(scope: str) -> Iterable[str]:
    while scope:
        yield scope
        scope = scope.rpartition("::")[0]
    yield ""


def compiled(job: CompileJob, fragments: Mapping[Digest, bytes] | None = None) -> Object:
    done = RUCHY.compile(msgspec.structs.replace(job, fragments=dict(fragments or {})))
    assert done.object is not None, done.diagnostics
    return done.object


def fragments_of(made: Object) -> dict[Digest, bytes]:
    """The fragments in an object, by fingerprint, found as the keeper finds them."""
    table = msgspec.msgpack.decode(custom_section(made.data, FUNCTIONS_SECTION) or b"\x90")
    return {raw.hex(): made.data[at : at + size] for raw, at, size in table}
