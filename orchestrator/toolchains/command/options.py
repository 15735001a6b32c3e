"""The settings of a toolchain that is a command."""

from __future__ import annotations

import msgspec


class CommandOptions(msgspec.Struct, frozen=True):
    """What a project says of a compiler. `inputs` are files that every compile reads."""

    command: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    identity: str = ""
