"""What the keeper asks of a cache elsewhere. Nothing secret is in these messages: headers and tokens are where the
connections are made."""

from __future__ import annotations

from typing import Generic, TypeAlias

import msgspec

from actors.digests import Digest
from actors.messages.base import A, Message, Request
from actors.messages.cache import CacheEntry, NewEntry


class RemoteAnswer(Message, frozen=True):
    """`counts` are what has happened since the last answer. `trouble` says why the remote cache is not asked any more
    in this build, or not for everything; "" while it is."""

    counts: dict[str, float] = msgspec.field(default_factory=dict)
    trouble: str = ""


class RemoteRequest(Request[A], Generic[A], frozen=True):
    """Base of what the remote cache is asked."""

    build: int


ToRemote: TypeAlias = RemoteRequest[Message]


class FoundRemote(RemoteAnswer, frozen=True):
    """The entries are known and not fetched."""

    entries: dict[Digest, CacheEntry] = msgspec.field(default_factory=dict)


class FindRemote(RemoteRequest[FoundRemote], frozen=True):
    """Asks which of these keys there are."""

    keys: tuple[Digest, ...]


class FetchedRemote(RemoteAnswer, frozen=True):
    """Whole entries, checked; `objects` are those of which only the digest was known."""

    entries: tuple[NewEntry, ...] = ()
    objects: dict[Digest, bytes] = msgspec.field(default_factory=dict)


class FetchRemote(RemoteRequest[FetchedRemote], frozen=True):
    """Asks for the entries with these keys, and for the objects with these digests."""

    keys: tuple[Digest, ...] = ()
    digests: tuple[Digest, ...] = ()


class Uploaded(RemoteAnswer, frozen=True):
    pass


class Upload(RemoteRequest[Uploaded], frozen=True):
    """Asks that these be sent to the remote cache, while the build goes on."""

    entries: tuple[NewEntry, ...]


class RemoteEnded(RemoteAnswer, frozen=True):
    pass


class EndRemote(RemoteRequest[RemoteEnded], frozen=True):
    """The build has ended: what is not uploaded within a second is dropped."""
