"""The client: gives a command to the server, passes signals on, and ends as the command ends.

Whatever is odd means "no": then the caller does everything by itself. No error leaves this file, because a server must
never be the reason for one. Builtin modules and `_socket` only (see `cli/uptodate.py`).
"""

import _signal  # type: ignore[import-not-found]
import sys
from marshal import dumps
from time import monotonic

from orchestrator.cli import SIGINT, SIGTERM, Terminated
from orchestrator.server import (
    ACCEPTED,
    CHILD,
    COMMAND,
    DIED,
    ENDED,
    FILE,
    GO,
    MAGIC,
    PACKET,
    RUNS,
    numbers,
    state,
    variables,
)

if sys.platform == "linux":
    import _socket
    from posix import (
        O_CLOEXEC,
        O_DIRECTORY,
        O_RDONLY,
        WIFSIGNALED,
        WTERMSIG,
        close,
        fstat,
        getcwd,
        geteuid,
        getpid,
        kill,
        lstat,
        waitstatus_to_exitcode,
    )
    from posix import open as open_file

ACKNOWLEDGED = 0.05
"""So many seconds a client waits for the server to accept its command. From then on it waits as long as it takes."""

STOPS = tuple(getattr(_signal, name) for name in ("SIGTSTP", "SIGSTOP", "SIGCONT") if hasattr(_signal, name))
FOLDER_MODE = 0o40700


def execute(own: str, arguments: list[str], folder: str, named: bytes) -> int | None:
    """Has the server of `folder` execute the command line, and returns its exit code. None where the caller has to do
    it. `named` is what the server's file says; `own` the file of the command's entry. Raises KeyboardInterrupt where a
    signal came, and the server went."""
    try:
        link = _accepted(own, arguments, folder, named)
        if link is None:
            return None
    except (OSError, ValueError, AttributeError):  # ValueError: what cannot be marshalled
        return None
    return _waited(link)


def connected(named: bytes) -> "_socket.socket":
    """Returns a connection to the server that a file names. Raises OSError, also for a server that is not this
    user's."""
    if not named.startswith(MAGIC):
        raise OSError
    place = named[len(MAGIC) :].rstrip(b"\n")
    status = lstat(place.rpartition(b"/")[0])
    if status.st_mode != FOLDER_MODE or status.st_uid != geteuid():
        raise OSError
    link = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET | _socket.SOCK_CLOEXEC)
    try:
        link.settimeout(ACKNOWLEDGED)
        link.connect(place)
        if user(link) != geteuid():
            raise OSError
    except BaseException:
        link.close()
        raise
    return link


def user(link: "_socket.socket") -> int:
    """Returns the user whose process is at the other end."""
    return int.from_bytes(link.getsockopt(_socket.SOL_SOCKET, _socket.SO_PEERCRED, 12)[4:8], sys.byteorder)


def _accepted(own: str, arguments: list[str], folder: str, named: bytes) -> "_socket.socket | None":
    # What this process ignores (`nohup`, a job in the background of a script) must stay ignored, but `_waited` catches
    # it.
    if any(_signal.getsignal(number) == _signal.SIG_IGN for number in (SIGINT, SIGTERM)):
        return None
    began = monotonic()
    place = folder if folder.startswith("/") else f"{getcwd()}/{folder}"
    body = [state(own), arguments, numbers(lstat(place))[:2], numbers(lstat(f"{place}/{FILE}")), variables()]
    request = MAGIC + COMMAND + dumps(body, 2)
    link = connected(named)
    accepted = False
    try:
        here = open_file(".", O_RDONLY | O_CLOEXEC | O_DIRECTORY)
        try:
            for stream in (0, 1, 2):
                fstat(stream)  # raises where it is closed
            passed = b"".join(descriptor.to_bytes(4, sys.byteorder) for descriptor in (here, 0, 1, 2))
            link.sendmsg([request], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, passed)], _socket.MSG_NOSIGNAL)
        finally:
            close(here)
        link.settimeout(max(began + ACKNOWLEDGED - monotonic(), 0.001))
        accepted = link.recv(PACKET)[:1] == ACCEPTED
        link.settimeout(None)
    finally:
        if not accepted:
            link.close()
    return link if accepted else None


def _waited(link: "_socket.socket") -> int | None:
    """Tells the server to go on, and waits for the end of the command."""
    child = 0
    caught: list[int] = []

    def pass_on(number: int, frame: object) -> None:
        caught.append(number)
        try:
            link.send(bytes([number]), _socket.MSG_NOSIGNAL)
        except OSError:  # it has ended: the loop below sees that
            return

    # The child has a session of its own, so a Ctrl-Z at the terminal reaches this process alone. The child stops first
    # and goes on last: the shell has the terminal while neither runs.
    def stop(number: int, frame: object) -> None:
        if child:
            kill(child, STOPS[1])
        kill(getpid(), STOPS[1])
        if child:
            kill(child, STOPS[2])

    before = {number: _signal.signal(number, pass_on) for number in (SIGINT, SIGTERM)}
    if _signal.getsignal(STOPS[0]) == _signal.SIG_DFL:
        before[STOPS[0]] = _signal.signal(STOPS[0], stop)
    # The child does nothing before GO. A client that waited too long for ACCEPTED has closed the connection and builds
    # by itself; without GO both would.
    runs, status = False, None
    try:
        link.send(GO, _socket.MSG_NOSIGNAL)
        while status is None:
            answer = link.recv(PACKET)
            kind, value = answer[:1], int.from_bytes(answer[1:], "little")
            if kind == CHILD:
                child = value
            elif kind == RUNS:
                runs = True
            elif kind == ENDED:
                link.close()
                return value
            elif kind == DIED:
                status = value
            else:
                break
    except OSError:
        pass
    link.close()
    for number, handler in before.items():
        _signal.signal(number, handler)
    if runs or (status and caught and not WIFSIGNALED(status)):  # what it did must not be done again
        return _as_child(status)
    if caught:
        raise Terminated if caught[0] == SIGTERM else KeyboardInterrupt
    return None


def _as_child(status: int | None) -> int:
    """Ends as the child did: by the same signal, if it was one."""
    if status is None:
        sys.stderr.write("wasmill: the process that ran the program is gone\n")
        return 3
    if WIFSIGNALED(status):
        kill(getpid(), WTERMSIG(status))
    return waitstatus_to_exitcode(status)
