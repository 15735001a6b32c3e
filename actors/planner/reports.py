"""What the planner itself says of a build: errors that no compile can find, hints that only it can give, and why
something is compiled, which is the difference, field by field, to what the last finished build was made from.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from hashlib import sha256

import msgspec

from actors.compiler.toolchain import Item, UnknownName
from actors.diagnostics import Diagnostic, Finding, about_file, about_project, in_text
from actors.digests import Digest
from actors.messages import BuildSettings
from actors.planner.facts import Facts
from actors.planner.fingerprints import TRACE_BYTES, Fingerprint
from actors.planner.table import Plan, PlannedModule
from actors.result import Reason
from actors.untrusted import UNREADABLE

MOST = 3
"""Modules that are named for one name."""


# ---- errors


def crashed(module: str, path: str, what: str) -> Diagnostic:
    hint = "this is a bug of the compiler, not of the program: please report it with this module"
    what = f"the compiler broke on this module: {what}"
    return about_file("E0901", what, module=module, file=path, hint=hint)


def keeps_changing(module: str, path: str) -> Diagnostic:
    hint = "build again when nothing writes to it any more"
    what = "this file changed again and again while it was being built"
    return about_file("E0809", what, module=module, file=path, hint=hint)


def findings(facts: Facts, module: str, entry: str) -> list[Finding]:
    """What is wrong with a module that has a summary, before anything is compiled."""
    wrong = list(facts.resolved[module].findings) if module in facts.troubled else []
    line = facts.rows[module].statements
    if line and module != entry:
        what = "only the entry module may have statements at its top level"
        wrong.append(Finding("E0810", what, hint="move them into a function", at=line))
    return wrong


def with_findings(facts: Facts, entry: str) -> list[str]:
    """The modules that have some."""
    return sorted(
        facts.troubled.union([module for module, row in facts.rows.items() if row.statements and module != entry])
    )


def unread(facts: Facts, entry: str) -> list[str]:
    """Modules of which something is to be said, and whose text is not at hand."""
    return [module for module in with_findings(facts, entry) if facts.sources[module].data is None]


def of_item(finding: Finding, item: Item | None, source: bytes, *, module: str, file: str) -> Diagnostic:
    """A finding about an item, where its name first stands in its text; without an item, about the whole file."""
    if item is not None:
        text = source.decode("utf-8", "replace")
        named = re.compile(rf"\b{re.escape(item.name)}\b").search(text, item.start, item.stop)
        at = named.start() if named else item.start
        line, start = text.count("\n", 0, at) + 1, text.rfind("\n", 0, at) + 1
        finding = msgspec.structs.replace(finding, at=line, offset=at - start, length=len(item.name))
    return in_text(finding, source, module=module, file=file)


def nothing_there(settings: BuildSettings, told: Iterable[Diagnostic], modules: Collection[str]) -> list[Diagnostic]:
    """The error of a project without modules, or without the module that was named as the entry. None where an error
    that is `told` already says why there are no modules (a file with a wrong name)."""
    if not modules:
        return [] if any(diagnostic.severity == "error" for diagnostic in told) else [no_sources(settings.root)]
    if settings.entry_named and settings.entry not in modules:
        return [no_entry(settings.entry, modules)]
    return []


def no_sources(root: str) -> Diagnostic:
    what = f"there is no module under {root}" if root else "there is no module"
    return about_project("E0811", what, hint="is this the folder of a project?" if root else "")


def no_linker(entry: str, path: str, kinds: list[str]) -> Diagnostic:
    """No toolchain of the project links the objects of the program together."""
    what = f"no toolchain links objects of these kinds into one program: {', '.join(f'`{kind}`' for kind in kinds)}"
    hint = "let the entry reach modules of one toolchain alone, or of toolchains that one linker takes"
    return about_file("E0906", what, module=entry, file=path, hint=hint)


def no_entry(entry: str, modules: Iterable[str]) -> Diagnostic:
    names = sorted(modules)
    listed = ", ".join(f"`{name}`" for name in names[:5]) + (" ..." if len(names) > 5 else "")
    hint = f"there are {listed}" if names else "there are no modules at all"
    return about_project("E0808", f"there is no entry module `{entry}`", hint=hint)


def not_written(path: str, why: str, *, outside: bool) -> Diagnostic:
    if outside:
        what = f"`output`: the program would not be written to {path}: {why}"
        return about_project("E0815", what, hint="remove the link, or name the place that it leads to as `output`")
    hint = "make room (`wasmill cache clear` empties the cache), give permission, or choose another `output`"
    return about_project("E0814", f"the program could not be written to {path}: {why}", hint=hint)


# ---- hints about unknown names


def with_hints(
    errors: Sequence[Diagnostic], unknown: Sequence[UnknownName], module: str, facts: Facts
) -> list[Diagnostic]:
    """The errors of a module, with hints at other modules that have the names which are unknown in it. What a module
    compiles to depends on no module that it does not import, so these hints are no part of it."""
    names = {(name.line, name.column): name.name for name in unknown}
    return [_with_hint(error, names.get((error.line, error.column), ""), module, facts) for error in errors]


def _with_hint(error: Diagnostic, name: str, module: str, facts: Facts) -> Diagnostic:
    hint = _hint(name, module, facts, error.hint) if name else ""
    return msgspec.structs.replace(error, hint=hint) if hint else error


def _hint(name: str, module: str, facts: Facts, otherwise: str) -> str:
    having = sorted(_having(name, module, facts), key=lambda pair: (not pair[1].public, pair[0], pair[1].name))
    public = [(home, item) for home, item in having if item.public][:MOST]
    if len(public) == 1:
        home, item = public[0]
        return f"`{_path(home)}` has it: add `use {_path(home)}::{item.name};`"
    if public:
        uses = " or ".join(f"`use {_path(home)}::{item.name};`" for home, item in public)
        return f"other modules have it: add {uses}"
    if otherwise:
        return otherwise
    if having:
        home, item = having[0]
        return f"`{_path(home)}` has it, and it is private there: write `pub` before it (line {item.line})"
    modules = sorted(other for other in facts.sources if other.rpartition("/")[2] == name and other != module)
    return f"`{_path(modules[0])}` is a module: what it has is written `{_path(modules[0])}::...`" if modules else ""


def _having(name: str, module: str, facts: Facts) -> Iterator[tuple[str, Item]]:
    for home in facts.sources:
        summary = facts.modules.summaries[home] if home != module else None
        for item in summary.items if summary is not None else ():
            if item.name.rpartition("::")[2] == name and item.kind != "module":
                yield home, item


def _path(module: str) -> str:
    return module.replace("/", "::")


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(dict[str, bytes]).decode
_OF_THE_WHOLE = ("forced", "first", "new", "toolchain", "options")
FORCED = Reason(kind="forced")
MISSING = Reason(kind="missing")


def marks(imports: Iterable[tuple[str, Digest]]) -> bytes:
    """What a module's imports were, in short: enough to tell which of them changed."""
    return b"".join([_mark(entry) for entry in imports])


def traces(fingerprints: dict[str, Fingerprint]) -> bytes:
    """What a module's functions were made from, in short."""
    return _encode({name: fingerprint.trace for name, fingerprint in fingerprints.items()})


def reason(facts: Facts, module: str, plan: Plan | None, settings_now: Digest) -> Reason:
    """Why a module is compiled: the difference to the last finished build. `settings_now` is the digest of all settings
    that enter keys."""
    if facts.settings.force:
        return FORCED
    if plan is None:
        return Reason(kind="first")
    before = plan.modules.get(module)
    if before is None or not before.key:
        return Reason(kind="new")
    if plan.toolchain != facts.toolchain:
        return Reason(kind="toolchain", fields=("toolchain",))
    if plan.settings != settings_now:
        return Reason(kind="options", fields=("options",))
    return _module_reason(before, facts, module)


def _module_reason(before: PlannedModule, facts: Facts, module: str) -> Reason:
    """Why a module's key is another one, although toolchain and options are the same."""
    row = facts.rows[module]
    fields = []
    if before.source != row.source:
        fields.append("source")
    if before.resolution != facts.resolution_digest(module):
        fields.append("resolution")
    known = _cut(before.marks)
    via = tuple(name for name, digest in facts.key_origins[module].imported if _mark((name, digest)) not in known)
    if via:
        fields.append("imports")
    if before.component != row.component:
        fields.append("component")
    inputs = facts.inputs.changed(before.inputs)
    if inputs:
        fields.append("inputs")
    if not fields:
        return MISSING
    kind = {"source": "source", "resolution": "resolution", "inputs": "input"}.get(fields[0], "import")
    return Reason(kind=kind, fields=tuple(fields), via=inputs if kind == "input" else via)


def function_reasons(before: PlannedModule | None, now: dict[str, Fingerprint], whole: Reason) -> dict[str, Reason]:
    """Why each function would be compiled, whose fingerprint no fragment has. `whole` is why the module is: it answers
    for all of them where they cannot be compared."""
    # Of an object with inputs no fragment is kept, so all its functions are compiled because the module is.
    if before is None or not before.traces or before.inputs or whole.kind in _OF_THE_WHOLE:
        return dict.fromkeys(now, whole)
    try:
        known = _decode(before.traces)
    except UNREADABLE:
        known = {}
    return {name: _function_reason(known.get(name), fingerprint) for name, fingerprint in now.items()}


def _function_reason(before: bytes | None, now: Fingerprint) -> Reason:
    if before is None:
        return Reason(kind="new")
    old = _cut(before[TRACE_BYTES:])
    seen = [now.trace[at : at + TRACE_BYTES] for at in range(TRACE_BYTES, len(now.trace), TRACE_BYTES)]
    via = tuple(name for name, mark in zip(now.names, seen, strict=True) if mark not in old)
    if before[:TRACE_BYTES] != now.trace[:TRACE_BYTES]:
        return Reason(kind="source", fields=("source", "names") if via else ("source",), via=via)
    if via or len(old) != len(set(seen)):
        return Reason(kind="reference", fields=("names",), via=via)
    return MISSING


def _mark(entry: tuple[str, Digest]) -> bytes:
    return sha256(_encode(entry)).digest()[:TRACE_BYTES]


def _cut(marked: bytes) -> set[bytes]:
    return {marked[at : at + TRACE_BYTES] for at in range(0, len(marked), TRACE_BYTES)}
