"""The compiler zig of the wheel `ziglang`, its linker, and its C library, for tests.

What it compiles is kept between runs by a digest of the text and the flags, in a folder of the user, because starting
zig takes longer than most tests may. zig keeps its libraries itself; a lock sees to it that one process builds them.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shlex
import subprocess
import tempfile
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

TARGET = "--target=wasm32-wasi"
FLAGS = ("-O1", "-fno-sanitize=undefined", "-g0")
_FOLDER = Path(tempfile.gettempdir()) / f"wasmill-tests-zig-{os.getuid()}"


@lru_cache(1)
def zig() -> str:
    """The path of the compiler."""
    import ziglang

    return str(Path(next(iter(ziglang.__path__))) / "zig")


def _kept(what: str, *parts: str) -> Path:
    """Where something is kept that depends on these texts, and on nothing else."""
    digest = hashlib.sha256("\0".join((zig(), what, *parts)).encode()).hexdigest()
    _FOLDER.mkdir(mode=0o700, exist_ok=True)
    return _FOLDER / f"{digest[:32]}.{what}"


def compiled(text: str, *flags: str, name: str = "t.c", headers: Mapping[str, str] | None = None) -> bytes:
    """The object of a C or C++ text. `headers` are the texts of other files that it includes."""
    others = headers or {}
    kept = _kept("o", text, name, *[part for item in others.items() for part in item], *FLAGS, *flags)
    if not kept.exists():
        with tempfile.TemporaryDirectory() as folder:
            for file, content in {**others, name: text}.items():
                (Path(folder) / file).write_text(content)
            command = [zig(), "c++" if name.endswith("cpp") else "cc", TARGET, *FLAGS, *flags, "-c", name, "-o", "t.o"]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            made = kept.with_suffix(f".{os.getpid()}")
            made.write_bytes((Path(folder) / "t.o").read_bytes())
            made.replace(kept)
    return kept.read_bytes()


def library(*, cxx: bool = False) -> list[tuple[str, bytes]]:
    """The start of a program, and the archives of the C library, in the order in which zig links them."""
    kept = _kept("libraries", str(cxx))
    if not kept.exists():
        with tempfile.TemporaryDirectory() as folder, (_FOLDER / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            name = "t.cpp" if cxx else "t.c"
            (Path(folder) / name).write_text("int main() { return 0; }")
            command = [zig(), "c++" if cxx else "cc", TARGET, *FLAGS, name, "-o", "t.wasm"]
            environment = {**os.environ, "ZIG_VERBOSE_LINK": "1"}
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environment)
            assert done.returncode == 0, done.stderr
            line = next(line for line in done.stderr.splitlines() if line.startswith("wasm-ld "))
            files = [word for word in shlex.split(line) if word.endswith((".a", "crt1-command.o"))]
            made = kept.with_suffix(f".{os.getpid()}")
            made.write_text("\n".join(files))
            made.replace(kept)
    return [(Path(file).name, Path(file).read_bytes()) for file in kept.read_text().splitlines()]


def zig_links(objects: list[tuple[str, bytes]], *flags: str) -> bytes:
    """What the linker of zig, which is LLD, makes of these objects and archives."""
    with tempfile.TemporaryDirectory() as folder:
        for name, data in objects:
            (Path(folder) / name).write_bytes(data)
        command = [zig(), "wasm-ld", "--stack-first", *flags, "-o", "program", *[name for name, _ in objects]]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return (Path(folder) / "program").read_bytes()
