"""The network in memory: real code of asyncio and AnyIO over it, and what a schedule can do to it."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import anyio
import anyio.abc
import pytest

from orchestrator.testing.schedules import Deadlock, Exploration, LeftBehind, explore, network, replay

FEW = 30
ADDRESS = ("127.0.0.1", 8080)


def explored(scenario, schedules: int = FEW, **how) -> Exploration:
    return explore(scenario, "portfolio", schedules, backend="asyncio", **how)


async def shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers each line in capitals, until the client ends."""
    try:
        while line := await reader.readline():
            writer.write(line.upper())
            await writer.drain()
    except ConnectionResetError:
        pass
    finally:
        writer.close()


async def ask(line: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(*ADDRESS)
    try:
        writer.write(line)
        answer = await reader.readline()
        writer.write_eof()
        assert await reader.read() == b""
        return answer
    finally:
        writer.close()


@pytest.mark.parametrize("ways", [{}, {"pieces": True}, {"delay": 0.5}])
def test_each_client_gets_its_answer(ways):
    async def scene() -> None:
        async with network(**ways), await asyncio.start_server(shout, *ADDRESS):
            async with asyncio.TaskGroup() as clients:
                asked = [clients.create_task(ask(b"line %d\n" % number)) for number in range(2)]
            assert [task.result() for task in asked] == [b"LINE 0\n", b"LINE 1\n"]

    explored(scene).check()


def test_data_arrive_in_pieces_and_in_order():
    chunks: set[tuple[bytes, ...]] = set()

    class Collects(asyncio.Protocol):
        def __init__(self) -> None:
            self.got: list[bytes] = []

        def data_received(self, data: bytes) -> None:
            self.got.append(data)

        def connection_lost(self, exc: Exception | None) -> None:
            chunks.add(tuple(self.got))

    async def scene() -> None:
        loop = asyncio.get_running_loop()
        async with network(pieces=True), await loop.create_server(Collects, *ADDRESS):
            transport, _ = await loop.create_connection(asyncio.Protocol, *ADDRESS)
            transport.write(b"abcde")
            await asyncio.sleep(0)
            transport.write(b"f")
            transport.close()
            await asyncio.sleep(1)

    explored(scene).check()
    assert chunks == {(b"a", b"bc", b"de", b"f")}


def test_the_schedule_decides_what_arrives_first():
    """Two clients send at once: either may be first."""
    orders: set[bytes] = set()

    async def scene() -> None:
        first: list[bytes] = []

        async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            first.append(await reader.read())
            writer.close()

        async def send(what: bytes) -> None:
            _, writer = await asyncio.open_connection(*ADDRESS)
            writer.write(what)
            writer.close()

        async with network(), await asyncio.start_server(note, *ADDRESS):
            async with asyncio.TaskGroup() as clients:
                clients.create_task(send(b"a"))
                clients.create_task(send(b"b"))
            await asyncio.sleep(1)
        orders.add(b"".join(first))

    explored(scene).check()
    explored(scene, order="fifo").check()
    assert orders == {b"ab", b"ba"}


@pytest.mark.parametrize("order", ["any", "fifo"])
def test_arrivals_are_what_fifo_order_leaves_open(order):
    """A plain loop runs tasks in their order, and nobody knows when data come: a lost update shows under FIFO too."""

    async def scene() -> None:
        total = 0

        async def add(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal total
            before = total
            await reader.read()
            total = before + 1
            writer.close()

        async def send() -> None:
            _, writer = await asyncio.open_connection(*ADDRESS)
            writer.close()

        async with network(), await asyncio.start_server(add, *ADDRESS):
            async with asyncio.TaskGroup() as clients:
                clients.create_task(send())
                clients.create_task(send())
            await asyncio.sleep(1)
        assert total == 2

    found = explored(scene, 60, order=order)
    assert found.failure is not None
    assert isinstance(replay(scene, found.failure.schedule, backend="asyncio").error, AssertionError)


def test_a_connection_is_lost_at_any_moment_and_once():
    ends: set[str] = set()

    async def scene() -> None:
        async with network(lose=True), await asyncio.start_server(shout, *ADDRESS):
            try:
                ends.add((await ask(b"x\n")).decode())
            except ConnectionResetError:
                ends.add("reset")
            assert await ask(b"y\n") == b"Y\n" or "reset" not in ends

    failures = explored(scene, 60)
    assert ends == {"X\n", "reset"}
    assert failures.failure is not None, "the second connection is lost where the first one is not"
    assert "connection 2 was lost" in str(failures.failure)
    assert "IS LOST" in str(failures.failure)


def test_nobody_listens_and_no_name_is_resolved():
    async def scene() -> None:
        async with network():
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection(*ADDRESS)
            with pytest.raises(socket.gaierror, match="resolve no names"):
                await asyncio.open_connection("example.org", 80)
            with pytest.raises(NotImplementedError, match="TLS"):
                await asyncio.open_connection(*ADDRESS, ssl=True)
            first = await asyncio.start_server(shout, "127.0.0.1", 0)
            with pytest.raises(OSError, match="in use"):
                await asyncio.start_server(shout, *first.sockets[0].getsockname())
            first.close()
            assert not first.is_serving()

    explored(scene, 3).check()


def test_a_name_is_refused_without_a_network_too():
    async def scene() -> None:
        await asyncio.get_running_loop().getaddrinfo("example.org", 80)

    failure = explored(scene, 1).failure
    assert failure is not None
    assert isinstance(failure.error, socket.gaierror)


def test_a_connection_that_its_client_leaves_open_fails():
    async def scene() -> None:
        async with network(), await asyncio.start_server(shout, *ADDRESS):
            kept.append(await asyncio.open_connection(*ADDRESS))

    kept: list[object] = []
    failure = explored(scene, 1).failure
    assert failure is not None
    assert isinstance(failure.error, LeftBehind)
    assert "connection 1, opened at test_schedules_network.py" in str(failure)


def test_a_sender_waits_until_its_data_are_taken():
    """Nobody reads: what fits the buffers is sent, and then the sender waits for ever."""

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async def scene() -> None:
        async with network(), await asyncio.start_server(silent, *ADDRESS):
            _, writer = await asyncio.open_connection(*ADDRESS)
            for _ in range(100):
                writer.write(bytes(10_000))
                await writer.drain()

    failure = explored(scene, 1).failure
    assert failure is not None
    assert isinstance(failure.error, Deadlock)


def test_who_sends_to_a_closed_end_is_reset():
    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async def scene() -> None:
        async with network(), await asyncio.start_server(hang_up, *ADDRESS):
            reader, writer = await asyncio.open_connection(*ADDRESS)
            assert await reader.read() == b""
            with pytest.raises(ConnectionResetError):
                for _ in range(3):
                    writer.write(b"more")
                    await asyncio.sleep(1)
                    await writer.drain()
            writer.close()

    explored(scene).check()


async def anyio_echo(stream: anyio.abc.SocketStream) -> None:
    async with stream:
        try:
            async for chunk in stream:
                await stream.send(chunk)
        except anyio.BrokenResourceError:
            pass


@pytest.mark.parametrize("kind", ["tcp", "unix"])
def test_anyio_uses_it_unchanged(kind: str, tmp_path: Path):
    async def scene() -> None:
        path = tmp_path / "socket"
        path.unlink(missing_ok=True)
        async with network(pieces=True):
            listener = await (
                anyio.create_tcp_listener(local_host="127.0.0.1") if kind == "tcp" else anyio.create_unix_listener(path)
            )
            async with listener, anyio.create_task_group() as group:
                group.start_soon(listener.serve, anyio_echo)
                if kind == "tcp":
                    port = listener.extra(anyio.abc.SocketAttribute.local_port)
                    stream: anyio.abc.SocketStream = await anyio.connect_tcp("127.0.0.1", port)
                else:
                    stream = await anyio.connect_unix(path)
                async with stream:
                    await stream.send(b"abcdef")
                    got = b""
                    while len(got) < 6:
                        got += await stream.receive()
                    assert got == b"abcdef"
                    await stream.send_eof()
                    with pytest.raises(anyio.EndOfStream):
                        await stream.receive()
                group.cancel_scope.cancel()

    explored(scene, 10).check()


def test_unix_sockets_of_asyncio():
    async def scene() -> None:
        async with network(), await asyncio.start_unix_server(shout, "/run/shout"):
            reader, writer = await asyncio.open_unix_connection("/run/shout")
            writer.write(b"x\n")
            assert await reader.readline() == b"X\n"
            writer.close()

    explored(scene, 10).check()


def test_trio_is_refused():
    async def on_trio() -> None:
        async with network():
            pass

    failure = explore(on_trio, "random", 1, backend="trio").failure
    assert failure is not None
    assert "backend=" in str(failure.error)


def test_outside_of_schedules_it_does_nothing():
    """The real network then, in a plain loop."""

    async def scene() -> bytes:
        async with network():
            server = await asyncio.start_server(shout, "127.0.0.1", 0)
            async with server:
                reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
                writer.write(b"x\n")
                answer = await reader.readline()
                writer.close()
                await writer.wait_closed()
                await asyncio.sleep(0)
                return answer

    assert asyncio.run(scene()) == b"X\n"
