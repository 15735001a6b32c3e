"""Reads wasmill.toml and checks it setting by setting.

`tomllib` does not report where a key is, and an error message should: `line_of` finds the line.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias, TypeGuard

from actors.disk import Disk
from orchestrator.errors import ConfigError
from orchestrator.settings import SETTINGS, TABLES, near_miss, shown_value
from orchestrator.toolchains.locate import ToolchainTable, installed

LARGEST = 1 << 20
"""The most bytes that a wasmill.toml may have."""


_EXTENSION = re.compile(r"(?:\.\w+)+").fullmatch

Checked: TypeAlias = dict[str, Any]
"""Settings by leaf name. A value has the type that the check of its setting returns."""


class CheckedFile(NamedTuple):
    """What a wasmill.toml says: the settings of its four tables, those of each profile, and the tables of toolchains by
    name."""

    base: Checked
    profiles: dict[str, Checked]
    toolchains: dict[str, ToolchainTable]


def read_file(file: str, disk: Disk) -> CheckedFile:
    """Returns the checked content of a file. Raises ConfigError."""
    import tomllib

    text = _read_text(file, disk)
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as wrong:
        message, _, place = str(wrong).rpartition(" (at ")
        line = place.partition("line ")[2].partition(",")[0]
        where = f"{file}:{line}" if line.isdecimal() else f"{file}:{text.count(chr(10)) + 1}"
        raise ConfigError(f"this is not TOML: {message or wrong}", where=where) from None
    except RecursionError:
        raise ConfigError("this is nested too deep", where=file) from None
    except ValueError as wrong:  # an integer of thousands of digits
        raise ConfigError(f"this cannot be read: {wrong}", where=file) from None
    return _Reader(file, text).read(tables)


def key_place(file: str, disk: Disk, *path: str) -> str:
    """Returns `file:line` of the key `path`."""
    return f"{file}:{line_of(_read_text(file, disk), path)}"


def check_setting(key: str, value: object, dotted: str, where: Callable[[], str]) -> Any:
    """Returns the checked value of a setting. Raises ConfigError if there is no such setting, or the value is not
    allowed; `where` is called only then."""
    setting = SETTINGS.get(key)
    if setting is None:
        raise _unknown(key, dotted, where())
    try:
        return setting.check(value)
    except ValueError as wrong:
        what = str(wrong) or f"must be {setting.allowed}, not {shown_value(value)}"
        raise ConfigError(f"`{dotted}`: {what}", where=where(), key=dotted) from None


class _Reader:
    """Checks one file."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.text = text

    def read(self, tables: dict[str, object]) -> CheckedFile:
        base: Checked = {}
        toolchains: dict[str, ToolchainTable] = {}
        profiles: dict[str, Checked] = {}
        for table, content in tables.items():
            if table == "profile":
                for name, settings in self.table(content, "profile").items():
                    profiles[name] = self.profile(name, self.table(settings, "profile", name))
            elif table == "toolchain":
                for name, settings in self.table(content, "toolchain").items():
                    toolchains[name] = self.toolchain(name, self.table(settings, "toolchain", name))
            elif table in TABLES:
                base |= self.settings(self.table(content, table), table)
            elif table in SETTINGS:
                raise self.misplaced(table, "")
            else:
                allowed = "[project], [build], [cache], [run], [profile.NAME], [toolchain.NAME]"
                hint = near_miss(table, (*TABLES, "profile", "toolchain")) or f"allowed are: {allowed}"
                raise ConfigError(f"[{table}] is not a table of settings", where=self.at(table), hint=hint, key=table)
        return CheckedFile(base, profiles, toolchains)

    def table(self, content: object, *path: str) -> dict[str, object]:
        if isinstance(content, dict):
            return content
        dotted = ".".join(path)
        raise ConfigError(f"`{dotted}` must be a table: [{dotted}]", where=self.at(*path), key=dotted)

    def settings(self, content: dict[str, object], table: str) -> Checked:
        for key in content:
            if key not in SETTINGS or SETTINGS[key].table != table:
                raise self.misplaced(key, table)
        return {key: self.check(key, value, table) for key, value in content.items()}

    def profile(self, name: str, content: dict[str, object]) -> Checked:
        if "profile" in content:
            dotted = f"profile.{name}.profile"
            raise ConfigError(
                "a profile cannot choose a profile", where=self.at("profile", name, "profile"), key=dotted
            )
        return {key: self.check(key, value, "profile", name) for key, value in content.items()}

    def toolchain(self, name: str, content: dict[str, object]) -> ToolchainTable:
        """Returns the checked table of one toolchain. A toolchain that is enabled must be installed."""
        options = dict(content)
        enabled, given = options.pop("enabled", True), options.pop("extensions", None)
        if not isinstance(enabled, bool):
            raise self.wrong_value(enabled, "true or false", name, "enabled")
        extensions = tuple(given) if _are_extensions(given) else ()
        if "extensions" in content and not extensions:
            raise self.wrong_value(given, 'a list of extensions, as [".txt"]', name, "extensions")
        if enabled and "command" in options and name not in installed():
            if "extensions" not in content or not name.isidentifier():
                what = f"`toolchain.{name}`: a command needs `extensions`, and a name of letters, digits and `_`"
                raise ConfigError(what, where=self.at("toolchain", name), key=f"toolchain.{name}")
        elif enabled and name not in (known := installed()):
            hint = near_miss(name, tuple(known))
            hint = "; ".join(part for part in (hint, f"installed are: {', '.join(sorted(known))}") if part)
            dotted, where = f"toolchain.{name}", self.at("toolchain", name)
            raise ConfigError(f"there is no toolchain `{name}`", where=where, hint=hint, key=dotted)
        return ToolchainTable(enabled, extensions, options, lambda key: self.at("toolchain", name, key))

    def wrong_value(self, value: object, allowed: str, name: str, key: str) -> ConfigError:
        dotted, where = f"toolchain.{name}.{key}", self.at("toolchain", name, key)
        return ConfigError(f"`{dotted}`: must be {allowed}, not {shown_value(value)}", where=where, key=dotted)

    def check(self, key: str, value: object, *table: str) -> Any:
        return check_setting(key, value, ".".join((*table, key)), lambda: self.at(*table, key))

    def misplaced(self, key: str, table: str) -> ConfigError:
        path = (table, key) if table else (key,)
        if key in SETTINGS:
            found_in = f"in [{table}]" if table else "outside of a table"
            what = f"`{key}` belongs in [{SETTINGS[key].table}], not {found_in}"
            return ConfigError(what, where=self.at(*path), key=".".join(path))
        allowed = [name for name, setting in SETTINGS.items() if setting.table == table]
        hint = near_miss(key, allowed) or near_miss(key, tuple(SETTINGS))
        hint = "; ".join(part for part in (hint, f"[{table}] takes: {', '.join(allowed)}") if part)
        what = f"`{key}` is not a setting of [{table}]"
        return ConfigError(what, where=self.at(*path), hint=hint, key=".".join(path))

    def at(self, *path: str) -> str:
        return f"{self.file}:{line_of(self.text, path)}"


def _read_text(file: str, disk: Disk) -> str:
    try:
        return disk.read(file, LARGEST).decode().replace("\r\n", "\n")
    except UnicodeDecodeError as wrong:
        raise ConfigError("this is not UTF-8 text", where=file) from wrong
    except OSError as wrong:
        raise ConfigError(f"cannot be read: {wrong.strerror or wrong}", where=file) from wrong


def _unknown(key: str, dotted: str, where: str) -> ConfigError:
    hint = near_miss(key, tuple(SETTINGS)) or f"allowed are: {', '.join(sorted(SETTINGS))}"
    table = dotted.removesuffix(key).rstrip(".")
    what = f"`{key}` is not a setting of [{table}]" if table else f"`{key}` is not a setting"
    return ConfigError(what, where=where, hint=hint, key=dotted)


def _are_extensions(value: object) -> TypeGuard[list[str]]:
    """Whether this is a list of file extensions, each with its dot, and not empty."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(extension, str) and _EXTENSION(extension) for extension in value)
    )


# ------------------------------------------------------------------------------------------------ lines


def line_of(text: str, path: tuple[str, ...]) -> int:
    """Returns the line (from 1) that sets the key `path`, or the longest part of it that is found; 1 if none is.

    Reads tables, dotted and quoted keys; skips multi-line strings. For a key in an inline table it returns the line of
    the table's own key. `text` must be valid TOML.
    """
    best, length, ends = 1, 0, ""
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.split("\n"), 1):
        stripped = line.strip()
        if ends:  # inside of a multi-line string
            ends = "" if ends in stripped else ends
            continue
        if stripped.startswith("["):
            here = table = _keys(stripped.lstrip("[").partition("]")[0])
        elif "=" in stripped and not stripped.startswith("#"):
            key, _, value = stripped.partition("=")
            here = (*table, *_keys(key))
            ends = _opened(value)
        else:
            continue
        common = here[: len(path)]
        if common == path[: len(common)] and len(common) > length:
            best, length = number, len(common)
    return best


def _keys(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))


def _opened(value: str) -> str:
    """Returns the quotes of a multi-line string that begins in `value` and does not end there."""
    for quotes in ('"""', "'''"):
        if value.count(quotes) % 2:
            return quotes
    return ""
