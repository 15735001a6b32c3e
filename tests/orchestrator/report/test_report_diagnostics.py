"""Diagnostics as text: the place, the caret under the right column, and nothing that a terminal would obey."""

from __future__ import annotations

import io

import pytest

from actors.diagnostics import Diagnostic, about_file, about_project
from orchestrator.report.diagnostics import WIDTH, count, excerpt, render, render_all
from orchestrator.report.terminal import Style, shown, width


def test_all_parts() -> None:
    found = Diagnostic(
        code="E0102",
        message="there is no `totl` here",
        file="shapes/circle.ruchy",
        line=3,
        column=13,
        length=4,
        text="    let x = totl + 1;",
        hint="did you mean `total`?",
    )
    assert render(found) == (
        "shapes/circle.ruchy:3:13: error[E0102]: there is no `totl` here\n"
        "  3 |     let x = totl + 1;\n"
        "    |             ^^^^ did you mean `total`?"
    )


def test_without_a_place_the_hint_has_a_line_of_its_own() -> None:
    found = about_project("E0808", "no such entry", hint="there is `main.ruchy`")
    assert render(found) == "error[E0808]: no such entry\n  there is `main.ruchy`"
    found = about_file("E0801", "not UTF-8", file="a.ruchy", module="a")
    assert render(found) == "a.ruchy: error[E0801]: not UTF-8"
    assert render(found, path="../{}".format) == "../a.ruchy: error[E0801]: not UTF-8"


@pytest.mark.parametrize(
    ("text", "column", "length", "line", "caret"),
    [
        ("\tlet x = y;", 10, 1, "    let x = y;", "            ^"),
        ('"日本" + y', 8, 1, '"日本" + y', "         ^"),
        ('"日本" + y', 2, 2, '"日本" + y', " ^^^^"),
        ("e\u0301 + y", 6, 1, "e\u0301 + y", "    ^"),
        ("a \x1b[31m b", 9, 1, "a \\x1b[31m b", "           ^"),
        ("x", 2, 1, "x", " ^"),
        ("", 1, 1, "", "^"),
        ("abc", 1, 0, "abc", "^"),
        ("abc", 0, 1, "abc", "^"),
    ],
)
def test_the_caret_stands_below_what_is_meant(text: str, column: int, length: int, line: str, caret: str) -> None:
    assert excerpt(text, column, length) == (line, caret)


@pytest.mark.parametrize("column", [1, 50, 5_000, 9_990])
def test_a_long_line_is_cut_around_the_caret(column: int) -> None:
    text = "x" * (column - 1) + "HERE" + "y" * (10_000 - column)
    line, caret = excerpt(text, column, 4)
    assert width(line) <= WIDTH
    assert line[len(caret) - 4 : len(caret)] == "HERE"
    assert caret.strip() == "^^^^"


def test_what_is_marked_may_be_longer_than_the_line() -> None:
    line, caret = excerpt("z" * 10_000, 1, 10_000)
    assert width(line) <= WIDTH
    assert set(caret) == {"^"}


def test_nothing_from_sources_reaches_the_terminal_as_a_command() -> None:
    evil = "\x1b]0;title\x07\x9b31m\u202e\u200b\r\x00"
    found = Diagnostic(
        code="E0001", message=f"bad {evil}", file=f"{evil}.ruchy", line=1, column=1, text=evil, hint=f"try {evil}"
    )
    text = render(found, Style(colour=False))
    assert text.count("\n") == 2
    assert all(letter.isprintable() for letter in text.replace("\n", ""))
    assert "\\x1b]0;title\\x07\\x9b31m\\u202e\\u200b\\r\\x00" in text


def test_shown_keeps_what_people_write() -> None:
    assert shown("grüße 日本 e\u0301 🎉") == "grüße 日本 e\u0301 🎉"
    assert shown("a\tb") == "a    b"


def test_a_message_of_several_lines() -> None:
    assert render(about_project("E1", "one\ntwo\x1b")) == "error[E1]: one\n    two\\x1b"


def test_colour_only_where_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert not Style.of(io.StringIO()).colour
    assert Style.of(Terminal()).colour
    monkeypatch.setenv("NO_COLOR", "")
    assert Style.of(Terminal()).colour, "an empty NO_COLOR counts as not set"
    monkeypatch.setenv("NO_COLOR", "1")
    assert not Style.of(Terminal()).colour
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert not Style.of(Terminal()).colour
    painted = render(about_project("E1", "m"), Style(colour=True))
    assert painted == "\x1b[31merror[E1]\x1b[0m: \x1b[1mm\x1b[0m"


def test_counts_and_lists() -> None:
    error = about_project("E1", "m")
    warning = about_file("W1", "n", file="a", severity="warning")
    assert count([]) == ""
    assert count([error, warning, error]) == "2 errors, 1 warning"
    assert count([about_file("N", "o", file="a", severity="note")]) == ""
    assert render_all([error, warning]) == "error[E1]: m\n\na: warning[W1]: n"
    assert render_all([]) == ""
