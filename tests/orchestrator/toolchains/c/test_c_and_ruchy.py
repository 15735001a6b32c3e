"""Ruchy that calls functions of C: one program, and an edit compiles what it reaches."""

from __future__ import annotations

from pathlib import Path

import pytest

import orchestrator
from orchestrator.toolchains.c.proof import assertions, refuted_in
from orchestrator.toolchains.c.summary import functions
from tests.helpers.zig import compiled
from tests.orchestrator.toolchains.c.test_c_builds import write

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

EXAMPLE = Path(__file__).parents[4] / "docs" / "examples" / "mixed"

FILES = {
    "main.ruchy": """use fast::{square, half};
use words::shout;

fun main() {
    let n: i32 = 7;
    let chosen = square;
    println!("{} {} {}", chosen(n), half(3.0), fast::wide(1 as u8, true));
    shout("a")
}
""",
    "words.ruchy": "pub fun shout(text: &str) { println(text.to_uppercase()) }\n",
    "fast.c": """#include <stdint.h>
#include <stdbool.h>
#include <stdlib.h>
#include "scale.h"
int square(int x) { return x * x * SCALE; }
double half(double fun) { char *kept = malloc(100); free(kept); return fun / 2; }
uint64_t wide(uint8_t a, bool b) { return ((uint64_t)a << 40) + b; }
""",
    "scale.h": "#define SCALE 1\n",
}


async def built(folder: Path, **settings: str) -> tuple[list[str], list[str], bytes]:
    """What a new process compiles, the errors with their places, and the program."""
    async with orchestrator.open(folder, **settings) as opened:  # type: ignore[arg-type]
        result = await opened.build()
        errors = [f"{one.code} {one.file}:{one.line}" for one in result.diagnostics if one.severity == "error"]
        return result.recompiled, errors, result.program.read_bytes() if result.program is not None else b""


async def same_as_clean(folder: Path, other: Path, **settings: str) -> bool:
    write(other, {name: (folder / name).read_text() for name in FILES})
    return (await built(folder, **settings))[2] == (await built(other, **settings))[2]


async def test_an_edit_of_c_compiles_no_ruchy_unless_a_signature_changed(tmp_path: Path) -> None:
    app = write(tmp_path / "app", FILES)
    async with orchestrator.open(app, invalidation="precise") as opened:
        ran = await opened.run()
        assert (ran.stdout, ran.exit_code) == (b"49 1.5 1099511627777\nA\n", 0)
    write(app, {"fast.c": FILES["fast.c"].replace("x * x", "(x + x)")})
    assert (await built(app, invalidation="precise"))[:2] == (["fast"], [])
    write(app, {"scale.h": "#define SCALE 10\n"})
    assert (await built(app, invalidation="precise"))[:2] == (["fast"], [])
    assert await same_as_clean(app, tmp_path / "clean", invalidation="precise")
    async with orchestrator.open(app, profile="release") as opened:
        assert (await opened.run()).stdout == b"140 1.5 1099511627777\nA\n"
    write(app, {"fast.c": FILES["fast.c"].replace("int square(int x)", "int64_t square(bool x)")})
    recompiled, errors, _ = await built(app, invalidation="precise")
    assert (sorted(recompiled), errors) == (["fast"], ["E0204 main.ruchy:7"])
    write(app, {"main.ruchy": FILES["main.ruchy"].replace("chosen(n)", "square(true)")})
    assert (await built(app, invalidation="precise"))[1] == []
    assert await same_as_clean(app, tmp_path / "again", invalidation="precise")


async def test_the_example_has_three_languages(tmp_path: Path) -> None:
    files = {path.name: path.read_text() for path in EXAMPLE.iterdir()}
    app = write(tmp_path / "app", files)
    async with orchestrator.open(app) as opened:
        assert (await opened.run()).stdout.decode().splitlines() == [
            "4 primes below 10, the largest is 7",
            "168 primes below 1000, the largest is 997",
            "9592 primes below 100000, the largest is 99991",
        ]
    write(app, {"primes.h": files["primes.h"].replace("SMALLEST 2", "SMALLEST 3")})
    assert (await built(app))[0] == ["primes"]


async def test_what_is_no_number_is_refused_at_the_call(tmp_path: Path) -> None:
    c = """struct point { int x; };
const char *name(void) { return "x"; }
int of(struct point p) { return p.x; }
int first(int list[]) { return list[0]; }
static int own(int a) { return a; }
int many(int a, ...) { return own(a); }
#if 1
int either(int a) { return a; }
#else
int either(double a) { return a; }
#endif
int fine(void) { return 1; }
"""
    names = ["name", "of", "first", "own", "many", "either"]
    calls = "\n".join([f"    fast::{name}(1);" for name in names])
    app = write(tmp_path / "app", {"fast.c": c, "main.ruchy": f"fun main() {{\n{calls}\n    fast::fine();\n}}\n"})
    assert (await built(app))[1] == [f"E1006 main.ruchy:{line}" for line in range(2, 8)]


async def test_a_program_of_ruchy_has_no_main_of_c(tmp_path: Path) -> None:
    main = "use fast::one;\nfun main() { println(one()) }\n"
    app = write(tmp_path / "app", {"main.ruchy": main, "fast.c": "int one(void) { return 1; }\n"})
    assert (await built(app))[1] == []
    for header in ("int main(void)", "int main(int count, char **texts)"):
        write(app, {"other.c": f"{header} {{ return 0; }}\n"})
        assert [one[:5] for one in (await built(app))[1]] == ["E1005"]


async def test_types_that_the_text_only_seems_to_have_are_refused_where_they_are_called(tmp_path: Path) -> None:
    c = "typedef int bool;\nint is(bool x) { return x; }\nint twice(int x) { return x * 2; }\n"
    main = "fun main() { println(fast::twice(4)) }\n"
    app = write(tmp_path / "app", {"fast.c": c, "main.ruchy": main})
    async with orchestrator.open(app) as opened:
        assert (await opened.run()).stdout == b"8\n", "a function that nobody calls hinders nobody"
    write(app, {"main.ruchy": "fun main() { println(fast::is(true)) }\n"})
    for _ in range(2):
        assert [one[:5] for one in (await built(app))[1]] == ["E1006"]
    write(app, {"fast.c": c.replace("typedef int bool;", "#include <stdbool.h>")})
    async with orchestrator.open(app) as opened:
        assert (await opened.run()).stdout == b"1\n"


def test_the_proof_leaves_nothing_in_an_object() -> None:
    text = """#include <stddef.h>
unsigned square(unsigned x) { return x * x; }
void nothing(float a, size_t b, const char c) { (void)a; (void)b; (void)c; }
"""
    found = functions(text.encode())
    assert [(one.name, one.types) for one in found] == [
        ("square", ("unsigned int", "unsigned int")),
        ("nothing", ("void", "float", "unsigned long", "char")),
    ]
    proof = assertions(found).decode()
    for flags in (["-g"], ["-std=c89", "-Weverything", "-Werror", "-pedantic-errors", "-Wno-unsafe-buffer-usage"]):
        flags += ["-Wno-missing-prototypes"]
        assert compiled(text + proof, *flags) == compiled(text, *flags)
        assert not refuted_in(compiled(text, *flags))
