"""Paths for display: they can be opened from the current folder."""

from __future__ import annotations

import os

TYPE_CHECKING = False  # as in `terminal`
if TYPE_CHECKING:
    from collections.abc import Callable


def from_here(path: str) -> str:
    """Returns an absolute path relative to the current folder, unless that is longer."""
    try:
        relative = os.path.relpath(path)
    except (OSError, ValueError):  # the current folder is gone, or is on another drive
        return path
    return relative if len(relative) <= len(path) else path


def here(root: str) -> Callable[[str], str]:
    """Returns a function that writes a file of a source root relative to the current folder. Modules in memory have no
    root, and are written as they are."""
    return lambda file: from_here(os.path.normpath(os.path.join(root, file))) if root else file
