"""Edits as people make them, on the text of Ruchy programs: the same seed gives the same history.

No parser of ours helps here: what is edited is found in the text, as a programmer's editor would, so that a mistake of
the compiler's cannot hide an edit. All edits leave a program that compiles, but for the typos, and each of those is
mended by the edit after it.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from typing import NamedTuple

_FUNCTION = re.compile(r"^(?:pub )?fun (\w+)\(([^)]*)\)[^\n]*\{\n(.*?)^\}\n", re.MULTILINE | re.DOTALL)
_OPAQUE = re.compile(r'"(?:\\.|[^"\\])*"|//[^\n]*')
_NUMBER = re.compile(r"\b\d+\b")
_OPERATOR = re.compile(r" (<=|>=|<|>|==|\*|%) ")
_OTHERS = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "*": "+", "%": "/"}
_STRING = re.compile(r'"((?:\\.|[^"\\\n])*)"')
_CONST = re.compile(r"^((?:pub )?const \w+: \w+ = )(\d+);", re.MULTILINE)
_LOCAL = re.compile(r"\blet (?:mut )?(\w+)\b")
_CALL = re.compile(r"\b([a-z_]\w*)\(")
_COMMENT = re.compile(r"^ *//[^\n]*\n", re.MULTILINE)
STAY = 0.6
"""How often the next edit is made where the last one was."""

WEIGHTS = {
    "literal": 20,
    "string": 8,
    "operator": 10,
    "comment": 12,
    "remove comment": 5,
    "function": 9,
    "rename": 10,
    "parameter": 5,
    "constant": 6,
    "revert": 8,
    "touch": 5,
    "typo": 6,
}
"""How often each kind of edit is tried."""


class Edit(NamedTuple):
    """`path` now holds `text`. `fails`: the next build must."""

    kind: str
    path: str
    text: str
    fails: bool


class _EditHole(NamedTuple):
    start: int
    stop: int
    text: str


def functions(text: str) -> int:
    """How many functions a module has."""
    return len(_FUNCTION.findall(text))


def _code(text: str, pattern: re.Pattern[str]) -> list[_EditHole]:
    """Where the first group of the pattern (or all of it) matches in bodies of functions, comments and strings left
    out."""
    group = 1 if pattern.groups else 0
    found = []
    for function in _FUNCTION.finditer(text):
        start, stop = function.span(3)
        opaque = [one.span() for one in _OPAQUE.finditer(text, start, stop)]
        for hole in pattern.finditer(text, start, stop):
            if not any(begin < hole.start() < end for begin, end in opaque):
                found.append(_EditHole(*hole.span(group), hole[group]))
    return found


def _filled(text: str, hole: _EditHole, new: str) -> str:
    return text[: hole.start] + new + text[hole.stop :]


class SourceEditor:
    """Edits one program: `texts` are its files as they are now, by path."""

    def __init__(self, texts: dict[str, str], seed: int) -> None:
        self.texts = dict(texts)
        self._random = random.Random(seed)
        self._undo: list[tuple[str, str]] = []
        self._broken = False
        self._path = min(texts)
        self._count = 0

    def next(self) -> Edit:
        """Make the next edit."""
        if self._broken:
            self._broken = False
            return self._back("mending")
        while True:
            kind = self._random.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
            if kind == "revert":
                if self._undo:
                    return self._back(kind)
                continue
            self._count += 1
            for path in self._paths():
                before = self.texts[path]
                after = before if kind == "touch" else self._edited(kind, before)
                if after is not None:
                    self._path = path
                    if kind != "touch":
                        self._undo.append((path, before))
                    self._broken = kind == "typo"
                    return self._made(kind, path, after, self._broken)

    def _paths(self) -> list[str]:
        """All files, the one to edit first; the others are for kinds of edits that it has no place for."""
        found = self._random.sample(sorted(self.texts), len(self.texts))
        return [self._path, *found] if self._random.random() < STAY else found

    def _back(self, kind: str) -> Edit:
        path, text = self._undo.pop()
        return self._made(kind, path, text, False)

    def _made(self, kind: str, path: str, text: str, fails: bool) -> Edit:
        self.texts[path] = text
        return Edit(kind, path, text, fails)

    def _edited(self, kind: str, text: str) -> str | None:
        """None where the text has nothing to edit in this way."""
        number = self._random.randrange(1, 9)
        if kind == "literal":
            return self._fill(text, _code(text, _NUMBER), lambda old: str(int(old) + number))
        if kind == "operator":
            return self._fill(text, _code(text, _OPERATOR), _OTHERS.__getitem__)
        if kind == "string":
            return self._fill(text, _code(text, _STRING), lambda old: f"{old} {number}")
        if kind == "comment":
            return self._comment(text)
        if kind == "remove comment":
            found = [_EditHole(*one.span(), "") for one in _COMMENT.finditer(text)]
            return self._fill(text, found, lambda _: "")
        if kind == "function":
            return self._function(text, number)
        if kind == "rename":
            return self._rename(text)
        if kind == "parameter":
            return self._parameter(text, number)
        if kind == "constant":
            found = [_EditHole(*one.span(2), one[2]) for one in _CONST.finditer(text)]
            return self._fill(text, found, lambda old: str(int(old) + number))
        assert kind == "typo"
        return self._typo(text)

    def _fill(self, text: str, holes: list[_EditHole], new: Callable[[str], str]) -> str | None:
        if not holes:
            return None
        hole = self._random.choice(holes)
        return _filled(text, hole, new(hole.text))

    def _comment(self, text: str) -> str:
        """Above an item, or a line of a body."""
        places = [(one.start(), "") for one in _FUNCTION.finditer(text)]
        places += [(one.start(3), "    ") for one in _FUNCTION.finditer(text)]
        at, blanks = self._random.choice(places or [(0, "")])
        return f"{text[:at]}{blanks}// Note {self._count}: see there.\n{text[at:]}"

    def _function(self, text: str, number: int) -> str | None:
        """A helper at the end of the file, called where a number was."""
        name = f"helper_{self._count}"
        called = self._fill(text, _code(text, _NUMBER), lambda old: f"{name}({old})")
        return called and f"{called}\nfun {name}(value: i64) -> i64 {{\n    value * {number} + {self._count}\n}}\n"

    def _rename(self, text: str) -> str | None:
        """A local, in its function only; not where a field may be meant by its bare name."""
        found = []
        for function in _FUNCTION.finditer(text):
            for local in _LOCAL.finditer(function[3]):
                name = local[1]
                if name != "_" and not re.search(rf"[{{,]\s*{name}\s*[,}}]", function[3]):
                    found.append((function, name))
        if not found:
            return None
        function, name = self._random.choice(found)
        new = re.sub(rf"(?<![.:\w]){name}\b(?!\s*:)", f"{name.partition('_')[0]}_{self._count}", function[3])
        return text[: function.start(3)] + new + text[function.end(3) :]

    def _parameter(self, text: str, number: int) -> str | None:
        """With a default, so that callers need not know."""
        holes = [_EditHole(*one.span(2), one[2]) for one in _FUNCTION.finditer(text) if one[1] != "main"]
        more = f"more_{self._count}: i64 = {number}"
        return self._fill(text, holes, lambda old: f"{old}, {more}" if old else more)

    def _typo(self, text: str) -> str | None:
        """A letter doubled in the name of what is called, or a bracket lost."""
        calls = _code(text, _CALL)
        if self._random.random() < 0.5:
            return self._fill(text, calls, lambda old: old + old[-1])
        return self._fill(text, calls and _code(text, re.compile(r"\)")), lambda _: "")
