"""Finds the calls in the code of a function: nothing else in it depends on where other functions are."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from orchestrator.wasm.groups.finished import UngroupedError

# How many LEB128 numbers follow an opcode. What is not listed here, and not handled below, is refused: tail calls,
# references to functions, exceptions, vectors, threads, and whatever comes later.
_NUMBERS: dict[int, int] = {
    **dict.fromkeys((0x00, 0x01, 0x05, 0x0B, 0x0F, 0x1A, 0x1B), 0),
    **dict.fromkeys((0x0C, 0x0D, 0x3F, 0x40, 0x41, 0x42), 1),
    **dict.fromkeys(range(0x20, 0x25), 1),
    **dict.fromkeys(range(0x28, 0x3F), 2),
    **dict.fromkeys(range(0x45, 0xC5), 0),
}
_BLOCKS = (0x02, 0x03, 0x04)
_CALL, _CALL_INDIRECT, _BR_TABLE, _SELECT, _F32, _F64, _MORE = 0x10, 0x11, 0x0E, 0x1C, 0x43, 0x44, 0xFC
_MORE_NUMBERS = {**dict.fromkeys(range(8), 0), 10: 2, 11: 1}  # saturating truncation, memory.copy, memory.fill


def _skipped() -> bytes:
    return bytes(_NUMBERS.get(opcode, 9) for opcode in range(256))


_SKIP = _skipped()


def calls_of(body: bytes) -> tuple[list[bytes], list[int]]:
    """The pieces of a body (without its size) between its calls, and what it calls: the number of a function, or that
    of a type, inverted, for a call by the table.

    Raises UngroupedError for an instruction that is not known here, and IndexError for a body that ends too early."""
    skip = _SKIP
    count, p = _number(body, 0)
    for _ in range(count):
        _, p = _number(body, p)
        p += 1
    pieces, targets, begin, end = [], [], 0, len(body)
    while p < end:
        opcode = body[p]
        p += 1
        n = skip[opcode]
        if n == 9:
            if opcode in (_CALL, _CALL_INDIRECT):
                pieces.append(body[begin : p - 1])
                target, begin = _number(body, p)
                targets.append(target if opcode == _CALL else ~target)
                p, n = begin, 0
                if opcode == _CALL_INDIRECT:
                    table, p = _number(body, p)
                    begin = p
                    if table:  # there is none in the program, but one in its groups
                        raise UngroupedError("a call by another table")
            else:
                p, n = _unusual(body, p, opcode)
        while n:
            while body[p] > 127:
                p += 1
            p += 1
            n -= 1
    pieces.append(body[begin:])
    return pieces, targets


def _unusual(body: bytes, p: int, opcode: int) -> tuple[int, int]:
    """Returns where the numbers behind an opcode begin, and how many there are."""
    if opcode in _BLOCKS and 0x40 <= body[p] < 0x80:
        return p + 1, 0
    if opcode == _F32:
        return p + 4, 0
    if opcode == _F64:
        return p + 8, 0
    if opcode == _BR_TABLE:
        count, p = _number(body, p)
        return p, count + 1
    if opcode == _SELECT:
        count, p = _number(body, p)
        return p + count, 0
    if opcode == _MORE:
        more, p = _number(body, p)
        if more in _MORE_NUMBERS:
            return p, _MORE_NUMBERS[more]
    raise UngroupedError(f"opcode {opcode:#x}")


def _number(body: bytes, p: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = body[p]
        p += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, p
        shift += 7


def without_size(entry: bytes) -> bytes:
    """A body without the size that stands before it in a program."""
    return entry[_number(entry, 0)[1] :]


def called_by(bodies: bytes, starts: Sequence[int]) -> list[list[int]]:
    """What each of some bodies calls, without repetition. `starts` are the offsets of the bodies with their sizes, and
    the end of the last one."""
    return [sorted({*calls_of(without_size(bodies[a:b]))[1]}) for a, b in pairwise(starts)]
