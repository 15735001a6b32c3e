"""What a C file says about itself. Nothing so far: its names are the linker's."""

from __future__ import annotations

from actors.compiler.toolchain import Summarised, SummariseJob, Summary


def summarise(job: SummariseJob) -> Summarised:
    """The summary of a C file."""
    return Summarised(summary=Summary())
