"""What the names in a module mean, decided from summaries alone.

The one written order of precedence, for a plain name that occurs in some scope of a module:

1. items of the module itself, from the innermost inline module outwards (left to the toolchain);
2. names introduced by `use`, from the innermost inline module outwards;
3. globs, in the same order; two globs that both offer the name are an error where the name occurs;
4. builtins (left to the toolchain).

A path `a::b::c` starts at the name that its first segment is by these rules (that of an import: at an item of the
module itself), else at the source root: there the last segment is looked for first as an item of the module `a/b`,
then the whole as the module `a/b/c`, then shorter modules (`c` inside the inline module or type `b` of `a`).

For every name the table holds the winner *and the candidates that were looked for before it and found absent*, because
a new item or file among those would change the meaning without touching the module. A `Binding` with an empty `module`
says that nothing outside has the name, and lists the candidates.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import msgspec

from actors.compiler.toolchain import Binding, Item, Name, Summary, Use
from actors.diagnostics import Finding, bounded
from actors.digests import short

MOST_PARTS = 128
"""Parts of one path."""
MOST_HOPS = 128
"""Re-exports between a name and its item."""
HINTS = 20
"""The most imports of a module that get a hint of what may have been meant."""

_NOWHERE = ("", "", "")


class TextSpan(NamedTuple):
    line: int
    column: int
    length: int


class Target(NamedTuple):
    """Where a path leads. `module` "" where it leads nowhere: then `problem` says why. `via` are modules that were
    passed through on the way (re-exports)."""

    module: str
    item: str = ""
    rest: str = ""
    absent: tuple[str, ...] = ()
    via: tuple[str, ...] = ()
    problem: tuple[str, str, str] | None = None
    """Code, message, hint."""
    broken: str = ""
    """The module that decides could not be summarised; its own errors are reported."""


class Resolved(NamedTuple):
    """A module's resolution: the table sorted by (scope, name), the modules that it depends on, and what is wrong, by
    line. `looked_at` are the modules whose items were looked at on the way, in vain too: while the names and visibility
    of these items stay, and the files of the project, so does the resolution."""

    bindings: tuple[Binding, ...]
    imports: tuple[str, ...]
    findings: tuple[Finding, ...]
    looked_at: frozenset[str] = frozenset()


class Missing:
    """What was read and is not at hand. The reader gets an empty answer and goes on, so one pass finds everything that
    is missing.

    `count` moves with each such read. A function that computes something compares it before and after, and drops a
    result that was made of empty answers. `unsure` are such results that are needed more than once in the same pass."""

    def __init__(self) -> None:
        self.count = 0
        self.summaries: set[str] = set()
        self.inferences: set[str] = set()
        self.unsure: set[object] = set()

    def __bool__(self) -> bool:
        return bool(self.summaries or self.inferences)

    def summary(self, module: str) -> None:
        self.count += 1
        self.summaries.add(module)

    def inference(self, module: str) -> None:
        self.count += 1
        self.inferences.add(module)

    def again(self) -> None:
        """Somebody read a result that is `unsure`."""
        self.count += 1

    def clear(self) -> None:
        """Begins another pass. `count` goes on."""
        self.summaries.clear()
        self.inferences.clear()
        self.unsure.clear()


class Modules:
    """All modules of a project as resolution sees them: `paths` has each, `summaries` those that are at hand, with None
    for one that could not be summarised."""

    def __init__(
        self, summaries: Mapping[str, Summary | None], paths: Mapping[str, str], missing: Missing | None = None
    ) -> None:
        self.summaries = dict(summaries)
        self.paths = dict(paths)
        self.missing = Missing() if missing is None else missing
        self._items: dict[str, dict[str, Item]] = {}

    def summary(self, module: str) -> Summary | None:
        """The summary of a module of the project. None where it has none, or none at hand: that is then noted."""
        if module not in self.summaries:
            self.missing.summary(module)
            return None
        return self.summaries[module]

    def forget(self, module: str) -> Summary | None:
        """The module has another text, or is gone. Returns the summary it had."""
        self._items.pop(module, None)
        return self.summaries.pop(module, None)

    def items(self, module: str) -> dict[str, Item]:
        """A module's items by name; of two of one name the first."""
        items = self._items.get(module)
        if items is None:
            summary = self.summary(module)
            items = {}
            for item in summary.items if summary else ():
                items.setdefault(item.name, item)
            if module in self.summaries:
                self._items[module] = items
        return items

    def rooted(self, module: str, scope: str, path: tuple[str, ...]) -> tuple[str, ...]:
        """An import's path, counted from the source root: where it begins with an item of the importing module, there.
        An item that nothing can be inside of does not hide a file of its name. A path that begins with "" (`crate::`)
        says itself that it is counted from there; in the root of a program that is the file itself, so an inline module
        is meant where no file or folder has the name."""
        items, first = self.items(module), path[0]
        if not first and len(path) > 1:
            own = items.get(path[1])
            inline = len(path) > 2 and own is not None and own.kind == "module" and not self._is_folder(path[1])
            return (*module.split("/"), *path[1:]) if inline else path[1:]
        for outer in scopes(scope):
            item = items.get(f"{outer}::{first}" if outer else first)
            inside = item is not None and (len(path) > 1 or bool(item.members)) and not self._is_folder(first)
            if item is not None and (item.kind == "module" or inside):
                return (*module.split("/"), *(outer.split("::") if outer else ()), *path)
        return path

    def _is_folder(self, name: str) -> bool:
        return name in self.paths or any(known.startswith(f"{name}/") for known in self.paths)

    def locate(self, path: tuple[str, ...], *, asker: str, hint: bool = True) -> Target:
        """Follows a path from the source root, as the module `asker` may. Without `hint` nothing is said of what may
        have been meant instead, which takes a look at every name there is."""
        if len(path) > MOST_PARTS:
            shown = "::".join(path[:3])
            what = f"`{shown}::...` has {len(path)} parts; a path has at most {MOST_PARTS}"
            return Target("", problem=("E0803", what, "flatten the folders"))
        target = self._locate(path, asker, set(), 0)
        return target._replace(problem=self._missing(path, hint)) if target.problem == _NOWHERE else target

    def _locate(self, path: tuple[str, ...], asker: str, seen: set[tuple[str, ...]], hops: int) -> Target:
        """`seen` are the paths that were looked for already: each is followed once, however many re-exports offer it.
        `hops` counts the re-exports on the way here."""
        seen.add(path)
        absent: list[str] = []
        private: Target | None = None
        # The first candidate that leads somewhere decides. All before it are noted as absent, because any of them would
        # win if it appeared.
        for length in _prefix_lengths(len(path)):
            module = "/".join(path[:length])
            if module not in self.paths:
                absent.append(f"module {module}")
                continue
            if length == len(path):
                return Target(module, absent=tuple(absent))
            # A module without a summary might have the item, so no later candidate may decide.
            if self.summary(module) is None:
                return Target("", absent=tuple(absent), broken=module)
            target = self._inside(module, path[length:], asker, seen, hops)
            if target.module or target.broken:
                return target._replace(absent=(*absent, *target.absent))
            absent.extend(target.absent)
            # A private item does not end the search: it is reported only if no later candidate is there.
            if target.problem and target.problem[0] == "E0503":
                private = private or target
        if private is not None:
            return private._replace(absent=tuple(absent))
        return Target("", absent=tuple(absent), problem=_NOWHERE)

    def _inside(self, module: str, path: tuple[str, ...], asker: str, seen: set[tuple[str, ...]], hops: int) -> Target:
        """Looks for an item of `module`: the longest part of `path` that names one."""
        items = self.items(module)
        for length in range(len(path), 0, -1):
            name = "::".join(path[:length])
            item = items.get(name)
            if item is not None and (item.kind != "module" or length == len(path)):
                if not item.public and module != asker:  # inside of one file the toolchain checks this
                    return Target("", absent=(f"{module}::{name}",), problem=_private(name, module, item))
                return Target(module, name, "::".join(path[length:]))
        absent = (f"{module}::{'::'.join(path)}",)
        summary = self.summary(module)
        for use in summary.uses if summary else ():
            inner = tuple(use.scope.split("::")) if use.scope else ()
            below = path[len(inner) :]
            if not use.public or path[: len(inner)] != inner or not below:
                continue
            start = self.rooted(module, use.scope, use.path)
            further = (*start, *below) if use.glob else (*start, *below[1:]) if use.alias == below[0] else None
            if further is None or further in seen or hops == MOST_HOPS or len(further) > MOST_PARTS:
                continue
            target = self._locate(further, module, seen, hops + 1)
            if target.module or target.broken:
                return target._replace(absent=(*absent, *target.absent), via=(module, *target.via))
        return Target("", absent=absent)

    def _missing(self, path: tuple[str, ...], hint: bool) -> tuple[str, str, str]:
        """Code, message and hint for a path that leads nowhere."""
        written = "::".join(path)
        if path[0] == "std":
            return "E0505", f"there is no `{written}`: this target has no such part of `std`", "remove the import"
        for length in range(len(path) - 1, 0, -1):
            module = "/".join(path[:length])
            if module in self.paths:
                wanted = "::".join(path[length:])
                offered = [item.name for item in self.items(module).values() if item.public]
                shown = module.replace("/", "::")
                near = _nearest(wanted, offered, f"`{shown}` has ") if hint else ""
                return "E0502", f"there is no `{wanted}` in `{shown}`", near
        wanted = "/".join(path[:-1]) or path[0]
        near = _nearest(wanted, list(self.paths), "there are " if len(self.paths) > 1 else "") if hint else ""
        if hint and not near.startswith("did") and len(path) > 1:
            whole = _nearest("/".join(path), list(self.paths), "")
            near = whole if whole.startswith("did") else near
        return "E0501", f"there is no module `{wanted.replace('/', '::')}`", near.replace("/", "::")


def _prefix_lengths(count: int) -> Iterator[int]:
    """The last segment first as an item, then as a module, then shorter and shorter modules."""
    if count > 1:
        yield count - 1
    yield count
    yield from range(count - 2, 0, -1)


def _private(name: str, module: str, item: Item) -> tuple[str, str, str]:
    shown = module.replace("/", "::")
    return (
        "E0503",
        f"`{name}` is private in `{shown}`",
        f"write `pub` before it there (line {item.line}) to let others use it",
    )


def _nearest(wanted: str, offered: list[str], otherwise: str) -> str:
    """A hint: the closest existing name, else the first few that there are."""
    import difflib  # Slow to import, and only errors need it.

    close = difflib.get_close_matches(wanted, offered, n=1, cutoff=0.6)
    if close:
        return f"did you mean `{close[0]}`?"
    if not otherwise or not offered:
        return ""
    names = sorted(offered)
    return otherwise + ", ".join(f"`{name}`" for name in names[:5]) + (" ..." if len(names) > 5 else "")


def scopes(scope: str) -> Iterator[str]:
    """A scope and those around it, innermost first; "" is the module itself."""
    while scope:
        yield scope
        scope = scope.rpartition("::")[0]
    yield ""


class Resolver:
    """Resolves one module."""

    def __init__(self, modules: Modules, module: str) -> None:
        summary = modules.summary(module)
        assert summary is not None
        self.modules = modules
        self.module = module
        self.summary = summary
        self.own = modules.items(module)
        self.bindings: dict[tuple[str, str], Binding] = {}
        self.imports: set[str] = set()
        self.looked_at: set[str] = set()
        self.findings: list[Finding] = []
        self.aliases: dict[tuple[str, str], Use] = {}
        self.globs: dict[str, list[tuple[Use, Target]]] = {}

    def resolve(self) -> Resolved:
        for written in self.summary.uses:
            path = self.modules.rooted(self.module, written.scope, written.path)
            use = written if path is written.path else msgspec.structs.replace(written, path=path)
            self._glob(use) if use.glob else self._use(use)
        for name in self.summary.names:
            if (name.scope, name.name) not in self.bindings and not self._is_own(name.scope, name.name):
                self._name(name)
        self._refuse_files_of_inline_modules()
        self.imports.discard(self.module)
        return Resolved(
            tuple(self.bindings[key] for key in sorted(self.bindings)),
            tuple(sorted(self.imports)),
            bounded(self.findings),
            frozenset(self.looked_at | self.imports),
        )

    def _refuse_files_of_inline_modules(self) -> None:
        """One path, two modules: what it means would depend on who asks."""
        for item in self.own.values():
            file = f"{self.module}/{item.name.replace('::', '/')}" if item.kind == "module" else ""
            if file in self.modules.paths:
                what = f"`{file.replace('/', '::')}` is this inline module and the file `{self.modules.paths[file]}`"
                self._report("E0806", what, "keep one of them, or rename one", TextSpan(item.line, 0, 0))

    # ---- imports

    def _use(self, use: Use) -> None:
        """Binds the name that an import introduces. A name may be imported twice if both mean one thing."""
        key = (use.scope, use.alias)
        target = self._hidden(use, self._locate(use.path))
        place = TextSpan(use.line, use.column, use.length)
        if target.module == self.module and use.scope == "" and target.item in ("", use.alias):
            self._report_self_import(place)
            target = Target("")
        elif target.problem:
            self._report(*target.problem, place)
        earlier = self.bindings.get(key)
        if earlier is not None and not earlier.failed and target.module:
            if (earlier.module, earlier.item) != (target.module, target.item):
                self._ambiguous(
                    use.alias, [_written(earlier.module, earlier.item), _written(target.module, target.item)], place
                )
                self._bind(use.scope, use.alias, Target(""))
            return
        self.aliases[key] = use
        self._bind(use.scope, use.alias, target)

    def _hidden(self, use: Use, target: Target) -> Target:
        """What an import finds in an inline module of its own file: only `pub` items, but for those inside of it."""
        home = target.item.rpartition("::")[0]
        if target.module != self.module or not home or home in scopes(use.scope) or self.own[target.item].public:
            return target
        return Target("", problem=_private(target.item.rpartition("::")[2], home, self.own[target.item]))

    def _glob(self, use: Use) -> None:
        target = self._locate(use.path)
        place = TextSpan(use.line, use.column, use.length)
        if target.problem:
            self._report(*target.problem, place)
        elif target.module == self.module and use.scope == "" and not target.item:
            self._report_self_import(place)
        elif target.module or target.broken:
            self._depend(target)
            self.globs.setdefault(use.scope, []).append((use, target))

    # ---- names that occur

    def _name(self, name: Name) -> None:
        """Binds a name that occurs, and that no import introduces under this very name."""
        # In the order of precedence that the module's docstring has. A plain name comes from an import or a glob around
        # it. A path begins at an own item (the toolchain follows it), at an import, at the root (`::a`, whose first
        # segment is empty), at what a glob brings, or at the source root. What a glob did not have is noted as absent:
        # it would win if it appeared.
        first, _, rest = name.name.partition("::")
        place = TextSpan(name.line, name.column, len(name.name))
        if not rest:
            introduced = self._introduced(name.scope, name.name, place)
            if introduced is not None:
                self._bind(name.scope, name.name, introduced)
            return
        if self._is_own(name.scope, first):
            return
        use = next((self.aliases[scope, first] for scope in scopes(name.scope) if (scope, first) in self.aliases), None)
        if use is not None:
            if any(
                self.bindings[scope, first].failed for scope in scopes(name.scope) if (scope, first) in self.bindings
            ):
                self._bind(name.scope, name.name, Target(""))
                return
            target = self._locate((*use.path, *rest.split("::")))
        elif not first:
            target = self._locate(self.modules.rooted(self.module, "", tuple(name.name.split("::"))))
        else:
            globbed = self._from_globs(name.scope, tuple(name.name.split("::")), place)
            if globbed is not None and (globbed.module or globbed.broken):
                target = globbed
            else:
                target = self._locate(tuple(name.name.split("::")))
                if globbed is not None:
                    target = target._replace(absent=(*globbed.absent, *target.absent))
        if target.problem and name.optional:
            target = target._replace(problem=None)
        elif target.problem:
            self._report(*target.problem, place)
        self._bind(name.scope, name.name, target)

    def _introduced(self, scope: str, name: str, place: TextSpan) -> Target | None:
        """What a plain name means by `use` or a glob; None where no glob could have had it either."""
        for outer in scopes(scope):
            bound = self.bindings.get((outer, name))
            if bound is not None and bound.failed:
                return Target("")
            if bound is not None and (outer, name) in self.aliases:
                return Target(bound.module, bound.item, bound.rest, bound.absent)
        return self._from_globs(scope, (name,), place)

    def _from_globs(self, scope: str, path: tuple[str, ...], place: TextSpan) -> Target | None:
        """What the globs around `scope` offer for a path, innermost scope first."""
        absent: list[str] = []
        looked = False
        for outer in scopes(scope):
            offers: dict[tuple[str, str], Target] = {}
            for use, glob in self.globs.get(outer, ()):
                looked = True
                if glob.broken:
                    return Target("", broken=glob.broken)
                members = self._members(glob)
                target = self._locate((*use.path, *path), asker=None if members else "", hint=False)
                if target.module and target.item and (not glob.item or not target.rest or path[0] in members):
                    offers[target.module, target.item] = target
                elif target.broken:
                    return target
                else:
                    absent.append(f"{'/'.join(use.path)}::{'::'.join(path)}")
            if len(offers) > 1:
                self._ambiguous("::".join(path), [_written(*offer) for offer in sorted(offers)], place)
                return Target("", broken=self.module)
            for target in offers.values():
                return target._replace(absent=tuple(absent))
        return Target("", absent=tuple(absent)) if looked else None

    def _members(self, glob: Target) -> tuple[str, ...]:
        """What a glob of an item brings."""
        item = self.modules.items(glob.module).get(glob.item) if glob.item else None
        return item.members if item is not None else ()

    def _locate(self, path: tuple[str, ...], asker: str | None = None, hint: bool = True) -> Target:
        hint = hint and len(self.findings) < HINTS
        target = self.modules.locate(path, asker=self.module if asker is None else asker, hint=hint)
        self.looked_at.update(candidate.partition("::")[0] for candidate in target.absent if "::" in candidate)
        self.looked_at.update(module for module in (target.module, target.broken, *target.via) if module)
        return target

    # ---- writing down

    def _is_own(self, scope: str, name: str) -> bool:
        first = name.partition("::")[0]
        return any((f"{outer}::{first}" if outer else first) in self.own for outer in scopes(scope))

    def _bind(self, scope: str, name: str, target: Target) -> None:
        looked_only = not target.module and not target.problem and not target.broken and bool(target.absent)
        self._depend(target)
        self.bindings[scope, name] = Binding(
            scope=scope,
            name=name,
            module=target.module,
            item=target.item,
            rest=target.rest,
            absent=target.absent,
            failed=not target.module and not looked_only,
        )

    def _depend(self, target: Target) -> None:
        self.imports.update(module for module in (target.module, target.broken, *target.via) if module)

    @property
    def _shown(self) -> str:
        return self.module.replace("/", "::")

    def _ambiguous(self, name: str, candidates: list[str], place: TextSpan) -> None:
        self._report(
            "E0504",
            f"`{name}` could be " + " or ".join(f"`{candidate}`" for candidate in candidates),
            "import the one that is meant by name, or write its whole path",
            place,
        )

    def _report_self_import(self, place: TextSpan) -> None:
        what, hint = f"`{self._shown}` imports itself", "remove this import: items of a module see one another"
        self._report("E0506", what, hint, place)

    def _report(self, code: str, message: str, hint: str, place: TextSpan) -> None:
        offset, length = max(0, place.column - 1), max(1, place.length)
        self.findings.append(Finding(code, message, offset, length, hint, place.line))


def _written(module: str, item: str) -> str:
    return "::".join(filter(None, (module.replace("/", "::"), item)))


def resolve(modules: Modules, module: str) -> Resolved:
    """The resolution of one module. Its summary must be there."""
    return Resolver(modules, module).resolve()


_pack = msgspec.msgpack.Encoder().encode


def surface(summary: Summary | None) -> bytes:
    """What others' resolution can see of a module: names, kinds and visibility of its items, and what it re-exports.
    Empty for a module without a summary."""
    if summary is None:
        return b""
    own = [(item.name, item.kind, item.public, item.members) for item in summary.items]
    passed_on = [(use.scope, use.path, use.alias, use.glob) for use in summary.uses if use.public]
    return short(_pack((own, passed_on)))
