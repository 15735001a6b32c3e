"""Long chains and deep nesting, through the whole compiler: an answer, never a RecursionError."""

from __future__ import annotations

import pytest

from actors.compiler.toolchain import CompileJob
from orchestrator.toolchains.ruchy.compile import compile_module
from orchestrator.toolchains.ruchy.lower import limits
from orchestrator.wasm.leb import uleb
from orchestrator.wasm.validate import validate
from tests.helpers.programs import run_text

MANY = 5000
DEEP = 120


@pytest.mark.slow
@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        (" + ".join(["n"] * MANY), str(MANY)),
        (" - ".join(["n"] * MANY), str(2 - MANY)),
        (" + ".join(['"a"', *['"b"', "n"] * (MANY // 2)]), "a" + "b1" * (MANY // 2)),
        (" && ".join(["n == 1"] * MANY), "true"),
        (" || ".join(["n == 2"] * MANY), "false"),
        (" == ".join(["n == 1", *["true"] * MANY]), "true"),
        (" | ".join(["n"] * MANY), "1"),
        ('"a"' + ".trim()" * 3000, "a"),
        ("n" + ".to_string().len()" * 1500, "1"),
        ("if n == 0 { 0 } else " + "".join(f"if n == {k} {{ {k} }} else " for k in range(2, 1000)) + "{ -1 }", "-1"),
    ],
    ids=["sum", "difference", "text", "and", "or", "equals", "bits", "methods", "conversions", "else-if"],
)
def test_long_chains(expression, wanted):
    assert run_text(f"fun f(n: i64) {{ println({expression}) }}\nfun main() {{ f(1) }}").stdout == wanted + "\n"


@pytest.mark.parametrize(
    ("before", "after", "wanted"),
    [
        ("(", ")", "1"),
        ("{ ", " }", "1"),
        ("{ let x = n; ", " }", "1"),
        ("if n == 1 { ", " } else { 0 }", "1"),
        ("id(", ")", "1"),
        ("1 + (", ")", str(DEEP + 1)),
        ("-(", ")", "1"),
    ],
)
def test_deep_nesting(before, after, wanted):
    expression = before * (DEEP - 2) + "n" + after * (DEEP - 2)
    source = f"fun id(n: i64) -> i64 {{ n }}\nfun f(n: i64) -> i64 {{ {expression} }}\nfun main() {{ println(f(1)) }}"
    wanted = str(DEEP - 1) if before == "1 + (" else wanted
    assert run_text(source).stdout == wanted + "\n"


def test_loops_as_values_of_breaks():
    expression = "loop { break " * 40 + "n" + "; }" * 40
    assert run_text(f"fun f(n: i64) {{ println({expression}) }}\nfun main() {{ f(3) }}").stdout == "3\n"


@pytest.mark.slow
def test_nested_loops_of_a_hundred():
    head = "".join(f"for i{k} in 0..1 {{\n" for k in range(100))
    assert run_text(f"fun main() {{\n{head} println(i0 + i99); {'}' * 100}\n}}").stdout == "0\n"


def refused(source: str) -> list[tuple[str, int, int, str]]:
    made = compile_module(CompileJob(module="main", path="main.ruchy", source=source.encode()))
    assert made.object is None
    return [(one.code, one.line, one.column, one.message) for one in made.diagnostics]


def accepted(source: str) -> None:
    made = compile_module(CompileJob(module="main", path="main.ruchy", source=source.encode()))
    assert made.object is not None, made.diagnostics
    assert validate(made.object.data) is None


def many_parameters(count: int, unit: str = "") -> str:
    return f"fun g() {{ }}\nfun f({unit}{', '.join(f'p{n}: i64' for n in range(count))}) {{ }}"


def test_parameters_that_no_engine_takes():
    message = "`f` has 1,001 parameters: the engines that run WebAssembly take 1,000"
    assert refused(many_parameters(1001)) == [("E0220", 2, 5, message)]
    accepted(many_parameters(1000, unit="nothing: (), "))


def test_a_struct_may_have_more_fields():
    fields = ", ".join(f"p{n}: i64" for n in range(1500))
    values = ", ".join(f"p{n}: 1" for n in range(1500))
    accepted(
        f"struct S {{ {fields} }}\nfun f(s: S) -> i64 {{ s.p1499 }}\nfun main() {{ println(f(S {{ {values} }})) }}"
    )


def test_locals_that_no_engine_takes(monkeypatch):
    monkeypatch.setattr(limits, "LOCALS", 50)
    lets = " ".join(f"let x{n} = 1;" for n in range(51))
    message = "`f` needs 51 local variables: the engines that run WebAssembly take 50"
    assert refused(f"mod m {{\n    pub fun f() {{ fun g() {{ }} {lets} }}\n}}")[0][:3] == ("E0221", 2, 13)
    assert refused(f"\nfun f() {{ {lets} }}") == [("E0221", 2, 5, message)]
    assert refused(f"\n\n{lets} println(x1)")[0][:2] == ("E0221", 3)
    assert refused(f"\n\n{lets} println(x1)")[0][3].startswith("the top level needs 5")
    accepted(f"fun f() {{ {lets[:-13]} }}")


def test_code_that_no_engine_takes(monkeypatch):
    monkeypatch.setattr(limits, "BODY", 2000)
    assert refused("\nfun f(n: i64) { " + "println(n);" * 200 + " }")[0][:3] == ("E0222", 2, 5)
    accepted("fun f(n: i64) { " + "println(n);" * 40 + " }")


def engine_takes(parameters: int = 0, locals_: int = 0, nops: int = 0) -> bool:
    """Whether a module of one function is valid."""
    body = b"\x01" + uleb(locals_) + b"\x7f" + b"\x01" * nops + b"\x0b"
    types = b"\x01\x60" + uleb(parameters) + b"\x7f" * parameters + b"\x00"
    code = b"\x01" + uleb(len(body)) + body
    sections = ((1, types), (3, b"\x01\x00"), (10, code))
    made = b"\x00asm\x01\x00\x00\x00" + b"".join(bytes((n,)) + uleb(len(one)) + one for n, one in sections)
    return validate(made) is None


def test_the_limits_are_those_of_the_engine():
    assert engine_takes(parameters=limits.PARAMETERS)
    assert not engine_takes(parameters=limits.PARAMETERS + 1)
    assert engine_takes(parameters=9, locals_=limits.LOCALS - 9)
    assert not engine_takes(parameters=9, locals_=limits.LOCALS - 8)
    assert engine_takes(nops=limits.BODY - 4)
    assert not engine_takes(nops=limits.BODY - 3)
