"""One module from source to object: what must be compiled is, what may be reused is not looked at.

The law: what is reused never changes the object, its warnings or its errors. So a compile that reuses something and
finds an error is done again in full; and one whose inferred signatures seem wrong is done without them, and leaves
nothing to reuse.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from actors.compiler.toolchain import Compiled, CompileJob, Item, UnknownName
from actors.diagnostics import Finding
from orchestrator.toolchains.ruchy.check.checker import check
from orchestrator.toolchains.ruchy.finished import Finished
from orchestrator.toolchains.ruchy.lower import lower
from orchestrator.toolchains.ruchy.lower.limits import LimitError
from orchestrator.toolchains.ruchy.reuse import coded, cut, known_signatures, reusable, stubs_for
from orchestrator.toolchains.ruchy.signatures import Known
from orchestrator.toolchains.ruchy.syntax.parser import parse_tokens
from orchestrator.toolchains.ruchy.syntax.places import Places
from orchestrator.toolchains.ruchy.units import CachedUnit
from orchestrator.toolchains.ruchy.view import View


def compile_module(job: CompileJob) -> Compiled:
    """Parses, checks, lowers and assembles. Errors in the source come back as diagnostics."""
    try:
        return _compile(job)
    except RecursionError:  # the limit on nesting keeps this from happening, unless the caller is deep itself
        return _refused(job, [_TOO_DEEP])


def _compile(job: CompileJob) -> Compiled:
    signatures = known_signatures(job)
    items = coded(job) if signatures is not None else {}
    if items and signatures is not None:
        reused = reusable(job, items)
        if reused:
            compiled = _attempt(job, items, signatures, reused)
            if compiled is not None and compiled.object is not None:
                return compiled
        compiled = _attempt(job, items, signatures, {})
        if compiled is not None and (compiled.object is not None or not signatures):
            return compiled
    compiled = _attempt(job, {}, signatures if signatures and not items else {}, {})
    if compiled is None or (compiled.object is None and signatures):
        compiled = _attempt(job, {}, {}, {})
    assert compiled is not None
    return compiled


def _attempt(
    job: CompileJob, items: dict[str, Item], signatures: dict[str, Known], reused: dict[str, tuple[CachedUnit, bytes]]
) -> Compiled | None:
    """The module with these units reused, out of `items`: all that have code, none where nothing is ever to be reused.
    None where that does not fit together."""
    view = View(job.source.decode(), cut(items, reused))
    checked = check(job, parse_tokens(view.text, view.tokens), stubs_for(items, signatures, reused))
    if checked.module is None or checked.state is None or checked.state.budget < 0:
        return _refused(job, checked.errors, checked.otherwise, checked.unknown)
    try:
        finished = Finished(job, view, checked, lower(checked.module), items, reused)
        return Compiled(object=finished.object())
    except LimitError as error:
        return _refused(job, [error.finding])
    except (ValueError, LookupError):
        if not items:
            raise
        return None  # a fragment that is none, or not this item's


def _refused(
    job: CompileJob,
    errors: Sequence[Finding],
    otherwise: Sequence[Finding] = (),
    unknown: Mapping[int, str] | None = None,
) -> Compiled:
    """The errors in their places. (Where functions were cut out, those are wrong; such a compile is done again.)"""
    places = Places(job.source.decode())
    told, more = (tuple(places.tell(each, module=job.module, file=job.path)) for each in (errors, otherwise))
    at = {number: places.of(Finding("E0101", name, at=number)) for number, name in (unknown or {}).items()}
    names = [UnknownName(name=name, line=at[one].line, column=at[one].column) for one, name in (unknown or {}).items()]
    return Compiled(diagnostics=told, otherwise=more, unknown=tuple(names))


_TOO_DEEP = Finding(
    "E0803",
    "an expression of this module is nested too deep for the stack",
    hint="name the inner parts with `let`, or make functions of them",
)
