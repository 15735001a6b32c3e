"""Where a server listens, who may be one, and how one is started."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from contextlib import suppress

from orchestrator.config import Config
from orchestrator.errors import FileError, UsageError
from orchestrator.server import FILE, MAGIC, numbers

POSSIBLE = sys.platform == "linux"
if sys.platform != "win32":
    import fcntl

READY = b"ready\n"


class ServerFolder:
    """What one server owns: the lock, the socket in a folder of its own (mode 0700), and the file that names it."""

    def __init__(self, project: str) -> None:
        self.project = project
        self.file = os.path.join(project, FILE)
        self._lock = -1
        self._folder = ""
        self._written: list[int] = []
        self._project = numbers(os.stat(project))[:2]

    def take(self) -> bool:
        """Returns whether this process is the server of the project from now on. Only one process has the lock, and
        the kernel gives it up when that process ends, however it ends."""
        os.makedirs(os.path.dirname(self.file), exist_ok=True)
        lock = os.open(f"{self.file}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            return False
        self._lock = lock
        return True

    def taken(self) -> bool:
        """Whether a process is the server of the project now, or is about to be."""
        try:
            lock = os.open(f"{self.file}.lock", os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError:
            return False
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
        finally:
            os.close(lock)
        return False

    def listen(self) -> socket.socket:
        """Returns the socket, and writes the file, which replaces that of a server that was killed."""
        import tempfile

        runtime = os.environ.get("XDG_RUNTIME_DIR", "")
        status = os.stat(runtime) if os.path.isdir(runtime) else None
        own = status is not None and status.st_uid == os.geteuid() and len(runtime) < 60
        self._folder = tempfile.mkdtemp(prefix="wasmill-", dir=runtime if own else "/tmp")
        place = os.path.join(self._folder, "socket")
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        listener.bind(place)
        listener.listen(64)
        new = f"{self.file}.new"
        with suppress(FileNotFoundError):
            os.unlink(new)
        file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        os.write(file, MAGIC + os.fsencode(place) + b"\n")
        os.close(file)
        os.replace(new, self.file)
        self._written = numbers(os.stat(self.file))
        return listener

    def same_file(self, stamp: list[int]) -> bool:
        """Whether a client that read the file with this stamp read the one that this server wrote."""
        return stamp == self._written

    def same_project(self, identity: list[int]) -> bool:
        """Whether this is the device and inode of the project's folder."""
        return identity == self._project

    def stands(self) -> bool:
        """Whether the project, the file and the socket are still those of this server."""
        try:
            folder, file = os.stat(self.project), os.stat(self.file)
            os.stat(os.path.join(self._folder, "socket"))
        except OSError:
            return False
        return numbers(folder)[:2] == self._project and numbers(file) == self._written

    def leave(self) -> None:
        """Removes the file, if it is still this server's, and the socket."""
        with suppress(OSError):
            if numbers(os.stat(self.file)) == self._written:
                os.unlink(self.file)
        for remove, path in ((os.unlink, os.path.join(self._folder, "socket")), (os.rmdir, self._folder)):
            with suppress(OSError):
                remove(path)
        os.close(self._lock)


def served_folder(config: Config, place: str) -> str:
    """Returns the folder that a server of this project serves. Raises UsageError where there cannot be one: clients
    know only the folder that they are given, and look for the cache in it."""
    if not POSSIBLE:
        raise UsageError("a server needs Linux")
    if not config.cache.folder or config.single:
        raise UsageError("a single file has no server", hint="give the folder of a project")
    if config.cache.folder != os.path.join(os.path.abspath(place), os.path.dirname(FILE)):
        what = f"a server needs the cache at `{os.path.dirname(FILE)}` in the folder that is built"
        raise UsageError(what, hint=f"the cache of this project is `{config.cache.folder}`")
    if not config.cache.enabled:
        raise UsageError("a server needs the cache, and `cache.enabled` is false")
    return config.project


def start(folder: str, *, wait: bool) -> str:
    """Starts a server that outlives this process, in the same way as this process was started, so that the interpreter
    and its path are the same. With `wait` returns what it has to say: "" where it is ready."""
    words = len(sys.argv) - 1
    command = [sys.executable, *sys.orig_argv[1 : len(sys.orig_argv) - words], "server", "run", folder]
    ours, theirs = os.pipe()
    try:
        process = subprocess.Popen(
            [*command, f"--ready={theirs}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[theirs],
            start_new_session=True,
        )
    except OSError as wrong:
        os.close(ours)
        raise FileError(f"a server cannot be started: {wrong.strerror or wrong}") from wrong
    finally:
        os.close(theirs)
    process.returncode = 0  # it is nobody's child from here on: no warning when this object is collected
    with open(ours, "rb") as told:
        said = told.readline() if wait else READY  # a line, because forks of the server keep the other end open
    return "" if said == READY else said.decode(errors="replace").strip() or "it ended at once"
