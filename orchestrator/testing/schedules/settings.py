"""What a test is run with: the command line wins over a profile, that over the marker, and that over the ini file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

KINDS: dict[str, Callable[[str], object]] = {
    "n": int,
    "strategy": lambda text: text.split(",") if "," in text else text,
    "seed": int,
    "seconds": float,
    "backend": str,
    "cancel": lambda text: text.lower() in ("true", "yes") if not text.isdecimal() else int(text),
    "order": str,
    "steps": int,
}
"""The settings that an ini file and a profile can have, and how each is read."""

FITTING = 1_000_000_000
"""As many schedules as fit into the time."""


class ScheduleSettings(NamedTuple):
    """ScheduleSettings by their names, from where they stand."""

    line: Mapping[str, object]
    profile: Mapping[str, object]
    marker: Mapping[str, object]
    ini: Mapping[str, object]

    def get(self, name: str, default: Any) -> Any:
        """The value that wins."""
        for layer in self:
            if layer.get(name) is not None:
                return layer[name]
        return default

    @property
    def schedules(self) -> int:
        """How many to run: with a time on the command line or in a profile and no number there, as many as fit."""
        for layer in (self.line, self.profile):
            n = layer.get("n")
            if isinstance(n, int):
                return n
            if layer.get("seconds") is not None:
                return FITTING
        return int(self.get("n", 100))


def parsed(text: str, where: str) -> dict[str, object]:
    """ScheduleSettings that are written `n=2000 strategy=pct:5 seconds=30`. Raises ValueError, which names `where`."""
    values: dict[str, object] = {}
    for part in text.split():
        name, equals, value = part.partition("=")
        if name not in KINDS or not equals:
            raise ValueError(f"{where}: {part!r} is no setting; write NAME=VALUE with a name of {', '.join(KINDS)}")
        try:
            values[name] = KINDS[name](value)
        except ValueError:
            raise ValueError(f"{where}: {value!r} is no value of {name}") from None
    return values


def profile_of(lines: list[str], name: str) -> dict[str, object]:
    """The settings of a profile, of lines `NAME: n=2000 seconds=30`. Raises ValueError where it is not among them."""
    profiles = dict(line.split(":", 1) for line in lines if ":" in line)
    profiles = {key.strip(): value for key, value in profiles.items()}
    if name not in profiles:
        known = ", ".join(profiles) or "none: name them in `schedules_profiles` of the ini file"
        raise ValueError(f"there is no profile {name!r}; there is {known}")
    return parsed(profiles[name], f"schedules_profiles, {name}")
