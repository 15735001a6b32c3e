"""Random Ruchy projects that can be edited, and an oracle for them: slow, obviously right, with nothing of ours in it.

A project is modules of items; an item knows its words, and the oracle knows what they mean by rules of its own. What a
function depends on is written out as nested tuples, by recursion over all that it can reach: two functions whose
tuples are equal need not be compiled twice.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

NUMBERS = ("i64", "i32")
BUILTIN_FUNCTIONS = ("abs",)
MAKES = (
    "let p = {made};\nt = t + (p.{field});",
    "let mut ps = [{made}];\nps.push({made});\nt = t + (ps[-1].{field});",
    "let q = ({made}, [{made}]);\nt = t + (q.1[0].{field}) + q.to_string().len();",
    "let o = Some({made});\nt = t + (o.unwrap().{field}) + [o, None].to_string().len();",
)
"""What is done with a struct that was made: by itself, in an array, in a tuple beside an array, in an option, whose
type nobody writes. So helpers of these types are made where the struct may be three modules away."""
MAKES_ENUM = (
    "let e = {made};\nt = t + e.to_string().len();",
    "let o = Some({made});\nif o == None {{ t = t + 1; }}",
    "let es = [{made}];\nfor e in es {{ t = t + (match e {{ one => (one, 1) }}).to_string().len(); }}",
)
"""What is done with an enum, whose variants the user never names."""
ALL_MAKES = (*MAKES, *MAKES_ENUM)


class Ref:
    """A name as it is written: `plain` in a module that has or imports it, or with its module before it."""

    def __init__(self, module: str, name: str, form: str) -> None:
        self.module = module
        self.name = name
        self.form = form  # "own", "use", "glob", "path"

    def text(self) -> str:
        return f"{self.module.replace('/', '::')}::{self.name}" if self.form == "path" else self.name


Type = str | Ref


def type_text(kind: Type) -> str:
    return kind if isinstance(kind, str) else kind.text()


class ProjectItem:
    """`kind`: "fun", "const", "type", "struct", "maker" (a function that gives a struct). What else counts depends on
    it: `types` of a function are its parameter (None: not written) and its result; of a struct its fields'. `steps` are
    what a function does: ("call", ref, argument type or ""), ("read", ref of a const), ("make", ref of a maker,
    field, which of `ALL_MAKES`). A struct whose name begins with E is an enum; its fields
    are the payload of a variant, and its `salt` says whether there is one variant more."""

    def __init__(self, kind: str, name: str, **more: Any) -> None:
        self.kind = kind
        self.name = name
        self.public: bool = more.get("public", True)
        self.salt: int = more.get("salt", 1)
        self.types: list[Type | None] = more.get("types", ["i64", "i64"])
        self.arrow: bool = more.get("arrow", True)
        self.steps: list[tuple[Any, ...]] = more.get("steps", [])
        self.target: Ref | None = more.get("target")  # of a const: another const; of a maker: its struct
        self.noise: int = more.get("noise", 0)

    def refs(self) -> Iterator[Ref]:
        """Every name in the item, the ones of its interface first."""
        yield from self.interface_refs()
        if self.kind == "fun":
            yield from (step[1] for step in self.steps)
            if not self.arrow and isinstance(self.types[1], Ref):
                yield self.types[1]

    def interface_refs(self) -> Iterator[Ref]:
        written = self.types if self.kind != "fun" or self.arrow else self.types[:1]
        yield from (kind for kind in written if isinstance(kind, Ref))
        if self.target is not None:
            yield self.target

    def untyped(self) -> bool:
        return self.kind == "fun" and self.types[0] is None

    def open_to_calls(self) -> bool:
        """Whether the text alone says that each user compiles it for its own types."""
        return self.untyped() and self.public

    def inferred(self) -> bool:
        return self.kind == "fun" and (not self.arrow or self.types[0] is None) and not self.open_to_calls()

    # ---- text

    def header(self) -> str:
        pub = "pub " if self.public else ""
        if self.kind == "const":
            value = f"{self.target.text()} + {self.salt}" if self.target else str(self.salt)
            return f"{pub}const {self.name}: i64 = {value};"
        if self.kind == "type":
            return f"{pub}type {self.name} = {type_text(self.types[0] or 'i64')};"
        if self.kind == "struct" and self.name[0] == "E":
            payload = ", ".join(type_text(kind or "i64") for kind in self.types)
            return f"{pub}enum {self.name} {{ Empty, Full({payload}){', More' * (self.salt % 2)} }}"
        if self.kind == "struct":
            fields = ", ".join(f"{pub}x{at}: {type_text(kind or 'i64')}" for at, kind in enumerate(self.types))
            return f"{pub}struct {self.name} {{ {fields} }}"
        if self.kind == "maker":
            assert self.target is not None
            return f"{pub}fun {self.name}() -> {self.target.text()}"
        parameter = "a" if self.types[0] is None else f"a: {type_text(self.types[0])}"
        result = f" -> {type_text(self.types[1] or 'i64')}" if self.arrow else ""
        return f"{pub}fun {self.name}({parameter}){result}"

    def text(self, fields: int = 0) -> str:
        """`fields`: how many the struct of a maker has."""
        if self.kind == "maker":
            assert self.target is not None
            if self.target.name[0] == "E":
                values = ", ".join(str(self.salt + at) for at in range(fields))
                return f"{self.header()} {{ {self.target.text()}::Full({values}) }}"
            values = ", ".join(f"x{at}: {self.salt + at}" for at in range(fields))
            return f"{self.header()} {{ {self.target.text()} {{ {values} }} }}"
        if self.kind != "fun":
            return self.header()
        contract = f" requires {self.salt} > 0" if self.salt % 3 == 1 else ""  # no part of what callers see
        lines = [f"{self.header()}{contract} {{", f"    let mut t = (a as i64) + {self.salt};"]
        for step in self.steps:
            if step[0] == "call":
                argument = f"1 as {step[2]}" if step[2] else "1"
                added = f"t = t + ({step[1].text()}({argument}) as i64)"
                forms = {2: f"let add = || {{ {added} }}; add();", 3: f"[0].each(|k| {{ {added} + k }});"}
                lines.append(f"    {forms.get(self.salt % 4, f'{added};')}")  # also in a function that is a value
            elif step[0] == "read":
                lines.append(f"    t = t + {step[1].text()};")
            else:
                made, field = f"{step[1].text()}()", f"x{step[2]} as i64"
                lines += ["    " + line for line in ALL_MAKES[step[3]].format(made=made, field=field).splitlines()]
        return "\n".join([*lines, f"    t as {type_text(self.types[1] or 'i64')}", "}"])


class ProjectModule:
    def __init__(self, items: list[ProjectItem], globs: list[str]) -> None:
        self.items = items
        self.globs = globs

    def item(self, name: str) -> ProjectItem | None:
        return next((item for item in self.items if item.name == name), None)


class EditedProject:
    """Modules by name; `main` calls the functions of `calls`."""

    def __init__(self, modules: dict[str, ProjectModule], calls: list[Ref]) -> None:
        self.modules = modules
        self.calls = calls

    def copied(self) -> EditedProject:
        return copy.deepcopy(self)

    def texts(self) -> dict[str, str]:
        found = {f"{name}.ruchy": self._text(name, module) for name, module in self.modules.items()}
        uses = "".join(f"use {ref.module}::{ref.name};\n" for ref in self.calls if ref.form == "use")
        body = "".join(f"    println({ref.text()}(1));\n" for ref in self.calls)
        found["main.ruchy"] = f"{uses}fun main() {{\n{body}}}\n"
        return found

    def _text(self, name: str, module: ProjectModule) -> str:
        uses = sorted({(ref.module, ref.name) for item in module.items for ref in item.refs() if ref.form == "use"})
        lines = [f"use {home}::{wanted};" for home, wanted in uses]
        lines += [f"use {home}::*;" for home in module.globs]
        for item in module.items:
            lines += ["", *(f"// {item.name} {number}" for number in range(item.noise)), self.item_text(name, item)]
        return "\n".join([*lines, ""])

    def item_text(self, name: str, item: ProjectItem) -> str:
        fields = 0
        if item.kind == "maker" and item.target is not None:
            found = ProjectOracle(self).meaning(name, item.target)
            fields = len(self.modules[found[0]].item(found[1]).types) if found else 0  # type: ignore[union-attr]
        return item.text(fields)


Meaning = tuple[str, str]


class ProjectOracle:
    """What the names of a project mean, and what everything depends on. Only asked about projects that are right."""

    def __init__(self, project: EditedProject) -> None:
        self.project = project

    def meaning(self, module: str, ref: Ref) -> Meaning | None:
        """The item that a name means: what the path says; else an own item, an import, what a glob offers. None: a
        builtin, or nothing."""
        modules = self.project.modules
        if ref.form == "path":
            return (ref.module, ref.name) if self._has(ref.module, ref.name) else None
        here = modules[module]
        if here.item(ref.name) is not None:
            return module, ref.name
        for item in here.items:
            for other in item.refs():
                if other.form == "use" and other.name == ref.name and self._has(other.module, other.name):
                    return other.module, other.name
        for glob in here.globs:
            offered = modules[glob].item(ref.name) if glob in modules else None
            if offered is not None and offered.public:
                return glob, ref.name
        return None

    def _has(self, module: str, name: str) -> bool:
        return module in self.project.modules and self.project.modules[module].item(name) is not None

    def number(self, module: str, kind: Type | None) -> str:
        """What a type is in the end: aliases followed."""
        for _ in range(20):
            if not isinstance(kind, Ref):
                return kind or "i64"
            found = self.meaning(module, kind)
            if found is None:
                return "?"
            module = found[0]
            kind = self.project.modules[module].item(found[1]).types[0]  # type: ignore[union-attr]
        return "endless"

    def signature(self, module: str, item: ProjectItem) -> tuple[str, str]:
        """The parameter and the result of an inferred function: the parameter is what the module's calls give it."""
        parameter = self.number(module, item.types[0])
        if item.types[0] is None:
            given = self._given(module, item)
            parameter = given[0] if given else "i64"
        return parameter, self.number(module, item.types[1])

    def _given(self, module: str, item: ProjectItem) -> list[str]:
        """The types that calls say of what they give to an untyped parameter."""
        return [
            step[2]
            for other in self.project.modules[module].items
            for step in other.steps
            if step[0] == "call" and step[2] and self.meaning(module, step[1]) == (module, item.name)
        ]

    def instanced(self) -> set[Meaning]:
        """The functions that are compiled for each set of types: whose text says so, whose calls do not agree, and all
        untyped ones that these name."""
        there = [(name, item) for name, one in self.project.modules.items() for item in one.items if item.untyped()]
        found = {
            (name, item.name) for name, item in there if item.open_to_calls() or len({*self._given(name, item)}) > 1
        }
        before = -1
        while before != len(found):
            before = len(found)
            for name, item in there:
                if (name, item.name) in found:
                    named = [ref.name for ref in item.refs()]
                    found |= {(name, other.name) for home, other in there if home == name and other.name in named}
        return found

    def view(self, target: Meaning, path: tuple[Meaning, ...] = ()) -> tuple[Any, ...]:
        """All that can be seen of an item from outside, and of what it drags in."""
        if target in path:
            return ("again", target)
        module, name = target
        item = self.project.modules[module].item(name)
        assert item is not None
        if target in self.instanced():
            text = self.project.item_text(module, item)
            return (target, item.public, text, self._meant(module, item.refs(), (*path, target)))
        if item.inferred():
            return (target, item.public, self.signature(module, item))
        return (target, item.header(), self._meant(module, item.interface_refs(), (*path, target)))

    def _meant(self, module: str, refs: Iterator[Ref], path: tuple[Meaning, ...] = ()) -> tuple[Any, ...]:
        found = []
        for ref in refs:
            target = self.meaning(module, ref)
            found.append((ref.text(), None if target is None else self.view(target, path)))
        return tuple(found)

    def function_key(self, module: str, item: ProjectItem) -> tuple[Any, ...]:
        """All that a function's code depends on."""
        text = self.project.item_text(module, item)
        own = self.signature(module, item) if item.inferred() else ()
        return (module, text, own, self._meant(module, item.refs()))

    def functions(self) -> dict[str, tuple[Any, ...]]:
        """The keys of all functions, `main` included, by name."""
        found = {
            f"{module}::{item.name}": self.function_key(module, item)
            for module, one in self.project.modules.items()
            for item in one.items
            if item.kind in ("fun", "maker")
        }
        there = [ref for ref in self.project.calls if self._has(ref.module, ref.name)]
        calls = [(ref.text(), self.view((ref.module, ref.name))) for ref in there]
        return {**found, "main::main": ("main", tuple(calls))}

    def modules(self) -> dict[str, tuple[Any, ...]]:
        """What a module's object depends on under `precise`: its text, and what its names mean elsewhere."""
        texts = self.project.texts()
        found: dict[str, tuple[Any, ...]] = {}
        for module, one in self.project.modules.items():
            outside = []
            for item in one.items:
                for ref in item.refs():
                    target = self.meaning(module, ref)
                    if target is not None and target[0] != module:
                        outside.append((ref.text(), self.view(target)))
            found[module] = (module, texts[f"{module}.ruchy"], tuple(outside))
        return {**found, "main": ("main", texts["main.ruchy"], self.functions()["main::main"])}

    def in_groups(self) -> set[str]:
        """Inferred functions, and those that name one: an inference may have them compiled once more than needed."""
        inferred = {
            (module, item.name) for module, one in self.project.modules.items() for item in one.items if item.inferred()
        }
        found = {f"{module}::{name}" for module, name in inferred}
        for module, one in self.project.modules.items():
            for item in one.items:
                if any(self.meaning(module, ref) in inferred for ref in item.refs()):
                    found.add(f"{module}::{item.name}")
        if any((ref.module, ref.name) in inferred for ref in self.project.calls):
            found.add("main::main")
        return found
