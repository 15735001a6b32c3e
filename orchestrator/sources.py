"""Modules in memory: for editors, services and tests that build without a disk, or on top of a folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping

from actors.messages import MemorySource


class Sources(MutableMapping[str, str]):
    """A mapping from a file's name, relative to the source root with `/` ("shapes/circle.ext"), to its text.

    It can be edited between builds; the next build sees the edit. On top of a folder, a module in memory hides the file
    with the same name until it is removed. Each build uses the texts as they were when it began.
    """

    def __init__(self, modules: Mapping[str, str] | None = None) -> None:
        self._texts: dict[str, str] = {}
        self.revision = 0
        """Incremented by every edit."""
        for name, text in (modules or {}).items():
            self[name] = text

    def __getitem__(self, name: str) -> str:
        return self._texts[name]

    def __setitem__(self, name: str, text: str) -> None:
        if not isinstance(name, str) or not isinstance(text, str):
            raise TypeError("names and texts of modules are strings")
        self._texts[name] = text
        self.revision += 1

    def __delitem__(self, name: str) -> None:
        del self._texts[name]
        self.revision += 1

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)

    def __repr__(self) -> str:
        return f"Sources({', '.join(sorted(self._texts))})"

    def frozen(self) -> tuple[MemorySource, ...]:
        """Returns the current texts. A text that is not valid Unicode (lone surrogates) becomes bytes that are not
        UTF-8, so that the build reports it with its place."""
        return tuple(
            MemorySource(path=name, data=text.encode("utf-8", "surrogatepass"))
            for name, text in sorted(self._texts.items())
        )
