"""What comes and goes through a client: its three streams, its terminal with its keys, and what ends a server from
outside."""

from __future__ import annotations

import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from actors.digests import NO_STAMP
from actors.disk import REAL
from actors.messages import FolderStamp
from orchestrator.server import FILE
from orchestrator.server.builder import unchanged
from tests.orchestrator.server.server_tools import (
    KNOCK,
    PATIENT,
    REPOSITORY,
    begin,
    end,
    environment,
    status,
    until,
    wasmill,
    without_times,
)
from tests.orchestrator.server.test_server import FOREVER, LOW, MAIN, ONE_JOB, Pair, pair, start

__all__ = ["pair"]  # the fixture: this file has a server of its own

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="servers need Linux")]

QUICK = PATIENT.replace(
    "from orchestrator.cli.uptodate",
    "import orchestrator.server.front as f\nf.PAUSE_MS = 20\nfrom orchestrator.cli.uptodate",
    1,
)
"""A server that looks around often."""

SHELL = """
import os, signal, subprocess, sys
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
job = subprocess.Popen([sys.executable, "-c", sys.argv[1], *sys.argv[2:]], process_group=0)
os.tcsetpgrp(0, job.pid)
while True:
    _, status = os.waitpid(job.pid, os.WUNTRACED)
    if not os.WIFSTOPPED(status):
        sys.exit(os.waitstatus_to_exitcode(status) % 256)
    os.tcsetpgrp(0, os.getpgrp())
    print("job stopped", flush=True)
    assert sys.stdin.readline() == "fg\\n"
    os.tcsetpgrp(0, job.pid)
    os.killpg(job.pid, signal.SIGCONT)
"""
"""What a shell does with a job in front: gives it the terminal, sees that it stopped, has it go on."""


class Terminal:
    """A command at a pseudo-terminal, in front of a shell."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.process, self.file = pty.fork()
        if not self.process:
            os.chdir(folder)
            more = environment(TERM="xterm", COLUMNS="100", LINES="30")
            os.execve(sys.executable, [sys.executable, "-c", SHELL, PATIENT, *words], more)
        self.said = ""

    def until(self, what: str) -> None:
        while what not in self.said:
            self.said += os.read(self.file, 4096).decode()

    def types(self, keys: bytes) -> None:
        os.write(self.file, keys)

    def end(self) -> tuple[int, str]:
        try:
            while data := os.read(self.file, 4096):
                self.said += data.decode()
        except OSError:  # nobody has the other side open any more
            pass
        os.close(self.file)
        return os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1]), self.said


def state_of(process: int) -> str:
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]


@pytest.fixture
def app(tmp_path: Path) -> Path:
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "main.ruchy").write_text(MAIN)
    (folder / "low.ruchy").write_text(LOW)
    (folder / "wasmill.toml").write_text(ONE_JOB)
    return folder


@pytest.fixture
def forever(pair: Pair) -> Iterator[Pair]:
    pair.write(main=FOREVER, low=LOW, wasmill_toml=ONE_JOB)
    yield pair
    pair.write(main=MAIN)


def test_the_program_has_the_streams_of_the_client(forever: Pair) -> None:
    """They are the same pipes, not copies of what went through them."""
    command = [sys.executable, "-c", PATIENT, "run", "app"]
    with subprocess.Popen(
        command,
        cwd=forever.served,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as client:
        assert client.stdout is not None
        assert client.stdout.readline() == b"started\n"
        (child,) = status(forever.served / "app")["children"]
        for number in (0, 1, 2):
            assert os.readlink(f"/proc/{child}/fd/{number}") == os.readlink(f"/proc/{client.pid}/fd/{number}")
        client.send_signal(signal.SIGINT)
        client.communicate(timeout=50)
        assert client.returncode == 130


@pytest.mark.parametrize("text", [LOW.replace("2", "5"), LOW.replace("n * 2", "n + ")], ids=["built", "an error"])
def test_a_terminal_shows_the_same(pair: Pair, text: str) -> None:
    """A progress line that is erased at the end, and colours."""
    pair.write(main=MAIN, low=text, wasmill_toml=ONE_JOB)
    before = status(pair.served / "app")["builds"]
    ends = []
    for root in pair:
        code, said = Terminal(root, "build", "app").end()
        assert "\r\x1b[Klooking at 2 modules" in said
        ends.append((code, without_times(re.sub(r"\r\x1b\[K[^\r]*(?=\r\x1b\[K)", "", said), root)))
    assert ends[0] == ends[1]
    assert ("\x1b[1;31m" in ends[0][1] or "\x1b[31m" in ends[0][1]) == (ends[0][0] == 1)
    assert status(pair.served / "app")["builds"] == before + 1


def test_ctrl_c_at_a_terminal(forever: Pair) -> None:
    ends = []
    for root in forever:
        terminal = Terminal(root, "run", "app")
        terminal.until("started\r\n")
        terminal.types(b"\x03")
        code, said = terminal.end()
        ends.append((code, re.sub(r"\r\x1b\[K[^\r]*(?=\r\x1b\[K)", "", said)))
    assert ends[0] == ends[1]
    assert ends[0][0] == 130
    assert "wasmill: interrupted" in ends[0][1]


def test_ctrl_z_at_a_terminal_stops_the_program_too(forever: Pair) -> None:
    terminal = Terminal(forever.served, "run", "app")
    terminal.until("started\r\n")
    (child,) = status(forever.served / "app")["children"]
    terminal.types(b"\x1a")
    terminal.until("job stopped")
    until(lambda: state_of(child) == "T")
    terminal.types(b"fg\n")
    until(lambda: state_of(child) != "T")
    terminal.types(b"\x03")
    assert terminal.end()[0] == 130


def test_a_reader_that_goes_away_in_the_middle(pair: Pair) -> None:
    """As with `| head -n 1`: no error, and the build goes on to its end."""
    pair.write(main=MAIN, low=LOW.replace("2", "6"), wasmill_toml=ONE_JOB)
    ends = []
    for root in pair:
        command = '"$0" -c "$1" build app --json | head -n 1 >/dev/null; exit ${PIPESTATUS[0]}'
        done = subprocess.run(
            ["bash", "-c", command, sys.executable, PATIENT],
            cwd=root,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=50,
        )
        ends.append((done.returncode, without_times(done.stderr, root), (root / "app/build/main.wasm").read_bytes()))
    assert ends[0] == ends[1]
    assert ends[0][0] == 0


def test_memory_is_told(pair: Pair) -> None:
    """Of all its processes together; one that is gone counts nothing."""
    from orchestrator.server.front import memory

    told = status(pair.served / "app")
    builder = memory(told["builder"])
    assert 1 << 20 < builder <= told["memory_bytes"] < 1 << 30
    assert memory(2**22 + 1) == 0
    code, out, _ = wasmill(pair.served, "server", "status", "app")
    assert code == 0
    assert re.search(r"^memory +\d+\.\d MB$", out, re.MULTILINE)


def test_it_ends_when_its_user_logs_out(app: Path) -> None:
    """Then the folder of the user's session is removed; it holds the socket, whose path must be short."""
    runtime = Path(tempfile.mkdtemp(prefix="wasmill-", dir="/tmp"))
    server = begin(app.parent, "server", "run", "app", script=QUICK, XDG_RUNTIME_DIR=str(runtime))
    assert server.stderr is not None
    assert server.stderr.readline().startswith("the server is ready")
    (folder,) = runtime.iterdir()
    assert folder.stat().st_mode & 0o777 == 0o700
    shutil.rmtree(runtime)
    code, _, err = end(server)
    assert (code, "its folder changed" in err) == (0, True), err
    assert not (app / FILE).exists()
    assert wasmill(app.parent, "run", "app")[:2] == (0, "42\n")


def test_it_ends_when_its_version_changes(app: Path, tmp_path: Path) -> None:
    """The next client finds it out, and does by itself what it asked for. The file that changes is behind a link, as
    some installers leave it."""
    version = tmp_path / "version"
    for package in ("actors", "orchestrator"):
        shutil.copytree(REPOSITORY / package, version / package, ignore=shutil.ignore_patterns("__pycache__"))
    elsewhere = (version / "actors/keeper/index.py").rename(tmp_path / "index.py")
    (version / "actors/keeper/index.py").symlink_to(elsewhere)
    server = start(app.parent, PYTHONPATH=str(version))
    assert wasmill(app, script=KNOCK, PYTHONPATH=str(version))[1] == "True\n"
    with open(elsewhere, "a") as file:
        file.write("# a new version\n")
    assert wasmill(app.parent, "run", "app", PYTHONPATH=str(version))[:2] == (0, "42\n")
    code, _, err = end(server)
    assert (code, "its version changed" in err) == (0, True), err


def test_settings_that_changed_are_seen(tmp_path: Path) -> None:
    plain, linked, absent = tmp_path / "plain", tmp_path / "linked", tmp_path / "absent"
    plain.write_text("1")
    os.utime(plain, (1, 1))
    linked.symlink_to(plain)
    plain_stamp = REAL.stamp(str(plain))
    extras = (FolderStamp(str(plain), plain_stamp), FolderStamp(str(linked), NO_STAMP))
    missing = (str(absent),)
    assert unchanged(extras, missing)
    absent.touch()
    assert not unchanged(extras, missing)
    absent.unlink()
    linked.unlink()
    assert not unchanged(extras, missing)
    linked.symlink_to(plain)
    plain.write_text("22")
    assert not unchanged(extras, missing)
    plain.unlink()
    assert not unchanged(extras, missing)
