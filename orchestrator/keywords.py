"""The types of keyword arguments (settings, limits of a run, ways to listen), so that type checkers see a wrong
name."""

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
"""What happens to an event when a reader's ring is full: the oldest one is dropped, or the build waits."""


class Settings(TypedDict, total=False):
    """Settings as keywords: those of `orchestrator.settings.SETTINGS`. None means "not given"."""

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
    server: bool | None
    server_idle: float | None
    worker_memory: Size | None
    folder: Path | None
    max_size: Size | None
    eviction: Literal["lru", "lfu", "fifo"] | None
    hot_memory: Size | None
    enabled: bool | None
    cache: str | None
    headers: Texts | None
    roots: Path | None
    upload: bool | None
    remote_timeout: float | None
    run_memory: Size | None
    fuel: int | None
    seconds: float | None
    folders: Texts | Sequence[os.PathLike[str]] | None


class Limits(TypedDict, total=False):
    """The most that one run of a program may use. Overrides the settings `run_memory`, `fuel` and `seconds`.

    `memory` is in bytes, `fuel` in instructions (roughly), `seconds` is running time. `output` is the number of bytes
    to keep of each of the two streams; a program that writes more is stopped. 0 means no limit for fuel and seconds.
    """

    memory: Size | None
    fuel: int | None
    seconds: float | None
    output: Size | None
