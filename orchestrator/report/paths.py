"""Paths as people see them: such that they can be opened from where they stand."""

from __future__ import annotations

import os

TYPE_CHECKING = False  # as in `terminal`
if TYPE_CHECKING:
    from collections.abc import Callable


def from_here(path: str) -> str:
    """An absolute path as it is written from the current folder, unless that is longer."""
    try:
        there = os.path.relpath(path)
    except (OSError, ValueError):  # the current folder is gone, or on another drive
        return path
    return there if len(there) <= len(path) else path


def here(root: str) -> Callable[[str], str]:
    """How a file of a source root is written from the current folder. Modules in memory have no root, and are written
    as they are."""
    return lambda file: from_here(os.path.normpath(os.path.join(root, file))) if root else file
