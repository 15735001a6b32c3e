"""The console script. For `wasmill build` on an unchanged tree it answers with builtin modules alone: it compares the
stamps in the snapshot's file (`actors/scanner/snapshot.py` documents the layout), as bytes, with fresh ones. Everything
that is not clearly unchanged goes to the rest of the command line. Every import costs time, so there are no others
here."""

import _signal  # type: ignore[import-not-found]
import gc
import sys
from _operator import attrgetter  # `operator` itself is no builtin module
from itertools import chain
from marshal import dumps

from orchestrator.cli import POSIX, SIGTERM, Terminated, events_wanted, plain_build, served_build, signal_of, up_to_date

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
SERVER = ".ruchy-cache/server"
MAGIC = b"wasmill\x02"
HEADER = 56
FIRST = 3
"""Index of the first absent path in the list of paths."""
FORMAT, LINK = 0o170000, 0o120000
Found = tuple[int, bytes, bytes]
"""An unchanged project: the number of modules, its warnings as stored in the snapshot, the source root."""
LARGEST = 256 << 20
NUMBERS = attrgetter("st_dev", "st_ino", "st_size", "st_mtime_ns", "st_ctime_ns")


def main() -> int:
    """Executes the command line and ends the process. Returns the exit code if the process must not end here."""
    gc.disable()  # ten thousand stamps and the imports are not garbage; `session` turns it on again
    try:
        code = _main()
    except KeyboardInterrupt as stop:  # during imports, before the rest of the command line handles signals
        if events_wanted(sys.argv[1:]):
            sys.stdout.write('{"event":"build-cancelled","build":0}\n')
        number = signal_of(stop)
        sys.stderr.write(f"wasmill: {'terminated' if number == SIGTERM else 'interrupted'}\n")
        code = 128 + number
    return leave(code)


def _terminate(number: int, frame: object) -> None:
    raise Terminated


def leave(code: int) -> int:
    """Ends the process at once: everything was closed by its owners, and finalizing an interpreter takes as long as
    compiling a module. If text that is still to be written cannot be, lets the interpreter report it."""
    if POSIX:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        except (OSError, ValueError, AttributeError):  # no room on the disk, a closed stream, or none
            return code
        _exit(code)
    return code


def _main() -> int:
    asked = plain_build(sys.argv[1:])
    if asked is not None:
        snapshot = answer(asked[0])
        text = snapshot and (b"" if asked[1] else tell(snapshot))
        if text is not None:
            try:
                write(2, text)
            finally:
                _exit(0)  # even if nobody can read it
    code = served(sys.argv[1:])
    if code is not None:
        return code
    if _signal.getsignal(SIGTERM) == _signal.SIG_DFL:
        _signal.signal(SIGTERM, _terminate)
    from orchestrator.cli.app import main as whole

    return whole()


def served(arguments: list[str]) -> int | None:
    """Has a server execute the command line, if one is there, and returns its exit code (`orchestrator/server/`). None
    where everything is to be done here. Without a server this opens one file, in vain."""
    folder = served_build(arguments)
    if folder is None:
        return None
    try:
        file = open_file(f"{folder}/{SERVER}", O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        try:
            named = read(file, HEADER * 4)
        finally:
            close(file)
    except (OSError, ValueError):
        return None
    from orchestrator.server.client import execute

    return execute(__file__, arguments, folder, named)


def tell(snapshot: Found) -> bytes | None:
    """Returns what an unchanged build prints; None if its warnings cannot be read."""
    line = up_to_date(snapshot[0]).encode() + b"\n"
    if not snapshot[1]:
        return line
    from orchestrator.cli.told import told

    try:
        text = told(*snapshot[1:])
    except (OSError, ValueError, LookupError, AttributeError):  # damaged, or from another version
        return None
    return text.encode(sys.stderr.encoding or "utf-8", "backslashreplace") + b"\n\n" + line if sys.stderr else b""


def answer(folder: str) -> Found | None:
    """Returns the project in `folder` if one of its snapshots proves that nothing changed."""
    try:
        here = absolute(folder).encode(sys.getfilesystemencoding(), "surrogateescape")
        own = __file__.encode(sys.getfilesystemencoding(), "surrogateescape")
        for name in listdir(f"{folder}/{SNAPSHOTS}"):
            modules, counts, paths, stamps, warnings = read_front(f"{folder}/{SNAPSHOTS}/{name}")
            # Settings are looked for in the folders above the project's path, so the path must be the same. And the
            # snapshot must be this installation's: another Wasmill, or an older one, did not stamp this file.
            if modules and own in paths and paths[0] == here and unchanged(paths, *counts, stamps):
                return modules, warnings, paths[1]
    except (OSError, ValueError, IndexError):
        pass  # something is missing or odd: the rest of the command line reports what
    return None


def absolute(folder: str) -> str:
    """Like `os.path.abspath`: works on names alone, and resolves no links."""
    parts: list[str] = []
    for part in (folder if folder.startswith("/") else f"{getcwd()}/{folder}").split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return "/" + "/".join(parts)


def read_front(path: str) -> tuple[int, tuple[int, int], list[bytes], bytes, bytes]:
    """Returns, from a snapshot's file: the number of modules, how many paths were absent and how many were not links,
    all paths, stamps and warnings. 0 modules if the snapshot proves nothing."""
    file = open_file(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)  # opening a pipe must not wait for a writer
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
    """Whether the absent paths are still absent, no folder has become a link, the same files are beside the programs,
    and all other paths have these stamps. Uses version 2 of `marshal`: from version 3 the bytes depend on reference
    counts."""
    first, last = FIRST + absent, FIRST + absent + unlinked
    missing, plain = paths[FIRST:first], paths[first:last]
    # `kind` is 0 for a path where nothing is. Everything runs in `map`, because a loop in Python over thousands of
    # paths would take longer than the look-ups.
    if any(map(kind, missing)) or LINK in map(kind, plain):
        return False
    compared = [*paths[1:last], *beside(paths[2]), *chain.from_iterable(map(NUMBERS, map(lstat, paths[last:])))]
    return dumps(compared, 2) == stamps


def kind(path: bytes) -> int:
    """Returns the kind of file at `path`, without following links; 0 for nothing."""
    try:
        return lstat(path).st_mode & FORMAT
    except (FileNotFoundError, NotADirectoryError):
        return 0


def beside(folder: bytes) -> list[bytes]:
    """Like `walk.beside_programs`."""
    try:
        names = listdir(folder) if folder else []
    except OSError:
        return []
    return sorted([name for name in names if name[:1] != b"." and name[-5:] != b".wasm"])
