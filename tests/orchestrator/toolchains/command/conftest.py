"""The C library is built before the first test of C, because that takes half a minute. A lock sees to it that one
process does so, and it is kept for later runs."""

from __future__ import annotations

from orchestrator.toolchains.c.compilers import find
from orchestrator.toolchains.c.libraries import library
from orchestrator.toolchains.programs import ChildPrograms


def pytest_collection_finish() -> None:
    compiler = find("")
    assert compiler is not None, "there is no C compiler: `make .venv/.installed-dev` installs one"
    library(compiler, ChildPrograms(), cxx=False)
