"""A position in untrusted WebAssembly bytes, and what section headers alone can answer."""

from __future__ import annotations

from orchestrator.wasm.leb import MAGIC


class ObjectError(ValueError):
    """The bytes are not a relocatable object that we can link. `what` is wrong at `offset` bytes from the start."""

    def __init__(self, what: str, offset: int) -> None:
        super().__init__(f"{what} (at offset {offset})")
        self.what = what
        self.offset = offset


class UnsupportedError(ObjectError):
    """The object is well-formed, but has something that only other linkers handle: `what` names it."""


def custom_section(data: bytes, name: str) -> bytes | None:
    """Returns the content of the first custom section of that name, or None. It reads section headers only, so it works
    on any module. Raises ObjectError where the headers are malformed."""
    cursor = ByteCursor(data)
    wanted = name.encode()
    try:
        cursor.magic()
        while cursor.position < len(data):
            number, end = cursor.header()
            if number == 0:
                size = cursor.u32()
                start = cursor.position
                if start + size > end:
                    raise ObjectError("the name of a custom section is longer than the section", start)
                if data[start : start + size] == wanted:
                    return bytes(data[start + size : end])
            cursor.position = end
    except IndexError:
        raise ObjectError("the file ends in the middle of something", cursor.position) from None
    return None


class ByteCursor:
    """A position in bytes. Reading past the end raises IndexError, which callers turn into an ObjectError: a check
    before each byte would be the larger part of the cost of reading."""

    __slots__ = ("data", "position")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.position = 0

    def magic(self) -> None:
        if self.data[:8] != MAGIC:
            raise ObjectError("not a WebAssembly file", 0)
        self.position = 8

    def header(self) -> tuple[int, int]:
        """Reads a section header: the section's number, and the offset of its end."""
        number = self.byte()
        size = self.u32()
        end = self.position + size
        if end > len(self.data):
            raise ObjectError(f"section {number} is longer than the file", self.position)
        return number, end

    def byte(self) -> int:
        value = self.data[self.position]
        self.position += 1
        return value

    def u32(self) -> int:
        data, position = self.data, self.position
        value = data[position]
        if value > 127:
            value &= 127
            shift = 7
            while True:
                position += 1
                byte = data[position]
                value |= (byte & 127) << shift
                if byte < 128:
                    break
                shift += 7
                if shift > 28:
                    raise ObjectError("a number is longer than 32 bits", position)
            if value > 0xFFFFFFFF:
                raise ObjectError("a number is longer than 32 bits", position)
        self.position = position + 1
        return value

    def signed(self, limit: int = 5) -> int:
        """Reads a signed number of at most `limit` bytes."""
        start = position = self.position
        data, value, shift = self.data, 0, 0
        while True:
            byte = data[position]
            position += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                self.position = position
                return value - (1 << shift) if byte & 64 else value
            if position - start >= limit:
                raise ObjectError("a signed number is too long", start)

    def take(self, size: int) -> bytes:
        start = self.position
        end = start + size
        if end > len(self.data):
            raise IndexError
        self.position = end
        return self.data[start:end]

    def name(self) -> str:
        data, start = self.data, self.position + 1
        size = data[start - 1]
        if size > 127:
            size = self.u32()
            start = self.position
        end = start + size
        if end > len(data):
            raise IndexError
        self.position = end
        return data[start:end].decode()

    def limits(self) -> None:
        flags = self.u32()
        self.signed(10)
        if flags & 1:
            self.signed(10)

    def constant(self) -> bytes:
        """Reads a constant expression without relocations, and returns its bytes with the final `0b`."""
        start = self.position
        opcode = self.byte()
        if opcode in (0x41, 0x42):
            self.signed(10 if opcode == 0x42 else 5)
        elif opcode in (0x43, 0x44):
            self.take(4 if opcode == 0x43 else 8)
        elif opcode == 0xD0:
            self.byte()
        else:
            raise ObjectError(f"constant expression with opcode {opcode:#x} is not supported", start)
        if self.byte() != 0x0B:
            raise ObjectError("constant expression has more than one instruction", start)
        return self.data[start : self.position]
