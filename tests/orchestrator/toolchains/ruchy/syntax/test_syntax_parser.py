"""Trees: precedence, the newline rules, and every construct."""

# ruff: noqa: ISC004 (an expected tree may run over several lines)

from __future__ import annotations

import pytest

from orchestrator.toolchains.ruchy.syntax import tree
from orchestrator.toolchains.ruchy.syntax.lexer import KEYWORDS, OPERATORS
from orchestrator.toolchains.ruchy.syntax.parser import GRAMMAR, parse, parse_item
from orchestrator.toolchains.ruchy.syntax.parser.expressions import LEVELS, NOT_AN_OPERAND
from tests.orchestrator.toolchains.ruchy.syntax.sketch import expression, sketch, statements


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("1 + 2 * 3", "(+ 1 (* 2 3))"),
        ("1 - 2 - 3", "(- (- 1 2) 3)"),
        ("2 ** 3 ** 2", "(** (** 2 3) 2)"),
        ("-2 ** 2", "(** (- 2) 2)"),
        ("1 + 2 << 1", "(<< (+ 1 2) 1)"),
        ("6 & 3 == 1", "(& 6 (== 3 1))"),
        ("a || b && c | d ^ e & f == g < h << i + j * k ** l",
         "(|| a (&& b (| c (^ d (& e (== f (< g (<< h (+ i (* j (** k l)))))))))))"),
        ("3 < 4 == true", "(== (< 3 4) True)"),
        ("a ?? b || c", "(|| (?? a b) c)"),
        ("a |> f && b", "(&& (|> a f) b)"),
        ("1..2 == 1..2", "(RangeExpr (RangeExpr 1 (== 2 1) False) 2 False)"),
        ("..3", "(RangeExpr - 3 False)"),
        ("x[1..]", "(Index x (RangeExpr 1 - False))"),
        ("x[..=n + 1]", "(Index x (RangeExpr - (+ n 1) True))"),
        ("-x as f64 / 2.0", "(/ (- (Cast x f64)) 2.0)"),
        ("a as i64 < b", "(< (Cast a i64) b)"),
        ("!a.b", "(! (Field a b))"),
        ("&mut a + *b", "(+ (&mut a) (* b))"),
        ("a = b = c + 1", "(= a (= b (+ c 1)))"),
        ("a **= 2", "(**= a 2)"),
        ("a <<= 2", "(<<= a 2)"),
        ("a.b[0].c += d", "(+= (Field (Index (Field a b) 0) c) d)"),
        ("a ? b : c", "(If a (Block [b]) (Block [c]))"),
        ("x = a > 1 ? b : c", "(= x (If (> a 1) (Block [b]) (Block [c])))"),
        ("a? + 1", "(+ (Try a) 1)"),
        ("f(a?, b)", "(Call f [(Try a) b])"),
        ("S { a: x?, b: 1 }", "(StructLiteral ('S',) [(FieldValue a (Try x)) (FieldValue b 1)] -)"),
        ("t.0.1", "(Field (Field t 0) 1)"),
        ("a.b(1).c", "(Field (MethodCall a b [1]) c)"),
        ('"5".parse::<i32>()', "(MethodCall '5' parse::<i32> [])"),
        ("Vec::<i64>::new()", "(Call Vec::new [])"),
        ("fs[0](1)", "(Call (Index fs 0) [1])"),
    ],
)  # fmt: skip
def test_operators(source, expected):
    assert expression(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a\n(b)", ["a", "b"]),
        ("a(b)", ["(Call a [b])"]),
        ("a /*\n*/ (b)", ["a", "b"]),
        ("a\n-1", ["(- a 1)"]),
        ("a\n[b]", ["(Index a b)"]),
        ("f()\n[b]", ["(Call f [])", "(Array [b])"]),
        ('"s"\n[1]', ["'s'", "(Array [1])"]),
        ("f()[0]", ["(Index (Call f []) 0)"]),
        ("a // c\n  .b()\n  # d\n  .c()", ["(MethodCall (MethodCall a b []) c [])"]),
        ("a\n+ b\n* c", ["(+ a (* b c))"]),
        ("if a { 1 } else { 2 }\n-1", ["(If a (Block [1]) (Block [2]))", "(- 1)"]),
        ("if a { 1 } else { 2 } - 1", ["(- (If a (Block [1]) (Block [2])) 1)"]),
        ("match a { _ => b }\n.c()", ["(MethodCall (Match a [(MatchArm (WildcardPattern) - b)]) c [])"]),
        ("while a { }\n(b)", ["(While  a (Block []))", "b"]),
        ("x\n!y", ["x", "(! y)"]),
        ("let a = 1\n(b)", ["(Let a - 1 False -)", "b"]),
        ("let a = 1\n|| { a }", ["(Let a - 1 False -)", "(Lambda [] - (Block [a]))"]),
        ("let a = b\n|c| c", ["(Let a - b False -)", "(Lambda [(Parameter c - - False -)] - c)"]),
        ("a\n|b, c| b", ["a", "(Lambda [(Parameter b - - False -) (Parameter c - - False -)] - b)"]),
        ("a\n|| b\n| c\n| d", ["(|| a (| (| b c) d))"]),
        ("a |b| c", ["(| (| a b) c)"]),
        ("a; b\nc;", ["a", "b", "c"]),
    ],
)
def test_newlines(source, expected):
    assert statements(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("if x == NAME { 1 }", "(If (== x NAME) (Block [1]) -)"),
        ("if (P { a: 1 }) == p { 1 }", "(If (== (StructLiteral ('P',) [(FieldValue a 1)] -) p) (Block [1]) -)"),
        ("if f(P { a }) { }", "(If (Call f [(StructLiteral ('P',) [(FieldValue a a)] -)]) (Block []) -)"),
        ("if a { } else if let Some(x) = b { } else { }",
         "(If a (Block []) (IfLet (PathPattern ('Some',) [x] - False) b (Block []) (Block [])))"),
        ("'a: loop { break 'a 1; continue 'a }", "(Loop a (Block [(Break a 1) (Continue a)]))"),
        ("@a: while let Some(x) = p() { }", "(WhileLet a (PathPattern ('Some',) [x] - False) (Call p []) (Block []))"),
        ("for (i, x) in xs.enumerate() { }",
         "(For  (TuplePattern [i x]) (MethodCall xs enumerate []) (Block []))"),
        ("match x { 1 | -2 => a, 'a'..='z' if b => c\n n @ 1..5 => { d } _ => return }",
         "(Match x [(MatchArm (OrPattern [(LiteralPattern 1) (LiteralPattern (- 2))]) - a)"
         " (MatchArm (RangePattern 'a' 'z' True) b c)"
         " (MatchArm (NamePattern n False (RangePattern 1 5 False)) - (Block [d]))"
         " (MatchArm (WildcardPattern) - (Return -))])"),
        ("match x { [a, ..r] => 1, P { b, c: 0, .. } => 2, None => 3, E::V(_) => 4 }",
         "(Match x [(MatchArm (ListPattern [a (RestPattern r)]) - 1)"
         " (MatchArm (PathPattern ('P',) - [(FieldPattern b b) (FieldPattern c (LiteralPattern 0))] True) - 2)"
         " (MatchArm (PathPattern ('None',) - - False) - 3)"
         " (MatchArm (PathPattern ('E', 'V') [(WildcardPattern)] - False) - 4)])"),
        ("try { a } catch (e) { b } finally { c }", "(TryCatch (Block [a]) e (Block [b]) (Block [c]))"),
        ("throw a + 1", "(Throw (+ a 1))"),
        ("|x, y: i64| x", "(Lambda [(Parameter x - - False -) (Parameter y i64 - False -)] - x)"),
        ("|| 1 + 2", "(Lambda [] - (+ 1 2))"),
        ("|x| -> i64 { x }", "(Lambda [(Parameter x - - False -)] i64 (Block [x]))"),
        ("\\x -> x", "(Lambda [(Parameter x - - False -)] - x)"),
        ("x => x", "(Lambda [(Parameter x - - False -)] - x)"),
        ("(x, y) => x", "(Lambda [(Parameter x - - False -) (Parameter y - - False -)] - x)"),
        ("(x: i64) => x", "(Lambda [(Parameter x i64 - False -)] - x)"),
        ("fn(x) { x }", "(Lambda [(Parameter x - - False -)] - (Block [x]))"),
        ("[]", "(Array [])"),
        ("[0; n]", "(ArrayRepeat 0 n)"),
        ("[x * 2 for x in xs if x > 1]", "(Comprehension (* x 2) x xs (> x 1))"),
        ("(a,)", "(Tuple [a])"),
        ("()", "(Tuple [])"),
        ("(a)", "a"),
        ("P { a: 1, b, ..c }", "(StructLiteral ('P',) [(FieldValue a 1) (FieldValue b b)] c)"),
        ("vec![0; 3]", "(MacroCall vec [0 3] True)"),
        ("println!(\"{}\", a)", "(MacroCall println ['{}' a] False)"),
        ("matches!(a, None)", "(Match a [(MatchArm (PathPattern ('None',) - - False) - True)"
         " (MatchArm (WildcardPattern) - False)])"),
        ('f"a{{{x:.2}b{y}{z:?}"', "(FString [(TextPart a{) (HolePart x .2) (TextPart b) (HolePart y) (HolePart z ?)])"),
        ("b'a'", "97u8"),
        ("let (a, mut b): (i64, i64) = c", "(Let (TuplePattern [a mut b]) (TupleType [i64 i64]) c False -)"),
        ("let mut x = 1", "(Let x - 1 True -)"),
        ("var x = 1", "(Let x - 1 True -)"),
        ("let Some(x) = y else { return }",
         "(Let (PathPattern ('Some',) [x] - False) - y False (Block [(Return -)]))"),
        ("let x = 1 in x + 1", "(Block [(Let x - 1 False -) (+ x 1)])"),
        ("let f: fn(i64, [u8; 4]) -> Option<Vec<i64>> = g",
         "(Let f (FunctionType [i64 (ArrayType u8 4)] Option<Vec<i64>>) g False -)"),
        ("let type = 1", "(Let type - 1 False -)"),
        ("send(handle)", "(Call send [handle])"),
        ("a.match", "(Field a match)"),
    ],
)  # fmt: skip
def test_expressions(source, expected):
    assert expression(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("pub fun f<T: A + B>(a: i64, b: T = 1, mut c) -> T { a }",
         "(Function f True [(Parameter a i64 - False -) (Parameter b T 1 False -) (Parameter c - - True -)] T"
         " (Block [a]) [T] [] False [(TraitBound T A) (TraitBound T B)])"),
        ("struct S;", "(Struct S False [] [] False [] [])"),
        ("struct S { pub a: i64, b: T = 2 }",
         "(Struct S False [(StructField a i64 True -) (StructField b T False 2)] [] False [] [])"),
        ("struct S { a: i64\n b: T }",
         "(Struct S False [(StructField a i64 False -) (StructField b T False -)] [] False [] [])"),
        ("struct S<T>(T, pub i64);",
         "(Struct S False [(StructField 0 T False -) (StructField 1 i64 True -)] [T] True [] [])"),
        ("enum E { A, Fun(i64), C { x: T }, D = 3 }",
         "(Enum E False [(Variant A - - -) (Variant Fun [i64] - -) (Variant C - [(StructField x T False -)] -)"
         " (Variant D - - 3)] [] [])"),
        ("impl S { pub fun f(&self) { } fn g(&mut self) { } fun h(self) { } }",
         "(Impl S - ["
         "(Function f True [(Parameter self (ReferenceType Self False) - False -)] - (Block []) [] [] True [])"
         " (Function g False [(Parameter self (ReferenceType Self True) - True -)] - (Block []) [] [] True [])"
         " (Function h False [(Parameter self Self - False -)] - (Block []) [] [] True [])] [] 2 [])"),
        ("pub const X: i64 = 1;", "(Const X True i64 1)"),
        ("type A = [i64];", "(TypeAlias A False (ArrayType i64 -))"),
        ("mod m { pub fun f() { } }", "(Mod m False [(Function f True [] - (Block []) [] [] False [])])"),
        ("pub mod m;", "(Mod m True -)"),
        ("#[derive(Debug, Clone)] @a(\"b\") struct S;",
         '(Struct S False [] [] False [] [(Attribute derive [Debug Clone]) (Attribute a ["b"])])'),
        ("use crate::a::b;", "(UseItem [(UseName ('crate', 'a', 'b') b False)] False [])"),
        ("pub use a::{b, c::{d as e, *}, self};",
         "(UseItem [(UseName ('a', 'b') b False) (UseName ('a', 'c', 'd') e False) (UseName ('a', 'c')  True)"
         " (UseName ('a',) a False)] True [])"),
        ("import a.b.c", "(UseItem [(UseName ('a', 'b', 'c') c False)] False [])"),
        ('import "./a/b.ruchy"', "(UseItem [(UseName ('a', 'b') b False)] False [])"),
        ("from a import b, c as d", "(UseItem [(UseName ('a', 'b') b False) (UseName ('a', 'c') d False)] False [])"),
        ('import {a, b} from "m"', "(UseItem [(UseName ('m', 'a') a False) (UseName ('m', 'b') b False)] False [])"),
        ("export fun f() { }", "(Function f True [] - (Block []) [] [] False [])"),
    ],
)  # fmt: skip
def test_items(source, expected):
    assert expression(source) == expected


def test_positions_are_token_ordinals():
    module = parse("a.b(c) + d[1]\n#[x] pub fun f() { }").module
    assert module is not None
    total, function = module.body
    assert isinstance(total, tree.ExprStmt) and isinstance(total.value, tree.Binary)
    assert isinstance(function, tree.Function)
    call, index = total.value.left, total.value.right
    assert (total.value.at, call.at, index.at) == (6, 2, 8)
    assert (function.start, function.at, function.body.at, function.body.end, function.stop) == (11, 16, 19, 20, 21)


@pytest.mark.slow
def test_long_chains_need_no_recursion():
    assert parse("1" + " + 1" * 5000).module is not None
    assert parse("a" + ".b()" * 5000).module is not None
    assert parse("x" + " = x" * 5000).module is not None
    assert parse("if a { } " + "else if b { } " * 5000).module is not None


@pytest.mark.parametrize(
    ("opening", "closing"),
    [("(", ")"), ("[", "]"), ("{", "}"), ("f(", ")"), ("if a { ", "}"), ("if (", ") { }"), ("match x { _ => ", "}"),
     ("|x| ", ""), ("a && b + c * ( ", ")"), ("while a { b + { ", "} }"), ("fun f() { ", "}"), ("S { a: ", "}")],
)  # fmt: skip
def test_nesting_has_a_limit_and_stays_far_from_that_of_the_stack(opening, closing):
    def deeper(frames: int, source: str):
        return parse(source) if frames == 0 else deeper(frames - 1, source)

    assert deeper(150, opening * 42 + "1" + closing * 42).module is not None
    found = deeper(50, opening * 200 + "1" + closing * 200).diagnostics
    assert found[0].code == "E0803"
    assert len(found) == 1
    assert parse(opening * 3000).diagnostics[0].code == "E0803"


@pytest.mark.parametrize(("opening", "closing"), [("(", ")"), ("[", "]"), ("{", "}"), ("f(", ")"), ("if a { ", "}")])
def test_the_limit_is_128_brackets(opening, closing):
    assert parse(opening * 128 + "1" + closing * 128).module is not None
    assert [found.code for found in parse(opening * 129 + "1" + closing * 129).diagnostics] == ["E0803"]


def test_headers_are_read_back():
    parsed = parse_item("pub fun f ( a : i64 , b : P = d ( ) ) -> Q")
    assert parsed.module is not None
    (function,) = parsed.module.body
    assert isinstance(function, tree.Function)
    assert (function.body.end, sketch(function.result)) == (0, "Q")
    parsed = parse_item("struct S { a : i64 }\nimpl S { fun f ( & self ) -> i64\npub fun g ( ) -> S }")
    assert parsed.module is not None
    impl = parsed.module.body[1]
    assert isinstance(impl, tree.Impl)
    assert [(method.name, method.body.end) for method in impl.methods] == [("f", 0), ("g", 0)]
    assert parse("fun f() -> i64").module is None


def test_a_token_that_begins_an_operand_is_never_one_that_cannot():
    begins = set(GRAMMAR.operands)
    assert not begins & NOT_AN_OPERAND
    assert begins & set(LEVELS) == {"|", "||"}  # these begin lambdas too
    assert begins - KEYWORDS - set(OPERATORS) == {
        "name", "int", "float", "string", "char", "byte", "fstring", "fopen", "lifetime",
    }  # fmt: skip


def test_a_token_that_follows_an_operand_is_no_binary_operator():
    assert not set(GRAMMAR.suffixes) & set(LEVELS)
    assert set(GRAMMAR.suffixes) <= KEYWORDS | set(OPERATORS)
