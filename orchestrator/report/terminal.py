"""Text for terminals: text from sources is escaped, and columns are counted as a terminal shows them."""

from __future__ import annotations

import os
import unicodedata

TYPE_CHECKING = False  # as type checkers read it; `typing` alone costs more than the help's text
if TYPE_CHECKING:
    from typing import TextIO

TAB = 4
"""A tab in a source line is shown as this many blanks."""

COLOURS = {"error": "\x1b[31m", "warning": "\x1b[33m", "note": "\x1b[36m", "bold": "\x1b[1m", "dim": "\x1b[2m"}


class Style:
    """Colours words, or leaves them alone."""

    def __init__(self, colour: bool = False) -> None:
        self.colour = colour

    @classmethod
    def of(cls, stream: TextIO) -> Style:
        """Returns colours for a terminal that can show them, unless NO_COLOR is set to something
        (https://no-color.org)."""
        return cls(stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb")

    def paint(self, text: str, colour: str) -> str:
        return f"{COLOURS[colour]}{text}\x1b[0m" if self.colour else text


def shown(text: str) -> str:
    """`text` with everything that a terminal would obey, or would not show, spelled out: `\\x1b`, `\\u202e`. Tabs
    become blanks."""
    return text if text.isascii() and text.isprintable() else "".join(map(_shown_letter, text))


def width(text: str) -> int:
    """Returns how many columns `text` takes on a terminal after `shown`."""
    return len(text) if text.isascii() else sum(map(_letter_width, text))


def _shown_letter(letter: str) -> str:
    if letter == "\t":
        return " " * TAB
    # Combining marks count as printable; formatting characters (bidirectional overrides, zero width) do not.
    return letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii")


def _letter_width(letter: str) -> int:
    if unicodedata.combining(letter):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1
