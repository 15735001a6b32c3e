"""Real servers: a command does and prints the same with one and without, whatever happens to it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from difflib import unified_diff
from pathlib import Path
from typing import NamedTuple

import pytest

from orchestrator.server import FILE
from tests.orchestrator.server.server_tools import (
    KNOCK,
    PATIENT,
    REPOSITORY,
    begin,
    end,
    environment,
    status,
    stop,
    until,
    wasmill,
    without_times,
)

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="servers need Linux")]

MAIN = "use low::twice;\nfun main() { println(twice(21)); }\n"
LOW = "pub fun twice(n: i64) -> i64 { n * 2 }\n"
ONE_JOB = "[build]\njobs = 1\n"
"""With more, it is a matter of luck whether a module is blocked, or was compiled before the other one failed."""

FOREVER = 'fun main() { println("started"); let mut i = 0; while i >= 0 { i = (i + 1) % 1000 } }\n'


class Pair(NamedTuple):
    """Two folders with the same project `app`: one with a server, one without."""

    served: Path
    plain: Path

    def write(self, **texts: str | None) -> None:
        for folder in self:
            for name, text in texts.items():
                file = folder / "app" / (name.replace("_toml", ".toml") if "_toml" in name else f"{name}.ruchy")
                if text is None:
                    file.unlink(missing_ok=True)
                else:
                    file.write_text(text)

    def compare(self, *words: str, **more: str) -> tuple[int, str, str]:
        """Runs a command in both folders, and returns what it did in either."""
        done = []
        for root in self:
            code, out, err = wasmill(root, *words, **more)
            program = root / "app/build/main.wasm"
            data = program.read_bytes() if program.exists() else b""
            done.append((code, without_times(out, root), without_times(err, root), data))
        assert not list(unified_diff(*(one[1].splitlines() for one in done), lineterm="", n=0)), words
        assert done[0] == done[1]
        return done[0][:3]


def start(root: Path, **more: str) -> subprocess.Popen[str]:
    process = begin(root, "server", "run", "app", **more)
    assert process.stderr is not None
    line = process.stderr.readline()
    assert line.startswith("the server is ready"), line + process.stderr.read()
    return process


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    both = Pair(tmp_path_factory.mktemp("served"), tmp_path_factory.mktemp("plain"))
    for root in both:
        (root / "app").mkdir()
    both.write(main=MAIN, low=LOW, wasmill_toml=ONE_JOB)
    process = start(both.served)
    yield both
    stop(both.served / "app")
    end(process)


TABLE: list[tuple[str, dict[str, str | None], list[str], int]] = [
    ("the first build", {}, ["build", "app"], 0),
    ("an edit", {"low": LOW.replace("2", "3")}, ["build", "app"], 0),
    ("quiet", {"low": LOW + "// a\n"}, ["build", "-q", "app"], 0),
    ("an error", {"low": LOW.replace("n * 2", "n * ")}, ["build", "app"], 1),
    ("an error, as lines", {"low": LOW.replace("n * 2", "n + ")}, ["build", "app", "--json"], 1),
    ("run of what failed", {"low": LOW.replace("n * 2", "n + ")}, ["run", "app"], 1),
    (
        "mended, with a warning",
        {"low": LOW, "main": MAIN.replace("println", "let x = 1; println")},
        ["build", "app"],
        0,
    ),
    ("forced", {}, ["build", "app", "--force"], 0),
    ("lines", {"main": MAIN}, ["build", "app", "--json"], 0),
    ("another profile", {}, ["build", "app", "--profile", "release"], 0),
    ("no such profile", {}, ["build", "app", "--profile=none"], 2),
    ("run", {"main": MAIN.replace("21", "4")}, ["run", "app", "--", "a", "b"], 0),
    ("a trap", {"main": MAIN.replace("println(", "let z = 0;\n println(1 / z + ")}, ["run", "app"], 134),
    ("an argument that is none", {"main": MAIN}, ["run", "app", "--", "a\udc80"], 2),
    ("an unknown flag", {}, ["build", "app", "--foo"], 2),
    ("no lines of a run", {}, ["run", "app", "--json"], 2),
    ("a wrong setting", {"wasmill_toml": "[build]\njobs = 0\n"}, ["build", "app"], 2),
    ("a setting", {"wasmill_toml": ONE_JOB + 'invalidation = "precise"\n', "low": LOW + "// b\n"}, ["build", "app"], 0),
    ("a module that is gone", {"low": None}, ["build", "app"], 1),
    ("no entry", {"main": None, "low": LOW}, ["run", "app"], 2),
]
UNSERVED = {"an unknown flag"}
UNBUILT = {*UNSERVED, "no such profile", "no lines of a run", "a wrong setting"}


@pytest.mark.parametrize(("name", "texts", "words", "code"), TABLE, ids=[row[0] for row in TABLE])
def test_a_command_does_the_same(
    pair: Pair, name: str, texts: dict[str, str | None], words: list[str], code: int
) -> None:
    pair.write(**{"main": MAIN, "low": LOW, "wasmill_toml": ONE_JOB, **texts})
    before = status(pair.served / "app")
    assert pair.compare(*words)[0] == code
    after = status(pair.served / "app")
    assert after["commands"] - before["commands"] == (name not in UNSERVED)
    assert after["builds"] - before["builds"] == (name not in UNBUILT)
    assert (after["refused"], status(pair.plain / "app")) == (before["refused"], {})


def test_a_cache_that_somebody_else_cleared(pair: Pair) -> None:
    pair.write(main=MAIN, low=LOW, wasmill_toml=ONE_JOB)
    pair.compare("build", "app")
    for root in pair:
        assert wasmill(root, "cache", "clear", "app")[0] == 0
    assert "2 compiled" in pair.compare("build", "app")[2]


def test_what_a_terminal_says_does_not_part_them(pair: Pair) -> None:
    before = status(pair.served / "app")["commands"]
    pair.write(low=LOW + "// of a terminal\n")
    pair.compare("build", "app", TERM="xterm", NO_COLOR="1")
    assert status(pair.served / "app")["commands"] == before + 1


def test_a_full_disk_is_told(pair: Pair) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("there is no full device here")
    told = []
    for root in pair:
        with open("/dev/full", "w") as full:
            done = subprocess.run(
                [sys.executable, "-c", PATIENT, "build", "--json", "app"],
                cwd=root,
                env=environment(),
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
                check=False,
                timeout=50,
            )
        told.append((done.returncode, done.stderr))
    assert told[0] == told[1]
    assert told[0][0] == 3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_program(pair: Pair, number: int) -> None:
    pair.write(main=FOREVER)
    ends = []
    for root in pair:
        process = begin(root, "run", "app")
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        process.send_signal(number)
        ends.append(end(process))
    pair.write(main=MAIN)
    assert ends[0] == ends[1]
    assert ends[0][0] == 128 + number


ODD = {
    "another environment: OTHER": {"OTHER": "1"},
    "another path of modules": {"PYTHONPATH": f"{REPOSITORY}{os.pathsep}{REPOSITORY}/tests"},
    "another mask": {"umask": "077"},
    "another limit": {"ulimit": "-n 100"},
}


@pytest.mark.parametrize("why", ODD)
def test_an_odd_client_is_refused(pair: Pair, why: str) -> None:
    """It then does everything by itself: see `test_client.py`."""
    more = dict(ODD[why])
    shell = "".join(f"{name} {more.pop(name)}; " for name in ("umask", "ulimit") if name in more)
    app = pair.served / "app"
    command = ["sh", "-c", f'{shell}exec "$0" "$@"', sys.executable, "-c", KNOCK]
    done = subprocess.run(
        command, cwd=app, env=environment(**more), capture_output=True, text=True, check=True, timeout=50
    )
    assert done.stdout == "False\n"
    assert status(app)["refused_last"] in (why, "another path of modules")
    assert status(app)["refused_last"] == why


def test_a_copied_project_is_another_one(pair: Pair, tmp_path: Path) -> None:
    shutil.copytree(pair.served / "app", tmp_path / "app")
    assert (tmp_path / "app" / FILE).exists()
    assert wasmill(tmp_path / "app", script=KNOCK)[1] == "False\n"
    assert status(pair.served / "app")["refused_last"] == "another folder"


def test_two_clients_at_once(pair: Pair) -> None:
    pair.write(low=LOW.replace("2", "7"))
    before = status(pair.served / "app")["commands"]
    both = [begin(pair.served, "run", "app") for _ in range(2)]
    assert [end(one)[:2] for one in both] == [(0, "147\n")] * 2
    assert status(pair.served / "app")["commands"] == before + 2


def test_a_client_that_is_killed_takes_its_build_along(pair: Pair) -> None:
    app = pair.served / "app"
    pair.write(low=LOW.replace("2", "8"))
    builder = status(app)["builder"]
    os.kill(builder, signal.SIGSTOP)
    try:
        client = begin(pair.served, "build", "app")
        until(lambda: status(app)["children"])
        client.kill()
        end(client)
        until(lambda: not status(app)["children"])
    finally:
        os.kill(builder, signal.SIGCONT)
    pair.compare("run", "app")


@pytest.mark.parametrize(
    "killed", [("builder",), ("process", "builder"), ("children",), ("process", "builder", "children")]
)
def test_killed_in_the_middle(tmp_path: Path, killed: tuple[str, ...]) -> None:
    """A server or its child is killed while it builds: the command is done nevertheless, and once."""
    app = tmp_path / "app"
    app.mkdir()
    (app / "main.ruchy").write_text(MAIN)
    (app / "low.ruchy").write_text(LOW)
    server = start(tmp_path)
    told = status(app)
    os.kill(told["builder"], signal.SIGSTOP)
    client = begin(tmp_path, "run", "app")
    until(lambda: status(app)["children"])
    told = status(app)
    for name in killed:
        for process in [told[name]] if isinstance(told[name], int) else told[name]:
            os.kill(process, signal.SIGKILL)
    if "builder" not in killed:
        os.kill(told["builder"], signal.SIGCONT)
    assert end(client) == (0, "42\n", "")
    stop(app)
    end(server)
    assert wasmill(tmp_path, "run", "app") == (0, "42\n", "")  # with what was left behind, and no server
    fresh = start(tmp_path)  # and a new server takes its place
    stop(app)
    assert end(fresh)[0] == 0
    assert not (app / FILE).exists()


def test_start_status_and_stop(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app/main.ruchy").write_text(MAIN.replace("use low::twice;\n", "").replace("twice(21)", "1"))
    assert wasmill(tmp_path, "server", "status", "app") == (1, "", "there is no server\n")
    racers = [begin(tmp_path, "server", "start", "app") for _ in range(2)]
    assert {end(one)[0] for one in racers} == {0}
    assert wasmill(tmp_path, "server", "start", "app") == (0, "", "there is a server already\n")
    code, out, _ = wasmill(tmp_path, "server", "status", "app")
    assert (code, [line.split()[0] for line in out.splitlines()]) == (0, ["process", "commands", "memory", "ends"])
    assert wasmill(tmp_path, "server", "stop", "app") == (0, "", "the server was stopped\n")
    assert wasmill(tmp_path, "server", "stop", "app")[0] == 1


def test_a_setting_starts_it_and_it_ends_when_nobody_comes(tmp_path: Path) -> None:
    app = tmp_path / "app"
    app.mkdir()
    (app / "main.ruchy").write_text("fun main() { println(1) }\n")
    (app / "wasmill.toml").write_text("[build]\nserver = true\nserver_idle = 0.1\n")
    quick = PATIENT.replace(
        "from orchestrator.cli.uptodate",
        "import orchestrator.server.front as f\nf.PAUSE_MS = 20\nfrom orchestrator.cli.uptodate",
        1,
    )
    assert wasmill(tmp_path, "run", "app", script=quick)[:2] == (0, "1\n")
    lock = app / f"{FILE}.lock"
    until(lock.exists)
    until(lambda: not (app / FILE).exists() and not _locked(lock))


def _locked(lock: Path) -> bool:
    from orchestrator.server.place import ServerFolder

    return ServerFolder(str(lock.parent.parent)).taken()


def test_a_cache_elsewhere_has_no_server(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app/main.ruchy").write_text("fun main() {}\n")
    (tmp_path / "app/wasmill.toml").write_text('[cache]\nfolder = "../cache"\n')
    code, _, err = wasmill(tmp_path, "server", "start", "app")
    assert code == 2
    assert "a server needs the cache at `.ruchy-cache`" in err


def test_events_are_numbered_as_in_a_process_of_its_own(pair: Pair) -> None:
    pair.write(low=LOW.replace("2", "9"))
    _, out, _ = wasmill(pair.served, "build", "app", "--json")
    lines = [json.loads(line) for line in out.splitlines()]
    assert {line["build"] for line in lines} == {1}
    assert [lines[0]["event"], lines[-1]["event"]] == ["build-started", "build-finished"]
