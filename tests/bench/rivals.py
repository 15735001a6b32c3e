"""ninja, make, doit and SCons on the same shape of work: as many files with the same imports, each "compiled" by `cp`,
after those that it imports; a program that depends on all. So what is measured is orchestration alone, where ours
compiles.

doit and SCons keep digests of file contents, ninja and make believe modification times.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.bench import projects

DOIT_MOST = 1_000
"""doit takes a second to find nothing changed in 10,000 files, and minutes to build them."""
SCONS_MOST = 1_000
"""SCons reads its whole graph with Python at each start."""


class Rival:
    """`write` makes its build file in a folder of sources, `command` builds there."""

    def __init__(self, name: str, command: list[str], write: Callable[[Path, int], None], most: int = 10**9) -> None:
        self.name = name
        self.command = command
        self.most = most
        self._write = write

    def prepare(self, folder: Path, count: int, functions: int) -> None:
        """The sources, the build file, and the first build."""
        projects.generate(folder, count, functions)
        (folder / "out").mkdir()
        self._write(folder, count)
        self.build(folder)

    def build(self, folder: Path) -> None:
        subprocess.run(
            self.command, cwd=folder, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=1800
        )


def installed() -> tuple[list[Rival], list[str]]:
    """Those that are here, and the names of those that are not."""
    there, missing = [], []
    for rival, present in (
        (Rival("ninja", ["ninja"], write_ninja), shutil.which("ninja") is not None),
        (Rival("make", ["make", "-s", "-j2"], write_make), shutil.which("make") is not None),
        (Rival("doit", [sys.executable, "-m", "doit", "-v0"], write_doit, DOIT_MOST), _importable("doit")),
        (Rival("scons", [sys.executable, "-m", "SCons", "-s", "-j2"], write_scons, SCONS_MOST), _importable("SCons")),
    ):
        if present:
            there.append(rival)
        else:
            missing.append(rival.name)
    return there, missing


def _importable(name: str) -> bool:
    return subprocess.run([sys.executable, "-c", f"import {name}"], capture_output=True, check=False).returncode == 0


def _edges(count: int) -> Iterator[tuple[str, str, list[str]]]:
    """Output, source, and the outputs of what is imported."""
    for index in range(count):
        after = [f"out/m{one}" for one in projects.imports_of(index, count)]
        yield f"out/m{index}", f"{projects.path_of(index)}.ruchy", after


def write_ninja(folder: Path, count: int) -> None:
    lines = ["rule cp", "  command = cp $from $out", "rule touch", "  command = touch $out"]
    for output, source, after in _edges(count):
        lines += [f"build {output}: cp {source} | {' '.join(after)}".rstrip(" |"), f"  from = {source}"]
    lines.append(f"build program: touch {' '.join(f'out/m{index}' for index in range(count))}")
    (folder / "build.ninja").write_text("\n".join(lines) + "\n")


def write_make(folder: Path, count: int) -> None:
    lines = ["MAKEFLAGS += -rR", f"program: {' '.join(f'out/m{index}' for index in range(count))}", "\ttouch $@"]
    for output, source, after in _edges(count):
        lines += [f"{output}: {source} {' '.join(after)}".rstrip(), f"\tcp {source} $@"]
    (folder / "Makefile").write_text("\n".join(lines) + "\n")


_DODO = """\
EDGES = {edges}


def task_compile():
    for output, source, after in EDGES:
        yield {{
            "name": output,
            "file_dep": [source, *after],
            "targets": [output],
            "actions": [["cp", source, output]],
        }}


def task_link():
    return {{"file_dep": [edge[0] for edge in EDGES], "targets": ["program"], "actions": [["touch", "program"]]}}
"""


def write_doit(folder: Path, count: int) -> None:
    (folder / "dodo.py").write_text(_DODO.format(edges=list(_edges(count))))


_SCONSTRUCT = """\
EDGES = {edges}
env = Environment(tools=[])
for output, source, after in EDGES:
    env.Depends(env.Command(output, source, "cp $SOURCE $TARGET"), after)
Default(env.Command("program", [edge[0] for edge in EDGES], "touch $TARGET"))
"""


def write_scons(folder: Path, count: int) -> None:
    (folder / "SConstruct").write_text(_SCONSTRUCT.format(edges=list(_edges(count))))
