"""Imports everything that a build or a run may need, once, before the server forks."""

from __future__ import annotations

import gc
import os
import sys
from importlib import import_module

import anyio

from orchestrator.config import Config
from orchestrator.looked import own_files
from orchestrator.toolchains.locate import package_folders

MODULES = (
    "orchestrator.api",
    "orchestrator.cli.build",
    "orchestrator.cli.parser",
    "orchestrator.cli.run",
    "orchestrator.cli.told",
    "orchestrator.running",
    "anyio._core._signals",
    "wasmtime",
    "shutil",
    "tempfile",
    "difflib",
    "tomllib",
)


def preload(config: Config) -> list[str]:
    """Imports, and returns the paths whose change makes a server another version."""
    for name in MODULES:
        import_module(name)
    config.toolchains.identity()  # forks inherit what it has read
    anyio.run(anyio.sleep, 0)  # imports the backend
    # Frozen objects are never visited by the collector. A visit writes into each of them, and so every fork would copy
    # the pages that it shares with the server.
    gc.collect()
    gc.freeze()
    return sorted({*_program_files(), *own_files(), *config.toolchains.files(), *package_folders()})


def _program_files() -> list[str]:
    """Returns the source files of Wasmill, also of what is imported later."""
    homes = [os.path.dirname(os.path.abspath(str(sys.modules[name].__file__))) for name in ("actors", "orchestrator")]
    return [
        os.path.join(folder, name)
        for home in homes
        for folder, _, names in os.walk(home)
        for name in names
        if name.endswith(".py")
    ]
