"""The types of what is given by keyword: settings, limits of a run, ways to listen. Type checkers see a wrong name."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Literal, TypedDict, Union

Path = Union[str, os.PathLike[str]]
Texts = Union[list[str], tuple[str, ...]]
Size = Union[int, str]
"""Bytes, or a text: "2 GiB", "500 MB"."""

LimitName = Literal["memory", "fuel", "seconds", "output"]

OnFull = Literal["drop", "wait"]
"""What becomes of an event that finds a reader's ring full: the oldest one goes, or the build waits."""


class Settings(TypedDict, total=False):
    """Settings as keywords: those of `orchestrator.settings.SETTINGS`. None stands for one that is not given."""

    name: str | None
    root: Path | None
    entry: Path | None
    include: Texts | None
    exclude: Texts | None
    profile: str | None
    output: Path | None
    jobs: int | None
    invalidation: Literal["transitive", "precise"] | None
    keep_going: bool | None
    timeout: float | None
    worker_memory: Size | None
    folder: Path | None
    max_size: Size | None
    eviction: Literal["lru", "lfu", "fifo"] | None
    hot_memory: Size | None
    enabled: bool | None
    run_memory: Size | None
    fuel: int | None
    seconds: float | None
    folders: Texts | Sequence[os.PathLike[str]] | None


class Limits(TypedDict, total=False):
    """What one run of a program may use at most; over the settings `run_memory`, `fuel` and `seconds`.

    `memory` in bytes; `fuel` in instructions, about; `seconds` of running; `output` is how many bytes of each of the
    two streams are kept, and a program that writes more is stopped. 0: no limit of fuel and seconds.
    """

    memory: Size | None
    fuel: int | None
    seconds: float | None
    output: Size | None
