"""Ruchy programs in tests: from text to bytes to output, through the toolchain and the planner's resolution alone."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple

from actors.compiler.toolchain import CompileJob, Linked, LinkInput, LinkJob, Object, SummariseJob, Summary
from actors.diagnostics import Diagnostic, in_text
from actors.digests import module_name
from actors.planner.deep import Meanings, interfaces
from actors.planner.reports import of_item
from actors.planner.resolve import Modules, Resolved, resolve
from orchestrator.toolchains.ruchy import Ruchy
from orchestrator.wasm.execute import MEMORY_LIMIT
from tests.helpers.running import run_program

RUCHY = Ruchy()
ENTRY = "main.ruchy"


class BuiltProgram(NamedTuple):
    """What came of some modules. `program` is None exactly where `diagnostics` has an error."""

    program: bytes | None
    exports: tuple[str, ...]
    objects: dict[str, Object]
    diagnostics: list[Diagnostic]

    def errors(self) -> list[Diagnostic]:
        return [found for found in self.diagnostics if found.severity == "error"]


class ProgramRun(NamedTuple):
    code: int
    stdout: str
    stderr: str
    reason: str
    """Why the host stopped it ("stack", "memory", ...), "" if it ended by itself."""


def build(sources: Mapping[str, str], entry: str = ENTRY) -> BuiltProgram:
    """Builds modules, named by path. The entry may have any name."""
    paths = {_module_name(path, entry): path for path in sorted(sources)}
    texts = {name: RUCHY.normalise(sources[path].encode()) for name, path in paths.items()}
    found: list[Diagnostic] = []
    summaries: dict[str, Summary | None] = {}
    for name, source in texts.items():
        summarised = RUCHY.summarise(SummariseJob(module=name, path=paths[name], source=source))
        summaries[name] = summarised.summary
        found += summarised.diagnostics
    modules = Modules(summaries, paths)
    resolved = {name: resolve(modules, name) for name in texts if summaries[name] is not None}
    objects: dict[str, Object] = {}
    for name, resolution in resolved.items():
        found += [in_text(one, texts[name], module=name, file=paths[name]) for one in resolution.findings]
        compiled = RUCHY.compile(_job(modules, name, paths[name], texts[name], resolved, resolution))
        found += compiled.diagnostics
        if compiled.object is not None:
            found += compiled.object.warnings
            objects[name] = compiled.object
    if any(one.severity == "error" for one in found) or len(objects) < len(texts):
        return BuiltProgram(None, (), objects, found)
    main = _module_name(entry, entry)
    linked = _link(objects, paths, main)
    items = {item.name: item for item in summaries[main].items}  # type: ignore[union-attr]
    found += [of_item(one, items.get(one.item), texts[main], module=main, file=paths[main]) for one in linked.findings]
    return BuiltProgram(linked.program, linked.exports, objects, found)


def _module_name(path: str, entry: str) -> str:
    return "main" if path == entry else module_name(path, RUCHY.extensions)


def _job(
    modules: Modules, name: str, path: str, source: bytes, resolved: dict[str, Resolved], own: Resolved
) -> CompileJob:
    return CompileJob(
        module=name,
        path=path,
        source=source,
        resolution=own.bindings,
        interfaces=interfaces(Meanings(modules, resolved.get), name, own.bindings),
    )


def _link(objects: dict[str, Object], paths: dict[str, str], entry: str) -> Linked:
    order = [entry, *sorted(set(objects) - {entry})]
    inputs = tuple(LinkInput(module=name, path=paths[name], data=objects[name].data) for name in order)
    return RUCHY.link(LinkJob(entry=entry, objects=inputs))


def compile_text(source: str, path: str = ENTRY) -> bytes:
    """The program of one module; an AssertionError with the errors where there are some."""
    built = build({path: source}, path)
    assert built.program is not None, built.errors()
    return built.program


def errors_of(source: str) -> list[Diagnostic]:
    """The errors of one module, which must have some."""
    built = build({ENTRY: source})
    assert built.program is None
    return built.errors()


def run(program: bytes, memory_limit: int = MEMORY_LIMIT) -> ProgramRun:
    """Runs a program to its end."""
    ended = run_program(program, capture=True, memory_limit=memory_limit)
    assert ended.stdout is not None and ended.stderr is not None
    return ProgramRun(ended.exit_code, ended.stdout.decode(), ended.stderr.decode(), ended.reason)


def run_text(source: str, path: str = ENTRY, memory_limit: int = MEMORY_LIMIT) -> ProgramRun:
    """Builds one module and runs it."""
    return run(compile_text(source, path), memory_limit)


def read_folder(folder: str) -> dict[str, str]:
    """The sources of a project by path."""
    found: dict[str, str] = {}
    for parent, _, files in os.walk(folder):
        for file in files:
            if file.endswith(".ruchy"):
                path = os.path.join(parent, file)
                with open(path, encoding="utf-8", newline="") as opened:
                    found[os.path.relpath(path, folder).replace(os.sep, "/")] = opened.read()
    return found
