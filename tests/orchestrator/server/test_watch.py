"""`wasmill watch`, as a process: it builds or runs again after each change, until Ctrl-C."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from orchestrator.server import FILE
from tests.orchestrator.server.server_tools import PATIENT, begin, until, wasmill

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="`watch` needs Linux")]


class WatchProcess:
    """A `wasmill watch`, and all that it and its builds have said so far."""

    def __init__(self, root: Path, *words: str, place: str = "app", script: str = PATIENT) -> None:
        self.root = root
        (root / "app").mkdir(parents=True)
        self.write("41")
        self.process = begin(root, "watch", place, *words, script=script)
        self.said: list[str] = []
        self.readers = [
            threading.Thread(target=self._read, args=(one,)) for one in (self.process.stdout, self.process.stderr)
        ]
        for one in self.readers:
            one.start()

    def _read(self, file: Iterable[str]) -> None:
        for line in file:
            self.said.append(line)

    def write(self, what: str) -> None:
        (self.root / "app/main.ruchy").write_text(f"fun main() {{ println({what}); }}\n")

    def says(self, what: str) -> None:
        until(lambda: self.process.poll() is not None or any(what in line for line in list(self.said)))
        assert any(what in line for line in self.said), self.said

    def stop(self, number: int = signal.SIGINT) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(50)
        for one in self.readers:
            one.join()
        for file in (self.process.stdout, self.process.stderr):
            assert file is not None
            file.close()
        return code


@pytest.fixture
def made(tmp_path: Path) -> Iterator[list[WatchProcess]]:
    watches: list[WatchProcess] = []
    yield watches
    for one in watches:
        one.stop()


def test_it_runs_again_after_a_change(tmp_path: Path, made: list[WatchProcess]) -> None:
    it = WatchProcess(tmp_path, "--run")
    made.append(it)
    it.says("41")
    it.says("watching")
    it.write("4 + ")
    it.says("error[")
    (tmp_path / "app/wasmill.toml").write_text("[build]\njobs = 0\n")
    it.says("jobs")
    (tmp_path / "app/wasmill.toml").unlink()
    it.write("43); let mut i = 0; while i >= 0 { i = (i + 1) % 1000 }; println(0")
    it.says("43")
    it.write("44")
    it.says("44")
    assert (tmp_path / "app" / FILE).exists()
    assert it.stop() == 130
    until(lambda: not (tmp_path / "app" / FILE).exists())
    assert sum("watching" in line for line in it.said) <= 5


def test_it_builds_once_for_a_change(tmp_path: Path, made: list[WatchProcess]) -> None:
    it = WatchProcess(tmp_path)
    made.append(it)
    it.says("watching")
    it.write("42")
    it.write("43")
    until(lambda: sum("watching" in line for line in it.said) == 2, 50)
    assert it.stop(signal.SIGTERM) == 143
    assert sum("built" in line for line in it.said) == 2, it.said


INSTALLED = Path(sys.executable).parent / "wasmill"


@pytest.mark.skipif(not INSTALLED.exists(), reason="wasmill is not installed here")
def test_the_installed_script_through_links(tmp_path: Path, made: list[WatchProcess]) -> None:
    """A link to the project, and a module that is a link to a file that is no module."""
    (tmp_path / "link").symlink_to("app")
    script = f"import os, sys\nos.execv({str(INSTALLED)!r}, ['wasmill', *sys.argv[1:]])\n"
    it = WatchProcess(tmp_path, "--run", place="link", script=script)
    made.append(it)
    it.says("41")
    it.says("watching")
    (tmp_path / "app/low.txt").write_text("pub fun f() -> i64 { 1 }\n")
    (tmp_path / "app/low.ruchy").symlink_to("low.txt")
    it.write("low::f() + 50")
    it.says("51")
    (tmp_path / "app/low.txt").write_text("pub fun f() -> i64 { 2 }\n")
    it.says("52")
    assert it.stop() == 130


def test_wrong_usage(tmp_path: Path) -> None:
    code, _, err = wasmill(tmp_path, "watch", "nowhere")
    assert (code, "there is no folder" in err) == (2, True)
