"""Diagnostics as text: place, code, message, the line itself with a caret, and what to do."""

from __future__ import annotations

from collections.abc import Iterable

from actors.diagnostics import Diagnostic
from orchestrator.report.terminal import Style, shown, width

WIDTH = 110
"""Longer source lines are cut around the caret to this many columns."""


def render(found: Diagnostic, style: Style | None = None) -> str:
    """One diagnostic, without a newline at the end:

    shapes/circle.ruchy:3:9: error[E0102]: there is no `totl` here
      3 |     let x = totl + 1;
        |             ^^^^ did you mean `total`?
    """
    style = style or Style()
    head = f"{_place(found)}{style.paint(f'{found.severity}[{found.code}]', found.severity)}: "
    head += style.paint(shown_lines(found.message), "bold")
    if not found.line or not found.text:
        return head + (f"\n  {shown_lines(found.hint)}" if found.hint else "")
    number = str(found.line)
    line, caret = excerpt(found.text, found.column, found.length)
    bar = style.paint("|", "dim")
    marked = style.paint(caret, found.severity)
    hint = f" {shown_lines(found.hint)}" if found.hint else ""
    return f"{head}\n  {number} {bar} {line}\n  {' ' * len(number)} {bar} {marked}{hint}"


def excerpt(text: str, column: int, length: int) -> tuple[str, str]:
    """The line as it is shown, and below it the caret: blanks, then one `^` a column. A long line is cut."""
    start = max(column - 1, 0)
    before, marked, after = text[:start], text[start : start + max(length, 1)], text[start + max(length, 1) :]
    left, middle, right = shown(before), shown(marked), shown(after)
    room = max(WIDTH - width(middle), 20)
    if width(left) > room * 2 // 3:
        left = "..." + left[-(room // 2) :]
    middle = middle if width(middle) <= WIDTH else middle[: WIDTH // 2] + "..."
    over = width(left) + width(middle) + width(right) - WIDTH
    if over > 0:
        right = right[: max(len(right) - over - 3, 0)] + "..."
    return f"{left}{middle}{right}".rstrip(), " " * width(left) + "^" * max(width(middle), 1)


def shown_lines(text: str) -> str:
    """A message may have several lines, each escaped by itself."""
    return "\n    ".join(shown(line) for line in text.split("\n"))


def render_all(found: Iterable[Diagnostic], style: Style | None = None) -> str:
    """All of them, with an empty line between two. "" for none."""
    return "\n\n".join(render(each, style) for each in found)


def count(found: Iterable[Diagnostic]) -> str:
    """ "2 errors, 1 warning"; "" where there is neither."""
    severities = [each.severity for each in found]
    parts = []
    for severity in ("error", "warning"):
        number = severities.count(severity)
        if number:
            parts.append(f"{number} {severity}{'s' if number > 1 else ''}")
    return ", ".join(parts)


def _place(found: Diagnostic) -> str:
    if not found.file:
        return f"{shown(found.module)}: " if found.module else ""
    place = f":{found.line}:{found.column}" if found.line and found.column else f":{found.line}" if found.line else ""
    return f"{shown(found.file)}{place}: "
