"""How fast what the compiler emits is, beside C: `PYTHONPATH=. python tests/bench/bench_programs.py [NAME ...]`.

`programs/NAME.ruchy` and `programs/NAME.c` do the same. The C is compiled by the clang of the package `ziglang` (in the
extra `c`) for wasm32-wasi, with `-O0` and with `-O2`, without the checks that zig adds; ours checks overflow and
indices. All three run in turn in one engine of wasmtime. Processor time of `_start`, without compiling.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import wasmtime

from tests.bench.runner import Times
from tests.helpers.programs import build

HERE = Path(__file__).parent / "programs"
ROUNDS = 5
TARGETS = (1.0, 2.5)
"""At most so many times the time of `-O0` and of `-O2`."""
_FLAGS = ("--target=wasm32-wasi", "-fno-sanitize=undefined", "-Wl,--stack,1048576")


def compiled_c(name: str, level: str, folder: str) -> bytes:
    made = Path(folder) / f"{name}{level}.wasm"
    command = [sys.executable, "-m", "ziglang", "cc", *_FLAGS, level, str(HERE / f"{name}.c"), "-o", str(made)]
    subprocess.run(command, check=True)
    return made.read_bytes()


def compiled_ruchy(name: str) -> bytes:
    built = build({"main.ruchy": (HERE / f"{name}.ruchy").read_text()})
    assert built.program is not None, built.errors()
    return built.program


class TimedProgram:
    """A program that is run again and again."""

    def __init__(self, engine: wasmtime.Engine, program: bytes, folder: str) -> None:
        self.engine = engine
        self.module = wasmtime.Module(engine, program)
        self.output = Path(folder) / "output"
        self.times = Times()

    def run(self) -> str:
        store = wasmtime.Store(self.engine)
        settings = wasmtime.WasiConfig()
        settings.stdout_file = str(self.output)
        store.set_wasi(settings)
        linker = wasmtime.Linker(self.engine)
        linker.define_wasi()
        start = linker.instantiate(store, self.module).exports(store)["_start"]
        assert isinstance(start, wasmtime.Func)
        begin = time.process_time()
        try:
            start(store)
        except wasmtime.ExitTrap as ended:
            assert ended.code == 0
        self.times.values.append((time.process_time() - begin) * 1000)
        return self.output.read_text()


def measured(name: str, folder: str) -> list[Times]:
    """Ours, `-O0`, `-O2`."""
    engine = wasmtime.Engine()
    levels = [compiled_c(name, level, folder) for level in ("-O0", "-O2")]
    rows = [TimedProgram(engine, program, folder) for program in (compiled_ruchy(name), *levels)]
    for turn in range(ROUNDS):
        outputs = {rows[(turn + index) % len(rows)].run() for index in range(len(rows))}
        assert len(outputs) == 1, outputs
    return [row.times for row in rows]


def main(names: list[str]) -> None:
    print("| program | ours, ms | C `-O0`, ms | C `-O2`, ms | of `-O0` | of `-O2` |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name in names or sorted({path.stem for path in HERE.glob("*.c")}):
            ours, slow, fast = measured(name, folder)
            shares = [ours.median / slow.median, ours.median / fast.median]
            marked = zip(shares, TARGETS, strict=True)
            cells = [f"{one:.2f}" if one <= most else f"**{one:.2f}**" for one, most in marked]
            times = [f"{one.median:.0f}" for one in (ours, slow, fast)]
            print(f"| {name} | {' | '.join(times)} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
