"""What a Ruchy module says about itself, for the planner: its items, imports and names.

Bodies of functions are stepped over, not parsed: only the outline is. A module whose outline cannot be read, or whose
brackets do not match, is parsed in full for its errors. Where a summary of an earlier text is at hand, only what has
changed since is read (`again.py`); everything else takes the whole text (`whole.py`).
"""

from __future__ import annotations

from actors.compiler.toolchain import Summarised, SummariseJob
from orchestrator.toolchains.ruchy.summary.again import summarise_again
from orchestrator.toolchains.ruchy.summary.whole import summarise_whole


def summarise(job: SummariseJob) -> Summarised:
    """The summary of a module, or the errors that prevent one. `job.source` is normalised, so it is UTF-8. The answer
    does not depend on `job.before`."""
    source = job.source.decode()
    if job.before is not None:
        summary = summarise_again(job.module, source, job.before)
        if summary is not None:
            return Summarised(summary=summary)
    return summarise_whole(job, source)
