"""The C compiler proves the types that the text of a file proposes (`summary.py`).

Behind the text stand assertions that it checks in the same compile, when it knows all headers, macros and types. They
leave nothing in the object. If one fails, the file is compiled without them, and the object names the functions whose
types are others than the text seems to say: another language that calls one of them is refused when it is linked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from orchestrator.toolchains.c.summary import CFunction
from orchestrator.toolchains.objects import custom_sections
from orchestrator.wasm.leb import custom

SECTION = "wasmill.refuted"
MOST = 15
"""Failed assertions that the compiler reports before it stops."""

_KEYWORDS = "void char short int long float double signed unsigned _Bool default _Generic _Static_assert"


def assertions(functions: Iterable[CFunction]) -> bytes:
    """What to compile behind a text that defines these functions, empty for none that others may call."""
    lines: list[str] = []
    for one in functions:
        if one.function.refused:
            continue
        pointer = f"{one.types[0]} (*)({', '.join(one.types[1:]) or 'void'})"
        lines.append(f"#undef {one.name}")
        lines.append(
            f'__extension__ _Static_assert(_Generic(&{one.name}, {pointer}: 1, default: 0), "type of {one.name}");'
        )
    if not lines:
        return b""
    head = ["", "", "#pragma clang diagnostic push", '#pragma clang diagnostic ignored "-Weverything"']
    head += [f"#undef {word}" for word in _KEYWORDS.split()]
    return "\n".join([*head, *lines, "#pragma clang diagnostic pop", ""]).encode()


def refuted(functions: Sequence[CFunction], messages: Sequence[str]) -> tuple[str, ...]:
    """The functions that errors of the compiler are about; all of them where that is not clear."""
    names = [one.name for one in functions if not one.function.refused]
    said = set(re.findall(r"\w+", " ".join(messages)))
    named = tuple([name for name in names if name in said])
    return tuple(names) if not named or len(messages) >= MOST else named


def with_refuted(data: bytes, names: Sequence[str]) -> bytes:
    """The object with the names of functions that other languages must not call."""
    return data + custom(SECTION, "\n".join(names).encode()) if names else data


def refuted_in(data: bytes) -> frozenset[str]:
    """The names that an object has so."""
    for name, start, stop, _ in custom_sections(data):
        if name == SECTION:
            return frozenset(data[start:stop].decode("utf-8", "replace").split("\n"))
    return frozenset()
