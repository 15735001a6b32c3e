"""Words and operators of other languages: what stands where one of them does, and what to write here."""

from __future__ import annotations

from orchestrator.toolchains.ruchy.syntax.lexer import VALUES
from orchestrator.toolchains.ruchy.syntax.parser.cursor import Cursor

_BESIDE = {
    "and": "write `&&`",
    "or": "write `||`",
    "not": "write `!`",
    "is": "write `==`",
    "xor": "write `^`, or `!=` between bools",
    "div": "write `/`: of integers it gives an integer",
    "then": "a block stands in braces: `{ .. }`",
    "begin": "a block stands in braces: `{ .. }`",
    "end": "a block ends with `}`",
    "new": "write `Point { x: 1 }`, or call `Point::new(1)`",
    "lambda": "write `|x| x + 1`",
}
"""Words that stand beside values."""
_FIRST = {
    "switch": "write `match x { 1 => .., _ => .. }`",
    "foreach": "write `for x in xs { .. }`",
    "unless": "write `if !condition { .. }`",
    "until": "write `while !condition { .. }`",
    "raise": "return an `Err`, or stop with `panic`",
    "puts": "write `println(..)`",
    "echo": "write `println(..)`",
    "printf": 'write `println!("{}", x)`',
    "del": "leave it out: what nobody uses is given back",
    "delete": "leave it out: what nobody uses is given back",
    "goto": "write a loop, or a function",
    "using": "write `use`",
    "include": "write `use`",
    "require": "write `use`",
    "pass": "write an empty block: `{}`",
    "public": "write `pub`",
    "void": "write `fun`",
    **{name: _BESIDE[name] for name in ("not", "lambda", "new", "begin", "end")},
}
"""Words that begin statements."""
_CALLS = ("print", "println", "eprint", "eprintln", "assert", "panic", "len")
_BEFORE_BRACES = {
    "then": _BESIDE["then"],
    "do": "a block stands in braces: `{ .. }`",
    "in": "write `xs.contains(x)`",
    "...": "write `..=`, which includes the end, or `..`",
    ":": "a block stands in braces: `{ .. }`; the type of a result stands behind `->`",
}
"""What stands where the `{` of a block must be."""
_OPERATORS = {"===": "write `==`", "!==": "write `!=`", "<>": "write `!=`"}


def check_first_word(c: Cursor) -> None:
    """Fails at a statement that begins with a word of another language, which is no name before a value."""
    at = c.at
    word, following = c.texts[at], c.kinds[at + 1]
    if at + 1 in c.breaks:
        return
    if word in _CALLS and following in VALUES and following != "~" and c.kinds[at] == "name":
        c.fail("E0033", f"`{word}` is called with parentheses", at, f"write `{word}(..)`")
    hint = _FIRST.get(word)
    if hint is not None and (following in VALUES or following == "fun" or (following == "(" and _is_block(c, at + 1))):
        c.fail("E0033", f"`{word}` is no word of Ruchy", at, hint)


def _is_block(c: Cursor, at: int) -> bool:
    """Whether a `{` follows the bracket that opens here, on its line: `switch (x) {`."""
    depth = 0
    while c.kinds[at] != "end":
        depth += (c.kinds[at] == "(") - (c.kinds[at] == ")")
        at += 1
        if depth == 0:
            return c.kinds[at] == "{" and at not in c.breaks
    return False


def word_beside(c: Cursor, at: int) -> tuple[int, str] | None:
    """The word of another language that stands there, or just before, and what to write."""
    for place in (at, at - 1):
        if c.kinds[place] == "name" and c.texts[place] in _BESIDE:
            return place, _BESIDE[c.texts[place]]
    return None


def check_block(c: Cursor) -> None:
    """Fails where something else than the `{` of a block stands that other languages have there."""
    word = word_beside(c, c.at)
    if word is not None:
        c.fail("E0033", f"`{c.texts[word[0]]}` is no word of Ruchy", word[0], word[1])
    hint = _BEFORE_BRACES.get(c.texts[c.at])
    if hint is not None:
        c.fail("E0016", f"expected `{{`, found {c.describe(c.at)}", hint=hint, after=True)


def check_operator(c: Cursor) -> None:
    """Fails where an operator lacks its right side because it is one of another language."""
    at = c.at
    written = c.texts[at - 1] + c.texts[at]
    if written in _OPERATORS and c.places.offset(at) == c.places.offset(at - 1) + len(c.texts[at - 1]):
        c.fail("E0033", f"`{written}` is no operator of Ruchy", at - 1, _OPERATORS[written])
    if c.kinds[at] == "mod":
        c.fail("E0033", "`mod` is no operator of Ruchy", at, "write `%`")


def check_arm(c: Cursor) -> None:
    """Fails where the `=>` of an arm is missing because the arm is written as in another language."""
    at = c.at
    if c.texts[at] in ("->", ":"):
        c.fail("E0001", f"expected `=>` behind the pattern of an arm, found `{c.texts[at]}`", hint="write `=>`")
    if c.texts[at - 1] in ("case", "when", "default"):
        hint = "an arm is `1 => ..`, and the last one `_ => ..`"
        c.fail("E0033", f"`{c.texts[at - 1]}` is no word of Ruchy", at - 1, hint)
