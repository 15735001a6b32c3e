"""The console script. `wasmill build` on an unchanged tree is answered here, on builtin modules alone: the stamps in
the snapshot's file (`actors/scanner/snapshot.py` has its layout) are compared, as bytes, with fresh ones. Whatever is
not plainly unchanged goes to the whole command line. Every import costs, so here are no others.
"""

import _signal  # type: ignore[import-not-found]
import gc
import sys
from _operator import attrgetter  # `operator` itself is no builtin module
from itertools import chain
from marshal import dumps

from orchestrator.cli import POSIX, SIGTERM, Terminated, events_wanted, plain_build, signal_of, up_to_date

if sys.platform != "win32":
    from posix import (
        O_CLOEXEC,
        O_NONBLOCK,
        O_RDONLY,
        _exit,
        close,
        getcwd,
        listdir,
        lstat,
        read,
        stat,
        write,
    )
    from posix import open as open_file

SNAPSHOTS = ".ruchy-cache/snapshots"
MAGIC = b"wasmill\x02"
HEADER = 56
FIRST = 3
"""Of the paths: what stands before those that were absent."""
FORMAT, LINK = 0o170000, 0o120000
Found = tuple[int, bytes, bytes]
"""An unchanged project: how many modules, its warnings as the snapshot has them, the source root."""
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
    asked = plain_build(sys.argv[1:])
    if asked is not None:
        found = answer(asked[0])
        text = found and (b"" if asked[1] else tell(found))
        if text is not None:
            try:
                write(2, text)
            finally:
                _exit(0)  # even where nobody can read it
    if _signal.getsignal(SIGTERM) == _signal.SIG_DFL:
        _signal.signal(SIGTERM, _terminate)
    from orchestrator.cli.app import main as whole

    return whole()


def tell(found: Found) -> bytes | None:
    """What an unchanged build says; None where that cannot be read."""
    line = up_to_date(found[0]).encode() + b"\n"
    if not found[1]:
        return line
    from orchestrator.cli.told import told

    try:
        text = told(*found[1:])
    except (OSError, ValueError, LookupError, AttributeError):  # damaged, or of another version
        return None
    return text.encode(sys.stderr.encoding or "utf-8", "backslashreplace") + b"\n\n" + line if sys.stderr else b""


def answer(folder: str) -> Found | None:
    """The project in `folder`, where one of its snapshots says that all is as it left it."""
    try:
        here = absolute(folder).encode(sys.getfilesystemencoding(), "surrogateescape")
        own = __file__.encode(sys.getfilesystemencoding(), "surrogateescape")
        for name in listdir(f"{folder}/{SNAPSHOTS}"):
            modules, counts, paths, stamps, warnings = read_front(f"{folder}/{SNAPSHOTS}/{name}")
            # Settings are looked for above the name that a project is known by, so that is part of the answer. And
            # another Wasmill, or an older one elsewhere, may have taken it: is this file among those it stamped?
            if modules and own in paths and paths[0] == here and unchanged(paths, *counts, stamps):
                return modules, warnings, paths[1]
    except (OSError, ValueError, IndexError):
        pass  # something is gone, or odd: the whole command line will say what
    return None


def absolute(folder: str) -> str:
    """As `os.path.abspath`: by name alone, links are not looked through."""
    parts: list[str] = []
    for part in (folder if folder.startswith("/") else f"{getcwd()}/{folder}").split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return "/" + "/".join(parts)


def read_front(path: str) -> tuple[int, tuple[int, int], list[bytes], bytes, bytes]:
    """Modules, how many paths were absent and how many no links, all paths, stamps and warnings in a snapshot's file;
    no modules where it answers for nothing."""
    file = open_file(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)  # a pipe must not wait for a writer
    try:
        header = read(file, HEADER)
        modules, absent, unlinked = number(header[8:12]), number(header[12:16]), number(header[48:52])
        length, rest, last = number(header[16:24]), number(header[24:32]), number(header[52:56])
        whole = length + rest + last
        if not header.startswith(MAGIC) or not modules or whole > min(stat(file).st_size, LARGEST):
            return 0, (0, 0), [], b"", b""
        front = read(file, whole)
    finally:
        close(file)
    end = length + rest
    return modules, (absent, unlinked), front[:length].split(b"\0"), front[length:end], front[end:]


def number(data: bytes) -> int:
    return int.from_bytes(data, "little")


def unchanged(paths: list[bytes], absent: int, unlinked: int, stamps: bytes) -> bool:
    """Whether the paths that were absent still are, no folder has become a link, the same lies beside the programs, and
    all other paths have these stamps. Version 2 of `marshal`, for from 3 on the bytes depend on reference counts."""
    first, last = FIRST + absent, FIRST + absent + unlinked
    missing, plain = paths[FIRST:first], paths[first:last]
    if any(map(kind, missing)) or LINK in map(kind, plain):
        return False
    found = [*paths[1:last], *beside(paths[2]), *chain.from_iterable(map(NUMBERS, map(lstat, paths[last:])))]
    return dumps(found, 2) == stamps


def kind(path: bytes) -> int:
    """What is at `path`, a link itself and not what it leads to; 0 for nothing."""
    try:
        return lstat(path).st_mode & FORMAT
    except (FileNotFoundError, NotADirectoryError):
        return 0


def beside(folder: bytes) -> list[bytes]:
    """As `walk.beside_programs`."""
    try:
        names = listdir(folder) if folder else []
    except OSError:
        return []
    return sorted([name for name in names if name[:1] != b"." and name[-5:] != b".wasm"])
