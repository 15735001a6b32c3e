"""The registry of Ruchy's diagnostic codes. Those of the engine (`actors.codes`) are reported here too, where they mean
the same: E0801 to E0803, E0901, E0903. No code changes its meaning.

| range | kind | file |
|---|---|---|
| E0001-E0099 | syntax | `syntax.py` |
| E0101-E0199 | name | `names.py` |
| E0201-E0299 | type | `types.py` |
| E0240-E0249 | type | `widths.py` |
| E0260-E0263, E0265, E0280-E0286 | type | `enums.py` |
| E0264-E0268, E0287 | type | `traits.py` |
| E0270-E0275, E0607 | type, duplicate | `patterns.py` |
| E0297-E0299 | type | `closures.py` |
| E0301-E0399, E0401-E0499 | arity, return | `calls.py` |
| E0507-E0599 | import | `imports.py` |
| E0601-E0699 | duplicate | `duplicates.py` |
| E0701-E0799 | unsupported | `unsupported.py` |
| E0812-E0813 | project | `project.py` |
| W0001-W0999 | warning | `warnings.py` |
"""

from __future__ import annotations

from actors.codes import Code
from orchestrator.toolchains.ruchy.codes import (
    calls,
    closures,
    duplicates,
    enums,
    imports,
    names,
    patterns,
    project,
    syntax,
    traits,
    types,
    unsupported,
    warnings,
    widths,
)

CODES: dict[str, Code] = {
    **syntax.CODES,
    **names.CODES,
    **types.CODES,
    **widths.CODES,
    **enums.CODES,
    **patterns.CODES,
    **calls.CODES,
    **closures.CODES,
    **imports.CODES,
    **duplicates.CODES,
    **traits.CODES,
    **unsupported.CODES,
    **project.CODES,
    **warnings.CODES,
}
