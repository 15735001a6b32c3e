"""The examples of the checker's codes: the wrong one gives the code, the right one gives no error."""

import pytest

from orchestrator.codes import all_codes
from tests.orchestrator.toolchains.ruchy.check.checking import check_text

CODES = all_codes()

# These take two modules, or many lines: see test_check_modules.py, test_check_instances.py, test_hostile_sources.py,
# test_ruchy_limits.py.
ELSEWHERE = {"E0293", "E0507", "E0219", "E0220", "E0221", "E0222"}
PREFIXES = ("E01", "E02", "E03", "E04", "E06")
MINE = sorted(code for code in CODES if code[:3] in PREFIXES or code in ("E0720", "W0003", "W0004", "W0005"))


@pytest.mark.parametrize("code", [code for code in MINE if code not in ELSEWHERE])
def test_example(code):
    wrong = check_text(CODES[code].wrong)
    assert code in {one.code for one in [*wrong.diagnostics, *wrong.warnings]}
    right = check_text(CODES[code].right)
    assert right.diagnostics == []
    assert code not in {one.code for one in right.warnings}
