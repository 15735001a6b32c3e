"""What an edit compiles, and what comes of machine code that is damaged, foreign, or cannot be written."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time

import pytest
import wasmtime

from orchestrator.wasm.execute import MachineCode
from orchestrator.wasm.groups import layout
from orchestrator.wasm.groups.machine import MachineGroups
from orchestrator.wasm.groups.store import MachineStore
from tests.helpers.programs import build
from tests.helpers.running import run_program
from tests.orchestrator.wasm.test_groups import SHOWN, program

MODULES = 12


def module(number: int, salt: int = 1, last: int = 0, more: str = "") -> str:
    """Eight functions, of which the first calls the next module. The linker leaves room for some more."""
    uses = f"use m{number + 1}::f{number + 1}_0;\n" if number + 1 < MODULES else ""
    call = f" + f{number + 1}_0(a)" if uses else ""
    added = {0: call, 7: f" - {last}" if last else ""}
    functions = [f"pub fun f{number}_{n}(a: i64) -> i64 {{ a * {n} + {salt}{added.get(n, '')} }}" for n in range(8)]
    return "\n".join([uses, *functions, more])


def sources(**changed: str) -> dict[str, str]:
    found = {f"m{number}.ruchy": module(number) for number in range(MODULES)}
    found["main.ruchy"] = "use m0::f0_0;\nfun main() { println(f0_0(3)); }"
    return {**found, **{f"{name}.ruchy": text for name, text in changed.items()}}


def built(**changed: str) -> bytes:
    done = build(sources(**changed))
    assert done.program is not None, done.errors()
    return done.program


@pytest.fixture(scope="module")
def original() -> bytes:
    return built()


@pytest.fixture
def small(monkeypatch):
    """Groups of about one module."""
    monkeypatch.setattr(layout, "SMALLEST", 12)


@pytest.fixture(scope="module")
def engine() -> wasmtime.Engine:
    config = wasmtime.Config()
    config.cranelift_opt_level = "none"
    return wasmtime.Engine(config)


def grouped(data: bytes, engine: wasmtime.Engine, folder: object) -> MachineGroups:
    return MachineGroups(data, engine, "", MachineStore(str(folder)), "rt::")


CALL = "use m9::f9_3;\n" + module(5, more="pub fun added(a: i64) -> i64 { f9_3(a) }")
EDITS = {
    "nothing": (module(5), 0),
    "one body": (module(5, last=7), 1),
    "all bodies": (module(5, salt=9), 1),
    "a new function": (module(5, more="pub fun added(a: i64) -> i64 { a - 1 }"), 1),
    "a first call across groups": (CALL, 2),
}


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_compiles_few_groups(name, small, original, engine, tmp_path):
    text, most = EDITS[name]
    first = grouped(original, engine, tmp_path / "code")
    assert first.compiled == first.count > 8
    assert grouped(built(m5=text), engine, tmp_path / "code").compiled == most
    assert grouped(original, engine, tmp_path / "code").compiled == 0


def test_what_an_edited_program_prints(small, original, tmp_path):
    kept = MachineCode(str(tmp_path / "code"), "rt::")
    for data in (original, built(m5=module(5, salt=4)), built(m5=CALL), original):
        assert run_program(data, capture=True, kept=kept) == run_program(data, capture=True)


# ---------------------------------------------------------------- files


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setattr(layout, "SMALLEST", 1)
    monkeypatch.setattr(layout, "FEWEST", 1)


DATA = program(SHOWN.format("call $up (i32.const 6)"))


def damage(path: str, how: str) -> None:
    with open(path, "rb") as file:
        content = file.read()
    changed = {
        "flip": lambda: content[:-9] + bytes((content[-9] ^ 16,)) + content[-8:],
        "head": lambda: bytes((content[0] ^ 1,)) + content[1:],
        "short": lambda: content[:-1],
        "empty": lambda: b"",
        "longer": lambda: content + b"\0",
    }
    with open(path, "wb") as file:
        file.write(changed[how]())


@pytest.mark.parametrize("how", ["flip", "head", "short", "empty", "longer"])
def test_damaged_code_is_never_loaded(how, tiny, engine, tmp_path, monkeypatch):
    """wasmtime would load some of it."""
    count = grouped(DATA, engine, tmp_path / "code").count
    for entry in os.scandir(tmp_path / "code"):
        damage(entry.path, how)
    loaded = []
    monkeypatch.setattr(wasmtime.Module, "deserialize", lambda *given: loaded.append(given))
    assert grouped(DATA, engine, tmp_path / "code").compiled == count
    assert loaded == []
    monkeypatch.undo()
    monkeypatch.setattr(layout, "SMALLEST", 1)
    monkeypatch.setattr(layout, "FEWEST", 1)
    assert grouped(DATA, engine, tmp_path / "code").compiled == 0


def test_one_flipped_bit_anywhere_is_found(tmp_path):
    store, content = MachineStore(str(tmp_path / "code")), random.Random(1).randbytes(8)
    store.write("name", content)
    path = tmp_path / "code" / "name"
    written = path.read_bytes()
    for bit in range(8 * len(written)):
        flipped = bytearray(written)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        assert store.read("name") is None
    path.write_bytes(written)
    assert store.read("name") == content


def test_code_under_the_name_of_other_code_is_not_loaded(tmp_path):
    store = MachineStore(str(tmp_path / "code"))
    store.write("one", b"1")
    os.rename(tmp_path / "code" / "one", tmp_path / "code" / "two")
    assert store.read("two") is None


def test_missing_code_is_compiled(tiny, engine, tmp_path):
    grouped(DATA, engine, tmp_path / "code")
    largest = max(os.scandir(tmp_path / "code"), key=lambda entry: entry.stat().st_size)
    os.unlink(largest.path)
    assert grouped(DATA, engine, tmp_path / "code").compiled == 1


def test_code_of_other_settings_is_compiled_again(tiny, engine, tmp_path):
    """wasmtime refuses it, whatever we say that the settings are."""
    count = grouped(DATA, engine, tmp_path / "code").count
    other = wasmtime.Config()
    other.epoch_interruption = True
    assert grouped(DATA, wasmtime.Engine(other), tmp_path / "code").compiled == count


def test_code_of_two_settings_is_kept_beside_each_other(tiny, tmp_path):
    engines = []
    for epochs in (False, True):
        config = wasmtime.Config()
        config.epoch_interruption = epochs
        engines.append((f"epochs {epochs}", wasmtime.Engine(config)))
    store = MachineStore(str(tmp_path / "code"))
    compiled = [MachineGroups(DATA, engine, name, store, "").compiled for name, engine in [*engines, *engines]]
    assert compiled[0] == compiled[1] > 0
    assert compiled[2:] == [0, 0]


def test_code_that_is_no_code_is_compiled_again(tiny, engine, tmp_path):
    count = grouped(DATA, engine, tmp_path / "code").count
    store = MachineStore(str(tmp_path / "code"))
    for entry in list(os.scandir(tmp_path / "code")):
        store.write(entry.name, b"no machine code")
    assert grouped(DATA, engine, tmp_path / "code").compiled == count


@pytest.mark.parametrize("what", ["a file", "a link", "open to the group", "no parent"])
def test_another_folder_is_not_used(what, tiny, tmp_path):
    place = tmp_path / "code"
    if what == "a file":
        place.write_text("mine")
    elif what == "a link":
        (tmp_path / "elsewhere").mkdir(mode=0o700)
        place.symlink_to(tmp_path / "elsewhere")
    elif what == "open to the group":
        place.mkdir(mode=0o700)
        place.chmod(0o750)
    else:
        (tmp_path / "file").write_text("")
        place = tmp_path / "file" / "code"
    before = sorted(str(path) for path in tmp_path.rglob("*"))
    assert run_program(DATA, capture=True, kept=MachineCode(str(place))).stdout == b"7"
    assert sorted(str(path) for path in tmp_path.rglob("*")) == before
    assert not MachineStore(str(place)).usable()


def test_a_folder_of_another_user_is_not_used(tmp_path, monkeypatch):
    (tmp_path / "code").mkdir(mode=0o700)
    other = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: other)
    assert not MachineStore(str(tmp_path / "code")).usable()


def test_nothing_is_made_in_the_home_of_another_user(tmp_path, monkeypatch):
    other = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: other)
    assert not MachineStore(str(tmp_path / "wasmill" / "code")).usable()
    assert os.listdir(tmp_path) == []


def test_the_folder_is_closed_to_others(tmp_path):
    store = MachineStore(str(tmp_path / "wasmill" / "code"))
    store.write("name", b"content")
    assert os.stat(tmp_path / "wasmill" / "code").st_mode & 0o777 == 0o700
    assert os.stat(tmp_path / "wasmill" / "code" / "name").st_mode & 0o777 == 0o600


@pytest.mark.parametrize("call", ["replace", "open"])
def test_a_full_disk_stops_no_program(call, tiny, tmp_path, monkeypatch):
    real = getattr(os, call)

    def full(*given, **named):
        if str(given[0]).startswith(str(tmp_path / "code" / "")):
            raise OSError(28, "No space left on device")
        return real(*given, **named)

    monkeypatch.setattr(os, call, full)
    kept = MachineCode(str(tmp_path / "code"))
    assert [run_program(DATA, capture=True, kept=kept).stdout for _ in range(2)] == [b"7", b"7"]
    assert os.listdir(tmp_path / "code") == []


def test_what_was_used_least_recently_goes_first(tmp_path):
    folder = tmp_path / "code"
    store = MachineStore(str(folder), most=1000)
    now = time.time()
    for number in range(10):
        store.write(str(number), bytes(84))
        os.utime(folder / str(number), (now - 20_000 + number, now - 20_000 + number))
    store.evict()
    assert len(os.listdir(folder)) == 10
    assert store.read("0") == bytes(84)  # and so it is not the oldest any more
    store.write("10", bytes(84))
    store.evict()
    assert sorted(os.listdir(folder), key=int) == ["0", "5", "6", "7", "8", "9", "10"]


TWICE = """
import sys
from orchestrator.wasm.execute import MachineCode
from tests.helpers.running import run_program
from orchestrator.wasm.groups import layout
layout.SMALLEST = layout.FEWEST = 1
data = open(sys.argv[1], "rb").read()
for _ in range(3):
    assert run_program(data, capture=True, kept=MachineCode(sys.argv[2])).stdout == b"7"
"""


@pytest.mark.slow
def test_two_processes_at_once(tmp_path):
    (tmp_path / "main.wasm").write_bytes(DATA)
    command = [sys.executable, "-c", TWICE, str(tmp_path / "main.wasm"), str(tmp_path / "code")]
    processes = [subprocess.Popen(command) for _ in range(3)]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    assert [name for name in os.listdir(tmp_path / "code") if "." in name] == []
