"""Which toolchains a project has, where they are, and loading them."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Union

from actors.compiler.toolchain import Toolchain, load_toolchain
from actors.compiler.toolchains import Toolchains
from orchestrator.errors import ProjectError

GROUP = "wasmill.toolchains"
"""The entry-point group in which toolchains are installed."""

BUILT_IN = {"ruchy": "orchestrator.toolchains.ruchy:Ruchy"}
"""Toolchains that come with Wasmill."""

Asked = Union[Toolchain, str, Sequence[Union[Toolchain, str]], None]
"""A toolchain, the name of an installed one, "module:attribute", or several of these; None: all that are installed."""

_seen: dict[str, tuple[int, dict[str, str]]] = {}
"""By folder: its time of change when it was read, and the toolchains that its packages install."""


def installed() -> dict[str, str]:
    """All installed toolchains: "module:attribute" by name, those that come with Wasmill first, then sorted."""
    found: dict[str, str] = {}
    for folder in reversed(_folders()):
        found |= _installed_in(folder)
    return BUILT_IN | dict(sorted(found.items())) | BUILT_IN


def package_folders() -> list[str]:
    """The folders that packages are installed in, links resolved: a toolchain that is installed changes one of them."""
    return [folder for folder in _folders() if _packages(folder)]


def _folders() -> list[str]:
    return list(dict.fromkeys(os.path.realpath(folder) for folder in sys.path if folder and os.path.isabs(folder)))


def _packages(folder: str) -> list[str]:
    try:
        return [name for name in os.listdir(folder) if name.endswith(".dist-info")]
    except OSError:
        return []


def _installed_in(folder: str) -> dict[str, str]:
    """The toolchains of the packages in a folder of `sys.path`.

    `importlib.metadata` would say the same. Importing it takes longer than a build with nothing to do, and it parses
    the entry points of every package; this reads one small file for each, once in a process.
    """
    try:
        changed = os.stat(folder).st_mtime_ns
    except OSError:
        return {}
    known = _seen.get(folder)
    if known is not None and known[0] == changed:
        return known[1]
    found: dict[str, str] = {}
    for package in sorted(_packages(folder), reverse=True):
        try:
            with open(os.path.join(folder, package, "entry_points.txt"), encoding="utf-8", errors="replace") as file:
                text = file.read()
        except OSError:
            continue
        if f"[{GROUP}]" in text:
            found |= _entry_points(text)
    _seen[folder] = (changed, found)
    return found


def _entry_points(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    section = ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            section = line.strip("[]").strip()
        elif section == GROUP and "=" in line and not line.startswith(("#", ";")):
            name, _, place = line.partition("=")
            found[name.strip()] = place.partition("[")[0].replace(" ", "")
    return found


def locate_toolchain(name: str) -> str:
    """Where the toolchain of this name is, as "module:attribute". Raises ProjectError where none is installed."""
    if name in BUILT_IN:
        return BUILT_IN[name]
    if ":" in name:
        return name
    found = installed()
    if name not in found:
        raise ProjectError(f"there is no toolchain `{name}`", hint=f"installed are: {', '.join(sorted(found))}")
    return found[name]


def load_named(name: str) -> Toolchain:
    """The toolchain at "module:attribute". Raises ProjectError."""
    try:
        return load_toolchain(name)
    except (ImportError, AttributeError) as error:
        raise ProjectError(f"there is no toolchain `{name}`: {error}") from error


def choose(asked: Asked, enabled: Mapping[str, bool]) -> Toolchains:
    """The toolchains of a project: those that are `asked` for, else all that are installed and `enabled` (by name, as
    wasmill.toml says; what it does not name is). Raises ProjectError: one is not there, or two take the same files."""
    if asked is None:
        names = [name for name in installed() if enabled.get(name, True)]
        wanted: list[Toolchain | str] = [locate_toolchain(name) for name in names]
    elif isinstance(asked, str) or not isinstance(asked, Sequence):
        wanted = [locate_toolchain(asked) if isinstance(asked, str) else asked]
    else:
        wanted = [locate_toolchain(one) if isinstance(one, str) else one for one in asked]
    if not wanted:
        raise ProjectError("the project has no toolchain", hint="enable one: `enabled = true` under [toolchain.NAME]")
    places = [one for one in wanted if isinstance(one, str)]
    by_name = len(places) == len(wanted) and not any(place.startswith("__main__:") for place in places)
    try:
        members = [load_named(one) if isinstance(one, str) else one for one in wanted]
        return Toolchains(*members, place=",".join(places) if by_name else "")
    except ValueError as error:
        hint = "leave one of them out: `enabled = false` under [toolchain.NAME] of wasmill.toml"
        raise ProjectError(str(error), hint=hint) from error
