"""What lies outside of the sources decides about a build too: settings, links, names that a folder is known by,
outputs, the cache itself. Whatever becomes of it, the answer is the one that a build from an empty cache gives; and
where nothing happened it comes from the short way, with the warnings."""

from __future__ import annotations

import io
import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import redirect_stderr
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors import digests
from orchestrator import cli
from orchestrator.cli import app, uptodate
from orchestrator.config import load
from orchestrator.errors import WasmillError

pytestmark = pytest.mark.skipif(not cli.POSIX, reason="the short way is for POSIX")

MAIN = "use lib::f;\nfun main() { let unused = 1; println(f()); }\n"
LIB = "pub fun f() -> i64 { 1 }\n"


@pytest.fixture(autouse=True)
def _stamps_are_old(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was written a moment ago may be believed, as if a second had passed."""
    monkeypatch.setattr(digests, "_TICK_NS", -(10**15))
    monkeypatch.setattr(digests, "_COARSE_NS", -(10**15))


def made(place: Path, *, sources: str = "") -> Path:
    """A folder with a project in it, that links lead to, and what is beside it. Its sources are in the project's own
    folder, whose stamp tells of whatever comes and goes in it, or in `sources` below it."""
    top = place / "top"
    for name, text in {
        f"p/{sources}/main.ruchy": MAIN,
        f"p/{sources}/lib.ruchy": LIB,
        "p/src/more.ruchy": LIB,
        "p/www/app.wasm": "old",
        "p/out/none.txt": "",
        "away/none.txt": "",
        "other/wasmill.toml": '[build]\noutput = "elsewhere"\n',
    }.items():
        write(top / name, text)
    (top / "link").symlink_to("p")
    (top / "other/link").symlink_to("../p")
    return top


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.is_symlink() or file.exists():
        gone(file)
    file.write_text(text)


def gone(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def linked(path: Path, target: str) -> None:
    gone(path)
    path.symlink_to(target)


def moved(path: Path, to: Path, target: str) -> None:
    """`path` is somewhere else, and a link leads there."""
    if path.exists() and not path.is_symlink():
        gone(to)
        path.rename(to)
        path.symlink_to(target)


def damaged(top: Path) -> None:
    for file in (top / "p/build").glob("*.wasm"):
        file.write_bytes(b"no program")


def copied(top: Path) -> None:
    """The cache of another project, with its snapshot."""
    shutil.copytree(top / "p", top / "copy", symlinks=True, dirs_exist_ok=True)
    gone(top / "p/.ruchy-cache")
    if (top / "copy/.ruchy-cache").is_dir():
        shutil.copytree(top / "copy/.ruchy-cache", top / "p/.ruchy-cache")


def renamed(top: Path) -> None:
    """Another folder of the same name."""
    shutil.copytree(top / "p", top / "new", symlinks=True)
    write(top / "new/main.ruchy", MAIN.replace("f()", "2 * f()"))
    gone(top / "p")
    (top / "new").rename(top / "p")


EDITS: dict[str, Callable[[Path], None]] = {
    "settings appear": lambda top: write(top / "p/wasmill.toml", '[build]\noutput = "dist"\n'),
    "settings name the entry": lambda top: write(top / "p/wasmill.toml", '[project]\nentry = "lib.ruchy"\n'),
    "settings name the root": lambda top: write(top / "p/wasmill.toml", '[project]\nroot = "src"\n'),
    "settings exclude": lambda top: write(top / "p/wasmill.toml", '[project]\nexclude = ["src"]\n'),
    "settings choose a profile": lambda top: write(
        top / "p/wasmill.toml", '[build]\nprofile = "x"\n[profile.x]\noutput = "x"\n'
    ),
    "settings are wrong": lambda top: write(top / "p/wasmill.toml", "[build]\noutput = 1\n"),
    "settings are a link": lambda top: linked(top / "p/wasmill.toml", "../other/wasmill.toml"),
    "settings lead in a circle": lambda top: linked(top / "p/wasmill.toml", "wasmill.toml"),
    "settings go": lambda top: gone(top / "p/wasmill.toml"),
    "settings above": lambda top: write(
        top / "wasmill.toml", '[project]\nroot = "p"\n[build]\noutput = "above"\n[cache]\nfolder = "p/.ruchy-cache"\n'
    ),
    "settings above go": lambda top: gone(top / "wasmill.toml"),
    "settings beside change": lambda top: write(top / "other/wasmill.toml", '[build]\noutput = "changed"\n'),
    "entry goes": lambda top: gone(top / "p/main.ruchy"),
    "entry comes": lambda top: write(top / "p/main.ruchy", MAIN),
    "entry is a folder": lambda top: (
        write(top / "p/main.ruchy/x.txt", "") if not (top / "p/main.ruchy").is_file() else None
    ),
    "entry in src": lambda top: write(top / "p/src/main.ruchy", "fun main() { println(3); }\n"),
    "no sources here": lambda top: (gone(top / "p/main.ruchy"), gone(top / "p/lib.ruchy")),
    "sources here": lambda top: write(top / "p/lib.ruchy", LIB),
    "src goes": lambda top: gone(top / "p/src"),
    "program goes": lambda top: gone(top / "p/build"),
    "program is damaged": damaged,
    "program is a link": lambda top: (
        linked(top / "p/build/main.wasm", "../www/app.wasm") if (top / "p/build").is_dir() else None
    ),
    "link of the program is turned": lambda top: (
        linked(top / "p/build/main.wasm", "../out/app.wasm") if (top / "p/build").is_dir() else None
    ),
    "output moves inside": lambda top: moved(top / "p/build", top / "p/out", "out"),
    "output moves outside": lambda top: moved(top / "p/build", top / "away", "../away"),
    "output is a file": lambda top: write(top / "p/build", ""),
    "sources in the output": lambda top: write(top / "p/build/x.ruchy", LIB) if (top / "p/build").is_dir() else None,
    "sources deep in the output": lambda top: (
        write(top / "p/build/a/x.ruchy", LIB) if (top / "p/build").is_dir() else None
    ),
    "linked folder": lambda top: linked(top / "p/linked", "../away"),
    "sources behind the link": lambda top: write(top / "away/x.ruchy", LIB),
    "no sources behind the link": lambda top: gone(top / "away/x.ruchy"),
    "cache goes": lambda top: gone(top / "p/.ruchy-cache"),
    "snapshots go": lambda top: gone(top / "p/.ruchy-cache/snapshots"),
    "cache is another's": copied,
    "cache moves inside": lambda top: moved(top / "p/.ruchy-cache", top / "p/kept", "kept"),
    "cache moves outside": lambda top: moved(top / "p/.ruchy-cache", top / "kept", "../kept"),
    "folder is another one": renamed,
    "folder moves": lambda top: moved(top / "p", top / "q", "q"),
}

LONG = settings().max_examples > 100
CASES = [(edit, sources) for edit in EDITS for sources in ("src", "")]
NAMES = ("p", "link", "other/link")
Told = tuple[int, list[str], bytes]


def whole(line: str) -> str:
    """A diagnostic with its file's whole path: the form that is shown depends on its length, and on the folder here."""
    file, colon, said = line.partition(": ")
    return os.path.abspath(file) + colon + said


def told(place: Path, build: Callable[[], int]) -> Told:
    """Exit code, diagnostics, and the program where there is to be one."""
    with redirect_stderr(io.StringIO()) as said:
        code = build()
    lines = [whole(line) for line in said.getvalue().splitlines() if "error[" in line or "warning[" in line]
    if code:
        return code, sorted(lines), b""
    output = Path(load(place).build.output)
    return code, sorted(lines), output.read_bytes() if "no program" not in said.getvalue() and output.exists() else b""


def incremental(place: Path) -> tuple[Told, bool]:
    """As the console script: the short way, or all of the command line."""
    found = uptodate.answer(str(place))
    if found is None:
        return told(place, lambda: app.main(["build", str(place)])), False
    text = (uptodate.tell(found) or b"").decode()

    def short() -> int:
        import sys

        sys.stderr.write(text)
        return 0

    return told(place, short), True


def from_nothing(top: Path, name: str) -> Told:
    """The same project, elsewhere, without its caches."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(os.path.realpath(folder), "top")
        shutil.copytree(top, copy, symlinks=True)
        for cache in copy.rglob(".ruchy-cache"):
            if not cache.is_symlink():
                shutil.rmtree(cache)
        gone(copy / "kept" / "snapshots")
        gone(copy / "p/kept/snapshots")
        place = copy / name
        code, lines, program = told(place, lambda: app.main(["build", str(place)]))
    return code, [line.replace(str(copy), str(top)) for line in lines], program


def agree(top: Path, name: str) -> bool:
    """Build, compare with a build from nothing; and whether the short way answered."""
    seen, short = incremental(top / name)
    assert seen == from_nothing(top, name)
    return short


@pytest.mark.sweep
@pytest.mark.slow
@pytest.mark.parametrize(("edit", "sources"), CASES if LONG else CASES[::6])
def test_one_edit(edit: str, sources: str, tmp_path: Path) -> None:
    top = made(tmp_path, sources=sources)
    for _ in range(2):
        incremental(top / "p")
    assert uptodate.answer(str(top / "p")), "it has come to rest"
    EDITS[edit](top)
    agree(top, "p")


@pytest.mark.slow
@settings(max_examples=settings().max_examples // 20 if LONG else 4, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(sorted(EDITS)), st.sampled_from(NAMES)), min_size=1, max_size=4),
    st.sampled_from(["src", ""]),
)
def test_many_edits(edits: list[tuple[str, str]], sources: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        top = made(Path(os.path.realpath(folder)), sources=sources)
        incremental(top / "p")
        for edit, name in edits:
            EDITS[edit](top)
            if (top / "p").exists():
                agree(top, name)


@pytest.mark.slow
def test_an_unchanged_project_with_warnings_is_told_of_by_the_short_way(tmp_path: Path) -> None:
    """With the very text of the whole command line, the lines of the sources included."""
    top = made(tmp_path)
    write(top / "p/my-helper.ruchy", "")
    place = top / "p"
    for _ in range(2):
        incremental(place)
    found = uptodate.answer(str(place))
    assert found is not None
    short = uptodate.tell(found)
    with redirect_stderr(io.StringIO()) as said:
        assert app.main(["build", str(place)]) == 0
    assert short is not None
    assert short.decode() == said.getvalue()
    assert "W0004" in said.getvalue() and "W0801" in said.getvalue() and "let unused" in said.getvalue()
    assert uptodate.answer(str(place)), "and it stays there"


@pytest.mark.slow
def test_the_snapshot_of_another_installation_is_renewed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    top = made(tmp_path)
    for _ in range(2):
        incremental(top / "p")
    assert uptodate.answer(str(top / "p"))
    elsewhere = tmp_path / "elsewhere.py"
    elsewhere.write_text("")
    monkeypatch.setattr("orchestrator.opening.own_files", lambda: [str(elsewhere)])
    monkeypatch.setattr(uptodate, "__file__", str(elsewhere))
    assert not uptodate.answer(str(top / "p"))
    incremental(top / "p")
    assert uptodate.answer(str(top / "p"))


def test_a_folder_that_is_no_project_raises_nothing(tmp_path: Path) -> None:
    with pytest.raises(WasmillError):
        load(tmp_path / "none")
    assert uptodate.answer(str(tmp_path / "none")) is None
