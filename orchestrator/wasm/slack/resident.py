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


class Resident:
    """Links, and remembers. Not for several threads at once.

    What it gives never depends on what it remembers, but how long it takes does, and how much must be validated: see
    `link`.
    """

    __slots__ = ("_image", "_keys", "_library", "_program", "_start", "_valid")

    def __init__(self, library: Library | None = None) -> None:
        self._library = library
        self._image: Image | None = None
        self._keys: list[str] = []
        self._start = b""
        self._program = b""
        self._valid = False

    def link(
        self, objects: Sequence[tuple[str, bytes]], start: bytes, exports: Mapping[str, str]
    ) -> tuple[bytes, bytes]:
        """The program of these objects (digest, bytes), and what proves it valid.

        `start` is an object to stand behind them, without a model of its own (empty: none). The proof is a small module
        to validate in place of the program, as `emit.prove` makes it; empty unless the program before this one was
        said to be valid. Raises UnusualError for what the full linker must link, and remembers nothing then.
        """
        image, keys, valid = self._image, [key for key, _ in objects], self._valid
        self._image, self._valid = None, False
        changed = self._changed(keys, start) if image is not None else None
        if image is None or changed is None or not self._replace(image, changed, objects):
            known = dict(zip(self._keys, image.models, strict=False)) if image is not None else {}
            models = [known.get(key) or read_model(data) for key, data in objects]
            last = model_of(read_object(start)) if start else None
            image, changed = Image(models, last, self._library, stack_size=STACK_SIZE), None
        program = emit(image, exports)
        proof = prove(image, changed, exports) if changed is not None and valid else b""
        if len(program) <= LARGEST:
            self._image, self._keys, self._start, self._program = image, keys, start, program
        else:
            self.forget()
        return program, proof

    def accepted(self, program: bytes) -> None:
        """This program was validated. If it is the last one, changes to it are all that the next one must prove."""
        if program is self._program:
            self._valid = True

    def forget(self) -> None:
        """Start afresh."""
        self._image, self._keys, self._start, self._program, self._valid = None, [], b"", b"", False

    def _changed(self, keys: Sequence[str], start: bytes) -> list[int] | None:
        """Which modules differ from those of the last link; None if so much does that all must be linked."""
        if len(keys) != len(self._keys) or start != self._start:
            return None
        changed = [number for number, (key, old) in enumerate(zip(keys, self._keys, strict=True)) if key != old]
        return changed if len(changed) <= _MOST_CHANGES else None

    def _replace(self, image: Image, changed: Sequence[int], objects: Sequence[tuple[str, bytes]]) -> bool:
        """Whether all of these could be replaced. Remembers what was, for else all are linked again."""
        for number in changed:
            key, data = objects[number]
            model = read_model(data)
            try:
                if not image.replace(number, model):
                    return False
            except UnusualError:
                return False
            self._keys[number] = key
        return True
