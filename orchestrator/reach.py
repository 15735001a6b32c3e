"""A single file as a project: the file and everything that it reaches.

`wasmill run FILE` may be called in a folder with thousands of other sources. So nothing is walked: starting at the
file, every path that a `use` or a qualified name may mean is looked for, and read if it exists.
"""

from __future__ import annotations

import os

from actors.compiler.toolchain import SummariseJob, Summary
from actors.compiler.toolchains import Toolchains
from actors.diagnostics import SourceError
from actors.disk import Disk
from actors.hasher.source import MAX_BYTES
from actors.messages import MemorySource
from orchestrator.errors import ProjectError
from orchestrator.sources import Sources


class ReachedFiles:
    """The files that were reached, with the modules in memory that hide some of them."""

    def __init__(self, files: tuple[MemorySource, ...], over: Sources) -> None:
        self._merged = {file.path: file for file in (*files, *over.frozen())}
        self.revision = hash(tuple((path, file.data) for path, file in sorted(self._merged.items())))

    def frozen(self) -> tuple[MemorySource, ...]:
        return tuple(self._merged[path] for path in sorted(self._merged))


def reached_files(folder: str, entry: str, toolchains: Toolchains, disk: Disk) -> tuple[MemorySource, ...]:
    """Returns the entry and all files that it reaches, as they are now, sorted by path. `folder` is absolute, `entry`
    relative to it.

    Raises ProjectError if the entry cannot be read; the build reports what is wrong with the others.
    """
    texts: dict[str, bytes] = {}
    looked: set[str] = set()
    waiting = [entry]
    while waiting:
        path = waiting.pop()
        try:
            data = disk.read(os.path.join(folder, path), MAX_BYTES)
        except OSError as error:
            if path == entry:
                why = error.strerror or str(error)
                raise ProjectError(f"`{os.path.join(folder, entry)}` cannot be read: {why}") from error
            continue
        texts[path] = data
        summary = _summary(path, data, toolchains)
        for candidate in sorted(_candidates(summary, toolchains.extensions)) if summary else ():
            if candidate not in looked and candidate not in texts:
                looked.add(candidate)
                if disk.is_regular(os.path.join(folder, candidate)):
                    waiting.append(candidate)
    return tuple(MemorySource(path=path, data=data) for path, data in sorted(texts.items()))


def _summary(path: str, data: bytes, toolchains: Toolchains) -> Summary | None:
    try:
        source = toolchains.normalise(path, data)
    except SourceError:
        return None
    job = SummariseJob(module=path.rpartition(".")[0], path=path, source=source)
    return toolchains.of(path).summarise(job).summary


def _candidates(summary: Summary, extensions: tuple[str, ...]) -> set[str]:
    """Returns every file that a path in the module may mean."""
    paths = {use.path for use in summary.uses}
    # A name may continue what a `use` introduced: `use a as m; m::b::f()`.
    aliases = {use.alias: use.path for use in summary.uses if use.alias}
    globs = [use.path for use in summary.uses if use.glob]
    for name in summary.names:
        parts = tuple(name.name.split("::"))
        if len(parts) > 1:
            paths.add(parts)
            paths.update((*glob, *parts) for glob in globs)
            if parts[0] in aliases:
                paths.add((*aliases[parts[0]], *parts[1:]))
    rooted = [path if path[0] else path[1:] for path in paths]
    modules = {"/".join(path[:length]) for path in rooted for length in range(1, len(path) + 1)}
    return {f"{module}{tail}" for module in modules for end in extensions for tail in (end, f"/mod{end}")}
