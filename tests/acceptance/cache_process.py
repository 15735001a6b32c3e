"""One of several processes on one cache: `python -m tests.acceptance.cache_process FOLDER CACHE BACKEND`.

Builds, looks everything up from many tasks, and prints what it saw as JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import anyio

import orchestrator
from actors.events import CacheDegraded, EntryQuarantined
from tests.acceptance.cache_users import look_all_up


async def main(folder: str, cache: str) -> None:
    strange: list[str] = []

    def listen(event: Any) -> None:
        if isinstance(event, (CacheDegraded, EntryQuarantined)):
            strange.append(event.reason)

    async with orchestrator.open(folder, folder=cache, jobs=1) as project:
        project.listen(listen)
        result = await project.build()
        found = await look_all_up(project, sorted(file.stem for file in Path(folder).glob("*.ruchy")), tasks=5)  # noqa: ASYNC240
    said = {
        "success": result.success,
        "compiled": result.compiled_modules,
        "hits": result.cache_hits,
        "looked_up": {module: one and one.digest for module, one in found.items()},
        "strange": strange,
    }
    print(json.dumps(said))


if __name__ == "__main__":
    anyio.run(main, *sys.argv[1:3], backend=sys.argv[3])
