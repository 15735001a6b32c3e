"""Formats mean what Rust's mean: in macros, f-strings, the function form, and templates that only run time knows."""

from __future__ import annotations

import itertools
from decimal import ROUND_HALF_EVEN, Decimal

import pytest

from tests.helpers.programs import ENTRY, build, run, run_text

WIDTHS = {"i8": 8, "i32": 32, "i64": 64, "u8": 8, "u64": 64}


def padded(text: str, fill: str, align: str, width: int, default: str) -> str:
    missing = max(0, width - len(text))
    before = {"<": 0, ">": missing, "^": missing // 2}[align or default]
    return fill * before + text + fill * (missing - before)


def rust_integer(value: int, bits: int, spec: tuple[str, str, str, str, str, int, str]) -> str:
    """What Rust's `format!` makes of an integer."""
    fill, align, sign, prefix, zero, width, kind = spec
    if kind:
        digits, head = format(value % (1 << bits), kind), ("0" + kind.lower() if prefix else "")
    else:
        digits, head = str(abs(value)), "-" if value < 0 else ""
    if sign and not head.startswith("-"):
        head = "+" + head
    if zero:
        return head + digits.rjust(width - len(head), "0")
    return padded(head + digits, fill or " ", align, width, ">")


def specs() -> list[tuple[str, str, str, str, str, int, str]]:
    """Every flag with every other one."""
    sides = [("", ""), ("", "<"), ("é", ">"), ("*", "^")]
    flags = itertools.product(sides, ["", "+"], ["", "#"], ["", "0"], [0, 1, 6, 11], ["", "x", "X", "o", "b"])
    return [(fill, align, sign, prefix, zero, width, kind) for (fill, align), sign, prefix, zero, width, kind in flags]


def spelled(spec: tuple[str, str, str, str, str, int, str]) -> str:
    fill, align, sign, prefix, zero, width, kind = spec
    return f"{fill}{align}{sign}{prefix}{zero}{width or ''}{kind}"


@pytest.mark.parametrize(
    ("kind", "value"), [("i8", -128), ("i32", 255), ("i64", -5), ("u8", 200), ("u64", 2**64 - 1), ("i64", 0)]
)
def test_integers_of_each_width(kind: str, value: int) -> None:
    chosen = [spec for at, spec in enumerate(specs()) if at % 6 == WIDTHS[kind] // 8 % 6]
    expected = [rust_integer(value, WIDTHS[kind], spec) for spec in chosen]
    macro = "|".join(f"{{0:{spelled(spec)}}}" for spec in chosen)
    string = "|".join(f"{{n:{spelled(spec)}}}" for spec in chosen)
    ran = run_text(
        f'fun main() {{ let n: {kind} = {value}; println!("{macro}", n); println(f"{string}"); println("{macro}", n) }}'
    )
    assert ran.stdout.split("\n") == ["|".join(expected)] * 3 + [""]


TEXTS = ["", "ab", "日本é", "a longer text"]


def test_texts_bools_and_chars_are_cut_and_padded_by_character() -> None:
    lines, expected = [], []
    for text, (fill, align), width, digits in itertools.product(
        TEXTS, [("", ""), ("", ">"), ("é", "^"), ("-", "<")], ["", "0", "4", "07"], ["", ".0", ".2"]
    ):
        lines.append(f'println!("{{:{fill}{align}{width}{digits}}}|", "{text}");')
        cut = text[: int(digits[1:])] if digits else text
        expected.append(padded(cut, fill or " ", align, int(width or 0), "<") + "|")
    lines.append("println!(\"{:6}|{:>6}|{:.1}|{:3}|{:^3}|{:>5}|\", true, false, true, 'c', 'é', ());")
    expected.append("true  | false|t|c  | é |  nil|")
    assert run_text(f"fun main() {{ {' '.join(lines)} }}").stdout.split("\n") == [*expected, ""]


FLOATS = [0.0, 1.0, -2.5, 0.125, 2.675, 1e21, 5e-324, 123456.789, 0.00012, 9.995]


def exponent(value: float, digits: int | None) -> str:
    number = Decimal(repr(value)) if digits is None else Decimal(value)
    _, figures, power = number.normalize().as_tuple()
    assert isinstance(power, int)
    power += len(figures) - 1
    mantissa = number.scaleb(-power) if number else number
    if digits is None:
        text = format(mantissa.normalize(), "f")
    else:
        text = format(mantissa.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_EVEN), "f")
        if text.lstrip("-").startswith("10"):
            power += 1
            text = format((mantissa / 10).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_EVEN), "f")
    return f"{text}e{power if number else 0}"


def test_floats() -> None:
    lines, expected = [], []
    for value in FLOATS:
        lines.append(
            f'println!("{{0:.0}} {{0:.2}} {{0:+.1}} {{0:09.3}} {{0:>9.1}}|{{0:<9.1}}|{{0:e}} {{0:.2e}} {{0:E}}"'
            f", {value!r});"
        )
        shown = [
            f"{value:.0f}",
            f"{value:.2f}",
            f"{value:+.1f}",
            f"{value:09.3f}",
            f"{value:>9.1f}|{value:<9.1f}|" + exponent(value, None),
        ]
        expected.append(" ".join([*shown, exponent(value, 2), exponent(value, None).upper()]))
    lines.append('println!("{:7}|{:<7}|{:07}|{:+}|{:e}", 5.0, 5.0, -5.0, 5.0, 1500);')
    expected.append("    5.0|5.0    |-0005.0|+5.0|1.5e3")
    lines.append('println!("{:.3} {:.2} {:.0} {:.1e} {:.0e}", 7, -3, 4, 1250, 15);')
    expected.append("7.000 -3.00 4 1.2e3 2e1")
    lines.append('let f: f32 = 0.1; println!("{} {:.2} {:e} {:>6}", f, f, f, f);')
    expected.append("0.1 0.10 1e-1    0.1")
    lines.append('println!("{:5}|{:+}|{:.2}|{:e}|{:+}", 1.0 / 0.0, 1.0 / 0.0, 0.0 / 0.0, -1.0 / 0.0, 0.0 / 0.0);')
    expected.append("  inf|+inf|NaN|-inf|NaN")
    assert run_text(f"fun main() {{ {' '.join(lines)} }}").stdout.split("\n") == [*expected, ""]


PROGRAMS = [
    ('println!("{{}} {{{}}}", 1)', "{} {1}"),
    ('println!("{0} {1} {0} {}", 1, 2)', "1 2 1 1"),
    ('println!("{n} {n:>4} {m}", m = 3)', "7    7 3"),
    ('println!("{:>1$}|{:<w$}|", 1, 3)', "  1|3    |"),
    ('println!("{:.*}|{:.p$}|{:.p$}", 1, 0.25, 2.0 / 3.0, 5)', "0.2|0.67|5.00"),
    ('println!("{:>width$}", 5, width = 3)', "  5"),
    ('println!("{s:?} {s:>6?}|{:?} {:#?}", 5, "q")', '"ab"   "ab"|5 "q"'),
    ('println!("{q:?} {q:>20}|{q:.2}|{:?}", Q { a: "", b: 1.25 })',
     'Q {a: "x", b: 2.0}   Q {a: "x", b: 2.0}|Q {a: "x", b: 2.00}|Q {a: "", b: 1.25}'),
    ('print!("{:02}", 3); eprintln!("{:02}", 4); println(format!("{:02}", 5))', "0305"),
    ('println(f"{n:,}|{n:05d}|{1.239:.2f}|{n:>w$}|{n:<3}|{s:*^6}|{n + 1:#x}")', "7|00007|1.24|    7|7  |**ab**|0x8"),
    ('println("set {a, b}", 7)', "set {a, b} 7"),
    ('println("{} and {}", 1)', "1 and {}"),
    ('println("{}", 1, 2)', "1"),
    ('println("{0}{0}{1}", 1, 2)', "112"),
    ('println("{:>4}|{:x}|{n:03}", 1, 255)', "   1|ff|007"),
    ('println!("{n:x} {:#b} {:x} {n:>3}", n, 10)', "7 0b111 a   7"),
    ('println("{n}")', "{n}"),
    ('println("{n} {zz:4} {:,} {a: 1}", 1)', "{n} {zz:4} {:,} {a: 1} 1"),
    ('println("{{}}", 1)', "{1}"),
    ('println("{5} {}", 1)', "{5} 1"),
    ('println(t + "{} {0} {:>3}|{:05}|{:.1}|{:?}|{:+}|{:*^5}|{zz}|{:x}|{9}", 1, 2, -3, 0.25, "s", 6, "c")',
     '1 1   2|-0003|0.2|"s"|+6|**c**|{zz}|{:x}|{9}'),
    ('println(t + "x", 1, "b", true)', "x 1 b true"),
    ('println(t + "{:4}|{:4}|{:.2}|{:.1}", 1, "b", 3, "cd")', "   1|b   |3.00|c"),
    ('println!("{1} {0}", up(1), up(2))', "<1><2>2 1"),
    ('println!("{a}{b}{a}", b = up(1), a = up(2))', "<1><2>212"),
    ('println("{1} {0}", up(1), up(2), up(3))', "<1><2><3>2 1"),
    ('println(t + "{1}", up(1), up(2))', "<1><2>2"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "shown"), PROGRAMS, ids=lambda value: str(value)[:40])
def test_templates(text: str, shown: str) -> None:
    ran = run_text(
        f"""
struct Q {{ a: String, b: f64 }}
fun up(n: i64) -> i64 {{ print("<", n, ">"); n }}
fun main() {{
    let n = 7; let w = 5; let p = 2; let s = "ab"; let t = "".to_upper(); let q = Q {{ a: "x", b: 2.0 }}
    {text}
}}
""".replace('print("<", n, ">")', 'print("<{}>", n)')
    )
    assert (ran.stdout.rstrip("\n"), ran.code) == (shown, 0)


WRONG = [
    ('println!("{} {}", 7)', "E0308"),
    ('println!("{}")', "E0308"),
    ('println!("{1}", 7)', "E0308"),
    ('println!("{:.*}", 7)', "E0308"),
    ('println!("{:1$}", 7)', "E0308"),
    ('print!("x", 7)', "E0309"),
    ('println!("{}", 7, 8)', "E0309"),
    ('println!("{}", 7, a = 8)', "E0309"),
    ('panic!("{} {}", 7)', "E0308"),
    ('assert!(true, "{}")', "E0308"),
    ('assert_eq!(1, 1, "{}")', "E0308"),
    ('println(format!("{}", 7, 8))', "E0309"),
    ('println!("{zz}")', "E0101"),
    ('println!("{:>zz$}", 1)', "E0101"),
    ('println!("{:y}", 7)', "E0031"),
    ('println!("{:,}", 7)', "E0031"),
    ('println!("{", 7)', "E0031"),
    ('println!("}")', "E0031"),
    ('println!("{a b}", 7)', "E0031"),
    ('println!("{:65536}", 7)', "E0031"),
    ('println!("{:x}", 1.5)', "E0032"),
    ('println!("{:#b}", "a")', "E0032"),
    ('println!("{:e}", true)', "E0032"),
    ('println!("{:>1$}", 7, "a")', "E0032"),
    ("println(\"{:o}\", 'a')", "E0032"),
    ('println(f"{true:x}")', "E0032"),
]


@pytest.mark.parametrize(("text", "code"), WRONG, ids=[text for text, _ in WRONG])
def test_wrong_templates_are_refused_where_they_stand(text: str, code: str) -> None:
    built = build({ENTRY: f"fun main() {{\n    {text}\n}}\n"})
    assert [(found.code, found.file, found.line) for found in built.errors()] == [(code, ENTRY, 2)]


def test_an_unknown_format_of_an_f_string_is_ignored_with_a_warning() -> None:
    built = build({ENTRY: 'fun main() {\n    let n = 54321\n    println(f"{n:,} {n:>1$} {n:10s} {n:.*}")\n}\n'})
    assert [(found.code, found.line) for found in built.diagnostics] == [("W0007", 3)] * 4
    assert built.program is not None
    assert run(built.program).stdout == "54321 54321 54321 54321\n"


def test_a_width_that_is_negative_traps() -> None:
    ran = run_text('fun main() { let w = 0 - 1; println!("{:>w$}", 1) }')
    assert (ran.stdout, ran.code, "u16" in ran.stderr) == ("", 134, True)


def test_names_of_other_modules_in_templates() -> None:
    """A name in a template is a use: it is imported, and an edit of it is seen."""
    for value in (5, 6):
        built = build(
            {
                "a.ruchy": f"pub const X: i64 = {value}\n",
                ENTRY: 'use a::X\nconst Y = 2\nfun main() { println!("{X} {Y:>X$}"); println(f"{1:>X$}") }\n',
            }
        )
        assert built.diagnostics == []
        assert built.program is not None
        assert run(built.program).stdout == f"{value} {2:>{value}}\n{1:>{value}}\n"
