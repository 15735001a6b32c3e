"""How long linking takes: `python tests/bench/bench_link.py [MODULES]` (1,000 unless told).

Synthetic objects of 10 functions with 5 relocations and 45 instructions each, about 2 MB of program for 1,000 of them.
In turn, `RUNS` times: the compact linker; the fast one from nothing; after a change to the body of one function; after
a function more, for which everything is laid out again; and in a new process, from the interpreter's first line on and
without it, with all objects and with a frozen image and the one object that changed. Beside them validation, of the
program and of what proves the change. Medians, spreads, and ratios to the compact link.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

sys.path.insert(0, str(Path(__file__).parents[2]))

from actors.digests import digest
from orchestrator.wasm.fragment import (
    DATA,
    FUNCTION,
    LOCAL,
    MEMORY_ADDR_SLEB,
    Data,
    FunctionCode,
    Reference,
    Relocation,
)
from orchestrator.wasm.linker import link
from orchestrator.wasm.slack.resident import Resident
from orchestrator.wasm.validate import validate
from tests.bench.runner import Book, Times
from tests.helpers.models import with_model
from tests.orchestrator.wasm.referee import encode_object

RUNS = 7
FUNCTIONS = 10
TYPE = b"\x60\x01\x7f\x01\x7f"
EXPORTS = {"main": "m0::f0"}
T = TypeVar("T")
Objects = list[tuple[str, bytes]]


def function(module: int, number: int, count: int, salt: int) -> FunctionCode:
    """`a -> ((a + f(a)) ...) + text`: four calls, two into other modules, and an address, in 180 bytes or so."""
    body, relocations = bytearray(b"\x00\x20\x00"), []
    near, far = (number + 1) % FUNCTIONS, (number * 7 + 3) % FUNCTIONS
    for target in (f"m{module}::f{near}", f"m{(module + 1 + number) % count}::f{far}") * 2:
        relocations.append(Relocation(0, len(body) + 1, Reference(FUNCTION, target, TYPE)))
        body += b"\x10\0\0\0\0\0" + b"\x41\x07\x6c\x41\x03\x6a\x41\x05\x73" * 4
    relocations.append(Relocation(MEMORY_ADDR_SLEB, len(body) + 1, Reference(DATA, f"m{module}.text{number}")))
    body += b"\x41\0\0\0\0\0\x6a\x41" + bytes((salt & 63,)) + b"\x6a\x0b"
    return FunctionCode(f"m{module}::f{number}", TYPE, bytes(body), tuple(relocations))


def module(number: int, count: int, salt: int = 0, functions: int = FUNCTIONS) -> bytes:
    code = [function(number, at, count, salt if at == 3 else 0) for at in range(functions)]
    data = [Data(f"m{number}.text{at}", ".rodata", b"text %04d" % at, 2, (), LOCAL) for at in range(functions)]
    return encode_object(code, data)


def named(objects: Objects) -> Objects:
    return [(digest(data), data) for _, data in objects]


def timed(work: Callable[[], T]) -> tuple[float, T]:
    began = time.perf_counter()
    result = work()
    return (time.perf_counter() - began) * 1e3, result


NEW_PROCESS = """
import sys, time
began = time.perf_counter()
from orchestrator.wasm.slack.resident import Resident
names, sizes, data = open(sys.argv[1]).read().split(), open(sys.argv[2]).read().split(), open(sys.argv[3], "rb").read()
objects, at = [], 0
for name, size in zip(names, map(int, sizes)):
    objects.append((name, data[at:at + size]))
    at += size
loaded = time.perf_counter()
program, _ = Resident().link(objects, b"", {"main": "m0::f0"})
ended = time.perf_counter()
sys.stdout.write(f"{(ended - loaded) * 1e3} {(ended - began) * 1e3} {len(program)}")
"""


def new_process(folder: str, objects: Objects) -> tuple[float, float, float]:
    """Milliseconds of the link alone, with its imports and the reading of the objects, and of the whole process."""
    files = [os.path.join(folder, name) for name in ("names", "sizes", "data")]
    Path(files[0]).write_text("\n".join(name for name, _ in objects))
    Path(files[1]).write_text("\n".join(str(len(data)) for _, data in objects))
    Path(files[2]).write_bytes(b"".join(data for _, data in objects))
    command = [sys.executable, "-c", NEW_PROCESS, *files]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    whole, done = timed(lambda: subprocess.run(command, check=True, capture_output=True, text=True, env=environment))
    alone, imported, _ = map(float, done.stdout.split())
    return alone, imported, whole


RESTORED = """
import sys, time
began = time.perf_counter()
from orchestrator.wasm.slack.resident import Resident
names = open(sys.argv[1]).read().split()
imported = time.perf_counter()
state, program, changed = [open(name, "rb").read() for name in sys.argv[2:5]]
resident = Resident()
resident.restore(state, program)
middle = len(names) // 2
program, proof = resident.link([(name, changed if at == middle else b"") for at, name in enumerate(names)], b"",
                               {"main": "m0::f0"})
ended = time.perf_counter()
assert proof, "everything was linked again"
sys.stdout.write(f"{(ended - imported) * 1e3} {(ended - began) * 1e3} {len(program)}")
"""


def restored(folder: str, objects: Objects, state: bytes, program: bytes) -> tuple[float, float, float]:
    """The same of a process that goes on from a frozen image: reading that, its program and the changed object is in
    all of the figures."""
    files = [os.path.join(folder, name) for name in ("names", "state", "program", "changed")]
    Path(files[0]).write_text("\n".join(name for name, _ in objects))
    for file, data in zip(files[1:], (state, program, objects[len(objects) // 2][1]), strict=True):
        Path(file).write_bytes(data)
    command = [sys.executable, "-c", RESTORED, *files]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    whole, done = timed(lambda: subprocess.run(command, check=True, capture_output=True, text=True, env=environment))
    alone, imported, _ = map(float, done.stdout.split())
    return alone, imported, whole


def run(count: int, folder: str) -> dict[str, list[float]]:
    plain = [(f"m{number}", module(number, count)) for number in range(count)]
    making, objects = timed(lambda: [(name, with_model(data)) for name, data in plain])
    sizes = sum(len(data) for _, data in plain), sum(len(data) for _, data in objects)
    times: dict[str, list[float]] = {}
    middle, resident, programs, state = count // 2, Resident(), (b"", b""), b""
    for turn in range(RUNS):
        rows = []
        rows.append(("compact link", timed(lambda: link(plain, entry=None, exports=EXPORTS))[0]))
        inputs = named(objects)
        rows.append(("fast link, from nothing", timed(lambda: Resident().link(inputs, b"", EXPORTS))[0]))  # noqa: B023
        base = resident.link(inputs, b"", EXPORTS)[0]
        resident.accepted(base)
        freezing, again = timed(resident.freeze)
        if again:
            rows.append(("freeze", freezing))
            state = again
        changed = inputs.copy()
        changed[middle : middle + 1] = named([("", with_model(module(middle, count, turn + 1)))])
        spent, programs = timed(lambda: resident.link(changed, b"", EXPORTS))  # noqa: B023
        rows.append(("one function changed, resident", spent))
        assert programs[1], "everything was linked again"
        assert programs[0] == Resident().link(changed, b"", EXPORTS)[0]
        rows.append(("validate the program", timed(lambda: validate(programs[0]))[0]))  # noqa: B023
        rows.append(("validate the proof", timed(lambda: validate(programs[1]))[0]))  # noqa: B023
        grown = changed.copy()
        grown[middle : middle + 1] = named([("", with_model(module(middle, count, turn, FUNCTIONS + 5)))])
        rows.append(("everything laid out again, resident", timed(lambda: resident.link(grown, b"", EXPORTS))[0]))  # noqa: B023
        alone, imported, whole = new_process(folder, changed)
        rows += [("new process, the link", alone), ("new process, with imports", imported), ("new process, all", whole)]
        alone, imported, whole = restored(folder, changed, state, base)
        rows += [("restored, the link", alone), ("restored, with imports", imported), ("restored, all", whole)]
        for what, spent in rows:
            times.setdefault(what, []).append(spent)
    print(f"{count} objects of {FUNCTIONS} functions, {sizes[0]} bytes, {sizes[1]} with their models")
    print(f"({making / count:.2f} ms each to make these);", end=" ")
    print(f"a program of {len(programs[0])} bytes, the proof {len(programs[1])}, the frozen image {len(state)}")
    compact = statistics.median(times["compact link"])
    for what, all_ in times.items():
        middle_time = statistics.median(all_)
        spread = f"{min(all_):8.1f} to {max(all_):8.1f}"
        print(f"{what:<38} {middle_time:8.2f} ms  {spread}  {middle_time / compact:6.3f} of the compact link")
    return times


async def measure(book: Book) -> None:
    """The rows of the targets: 10,000 functions in 1,000 modules."""
    with tempfile.TemporaryDirectory() as temporary:
        times = run(1_000, temporary)
    for name, what in (
        ("resident", "one function changed, resident"),
        ("new process", "restored, the link"),
        ("new process, all objects", "new process, the link"),
        ("compact", "compact link"),
    ):
        book.add(f"link/{name}", Times(times[what]))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        run(int(sys.argv[1]) if len(sys.argv) > 1 else 1000, temporary)
