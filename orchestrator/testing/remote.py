"""A server of a remote cache in memory. Its calls are hops of `Faults`, named `remote.` and the method."""

from __future__ import annotations

import anyio
import anyio.lowlevel

from actors.remote.actions import ActionDigest
from actors.remote.servers import RemoteFault
from orchestrator.testing.faults import Faults, damaged


class SimulatedServer:
    """`held` is what it keeps, by path as over HTTP; any number of machines share it. `faults` are those of one
    machine: `fail` makes a call fail, `delay` delays it, `tear` and `flip` damage what is sent."""

    def __init__(self, held: dict[str, bytes], faults: Faults) -> None:
        self._held = held
        self._faults = faults

    async def fetch_result(self, action: ActionDigest) -> bytes | None:
        return await self._fetch("fetch_result", f"/ac/{action.hash}")

    async def fetch_object(self, digest: str, size: int) -> bytes | None:
        return await self._fetch("fetch_object", f"/cas/{digest}")

    async def put_result(self, action: ActionDigest, result: bytes) -> None:
        await self._put("put_result", f"/ac/{action.hash}", result)

    async def put_object(self, digest: str, data: bytes) -> None:
        await self._put("put_object", f"/cas/{digest}", data)

    async def close(self) -> None:
        pass

    async def _fetch(self, call: str, path: str) -> bytes | None:
        return await self._hop(call, path, self._held.get(path))

    async def _put(self, call: str, path: str, data: bytes) -> None:
        kept = await self._hop(call, path, data)
        if kept is not None:
            self._held[path] = kept

    async def _hop(self, call: str, path: str, data: bytes | None) -> bytes | None:
        fault = self._faults.at(f"remote.{call}", path)
        await anyio.lowlevel.checkpoint()
        if fault is not None and fault.kind == "delay":
            await anyio.sleep(fault.number)
        if fault is not None and fault.kind == "crash":
            self._faults.crash()
        if fault is not None and fault.error is not None:
            raise RemoteFault("the server failed")
        return None if data is None else damaged(fault, data)
