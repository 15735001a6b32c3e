"""What a C file says about itself: the functions that other languages may call, where no header decides their types.

No compiler runs for this, so who calls C does not wait for one. What the text proposes, the compile of the file proves
(`proof.py`), because a macro or a type of the project may have the name of a type of C.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec

from actors.compiler.toolchain import Item, Summarised, SummariseJob, Summary
from actors.digests import digest
from orchestrator.toolchains.c.command import is_cxx
from orchestrator.toolchains.foreign import FOREIGN, ForeignFunction, written

_ASIDE = re.compile(
    r"""(?P<text>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')|/\*.*?\*/|//(?:\\\n|[^\n])*"""
    r"""|(?m:^[ \t]*(?:\#|%:)(?:\\\n|/\*[\s\S]*?\*/|[^\n])*)""",
    re.DOTALL,
)
_MARK = re.compile(r"[{};]")
_TOKEN = re.compile(r"[A-Za-z_]\w*|\.\.\.|\S")
_SILENT = frozenset(("const", "volatile", "register", "extern", "restrict", "_Noreturn"))
_TYPES = ("typedef", "struct", "union", "enum")
_SIZES = frozenset(("signed", "unsigned", "short", "long", "int", "char"))

_NAMED = {
    "void": ("", "void"),
    "_Bool": ("bool", "_Bool"),
    "bool": ("bool", "_Bool"),
    "float": ("f32", "float"),
    "double": ("f64", "double"),
    "int8_t": ("i8", "signed char"),
    "int16_t": ("i16", "short"),
    "int32_t": ("i32", "int"),
    "int64_t": ("i64", "long long"),
    "uint8_t": ("u8", "unsigned char"),
    "uint16_t": ("u16", "unsigned short"),
    "uint32_t": ("u32", "unsigned int"),
    "uint64_t": ("u64", "unsigned long long"),
    "size_t": ("u32", "unsigned long"),
    "ptrdiff_t": ("i32", "long"),
    "intptr_t": ("i32", "long"),
    "uintptr_t": ("u32", "unsigned long"),
}
"""What a type is called in Ruchy, and what it is on this target in the keywords of C."""


_HIDING = ("static", "inline", "__inline", "__inline__")
_NUMBERS = "call a function of C that takes and returns numbers, of types such as `int`, `int64_t`, `double`, `bool`"


class CFunction(msgspec.Struct, frozen=True):
    """A function that a file defines. `types` are those of its result and its parameters in the keywords of C."""

    name: str
    line: int
    function: ForeignFunction
    types: tuple[str, ...] = ()


def summarise(job: SummariseJob) -> Summarised:
    """The summary of a C file. C++ has no functions for others, because their symbols hold their types."""
    items: dict[str, Item] = {}
    for one in () if is_cxx(job.path) else functions(job.source):
        interface = written(one.function)
        described = digest(interface)
        items[one.name] = Item(
            name=one.name, kind=FOREIGN, public=True, digest=described, interface=interface, line=one.line
        )
    return Summarised(summary=Summary(items=tuple(items.values())))


def functions(source: bytes) -> list[CFunction]:
    """The functions that a text defines, each once."""
    defined: dict[str, CFunction] = {}
    for line, header in _headers(_ASIDE.sub(_blank, source.decode("utf-8", "replace"))):
        one = _function(line, _TOKEN.findall(header))
        if one is None:
            continue
        other = defined.setdefault(one.name, one)
        if (other.function, other.types) != (one.function, one.types):
            reason = "the file defines it more than once, with other types"
            defined[one.name] = CFunction(
                one.name, other.line, ForeignFunction(refused=reason, cure="give it one definition")
            )
    return list(defined.values())


def _blank(match: re.Match[str]) -> str:
    """A literal without its contents; blanks and the same lines for anything else."""
    return match[0][0] * 2 if match["text"] else " " + "\n" * match[0].count("\n")


def _headers(text: str) -> Iterator[tuple[int, str]]:
    """What stands before each block that is in no other, with its line. Nothing where braces do not match: then `#if`
    chooses between them."""
    depth = start = 0
    headers: list[tuple[int, str]] = []
    for mark in _MARK.finditer(text):
        if mark[0] == "{":
            if not depth:
                header = text[start : mark.start()]
                line = text.count("\n", 0, start + len(header) - len(header.lstrip())) + 1
                headers.append((line, header))
            depth += 1
        elif mark[0] == "}":
            depth -= 1
        if depth < 0:
            return
        if not depth:
            start = mark.end()
    if not depth:
        yield from headers


def _function(line: int, tokens: Sequence[str]) -> CFunction | None:
    """The function with this header; None for anything else that has a block."""
    if "(" not in tokens or "=" in tokens or (tokens[0] in _TYPES and tokens[-1] != ")"):
        return None
    opened = tokens.index("(")
    if opened < 2 or not _is_word(tokens[opened - 1]) or "__attribute__" in tokens[:opened]:
        return None
    name, before, inside = tokens[opened - 1], tokens[: opened - 1], tokens[opened + 1 : -1]
    if name == "main":
        return None
    reason, cure = "", _NUMBERS
    word = next((token for token in before if token in _HIDING), "")
    if word:
        reason, cure = f"it is `{word}`", f"leave out the `{word}`"
    elif tokens[-1] != ")" or "(" in inside or ")" in inside:
        reason = "its header has more than plain types and names"
    result = _type(before)
    if not reason and result is None:
        reason = f"it returns `{' '.join(before)}`"
    parameters: list[tuple[str, str]] = []
    types = [result[1] if result is not None else ""]
    for number, words in enumerate(_parted(inside)):
        named = len(words) > 1 and _is_word(words[-1]) and _type(words) is None
        kind = _type(words[:-1] if named else words)
        if kind is None or not kind[0]:
            reason = reason or f"its parameter {number + 1} is `{' '.join(words)}`"
        else:
            parameters.append((words[-1] if named else f"p{number + 1}", kind[0]))
            types.append(kind[1])
    if reason:
        return CFunction(name, line, ForeignFunction(refused=reason, cure=cure))
    assert result is not None
    return CFunction(name, line, ForeignFunction(tuple(parameters), result[0]), tuple(types))


def _is_word(token: str) -> bool:
    return token.isidentifier()


def _parted(inside: Sequence[str]) -> list[list[str]]:
    """The tokens of each parameter."""
    parts: list[list[str]] = [[]]
    for token in inside:
        if token == ",":
            parts.append([])
        else:
            parts[-1].append(token)
    return [] if parts in ([[]], [["void"]]) else parts


def _type(tokens: Sequence[str]) -> tuple[str, str] | None:
    """A type by its words; None where it is no number."""
    words = [token for token in tokens if token not in _SILENT]
    if len(words) == 1 and words[0] in _NAMED:
        return _NAMED[words[0]]
    if not words or not _SIZES.issuperset(words):
        return None
    unsigned, longs = "unsigned" in words, words.count("long")
    if "char" in words:
        plain = "unsigned char" if unsigned else "signed char" if "signed" in words else "char"
        return ("u8" if unsigned else "i8", plain)
    size = "short" if "short" in words else " ".join(["long"] * longs) or "int"
    width = {"short": "16", "long long": "64"}.get(size, "32")
    return (("u" if unsigned else "i") + width, f"unsigned {size}" if unsigned else size)
