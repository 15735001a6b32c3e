"""Where two WebAssembly files begin to differ, in words (section, function, bytes), for people who look for a bug."""

from __future__ import annotations

from orchestrator.wasm.cursor import ByteCursor, ObjectError

_SECTIONS = {
    1: "types", 2: "imports", 3: "functions", 4: "tables", 5: "memories", 6: "globals", 7: "exports", 8: "start",
    9: "elements", 10: "code", 11: "data", 12: "data count",
}  # fmt: skip
_SHOWN = 8


def difference(old: bytes, new: bytes) -> str:
    """Describes the first place at which `new` differs from `old`. Neither needs to be well-formed."""
    if old == new:
        return "they are equal"
    try:
        before, after = _sections(old), _sections(new)
    except (ObjectError, IndexError, UnicodeDecodeError):
        return _bytes(old, new)
    for (name, was, number), (now_name, now, _) in zip(before, after, strict=False):
        if name != now_name:
            return f"there is a section {name}, and a fresh one has {now_name} there"
        if was != now:
            return f"section {name}, {_inside(number, was, now)}"
    longer, word = (before, "only the old one") if len(before) > len(after) else (after, "only a fresh one")
    return f"{word} has a section {longer[min(len(before), len(after))][0]}"


def _sections(data: bytes) -> list[tuple[str, bytes, int]]:
    """Name, payload and number of each section."""
    cursor = ByteCursor(data)
    cursor.magic()
    sections = []
    while cursor.position < len(data):
        number, end = cursor.header()
        payload = data[cursor.position : end]
        if number == 0:
            inner = ByteCursor(payload)
            length = inner.u32()
            name = payload[inner.position : inner.position + length].decode()
            sections.append((f'"{name}"', payload[inner.position + length :], number))
        else:
            sections.append((_SECTIONS.get(number, str(number)), payload, number))
        cursor.position = end
    return sections


def _inside(number: int, old: bytes, new: bytes) -> str:
    if number != 10:
        return _bytes(old, new)
    try:
        before, after = _bodies(old), _bodies(new)
    except (ObjectError, IndexError):
        return _bytes(old, new)
    for index, (was, now) in enumerate(zip(before, after, strict=False)):
        if was != now:
            return f"function {index} of the section, {_bytes(was, now)}"
    return f"{len(before)} functions, and a fresh one has {len(after)}"


def _bodies(payload: bytes) -> list[bytes]:
    cursor = ByteCursor(payload)
    bodies = []
    for _ in range(cursor.u32()):
        size = cursor.u32()
        bodies.append(payload[cursor.position : cursor.position + size])
        cursor.position += size
    return bodies


def _bytes(old: bytes, new: bytes) -> str:
    pairs = enumerate(zip(old, new, strict=False))
    at = next((at for at, (was, now) in pairs if was != now), min(len(old), len(new)))
    was, now = old[at : at + _SHOWN].hex(" ") or "the end", new[at : at + _SHOWN].hex(" ") or "the end"
    return f"byte {at}: {was}, fresh: {now}"
