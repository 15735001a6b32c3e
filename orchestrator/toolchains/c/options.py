"""The settings under `[toolchain.c]`."""

from __future__ import annotations

import msgspec


class COptions(msgspec.Struct, frozen=True):
    """What a project sets for its C files."""

    compiler: str = ""
    flags: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    define: tuple[str, ...] = ()
    standard: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()
