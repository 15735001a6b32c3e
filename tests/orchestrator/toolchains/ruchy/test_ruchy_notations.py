"""What the grammar takes in every notation and place: the limits of integers, choices, compound assignment, escapes,
and what stands between two values."""

from __future__ import annotations

import pytest

from tests.helpers.programs import ENTRY, build, run, run_text

TYPES = {
    f"{sign}{bits}": (-(1 << bits - 1), (1 << bits - 1) - 1) if sign == "i" else (0, (1 << bits) - 1)
    for sign in "iu"
    for bits in (8, 16, 32, 64)
}


def written(value: int) -> list[str]:
    """A number in each notation."""
    minus, digits = ("-", -value) if value < 0 else ("", value)
    return [f"{minus}{digits}", f"{minus}{digits:#x}", f"{minus}0x{digits:X}", f"{minus}({digits})"]


@pytest.mark.parametrize("name", TYPES)
def test_the_limits_of_each_integer_type_in_each_notation(name: str) -> None:
    values = [(text, value) for value in TYPES[name] for text in written(value)]
    lines = [f"let a{at}: {name} = {text}; println(a{at});" for at, (text, _) in enumerate(values)]
    lines += [f"println({text}{name});" for text, _ in values if not text.endswith(")")]
    lines += [f"println({text} as {name});" for text, _ in values if not text.endswith(")")]
    expected = [str(value) for _, value in values]
    expected += [str(value) for text, value in values if not text.endswith(")")] * 2
    ran = run_text(f"fun main() {{ {' '.join(lines)} }}")
    assert ran.stdout.split() == expected


@pytest.mark.parametrize("name", ["i64", "u64", "i8"])
def test_the_limits_wherever_a_value_stands(name: str) -> None:
    low, high = TYPES[name]
    ran = run_text(
        f"""
const LOW: {name} = {low}
let top: {name} = {high}
struct S {{ a: {name} = {low}, b: {name} }}
fun back(x: {name}, y: {name} = {high}) -> {name} {{ if x == {low} {{ return y }} {low} }}
fun tail() -> {name} {{ {high} }}
println(LOW, top, S {{ b: {high} }}.a, S {{ b: {high} }}.b, back({low}), back({high}), tail())
println(tail() == {high}, {high} == tail(), {low} < tail(), true ? {low} : tail())
"""
    )
    choice = f"{low} {high} {low} {high} {high} {low} {high}"
    assert ran.stdout == f"{choice}\ntrue true true {low}\n"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("9223372036854775808", "E0022"),
        ("-9223372036854775809", "E0022"),
        ("0x8000000000000000", "E0022"),
        ("18446744073709551616u64", "E0022"),
        ("-1u64", "E0205"),
        ("9223372036854775808i64", "E0022"),
        ("-129i8", "E0205"),
        ("256u8", "E0205"),
    ],
)
def test_what_no_type_holds_is_an_error(text: str, code: str) -> None:
    built = build({ENTRY: f"fun main() {{\n    let x = {text};\n    println(x);\n}}\n"})
    assert [(found.code, found.file, found.line) for found in built.errors()] == [(code, ENTRY, 2)]


CHOICES = [
    ("c ? 1 : 2", "1"),
    ("(c ? 1 : 2) + 1", "2"),
    ("c ? (d ? 5 : 6) : 2", "6"),
    ("c ? d ? 5 : 6 : 2", "6"),
    ("d ? 1 : c ? 2 : 3", "2"),
    ("d ? 1 : d ? 2 : 3", "3"),
    ("c ? f(1, d ? 7 : 8) : 2", "9"),
    ("c ? { let a = 5; a } : 2", "5"),
    ("c ? -1 : 2", "-1"),
    ("f(c ? 1 : 2, d ? 1 : 2)", "3"),
    ("c && !d ? 1 : 2", "1"),
    ("c ? 1 | 4 : 2", "5"),
    ("c ? " + " + ".join(["f(1, 2)"] * 40) + " : 2", "120"),
    (" : ".join(f"n == {at} ? {at}" for at in range(60)) + " : -1", "58"),
]


@pytest.mark.parametrize(("text", "shown"), CHOICES, ids=[text[:24] for text, _ in CHOICES])
def test_choices_wherever_a_value_stands(text: str, shown: str) -> None:
    ran = run_text(
        f"""
struct S {{ v: i64, w: i64 }}
fun f(a: i64, b: i64) -> i64 {{ a + b }}
fun g(c: bool, d: bool, n: i64) -> i64 {{ {text} }}
fun main() {{
    let c = true; let d = false; let n = 58
    let x = {text}
    let mut y = 0
    y = {text}
    y += {text}
    let s = S {{ v: {text}, w: 1 }}
    println(x, ({text}), g(c, d, n), s.v, y - x)
    println(f"{{{text}}} {{({text})}} {{{text}:?}}")
}}
"""
    )
    assert ran.stdout == f"{' '.join([shown] * 5)}\n{' '.join([shown] * 3)}\n"


def test_an_imported_name_before_the_colon_of_a_choice() -> None:
    built = build(
        {
            "a.ruchy": "pub const X: i64 = 4\npub const Y: bool = true\n",
            ENTRY: "use a::*\nfun main() { let c = true; println(c ? 1 | X : 2, c ? 5 & X : 2, c ? false || Y : c) }\n",
        }
    )
    assert built.program is not None
    assert run(built.program).stdout == "5 4 true\n"


@pytest.mark.parametrize(
    ("op", "shown"),
    [
        ("+=", 67), ("-=", 61), ("*=", 192), ("/=", 21), ("%=", 1), ("**=", 262144), ("&=", 0), ("|=", 67), ("^=", 67),
        ("<<=", 512), (">>=", 8),
    ],
)  # fmt: skip
def test_compound_assignment_to_each_place(op: str, shown: int) -> None:
    ran = run_text(
        f"""
struct In {{ n: i64 }}
struct P {{ x: i64, i: In }}
fun f(mut a: i64, mut p: P) -> i64 {{ a {op} 3; p.i.n {op} 3; a + p.i.n }}
fun main() {{
    let mut e = 64
    e {op} 3
    let mut p = P {{ x: 64, i: In {{ n: 64 }} }}
    p.x {op} 3
    p.i.n {op} 3
    (e) += 0
    println(e, p.x, p.i.n, f(64, P {{ x: 1, i: In {{ n: 64 }} }}))
}}
"""
    )
    assert ran.stdout == f"{shown} {shown} {shown} {2 * shown}\n"


def test_an_escape_that_is_none_stays_with_a_warning_at_its_place() -> None:
    source = 'fun main() {\n    println("N\\u2265", \'\\q\', "\\x41\\u", f"\\w{1}\\u2");\n    println(\'\\u41\');\n}\n'
    built = build({ENTRY: source})
    assert built.program is not None
    assert run(built.program).stdout == "N\\u2265 \\q \\x41\\u \\w1\\u2\n\\u41\n"
    line = source.split("\n")[1]
    columns = [at + 1 for at in range(len(line)) if line[at] == "\\"]
    found = [(one.code, one.file, one.line, one.column, one.length) for one in built.diagnostics]
    assert found == [*[("W0001", ENTRY, 2, column, 2) for column in columns], ("W0001", ENTRY, 3, 14, 2)]


@pytest.mark.parametrize("text", ['"\\u{110000}"', '"\\u{}"', '"\\u{12"', 'f"\\u{D800}"', "'\\u{1234567}'", "'a\\u{'"])
def test_an_impossible_code_point_is_an_error(text: str) -> None:
    built = build({ENTRY: f"fun main() {{\n    println({text});\n}}\n"})
    assert [(found.code, found.line) for found in built.errors()][:1] == [("E0021", 2)]


SEPARATED = [
    "1; 2",
    "1\n2",
    "a // c\nb",
    "f(1)\nf(2)",
    "if c { 1 } else { 2 } 3",
    "{ 1 } 2",
    'println("a") println(b)',
    'a = 2 let x = 1 println(x) println!("x") if c { 1 }',
    "a = 1 while false { } for i in 0..1 { } loop { break } return",
    'a\n\'q\'\n"r"\nf"{a}"\ntrue\n1.5\n~a',
]
TOGETHER = [
    "1 2",
    '"x" "y"',
    "f(1) f(2)",
    "let x = 1 x",
    "f(1) a",
    "a 'q'",
    'a f"{a}"',
    "a ~b",
    "(1) 2",
    "a true",
]


def program(text: str) -> str:
    return f"fun f(n: i64) -> i64 {{ n }}\nlet c = true\nlet mut a = 1\nlet mut b = 2\n{text}\n"


@pytest.mark.parametrize("text", SEPARATED)
@pytest.mark.parametrize("form", ["{}", "fun g(c: bool, mut a: i64, mut b: i64) {{ {}\n}}", "if c {{ {}\n}}"])
def test_values_with_something_between_them(text: str, form: str) -> None:
    built = build({ENTRY: program(form.format(text if form != "{}" else text.replace(" return", "")))})
    assert built.errors() == []


@pytest.mark.parametrize("text", TOGETHER)
@pytest.mark.parametrize("form", ["{}", "fun g(c: bool, mut a: i64, mut b: i64) {{ {} }}", "if c {{ {} }}"])
def test_values_with_nothing_between_them(text: str, form: str) -> None:
    built = build({ENTRY: program(form.format(text))})
    assert [(found.code, found.line) for found in built.errors()] == [("E0029", 5)]


def test_an_edit_that_only_joins_lines_is_seen() -> None:
    """Equal tokens on other lines are another text where that decides."""
    apart, joined = "fun main() {\n    f()\n    f()\n}\nfun f() { }\n", "fun main() {\n    f() f()\n}\nfun f() { }\n"
    assert build({ENTRY: apart}).errors() == []
    assert [(found.code, found.line) for found in build({ENTRY: joined}).errors()] == [("E0029", 2)]
    assert build({ENTRY: apart}).errors() == []


@pytest.mark.parametrize(
    "text",
    [
        'let t = """a"""',
        'println("""\na\n""")',
        'let n = 1\nlet t = f"""{n}"""',
        'f(1, """a""")',
        'let t = 1 + """a"""',
    ],
)
def test_three_quotes_are_refused_where_they_stand(text: str) -> None:
    built = build({ENTRY: program(text)})
    line = 5 + text[: text.index('"""')].count("\n")
    assert [(found.code, found.line) for found in built.errors()] == [("E0030", line)]
