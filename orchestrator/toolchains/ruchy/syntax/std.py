"""Paths into `std`: what this target has of it is built in under shorter names, so these paths mean those."""

from __future__ import annotations

from orchestrator.toolchains.ruchy.syntax.lexer import words

_SHORT = words("collections string vec boxed option result cmp ops fmt iter")
"""Modules of `std` whose names stand alone here: `std::collections::HashMap` is `HashMap`."""
_KEPT = words("env fs io math mem process random time f32 f64 i8 i16 i32 i64 isize u8 u16 u32 u64 usize")
"""Modules whose names stand before what is in them: `std::mem::swap` is `mem::swap`."""
_OF_FMT = words("Display Debug Formatter Write Result")
"""What `use std::fmt` names with its module: `fmt::Display`."""
_WITHOUT_USE = _SHORT | _KEPT
"""Modules that may be imported: either all is there without it, or what is used of them is an error there."""


def without_std(path: tuple[str, ...]) -> tuple[str, ...]:
    """A path as this target has it: without `std`."""
    if len(path) == 2 and path[0] == "fmt" and path[1] in _OF_FMT:
        return path[1:]
    if len(path) < 3 or path[0] not in ("std", "core"):
        return path
    if path[1] in _SHORT:
        return path[2:]
    return path[1:] if path[1] in _KEPT else path


def is_built_in(path: tuple[str, ...]) -> bool:
    """Whether an import of this path brings nothing that is not there without it."""
    return len(path) > 1 and path[0] in ("std", "core") and path[1] in _WITHOUT_USE


OPTIONAL = frozenset(words("env fs io math mem process random time"))
"""What a path may begin with that is built in, and may be a module of the program as well, which goes first."""


def names_of(path: tuple[str, ...]) -> tuple[str, ...]:
    """What a path in code names: of one into `std` that has a module before it, nothing but that module's name."""
    short = without_std(path)
    return short[:1] if short is not path and short[0] in _KEPT else short
