"""A checked and lowered module, with what is reused, on its way to an object: units in order, lines, warnings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from actors.compiler.toolchain import CompileJob, Item, Object
from actors.diagnostics import Diagnostic, Finding, placed
from orchestrator.toolchains.ruchy.assemble import assemble
from orchestrator.toolchains.ruchy.check.checker import Checked
from orchestrator.toolchains.ruchy.check.hir import FunctionBody
from orchestrator.toolchains.ruchy.check.module import Seen, unit_of
from orchestrator.toolchains.ruchy.check.passes import Pass
from orchestrator.toolchains.ruchy.lower.layout import is_native, valtype
from orchestrator.toolchains.ruchy.reuse import Spot
from orchestrator.toolchains.ruchy.syntax.names import METHOD
from orchestrator.toolchains.ruchy.syntax.parser import literal_findings
from orchestrator.toolchains.ruchy.syntax.top import TOP
from orchestrator.toolchains.ruchy.units import CachedUnit, PlacedUnit, encode, fragment_pieces
from orchestrator.toolchains.ruchy.view import Ordinals, View
from orchestrator.wasm.fragment import Fragment


class Finished:
    """The parts of one object. Raises LookupError where a reused unit names something that is not there."""

    def __init__(
        self,
        job: CompileJob,
        view: View,
        checked: Checked,
        fragments: Sequence[Fragment],
        items: Mapping[str, Item],
        reused: Mapping[str, tuple[CachedUnit, bytes]],
    ) -> None:
        self._job = job
        self._view = view
        self._items = items
        self._reused = reused
        assert checked.state is not None
        self._state: Pass = checked.state
        self._body = checked.body
        self._found: Ordinals | None = None
        self._warned: dict[str, list[Finding]] = {}
        for finding in (*literal_findings(view.tokens), *checked.warnings):
            self._sort(finding)
        self._made: dict[str, CachedUnit] = {}
        assert checked.module is not None
        self._gather(checked.module.functions, fragments, checked.module.calls_main)

    @property
    def _ordinals(self) -> Ordinals:
        if self._found is None:
            functions = self._state.made.functions
            methods = {
                item.node.start: unit_of(item.symbol)
                for item in functions
                if METHOD in item.symbol and item.instance is None
            }
            self._found = Ordinals(self._view, self._body, methods)
        return self._found

    # ------------------------------------------------------------ units

    def _sort(self, finding: Finding) -> None:
        """Enters a warning where it belongs, its token counted from there."""
        unit, at = self._ordinals.find(finding.at)
        length = finding.length or self._view.length(finding.at)
        self._warned.setdefault(unit, []).append(msgspec.structs.replace(finding, at=at, length=length))

    def _gather(self, functions: Sequence[FunctionBody], fragments: Sequence[Fragment], calls_main: bool) -> None:
        parts: dict[str, list[tuple[FunctionBody, Fragment]]] = {}
        for function, fragment in zip(functions, fragments, strict=True):
            parts.setdefault(unit_of(function.symbol), []).append((function, fragment))
        grown: dict[int, int] = {}
        for seen, by in self._state.spent:
            grown[id(seen)] = grown.get(id(seen), 0) + by
        for name, members in parts.items():
            if name == TOP:
                members = [(function, self._counted(fragment)) for function, fragment in members]
            first = members[0][0]
            seen = self._state.report.seen.get(name, _NOTHING)
            self._made[name] = CachedUnit(
                name=name,
                fragments=tuple([fragment_pieces(fragment) for _, fragment in members]),
                public=(1 + _is_native(first)) if first.public and METHOD not in name else 0,
                calls_main=calls_main and name == TOP,
                bindings=tuple(sorted(seen.bindings)),
                grown=grown.get(id(seen), 0),
                warnings=tuple(self._warned.get(name, ())),
            )

    def _counted(self, fragment: Fragment) -> Fragment:
        """A fragment of the top level, its sites counted among the statements' tokens."""
        sites = tuple([self._ordinals.find(at)[1] for at in fragment.sites])
        return msgspec.structs.replace(fragment, sites=sites)

    # ------------------------------------------------------------ the object

    def object(self) -> Object:
        """The object, with the units in the order of the source."""
        order = list(self._items) or list(self._made)
        if len(order) != len(self._made) + len(self._reused):
            raise LookupError("other units than the summary has")
        fingerprints = self._job.fingerprints if self._items else {}
        parts: list[PlacedUnit] = []
        functions: list[str] = []
        compiled: list[str] = []
        warned: list[tuple[Finding, int]] = []
        for name in order:
            known = self._reused.get(name)
            unit = known[0] if known is not None else self._made[name]
            spot = _CompiledSpot(self._view, self._ordinals, name) if known is None or name == TOP else self._spot(name)
            data = known[1] if known is not None else encode(unit) if name in fingerprints else b""
            lines = [spot.lines(fragment.sites) for fragment in unit.fragments]
            parts.append(PlacedUnit(unit, data, lines))
            names = [fragment.name for fragment in unit.fragments]
            functions += names
            if known is None:
                compiled += names
            warned += [(warning, spot.offset(warning.at)) for warning in unit.warnings]
        warned += [(one, self._view.offset(one.at)) for one in self._warned.get("", ())]
        return Object(
            data=assemble(self._job.module, self._job.path, parts, fingerprints),
            functions=tuple(functions),
            compiled=tuple(compiled),
            warnings=self._shown(warned),
        )

    def _spot(self, name: str) -> Spot:
        return Spot(self._view, self._items[name])

    def _shown(self, warned: Sequence[tuple[Finding, int]]) -> tuple[Diagnostic, ...]:
        diagnostics: list[Diagnostic] = []
        for one, start in sorted(warned, key=_place_of):
            place = self._view.place(start + one.offset, one.length)
            diagnostics.append(placed(one, place, module=self._job.module, file=self._job.path))
        return tuple(diagnostics)


class _CompiledSpot:
    """A unit whose tokens are those of the view."""

    def __init__(self, view: View, ordinals: Ordinals, name: str) -> None:
        self._view = view
        self._ordinals = ordinals
        self._name = name

    def offset(self, number: int) -> int:
        return self._view.offset(self._ordinals.absolute(self._name, number))

    def lines(self, numbers: Sequence[int]) -> list[int]:
        return [self._view.line(self.offset(number)) for number in numbers]


_NOTHING = Seen()


def _place_of(pair: tuple[Finding, int]) -> tuple[int, str, str]:
    warned, start = pair
    return start + warned.offset, warned.code, warned.message


def _is_native(function: FunctionBody) -> bool:
    native = all(not valtype(type_) or is_native(type_) for type_ in [*function.parameters, function.result])
    return native and not function.changes
