"""The settings under `[toolchain.c]`."""

from __future__ import annotations

import os
import re

import msgspec


class COptions(msgspec.Struct, frozen=True):
    """What a project sets for its C files."""

    compiler: str = ""
    flags: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    define: tuple[str, ...] = ()
    standard: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()

    def foreign_code(self) -> str:
        """What of these settings runs code that the project chose, "" for nothing. Flags are allowed that are known to
        change nothing but what the compiler makes; others may load a plugin, or read more flags from a file."""
        if os.path.isabs(self.compiler):
            return f"compiler = {self.compiler!r}"
        before = ""
        for flag in self.flags:
            if before not in _WITH_WORD and (not _PLAIN_FLAG.fullmatch(flag) or _NOT_PLAIN.match(flag)):
                return f"the flag {flag!r}"
            before = flag
        return ""


_WITH_WORD = ("-I", "-isystem", "-iquote", "-idirafter", "-include", "-D", "-U")

_PLAIN_FLAG = re.compile(
    r"-W[\w+=-]*|-w|-pedantic(-errors)?|-ansi|-O[0-3sgz]?|-g[\w-]*|-std=[\w+]+|-pthread|-trigraphs"
    r"|-[DUI].*|-isystem.*|-iquote.*|-idirafter.*|-include|-[fm][\w+-]+(=[\w+,-]+)?",
    re.DOTALL,
)
_NOT_PLAIN = re.compile(r"-f.*(plugin|module|trace|report|crash|save|dump|cache|use-ld|proc-stat)|-mllvm|-mlink")
