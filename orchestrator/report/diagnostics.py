"""Diagnostics as text: place, code, message, the line itself with a caret, and what to do."""

from __future__ import annotations

from orchestrator.report.terminal import Style, shown, width

TYPE_CHECKING = False  # as in `terminal`, because `cli/told.py` imports this
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from actors.diagnostics import Diagnostic

    Shown = Callable[[str], str]
    """Translates a file's path for display (see `paths.here`)."""

WIDTH = 110
"""Longer source lines are cut around the caret to this many columns."""


def render(diagnostic: Diagnostic, style: Style | None = None, path: Shown = str) -> str:
    """One diagnostic, without a newline at the end:

    shapes/circle.ext:3:9: error[E0102]: there is no `totl` here
      3 |     let x = totl + 1;
        |             ^^^^ did you mean `total`?
    """
    style = style or Style()
    head = (
        f"{_place(diagnostic, path)}{style.paint(f'{diagnostic.severity}[{diagnostic.code}]', diagnostic.severity)}: "
    )
    head += style.paint(shown_lines(diagnostic.message), "bold")
    if diagnostic.place != "source":
        return head + (f"\n  {shown_lines(diagnostic.hint)}" if diagnostic.hint else "")
    number = str(diagnostic.line)
    line, caret = excerpt(diagnostic.text, diagnostic.column - diagnostic.cut, diagnostic.length, diagnostic.cut)
    bar = style.paint("|", "dim")
    marked = style.paint(caret, diagnostic.severity)
    hint = f" {shown_lines(diagnostic.hint)}" if diagnostic.hint else ""
    return f"{head}\n  {number} {bar} {line}\n  {' ' * len(number)} {bar} {marked}{hint}"


def excerpt(text: str, column: int, length: int, cut: int = 0) -> tuple[str, str]:
    """Returns the line as it is shown, and below it the caret: blanks, then one `^` per column. A long line is cut;
    `cut` characters were already cut from its start."""
    start = max(column - 1, 0)
    before, marked, after = (
        "..." * bool(cut) + text[:start],
        text[start : start + max(length, 1)],
        text[start + max(length, 1) :],
    )
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
    """Returns a message of one or several lines, each escaped by itself."""
    return "\n    ".join(shown(line) for line in text.split("\n"))


def render_all(diagnostics: Iterable[Diagnostic], style: Style | None = None, path: Shown = str) -> str:
    """Returns all of them, separated by empty lines; "" for none."""
    return "\n\n".join(render(each, style, path) for each in diagnostics)


def count(diagnostics: Iterable[Diagnostic]) -> str:
    """Returns "2 errors, 1 warning", or "" if there are neither."""
    severities = [each.severity for each in diagnostics]
    parts = []
    for severity in ("error", "warning"):
        number = severities.count(severity)
        if number:
            parts.append(f"{number} {severity}{'s' if number > 1 else ''}")
    return ", ".join(parts)


def _place(diagnostic: Diagnostic, path: Shown) -> str:
    if diagnostic.place == "project":
        return ""
    place = f":{diagnostic.line}:{diagnostic.column}" if diagnostic.place == "source" else ""
    return f"{shown(path(diagnostic.file))}{place}: "
