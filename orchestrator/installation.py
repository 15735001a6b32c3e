"""Files of Wasmill itself that a build depends on."""

from __future__ import annotations

import os

from actors.planner import keys


def own_files() -> list[str]:
    """What each snapshot stamps of Wasmill itself: `wasmill build` believes none that does not name its own file
    (`cli/uptodate.py`); and where the schema of manifests is written."""
    here = os.path.dirname(os.path.abspath(__file__))
    return [os.path.join(here, "cli", "uptodate.py"), os.path.abspath(keys.__file__)]
