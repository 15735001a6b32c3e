"""The layers of facts, and the one rule of what a change reaches. docs/facts.md says why each reads what it reads."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, IntEnum
from typing import NamedTuple

from actors.digests import Digest
from actors.planner.sources import SourceFile


class Layer(IntEnum):
    """In the order in which they are made. Before them come what they are made from: a module's text, the names of all
    modules, the settings."""

    TEXT = 0
    NAMES = 1
    SETTINGS = 2
    SURFACE = 3
    RESOLUTION = 4
    FACE = 5
    INFERENCE = 6
    KEY = 7
    PARTS = 8


class Reach(Enum):
    """Which modules' rows are reached by a change: the same modules', those that looked at one of them, those that
    depend on one of them at any depth, those that import one of them, or all."""

    OWN = 0
    LOOKERS = 1
    ABOVE = 2
    IMPORTERS = 3
    ALL = 4


READERS: dict[Layer, tuple[tuple[Layer, Reach], ...]] = {
    Layer.TEXT: (
        (Layer.SURFACE, Reach.OWN),
        (Layer.RESOLUTION, Reach.OWN),
        (Layer.FACE, Reach.OWN),
        (Layer.INFERENCE, Reach.OWN),
        (Layer.KEY, Reach.OWN),
        (Layer.PARTS, Reach.OWN),
    ),
    # A module that appears, or goes, may be what any path means.
    Layer.NAMES: ((Layer.RESOLUTION, Reach.ALL),),
    Layer.SETTINGS: ((Layer.INFERENCE, Reach.ALL), (Layer.KEY, Reach.ALL), (Layer.PARTS, Reach.ALL)),
    Layer.SURFACE: ((Layer.RESOLUTION, Reach.LOOKERS),),
    Layer.RESOLUTION: (
        (Layer.FACE, Reach.OWN),
        (Layer.INFERENCE, Reach.OWN),
        (Layer.KEY, Reach.OWN),
        (Layer.PARTS, Reach.OWN),
    ),
    # Deep interfaces are closed over what they drag in, so a face is read by everything above it.
    Layer.FACE: ((Layer.INFERENCE, Reach.ABOVE), (Layer.KEY, Reach.ABOVE), (Layer.PARTS, Reach.ABOVE)),
    Layer.INFERENCE: ((Layer.KEY, Reach.ABOVE), (Layer.PARTS, Reach.ABOVE)),
    Layer.KEY: ((Layer.KEY, Reach.IMPORTERS),),
    Layer.PARTS: (),
}
"""Which layers read a layer, and of which modules."""


class Need(NamedTuple):
    """What must be at hand before an update can go on: summaries of modules, inferences by module with their keys."""

    summaries: Mapping[str, SourceFile] = {}
    inferences: Mapping[str, Digest] = {}
