"""The console script. `wasmill build` on an unchanged tree is answered here, on builtin modules alone: the stamps in
the snapshot's file (`actors/scanner/snapshot.py` has its layout) are compared, as bytes, with fresh ones. Whatever is
not plainly unchanged goes to the whole command line. Every import costs, so here are no others.
"""

import gc
import sys
from itertools import chain
from marshal import dumps
from operator import attrgetter

try:
    from posix import F_OK, O_CLOEXEC, O_RDONLY, _exit, access, close, environ, listdir, lstat, read, stat, write
    from posix import open as open_file
except ImportError:  # no POSIX, no short way
    posix = False
else:
    posix = True

SNAPSHOTS = ".ruchy-cache/snapshots"
MAGIC = b"wasmill\x01"
HEADER = 48
NUMBERS = attrgetter("st_dev", "st_ino", "st_size", "st_mtime_ns", "st_ctime_ns")


def main() -> int:
    """Do what the command line asks for. Returns the exit code, or ends the process at once where all is unchanged."""
    asked = plain_build(sys.argv[1:]) if posix else None
    if asked is not None:
        folder, quiet = asked
        gc.disable()  # ten thousand stamps are no garbage
        modules = answer(folder)
        if modules:
            try:
                if not quiet:
                    write(2, up_to_date(modules).encode() + b"\n")
            except OSError:
                pass  # nobody reads it
            _exit(0)
        gc.enable()
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
        here = f"{folder}/{SNAPSHOTS}"
        for name in listdir(here):
            front = read_front(f"{here}/{name}")
            if front:
                modules, absent, paths, stamps = front
                if same_folder(paths[0], folder) and unchanged(paths[1:], absent, stamps):
                    return modules
    except (OSError, ValueError):
        pass  # something is gone, or odd: the whole command line will say what
    return 0


def read_front(path: str) -> tuple[int, int, list[bytes], bytes] | None:
    """Modules, number of absent paths, paths and stamps in a snapshot's file; None for one that answers for nothing."""
    file = open_file(path, O_RDONLY | O_CLOEXEC)
    try:
        header = read(file, HEADER)
        modules = int.from_bytes(header[8:12], "little")
        if not header.startswith(MAGIC) or not modules:
            return None
        length, rest = int.from_bytes(header[16:24], "little"), int.from_bytes(header[24:32], "little")
        if length + rest > stat(file).st_size:
            return None  # damaged: don't ask for that much memory
        front = read(file, length + rest)
    finally:
        close(file)
    return modules, int.from_bytes(header[12:16], "little"), front[:length].split(b"\0"), front[length:]


def same_folder(project: bytes, folder: str) -> bool:
    """Whether the snapshot was taken where it is now: a copied or moved project has other files."""
    there, here = stat(project), stat(folder)
    return there.st_ino == here.st_ino and there.st_dev == here.st_dev


def unchanged(paths: list[bytes], absent: int, stamps: bytes) -> bool:
    """Whether the first `absent` paths are still absent and the others still have these stamps. Version 2 of `marshal`,
    for from 3 on the bytes depend on reference counts."""
    if any(access(path, F_OK) for path in paths[:absent]):
        return False
    return dumps(list(chain.from_iterable(map(NUMBERS, map(lstat, paths[absent:])))), 2) == stamps
