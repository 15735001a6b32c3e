"""A server that may be there: it keeps a project open, so that `wasmill build` and `run` need not start from nothing.

docs/server.md has the processes, the protocol and each odd case. This file has what a client and the server compare. A
client is a fresh process that wants to be quick, so this file and `client.py` import builtin modules and `_socket`.
"""

import sys

if sys.platform == "linux":
    from posix import (
        O_CLOEXEC,
        O_RDONLY,
        close,
        environ,
        getegid,
        geteuid,
        getgid,
        getgroups,
        getuid,
        lstat,
        read,
        readlink,
        sched_getaffinity,
        stat_result,
        umask,
    )
    from posix import open as open_file

FILE = ".ruchy-cache/server"
"""The file that says where the server listens, in the project's folder. A cache elsewhere has no server."""

MAGIC = b"wasmill-server 1\n"
"""Begins the file and every request. The number is the version of the protocol."""

PACKET = 1 << 18
"""The most bytes of a packet. Longer ones do not fit into the buffer of a socket either."""

# The first byte of a packet. From a client, after MAGIC:
COMMAND, STATUS, STOP = b"C", b"Q", b"E"
# From the server:
ACCEPTED, REFUSED = b"A", b"R"
# From a client whose request was accepted; a signal is its number.
GO = b"G"
# From the child that executes the command: its process, the program runs, it ended. From the server: it died.
CHILD, RUNS, ENDED, DIED = b"C", b"P", b"X", b"S"

DISPLAY = frozenset(
    b"_ SHLVL PWD OLDPWD TERM TERM_PROGRAM TERM_PROGRAM_VERSION TERM_SESSION_ID COLORTERM COLUMNS LINES NO_COLOR "
    b"WINDOWID WINDOWPATH TMUX TMUX_PANE STY WINDOW KONSOLE_VERSION VTE_VERSION SSH_TTY SSH_CLIENT SSH_CONNECTION "
    b"SSH_AUTH_SOCK GPG_TTY DISPLAY WAYLAND_DISPLAY PS1 HISTFILE SHELL_SESSION_ID XDG_SESSION_ID".split()
)
"""Variables that no build depends on: those of a terminal or a session. What is printed depends on some of them, and is
printed by a process that takes over the client's own. All others must be the same in client and server."""


def state(own: str) -> list[object]:
    """Returns what must be the same in a client and the server, as far as the process itself knows it, in the order of
    `COMPARED`. `own` is the file of the command's entry."""
    mask = umask(0)
    umask(mask)
    return [
        [sys.hexversion, sys.executable, list(map(int, sys.flags)), list(sys.warnoptions), _x_options()],
        list(sys.path),
        [own, numbers(lstat(own))],
        [getuid(), geteuid(), getgid(), getegid(), getgroups()],
        mask,
        sorted(sched_getaffinity(0)),
        [[stream.encoding, getattr(stream, "write_through", 0)] for stream in (sys.stdin, sys.stdout, sys.stderr)],
        [readlink("/proc/self/ns/mnt"), readlink("/proc/self/root")],
        limits(),
    ]


COMPARED = ("interpreter", "path of modules", "installation", "user", "mask", "cores", "encoding", "root", "limit")


def _x_options() -> list[str]:
    return sorted([f"{name}={value}" for name, value in sys._xoptions.items()])


def variables() -> dict[bytes, bytes]:
    """Returns the environment that the process was started with."""
    return dict(environ)


def decisive(variables: dict[bytes, bytes]) -> dict[bytes, bytes]:
    """Returns the variables of an environment that must be the same."""
    return {name: value for name, value in variables.items() if name not in DISPLAY}


def numbers(status: "stat_result") -> list[int]:
    """Returns what tells a file from another one, or from a later version of itself."""
    return [status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns]


def limits() -> bytes:
    """Returns the limits of this process (`ulimit`), as the kernel writes them."""
    file = open_file("/proc/self/limits", O_RDONLY | O_CLOEXEC)
    try:
        return read(file, 1 << 14)
    finally:
        close(file)
