"""The static objects of one function: texts, arrays, records and function values that are known when it is compiled.

Each is named after the function that owns it, and begins with the count -1, which nobody counts: so it is never freed.
Equal objects of one function are one.
"""

from __future__ import annotations

from orchestrator.wasm.fragment import DATA, LOCAL, MEMORY_ADDR_I32, TABLE_INDEX_I32, Data, Reference, Relocation

_UNCOUNTED = b"\xff\xff\xff\xff"


class StaticData:
    """The static objects that a function refers to. `items` are their contents, in the order in which they came."""

    def __init__(self, symbol: str) -> None:
        self.items: list[Data] = []
        self._symbol = symbol
        self._strings: dict[str | bytes, Reference] = {}
        self._arrays: dict[tuple[bytes, tuple[tuple[int, Reference], ...]], Reference] = {}

    def text(self, text: str) -> Reference:
        """A string: count, length, bytes."""
        target = self._strings.get(text)
        if target is None:
            name = f"{self._symbol}.str{len(self._strings)}"
            target = self._strings[text] = Reference(DATA, name)
            self.items.append(static_string(name, text))
        return target

    def array(self, length: int, elements: bytes, words: tuple[tuple[int, Reference], ...]) -> Reference:
        """An array: count, length, elements. `words` are references among these, by offset."""
        key = (elements, words)
        target = self._arrays.get(key)
        if target is None:
            name = f"{self._symbol}.arr{len(self._arrays)}"
            target = self._arrays[key] = Reference(DATA, name)
            raw = _UNCOUNTED + length.to_bytes(4, "little") + elements
            relocations = tuple([Relocation(MEMORY_ADDR_I32, 8 + offset, to) for offset, to in words])
            self.items.append(Data(name, ".rodata", raw, 3, relocations, LOCAL))
        return target

    def record(self, content: bytes) -> Reference:
        """An object of this content behind its count."""
        target = self._strings.get(content)
        if target is None:
            name = f"{self._symbol}.str{len(self._strings)}"
            target = self._strings[content] = Reference(DATA, name)
            self.items.append(Data(name, ".rodata", _UNCOUNTED + content, 2, (), LOCAL))
        return target

    def function_value(self, code: Reference) -> Reference:
        """A function value that captured nothing: count, 0, the slot of its code in the table, 0."""
        name = f"{code.name}.value"
        if not any(item.name == name for item in self.items):
            raw = _UNCOUNTED + bytes(12)
            self.items.append(Data(name, ".rodata", raw, 2, (Relocation(TABLE_INDEX_I32, 8, code),), LOCAL))
        return Reference(DATA, name)


def static_string(name: str, text: str) -> Data:
    """A string that is never counted and never freed."""
    encoded = text.encode()
    return Data(name, ".rodata", _UNCOUNTED + len(encoded).to_bytes(4, "little") + encoded, 2, (), LOCAL)
