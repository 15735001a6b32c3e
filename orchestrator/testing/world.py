"""A simulated world: a machine with a disk in memory, processes on it that build, and everything that can go wrong.

Nothing in it leaves the event loop: files, locks, SQLite and worker processes are simulated, and time passes only where
the loop's clock does. So a build, with its crash and what comes after it, is repeatable to the last step::

    world = World()
    world.write({"main": "run a::f", "a": "pub f ="})
    first = world.process(Faults().on("disk.rename", crash(), at=3, path="/metadata/"))
    with pytest.raises(ProjectBroken):
        async with first.open() as project:
            await project.build()
    world.power_cut(Random(7))                  # and the machine with it
    async with world.open() as project:         # a new process
        assert (await project.build()).success

Any toolchain will do, with modules of its own language; without one the world speaks the plain language of
`orchestrator.testing.toolchain`. Under Trio with a clock that jumps (`trio.testing.MockClock(autojump_threshold=0)`)
delays take no time; `orchestrator.testing.schedules` brings such a clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

import orchestrator
from actors.compiler.toolchain import Toolchain
from actors.system import Tap
from orchestrator.api import Project
from orchestrator.testing.crash import CrashingDisk
from orchestrator.testing.disk import FakeDisk
from orchestrator.testing.faults import Faults
from orchestrator.testing.faulty import Duration, FaultyOffload
from orchestrator.testing.toolchain import PlainToolchain, named

PROJECT = "/project"


class Process:
    """One process of a world: what it sees of the disk, its workers, and its faults.

    `offload` is for `orchestrator.open` and `actors.system.System`; `faults` may be added to while it runs.
    """

    def __init__(self, world: World, faults: Faults | None, workers: bool) -> None:
        self.world = world
        self.faults = faults or Faults()
        self.disk = FakeDisk(world.disk, self.faults)
        self._workers = workers
        self.offload = FaultyOffload(
            self.disk,
            self.faults,
            duration=world.duration,
            toolchain=world.toolchain if workers else None,
        )
        self.offload.served = world.served

    def open(self, place: str = PROJECT, *, tap: Tap | None = None, **settings: Any) -> Project:
        """`orchestrator.open` in this process, on a folder of the world. The entry is `main` unless `entry` says
        otherwise, and two modules are compiled at a time unless `jobs` does."""
        toolchain = self.world.toolchain
        settings = {"entry": f"main{toolchain.extensions[0]}", "jobs": 2, **settings}
        chosen: Toolchain | str = named(toolchain) if self._workers else toolchain
        return orchestrator.open(place, toolchain=chosen, offload=self.offload, tap=tap, **settings)

    def kill(self) -> None:
        """`kill -9`: the process does nothing any more. Its files stay on the disk, its locks are free, and its workers
        end."""
        self.faults.kill()


class World:
    """A machine. `toolchain` is what its processes build with; `duration(function, args)` the virtual seconds that a
    hop takes: by default what the toolchain's own `duration` says, if it has one, and otherwise none.

    `workers`: processes have simulated worker processes. `disk` may be given, to go on with that of another world.
    """

    def __init__(
        self,
        toolchain: Toolchain | None = None,
        *,
        disk: CrashingDisk | None = None,
        duration: Duration | None = None,
        workers: bool = False,
    ) -> None:
        self.toolchain: Toolchain = toolchain or PlainToolchain()
        self.disk = disk or CrashingDisk()
        self.disk.make_folders(PROJECT)
        self.duration: Duration | None = duration or getattr(self.toolchain, "duration", None)
        self.workers = workers
        self.processes: list[Process] = []
        self.served: dict[str, bytes] = {}
        """What the remote cache has. Other worlds may have the same."""

    def process(self, faults: Faults | None = None, *, workers: bool | None = None) -> Process:
        """A new process. Any number of them share the disk."""
        process = Process(self, faults, self.workers if workers is None else workers)
        self.processes.append(process)
        return process

    def open(self, place: str = PROJECT, *, faults: Faults | None = None, **settings: Any) -> Project:
        """A Project in a process of its own; see `Process.open`."""
        return self.process(faults).open(place, **settings)

    def power_cut(self, chance: Random | None = None, *, in_order: bool = False) -> None:
        """All processes end at once, and the disk keeps an arbitrary part of what was not synced (see
        `CrashingDisk.power_cut`)."""
        for process in self.processes:
            process.kill()
        self.disk.power_cut(chance, in_order=in_order)

    # ---- the project's sources

    def write(self, modules: Mapping[str, str], folder: str = PROJECT) -> None:
        """Writes modules (`a/b` is the file a/b with the toolchain's extension). They are synced, so that they survive
        a power cut, together with everything written before."""
        for module, text in modules.items():
            self.disk.write(self.path(module, folder), text.encode())
        self.disk.sync()

    def remove(self, module: str, folder: str = PROJECT) -> None:
        """Removes a module's file."""
        self.disk.remove(self.path(module, folder))

    def modules(self, folder: str = PROJECT) -> dict[str, str]:
        """The texts of all modules as they are now, by name."""
        extension = self.toolchain.extensions[0]
        return {
            path[len(folder) + 1 : -len(extension)]: data.decode()
            for path, data in self.disk.files(folder).items()
            if path.endswith(extension)
        }

    def path(self, module: str, folder: str = PROJECT) -> str:
        """The path of a module's file."""
        return f"{folder}/{module}{self.toolchain.extensions[0]}"
