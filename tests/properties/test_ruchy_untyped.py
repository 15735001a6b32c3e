"""Random programs of functions without types, beside the same programs with a copy by hand for each set of types."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.programs import run_text
from tests.helpers.untrusted_values import share

Kind = str
"""i64, f64 or String."""

VALUES = {"i64": ("7", "2 + 1", "n"), "f64": ("0.5", "2.25 * 2.0", "x"), "String": ('"ab"', 's + "!"', "s")}
LETS = "let n = 3; let x = 1.5; let s = 'z';"


class UntypedProgram:
    """Functions `f0`, `f1`, ... of two parameters, each of which calls only those before it. A body is made of nodes:
    ("a",), ("b",), (number,), ("+", left, right), ("*", left, right), ("text", node), ("same", left, right),
    ("call", function, left, right). `numbers` says which functions take no text."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.numbers: list[bool] = []
        self.bodies: list[tuple[object, ...]] = []
        for number in range(self.random.randint(1, 4)):
            self.numbers.append(self.random.random() < 0.5)
            self.bodies.append(self.node(number, 3))
        self.calls = [self.call() for _ in range(self.random.randint(2, 7))]
        self.copies: dict[tuple[int, Kind, Kind], str] = {}

    def node(self, number: int, depth: int) -> tuple[object, ...]:
        pick = self.random
        if depth == 0 or pick.random() < 0.2:
            return (pick.choice(("a", "b", "a", "b", "5" if self.numbers[number] else "a")),)
        kinds = ["+", "same", "text"] + ["*", "+"] * self.numbers[number]
        called = [one for one in range(number) if self.numbers[number] == self.numbers[one]]
        kind = pick.choice(kinds + ["call"] * (2 if called else 0))
        if kind == "text" and self.numbers[number]:
            kind = "+"
        if kind == "text":
            return (kind, self.node(number, depth - 1))
        left, right = self.node(number, depth - 1), self.node(number, depth - 1)
        return (kind, pick.choice(called), left, right) if kind == "call" else (kind, left, right)

    def call(self) -> tuple[int, str, str, Kind, Kind]:
        number = self.random.randrange(len(self.bodies))
        kinds = ("i64", "f64") if self.numbers[number] else ("i64", "f64", "String")
        first, second = self.random.choice(kinds), self.random.choice(kinds)
        return number, self.random.choice(VALUES[first]), self.random.choice(VALUES[second]), first, second

    # ---- what a node is, for parameters of these types: its text, with `named` what a call is written as

    def type(self, node: tuple[object, ...], a: Kind, b: Kind) -> Kind:
        if node[0] in ("a", "b"):
            return a if node[0] == "a" else b
        if node[0] in ("5", "text"):
            return "i64" if node[0] == "5" else "String"
        if node[0] == "same":
            return self.type(node[1], a, b)  # type: ignore[arg-type]
        left, right = (self.type(one, a, b) for one in node[-2:])  # type: ignore[arg-type]
        if node[0] == "call":
            return self.type(self.bodies[node[1]], left, right)  # type: ignore[index]
        return max(left, right, key=("i64", "f64", "String").index)

    def text(self, node: tuple[object, ...], a: Kind, b: Kind, typed: bool) -> str:
        if len(node) == 1:
            return str(node[0])
        inner = [self.text(one, a, b, typed) for one in node[1:] if isinstance(one, tuple)]
        if node[0] == "text":
            return f'("<" + str({inner[0]}) + ">")'
        if node[0] == "same":
            return f"({{ let old = {inner[0]}; let other = {inner[1]}; println(other); old }})"
        if node[0] == "call":
            name = f"f{node[1]}"
            if typed:
                kinds = [self.type(one, a, b) for one in node[2:]]  # type: ignore[arg-type]
                name = self.copy(node[1], *kinds)  # type: ignore[arg-type]
            return f"{name}({', '.join(inner)})"
        return f"({inner[0]} {node[0]} {inner[1]})"

    def copy(self, number: int, a: Kind, b: Kind) -> str:
        """The name of a copy, which is made if it is not there."""
        name = f"f{number}_{a}_{b}"
        if (number, a, b) not in self.copies:
            body, result = self.bodies[number], self.type(self.bodies[number], a, b)
            self.copies[number, a, b] = ""
            text = self.text(body, a, b, typed=True)
            self.copies[number, a, b] = f"fun {name}(a: {a}, b: {b}) -> {result} {{ println(a, b); {text} }}"
        return name

    def untyped(self) -> str:
        functions = [
            f"fun f{number}(a, b) {{ println(a, b); {self.text(body, 'i64', 'i64', typed=False)} }}"
            for number, body in enumerate(self.bodies)
        ]
        calls = [f"println(f{number}({first}, {second}))" for number, first, second, _, _ in self.calls]
        self.random.shuffle(functions)
        return "\n".join([*functions, f"fun main() {{ {LETS}", *calls, "}"])

    def typed(self) -> str:
        calls = [f"println({self.copy(number, a, b)}({one}, {two}))" for number, one, two, a, b in self.calls]
        return "\n".join([*self.copies.values(), f"fun main() {{ {LETS}", *calls, "}"])


@given(st.integers(0, 1 << 40))
@share(12)
def test_untyped_functions_do_what_copies_for_each_type_do(seed: int) -> None:
    program = UntypedProgram(seed)
    untyped, typed = run_text(program.untyped()), run_text(program.typed())
    assert (untyped.stdout, untyped.code) == (typed.stdout, typed.code)
