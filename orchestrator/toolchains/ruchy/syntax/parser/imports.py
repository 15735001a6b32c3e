"""Imports in all their spellings: each becomes a `UseItem`."""

from __future__ import annotations

from orchestrator.toolchains.ruchy.syntax.literals import string_value
from orchestrator.toolchains.ruchy.syntax.parser.cursor import NESTING, Cursor
from orchestrator.toolchains.ruchy.syntax.std import is_built_in
from orchestrator.toolchains.ruchy.syntax.tree import UseItem, UseName

_Segments = tuple[str, ...]


def parse_import(c: Cursor, start: int, public: bool) -> UseItem:
    """`use a::{b, c as d}`, `import a.b`, `import "path"`, `import {a} from "m"`, `from a import b, c`."""
    kind = c.kinds[c.at]
    c.at += 1
    names: list[UseName] = []
    if kind == "from":
        _parse_from_import(c, names)
    elif kind == "import" and c.kinds[c.at] == "{":
        _parse_braced_import(c, names)
    elif kind == "import" and c.kinds[c.at] == "string":
        at = c.at
        path = _parse_file_path(c)
        names.append(UseName(at, path, _parse_alias(c, path[-1])))
    else:
        _parse_use_tree(c, (), names, ("::", ".") if kind == "import" else ("::",))
    c.at += c.kinds[c.at] == ";"
    kept = [one for one in names if not is_built_in(one.path)]
    built_in = [name for name in names if is_built_in(name.path)] if len(kept) < len(names) else []
    return UseItem(start, kept, public, start, c.at, built_in)


def _parse_file_path(c: Cursor) -> _Segments:
    """`"./shapes/circle.ruchy"` as the module it names."""
    text = string_value(c.texts[c.at])
    path = tuple(part for part in text.removesuffix(".ruchy").split("/") if part not in ("", "."))
    if not path or ".." in path:
        c.fail("E0001", f"`{text}` names no module", hint="paths count from the source root")
    c.at += 1
    return path


def _parse_alias(c: Cursor, name: str) -> str:
    if c.kinds[c.at] != "as":
        return name
    c.at += 1
    return c.name("the import")


def _parse_module_path(c: Cursor) -> _Segments:
    """The module of `from a.b import ...`: names, or a string."""
    if c.kinds[c.at] == "string":
        return _parse_file_path(c)
    path = [c.name("a module")]
    while c.kinds[c.at] in ("::", "."):
        c.at += 1
        path.append(c.name("a module"))
    if len(path) >= NESTING:
        c.fail("E0803", f"a path of more than {NESTING} parts", hint="flatten the folders")
    return tuple(path)


def _parse_from_import(c: Cursor, names: list[UseName]) -> None:
    module = _parse_module_path(c)
    c.expect("import", "behind the module")
    bracket = c.kinds[c.at] in ("(", "{")
    opened = c.at
    c.at += bracket
    while True:
        at = c.at
        if c.kinds[at] == "*":
            c.at += 1
            names.append(UseName(at, module, "", True))
        else:
            name = c.name("an item")
            names.append(UseName(at, (*module, name), _parse_alias(c, name)))
        if c.kinds[c.at] != ",":
            break
        c.at += 1
    if bracket:
        c.close(")" if c.kinds[opened] == "(" else "}", opened)


def _parse_braced_import(c: Cursor, names: list[UseName]) -> None:
    opened = c.at
    c.at += 1
    imported: list[tuple[int, str, str]] = []
    while c.kinds[c.at] != "}":
        at = c.at
        name = c.name("an item")
        imported.append((at, name, _parse_alias(c, name)))
        if c.kinds[c.at] != ",":
            break
        c.at += 1
    c.close("}", opened)
    if c.kinds[c.at] != "from":
        c.fail("E0001", f"expected `from` and a module, found {c.describe(c.at)}", after=True)
    c.at += 1
    module = _parse_module_path(c)
    names += [UseName(at, (*module, name), alias) for at, name, alias in imported]


def _parse_use_tree(c: Cursor, prefix: _Segments, names: list[UseName], separators: tuple[str, ...]) -> None:
    """One path, or a group of them in braces, behind `prefix`."""
    at, path = c.at, list(prefix)
    if c.kinds[at] == "::":
        c.at += 1
    while True:
        if c.kinds[c.at] == "*" and path:
            names.append(UseName(c.at, tuple(path), "", True))
            c.at += 1
            return None
        if c.kinds[c.at] == "{":
            return _parse_use_group(c, tuple(path), names, separators)
        at = c.at
        path.append(c.name("a module or an item"))
        if c.kinds[c.at] not in separators:
            break
        c.at += 1
    if len(path) > NESTING:
        c.fail("E0803", f"a path of more than {NESTING} parts", at, "flatten the folders")
    if path[-1] == "self" and len(path) > 1:
        path.pop()
    names.append(UseName(at, tuple(path), _parse_alias(c, path[-1])))
    return None


def _parse_use_group(c: Cursor, prefix: _Segments, names: list[UseName], separators: tuple[str, ...]) -> None:
    opened = c.at
    c.enter()
    c.at += 1
    while c.kinds[c.at] != "}":
        _parse_use_tree(c, prefix, names, separators)
        if c.kinds[c.at] != ",":
            break
        c.at += 1
    c.close("}", opened)
    c.depth -= 1
