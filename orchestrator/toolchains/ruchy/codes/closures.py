"""Functions as values."""

from __future__ import annotations

from actors.codes import Code, registry

CODES: dict[str, Code] = registry(
    Code(
        "E0297",
        "type",
        "function that could hold itself",
        "A variable that a function as a value uses, and that is written to, is shared by all who use it. If it can "
        "hold functions, one of these could hold the variable that it stands in. Nothing would ever free the two.",
        "fun main() { let mut f = |n: i64| n; f = |n: i64| if n > 0 { f(n - 1) } else { n }; println(f(3)); }",
        "fun down(n: i64) -> i64 { if n > 0 { down(n - 1) } else { n } } fun main() { let f = down; println(f(3)); }",
    ),
    Code(
        "E0298",
        "type",
        "function that keeps what is lent",
        "A parameter `&mut T`, and what a name stands for by `&mut`, are lent until the call ends. A function as a "
        "value may live longer, so it cannot use them.",
        "fun f(n: &mut i64) { let g = |x: i64| x + n; println(g(1)); }",
        "fun f(n: &mut i64) { let m = n; let g = |x: i64| x + m; println(g(1)); }",
    ),
)
