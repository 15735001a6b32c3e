"""Which files are sources."""

from __future__ import annotations

import os
import random

import pytest

from actors.digests import NO_STAMP
from actors.disk import RealDisk
from actors.messages import Rules
from actors.scanner.walk import MOST_SEARCHED, walk
from orchestrator.testing.disk import FakeDisk
from orchestrator.testing.faults import fail

RULES = Rules(root="/p", extensions=(".ruchy",))


def rules(**settings):
    return Rules(**{"root": "/p", "extensions": (".ruchy",), **settings})


def disk_with(*paths: str) -> FakeDisk:
    disk = FakeDisk(aged=True)
    disk.memory.make_folders("/p")
    for path in paths:
        disk.write(f"/p/{path}", b"")
    return disk


def modules(walked):
    return [file.module for file in walked.files]


def problems(walked):
    return [(problem.code, problem.severity, problem.file) for problem in walked.problems]


def test_files_and_folders():
    disk = disk_with("main.ruchy", "b/mod.ruchy", "b/c.ruchy", "a.ruchy", "notes.txt", "b/d/e.txt")
    walked = walk(RULES, disk)
    assert [(file.module, file.path) for file in walked.files] == [
        ("a", "a.ruchy"),
        ("b", "b/mod.ruchy"),
        ("b/c", "b/c.ruchy"),
        ("main", "main.ruchy"),
    ]
    assert [folder.path for folder in walked.folders] == ["", "b", "b/d"]
    assert walked.problems == ()
    assert all(file.stamp == disk.memory.stamp(f"/p/{file.path}") and not file.link for file in walked.files)
    assert walked.folders[1].stamp == disk.memory.stamp("/p/b")
    assert walked.taken_ns == disk.now_ns()
    assert disk.reads == []


def test_what_is_always_skipped():
    disk = disk_with(
        ".hidden.ruchy", ".git/a.ruchy", "a.ruchy~", ".#a.ruchy", "old~/a.ruchy", "build/a.ruchy", "src/build/b.ruchy"
    )
    walked = walk(rules(outputs=("/p/build", "/p/.ruchy-cache/")), disk)
    assert modules(walked) == ["src/build/b"]
    assert walked.problems == ()
    assert [folder.path for folder in walked.folders] == ["", "src", "src/build"]


def test_an_output_folder_that_is_the_root_hides_nothing():
    assert modules(walk(rules(outputs=("/p",)), disk_with("a.ruchy"))) == ["a"]


def test_globs():
    disk = disk_with("a.ruchy", "vendor/b.ruchy", "gen/c.ruchy", "gen/keep/d.ruchy")
    assert modules(walk(rules(exclude=("vendor", "gen/*.ruchy")), disk)) == ["a", "gen/keep/d"]
    assert modules(walk(rules(include=("gen/**",)), disk)) == ["gen/c", "gen/keep/d"]
    assert modules(walk(rules(include=("gen/**",), exclude=("**/keep",)), disk)) == ["gen/c"]
    disk.reset()
    walk(rules(exclude=("vendor",)), disk)
    assert disk.counts["entries"] == 3  # an excluded folder is not listed


def test_names_that_are_none_are_skipped_with_a_warning():
    disk = disk_with("my-app.ruchy", "a b/c.ruchy", "CON.ruchy", "ok.ruchy", "x-y/notes.txt", "a\udcff.ruchy")
    walked = walk(RULES, disk)
    assert modules(walked) == ["ok"]
    assert problems(walked) == [
        ("W0801", "warning", "CON.ruchy"),
        ("W0801", "warning", "a b/c.ruchy"),
        ("W0801", "warning", "a\\xff.ruchy"),
        ("W0801", "warning", "my-app.ruchy"),
    ]
    assert "`my-app` is no identifier" in walked.problems[3].message


def test_the_entry_may_have_any_name():
    walked = walk(rules(entry="tools/my-app.ruchy"), disk_with("tools/my-app.ruchy", "tools/other-app.ruchy"))
    assert modules(walked) == ["tools/my-app"]
    assert problems(walked) == [("W0801", "warning", "tools/other-app.ruchy")]


@pytest.mark.parametrize("names", [("Shapes", "shapes"), ("caf\u00e9", "cafe\u0301"), ("a/B", "a/b")])
def test_names_that_collide(names):
    walked = walk(RULES, disk_with(*(f"{name}.ruchy" for name in names), "other.ruchy"))
    assert [problem.code for problem in walked.problems] == ["E0805"]
    assert all(f"`{name}.ruchy`" in walked.problems[0].message for name in names)


def test_one_module_two_files():
    walked = walk(rules(extensions=(".ruchy", ".rchy")), disk_with("a.ruchy", "a/mod.ruchy", "a.rchy", "b.rchy"))
    assert [(file.module, file.path) for file in walked.files] == [("a", "a.rchy"), ("b", "b.rchy")]
    assert problems(walked) == [("E0806", "error", "a.ruchy"), ("E0806", "error", "a/mod.ruchy")]
    assert "`a.rchy` and `a/mod.ruchy`" in walked.problems[1].message


def test_links():
    disk = disk_with("a.ruchy", "inside/b.ruchy", "away/c.ruchy")
    disk.write("/elsewhere/x.ruchy", b"")
    disk.memory.link("/p/linked.ruchy", "/p/inside/b.ruchy")
    disk.memory.link("/p/out.ruchy", "/elsewhere/x.ruchy")
    disk.memory.link("/p/broken.ruchy", "/p/nothing.ruchy")
    disk.memory.link("/p/circle.ruchy", "/p/circle.ruchy")
    disk.memory.link("/p/folder", "/elsewhere")
    disk.memory.link("/p/folder.ruchy", "/elsewhere")
    disk.memory.link("/p/notes", "/elsewhere/x.ruchy")
    walked = walk(RULES, disk)
    assert modules(walked) == ["a", "away/c", "inside/b", "linked"]
    assert [file.link for file in walked.files] == [False, False, False, True]
    assert problems(walked) == [
        ("E0807", "error", "broken.ruchy"),
        ("E0807", "error", "circle.ruchy"),
        ("W0802", "warning", "folder"),
        ("W0802", "warning", "folder.ruchy"),
        ("E0807", "error", "out.ruchy"),
    ]
    before = walked.files[3].stamp
    disk.memory.touch("/p/inside/b.ruchy")
    assert walk(RULES, disk).files[3].stamp != before


def test_pipes_are_skipped_with_a_warning():
    disk = disk_with("a.ruchy")
    disk.memory.pipe("/p/pipe.ruchy")
    disk.memory.link("/p/to.ruchy", "/p/pipe.ruchy")
    walked = walk(RULES, disk)
    assert modules(walked) == ["a"]
    assert problems(walked) == [("W0801", "warning", "pipe.ruchy"), ("W0801", "warning", "to.ruchy")]
    assert walked.problems[0].message == "skipped: it is no regular file"


def test_a_folder_that_cannot_be_listed():
    disk = disk_with("a.ruchy", "b/c.ruchy")
    disk.faults.on("disk.entries", fail("EACCES"), path="/p/b")
    walked = walk(RULES, disk)
    assert modules(walked) == ["a"]
    assert problems(walked) == [("E0807", "error", "b")]
    assert "Permission denied" in walked.problems[0].message
    assert walked.folders[1].stamp == NO_STAMP


def test_a_root_that_is_missing():
    walked = walk(RULES, FakeDisk())
    assert walked.files == ()
    assert problems(walked) == [("E0807", "error", ".")]


def test_what_vanishes_during_the_walk():
    disk = disk_with("a.ruchy", "b/c.ruchy", "d.ruchy")
    gone: list[str] = []

    def remove(operation, path):
        if operation == "stamp" and path == "/p/b":
            disk.memory.nodes.pop("/p/b/c.ruchy", None)
            disk.memory.nodes.pop("/p/b", None)
        if operation == "stamp" and path == "/p/d.ruchy" and not gone:
            gone.append(path)
            disk.memory.remove(path)

    disk.before = remove
    walked = walk(RULES, disk)
    assert modules(walked) == ["a"]
    assert walked.problems == ()


def test_a_file_without_a_stamp_is_left_to_the_hasher():
    disk = disk_with("a.ruchy", "b.ruchy")
    disk.faults.on("disk.stamp", fail("EACCES"), path="/p/b.ruchy", times=0)
    assert [(file.module, file.stamp == NO_STAMP) for file in walk(RULES, disk).files] == [("a", False), ("b", True)]


def test_racy_folders_have_no_stamp():
    disk = disk_with("a.ruchy", "b/c.ruchy")
    disk.aged = False
    assert [folder.stamp for folder in walk(RULES, disk).folders] == [NO_STAMP, NO_STAMP]
    disk.aged = True
    assert NO_STAMP not in [folder.stamp for folder in walk(RULES, disk).folders]


def test_the_order_of_listing_does_not_matter(monkeypatch):
    disk = disk_with("a.ruchy", "a/mod.ruchy", "B.ruchy", "b.ruchy", "c/d.ruchy", "c-c/x.ruchy", "e/f/g.ruchy")
    expected = walk(RULES, disk)
    entries = disk.memory.entries
    for seed in range(20):

        def shuffled(path, seed=seed):
            listed = entries(path)
            random.Random(seed).shuffle(listed)
            return listed

        monkeypatch.setattr(disk.memory, "entries", shuffled)
        assert walk(RULES, disk) == expected


@pytest.mark.slow
def test_deep_trees():
    disk = disk_with("/".join(["d"] * 1100) + "/a.ruchy")
    assert modules(walk(RULES, disk)) == ["/".join(["d"] * 1100) + "/a"]


def test_a_real_folder(tmp_path):
    (tmp_path / "lib").mkdir()
    (tmp_path / "main.ruchy").write_bytes(b"1")
    (tmp_path / "lib" / "a.ruchy").write_bytes(b"2")
    (tmp_path / "linked.ruchy").symlink_to("lib/a.ruchy")
    (tmp_path / "out.ruchy").symlink_to("/etc/hostname")
    (tmp_path / "outside").symlink_to("/etc")
    os.mkfifo(tmp_path / "pipe.ruchy")
    root = tmp_path.parent / f"{tmp_path.name}-link"
    root.symlink_to(tmp_path)
    for folder in (tmp_path, root):
        walked = walk(rules(root=str(folder)), RealDisk())
        assert modules(walked) == ["lib/a", "linked", "main"]
        assert problems(walked) == [("E0807", "error", "out.ruchy"), ("W0801", "warning", "pipe.ruchy")]
        seen = os.stat(tmp_path / "main.ruchy")
        assert walked.files[2].stamp.inode == seen.st_ino
        assert walked.files[2].stamp.mtime_ns == seen.st_mtime_ns


def test_links_that_lead_in_a_circle(tmp_path):
    """Of one link, of two, as a source and as a folder, into the project and out of it."""
    (tmp_path / "p/d").mkdir(parents=True)
    (tmp_path / "p/main.ruchy").write_bytes(b"")
    for link, target in {
        "a.ruchy": "a.ruchy",
        "b.ruchy": "c.ruchy",
        "c.ruchy": "b.ruchy",
        "folder": "folder",
        "d/up": "..",
        "d/round": "../d/round/x",
        "d/out.ruchy": "../../out",
    }.items():
        (tmp_path / "p" / link).symlink_to(target)
    (tmp_path / "out").symlink_to("p/d/out.ruchy")
    walked = walk(rules(root=str(tmp_path / "p")), RealDisk())
    assert modules(walked) == ["main"]
    assert problems(walked) == [
        ("E0807", "error", "a.ruchy"),
        ("E0807", "error", "b.ruchy"),
        ("E0807", "error", "c.ruchy"),
        ("E0807", "error", "d/out.ruchy"),
        ("W0802", "warning", "d/up"),
    ]


def test_linked_folders_of_sources_are_told_of():
    disk = disk_with("main.ruchy")
    disk.write("/away/deep/er/x.ruchy", b"")
    disk.write("/none/readme.txt", b"")
    disk.memory.link("/p/lib", "/away")
    disk.memory.link("/p/none", "/none")
    disk.memory.link("/p/.hidden", "/away")
    disk.memory.link("/p/old~", "/away")
    walked = walk(RULES, disk)
    assert modules(walked) == ["main"]
    assert problems(walked) == [("W0802", "warning", "lib")]
    assert "`lib/deep/er/x.ruchy`" in walked.problems[0].message
    assert problems(walk(rules(exclude=("lib",)), disk)) == []
    assert problems(walk(rules(include=("*.ruchy",)), disk)) == []
    # What was looked into is stamped, through the link: what appears there is seen.
    assert [folder.path for folder in walked.folders] == ["", "lib/", "lib/deep", "lib/deep/er", "none/"]
    assert walked.folders[4].stamp == disk.memory.stamp("/none")
    disk.write("/none/y.ruchy", b"")
    assert problems(walk(RULES, disk)) == [("W0802", "warning", "lib"), ("W0802", "warning", "none")]


def test_a_linked_folder_without_an_end_is_not_searched_for_ever():
    disk = disk_with("main.ruchy")
    for number in range(100):
        disk.write(f"/big/{number:03}/{number}.txt", b"")
    disk.memory.link("/p/lib", "/big")
    walked = walk(RULES, disk)
    assert len(walked.folders) <= 2 + MOST_SEARCHED


def test_sources_in_the_folder_of_programs_are_told_of():
    disk = disk_with("main.ruchy", "build/main.wasm", "build/.x.ruchy", "build/deep/x.ruchy", "cache/modules/y.ruchy")
    places = {"outputs": ("/p/build", "/p/cache"), "programs": "/p/build"}
    walked = walk(rules(**places), disk)
    assert modules(walked) == ["main"]
    assert problems(walked) == [("W0803", "warning", "build")]
    assert "`build/deep/x.ruchy`" in walked.problems[0].message
    assert walked.beside == ("deep",)
    # A program that is written there changes the folder's stamp, and nothing that was looked at.
    assert [folder.path for folder in walked.folders] == ["", "build/deep"]
    disk.write("/p/build/other.wasm", b"")
    assert walk(rules(**places), disk).beside == ("deep",)
    disk.write("/p/build/z.ruchy", b"")
    assert walk(rules(**places), disk).beside == ("deep", "z.ruchy")
