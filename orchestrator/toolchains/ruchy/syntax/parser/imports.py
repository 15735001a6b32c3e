"""Imports in all their spellings: each becomes a `UseItem`."""

from __future__ import annotations

from orchestrator.toolchains.ruchy.syntax.literals import string_value
from orchestrator.toolchains.ruchy.syntax.parser.cursor import NESTING
from orchestrator.toolchains.ruchy.syntax.parser.statements import Statements
from orchestrator.toolchains.ruchy.syntax.tree import UseItem, UseName

Path = tuple[str, ...]


class Imports(Statements):
    def imported(self, start: int, public: bool) -> UseItem:
        """`use a::{b, c as d}`, `import a.b`, `import "path"`, `import {a} from "m"`, `from a import b, c`."""
        kind = self.kinds[self.at]
        self.at += 1
        names: list[UseName] = []
        if kind == "from":
            self._from_import(names)
        elif kind == "import" and self.kinds[self.at] == "{":
            self._import_from(names)
        elif kind == "import" and self.kinds[self.at] == "string":
            at = self.at
            path = self._file_path()
            names.append(UseName(at, path, self._alias(path[-1])))
        else:
            self._tree((), names, ("::", ".") if kind == "import" else ("::",))
        self.at += self.kinds[self.at] == ";"
        return UseItem(start, names, public, start, self.at)

    def _file_path(self) -> Path:
        """`"./shapes/circle.ruchy"` as the module it names."""
        text = string_value(self.texts[self.at])
        path = tuple(part for part in text.removesuffix(".ruchy").split("/") if part not in ("", "."))
        if not path or ".." in path:
            self.fail("E0001", f"`{text}` names no module", hint="paths count from the source root")
        self.at += 1
        return path

    def _alias(self, name: str) -> str:
        if self.kinds[self.at] != "as":
            return name
        self.at += 1
        return self.name("the import")

    def _module(self) -> Path:
        """The module of `from a.b import ...`: names, or a string."""
        if self.kinds[self.at] == "string":
            return self._file_path()
        path = [self.name("a module")]
        while self.kinds[self.at] in ("::", "."):
            self.at += 1
            path.append(self.name("a module"))
        if len(path) >= NESTING:
            self.fail("E0803", f"a path of more than {NESTING} parts", hint="flatten the folders")
        return tuple(path)

    def _from_import(self, names: list[UseName]) -> None:
        module = self._module()
        self.expect("import", "behind the module")
        bracket = self.kinds[self.at] in ("(", "{")
        opened = self.at
        self.at += bracket
        while True:
            at = self.at
            if self.kinds[at] == "*":
                self.at += 1
                names.append(UseName(at, module, "", True))
            else:
                name = self.name("an item")
                names.append(UseName(at, (*module, name), self._alias(name)))
            if self.kinds[self.at] != ",":
                break
            self.at += 1
        if bracket:
            self.close(")" if self.kinds[opened] == "(" else "}", opened)

    def _import_from(self, names: list[UseName]) -> None:
        opened = self.at
        self.at += 1
        found: list[tuple[int, str, str]] = []
        while self.kinds[self.at] != "}":
            at = self.at
            name = self.name("an item")
            found.append((at, name, self._alias(name)))
            if self.kinds[self.at] != ",":
                break
            self.at += 1
        self.close("}", opened)
        if self.kinds[self.at] != "from":
            self.fail("E0001", f"expected `from` and a module, found {self.describe(self.at)}", after=True)
        self.at += 1
        module = self._module()
        names += [UseName(at, (*module, name), alias) for at, name, alias in found]

    def _tree(self, prefix: Path, names: list[UseName], separators: tuple[str, ...]) -> None:
        """One path, or a group of them in braces, behind `prefix`."""
        at, path = self.at, list(prefix)
        if self.kinds[at] == "::":
            self.at += 1
        while True:
            if self.kinds[self.at] == "*" and path:
                names.append(UseName(self.at, tuple(path), "", True))
                self.at += 1
                return None
            if self.kinds[self.at] == "{":
                return self._group(tuple(path), names, separators)
            at = self.at
            path.append(self.name("a module or an item"))
            if self.kinds[self.at] not in separators:
                break
            self.at += 1
        if len(path) > NESTING:
            self.fail("E0803", f"a path of more than {NESTING} parts", at, "flatten the folders")
        if path[-1] == "self" and len(path) > 1:
            path.pop()
        names.append(UseName(at, tuple(path), self._alias(path[-1])))
        return None

    def _group(self, prefix: Path, names: list[UseName], separators: tuple[str, ...]) -> None:
        opened = self.at
        self.enter()
        self.at += 1
        while self.kinds[self.at] != "}":
            self._tree(prefix, names, separators)
            if self.kinds[self.at] != ",":
                break
            self.at += 1
        self.close("}", opened)
        self.depth -= 1
