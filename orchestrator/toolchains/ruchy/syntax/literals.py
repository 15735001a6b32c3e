"""The text of literal tokens: their values, for the parser, and what is wrong with them, for the lexer."""

from __future__ import annotations

import re

from actors.diagnostics import Finding

_SIMPLE = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", '"': '"', "'": "'", "0": "\0"}
_ESCAPE = re.compile(r"\\(?:u\{([^}\\]*+)\}|(.))", re.DOTALL)
_TEMPLATE = re.compile(r"\\(?:u\{([^}\\]*+)\}|(.))|(\{\{|\}\}|\})", re.DOTALL)
_INTEGER = re.compile(
    r"(0[xX]_*[0-9a-fA-F][0-9a-fA-F_]*?|0[bB]_*[01][01_]*|0[oO]_*[0-7][0-7_]*|[0-9][0-9_]*)"
    r"((?:[iu](?:8|16|32|64|128|size))?)"
)
_FLOAT = re.compile(r"[0-9][0-9_]*(?:\.[0-9][0-9_]*(?:[eE][+-]?[0-9][0-9_]*)?|[eE][+-]?[0-9][0-9_]*)")
_BASES = {"x": 16, "b": 2, "o": 8}
_CHAR = re.compile(r"'(?:[^'\\\n]|\\(?:u\{[^}'\\\n]*+\}|[ntr\\\"'0]))'")
LARGEST = 2**63 - 1
"""The largest value of an integer whose type nothing else decides."""


def code_point(digits: str) -> str | None:
    """The character `\\u{digits}`; None if there is none."""
    if not 1 <= len(digits) <= 6 or not all(digit in "0123456789abcdefABCDEF" for digit in digits):
        return None
    value = int(digits, 16)
    return None if value > 0x10FFFF or 0xD800 <= value < 0xE000 else chr(value)


def _replacement(match: re.Match[str]) -> str:
    digits, simple = match.group(1), match.group(2)
    if digits is not None:
        return code_point(digits) or match.group()
    if simple is not None:
        return _SIMPLE.get(simple, match.group())
    return match.group(3)[0]


def unescape(body: str) -> str:
    """The value of the text between quotes. An unknown escape stays as it is."""
    return _ESCAPE.sub(_replacement, body) if "\\" in body else body


def string_value(text: str) -> str:
    """The value of a `string`, `char` or `byte` token."""
    if text[0] == "r":
        hashes = text.index('"')
        return text[hashes + 1 : len(text) - hashes]
    return unescape(text[2:-1] if text[0] == "b" else text[1:-1])


def template_value(text: str) -> str:
    """The literal text of a piece of an f-string, given without its delimiters."""
    return _TEMPLATE.sub(_replacement, text)


def split_template(text: str) -> tuple[str, str]:
    """(format of the hole that ends here, literal text that follows) of an `fopen`, `fmid`, `fclose` or `fstring`."""
    if text[0] == "f":
        return "", text[2:-1]
    end = text.index("}")
    return text[1:end], text[end + 1 : -1]


def int_value(text: str) -> tuple[int, str]:
    """(value, suffix) of an `int` token; (0, "") if it is malformed, which the lexer has reported."""
    match = _INTEGER.fullmatch(text)
    if match is None or len(text) > 1000:  # int() refuses more than 4300 digits
        return 0, ""
    digits = match[1].replace("_", "")
    return int(digits, _BASES.get(digits[1:2].lower(), 10)), match[2]


def number_kind(text: str) -> str:
    """`int` or `float`; a malformed number counts as the one it resembles."""
    if _INTEGER.fullmatch(text) is not None:
        return "int"
    return "float" if _FLOAT.match(text) is not None else "int"


def float_value(text: str) -> float:
    match = _FLOAT.match(text)
    return float(match.group().replace("_", "")) if match is not None else 0.0


def is_char(text: str) -> bool:
    return _CHAR.fullmatch(text) is not None


def check_number(text: str, kind: str) -> list[Finding]:
    """Malformed and too large numbers."""
    if kind == "float":
        match = _FLOAT.match(text)
        if match is not None and match.end() == len(text):
            return []
        hint = "write `x as f32` to choose the type of a float"
        return [Finding("E0027", f"`{text}` is not a number: floats have no suffix", hint=hint)]
    if _INTEGER.fullmatch(text) is None:
        hint = "integers are decimal, 0x hexadecimal, 0o octal or 0b binary"
        return [Finding("E0027", f"`{text}` is not a number", hint=hint)]
    value, suffix = int_value(text)
    largest = 2**128 - 1 if suffix.endswith("128") else 2**64 - 1  # what the sign and the type allow, the checker says
    if value > largest or len(text) > 1000:
        shown = text if len(text) <= 60 else text[:60] + "..."
        return [Finding("E0022", f"the integer {shown} is too large", hint=f"the largest is {largest}")]
    return []


def check_text(text: str, template: bool) -> list[Finding]:
    """Bad and unknown escapes of a string, a char or a piece of an f-string."""
    findings: list[Finding] = []
    start = text.index("}") + 1 if template and text[0] != "f" else 0
    for match in (_TEMPLATE if template else _ESCAPE).finditer(text, start, len(text) - 1):
        digits, simple = match.group(1), match.group(2)
        offset, length = match.start(), len(match.group())
        if digits is not None:
            if code_point(digits) is None:
                hint = "a code point has one to six hexadecimal digits, up to 10FFFF, and is not a surrogate"
                findings.append(Finding("E0021", f"`\\u{{{digits[:20]}}}` is not a character", offset, length, hint))
        elif simple == "u" and text.startswith("{", match.end()):
            findings.append(Finding("E0021", "this `\\u{` has no `}`", offset, length + 1, "write \\u{41}"))
        elif simple is not None and simple not in _SIMPLE:
            shown = "the end of the line" if simple == "\n" else f"`{simple}`"
            message = f"a backslash before {shown} means nothing, and stays in the text"
            findings.append(Finding("W0001", message, offset, length, "write \\\\ for a backslash"))
        elif simple is None and match.group() == "}":
            findings.append(Finding("E0026", "`}` closes no hole", offset, 1, "write `}}` for the character"))
    return findings
