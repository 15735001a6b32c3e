"""Random programs that are edited at random: for the fast linker, which must never see how a program came about.

A function `() -> i32` adds up what it calls, directly or through the table, and words of its data. It calls only
functions of a higher rank, so that every program ends; a rank has nothing to do with the order of modules.
"""

from __future__ import annotations

from random import Random

from orchestrator.wasm.fragment import (
    DATA,
    FUNCTION,
    GLOBAL,
    GLOBAL_INDEX_LEB,
    HIDDEN,
    LOCAL,
    MEMORY_ADDR_I32,
    TABLE_INDEX_I32,
    TYPE_INDEX_LEB,
    WEAK,
    Data,
    FunctionCode,
    Reference,
    Relocation,
    WasmGlobal,
)
from orchestrator.wasm.leb import functype
from orchestrator.wasm.reader import ObjectFile, read_object
from tests.helpers.models import with_model
from tests.orchestrator.wasm.helpers import I32, NULLARY, STACK_POINTER, call, constant, function, load, slot
from tests.orchestrator.wasm.referee import encode_object

RANKS = 40
LIBRARY = ["lib::a", "lib::b", "lib::c"]
ODD_TYPES = [functype(I32 * n, I32 * m) for n in range(2, 5) for m in range(2)]


def library_parts(_wanted: object, _replaced: object) -> list[tuple[str, ObjectFile]]:
    return [(name, read_object(data)) for name, data in library_objects()]


def library_objects() -> list[tuple[str, bytes]]:
    """a needs b, c stands alone; they use a global, zeroed data and a local function."""
    first = encode_object(
        [
            function("lib::a", NULLARY, b"\x10", call("lib::b"), b"\x10", call("hidden"), b"\x6a"),
            constant("hidden", 3, flags=LOCAL),
        ],
        [],
    )
    counter = Reference(GLOBAL, "count", b"\x7f\x01")
    second = encode_object(
        [
            function("lib::b", NULLARY, b"\x23", (GLOBAL_INDEX_LEB, counter), b"\x41\0\x28\2", load("zero"), b"\x6a"),
            function("lib::c", NULLARY, b"\x41\0\x28\2", load("text", 4)),
        ],
        [Data("zero", ".bss", bytes(40), 4), Data("text", ".rodata", b"\1\0\0\0\7\0\0\0", 2)],
        [WasmGlobal("count", b"\x7f\x01", b"\x41\5\x0b", LOCAL)],
    )
    return [("lib/a", first), ("lib/b", second)]


class SlackWorld:
    """Modules by name. A module is a pair for each of its functions, by rank (a seed for what it does, and how much
    padding it has), and a seed for its data. Now and then a name is defined twice, or not at all."""

    def __init__(self, random: Random, modules: int = 6) -> None:
        self.random = random
        self.modules: dict[str, dict[int, tuple[int, int]]] = {}
        self.data: dict[str, int] = {}
        self.missing = 0
        free = list(range(1, RANKS))
        random.shuffle(free)
        for number in range(modules):
            name = f"m{number}"
            ranks = [free.pop() for _ in range(random.randrange(5))]
            self.modules[name] = {rank: (random.randrange(100), 1) for rank in sorted(ranks)}
            self.data[name] = random.randrange(100)
        self.modules["m0"] = {0: (1, 1), **self.modules["m0"]}

    def ranks(self) -> list[int]:
        return sorted({rank for module in self.modules.values() for rank in module})

    def edit(self) -> None:
        random = self.random
        name = random.choice(sorted(self.modules))
        module, choice = self.modules[name], random.randrange(12)
        self.missing = random.randrange(RANKS) if random.randrange(12) == 0 else 0
        if choice < 6 and module:
            rank = random.choice(sorted(module))
            seed = module[rank][0] if choice < 5 else random.randrange(1000)
            module[rank] = (seed, random.randrange(40))
        elif choice < 7:
            self.data[name] = random.randrange(1000)
        elif choice < 9:
            rank = random.randrange(1, RANKS)
            if rank not in self.ranks() or not random.randrange(6):
                module[rank] = (random.randrange(1000), 1)
        elif choice < 10 and len(module) > 1 + (0 in module):
            del module[random.choice([rank for rank in module if rank])]
        elif choice < 11:
            self.modules[f"m{random.randrange(20)}"] = {}
            self.data = {one: self.data.get(one, 0) for one in self.modules}
        elif name != "m0":
            del self.modules[name], self.data[name]
        if "m0" in self.modules and 0 not in self.modules["m0"]:
            self.modules["m0"][0] = (1, 1)

    def objects(self) -> list[tuple[str, bytes]]:
        ranks = sorted({*self.ranks(), self.missing})
        return [(name, self.object(name, ranks)) for name in sorted(self.modules)]

    def object(self, name: str, ranks: list[int]) -> bytes:
        return with_model(encode_object(*self.units(name, ranks)))

    def units(self, name: str, ranks: list[int]) -> tuple[list[FunctionCode], list[Data], list[WasmGlobal]]:
        own = self.modules[name]
        random = Random(self.data[name])
        data = [
            Data(
                f"{name}.text{n}",
                ".rodata",
                random.randbytes(random.choice((4, 12, 40))),
                random.randrange(4),
                (),
                flags,
            )
            for n, flags in enumerate((HIDDEN, LOCAL, LOCAL)[: random.randrange(1, 4)])
        ]
        if random.randrange(3) == 0:
            data.append(Data(f"{name}.zero", ".bss", bytes(4 * random.randrange(1, 9)), 2, (), LOCAL))
        code = [self._function(name, rank, seed, pad, ranks, data) for rank, (seed, pad) in own.items()]
        if own and random.randrange(3) == 0:
            first = Reference(FUNCTION, code[0].name, NULLARY)
            words = [Relocation(TABLE_INDEX_I32, 0, first)]
            if data:
                words.append(Relocation(MEMORY_ADDR_I32, 4, Reference(DATA, data[0].name), 2))
            data.append(Data(f"{name}.words", ".data", bytes(8), 2, tuple(words), LOCAL))
        globals_ = [WasmGlobal(f"{name}.g", b"\x7f\x01", b"\x41\x09\x0b", LOCAL)] if random.randrange(4) == 0 else []
        return code, data, globals_

    def _near(self, above: list[int], random: Random) -> int:
        """A rank that stays the same when others come and go."""
        wanted = above[0] - above[0] % 8 + random.randrange(16)
        return next((rank for rank in above if rank >= wanted), above[-1])

    def _function(
        self, module: str, rank: int, seed: int, pad: int, ranks: list[int], data: list[Data]
    ) -> FunctionCode:
        random = Random(seed)
        above = [one for one in ranks if one > rank]
        parts: list[bytes | tuple] = [b"\x41" + bytes((pad,)) + b"\x1a\x41\x01" * pad]
        for _ in range(random.randrange(4)):
            choice = random.randrange(8)
            if choice < 3 and above:
                parts += [b"\x10", call(f"f{self._near(above, random)}"), b"\x6a"]
            elif choice == 3 and above:
                target = slot(f"f{self._near(above, random)}")
                parts += [b"\x41", target, b"\x11", (TYPE_INDEX_LEB, NULLARY), b"\0\x6a"]
            elif choice == 4 and data:
                there = random.choice([one.name for one in data] + [f"{one}.text0" for one in sorted(self.modules)[:3]])
                parts += [b"\x41\0\x28\0", load(there), b"\x6a"]
            elif choice == 5:
                parts += [b"\x10", call(random.choice(LIBRARY)), b"\x6a"]
            elif choice == 6:
                parts += [b"\x23", (GLOBAL_INDEX_LEB, STACK_POINTER), b"\x6a"]
            elif random.randrange(2):
                parts += [b"\x10", call(f"host{random.randrange(3)}", module="env", field="seven"), b"\x6a"]
            else:
                # An indirect call of a type that nothing has, in a branch that is never taken.
                odd = random.choice(ODD_TYPES)
                arguments = b"\x41\0" * odd[1]
                dropped = b"\x1a" * (odd[-2] if odd[-2] < 2 and odd[-1] == 0x7F else 0)
                parts += [
                    b"\x41\0\x04\x40" + arguments + b"\x41\0\x11",
                    (TYPE_INDEX_LEB, odd),
                    b"\0" + dropped + b"\x0b",
                ]
        flags = WEAK | HIDDEN if rank % 5 == 4 else HIDDEN
        return function(f"f{rank}", NULLARY, *parts, flags=flags)
