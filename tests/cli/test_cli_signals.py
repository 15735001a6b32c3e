"""Ctrl-C and SIGTERM: whenever they come, the command says so, to people and in `--json`, and leaves nothing on the
terminal."""

from __future__ import annotations

import fcntl
import io
import json
import os
import pty
import select
import signal
import subprocess
import sys
import termios
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import anyio
import pytest

from actors.events import CompileStarted
from orchestrator.cli import session, uptodate
from orchestrator.report.progress import Progress
from orchestrator.report.terminal import width
from tests.cli.cli_fakes import FakeProject, Wasmill

SIGNALS = {signal.SIGINT: (130, "wasmill: interrupted\n"), signal.SIGTERM: (143, "wasmill: terminated\n")}
BOTH = pytest.mark.parametrize("number", SIGNALS)
LAST = {"event": "build-cancelled", "build": 0}


def lines(out: str) -> list[dict]:
    return [json.loads(line) for line in out.splitlines()]


def kill(*numbers: int) -> Callable[[], None]:
    def send() -> None:
        for number in numbers:
            os.kill(os.getpid(), number)

    return send


def killed_during(*numbers: int) -> Callable[[], Awaitable[None]]:
    async def during() -> None:
        kill(*numbers)()
        await anyio.sleep_forever()

    return during


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    """What the tests run behind may ignore them."""
    ours = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: uptodate._terminate}
    before = {number: signal.signal(number, handler) for number, handler in ours.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@BOTH
def test_the_last_line_of_a_build_that_was_going_on(number: int, fake: FakeProject, wasmill: Wasmill) -> None:
    code, said = SIGNALS[number]
    fake.during = killed_during(number)
    fake.events_sent = fake.events_sent[:1]
    got, out, err = wasmill("build", "--json")
    assert (got, err) == (code, said)
    assert lines(out)[-1] == {"event": "build-cancelled", "build": 1}
    assert [one["event"] for one in lines(out)] in (["build-cancelled"], ["build-started", "build-cancelled"])


@BOTH
def test_before_the_build_began(
    number: int, wasmill: Wasmill, monkeypatch: pytest.MonkeyPatch, fake: FakeProject
) -> None:
    code, said = SIGNALS[number]
    # While it reads the configuration, and while its modules are imported.
    monkeypatch.setattr("orchestrator.cli.build.load", lambda *_: kill(number)())
    got, out, err = wasmill("build", "--json")
    assert (got, lines(out), err) == (code, [LAST], said)
    monkeypatch.setattr("orchestrator.cli.app.import_module", lambda _: kill(number)())
    got, out, err = wasmill("build", "--json")
    assert (got, lines(out), err) == (code, [LAST], said)
    got, out, err = wasmill("build")
    assert (got, out, err) == (code, "", said)


def test_after_the_last_line_there_is_none(
    wasmill: Wasmill, monkeypatch: pytest.MonkeyPatch, fake: FakeProject
) -> None:
    monkeypatch.setattr("orchestrator.cli.build.tell", lambda *_, **__: kill(signal.SIGINT)())
    code, out, err = wasmill("build", "--json")
    assert [one["event"] for one in lines(out)] == ["build-started", "build-finished"]
    assert (code, err) == (130, "wasmill: interrupted\n") or code == 0  # or it had ended before anybody looked


@BOTH
def test_while_the_command_line_is_imported(
    number: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uptodate, "_main", kill(number))
    monkeypatch.setattr(uptodate, "leave", lambda code: code)
    code, said = SIGNALS[number]
    for argv, out in ((["build", "--json"], [LAST]), (["build"], []), (["run", "--", "--json"], [])):
        monkeypatch.setattr(sys, "argv", ["wasmill", *argv])
        assert uptodate.main() == code
        got = capsys.readouterr()
        assert (lines(got.out), got.err) == (out, said)


def test_a_second_signal_says_it_too(fake: FakeProject, wasmill: Wasmill, monkeypatch: pytest.MonkeyPatch) -> None:
    class Ended(BaseException):
        pass

    def ended(code: int) -> None:
        raise Ended(code)

    monkeypatch.setattr(session.os, "_exit", ended)

    fake.during = killed_during(signal.SIGINT, signal.SIGTERM)
    try:
        wasmill("build", "--json")
    except BaseException as raised:
        assert "Ended(143)" in repr(raised)


class Screen(io.StringIO):
    """What is left on a terminal's current line."""

    def isatty(self) -> bool:
        return True

    @property
    def line(self) -> str:
        return self.getvalue().rpartition("\x1b[K")[2].rpartition("\n")[2].strip("\r")


@pytest.mark.parametrize("name", ["m" * 300, "\u6f22" * 200, "e\u0301" * 100, "a\tb"])
def test_the_moving_line_never_wraps_and_leaves_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.get_terminal_size", lambda **_: os.terminal_size((40, 20)))
    screen = Screen()
    progress = Progress(screen, live=True)
    progress.see(CompileStarted(build=1, module=name, slot=0))
    assert 0 < width(screen.line) < 40
    progress.close()
    assert screen.line == ""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="it needs a terminal")
def test_nothing_is_left_of_the_moving_line_on_a_real_terminal(tmp_path: Path) -> None:
    for number in range(200):
        text = "".join(f"pub fun f{n}(a: i64) -> i64 {{ a * {n} }}\n" for n in range(40))
        (tmp_path / f"m{number}.ruchy").write_text(text)
    (tmp_path / "main.ruchy").write_text("fun main() { println(m1::f1(1)); }\n")
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "orchestrator", "build", str(tmp_path)]
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env={**os.environ, "TERM": "xterm"}
    ) as it:
        os.close(theirs)
        seen = b""
        while b"compiling" not in seen:
            seen += os.read(ours, 4096)
        it.send_signal(signal.SIGTERM)
        try:
            while part := os.read(ours, 4096):
                seen += part
        except OSError:  # the terminal has gone, with the last who had it open
            pass
        assert it.wait(20) == 143
    os.close(ours)
    assert seen.decode().endswith("\r\x1b[Kwasmill: terminated\r\n")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="it needs POSIX signals")
def test_a_reader_who_does_not_read_holds_up_no_signal(tmp_path: Path) -> None:
    """Standard output is full: the end comes all the same, and every line that is read is a whole one."""
    for number in range(900):
        (tmp_path / f"m{number}.ruchy").write_text(f"pub fun f() -> i64 {{ {number} }}\n")
    command = [sys.executable, "-m", "orchestrator", "build", "--json", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as it:
        assert it.stdout and it.stderr
        room = select.poll()
        count = 0
        while count < 56_000:  # nearly all that a pipe takes
            count = int.from_bytes(fcntl.ioctl(it.stdout, termios.FIONREAD, b"\0" * 4), "little")
            assert it.poll() is None
            room.poll(10)
        it.send_signal(signal.SIGTERM)
        assert it.wait(30) == 143
        assert it.stderr.read() == b"wasmill: terminated\n"
        *whole, _ = it.stdout.read().split(b"\n")
    assert len(whole) > 100
    assert all(json.loads(line)["build"] == 1 for line in whole)
