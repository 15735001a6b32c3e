"""What compiles, and is probably not meant."""

import pytest

from actors.compiler.toolchain import Binding, Interface
from tests.orchestrator.toolchains.ruchy.check.checking import check_text, warned

CASES = {
    "fun f() {\n let a = 1;\n}\nfun main() { f() }": [("W0004", 2)],
    "fun f() {\n let _a = 1;\n}": [],
    "fun f() -> i64 {\n let a = 1;\n}": [],
    "fun f() {\n let a = 1;\n let a = 2;\n println(a);\n}": [("W0004", 2)],
    "fun f(a: i64) { }": [],
    "fun f() { for i in 0..2 { } }": [],
    "fun f() {\n let a = 1;\n a = 2;\n println(a);\n a = 3;\n}": [("W0003", 3)],
    "fun f(a: i64) {\n a += 1;\n println(a);\n}": [("W0003", 2)],
    "fun f(mut a: i64) {\n a += 1;\n println(a);\n}": [],
    "fun f() -> i64 {\n return 1;\n println(2);\n println(3);\n}": [("W0005", 3)],
    "fun f() {\n loop {\n break;\n println(1);\n }\n}": [("W0005", 4)],
    'fun f() {\n panic("a");\n let unused = 1;\n}': [("W0005", 3)],
    'fun f() {\n println("\\q");\n}': [("W0001", 2)],
    "let a = 1;\nfun f() -> i64 { a }": [],
    "let a = 1;\nfun f() -> i64 { 1 }": [("W0004", 1)],
}


@pytest.mark.parametrize("source", CASES)
def test_warning(source):
    assert warned(source) == CASES[source]


def test_an_error_silences_what_it_may_have_hidden():
    checked = check_text("fun f() {\n let a = 1;\n println(nope);\n}")
    assert ([one.code for one in checked.diagnostics], checked.warnings) == (["E0101"], [])


def test_unused_imports():
    interface = Interface(module="m", item="f", kind="function", interface=b"pub fun f() -> i64", names={})
    bindings = (Binding(scope="", name="f", module="m", item="f"), Binding(scope="", name="h", module="n", item="h"))
    other = Interface(module="n", item="h", kind="function", interface=b"pub fun h() -> i64", names={})
    source = "use m::f;\nuse m::g;\nuse n::*;\nuse o::*;\nuse m;\npub use m::z;\nfun main() {\n println(f(), h());\n}"
    known = {"m::f": interface, "n::h": other}
    assert warned(source, resolution=bindings, interfaces=known) == [("W0002", 2), ("W0002", 4), ("W0002", 5)]


def test_an_import_that_is_shadowed_is_unused():
    interface = Interface(module="m", item="f", kind="function", interface=b"pub fun f() -> i64", names={})
    bindings = (Binding(scope="", name="f", module="m", item="f"),)
    source = "use m::f;\nfun main() {\n let f = 1;\n println(f);\n}"
    assert warned(source, resolution=bindings, interfaces={"m::f": interface}) == [("W0002", 1)]
