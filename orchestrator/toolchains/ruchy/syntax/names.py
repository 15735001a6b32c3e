"""Which names occur in an item, found on its tokens alone.

Every name counts that may mean something outside of the item. Only those are left out that surely cannot: members after
a dot, labels of fields, the item's own generic parameters and nested items, parameters, and variables of a `let` in the
blocks where they are visible. A name that may mean something counts: one too many costs time, one too few would leave
out a dependency.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from orchestrator.toolchains.ruchy.syntax.lexer import KEYWORDS, Tokens, words
from orchestrator.toolchains.ruchy.syntax.parser import NESTING, imported_at
from orchestrator.toolchains.ruchy.syntax.tree import Impl, UseItem

BUILTIN_TYPES = words(
    """i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize f32 f64 bool char str String Vec Box Option Result Array
    Range Self HashMap BTreeMap HashSet BTreeSet VecDeque Ordering Default Formatter"""
)
"""Types that need no import. A path that begins with one counts as that name alone."""

_DEFINES = words("fun fn struct class enum type const mod module trait")
_IMPORTS = words("use import from")
_MODULES = words("name string { ::")
_NEVER = words("_ self Self super crate")
_BEFORE_LABEL = words("{ , ( let mut | pub var ] & ||")
_TEXTS = words("string fmid fclose")
_OPERATORS = words("| & ||")
"""Those of `_BEFORE_LABEL` that may also stand before the last name of the `a` in `c ? a : b`."""
_BEHIND_PARAMETER = words(", ) ] = :")
_MAYBE_BLOCK = words("if match loop try | || while")

_IN_TEMPLATE = re.compile(r"\{([A-Za-z_]\w*+)[}:]|([A-Za-z_]\w*+)\$", re.ASCII)
"""A name in a placeholder of a template: `{name}`, `{name:>5}`, `{:>name$}`."""

TRAIT = "impl "
"""Before the name of something that is used if it is a trait, though it is not named: by calls of methods."""

METHOD = "#"
"""Between the name of a type and that of its method, in the name of the method's item: `metric::Point#area`."""


def extended(block: Impl) -> str:
    """What the type of an `impl` that stands beside its trait is called in the names of its methods."""
    return "+".join(block.target.path)


Occurrence = tuple[tuple[str, ...], int]
"""(segments as written, ordinal of the first one's token)."""


LONGEST_PATH = NESTING
"""Parts of a path."""


def segments_at(tokens: Tokens, at: int) -> tuple[str, ...]:
    """The path that begins at a name: `a`, `a::b`."""
    kinds, texts = tokens.kinds, tokens.texts
    path = [texts[at]]
    while kinds[at + 1] == "::" and (kinds[at + 2] == "name" or kinds[at + 2] in KEYWORDS):
        at += 2
        path.append(texts[at])
    return tuple(path)


def nested_items(tokens: Tokens, start: int, stop: int) -> set[str]:
    """Names that the items inside of a body define."""
    kinds, texts = tokens.kinds, tokens.texts
    if _DEFINES.isdisjoint(kinds[start:stop]):
        return set()
    return {
        texts[at + 1]
        for at, kind in enumerate(kinds[start:stop], start)
        if kind in _DEFINES and kinds[at + 1] == "name"
    }


def local_imports(tokens: Tokens, start: int, stop: int) -> list[UseItem]:
    """The imports inside of a body."""
    imports: list[UseItem] = []
    if _IMPORTS.isdisjoint(tokens.kinds[start:stop]):
        return imports
    for at, kind in enumerate(tokens.kinds[start:stop], start):
        if (
            kind in _IMPORTS
            and tokens.kinds[at - 1] not in (".", "::", "fun", "fn")
            and tokens.kinds[at + 1] in _MODULES
        ):
            item = imported_at(tokens, at)
            if item is not None:
                imports.append(item)
    return imports


class _TokenWalk:
    """One walk over the few kinds of token that matter, with a stack of scopes.

    A variable is visible from the `;` of its `let` (until then it is `pending`) to the end of its block. Parameters and
    the variable of a `for` are visible in the block that follows (until then they are `coming`). `passed` skips tokens
    that a construct has used up.
    """

    def __init__(self, tokens: Tokens, start: int, stop: int, known: frozenset[str]) -> None:
        self.tokens = tokens
        self.stop = stop
        self.labels = _BEFORE_LABEL - _OPERATORS if "?" in tokens.kinds[start:stop] else _BEFORE_LABEL
        self.passed = start
        self.known = known  # visible everywhere
        self.visible: set[str] = set()
        self.added: list[str] = []  # what this block has made visible
        self.outer: list[tuple[set[str], list[str]]] = []
        self.depth = 0
        self.pending: dict[int, str] = {}  # `let x = ...` at this depth: x is visible behind the `;`
        self.coming: frozenset[str] | None = None  # what the next `{` adds: parameters, the variable of a `for`
        self.hidden: set[str] | None = None  # what is visible around the function whose body is about to open
        self.parameters_end = start  # the `)` of that function's parameters
        self.declared: frozenset[int] = frozenset()  # where the parameters of the last function are declared

    # ------------------------------------------------------------ what occurs

    def path(self, at: int) -> tuple[str, ...]:
        """The path that begins at a name; empty where it surely means nothing outside."""
        tokens = self.tokens
        following = tokens.kinds[at + 1]
        if following == "::":
            path = segments_at(tokens, at)
            return path if path[0] not in self.known and len(path) <= LONGEST_PATH else ()  # longer: a syntax error
        name = tokens.texts[at]
        if at in self.declared or self.sees(name) or _means_nothing(tokens, at, following, self.labels):
            return ()
        return (name,)

    def placeholders(self, at: int) -> list[str]:
        """The names in the placeholders of a text, or of the piece of one that stands behind a hole."""
        text = self.tokens.texts[at]
        if self.tokens.kinds[at] != "string":
            text = text.partition("}")[0]
        if "{" not in text and "$" not in text:
            return []
        named = [name or count for name, count in _IN_TEMPLATE.findall(text)]
        return [name for name in named if not self.sees(name)]

    # ------------------------------------------------------------ scopes

    def sees(self, name: str) -> bool:
        return name in self.visible or name in self.known

    def _add(self, name: str) -> None:
        if name not in self.visible:
            self.visible.add(name)
            self.added.append(name)

    def open_block(self, at: int) -> None:
        self.depth += 1
        if self.hidden is not None and at < self.parameters_end:  # a pattern or a default: the body comes later
            self.outer.append((self.visible, self.added))
            self.added = []
            return
        self.outer.append((self.visible if self.hidden is None else self.hidden, self.added))
        self.added = []
        for name in self.coming or ():
            self._add(name)
        self.coming, self.hidden = None, None

    def close_block(self, at: int) -> None:
        self.pending.pop(self.depth, None)
        if self.outer:
            self.visible.difference_update(self.added)
            self.visible, self.added = self.outer.pop()
        self.depth -= 1

    def end_statement(self, at: int) -> None:
        name = self.pending.pop(self.depth, None)
        if name is not None:
            self._add(name)

    # ------------------------------------------------------------ constructs

    def declare(self, at: int) -> None:
        """The variable of a plain `let`. What stands before its `=` or `:` is no occurrence."""
        kinds = self.tokens.kinds
        self.passed = at + 1
        if kinds[at - 1] in ("if", "while"):
            return
        self.end_statement(at)  # the `let` before it had no `;`
        name = at + 1 + (kinds[at + 1] == "mut")
        if kinds[name] == "name" and kinds[name + 1] in ("=", ":"):
            self.pending[self.depth] = self.tokens.texts[name]
            self.passed = name + 1

    def for_loop(self, at: int) -> None:
        plain = self.tokens.kinds[at + 2] == "in"
        self.coming = frozenset((self.tokens.texts[at + 1],)) if plain else None
        self.passed = at + 1 + plain

    def maybe_block(self, at: int) -> None:
        self.coming = None

    def function(self, at: int) -> None:
        if self.tokens.kinds[at + 1] != "name":
            return
        # A nested function sees no variable around it: not in its parameters, and not in its body. To see too little is
        # safe (a name too many is noted), to see too much would lose what the function depends on. So where the first
        # `{` may belong to a contract, the variables around it do not come back.
        self.declared, self.parameters_end = _parameters(self.tokens, at + 2, self.stop)
        self.coming = frozenset([self.tokens.texts[one] for one in self.declared])
        self.hidden = set() if _has_contract(self.tokens, self.parameters_end, self.stop) else self.visible
        self.visible = set()
        self.passed = at + 2

    def definition(self, at: int) -> None:
        if self.tokens.kinds[at + 1] == "name":
            self.passed = at + 2

    def attribute(self, at: int) -> None:
        self.passed = at
        while self.passed < self.stop and self.tokens.kinds[self.passed] != "]":
            self.passed += 1


_STEPS: dict[str, Callable[[_TokenWalk, int], None]] = {
    **dict.fromkeys(_DEFINES, _TokenWalk.definition),
    **dict.fromkeys(_MAYBE_BLOCK, _TokenWalk.maybe_block),
    "fun": _TokenWalk.function,
    "fn": _TokenWalk.function,
    "{": _TokenWalk.open_block,
    "}": _TokenWalk.close_block,
    ";": _TokenWalk.end_statement,
    "let": _TokenWalk.declare,
    "var": _TokenWalk.declare,
    "for": _TokenWalk.for_loop,
    "#[": _TokenWalk.attribute,
}
"""What the tokens do that are no occurrences themselves."""

_TELLING = frozenset((*_STEPS, *_TEXTS, "name"))


def occurrences(tokens: Tokens, start: int, stop: int, known: frozenset[str] = frozenset()) -> Iterator[Occurrence]:
    """The paths that occur in the tokens `start` to `stop`. `known`: names that mean something else in all of them."""
    kinds = tokens.kinds
    walk = _TokenWalk(tokens, start, stop, known)
    for at in [at for at in range(start, stop) if kinds[at] in _TELLING]:
        if at < walk.passed:
            continue
        kind = kinds[at]
        if kind == "name":
            if kinds[at - 1] not in (".", "?.", "::") or at == start:
                path = walk.path(at)
                if path:
                    yield path, at
        elif kind in _TEXTS:
            for name in walk.placeholders(at):
                yield (name,), at
        else:
            _STEPS[kind](walk, at)


def _parameters(tokens: Tokens, at: int, stop: int) -> tuple[frozenset[int], int]:
    """The ordinals of the names of parameters, and that of the `)`; `at` is behind the name of the function. A name
    stands at the beginning of its parameter. After a `:` or `=` follows a type or a default, where every name counts.
    Braces belong to patterns and defaults."""
    kinds = tokens.kinds
    places: list[int] = []
    while at < stop and kinds[at] not in ("(", "{"):
        at += 1
    depth = 0
    begins = True
    while at < stop:
        kind = kinds[at]
        if kind in ("(", "[", "{"):
            depth += 1
        elif kind in (")", "]", "}"):
            depth -= 1
            if depth == 0:
                break
        elif depth == 1 and kind in (",", ":", "="):
            begins = kind == ","
        elif begins and kind == "name" and kinds[at + 1] in _BEHIND_PARAMETER:
            places.append(at)
        at += 1
    return frozenset(places), at


def _has_contract(tokens: Tokens, at: int, stop: int) -> bool:
    """Whether a contract stands between the parameters and the first `{` behind them."""
    while at < stop and tokens.kinds[at] not in ("{", ";", "}"):
        if tokens.kinds[at] in ("requires", "ensures"):
            return True
        at += 1
    return False


def _means_nothing(tokens: Tokens, at: int, following: str, labels: frozenset[str]) -> bool:
    """Whether the name at `at` surely means nothing outside: a label, a macro, `self`."""
    if tokens.texts[at] in _NEVER:
        return True
    before = tokens.kinds[at - 1] if at else ""
    if following == ":":
        return before in labels or before == "@"
    if following == "!":
        return tokens.kinds[at + 2] in ("(", "[", "{")
    return before == "@"


ROOT = ""
"""The first segment of a path from the source root. It is no name, so nothing in the module can have it."""


def root_path(path: tuple[str, ...], module: str, scope: str = "") -> tuple[str, ...]:
    """A path as written in `scope` of `module`, with `crate::`, `self::` and `super::` resolved: then it begins with
    ROOT. Other paths are returned unchanged, `super` above the root too, which is then found nowhere."""
    first = path[0]
    if first == "crate" and len(path) > 1:
        return (ROOT, *path[1:])
    if first not in ("self", "super"):
        return path
    here = [*module.split("/"), *(scope.split("::") if scope else [])]
    rest = list(path[1:] if first == "self" else path)
    while rest and rest[0] == "super" and here:
        here.pop()
        rest.pop(0)
    whole = (*here, *rest)
    return (ROOT, *whole) if whole and whole[0] != "super" else path


def named_path(path: tuple[str, ...], module: str, scope: str = "") -> tuple[str, ...]:
    """`root_path` for a path in code, where `crate::f` may be an item of the module itself, as in the root of a
    crate."""
    return path[1:] if path[0] == "crate" and len(path) == 2 else root_path(path, module, scope)


def owned(path: tuple[str, ...], scope: str, own: Mapping[str, object]) -> bool:
    """Whether the path begins with an item of the module itself that is visible from `scope`."""
    while True:
        if (f"{scope}::{path[0]}" if scope else path[0]) in own:
            return True
        if not scope:
            return False
        scope = scope.rpartition("::")[0]
