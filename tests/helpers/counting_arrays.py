"""The array functions of the runtime, for the machine that counts every reference. They always move what grows."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

COUNTED = 256


class CountedArrays:
    """Part of `counting_machine.CountingMachine`, which has the memory."""

    if TYPE_CHECKING:

        def _raw(self, address: int, size: int) -> bytes: ...
        def _write(self, address: int, raw: bytes) -> None: ...
        def _count(self, address: int) -> int: ...
        def rt_alloc(self, size: int) -> int: ...
        def rt_retain(self, address: int) -> None: ...
        def rt_release(self, address: int) -> None: ...
        def rt_free(self, address: int) -> None: ...
        def rt_drop_count(self, address: int) -> int: ...
        def rt_trap(self, lines: int, site: int, reason: int) -> None: ...
        def _trap_index(self, lines: int, site: int, index: int, length: int) -> None: ...

    def _length(self, array: int) -> int:
        self._count(array)
        return int(struct.unpack("<I", self._raw(array + 4, 4))[0])

    def _elements(self, array: int, how: int) -> list[bytes]:
        size = how & 255
        raw = self._raw(array + 8, self._length(array) * size)
        return [raw[at : at + size] for at in range(0, len(raw), size)] if size else [b""] * self._length(array)

    def _array(self, elements: list[bytes], how: int) -> int:
        """A new array; its elements are retained."""
        array = self.rt_alloc(8 + len(elements) * (how & 255))
        self._write(array, struct.pack("<iI", 1, len(elements)) + b"".join(elements))
        if how >= COUNTED:
            for element in elements:
                self.rt_retain(int.from_bytes(element, "little"))
        return array

    def _give_up(self, array: int, how: int) -> None:
        """Releases an array, and at 0 its elements, which are all held by somebody else as well."""
        elements = self._elements(array, how)
        if self.rt_drop_count(array):
            self.rt_free(array)
            if how >= COUNTED:
                for element in elements:
                    address = int.from_bytes(element, "little")
                    assert self._count(address) != 1
                    self.rt_release(address)

    def _replace(self, array: int, elements: list[bytes], how: int) -> int:
        """An array in the place of another one, whose elements are all among the new one's."""
        made = self._array(elements, how)
        self._give_up(array, how)
        return made

    def rt_arr_new(self, length: int, how: int) -> int:
        array = self.rt_alloc(8 + length * (how & 255))
        self._write(array, struct.pack("<iI", 1, length) + b"\xaa" * (length * (how & 255)))
        return array

    def rt_arr_own(self, array: int, how: int) -> int:
        return array if self._count(array) == 1 else self._replace(array, self._elements(array, how), how)

    def rt_arr_grow(self, array: int, more: int, how: int) -> int:
        old = self._elements(array, how)
        made = self.rt_alloc(8 + (len(old) + more) * (how & 255))
        room = b"\xaa" * (more * (how & 255))
        self._write(made, struct.pack("<iI", 1, len(old) + more) + b"".join(old) + room)
        if how >= COUNTED:
            for element in old:
                self.rt_retain(int.from_bytes(element, "little"))
        self._give_up(array, how)
        return made

    def rt_arr_shorten(self, array: int, how: int) -> int:
        return self._replace(array, self._elements(array, how)[:-1], how)

    def rt_arr_index(self, array: int, index: int, lines: int, site: int) -> int:
        length = self._length(array)
        if not -length <= index < length:
            self._trap_index(lines, site, index, length)
        return index % length

    def rt_arr_drop(self, array: int) -> None:
        elements = self._elements(array, 4)
        if self.rt_drop_count(array):
            self.rt_free(array)
            for element in elements:
                self.rt_release(int.from_bytes(element, "little"))

    def rt_arr_slice(self, array: int, start: int, end: int, how: int, lines: int, site: int) -> int:
        elements = self._elements(array, how)
        first, last = (at + len(elements) if at < 0 else at for at in (start, end))
        last = min(last, len(elements))
        if not 0 <= first <= last:
            self._trap_index(lines, site, start, len(elements))
        return self._array(elements[first:last], how)

    def rt_arr_part(self, array: int, start: int, end: int, how: int) -> int:
        return self._array(self._elements(array, how)[max(start, 0) : max(end, 0)], how)

    def rt_arr_concat(self, a: int, b: int, how: int) -> int:
        return self._array(self._elements(a, how) + self._elements(b, how), how)

    def rt_arr_append(self, a: int, b: int, how: int) -> int:
        return self._replace(a, self._elements(a, how) + self._elements(b, how), how)

    def rt_arr_times(self, count: int, how: int, lines: int, site: int) -> int:
        if count < 0:
            self.rt_trap(lines, site, 8)
        return self.rt_arr_new(count, how)

    def rt_arr_fill(self, array: int, how: int) -> None:
        elements = self._elements(array, how)
        self._write(array + 8, elements[0] * len(elements))
        if how >= COUNTED:
            for _ in elements[1:]:
                self.rt_retain(int.from_bytes(elements[0], "little"))

    def rt_arr_reverse(self, array: int, how: int) -> int:
        return self._replace(array, self._elements(array, how)[::-1], how)
