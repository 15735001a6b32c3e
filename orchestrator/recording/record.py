"""Recording a build: every message and every event, in a file that can be looked at and replayed.

    async with recorded("app", "app.trace", jobs=4) as project:     # as `orchestrator.open`, and a file more
        await project.build()

or, with a Project that is opened elsewhere: `recorder = Recorder(file)`, `orchestrator.open(..., tap=recorder)`, and
`recorder.attach(project)` before the first build. On the command line: `wasmill build --record app.trace`. A recorded
build is slower, because every message is encoded and written at once. The file holds sources and objects: give it only
to people who may see them.

`read` returns what is in the file; `orchestrator.recording.replay` runs planner and keeper against it. The format is
msgpack: one frame for each record, after its length in four bytes (little-endian). The first frame is a `Header`. Its
`version` says how to read the rest, and any other version than our own is refused. A file that ends in the middle of a
frame (its process crashed) is read up to there.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, Union, Unpack

import anyio
import msgspec

import orchestrator
from actors.compiler.toolchain import RemembersLinks, Toolchain
from actors.compiler.toolchains import linked_kinds, object_kind
from actors.digests import Digest, digest
from actors.events import Event
from actors.messages import Message, kinds
from actors.system import TapRecord
from actors.untrusted import UNREADABLE
from orchestrator.api import Project, Source
from orchestrator.errors import FileError
from orchestrator.keywords import Settings

FORMAT = 3
"""The number of the format. Raise it if a message means something else now although its fields are the same."""

if TYPE_CHECKING:
    AnyMessage: TypeAlias = Message
else:
    AnyMessage = Union[kinds(Message)]
"""msgspec decodes a message as one of these, by its tag."""

MAGIC = "wasmill trace"
LENGTH_BYTES = 4


class _Frame(msgspec.Struct, frozen=True, kw_only=True, tag=True, tag_field="frame", omit_defaults=True):
    pass


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """What the planner asks a toolchain for. `remembers`: it has the part `RemembersLinks`."""

    name: str
    extensions: tuple[str, ...]
    identity: Digest
    needs_import_objects: bool
    remembers: bool
    object_kind: str
    linked_kinds: tuple[str, ...]


class Header(_Frame, frozen=True, omit_defaults=False):
    """What the actors were made with. `slots` are the worker slots; `memory`: the cache was in memory, because there
    was no folder."""

    magic: str = MAGIC
    version: str = ""
    wasmill: str = ""
    toolchains: tuple[Member, ...] = ()
    slots: int = 1
    memory: bool = False
    enabled: bool = True
    max_size: int = 0
    eviction: str = "lru"
    hot_memory: int = 0


class MessageFrame(_Frame, frozen=True):
    """A record of the tap. `at` is the time in seconds by the loop's clock. A "take" has no message, because it is the
    one that was sent under that number."""

    kind: str
    sender: str = ""
    receiver: str = ""
    number: int = 0
    at: float = 0.0
    message: AnyMessage | None = None


class EventFrame(_Frame, frozen=True):
    """An event."""

    event: Event


class EndFrame(_Frame, frozen=True):
    """The Project was closed: nothing is missing."""


Frame = Union[Header, MessageFrame, EventFrame, EndFrame]


def fields_of(*types: Any) -> Digest:
    """A digest of all fields that values of these types are made of, with their types and defaults."""

    def bare(schema: Any) -> Any:
        if isinstance(schema, dict):
            docstring = isinstance(schema.get("description"), str)
            return {key: bare(part) for key, part in schema.items() if key != "description" or not docstring}
        return [bare(part) for part in schema] if isinstance(schema, list) else schema

    _, components = msgspec.json.schema_components(types)
    return digest(msgspec.json.encode(bare(components), order="deterministic"))


@cache
def version() -> str:
    """The version of the recordings that this code writes and reads. It changes as soon as a field of a message, an
    event or a frame does, because an older recording would be decoded as something that was never sent."""
    return f"{FORMAT}.{fields_of(Frame)[:8]}"


_decoder: msgspec.msgpack.Decoder[Frame] = msgspec.msgpack.Decoder(Frame)
_encoder = msgspec.msgpack.Encoder()


class Recording(NamedTuple):
    """What is in a file. `complete`: the Project was closed in an orderly way. Otherwise the end is missing."""

    header: Header
    frames: list[MessageFrame | EventFrame]
    complete: bool


def _member(toolchain: Toolchain, extensions: tuple[str, ...]) -> Member:
    return Member(
        name=toolchain.name,
        extensions=extensions,
        identity=toolchain.identity(),
        needs_import_objects=toolchain.needs_import_objects,
        remembers=isinstance(toolchain, RemembersLinks),
        object_kind=object_kind(toolchain),
        linked_kinds=linked_kinds(toolchain),
    )


class Recorder:
    """A tap that writes a file. The constructor raises FileError if the file cannot be written. Later failures stop the
    recording, and `failure` says why, because a full disk must not break the build that is recorded."""

    def __init__(self, file: str | os.PathLike[str]) -> None:
        self.path = os.fspath(file)
        self.failure = ""
        try:
            self._file = open(self.path, "wb", buffering=1 << 16)  # noqa: SIM115
        except OSError as error:
            raise FileError(f"cannot be written: {error.strerror or error}", where=self.path) from error
        self._stop: Callable[[], None] = _nothing

    def attach(self, project: Project) -> None:
        """Records what the Project is made with, and listens to its events."""
        config, toolchains = project.config, project.toolchains
        self._write(
            Header(
                version=version(),
                wasmill=orchestrator.__version__,
                toolchains=tuple([_member(member, toolchains.extensions_of(member)) for member in toolchains.members]),
                slots=config.build.jobs,
                memory=not config.cache.folder,
                enabled=config.cache.enabled,
                max_size=config.cache.max_size,
                eviction=config.cache.eviction,
                hot_memory=config.cache.hot_memory,
            )
        )
        self._stop = project.listen(lambda event: self._write(EventFrame(event=event)))

    def __call__(self, record: TapRecord) -> None:
        message: Any = None if record.kind == "take" else record.message
        self._write(
            MessageFrame(
                kind=record.kind,
                sender=record.sender,
                receiver=record.receiver,
                number=record.number,
                at=anyio.current_time(),
                message=message,
            )
        )

    def close(self) -> None:
        """The Project is closed: the recording is complete."""
        self._stop()
        self._write(EndFrame())
        try:
            self._file.close()
        except OSError as error:
            self.failure = self.failure or str(error.strerror or error)

    def _write(self, frame: Frame) -> None:
        if self.failure or self._file.closed:
            return
        data = _encoder.encode(frame)
        try:
            self._file.write(len(data).to_bytes(LENGTH_BYTES, "little") + data)
        except OSError as error:
            self.failure = str(error.strerror or error)


@asynccontextmanager
async def recorded(
    source: Source, file: str | os.PathLike[str], **settings: Unpack[Settings]
) -> AsyncIterator[Project]:
    """`orchestrator.open(source, **settings)`, recorded into `file`. Raises FileError as well, also if the recording
    had to stop before the end."""
    recorder = Recorder(file)
    try:
        async with orchestrator.open(source, tap=recorder, **settings) as project:
            recorder.attach(project)
            yield project
    finally:
        recorder.close()
    if recorder.failure:
        raise FileError(f"the recording is not complete: {recorder.failure}", where=recorder.path)


def read(file: str | os.PathLike[str]) -> Recording:
    """Returns what was recorded. Raises FileError: no such file, not a recording, or another version."""
    path = os.fspath(file)
    try:
        with open(path, "rb") as opened:
            data = opened.read()
    except OSError as error:
        raise FileError(f"cannot be read: {error.strerror or error}", where=path) from error
    header, at = _header(data, path)
    frames: list[MessageFrame | EventFrame] = []
    complete = False
    while not complete and at + LENGTH_BYTES <= len(data):
        end = at + LENGTH_BYTES + int.from_bytes(data[at : at + LENGTH_BYTES], "little")
        if end > len(data):
            break
        try:
            frame = _decoder.decode(data[at + LENGTH_BYTES : end])
        except UNREADABLE as error:
            raise FileError(f"is damaged at byte {at}: {error}", where=path) from error
        if isinstance(frame, MessageFrame | EventFrame):
            frames.append(frame)
        complete = isinstance(frame, EndFrame)
        at = end
    return Recording(header, frames, complete)


def _header(data: bytes, path: str) -> tuple[Header, int]:
    end = LENGTH_BYTES + int.from_bytes(data[:LENGTH_BYTES], "little")
    try:
        decoded = msgspec.msgpack.decode(data[LENGTH_BYTES:end])
        if decoded["magic"] != MAGIC:
            raise KeyError
        written = str(decoded["version"])
    except (*UNREADABLE, KeyError, TypeError):
        raise FileError("is no recording of a build", where=path) from None
    if written != version():
        hint = f"it was made by wasmill {decoded.get('wasmill') or 'of another version'}: replay it there"
        raise FileError(f"is a recording of version {written}, and this is version {version()}", where=path, hint=hint)
    header = _decoder.decode(data[LENGTH_BYTES:end])
    assert isinstance(header, Header)
    return header, end


def described(message: Message | None) -> str:
    """A message in a few words: its kind, its build, and how much is in it."""
    if message is None:
        return "nothing"
    parts = []
    for name in message.__struct_fields__:
        value = getattr(message, name)
        if isinstance(value, str | int | float | bool) and value not in ("", False):
            parts.append(f"{name}={value!r}" if not isinstance(value, float) else f"{name}={value:g}")
        elif isinstance(value, tuple | dict | bytes) and value:
            parts.append(f"{name}: {len(value)}{' bytes' if isinstance(value, bytes) else ''}")
    return f"{type(message).__name__}({', '.join(parts)})"


def _nothing() -> None:
    """Nobody listens yet."""
