"""Imports that nothing uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.toolchains.ruchy.syntax import tree
from orchestrator.toolchains.ruchy.syntax.lexer import words
from orchestrator.toolchains.ruchy.syntax.names import root_path

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from orchestrator.toolchains.ruchy.check.passes import Pass


def unused_imports(p: Pass, statements: Sequence[tree.Stmt], bindings: Collection[tuple[str, str]]) -> None:
    """W0002 for every imported name that no lookup went through: `bindings` has all that did, as (scope, name). `pub
    use` hands a name on, which is a use."""
    _unused_built_in(p, statements)
    imports = list(_imports(statements, ""))
    aliases = {imported.alias for _, imported, _ in imports}
    plain = [key for key in bindings if key[1] not in aliases and "::" not in key[1]]
    globs = [prefix for scope, imported, _ in imports if imported.glob for prefix in _prefixes(p, imported, scope)]
    handed_on = any(not _meaning(p, key).startswith(tuple(globs)) for key in plain)
    for scope, imported, public in imports:
        if public:
            continue
        if imported.glob:
            prefixes = tuple(_prefixes(p, imported, scope))
            # what comes through a re-export has another path, and could come from any of the globs
            used = handed_on or any(_meaning(p, key).startswith(prefixes) for key in bindings)
        else:
            used = _used(bindings, imported.alias, scope)
        if not used:
            name = "::".join(imported.path) + ("::*" if imported.glob else "")
            p.warn("W0002", imported.at, f"`{name}` is imported and never used", "remove the import")


_TRAITS = words(
    """Display Debug Write Read BufRead FromStr Iterator IntoIterator Hash Hasher From Into TryFrom TryInto Add Sub Mul
    Div Neg Rem Index IndexMut Deref DerefMut AddAssign SubAssign MulAssign DivAssign PartialEq Eq PartialOrd Ord
    Default Clone Copy Borrow AsRef FromIterator Extend Not prelude fmt"""
)
"""Names of `std` that are imported for what comes with them, and need not occur."""


def _unused_built_in(p: Pass, statements: Sequence[tree.Stmt]) -> None:
    """The same for names that are there without an import, of which lookups know nothing: whether they occur."""
    summary = p.module.job.summary
    imported = [import_ for node in statements if isinstance(node, tree.UseItem) for import_ in node.built_in]
    if summary is None or not imported:
        return
    names = {name for item in summary.items for name in item.names}.union([import_.name for import_ in summary.names])
    occurring = {segment for name in names for segment in name.split("::")}
    for import_ in imported:
        if not import_.glob and import_.alias not in occurring and import_.path[-1] not in _TRAITS:
            p.warn("W0002", import_.at, f"`{'::'.join(import_.path)}` is imported and never used", "remove the import")


def _imports(statements: Sequence[tree.Stmt], scope: str) -> Iterator[tuple[str, tree.UseName, bool]]:
    for node in statements:
        if isinstance(node, tree.Mod) and node.items:
            yield from _imports(node.items, f"{scope}::{node.name}" if scope else node.name)
        elif isinstance(node, tree.UseItem):
            for imported in node.names:
                yield scope, imported, node.public


def _used(bindings: Collection[tuple[str, str]], alias: str, scope: str) -> bool:
    return any(
        (where == scope or where.startswith(f"{scope}::") or not scope)
        and (name == alias or name.startswith(f"{alias}::"))
        for where, name in bindings
    )


def _meaning(p: Pass, key: tuple[str, str]) -> str:
    binding = p.module.bindings[key]
    return f"{binding.module.replace('/', '::')}::{binding.item}"


def _prefixes(p: Pass, imported: tree.UseName, scope: str) -> Iterator[str]:
    """How the meanings begin that a glob gives: its path, from the source root or from an inline module around it."""
    path = "::".join(root_path(imported.path, p.module.name, scope)).removeprefix("::")
    yield f"{path}::"
    here = p.module.name.replace("/", "::")
    yield f"{here}::{path}::"
    while scope:
        yield f"{here}::{scope}::{path}::"
        scope = scope.rpartition("::")[0]
