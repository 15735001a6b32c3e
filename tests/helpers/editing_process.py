"""A process that edits a project: one line with a number in, one random edit, one line out. The edits are those that
tools which watch files are known to miss. A file that this process keeps open or mapped it opened after the watching
began, because it begins only when the first number comes.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

NAMES = ("main", "a", "b", "sub/c", "sub/d", "sub/deep/e")


def text(name: str, number: int) -> str:
    """A module of the project. All numbers have five digits, so that edits keep the size."""
    number = 10_000 + number % 90_000
    if name == "main":
        return f"use a::f;\nfun main() {{ println(f() + {number}); }}\n"
    return f"pub fun f() -> i64 {{ {number} }}\n"


def write_all(root: Path) -> None:
    for name in NAMES:
        file = root / f"{name}.ruchy"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text(name, 0))


class RandomEditor:
    """The edits. `beside` is a folder outside of the project, on the same file system."""

    def __init__(self, root: Path, beside: Path) -> None:
        self.root, self.beside = root, beside
        self.random = random.Random()
        self.maps: dict[Path, mmap.mmap] = {}
        self.edits: list[Callable[[], None]] = [
            *(self.write,) * 4,
            *(self.write_secretly,) * 3,
            *(self.rename_over,) * 3,
            self.remove,
            self.touch_back,
            self.nothing,
            self.new_folder,
            self.move_folder,
            self.replace_folder,
            self.replace_root,
            self.through_another_name,
            self.through_memory,
            self.swap,
            self.link,
            self.mode,
            self.many,
        ]

    def edit(self, number: int) -> str:
        self.random.seed(number)
        one = self.random.choice(self.edits)
        with contextlib.suppress(OSError, shutil.Error):
            one()
        return one.__name__

    def file(self) -> Path:
        return self.root / f"{self.random.choice(NAMES)}.ruchy"

    def text_for(self, file: Path) -> str:
        return text("main" if file.stem == "main" else "x", self.random.randrange(90_000))

    def write(self) -> None:
        file = self.file()
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.is_symlink():
            file.unlink()
        file.write_text(self.text_for(file))

    def write_secretly(self) -> None:
        """Keeps the size and the time."""
        file = self.file()
        seen = file.stat()
        with file.open("r+b") as opened:
            opened.write(self.text_for(file).encode())
        os.utime(file, ns=(seen.st_atime_ns, seen.st_mtime_ns))

    def rename_over(self) -> None:
        file, new = self.file(), self.beside / "new"
        new.write_text(self.text_for(file))
        os.replace(new, file)

    def remove(self) -> None:
        self.file().unlink()

    def touch_back(self) -> None:
        file = self.file()
        os.utime(file, ns=(file.stat().st_atime_ns, file.stat().st_mtime_ns))

    def nothing(self) -> None:
        """Changes nothing."""

    def new_folder(self) -> None:
        folder = self.root / f"new{self.random.randrange(4)}"
        if folder.exists():
            shutil.rmtree(folder)
        else:
            (folder / "deep").mkdir(parents=True)
            (folder / "deep/n.ruchy").write_text(self.text_for(folder))

    def move_folder(self) -> None:
        """Another folder of the same content, whose files have other stamps, comes in its place and goes again."""
        folder, other = self.root / "sub", self.root / "was_sub"
        os.rename(*((folder, other) if folder.exists() else (other, folder)))

    def replace_folder(self) -> None:
        folder = self.root / "sub"
        shutil.rmtree(self.beside / "sub", ignore_errors=True)
        shutil.copytree(folder, self.beside / "sub", symlinks=True)
        shutil.rmtree(folder)
        os.rename(self.beside / "sub", folder)
        self.write_in(folder / "c.ruchy")

    def replace_root(self) -> None:
        """As `git worktree` or a second clone at the same path does. The old folder lives on elsewhere."""
        old = self.beside / "old"
        shutil.rmtree(old, ignore_errors=True)
        shutil.rmtree(self.beside / "copy", ignore_errors=True)
        shutil.copytree(self.root, self.beside / "copy", symlinks=True)
        os.rename(self.root, old)
        os.rename(self.beside / "copy", self.root)
        self.write_in(self.root / "a.ruchy")

    def through_another_name(self) -> None:
        """A hard link outside of the project."""
        other = self.beside / "link"
        other.unlink(missing_ok=True)
        os.link(self.file(), other)
        with other.open("r+b") as opened:
            opened.write(self.text_for(other).encode()[:40])

    def through_memory(self) -> None:
        """Writes to a mapped file. Its descriptor was closed long ago."""
        file = self.file()
        if file not in self.maps:
            with file.open("r+b") as opened:
                self.maps[file] = mmap.mmap(opened.fileno(), 0)
            return
        self.maps[file][20:] = (
            self.text_for(file).encode()[20:].ljust(len(self.maps[file]) - 20)[: len(self.maps[file]) - 20]
        )
        self.maps[file].flush()

    def swap(self) -> None:
        one, other, third = self.file(), self.file(), self.beside / "third"
        os.rename(one, third)
        os.rename(other, one)
        os.rename(third, other)

    def link(self) -> None:
        """A symbolic link in the place of a file, or of a folder."""
        file = self.file()
        file.unlink()
        file.symlink_to(self.root / "b.ruchy" if self.random.random() < 0.8 else self.beside)

    def mode(self) -> None:
        file = self.file()
        file.chmod(0o600 if file.stat().st_mode & 0o044 else 0o644)

    def many(self) -> None:
        for _ in range(10):
            self.write()

    def write_in(self, file: Path) -> None:
        if file.exists() and not file.is_symlink():
            file.write_text(self.text_for(file))


class EditingProcess:
    """`RandomEditor` in a process of its own. When `edit` returns, everything is written."""

    def __init__(self, root: Path, beside: Path) -> None:
        command = [sys.executable, "-m", "tests.helpers.editing_process", str(root), str(beside)]
        self.process = subprocess.Popen(
            command, cwd=Path(__file__).parents[2], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def edit(self, number: int) -> str:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(f"{number}\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()


@contextlib.contextmanager
def editing(root: Path, beside: Path) -> Iterator[EditingProcess]:
    one = EditingProcess(root, beside)
    try:
        yield one
    finally:
        one.process.communicate()


def main() -> None:
    editor = RandomEditor(Path(sys.argv[1]), Path(sys.argv[2]))
    for line in sys.stdin:
        print(editor.edit(int(line)), flush=True)


if __name__ == "__main__":
    main()
