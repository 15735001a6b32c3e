"""The console script. `wasmill build` on an unchanged tree is answered here, on builtin modules alone: the stamps in
the snapshot's file (`actors/scanner/snapshot.py` has its layout) are compared, as bytes, with fresh ones. Whatever is
not plainly unchanged goes to the whole command line. Every import costs, so here are no others.
"""

import _signal  # type: ignore[import-not-found]  # nor is `signal`
import gc
import sys
from _operator import attrgetter  # `operator` itself is no builtin module
from itertools import chain
from marshal import dumps

SIGINT: int = _signal.SIGINT
SIGTERM: int = _signal.SIGTERM
POSIX = sys.platform != "win32"
if sys.platform != "win32":
    from posix import (
        F_OK,
        O_CLOEXEC,
        O_NONBLOCK,
        O_RDONLY,
        _exit,
        access,
        close,
        environ,
        listdir,
        lstat,
        read,
        stat,
        write,
    )
    from posix import open as open_file

SNAPSHOTS = ".ruchy-cache/snapshots"
MAGIC = b"wasmill\x01"
HEADER = 48
LARGEST = 256 << 20
NUMBERS = attrgetter("st_dev", "st_ino", "st_size", "st_mtime_ns", "st_ctime_ns")


def main() -> int:
    """Do what the command line asks for, and end the process. Returns the exit code where that must not be."""
    gc.disable()  # ten thousand stamps are no garbage, nor is what is imported; `session` turns it on again
    try:
        code = _main()
    except KeyboardInterrupt as stop:  # before the whole command line could listen for it: it was being imported
        if events_wanted(sys.argv[1:]):
            sys.stdout.write('{"event":"build-cancelled","build":0}\n')
        number = signal_of(stop)
        sys.stderr.write(f"wasmill: {'terminated' if number == SIGTERM else 'interrupted'}\n")
        code = 128 + number
    return leave(code)


class Terminated(KeyboardInterrupt):
    """SIGTERM, before `session` listens for it."""


def signal_of(stop: KeyboardInterrupt) -> int:
    return SIGTERM if isinstance(stop, Terminated) else SIGINT


def events_wanted(arguments: list[str]) -> bool:
    """Whether a build is to print its events, whatever else is asked for: the last of them says how it ended."""
    own = arguments[: arguments.index("--")] if "--" in arguments else arguments
    return own[:1] == ["build"] and "--json" in own


def _terminate(number: int, frame: object) -> None:
    raise Terminated


def leave(code: int) -> int:
    """End the process at once. Everything was closed by those who opened it, and taking an interpreter apart takes as
    long as compiling a module. Where text is still to be written and cannot be, the interpreter shall say so."""
    if POSIX:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        except (OSError, ValueError, AttributeError):  # no room, closed, or none
            return code
        _exit(code)
    return code


def _main() -> int:
    asked = plain_build(sys.argv[1:]) if POSIX else None
    if asked is not None:
        modules = answer(asked[0])
        if modules:
            try:
                if not asked[1]:
                    write(2, up_to_date(modules).encode() + b"\n")
            finally:
                _exit(0)  # even where nobody can read it
    if _signal.getsignal(SIGTERM) == _signal.SIG_DFL:
        _signal.signal(SIGTERM, _terminate)
    from orchestrator.cli.app import main as whole

    return whole()


def up_to_date(modules: int) -> str:
    """The line that says so, here and in the whole command line."""
    return f"up to date: {modules} module{'' if modules == 1 else 's'}"


def plain_build(arguments: list[str]) -> tuple[str, bool] | None:
    """The folder to build and whether quietly, where that is all that is asked for: `build [-q] [PATH]`."""
    if arguments[:1] != ["build"] or any(name.startswith(b"WASMILL_") for name in environ):
        return None
    rest = arguments[1:]
    quiet = "-q" in rest
    if quiet:
        rest.remove("-q")
    if len(rest) > 1 or rest[:1] == [""] or (rest and rest[0].startswith("-")):
        return None
    return (rest[0] if rest else "."), quiet


def answer(folder: str) -> int:
    """How many modules the project in `folder` has, where one of its snapshots says that all is as it left it; 0 where
    none does."""
    try:
        here = stat(folder)
        own = __file__.encode(sys.getfilesystemencoding(), "surrogateescape")
        for name in listdir(f"{folder}/{SNAPSHOTS}"):
            modules, absent, paths, stamps = read_front(f"{folder}/{SNAPSHOTS}/{name}")
            # A copied or moved project has other files than its snapshot says: is this the folder it was taken in?
            # And another Wasmill, or an older one elsewhere, may have taken it: is this file among those it stamped?
            if modules and own in paths and stat(paths[0])[1:3] == here[1:3] and unchanged(paths[1:], absent, stamps):
                return modules
    except (OSError, ValueError):
        pass  # something is gone, or odd: the whole command line will say what
    return 0


def read_front(path: str) -> tuple[int, int, list[bytes], bytes]:
    """Modules, absent paths, all paths and stamps in a snapshot's file; no modules where it answers for nothing."""
    file = open_file(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)  # a pipe must not wait for a writer
    try:
        header = read(file, HEADER)
        modules, absent = number(header[8:12]), number(header[12:16])
        length, rest = number(header[16:24]), number(header[24:32])
        if not header.startswith(MAGIC) or not modules or length + rest > min(stat(file).st_size, LARGEST):
            return 0, 0, [], b""
        front = read(file, length + rest)
    finally:
        close(file)
    return modules, absent, front[:length].split(b"\0"), front[length:]


def number(data: bytes) -> int:
    return int.from_bytes(data, "little")


def unchanged(paths: list[bytes], absent: int, stamps: bytes) -> bool:
    """Whether the first `absent` paths are still absent and the others still have these stamps. Version 2 of `marshal`,
    for from 3 on the bytes depend on reference counts."""
    missing = paths[:absent]
    if any(access(path, F_OK) for path in missing):
        return False
    return dumps([*missing, *chain.from_iterable(map(NUMBERS, map(lstat, paths[absent:])))], 2) == stamps
