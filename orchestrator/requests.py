"""Translates a configuration into the messages that begin a build."""

from __future__ import annotations

import os

from actors.digests import ModuleNameError, digest, module_name
from actors.disk import Disk
from actors.messages import BuildSettings, Destination, FolderStamp, Rules, SnapshotSettings
from actors.scanner.snapshot import PLAIN
from orchestrator.config import Config, inside
from orchestrator.looked import Watched

DECIDES = frozenset({"root", "entry", "output", "folder"})
"""Keyword settings with which the program belongs to the caller alone: no other build of the project takes it for an
old one."""

LONGEST_PROFILE = 64
"""The longest name of a profile that is used in file names; the digest of a longer one is used instead."""


def scan_rules(config: Config) -> Rules:
    """Returns what counts as a source."""
    snapshot = snapshot_name(config)
    return Rules(
        root="" if config.single else config.root,
        extensions=config.toolchains.extensions,
        free=config.toolchains.free,
        include=config.include,
        exclude=config.exclude,
        entry=config.entry,
        outputs=config.outputs,
        programs=config.programs if inside(config.programs, config.root) else "",
        snapshot=os.path.join(config.cache.folder, "snapshots", snapshot) if snapshot else "",
    )


def build_settings(
    config: Config, watched: Watched, disk: Disk, *, output: str, plain: bool, owned: bool
) -> BuildSettings:
    """Returns a build that asks for nothing beyond the configuration. `plain`: the whole configuration comes from files
    that are `watched`; `owned`: the program replaces older ones of its profile."""
    extras, absent = watched
    plain_ways, links = ways(config, disk)
    return BuildSettings(
        project=config.project,
        root=config.root,
        profile=config.profile,
        entry=entry_module(config),
        entry_named=config.entry_named,
        options=code_options(config),
        invalidation=config.build.invalidation,
        jobs=config.build.jobs,
        keep_going=config.build.keep_going,
        destination=Destination(
            path=output,
            within=config.within,
            listing=config.outputs_list,
            owner=config.profile if owned else "",
        ),
        snapshot=SnapshotSettings(
            name=snapshot_name(config),
            extras=extras + links,
            absent=absent,
            unlinked=plain_ways,
            plain=PLAIN if plain else "given",
        ),
    )


def ways(config: Config, disk: Disk) -> tuple[tuple[str, ...], tuple[FolderStamp, ...]]:
    """Returns the folders between the project and its cache and output that are not links, and the links among them: a
    link's target decides what may be written."""
    plain: list[str] = []
    links: list[FolderStamp] = []
    for place in (config.cache.folder, os.path.dirname(config.build.output)):
        while place and place != config.project and inside(place, config.project):
            if disk.is_link(place):
                links.append(FolderStamp(path=place, stamp=disk.stamp(place, follow=False)))
            elif place not in plain:
                plain.append(place)
            place = os.path.dirname(place)
    return tuple(plain), tuple(links)


def entry_module(config: Config) -> str:
    """Returns the entry's module name. Only the entry may have a file name that is not a module name; the result is
    then the path itself."""
    try:
        return module_name(config.entry, config.toolchains.extensions, config.toolchains.free)
    except ModuleNameError:
        return config.entry.rpartition(".")[0] or config.entry


def code_options(config: Config) -> dict[str, str]:
    """Returns the settings that change code, in the form in which they enter keys."""
    return {"profile": "release"} if config.profile == "release" else {}


def snapshot_name(config: Config) -> str:
    """Returns the name of the snapshot's file for this project and profile; projects that share a cache have different
    ones. "" without a cache."""
    if not config.cache.folder or not config.cache.enabled:
        return ""
    profile = config.profile if len(config.profile) <= LONGEST_PROFILE else digest(config.profile.encode())[:16]
    return f"{profile}-{digest(os.fsencode(config.project + os.sep + config.entry))[:16]}"
