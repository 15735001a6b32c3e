"""Why something was compiled, and what a code means, in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from orchestrator.report.terminal import Style, shown

if TYPE_CHECKING:
    from actors.codes import Code
    from actors.result import Reason

_WORDS = {
    "new": "it is new",
    "first": "no earlier build is remembered (the first one, or the cache was cleared or damaged)",
    "source": "its source changed",
    "resolution": "a name in it means something else now",
    "toolchain": "the compiler changed",
    "options": "the options changed",
    "forced": "it was asked for (--force)",
    "missing": "the cache no longer has it",
}


def why(reason: Reason) -> str:
    """Returns one line: "imports tax, which changed"."""
    if reason.kind == "import" and reason.via:
        return f"imports {listed([shown(name) for name in reason.via])}, which changed"
    if reason.kind == "input" and reason.via:
        return f"reads {listed([shown(name) for name in reason.via])}, which changed"
    return _WORDS.get(reason.kind, "what it depends on changed")


def listed(names: Sequence[str], most: int = 3) -> str:
    """ "a", "a and b", "a, b and c", "a, b, c and 4 more"."""
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)


def code_text(code: Code, style: Style | None = None) -> str:
    """Returns what `wasmill explain` prints."""
    style = style or Style()

    def indented(text: str) -> str:
        return "\n".join(f"    {line}" if line else "" for line in text.splitlines())

    head = style.paint(f"{code.code}: {code.title}", "bold")
    return (
        f"{head} ({code.kind})\n\n{code.explanation}\n\n"
        f"Wrong:\n\n{indented(code.wrong)}\n\nRight:\n\n{indented(code.right)}"
    )
