"""What changed since the snapshot."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from actors.digests import NO_STAMP, Stamp, digest
from actors.hasher.source import read_sources
from actors.messages import FolderStamp, KnownSource, MemorySource, Rules, Scan
from actors.scanner.compare import LoadedSnapshot, compare, scan_sources
from actors.scanner.snapshot import Snapshot, decode, encode, stamp_extras
from actors.scanner.walk import File, Walked, walk
from orchestrator.testing.disk import FakeDisk
from orchestrator.testing.faults import fail
from tests.helpers.snapshots import snapshot_of

RULES = Rules(root="/p", extensions=(".ruchy",), snapshot="/s/dev")


def scan_of(memory=None, **fields):
    sources = tuple(MemorySource(path=path, data=data) for path, data in (memory or {}).items())
    return Scan(**{"build": 1, "rules": RULES, "memory": sources, **fields})


class ScannedFolder:
    """A folder, the scanner's memory, and builds that end with a snapshot."""

    def __init__(self, *paths: str) -> None:
        self.disk = FakeDisk(aged=True)
        self.disk.memory.make_folders("/p")
        self.disk.memory.make_folders("/s")
        self.loaded = LoadedSnapshot()
        for path in paths:
            self.disk.write(f"/p/{path}", path.encode())

    def look(self, scan=None, fresh=False):
        return scan_sources(scan or scan_of(), LoadedSnapshot() if fresh else self.loaded, self.disk)

    def build(self, scan=None):
        """What changed, as the whole pipeline sees it: (read, removed); leaves a snapshot."""
        looked = self.look(scan)
        read = read_sources(looked.found, "/p", lambda path, raw: bytes(raw), self.disk)
        extras, absent = stamp_extras(["/p/wasmill.toml"], self.disk)
        snapshot = snapshot_of("/p", looked.end, read.sources, extras=extras, absent=absent)
        if not looked.end.same:
            self.disk.write("/s/dev", encode(snapshot))
        return [found.module for found in looked.found], list(looked.end.removed)


def test_nothing_changed_reads_nothing():
    world = ScannedFolder("a.ruchy", "b/c.ruchy", "main.ruchy")
    assert world.build() == (["a", "b/c", "main"], [])
    first = world.look()
    world.disk.reset()
    again = world.look()
    assert (again.found, again.end.removed, again.end.same) == ((), (), True)
    assert again.end.unchanged is first.end.unchanged
    assert [one.module for one in again.end.unchanged] == ["a", "b/c", "main"]
    assert again.end.unchanged[0].digest == digest(b"a.ruchy")
    assert world.disk.reads == []
    assert world.disk.counts["entries"] == 0  # it did not even walk


def test_each_kind_of_change():
    world = ScannedFolder("a.ruchy", "b/c.ruchy", "d.ruchy")
    world.build()
    assert world.build() == ([], [])
    world.disk.write("/p/a.ruchy", b"other")
    world.disk.memory.touch("/p/d.ruchy")
    world.disk.memory.remove("/p/b/c.ruchy")
    world.disk.write("/p/e.ruchy", b"new")
    looked = world.look()
    assert [(found.module, found.known) for found in looked.found] == [
        ("a", digest(b"a.ruchy")),
        ("d", digest(b"d.ruchy")),
        ("e", ""),
    ]
    assert looked.end.removed == ("b/c",)
    assert looked.end.unchanged == ()
    assert not looked.end.same
    world.build()
    assert world.build() == ([], [])


def test_a_file_that_moves_to_mod_is_read_again():
    world = ScannedFolder("a.ruchy", "b.ruchy")
    world.build()
    world.disk.memory.make_folders("/p/a")
    world.disk.memory.rename("/p/a.ruchy", "/p/a/mod.ruchy")
    assert world.build() == (["a"], [])


def test_a_rename_over_a_file():
    world = ScannedFolder("a.ruchy", "b.ruchy")
    world.build()
    world.disk.write("/p/.tmp", b"b.ruchx")
    world.disk.memory.rename("/p/.tmp", "/p/b.ruchy")
    assert world.build() == (["b"], [])


def test_racy_sources_are_read_until_they_are_old():
    world = ScannedFolder("a.ruchy")
    world.disk.aged = False
    world.build()
    assert world.build() == (["a"], [])
    world.disk.aged = True
    assert world.build() == (["a"], [])  # the snapshot does not trust its stamp yet
    assert world.build() == ([], [])
    assert world.look().end.same


def test_an_edit_in_the_same_tick_is_seen():
    world = ScannedFolder("a.ruchy")
    world.disk.aged = False
    world.disk.memory.tick_ns = 0
    world.build()
    world.disk.write("/p/a.ruchy", b"b.ruchy")  # same size, same time, same inode
    assert world.build() == (["a"], [])


def test_an_edit_in_place_walks_nothing():
    world = ScannedFolder("a.ruchy", "d/b.ruchy", "d/c.ruchy")
    world.build()
    world.disk.write("/p/d/b.ruchy", b"other")
    world.disk.reset()
    assert [found.module for found in world.look().found] == ["d/b"]
    assert world.disk.counts["entries"] == 0


def test_a_file_put_in_the_place_of_another_has_its_folder_listed_and_no_other():
    world = ScannedFolder("a.ruchy", "d/b.ruchy", "d/e/c.ruchy", "f/g.ruchy")
    world.build()
    world.disk.write("/p/d/new~", b"other")
    world.disk.memory.rename("/p/d/new~", "/p/d/b.ruchy")
    world.disk.reset()
    looked = world.look()
    assert [found.module for found in looked.found] == ["d/b"]
    assert world.disk.counts["entries"] == 1
    assert looked.end.folders == walk(RULES, world.disk).folders


def test_a_new_file_or_folder_is_walked_for():
    for path in ("d/new.ruchy", "d/new/x.ruchy"):
        world = ScannedFolder("a.ruchy", "d/b.ruchy", "f/g.ruchy")
        world.build()
        world.disk.memory.make_folders("/p/d/new")
        world.disk.write(f"/p/{path}", b"other")
        world.disk.reset()
        assert [found.path for found in world.look().found] == [path]
        assert world.disk.counts["entries"] > 3


def test_other_rules_walk_again():
    world = ScannedFolder("a.ruchy", "b.ruchy")
    world.build()
    narrow = scan_of(rules=Rules(root="/p", extensions=(".ruchy",), snapshot="/s/dev", exclude=("b.ruchy",)))
    looked = world.look(narrow)
    assert (looked.found, looked.end.removed, looked.end.same) == ((), ("b",), False)


def test_the_snapshot_is_read_again_only_when_it_is_another():
    world = ScannedFolder("a.ruchy")
    world.build()
    world.look()
    world.disk.reset()
    world.look()
    world.look()
    assert world.disk.reads == []
    world.disk.write("/s/dev", b"rubbish")
    assert [found.module for found in world.look().found] == ["a"]
    assert world.disk.reads == ["/s/dev"]


def test_a_snapshot_that_cannot_be_read():
    world = ScannedFolder("a.ruchy")
    world.build()
    world.disk.faults.on("disk.read", fail("ENOSPC"), path="/s/dev")
    looked = world.look()
    assert ([found.module for found in looked.found], looked.end.beside_snapshot) == (["a"], None)


def test_without_snapshot_everything_is_found():
    world = ScannedFolder("a.ruchy")
    world.build()
    looked = world.look(scan_of(rules=Rules(root="/p", extensions=(".ruchy",))))
    assert [found.module for found in looked.found] == ["a"]


def test_what_has_no_digest_is_found_every_time():
    world = ScannedFolder("a.ruchy", "b.ruchy")
    world.disk.faults.on("disk.read", fail("EACCES"), path="/p/b.ruchy", times=0)
    world.build()
    assert world.build() == (["b"], [])
    assert world.build() == (["b"], [])


def test_warnings_are_repeated_without_a_walk():
    world = ScannedFolder("a.ruchy", "b-b.ruchy")
    world.build()
    world.look()
    world.disk.reset()
    looked = world.look()
    assert [problem.code for problem in looked.end.problems] == ["W0801"]
    assert world.disk.counts["entries"] == 0


def test_errors_are_looked_at_again():
    world = ScannedFolder("a.ruchy", "A.ruchy")
    world.build()
    world.disk.reset()
    assert [problem.code for problem in world.look().end.problems] == ["E0805"]
    assert world.disk.counts["entries"] == 1


def test_links_are_looked_at_again():
    world = ScannedFolder("a.ruchy", "b/c.ruchy")
    world.disk.memory.link("/p/z.ruchy", "/p/b/c.ruchy")
    world.build()
    assert world.build() == ([], [])
    world.disk.memory.touch("/p/b/c.ruchy")
    assert world.build() == (["b/c", "z"], [])
    assert world.look().end.links


def test_the_snapshot_is_named_only_where_nothing_differs_from_it():
    """A build's answer is repeated for as long as the scan names the same snapshot."""
    world = ScannedFolder("a.ruchy")
    world.build()
    stamp = world.disk.stamp("/s/dev")
    assert (world.look().end.same, world.look().end.snapshot) == (True, stamp)
    held = world.look(scan_of({"a.ruchy": b"a.ruchy"}))
    assert (held.end.same, held.end.snapshot) == (False, NO_STAMP)
    world.disk.write("/p/wasmill.toml", b"")
    assert (world.look().end.same, world.look().end.snapshot) == (False, NO_STAMP)


def test_extras_make_it_another_state_but_no_other_sources():
    world = ScannedFolder("a.ruchy")
    world.build()
    world.build()
    assert world.look().end.same
    world.disk.write("/p/wasmill.toml", b"")
    world.build()
    before = world.look()
    assert before.end.same
    world.disk.memory.touch("/p/wasmill.toml")
    looked = world.look()
    assert (looked.found, looked.end.same) == ((), False)
    world.disk.memory.remove("/p/wasmill.toml")
    assert not world.look().end.same


def test_what_the_project_has_read_for_good_is_not_looked_at_again():
    world = ScannedFolder("a.ruchy")
    world.disk.write("/p/wasmill.toml", b"")
    world.build()
    world.build()
    opened = tuple([FolderStamp(path=one.path, stamp=one.stamp) for one in world.loaded.snapshot.extras])
    world.disk.memory.touch("/p/wasmill.toml")
    assert not world.look().end.same
    assert world.look(scan_of(opened=opened)).end.same
    # Another process has built with what stands there now: that snapshot is none that this Project made.
    world.build()
    assert world.look().end.same
    world.disk.memory.touch("/p/wasmill.toml")
    assert not world.look(scan_of(opened=opened)).end.same


# ------------------------------------------------------------------------------------------------ modules in memory


def test_memory_alone():
    world = ScannedFolder()
    text = {"main.ruchy": b"1", "a/mod.ruchy": b"2"}
    assert world.build(scan_of(text, walk=False)) == (["a", "main"], [])
    assert world.build(scan_of(text, walk=False)) == ([], [])
    assert world.build(scan_of({**text, "main.ruchy": b"3"}, walk=False)) == (["main"], [])
    assert world.build(scan_of({"main.ruchy": b"3"}, walk=False)) == ([], ["a"])
    assert world.disk.counts["entries"] == 0


def test_memory_hides_files():
    world = ScannedFolder("a.ruchy", "b.ruchy")
    assert world.build() == (["a", "b"], [])
    overlay = scan_of({"a.ruchy": b"in memory", "c.ruchy": b"c"})
    looked = world.look(overlay)
    assert [(found.module, found.data, found.known) for found in looked.found] == [
        ("a", b"in memory", digest(b"a.ruchy")),
        ("c", b"c", ""),
    ]
    world.build(overlay)
    assert world.build(overlay) == ([], [])
    world.disk.write("/p/a.ruchy", b"edited behind the overlay")
    assert world.build(overlay) == ([], [])
    assert world.build() == (["a"], ["c"])
    assert world.build() == ([], [])


def test_an_overlay_of_equal_text_reads_nothing_and_is_not_trusted_as_a_file():
    world = ScannedFolder("a.ruchy", "b.ruchy")
    world.build()
    overlay = scan_of({"a.ruchy": b"a.ruchy"})
    looked = world.look(overlay)
    assert looked.found == ()
    assert [one.stamp == NO_STAMP for one in looked.end.unchanged] == [True, False]
    world.build(overlay)
    assert world.build() == (["a"], [])


def test_names_in_memory_are_checked():
    world = ScannedFolder("shapes.ruchy")
    looked = world.look(
        scan_of({"../x.ruchy": b"", "a.txt": b"", "b.ruchy": b"", "b/mod.ruchy": b"", "Shapes.ruchy": b""})
    )
    assert sorted((problem.code, problem.file) for problem in looked.end.problems) == [
        ("E0804", "../x.ruchy"),
        ("E0804", "a.txt"),
        ("E0805", "Shapes.ruchy"),
        ("E0806", "b/mod.ruchy"),
    ]
    assert [found.module for found in looked.found] == ["Shapes", "b", "shapes"]


def test_the_entry_in_memory_may_have_any_name():
    world = ScannedFolder()
    entry = Rules(root="/p", extensions=(".ruchy",), entry="my-app.ruchy")
    looked = world.look(scan_of({"my-app.ruchy": b""}, rules=entry, walk=False))
    assert ([found.module for found in looked.found], looked.end.problems) == (["my-app"], ())


# ------------------------------------------------------------------------------------------------ properties

NAMES = ["a", "b", "d/mod", "d/e", "d/f", "x-y"]
EDIT = st.one_of(
    st.tuples(st.sampled_from(["write", "touch", "remove", "replace"]), st.sampled_from(NAMES), st.integers(0, 2)),
    st.tuples(st.just("rename"), st.sampled_from(NAMES), st.sampled_from(NAMES)),
    st.tuples(st.sampled_from(["overlay", "uncover"]), st.sampled_from(NAMES[:3]), st.integers(0, 2)),
    st.tuples(st.just("mkdir"), st.sampled_from(["d", "new"]), st.just(0)),
)


def apply(world, overlay, edit):
    kind, name, value = edit
    memory, path = world.disk.memory, f"/p/{name}.ruchy"
    if kind == "overlay":
        overlay[f"{name}.ruchy"] = f"memory {value}".encode()
    elif kind == "uncover":
        overlay.pop(f"{name}.ruchy", None)
    elif kind == "mkdir":
        memory.make_folders(f"/p/{name}")
    elif kind == "write":
        world.disk.write(path, f"text {value}".encode())
    elif kind == "replace":
        memory.make_folders("/p/d")
        world.disk.write(path + "~", f"text {value}".encode())
        memory.rename(path + "~", path)
    elif path in memory.nodes:
        if kind == "touch":
            memory.touch(path)
        elif kind == "remove":
            memory.remove(path)
        else:
            memory.make_folders("/p/d")
            memory.rename(path, f"/p/{value}.ruchy")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(EDIT, max_size=4), max_size=5), st.booleans(), st.sampled_from([0, 1_000_001]))
def test_what_is_unchanged_is_really_unchanged(rounds, aged, tick):
    """After any edits, between any builds, on any clock: what the scanner answers for has the digest it says, nothing
    is missing, and a scanner that remembers sees what a new one sees."""
    world = ScannedFolder("a.ruchy", "d/mod.ruchy")
    world.disk.aged = aged
    world.disk.memory.tick_ns = tick
    world.disk.memory.clock_ns += 1 if aged else 0
    overlay: dict[str, bytes] = {}
    for edits in rounds:
        for edit in edits:
            apply(world, overlay, edit)
        scan = scan_of(dict(overlay))
        if aged and tick == 0:
            break  # a clock that stands still while stamps count as old: a disk that lies
        looked = world.look(scan)
        assert world.look(scan, fresh=True) == looked
        if not overlay:
            walked = walk(RULES, world.disk)
            seen = compare(walked, world.loaded.snapshot)
            end = looked.end
            assert (seen.unchanged, seen.found, seen.removed) == (end.unchanged, looked.found, end.removed)
            assert walked.folders == end.folders
        texts = {file.module: world.disk.memory.node(f"/p/{file.path}").data for file in walk(RULES, world.disk).files}
        texts.update((path.removesuffix(".ruchy").removesuffix("/mod"), text) for path, text in overlay.items())
        found = {one.module for one in looked.found}
        unchanged = {one.module: one.digest for one in looked.end.unchanged}
        assert not found & set(unchanged)
        assert found | set(unchanged) == set(texts)
        assert unchanged == {module: digest(texts[module] or b"") for module in unchanged}
        world.build(scan)


def test_compare_without_a_snapshot():
    world = ScannedFolder("a.ruchy")
    compared = compare(walk(RULES, world.disk), None)
    assert [found.module for found in compared.found] == ["a"]
    assert compared.found[0].stamp == world.disk.memory.stamp("/p/a.ruchy")
    assert (compared.unchanged, compared.removed) == ((), ())


def test_equal_stamps_are_not_all():
    """Another path is another file, and no stamp is never an equal one."""
    stamp = Stamp(1, 2, 3, 4, 5)
    known = tuple(
        KnownSource(
            module=name, path=f"{name}.ruchy", digest=name * 64, size=1, stamp=NO_STAMP if name == "b" else stamp
        )
        for name in "abc"
    )
    files = (File("a", "a/mod.ruchy", stamp), File("b", "b.ruchy", NO_STAMP), File("c", "c.ruchy", stamp))
    compared = compare(Walked(files), Snapshot(root="/p", known=known))
    assert [one.module for one in compared.unchanged] == ["c"]
    assert [(one.module, one.known) for one in compared.found] == [("a", "a" * 64), ("b", "b" * 64)]


def test_the_file_has_what_the_scanner_needs():
    world = ScannedFolder("a.ruchy")
    world.build()
    snapshot = decode(world.disk.memory.read("/s/dev"))
    assert snapshot is not None
    assert compare(walk(RULES, world.disk), snapshot).unchanged is snapshot.known
