"""What people do to a project, at random: the edits of the stateful test. `pick(n)` chooses a number below n."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.properties.ruchy_projects import (
    MAKES,
    MAKES_ENUM,
    NUMBERS,
    EditedProject,
    ProjectItem,
    ProjectModule,
    Ref,
    Type,
)

Pick = Callable[[int], int]
MODULES = ("a", "b", "c", "d/e", "f")
FUNCTIONS = ("f0", "f1", "f2", "abs")


class Editor:
    def __init__(self, project: EditedProject, pick: Pick) -> None:
        self.project = project
        self.pick = pick

    # ---- choosing

    def one(self, options: Any) -> Any:
        options = list(options)
        return options[self.pick(len(options))] if options else None

    def module(self) -> str:
        return str(self.one(self.project.modules))

    def ref(self, module: str, kinds: tuple[str, ...], last: bool = False) -> Ref | None:
        """A name that an item of `module` may use: its own items, those of others that are public. `last`: only what
        stands behind it in the list of modules, so that types and constants don't go in circles."""
        names = list(self.project.modules)
        own = [Ref(module, item.name, "own") for item in self._of(module, kinds)] if not last else []
        there = names[names.index(module) + 1 :] if last else [name for name in names if name != module]
        public = [(name, item) for name in there for item in self._of(name, kinds) if item.public]
        chosen = self.one([*own, *public])
        if chosen is None or isinstance(chosen, Ref):
            return chosen
        name, item = chosen
        hidden = self.project.modules[module].item(item.name) is not None
        return Ref(name, item.name, "path" if hidden else self.one(("use", "path")))

    def _of(self, module: str, kinds: tuple[str, ...]) -> list[ProjectItem]:
        return [item for item in self.project.modules[module].items if item.kind in kinds]

    def type(self, module: str) -> Type:
        found = self.ref(module, ("type",)) if self.pick(3) == 0 else None
        return found or self.one(NUMBERS)

    def item(self, *kinds: str) -> tuple[str, ProjectItem] | None:
        wanted = kinds or ("fun", "const", "type", "struct", "maker")
        there = [(name, item) for name in self.project.modules for item in self._of(name, wanted)]
        found: tuple[str, ProjectItem] | None = self.one(there)
        return found

    # ---- making

    def new_item(self, module: str, kind: str, name: str) -> ProjectItem:
        if kind == "const":
            target = self.ref(module, ("const",), last=True) if self.pick(2) else None
            return ProjectItem("const", name, salt=self.pick(9), target=target)
        if kind == "type":
            target = self.ref(module, ("type",), last=True) if self.pick(2) else None
            return ProjectItem("type", name, types=[target or self.one(NUMBERS)])
        if kind == "struct":
            return ProjectItem("struct", name, types=[self.type(module) for _ in range(1 + self.pick(2))])
        if kind == "maker":
            return ProjectItem("maker", name, target=self.ref(module, ("struct",)), salt=self.pick(9), types=[])
        kinds: list[Type | None] = [self.type(module), self.type(module)]
        made = ProjectItem("fun", name, salt=self.pick(9), types=kinds, arrow=self.pick(3) > 0)
        for _ in range(self.pick(3)):
            self._add_step(module, made)
        return made

    def _add_step(self, module: str, item: ProjectItem) -> None:
        kind = self.pick(4)
        if kind < 2:
            called = self.ref(module, ("fun",))
            if called is not None and called.name != item.name:
                item.steps.append(("call", called, ""))
        elif kind == 2:
            read = self.ref(module, ("const",))
            if read is not None:
                item.steps.append(("read", read))
        else:
            maker = self.ref(module, ("maker",))
            if maker is not None:
                which = len(MAKES) + self.pick(len(MAKES_ENUM)) if maker.name == "mk1" else self.pick(len(MAKES))
                item.steps.append(("make", maker, 0, which))

    def grow(self) -> None:
        """A project from nothing: types and constants first, then what uses them."""
        for name in MODULES[: 2 + self.pick(3)]:
            self.project.modules[name] = ProjectModule([], [])
        for kind, names in (
            ("type", ("T0",)),
            ("const", ("K0", "K1")),
            ("struct", ("S0", "E0")),
            ("fun", FUNCTIONS[:3]),
        ):
            for module in reversed(self.project.modules):
                for name in names:
                    if self.pick(3):
                        self.project.modules[module].items.append(self.new_item(module, kind, name))
                for name, made in (("mk0", "S0"), ("mk1", "E0")) if kind == "struct" else ():
                    if self.project.modules[module].item(made):
                        maker = ProjectItem("maker", name, target=Ref(module, made, "own"), types=[])
                        self.project.modules[module].items.append(maker)
        self.calls()

    def settle(self) -> None:
        """Where an import would say what another import, or an item, says already, the whole path is written."""
        for one in self.project.modules.values():
            said = {item.name: "" for item in one.items}
            for item in one.items:
                for ref in item.refs():
                    if ref.form == "use" and said.setdefault(ref.name, ref.module) != ref.module:
                        ref.form = "path"

    # ---- edits

    def salt(self) -> None:
        """The body, or the value."""
        found = self.item("fun", "const", "maker", "struct")
        if found:
            found[1].salt = (found[1].salt + 1 + self.pick(3)) % 10

    def value(self) -> None:
        """What a constant is."""
        found = self.item("const")
        if found:
            found[1].salt = (found[1].salt + 1 + self.pick(3)) % 10

    def noise(self) -> None:
        """A comment above an item, or one less."""
        found = self.item()
        if found:
            found[1].noise = self.pick(3)

    def types(self) -> None:
        """The type of a parameter, a result, a field; the target of an alias."""
        found = self.item("fun", "type", "struct")
        if found and found[1].types:
            module, item = found
            at = self.pick(len(item.types))
            if item.types[at] is not None:
                other = self.ref(module, ("type",), last=True) if item.kind == "type" and self.pick(2) else None
                item.types[at] = other or (self.one(NUMBERS) if item.kind == "type" else self.type(module))

    def field(self) -> None:
        """One more field, or one less."""
        found = self.item("struct")
        if found:
            types = found[1].types
            if len(types) > 1 and self.pick(2):
                types.pop()
            elif len(types) < 3:
                types.append(self.type(found[0]))

    def step(self) -> None:
        """A function does one thing more, or less."""
        found = self.item("fun")
        if found:
            if found[1].steps and self.pick(2):
                found[1].steps.pop(self.pick(len(found[1].steps)))
            else:
                self._add_step(*found)

    def add(self) -> None:
        """A new item, which may stand behind a glob, or shadow a builtin."""
        module = self.module()
        kind, name = self.one([*(("fun", name) for name in (*FUNCTIONS, "f3")), ("const", "K1"), ("type", "T1")])
        if self.project.modules[module].item(name) is None:
            made = self.new_item(module, kind, name)
            items = self.project.modules[module].items
            items.insert(self.pick(len(items) + 1), made)

    def remove(self) -> None:
        found = self.item("fun")
        if found:
            self.project.modules[found[0]].items.remove(found[1])

    def rename(self) -> None:
        """A function, with all that call it."""
        found = self.item("fun")
        new = self.one((*FUNCTIONS, "f4"))
        if not found or self.project.modules[found[0]].item(new) is not None:
            return
        self._point(found[0], found[1].name, found[0], new)
        found[1].name = new

    def _point(self, module: str, name: str, to: str, new: str) -> None:
        """Names that lead to an item lead to where it goes."""
        refs = [ref for one in self.project.modules.values() for item in one.items for ref in item.refs()]
        for ref in [*refs, *self.project.calls]:
            if (ref.module, ref.name) == (module, name):
                ref.module, ref.name = to, new
                if to != module:
                    ref.form = "path"

    def swap(self) -> None:
        items = self.project.modules[self.module()].items
        if len(items) > 1:
            left, right = self.pick(len(items)), self.pick(len(items))
            items[left], items[right] = items[right], items[left]

    def move(self) -> None:
        """A function to another module, with all that call it; its own names become paths."""
        found, to = self.item("fun"), self.module()
        if not found or to == found[0] or self.project.modules[to].item(found[1].name) is not None:
            return
        module, item = found
        if item.types[0] is None:
            return
        self.project.modules[module].items.remove(item)
        self.project.modules[to].items.append(item)
        item.public = True
        for ref in item.refs():
            if ref.form in ("own", "glob"):
                ref.form = "path" if ref.module != to else "own"
        self._point(module, item.name, to, item.name)

    def rename_module(self) -> None:
        module, new = self.module(), self.one(MODULES)
        if new in self.project.modules:
            return
        self.project.modules = {new if name == module else name: one for name, one in self.project.modules.items()}
        refs = [ref for one in self.project.modules.values() for item in one.items for ref in item.refs()]
        for ref in [*refs, *self.project.calls]:
            if ref.module == module:
                ref.module = new
        for one in self.project.modules.values():
            one.globs = [new if name == module else name for name in one.globs]

    def glob(self) -> None:
        """A glob, and a function that uses what it offers; or one glob less."""
        module, other = self.module(), self.module()
        one = self.project.modules[module]
        if one.globs and self.pick(2):
            one.globs.pop()
        elif other != module and other not in one.globs:
            one.globs.append(other)
            offered = [item for item in self._of(other, ("fun",)) if item.public and one.item(item.name) is None]
            user, wanted = self.one(self._of(module, ("fun",))), self.one(offered)
            if user is not None and wanted is not None:
                user.steps.append(("call", Ref(other, wanted.name, "glob"), ""))

    def builtin(self) -> None:
        """A call of what is a builtin, unless something hides it."""
        found = self.item("fun")
        if found and found[1].name != "abs":
            found[1].steps.append(("call", Ref(found[0], "abs", "own"), ""))

    def annotate(self) -> None:
        """Write a result, or leave it out; likewise a parameter of a function that only its own module calls."""
        found = self.item("fun")
        if not found:
            return
        module, item = found
        if self.pick(2):
            item.arrow = not item.arrow
            return
        others = [one.items for name, one in self.project.modules.items() if name != module]
        outside = [ref for items in others for other in items for ref in other.refs()] + self.project.calls
        if item.types[0] is None:
            item.types[0] = self.one(NUMBERS)
        else:
            item.types[0] = None
            item.public = any((ref.module, ref.name) == (module, item.name) for ref in outside) or self.pick(2) == 0

    def argument(self) -> None:
        """A call says, or no longer says, the type of what it gives to an untyped parameter."""
        calls = [
            (one.items, item, at)
            for one in self.project.modules.values()
            for item in one.items
            for at, step in enumerate(item.steps)
            if step[0] == "call" and self._untyped(step[1])
        ]
        found = self.one(calls)
        if found:
            _, item, at = found
            kind, ref, said = item.steps[at]
            item.steps[at] = (kind, ref, "" if said else self.one(NUMBERS))

    def _untyped(self, ref: Ref) -> bool:
        module = self.project.modules.get(ref.module)
        item = module.item(ref.name) if module else None
        return item is not None and item.kind == "fun" and item.types[0] is None

    def calls(self) -> None:
        """What `main` calls."""
        there = [(name, item) for name in self.project.modules for item in self._of(name, ("fun",))]
        public = [(name, item.name) for name, item in there if item.public]
        self.project.calls = []
        for _ in range(min(2, len(public))):
            name, function = public[self.pick(len(public))]
            if all(function != ref.name for ref in self.project.calls):
                self.project.calls.append(Ref(name, function, self.one(("use", "path"))))


EDITS = (
    "salt", "value", "value", "noise", "types", "types", "types", "field", "field", "step", "step", "add", "remove",
    "rename", "swap", "move", "rename_module", "glob", "builtin", "annotate", "argument", "calls",
)  # fmt: skip
"""What changes meanings far away stands here more than once."""
