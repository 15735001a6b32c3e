"""The client before servers that are odd in every way: it says "no", and the command is done without one."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orchestrator.cli import Terminated, served_build, uptodate
from orchestrator.server import ACCEPTED, CHILD, DIED, ENDED, FILE, GO, MAGIC, REFUSED, RUNS, client, front
from orchestrator.server.place import ServerFolder

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="servers need Linux")

REPOSITORY = Path(__file__).parents[3]
Script = Callable[[socket.socket], object]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    before = {one: signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM, signal.SIGTSTP)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield tmp_path
    for number, handler in before.items():
        signal.signal(number, handler)


def asked(project: Path, script: Script) -> int | None:
    """What the client returns before a server that does what the script does."""
    owned = ServerFolder(str(project))
    assert owned.take()
    listener = owned.listen()

    def serve() -> None:
        link, _ = listener.accept()
        with link:
            script(link)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        return client.execute(uptodate.__file__, ["build"], ".", (project / FILE).read_bytes())
    finally:
        thread.join()
        listener.close()
        owned.leave()


def after_go(*packets: bytes) -> Script:
    """Accepts, waits for the client's word, sends the packets, and goes away."""

    def script(link: socket.socket) -> None:
        assert link.recv(1 << 18).startswith(MAGIC)
        link.send(ACCEPTED)
        assert link.recv(1) == GO
        for packet in packets:
            link.send(packet)

    return script


def sent(packet: bytes) -> Script:
    def script(link: socket.socket) -> None:
        link.recv(1 << 18)
        link.send(packet)

    return script


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "ACKNOWLEDGED", 20.0)


KILLED = DIED + signal.SIGKILL.to_bytes(4, "little")
LEFT = DIED + (5 << 8).to_bytes(4, "little")

ENDS: dict[str, tuple[Script, int | None]] = {
    "refused": (sent(REFUSED), None),
    "something else": (sent(b"?"), None),
    "gone before it accepts": (lambda link: link.recv(1 << 18), None),
    "gone at once": (lambda link: None, None),
    "gone after it accepted": (after_go(), None),
    "gone while it builds": (after_go(CHILD + b"\1\0\0\0"), None),
    "its child was killed": (after_go(KILLED), None),
    "its child left without a word": (after_go(LEFT), None),
    "nonsense": (after_go(b"?"), None),
    "gone while the program runs": (after_go(RUNS), 3),
    "the program's own end": (after_go(RUNS, LEFT), 5),
    "an exit code": (after_go(ENDED + b"\7\0\0\0"), 7),
}


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("how", ENDS)
def test_each_end_of_a_server(project: Path, how: str, capfd: pytest.CaptureFixture[str]) -> None:
    script, code = ENDS[how]
    assert asked(project, script) == code
    assert capfd.readouterr().err == ("wasmill: the process that ran the program is gone\n" if code == 3 else "")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler or code == 7


def test_a_server_that_does_not_answer_in_time(project: Path) -> None:
    over = threading.Event()
    owned = ServerFolder(str(project))
    assert owned.take()
    with owned.listen():  # it accepts nobody
        assert client.execute(uptodate.__file__, ["build"], ".", (project / FILE).read_bytes()) is None
    owned.leave()
    assert not over.is_set()


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize(("number", "error"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, Terminated)])
def test_a_signal_is_passed_on(project: Path, number: int, error: type[BaseException]) -> None:
    def script(link: socket.socket) -> None:
        after_go()(link)
        os.kill(os.getpid(), number)
        assert link.recv(1) == bytes([number])

    with pytest.raises(error):  # and where the server goes without a word, it is an interrupted build
        asked(project, script)


@pytest.mark.usefixtures("patient")
def test_another_user(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the kernel would say it of the server's process."""
    monkeypatch.setattr(client, "user", lambda link: os.geteuid() + 1)
    assert asked(project, lambda link: None) is None


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("mode", [0o755, 0o770, 0o701])
def test_a_folder_that_others_can_enter(project: Path, mode: int) -> None:
    owned = ServerFolder(str(project))
    assert owned.take()
    with owned.listen() as listener:
        folder = os.path.dirname(listener.getsockname())
        assert os.stat(folder).st_mode & 0o777 == 0o700
        os.chmod(folder, mode)
        assert client.execute(uptodate.__file__, ["build"], ".", (project / FILE).read_bytes()) is None
    owned.leave()


@pytest.mark.parametrize(
    "text", [b"", b"wasmill-server 2\n/x/y\n", MAGIC, MAGIC + b"/nowhere/socket\n", MAGIC + b"\0\n"]
)
def test_a_file_that_says_nothing(project: Path, text: bytes) -> None:
    assert client.execute(uptodate.__file__, ["build"], ".", text) is None


def test_a_server_of_another_user_is_refused_by_the_server_too(monkeypatch: pytest.MonkeyPatch) -> None:
    made = front.Front.__new__(front.Front)
    made._children, made._refused = {}, 0
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    monkeypatch.setattr(front, "user", lambda link: os.geteuid() + 1)
    made._answer(theirs)
    assert ours.recv(10) == REFUSED
    assert (made._why, made._refused) == ("another user", 1)
    ours.close()


def test_one_server_at_a_time_and_what_is_left_behind(project: Path) -> None:
    first, second = ServerFolder(str(project)), ServerFolder(str(project))
    assert not first.taken()
    assert first.take() and not second.take() and second.taken()
    with first.listen():
        assert first.stands()
        os.utime(project / FILE, ns=(1, 1))
        assert not first.stands()
    first.leave()
    assert (project / FILE).exists()  # because it is not what this server wrote
    assert second.take()
    with second.listen():
        assert second.stands()
    second.leave()
    assert not (project / FILE).exists()


@pytest.mark.parametrize(
    ("words", "folder"),
    [
        ("build", "."), ("run", "."), ("build app", "app"), ("build -q app --json", "app"), ("run app -- -x y", "app"),
        ("build -j 4 --profile=release app", "app"), ("build --jobs=2 --force", "."), ("run --profile dev", "."),
        ("build a b", None), ("build --verify", None), ("build --record x", None), ("build --no-cache", None),
        ("build --foo", None), ("build -h", None), ("build -j", None), ("build -j -q", None), ("build -- x", None),
        ("graph", None), ("clean", None), ("", None), ("--version", None),
    ],
)  # fmt: skip
def test_command_lines_that_a_server_may_execute(
    words: str, folder: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.cli.environ", {})
    assert served_build(words.split()) == folder
    monkeypatch.setattr("orchestrator.cli.environ", {b"WASMILL_JOBS": b"1"})
    assert served_build(words.split()) is None


IMPORTS = """
import sys
before = set(sys.modules)
from orchestrator.cli import uptodate
assert uptodate.served(["build"]) is None
print(*sorted(set(sys.modules) - before - set(sys.builtin_module_names)))
"""


@pytest.mark.parametrize("there", [False, True])
def test_what_a_client_imports(tmp_path: Path, there: bool) -> None:
    if there:
        (tmp_path / FILE).parent.mkdir()
        (tmp_path / FILE).write_bytes(MAGIC + b"/nowhere/socket\n")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WASMILL_")}
    done = subprocess.run(
        [sys.executable, "-S", "-c", IMPORTS],
        cwd=tmp_path,
        env={**kept, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    cli = ["orchestrator", "orchestrator.cli", "orchestrator.cli.uptodate"]
    asking = ["orchestrator.server", "orchestrator.server.client"]
    own = [name for name in done.stdout.split() if name != "_socket"]
    assert own == (cli + asking if there else cli)
