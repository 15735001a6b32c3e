"""Finds a C compiler that makes WebAssembly: the one in the package `ziglang`, else clang with the C library of WASI.

Nothing is started to find it, because every build of every project looks. What a compiler says of itself
(`zig_flags`) is asked for when the first file is compiled, and kept beside the C library.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Literal

import msgspec

from actors.digests import digest

MISSING = "there is no C compiler that makes WebAssembly"
CURE = (
    "install one: `pip install 'wasmill[c]'` brings `zig cc`; or clang, lld and wasi-libc from your system, which"
    ' `compiler = "clang"` under [toolchain.c] asks for'
)

KEPT = "WASMILL_C_LIBRARIES"
"""The variable that names the folder of C libraries, in the place of the one in the user's cache."""

_SYSROOTS = ("/usr", "/opt/wasi-sdk/share/wasi-sysroot", "/usr/share/wasi-sysroot", "/usr/local/share/wasi-sysroot")
"""Where the C library of WASI is installed: `include/wasm32-wasi` and `lib/wasm32-wasi` in one of these."""


class Compiler(msgspec.Struct, frozen=True):
    """A compiler that is there. `version` names what it makes of a source; `library` is the folder of the compiler's
    own headers and libraries: for clang, that of the C library."""

    kind: Literal["zig", "clang"]
    program: str
    library: str
    version: str

    def files(self) -> tuple[str, ...]:
        """The files whose change makes it another compiler."""
        return (self.program,)


def find(asked: str) -> Compiler | None:
    """The compiler that is asked for ("zig", "clang", or the path of one of these), or the first that is there for
    ""."""
    if asked in ("", "zig"):
        for program in _zigs():
            zig = _zig(program)
            if zig is not None:
                return zig
    if asked in ("", "clang"):
        program = _on_path("clang")
        return _clang(program) if program else None
    if os.path.isabs(asked):
        return _zig(asked) if os.path.basename(asked).startswith("zig") else _clang(asked)
    return None


def _zigs() -> Iterator[str]:
    for folder in sys.path:
        yield os.path.join(folder, "ziglang", "zig")
    on_path = _on_path("zig")
    if on_path:
        yield on_path


def _zig(program: str) -> Compiler | None:
    try:
        status = os.stat(program)
        real = os.path.realpath(program)
    except OSError:
        return None
    home = os.path.dirname(real)
    for library in (os.path.join(home, "lib"), os.path.join(os.path.dirname(home), "lib", "zig")):
        if os.path.isdir(os.path.join(library, "libc")):
            # The same version is as large on every machine of its kind, and no other version is.
            return Compiler("zig", real, library, f"zig {status.st_size} {_zig_release(home)}")
    return None


def _zig_release(home: str) -> str:
    """The version of the package that the program is part of, "" where it is none."""
    try:
        names = os.listdir(os.path.dirname(home))
    except OSError:
        return ""
    return next((name for name in sorted(names) if name.startswith("ziglang-") and name.endswith(".dist-info")), "")


def _clang(program: str) -> Compiler | None:
    try:
        real = os.path.realpath(program)
        status = os.stat(real)
    except OSError:
        return None
    for sysroot in _SYSROOTS:
        archive = os.path.join(sysroot, "lib", "wasm32-wasi", "libc.a")
        try:
            library = os.stat(archive)
        except OSError:
            continue
        # Packages of a system keep the times of their files, so two machines with the same package agree.
        marks = (os.path.basename(real), status.st_size, status.st_mtime_ns, library.st_size, library.st_mtime_ns)
        return Compiler("clang", real, sysroot, f"clang {' '.join(map(str, marks))}")
    return None


def _on_path(name: str) -> str:
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        place = os.path.join(folder, name)
        if os.path.isabs(folder) and os.path.isfile(place) and os.access(place, os.X_OK):
            return place
    return ""


def beside(compiler: Compiler, name: str) -> str:
    """A program of the same installation as clang (`wasm-ld-14` beside `clang-14`), else the one on PATH; "" for
    none."""
    suffix = os.path.basename(compiler.program).removeprefix("clang")
    for candidate in (f"{name}{suffix}", name):
        place = os.path.join(os.path.dirname(compiler.program), candidate)
        if os.access(place, os.X_OK):
            return place
    return _on_path(name)


def kept_folder(compiler: Compiler) -> str:
    """Where things are kept that the compiler makes once for all projects: flags, and the C library."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    place = os.environ.get(KEPT) or os.path.join(base, "wasmill", "c")
    return os.path.join(place, digest(f"{compiler.version} {compiler.program}".encode())[:16])
