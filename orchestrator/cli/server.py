"""`wasmill server`: start, stop and look at the server of a project (docs/server.md)."""

from __future__ import annotations

import json
import os
import sys
from argparse import SUPPRESS, ArgumentParser, Namespace
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from orchestrator.cli.arguments import add_path, add_quiet, folder
from orchestrator.cli.cache import amount
from orchestrator.cli.output import Output
from orchestrator.config import Config, load
from orchestrator.errors import FileError
from orchestrator.server import MAGIC, STATUS, STOP
from orchestrator.server.place import READY, ServerFolder, served_folder, start

if TYPE_CHECKING:
    import socket

SUMMARY = "Keep the project open in a process of its own, so that builds from the shell take less time."

DETAILS = """\
start    start a server in the background, if there is none
stop     end it
status   say what it does, and what memory it has
run      be the server, until it is stopped or nobody came for `server_idle` seconds

`wasmill build` and `wasmill run` in the folder use the server where there is one, and do the same
without it where there is none, or it is for something else: another version, other settings,
another environment, another user. What they print and do is the same.

With `server = true` under [build] in wasmill.toml the first build starts one.

examples:
  wasmill server start
  wasmill server status app

exit codes: 0 done, 1 there is no server (status, stop), 2 wrong usage or configuration,
3 it could not be started
"""


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("action", metavar="ACTION", choices=("start", "stop", "status", "run"), help="what to do")
    add_path(parser)
    add_quiet(parser)
    parser.add_argument("--ready", metavar="FD", type=int, default=-1, help=SUPPRESS)


def execute(arguments: Namespace, output: Output) -> int:
    config = load(folder(arguments))
    place = served_folder(config, arguments.path)
    if arguments.action == "run":
        return _run(config, place, arguments.ready, output)
    answer = asked(place, STATUS)
    if arguments.action == "start":
        if answer is not None:
            output.say("there is a server already")
            return 0
        wrong = start(place, wait=True)
        if wrong:
            raise FileError(f"the server did not start: {wrong}")
        output.say("the server is ready")
        return 0
    if answer is None:
        output.say("there is no server")
        return 1
    if arguments.action == "stop":
        asked(place, STOP)
        output.say("the server was stopped")
        return 0
    output.out(_status(json.loads(answer)))
    return 0


def _status(told: dict[str, Any]) -> str:
    """Returns the answer of a server in words, a line for each."""
    lines = [
        f"process    {told['process']}, for {told['seconds']} s",
        f"commands   {told['commands']}, {len(told['children'])} of them now, and {told['builds']} builds",
        f"memory     {amount(told['memory_bytes'])}",
        f"ends after {told['idle_seconds']:g} s without a command",
    ]
    if told["refused"]:
        lines.insert(2, f"refused    {told['refused']}, the last one because of {told['refused_last']}")
    return "\n".join(lines)


def asked(place: str, request: bytes) -> bytes | None:
    """Returns a server's answer; None where there is no server."""
    link = _connected(place)
    if link is None:
        return None
    try:
        with link:
            link.settimeout(5.0)
            link.send(MAGIC + request)
            return link.recv(1 << 16) or None
    except OSError:
        return None


def _connected(place: str) -> socket.socket | None:
    import socket

    from orchestrator.server.client import connected

    try:
        with open(ServerFolder(place).file, "rb") as file:
            return socket.socket(fileno=connected(file.read(4096)).detach())
    except (OSError, ValueError):
        return None


def _run(config: Config, place: str, ready: int, output: Output) -> int:
    """Is the server."""

    def tell(text: bytes) -> None:
        if ready >= 0:
            with suppress(OSError):  # The process that started it did not wait.
                os.write(ready, text)

    try:
        owned = ServerFolder(place)
        if not owned.take():
            tell(READY)
            output.say("there is a server already")
            return 0
        from orchestrator.server.preload import preload

        watched = preload(config)
        from orchestrator.server.front import Front

        front = Front(owned, owned.listen(), config.build.server_idle, watched)
    except Exception as wrong:
        tell(f"{wrong}\n".encode())
        raise
    tell(READY)
    if ready >= 0:
        os.close(ready)
    output.say(f"the server is ready, process {os.getpid()}")
    why = front.serve()
    output.say(f"the server ends: {why}")
    sys.stdout.flush()
    return 0
