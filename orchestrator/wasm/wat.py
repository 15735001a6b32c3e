"""Assembles WebAssembly text (WAT) into the relocatable units of `orchestrator.wasm.fragment`.

The text is standard, so that other tools accept the same file. These conventions make it relocatable; `FILE` is the
name given to `assemble`.

| in the text | becomes |
|---|---|
| `(func $f …)` | a LOCAL function symbol `FILE.$f` |
| `(func $f (export "rt::f") …)` | a HIDDEN (linkable) function symbol `rt::f` |
| `(import "env" "rt::g" (func $g …))` | an undefined symbol `rt::g` |
| `(import "M" "F" (func $f …))` | a host import, its symbol named `M:F`; `wasi:F` for `wasi_snapshot_preview1` |
| `(import "env" "__stack_pointer" (global $sp (mut i32)))` | an undefined global symbol |
| `(import "data" "__heap_base" (global $base i32))` | the address of a data symbol defined elsewhere |
| `(global $x i32 (i32.const N))` and `(data $x (i32.const N) "…")` | `.rodata`; `global.get $x` is its address |
| `(global $x i32 (i32.const N))` and `(global $x.size i32 (i32.const S))` | S zero bytes of `.bss`, likewise |
| `(global $x (mut i32) (i32.const 7))` | a global of its own |
| any other immutable global | a constant, written in place |

The address N matters only to other tools. Here its lowest set bit is the alignment, at most 16. A data symbol is named
`FILE.$x`, or as the global is exported. Memory and the table may be imported from "env", and are not declared
otherwise. Element segments, start functions and blocks with parameters are not accepted.
"""

from __future__ import annotations

import msgspec

from orchestrator.wasm.fragment import DATA, FUNCTION, GLOBAL, HIDDEN, LOCAL, Data, FunctionCode, Reference, WasmGlobal
from orchestrator.wasm.leb import functype, uleb
from orchestrator.wasm.opcodes import CONST_F32, CONST_F64, CONST_I32, CONST_I64, END, IMMEDIATES, VALUE_TYPES
from orchestrator.wasm.wat_body import (
    BodyAssembler,
    Complaint,
    Constant,
    Scope,
    TokenReader,
    type_use,
    value_types,
)
from orchestrator.wasm.wat_tokens import TextError, integer, position, string, tokens

MOST_ZEROES = 16 << 20
"""The most bytes of one `.bss` symbol. The object holds them, and a line of text could ask for 4 GiB."""

__all__ = ["Assembly", "TextError", "assemble", "assemble_object"]

_CONSTANTS = {"i32": CONST_I32, "i64": CONST_I64, "f32": CONST_F32, "f64": CONST_F64}
_HOSTS = {"wasi_snapshot_preview1": "wasi"}


class Assembly(msgspec.Struct, frozen=True):
    """The units of a file, each kind in source order."""

    code: tuple[FunctionCode, ...]
    data: tuple[Data, ...]
    globals: tuple[WasmGlobal, ...]


def assemble(text: str, name: str = "text") -> Assembly:
    """Returns the units of one `(module …)`. `name` is the prefix of local symbols. Raises TextError with the place of
    an error."""
    words = tokens(text)
    try:
        return _Module(TokenReader(words), name).run()
    except Complaint as complaint:
        raise TextError(complaint.message, *position(text, complaint.at), name) from None
    except IndexError:
        raise TextError("the text ends too early", *position(text, len(words)), name) from None


def assemble_object(text: str, name: str = "text", features: tuple[str, ...] = ()) -> bytes:
    """Returns a relocatable object of one `(module …)`. Raises TextError with the place of an error."""
    from orchestrator.wasm.join import join
    from orchestrator.wasm.pieces import code_piece, data_piece

    units = assemble(text, name)
    code, data = [code_piece(one) for one in units.code], [data_piece(one) for one in units.data]
    return join(code, data, features, globals_=units.globals)[0]


class _PendingFunction(msgspec.Struct):
    """A function whose body is still to be assembled."""

    reference: Reference
    flags: int
    locals: dict[str, int]
    declared: bytes
    body: int


class _PendingGlobal(msgspec.Struct):
    """A global as written. It may be data, a constant or a true global, which is decided when all data is known."""

    at: int
    kind: str
    mutable: bool
    literal: str
    export: str


class _Module:
    """One file. Headers are read before bodies, because a body may refer to anything in the file."""

    def __init__(self, reader: TokenReader, name: str) -> None:
        self.reader = reader
        self.words = reader.words
        self.name = name
        self.scope = Scope(reader)
        self.functions: list[_PendingFunction] = []
        self.globals: dict[str, _PendingGlobal] = {}
        self.segments: dict[str, bytes] = {}
        self.addresses: dict[str, int] = {}

    def run(self) -> Assembly:
        fields = self._fields()
        for keyword, at in fields:  # Imports have lower numbers than definitions.
            if keyword == "type":
                self._type(at)
            elif keyword == "import":
                self._import(at)
        for keyword, at in fields:
            if keyword == "func":
                self._function(at)
            elif keyword == "global":
                self._global(at)
            elif keyword == "data":
                self._segment(at)
        data, own = self._meanings()
        return Assembly(tuple(map(self._body, self.functions)), data, own)

    def _fields(self) -> list[tuple[str, int]]:
        """The keyword of each field of the module, and the index of the word behind it."""
        words, reader = self.words, self.reader
        i = reader.expect("module", reader.expect("(", 0))
        if words[i].startswith("$"):
            i += 1
        fields = []
        while words[i] == "(":
            if words[i + 1] not in ("type", "import", "func", "global", "data"):
                raise reader.fail(f"unknown field {words[i + 1]!r}", i + 1)
            fields.append((words[i + 1], i + 2))
            depth = 0
            while True:
                word = words[i]
                i += 1
                if word == "(":
                    depth += 1
                elif word == ")":
                    depth -= 1
                    if not depth:
                        break
        i = reader.expect(")", i)
        if i != len(words):
            raise reader.fail(f"{words[i]!r} stands behind the module", i)
        return fields

    def _identifier(self, i: int) -> tuple[str, int]:
        return (self.words[i], i + 1) if self.words[i].startswith("$") else ("", i)

    def _string(self, i: int) -> tuple[str, int]:
        raw = string(self.words[i])
        if raw is None:
            raise self.reader.fail(f"expected a string, found {self.words[i]!r}", i)
        try:
            return raw.decode(), i + 1
        except UnicodeDecodeError:
            raise self.reader.fail(f"the name {self.words[i]!r} is no UTF-8", i) from None

    def _export(self, i: int) -> tuple[str, int]:
        """The name in `(export "…")`, "" where there is none, and the index of the next word."""
        if self.words[i] == "(" and self.words[i + 1] == "export":
            name, i = self._string(i + 2)
            return name, self.reader.expect(")", i)
        return "", i

    def _type(self, i: int) -> None:
        identifier, i = self._identifier(i)
        at = i
        i = self.reader.expect("func", self.reader.expect("(", i))
        params, _, i = value_types(self.reader, "param", i)
        results, _, i = value_types(self.reader, "result", i)
        self.reader.expect(")", self.reader.expect(")", i))
        self.scope.types.add(identifier, functype(params, results), self.reader, at)

    def _import(self, i: int) -> None:
        module, i = self._string(i)
        field, i = self._string(i)
        i = self.reader.expect("(", i)
        kind, at = self.words[i], i
        if kind in ("memory", "table") and module == "env":
            return
        identifier, i = self._identifier(i + 1)
        if kind == "func":
            encoded, i = type_use(self.scope, i)
            reference = Reference(FUNCTION, field, encoded)
            if module != "env":
                reference = Reference(FUNCTION, f"{_HOSTS.get(module, module)}:{field}", encoded, module, field)
            self.scope.functions.add(identifier, reference, self.reader, at)
        elif kind == "global" and module in ("env", "data"):
            value, mutable, i = self._global_type(i)
            if module == "data":
                meaning = Constant(b"\x41", Reference(DATA, field))
            else:
                meaning = Constant(b"", Reference(GLOBAL, field, VALUE_TYPES[value] + bytes((mutable,))), mutable)
            self.scope.globals.add(identifier, meaning, self.reader, at)
        else:
            raise self.reader.fail(f"this import of a {kind} from {module!r} has no meaning here", at)
        self.reader.expect(")", self.reader.expect(")", i))

    def _global_type(self, i: int) -> tuple[str, bool, int]:
        mutable = self.words[i] == "("
        if mutable:
            i = self.reader.expect("mut", i + 1)
        value = self.words[i]
        if value not in VALUE_TYPES:
            raise self.reader.fail(f"unknown value type {value!r}", i)
        return value, mutable, self.reader.expect(")", i + 1) if mutable else i + 1

    def _global(self, i: int) -> None:
        at = i
        identifier, i = self._identifier(i)
        export, i = self._export(i)
        value, mutable, i = self._global_type(i)
        i = self.reader.expect(f"{value}.const", self.reader.expect("(", i))
        self.reader.expect(")", self.reader.expect(")", i + 1))
        meaning = Constant(mutable=mutable)
        self.scope.globals.add(identifier, meaning, self.reader, at)
        key = identifier or f"{len(self.scope.globals.values) - 1}"
        self.globals[key] = _PendingGlobal(i, value, mutable, self.words[i], export)

    def _segment(self, i: int) -> None:
        at = i
        identifier, i = self._identifier(i)
        own = self.globals.get(identifier)
        i = self.reader.expect("i32.const", self.reader.expect("(", i))
        address = integer(self.words[i], 32)
        if address is None or own is None or own.mutable or integer(own.literal, 32) != address:
            raise self.reader.fail("a data segment stands at the address of an earlier global of the same name", at)
        i = self.reader.expect(")", i + 1)
        content = b""
        while self.words[i] != ")":
            piece = string(self.words[i])
            if piece is None:
                raise self.reader.fail(f"expected a string, found {self.words[i]!r}", i)
            content += piece
            i += 1
        self.segments[identifier] = content

    def _meanings(self) -> tuple[tuple[Data, ...], tuple[WasmGlobal, ...]]:
        """Decides for each own global whether it is data, a constant, or a global."""
        data, own, meanings = [], [], self.scope.globals
        first = len(meanings.values) - len(self.globals)
        for number, (identifier, written) in enumerate(self.globals.items(), first):
            meaning = meanings.values[number]
            code = IMMEDIATES[f"{written.kind}.const"][0] + self._literal(written)
            size = self.globals.get(f"{identifier}.size")
            symbol = written.export or f"{self.name}.{identifier}"
            flags = HIDDEN if written.export else LOCAL
            if written.mutable:
                kind = VALUE_TYPES[written.kind] + b"\x01"
                meaning.reference = Reference(GLOBAL, symbol, kind)
                own.append(WasmGlobal(symbol, kind, code + END, flags))
            elif identifier in self.segments or size is not None:
                address = integer(written.literal, 32) or 16
                align = min((address & -address).bit_length() - 1, 4)
                content = self.segments.get(identifier)
                section = ".bss" if content is None else ".rodata"
                if content is None and size is not None:
                    length = integer(size.literal, 32) or 0
                    if length > MOST_ZEROES:
                        raise self.reader.fail(f"more than {MOST_ZEROES} zero bytes", 0)
                    content = bytes(length)
                data.append(Data(symbol, section, content or b"", align, (), flags))
                meaning.code, meaning.reference = b"\x41", Reference(DATA, symbol)
            else:
                meaning.code = code
        return tuple(data), tuple(own)

    def _literal(self, written: _PendingGlobal) -> bytes:
        return BodyAssembler(self.scope, {}, b"").literal(_CONSTANTS[written.kind], written.at)

    def _function(self, i: int) -> None:
        at, reader = i, self.reader
        identifier, i = self._identifier(i)
        export, i = self._export(i)
        if self.words[i] == "(" and self.words[i + 1] == "type":
            encoded, i = type_use(self.scope, i)
            ids = [""] * encoded[1]
        else:
            params, ids, i = value_types(reader, "param", i)
            results, _, i = value_types(reader, "result", i)
            encoded = functype(params, results)
        kinds, more, i = value_types(reader, "local", i)
        numbered: dict[str, int] = {str(number): number for number in range(len(ids) + len(more))}
        for number, local in enumerate(ids + more):
            if local and numbered.setdefault(local, number) != number:
                raise reader.fail(f"local {local} is defined twice", at)
        symbol = export or f"{self.name}.{identifier or len(self.scope.functions.values)}"
        reference = Reference(FUNCTION, symbol, encoded)
        self.scope.functions.add(identifier, reference, reader, at)
        flags = HIDDEN if export else LOCAL
        self.functions.append(_PendingFunction(reference, flags, numbered, _locals(kinds), i))

    def _body(self, function: _PendingFunction) -> FunctionCode:
        body = BodyAssembler(self.scope, function.locals, function.declared)
        body.run(function.body)
        reference = function.reference
        return FunctionCode(reference.name, reference.type, bytes(body.out), tuple(body.relocations), function.flags)


def _locals(kinds: bytes) -> bytes:
    """The vector of locals, which groups equal types that follow one another."""
    runs: list[list[int]] = []
    for kind in kinds:
        if runs and runs[-1][1] == kind:
            runs[-1][0] += 1
        else:
            runs.append([1, kind])
    return uleb(len(runs)) + b"".join(uleb(count) + bytes((kind,)) for count, kind in runs)
