"""The options of clang for one module."""

from __future__ import annotations

import os
from collections.abc import Mapping

from orchestrator.toolchains.c.options import COptions

CXX = (".cc", ".cpp", ".cxx")
"""The extensions of C++."""

PROFILES = {
    "release": ("-O2",),
    "": ("-O1", "-g", "-gdwarf-4", "-gno-column-info"),
}
"""Options by profile, "" for all others. Columns are left out of objects, because a comment would move them."""

QUIET = ("-fno-caret-diagnostics", "-fno-color-diagnostics", "-fdiagnostics-print-source-range-info")

_WITH_FOLDER = ("-I", "-isystem", "-iquote", "-idirafter")


def is_cxx(path: str) -> bool:
    """Whether a file is C++."""
    return path.endswith(CXX)


def project_flags(chosen: COptions, job_options: Mapping[str, str], path: str, *, project: str, root: str) -> list[str]:
    """The options of the project's settings. Folders in them are relative to the project's folder; the compiler runs in
    the source root."""
    flags = list(PROFILES.get(job_options.get("profile", ""), PROFILES[""]))
    plus = is_cxx(path)
    standard = [flag for flag in chosen.standard if ("++" in flag) == plus]
    flags += [f"-std={flag}" for flag in standard[-1:]]
    flags += [f"-I{placed(folder, project, root)}" for folder in chosen.include]
    flags += [f"-D{macro}" for macro in chosen.define]
    at = 0
    while at < len(chosen.flags):
        flag = chosen.flags[at]
        after = chosen.flags[at + 1 : at + 2]
        if flag in _WITH_FOLDER and after:
            flags += [flag, placed(after[0], project, root)]
            at += 2
            continue
        kind = next((option for option in _WITH_FOLDER if flag.startswith(option) and flag != option), "")
        flags.append(f"{kind}{placed(flag[len(kind) :], project, root)}" if kind else flag)
        at += 1
    return flags


def placed(folder: str, project: str, root: str) -> str:
    """A folder or file that a setting names, as the compiler finds it."""
    if os.path.isabs(folder) or not root:
        return folder
    return os.path.relpath(os.path.join(project or root, folder), root)


def search_path(flags: list[str]) -> list[str]:
    """The folders that these options add to the search path, in their order."""
    folders: list[tuple[int, str]] = []
    for at, flag in enumerate(flags):
        for rank, kind in enumerate(("-iquote", "-I", "-isystem", "-idirafter")):
            if flag == kind and at + 1 < len(flags):
                folders.append((rank, flags[at + 1]))
            elif flag.startswith(kind) and flag != kind:
                folders.append((rank, flag[len(kind) :]))
    return [folder for _, folder in sorted(folders, key=lambda pair: pair[0])]


def portable(root: str, library: str) -> list[str]:
    """Options that keep the places of folders out of objects."""
    return [f"-ffile-prefix-map={root}=.", f"-ffile-prefix-map={library}=/c", "-fdebug-compilation-dir=."]
