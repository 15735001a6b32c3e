"""The instructions of WebAssembly text: for each mnemonic its opcode and the immediates that follow.

It has the MVP, sign extension, saturating truncation, `memory.copy` and `memory.fill`: what current runtimes support
without a flag. Order and numbers are those of the specification's index of instructions.
"""

from __future__ import annotations

from orchestrator.wasm.leb import uleb

I32, I64, F32, F64 = b"\x7f", b"\x7e", b"\x7d", b"\x7c"
VALUE_TYPES = {"i32": I32, "i64": I64, "f32": F32, "f64": F64}

# What follows an opcode.
LABEL, LABELS, FUNCTION, TYPE, LOCAL, GLOBAL, ADDRESS = range(7)
CONST_I32, CONST_I64, CONST_F32, CONST_F64 = range(7, 11)

_INTEGER_TESTS = "eqz eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u"
_FLOAT_TESTS = "eq ne lt gt le ge"
_INTEGER = "clz ctz popcnt add sub mul div_s div_u rem_s rem_u and or xor shl shr_s shr_u rotl rotr"
_FLOAT = "abs neg ceil floor trunc nearest sqrt add sub mul div min max copysign"
_CONVERSIONS = (
    "i32.wrap_i64 i32.trunc_f32_s i32.trunc_f32_u i32.trunc_f64_s i32.trunc_f64_u i64.extend_i32_s i64.extend_i32_u "
    "i64.trunc_f32_s i64.trunc_f32_u i64.trunc_f64_s i64.trunc_f64_u f32.convert_i32_s f32.convert_i32_u "
    "f32.convert_i64_s f32.convert_i64_u f32.demote_f64 f64.convert_i32_s f64.convert_i32_u f64.convert_i64_s "
    "f64.convert_i64_u f64.promote_f32 i32.reinterpret_f32 i64.reinterpret_f64 f32.reinterpret_i32 "
    "f64.reinterpret_i64 i32.extend8_s i32.extend16_s i64.extend8_s i64.extend16_s i64.extend32_s"
)
_SATURATING = (
    "i32.trunc_sat_f32_s i32.trunc_sat_f32_u i32.trunc_sat_f64_s i32.trunc_sat_f64_u "
    "i64.trunc_sat_f32_s i64.trunc_sat_f32_u i64.trunc_sat_f64_s i64.trunc_sat_f64_u"
)
_MEMORY = (  # from 0x28 on, with the natural alignment as log2
    "i32.load:2 i64.load:3 f32.load:2 f64.load:3 i32.load8_s:0 i32.load8_u:0 i32.load16_s:1 i32.load16_u:1 "
    "i64.load8_s:0 i64.load8_u:0 i64.load16_s:1 i64.load16_u:1 i64.load32_s:2 i64.load32_u:2 i32.store:2 i64.store:3 "
    "f32.store:2 f64.store:3 i32.store8:0 i32.store16:1 i64.store8:0 i64.store16:1 i64.store32:2"
)


def _plain() -> dict[str, bytes]:
    names: list[str] = []
    for prefix, tests in (
        ("i32", _INTEGER_TESTS),
        ("i64", _INTEGER_TESTS),
        ("f32", _FLOAT_TESTS),
        ("f64", _FLOAT_TESTS),
    ):
        names += [f"{prefix}.{name}" for name in tests.split()]
    for prefix, numeric in (("i32", _INTEGER), ("i64", _INTEGER), ("f32", _FLOAT), ("f64", _FLOAT)):
        names += [f"{prefix}.{name}" for name in numeric.split()]
    names += _CONVERSIONS.split()
    table = {name: bytes((0x45 + n,)) for n, name in enumerate(names)}
    table.update((name, b"\xfc" + uleb(n)) for n, name in enumerate(_SATURATING.split()))
    table.update({"unreachable": b"\x00", "nop": b"\x01", "return": b"\x0f", "drop": b"\x1a", "select": b"\x1b"})
    table.update({"memory.size": b"\x3f\0", "memory.grow": b"\x40\0"})
    table.update({"memory.copy": b"\xfc\x0a\0\0", "memory.fill": b"\xfc\x0b\0"})
    return table


def _with_immediates() -> dict[str, tuple[bytes, int, int]]:
    table = {
        "br": (b"\x0c", LABEL, 0),
        "br_if": (b"\x0d", LABEL, 0),
        "br_table": (b"\x0e", LABELS, 0),
        "call": (b"\x10", FUNCTION, 0),
        "call_indirect": (b"\x11", TYPE, 0),
        "local.get": (b"\x20", LOCAL, 0),
        "local.set": (b"\x21", LOCAL, 0),
        "local.tee": (b"\x22", LOCAL, 0),
        "global.get": (b"\x23", GLOBAL, 0),
        "global.set": (b"\x24", GLOBAL, 1),
        "i32.const": (b"\x41", CONST_I32, 0),
        "i64.const": (b"\x42", CONST_I64, 0),
        "f32.const": (b"\x43", CONST_F32, 0),
        "f64.const": (b"\x44", CONST_F64, 0),
    }
    for number, entry in enumerate(_MEMORY.split()):
        name, _, align = entry.partition(":")
        table[name] = (bytes((0x28 + number,)), ADDRESS, int(align))
    return table


PLAIN = _plain()
"""mnemonic -> all its bytes"""

IMMEDIATES = _with_immediates()
"""mnemonic -> opcode, kind of immediate, and the natural alignment (loads, stores) or 1 (`global.set`)"""

BLOCKS = {"block": b"\x02", "loop": b"\x03", "if": b"\x04"}
END, ELSE = b"\x0b", b"\x05"
