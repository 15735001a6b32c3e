"""The fast linker as a toolchain holds it: the models and the image of the last link stay, as long as it lives; and
what another process needs of them can be frozen, and restored there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from actors.digests import digest
from actors.untrusted import UNREADABLE
from orchestrator.wasm.linker import STACK_SIZE
from orchestrator.wasm.reader import read_object
from orchestrator.wasm.slack.frozen import freeze, thaw
from orchestrator.wasm.slack.image import Image
from orchestrator.wasm.slack.library import Library
from orchestrator.wasm.slack.model import LinkModel, UnusualError, model_of, read_model
from orchestrator.wasm.slack.program import emit, prove

LARGEST = 64 << 20
"""Bytes of a program above which nothing of it is kept: with its models an image takes about four times its size."""

_MOST_CHANGES = 32
"""With more modules changed than this, linking all takes no longer than to look at each."""

FEW_MODULES = 32
"""A program of fewer modules is laid out again as fast as a frozen image is read."""

_FREEZE_AGAIN = 12
"""So many modules may differ from those of the frozen image; each is read by whoever restores that."""

_NOTHING = digest(b"")

Objects = Sequence[tuple[str, bytes]]


class NeedsError(Exception):
    """These objects (digests) must be at hand for the link. Nothing is forgotten: it is called again with them."""

    def __init__(self, digests: tuple[str, ...]) -> None:
        super().__init__(f"{len(digests)} objects are needed")
        self.digests = digests


class _LastLink:
    """A link that was made: the digests of its objects, and what came of them. `models` are those at hand, by digest.
    `valid`: somebody said so. `frozen`: the digests of the objects in the image that was frozen last."""

    __slots__ = ("frozen", "image", "keys", "models", "program", "start", "valid")

    def __init__(
        self, image: Image, keys: list[str], start: bytes, program: bytes, models: dict[str, LinkModel]
    ) -> None:
        self.image, self.keys, self.start, self.program, self.models = image, keys, start, program, models
        self.valid = False
        self.frozen: list[str] = []


class Resident:
    """Links, and remembers. What it gives never depends on what it remembers; but how long it takes does, and how much
    must be validated (see `link`)."""

    __slots__ = ("_few", "_last", "_library", "_models")

    def __init__(self, library: Library | None = None, few: int = FEW_MODULES) -> None:
        """Images of fewer modules than `few` are not frozen."""
        self._library, self._few = library, few
        self._last: _LastLink | None = None
        self._models: dict[str, LinkModel] = {}

    def link(self, objects: Objects, start: bytes, exports: Mapping[str, str]) -> tuple[bytes, bytes]:
        """The program of these objects (digest, bytes), and what proves it valid. Bytes may be left out (empty); which
        of them are needed all the same says NeedsError.

        `start` is an object to stand behind them, without a model of its own (empty: none). The proof is a small module
        to validate in place of the program, as `program.prove` makes it; empty unless the program before this one was
        said to be valid. Raises UnusualError for what the full linker must link, and remembers nothing then.
        """
        last, self._last = self._last, None  # taken away: another thread, or an interruption, finds nothing half done
        keys = [key for key, _ in objects]
        changed = _changed(last, keys, start) if last is not None else None
        if last is not None and changed is not None:
            missing = _missing([objects[number] for number in changed], last.models)
            if missing:
                self._last = last
                raise NeedsError(missing)
        if last is not None and changed is not None and _replace(last, changed, objects):
            image, proven, models, frozen = last.image, last.valid, last.models, last.frozen
        else:
            models, frozen = self._all_models(last, objects), []
            behind = model_of(read_object(start)) if start else None
            image, proven = Image([models[key] for key in keys], behind, self._library, stack_size=STACK_SIZE), False
        program = emit(image, exports)
        proof = prove(image, changed or (), exports) if proven else b""
        if len(program) <= LARGEST:
            self._last = _LastLink(image, keys, start, program, models)
            self._last.frozen = frozen
        return program, proof

    def _all_models(self, last: _LastLink | None, objects: Objects) -> dict[str, LinkModel]:
        """The models of all objects, by digest: those of the last link, or read."""
        known, self._models = last.models if last is not None else self._models, {}
        missing = _missing(objects, known)
        if missing:
            self._models = known
            raise NeedsError(missing)
        return {key: known.get(key) or read_model(data) for key, data in objects}

    def accepted(self, program: bytes) -> None:
        """This program was validated. If it is the last one, changes to it are all that the next one must prove."""
        last = self._last
        if last is not None and program is last.program:
            last.valid = True

    def freeze(self) -> bytes:
        """What another process needs to go on from the last link, together with its program; empty where that is not
        worth it, or an image that was frozen before will do."""
        last = self._last
        if last is None or len(last.keys) < self._few:
            return b""
        if len(last.frozen) == len(last.keys):
            differing = sum([key != old for key, old in zip(last.keys, last.frozen, strict=True)])
            if differing < _FREEZE_AGAIN:
                return b""
        last.frozen = last.keys.copy()
        return freeze(last.image, last.keys, last.start, last.program)

    def restore(self, frozen: bytes, program: bytes) -> None:
        """Go on from a link of another process, whose program was validated. Nothing happens where these bytes are odd,
        or something is remembered already."""
        if self._last is not None or self._models:
            return
        thawed = thaw(frozen, program, self._library, STACK_SIZE)
        if thawed is not None:
            self._last = last = _LastLink(thawed.image, thawed.keys, thawed.start, program, {})
            last.valid, last.frozen = True, thawed.keys.copy()


def _missing(objects: Objects, known: Mapping[str, LinkModel]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([key for key, data in objects if not data and key not in known and key != _NOTHING]))


def _changed(last: _LastLink, keys: Sequence[str], start: bytes) -> list[int] | None:
    """Which modules differ from those of the last link; None if so much does that all must be linked."""
    if len(keys) != len(last.keys) or start != last.start:
        return None
    changed = [number for number, (key, old) in enumerate(zip(keys, last.keys, strict=True)) if key != old]
    return changed if len(changed) <= _MOST_CHANGES else None


def _replace(last: _LastLink, changed: Sequence[int], objects: Objects) -> bool:
    """Whether all of these could be replaced. Remembers their models, for else all are linked again."""
    for number in changed:
        key, data = objects[number]
        model = last.models.get(key) or read_model(data)
        last.models[key] = model
        try:
            if not last.image.replace(number, model):
                return False
        except (UnusualError, *UNREADABLE):
            return False
    if len(last.models) > 2 * len(last.keys):
        now = {key for key, _ in objects}
        last.models = {key: model for key, model in last.models.items() if key in now}
    return True
