"""All settings: their tables in wasmill.toml, what is allowed, and the defaults.

Leaf names are unique, so a setting can be a keyword of `orchestrator.open` under its own name. A check takes the value
as written and returns the checked value, or raises ValueError with what is wrong ("must be ...").
"""

from __future__ import annotations

import os
from collections.abc import Callable

import msgspec

from actors.keeper.eviction import ORDERINGS

MIB = 1 << 20
GIB = 1 << 30

UNITS = {
    "B": 1,
    "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12,
    "KiB": 1 << 10, "MiB": MIB, "GiB": GIB, "TiB": 1 << 40,
}  # fmt: skip

INVALIDATIONS = ("transitive", "precise")
EVICTIONS = tuple(ORDERINGS)


class Setting(msgspec.Struct, frozen=True):
    """`allowed` completes the sentence "... must be"."""

    table: str
    allowed: str
    check: Callable[[object], object]
    default: object


def size(value: object) -> int:
    """Returns bytes from an integer or a text with a unit. Raises ValueError."""
    if isinstance(value, int) and not isinstance(value, bool):
        return _count(0)(value)
    if not isinstance(value, str) or len(value) > 40:
        raise ValueError
    number = value.rstrip("kKMGTiB ")
    unit = value[len(number) :].strip() or "B"
    if unit not in UNITS or not number.replace(".", "", 1).isdecimal() or not number.isascii():
        raise ValueError
    return _count(0)(int(float(number) * UNITS[unit]) if "." in number else int(number) * UNITS[unit])


def _at_least(value: int, least: int) -> int:
    if value < least:
        raise ValueError
    return value


def _text(value: object) -> str:
    if not isinstance(value, (str, os.PathLike)) or not (text := os.fspath(value)) or not isinstance(text, str):
        raise ValueError
    if "\0" in text:
        raise ValueError
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("is not UTF-8 text") from None
    return text


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)):
        raise ValueError
    return tuple(_text(each) for each in value)


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError
    return value


def _count(least: int, most: int = 1 << 62) -> Callable[[object], int]:
    def check(value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or value > most:
            raise ValueError
        return _at_least(value, least)

    return check


def _seconds(value: object) -> float:
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 <= value < 1e9:
        raise ValueError
    return float(value)


def _positive(value: object) -> float:
    seconds = _seconds(value)
    if seconds <= 0:
        raise ValueError
    return seconds


def _remote_url(value: object) -> str:
    """An HTTP server, or "" for none. Secrets belong into headers, because URLs are shown."""
    if value == "":
        return ""
    from urllib.parse import urlsplit

    text = _text(value)
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or not text.isascii() or not text.isprintable():
        raise ValueError
    if "@" in parts.netloc or parts.query or parts.fragment or " " in text:
        raise ValueError("has a user, a password or a query; put what is secret into `headers`")
    if parts.port == 0:
        raise ValueError
    return text


def _headers(value: object) -> tuple[str, ...]:
    for line in (lines := _texts(value)):
        name, colon, _ = line.partition(":")
        if not colon or not name.replace("-", "").isalnum() or not line.isascii() or not line.isprintable():
            raise ValueError
        if name.lower() in ("host", "content-length", "transfer-encoding", "connection"):
            raise ValueError(f"sets `{name}`, which Wasmill does")
    return lines


def _one_of(*choices: str) -> Callable[[object], str]:
    def check(value: object) -> str:
        if value not in choices:
            raise ValueError
        return str(value)

    return check


def _either(words: tuple[str, ...]) -> str:
    """Returns `"a", "b" or "c"`, for the sentence "... must be"."""
    *others, last = (f'"{word}"' for word in words)
    return f"{', '.join(others)} or {last}"


def _profile_name(value: object) -> str:
    name = _text(value)
    if not name.replace("-", "_").isidentifier() or not name.isascii():
        raise ValueError
    return name


SIZE = 'a size: "2 GiB", "500 MB", or a number of bytes'
_PATH = "a path, as text"
_GLOBS = 'a list of globs, as ["low/**"]'
_BOOL = "true or false"

SETTINGS: dict[str, Setting] = {
    "name": Setting("project", "text", _text, ""),
    "root": Setting("project", _PATH, _text, ""),
    "entry": Setting("project", "a path under the source root, as text", _text, ""),
    "include": Setting("project", _GLOBS, _texts, ()),
    "exclude": Setting("project", _GLOBS, _texts, ()),
    "profile": Setting("build", 'the name of a profile ("dev", "release", your own)', _profile_name, "dev"),
    "output": Setting("build", "a path, as text: a folder, or a file that ends in .wasm", _text, "build"),
    "jobs": Setting("build", "a whole number from 1 to 256", _count(1, 256), 0),
    "invalidation": Setting("build", _either(INVALIDATIONS), _one_of(*INVALIDATIONS), "transitive"),
    "keep_going": Setting("build", _BOOL, _flag, True),
    "timeout": Setting("build", "a number of seconds for one job, 0 for no limit", _seconds, 300.0),
    "server": Setting("build", _BOOL, _flag, False),
    "server_idle": Setting("build", "a number of seconds", _seconds, 300.0),
    "worker_memory": Setting("build", SIZE + ", 0 for no limit", size, 2 * GIB),
    "folder": Setting("cache", _PATH, _text, ".ruchy-cache"),
    "max_size": Setting("cache", SIZE + ", 0 for no limit", size, 2 * GIB),
    "eviction": Setting("cache", _either(EVICTIONS), _one_of(*EVICTIONS), "lru"),
    "hot_memory": Setting("cache", SIZE, size, 16 * MIB),
    "enabled": Setting("cache", _BOOL, _flag, True),
    "cache": Setting("remote", 'the URL of a server, as "https://cache.example/", or ""', _remote_url, ""),
    "headers": Setting("remote", 'a list of headers, as ["X-Team: shop", "X-Key: $CACHE_KEY"]', _headers, ()),
    "roots": Setting("remote", "a path, as text: a file of certificates", _text, ""),
    "upload": Setting("remote", _BOOL, _flag, False),
    "remote_timeout": Setting("remote", "a number of seconds above 0 for one call", _positive, 5.0),
    "run_memory": Setting("run", SIZE, size, GIB),
    "fuel": Setting("run", "a whole number, 0 for no limit", _count(0), 0),
    "seconds": Setting("run", "a number of seconds, 0 for no limit", _seconds, 0.0),
    "folders": Setting("run", 'a list of paths, as ["data"]', _texts, ()),
}

TABLES = ("project", "build", "cache", "remote", "run")

PROFILES: dict[str, dict[str, object]] = {"dev": {}, "release": {}}
"""The profiles that exist by default."""


def near_miss(word: str, known: list[str] | tuple[str, ...]) -> str:
    """Returns a question for the closest of `known` ("did you mean `x`?"), or "" if none is close to `word`."""
    from difflib import get_close_matches

    close = get_close_matches(word, known, 1)
    return f"did you mean `{close[0]}`?" if close else ""


def shown_value(value: object) -> str:
    """Returns a value roughly as TOML writes it, shortened if it is long."""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = '"' + ascii(value)[1:-1] + '"' if isinstance(value, str) else ascii(value)
    return text if len(text) <= 60 else text[:57] + "..."
