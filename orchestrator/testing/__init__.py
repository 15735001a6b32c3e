"""Fakes, faults, oracles and the explorer of schedules: what tests of Wasmill use, and tests of programs with it.

The explorer is also a distribution of its own, `wasmill-schedules`, made of the same files (configs/wasmill-schedules).
Where that is installed, `orchestrator.testing.schedules` is another name of it. Otherwise there would be two of each
class, and a scope of one would not know the schedule of the other.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType

_OURS = "orchestrator.testing.schedules"
_THEIRS = "wasmill_schedules"


class _OtherName(MetaPathFinder, Loader):
    """Finds a module of the explorer under the name it has in its own distribution."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: object = None) -> ModuleSpec | None:
        if fullname != _OURS and not fullname.startswith(_OURS + "."):
            return None
        module = import_module(_THEIRS + fullname.removeprefix(_OURS))
        return ModuleSpec(fullname, self, is_package=hasattr(module, "__path__"), loader_state=module.__spec__)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return import_module(_THEIRS + spec.name.removeprefix(_OURS))

    def exec_module(self, module: ModuleType) -> None:
        """It has been executed. The import has given it this name's spec: give back its own."""
        assert module.__spec__ is not None
        module.__spec__ = module.__spec__.loader_state


if find_spec(_THEIRS) is not None:
    sys.meta_path.insert(0, _OtherName())
