"""Source text to tokens, without positions.

A token is a kind and a text, in two parallel lists. The kind of a word of the language or an operator is its text;
the others are `name`, `int`, `float`, `string`, `char`, `byte`, `lifetime`, `stray`, `unclosed`, and for f-strings
`fstring` (no hole), `fopen` (`f"a{`), `fmid` (`}b{`, `:.2}b{`) and `fclose` (`}c"`), with the hole's own tokens
between. `end` closes the list. `breaks` holds the ordinals of the tokens that stand first on a line *and* whose meaning
may depend on it (`SENSITIVE`). This is all that the grammar knows of white space, so equal tokens and equal breaks
parse to equal trees. Positions are computed from the source only when they are needed (`places.py`).

All patterns are possessive, so lexing takes linear time on any input.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right

import msgspec

from actors.diagnostics import Finding
from actors.digests import Digest, digest
from orchestrator.toolchains.ruchy.syntax.literals import (
    check_number,
    check_text,
    is_char,
    number_kind,
)


def words(text: str) -> frozenset[str]:
    """The set of the words of `text`."""
    return frozenset(text.split())


KEYWORDS = words(
    """fun fn let var mod module if else match for in while loop lazy async await throw try catch finally return
    break continue struct enum impl trait extend actor spawn effect handle handler property private protected
    sealed final abstract mixin operator interface implements override receive send ask type where const
    unsafe static mut pub import use as with from export class requires ensures invariant decreases infra
    signal yield true false null df"""
)

_OPERATORS = """
    ... ..= **= <<= >>= .. ** *= << <= <- <? -> -= -- => == != += ++ /= %= &= && |= || |> ^= >= >> :: ?? ?. #[ +
    - * / % = < > ! & | ^ ~ ? . , ; : @ \\ ( ) [ ] { }
"""
OPERATORS = tuple(_OPERATORS.split())

LONGEST_NAME = 255
"""Characters of a name, as many as a file name has. Names are repeated in messages and in what a linker keeps."""

SENSITIVE = words("( [ ! - + & && * | || .. ..= ++ --")
"""Tokens that both begin and continue an expression: a newline before one of them may end a statement."""

VALUES = words("name int float string char byte fstring fopen true false ~ \\")
"""Kinds that begin a value and never continue one: after the end of a value they need a newline or a `;`."""

ENDS = words("name int float string char byte fstring fclose true false ) ] ?")
"""Kinds that end a value. (After a `}`, nothing is needed.)"""


def _comment(depth: int) -> str:
    inner = "|" + _comment(depth - 1) if depth else ""
    return rf"/\*(?:[^*/]++|\*(?!/)|/(?!\*){inner})*+\*/"


GAP = rf"(?:\s++|//[^\n]*+|\#(?!\[)[^\n]*+|{_comment(4)})*+"
STRING = r'"(?:[^"\\]++|\\.)*+"'
CHAR = r"'(?:[^'\\\n]|\\(?:u\{[^}'\\\n]*+\}|.))'"
QUOTED = r"'(?:[^'\\\s;}),:>]++|\\.)*+'"
RAW = r'r(?:"[^"]*+"|\#"(?:[^"]++|"(?!\#))*+"\#|\#\#"(?:[^"]++|"(?!\#\#))*+"\#\#)'
_OPERATOR = (  # exactly `OPERATORS`, the longest first, ordered by what is frequent
    r"=[=>]?+|\.(?:\.[.=]?+)?+|::?+|\+[+=]?+|-[-=>]?+|\*(?:\*=?+|=)?+|<(?:<=?+|[-=?])?+|>(?:>=?+|=)?+|/=?+|%=?+|!=?+|\["
    r"|&[&=]?+|\|[|=>]?+|\^=?+|\?[?.]?+|\#\[|[~@\\]"
)
_TOKEN = "|".join(
    (
        r"[ac-eg-qs-zA-Z_]\w*+",  # words that cannot open a string
        r"[(){},;\]]",
        r"""(?!f"|b'|r\#{0,2}")[bfr]\w*+""",
        STRING,
        r"0[xX]\w++|\d[\d_]*+(?:\.\d[\d_]*+)?+(?:[eE][+-]?+\d[\d_]*+)?+\w*+",
        rf"f{STRING}|{RAW}|b'(?:[^'\\\n]|\\.)'",
        rf"{CHAR}|{QUOTED}|'(?:[^'\\\s;}}),:>]*+\\.)++|'[A-Za-z_]\w*+",  # the third: never closed, read once
        r"""/\*.*+|f?".*+|r\#{0,2}".*+""",  # never closed: everything that is left
        _OPERATOR,
        r".",
    )
)
_SCAN = re.compile(rf"({GAP})({_TOKEN}|\Z)", re.DOTALL | re.ASCII)
_WHOLE = re.compile(f"f?{STRING}|{RAW}|{CHAR}|{QUOTED}", re.DOTALL | re.ASCII)
_TEMPLATE = re.compile(r"(?:[^\\{}]++|\\u\{[^}\\]*+\}|\\.|\{\{|\}\})*+", re.DOTALL)

Pairs = list[tuple[str, str]]
"""(gap, text): white space and comments, then the token after them. Joined they are the source up to the end of the
last token."""


class Tokens(msgspec.Struct):
    """The tokens of a source. `findings` maps the text of a token to what is wrong in it."""

    kinds: list[str]
    texts: list[str]
    breaks: list[int]
    findings: dict[str, list[Finding]]

    @property
    def unclosed(self) -> bool:
        """Whether the source ends inside of a comment or a string."""
        return self.kinds[-2:-1] == ["unclosed"]

    @property
    def unreadable(self) -> bool:
        """Whether some token cannot be read."""
        findings = self.findings.values()
        return self.unclosed or any(one.severity == "error" for each in findings for one in each)

    def digest(self, start: int, stop: int) -> Digest:
        """Digest of the tokens `start` to `stop` and the breaks between them: no comments, blanks or positions."""
        texts = self.texts[start:stop]
        data = "\0".join(texts)
        if data.count("\0") >= len(texts):  # a NUL inside a string: spell the list out
            data = repr(texts)
        inner = self.breaks[bisect_right(self.breaks, start) : bisect_left(self.breaks, stop)]
        marks = ",".join([str(ordinal - start) for ordinal in inner])
        return digest(f"{data}\0\0{marks}".encode("utf-8", "surrogatepass"))

    def text(self, start: int, stop: int) -> str:
        """Source text that lexes to the tokens `start` to `stop` and the breaks between them."""
        texts = self.texts[start:stop]
        for ordinal in self.breaks[bisect_right(self.breaks, start) : bisect_left(self.breaks, stop)]:
            texts[ordinal - start] = "\n" + texts[ordinal - start]
        return " ".join(texts)


class _Kinds(dict[str, str]):
    """text -> kind; classifies each distinct text once and collects its findings."""

    findings: dict[str, list[Finding]]

    def __missing__(self, text: str) -> str:
        kind, finding = _classify(text)
        self[text] = kind
        if finding:
            self.findings[text] = finding
        return kind


_KNOWN = {text: text for text in (*KEYWORDS, *OPERATORS)}


_HOLE = "add a `}`; a text cannot stand in a hole, its quote ends the f-string: name it with `let` first"


def _too_long(name: str) -> Finding:
    message = f"a name of {len(name):,} characters: `{name[:40]}...`"
    return Finding("E0028", message, hint=f"a name has at most {LONGEST_NAME} characters")


def _classify(text: str) -> tuple[str, list[Finding]]:
    first, last = text[0], text[-1]
    if text.isidentifier() and text.isascii():
        return "name", [] if len(text) <= LONGEST_NAME else [_too_long(text)]
    if first.isdigit() and first.isascii():
        kind = number_kind(text)
        return kind, check_number(text, kind)
    if first in "f}:" and len(text) > 1:
        kind = ("fopen" if first == "f" else "fmid") if last == "{" else "fstring" if first == "f" else "fclose"
        return kind, check_text(text, template=True)
    if first == "r" and len(text) > 1:
        return "string", []
    if text == '"':
        return "fclose", [Finding("E0026", "a hole of this f-string is never closed", hint=_HOLE)]
    if first == '"':
        return "string", check_text(text, template=False)
    if first == "'":
        return _classify_quote(text)
    if first == "b":
        return "byte", check_text(text, template=False)
    shown = text if text.isprintable() else f"U+{ord(text):04X}"
    return "stray", [Finding("E0023", f"stray character `{shown}`", hint=_INSTEAD.get(text, "remove it"))]


_INSTEAD = {
    **dict.fromkeys("\u201c\u201d\u2018\u2019\u00ab\u00bb", 'a text stands in plain quotes: `"`'),
    "`": 'a text stands in `"`; one with values in it is `f"{x}"`',
    "\u2013": "write `-`",
    "\u2212": "write `-`",
    "\u00d7": "write `*`",
    "\u2260": "write `!=`",
    "\u2264": "write `<=`",
    "\u2265": "write `>=`",
    "\u03c0": "write `PI`",
}
"""What stands for a character that other texts have."""


def _classify_quote(text: str) -> tuple[str, list[Finding]]:
    """What begins with a single quote."""
    if text[-1] == "'" and len(text) > 1 and _WHOLE.fullmatch(text):
        return "char" if is_char(text) else "string", check_text(text, template=False)
    if len(text) > 1 and "\\" not in text:
        return "lifetime", []
    return "stray", [Finding("E0025", "`'` opens no character", hint="a character is written 'a', a text \"ab\"")]


def lex(source: str) -> Tokens:
    """Tokens of `source`. Never fails: a token that cannot be read has findings.

    An unclosed comment or string is an error (the reference silently drops the rest of the file). Its token, of kind
    `unclosed`, is the last one before `end`.
    """
    return tokens_of(scan(source))


def tokens_of(pairs: Pairs) -> Tokens:
    """The second half of `lex`, if the source has been scanned already."""
    texts = [text for _, text in pairs]
    kinds_of = _Kinds(_KNOWN)
    kinds_of.findings = {}
    last = texts[-1] if texts else ""
    unclosed = is_unclosed(last)
    if unclosed:
        texts.pop()
    kinds = list(map(kinds_of.__getitem__, texts))
    if unclosed:
        texts.append(last)
        kinds.append("unclosed")
    kinds.append("end")
    texts.append("")
    breaks = [
        at
        for at, (gap, text) in enumerate(pairs)
        if "\n" in gap and (text in SENSITIVE or (at and kinds[at - 1] in ENDS and kinds[at] in VALUES))
    ]
    return Tokens(kinds, texts, breaks, kinds_of.findings)


def is_unclosed(text: str) -> bool:
    """Whether `text`, the last token of a source, is a comment or string without an end."""
    if text.startswith("/*"):
        return True
    return text.startswith(('"', 'f"', 'r"', "r#")) and text != '"' and _WHOLE.fullmatch(text) is None


def scan(source: str) -> Pairs:
    """The source cut into gaps and tokens, f-strings cut into their pieces."""
    pairs = _raw_pairs(source)
    if pairs and pairs[-1][1].startswith("/*"):
        flat = _flatten_comments(source)
        if flat is not None:
            pairs = _raw_pairs(flat)
    if 'f"' in source:
        pairs = _expand_templates(pairs)
    return pairs


def _raw_pairs(source: str) -> Pairs:
    pairs: Pairs = _SCAN.findall(source)
    while pairs and not pairs[-1][1]:  # the gap behind the last token, and the end
        pairs.pop()
    return pairs


def _expand_templates(pairs: Pairs) -> Pairs:
    templates = {
        text for text in {text for _, text in pairs} if text[:2] == 'f"' and "{" in text and not is_unclosed(text)
    }
    if not templates:
        return pairs
    expanded: Pairs = []
    done = 0
    for at in [at for at, pair in enumerate(pairs) if pair[1] in templates]:
        expanded += pairs[done:at]
        expanded += _pieces(*pairs[at])
        done = at + 1
    return expanded + pairs[done:]


_DEEPER = {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}


def _pieces(gap: str, text: str) -> Pairs:
    """An f-string as its template pieces and the tokens of its holes."""
    pieces: Pairs = []
    start, at, end = 0, 2, len(text) - 1
    while True:
        matched = _TEMPLATE.match(text, at, end)
        at = matched.end() if matched is not None else at
        if at >= end:
            pieces.append((gap, text[start:]))
            return pieces
        at += 1
        if text[at - 1] != "{":  # a lone `}` or a backslash at the very end stays in the piece
            continue
        pieces.append((gap, text[start:at]))
        depth = braces = choices = 0
        token = ""
        while True:
            matched = _SCAN.match(text, at, end)
            if matched is None or not matched[2]:
                pieces.append((text[at:end], text[end]))
                return pieces
            before, token = token, matched[2]
            if braces == 0 and token == "}":
                break
            if depth == 0 and token == ":" and (not choices or before == "?"):
                break
            pieces.append((matched[1], token))
            at = matched.end()
            braces += (token == "{") - (token == "}")
            if token in _DEEPER:
                depth = max(0, depth + _DEEPER[token])
            elif depth == 0:  # the `:` of a choice begins no format
                choices += (token == "?") - (token == ":")
        gap, start = matched[1], matched.start(2)
        at = text.find("}", start, end) + 1
        if at == 0:
            pieces.append((text[matched.start() : end], text[end]))
            return pieces


_COMMENT_EDGE = re.compile(r"/\*|\*/")
_SKIP = re.compile(
    rf"""(?:[^"'/\#rfb]++|{STRING}|{RAW}|[rfb](?!")|'(?:[^'\\\n]|\\.)'|'|//[^\n]*+|\#(?!\[)[^\n]*+|\#\[|/(?!\*)|f(?="))*+""",
    re.DOTALL,
)


def _flatten_comments(source: str) -> str | None:
    """The source with all block comments blanked (newlines kept), nested to any depth; None if one never ends."""
    parts: list[str] = []
    at = 0
    while True:
        skipped = _SKIP.match(source, at)
        start = skipped.end() if skipped is not None else at
        parts.append(source[at:start])
        if not source.startswith("/*", start):
            parts.append(source[start:])
            return "".join(parts)
        depth = 0
        for edge in _COMMENT_EDGE.finditer(source, start):
            depth += 1 if edge.group() == "/*" else -1
            if depth == 0:
                at = edge.end()
                break
        else:
            return None
        parts.append(re.sub(r"[^\n]", " ", source[start:at]))
