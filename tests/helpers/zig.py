"""The compiler zig of the wheel `ziglang`, its linker, and its C library, for tests.

What it compiles is kept between runs by a digest of the text and the flags, in a folder of the user, because starting
zig takes longer than most tests may. Its libraries are those that
projects of C are linked with.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import pkgutil
import subprocess
import tempfile
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from orchestrator import toolchains, wasm
from orchestrator.toolchains.c.compilers import find
from orchestrator.toolchains.c.libraries import library as c_library
from orchestrator.toolchains.programs import ChildPrograms

WITH_CXX = os.environ.get("HYPOTHESIS_PROFILE") == "long"
"""Whether programs in C++ are linked: zig builds its library for minutes, which `make test-long` has."""
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
    compiler = find("zig")
    assert compiler is not None
    made = c_library(compiler, ChildPrograms(), cxx=cxx)
    return [(Path(file).name, Path(file).read_bytes()) for file in (made.start, *made.archives)]


def prepare() -> None:
    """Builds the C library, which takes half a minute, and imports what compiles, before the first test of C.

    pytest rewrites modules as they are imported, and Python's parser fails where two threads do so at once.
    """
    compiler = find("")
    assert compiler is not None, "there is no C compiler: `make .venv/.installed-dev` installs one"
    c_library(compiler, ChildPrograms(), cxx=False)
    for package in (toolchains, wasm):
        for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            importlib.import_module(module.name)


def zig_links(objects: list[tuple[str, bytes]], *flags: str) -> bytes:
    """What the linker of zig, which is LLD, makes of these objects and archives."""
    with tempfile.TemporaryDirectory() as folder:
        for name, data in objects:
            (Path(folder) / name).write_bytes(data)
        command = [zig(), "wasm-ld", "--stack-first", *flags, "-o", "program", *[name for name, _ in objects]]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return (Path(folder) / "program").read_bytes()
