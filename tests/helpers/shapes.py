"""Programs that grow: each shape repeats one thing, and is a text of about `n` times a line."""

from __future__ import annotations

from collections.abc import Callable


def _main(body: str) -> str:
    return f"fun main() {{\n{body}\n}}\n"


def _lines(line: str) -> Callable[[int], str]:
    """`@` in the line is its number."""
    return lambda n: "\n".join(line.replace("@", str(at)) for at in range(n)) + "\n"


def _body(line: str, before: str = "", after: str = "") -> Callable[[int], str]:
    lines = _lines(line)
    return lambda n: _main(f"{before}\n{lines(n)}{after}")


def _joined(part: str, by: str, around: str = "println(@)", before: str = "") -> Callable[[int], str]:
    """One long expression."""
    return lambda n: _main(
        f"{before}\n" + around.replace("@", by.join(part.replace("#", str(at)) for at in range(n)), 1)
    )


def _else_if(test: str, before: str = "let x = 1", arm: str = "println(@)") -> Callable[[int], str]:
    def made(n: int) -> str:
        arms = " else ".join(f"if {test.replace('@', str(at))} {{ {arm.replace('@', str(at))} }}" for at in range(n))
        return _main(f"{before}\n{arms} else {{ {arm.replace('@', '0')} }}")

    return made


def _choice(n: int) -> str:
    return _main("let x = 1\nprintln(" + " : ".join(f"x == {at} ? {at}" for at in range(n)) + " : 0)")


def _modules(n: int) -> str:
    """Modules in modules, as deep as they may be, side by side."""
    depth = 30
    one = "".join(f"mod m{at} {{ pub fun f() -> i64 {{ {at} }}\n" for at in range(depth)) + "}" * depth
    return "".join(f"mod a{at} {{ {one} }}\n" for at in range(1 + n // depth)) + "fun main() { println(1) }\n"


SHAPES: dict[str, Callable[[int], str]] = {
    # statements
    "lets": _body("let x@ = 1", after="println(x0)"),
    "lets with semicolons": _body("let x@ = 1;", after="println(x0);"),
    "lets that use the one before": lambda n: _main(
        "let x0 = 1\n" + "\n".join(f"let x{at + 1} = x{at} + 1" for at in range(n)) + f"\nprintln(x{n})"
    ),
    "lets of one name": _body("let x = x + 1", before="let x = 0", after="println(x)"),
    "lets of text": _body('let x@ = "a" + @', after="println(x0)"),
    "lets without a use": _body("let x@ = @"),
    "lets in blocks": _body("{ let x = @; println(x) }"),
    "typed lets": _body("let x@: i32 = @; println(x@)"),
    "lets at the top": _lines("let x@ = 1"),
    "lets at the top that functions read": lambda n: _lines("let x@ = 1")(n) + _lines("fun f@() -> i64 { x@ }")(n),
    "lets at the top that functions write": lambda n: (
        _lines("let mut x@ = 1")(n) + _lines("fun f@() { x@ = x@ + 1 }")(n) + _lines("f@()")(n)
    ),
    "statements at the top": _lines("println(@)"),
    "assignments": _body("x = x + @", before="let mut x = 0", after="println(x)"),
    "compound assignments": _body("x += @", before="let mut x = 0", after="println(x)"),
    "fields assigned": lambda n: (
        "struct P { a: i64 }\n" + _body("p.a = @", before="let mut p = P { a: 1 }", after="println(p)")(n)
    ),
    "prints": _body("println(@)"),
    "prints of several": _body('println("a", x, @)', before="let x = 1"),
    "templates": _body('println("{} {:>4} {0}", x, @)', before="let x = 1"),
    "macros": _body('println!("{x} {:>4} {}", x, @)', before="let x = 1"),
    "f-strings": _body('println(f"{x} {@:>4} {x + @}")', before="let x = 1"),
    "asserts": _body("assert_eq(x, x)", before="let x = 1"),
    "loops": _body("for i in 0..@ { println(i) }"),
    "whiles": _body("while x > @ { x = x - 1 }", before="let mut x = 1"),
    "ifs": _body("if x > @ { println(x) }", before="let x = 1"),
    "returns": _body("if x == @ { return }", before="let x = 1"),
    "blocks": _body("{ println(@) }"),
    "open literals": _body("println(@ + 1.5)"),
    "unreachable": lambda n: _main("return\n" + _lines("println(@)")(n)),
    "semicolons": lambda n: _main(";" * n),
    # one expression
    "1 + 1 + ..": _joined("1", " + "),
    "1 * 1 * ..": _joined("1", " * "),
    "x + x + ..": _joined("x", " + ", before="let x = 1"),
    "a narrow sum": _joined("x", " + ", "let y: i32 = @\nprintln(y)", before="let x: i32 = 1"),
    "a sum of floats and integers": _joined("x + 1", " + ", before="let x = 1.5"),
    "comparisons": _joined("x == #", " && ", before="let x = 1"),
    "alternatives": _joined("x == #", " || ", before="let x = 1"),
    "text and text": _joined('"a"', " + "),
    "text and numbers": _joined("#", " + ", 'println("" + @)'),
    "text and variables": _joined("x", " + ", 'println("" + @)', before="let x = 1"),
    "powers": _joined("1", " ** "),
    "choices": _choice,
    "choices in choices": lambda n: _main(
        "let c = true\n" + "".join(["println((c ? (c ? 1 : 2) : (c ? 3 : 4)))\n"] * n)
    ),
    "arguments": lambda n: (
        f"fun f({', '.join(f'p{at}: i64' for at in range(n))}) -> i64 {{ p0 }}\n"
        + _main(f"println(f({', '.join('1' * n)}))")
    ),
    "arguments of println": _joined("#", ", "),
    "methods": _joined("trim()", ".", 'println("a".@)'),
    "calls in calls": lambda n: (
        "fun f(x: i64) -> i64 { x }\n"
        + _main("\n".join("println(" + "f(" * 50 + "1" + ")" * 51 for _ in range(1 + n // 50)))
    ),
    "brackets": lambda n: _main("\n".join("println(" + "(" * 100 + "1" + ")" * 101 for _ in range(1 + n // 100))),
    "minuses": lambda n: _main("\n".join("println(" + "- " * 100 + "1)" for _ in range(1 + n // 100))),
    "casts": _joined("as i32 as i64", " ", "println(1 @)"),
    "long else if": _else_if("x == @"),
    "long else if with a value": lambda n: _main(
        "let x = 1\nprintln(" + " else ".join(f"if x == {at} {{ {at} }}" for at in range(n)) + " else { 0 })"
    ),
    "long else if of text": lambda n: _main(
        "let x = 1\nlet y = "
        + " else ".join(f'if x == {at} {{ "{at}" }}' for at in range(n))
        + ' else { "" }\nprintln(y)'
    ),
    "a function of long else if": lambda n: (
        "fun f(x: i64) -> i64 { "
        + " else ".join(f"if x == {at} {{ return {at} }}" for at in range(n))
        + " else { 0 } }\n"
        + _main("println(f(1))")
    ),
    "one f-string": lambda n: _main('let x = 1\nprintln(f"' + "{x} " * n + '")'),
    "one template": lambda n: _main('println("' + "{} " * n + '", ' + ", ".join("1" * n) + ")"),
    "one macro": lambda n: _main('println!("' + "{} " * n + '", ' + ", ".join("1" * n) + ")"),
    "one macro with names": lambda n: _main('let x = 1\nprintln!("' + "{x} " * n + '")'),
    "one long text": lambda n: _main('println("' + "word " * n + '")'),
    "escapes": lambda n: _main('println("' + "\\n\\u{41}" * n + '")'),
    "escapes that are none": lambda n: _main('println("' + "\\q" * n + '")'),
    # items
    "functions": _lines("fun f@() -> i64 { @ }"),
    "functions that call the next": lambda n: "".join(
        f"fun f{at}(x: i64) -> i64 {{ f{(at + 1) % n}(x) }}\n" for at in range(n)
    ),
    "functions whose types are inferred": lambda n: (
        "".join(f"fun f{at}(x) {{ f{at + 1}(x) + 1 }}\n" for at in range(min(n, 40)))
        + f"fun f{min(n, 40)}(x) {{ x }}\n" * 1
        + _lines("fun g@(x) { x + 1 }")(n)
        + _main("println(f0(1))\n" + _lines("println(g@(1))")(n))
    ),
    "results that are inferred": lambda n: _lines("fun f@(x: i64) { x }")(n) + _main(_lines("println(f@(1))")(n)),
    "calls of one function": lambda n: "fun f(x: i64) -> i64 { x }\n" + _main(_lines("println(f(@))")(n)),
    "defaults": lambda n: "fun f(x: i64 = 5) -> i64 { x }\n" + _main(_lines("println(f())")(n)),
    "constants": lambda n: _lines("const C@: i64 = @")(n) + _main(_lines("println(C@)")(n)),
    "constants of constants": lambda n: (
        "const C0 = 1\n"
        + "".join(f"const C{at + 1} = C{at} + 1\n" for at in range(min(n, 50)))
        + _lines("const D@ = 1 + C0")(n)
    ),
    "structs": _lines("struct S@ { a: i64 }"),
    "fields": lambda n: (
        f"struct S {{ {', '.join(f'a{at}: i64' for at in range(n))} }}\n"
        + _main(f"let s = S {{ {', '.join(f'a{at}: 1' for at in range(n))} }}\nprintln(s.a0)")
    ),
    "fields that are read": lambda n: (
        f"struct S {{ {', '.join(f'a{at}: i64 = 1' for at in range(n))} }}\n"
        + _main("let s = S { }\n" + _lines("println(s.a@)")(n))
    ),
    "a struct that is shown": lambda n: (
        f"struct S {{ {', '.join(f'a{at}: i64 = 1' for at in range(n))} }}\n" + _main("println(S { })")
    ),
    "structs in structs": lambda n: (
        "struct S0 { a: i64 }\n"
        + "".join(f"struct S{at + 1} {{ s: S{at} }}\n" for at in range(min(60, n)))
        + _lines("struct T@ { s: S0 }")(n)
    ),
    "aliases": lambda n: "type T0 = i64\n" + "".join(f"type T{at + 1} = T{at}\n" for at in range(n)),
    "nested functions": _body("fun g@() -> i64 { @ }"),
    "nested functions that are called": _body("fun g@() -> i64 { @ }\nprintln(g@())"),
    "nested constants": _body("const C@: i64 = @"),
    "nested structs": _body("struct S@ { a: i64 }"),
    "modules": _lines("mod m@ { pub fun f() -> i64 { @ } }"),
    "modules in modules": _modules,
    "uses": lambda n: (
        _lines("mod m@ { pub fun f() -> i64 { @ } }")(n)
        + _lines("use m@::f as f@")(n)
        + _main(_lines("println(f@())")(n))
    ),
    "one use of many": lambda n: (
        "mod m {\n"
        + _lines("pub fun f@() -> i64 { @ }")(n)
        + f"}}\nuse m::{{{', '.join(f'f{at}' for at in range(n))}}}\n"
        + _main(_lines("println(f@())")(n))
    ),
    "globs": lambda n: (
        _lines("mod m@ { pub fun f@() -> i64 { @ } }")(n)
        + _lines("use m@::*")(min(n, 20))
        + _main(_lines("println(f@())")(min(n, 20)))
    ),
    "paths": lambda n: "mod m { pub fun f() -> i64 { 1 } }\n" + _main(_lines("println(m::f())")(n)),
    "attributes": lambda n: _lines("#[test]")(n) + "fun f() { }\n" + _main(""),
    "comments": lambda n: _lines("// comment @")(n) + _main(""),
    "block comments": lambda n: "/* a */ " * n + _main(""),
    "nested comments": lambda n: "/* " * n + "*/ " * n + _main(""),
    "comments behind statements": _body('println(@) // @ /* it\'s "quoted"'),
    "names": lambda n: _main(" ".join(f"a{at};" for at in range(n))),
    # errors
    "unknown names": _body("println(y@)"),
    "wrong types": _body('let x@: i64 = "a"'),
    "unknown functions": _body("f@()"),
    "missing operands": _body("let x@ = "),
    "values with nothing between them": _body("1 2"),
    "brackets that close nothing": lambda n: _main(")" * n),
    "brackets that open": lambda n: _main("(" * n),
    "braces that open": lambda n: "{" * n,
    "braces that close": lambda n: "}" * n,
    "elses": _body("else { }"),
    "lets without a value": _body("let x@;"),
    "broken functions": _lines("fun f@( { }"),
    "two functions of a name": _lines("fun f() { }"),
    "two fields of a name": lambda n: "struct S { " + ", ".join(["a: i64"] * n) + " }\n",
    "unknown escapes in characters": lambda n: _main("println('" + "\\u{" * n + "')"),
    "unclosed escapes in f-strings": lambda n: _main('println(f"' + "\\u{" * n + '")'),
    "quotes": lambda n: _main("'" * n),
    "quotes with backslashes": lambda n: _main("'\\" * n),
    "quotes behind quotes": lambda n: _main("println('" + "a'\\'" * n + ")"),
    "holes that are not closed": lambda n: _main('println(f"' + "{a " * n + '")'),
    "holes that close nothing": lambda n: _main('println(f"' + "} " * n + '")'),
    "question marks": lambda n: _main("x" + "?" * n),
    "question marks between names": lambda n: _main("x" + " ? x" * n),
    "colons": lambda n: _main("x" + " : x" * n),
    "arrows": lambda n: _main("x" + " => x" * n),
    "angles": lambda n: _main("let x: A" + "<A" * n + " = 1"),
    "less than": lambda n: _main("let x = 1\nprintln(" + "x < " * n + "x)"),
    "unknown macros": _body("foo!(@)"),
    "words of other languages": _body("int x@ = 5"),
    "text that is no program": lambda n: "the quick brown fox jumps\n" * n,
    "stray characters": lambda n: _main("€ " * n),
    "bad numbers": lambda n: _main("let x = " + "1_ " * n),
    "dots": lambda n: _main("x" + "." * n),
    "fields of fields": lambda n: _main("let x = 1\nx" + ".a" * n),
    "paths of paths": lambda n: _main("a" + "::a" * n),
    "calls of calls": lambda n: _main("f" + "()" * n),
    "indexes of indexes": lambda n: _main('let s = "a"\nprintln(s' + "[0]" * n + ")"),
    "unsupported": _body("let x@ = [1, 2]"),
    "unsupported items": _lines("enum E@ { A, B }"),
    "unsupported methods": lambda n: (
        "struct S { a: i64 }\nimpl S {\n" + _lines("fun f@(&self) -> i64 { @ }")(n) + "}\n"
    ),
    "matches": _body("match x { 1 => 2, _ => 3 }", before="let x = 1"),
    "unclosed text": lambda n: _main('println("' + "a " * n),
    "unclosed comment": lambda n: _main("/* " + "a " * n),
    "texts of many lines": lambda n: _main('"a\nb" ' * n),
}
