"""The command line. This file has what both `uptodate.py`, which answers for an unchanged tree, and the rest of the
command line need. Every process loads it, so it imports builtin modules only."""

import _signal  # type: ignore[import-not-found]  # `signal` itself is no builtin module
import sys

SIGINT: int = _signal.SIGINT
SIGTERM: int = _signal.SIGTERM
POSIX = sys.platform != "win32"
if sys.platform != "win32":
    from posix import environ


class Terminated(KeyboardInterrupt):
    """SIGTERM, before `session` listens for it."""


def signal_of(stop: KeyboardInterrupt) -> int:
    """Returns the number of the signal that raised this."""
    return SIGTERM if isinstance(stop, Terminated) else SIGINT


def events_wanted(arguments: list[str]) -> bool:
    """Whether a build prints its events, whatever else the command line asks for: the last event tells how the build
    ended."""
    own = arguments[: arguments.index("--")] if "--" in arguments else arguments
    return own[:1] == ["build"] and "--json" in own


def plain_build(arguments: list[str]) -> tuple[str, bool] | None:
    """Returns the folder to build and whether to be quiet, if the command line asks for nothing else: `build [-q]
    [PATH]`."""
    if not POSIX or arguments[:1] != ["build"] or any(name.startswith(b"WASMILL_") for name in environ):
        return None
    rest = arguments[1:]
    quiet = "-q" in rest
    if quiet:
        rest.remove("-q")
    if len(rest) > 1 or rest[:1] == [""] or (rest and rest[0].startswith("-")):
        return None
    return (rest[0] if rest else "."), quiet


def served_build(arguments: list[str]) -> str | None:
    """Returns the folder of a command line that a server may execute (`orchestrator/server/`): `build` or `run` with
    flags that need nothing of this process. None for every other one."""
    if sys.platform != "linux" or arguments[:1] not in (["build"], ["run"]):
        return None
    own = arguments[1:]
    if "--" in own:
        own = own[: own.index("--")] if arguments[0] == "run" else ["--"]
    places = []
    words = iter(own)
    for word in words:
        if word in _VALUES:
            if next(words, "-").startswith("-"):
                return None
        elif not word.startswith("-") and word:
            places.append(word)
        elif word not in _FLAGS and not word.startswith(_ASSIGNED):
            return None
    if len(places) > 1 or any(name.startswith(b"WASMILL_") for name in environ):
        return None
    return places[0] if places else "."


_FLAGS = ("-q", "--quiet", "--json", "--force")
_VALUES = ("-j", "--jobs", "--profile", "--invalidation")
_ASSIGNED = ("--jobs=", "--profile=", "--invalidation=")


def up_to_date(modules: int) -> str:
    """Returns the line that a build with nothing to do prints."""
    return f"up to date: {modules} module{'' if modules == 1 else 's'}"
