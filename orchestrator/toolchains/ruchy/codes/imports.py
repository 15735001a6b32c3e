"""Names of other modules."""

from __future__ import annotations

from actors.codes import Code, registry

CODES: dict[str, Code] = registry(
    Code(
        "E0507",
        "import",
        "annotation needed across modules",
        "What a `pub` function returns must follow from its own text, from that of functions of its module that it "
        "calls, and from written signatures.",
        "pub fun f() { other::g() }   // g has no `->` either",
        "pub fun f() -> i64 { other::g() }",
    ),
    Code(
        "E0513",
        "import",
        "nothing of this name inside of an item",
        "A path goes through modules, and ends at an item, or in a type at one of its methods or variants. A function "
        "or a constant has nothing inside; the fields of a struct are reached with a point, through a value.",
        "struct P { x: i64 }\nfun main() { let p = P::new(); }",
        "struct P { x: i64 }\nfun main() { let p = P { x: 1 }; println(p.x); }",
    ),
    Code(
        "E0514",
        "import",
        "uses something that is wrong in another module",
        "What another module exports cannot be used, because it is wrong itself. That module says what is wrong; this "
        "error is told only where it does not.",
        "// a.ruchy: pub fun f() -> Missing { }\na::f();",
        "// a.ruchy: pub fun f() -> i64 { 1 }\na::f();",
    ),
    Code(
        "E0515",
        "import",
        "default value that needs itself",
        "A default value is computed where it is left out. Where that calls a function, or makes a struct, whose own "
        "default comes back to it, there is no end.",
        "fun f(n: i64 = g()) -> i64 { n }\nfun g(n: i64 = f()) -> i64 { n }",
        "fun f(n: i64 = g()) -> i64 { n }\nfun g(n: i64 = 1) -> i64 { n }",
    ),
    Code(
        "E0286",
        "type",
        "function of a type called on a value",
        "A function in an `impl` without a parameter `self` belongs to the type, and is called through it: "
        "`Point::origin()`. A method has `self`, `&self` or `&mut self` as its first parameter.",
        "struct P { x: i64 }\nimpl P { fun new() -> P { P { x: 1 } } }\nfun main() { println(P { x: 2 }.new()); }",
        "struct P { x: i64 }\nimpl P { fun new() -> P { P { x: 1 } } }\nfun main() { println(P::new()); }",
    ),
    Code(
        "E0111",
        "name",
        "`self` or `Self` outside of a type",
        "`Self` is the type that an `impl` is for, and `self` a value of it. Elsewhere they mean nothing.",
        "struct P { x: i64 }\nfun twice(p: Self) -> i64 { p.x * 2 }",
        "struct P { x: i64 }\nimpl P { fun twice(&self) -> i64 { self.x * 2 } }",
    ),
    Code(
        "E0508",
        "import",
        "`impl` away from its type",
        "An `impl` stands in the module that defines its type, so that a change of the type's methods is seen there.",
        "use shapes::Circle;\nimpl Circle { fun half(&self) -> f64 { self.r / 2.0 } }",
        "use shapes::Circle;\nfun half(circle: Circle) -> f64 { circle.r / 2.0 }",
    ),
)
