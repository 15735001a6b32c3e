"""The diagnostic codes of C and C++. Those of the engine (`actors.codes`) are reported here too.

| range | kind |
|---|---|
| E1001-E1099 | type, project, internal |
| W1001-W1099 | warning |
"""

from __future__ import annotations

from actors.codes import Code, registry

CODES: dict[str, Code] = registry(
    Code(
        "E1001",
        "type",
        "the C compiler reports an error",
        "The message is the compiler's own. What it notes beside the error stands in the hint.",
        "int half(int x) { return x / 2 }",
        "int half(int x) { return x / 2; }",
    ),
    Code(
        "E1002",
        "project",
        "no C compiler",
        "Neither zig nor clang with the C library of WASI is there. `pip install 'wasmill[c]'` brings zig; Debian has "
        "clang, lld and wasi-libc.",
        "a folder with `main.c`, on a machine without a compiler",
        "pip install 'wasmill[c]'",
    ),
    Code(
        "E1003",
        "internal",
        "a compiler or linker broke",
        "The program crashed, took longer than `timeout`, needed more than `worker_memory`, wrote without end, or left "
        "something that is no whole object. Nothing of it is kept, so the next build tries again.",
        "a source on which the compiler crashes",
        "the same source with another version of the compiler",
    ),
    Code(
        "E1004",
        "name",
        "undefined symbol",
        "A function or variable is declared and used, and nothing that is linked defines it. All C files of the "
        "project are linked, and the C library.",
        "int twice(int);\nint main(void) { return twice(1); }",
        "int twice(int x) { return 2 * x; }\nint main(void) { return twice(1); }",
    ),
    Code(
        "E1005",
        "duplicate",
        "symbol defined twice",
        "Two files define one function or variable. All C files of the project are one program: files that are no "
        "part of it, such as test programs with a `main` of their own, belong under `exclude` in wasmill.toml.",
        "// a.c: int size = 1;\n// b.c: int size = 2;",
        "// a.c: int size = 1;\n// b.c: extern int size;",
    ),
    Code(
        "E1006",
        "type",
        "function of C that Ruchy cannot call",
        "Ruchy calls functions of C whose parameters and result are numbers, with the types that C or `<stdint.h>` "
        "has. Pointers, structs, arrays, and types of a header of your own are refused; so is a function whose types "
        "are others than its text says, because a macro or a type of the project has the name of a type of C.",
        "// fast.c: int size(const char *text) { .. }\nuse fast::size; fun main() { println(size(1)) }",
        "// fast.c: int size(int count) { .. }\nuse fast::size; fun main() { println(size(1)) }",
    ),
    Code(
        "W1001",
        "warning",
        "the C compiler warns",
        "The message is the compiler's own. `flags` under [toolchain.c] turn warnings on and off.",
        "int f(int x) { if (x = 1) return 2; return 3; }",
        "int f(int x) { if (x == 1) return 2; return 3; }",
    ),
    Code(
        "W1002",
        "warning",
        "linked by another linker",
        "Wasmill's own linker takes what C and C++ compilers make by default. What it does not take (thread-local "
        "data, exceptions, a call of a function with other types than it has) is linked by the compiler's `wasm-ld`, "
        "which links everything again after each edit.",
        "int f(int);\nint main(void) { return f(1); }\n// other.c: int f(double x) { return x; }",
        "int f(double);\nint main(void) { return f(1); }\n// other.c: int f(double x) { return x; }",
    ),
)
