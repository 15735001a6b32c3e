"""Which toolchains a project has, where they are, and loading them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Union

import msgspec

from actors.compiler.toolchain import TakesOptions, Toolchain, load_toolchain
from actors.compiler.toolchains import ToolchainPlace, Toolchains, configured, place_of
from orchestrator.errors import ConfigError, ProjectError
from orchestrator.settings import near_miss, shown_value

GROUP = "wasmill.toolchains"
"""The entry-point group in which toolchains are installed."""

BUILT_IN = {
    "ruchy": "orchestrator.toolchains.ruchy:Ruchy",
    "c": "orchestrator.toolchains.c:CLanguages",
    "wat": "orchestrator.toolchains.wat:WatText",
}
"""Toolchains that come with Wasmill."""

COMMAND = "orchestrator.toolchains.command:NAMED."
"""Where a toolchain is that a project makes by naming a command: this and its name."""

Asked = Union[Toolchain, str, Sequence[Union[Toolchain, str]], None]
"""A toolchain, the name of an installed one, "module:attribute", or several of these; None: all that are installed."""

_seen: dict[str, tuple[int, dict[str, str]]] = {}
"""By folder: its time of change when it was read, and the toolchains that its packages install."""


def installed() -> dict[str, str]:
    """All installed toolchains: "module:attribute" by name, those that come with Wasmill first, then sorted."""
    places: dict[str, str] = {}
    for folder in reversed(_folders()):
        places |= _installed_in(folder)
    return BUILT_IN | dict(sorted(places.items())) | BUILT_IN


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
    places: dict[str, str] = {}
    for package in sorted(_packages(folder), reverse=True):
        try:
            with open(os.path.join(folder, package, "entry_points.txt"), encoding="utf-8", errors="replace") as file:
                text = file.read()
        except OSError:
            continue
        if f"[{GROUP}]" in text:
            places |= _entry_points(text)
    _seen[folder] = (changed, places)
    return places


def _entry_points(text: str) -> dict[str, str]:
    places: dict[str, str] = {}
    section = ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            section = line.strip("[]").strip()
        elif section == GROUP and "=" in line and not line.startswith(("#", ";")):
            name, _, place = line.partition("=")
            places[name.strip()] = place.partition("[")[0].replace(" ", "")
    return places


def locate_toolchain(name: str) -> str:
    """Where the toolchain of this name is, as "module:attribute". Raises ProjectError where none is installed."""
    if name in BUILT_IN:
        return BUILT_IN[name]
    if ":" in name:
        return name
    places = installed()
    if name not in places:
        raise ProjectError(f"there is no toolchain `{name}`", hint=f"installed are: {', '.join(sorted(places))}")
    return places[name]


def load_named(name: str) -> Toolchain:
    """The toolchain at "module:attribute". Raises ProjectError."""
    try:
        return load_toolchain(name)
    except (ImportError, AttributeError) as error:
        raise ProjectError(f"there is no toolchain `{name}`: {error}") from error


class ToolchainTable(msgspec.Struct, frozen=True):
    """A `[toolchain.NAME]` of wasmill.toml. `options` are unchecked, since only the toolchain knows what is allowed;
    `place` says where an option stands ("wasmill.toml:3")."""

    enabled: bool = True
    extensions: tuple[str, ...] = ()
    options: dict[str, object] = msgspec.field(default_factory=dict)
    place: Callable[[str], str] = str

    @property
    def command(self) -> bool:
        """Whether the table makes a toolchain of a command."""
        return "command" in self.options


def choose(asked: Asked, tables: Mapping[str, ToolchainTable]) -> Toolchains:
    """The toolchains of a project: those that are `asked` for, else all that are installed and whose table does not say
    `enabled = false`. Tables also set the extensions and options of each toolchain that is loaded here; one that is
    given as an object is left as it is.

    Raises ProjectError where a toolchain is not there or two take the same files, ConfigError for a wrong option.
    """
    wanted: Sequence[Toolchain | str]
    if asked is None:
        available = installed()
        wanted = [name for name in available if name not in tables or tables[name].enabled]
        wanted += [name for name, table in tables.items() if table.enabled and table.command and name not in available]
    else:
        wanted = [asked] if isinstance(asked, str) or not isinstance(asked, Sequence) else asked
    if not wanted:
        raise ProjectError("the project has no toolchain", hint="enable one: `enabled = true` under [toolchain.NAME]")
    members: list[Toolchain] = []
    places: list[ToolchainPlace] = []
    extensions: dict[str, tuple[str, ...]] = {}
    for one in wanted:
        if not isinstance(one, str):
            members.append(one)
            continue
        named = tables.get(one)
        is_command = named is not None and named.command and one not in installed()
        place = COMMAND + one if is_command else locate_toolchain(one)
        member = load_named(place)
        table = tables.get(member.name, ToolchainTable())
        extensions[member.name] = table.extensions
        members.append(_with_options(member, table))
        if not place.startswith("__main__:"):
            places.append(ToolchainPlace(place=place, extensions=table.extensions, options=table.options))
    chosen = place_of(places) if len(places) == len(wanted) else ""
    try:
        return Toolchains(*members, place=chosen, extensions=extensions)
    except ValueError as error:
        hint = "leave one of them out: `enabled = false` under [toolchain.NAME] of wasmill.toml"
        raise ProjectError(str(error), hint=hint) from error


def _with_options(toolchain: Toolchain, table: ToolchainTable) -> Toolchain:
    """The toolchain with the options of its table. Raises ConfigError."""
    allowed = toolchain.options if isinstance(toolchain, TakesOptions) else {}
    for name, value in table.options.items():
        dotted = f"toolchain.{toolchain.name}.{name}"
        if name not in allowed:
            known = ("enabled", "extensions", *allowed)
            hint = f"[toolchain.{toolchain.name}] takes: {', '.join(known)}"
            hint = "; ".join(part for part in (near_miss(name, known), hint) if part)
            what = f"`{name}` is not a setting of [toolchain.{toolchain.name}]"
            raise ConfigError(what, where=table.place(name), hint=hint, key=dotted)
        try:
            if msgspec.json.decode(msgspec.json.encode(value)) != value:  # a date: workers would get something else
                raise ValueError
            toolchain = configured(toolchain, {name: value})
        except (ValueError, OverflowError) as wrong:
            what = f"`{dotted}`: {str(wrong) or f'must be {allowed[name]}, not {shown_value(value)}'}"
            raise ConfigError(what, where=table.place(name), key=dotted) from None
    return toolchain
