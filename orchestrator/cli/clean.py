"""`wasmill clean`: remove the programs that builds of this project wrote, and nothing else."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from contextlib import suppress

from actors.disk import RealDisk
from actors.keeper.publish import read_list
from orchestrator.cli.arguments import add_path, add_quiet, folder
from orchestrator.cli.output import Output
from orchestrator.config import inside, load
from orchestrator.errors import FileError
from orchestrator.report.paths import from_here
from orchestrator.report.terminal import shown
from orchestrator.wasm.leb import MAGIC

SUMMARY = "Remove the programs that builds of this project wrote."

DETAILS = """\
Every build keeps a list of the files it wrote; only those are removed, and the output folder
where that leaves it empty. The cache stays, so the next build compiles nothing:
`wasmill cache clear` is for that.

exit codes: 0 done, 2 wrong usage or configuration, 3 a file cannot be removed
"""


def configure(parser: ArgumentParser) -> None:
    add_path(parser)
    add_quiet(parser)


def execute(arguments: Namespace, output: Output) -> int:
    config = load(folder(arguments))
    files = written(config.outputs_list)
    removed = []
    home = os.path.realpath(config.project)
    for file in files:
        real = os.path.realpath(file)
        if real != file and not inside(real, home):
            output.say(f"left alone, because a link leads out of the project: {shown(from_here(file))}")
        elif is_foreign(file):
            output.say(f"left alone, because it is no program: {shown(from_here(file))}")
        elif _remove(file):
            output.say(f"removed {shown(from_here(file))}")
            removed.append(file)
    if not removed:
        output.say("nothing to remove")
    if files:
        _remove(config.outputs_list)
    for place in {os.path.dirname(file) for file in removed} - {config.project, config.root}:
        with suppress(OSError):  # it contains files of others
            os.rmdir(place)
    return 0


def written(listing: str) -> list[str]:
    """Returns the absolute paths on the list of written files; none if there is no list or it is damaged."""
    return [file for file in read_list(RealDisk(), listing) if _is_place(file)]


def _is_place(file: object) -> bool:
    return isinstance(file, str) and os.path.isabs(file) and "\0" not in file


def is_foreign(file: str) -> bool:
    """Whether the path holds something that no build wrote. The list is in the cache, which may have been made by
    someone else: it must not cost users their own files."""
    if not file.endswith(".wasm") or os.path.islink(file):
        return True
    try:
        return not RealDisk().read(file, len(MAGIC)).startswith(MAGIC)
    except OSError:  # it is gone, or removing it will report what is wrong
        return False


def _remove(file: str) -> bool:
    """Removes a file; returns whether there was one. Raises FileError if it cannot be removed."""
    try:
        os.unlink(file)
    except FileNotFoundError:
        return False
    except OSError as wrong:
        raise FileError(f"`{file}` cannot be removed: {wrong.strerror or wrong}") from wrong
    return True
