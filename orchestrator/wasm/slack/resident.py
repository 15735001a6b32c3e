"""The fast linker as a toolchain holds it: the models and the image of the last link stay, as long as it lives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from orchestrator.wasm.linker import STACK_SIZE
from orchestrator.wasm.reader import read_object
from orchestrator.wasm.slack.emit import emit, prove
from orchestrator.wasm.slack.image import Image
from orchestrator.wasm.slack.library import Library
from orchestrator.wasm.slack.model import UnusualError, model_of, read_model

LARGEST = 64 << 20
"""Bytes of a program above which nothing of it is kept: with its models an image takes about four times its size."""

_MOST_CHANGES = 32
"""With more modules changed than this, linking all takes no longer than to look at each."""

Objects = Sequence[tuple[str, bytes]]


class _Last:
    """A link that was made: the digests of its objects, and what came of them. `valid`: somebody said so."""

    __slots__ = ("image", "keys", "program", "start", "valid")

    def __init__(self, image: Image, keys: list[str], start: bytes, program: bytes) -> None:
        self.image, self.keys, self.start, self.program = image, keys, start, program
        self.valid = False


class Resident:
    """Links, and remembers. What it gives never depends on what it remembers; but how long it takes does, and how much
    must be validated (see `link`)."""

    __slots__ = ("_last", "_library")

    def __init__(self, library: Library | None = None) -> None:
        self._library = library
        self._last: _Last | None = None

    def link(self, objects: Objects, start: bytes, exports: Mapping[str, str]) -> tuple[bytes, bytes]:
        """The program of these objects (digest, bytes), and what proves it valid.

        `start` is an object to stand behind them, without a model of its own (empty: none). The proof is a small module
        to validate in place of the program, as `emit.prove` makes it; empty unless the program before this one was
        said to be valid. Raises UnusualError for what the full linker must link, and remembers nothing then.
        """
        last, self._last = self._last, None  # taken away: another thread, or an interruption, finds nothing half done
        keys = [key for key, _ in objects]
        changed = _changed(last, keys, start) if last is not None else None
        if last is not None and changed is not None and _replace(last, changed, objects):
            image, proven = last.image, last.valid
        else:
            known = dict(zip(last.keys, last.image.models, strict=False)) if last is not None else {}
            models = [known.get(key) or read_model(data) for key, data in objects]
            behind = model_of(read_object(start)) if start else None
            image, proven = Image(models, behind, self._library, stack_size=STACK_SIZE), False
        program = emit(image, exports)
        proof = prove(image, changed or (), exports) if proven else b""
        if len(program) <= LARGEST:
            self._last = _Last(image, keys, start, program)
        return program, proof

    def accepted(self, program: bytes) -> None:
        """This program was validated. If it is the last one, changes to it are all that the next one must prove."""
        last = self._last
        if last is not None and program is last.program:
            last.valid = True


def _changed(last: _Last, keys: Sequence[str], start: bytes) -> list[int] | None:
    """Which modules differ from those of the last link; None if so much does that all must be linked."""
    if len(keys) != len(last.keys) or start != last.start:
        return None
    changed = [number for number, (key, old) in enumerate(zip(keys, last.keys, strict=True)) if key != old]
    return changed if len(changed) <= _MOST_CHANGES else None


def _replace(last: _Last, changed: Sequence[int], objects: Objects) -> bool:
    """Whether all of these could be replaced. Remembers what was, for else all are linked again."""
    for number in changed:
        key, data = objects[number]
        model = read_model(data)
        try:
            if not last.image.replace(number, model):
                return False
        except UnusualError:
            return False
        last.keys[number] = key
    return True
