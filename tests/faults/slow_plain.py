"""The plain language, compiled slowly and at no cost: so that there is time to be killed in. Worker processes find it
by name: `tests.faults.slow_plain:SlowPlain`."""

from __future__ import annotations

import time

from actors.compiler.toolchain import Compiled, CompileJob
from orchestrator.testing.toolchain import PlainToolchain

SECONDS = 0.004


class SlowPlain(PlainToolchain):
    def compile(self, job: CompileJob) -> Compiled:
        time.sleep(SECONDS)
        return super().compile(job)
