"""The fast linker as a toolchain holds it. It keeps the models and the image of the last link in memory; another
process can continue from them through `freeze` and `restore`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from actors.digests import digest
from actors.untrusted import UNREADABLE
from orchestrator.wasm.linker import STACK_SIZE
from orchestrator.wasm.reader import ObjectError, read_object
from orchestrator.wasm.slack.frozen import freeze, thaw
from orchestrator.wasm.slack.image import Image
from orchestrator.wasm.slack.library import Library
from orchestrator.wasm.slack.model import LinkModel, UnusualError, has_model, model_of, read_model
from orchestrator.wasm.slack.program import emit, prove

LARGEST = 64 << 20
"""Bytes of a program above which nothing is kept. An image and its models take about four times the program's size."""

_MOST_CHANGES = 32
"""Where more modules changed than this, linking from scratch is as fast as replacing them one by one."""

FEW_MODULES = 32
"""An image of fewer modules is not frozen, because laying it out again is as fast as reading it."""

_FREEZE_AGAIN = 12
"""Number of modules that may differ from the frozen image before it is frozen again. A process that restores the image
reads each of them."""

_NOTHING = digest(b"")

Objects = Sequence[tuple[str, bytes]]


class NeedsError(Exception):
    """The link needs the bytes of these objects (digests). Nothing was forgotten; the caller calls again with them."""

    def __init__(self, digests: tuple[str, ...]) -> None:
        super().__init__(f"{len(digests)} objects are needed")
        self.digests = digests


class _LastLink:
    """The last link: the digests of its objects (`keys`), and its results. `models` are those in memory, by digest.
    `valid` says whether the program was validated. `frozen` are the digests of the objects in the image that was
    frozen last."""

    __slots__ = ("frozen", "image", "keys", "models", "program", "start", "valid")

    def __init__(
        self, image: Image, keys: list[str], start: bytes, program: bytes, models: dict[str, LinkModel]
    ) -> None:
        self.image, self.keys, self.start, self.program, self.models = image, keys, start, program, models
        self.valid = False
        self.frozen: list[str] = []


class Resident:
    """Links, and remembers the last link. The program never depends on what is remembered; only the time does, and how
    much must be validated (see `link`)."""

    __slots__ = ("_few", "_last", "_library", "_models", "_stack_size")

    def __init__(self, library: Library | None = None, few: int = FEW_MODULES, *, stack_size: int = STACK_SIZE) -> None:
        """Images of fewer modules than `few` are not frozen."""
        self._library, self._few, self._stack_size = library, few, stack_size
        self._last: _LastLink | None = None
        self._models: dict[str, LinkModel] = {}

    def link(self, objects: Objects, start: bytes, exports: Mapping[str, str]) -> tuple[bytes, bytes]:
        """Returns the program of these objects (digest, bytes), and its proof.

        The bytes of an object may be left out (empty). Raises NeedsError with the digests of those that are needed all
        the same. `start` is an object to link behind the others, without a model (empty: none). The proof is a small
        module to validate in place of the program (see `program.prove`). It is empty unless the previous program was
        validated (`accepted`). Raises UnusualError for what only the full linker can link; nothing is remembered then.
        """
        # The last link is taken out first and stored again at the end, so that an exception in between, or another
        # thread, never sees an image of which some modules have been replaced and others have not.
        last, self._last = self._last, None
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
            image, proven = (
                Image([models[key] for key in keys], behind, self._library, stack_size=self._stack_size),
                False,
            )
        program = emit(image, exports)
        proof = prove(image, changed or (), exports) if proven else b""
        if len(program) <= LARGEST:
            self._last = _LastLink(image, keys, start, program, models)
            self._last.frozen = frozen
        return program, proof

    def _all_models(self, last: _LastLink | None, objects: Objects) -> dict[str, LinkModel]:
        """The models of all objects, by digest: from the last link where it has them, else read from the objects."""
        known, self._models = last.models if last is not None else self._models, {}
        missing = _missing(objects, known)
        if missing:
            self._models = known
            raise NeedsError(missing)
        return {key: known.get(key) or _model(data) for key, data in objects}

    def accepted(self, program: bytes) -> None:
        """Notes that this program was validated. If it is the last one, the next proof covers only what changes."""
        last = self._last
        if last is not None and program is last.program:
            last.valid = True

    def freeze(self) -> bytes:
        """Returns the bytes with which another process can continue from the last link, given its program. Empty where
        that is not worth it, or where the image that was frozen before is still close enough."""
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
        """Continues from a link of another process, whose program was validated. Does nothing where the bytes cannot be
        used, or where a link is remembered already."""
        if self._last is not None or self._models:
            return
        thawed = thaw(frozen, program, self._library, self._stack_size)
        if thawed is not None:
            self._last = last = _LastLink(thawed.image, thawed.keys, thawed.start, program, {})
            last.valid, last.frozen = True, thawed.keys.copy()


def _model(data: bytes) -> LinkModel:
    """The model of an object: the one that the object has, or one that is made now, as for other compilers' objects."""
    if has_model(data):
        return read_model(data)
    try:
        return model_of(read_object(data))
    except ObjectError as error:
        raise UnusualError(str(error)) from error


def _missing(objects: Objects, known: Mapping[str, LinkModel]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([key for key, data in objects if not data and key not in known and key != _NOTHING]))


def _changed(last: _LastLink, keys: Sequence[str], start: bytes) -> list[int] | None:
    """The numbers of the modules that differ from the last link; None where all must be linked from scratch."""
    if len(keys) != len(last.keys) or start != last.start:
        return None
    changed = [number for number, (key, old) in enumerate(zip(keys, last.keys, strict=True)) if key != old]
    return changed if len(changed) <= _MOST_CHANGES else None


def _replace(last: _LastLink, changed: Sequence[int], objects: Objects) -> bool:
    """Replaces these modules in the image, and says whether all fitted. Where one does not, the image is of no more
    use, but the models that were read stay: linking from scratch needs them."""
    for number in changed:
        key, data = objects[number]
        model = last.models.get(key) or _model(data)
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
