"""Assembles the instructions of one function, flat or folded, into bytes and relocations.

Folded instructions are on a stack until their `)`. Nothing is recursive, so deep nesting is no problem.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Generic, TypeVar

from orchestrator.wasm.fragment import (
    FUNCTION_INDEX_LEB,
    GLOBAL_INDEX_LEB,
    MEMORY_ADDR_SLEB,
    TYPE_INDEX_LEB,
    Reference,
    Relocation,
)
from orchestrator.wasm.leb import functype, sleb, uleb
from orchestrator.wasm.opcodes import (
    ADDRESS,
    BLOCKS,
    CONST_F32,
    CONST_F64,
    CONST_I32,
    CONST_I64,
    ELSE,
    END,
    FUNCTION,
    GLOBAL,
    IMMEDIATES,
    LABEL,
    LABELS,
    LOCAL,
    PLAIN,
    VALUE_TYPES,
)
from orchestrator.wasm.wat_tokens import float_bytes, integer

HOLE = b"\0\0\0\0\0"

V = TypeVar("V")


class TokenReader:
    """The words of a file. All indices (`at`, `i`) count words."""

    __slots__ = ("words",)

    def __init__(self, words: Sequence[str]) -> None:
        self.words = words

    def fail(self, message: str, at: int) -> Complaint:
        """Returns the exception to raise about the word at that index."""
        return Complaint(message, at)

    def expect(self, word: str, at: int) -> int:
        """Returns the index behind the expected word. Raises Complaint where another word stands there."""
        if self.words[at] != word:
            raise self.fail(f"expected {word!r}, found {self.words[at]!r}", at)
        return at + 1


class Complaint(Exception):
    """A TextError that does not yet know its line."""

    def __init__(self, message: str, at: int) -> None:
        super().__init__(message)
        self.message, self.at = message, at


class Names(Generic[V]):
    """One index space: values by number, and by `$id` where they have one. `what` is its name in messages."""

    __slots__ = ("by_id", "values", "what")

    def __init__(self, what: str) -> None:
        self.what = what
        self.values: list[V] = []
        self.by_id: dict[str, int] = {}

    def add(self, identifier: str, value: V, reader: TokenReader, at: int) -> None:
        """Appends a value. Raises Complaint where the identifier exists already."""
        if identifier:
            if identifier in self.by_id:
                raise reader.fail(f"{self.what} {identifier} is defined twice", at)
            self.by_id[identifier] = len(self.values)
        self.values.append(value)

    def find(self, reader: TokenReader, at: int) -> V:
        """The value that the word at that index names. Raises Complaint where there is none."""
        word = reader.words[at]
        index = self.by_id.get(word)
        if index is None:
            index = int(word) if word.isdecimal() else len(self.values)
            if index >= len(self.values):
                raise reader.fail(f"unknown {self.what} {word}", at)
        return self.values[index]


class Constant:
    """What `global.get` of a name means: a constant (`code` is its instruction), the address of a data symbol (`code`
    and `reference`), or a true global (`reference` alone)."""

    __slots__ = ("code", "mutable", "reference")

    def __init__(self, code: bytes = b"", reference: Reference | None = None, mutable: bool = False) -> None:
        self.code, self.reference, self.mutable = code, reference, mutable


class Scope:
    """What names mean in a file: types (encoded), functions (References), globals (Constants)."""

    __slots__ = ("functions", "globals", "reader", "types")

    def __init__(self, reader: TokenReader) -> None:
        self.reader = reader
        self.types = Names[bytes]("type")
        self.functions = Names[Reference]("function")
        self.globals = Names[Constant]("global")


class _Hole:
    __slots__ = ("kind", "prefix", "suffix", "target")

    def __init__(self, prefix: bytes, kind: int, target: Reference | bytes, suffix: bytes = b"") -> None:
        self.prefix, self.kind, self.target, self.suffix = prefix, kind, target, suffix


class _If:
    """A folded `if` whose condition is not complete."""

    __slots__ = ("header", "label")

    def __init__(self, label: str, header: bytes) -> None:
        self.label, self.header = label, header


class _Close:
    """A `)` to come: of a folded block, which writes `end` (`ends`), or of a `then` or `else`, which writes nothing."""

    __slots__ = ("ends", "is_if")

    def __init__(self, ends: bool, is_if: bool = False) -> None:
        self.ends, self.is_if = ends, is_if


_ARM = _Close(ends=False)
_BLOCK = _Close(ends=True)
_IF = _Close(ends=True, is_if=True)

Item = bytes | _Hole


class BodyAssembler:
    """Assembles one function. `run` reads from a word to the `)` that closes the function. `out` has the bytes so far,
    and `labels` the open blocks: name, and whether `end` closes it."""

    __slots__ = ("labels", "locals", "out", "reader", "relocations", "scope", "words")

    def __init__(self, scope: Scope, local_ids: Mapping[str, int], declared: bytes) -> None:
        self.scope = scope
        self.reader = scope.reader
        self.words = scope.reader.words
        self.locals = local_ids
        self.out = bytearray(declared)
        self.relocations: list[Relocation] = []
        self.labels: list[tuple[str, bool]] = [("", False)]

    def run(self, i: int) -> int:
        """Assembles up to the function's own `)`, and returns the index of that word."""
        words, out, local_ids = self.words, self.out, self.locals
        pending: list[Item | _If | _Close] = []
        while True:
            word = words[i]
            if word == "(":
                if words[i + 1] == "local.get" and words[i + 3] == ")" and words[i + 2] in local_ids:
                    out += b"\x20" + uleb(local_ids[words[i + 2]])  # Every third instruction is one of these.
                    i += 4
                else:
                    i = self._open(i + 1, pending)
            elif word == ")":
                if not pending:
                    break
                self._close(pending.pop(), i)
                i += 1
            elif (plain := PLAIN.get(word)) is not None:
                out += plain
                i += 1
            elif (entry := IMMEDIATES.get(word)) is not None:
                item, i = self._immediate(entry, i + 1)
                self._emit(item)
            else:
                i = self._flat_block(word, i)
        if len(self.labels) > 1:
            raise self.reader.fail("a block has no end", i)
        out += END
        return i

    def _open(self, i: int, pending: list[Item | _If | _Close]) -> int:
        """Reads what begins behind a `(`, and returns the index of the next word."""
        word = self.words[i]
        item: Item | None = PLAIN.get(word)
        if item is not None:
            i += 1
        elif (entry := IMMEDIATES.get(word)) is not None:
            item, i = self._immediate(entry, i + 1)
        if item is not None:
            if self.words[i] == ")":  # Most have no operands inside.
                self._emit(item)
                return i + 1
            pending.append(item)
            return i
        if word in BLOCKS:
            label, header, after = self._block_header(word, i + 1)
            if word == "if":
                pending.append(_If(label, header))
            else:
                self.out += header
                self.labels.append((label, False))
                pending.append(_BLOCK)
            return after
        if word in ("then", "else"):
            return self._arm(word, i, pending)
        raise self.reader.fail(f"unknown instruction {word!r}", i)

    def _arm(self, word: str, i: int, pending: list[Item | _If | _Close]) -> int:
        top = pending[-1] if pending else None
        if word == "then" and isinstance(top, _If):
            self.out += top.header
            self.labels.append((top.label, False))
            pending[-1] = _IF
        elif word == "else" and top is _IF:
            self.out += ELSE
        else:
            raise self.reader.fail(f"({word} has no (if", i)
        pending.append(_ARM)
        return i + 1

    def _close(self, item: Item | _If | _Close, i: int) -> None:
        if isinstance(item, _Close):
            if item.ends:
                if self.labels.pop()[1]:
                    raise self.reader.fail("a block inside has no end", i)
                self.out += END
        elif isinstance(item, _If):
            raise self.reader.fail("(if needs a (then", i)
        else:
            self._emit(item)

    def _emit(self, item: Item) -> None:
        if isinstance(item, bytes):
            self.out += item
            return
        self.out += item.prefix
        self.relocations.append(Relocation(item.kind, len(self.out), item.target))
        self.out += HOLE + item.suffix

    def _flat_block(self, word: str, i: int) -> int:
        if word in BLOCKS:
            label, header, after = self._block_header(word, i + 1)
            self.out += header
            self.labels.append((label, True))
            return after
        if word not in ("end", "else"):
            raise self.reader.fail(f"unknown instruction {word!r}", i)
        label, flat = self.labels[-1]
        if not flat:
            raise self.reader.fail(f"{word} has no block to belong to", i)
        if self.words[i + 1].startswith("$"):
            i += 1
            if self.words[i] != label:
                raise self.reader.fail(f"{self.words[i]} is not the innermost label", i)
        self.out += END if word == "end" else ELSE
        if word == "end":
            self.labels.pop()
        return i + 1

    def _block_header(self, word: str, i: int) -> tuple[str, bytes, int]:
        words, label, result = self.words, "", b"\x40"
        if words[i].startswith("$"):
            label, i = words[i], i + 1
        if words[i] == "(" and words[i + 1] == "result":
            if words[i + 2] not in VALUE_TYPES:
                raise self.reader.fail(f"unknown value type {words[i + 2]!r}", i + 2)
            result, i = VALUE_TYPES[words[i + 2]], self.reader.expect(")", i + 3)
        if words[i] == "(" and words[i + 1] in ("param", "type"):
            raise self.reader.fail("a block takes no parameters and gives at most one result", i + 1)
        return label, BLOCKS[word] + result, i

    def _immediate(self, entry: tuple[bytes, int, int], i: int) -> tuple[Item, int]:
        """Returns an instruction with its immediate, and the index behind it."""
        opcode, kind, natural = entry
        if kind == LOCAL:
            index = self.locals.get(self.words[i])
            if index is None:
                raise self.reader.fail(f"unknown local {self.words[i]}", i)
            return opcode + uleb(index), i + 1
        if kind == ADDRESS:
            return self._address(opcode, natural, i)
        if kind == FUNCTION:
            target = self.scope.functions.find(self.reader, i)
            return _Hole(opcode, FUNCTION_INDEX_LEB, target), i + 1
        if kind == GLOBAL:
            return self._global(opcode, natural == 1, i), i + 1
        if kind == LABEL:
            return opcode + uleb(self._label(i)), i + 1
        if kind == LABELS:
            start = i
            while self.words[i] not in ("(", ")") and (self.words[i][0] == "$" or self.words[i].isdecimal()):
                i += 1
            depths = [uleb(self._label(at)) for at in range(start, i)]
            if not depths:
                raise self.reader.fail("br_table needs a label", i)
            return opcode + uleb(len(depths) - 1) + b"".join(depths), i
        if kind in (CONST_I32, CONST_I64, CONST_F32, CONST_F64):
            return opcode + self.literal(kind, i), i + 1
        encoded, i = type_use(self.scope, i)
        return _Hole(opcode, TYPE_INDEX_LEB, encoded, b"\0"), i

    def literal(self, kind: int, i: int) -> bytes:
        """The bytes of a number."""
        word = self.words[i]
        raw: bytes | None
        if kind in (CONST_I32, CONST_I64):
            number = integer(word, 32 if kind == CONST_I32 else 64)
            raw = None if number is None else sleb(number)
        else:
            raw = float_bytes(word, wide=kind == CONST_F64)
        if raw is None:
            raise self.reader.fail(f"{word!r} is no number of this type", i)
        return raw

    def _label(self, i: int) -> int:
        word = self.words[i]
        if word.isdecimal() and int(word) < len(self.labels):
            return int(word)
        for depth, (label, _) in enumerate(reversed(self.labels)):
            if label == word and word:
                return depth
        raise self.reader.fail(f"unknown label {word}", i)

    def _global(self, opcode: bytes, sets: bool, i: int) -> Item:
        meaning = self.scope.globals.find(self.reader, i)
        if sets and not meaning.mutable:
            raise self.reader.fail(f"global {self.words[i]} cannot be set", i)
        if meaning.reference is None:
            return meaning.code
        if meaning.code:
            return _Hole(meaning.code, MEMORY_ADDR_SLEB, meaning.reference)
        return _Hole(opcode, GLOBAL_INDEX_LEB, meaning.reference)

    def _address(self, opcode: bytes, align: int, i: int) -> tuple[Item, int]:
        words, offset = self.words, 0
        if words[i].startswith("offset="):
            number = integer(words[i][7:], 32)
            if number is None:
                raise self.reader.fail("the offset is no number", i)
            offset, i = number & 0xFFFFFFFF, i + 1
        if words[i].startswith("align="):
            number = integer(words[i][6:], 32)
            if number is None or number < 1 or number & (number - 1):
                raise self.reader.fail("the alignment is no power of two", i)
            align, i = number.bit_length() - 1, i + 1
        return opcode + uleb(align) + uleb(offset), i


def type_use(scope: Scope, i: int) -> tuple[bytes, int]:
    """Reads `(type $t)`, or `(param …)* (result …)*` without names. Returns the encoded type and the index behind."""
    words = scope.reader.words
    if words[i] == "(" and words[i + 1] == "type":
        named = scope.types.find(scope.reader, i + 2)
        i = scope.reader.expect(")", i + 3)
        if words[i] == "(" and words[i + 1] in ("param", "result"):
            raise scope.reader.fail("a type by name needs no parameters beside it", i + 1)
        return named, i
    params, _, i = value_types(scope.reader, "param", i)
    results, _, i = value_types(scope.reader, "result", i)
    return functype(params, results), i


def value_types(reader: TokenReader, keyword: str, i: int) -> tuple[bytes, list[str], int]:
    """Reads all `(keyword $id? type…)` in a row. Returns the types (one byte each), their ids ("" for none), and the
    index behind."""
    words, kinds, ids = reader.words, b"", list[str]()
    while words[i] == "(" and words[i + 1] == keyword:
        i += 2
        identifier = ""
        if words[i].startswith("$"):
            identifier, i = words[i], i + 1
        first = i
        while words[i] != ")":
            kind = VALUE_TYPES.get(words[i])
            if kind is None or (identifier and i > first):
                raise reader.fail(f"unexpected {words[i]!r} for a value type", i)
            kinds += kind
            ids.append(identifier)
            i += 1
        i += 1
    return kinds, ids, i
