"""Cuts a program into groups: which functions each one has, and how they call the others.

**Invariant: the groups, put together, are observably equal to the one module.** They do the same, trap in the same
functions, and share memory, table and globals. Only the fuel that they use differs.

The base module has memory, tables, globals and data, and no code. Each group has a run of functions of the program, and
copies of those functions of the library that they call. A call into a group behind it is an import; so groups are
instantiated from the last to the first. A call into a group before it goes through a second table, in which each
function has the slot of its number.

**A plan has everything that the bytes of its group depend on**, except for the bodies, of which it has the digest. So
its own digest names the group's machine code without the group being written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from hashlib import sha256

import msgspec

from orchestrator.wasm.groups.finished import FinishedProgram, UngroupedError
from orchestrator.wasm.leb import uleb

SMALLEST = 32  # Functions in a group: with fewer, opening files takes longer than compiling.
_GROUPS = 64  # About as many, because beyond that the time to load all of them is longer than that to compile one.
FEWEST = 4  # Groups that are worth it.
_SLOTS = 1 << 10  # The second table's size, rounded up so that it seldom changes.


class GroupPlan(msgspec.Struct, array_like=True, gc=False):
    """One group. Functions are numbered as in the program; `types` are the function types that the group uses, and
    other fields number them by position here. `shared` are the import entries of what the base has. `hosts`, `direct`,
    `functions` and `far` are (function, type): what is imported from the host and from other groups, what the group
    has itself (its own, then copies), and what it calls by the second table. `indirect` are the program's types of
    calls by the program's table. `shown` are the functions that others import, `called` those that need their slot in
    the second table, `slots` are (slot of the program's table, function). `names` are those of all functions, in order.
    `own` is the digest of the bodies, `copied` those of the copies' bodies."""

    own: bytes
    copied: list[bytes]
    types: list[bytes]
    shared: list[bytes]
    host_names: list[bytes]
    hosts: list[tuple[int, int]]
    direct: list[tuple[int, int]]
    functions: list[tuple[int, int]]
    far: list[tuple[int, int]]
    indirect: list[tuple[int, int]]
    shown: list[int]
    called: list[int]
    slots: list[tuple[int, int]]
    names: list[bytes]


def cuts(program: FinishedProgram, library: bytes) -> list[int]:
    """The first function of each group, and the end of the last. They depend on how many functions there are and on
    their names, and not on bodies, so that an edit moves no cut. A cut is where the next module begins, or in a module
    that is larger than a group. The library is cut off from the rest.

    Raises UngroupedError where there are too few groups."""
    first, end, names = len(program.imports), len(program.function_types), program.names
    size = max(SMALLEST, 1 << ((end - first) // _GROUPS).bit_length())
    starts, before = [first], first
    while (wanted := before + size) < end:
        cut = next((f for f in range(wanted, min(wanted + size, end)) if _begins(names, f)), wanted)
        starts.append(cut)
        # From a multiple of the size on, so that a cut depends only on the names near it.
        before = first + (cut - first) // size * size
    edge = next((f for f in range(first, end) if is_library(names[f], library)), end)
    starts = sorted({*starts, edge, end})
    if len(starts) <= FEWEST:
        raise UngroupedError("too small")
    return starts


def _begins(names: Sequence[bytes], f: int) -> bool:
    """Whether another module begins with this function. Spare functions have no names, and belong to what is before."""
    if not names[f]:
        return False
    before = next((name for name in names[f - 1 : max(f - 64, 0) : -1] if name), b"")
    return _module(names[f]) != _module(before)


def _module(name: bytes) -> bytes:
    return name[1:].rpartition(b"::")[0]  # Only compared: the size of a long name takes more than one byte.


def is_library(name: bytes, library: bytes) -> bool:
    """Whether an encoded name begins with the library's prefix."""
    # The size before it takes one byte, or two if it is long.
    return library != b"" and (name.startswith(library, 1) or name.startswith(library, 2))


class GroupLayout:
    """All groups of a program. `calls` has the functions that each function calls, and inverted the types of its calls
    by the table, without repetition; it is asked once for each group, with the digest of its bodies."""

    def __init__(
        self,
        program: FinishedProgram,
        library: bytes,
        calls: Callable[[bytes, int, int], list[list[int]]],
    ) -> None:
        self.program = program
        self.cuts = cuts(program, library)
        self._library = library
        self._calls: list[list[int]] = [[] for _ in program.imports]
        self._digests: list[bytes] = []
        self._group = [-1] * len(program.imports)
        for number, (begin, end) in enumerate(zip(self.cuts, self.cuts[1:], strict=False)):
            own = sha256(
                memoryview(program.data)[program.bodies[begin - self._first] : program.bodies[end - self._first]]
            )
            self._digests.append(own.digest())
            self._calls += calls(own.digest(), begin, end)
            self._group += [number] * (end - begin)
        if len(self._calls) != len(program.function_types):
            raise UngroupedError("calls of another program")
        # In this order. A copy makes its group call what the copied function calls, so copies come before calls. And
        # what a group has to show depends on the calls of all others, so no plan can be made before the last of them.
        self._copies = [self._copied(number) for number in range(len(self))]
        self._shown: set[int] = {program.entry, *([program.start] if program.start >= 0 else [])}
        self._far: set[int] = set()
        self._targets = [self._all_calls(number) for number in range(len(self))]
        self._slots: list[list[tuple[int, int]]] = [[] for _ in range(len(self))]
        for slot, f in program.slots.items():
            self._slots[self._group[f]].append((slot, f))

    def __len__(self) -> int:
        return len(self.cuts) - 1

    @property
    def _first(self) -> int:
        return len(self.program.imports)

    def body(self, f: int) -> bytes:
        """The body of a function with its size."""
        starts, place = self.program.bodies, f - self._first
        return self.program.data[starts[place] : starts[place + 1]]

    def _copied(self, number: int) -> list[int]:
        """The library's functions that a group calls; the library's own groups copy none."""
        begin, end, names = self.cuts[number], self.cuts[number + 1], self.program.names
        called = set[int]().union(*self._calls[begin:end])
        if called and max(called) >= len(names):
            raise UngroupedError("a call of a function that does not exist")
        if is_library(names[begin], self._library):
            return []
        elsewhere = [f for f in called if f >= self._first and not begin <= f < end]
        return sorted(f for f in elsewhere if is_library(names[f], self._library))

    def _all_calls(self, number: int) -> set[int]:
        """What a group calls, its copies too. Notes what it calls in other groups."""
        begin, end, copies = self.cuts[number], self.cuts[number + 1], self._copies[number]
        called = set[int]().union(*self._calls[begin:end], *[self._calls[f] for f in copies])
        if called and (min(called) < -len(self.program.types) or max(called) >= len(self._group)):
            raise UngroupedError("a call of a function or a type that does not exist")
        for f in called.difference(copies):
            if f >= self._first and self._group[f] != number:
                (self._shown if self._group[f] > number else self._far).add(f)
        return called

    @cached_property
    def shared(self) -> list[tuple[bytes, bytes]]:
        """Name and description of what the base has."""
        program = self.program
        size = max(_SLOTS, 1 << len(program.function_types).bit_length())
        things = [
            (b"\6memory", b"\2" + program.memory),
            (b"\5table", b"\1" + program.table),
            (b"\5calls", b"\1\x70\1" + uleb(size) * 2),
        ]
        globals_ = [(f"global{number}".encode(), type_) for number, (type_, _) in enumerate(program.globals)]
        return things + [(uleb(len(name)) + name, b"\3" + type_) for name, type_ in globals_]

    def plan(self, number: int) -> GroupPlan:
        program, group, first = self.program, self._group, self._first
        begin, end, copies = self.cuts[number], self.cuts[number + 1], self._copies[number]
        own, called = [*range(begin, end), *copies], self._targets[number]
        here = {*own}
        hosts = sorted(f for f in called if 0 <= f < first)
        away = sorted(f for f in called if f >= first and f not in here)
        direct = [f for f in away if group[f] > number]
        far = [f for f in away if group[f] < number]
        kinds = program.function_types
        indirect = sorted(~f for f in called if f < 0)
        # Types of its own, because a new type in the program would otherwise change all groups.
        used = sorted({program.types[kind] for kind in {*indirect, *[kinds[f] for f in (*hosts, *away, *own)]}})
        place = {type_: n for n, type_ in enumerate(used)}
        types = {kind: place[program.types[kind]] for kind in {*indirect, *[kinds[f] for f in (*hosts, *away, *own)]}}

        def typed(functions: Sequence[int]) -> list[tuple[int, int]]:
            return [(f, types[kinds[f]]) for f in functions]

        # Memory and table are imported in any size, because a page more of data would otherwise change all groups.
        open_ = {b"\6memory": b"\2\0\0", b"\5table": b"\1\x70\0\0"}
        return GroupPlan(
            own=self._digests[number],
            copied=[sha256(self.body(f)).digest() for f in copies],
            types=used,
            shared=[b"\4base" + name + open_.get(name, kind) for name, kind in self.shared],
            host_names=[program.imports[f][0] for f in hosts],
            hosts=typed(hosts),
            direct=typed(direct),
            functions=typed(own),
            far=typed(far),
            indirect=[(kind, types[kind]) for kind in indirect],
            shown=sorted(self._shown.intersection(range(begin, end))),
            called=sorted(self._far.intersection(range(begin, end))),
            slots=self._slots[number],
            names=[program.names[f] for f in (*hosts, *direct, *own)],
        )
