"""Inputs that only a compile discovers: which files each object was made from beside what its key covers, and whether
they are still the same.

They are facts about objects, not about modules: nobody knows them before the compile, so they enter no key. They are
stored with the object (its entry, and its row of the plan). An object may be used while all its inputs are the same,
the absent ones among them: then a compile would read the same again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from actors.compiler.inputs import portable
from actors.compiler.toolchain import Discovered
from actors.messages import InputFile
from actors.planner.plan import PlannedModule


class Inputs:
    """`files` has each input as it was when it was last read, in this build or in an earlier one. `of` has the inputs
    of modules' objects, for modules that this process compiled or found in the cache and that have any."""

    def __init__(self) -> None:
        self.files: dict[str, InputFile] = {}
        self.of: dict[str, tuple[Discovered, ...]] = {}
        self._read: set[str] = set()
        """Paths that were read in this build. An input is read once a build, so all modules see the same."""
        self._asked: set[str] = set()

    def forget(self) -> None:
        """A build is over: the next one reads inputs again, if their stamps changed."""
        self._read.clear()
        self._asked.clear()

    # ---- reading

    def recall(self, files: Iterable[InputFile]) -> None:
        """What an earlier process knew."""
        for file in files:
            self.files.setdefault(file.path, file)

    def unread(self, paths: Iterable[str]) -> set[str]:
        """Those of the paths that this build has not read."""
        return {path for path in paths if path not in self._read}

    def ask(self, paths: Iterable[str]) -> tuple[InputFile, ...]:
        """The files among the unread ones that were not asked for yet, with what is known of them."""
        new = sorted(self.unread(paths) - self._asked)
        self._asked.update(new)
        return tuple([self.files.get(path) or InputFile(path=path) for path in new])

    def learn(self, files: Iterable[InputFile]) -> None:
        """The files were read."""
        for file in files:
            self.files[file.path] = file
            self._read.add(file.path)

    # ---- comparing

    def same(self, recorded: Sequence[Discovered]) -> bool:
        """Whether all these inputs were read in this build, and are what they were."""
        return not recorded or all(
            one.path in self._read and self.files[one.path].digest == one.digest for one in recorded
        )

    def changed(self, recorded: Iterable[Discovered]) -> tuple[str, ...]:
        """The paths of those that are known to have changed, appeared or vanished."""
        return tuple([one.path for one in recorded if one.path in self._read and not self.same((one,))])

    def only_same(self, objects: Mapping[str, PlannedModule]) -> Mapping[str, PlannedModule]:
        """Those of the modules whose objects' inputs are the same."""
        if not self.files:  # No object has any.
            return objects
        return {module: planned for module, planned in objects.items() if self.same(planned.inputs)}

    def keep(self, module: str, recorded: tuple[Discovered, ...]) -> None:
        """The module's object is one that was made from these."""
        if recorded:
            self.of[module] = recorded
        else:
            self.of.pop(module, None)

    # ---- for the next build

    def recorded(self, modules: Mapping[str, PlannedModule]) -> tuple[InputFile, ...]:
        """All inputs of these modules' objects, by path. One that is not what an object was made from has neither
        digest nor stamp: so nothing can take it for unchanged."""
        digests: dict[str, set[str]] = {}
        for planned in modules.values():
            for one in planned.inputs:
                digests.setdefault(one.path, set()).add(one.digest)
        made = []
        for path, found in sorted(digests.items()):
            file = self.files.get(path) if path in self._read else None
            good = file is not None and found == {file.digest}
            made.append(file if file is not None and good else InputFile(path=path, digest=None))
        return tuple(made)


def as_recorded(found: Iterable[Discovered], root: str, project: str) -> tuple[Discovered, ...]:
    """What a compile discovered, as it is stored: paths as in `portable`, each once, sorted. Where a compile read one
    file twice and saw two contents, no digest is right, so the object is compiled again by the next build."""
    digests: dict[str, set[str]] = {}
    for one in found:
        digests.setdefault(portable(one.path, root, project), set()).add(one.digest)
    return tuple(
        [
            Discovered(path=path, digest=min(seen) if len(seen) == 1 else UNSTEADY)
            for path, seen in sorted(digests.items())
        ]
    )


UNSTEADY = "?"
"""The digest of an input that changed while one compile read it twice."""
