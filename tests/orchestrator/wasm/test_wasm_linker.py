"""The linker's rules, on programs that run."""

from __future__ import annotations

import pytest
import wasmtime

from orchestrator.wasm.cursor import custom_section
from orchestrator.wasm.fragment import (
    DATA,
    EXPORTED,
    FUNCTION,
    FUNCTION_INDEX_LEB,
    GLOBAL,
    GLOBAL_INDEX_LEB,
    HIDDEN,
    LOCAL,
    MEMORY_ADDR_I32,
    NO_STRIP,
    TABLE_INDEX_I32,
    TYPE_INDEX_LEB,
    WEAK,
    Data,
    FunctionCode,
    Reference,
    Relocation,
    WasmGlobal,
)
from orchestrator.wasm.linker import LinkError, link, link_parsed
from orchestrator.wasm.reader import read_object
from orchestrator.wasm.validate import validate
from tests.orchestrator.wasm.helpers import (
    NULLARY,
    PROCEDURE,
    STACK_POINTER,
    UNARY,
    address,
    call,
    constant,
    function,
    load,
    program,
    sections,
    slot,
)
from tests.orchestrator.wasm.referee import encode_object


def obj(*units: FunctionCode | Data | WasmGlobal, **more) -> bytes:
    code = [unit for unit in units if isinstance(unit, FunctionCode)]
    data = [unit for unit in units if isinstance(unit, Data)]
    return encode_object(code, data, [unit for unit in units if isinstance(unit, WasmGlobal)], **more)


class LinkedProgram:
    """A linked program that runs without a host."""

    def __init__(self, *objects: bytes, exports: tuple[str, ...] = ("main",), **more) -> None:
        named = [(f"{chr(97 + i)}.o", data) for i, data in enumerate(objects)]
        self.bytes = link(named, entry=None, exports={name: name for name in exports}, **more)
        assert validate(self.bytes) is None
        engine = wasmtime.Engine()
        self.store = wasmtime.Store(engine)
        self.exports = wasmtime.Instance(self.store, wasmtime.Module(engine, self.bytes), []).exports(self.store)

    def call(self, name: str = "main", *args: int) -> int:
        return self.exports[name](self.store, *args)

    @property
    def functions(self) -> int:
        return sections(self.bytes)[3][0]


MAIN = function("main", NULLARY, b"\x10", call("f"))


def errors(*objects: bytes, **more) -> str:
    with pytest.raises(LinkError) as caught:
        LinkedProgram(*objects, **more)
    return str(caught.value)


def test_functions_and_data_of_several_objects():
    main = function("main", NULLARY, b"\x41\x05\x10", call("add", UNARY), b"\x41\0\x28\2", load("number"), b"\x6a")
    add = function("add", UNARY, b"\x20\0\x41\0\x2d\0", load("text", 1), b"\x6a")
    number = Data("number", ".data", b"\x40\0\0\0", 2, flags=HIDDEN)
    found = LinkedProgram(obj(main), obj(add, Data("text", ".rodata", b"\x01\x02\x03")), obj(number))
    assert found.call() == 5 + 2 + 64


def test_strong_beats_weak_and_the_first_weak_one_wins():
    weak = [obj(constant("f", n, flags=WEAK | HIDDEN)) for n in (1, 2)]
    assert LinkedProgram(obj(MAIN), *weak).call() == 1
    assert LinkedProgram(obj(MAIN), *weak[::-1]).call() == 2
    assert LinkedProgram(obj(MAIN), *weak, obj(constant("f", 3))).call() == 3
    assert LinkedProgram(obj(MAIN), obj(constant("f", 3)), *weak).call() == 3
    assert LinkedProgram(obj(MAIN), *weak, obj(constant("f", 3))).functions == 2


def test_local_symbols_never_meet():
    parts = [obj(constant("f", n, flags=LOCAL), function(f"main{n}", NULLARY, b"\x10", call("f"))) for n in (1, 2)]
    found = LinkedProgram(*parts, exports=("main1", "main2"))
    assert (found.call("main1"), found.call("main2")) == (1, 2)


def test_two_strong_definitions_are_an_error_that_names_both_objects():
    message = errors(obj(MAIN), obj(constant("f", 1)), obj(constant("f", 2)))
    assert message == "duplicate symbol: f (in b.o and c.o)"


def test_undefined_symbols_are_errors_where_something_reached_uses_them():
    assert errors(obj(MAIN)) == "undefined symbol: f (referenced by a.o)"
    dead = function("dead", NULLARY, b"\x10", call("nowhere"))
    found = LinkedProgram(obj(MAIN, dead), obj(constant("f", 1)))
    assert found.call() == 1
    assert errors(obj(MAIN, dead), obj(constant("f", 1)), gc=False) == "undefined symbol: nowhere (referenced by a.o)"


def test_differing_declarations_are_errors_that_name_both_objects():
    wrong = function("f", UNARY, b"\x20\0")
    assert errors(obj(MAIN), obj(wrong)) == "signature mismatch: f (() -> (i32) in a.o, (i32) -> (i32) in b.o)"
    datum = Data("f", ".data", b"x", flags=HIDDEN)
    assert errors(obj(MAIN), obj(datum)) == "symbol kind mismatch: f (function in a.o, data in b.o)"
    other = function("g", NULLARY, b"\x41\0\x10", call("f", UNARY))
    assert errors(obj(MAIN), obj(other)) == "signature mismatch: f ((i32) -> (i32) in b.o, () -> (i32) in a.o)"
    weak = function("f", UNARY, b"\x20\0", flags=WEAK)
    assert "signature mismatch: f ((i32) -> (i32) in c.o" in errors(obj(MAIN), obj(constant("f", 1)), obj(weak))
    const = WasmGlobal("state", b"\x7f\0", b"\x41\0\x0b")
    user = function("main", NULLARY, b"\x23", (GLOBAL_INDEX_LEB, Reference(GLOBAL, "state", b"\x7f\1")))
    assert errors(obj(user), obj(const)) == "signature mismatch: state (i32 mut in a.o, i32 in b.o)"


def test_all_errors_come_at_once():
    calls = [function(f"g{i}", NULLARY, b"\x10", call(f"u{i}")) for i in range(30)]
    lines = errors(obj(constant("main", 1), *calls), gc=False).splitlines()
    assert len(lines) == 21
    assert lines[-1] == "... and 10 more errors"


def test_only_what_is_reached_is_kept():
    kept = Data("kept", ".data", bytes(4), 2, (Relocation(MEMORY_ADDR_I32, 0, Reference(DATA, "deep")),))
    main = function("main", NULLARY, b"\x10", call("f"), b"\x41", address("kept"), b"\x6a")
    units = [
        main,
        constant("f", 1),
        constant("dead", 2),
        kept,
        Data("deep", ".data", b"deep"),
        Data("lost", ".data", b"lost"),
    ]
    found = LinkedProgram(obj(*units))
    assert found.functions == 2
    assert b"deep" in found.bytes
    assert b"lost" not in found.bytes
    whole = LinkedProgram(obj(*units), gc=False)
    assert whole.functions == 4  # and __wasm_call_ctors
    assert b"lost" in whole.bytes
    assert b"dead" not in custom_section(found.bytes, "name")


def test_cycles_are_reached_once():
    a = function("main", NULLARY, b"\x41\0\x04\x7f\x10", call("b"), b"\x05\x41\x07\x0b")
    b = function("b", NULLARY, b"\x10", call("main"))
    assert LinkedProgram(obj(a), obj(b, constant("c", 1))).call() == 7


def test_init_functions_run_in_the_order_of_their_priority():
    """Each one appends its digit to a number in memory; the object's order decides among equals."""

    def init(digit: int) -> FunctionCode:
        append = b"\x28\2\0\x41\x0a\x6c\x41" + bytes((digit,)) + b"\x6a\x36\2\0"  # times ten, plus the digit
        log = address("log")
        return function(f"init{digit}", PROCEDURE, b"\x41", log, b"\x41", log, append, flags=LOCAL)

    main = function(
        "main", NULLARY, b"\x10", call("__wasm_call_ctors", PROCEDURE), b"\x41", address("log"), b"\x28\2\0"
    )
    first = obj(
        main, Data("log", ".bss", bytes(4), 2, flags=HIDDEN), init(1), init(2), inits=[(50, "init1"), (10, "init2")]
    )
    second = obj(init(3), init(4), inits=[(50, "init3"), (1, "init4")])
    assert LinkedProgram(first, second).call() == 4213


def test_init_functions_that_nobody_calls_are_an_error():
    init = obj(function("init", PROCEDURE), inits=[(1, "init")])
    assert errors(obj(constant("main", 1)), init) == "b.o has init functions, but nothing calls __wasm_call_ctors"
    found = LinkedProgram(obj(constant("main", 1)), init, exports=("main", "__wasm_call_ctors"))
    assert found.call("__wasm_call_ctors") is None


def test_the_linkers_own_symbols():
    names = ["__heap_base", "__data_end", "__global_base", "__dso_handle", "__heap_end", "__stack_low", "__stack_high"]
    code = [function(name[2:], NULLARY, b"\x41", address(name)) for name in names]
    code.append(function("sp", NULLARY, b"\x23", (GLOBAL_INDEX_LEB, STACK_POINTER)))
    code.append(function("use", NULLARY, b"\x41", address("d"), b"\x41", address("z", 2), b"\x6a"))
    exports = tuple(unit.name for unit in code)
    found = LinkedProgram(obj(*code, Data("d", ".data", bytes(5)), Data("z", ".bss", bytes(70000), 3)), exports=exports)
    values = {name: found.call(name) for name in exports}
    assert values == {
        "heap_base": 65536 + 8 + 70000 + 8, "data_end": 65536 + 8 + 70000, "global_base": 65536, "dso_handle": 65536,
        "heap_end": 3 * 65536, "stack_low": 0, "stack_high": 65536, "sp": 65536, "use": 65536 + 65536 + 8 + 2,
    }  # fmt: skip
    assert found.exports["memory"].size(found.store) == 3
    small = LinkedProgram(obj(*code[:-1]), exports=exports[:-1], stack_size=4096)
    assert (small.call("sp"), small.call("global_base")) == (4096, 4096)


def test_data_is_aligned_within_its_group():
    sizes = [("a", 1, 0), ("b", 4, 2), ("c", 3, 0), ("d", 8, 4)]
    data = [Data(name, ".rodata", bytes(size), align) for name, size, align in sizes]
    code = [function(f"at_{name}", NULLARY, b"\x41", address(name)) for name, _, _ in sizes]
    found = LinkedProgram(obj(*code, *data), exports=tuple(unit.name for unit in code), stack_size=1008)
    assert [found.call(unit.name) for unit in code] == [1008, 1012, 1016, 1024]


def test_symbols_may_lie_within_a_segment():
    """We never write such symbols, but other compilers do."""
    for flags in (HIDDEN, LOCAL):
        datum = Data("d", ".rodata", b"\x0a\x0b\x0c\x0d", flags=flags)
        main = function("main", NULLARY, b"\x41\0\x2d\0", load("d", 1))
        whole = obj(main, datum)
        symbol = b"\1" + bytes((flags,)) + b"\1d\0"
        assert whole.count(symbol + b"\0\4") == 1
        assert LinkedProgram(whole).call() == 0x0B
        assert LinkedProgram(whole.replace(symbol + b"\0\4", symbol + b"\2\2")).call() == 0x0D
    apart = obj(Data("d", ".rodata", b"\x0a\x0b\x0c\x0d", flags=HIDDEN)).replace(b"\1d\0\0\4", b"\1d\0\1\3")
    assert LinkedProgram(obj(main), apart).call() == 0x0C


def test_indirect_calls_and_pointers_in_data():
    table = Data("table", ".rodata", bytes(8), 2, tuple(
        Relocation(TABLE_INDEX_I32, at, Reference(FUNCTION, name, NULLARY)) for at, name in ((0, "one"), (4, "two"))
    ))  # fmt: skip
    main = function("main", UNARY, b"\x20\0\x28\2", load("table"), b"\x11", (TYPE_INDEX_LEB, NULLARY), b"\0")
    direct = function("direct", NULLARY, b"\x41", slot("two"), b"\x11", (TYPE_INDEX_LEB, NULLARY), b"\0")
    found = LinkedProgram(
        obj(main, direct, table), obj(constant("one", 1), constant("two", 2)), exports=("main", "direct")
    )
    assert [found.call("main", at) for at in (0, 4)] == [1, 2]
    assert found.call("direct") == 2
    assert sections(found.bytes)[4] == b"\1\x70\1\3\3"  # slot 0 stays null


def test_an_undefined_weak_symbol_is_null_and_traps_when_called():
    main = function("main", NULLARY, b"\x41", slot("f", weak=True), b"\x41", address("d", 3, weak=True), b"\x6a")
    called = function("called", NULLARY, b"\x10", call("f", weak=True))
    found = LinkedProgram(obj(main, called), exports=("main", "called"))
    assert found.call() == 0
    with pytest.raises(wasmtime.Trap, match="undefined_weak:f"):
        found.call("called")
    assert LinkedProgram(obj(main)).functions == 1  # an address alone needs no stub
    strong = obj(main, called), obj(constant("f", 9), Data("d", ".data", b"x", flags=HIDDEN))
    assert LinkedProgram(*strong, exports=("main", "called")).call("called") == 9
    both = obj(called), obj(function("g", NULLARY, b"\x10", call("f")))
    assert errors(*both, exports=("called",)) == "undefined symbol: f (referenced by a.o)"


def test_globals_of_our_own():
    state = Reference(GLOBAL, "state", b"\x7f\1")
    bump = function("bump", NULLARY, b"\x23", (7, state), b"\x41\1\x6a\x24", (7, state), b"\x23", (7, state))
    dead = WasmGlobal("dead", b"\x7e\0", b"\x42\0\x0b")
    found = LinkedProgram(obj(bump), obj(dead, WasmGlobal("state", b"\x7f\1", b"\x41\x28\x0b")), exports=("bump",))
    assert [found.call("bump"), found.call("bump")] == [41, 42]
    assert sections(found.bytes)[6][0] == 2


def host(field: str, name: str = "", type_: bytes = NULLARY) -> tuple[int, Reference]:
    return FUNCTION_INDEX_LEB, Reference(FUNCTION, name or f"host:{field}", type_, "host", field)


def imports(found: bytes) -> list[tuple[str, str]]:
    module = wasmtime.Module(wasmtime.Engine(), found)
    return [(item.module, item.name) for item in module.imports]


def test_host_imports_are_merged_and_only_kept_where_used():
    a = function("a", NULLARY, b"\x10", host("x"), b"\x10", host("x", "alias"), b"\x6a")
    b = function("b", NULLARY, b"\x10", host("y"), b"\x10", host("x"), b"\x6a")
    dead = function("dead", NULLARY, b"\x10", host("z"))
    found = link([("a.o", obj(a, dead)), ("b.o", obj(b))], entry=None, exports={"a": "a", "b": "b"})
    assert imports(found) == [("host", "x"), ("host", "y")]
    assert validate(found) is None
    with pytest.raises(LinkError, match=r"two imports for one symbol: n \(host\.y in b\.o, host\.x in a\.o\)"):
        link(
            [(f"{n}.o", obj(function(n, NULLARY, b"\x10", host(f, "n")))) for n, f in (("a", "x"), ("b", "y"))],
            entry=None,
        )
    plain = obj(function("p", NULLARY, b"\x10", call("host:x")))
    assert imports(link([("p.o", plain), ("a.o", obj(a))], entry=None, exports={"p": "p"})) == [("host", "x")]


def test_a_definition_beats_an_import():
    main = obj(function("main", NULLARY, b"\x10", host("x", "f")))
    assert imports(link([("a.o", main), ("b.o", obj(constant("f", 1)))], entry="main")) == []
    assert LinkedProgram(main, obj(constant("f", 6))).call() == 6


def exported(found: bytes) -> list[str]:
    return [item.name for item in wasmtime.Module(wasmtime.Engine(), found).exports]


def test_exports():
    units = [
        constant("_start", 1),
        constant("a", 2, export="object's own"),
        constant("b", 3, flags=EXPORTED | NO_STRIP),
    ]
    units += [constant("c", 4), constant("kept", 5, flags=HIDDEN | NO_STRIP), constant("dead", 6)]
    found = link([("a.o", obj(*units))], exports={"see": "c", "see again": "c"})
    assert exported(found) == ["memory", "_start", "see", "see again", "object's own", "b"]
    assert sections(found)[3][0] == 5
    assert exported(link([("a.o", obj(constant("x", 1)))], entry=None)) == ["memory"]
    weak = constant("w", 1, flags=WEAK | EXPORTED)
    assert exported(link([("a.o", obj(weak)), ("b.o", obj(constant("w", 2)))], entry=None)) == ["memory"]


def test_a_program_of_nothing():
    found = link([], entry=None)
    assert validate(found) is None
    assert sections(found).keys() == {1, 5, 6, 7}


@pytest.mark.parametrize(
    ("units", "more", "message"),
    [
        ([constant("x", 1)], {}, "symbol to be exported is not defined: _start"),
        ([constant("x", 1)], {"entry": None, "exports": {"y": "y"}}, "symbol to be exported is not defined: y"),
        ([Data("x", ".data", b"x", flags=HIDDEN)], {"entry": "x"}, r"symbol to be exported is data: x \(in a\.o\)"),
        ([constant("x", 1)], {"entry": None, "exports": {"memory": "x"}}, "duplicate export: memory"),
        (
            [constant("x", 1, export="y"), constant("z", 1)],
            {"entry": None, "exports": {"y": "z"}},
            r"duplicate export: y \(from a\.o and a\.o\)",
        ),
        ([constant("x", 1)], {"entry": "x", "stack_size": 8}, "multiple of 16"),
        ([constant("__wasm_call_ctors", 1)], {"entry": None}, "__wasm_call_ctors belongs to the linker, and a.o"),
        (
            [WasmGlobal("__stack_pointer", b"\x7f\1", b"\x41\0\x0b")],
            {"entry": None},
            "__stack_pointer belongs to the linker",
        ),
        (
            [function("x", NULLARY, b"\x10", call("__wasm_call_ctors"))],
            {"entry": "x"},
            "a.o declares __wasm_call_ctors",
        ),
        ([function("x", NULLARY, b"\x10", call("__heap_base"))], {"entry": "x"}, "a.o declares __heap_base as"),
    ],
)
def test_wrong_links(units, more, message):
    with pytest.raises(LinkError, match=message):
        link([("a.o", obj(*units))], **more)


def test_names_are_for_stack_traces():
    found = link([("a.o", obj(MAIN, constant("f", 1)))], entry="main")
    assert custom_section(found, "name") == b"\1\x0a\2\0\4main\1\1f"
    assert custom_section(link([("a.o", obj(MAIN, constant("f", 1)))], entry="main", names=False), "name") is None


def test_linking_changes_no_object():
    parsed = [(name, read_object(data)) for name, data in program(3, 5)]
    exports = {"f": "m0::f0"}
    first = link_parsed(parsed, entry=None, exports=exports)
    assert link_parsed(parsed, entry=None, exports=exports) == first
    assert link(program(3, 5), entry=None, exports=exports) == first
    assert validate(first) is None
    assert link(program(3, 5)[::-1], entry=None, exports=exports) != first
