"""Objects: their literals and types, what cannot be done with them, and that their memory comes back."""

import pytest

from orchestrator.toolchains.ruchy.check.abilities import name_of
from orchestrator.toolchains.ruchy.check.inference.infer import shown
from orchestrator.toolchains.ruchy.check.types import I64, STRING, ArrayType, ObjectType, StructType, TupleType
from orchestrator.toolchains.ruchy.signatures import type_named
from tests.helpers.programs import run_text
from tests.orchestrator.toolchains.ruchy.check.checking import found
from tests.orchestrator.toolchains.ruchy.syntax.sketch import expression, statements

CASES = {
    "a field twice": ("fun main() {\n println({a: 1,\n a: 2});\n}", [("E0291", 3)]),
    "a computed key": ('fun main() {\n let o = {a: 1, b: "x"};\n let k = "a";\n println(o[k]);\n}', [("E0291", 4)]),
    "a computed key to write to": ("fun main() {\n let mut o = {a: 1};\n o[1] = 2;\n println(o);\n}", [("E0291", 3)]),
    "no such field": ("fun main() {\n let o = {a: 1, c: 2};\n println(o.b);\n}", [("E0104", 3)]),
    "no such key": ('fun main() {\n let o = {a: 1};\n println(o["b"]);\n}', [("E0104", 3)]),
    "no such field to write to": ("fun main() {\n let mut o = {a: 1};\n o.b = 1;\n println(o);\n}", [("E0104", 3)]),
    "a value of another type": ('fun main() {\n let mut o = {a: 1};\n o.a = "x";\n println(o);\n}', [("E0201", 3)]),
    "values of several types": ('fun main() {\n println({a: 1, b: "x"}.values());\n}', [("E0291", 2)]),
    "items of several types": ('fun main() {\n println({a: 1, b: "x"}.items());\n}', [("E0291", 2)]),
    "an unknown method": ("fun main() {\n println({a: 1}.nope(2));\n}", [("E0107", 2)]),
    "a field called": ("fun main() {\n println({a: 1}.a());\n}", [("E0107", 2)]),
    "has_key of a number": ("fun main() {\n println({a: 1}.has_key(1));\n}", [("E0204", 2)]),
    "too many arguments": ("fun main() {\n println({a: 1}.keys(1));\n}", [("E0301", 2)]),
    "objects have no order": ("fun main() {\n println({a: 1} < {a: 2});\n}", [("E0208", 2)]),
    "objects of other fields": ("fun main() {\n println({a: 1} == {b: 2});\n}", [("E0208", 2)]),
    "an array of objects of other fields": ("fun main() {\n println([{a: 1},\n {b: 2}].pop());\n}", [("E0107", 3)]),
    "an error inside is told once": ("fun main() {\n let o = {a: nope};\n println(o.a, o.b);\n}", [("E0101", 2)]),
    "a spread": ("fun main() {\n let a = {x: 1};\n let b = {...a, y: 2};\n}", [("E0709", 3)]),
}


@pytest.mark.parametrize("name", CASES)
def test_error(name):
    source, wanted = CASES[name]
    assert found(source) == wanted


def test_where_a_brace_opens_an_object():
    assert expression('{a: 1, "b c": x}') == "(ObjectLiteral [(FieldValue a 1) (FieldValue b c x)])"
    assert expression("{a, b}") == "(ObjectLiteral [(FieldValue a a) (FieldValue b b)])"
    assert expression("x = {}") == "(= x (ObjectLiteral []))"
    assert expression("f({}, {type: 1,})") == "(Call f [(ObjectLiteral []) (ObjectLiteral [(FieldValue type 1)])])"
    assert expression("{ a::b }") == "(Block [a::b])"
    assert expression("{}") == "(Block [])"
    assert statements('println("x")\n{ k: 1 }')[1] == "(ObjectLiteral [(FieldValue k 1)])"


@pytest.mark.parametrize(
    "kind",
    [
        ObjectType((), ()),
        ObjectType(("a", "b"), (I64, STRING)),
        ObjectType(
            (" x,:{}[]()%", "é"), (ArrayType(I64), TupleType((I64, ObjectType(("a",), (StructType("m", "S"),)))))
        ),
    ],
)
def test_its_name_says_all(kind):
    assert type_named(name_of(kind)) == kind


def test_as_it_is_shown():
    assert shown(ObjectType(("a", "b"), (I64, STRING))) == "{a: i64, b: String}"


def test_fields_are_computed_in_the_order_written():
    source = """
    fun tell(s) { println(s); s }
    fun main() {
        let o = {b: tell("first"), a: tell("second")};
        println(o);
        let mut n = {t: 0, deep: {u: 0}};
        n.t = n.t + 1.5;
        n.deep.u = 2.5;
        println(n, {c: if true { 1 } else { panic("x") }});
    }"""
    assert run_text(source).stdout == 'first\nsecond\n{a: "second", b: "first"}\n{deep: {u: 2.5}, t: 1.5} {c: 1}\n'


@pytest.mark.slow
def test_a_million_objects_in_bounded_memory():
    source = """
    fun changed(o) { o.name = o.name + "!"; o.in_.tags.push(o.name); o }
    fun main() {
        let mut total = 0;
        let mut last = {name: "", in_: {tags: [""]}};
        for i in 0..1000000 {
            let o = {name: "n" + i, in_: {tags: ["a" + i]}};
            let p = changed(o);
            last = p;
            if o == p { total += 1; }
            total += o.in_.tags.len() + p.in_.tags.len() + o.keys().len() + f"{o}".len() % 2;
            for k in o { total += k.len() % 2; }
        }
        println(total > 0, last);
    }"""
    ran = run_text(source, memory_limit=4 * 65536)
    assert ran.stdout == 'true {in_: {tags: ["a999999", "n999999!"]}, name: "n999999!"}\n', ran
