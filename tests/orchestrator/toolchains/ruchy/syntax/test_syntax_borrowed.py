"""Words and operators of other languages: one error each, at the word, with what to write here."""

from __future__ import annotations

import pytest

from tests.helpers.programs import build, errors_of

WORDS = [
    ("let x = 1\nswitch x { 1 => println(1) }", (2, 1), "match"),
    ("switch (3) { case 1: println(1); default: println(2) }", (1, 1), "match"),
    ("foreach x in [1] { println(x) }", (1, 1), "for x in xs"),
    ("foreach (x in [1]) { println(x) }", (1, 1), "for x in xs"),
    ('print "hello"', (1, 1), "print(..)"),
    ('println "hello"', (1, 1), "println(..)"),
    ('echo "hello"', (1, 1), "println(..)"),
    ("unless false { println(1) }", (1, 1), "if !condition"),
    ("until true { println(1) }", (1, 1), "while !condition"),
    ("lambda x: x", (1, 1), "|x|"),
    ("let x = new Point(1)", (1, 9), "Point::new(1)"),
    ("let x = 1\nif x > 1 then println(1) end", (2, 10), "{ .. }"),
    ("let x = not true", (1, 9), "`!`"),
    ("let x = 1 is 1", (1, 11), "`==`"),
    ("let x = 3 mod 2", (1, 11), "`%`"),
    ("let x = 3 div 2", (1, 11), "`/`"),
    ("if 1 === 1 { println(1) }", (1, 6), "`==`"),
    ("if 1 !== 2 { println(1) }", (1, 6), "`!=`"),
    ("if 1 <> 2 { println(1) }", (1, 6), "`!=`"),
    ("match 1 { case 1 => println(1), _ => println(2) }", (1, 11), "_ => .."),
    ("public fun f() { }", (1, 1), "`pub`"),
    ("let x = 1\ndel x", (2, 1), "leave it out"),
]


@pytest.mark.parametrize(("source", "place", "cure"), WORDS)
def test_a_word_of_another_language_is_one_error_with_its_cure(source, place, cure):
    (error,) = errors_of(source)
    assert (error.code, (error.line, error.column)) == ("E0033", place)
    assert cure in error.hint


@pytest.mark.parametrize(
    ("source", "cure"),
    [
        ("for i in 1...3 { println(i) }", "..="),
        ("if 1 in [1, 2] { println(1) }", "contains"),
        ("while (true): break", "{ .. }"),
        ("fun f(x: i64): i64 { x }", "->"),
        ("match 1 { 1 -> println(1), _ -> println(2) }", "=>"),
        ("console.log(1)", "println"),
        ("pass", "{}"),
    ],
)
def test_a_form_of_another_language_has_one_error_with_its_cure(source, cure):
    (error,) = errors_of(source)
    assert cure in error.hint


def test_these_words_stay_names():
    source = "let end = 1\nlet then = 2\nfun switch(x: i64) -> i64 { x }\nprintln(end + then + switch(4))"
    assert build({"main.ruchy": source}).errors() == []


def test_quotes_of_other_texts_say_which_to_write():
    assert {error.hint for error in errors_of("let s = \u201cx\u201d")} == {'a text stands in plain quotes: `"`'}
