"""What can be checked of a module with syntax errors: items without errors, headers of functions whose bodies have
errors, and the names of all that is left out, so that the checker reports nothing that follows from a syntax error.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence

import msgspec

from orchestrator.toolchains.ruchy.syntax import tree
from orchestrator.toolchains.ruchy.syntax.lexer import words

_BINDS = words("let var mut")
_IMPORTS = words("use import from")
_ENDS_IMPORT = words("; fun fn struct enum const type let pub")
_DECLARES = words("fun fn struct enum const type mod module trait class actor effect impl")


class Sound(msgspec.Struct):
    """`body` has no error in it, except in the bodies of the functions in `headers` (by `at`). `left_out` are the names
    that the rest of the module declares."""

    body: list[tree.Stmt]
    headers: set[int]
    left_out: set[str]


def sound(body: Sequence[tree.Stmt], kinds: Sequence[str], texts: Sequence[str], errors: Iterable[int]) -> Sound:
    """Leaves out what has errors. `errors` are the tokens of the errors."""
    return _Cutter(kinds, texts, sorted(errors)).cut(body, 0, len(kinds))


class _Cutter:
    def __init__(self, kinds: Sequence[str], texts: Sequence[str], errors: Sequence[int]) -> None:
        self.kinds = kinds
        self.texts = texts
        self.errors = errors

    def broken(self, start: int, stop: int) -> bool:
        at = bisect_left(self.errors, start)
        return at < len(self.errors) and self.errors[at] < stop

    def cut(self, body: Sequence[tree.Stmt], start: int, stop: int) -> Sound:
        """The sound statements of a file or of an inline module, which stands in the tokens `start` to `stop`."""
        sound = Sound([], set(), set())
        behind, before = start, None
        loose: list[tree.Stmt] = []
        for node in body:
            if isinstance(node, tree.Let | tree.ExprStmt):
                loose.append(node)
                continue
            self._between(sound, before, loose, behind, node.start)
            loose, behind, before = [], node.stop, node
            if self.broken(node.start, node.stop):
                self._broken(sound, node)
            else:
                sound.body.append(node)
        self._between(sound, before, loose, behind, stop)
        return sound

    def _between(self, sound: Sound, before: tree.Item | None, loose: list[tree.Stmt], start: int, stop: int) -> None:
        """Decides on the text between two items: statements, and text that could not be read, whose error may be
        reported at a later token. If there is an error, the item before may have ended too soon, so it is left out too.
        """
        if not self.broken(start, stop) and not self._names(start, stop, _DECLARES):
            sound.body += loose
            return
        sound.left_out |= self._names(start, stop, _DECLARES | _BINDS)
        if isinstance(before, tree.Struct | tree.Const | tree.TypeAlias | tree.Mod) and sound.body[-1:] == [before]:
            sound.body.pop()
            self._broken(sound, before)

    def _broken(self, sound: Sound, node: tree.Item) -> None:
        if isinstance(node, tree.Mod) and node.items is not None:
            inner = self.cut(node.items, node.at + 1, node.stop)
            sound.body.append(msgspec.structs.replace(node, items=inner.body))
            sound.headers |= inner.headers
            sound.left_out |= inner.left_out
        elif isinstance(node, tree.Function) and _is_written(node) and not self.broken(node.start, node.body.at):
            sound.body.append(node)
            sound.headers.add(node.at)
            sound.left_out |= self._names(node.body.at, node.stop, _DECLARES)
        else:
            sound.left_out |= self._names(node.start, node.stop, _DECLARES)

    def _names(self, start: int, stop: int, declares: frozenset[str]) -> set[str]:
        """The names that are declared or imported in some tokens."""
        kinds, texts, names = self.kinds, self.texts, set[str]()
        imports = False
        for at in range(start, min(stop, len(kinds) - 1)):
            kind = kinds[at]
            imports = kind in _IMPORTS or (imports and kind not in _ENDS_IMPORT)
            if kind in declares and kinds[at + 1] == "name":
                names.add(texts[at + 1])
            elif imports and kind == "name":
                names.add(texts[at])
        return names


def _is_written(node: tree.Function) -> bool:
    return node.result is not None and all(parameter.type is not None for parameter in node.parameters)
