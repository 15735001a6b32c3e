"""Random programs: mostly well typed ones, made of all that the language has, and mutations of given ones."""

from __future__ import annotations

import random
import re

INTEGERS = ("i8", "i16", "i32", "i64", "isize", "u8", "u16", "u32", "u64", "usize")
FLOATS = ("f32", "f64")
STRUCTS = {"P": (("x", "i64"), ("s", "String")), "Q": (("p", "P"), ("b", "bool"), ("n", "u8")), "E": ()}
TYPES = (*INTEGERS, *FLOATS, "bool", "char", "String", *STRUCTS)
SPECS = ("", ":?", ":.2", ":>5", ":05", ":<4", ":^6", ":+", ":x", ":#x", ":b")
NAMES = ("a", "b", "c", "d", "e")


class Writer:
    """Writes one program. `numbers` decide everything."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.scopes: list[dict[str, str]] = []
        self.functions: list[tuple[str, list[str], int, str]] = []
        self.constants: dict[str, str] = {}
        self.loops: list[str] = []
        self.result = "()"
        self.constant = True
        self.counter = 0
        self.strange = self.random.random() < 0.3
        """Whether values of wrong types occur."""

    def one(self, *options: str) -> str:
        return self.random.choice(options)

    def rare(self, chance: float) -> bool:
        return self.random.random() < chance

    def name(self) -> str:
        self.counter += 1
        return self.one(*NAMES) if self.rare(0.6) else f"v{self.counter}"

    def type(self) -> str:
        return self.one("i64", "i32", "String", "bool", "f64") if self.rare(0.6) else self.one(*TYPES)

    # ------------------------------------------------------------ a whole program

    def program(self) -> str:
        parts = ["struct P { x: i64, s: String }", "struct Q { p: P, b: bool = true, n: u8 }", "struct E { }"]
        for number in range(self.random.randrange(3)):
            kind = self.type()
            self.scopes = [{}]
            parts.append(f"const K{number}: {kind} = {self.fixed(kind)};")
            self.constants[f"K{number}"] = kind
        for number in range(1 + self.random.randrange(4)):
            parts.append(self.function(f"f{number}"))
        if self.rare(0.3):
            self.scopes, self.loops, self.result, self.constant = [{}], [], "()", False
            parts.append(self.statements(2))
        parts.append(self.function("main", []))
        return "\n".join(parts) + "\n"

    def fixed(self, kind: str) -> str:
        """The value of a constant or a default, which belongs to no function."""
        kept, self.constant = (self.loops, self.constant), True
        self.loops = []
        written = self.value(kind, 1)
        self.loops, self.constant = kept
        return written

    def function(self, name: str, types: list[str] | None = None) -> str:
        kept = (self.scopes, self.loops, self.result)
        kinds = [self.type() for _ in range(self.random.randrange(4))] if types is None else types
        self.scopes, self.loops = [{}], []
        self.result = self.one("()", self.type(), self.type()) if types is None else "()"
        parameters = []
        required = len(kinds)
        for number, kind in enumerate(kinds):
            default = ""
            if number == len(kinds) - 1 and self.rare(0.3):
                default, required = f" = {self.fixed(kind)}", number
            parameters.append(f"{self.one('', '', 'mut ')}p{number}: {kind}{default}")
        self.scopes[-1] = {f"p{number}": kind for number, kind in enumerate(kinds)}
        arrow = f" -> {self.result}" if name != "main" else ""
        self.constant = False
        body = f"{self.statements(3)}\n{self.tail(self.result, 2)}"
        self.scopes, self.loops, result, self.result = kept[0], kept[1], self.result, kept[2]
        if name != "main":
            self.functions.append((name, kinds, required, result))
        word = self.one("fun", "fn", "pub fun") if name != "main" else "fun"
        return f"{word} {name}({', '.join(parameters)}){arrow} {{ {body} }}"

    def tail(self, kind: str, depth: int) -> str:
        if kind == "()":
            return "println();"
        value = self.value(kind, depth)
        if not self.constant and kind == self.result and self.rare(0.1):
            return f"return {value};"
        lets = (f"let z = {value};", f"let z: {kind} = {value}", f"let _ = {value};")
        return self.one(value, value, value, *lets)

    # ------------------------------------------------------------ statements

    def statements(self, depth: int) -> str:
        return "\n".join(self.statement(depth) for _ in range(1 + self.random.randrange(3)))

    def block(self, depth: int, kind: str = "()") -> str:
        self.scopes.append({})
        written = f"{{ {self.statements(depth - 1) if depth > 0 else ''}\n{self.tail(kind, depth - 1)} }}"
        self.scopes.pop()
        return written

    def loop(self, head: str, depth: int, variable: str = "", kind: str = "i64") -> str:
        label = self.one("", "", "'l: ", "'m: ")
        self.scopes.append({variable: kind} if variable else {})
        self.loops.append(label)
        body = self.block(depth - 1)
        self.loops.pop()
        self.scopes.pop()
        return f"{label}{head} {body}"

    def statement(self, depth: int) -> str:
        choice = self.random.randrange(16 if depth > 0 else 8)
        if choice < 4:
            kind, name = self.type(), self.name()
            value = self.value(kind, depth)
            self.scopes[-1][name] = kind
            written = f": {kind}" if self.rare(0.5) or kind in INTEGERS else ""
            return f"let {self.one('', 'mut ')}{name}{written} = {value};"
        if choice < 6:
            return self.assignment(depth)
        if choice < 8:
            return self.printing(depth)
        if choice == 8:
            otherwise = f" else {self.block(depth)}" if self.rare(0.5) else ""
            return f"if {self.value('bool', depth - 1)} {self.block(depth)}{otherwise}"
        if choice == 9:
            return self.loop(f"while {self.value('bool', depth - 1)}", depth)
        if choice == 10:
            kind, name = self.one(*INTEGERS), self.name()
            ends = f"{self.value(kind, depth - 1)}{self.one('..', '..=')}({self.value(kind, depth - 1)})"
            return self.loop(f"for {name} in {ends}", depth, name, kind)
        if choice == 11:
            return self.loop("loop", depth)
        if choice == 12 and self.rare(0.3):
            kept = list(self.functions)
            self.counter += 1
            written = self.function(f"g{self.counter}")
            self.functions = self.functions if self.rare(0.7) else kept
            return written.replace("pub ", "")
        if choice == 13 and self.loops:
            return f"if {self.value('bool', 1)} {{ {self.never(1)} }}"
        if choice == 14:
            name, kind = self.name(), self.type()
            value = self.value(kind, 1)
            self.scopes.append({name: kind})
            written = f"let {name}: {kind} = {value} in {self.block(depth - 1)}"
            self.scopes.pop()
            return written
        return f"{self.value(self.type(), depth)};"

    def assignment(self, depth: int) -> str:
        found = [(name, kind) for scope in self.scopes for name, kind in scope.items()]
        if not found:
            return self.printing(depth)
        name, kind = self.random.choice(found)
        kind = self.kind_of(name) or kind
        while kind in STRUCTS and STRUCTS[kind] and self.rare(0.7):
            field, kind = self.random.choice(STRUCTS[kind])
            name = f"{name}.{field}"
        operator = "="
        if kind in INTEGERS:
            operator = self.one("=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>=")
        elif kind in FLOATS:
            operator = self.one("=", "+=", "-=", "*=", "/=")
        elif kind == "String":
            operator = self.one("=", "+=")
        return f"{name} {operator} {self.value(kind, depth)};"

    def printing(self, depth: int) -> str:
        kinds = [self.type() for _ in range(self.random.randrange(3))]
        values = ", ".join(self.value(kind, depth - 1) for kind in kinds)
        how = self.random.randrange(3)
        if how == 0 or not kinds:
            return f"{self.one('println', 'print', 'eprintln')}({values});"
        specs = {**dict.fromkeys(INTEGERS, SPECS), **dict.fromkeys(FLOATS, SPECS[:8])}
        holes = " ".join("{" + self.one(*specs.get(kind, ("",))) + "}" for kind in kinds)
        return f'{self.one("println!", "println", "print!")}("{holes}", {values});'

    # ------------------------------------------------------------ values

    def kind_of(self, name: str) -> str:
        for scope in reversed(self.scopes):
            if name in scope:
                return scope[name]
        return self.constants.get(name, "")

    def never(self, depth: int) -> str:
        options = ['panic("x")', "todo!()", "loop { }", 'panic!("{}", 1)']
        if self.constant:
            pass
        elif self.result == "()":
            options += ["return", "{ return; }"]
        else:
            options += [f"return {self.value(self.result, 0)}"]
        if self.loops:
            labels = [label.partition(":")[0] for label in self.loops if label]
            options += [
                "break",
                "continue",
                "{ break; }",
                *(f"{self.one('break', 'continue')} {one}" for one in labels),
            ]
        return self.one(*options)

    def value(self, kind: str, depth: int) -> str:
        if self.rare(0.03):
            return f"({self.never(depth)})"
        if self.strange and self.rare(0.03):
            kind = self.type()
        names = [name for scope in self.scopes for name in scope if self.kind_of(name) == kind]
        names += [name for name, known in self.constants.items() if known == kind]
        if names and self.rare(0.4):
            return self.one(*names)
        if depth <= 0 or self.rare(0.15):
            return self.literal(kind, depth)
        return self.general(kind, depth - 1) if self.rare(0.45) else self.special(kind, depth - 1)

    def general(self, kind: str, depth: int) -> str:
        """What has a value of any type."""
        choice = self.random.randrange(8)
        if choice == 0:
            return f"(if {self.value('bool', depth)} {self.block(depth, kind)} else {self.block(depth, kind)})"
        if choice == 1:
            return f"({self.value('bool', depth)} ? {self.value(kind, depth)} : {self.value(kind, depth)})"
        if choice == 2:
            return f"({self.block(depth, kind)})"
        if choice == 3:
            return f"(loop {{ break {self.value(kind, depth)}; }})"
        if choice == 4:
            return f"({self.value(kind, depth)})"
        if choice == 5 and kind in ("P", "Q"):
            name, found = STRUCTS[kind][0]
            return f"{kind} {{ {name}: {self.value(found, depth)}, ..{self.value(kind, depth)} }}"
        for struct, fields in STRUCTS.items():
            for name, found in fields:
                if found == kind and choice == 6:
                    return f"({self.value(struct, depth)}).{name}"
        found = [one for one in self.functions if one[3] == kind]
        if not found:
            return self.special(kind, depth)
        name, kinds, required, _ = self.random.choice(found)
        given = self.random.randrange(required, len(kinds) + 1)
        return f"{name}({', '.join(self.value(one, depth) for one in kinds[:given])})"

    def special(self, kind: str, depth: int) -> str:
        """What gives a value of this type alone."""
        here = lambda: f"({self.value(kind, depth)})"  # noqa: E731
        if kind in INTEGERS:
            choice = self.random.randrange(6)
            if choice == 0:
                return f"({self.value(self.one(*INTEGERS, *FLOATS, 'bool', 'char'), depth)} as {kind})"
            if choice == 1:
                return f"~{here()}" if kind[0] == "u" else f"{self.one('-', '~')}{here()}"
            if choice == 2:
                return f"{here()}.{self.one('min', 'max')}({self.value(kind, depth)})"
            if choice == 3 and kind == "i64":
                return f"({self.value('String', depth)}).{self.one('len()', 'parse()', 'to_int()')}"
            operator = self.one("+", "-", "*", "/", "%", "**", "&", "|", "^", "<<", ">>")
            return f"({here()} {operator} {here()})"
        if kind in FLOATS:
            choice = self.random.randrange(4)
            if choice == 0:
                return f"({self.value(self.one(*INTEGERS, *FLOATS), depth)} as {kind})"
            if choice == 1:
                return f"{here()}.{self.one('sqrt', 'floor', 'round', 'abs', 'ceil')}()"
            return f"({here()} {self.one('+', '-', '*', '/', '%', '**')} {here()})"
        if kind == "bool":
            other = self.type()
            equal = other in STRUCTS
            operator = self.one("==", "!=") if equal else self.one("==", "!=", "<", "<=", ">", ">=")
            compared = f"(({self.value(other, depth)}) {operator} ({self.value(other, depth)}))"
            return self.one(compared, compared, f"({here()} {self.one('&&', '||')} {here()})", f"!{here()}")
        if kind == "String":
            choice = self.random.randrange(6)
            other = self.type()
            if choice == 0:
                return f"({here()} + ({self.value(other, depth)}))"
            if choice == 1:
                hole = self.value(other, depth)
                return f'f"<{{{hole}}}>"' if '"' not in hole and "{" not in hole else here()
            if choice == 2:
                return f'format!("{{}}-{{}}", {self.value(other, depth)}, {self.value("String", depth)})'
            if choice == 3:
                return f"({self.value(other, depth)}).to_string()"
            if choice == 4:
                return f"{here()}{self.one('[0]', '[0..1]', '[..1]', '[1..]', '.trim()', '.to_upper()', '.repeat(2)')}"
            return f"({here()} {self.one('+', '*')} {self.value('i64', depth)})"
        if kind == "char":
            return f"({self.value('u8', depth)} as char)"
        return self.literal(kind, depth)

    def literal(self, kind: str, depth: int) -> str:
        if kind in INTEGERS:
            bits = int(kind[1:].replace("size", "64"))
            most = (1 << bits - (kind[0] == "i")) - 1
            return self.one(
                "0", "1", "2", "7", f"{most}{kind}", f"{hex(most)}{kind}", f"3{kind}", "-1" if kind[0] == "i" else "5"
            )
        if kind in FLOATS:
            return self.one("0.5", "2.0", "-1.25", "1e10")
        if kind in STRUCTS:
            fields = ", ".join(f"{name}: {self.value(one, depth - 1)}" for name, one in STRUCTS[kind])
            return f"{kind} {{ {fields} }}" if depth < 2 else f"({kind} {{ {fields} }})"
        found = {"bool": ("true", "false"), "char": ("'c'", "'0'"), "String": ('"a"', '"b{}"', '""', '"é"')}
        return self.one(*found.get(kind, ("()",)))


_TOKENS = re.compile(r"\w+|\"[^\"\n]*\"|\s+|[-+*/%&|<>=!]=?|.", re.DOTALL)
_INSERTED = ("return", "break", "continue", "1", '"t"', "2.5", "true", "+", "==", "&&", "let z = ", "{", "}", "as u8",
             "if true", "loop", ".len()", "&mut ", "-", "()", ";", "u64", "String")  # fmt: skip


def mutated(source: str, seed: int) -> str:
    """A program with some of its words left out, doubled, exchanged, or replaced by others."""
    choose = random.Random(seed)
    tokens: list[str] = _TOKENS.findall(source)
    solid = [at for at, token in enumerate(tokens) if not token.isspace()]
    for _ in range(1 + choose.randrange(3)):
        at, other = choose.choice(solid), choose.choice(solid)
        how = choose.randrange(5)
        if how == 0:
            tokens[at] = ""
        elif how == 1:
            tokens[at] += " " + tokens[at]
        elif how == 2:
            tokens[at], tokens[other] = tokens[other], tokens[at]
        elif how == 3:
            tokens[at] = tokens[other]
        else:
            tokens[at] = choose.choice(_INSERTED)
    return "".join(tokens)
