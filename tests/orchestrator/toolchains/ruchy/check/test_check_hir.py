"""What small functions become, node by node."""

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.types import F64, I32, I64, NEVER, STRING, UNIT, StructType
from tests.orchestrator.toolchains.ruchy.check.checking import body, function, good


def test_arithmetic():
    module = good("fun f(a: i64, b: i64) -> i64 { a + b * 2 }")
    assert module.functions == [
        hir.FunctionBody(
            symbol="main::f",
            public=False,
            parameters=[I64, I64],
            result=I64,
            locals=[I64, I64],
            body=hir.Arithmetic(
                I64,
                15,
                "+",
                hir.Local(I64, 14, 0),
                hir.Arithmetic(I64, 17, "*", hir.Local(I64, 16, 1), hir.Int(I64, 18, 2)),
            ),
            start=0,
            at=1,
        )
    ]
    assert (module.signatures, module.structs, module.calls_main) == ({}, {}, False)


def test_literals_take_the_type_of_their_context():
    assert body("fun f() -> u8 { 255 }") == hir.Int(I64.__class__("u8", 8, False), 7, 255)
    assert body("fun f() -> f32 { 0.5 }").type.name == "f32"
    assert body("fun f(a: i32) -> i32 { -1 + a }") == hir.Arithmetic(
        I32, 12, "+", hir.Int(I32, 10, -1), hir.Local(I32, 13, 0)
    )


def test_a_block_has_the_value_of_its_last_expression_even_behind_a_semicolon():
    assert body("fun f() -> i64 { 5; }") == hir.Int(I64, 7, 5)
    assert body("fun f() -> i64 { let x = 1; }") == hir.Block(
        I64, 6, [hir.Let(0, hir.Int(I64, 10, 1))], hir.Local(I64, 7, 0)
    )


def test_compound_assignment_to_a_field():
    source = "struct P { a: i64, b: i32 } fun f(p: P) -> P { let mut q = p; q.b += 1; q }"
    kind = StructType("main", "P")
    made = body(source)
    store = made.statements[1]
    assert (store.slot, store.path) == (1, [1])
    place = hir.GetField(I32, 0, hir.Local(kind, 0, 1), 1)
    assert (store.value.op, store.value.type, store.value.left.index) == ("+", I32, place.index)
    assert store.value.right == hir.Int(I32, store.value.right.at, 1)


def test_printing_is_one_text():
    made = body('fun f(n: i64) { println("a", 1, true, n, "b") }')
    assert made == hir.Print(
        UNIT,
        8,
        1,
        [hir.Str(STRING, 10, "a 1 true "), hir.ToText(STRING, 16, hir.Local(I64, 16, 0)), hir.Str(STRING, 8, " b\n")],
    )


def test_a_known_template_is_taken_apart():
    made = body('fun f(x: f64) { println("{:.2} of {}, {}", x, "y") }')
    texts = [part.value if isinstance(part, hir.Str) else part for part in made.parts]
    assert texts == [hir.ToText(STRING, made.parts[0].at, made.parts[0].operand, precision=2), " of y, {}\n"]


def test_a_template_that_is_not_known_is_looked_at_when_it_runs():
    made = body('fun f(t: String) { println(t, 1, "a", true) }')
    assert isinstance(made, hir.Print)
    template, kinds, *arguments = made.parts[0].arguments
    assert (made.parts[0].name, template, kinds) == ("format", hir.Local(STRING, 10, 0), hir.Int(I64, 8, 0b1001))
    assert [part.value for part in (*arguments, made.parts[1])] == ["1", "a", "true", "\n"]


def test_joining_is_flat():
    made = body('fun f(a: i64) -> String { "x" + a + "y" + "z" + a }')
    assert [type(part) for part in made.parts] == [hir.Str, hir.ToText, hir.Str, hir.ToText]
    assert made.parts[2].value == "yz"


def test_a_struct_is_shown_field_by_field():
    made = body('struct P { y: String, x: i64 } fun f(p: P) -> String { f"{p}" }')
    assert [part.value for part in made.parts if isinstance(part, hir.Str)] == ["P {x: ", ', y: "', '"}']
    assert [part.type for part in made.parts] == [STRING] * 5
    once = body('struct P { x: i64 } fun g() -> P { P { x: 1 } } fun f() -> String { f"{g()}" }')
    assert isinstance(once, hir.Block)
    assert [type(one) for one in once.statements] == [hir.Let]


def test_loops():
    made = body("fun f(n: i32) { for i in 0..=n { } }")
    assert made == hir.ForRange(UNIT, 8, 0, 1, hir.Int(I32, 11, 0), hir.Local(I32, 13, 0), True, hir.Unit(UNIT, 14))
    endless = body("fun f() -> i64 { loop { break 7 } }")
    assert (endless.type, endless.body) == (I64, hir.Break(NEVER, 9, 0, hir.Int(I64, 10, 7)))
    never = body("fun f() -> i64 { while true { return 1; } }")
    assert isinstance(never, hir.Loop)
    assert never.type == NEVER


def test_a_loop_variable_that_is_assigned_is_a_copy():
    made = body("fun f() { for i in 0..3 { i += 1; } }")
    assert made.slot == 1
    assert made.body.statements == [hir.Let(0, hir.Local(I64, made.at, 1))]


def test_constants_are_folded_and_others_computed_at_their_use():
    made = body("const A: i64 = 2 * B; const B: i64 = 21; fun f() -> i64 { A }")
    assert made == hir.Int(I64, 23, 42)
    made = body("fun k() -> i64 { 1 } const A: i64 = k(); fun f() -> i64 { A }")
    assert made == hir.Call(I64, made.at, "main::k", [])
    assert function(good('const S = "a" + 1; fun f() -> String { S }'), "f").body.value == "a1"


def test_defaults_are_filled_in_at_the_place_of_the_call():
    module = good("fun g(a: i64, b: i64 = 2 + 3) -> i64 { a } fun f() -> i64 { g(1) }")
    made = function(module, "f").body
    assert [argument.type for argument in made.arguments] == [I64, I64]
    assert (made.arguments[1].at, made.arguments[1].left.at) == (made.at, made.at)


def test_struct_literals_keep_the_order_written():
    source = "struct P { a: i64, b: i64 } fun f(p: P) -> P { P { b: 1, a: 2 } } fun g(p: P) -> P { P { a: 1, ..p } }"
    module = good(source)
    made = function(module, "f").body
    assert ([value.value for value in made.fields], made.order) == ([2, 1], [1, 0])
    update = function(module, "g").body
    assert (update.base.slot, [(index, value.value) for index, value in update.fields]) == (0, [(0, 1)])
    assert module.structs[StructType("main", "P")] == hir.StructLayout(StructType("main", "P"), ["a", "b"], [I64, I64])


def test_the_top_level_is_a_function_and_knows_whether_it_calls_main():
    module = good("let x = 1; fun main() { } main(); println(x);")
    assert [one.symbol for one in module.functions] == ["main::main", "main::<top>"]
    assert module.calls_main
    assert not good("fun main() { } println(1);").calls_main


def test_nested_items_have_names_of_their_own():
    module = good("fun a() { fun h() -> i64 { 1 } println(h()) } fun b() { fun h() -> i64 { 2 } println(h()) }")
    assert [one.symbol for one in module.functions] == ["main::a", "main::a.h", "main::b", "main::b.h"]


def test_casts():
    assert body("fun f() -> u8 { 200 as u8 }") == hir.Int(body("fun f() -> u8 { 1 }").type, 7, 200)
    made = body("fun f() -> u8 { 256 as u8 }")
    assert isinstance(made, hir.Cast), "a literal that does not fit traps like any value"
    assert body("fun f(a: i64) -> i64 { a as i64 }") == hir.Local(I64, 10, 0)
    assert body("fun f(a: i64) -> f64 { a as f64 }") == hir.Cast(F64, 11, hir.Local(I64, 10, 0))
