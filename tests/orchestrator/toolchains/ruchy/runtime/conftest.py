"""The runtime as one instance in wasmtime, with functions to call it on Python values.

Assembled and linked by us. For comparison there is `separate`: each file an instance of its own, compiled by wasmtime
from the same text, so neither our assembler nor our linker has a hand in it; and `referee`: linked by wasm-ld.
"""

from __future__ import annotations

import shutil
import struct
import subprocess
import tempfile
from functools import lru_cache
from pathlib import Path

import pytest
import wasmtime

from orchestrator.toolchains.ruchy import runtime
from orchestrator.wasm.linker import link

FOLDER = Path(runtime.__file__).parent
FILES = [path for path in sorted(FOLDER.glob("*.wat")) if path.stem != "alloc_of_c"]  # That one needs C.
HEAP_AT = 64 * 1024  # in separate instances: behind all data of the files


class Exit(Exception):
    """The program asked to end."""


class LoadedRuntime:
    """An instance of the runtime: `call` with raw values, `text` and `string` between Python and the heap.

    `output` holds what was written, by file descriptor; `partial` limits the bytes that one write accepts, and
    `errors` are error numbers to answer with before that.
    """

    Exit = Exit

    def __init__(self, how: str = "linked") -> None:
        self.store = wasmtime.Store()
        self.output: dict[int, bytes] = {}
        self.partial = 0
        self.errors: list[int] = []
        self.functions: dict[str, wasmtime.Func] = {}
        self.memory: wasmtime.Memory
        if how == "separate":
            self._separate()
        else:
            self._linked(linked(how))
        self.site = self.make_site("shop.ruchy", [7, 12, 4000000000])

    def _wasi(self) -> list[tuple[str, wasmtime.Func]]:
        i32 = wasmtime.ValType.i32()
        write = wasmtime.Func(self.store, wasmtime.FuncType([i32] * 4, [i32]), self._fd_write)
        end = wasmtime.Func(self.store, wasmtime.FuncType([i32], []), self._proc_exit)
        return [("fd_write", write), ("proc_exit", end)]

    def _linker(self) -> wasmtime.Linker:
        """Has all of WASI, for what of the runtime asks for more than writing and ending."""
        self.store.set_wasi(wasmtime.WasiConfig())
        linker = wasmtime.Linker(self.store.engine)
        linker.allow_shadowing = True
        linker.define_wasi()
        return linker

    def _linked(self, program: bytes) -> None:
        linker = self._linker()
        for name, function in self._wasi():
            linker.define(self.store, "wasi_snapshot_preview1", name, function)
        instance = linker.instantiate(self.store, wasmtime.Module(self.store.engine, program))
        exports = instance.exports(self.store)
        self.memory = exports["memory"]
        self.functions = {name: item for name, item in exports.items() if isinstance(item, wasmtime.Func)}

    def _separate(self) -> None:
        i32 = wasmtime.ValType.i32()
        linker = self._linker()
        for name, function in self._wasi():
            linker.define(self.store, "wasi_snapshot_preview1", name, function)
        self.memory = wasmtime.Memory(self.store, wasmtime.MemoryType(wasmtime.Limits(2, None)))
        linker.define(self.store, "env", "memory", self.memory)
        base = wasmtime.Global(self.store, wasmtime.GlobalType(i32, False), wasmtime.Val.i32(HEAP_AT))
        linker.define(self.store, "data", "__heap_base", base)
        stack = wasmtime.Global(self.store, wasmtime.GlobalType(i32, True), wasmtime.Val.i32(HEAP_AT))
        linker.define(self.store, "env", "__stack_pointer", stack)
        table = wasmtime.Table(
            self.store, wasmtime.TableType(wasmtime.ValType.funcref(), wasmtime.Limits(1, None)), None
        )
        linker.define(self.store, "env", "__indirect_function_table", table)
        waiting = {p.stem: wasmtime.Module(self.store.engine, p.read_text()) for p in FILES}
        while waiting:
            ready = [n for n, m in waiting.items() if all(self._known(i) for i in m.imports)]
            assert ready, f"the files {sorted(waiting)} import one another in a circle"
            for name in ready:
                exports = linker.instantiate(self.store, waiting.pop(name)).exports(self.store)
                for symbol, item in exports.items():
                    linker.define(self.store, "env", symbol, item)
                    self.functions[symbol] = item

    def _known(self, wanted: wasmtime.ImportType) -> bool:
        return not (wanted.name or "").startswith("rt::") or wanted.name in self.functions

    def _fd_write(self, fd: int, vectors: int, count: int, written: int) -> int:
        if self.errors and (error := self.errors.pop(0)):
            return error
        raw = b""
        for at in range(vectors, vectors + 8 * count, 8):
            address, length = struct.unpack("<II", self.read(at, 8))
            raw += self.read(address, length)
        raw = raw[: self.partial] if self.partial else raw
        self.output[fd] = self.output.get(fd, b"") + raw
        self.memory.write(self.store, struct.pack("<I", len(raw)), written)
        return 0

    def _proc_exit(self, status: int) -> None:
        raise Exit(status)

    def read(self, at: int, size: int) -> bytes:
        """Bytes of the memory."""
        return bytes(self.memory.read(self.store, at, at + size))

    def call(self, name: str, *values: float):
        """The function `rt::name` on raw values. A trap of the runtime's own making is an Exit with 134."""
        try:
            return self.functions["rt::" + name](self.store, *values)
        except wasmtime.Trap as trap:
            if trap.trap_code == wasmtime.TrapCode.UNREACHABLE:
                raise Exit(134) from None
            raise

    def string(self, text: str) -> int:
        """A new String of the heap."""
        raw = text.encode("utf-8", "surrogatepass")
        address = self.call("alloc", len(raw) + 8)
        self.memory.write(self.store, struct.pack("<I", len(raw)) + raw, address + 4)
        return address

    def peek(self, address: int) -> str:
        """The text of a String."""
        length = struct.unpack("<I", self.read(address + 4, 4))[0]
        return self.read(address + 8, length).decode()

    def text(self, address: int) -> str:
        """The text of a String, which is then released."""
        text = self.peek(address)
        self.call("release", address)
        return text

    def make_site(self, file: str, lines: list[int]) -> int:
        """Data of trap sites: a static name of a file, then its lines; the address."""
        name = self.string(file)
        self.memory.write(self.store, struct.pack("<i", -1), name)
        site = self.call("alloc", 4 + 4 * len(lines))
        self.memory.write(self.store, struct.pack(f"<{len(lines) + 1}I", name, *lines), site)
        return site

    def on(self, name: str, *values: object, site: int | None = None):
        """Calls with Python strings as Strings, which are released afterwards; `site` is the index of a line."""
        raw = [self.string(value) if isinstance(value, str) else value for value in values]
        result = self.call(name, *raw, *(() if site is None else (self.site, site)))
        for value, given in zip(values, raw, strict=True):
            if isinstance(value, str):
                self.call("release", given)
        return result

    def trap(self, name: str, *values: object, site: int = 0) -> tuple[int, str]:
        """Calls what must end the program: status and message."""
        self.output.clear()
        with pytest.raises(Exit) as end:
            self.on(name, *values, site=site)
        return end.value.args[0], self.output.get(2, b"").decode()


def exports() -> list[str]:
    """Every symbol that the runtime exports."""
    texts = [path.read_text() for path in FILES]
    return [part.split('"')[0] for text in texts for part in text.split('(export "')[1:]]


@lru_cache
def linked(how: str) -> bytes:
    """All objects of the runtime as one program with every symbol exported, linked by us or by wasm-ld."""
    names = exports()
    if how == "linked":
        return link(runtime.runtime_objects(), entry=None, exports={name: name for name in names})
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for name, raw in runtime.runtime_objects():
            files.append(Path(folder, name.replace("/", "-") + ".o"))
            files[-1].write_bytes(raw)
        out = Path(folder, "all.wasm")
        options = ["--no-entry", "--stack-first", "--fatal-warnings", *(f"--export={name}" for name in names)]
        subprocess.run(["wasm-ld", *options, *files, "-o", out], check=True)
        return out.read_bytes()


@pytest.fixture(scope="session")
def shared() -> LoadedRuntime:
    """One instance for all tests that leave nothing behind."""
    return LoadedRuntime("linked")


@pytest.fixture
def rt(shared: LoadedRuntime):
    """The shared instance; the test must release all that it makes."""
    before = shared.call("live")
    yield shared
    assert shared.call("live") == before, "the test leaves objects behind"


@pytest.fixture
def fresh() -> LoadedRuntime:
    """An instance of its own, for tests that end the program or measure memory."""
    return LoadedRuntime("linked")


@pytest.fixture(params=["separate", "referee"])
def other(request) -> LoadedRuntime:
    """The runtime as others put it together."""
    if request.param == "referee" and not shutil.which("wasm-ld"):
        pytest.skip("wasm-ld is not installed")
    return LoadedRuntime(request.param)
