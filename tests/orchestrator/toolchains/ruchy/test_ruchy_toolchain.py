"""The toolchain's jobs end to end: text, object, program, exports."""

from __future__ import annotations

import os
import subprocess
import sys

import msgspec
import pytest
import wasmtime

from actors.compiler.toolchain import CompileJob, LinkInput, LinkJob
from actors.diagnostics import SourceError
from orchestrator.toolchains.ruchy import link as linking
from orchestrator.toolchains.ruchy.assemble import Exports
from orchestrator.toolchains.ruchy.check.checker import check
from orchestrator.toolchains.ruchy.identity import FORMAT, identity
from orchestrator.toolchains.ruchy.lower import lower
from orchestrator.toolchains.ruchy.runtime import runtime_objects, runtime_objects_for
from orchestrator.toolchains.ruchy.syntax.parser import parse
from orchestrator.wasm.fragment import Fragment
from orchestrator.wasm.reader import custom_section
from tests.helpers.programs import RUCHY, build, compile_text, run, run_text

HELLO = 'fun main() { println("Hello, world!") }'


def compiled(source: str, module: str = "main"):
    return RUCHY.compile(CompileJob(module=module, path=f"{module}.ruchy", source=source.encode())).object


def fragments(source: str):
    checked = check(CompileJob(module="main", path="main.ruchy", source=source.encode()), parse(source))
    assert checked.module is not None, checked.errors
    return lower(checked.module)


# ---------------------------------------------------------------- text


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        (b"a\nb\n", b"a\nb\n"),
        (b"\xef\xbb\xbfa\r\nb\rc\n\r", b"a\nb\nc\n\n"),
        ("é\r\n".encode(), "é\n".encode()),
        (b"a\xef\xbb\xbf", b"a\xef\xbb\xbf"),
        (b"", b""),
    ],
)
def test_normalise(raw, wanted):
    assert RUCHY.normalise(raw) == wanted
    assert RUCHY.normalise(wanted) == wanted


@pytest.mark.parametrize(
    ("raw", "line", "column"),
    [(b"\xff", 1, 1), (b"a\r\n  \xc3\xa9\xc3 x\nb", 2, 4), (b"\n\n// \xe2\x82", 3, 4), (b"\xed\xa0\x80", 1, 1)],
)
def test_what_is_no_utf8_is_named_by_its_place(raw, line, column):
    with pytest.raises(SourceError) as caught:
        RUCHY.normalise(raw)
    (found,) = caught.value.found
    assert (found.code, found.at, found.offset) == ("E0801", line, column - 1)


def test_16_mib_are_the_limit():
    assert len(RUCHY.normalise(bytes(16 << 20))) == 16 << 20
    with pytest.raises(SourceError) as caught:
        RUCHY.normalise(bytes((16 << 20) + 1))
    assert [found.code for found in caught.value.found] == ["E0802"]


def test_the_identity_is_one_in_every_process_and_names_the_format():
    assert RUCHY.identity() == identity(FORMAT) != identity(FORMAT + 1)
    program = "from orchestrator.toolchains.ruchy import Ruchy; print(Ruchy().identity())"
    other = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONHASHSEED": "77"},
    )
    assert other.stdout.strip() == RUCHY.identity()


def test_importing_the_class_imports_none_of_the_compiler():
    program = (
        "import sys; before = set(sys.modules); import orchestrator.toolchains.ruchy as found; "
        "print(sorted(name for name in set(sys.modules) - before if 'ruchy.' in name or name == 'msgspec'))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


# ---------------------------------------------------------------- objects


def test_functions_are_listed_in_source_order():
    source = "fun b() {}\nmod m { pub fun f() { g() } fun g() {} }\nfun a() { m::f() }\na();\nb();"
    found = compiled(source)
    assert found.functions == ("b", "m::f", "m::g", "a", "<top>")
    assert found.compiled == found.functions


def test_equal_sources_give_equal_objects():
    source = 'struct P { x: i64, t: String }\nfun f(p: P) -> String { f"{p.x / p.x} {p.t}" }\nfun main() { println(1) }'
    assert compiled(source).data == compiled(source).data


def test_comments_and_blank_lines_change_no_fragment():
    before = "fun f(a: i64, b: i64) -> i64 { a / b }\nfun main() { println(f(1, 2) % 3) }"
    after = "// first\n\n/* more\n */ fun f(a: i64,\n b: i64) -> i64 {\n // x\n a / b }\n" + before.split("\n")[1]
    assert fragments(before) == fragments(after)
    assert compiled(before).data != compiled(after).data


def test_another_function_in_front_changes_no_fragment():
    alone = 'fun f(a: i64, b: i64) -> String { f"{a / b}" }'
    assert fragments("fun g(x: i64) -> i64 { x * 2 - 1 }\n" + alone)[1:] == fragments(alone)


def test_fragments_encode_and_decode():
    for found in fragments('struct P { t: String }\nfun f(a: i64) -> P { P { t: f"{10 / a}" } }'):
        assert msgspec.msgpack.decode(msgspec.msgpack.encode(found), type=Fragment) == found


def test_an_object_says_what_it_would_export():
    found = compiled(
        'pub fun f(a: i32, b: f64) -> bool { true }\nfun g() {}\npub fun s() -> String { "" }\nfun main() {}'
    )
    offered = msgspec.msgpack.decode(custom_section(found.data, "wasmill.exports"), type=Exports)
    assert [(one.name, one.symbol, one.type, one.native) for one in offered.functions] == [
        ("f", "main::f", b"\x60\x02\x7f\x7c\x01\x7f", True),
        ("s", "main::s", b"\x60\x00\x01\x7f", False),
    ]
    assert (offered.has_top, offered.calls_main, offered.main_type) == (False, False, b"\x60\x00\x00")


def test_an_error_gives_diagnostics_and_no_object():
    found = RUCHY.compile(CompileJob(module="main", path="main.ruchy", source=b"fun main() { y }"))
    assert found.object is None
    assert [one.line for one in found.diagnostics] == [1]


# ---------------------------------------------------------------- programs


def test_hello_world_is_small():
    program = compile_text(HELLO)
    assert run(program).stdout == "Hello, world!\n"
    assert len(program) < 2000


def test_a_library_has_no_start():
    built = build({"main.ruchy": "pub fun twice(n: i64) -> i64 { n * 2 }\nfun hidden() {}"})
    module = wasmtime.Module(wasmtime.Engine(), built.program)
    assert sorted(export.name for export in module.exports) == ["memory", "twice"]
    assert built.exports == ("twice",)


def test_exports_can_be_called_by_a_host():
    source = "pub fun add(a: i32, b: i32) -> i32 { a + b }\npub fun half(x: f64) -> f64 { x / 2.0 }\nfun main() {}"
    engine = wasmtime.Engine()
    store = wasmtime.Store(engine)
    module = wasmtime.Module(engine, compile_text(source))
    assert [found.name for found in module.imports] == ["fd_write"]
    linker = wasmtime.Linker(engine)
    linker.define_wasi()
    store.set_wasi(wasmtime.WasiConfig())
    exports = linker.instantiate(store, module).exports(store)
    assert exports["add"](store, 40, 2) == 42
    assert exports["half"](store, 5.0) == 2.5


def test_what_a_host_cannot_pass_is_not_exported_and_said():
    built = build({"main.ruchy": "pub fun greet(name: String) -> String { name }\npub fun n() -> i64 { 1 }"})
    assert built.exports == ("n",)
    assert [(found.code, found.severity) for found in built.diagnostics] == [("W0006", "note")]
    assert "`greet`" in built.diagnostics[0].message


@pytest.mark.parametrize("name", ["memory", "_start"])
def test_reserved_names_cannot_be_exported(name):
    built = build({"main.ruchy": f"pub fun {name}() -> i64 {{ 1 }}\nfun main() {{}}"})
    assert built.program is None
    assert [found.code for found in built.errors()] == ["E0812"]
    assert run_text(f"fun {name}() -> i64 {{ 7 }}\nfun main() {{ println({name}()) }}").stdout == "7\n"


def test_functions_of_other_modules_and_of_inline_modules_are_not_exported():
    built = build(
        {
            "main.ruchy": "use other::f;\nmod m { pub fun g() -> i64 { 1 } }\nfun main() { println(f() + m::g()) }",
            "other.ruchy": "pub fun f() -> i64 { 2 }",
        }
    )
    assert built.exports == ()
    assert run(built.program).stdout == "3\n"


def test_the_top_level_runs_first_and_main_once():
    assert run_text('println("top");\nfun main() -> i64 { println("main"); 5 }').stdout == "top\nmain\n"
    assert run_text('println("top");\nmain();\nfun main() { println("main") }').stdout == "top\nmain\n"


def test_a_text_as_the_result_of_main_is_ignored():
    assert run_text('fun main() -> String { println("x"); f"{1 + 1}" }').stdout == "x\n"


def test_a_trap_names_the_line_of_the_file_as_it_is_now():
    source = "// one\n\nfun f(a: i64) -> i64 {\n    1 +\n    10 / a\n}\nfun main() { f(0); }"
    ran = run_text(source, "dir_is_none.ruchy")
    assert (ran.code, ran.stdout, ran.stderr) == (134, "", "error: dir_is_none.ruchy:5: division by zero\n")


def test_a_damaged_object_is_an_error_of_the_link():
    data = compiled(HELLO).data
    for broken in (data[:-5], b"", data[:8]):
        job = LinkJob(entry="main", objects=(LinkInput(module="main", path="main.ruchy", data=broken),))
        linked = RUCHY.link(job)
        assert linked.program is None
        assert [found.code for found in linked.findings] == ["E0903"]


def test_only_what_is_used_of_the_runtime_is_linked():
    small, large = compile_text(HELLO), compile_text("fun main() { println(0.1) }")
    assert b"f64_to_str" not in small
    assert b"f64_to_str" in large


def test_leaving_out_parts_of_the_runtime_changes_no_program(monkeypatch):
    # Each uses the runtime, because a program's `target_features` are those of all objects that it is linked with.
    sources = [HELLO, 'fun main() { println(0.1, "a".to_upper(), 2 ** 3, f"{1.5:.2}") }']

    def programs() -> list[bytes | None]:
        inputs = [LinkInput(module="main", path="main.ruchy", data=compiled(source).data) for source in sources]
        jobs = [LinkJob(entry="main", objects=(one,), options={"profile": "release"}) for one in inputs]
        return [RUCHY.link(job).program for job in jobs]

    some = programs()
    monkeypatch.setattr(linking, "runtime_objects_for", lambda objects: runtime_objects())
    assert programs() == some
    assert None not in some


def test_only_the_needed_parts_of_the_runtime_are_assembled():
    assert runtime_objects_for([b"..rt::nonsense", b""]) == ()
    assert ("rt/format_float" in dict(runtime_objects_for([compiled(HELLO).data]))) is False
    assert set(runtime_objects_for([b"rt::f64_to_str\x05"])) < set(runtime_objects())


def test_a_struct_used_in_two_modules_has_one_set_of_helpers():
    shapes = 'pub struct P { pub x: i64, pub t: String }\npub fun make() -> P { P { x: 1, t: f"{2}" } }'
    main = "use shapes::make;\nfun main() { let mut p = make(); let q = p; p.x = 5; println(p.x, q.x, p.t == q.t) }"
    built = build({"main.ruchy": main, "shapes.ruchy": shapes})
    assert run(built.program).stdout == "5 1 true\n"
    assert built.program.count(b"P.{unshare}") <= 1
