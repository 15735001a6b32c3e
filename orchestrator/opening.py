"""What a build needs before its first message: settings, toolchains, what was looked at to find them, and actors. With
an event loop (`api.py`) and without (`direct.py`) it is the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from actors.actor import AnyActor, Broken
from actors.compiler.pool import Pool
from actors.compiler.toolchain import Surroundings
from actors.compiler.toolchains import Toolchains
from actors.disk import Disk
from actors.hasher.hasher import Hasher
from actors.keeper.keeper import Keeper
from actors.mailbox import Closed
from actors.messages import BuildSettings
from actors.planner.planner import Planner
from actors.scanner.scanner import Scanner
from orchestrator.config import Config, load
from orchestrator.errors import ProjectBroken, ProjectError
from orchestrator.looked import looked, own_files
from orchestrator.requests import DECIDES, build_settings
from orchestrator.toolchains.locate import Asked, package_folders

if TYPE_CHECKING:
    from actors.compiler.crew import Crew
    from actors.plainloop import NoWorkers
    from actors.remote.remote import Remote


class Opening:
    """The settings and toolchains of a project, for one caller. Raises ConfigError, ProjectError."""

    def __init__(self, place: str | None, toolchain: Asked, disk: Disk, settings: Mapping[str, object]) -> None:
        # Files are stamped before they are read, so that the next build sees a change in between. For the same reason
        # the toolchains' own files are stamped before their identities are computed from them.
        seeing, seen = looked(disk)
        seen.watched(own_files() if toolchain is not None else [*own_files(), *package_folders()])
        self.config: Config = load(place, settings, seeing, toolchain)
        self.toolchains: Toolchains = self.config.toolchains
        self.watched = seen.watched(self.toolchains.files())
        """Stamps of what the settings and the toolchains come from."""
        self._disk = disk
        self._plain = toolchain is None and all(value is None for value in settings.values())
        self._owned = DECIDES.isdisjoint(key for key, value in settings.items() if value is not None)

    def request(
        self, output: str, *, config: Config | None = None, plain: bool = True, owned: bool = True, force: bool = False
    ) -> BuildSettings:
        """Returns the settings of one build that writes `output`. `plain` and `owned` as in `build_settings`, where
        nothing speaks against them here."""
        settings = build_settings(
            config or self.config,
            self.watched,
            self._disk,
            output=output,
            plain=self._plain and plain,
            owned=self._owned and owned,
        )
        return msgspec.structs.replace(settings, force=force)


class Cast(NamedTuple):
    """The actors of a project, from left to right."""

    scanner: Scanner
    hasher: Hasher
    planner: Planner
    workers: Pool
    keeper: Keeper
    remote: Remote | None

    @property
    def actors(self) -> list[AnyActor]:
        """All that there are."""
        return [actor for actor in self if actor is not None]


def actors_of(opening: Opening, crew: Crew | NoWorkers | None) -> Cast:
    """Returns the actors, wired. Raises ProjectBroken."""
    config, toolchains = opening.config, opening.toolchains
    # Without a folder the cache is in memory.
    remote = None
    if config.remote.cache and config.cache.enabled:
        from actors.remote.remote import Remote
        from orchestrator.remote import remote_settings

        remote = Remote(remote_settings(config))
    keeper = Keeper(
        config.cache.folder or None,
        max_size=config.cache.max_size,
        eviction=config.cache.eviction,
        hot_memory=config.cache.hot_memory,
        enabled=config.cache.enabled,
        remote=remote.address if remote is not None else None,
        upload=config.remote.upload,
    )
    limits = Surroundings(project=config.project, seconds=config.build.timeout, memory=config.build.worker_memory)
    pool = Pool(toolchains, config.build.jobs, validate, crew, limits)
    try:
        toolchains.identity()
    except Exception as error:
        raise translated(Broken(f"the toolchain has no identity: {type(error).__name__}: {error}")) from error
    planner = Planner(pool.address, keeper.address, toolchains, config.build.jobs, remembers=config.cache.enabled)
    hasher = Hasher(planner.address, toolchains.normalise)
    return Cast(Scanner(hasher.address), hasher, planner, pool, keeper, remote)


def translated(error: Broken | Closed) -> ProjectBroken | ProjectError:
    """Returns what the API raises when the system of actors has ended."""
    if isinstance(error, Broken):
        return ProjectBroken(
            f"an actor failed: {error}",
            hint="this is a bug of Wasmill: please report it with the traceback of the original error above",
        )
    return ProjectError("the project is closed", hint="open it again")


def validate(program: bytes) -> str | None:
    """Returns what is wrong with a program, or None (see `orchestrator.wasm.validate`, imported on first use)."""
    from orchestrator.wasm.validate import validate as wasm_validate

    return wasm_validate(program)
