"""Random Ruchy programs about strings, structs, arrays, tuples, enums and options, each with a Python program that
must print the same.

The Python side copies a struct, an array or a tuple wherever it is read, which is what value semantics means. It is
made of expressions, so that stores and jumps may stand inside of arguments: `:=` stores, and a function that raises
jumps.
"""

from __future__ import annotations

import copy
import random

STRUCTS = """struct P { n: i64, t: String, b: bool }
struct Q { p: P, k: i64, s: String, o: Option<String> }
enum E { Dot, Text(String, [String]), Both { p: P, o: Option<String> } }
"""
FIELDS = {"P": {"n": "I", "t": "S", "b": "B"}, "Q": {"p": "P", "k": "I", "s": "S", "o": "O"}}
TYPES = {
    "I": "i64", "S": "String", "B": "bool", "P": "P", "Q": "Q",
    "A": "[i64]", "L": "[String]", "R": "[P]", "N": "[[String]]", "T": "(i64, [String])",
    "O": "Option<String>", "E": "E", "C": "[E]",
}  # fmt: skip
ELEMENTS = {"A": "I", "L": "S", "R": "P", "N": "L", "C": "E"}
"""Arrays, none of which is ever empty."""


class Values(list[object]):
    """A tuple whose values can be assigned."""


class Chosen:
    """A variant with its payload; `names` are those of its fields, if they have some."""

    def __init__(self, name, *payload, names=()):
        self.name, self.payload, self.names = name, payload, names

    def __eq__(self, other):
        return (self.name, self.payload) == (other.name, other.payload)

    def __hash__(self):
        raise TypeError


NONE = "Chosen('None')"


class Jump(Exception):
    """A way out: ("return", value), ("break", label) or ("continue", label)."""


def jump(*where):
    raise Jump(*where)


def put(value, path, struct):
    """`struct.path = value`; the value is computed before the place is looked at."""
    for name in path[:-1]:
        struct = struct[name]
    struct[path[-1]] = value


def push(value, array):
    """`array.push(value)`; the value is computed before the array is looked at."""
    array.append(value)


def tried(option):
    return option.payload[0] if option.payload else jump("return", Chosen("None"))


def unwrap_or(option, value):
    return option.payload[0] if option.payload else value


def first_of(one, other):
    return one if one.payload else other


def pop(array):
    return array.pop() if len(array) > 1 else array[0]


def show(value, nested=False):
    """As the language displays it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Chosen):
        parts = [show(one, True) for one in value.payload]
        if value.names:
            fields = sorted(zip(value.names, parts, strict=True))
            return value.name + " {" + ", ".join(f"{key}: {part}" for key, part in fields) + "}"
        return value.name + f"({', '.join(parts)})" * bool(parts)
    if isinstance(value, dict):
        name = "P" if "t" in value else "Q"
        return name + " {" + ", ".join(f"{key}: {show(value[key], True)}" for key in sorted(value)) + "}"
    if isinstance(value, list):
        ends = "()" if isinstance(value, Values) else "[]"
        return ends[0] + ", ".join(show(one, True) for one in value) + ends[1]
    if isinstance(value, str) and nested:
        return f'"{value}"'
    return str(value)


class Programs:
    """Draws programs. Every expression and statement is a pair: Ruchy text, Python text."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.count = 0
        self.functions: list[tuple[str, list[str], str]] = []
        self.scopes: list[list[tuple[str, str]]] = []
        self.loops: list[int] = []
        self.result = ""

    def name(self, prefix: str = "v") -> str:
        self.count += 1
        return f"{prefix}{self.count}"

    def variables(self, type_: str) -> list[str]:
        return [name for scope in self.scopes for name, kind in scope if kind == type_]

    # ------------------------------------------------------------ expressions

    def expression(self, type_: str, depth: int) -> tuple[str, str]:
        if depth > 0 and self.draw.random() < 0.35:
            return self.draw.choice([self.choice, self.block, self.call, self.leaving])(type_, depth)
        return getattr(self, "of_" + type_)(depth)

    def choice(self, type_, depth):
        test, then, other = (self.expression(kind, depth - 1) for kind in ("B", type_, type_))
        return f"(if {test[0]} {{ {then[0]} }} else {{ {other[0]} }})", f"({then[1]} if {test[1]} else {other[1]})"

    def block(self, type_, depth):
        kind = self.draw.choice("SPI")
        first, name = self.expression(kind, depth - 1), self.name()
        self.scopes.append([(name, kind)])
        store = self.store(depth - 1)
        value = self.expression(type_, depth - 1)
        self.scopes.pop()
        ruchy = f"{{ let mut {name} = {first[0]}; {store[0]} {value[0]} }}"
        return (
            f"(if true {ruchy} else {{ {self.plain(type_)[0]} }})",
            f"(({name} := {first[1]}), {store[1]}, {value[1]})[-1]",
        )

    def leaving(self, type_, depth):
        """A value on one way, a jump on the other."""
        test, value = self.expression("B", 0), self.expression(type_, depth - 1)
        ruchy, python = self.way_out(depth)
        return f"(if {test[0]} {{ {ruchy} }} else {{ {value[0]} }})", f"({python} if {test[1]} else {value[1]})"

    def way_out(self, depth):
        if self.loops and self.draw.random() < 0.7:
            label, way = self.draw.choice(self.loops), self.draw.choice(["break", "continue"])
            return f"{way} 'l{label}", f"jump({way!r}, {label})"
        value = self.expression(self.result, min(depth - 1, 1))
        return f"return {value[0]}", f"jump('return', {value[1]})"

    def call(self, type_, depth):
        fitting = [function for function in self.functions if function[2] == type_]
        if not fitting:
            return getattr(self, "of_" + type_)(depth)
        name, parameters, _ = self.draw.choice(fitting)
        given = [self.expression(kind, depth - 1) for kind in parameters]
        ruchy, python = (", ".join(value[side] for value in given) for side in (0, 1))
        return f"{name}({ruchy})", f"{name}({python})"

    def plain(self, type_):
        return {
            "I": ("3", "3"),
            "S": ('"s"', "'s'"),
            "B": ("true", "True"),
            "P": ('P { n: 1, t: "t", b: false }', "{'n': 1, 't': 't', 'b': False}"),
            "Q": (
                'Q { p: P { n: 1, t: "t", b: false }, k: 2, s: "q", o: None }',
                f"{{'p': {{'n': 1, 't': 't', 'b': False}}, 'k': 2, 's': 'q', 'o': {NONE}}}",
            ),
            "A": ("[4]", "[4]"),
            "L": ('["l"]', "['l']"),
            "R": ('[P { n: 1, t: "t", b: false }]', "[{'n': 1, 't': 't', 'b': False}]"),
            "N": ('[["n", "m"]]', "[['n', 'm']]"),
            "O": ('Some("o")', "Chosen('Some', 'o')"),
            "E": ("E::Dot", "Chosen('Dot')"),
            "C": ("[E::Dot]", "[Chosen('Dot')]"),
            "T": ('(5, ["v"])', "Values([5, ['v']])"),
        }[type_]

    def place(self, type_):
        """A variable, or something in one."""
        found = [(name, name) for name in self.variables(type_)]
        for outer in "PQ":
            for name in self.variables(outer):
                found += [
                    (f"{name}.{field}", f"{name}[{field!r}]") for field, kind in FIELDS[outer].items() if kind == type_
                ]
        for name in self.variables("Q"):
            found += [
                (f"{name}.p.{key}", f"{name}['p'][{key!r}]") for key, kind in FIELDS["P"].items() if kind == type_
            ]
        for outer, inner in ELEMENTS.items():
            for name in self.variables(outer):
                at = self.draw.choice([0, -1])
                inside = [(f"{name}[{at}]", f"{name}[{at}]", inner)]
                if inner == "P":
                    inside += [
                        (f"{name}[{at}].{key}", f"{name}[{at}][{key!r}]", kind) for key, kind in FIELDS["P"].items()
                    ]
                if inner == "L":
                    inside.append((f"{name}[{at}][0]", f"{name}[{at}][0]", "S"))
                found += [(ruchy, python) for ruchy, python, kind in inside if kind == type_]
        for name in self.variables("T"):
            inside = [(f"{name}.0", f"{name}[0]", "I"), (f"{name}.1", f"{name}[1]", "L")]
            inside.append((f"{name}.1[-1]", f"{name}[1][-1]", "S"))
            found += [(ruchy, python) for ruchy, python, kind in inside if kind == type_]
        return self.draw.choice(found) if found else None

    def of_I(self, depth):
        kind = self.draw.randrange(6)
        if kind == 0 or depth <= 0:
            return self.place("I") or self.plain("I")
        if kind == 4:
            array = self.expression(self.draw.choice("ALRNC"), depth - 1)
            return f"({array[0]}).len()", f"len({array[1]})"
        if kind == 5:
            array = self.expression("A", depth - 1)
            return f"(({array[0]}).sum() % 97)", f"(sum({array[1]}) % 97)"
        if kind == 1:
            text = self.expression("S", depth - 1)
            return f"({text[0]}).len()", f"len(({text[1]}).encode())"
        a, b = self.expression("I", depth - 1), self.expression("I", depth - 1)
        operator = self.draw.choice("+*")
        return f"(({a[0]} {operator} {b[0]}) % 97)", f"(({a[1]} {operator} {b[1]}) % 97)"

    def of_B(self, depth):
        kind = self.draw.randrange(5)
        if kind == 0 or depth <= 0:
            return self.place("B") or self.plain("B")
        if kind == 1:
            a, b = self.expression("B", depth - 1), self.expression("B", depth - 1)
            operator, word = self.draw.choice([("&&", "and"), ("||", "or")])
            return f"({a[0]} {operator} {b[0]})", f"({a[1]} {word} {b[1]})"
        if kind == 4 and self.draw.random() < 0.5:
            if self.draw.random() < 0.3:
                option = self.expression("O", depth - 1)
                return f"({option[0]}).is_some()", f"(({option[1]}).name == 'Some')"
            of = self.draw.choice("ALRNC")
            array, value = self.expression(of, depth - 1), self.expression(ELEMENTS[of], depth - 1)
            return f"({array[0]}).contains({value[0]})", f"contains({array[1]}, {value[1]})"
        of, operators = self.draw.choice(
            [
                ("S", ["==", "!=", "<", ">="]),
                ("I", ["<", "==", ">"]),
                *[(one, ["==", "!="]) for one in "PALRNTOEC"],
            ]
        )
        a, b = self.expression(of, depth - 1), self.expression(of, depth - 1)
        operator = self.draw.choice(operators)
        side = ".encode()" if of == "S" else ""
        return f"({a[0]} {operator} {b[0]})", f"(({a[1]}){side} {operator} ({b[1]}){side})"

    def of_S(self, depth):
        kind = self.draw.randrange(9)
        if kind == 7 and depth > 0:
            return self.from_option(depth)
        if kind == 8 and depth > 0:
            return self.matched("S", depth)
        if kind == 6 and depth > 0:
            array, between = self.expression("L", depth - 1), self.expression("S", 0)
            return f"({array[0]}).join({between[0]})", f"join({array[1]}, {between[1]})"
        if kind <= 1 or depth <= 0:
            return self.place("S") or self.plain("S")
        if kind == 2:
            word = self.draw.choice(["", "a", "xyz", "é", "日本 "])
            return f'"{word}"', repr(word)
        if kind == 3:
            of = self.draw.choice("ISBPQALRNTOEC")
            value = self.expression(of, depth - 1)
            return f'("<" + ({value[0]}) + ">")', f"('<' + show({value[1]}) + '>')"
        parts = [self.expression("S", depth - 1) for _ in range(self.draw.randint(2, 3))]
        ruchy, python = (" + ".join(part[side] for part in parts) for side in (0, 1))
        return f"({ruchy})", f"({python})"

    def from_option(self, depth):
        """What is in an option: with a value for none, by a way out of the function, or by asking."""
        option = self.expression("O", depth - 1)
        if self.result == "O" and self.draw.random() < 0.5:
            return f"(({option[0]})?)", f"tried({option[1]})"
        value, kept = self.expression("S", depth - 1), self.name()
        if self.draw.random() < 0.5:
            return f"({option[0]}).unwrap_or({value[0]})", f"unwrap_or({option[1]}, {value[1]})"
        some = f"{kept}.payload[0] if ({kept} := {option[1]}).payload"
        return f"(({option[0]}) ?? ({value[0]}))", f"({some} else {value[1]})"

    def matched(self, type_, depth):
        """A `match` over an enum, whose arms see what it holds."""
        of, kept = self.expression("E", depth - 1), self.name()
        names = [self.name("m") for _ in range(4)]
        arms = [self.expression(type_, depth - 1)]
        for pair, kinds in ((names[:2], "SL"), (names[2:], "PO")):
            self.scopes.append(list(zip(pair, kinds, strict=True)))
            value = self.expression(type_, depth - 1)
            self.scopes.pop()
            bound = ", ".join(f"({name} := copy({kept}.payload[{at}]))" for at, name in enumerate(pair))
            arms.append((value[0], f"({bound}, {value[1]})[-1]"))
        ruchy = (
            f"(match ({of[0]}) {{ E::Dot => {{ {arms[0][0]} }}, E::Text({names[0]}, {names[1]}) => {{ {arms[1][0]} }}, "
            f"E::Both {{ p: {names[2]}, o: {names[3]} }} => {{ {arms[2][0]} }} }})"
        )
        python = f"({arms[0][1]} if ({kept} := {of[1]}).name == 'Dot' else "
        return ruchy, f"{python}{arms[1][1]} if {kept}.name == 'Text' else {arms[2][1]})"

    def of_O(self, depth):
        kind = self.draw.randrange(6)
        place = self.place("O")
        if place and (kind <= 1 or depth <= 0):
            return place[0], f"copy({place[1]})"
        if depth <= 0:
            return self.plain("O")
        if kind == 2:
            return self.matched("O", depth)
        if kind == 3:
            one, other = self.expression("O", depth - 1), self.expression("O", depth - 1)
            return (
                f"({one[0]}).or({other[0]})",
                f"first_of({one[1]}, {other[1]})",
            )
        if kind == 4 and self.result == "O":
            return '(if true { None } else { Some("") })', NONE
        value = self.expression("S", depth - 1)
        return f"Some({value[0]})", f"Chosen('Some', {value[1]})"

    def of_E(self, depth):
        kind = self.draw.randrange(5)
        place = self.place("E")
        if place and (kind <= 1 or depth <= 0):
            return place[0], f"copy({place[1]})"
        if depth <= 0 or kind == 2:
            return self.plain("E")
        if kind == 3:
            text, array = self.expression("S", depth - 1), self.expression("L", depth - 1)
            return f"E::Text({text[0]}, {array[0]})", f"Chosen('Text', {text[1]}, {array[1]})"
        inner, option = self.expression("P", depth - 1), self.expression("O", depth - 1)
        python = f"Chosen('Both', {inner[1]}, {option[1]}, names=('p', 'o'))"
        return f"E::Both {{ p: {inner[0]}, o: {option[0]} }}", python

    def of_C(self, depth):
        return self.array("C", depth)

    def of_P(self, depth):
        return self.struct("P", depth)

    def of_Q(self, depth):
        return self.struct("Q", depth)

    def struct(self, type_, depth):
        kind = self.draw.randrange(4)
        place = self.place(type_)
        if place and (kind <= 1 or depth <= 0):
            return place[0], f"copy({place[1]})"
        if depth <= 0:
            return self.plain(type_)
        names = list(FIELDS[type_])
        self.draw.shuffle(names)
        some = names if kind == 2 else names[: self.draw.randint(0, 2)]
        values = [(name, self.expression(FIELDS[type_][name], depth - 1)) for name in some]
        ruchy = ", ".join(f"{name}: {value[0]}" for name, value in values)
        python = "{" + ", ".join(f"{name!r}: {value[1]}" for name, value in values) + "}"
        if kind == 2:
            return f"{type_} {{ {ruchy} }}", python
        base = self.expression(type_, depth - 1)
        return f"{type_} {{ {ruchy}{', ' if ruchy else ''}..{base[0]} }}", f"update({python}, {base[1]})"

    def of_T(self, depth):
        place = self.place("T")
        if place and (depth <= 0 or self.draw.random() < 0.5):
            return place[0], f"copy({place[1]})"
        if depth <= 0:
            return self.plain("T")
        number, array = self.expression("I", depth - 1), self.expression("L", depth - 1)
        return f"({number[0]}, {array[0]})", f"Values([{number[1]}, {array[1]}])"

    def array(self, type_, depth):
        kind = self.draw.randrange(8)
        place = self.place(type_)
        if place and (kind <= 1 or depth <= 0):
            return place[0], f"copy({place[1]})"
        if depth <= 0:
            return self.plain(type_)
        if kind <= 3:
            values = [self.expression(ELEMENTS[type_], depth - 1) for _ in range(self.draw.randint(1, 3))]
            ruchy, python = (", ".join(value[side] for value in values) for side in (0, 1))
            return f"[{ruchy}]", f"[{python}]"
        one = self.expression(type_, depth - 1)
        if kind == 4:
            return f"({one[0]}).reverse()", f"({one[1]})[::-1]"
        if kind == 5:
            return f"({one[0]})[..1]", f"({one[1]})[:1]"
        if kind == 6:
            value = self.expression(ELEMENTS[type_], depth - 1)
            return f"[{value[0]}; 2]", f"twice({value[1]})"
        other = self.expression(type_, depth - 1)
        return f"({one[0]} + {other[0]})", f"({one[1]} + {other[1]})"

    def of_A(self, depth):
        return self.array("A", depth)

    def of_L(self, depth):
        return self.array("L", depth)

    def of_R(self, depth):
        return self.array("R", depth)

    def of_N(self, depth):
        return self.array("N", depth)

    # ------------------------------------------------------------ statements

    def store(self, depth):
        """An assignment to a variable or to a field; a long string is cut down. As one expression in Python."""
        type_ = self.draw.choice("SSSPPQIALRNTLRNOEEC")
        place = self.place(type_)
        if place is None:
            return "", "None"
        if type_ in ELEMENTS:
            return self.store_array(type_, place, depth)
        if type_ == "S" and self.draw.random() < 0.6:
            value = self.expression("S", depth)
            value = f"{place[0]} + {value[0]}", f"{place[1]} + {value[1]}"
        else:
            value = self.expression(type_, depth)
        ruchy = f"{place[0]} = {value[0]};"
        python = self.stored(place[1], value[1])
        if type_ == "O" and self.draw.random() < 0.3:
            return f"{place[0]}.take();", self.stored(place[1], NONE)
        if type_ == "S":
            ruchy += f' if ({place[0]}).len() > 60 {{ {place[0]} = "~"; }}'
            cut = self.stored(place[1], "'~'")
            python = f"({python}, {cut} if len({place[1]}.encode()) > 60 else None)"
        return ruchy, python

    def store_array(self, type_, place, depth):
        """An array is assigned, or changed where it is; a long one is cut down."""
        kind = self.draw.randrange(4)
        if kind <= 1:
            value = self.expression(ELEMENTS[type_], depth)
            ruchy, python = f"{place[0]}.push({value[0]});", f"push({value[1]}, {place[1]})"
        else:
            value = self.expression(type_, depth)
            if kind == 2:
                value = f"{place[0]} + {value[0]}", f"copy({place[1]}) + {value[1]}"
            ruchy, python = f"{place[0]} = {value[0]};", self.stored(place[1], value[1])
        ruchy += f" if ({place[0]}).len() > 4 {{ {place[0]}.pop(); {place[0]} = {place[0]}[1..3]; }}"
        cut = self.stored(place[1], f"copy({place[1]}[1:3])")
        return ruchy, f"({python}, (pop({place[1]}), {cut}) if len({place[1]}) > 4 else None)"

    def stored(self, place, value):
        name, _, path = place.partition("[")
        if not path:
            return f"({name} := {value})"
        keys = [key.strip("'") if key[0] == "'" else int(key) for key in path[:-1].split("][")]
        return f"put({value}, {keys}, {name})"

    def statements(self, count, depth):
        """Ruchy lines and Python lines (unindented) of a block of its own."""
        self.scopes.append([])
        ruchy: list[str] = []
        python: list[str] = []
        for _ in range(count):
            kind = self.draw.randrange(9)
            if kind <= 1:
                type_, name = self.draw.choice("SSPQIALRNTOEC"), self.name()
                value = self.expression(type_, depth)
                self.scopes[-1].append((name, type_))
                made = [f"let mut {name} = {value[0]};"], [f"{name} = {value[1]}"]
            elif kind <= 4:
                text, code = self.store(depth)
                made = [text], [code]
            elif kind == 5:
                value = self.expression(self.draw.choice("SPQALRNTOEC"), depth)
                made = [f'println("-", {value[0]});'], [f"out.append('- ' + show({value[1]}))"]
            elif kind == 6:
                test = self.expression("B", depth)
                inner = self.statements(2, depth - 1)
                made = [f"if {test[0]} {{", *inner[0], "}"], [f"if {test[1]}:", *indented(inner[1])]
            elif kind == 7 and len(self.loops) < 2:
                made = self.loop(depth)
            else:
                value = self.expression(self.draw.choice("SPLNOE"), depth)
                made = [f"{value[0]};"], [value[1]]
            ruchy += made[0]
            python += made[1]
        self.scopes.pop()
        return ruchy, python or ["pass"]

    def loop(self, depth):
        label, name, times = self.count, self.name("k"), self.draw.randint(1, 3)
        source, of = (f"0..{times}", f"range({times})"), "I"
        if self.draw.random() < 0.5:
            over = self.draw.choice("ALRNC")
            array = self.expression(over, depth - 1)
            source, of = (f"({array[0]})", f"copy({array[1]})"), ELEMENTS[over]
        self.loops.append(label)
        self.scopes.append([(name, of)])
        inner = self.statements(3, depth - 1)
        self.scopes.pop()
        self.loops.pop()
        ruchy = [f"'l{label}: for {name} in {source[0]} {{", *inner[0], "}"]
        python = [f"for {name} in {source[1]}:", "    try:", *indented(indented(inner[1]))]
        python += ["    except Jump as found:", f"        if found.args == ('break', {label}): break"]
        python += [f"        if found.args != ('continue', {label}): raise"]
        return ruchy, python

    def function(self):
        name, parameters = self.name("f"), [self.draw.choice("SPQIALRNTOEC") for _ in range(self.draw.randint(1, 3))]
        self.result = self.draw.choice("SSPQLRNTOEC")
        names = [self.name("a") for _ in parameters]
        self.scopes.append(list(zip(names, parameters, strict=True)))
        ruchy, python = self.statements(self.draw.randint(2, 5), 2)
        value = self.expression(self.result, 2)
        self.scopes.pop()
        listed = ", ".join(f"{one}: {TYPES[kind]}" for one, kind in zip(names, parameters, strict=True))
        head = f"fun {name}({listed}) -> {TYPES[self.result]} {{"
        body = ["try:", *indented([*python, f"return {value[1]}"]), "except Jump as found:"]
        body += ["    if found.args[0] != 'return': raise", "    return found.args[1]"]
        self.functions.append((name, parameters, self.result))
        return [head, *ruchy, value[0], "}"], [f"def {name}({', '.join(names)}):", *indented(body)]

    def program(self) -> tuple[str, str]:
        """The Ruchy program, and what it must print."""
        made = [self.function() for _ in range(4)]
        ruchy = [STRUCTS, *(line for function, _ in made for line in function), "fun main() {"]
        python = [line for _, function in made for line in function]
        self.result = "S"
        for name, parameters, _ in self.functions:
            given = [self.plain(kind) for kind in parameters]
            ruchy.append(f'println("=", {name}({", ".join(value[0] for value in given)}));')
            python.append(f"out.append('= ' + show({name}({', '.join(value[1] for value in given)})))")
        out: list[str] = []
        environment = {
            "out": out,
            "show": show,
            "put": put,
            "jump": jump,
            "Jump": Jump,
            "copy": copy.deepcopy,
            "update": lambda fields, base: {**base, **fields},
            "Values": Values,
            "Chosen": Chosen,
            "first_of": first_of,
            "tried": tried,
            "unwrap_or": unwrap_or,
            "push": push,
            "pop": pop,
            "twice": lambda value: [copy.deepcopy(value), copy.deepcopy(value)],
            "contains": lambda array, value: value in array,
            "join": lambda array, between: between.join(array),
        }
        exec("\n".join(python), environment)
        return "\n".join([*ruchy, "}"]), "".join(line + "\n" for line in out)


def indented(lines: list[str]) -> list[str]:
    return ["    " + line for line in lines]
