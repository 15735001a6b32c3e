"""Reads what a compiler says of the files that it read (`-MD -MF`), in the syntax of make."""

from __future__ import annotations

import re

_WORD = re.compile(rb"(?:\\[ #\\:\t]|\$\$|\\\r?\n|[^\s])+")


def dependencies(text: bytes) -> list[str]:
    """Returns the paths of a rule of make, without its target, each once, in their order."""
    joined = re.sub(rb"\\\r?\n", b" ", text)
    _, colon, names = joined.partition(b": ")
    if not colon:
        return []
    paths = [_plain(word) for word in _WORD.findall(names)]
    return list(dict.fromkeys(paths))


def _plain(word: bytes) -> str:
    """A word without its escapes. A backslash escapes a blank or `#` only."""
    text = re.sub(rb"\\([ #\t])", rb"\1", word).replace(b"$$", b"$")
    return text.decode("utf-8", "surrogateescape")
