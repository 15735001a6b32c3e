"""What a server of a remote cache can do, whatever protocol it speaks."""

from __future__ import annotations

from typing import Protocol

from actors.remote.actions import ActionDigest

LARGEST_RESULT = 16 << 20
"""Bytes of a result above which it is refused."""
LARGEST_OBJECT = 1 << 30


class RemoteFault(Exception):
    """A call failed. The text says why, without anything secret. `final`: it would fail again, as without a right to
    read."""

    def __init__(self, why: str, *, final: bool = False) -> None:
        super().__init__(why)
        self.final = final


class Server(Protocol):
    """Calls of one server. Each raises `RemoteFault`, may be cancelled at any time, and checks nothing."""

    async def fetch_result(self, action: ActionDigest) -> bytes | None:
        """Returns the result of an action; None if there is none."""

    async def fetch_object(self, digest: str, size: int) -> bytes | None:
        """Returns an object of `size` bytes (-1 if that is not known), or more; None if there is none."""

    async def put_result(self, action: ActionDigest, result: bytes) -> None: ...

    async def put_object(self, digest: str, data: bytes) -> None: ...

    async def close(self) -> None: ...


class RemoteSettings:
    """Where a remote cache is and how it is reached. Its text shows no header, because headers hold secrets."""

    def __init__(
        self,
        url: str,
        *,
        headers: tuple[tuple[str, str], ...] = (),
        roots: str = "",
        upload: bool = False,
        timeout: float = 5.0,
        slots: int = 1,
    ) -> None:
        self.url = url
        self.headers = headers
        self.roots = roots
        self.upload = upload
        self.timeout = timeout
        self.slots = slots
