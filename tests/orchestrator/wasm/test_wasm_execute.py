"""Programs run, trap, exit, are limited and are interrupted."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading

import pytest
import wasmtime

from orchestrator.wasm.execute import ProgramError, Running, RunOutcome
from orchestrator.wasm.leb import MAGIC
from orchestrator.wasm.validate import validate
from tests.helpers.running import run_program

HEAD = """
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_get" (func $args (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_prestat_get" (func $prestat (param i32 i32) (result i32)))
  (func $write (param $fd i32) (param $at i32) (param $size i32)
    (i32.store (i32.const 0) (local.get $at)) (i32.store (i32.const 4) (local.get $size))
    (drop (call $fd_write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8))))
  (func $read (param $at i32) (param $size i32) (result i32)
    (i32.store (i32.const 0) (local.get $at)) (i32.store (i32.const 4) (local.get $size))
    (drop (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
    (i32.load (i32.const 8)))
  (data (i32.const 100) "hello\\n")
"""
HELLO = "(call $write (i32.const 1) (i32.const 100) (i32.const 6))"
COMPLAIN = "(call $write (i32.const 2) (i32.const 100) (i32.const 5))"
LOOP = "(loop br 0)"


def program(body: str, more: str = "", memory: str = "1") -> bytes:
    text = f'(module {HEAD} (memory (export "memory") {memory}) {more} (func $main (export "_start") {body}))'
    return bytes(wasmtime.wat2wasm(text))


def test_output_is_captured_apart():
    outcome = run_program(program(HELLO + COMPLAIN + HELLO), capture=True)
    assert outcome == RunOutcome(0, b"hello\nhello\n", b"hello")


def test_a_file_can_be_run(tmp_path):
    path = tmp_path / "hello.wasm"
    path.write_bytes(program(HELLO))
    assert (
        run_program(path, capture=True).stdout
        == run_program(str(path), capture=True, optimise=True).stdout
        == b"hello\n"
    )


@pytest.mark.parametrize("code", [0, 1, 7, 125, 126, 134, 255, 256])
def test_exit_codes_pass_through(code):
    outcome = run_program(program(HELLO + f"(call $exit (i32.const {code})) {HELLO}"), capture=True)
    assert outcome == RunOutcome(code, b"hello\n", b"")


@pytest.mark.parametrize(
    ("body", "trap", "reason"),
    [
        ("unreachable", "wasm `unreachable` instruction executed", "trap"),
        ("(drop (i32.div_s (i32.const 1) (i32.const 0)))", "integer divide by zero", "trap"),
        ("(drop (i32.load (i32.const -4)))", "out of bounds memory access", "trap"),
        ("call $deep", "call stack exhausted", "stack"),
    ],
)
def test_traps(body, trap, reason):
    outcome = run_program(program(HELLO + body, "(func $deep call $deep)"), capture=True)
    assert (outcome.exit_code, outcome.stdout, outcome.stderr) == (134, b"hello\n", b"")
    assert (outcome.trap, outcome.reason) == (trap, reason)
    assert outcome.frames[0] == ("deep" if reason == "stack" else "main")
    assert len(outcome.frames) <= 20


def test_deep_recursion_is_fine():
    """20,000 calls deep, with a few values in each."""
    deep = """(func $down (param i64) (param i64) (result i64) (local i64)
      (if (result i64) (i64.eqz (local.get 0)) (then (local.get 1)) (else
        (local.set 2 (i64.mul (local.get 1) (i64.const 3)))
        (i64.add (call $down (i64.sub (local.get 0) (i64.const 1)) (local.get 2)) (local.get 1)))))"""
    for optimise in (False, True):
        body = "(drop (call $down (i64.const 20000) (i64.const 1)))" + HELLO
        assert run_program(program(body, deep), capture=True, optimise=optimise).stdout == b"hello\n"


def test_memory_is_limited():
    grow = "(if (i32.eq (memory.grow (i32.const 15)) (i32.const -1)) (then unreachable))" + HELLO
    assert run_program(program(grow), capture=True, memory_limit=16 * 65536).stdout == b"hello\n"
    refused = run_program(program(grow), capture=True, memory_limit=16 * 65536 - 1)
    assert (refused.exit_code, refused.reason) == (134, "trap")
    large = run_program(program(HELLO, memory="17"), capture=True, memory_limit=16 * 65536)
    assert (large.exit_code, large.reason, large.stdout) == (134, "memory", b"")
    assert large.trap == "out of memory: memory minimum size of 17 pages exceeds memory limits"


def test_fuel_is_limited():
    outcome = run_program(program(HELLO + LOOP), capture=True, fuel=100_000)
    assert (outcome.exit_code, outcome.stdout, outcome.trap, outcome.reason) == (
        134,
        b"hello\n",
        "all fuel is used up",
        "fuel",
    )
    assert run_program(program(HELLO), capture=True, fuel=100_000).exit_code == 0


def test_arguments():
    body = """(drop (call $args_sizes (i32.const 16) (i32.const 20))) (drop (call $args (i32.const 32) (i32.const 200)))
      (call $write (i32.const 1) (i32.const 200) (i32.load (i32.const 20)))"""
    assert run_program(program(body), ["ä", "", "b c"], name="prog", capture=True).stdout == "prog\0ä\0\0b c\0".encode()


ECHO = "(call $write (i32.const 1) (i32.const 200) (call $read (i32.const 200) (i32.const 60000)))"


def test_input():
    assert run_program(program(ECHO), stdin=b"\x00\xff\r\n", capture=True).stdout == b"\x00\xff\r\n"
    assert run_program(program(ECHO), stdin=b"", capture=True).stdout == b""


def test_no_folder_is_open_unless_given(tmp_path):
    body = "(call $exit (call $prestat (i32.const 3) (i32.const 32)))"
    badf, success = 8, 0
    assert run_program(program(body), capture=True).exit_code == badf
    assert run_program(program(body), capture=True, folders=[str(tmp_path)]).exit_code == success
    with pytest.raises(ProgramError, match="nowhere"):
        run_program(program(body), folders=[str(tmp_path / "nowhere")])


def test_interrupting_a_loop():
    running = Running(program(HELLO + LOOP), capture=True)
    running.start()
    waiter: list[RunOutcome] = []
    thread = threading.Thread(target=lambda: waiter.append(running.wait()))
    thread.start()
    running.interrupt()
    running.interrupt()
    thread.join(10)
    assert not thread.is_alive()
    assert (waiter[0].exit_code, waiter[0].trap, waiter[0].reason) == (130, "interrupted", "interrupted")
    assert waiter[0].stdout in (b"", b"hello\n")
    assert running.wait() is waiter[0]


def test_interrupted_before_it_starts():
    running = Running(program(HELLO), capture=True)
    running.interrupt()
    running.start()
    assert running.wait() == RunOutcome(130, b"", b"", "interrupted", "interrupted")


def test_programs_run_side_by_side():
    runs = [Running(program(f"(call $exit (i32.const {n}))"), capture=True) for n in range(20)]
    for running in runs:
        running.start()
    assert [running.wait().exit_code for running in runs] == list(range(20))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('(module (import "a" "b" (func)) (func (export "_start")))', "unknown import: `a::b`"),
        ("(module)", "exports no function _start"),
        ('(module (memory (export "_start") 1))', "exports no function _start"),
    ],
)
def test_what_is_no_program(text, message):
    with pytest.raises(ProgramError, match=message):
        run_program(bytes(wasmtime.wat2wasm(text)))


def test_what_is_no_webassembly(tmp_path):
    for data in (b"", b"(module)", MAGIC + b"\1"):
        with pytest.raises(ProgramError, match="not a valid program"):
            run_program(data)
    with pytest.raises(FileNotFoundError):
        run_program(tmp_path / "nothing.wasm")


def test_validate():
    assert validate(program(HELLO)) is None
    assert "unexpected end" in (validate(MAGIC + b"\1\2") or "")
    assert "type mismatch" in (validate(MAGIC + b"\1\4\1\x60\0\0\3\2\1\0\x0a\5\1\3\0\x6a\x0b") or "")


@pytest.mark.slow
def test_importing_is_cheap():
    """wasmtime takes 44 ms to import: only running may. What validates binds its library by ctypes, and is imported
    when there is something to validate."""
    script = (
        "import sys, orchestrator.wasm.execute, orchestrator.wasm.linker\n"
        "assert not {'wasmtime', 'tempfile', 'ctypes'} & set(sys.modules)\n"
        "import orchestrator.wasm.validate\n"
        "assert not {'wasmtime', 'tempfile'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


INHERIT = """
import sys
from tests.helpers.running import run_program
sys.stdout.write("before\\n")
sys.stdout.flush()
code = run_program(sys.argv[1]).exit_code
sys.stdout.write("after\\n")
sys.exit(code)
"""


@pytest.mark.slow
def test_streams_are_inherited_in_order_and_byte_for_byte(tmp_path):
    path = tmp_path / "echo.wasm"
    path.write_bytes(program(HELLO + COMPLAIN + ECHO + "(call $exit (i32.const 200))"))
    command = [sys.executable, "-c", INHERIT, str(path)]
    done = subprocess.run(command, input=b"\xff\0in", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    assert (done.returncode, done.stdout) == (200, b"before\nhello\nhello\xff\0inafter\n")


@pytest.mark.slow
@pytest.mark.parametrize("body", [HELLO + LOOP, HELLO + ECHO])
def test_ctrl_c_stops_a_program_at_once(tmp_path, body):
    """While it loops, and while it waits for input that never comes."""
    path = tmp_path / "loop.wasm"
    path.write_bytes(program(body))
    script = (
        "import os, signal, sys\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # what runs behind a shell ignores it
        "from tests.helpers.running import run_program\n"
        "try: run_program(sys.argv[1])\n"
        "except KeyboardInterrupt: os._exit(99)\n"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", script, str(path)], **pipes) as process:
        assert process.stdout
        assert process.stdout.readline() == b"hello\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 99
