"""The registry of diagnostic codes. Each code that a diagnostic carries is a key of `CODES`; none changes meaning.

| range | kind | file |
|---|---|---|
| E0001-E0099 | syntax | `syntax.py` |
| E0101-E0199 | name | `names.py` |
| E0201-E0299 | type | `types.py` |
| E0240-E0249 | type | `widths.py` |
| E0301-E0399, E0401-E0499 | arity, return | `calls.py` |
| E0501-E0599 | import | `imports.py` |
| E0601-E0699 | duplicate | `duplicates.py` |
| E0701-E0799 | unsupported | `unsupported.py` |
| E0801-E0899 | project | `project.py` |
| E0901-E0999 | internal | `internal.py` |
| W0001-W0999 | warning | `warnings.py` |
"""

from __future__ import annotations

from orchestrator.toolchains.ruchy.codes import (
    calls,
    duplicates,
    imports,
    internal,
    names,
    project,
    syntax,
    types,
    unsupported,
    warnings,
    widths,
)
from orchestrator.toolchains.ruchy.codes.entry import Code, Kind

__all__ = ["CODES", "Code", "Kind"]

CODES: dict[str, Code] = {
    **syntax.CODES,
    **names.CODES,
    **types.CODES,
    **widths.CODES,
    **calls.CODES,
    **imports.CODES,
    **duplicates.CODES,
    **unsupported.CODES,
    **project.CODES,
    **internal.CODES,
    **warnings.CODES,
}
