"""A small machine to run lowered functions on: no linker, and a runtime in Python that counts every reference.

It fails on a use after free, a double free and a wrong count where the real runtime would only misbehave later; after a
run `leaked()` lists what nobody released.
"""

from __future__ import annotations

import math
import struct
from typing import Any

import wasmtime

from orchestrator.toolchains.ruchy.check.hir import CheckedModule
from orchestrator.toolchains.ruchy.lower import lower
from orchestrator.wasm.fragment import DATA, MEMORY_ADDR_I32, Fragment
from orchestrator.wasm.leb import leb5, section, sleb, string, uleb, vector
from tests.helpers.counting_arrays import CountedArrays

_KINDS = {0x7F: "i32", 0x7E: "i64", 0x7D: "f32", 0x7C: "f64"}
_VALTYPES = {
    "i32": wasmtime.ValType.i32,
    "i64": wasmtime.ValType.i64,
    "f32": wasmtime.ValType.f32,
    "f64": wasmtime.ValType.f64,
}
REASONS = [
    "integer overflow",
    "division by zero",
    "remainder by zero",
    "shift amount out of range",
    "negative exponent",
    "no arm of this match fits",
    "unreachable code was reached",
    "capacity of a String exceeded",
    "repeated less than 0 times",
]
_ENGINE = wasmtime.Engine()


class Trap(Exception):
    """The program trapped: reason, and the token ordinal of the site."""

    def __init__(self, reason: str, site: int) -> None:
        super().__init__(reason, site)
        self.reason = reason
        self.site = site


def module_bytes(fragments: list[Fragment]) -> tuple[bytes, dict[str, int], list[tuple[str, bytes]]]:
    """A module that imports whatever the fragments don't define. Returns it, the addresses of data, the imports."""
    code = {part.name: part for fragment in fragments for part in fragment.code}
    items = [item for fragment in fragments for item in fragment.data]
    data = {item.name: item.data for item in items}
    for fragment in fragments:
        name = fragment.code[0].name + ".{lines}"
        data[name] = struct.pack("<I", 0) + b"".join(struct.pack("<I", site) for site in fragment.sites)
    addresses: dict[str, int] = {}
    end = 1024
    for name, content in data.items():
        addresses[name] = end
        end = end + len(content) + 7 & -8
    for item in items:
        raw = bytearray(item.data)
        for relocation in item.relocations:
            raw[relocation.offset : relocation.offset + 4] = struct.pack("<I", addresses[relocation.target.name])
        data[item.name] = bytes(raw)
    imports: dict[str, bytes] = {}
    for part in code.values():
        for relocation in part.relocations:
            target: Any = relocation.target
            if target.kind != DATA and target.name not in code:
                assert imports.setdefault(target.name, target.type) == target.type, target.name
    numbers = {name: index for index, name in enumerate([*imports, *code])}
    types = [*imports.values(), *(part.type for part in code.values())]
    bodies = []
    for part in code.values():
        body = bytearray(part.body)
        for relocation in part.relocations:
            target = relocation.target
            value = addresses[target.name] if target.kind == DATA else numbers[target.name]
            assert relocation.kind != MEMORY_ADDR_I32
            assert body[relocation.offset : relocation.offset + 5] == bytes(5)
            body[relocation.offset : relocation.offset + 5] = leb5(value)
        bodies.append(uleb(len(body)) + body)
    taken = [string("env") + string(name) + b"\0" + uleb(index) for index, name in enumerate(imports)]
    exports = [string(name) + b"\0" + uleb(numbers[name]) for name in code] + [string("memory") + b"\2\0"]
    segments = [
        b"\0\x41" + sleb(addresses[name]) + b"\x0b" + uleb(len(content)) + content for name, content in data.items()
    ]
    module = b"\0asm\1\0\0\0" + b"".join(
        section(number, vector(items))
        for number, items in (
            (1, types),
            (2, taken),
            (3, [uleb(len(imports) + index) for index in range(len(code))]),
            (5, [b"\0" + uleb(512)]),
            (7, exports),
            (10, bodies),
            (11, segments),
        )
    )
    return module, addresses, list(imports.items())


class CountingMachine(CountedArrays):
    """A checked module, lowered and instantiated."""

    def __init__(self, module: CheckedModule) -> None:
        self.fragments = lower(module)
        program, self.addresses, imports = module_bytes(self.fragments)
        self.output = b""
        self.sizes: dict[int, int] = {}
        self.freed: set[int] = set()
        self.copies = 0
        self._end = 65536 * 8
        self._failure: BaseException | None = None
        self._store = wasmtime.Store(_ENGINE)
        functions = [self._import(name, type_) for name, type_ in imports]
        instance = wasmtime.Instance(self._store, wasmtime.Module(_ENGINE, program), functions)
        self._exports = instance.exports(self._store)
        self.memory = self._exports["memory"]

    def _import(self, name: str, type_: bytes) -> wasmtime.Func:
        count = type_[1]
        parameters = [_VALTYPES[_KINDS[kind]]() for kind in type_[2 : 2 + count]]
        results = [_VALTYPES[_KINDS[kind]]() for kind in type_[3 + count :]]
        method = getattr(self, "rt_" + name.removeprefix("rt::"))

        def call(*arguments: Any) -> Any:
            try:
                return method(*arguments)
            except BaseException as error:
                self._failure = error
                raise

        return wasmtime.Func(self._store, wasmtime.FuncType(parameters, results), call)

    def run(self, name: str, *arguments: Any) -> Any:
        """Calls a function by symbol; raises Trap where it traps. Strings are passed and given as Python strings."""
        passed = [self._new_string(value.encode()) if isinstance(value, str) else value for value in arguments]
        try:
            return self._exports[name](self._store, *passed)
        except wasmtime.WasmtimeError:
            if self._failure is None:
                raise
            failure, self._failure = self._failure, None
            raise failure from None
        finally:
            for value, given in zip(passed, arguments, strict=True):
                if isinstance(given, str) and value not in self.freed:
                    self.rt_release(value)

    def leaked(self) -> list[bytes]:
        return [self._raw(address, size) for address, size in self.sizes.items()]

    def text(self, address: int) -> str:
        """The string at an address, which is released."""
        found = self._bytes(address).decode()
        self.rt_release(address)
        return found

    # ------------------------------------------------------------ memory

    def _raw(self, address: int, size: int) -> bytes:
        return bytes(self.memory.read(self._store, address, address + size))

    def _count(self, address: int) -> int:
        assert address not in self.freed, "use after free"
        assert address in self.sizes or address in self.addresses.values(), f"no object at {address}"
        return int(struct.unpack("<i", self._raw(address, 4))[0])

    def _write(self, address: int, raw: bytes) -> None:
        self.memory.write(self._store, raw, address)

    def _set_count(self, address: int, count: int) -> None:
        self.memory.write(self._store, struct.pack("<i", count), address)

    def _bytes(self, address: int) -> bytes:
        self._count(address)
        (length,) = struct.unpack("<I", self._raw(address + 4, 4))
        return self._raw(address + 8, length)

    def _new_string(self, content: bytes) -> int:
        address = self.rt_alloc(8 + len(content))
        self.memory.write(self._store, struct.pack("<iI", 1, len(content)) + content, address)
        return address

    # ------------------------------------------------------------ the runtime

    def rt_alloc(self, size: int) -> int:
        address = self._end + 8  # before it stands the size of its block: 0, so that nothing grows in place
        self._end = address + (size + 7 & -8)
        assert self._end < 512 * 65536
        self.sizes[address] = size
        self._set_count(address, 1)
        return address

    def rt_take(self, size: int) -> int:
        return self.rt_alloc(size)

    def rt_retain(self, address: int) -> None:
        count = self._count(address)
        if count >= 0:
            assert count > 0
            self._set_count(address, count + 1)

    def rt_release(self, address: int) -> None:
        if self.rt_drop_count(address):
            self.rt_free(address)

    def rt_drop_count(self, address: int) -> int:
        count = self._count(address)
        if count < 0:
            return 0
        self._set_count(address, count - 1)
        return int(count == 1)

    def rt_free(self, address: int) -> None:
        del self.sizes[address]
        self.freed.add(address)

    def rt_unshared(self, address: int) -> int:
        return int(self._count(address) == 1)

    def rt_copy(self, address: int, size: int) -> int:
        assert self.sizes[address] == size
        self.copies += 1
        made = self.rt_alloc(size)
        self.memory.write(self._store, self._raw(address + 4, size - 4), made + 4)
        return made

    def rt_str_concat(self, left: int, right: int) -> int:
        return self._new_string(self._bytes(left) + self._bytes(right))

    def rt_str_append(self, left: int, right: int) -> int:
        """Always moves, so that whoever still uses the old string is caught."""
        made = self._new_string(self._bytes(left) + self._bytes(right))
        self.copies += not self.rt_unshared(left)
        self.rt_release(left)
        return made

    def rt_str_eq(self, left: int, right: int) -> int:
        return int(self._bytes(left) == self._bytes(right))

    def rt_str_compare(self, left: int, right: int) -> int:
        a, b = self._bytes(left), self._bytes(right)
        return (a > b) - (a < b)

    def rt_str_len(self, text: int) -> int:
        return len(self._bytes(text))

    def rt_str_debug(self, text: int) -> int:
        escaped = self._bytes(text).replace(b"\\", b"\\\\").replace(b'"', b'\\"')
        return self._new_string(b'"' + escaped + b'"')

    def rt_i64_to_str(self, value: int) -> int:
        return self._new_string(str(value).encode())

    def rt_u64_to_str(self, value: int) -> int:
        return self._new_string(str(value & (1 << 64) - 1).encode())

    def rt_f64_to_str(self, value: float) -> int:
        return self._new_string(repr(value).encode())

    def rt_bool_to_str(self, value: int) -> int:
        """The real one is static; one that is never released stands for that."""
        address = self._new_string(b"true" if value else b"false")
        self._set_count(address, -1)
        del self.sizes[address]
        self.addresses[f"bool{address}"] = address
        return address

    def rt_write(self, fd: int, text: int) -> None:
        self.output += self._bytes(text)

    def rt_format(self, template: int, kinds: int, arguments: int, count: int) -> int:
        parts = self._bytes(template).split(b"{}")
        values = [self._bytes(value) for value in struct.unpack(f"<{count}I", self._raw(arguments, 4 * count))]
        found = parts[0]
        for index, part in enumerate(parts[1:]):
            found += (values[index] if index < count else b"{}") + part
        return self._new_string(found)

    def rt_i64_mul(self, a: int, b: int, lines: int, site: int) -> int:
        if not -1 << 63 <= a * b < 1 << 63:
            self.rt_trap(lines, site, 0)
        return a * b

    def rt_u64_mul(self, a: int, b: int, lines: int, site: int) -> int:
        product = (a & (1 << 64) - 1) * (b & (1 << 64) - 1)
        if product >> 64:
            self.rt_trap(lines, site, 0)
        return product - (1 << 64) if product >> 63 else product

    def rt_i64_pow(self, a: int, b: int, lines: int, site: int) -> int:
        if b < 0:
            self.rt_trap(lines, site, 4)
        if (abs(a) > 1 and b > 64) or not -1 << 63 <= (power := a ** min(b, 64 + b % 2)) < 1 << 63:
            self.rt_trap(lines, site, 0)
        return power

    def rt_f64_pow(self, a: float, b: float) -> float:
        return float(a**b)

    def rt_trap(self, lines: int, site: int, reason: int) -> None:
        raise Trap(REASONS[reason], self._line(lines, site))

    def rt_trap_text(self, lines: int, site: int, text: int) -> None:
        raise Trap(self._bytes(text).decode(), self._line(lines, site))

    def rt_trap_cast(self, lines: int, site: int, target: int) -> None:
        raise Trap("cast does not fit in " + self._bytes(target).decode(), self._line(lines, site))

    def _trap_index(self, lines: int, site: int, index: int, length: int) -> None:
        raise Trap(f"index {index} out of range for length {length}", self._line(lines, site))

    def _line(self, lines: int, site: int) -> int:
        return int(struct.unpack("<I", self._raw(lines + 4 + 4 * site, 4))[0])

    def rt_str_contains(self, text: int, part: int) -> int:
        return int(self._bytes(part) in self._bytes(text))

    def rt_str_repeat(self, text: int, count: int, lines: int, site: int) -> int:
        return self._new_string(self._bytes(text) * count)

    def rt_str_upper(self, text: int) -> int:
        return self._new_string(self._bytes(text).upper())

    def rt_str_trim(self, text: int) -> int:
        return self._new_string(self._bytes(text).strip())

    def rt_f64_rem(self, a: float, b: float) -> float:
        return math.fmod(a, b)

    def rt_f64_to_fixed(self, value: float, digits: int) -> int:
        return self._new_string(f"{value:.{digits}f}".encode())
