"""Random projects of two to four Ruchy modules whose interfaces lean on one another in every way there is, and ways to
make one of them wrong.

A project is made from a seed. All is right about it unless it is `wild`: then results, constants, defaults, aliases and
structs may need themselves, through any number of modules.
"""

from __future__ import annotations

from random import Random

MODULES = ("a", "b", "inner", "p/q", "p/r")
SCOPES = ("", "", "inner", "inner::deep")
REFERENCES = ("", "", "&", "&&")


class RandomItem:
    """`kind`: "struct", "alias" (of a struct), "const", "int" (i64 to i64), "unit" (no `->`), "open" (no `->`, an i64),
    "maker" (gives a struct), "taker" (struct to i64). `target` is the struct it is about, `fields` what a struct
    holds: None for an i64, else a struct."""

    def __init__(self, kind: str, name: str, module: str, scope: str, target: RandomItem | None = None) -> None:
        self.kind = kind
        self.name = name
        self.module = module
        self.scope = scope
        self.target = target
        self.fields: list[RandomItem | None] = []
        self.arrow = True
        self.text = ""

    def path(self) -> list[str]:
        """Counted from the source root."""
        return [*self.module.split("/"), *(self.scope.split("::") if self.scope else ()), self.name]


class RandomProject:
    """`files` is the answer: texts by path."""

    def __init__(self, seed: int, *, wild: bool = False) -> None:
        self.random = Random(seed)
        self.wild = wild
        self.modules = self.random.sample(MODULES, self.random.randint(1, 3))
        self.items: list[RandomItem] = []
        self.uses: dict[tuple[str, str], list[str]] = {}
        kinds = self.random.choices(
            ("struct", "alias", "const", "int", "unit", "open", "maker", "taker"), (2, 1, 3, 3, 3, 2, 2, 2), k=14
        )
        for number, kind in enumerate(["struct", *kinds]):
            self._declare(number, kind)
        for item in sorted(self.items, key=lambda one: one.kind != "struct"):
            item.text = self._text(item)
        self.main = self._main()
        self.files = self.written()

    def _declare(self, number: int, kind: str) -> None:
        pick = self.random
        structs = [one for one in self.items if one.kind == "struct"]
        item = RandomItem(kind, f"{'S' if kind == 'struct' else 'T' if kind == 'alias' else kind}{number}", "", "")
        if kind == "const":
            item.name = item.name.upper()
        if pick.random() < 0.1:  # a name that others have too
            item.name = {"struct": "Same", "alias": "Same", "const": "SAME"}.get(kind, "same")
        item.module, item.scope = pick.choice(self.modules), pick.choice(SCOPES)
        if kind in ("alias", "maker", "taker"):
            item.target = pick.choice(structs)
        if any(one.path() == item.path() for one in self.items) or item.name == item.scope:
            item.name += f"_{number}"
        self.items.append(item)

    # ---- text

    def written(self) -> dict[str, str]:
        files = {f"{module}.ruchy": self._module(module, "") for module in self.modules}
        return {**files, "main.ruchy": self.main}

    def _module(self, module: str, scope: str) -> str:
        lines = list(dict.fromkeys(self.uses.get((module, scope), ())))
        lines += [one.text for one in self.items if (one.module, one.scope) == (module, scope)]
        inner = {"": "inner", "inner": "deep"}.get(scope)
        if inner is not None:
            below = self._module(module, f"{scope}::{inner}" if scope else inner)
            lines.append(f"pub mod {inner} {{\n{below}}}")
        return "".join(f"{line}\n" for line in lines)

    def _text(self, item: RandomItem) -> str:
        pick = self.random
        here = (item.module, item.scope)
        if item.kind == "struct":
            item.fields = [self._struct(item) if pick.random() < 0.3 else None for _ in range(pick.randint(1, 3))]
            fields = []
            for at, inner in enumerate(item.fields):
                kind = "i64" if inner is None else self._type(here, inner)
                default = f" = {self._default(here, item)}" if inner is None and pick.random() < 0.3 else ""
                fields.append(f"pub x{at}: {kind}{default}")
            return f"pub struct {item.name} {{ {', '.join(fields)} }}"
        if item.kind == "alias":
            assert item.target is not None
            others = [one for one in self._below(item, "alias") if one.target is item.target]
            of = pick.choice(others) if others and pick.random() < 0.5 else item.target
            return f"pub type {item.name} = {pick.choice(REFERENCES)}{self._name(here, of)};"
        if item.kind == "const":
            return f"pub const {item.name}{pick.choice((': i64', ''))} = {self._default(here, item)};"
        return self._function(item, here)

    def _function(self, item: RandomItem, here: tuple[str, str]) -> str:
        pick = self.random
        if item.kind == "maker":
            assert item.target is not None
            return f"pub fun {item.name}() -> {self._type(here, item.target)} {{ {self._value(here, item.target)} }}"
        if item.kind == "taker":
            assert item.target is not None
            default = f" = {self._default(here, item)}" if pick.random() < 0.3 else ""
            header = f"pub fun {item.name}(s: {self._type(here, item.target)}, n: i64{default}) -> i64"
            return f"{header} {{ {self._read('s', item.target)} + n + {self._int(here)} }}"
        default = f" = {self._default(here, item)}" if pick.random() < 0.3 else ""
        if item.kind == "int":
            item.arrow = not (self.wild and pick.random() < 0.3)
            arrow = " -> i64" if item.arrow else ""
            return f"pub fun {item.name}(n: i64{default}){arrow} {{ {self._local(here)}n + {self._int(here)} }}"
        if item.kind == "open":
            item.arrow = False
            inner = self._int(here) if self.wild else self._int(here, sure=True)
            return f"pub fun {item.name}(n: i64{default}) {{ n * 2 + {inner} }}"
        item.arrow = False
        calls = [one for one in self.items if one.kind == "unit"]
        call = f"{self._name(here, pick.choice(calls))}(n - 1)"
        ends = [f"if n > 0 {{ {call} }}", f"if n > 0 {{ {call}; }}", f"if n > 3 {{ {call} }} else {{ println(n) }}"]
        if not self.wild:
            ends = ends[:2]
        elif pick.random() < 0.3:
            ends = [call, f"{call};", f"{{ {call} }}", f"return {call};"]
        return f"pub fun {item.name}(n: i64{default}) {{ println({self._int(here)}); {pick.choice(ends)} }}"

    def _local(self, here: tuple[str, str]) -> str:
        """A statement with an import of its own, now and then."""
        ints = [one for one in self.items if one.kind == "int" and one.module != here[0]]
        if not ints or self.random.random() < 0.7:
            return ""
        one = self.random.choice(ints)
        return f"use crate::{'::'.join(one.path())} as nearby; let k = nearby(1); println(k); "

    def _main(self) -> str:
        lines = []
        for item in self.items:
            if item.kind in ("int", "open", "unit"):
                call = f"{self._name(('main', ''), item)}(0)"
                lines.append(call if item.kind == "unit" else f"println({call})")
            elif item.kind == "const":
                lines.append(f"println({self._name(('main', ''), item)})")
            elif item.kind == "maker":
                assert item.target is not None
                lines.append(f"println({self._read(self._name(('main', ''), item) + '()', item.target)})")
        body = "".join(f"    {line};\n" for line in lines)
        uses = "".join(f"{use}\n" for use in dict.fromkeys(self.uses.get(("main", ""), ())))
        return f"{uses}fun main() {{\n{body}}}\n"

    # ---- types and values

    def _below(self, item: RandomItem, kind: str) -> list[RandomItem]:
        """What an item may need to be what it is: those before it, in a wild project all."""
        found = [one for one in self.items if one.kind == kind]
        return found if self.wild and self.random.random() < 0.2 else [one for one in found if one.text]

    def _struct(self, item: RandomItem) -> RandomItem | None:
        below = [one for one in self._below(item, "struct") if self.wild or one is not item]
        return self.random.choice(below) if below else None

    def _type(self, here: tuple[str, str], struct: RandomItem) -> str:
        aliases = [one for one in self.items if one.kind == "alias" and one.target is struct]
        named = self.random.choice(aliases) if aliases and self.random.random() < 0.4 else struct
        return self.random.choice(REFERENCES) + self._name(here, named)

    def _value(self, here: tuple[str, str], struct: RandomItem, depth: int = 0) -> str:
        makers = [one for one in self.items if one.kind == "maker" and one.target is struct]
        if depth and makers and self.random.random() < 0.5:
            return f"{self._name(here, self.random.choice(makers))}()"
        if depth > 3:
            return "loop { }"
        fields = [
            f"x{at}: {self._int(here, depth + 1) if inner is None else self._value(here, inner, depth + 1)}"
            for at, inner in enumerate(struct.fields)
        ]
        return f"{self._name(here, struct)} {{ {', '.join(fields)} }}"

    def _read(self, value: str, struct: RandomItem) -> str:
        """An i64 out of a struct."""
        for _ in range(5):
            for at, inner in enumerate(struct.fields):
                if inner is None:
                    return f"{value}.x{at}"
            if not struct.fields or struct.fields[0] is None:
                break
            value, struct = f"{value}.x0", struct.fields[0]
        return "1"

    def _default(self, here: tuple[str, str], item: RandomItem) -> str:
        """An i64 that is known before `item` is."""
        pick = self.random
        if pick.random() < 0.3:
            return str(pick.randint(0, 99))
        below = self._below(item, "const") + [one for one in self._below(item, "int") if self.wild or one.arrow]
        if not below:
            return "1 + 1"
        one = pick.choice(below)
        return f"{self._name(here, one)}{'' if one.kind == 'const' else '(2)'} + {pick.randint(0, 9)}"

    def _int(self, here: tuple[str, str], depth: int = 0, *, sure: bool = False) -> str:
        """An i64. `sure`: of which every type is written."""
        pick = self.random
        kinds = ("const", "int") if sure else ("const", "int", "open", "taker")
        some = [one for one in self.items if one.kind in kinds]
        if sure and not self.wild:
            some = [one for one in some if one.kind == "int" or ": i64" in one.text]
        if not some or depth > 2 or pick.random() < 0.3:
            return str(pick.randint(0, 99))
        one = pick.choice(some)
        name = self._name(here, one)
        if one.kind == "const":
            return name
        if one.kind == "taker":
            assert one.target is not None
            given = self._value(here, one.target, depth + 1)
            return f"{name}({pick.choice(('', '&'))}{given}, 1)"
        return f"{name}({pick.randint(0, 3)})"

    # ---- names

    def _name(self, here: tuple[str, str], item: RandomItem) -> str:
        """One of the ways to name an item, with the import that it needs."""
        pick = self.random
        module, scope = here
        path = item.path()
        if item.module == module:
            return self._own_name(scope, item)
        whole = "::".join(path)
        rooted = f"crate::{whole}" if path[0] in ("inner", "deep") else whole  # where that may be one's own
        above = rooted.rpartition("::")[0]
        how = pick.randint(0, 6)
        unique = not item.name.lower().startswith("same")
        if how == 0 and unique:
            self._use(here, f"use {rooted};")
            return item.name
        if how == 1 and unique:
            self._use(here, f"use {above}::*;")
            return item.name
        if how == 2 and unique:
            alias = f"R{item.name}" if item.kind in ("struct", "alias") else f"r{item.name.lower()}"
            self._use(here, f"use {rooted} as {alias};")
            return alias
        if how == 3:
            alias = f"m{item.module.replace('/', '')}{item.scope.replace('::', '')}"
            self._use(here, f"use {above} as {alias};")
            return f"{alias}::{item.name}"
        if how == 4:
            return f"crate::{whole}"
        if how == 5:
            up = len(module.split("/")) + (len(scope.split("::")) if scope else 0)
            return "super::" * up + whole
        return rooted

    def _own_name(self, scope: str, item: RandomItem) -> str:
        inside, target = scope.split("::") if scope else [], item.scope.split("::") if item.scope else []
        how = self.random.randint(0, 2)
        if how == 0:
            return "::".join(["crate", *item.path()])
        if how == 1 or item.name.lower().startswith("same"):
            return "::".join([*(["super"] * len(inside) if inside else ["self"]), *target, item.name])
        if inside[: len(target)] == target:  # in sight
            return item.name
        return "::".join([*(["super"] * len(inside) if inside else ["self"]), *target, item.name])

    def _use(self, here: tuple[str, str], line: str) -> None:
        self.uses.setdefault(here, []).append(line)


# ------------------------------------------------------------------------------------------------ what is wrong

WRONG = {
    "a type in a field": "pub struct Bad { pub x: Missing }",
    "a type of a parameter": "pub fun bad(x: Missing) -> i64 { 1 }",
    "a type of a result": "pub fun bad() -> Missing { 1 }",
    "an alias": "pub type Bad = Missing;",
    "a constant": "pub const BAD: i64 = missing;",
    "a constant without a type": "pub const BAD = missing;",
    "the type of a constant": 'pub const BAD: i64 = "text";',
    "a default": "pub fun bad(x: i64 = missing) -> i64 { x }",
    "the default of a field": "pub struct Bad { pub x: i64 = missing }",
    "a body": "pub fun bad() -> i64 { missing }",
    "the type of a body": "pub fun bad() -> i64 { true }",
    "a body that says the result": "pub fun bad() { missing }",
    "an import": "use missing::x;",
    "a path": "pub fun bad() -> i64 { missing::x() }",
    "behind an item": "pub fun fine() -> i64 { 1 }\npub fun bad() -> i64 { fine::x() }",
    "syntax in a body": "pub fun bad() -> i64 { let x = ; 1 }",
    "syntax at the top": "pub fun bad( -> i64 { 1 }",
    "a name twice": "pub fun bad() { }\npub fun bad() { }",
    "a field twice": "pub struct Bad { pub x: i64, pub x: i64 }",
    "a struct of itself": "pub struct Bad { pub x: Bad }",
    "a constant of itself": "pub const BAD: i64 = BAD;",
    "an alias of itself": "pub type Bad = Bad;",
    "a trait that is missing": "pub struct Bad { pub x: i64 }\nimpl Missing for Bad { }",
    "the type of a method's body": "pub struct Bad { pub x: i64 }\nimpl Bad { fun get(&self) -> i64 { true } }",
    "a variant twice": "pub enum Bad { One, One }",
    "a default of itself": "pub fun bad(x: i64 = bad()) -> i64 { x }",
    "super above the root": "pub fun bad() -> super::super::super::super::X { 1 }",
}

USES = {
    "Bad": "pub fun uses_bad(x: HOME::Bad) -> HOME::Bad { x }",
    "BAD": "pub const USES_BAD: i64 = HOME::BAD + 1;",
    "bad(x": "pub fun uses_bad() -> i64 { HOME::bad(1) }",
    "bad(": "pub fun uses_bad() -> i64 { let x = HOME::bad(); 1 }",
}
"""What another module of the circle makes of what is wrong, by what is in the wrong text."""


def spoiled(right: dict[str, str], kind: str, seed: int) -> tuple[dict[str, str], str]:
    """The files of a project of which one module is wrong, and that module's path. Others use what is wrong, those in a
    circle with it too."""
    pick = Random(seed)
    modules = sorted(path.removesuffix(".ruchy") for path in right if path != "main.ruchy")
    module = pick.choice(modules)
    path = f"{module}.ruchy"
    files = dict(right)
    wrong = WRONG[kind]
    files[path] = f"{wrong}\n{files[path]}" if pick.random() < 0.5 else f"{files[path]}{wrong}\n"
    use = next((text for word, text in USES.items() if word in wrong), "")
    if use:
        home = f"crate::{module.replace('/', '::')}"
        for other in modules:
            if other != module and pick.random() < 0.7:
                files[f"{other}.ruchy"] += use.replace("HOME", home) + "\n"
    return files, path
