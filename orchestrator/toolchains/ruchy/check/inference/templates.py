"""Templates with placeholders.

In macros and `format!` they are Rust's: `{}`, `{0}`, `{name}`, each with a specification, `{{` for a brace, and as many
placeholders as arguments. In the function form a placeholder is `{}`, `{0}` or `{…:spec}`; all other braces are text,
what is missing stays as it is, and what is too much is computed and dropped.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.data.display import joined
from orchestrator.toolchains.ruchy.check.data.formats import PLAIN, Spec, count_of, formatted, read_spec
from orchestrator.toolchains.ruchy.check.function import Fn, expr, open_type
from orchestrator.toolchains.ruchy.check.inference.infer import resolve
from orchestrator.toolchains.ruchy.check.scope import Variable
from orchestrator.toolchains.ruchy.check.types import ERROR, NEVER, STRING, UNIT
from orchestrator.toolchains.ruchy.syntax import tree

_BRACES = re.compile(r"\{\{|\}\}|\{([^{}]*+)\}|[{}]")
_HOLE = re.compile(r"\{(\d*+|[A-Za-z_]\w*+)(?::([^{}]*+))?\}", re.ASCII)
_ARGUMENT = re.compile(r"(\d++|[A-Za-z_]\w*+)?", re.ASCII)


class Hole(NamedTuple):
    """A placeholder: what it names ("" for the next argument) and its specification."""

    text: str
    name: str
    spec: Spec


Piece = str | Hole


def pieces_of_macro(c: Fn, at: int, template: str) -> list[Piece] | None:
    """A template of a macro; None after an error."""
    pieces: list[Piece] = []
    end = 0
    for match in _BRACES.finditer(template):
        pieces.append(template[end : match.start()])
        end = match.end()
        brace = match[0]
        if brace in ("{{", "}}"):
            pieces.append(brace[0])
            continue
        if match[1] is None:
            other = "}" if brace == "{" else "{"
            c.p.error(
                "E0031", at, f"`{brace}` in a template without its `{other}`", f"write `{brace * 2}` for the brace"
            )
            return None
        name, _, text = match[1].partition(":")
        spec = read_spec(text)
        if spec is None or _ARGUMENT.fullmatch(name.strip()) is None:
            c.p.error("E0031", at, f"`{brace}` is no placeholder", _FORMS)
            return None
        pieces.append(Hole(brace, name.strip(), spec))
    pieces.append(template[end:])
    return pieces


_FORMS = (
    "placeholders are `{}`, `{0}`, `{name}`, `{:>5}`, `{:05}`, `{:.2}`, `{:x}`, `{:?}`; a brace is written `{{` or `}}`"
)


def pieces_of_function(c: Fn, template: str) -> list[Piece]:
    """A template of the function form. Without a placeholder it is one piece."""
    pieces: list[Piece] = []
    end = 0
    if "{" in template:
        for hole in _HOLE.finditer(template):
            name, text = hole[1], hole[2]
            spec = PLAIN if text is None else read_spec(text)
            if spec is None or (name[:1].isidentifier() and (text is None or not _is_local(c, name))):
                continue
            pieces += [template[end : hole.start()], Hole(hole[0], name, spec)]
            end = hole.end()
    pieces.append(template[end:])
    return pieces


def _is_local(c: Fn, name: str) -> bool:
    return isinstance(c.names.get(name), Variable)


def fill(c: Fn, at: int, pieces: list[Piece], nodes: list[tree.Expr], strict: bool) -> list[hir.Expr]:
    """The parts of a template: arguments are computed once, in the order written."""
    return _Filling(c, at, nodes, strict).fill(pieces)


class _Filling:
    def __init__(self, c: Fn, at: int, nodes: list[tree.Expr], strict: bool) -> None:
        self.c = c
        self.at = at
        self.strict = strict
        self.named: dict[str, int] = {}
        self.nodes: list[tree.Expr] = []
        for node in nodes:
            if strict and isinstance(node, tree.Assign) and not node.op and isinstance(node.place, tree.Path):
                self.named[node.place.segments[-1]] = len(self.nodes)
                node = node.value
            self.nodes.append(node)
        self.values = [expr(c, node) for node in self.nodes]
        self.used: list[int] = []
        self.next = 0

    def fill(self, pieces: list[Piece]) -> list[hir.Expr]:
        holes = [self._references(piece) if isinstance(piece, Hole) else None for piece in pieces]
        missing = next(
            (piece for piece, hole in zip(pieces, holes, strict=True) if hole is None and isinstance(piece, Hole)), None
        )
        if self.strict and not self._counts(missing):
            return []
        bound = self._bound()
        parts: list[hir.Expr] = []
        for piece, hole in zip(pieces, holes, strict=True):
            if not isinstance(piece, Hole):
                parts.append(hir.Str(STRING, self.at, piece))
            elif hole is None:
                parts.append(hir.Str(STRING, self.at, piece.text))
            else:
                value, width, precision = [None if one is None else self._value(one) for one in hole]
                assert value is not None
                parts += formatted(self.c, value, piece.spec, count_of(self.c, width), count_of(self.c, precision))
        if not bound:
            return parts
        return [hir.Block(STRING, self.at, bound, joined(self.at, parts))]

    def _references(self, hole: Hole) -> tuple[int | str, int | str | None, int | str | None] | None:
        """The value, width and precision of a placeholder, as numbers of arguments and names; None where one is
        missing."""
        spec = hole.spec
        width = self._find(spec.width) if isinstance(spec.width, str) else None
        precision = self._find(spec.precision.strip("*")) if isinstance(spec.precision, str) else None
        value = self._find(hole.name)
        if value is None or (isinstance(spec.width, str) and width is None):
            return None
        if isinstance(spec.precision, str) and precision is None:
            return None
        references = (value, width, precision)
        self.used += [one for one in (value, precision, width) if isinstance(one, int)]  # as `formatted` takes them
        return references

    def _find(self, name: str) -> int | str | None:
        if name == "":
            index = self.next
            self.next += 1
        elif name.isdigit():
            index = int(name[:9])
        elif name in self.named:
            index = self.named[name]
        else:
            return name if self.strict or _is_local(self.c, name) else None
        return index if index < len(self.values) else None

    def _counts(self, missing: Hole | None) -> bool:
        """E0308 and E0309 where placeholders and arguments are not as many."""
        p = self.c.p
        if missing is not None:
            given = len(self.values)
            were = "was" if given < 2 else "were"
            message = f"the placeholder `{missing.text}` has no argument: {given or 'none'} {were} given"
            p.error("E0308", self.at, message, "add the argument; a brace that is meant is written `{{` or `}}`")
            return False
        for index, node in enumerate(self.nodes):
            if index not in self.used:
                p.error(
                    "E0309",
                    node.at,
                    "no placeholder shows this argument",
                    "add a `{}` to the template, or remove the argument",
                )
                return False
        return True

    def _bound(self) -> list[hir.Stmt]:
        """What computes the arguments beforehand, where the placeholders do not take each of them once and in order."""
        if self.used == list(range(len(self.values))):
            return []
        out: list[hir.Stmt] = []
        for index, value in enumerate(self.values):
            kind = resolve(value.type)
            if value.__class__ in (hir.Int, hir.Float, hir.Str) or kind is NEVER or kind is ERROR:
                continue
            if kind is UNIT:
                out.append(hir.Do(value))
                self.values[index] = hir.Unit(UNIT, value.at)
                continue
            slot = self.c.slot(value.type)
            out.append(hir.Let(slot, value))
            self.values[index] = hir.Local(value.type, value.at, slot)
        return out

    def _value(self, reference: int | str) -> hir.Expr:
        if isinstance(reference, str):
            return expr(self.c, tree.Path(self.at, (reference,)))
        value = self.values[reference]
        if not isinstance(value, hir.Local):
            return value
        return open_type(self.c, hir.Local(value.type, value.at, value.slot))
