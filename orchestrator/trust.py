"""Which folders a user trusts to run programs.

A wasmill.toml may name a compiler, or a flag with which a compiler loads code. A build of a folder from somewhere else
runs that code. So such settings are refused until the user says that the folder is trusted: by `wasmill
trust`, which keeps a list in the user's own configuration, or by the variable `WASMILL_TRUST`, for machines that build.
Compilers that Wasmill finds by itself need no trust.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from actors.compiler.toolchain import RunsForeignCode, Toolchain
from actors.disk import REAL, Disk
from orchestrator.errors import ConfigError, FileError

VARIABLE = "WASMILL_TRUST"
"""Trusted folders, separated as in PATH; "1" for all."""

LARGEST = 1 << 20


def list_file() -> str:
    """The file with the trusted folders of the user, one a line."""
    base = os.environ.get("XDG_CONFIG_HOME") or os.path.join(os.path.expanduser("~"), ".config")
    return os.path.join(base, "wasmill", "trusted")


def listed(disk: Disk = REAL) -> list[str]:
    """The folders on the user's list."""
    try:
        text = disk.read(list_file(), LARGEST).decode("utf-8", "surrogateescape")
    except OSError:
        return []
    return [line for line in text.split("\n") if os.path.isabs(line)]


def is_trusted(folder: str, disk: Disk = REAL) -> bool:
    """Whether the folder, or one around it, is trusted. Links count as what they lead to."""
    said = os.environ.get(VARIABLE, "")
    real = os.path.realpath(folder)
    given = [os.path.realpath(place) for place in said.split(os.pathsep) if os.path.isabs(place)]
    return said == "1" or any(
        real == place or real.startswith(place.rstrip("/") + "/") for place in (*given, *listed(disk))
    )


def require_trust(toolchains: Iterable[Toolchain], folder: str, file: str, disk: Disk) -> None:
    """Raises ConfigError where the settings in `file` have a toolchain run code and its folder is not trusted."""
    for toolchain in toolchains:
        what = toolchain.foreign_code() if isinstance(toolchain, RunsForeignCode) else ""
        if what and not is_trusted(folder, disk):
            table = f"toolchain.{toolchain.name}"
            raise ConfigError(
                f"[{table}] runs code that this folder chooses ({what}), and the folder is not trusted",
                where=file,
                hint=f"read it, then type `wasmill trust {folder}`, or set {VARIABLE}={folder}",
                key=table,
            )


def require_trust_of_server(folder: str, file: str, disk: Disk) -> None:
    """Raises ConfigError where the settings in `file` name a remote cache and its folder is not trusted. That server
    supplies code, and gets headers that may have any variable of the environment."""
    if not is_trusted(folder, disk):
        raise ConfigError(
            "[remote] names a server that supplies code and gets your token, and the folder is not trusted",
            where=file,
            hint=f"read it, then type `wasmill trust {folder}`, or set {VARIABLE}={folder}",
            key="remote.cache",
        )


def change(folder: str, *, trust: bool) -> bool:
    """Puts a folder on the user's list, or takes it off. Returns whether the list changed. Raises FileError."""
    real = os.path.realpath(folder)
    before = listed()
    after = [folder for folder in before if folder != real] + ([real] if trust else [])
    if "\n" in real:
        raise FileError(f"`{folder}` cannot be trusted: its name has several lines")
    if sorted(before) == sorted(after):
        return False
    place = list_file()
    try:
        os.makedirs(os.path.dirname(place), mode=0o700, exist_ok=True)
        temporary = f"{place}.{os.getpid()}"
        with open(temporary, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write("".join(f"{folder}\n" for folder in after))
        os.replace(temporary, place)
    except OSError as error:
        raise FileError(f"`{place}` cannot be written: {error.strerror or error}") from error
    return True
