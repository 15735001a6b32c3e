"""Random Ruchy expressions over integers of all widths, and what they must give."""

from __future__ import annotations

import random

WIDTHS = {f"{sign}{bits}": (bits, sign == "i") for bits in (8, 16, 32, 64) for sign in "iu"}
OPERATORS = ["+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>", "**"]
COMPARISONS = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


class Trapped(Exception):
    """The expression must trap, for this reason."""


def limits(name: str) -> tuple[int, int]:
    bits, signed = WIDTHS[name]
    return (-1 << bits - 1, (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)


def checked(value: int, name: str) -> int:
    low, high = limits(name)
    if not low <= value <= high:
        raise Trapped("integer overflow")
    return value


def literal(value: int, name: str) -> str:
    """An expression with that value, whatever it is: literals are i64 at most, and `as` binds tighter than `-`."""
    if value > (1 << 63) - 1:
        return f"({value >> 1} as u64) * 2 + ({value & 1} as u64)"
    if value == -1 << 63:
        return f"0 - {-(value + 1)} - 1"
    return f"({value} as {name})" if value >= 0 else f"((0 - {-value}) as {name})"


def apply(operator: str, a: int, b: int, name: str) -> int:
    """What an operator gives on exact integers; Trapped where it must trap."""
    bits, _ = WIDTHS[name]
    if operator in ("/", "%") and b == 0:
        raise Trapped("division by zero" if operator == "/" else "remainder by zero")
    if operator in ("<<", ">>"):
        if not 0 <= b < bits:
            raise Trapped("shift amount out of range")
        found = (a << b if operator == "<<" else a >> b) & (1 << bits) - 1
        return found - (1 << bits) if found > limits(name)[1] else found
    if operator == "**":
        if b < 0:
            raise Trapped("negative exponent")
        return checked(a ** min(b, 64 + b % 2), name)
    quotient = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1) if operator in "/%" else 0
    exact = {"+": a + b, "-": a - b, "*": a * b, "/": quotient, "%": a - b * quotient}
    return checked({**exact, "&": a & b, "|": a | b, "^": a ^ b}[operator], name)


class Expressions:
    """Draws expressions. Each is a text over the variables of its environment, and a function that evaluates it."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)

    def value(self, name: str) -> int:
        low, high = limits(name)
        corners = [low, low + 1, high, high - 1, 0, 1, 2, 3, 7, WIDTHS[name][0] - 1]
        return self.draw.choice([*corners, self.draw.randint(low, high), self.draw.randint(0, 20)])

    def expression(self, name: str, depth: int, variables: dict[str, str]):
        if depth == 0 or self.draw.random() < 0.1:
            return self._leaf(name, variables)
        kind = self.draw.randrange(10)
        if kind < 6:
            return self._binary(name, depth, variables)
        if kind == 6:
            return self._cast(name, depth, variables)
        if kind == 7:
            return self._choice(name, depth, variables)
        return self._unary(name, depth, variables)

    def _leaf(self, name, variables):
        mine = [variable for variable, type_ in variables.items() if type_ == name]
        if mine and self.draw.random() < 0.8:
            variable = self.draw.choice(mine)
            return variable, lambda env: env[variable]
        value = self.draw.randint(0, min(100, limits(name)[1]))
        return f"({value} as {name})", lambda env: value

    def _binary(self, name, depth, variables):
        operator = self.draw.choice(OPERATORS)
        left, a = self.expression(name, depth - 1, variables)
        right, b = self.expression(name, depth - 1 if operator not in ("**", "<<", ">>") else 0, variables)
        return f"({left} {operator} {right})", lambda env: apply(operator, a(env), b(env), name)

    def _cast(self, name, depth, variables):
        source = self.draw.choice(sorted(WIDTHS))
        text, value = self.expression(source, depth - 1, variables)

        def evaluate(env):
            found = value(env)
            if not limits(name)[0] <= found <= limits(name)[1]:
                raise Trapped(f"cast does not fit in {name}")
            return found

        return f"(({text}) as {name})", evaluate

    def _choice(self, name, depth, variables):
        operator = self.draw.choice(sorted(COMPARISONS))
        of = self.draw.choice(sorted(WIDTHS))
        (left, a), (right, b) = (self.expression(of, depth - 1, variables) for _ in range(2))
        (then, yes), (other, no) = (self.expression(name, depth - 1, variables) for _ in range(2))

        def evaluate(env):
            first, second = a(env), b(env)
            return yes(env) if COMPARISONS[operator](first, second) else no(env)

        return f"(if {left} {operator} {right} {{ {then} }} else {{ {other} }})", evaluate

    def _unary(self, name, depth, variables):
        text, value = self.expression(name, depth - 1, variables)
        low, high = limits(name)
        if WIDTHS[name][1] and self.draw.random() < 0.5:
            return f"(-({text}))", lambda env: checked(-value(env), name)
        return f"(~({text}))", lambda env: ~value(env) if low else high - value(env)
