"""`wasmill build` on an unchanged tree: answered before anything but builtin modules is imported, and never wrongly."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.disk import RealDisk
from actors.hasher.source import read_sources
from actors.messages import Rules, Scan
from actors.scanner import snapshot as snapshots
from actors.scanner.compare import LoadedSnapshot, scan_sources
from actors.scanner.snapshot import PLAIN, Extra, Snapshot, answers, encode, stamp_extras
from orchestrator import cli
from orchestrator.cli import uptodate
from orchestrator.testing.disk import FakeDisk
from tests.helpers.snapshots import snapshot_of

pytestmark = pytest.mark.skipif(not cli.POSIX, reason="the short way is for POSIX")

REPOSITORY = Path(__file__).parents[2]


def test_it_knows_the_layout():
    assert uptodate.MAGIC == snapshots.MAGIC
    assert snapshots._HEADER == uptodate.HEADER


# ------------------------------------------------------------------------------------------------ on real files


class ProjectFiles:
    """A real folder, built by nobody but with the snapshot of a finished build. Its stamps count as old."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.disk = FakeDisk(RealDisk(), aged=True)
        self.rules = Rules(
            root=str(folder),
            extensions=(".ruchy",),
            outputs=(str(folder / "build"), str(folder / ".ruchy-cache")),
            snapshot=str(folder / ".ruchy-cache/snapshots/dev"),
        )

    def write(self, path: str, text: str = "") -> None:
        self.disk.write(str(self.folder / path), text.encode())

    def look(self):
        return scan_sources(Scan(build=1, rules=self.rules), LoadedSnapshot(), self.disk)

    def snapshot(self, **fields) -> Snapshot:
        looked = scan_sources(Scan(build=1, rules=self.rules), LoadedSnapshot(), self.disk)
        read = read_sources(looked.found, self.rules.root, lambda path, raw: bytes(raw), self.disk)
        beside = [str(self.folder / "wasmill.toml"), str(self.folder / "build/main.wasm"), uptodate.__file__]
        extras, absent = stamp_extras(beside, self.disk)
        made = snapshot_of(
            self.rules.root,
            looked.end,
            read.sources,
            extras=extras,
            absent=absent,
            project=str(self.folder),
            settings=PLAIN,
            quiet=True,
        )
        return msgspec.structs.replace(made, **fields)

    def record(self, **fields) -> None:
        self.write(".ruchy-cache/snapshots/dev")
        snapshot = self.snapshot(**fields)
        self.disk.write(self.rules.snapshot, encode(snapshot))

    def answer(self) -> int:
        return answered(self.folder)


def answered(folder) -> int:
    found = uptodate.answer(str(folder))
    return found[0] if found else 0


@pytest.fixture
def project(tmp_path: Path) -> ProjectFiles:
    project = ProjectFiles(tmp_path / "project")
    project.write("main.ruchy", "main")
    project.write("lib/a.ruchy", "a")
    project.write("build/main.wasm", "program")
    project.record()
    return project


def test_unchanged(project):
    assert project.answer() == 2
    assert project.look().end.same


def test_no_snapshot(tmp_path):
    assert answered(tmp_path) == 0
    assert answered(tmp_path / "missing") == 0


def replace(project, path, text):
    project.write(path + ".tmp", text)
    os.replace(project.folder / (path + ".tmp"), project.folder / path)


EDITS = {
    "edit": lambda project: project.write("lib/a.ruchy", "other"),
    "edit of the same size": lambda project: project.write("lib/a.ruchy", "b"),
    "touch": lambda project: os.utime(project.folder / "main.ruchy", ns=(5, 5)),
    "add": lambda project: project.write("lib/b.ruchy"),
    "remove": lambda project: (project.folder / "lib/a.ruchy").unlink(),
    "rename": lambda project: (project.folder / "lib/a.ruchy").rename(project.folder / "lib/b.ruchy"),
    "replace": lambda project: replace(project, "main.ruchy", "main"),
    "new folder": lambda project: (project.folder / "lib/new").mkdir(),
    "settings appear": lambda project: project.write("wasmill.toml"),
    "program edited": lambda project: project.write("build/main.wasm", "programme"),
    "program removed": lambda project: (project.folder / "build/main.wasm").unlink(),
    "file becomes a link": lambda project: (
        (project.folder / "main.ruchy").rename(project.folder / ".main"),
        (project.folder / "main.ruchy").symlink_to(project.folder / ".main"),
    ),
    "folder becomes a link": lambda project: (
        (project.folder / "lib").rename(project.folder / ".lib"),
        (project.folder / "lib").symlink_to(project.folder / ".lib"),
    ),
    "mode": lambda project: (project.folder / "main.ruchy").chmod(0o400),
}


@pytest.mark.parametrize("kind", EDITS)
def test_changed(project, kind):
    EDITS[kind](project)
    assert project.answer() == 0
    assert not project.look().end.same
    project.record()
    assert project.answer() == {"add": 3, "file becomes a link": 0, "folder becomes a link": 1, "remove": 1}.get(
        kind, 2
    )


def test_settings_that_appear_above(project):
    above = str(project.folder.parent / "wasmill.toml")
    project.record(absent=(above,))
    assert project.answer() == 2
    project.disk.write(above, b"")
    assert project.answer() == 0
    os.unlink(above)
    assert project.answer() == 2


def test_what_does_not_matter(project):
    project.write(".ruchy-cache/modules/x.wasm")
    project.write("build/other.wasm")
    assert project.answer() == 2


def test_a_build_that_has_something_to_say(project):
    for fields in ({"quiet": False}, {"settings": "profile"}, {"links": True}):
        project.record(**fields)
        assert project.answer() == 0


def test_racy_stamps(project):
    project.disk.now = 1  # a busy machine may need longer than a stamp is racy
    project.write("main.ruchy", "new")
    project.record()
    assert project.answer() == 0


def test_a_copied_or_moved_project(project, tmp_path):
    (tmp_path / "other").mkdir()
    (project.folder / ".ruchy-cache").rename(tmp_path / "other/.ruchy-cache")
    assert answered(tmp_path / "other") == 0
    (tmp_path / "other/.ruchy-cache").rename(project.folder / ".ruchy-cache")
    project.record()
    assert project.answer() == 2
    project.folder.rename(tmp_path / "moved")
    assert answered(tmp_path / "moved") == 0


def test_what_another_wasmill_left_is_not_believed(project, monkeypatch):
    """Its compiler may make other programs, and that one's files have not changed."""
    assert project.answer() == 2
    monkeypatch.setattr(uptodate, "__file__", "/another/orchestrator/cli/uptodate.py")
    assert project.answer() == 0


def test_a_root_that_is_a_link(tmp_path):
    real = ProjectFiles(tmp_path / "real")
    real.write("main.ruchy", "main")
    (tmp_path / "linked").symlink_to(tmp_path / "real")
    linked = ProjectFiles(tmp_path / "linked")
    linked.record()
    assert linked.answer() == 1
    assert real.answer() == 0, "settings are looked for above the name that a project is known by"
    real.record()
    assert (linked.answer(), real.answer()) == (0, 1)


def test_several_profiles(project):
    whole = (project.folder / ".ruchy-cache/snapshots/dev").read_bytes()
    project.write(".ruchy-cache/snapshots/release", "rubbish")
    project.write(".ruchy-cache/snapshots/a", "")
    assert project.answer() == 2
    project.record(settings="")
    assert project.answer() == 0
    (project.folder / ".ruchy-cache/snapshots/release").write_bytes(whole)
    assert project.answer() == 2


def test_any_damage_means_no(project):
    path = project.folder / ".ruchy-cache/snapshots/dev"
    whole = path.read_bytes()
    front = uptodate.HEADER + sum(int.from_bytes(whole[at : at + 8], "little") for at in (16, 24))
    expected = project.answer()
    # Not the checksum in the header: that is of what only the scanner reads.
    for at in (*range(12, 32), *range(uptodate.HEADER, front, 5)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert project.answer() == 0, at
    for end in (0, 7, 20, uptodate.HEADER, front - 1):
        path.write_bytes(whole[:end])
        assert project.answer() == 0
    path.write_bytes(whole[:front])
    assert project.answer() == expected == 2


def test_a_pipe_or_folder_for_a_snapshot(project):
    os.mkdir(project.folder / ".ruchy-cache/snapshots/folder")
    (project.folder / ".ruchy-cache/snapshots/dev").unlink()
    assert project.answer() == 0


# ------------------------------------------------------------------------------------------------ equal to the scanner

NAMES = ["a", "b", "d/mod", "d/e", "x-y"]
EDIT = st.tuples(
    st.sampled_from(["write", "touch", "remove", "replace", "rename", "mkdir", "toml", "note"]),
    st.sampled_from(NAMES),
    st.sampled_from(NAMES),
)


def apply(memory, edit):
    kind, name, other = edit
    path = f"/p/{name}.ruchy"
    if kind == "write":
        memory.write(path, other.encode())
    elif kind == "mkdir":
        memory.make_folders(f"/p/{name}")
    elif kind == "toml":
        memory.write("/p/wasmill.toml", other.encode())
    elif kind == "note":
        memory.write("/p/.ruchy-cache/note", b"")
    elif kind == "replace":
        memory.write("/p/.new", other.encode())
        memory.make_folders("/p/d")
        memory.rename("/p/.new", path)
    elif path in memory.nodes:
        if kind == "touch":
            memory.touch(path)
        elif kind == "remove":
            memory.remove(path)
        else:
            memory.make_folders("/p/d")
            memory.rename(path, f"/p/{other}.ruchy")


class Status:
    """What `lstat` gives, of a stamp."""

    def __init__(self, stamp) -> None:
        self.st_dev, self.st_ino, self.st_size = stamp.device, stamp.inode, stamp.size
        self.st_mtime_ns, self.st_ctime_ns = stamp.mtime_ns, stamp.ctime_ns
        self.st_mode = 0o100644


RULES = Rules(root="/p", extensions=(".ruchy",), outputs=("/p/.ruchy-cache",), snapshot="/p/.ruchy-cache/dev")


@settings(max_examples=80, deadline=None)
@given(st.lists(EDIT, max_size=3), st.lists(EDIT, max_size=3), st.booleans())
def test_equal_to_the_scanners_comparison(before, after, aged):
    """Random edits around a build: the short way says "unchanged" exactly where the snapshot answers alone and the
    scanner, walking and comparing everything, finds nothing to read and nothing to record anew."""
    disk = FakeDisk(aged=aged)
    memory = disk.memory
    memory.write("/p/.ruchy-cache/dev", b"")
    for name in ("a", "d/mod"):
        memory.write(f"/p/{name}.ruchy", name.encode())
    for edit in before:
        apply(memory, edit)
    looked = scan_sources(Scan(build=1, rules=RULES), LoadedSnapshot(), disk)
    read = read_sources(looked.found, "/p", lambda path, raw: bytes(raw), disk)
    extras, absent = stamp_extras(["/p/wasmill.toml"], disk)
    snapshot = snapshot_of(
        "/p", looked.end, read.sources, extras=extras, absent=absent, project="/p", settings=PLAIN, quiet=True
    )
    data = encode(snapshot)
    memory.write("/p/.ruchy-cache/dev", data)
    for edit in after:
        apply(memory, edit)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(uptodate, "lstat", lambda path: Status(memory.stamp(path.decode(), follow=False)))
        short = answers(snapshot) and short_way(data)
    scanned = scan_sources(Scan(build=2, rules=RULES), LoadedSnapshot(), disk).end.same
    assert short == (scanned and answers(snapshot))
    if not after and answers(snapshot):
        assert short
    if any(edit[0] in ("write", "replace") and edit[1] != "x-y" for edit in after):  # that one is skipped
        assert not short


def short_way(data: bytes) -> bool:
    """`uptodate.answer` without the folder: its parse of the file's front, and its comparison."""
    absent, unlinked = (int.from_bytes(data[at : at + 4], "little") for at in (12, 48))
    length = int.from_bytes(data[16:24], "little")
    end = uptodate.HEADER + length
    paths = data[uptodate.HEADER : end].split(b"\0")
    stamps = data[end : end + int.from_bytes(data[24:32], "little")]
    try:
        return uptodate.unchanged(paths, absent, unlinked, stamps)
    except OSError:
        return False


# ------------------------------------------------------------------------------------------------ the command line


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        (["build"], (".", False)),
        (["build", "-q"], (".", True)),
        (["build", "app"], ("app", False)),
        (["build", "-q", "app"], ("app", True)),
        (["build", "app", "-q"], ("app", True)),
        ([], None),
        (["run"], None),
        (["build", "--json"], None),
        (["build", "--force"], None),
        (["build", "-j", "2"], None),
        (["build", "a", "b"], None),
        (["build", "-q", "-q"], None),
        (["build", ""], None),
        (["build", "--", "a"], None),
        (["-q", "build"], None),
    ],
)
def test_what_it_takes_on(arguments, asked, monkeypatch):
    monkeypatch.setattr(cli, "environ", {b"HOME": b"/"})
    assert cli.plain_build(arguments) == asked


def test_settings_in_the_environment_are_not_for_it(monkeypatch):
    monkeypatch.setattr(cli, "environ", {b"WASMILL_PROFILE": b"release"})
    assert cli.plain_build(["build"]) is None


def test_the_line():
    assert cli.up_to_date(1) == "up to date: 1 module"
    assert cli.up_to_date(2) == "up to date: 2 modules"


SCRIPT = """\
import sys
before = set(sys.modules)
class Whole:
    def find_spec(self, name, path=None, target=None):
        if name == "orchestrator.cli.app":
            print("whole")
            sys.exit(9)
sys.meta_path.insert(0, Whole())
import orchestrator.cli.uptodate as short
def leave(code):
    print(code, *sorted(set(sys.modules) - before))
    sys.stdout.flush()
    import os
    os._exit(code)
short._exit = leave
sys.exit(short.main())
"""


def run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WASMILL_")}
    return subprocess.run(
        [sys.executable, "-S", "-c", SCRIPT, *arguments],
        cwd=folder,
        env={**kept, "PYTHONPATH": str(REPOSITORY), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


def test_it_imports_builtin_modules_alone(project):
    done = run(project.folder, "build")
    assert done.stderr == "up to date: 2 modules\n"
    code, *imported = done.stdout.split()
    assert code == "0"
    own = [name for name in imported if name not in sys.builtin_module_names]
    assert own == ["orchestrator", "orchestrator.cli", "orchestrator.cli.uptodate"]


def test_as_a_process(project):
    assert run(project.folder, "build", "-q").stderr == ""
    assert run(project.folder.parent, "build", "project").stderr == "up to date: 2 modules\n"
    assert run(project.folder, "build", "--json").stdout == "whole\n"
    assert run(project.folder, "build", WASMILL_JOBS="1").stdout == "whole\n"
    project.write("main.ruchy", "edited")
    done = run(project.folder, "build")
    assert (done.stdout, done.stderr, done.returncode) == ("whole\n", "", 9)


def test_nobody_reads_the_line(project):
    done = subprocess.run(
        ["/bin/sh", "-c", 'exec "$0" -c "$1" build 2>&-', sys.executable, SCRIPT],
        cwd=project.folder,
        env={"PYTHONPATH": str(REPOSITORY), "PATH": os.environ.get("PATH", "")},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 0
    assert done.stdout.startswith("0 ")


def test_extras_count(project):
    tool = project.folder / "tool.py"
    tool.write_text("1")
    extras, _ = stamp_extras([uptodate.__file__, str(tool)], project.disk)
    project.record(extras=extras)
    assert project.answer() == 2
    project.record(extras=(extras[0], Extra(str(tool), msgspec.structs.replace(extras[1].stamp, size=9))))
    assert project.answer() == 0


def test_an_interrupt_while_the_rest_is_imported(project):
    script = (
        "import sys\n"
        "class Interrupt:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'orchestrator.cli.app': raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupt())\n"
        "from orchestrator.cli.uptodate import main\n"
        "sys.exit(main())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "graph"], cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=30
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "wasmill: interrupted\n")
