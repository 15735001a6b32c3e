"""Prints the warnings of an unchanged build again. The quick answer (`uptodate.py`) imports this only if there are
warnings, so nothing here may import slow modules."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from zlib import crc32

from orchestrator.report.diagnostics import render_all
from orchestrator.report.paths import here
from orchestrator.report.terminal import Style

TYPE_CHECKING = False
if TYPE_CHECKING:
    from actors.diagnostics import Diagnostic

FIELD, RECORD = "\x1f", "\x1e"


def told(data: bytes, root: bytes) -> str:
    """Returns the text of the warnings in a snapshot's front (`snapshot.warnings_of`), for the sources under `root`.
    Raises ValueError if the bytes are not those that were written."""
    if int.from_bytes(data[:4], "little") != crc32(data[4:]):
        raise ValueError("damaged")
    names, *rows = [row.split(FIELD) for row in data[4:].decode("utf-8", "surrogateescape").split(RECORD)]
    warnings = [_diagnostic(names, row) for row in rows]
    return render_all(warnings, Style.of(sys.stderr), here(root.decode("utf-8", "surrogateescape")))


def _diagnostic(names: list[str], row: list[str]) -> Diagnostic:
    values = {name: int(value[1:]) if value[:1] == "#" else value[1:] for name, value in zip(names, row, strict=True)}
    return SimpleNamespace(**values)  # type: ignore[return-value]  # the same fields
