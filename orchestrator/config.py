"""Combines wasmill.toml and keyword settings into one `Config`.

Precedence, from weak to strong: defaults (`settings.py`), the tables of wasmill.toml, the chosen `[profile.NAME]`,
keyword settings (from the command line or from `orchestrator.open`). Relative paths start at the project folder,
wherever they are written; globs and `entry` start at the source root.

A folder of sources without a wasmill.toml is a project too. Its entry is a file in the folder or in its `src/` with a
name that a toolchain uses for entries (`Toolchains.entries`).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from hashlib import sha256

import msgspec

from actors.compiler.toolchains import Toolchains
from actors.digests import printable
from actors.disk import REAL, Disk
from orchestrator.configfile import Checked, CheckedFile, check_setting, key_place, read_file
from orchestrator.errors import ConfigError, FileError, ProjectError
from orchestrator.looked import unseen
from orchestrator.settings import PROFILES, SETTINGS, TABLES, near_miss
from orchestrator.toolchains.locate import Asked, choose
from orchestrator.trust import require_trust, require_trust_of_server

FILE_NAME = "wasmill.toml"

_PARTS = frozenset(
    {"modules", "metadata", "snapshots", "quarantine", "running", "lock", "index.lock", "server", "server.lock"}
)
"""A cache has at least one of these beside its index and its lists of outputs."""

_WHOLE = frozenset({"modules", "metadata", "snapshots"})
"""A folder that has all of these is a cache, whatever else is in it."""


class BuildConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The settings under [build], without `profile`, which is the name of a set of settings. Times are in seconds."""

    output: str
    """The program's file."""
    jobs: int
    invalidation: str
    keep_going: bool
    timeout: float
    server: bool
    server_idle: float
    worker_memory: int


class CacheConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The settings under [cache]."""

    folder: str
    """The cache folder."""
    max_size: int
    eviction: str
    hot_memory: int
    enabled: bool


class RemoteConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The settings under [remote]. `headers` are as they are written, with names of variables."""

    cache: str
    headers: tuple[str, ...]
    roots: str
    upload: bool
    remote_timeout: float


class RunConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The settings under [run]."""

    run_memory: int
    fuel: int
    seconds: float
    folders: tuple[str, ...]


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """All settings of one project under one profile: where it is and what its sources are, and the tables of SETTINGS.

    Every path is absolute, except for `entry` and the globs, which are relative to `root`. Sizes are in bytes; 0 means
    "no limit" where `SETTINGS` says so."""

    project: str
    """The project folder: the one with wasmill.toml, or else the given folder; "" for modules in memory."""
    file: str
    """wasmill.toml, "" for none."""
    single: bool
    """The project is a single file and everything that it reaches. No wasmill.toml applies; `cache.folder` and
    `build.output` are "" and stand for temporary places."""
    name: str
    root: str
    entry: str
    """Separated by `/`. The scanner finds out whether it exists."""
    entry_named: bool
    """The entry was named explicitly, so its absence is an error."""
    include: tuple[str, ...]
    exclude: tuple[str, ...]
    profile: str
    profiles: tuple[str, ...]
    """Names of all profiles, sorted."""
    build: BuildConfig
    cache: CacheConfig
    remote: RemoteConfig
    run: RunConfig
    layers: _Layers

    @property
    def outputs(self) -> tuple[str, ...]:
        """Folders that are never searched for sources: the cache, and the output's own folder where that is one."""
        places = [self.cache.folder] if self.cache.folder else []
        return tuple([*places, self.programs] if self.programs else places)

    @property
    def programs(self) -> str:
        """The output's own folder; "" if the sources are in it, or there is no output."""
        folder = os.path.dirname(self.build.output)
        return folder if self.build.output and not inside(self.root, folder) else ""

    @property
    def within(self) -> tuple[str, ...]:
        """The folders that the program may be written to once links are resolved: the project, and the output's own
        folder if the settings name one outside of the project."""
        if not self.project or not self.build.output:
            return ()
        folder = os.path.dirname(self.build.output)
        return (self.project,) if inside(folder, self.project) else (self.project, folder)

    @property
    def outputs_list(self) -> str:
        """The list of files that builds of this project wrote; "" without a cache folder. Its name contains a digest of
        the project's path, because a copied project must not remove the original's programs."""
        if not self.cache.folder:
            return ""
        return os.path.join(self.cache.folder, f"outputs-{sha256(os.fsencode(self.project)).hexdigest()[:16]}.json")

    @property
    def toolchains(self) -> Toolchains:
        """The toolchains of the project."""
        return self.layers.toolchains

    def with_profile(self, name: str) -> Config:
        """Returns the same project under another profile. Raises ConfigError if there is no such profile."""
        return _resolve(self.layers, name)


class _Layers(msgspec.Struct, frozen=True):
    """The checked values of each source of settings, by leaf name."""

    project: str
    file: str
    single: str
    base: Checked
    profiles: dict[str, Checked]
    overrides: Checked
    disk: Disk
    toolchains: Toolchains


def load(
    start: str | os.PathLike[str] | None,
    overrides: Mapping[str, object] | None = None,
    disk: Disk = REAL,
    toolchain: Asked = None,
) -> Config:
    """Returns the configuration of the project at `start`: a folder, a single source file, or None for modules in
    memory. `disk` is the file system to look at; `toolchain` is as in `orchestrator.open`.

    Raises ProjectError if `start` or a toolchain does not exist, ConfigError if a setting is wrong.
    """
    said = {key: value for key, value in (overrides or {}).items() if value is not None}
    checked = {key: check_setting(key, value, key, lambda: "") for key, value in said.items()}
    if start is None:
        return _resolve(_Layers("", "", "", {}, dict(PROFILES), checked, disk, choose(toolchain, {})))
    place = absolute(start)
    if not disk.is_folder(place) and disk.is_regular(place):
        folder, name = os.path.split(place)
        return _resolve(_Layers(folder, "", name, {}, dict(PROFILES), checked, disk, choose(toolchain, {})))
    if not disk.is_folder(place):
        kind = "file" if place.endswith(choose(toolchain, {}).extensions) else "folder"
        raise ProjectError(f"there is no {kind} `{os.fspath(start)}`")
    file = _find(place, disk)
    read = read_file(file, disk) if file else CheckedFile({}, {}, {})
    home, toolchains = os.path.dirname(file) or place, choose(toolchain, read.toolchains)
    require_trust(toolchains.members, home, file, disk)
    if "cache" not in checked and any(values.get("cache") for values in (read.base, *read.profiles.values())):
        require_trust_of_server(home, file, disk)
    return _resolve(_Layers(home, file, "", read.base, {**PROFILES, **read.profiles}, checked, disk, toolchains))


def absolute(start: str | os.PathLike[str]) -> str:
    """Returns the absolute path of a project. Raises ProjectError if there is none: the current folder was removed, or
    its name is not UTF-8, as messages and snapshots require."""
    try:
        place = os.path.abspath(start)
    except FileNotFoundError as wrong:
        hint = "it was removed: go to one that is there"
        raise ProjectError("there is no folder: the current one is gone", hint=hint) from wrong
    if printable(place) != place:
        what = f"the path of the project is not UTF-8: `{printable(place)}`"
        raise ProjectError(what, hint="rename the folder, or reach it through a link of another name")
    return place


def _find(folder: str, disk: Disk) -> str:
    """Returns the wasmill.toml in `folder` or in the nearest folder above it; "" for none."""
    while True:
        file = os.path.join(folder, FILE_NAME)
        if exists(file, disk):
            return file
        above = os.path.dirname(folder)
        if above == folder:
            return ""
        folder = above


def exists(path: str, disk: Disk) -> bool:
    """Whether something exists at `path`, even a dangling link."""
    try:
        disk.stamp(path, follow=False)
    except (OSError, ValueError):
        return False
    return True


def _resolve(layers: _Layers, profile: str = "") -> Config:
    """Returns the configuration under a profile: that of the call, else of the keywords, else of the file. Each setting
    is then taken from the strongest source that has it, and becomes a field of the struct of its table."""
    chosen = profile or layers.overrides.get("profile") or layers.base.get("profile") or "dev"
    if chosen not in layers.profiles:
        names = tuple(sorted(layers.profiles))
        hint = near_miss(chosen, names) or f"there are: {', '.join(names)}"
        written = not profile and "profile" not in layers.overrides
        where = key_place(layers.file, layers.disk, "build", "profile") if written else ""
        raise ConfigError(f"there is no profile `{chosen}`", where=where, hint=hint, key="build.profile")
    said = {**layers.base, **layers.profiles[chosen], **layers.overrides}
    values: Checked = {name: said.get(name, setting.default) for name, setting in SETTINGS.items()}
    values |= {"profile": chosen, "jobs": values["jobs"] or cores()}
    if layers.single:
        values |= _single(layers)
    elif layers.project:
        values |= _placed(layers, values)
    else:
        entry = values["entry"].replace("\\", "/") or layers.toolchains.entries[0]
        values |= {"root": "", "entry": entry, "output": "", "folder": "", "folders": ()}
    values["name"] = values["name"] or os.path.basename(layers.project)
    tables: dict[str, Checked] = {table: {} for table in TABLES}
    for name, value in values.items():
        tables["project" if name == "profile" else SETTINGS[name].table][name] = value
    return Config(
        **tables["project"],
        build=BuildConfig(**tables["build"]),
        cache=CacheConfig(**tables["cache"]),
        remote=RemoteConfig(**tables["remote"]),
        run=RunConfig(**tables["run"]),
        project=layers.project,
        file=layers.file,
        single=bool(layers.single),
        entry_named=bool(layers.single or said.get("entry")),
        profiles=tuple(sorted(layers.profiles)),
        layers=layers,
    )


def _single(layers: _Layers) -> Checked:
    for key in ("root", "entry"):
        if key in layers.overrides:
            raise ConfigError(f"`{key}`: a single file is its own entry, in its own folder", key=key)
    folders = tuple(_at(layers.project, folder) for folder in layers.overrides.get("folders", ()))
    return {"root": layers.project, "entry": layers.single, "output": "", "folder": "", "folders": folders}


def _placed(layers: _Layers, values: Checked) -> Checked:
    """Returns the settings that are paths, made absolute and checked against one another."""
    home = layers.project
    root = _at(home, values["root"]) if values["root"] else _default_root(home, layers.disk, layers.toolchains)
    if not layers.disk.is_folder(root):
        raise _wrong(layers, values, "root", f"there is no folder `{root}`")
    named = values["entry"] or _default_entry(root, layers.disk, layers.toolchains)
    entry = os.path.relpath(_at(root, named), root).replace(os.sep, "/")
    if entry == "." or entry.startswith("../") or entry == ".." or os.path.isabs(entry):
        raise _wrong(layers, values, "entry", f"`{values['entry']}` is not a file under the source root `{root}`")
    output = _at(home, values["output"])
    if not output.endswith(".wasm"):
        output = os.path.join(output, os.path.splitext(os.path.basename(entry))[0] + ".wasm")
    cache = _at(home, values["folder"])
    taken = inside(root, cache) or inside(home, cache) or _meets_output(cache, output, root)
    if taken or _is_taken(cache, layers.disk, layers.toolchains.extensions):
        raise _wrong(layers, values, "folder", f"the cache needs a folder of its own, not `{cache}`")
    _refuse_link(layers, values, cache, root)
    folders = tuple(_at(home, folder) for folder in values["folders"])
    roots = _at(home, values["roots"]) if values["roots"] else ""
    return {"root": root, "entry": entry, "output": output, "folder": cache, "folders": folders, "roots": roots}


def _refuse_link(layers: _Layers, values: Checked, cache: str, root: str) -> None:
    """Refuses a cache inside of the project that is reached through a link out of it: the link's target may belong to
    someone else, and a cache is written and cleared. Raises FileError for a link that leads out, ConfigError for one to
    the sources."""
    disk, home = layers.disk, layers.disk.resolve(layers.project)
    real = disk.resolve(cache)
    if inside(cache, layers.project) and not inside(real, home):
        what = f"`cache.folder`: a link leads from `{cache}` to `{printable(real)}`, out of the project"
        raise FileError(what, hint="remove the link, or name the place that it leads to as `folder` under [cache]")
    if inside(home, real) or inside(disk.resolve(root), real):
        raise _wrong(layers, values, "folder", f"the cache needs a folder of its own, and a link leads from `{cache}`")


def _meets_output(cache: str, output: str, root: str) -> bool:
    """Whether cache and programs would contain one another. An output folder that also contains the sources is not the
    output's own, and may contain a cache."""
    place = os.path.dirname(output)
    own = not inside(root, place)
    return inside(place, cache) or inside(cache, output) or (own and inside(cache, place))


def _is_taken(cache: str, disk: Disk, extensions: tuple[str, ...]) -> bool:
    """Whether this folder contains something and is not a cache. Hidden files do not count."""
    try:
        names = [entry.name for entry in unseen(disk).entries(cache) if not entry.name.startswith(".")]
    except OSError:  # It does not exist yet, or cannot be a cache; the build reports that and goes on.
        return False
    if _WHOLE.issubset(names):
        return False
    if any(name.endswith(extensions) for name in names):
        return True
    return bool(names) and not any(
        name in _PARTS or name.startswith(("index.db", "index-", "outputs-")) for name in names
    )


def _wrong(layers: _Layers, values: Checked, key: str, what: str) -> ConfigError:
    """Returns an error about a setting that was valid by itself, with its place in the file."""
    path: tuple[str, ...] = ()
    if key not in layers.overrides:
        if key in layers.profiles[values["profile"]]:
            path = ("profile", values["profile"], key)
        elif key in layers.base:
            path = (SETTINGS[key].table, key)
    where = key_place(layers.file, layers.disk, *path) if path else ""
    return ConfigError(f"`{'.'.join(path) or key}`: {what}", where=where, key=".".join(path) or key)


def _default_entry(root: str, disk: Disk, toolchains: Toolchains) -> str:
    """Returns the default entry: the first existing one among those that the toolchains name."""
    entries = toolchains.entries
    if len(entries) == 1:
        return entries[0]
    return next((name for name in entries if disk.is_regular(os.path.join(root, name))), entries[0])


def _default_root(home: str, disk: Disk, toolchains: Toolchains) -> str:
    """Returns the default source root: the project folder, or its `src/` if only that has sources."""
    source = os.path.join(home, "src")
    entries = toolchains.entries
    if any(disk.is_regular(os.path.join(home, name)) for name in entries) or not disk.is_folder(source):
        return home
    if any(disk.is_regular(os.path.join(source, name)) for name in entries):
        return source
    try:
        return home if any(entry.name.endswith(toolchains.extensions) for entry in disk.entries(home)) else source
    except OSError as wrong:
        raise ProjectError(f"`{home}` cannot be read: {wrong.strerror or wrong}") from wrong


def _at(folder: str, path: str) -> str:
    return os.path.normpath(os.path.join(folder, path))


def inside(path: str, folder: str) -> bool:
    """Whether `path` is `folder` or is inside of it; both are absolute."""
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def cores() -> int:
    """Returns how many cores this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1
