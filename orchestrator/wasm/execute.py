"""Runs a program on wasmtime, with WASI preview 1.

Python handles no signal while WebAssembly runs in the main thread. So the program runs in its own thread, and is
stopped by wasmtime's epochs: a counter that compiled code checks in every loop and call. What the program writes goes
straight to the streams of this process or, when captured, to files (`WasiConfig.stdout_custom` sometimes panics at
exit; files never did).

Programs are compiled without optimisation unless asked. Measured on 9,100 functions (0.8 MB), Cranelift takes 10 to
40 % less time that way, and the code is equally fast in a plain loop. Winch, which the Python interface of wasmtime
does not offer, would take a sixth of the time. But its code is up to twice as slow, and its stack frames are twice as
large. Where machine code is kept (`groups/`), an edit compiles so little that Winch would save a few milliseconds.
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from orchestrator.wasm.leb import MAGIC
from orchestrator.wasm.threads import forked

if TYPE_CHECKING:
    import wasmtime

    Instantiate: TypeAlias = Callable[[wasmtime.Store, wasmtime.Linker], object]

MEMORY_LIMIT = 1 << 30
"""The default limit of a program's memory, in bytes."""

TRAPPED = 134
"""Exit code of a program that trapped, as of a native program that aborts (128 + SIGABRT)."""

INTERRUPTED = 130
"""Exit code of a program that was interrupted (128 + SIGINT)."""

_STACK = 2 << 20  # Bytes for compiled code: wasmtime's maximum unless its asynchronous stacks are configured too.
_THREAD_STACK = 16 << 20  # Bytes for the thread, independent of `ulimit -s`. Pages that are not used cost nothing.
_GRACE = 0.5  # Seconds that an interrupted program has to return from a call of the host.
_BEAT = 0.05  # Seconds between checks for signals: a signal that another thread received wakes no waiting thread.
_STREAMS = ("stdout", "stderr")
_FRAMES = 20  # Of a stack trace, the innermost ones.

# wasmtime's own proc_exit refuses codes from 126 on. A Python function in its place would store its exception in a
# global of the bindings, where another thread could find it. So proc_exit is a module that leaves the code in a global.
_EXIT = """(module
  (global (export "code") (mut i64) (i64.const -1))
  (func (export "proc_exit") (param i32)
    (global.set 0 (i64.extend_i32_u (local.get 0)))
    unreachable))"""


class ProgramError(ValueError):
    """The program cannot be run: it is invalid, needs imports that WASI does not have, or has no entry."""


class NothingToRunError(ProgramError):
    """The program is a library: it exports functions for a host to call, and no `_start`."""


class MachineCode(msgspec.Struct, frozen=True):
    """Where machine code is kept: a folder that only this user can enter, or that can be made so. Functions whose names
    begin with `library` belong to the language's runtime, and are copied to where they are called."""

    folder: str
    library: str = ""


class RunLimits(msgspec.Struct, frozen=True):
    """What a program may use: bytes of memory, about so many instructions, seconds, bytes of each captured stream. None
    is no limit."""

    memory: int
    fuel: int | None
    seconds: float | None
    output: int | None


class RunOutcome(msgspec.Struct, frozen=True):
    """How a run ended. `stdout` and `stderr` are None if they were not captured.

    `trap` says in words why the program was stopped; None if it ended by itself. `reason` says the same as a constant:
    "" (it ended by itself), "stack", "memory", "fuel", "seconds", "output", "interrupted", or "trap" (any other, such
    as `unreachable`). `frames` are the innermost functions of a trap, innermost first.
    """

    exit_code: int
    stdout: bytes | None = None
    stderr: bytes | None = None
    trap: str | None = None
    reason: str = ""
    frames: tuple[str, ...] = ()


class Running:
    """A program (its bytes, or the path of a file) that runs in its own thread, and can be interrupted from any other
    thread. An asynchronous caller calls `start()`, waits in a worker thread with `wait()`, and on cancellation calls
    `interrupt()`, which returns at once.

    The program's arguments are `name` and `args`. `stdin` is its input; None for the input of this process.
    `memory_limit` is in bytes: `memory.grow` fails beyond it. `fuel` is about how many instructions it may run, None
    for no limit. `seconds` is how long it may run, without the time to compile it. `output_limit` is the number of
    bytes of each captured stream: a program that writes more is stopped. `folders` are the only folders that the
    program can see, writable, under the names given here. `capture` collects what it writes instead of passing it on.
    `optimise` compiles better code, more slowly. `kept` says where machine code is kept from run to run, by groups of
    modules; not with `optimise`, and not with `fuel`, which groups would count in another way.

    `_lock` orders `interrupt` and the making of the engine: either `interrupt` finds the engine and advances its epoch,
    or `_run` sees `_interrupted` before the program starts. `_woken` ends the wait of `wait`, at the end of the program
    or at an interruption; `_finished` is set at the end of the program only."""

    def __init__(
        self,
        program: bytes | str | os.PathLike[str],
        args: Sequence[str] = (),
        *,
        name: str = "program",
        stdin: bytes | None = None,
        memory_limit: int = MEMORY_LIMIT,
        fuel: int | None = None,
        folders: Sequence[str] = (),
        variables: Mapping[str, str] | None = None,
        capture: bool = False,
        optimise: bool = False,
        seconds: float | None = None,
        output_limit: int | None = None,
        kept: MachineCode | None = None,
    ) -> None:
        self._program, self._kept = program, kept
        self._argv = [name, *args]
        self._stdin, self._capture, self._folders = stdin, capture, tuple(folders)
        self._variables = dict(variables or {})
        self._limits, self._optimise = RunLimits(memory_limit, fuel, seconds, output_limit), optimise
        self._engine: wasmtime.Engine | None = None
        self._folder = ""
        self._deadline = math.inf
        self._interrupted = False
        self._limit = ""
        self._lock = threading.Lock()
        self._woken, self._finished = threading.Event(), threading.Event()
        self._outcome: RunOutcome | None = None
        self._error: BaseException | None = None

    def start(self) -> None:
        """Starts the program. It may be called once."""
        thread = threading.Thread(target=self._main, name=f"wasm {self._argv[0]}", daemon=True)
        with _stack_size_lock:
            before = threading.stack_size(_THREAD_STACK)
            try:
                thread.start()
            finally:
                threading.stack_size(before)

    def interrupt(self) -> None:
        """Stops the program as soon as it runs compiled code; a program that has not started never will. It may be
        called any number of times."""
        with self._lock:
            self._interrupted = True
            if self._engine is not None:
                self._engine.increment_epoch()
        self._woken.set()

    def wait(self, stop: Callable[[], bool] = lambda: False) -> RunOutcome:
        """Waits for the end, and stops a program that exceeds its time or output. `stop` is asked at each beat whether
        to interrupt it: a signal handler in this thread cannot call `interrupt`, because this thread may have the lock.
        A trap gives exit code 134, `proc_exit(n)` gives n. A program that is stopped while it waits for the host (for
        input, say) is abandoned after half a second: its thread ends when the host answers, or with the process. Raises
        ProgramError if the program cannot be run."""
        while not self._woken.wait(_BEAT):
            if stop():
                self.interrupt()
            elif time.monotonic() >= self._deadline:
                self._stop("seconds")
            elif self._wrote_too_much():
                self._stop("output")
        if not self._finished.wait(_GRACE if self._interrupted else None):
            return self._limited(RunOutcome(INTERRUPTED, *self._written(), "interrupted", "interrupted"))
        if self._outcome is None:
            raise self._error or RuntimeError("the thread of the program ended without an outcome")
        return self._outcome

    def _stop(self, limit: str) -> None:
        self._limit = limit
        self.interrupt()

    def _wrote_too_much(self) -> bool:
        if self._limits.output is None or not self._folder:
            return False
        for name in _STREAMS:
            with suppress(OSError):  # The file may not exist yet, or no longer.
                if os.stat(os.path.join(self._folder, name)).st_size > self._limits.output:
                    return True
        return False

    def _written(self) -> tuple[bytes | None, bytes | None]:
        """What was captured of the two streams, up to the limit."""
        if not self._capture:
            return None, None
        most = -1 if self._limits.output is None else self._limits.output
        stdout, stderr = (_first(os.path.join(self._folder, name), most) if self._folder else b"" for name in _STREAMS)
        return stdout, stderr

    def _limited(self, outcome: RunOutcome) -> RunOutcome:
        """The outcome of an interrupted run with the limit that led to it, if a limit did."""
        if self._limit and outcome.reason == "interrupted":
            why = {"seconds": "it ran for too long", "output": "it wrote too much"}[self._limit]
            return msgspec.structs.replace(outcome, exit_code=TRAPPED, trap=why, reason=self._limit)
        return outcome

    def _main(self) -> None:
        try:
            self._outcome = self._run()
        except BaseException as error:
            self._error = error
        finally:
            self._finished.set()
            self._woken.set()

    def _run(self) -> RunOutcome:
        import wasmtime

        engine = wasmtime.Engine(self._config())
        with self._lock:
            self._engine = engine
        instantiate = self._compiled(engine)
        store = wasmtime.Store(engine)
        store.set_limits(memory_size=self._limits.memory)
        if self._limits.fuel is not None:
            store.set_fuel(self._limits.fuel)
        store.set_epoch_deadline(1)
        # An interruption before the deadline was set has advanced no epoch that the program would notice.
        if self._interrupted:
            output = b"" if self._capture else None
            return RunOutcome(INTERRUPTED, output, output, "interrupted", "interrupted")
        if not self._capture and self._stdin is None:
            return self._limited(self._run_in(engine, store, instantiate, ""))
        import shutil
        import tempfile

        # A `TemporaryDirectory` would be removed by a fork that ends while the program runs here.
        folder = self._folder = tempfile.mkdtemp(prefix="wasmill-run-")
        try:
            outcome = self._run_in(engine, store, instantiate, folder)
            store.close()  # This closes the files too.
            # A program can write too much and end before `wait` looks.
            if self._wrote_too_much() and outcome.reason != "interrupted":
                self._limit = "output"
                outcome = RunOutcome(INTERRUPTED, trap="interrupted", reason="interrupted")
            stdout, stderr = self._written()
            return self._limited(msgspec.structs.replace(outcome, stdout=stdout, stderr=stderr))
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _config(self) -> wasmtime.Config:
        import wasmtime

        config = wasmtime.Config()
        config.epoch_interruption = True
        config.max_wasm_stack = _STACK
        config.cranelift_opt_level = "speed" if self._optimise else "none"
        config.consume_fuel = self._limits.fuel is not None
        config.parallel_compilation = not forked()
        return config

    def _compiled(self, engine: wasmtime.Engine) -> Instantiate:
        """Compiles the program, or finds its machine code. Returns the function that instantiates it and returns its
        entry, or None if it has none."""
        import wasmtime

        program = self._program if isinstance(self._program, bytes) else _read(os.fspath(self._program))
        if program[:8] != MAGIC:  # wasmtime would accept WebAssembly text too.
            raise ProgramError("not a valid program: this is no WebAssembly file")
        if self._kept is not None and not self._optimise and self._limits.fuel is None:
            from orchestrator.wasm.groups.machine import grouped

            groups = grouped(program, engine, self._kept.folder, self._kept.library, f"epochs {_STACK}")
            if groups is not None:
                return groups.instantiate
        try:
            module = wasmtime.Module(engine, program)
        except wasmtime.WasmtimeError as error:
            raise ProgramError(f"not a valid program: {str(error).strip()}") from None
        return lambda store, linker: linker.instantiate(store, module).exports(store).get("_start")

    def _wasi(self, folder: str) -> wasmtime.WasiConfig:
        import wasmtime

        wasi = wasmtime.WasiConfig()
        wasi.argv = self._argv
        wasi.env = [*self._variables.items()]
        if self._stdin is None:
            wasi.inherit_stdin()
        else:
            path = os.path.join(folder, "stdin")
            with open(path, "wb") as file:
                file.write(self._stdin)
            wasi.stdin_file = path
        if self._capture:
            wasi.stdout_file, wasi.stderr_file = (os.path.join(folder, name) for name in _STREAMS)
        else:
            wasi.inherit_stdout()
            wasi.inherit_stderr()
        for name in self._folders:
            wasi.preopen_dir(name, name)
        return wasi

    def _run_in(
        self, engine: wasmtime.Engine, store: wasmtime.Store, instantiate: Instantiate, folder: str
    ) -> RunOutcome:
        import wasmtime

        try:
            store.set_wasi(self._wasi(folder))
        except wasmtime.WasmtimeError as error:
            raise ProgramError(f"{str(error).strip()}: {', '.join(self._folders)}") from None
        linker = wasmtime.Linker(engine)
        linker.allow_shadowing = True
        linker.define_wasi()
        exit_ = wasmtime.Instance(store, wasmtime.Module(engine, bytes(wasmtime.wat2wasm(_EXIT))), [])
        exports = exit_.exports(store)
        called: Any = exports["code"]
        # The time runs from here: compiling is over, and instantiating runs the start function already.
        if self._limits.seconds is not None:
            self._deadline = time.monotonic() + self._limits.seconds
        linker.define(store, "wasi_snapshot_preview1", "proc_exit", exports["proc_exit"])
        try:
            entry = instantiate(store, linker)
        except wasmtime.Trap as error:
            return _trapped(error)
        except wasmtime.WasmtimeError as error:
            text = str(error).strip()
            if "exceeds memory limits" in text:
                return RunOutcome(TRAPPED, trap=f"out of memory: {text}", reason="memory")
            raise ProgramError(f"the program cannot be started: {text}") from None
        if not isinstance(entry, wasmtime.Func):
            raise NothingToRunError("the program has no entry: it exports no function _start")
        try:
            entry(store)
        except wasmtime.Trap as error:
            # `_EXIT` notes the code and traps, which is the only way out of the middle of a program. So a trap with a
            # code is an exit, and one without is a trap.
            code = int(called.value(store))
            return RunOutcome(code) if code >= 0 else _trapped(error)
        except wasmtime.WasmtimeError as error:
            return RunOutcome(TRAPPED, trap=str(error).strip().splitlines()[-1].strip(), reason="trap")
        return RunOutcome(0)


_stack_size_lock = threading.Lock()


def _new_lock() -> None:
    """Makes a new lock in a fork: the thread that held the old one does not exist here."""
    global _stack_size_lock
    _stack_size_lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_new_lock)


def _trapped(trap: wasmtime.Trap) -> RunOutcome:
    import wasmtime

    code = trap.trap_code
    frames = tuple(frame.func_name or f"function {frame.func_index}" for frame in trap.frames[:_FRAMES])
    if code == wasmtime.TrapCode.INTERRUPT:
        return RunOutcome(INTERRUPTED, trap="interrupted", reason="interrupted", frames=frames)
    if code == wasmtime.TrapCode.STACK_OVERFLOW:
        return RunOutcome(TRAPPED, trap="call stack exhausted", reason="stack", frames=frames)
    if code == wasmtime.TrapCode.OUT_OF_FUEL:
        return RunOutcome(TRAPPED, trap="all fuel is used up", reason="fuel", frames=frames)
    text = trap.message.rpartition("wasm trap: ")[2].strip().splitlines()[-1]
    return RunOutcome(TRAPPED, trap=text, reason="trap", frames=frames)


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _first(path: str, most: int) -> bytes:
    """The first `most` bytes of a file, or all of them (-1); none where there is no file."""
    try:
        with open(path, "rb") as file:
            return file.read(most)
    except OSError:
        return b""
