"""The C library for zig, which builds it of its sources: once for all projects of a user, half a minute.

zig is asked to link an empty program, and to say how. The files that it names are copied into a folder of the user
(`compilers.kept_folder`), in the order in which they are linked. A lock sees to it that one process builds them.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from actors.compiler.toolchain import Surroundings
from orchestrator.toolchains.c.compilers import Compiler, beside, kept_folder
from orchestrator.toolchains.programs import ChildPrograms

TARGET = "wasm32-wasi"

LONGEST = 900.0
"""Seconds that building the library may take, whatever `timeout` says of one file."""

_START = "crt1-command.o"


class LibraryError(Exception):
    """The library could not be made, or is not there; the message says why."""


class CLibrary(msgspec.Struct, frozen=True):
    """What a program is linked with: its start, and archives in their order; absolute paths."""

    start: str
    archives: tuple[str, ...]


def library(compiler: Compiler, programs: ChildPrograms, *, cxx: bool) -> CLibrary:
    """The C library, and that of C++ for `cxx`. Raises LibraryError."""
    if compiler.kind == "clang":
        return _of_clang(compiler, programs, cxx=cxx)
    folder = os.path.join(kept_folder(compiler), "c++" if cxx else "c")
    kept = _kept(folder)
    if kept is not None:
        return kept
    with _alone(kept_folder(compiler)):
        kept = _kept(folder)
        if kept is None:
            _build(compiler, programs, folder, cxx=cxx)
            kept = _kept(folder)
    if kept is None:
        raise LibraryError(f"zig left no C library in `{folder}`")
    return kept


def _kept(folder: str) -> CLibrary | None:
    try:
        with open(os.path.join(folder, "order"), encoding="utf-8") as file:
            names = file.read().split("\n")
    except OSError:
        return None
    places = [os.path.join(folder, name) for name in names if name]
    if len(places) < 2 or not all(map(os.path.isfile, places)):
        return None
    return CLibrary(places[0], tuple(places[1:]))


@contextmanager
def _alone(folder: str) -> Iterator[None]:
    """Holds the lock of a folder that one process at a time may fill."""
    import fcntl

    try:
        os.makedirs(folder, exist_ok=True)
        file = os.open(os.path.join(folder, "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise LibraryError(f"`{folder}` cannot be written: {error.strerror or error}") from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)


def zig_caches(compiler: Compiler) -> dict[str, str]:
    """The environment with which zig keeps what it builds in our folder."""
    place = os.path.join(kept_folder(compiler), "zig")
    return {"ZIG_GLOBAL_CACHE_DIR": place, "ZIG_LOCAL_CACHE_DIR": place}


def _build(compiler: Compiler, programs: ChildPrograms, folder: str, *, cxx: bool) -> None:
    with tempfile.TemporaryDirectory(prefix="wasmill-libc-") as place:
        name = "empty.cpp" if cxx else "empty.c"
        with open(os.path.join(place, name), "w", encoding="ascii") as file:
            file.write("int main(void) { return 0; }\n")
        command = [
            compiler.program,
            "c++" if cxx else "cc",
            f"--target={TARGET}",
            "-O2",
            "-s",
            name,
            "-o",
            "empty.wasm",
        ]
        more = {**zig_caches(compiler), "ZIG_VERBOSE_LINK": "1"}
        ended = programs.run(command, Surroundings(seconds=LONGEST), folder=place, more=more)
        if ended.broke or ended.code:
            last = ended.output.decode("utf-8", "replace").strip().rpartition("\n")[2]
            raise LibraryError(f"zig could not build the C library: {ended.broke or last}")
        files = _linked(ended.output.decode("utf-8", "replace"), os.path.join(kept_folder(compiler), "zig"))
        unfinished = os.path.join(place, "made")
        os.mkdir(unfinished)
        for source in files:
            shutil.copyfile(source, os.path.join(unfinished, os.path.basename(source)))
        with open(os.path.join(unfinished, "order"), "w", encoding="utf-8") as file:
            file.write("\n".join(map(os.path.basename, files)))
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(unfinished, f"{folder}.new", dirs_exist_ok=True)
        os.replace(f"{folder}.new", folder)


def _linked(output: str, caches: str) -> list[str]:
    """The files of the C library in the order in which zig links them, the start first."""
    line = next((line for line in reversed(output.splitlines()) if line.startswith("wasm-ld ")), "")
    inside = [word for word in shlex.split(line) if word.startswith(caches + os.sep)]
    start = [path for path in inside if os.path.basename(path) == _START]
    archives = [path for path in inside if path.endswith(".a")]
    if not start or not archives:
        raise LibraryError("zig does not say what it links: this version is not known here")
    return [*start[:1], *archives]


def _of_clang(compiler: Compiler, programs: ChildPrograms, *, cxx: bool) -> CLibrary:
    folder = os.path.join(compiler.library, "lib", TARGET)
    names = ["libc++.a", "libc++abi.a"] if cxx else []
    archives = [os.path.join(folder, name) for name in (*names, "libc.a")]
    for file in (os.path.join(folder, _START), *archives):
        if not os.path.isfile(file):
            raise LibraryError(f"there is no `{file}`")
    command = [compiler.program, f"--target={TARGET}", "-print-libgcc-file-name"]
    ended = programs.run(command, Surroundings(seconds=60.0), folder="/")
    builtins = ended.output.decode("utf-8", "replace").strip()
    if os.path.isfile(builtins):
        archives.append(builtins)
    return CLibrary(os.path.join(folder, _START), tuple(archives))


def linker_of(compiler: Compiler) -> list[str]:
    """The command of the compiler's own linker. Raises LibraryError."""
    if compiler.kind == "zig":
        return [compiler.program, "wasm-ld"]
    linker = beside(compiler, "wasm-ld")
    if not linker:
        raise LibraryError("there is no `wasm-ld`: install lld")
    return [linker]


def compiler_flags(compiler: Compiler, programs: ChildPrograms, *, cxx: bool) -> list[str]:
    """The command up to the options of a project: the compiler, its target and its own headers. Raises
    LibraryError."""
    if compiler.kind == "clang":
        headers = os.path.join(compiler.library, "include", TARGET)
        plus = ["-isystem", os.path.join(headers, "c++", "v1")] if cxx else []
        return [compiler.program, f"--target={TARGET}", *plus, "-isystem", headers]
    folder = kept_folder(compiler)
    kept = os.path.join(folder, "c++.flags" if cxx else "c.flags")
    try:
        with open(kept, encoding="utf-8") as file:
            return [compiler.program, "clang", *file.read().split("\n")]
    except OSError:
        pass
    flags = _zig_flags(compiler, programs, cxx=cxx)
    try:
        os.makedirs(folder, exist_ok=True)
        temporary = f"{kept}.{os.getpid()}"
        with open(temporary, "w", encoding="utf-8") as file:
            file.write("\n".join(flags))
        os.replace(temporary, kept)
    except OSError:
        pass  # Then zig is asked again next time.
    return [compiler.program, "clang", *flags]


_KEPT = re.compile(r"-nostdinc(?:\+\+)?|-fhosted|-fno-exceptions|-D_LIBC\w+(?:=.*)?|--no-default-config")


def _zig_flags(compiler: Compiler, programs: ChildPrograms, *, cxx: bool) -> list[str]:
    """The flags with which `zig cc` calls clang: its target, and where its headers are."""
    with tempfile.TemporaryDirectory(prefix="wasmill-zig-") as place:
        name = "empty.cpp" if cxx else "empty.c"
        with open(os.path.join(place, name), "w", encoding="ascii"):
            pass
        command = [compiler.program, "c++" if cxx else "cc", f"--target={TARGET}", "-O2", "-c", name, "-o", "empty.o"]
        caches = {"ZIG_GLOBAL_CACHE_DIR": place, "ZIG_LOCAL_CACHE_DIR": place, "ZIG_VERBOSE_CC": "1"}
        ended = programs.run(command, Surroundings(seconds=60.0), folder=place, more=caches)
    lines = ended.output.decode("utf-8", "replace").splitlines()
    line = next((line for line in lines if " clang " in line and name in line), "")
    if ended.broke or ended.code or not line:
        last = lines[-1] if lines else "it says nothing"
        raise LibraryError(f"`zig cc` does not say how it compiles: {ended.broke or last}")
    words, flags, at = shlex.split(line.partition(" clang ")[2]), list[str](), 0
    while at < len(words):
        word, after = words[at], words[at + 1 : at + 2]
        if word in ("-target", "-isystem") and after:
            flags += [word, *after]
            at += 2
        elif word == "-Xclang" and after and after[0].startswith("-target-"):
            flags += words[at : at + 4]
            at += 4
        else:
            flags += [word] if _KEPT.fullmatch(word) else []
            at += 1
    return flags
