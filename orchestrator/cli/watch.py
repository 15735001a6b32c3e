"""`wasmill watch`: build again whenever something changed.

Each build is a `wasmill build` or `wasmill run` of its own, so it prints and does what these do; a server, which is on
meanwhile, makes it quick. Nothing is missed, because what the project looks like is noted before each build, and is
compared with what it looks like later; and nothing is noted that is so young that a later change could look the same.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from argparse import ArgumentParser, Namespace
from contextlib import suppress
from typing import NamedTuple

from actors.digests import NO_STAMP, StampRow
from actors.disk import REAL
from actors.scanner.snapshot import LARGEST, decode
from actors.scanner.walk import walk
from orchestrator.cli.arguments import add_path, add_quiet, folder
from orchestrator.cli.output import Output
from orchestrator.config import Config, load
from orchestrator.errors import UsageError, WasmillError
from orchestrator.looked import looked
from orchestrator.requests import scan_rules
from orchestrator.server.place import POSSIBLE

if sys.platform == "linux":
    from orchestrator.cli.server import asked
    from orchestrator.server import STATUS, STOP
    from orchestrator.server.place import ServerFolder, served_folder, start
    from orchestrator.server.watched import WatchedDisk

SUMMARY = "Build again whenever something changed, until Ctrl-C."

DETAILS = """\
Each time it does what `wasmill build` does, or with --run what `wasmill run` does, and prints the
same. A program that still runs when something changed is ended, and the new one is started.
Several files that change at once are one build. While it runs there is a server for the project
(see `wasmill server --help`), which makes the builds quick.

examples:
  wasmill watch
  wasmill watch app --run
  wasmill watch --clear      begin each build with an empty screen

exit codes: 130 Ctrl-C, 143 terminated, 2 wrong usage, or a folder that is none
"""

QUIET_NS = 20_000_000
"""A burst of changes is over when so much time has passed. It is longer than a tick of any file system's clock, so that
no later change can have the stamps that were noted."""

MOST_LINKS = 40
"""As many as the kernel follows."""

MOST_BURSTS = 100
PATIENCE, KILLED_AFTER, GREETED = 1.0, 2.0, 60.0
"""Seconds: how often files are looked at that the kernel tells nothing about; how long a program may take to end; how
often the server is told that it is wanted."""


def configure(parser: ArgumentParser) -> None:
    add_path(parser)
    parser.add_argument("--run", action="store_true", help="run the program after each build")
    parser.add_argument("--clear", action="store_true", help="clear the screen before each build")
    add_quiet(parser)


class ProjectLook(NamedTuple):
    """What a project looks like. A stamp is None for what is absent."""

    matters: dict[str, StampRow | None]
    """Sources, settings, and where they were looked for."""
    inputs: dict[str, tuple[StampRow | None, StampRow | None]]
    """Other files that the last build depended on: with the stamp that they had then (None for one that must not be
    believed), and now."""
    hints: dict[str, StampRow | None]
    """All of these, and folders, which a build changes too."""

    def differs(self, before: ProjectLook) -> bool:
        """Whether a build may do something now that it did not do `before`."""
        if self.matters != before.matters:
            return True
        for path, (built, now) in self.inputs.items():
            if now != (before.inputs[path][1] if path in before.inputs else built or now):
                return True
        return False


def execute(arguments: Namespace, output: Output) -> int:
    if not POSSIBLE:
        raise UsageError("`watch` needs Linux", hint="`wasmill build` after each edit")
    place = folder(arguments)
    if not os.path.isdir(place):
        raise UsageError(f"there is no folder `{place}`")
    signal.signal(signal.SIGIO, lambda number, frame: None)  # see `WatchedDisk.watch`; programs do not inherit it
    watching = _Watching(arguments, output)
    try:
        watching.work()
    finally:
        watching.end()
    return 0


class _Watching:
    def __init__(self, arguments: Namespace, output: Output) -> None:
        self.place: str = arguments.path
        self.output = output
        self.clear = arguments.clear and sys.stderr.isatty()
        words = len(sys.argv) - 1
        command = "run" if arguments.run else "build"
        self.command = [sys.executable, *sys.orig_argv[1 : len(sys.orig_argv) - words], command, self.place]
        if arguments.quiet:
            self.command.append("--quiet")
        self.disk = WatchedDisk()
        self.child: subprocess.Popen[bytes] | None = None
        self.served = ""
        self.started = False
        self.greeted = 0.0

    def work(self) -> None:
        """Never returns."""
        while True:
            before = self.settled()
            if self.clear:
                sys.stderr.write("\x1b[2J\x1b[3J\x1b[H")
                sys.stderr.flush()
            self.child = subprocess.Popen(self.command)
            self.wait_for_change(before)
            self.stop_child()

    def wait_for_change(self, before: ProjectLook) -> None:
        assert self.child is not None
        running, hints = True, before.hints
        while True:
            ended = running and self.child.poll() is not None
            # A build that has ended has said what it depends on, and may have made folders.
            if ended or self.look(list(hints)) != hints:
                now = self.settled()
                if now.differs(before):
                    return
                hints = now.hints
            if ended:
                running = False
                self.output.say(f"watching `{os.path.abspath(self.place)}`; Ctrl-C ends it")
            self.greet()
            self.disk.learn()
            self.disk.wait(0.05 if running else PATIENCE)

    def settled(self) -> ProjectLook:
        """Returns what the project looks like, once it has been so for a moment."""
        for last in range(MOST_BURSTS, -1, -1):
            now_ns = REAL.now_ns()  # before the stamps are taken: a later change has a later time
            seen = self.see()
            newest = max((row[4] for row in seen.hints.values() if row is not None), default=0)
            if newest < now_ns - QUIET_NS or not last:
                return seen
            time.sleep(QUIET_NS / 1e9)
        raise AssertionError

    def see(self) -> ProjectLook:
        disk, noted = looked(REAL)
        files: list[str] = []
        folders: list[str] = []
        inputs: dict[str, StampRow | None] = {}
        try:
            config = load(self.place, {}, disk)
            self.serve(config)
            rules = scan_rules(config)
            root = rules.root.rstrip("/") + "/"
            self.disk.watch(root)
            walked = walk(rules, REAL)
            files = [place for file in walked.files for place in _links_followed(root + file.path)]
            folders = [root + folder.path for folder in walked.folders]
            inputs = _inputs(rules.snapshot)
            inputs.pop(config.build.output, None)
        except WasmillError:
            pass  # the build reports it, and the files that it was found in are watched
        extras, absent = noted.watched(())
        files += [file.path for file in extras] + list(absent)
        hints = self.look([*folders, *files, *inputs])
        now = {path: (built, hints[path]) for path, built in inputs.items()}
        return ProjectLook({path: hints[path] for path in files}, now, hints)

    def look(self, paths: list[str]) -> dict[str, StampRow | None]:
        """Returns the stamps of paths, without links followed."""
        try:
            return dict(zip(paths, self.disk.rows(paths), strict=True))
        except OSError:
            return {path: _row(path) for path in paths}

    def serve(self, config: Config) -> None:
        """Starts a server, where there may be one and is none."""
        with suppress(WasmillError, OSError):
            self.served = served_folder(config, self.place)
            if not ServerFolder(self.served).taken():
                start(self.served, wait=False)
                self.started = True

    def greet(self) -> None:
        """Keeps the server from ending because nobody came."""
        if self.served and time.monotonic() - self.greeted > GREETED:
            self.greeted = time.monotonic()
            asked(self.served, STATUS)

    def stop_child(self) -> None:
        """Ends a program that still runs, as SIGTERM does. A build is not ended: it is nearly done, and what it did is
        in the cache."""
        child = self.child
        if child is None:
            return
        if "run" in self.command and child.poll() is None:
            child.terminate()
            with suppress(subprocess.TimeoutExpired):
                child.wait(KILLED_AFTER)
            if child.poll() is None:
                child.kill()
        child.wait()

    def end(self) -> None:
        """Ends what this command started. After Ctrl-C at a terminal the child has the signal too."""
        self.disk.close()
        if self.child is not None and self.child.poll() is None:
            self.child.terminate()
            with suppress(subprocess.TimeoutExpired):
                self.child.wait(KILLED_AFTER)
            self.child.kill()
            self.child.wait()
        if self.started:
            asked(self.served, STOP)


def _links_followed(path: str) -> list[str]:
    """Returns a path and, where it is a link, all that it leads over: a change of any of them changes the source."""
    places = [path]
    with suppress(OSError):  # no link, or none any more
        while len(places) < MOST_LINKS:
            places.append(os.path.join(os.path.dirname(places[-1]), os.readlink(places[-1])))
    return places


def _inputs(snapshot: str) -> dict[str, StampRow | None]:
    """Returns the files that are no sources and that the last build depended on, with the stamps that they had."""
    try:
        decoded = decode(REAL.read(snapshot, LARGEST)) if snapshot else None
    except OSError:
        return {}
    extras = decoded.extras if decoded is not None else ()
    return {file.path: None if file.stamp == NO_STAMP else file.stamp.row for file in extras}


def _row(path: str) -> StampRow | None:
    try:
        return REAL.rows([path])[0]
    except OSError:
        return None
