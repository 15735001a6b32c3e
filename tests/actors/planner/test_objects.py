"""The objects that a build uses: of the last build, of the cache, and made."""

from __future__ import annotations

from actors.compiler.toolchain import Object
from actors.diagnostics import about_file
from actors.digests import digest
from actors.planner.run import MadeObject, Objects
from actors.planner.table import PlannedModule

WARNING = about_file("W0001", "mind", module="a", file="a.plain")
OLD, NEW = digest(b"old"), digest(b"new")
MADE = MadeObject("key", Object(data=b"new", functions=("f", "g"), warnings=(WARNING,)), NEW, 2.5)


def test_rows_of_the_last_build_are_kept() -> None:
    objects = Objects()
    row = PlannedModule(object=OLD, duration_ms=1.5, functions=3, warnings=(WARNING,))
    objects.keep({"a": row, "b": PlannedModule(object=NEW)})
    assert (objects.digests, objects.durations["a"], objects.functions["a"]) == ({"a": OLD, "b": NEW}, 1.5, 3)
    assert objects.warnings == {"a": (WARNING,)}
    assert objects.compilations == 0 and not objects.data


def test_what_was_made_stays_made_when_the_build_starts_again() -> None:
    objects = Objects()
    objects.add("a", MADE)
    assert (objects.digests, objects.data, objects.compilations) == ({"a": NEW}, {NEW: b"new"}, 1)
    objects.keep({})
    assert (objects.digests, objects.warnings, objects.data) == ({}, {}, {NEW: b"new"})
    assert not objects.use_made("a", "another key") and not objects.use_made("b", "key")
    assert objects.digests == {}
    assert objects.use_made("a", "key")
    assert (objects.digests, objects.functions, objects.durations) == ({"a": NEW}, {"a": 2}, {"a": 2.5})
    assert (objects.warnings, objects.compilations) == ({"a": (WARNING,)}, 1)
