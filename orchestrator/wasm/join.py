"""Encodes pieces as a relocatable WebAssembly object, and as the fast linker's model of it.

The format is the tool conventions' "Object file linking", version 2. The order of sections and of the subsections of
"linking" is the one that all versions of LLD accept. Holes hold the object's own numbers, so that validators and
dumpers can make sense of an object before it is linked. Numbers are assigned in order of definition, then of first
use; only lists and insertion-ordered dicts are walked, so an object is a pure function of its ordered pieces. The cost
is a few table look-ups a hole.

The tests hold that the bytes equal those of an independent encoder (`tests/orchestrator/wasm/referee.py`), and that
the model equals `slack.model` of those bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct

from orchestrator.wasm.fragment import (
    DATA,
    EXPLICIT_NAME,
    EXPORTED,
    FUNCTION,
    GLOBAL,
    KINDS_WITH_ADDEND,
    LOCAL,
    MEMORY_ADDR_LEB,
    NO_STRIP,
    TABLE_KINDS,
    TARGET_KINDS,
    TYPE_INDEX_LEB,
    UNDEFINED,
    WEAK,
    Global,
    Reference,
)
from orchestrator.wasm.leb import (
    MAGIC,
    PAGE,
    custom,
    leb5,
    section,
    signed32,
    sleb,
    string,
    uleb,
    vector,
)
from orchestrator.wasm.pieces import CodePiece, DataPiece, read_use
from orchestrator.wasm.resolve import CONSTRUCTORS_NAME, STACK_POINTER_NAME
from orchestrator.wasm.slack.model import (
    ADDENDS,
    FAR,
    FAR_DATA,
    OWN,
    OWN_DATA,
    SLOTS,
    STACK_POINTER,
    TYPES,
    Model,
    model_section,
)

_put5 = Struct("5s").pack_into
_put4 = Struct("<I").pack_into
_LOW = [bytes((n | 128,)) for n in range(128)]


def join(
    code: Sequence[CodePiece],
    data: Sequence[DataPiece],
    features: Sequence[str] = (),
    customs: Sequence[tuple[str, bytes]] = (),
    globals_: Sequence[Global] = (),
) -> tuple[bytes, bytes]:
    """Returns the object of these pieces, in this order, and the section with its model, to stand at the object's end
    (empty where the fast linker cannot take the object).

    `features` are names such as "mutable-globals" that linkers check. `customs` are custom sections (name, payload),
    written last. A definition is always written, used or not; a use of a name that is not defined here becomes an
    undefined symbol.

    Raises ValueError for what contradicts itself: a name defined twice, or declared in two ways, a use that disagrees
    with the definition."""
    return _Joiner(code, data, globals_).object(features, customs)


class _Joiner:
    """`_uses` numbers all distinct uses, in order of first use; `_read` has each of them decoded."""

    def __init__(self, code: Sequence[CodePiece], data: Sequence[DataPiece], globals_: Sequence[Global]) -> None:
        self._code, self._data, self._own_globals = code, data, globals_
        names = [piece.name for piece in code] + [piece.name for piece in data]
        names += [string(item.name) for item in globals_]
        self._numbers = dict(zip(names, range(len(names)), strict=True))
        if len(self._numbers) != len(names):
            raise ValueError("a name is defined twice")
        self._types: dict[bytes, int] = {}
        self._slots: dict[bytes, int] = {}
        self._undefined: dict[bytes, Reference] = {}
        self._uses: dict[bytes, int] = {}
        self._read: list[tuple[int, int, Reference | bytes, bytes]] = []
        self._lay_out()
        self._refer()
        self._imported = [one for one in self._undefined.items() if one[1].kind == FUNCTION]
        self._imported_globals = [one for one in self._undefined.items() if one[1].kind == GLOBAL]

    def _lay_out(self) -> None:
        """Where each data item goes."""
        self.addresses: list[int] = []
        top = 0
        for piece in self._data:
            top = -(-top >> piece.align << piece.align)
            self.addresses.append(top)
            top += len(piece.content)
        self._size = top

    def _refer(self) -> None:
        """Gives numbers to types, undefined symbols, slots and uses; and goes through all holes: `holes` are offsets in
        the entries and `words` in the data of the module, with the use that each takes."""
        uses, types = self._uses, self._types
        self.holes: list[int] = []
        self.hole_uses: list[int] = []
        self.words: list[int] = []
        self.word_uses: list[int] = []
        base = 0
        for piece in self._code:
            if piece.type not in types:
                types[piece.type] = len(types)
            if piece.holes:
                numbers = [uses[one] if one in uses else self._meet(one) for one in piece.uses]
                self.holes += [base + hole for hole in piece.holes]
                self.hole_uses += [numbers[one] for one in piece.hole_uses]
            base += len(piece.entry)
        for item, address in zip(self._data, self.addresses, strict=True):
            if item.holes:
                numbers = [uses[one] if one in uses else self._meet(one) for one in item.uses]
                self.words += [address + hole for hole in item.holes]
                self.word_uses += [numbers[one] for one in item.hole_uses]

    def _meet(self, data: bytes) -> int:
        """A use that is met for the first time. Gives its number."""
        kind, addend, target = read_use(data)
        name = b""
        if isinstance(target, bytes):
            if kind != TYPE_INDEX_LEB:
                raise ValueError(f"a use of kind {kind} names a type, not a symbol")
            self._types.setdefault(target, len(self._types))
        else:
            if not 0 <= kind < len(TARGET_KINDS) or TARGET_KINDS[kind] != target.kind:
                raise ValueError(f"a use of kind {kind} cannot refer to {target.name}")
            name = string(target.name)
            number = self._numbers.get(name, -1)
            if number >= 0 and name not in self._undefined:
                self._check(number, target)
            else:
                self._declare(name, target)
            if kind in TABLE_KINDS:
                self._slots.setdefault(name, len(self._slots) + 1)
        self._read.append((kind, addend, target, name))
        self._uses[data] = number = len(self._uses)
        return number

    def _check(self, number: int, target: Reference) -> None:
        beside = len(self._code) + len(self._data)
        if number < len(self._code):
            kind, type_ = FUNCTION, self._code[number].type
        elif number < beside:
            kind, type_ = DATA, b""
        else:
            kind, type_ = GLOBAL, self._own_globals[number - beside].type
        if target.kind != kind:
            raise ValueError(f"{target.name} is another kind of thing than it is used as")
        if target.type and target.type != type_:
            raise ValueError(f"{target.name} is used with another type than it has")

    def _declare(self, name: bytes, target: Reference) -> None:
        known = self._undefined.get(name)
        if known is None:
            if target.kind == FUNCTION:
                if target.type[:1] != b"\x60":
                    raise ValueError(f"{target.name} is not defined here and its reference has no function type")
                self._types.setdefault(target.type, len(self._types))
            elif target.kind == GLOBAL and len(target.type) != 2:
                raise ValueError(f"{target.name} is not defined here and its reference has no global type")
            self._undefined[name] = target
            self._numbers[name] = len(self._numbers)
        elif known != target:
            raise ValueError(f"{target.name} is declared in two ways")

    # ------------------------------------------------------------ the object

    def object(self, features: Sequence[str], customs: Sequence[tuple[str, bytes]]) -> tuple[bytes, bytes]:
        self._evaluate()
        types = self._types
        sections = [MAGIC, section(1, vector(tuple(types))), section(2, self._imports())]
        kinds = [types[piece.type] for piece in self._code]
        if kinds:
            sections.append(section(3, vector([uleb(kind) for kind in kinds])))
        if self._own_globals:
            sections.append(section(6, vector([item.type + item.init for item in self._own_globals])))
        if self._slots:
            indices = [self._functions[name] for name in self._slots]
            sections.append(section(9, b"\1\0\x41\1\x0b" + vector([uleb(one) for one in indices])))
        relocations = []
        entries = b""
        code_at = 0
        if self._code:
            entries = self._entries()
            count = uleb(len(self._code))
            if self.holes:
                relocations.append(self._relocations("reloc.CODE", len(sections), self.holes, len(count)))
            sections.append(section(10, count + entries))
            code_at = sum(map(len, sections)) - len(entries)
        if self._data:
            payload, places = self._segments()
            if self.words:
                relocations.append(self._relocations("reloc.DATA", len(sections), places, 0))
            sections.append(section(11, payload))
        sections.append(custom("linking", self._linking()))
        if features:
            relocations.append(custom("target_features", vector([b"+" + string(name) for name in features])))
        tail = [custom(name, payload) for name, payload in customs]
        made = b"".join((*sections, *relocations, *tail))
        return made, self._model(kinds, entries, code_at)

    def _evaluate(self) -> None:
        """Numbers, values and places of all uses."""
        first = len(self._imported)
        self._functions = {name: index for index, (name, _) in enumerate(self._imported)}
        self._functions.update({piece.name: first + index for index, piece in enumerate(self._code)})
        functions, slots, types, numbers = self._functions, self._slots, self._types, self._numbers
        names = [name for name, _ in self._imported_globals] + [string(item.name) for item in self._own_globals]
        globals_ = {name: index for index, name in enumerate(names)}
        addresses = dict.fromkeys([name for name, one in self._undefined.items() if one.kind == DATA], 0)
        addresses.update(zip([piece.name for piece in self._data], self.addresses, strict=True))
        by_kind = (functions, slots, slots, addresses, addresses, addresses, types, globals_)
        self._heads: list[bytes] = []
        self._tails: list[bytes] = []
        self._fives: list[bytes] = []
        self._words: list[int] = []
        for kind, addend, target, name in self._read:
            if isinstance(target, bytes):
                index = value = types[target]
            else:
                index, value = numbers[name], by_kind[kind][name]
            tail = uleb(index)
            if kind in KINDS_WITH_ADDEND:
                tail += sleb(addend)
                value += addend
            value &= 0xFFFFFFFF
            self._heads.append(b"%c" % kind)
            self._tails.append(tail)
            self._fives.append(leb5(value if kind == MEMORY_ADDR_LEB or value < 1 << 31 else signed32(value)))
            self._words.append(value)

    def _imports(self) -> bytes:
        types, slots = self._types, len(self._slots)
        imports = [b"\x03env\x0f__linear_memory\x02\0" + uleb(-(-self._size // PAGE))]
        for name, one in self._imported:
            imports.append(b"".join((*_host(name, one), b"\0", uleb(types[one.type]))))
        for name, one in self._imported_globals:
            imports.append(b"".join((*_host(name, one), b"\3", one.type)))
        # Always there: LLD crashes on a table relocation in a program where nobody imports the table.
        imports.append(b"\x03env\x19__indirect_function_table\x01\x70\0" + uleb(slots + 1 if slots else 0))
        return vector(imports)

    def _entries(self) -> bytes:
        entries = bytearray().join([piece.entry for piece in self._code])
        fives, put = self._fives, _put5
        for at, one in zip(self.holes, self.hole_uses, strict=True):
            put(entries, at, fives[one])
        return bytes(entries)

    def _segments(self) -> tuple[bytes, list[int]]:
        """The payload of the data section, and where the words lie in it."""
        content = bytearray()
        for piece, address in zip(self._data, self.addresses, strict=True):
            content += bytes(address - len(content)) + piece.content
        words, put = self._words, _put4
        for at, one in zip(self.words, self.word_uses, strict=True):
            put(content, at, words[one])
        self._content = bytes(content)
        parts = [uleb(len(self._data))]
        position = len(parts[0])
        places: list[int] = []
        for piece, address in zip(self._data, self.addresses, strict=True):
            size = len(piece.content)
            head = b"\0\x41" + sleb(address) + b"\x0b" + uleb(size)
            position += len(head)
            parts += head, self._content[address : address + size]
            places += [position + hole for hole in piece.holes]
            position += size
        return b"".join(parts), places

    def _relocations(self, name: str, ordinal: int, places: Sequence[int], base: int) -> bytes:
        uses = self.hole_uses if name == "reloc.CODE" else self.word_uses
        offsets = [base + place for place in places]
        heads, tails, low = self._heads, self._tails, _LOW
        high = [uleb(n) for n in range((offsets[-1] >> 7) + 1)]
        entries = [
            b"".join((heads[one], low[offset & 127], high[offset >> 7], tails[one]))
            if offset > 127
            else heads[one] + uleb(offset) + tails[one]
            for offset, one in zip(offsets, uses, strict=True)
        ]
        return custom(name, uleb(ordinal - 1) + vector(entries))

    def _linking(self) -> bytes:
        first = len(self._imported)
        table = [
            b"".join((b"\0", uleb(piece.flags), uleb(first + number), piece.name))
            for number, piece in enumerate(self._code)
        ]
        table += [
            b"".join((b"\1", uleb(piece.flags), piece.name, uleb(number), b"\0", uleb(len(piece.content))))
            for number, piece in enumerate(self._data)
        ]
        outside = len(self._imported_globals)
        table += [
            b"".join((b"\2", uleb(item.flags), uleb(outside + number), string(item.name)))
            for number, item in enumerate(self._own_globals)
        ]
        counts = [0, 0, 0]
        for name, one in self._undefined.items():
            flags = UNDEFINED | WEAK if one.weak else UNDEFINED
            index = counts[one.kind]
            counts[one.kind] += 1
            if one.kind == DATA:
                table.append(b"\1" + uleb(flags) + name)
            elif _is_plain(one):
                table.append(b"%c%c%b" % (one.kind, flags, uleb(index)))
            else:
                table.append(b"%c%c%b%b" % (one.kind, flags | EXPLICIT_NAME, uleb(index), name))
        payload = b"\x02" + section(8, vector(table))
        if self._data:
            infos = [_info(piece) for piece in self._data]
            payload += section(5, vector(infos))
        return payload

    # ------------------------------------------------------------ the model

    def _model(self, kinds: list[int], entries: bytes, code_at: int) -> bytes:
        """The section that holds it, empty for what is unusual (see `slack.model`)."""
        if not self._is_usual():
            return b""
        types = self._types
        imported, code = self._imported, self._code
        outside_data = [name for name, one in self._undefined.items() if one.kind == DATA]
        values = self._values({name: number for number, name in enumerate(outside_data)})
        if values is None:
            return b""
        starts, total = [], 0
        for class_ in values[0]:
            starts.append(total)
            total += len(class_)
        numbers = [starts[class_] + number for class_, number in values[1]]
        seen = [number for number, piece in enumerate(code) if not piece.flags & LOCAL]
        public = [
            (piece.name, place)
            for piece, place in zip(self._data, self.addresses, strict=True)
            if not piece.flags & LOCAL
        ]
        model = Model(
            types=list(types),
            function_types=kinds,
            names=[piece.name for piece in code],
            strong=[number for number in seen if not code[number].flags & WEAK],
            weak=[number for number in seen if code[number].flags & WEAK],
            outside=[name for name, _ in imported],
            outside_types=[types[one.type] for _, one in imported],
            imports=[(number, *_host(name, one)) for number, (name, one) in enumerate(imported) if not _is_plain(one)],
            align=max([piece.align for piece in self._data], default=0),
            size=self._size,
            data=self._content if self._data else b"",
            data_names=[name for name, _ in public],
            data_offsets=[place for _, place in public],
            outside_data=outside_data,
            globals=[],
            values=[list(class_) for class_ in values[0]],
            holes=self.holes,
            hole_values=[numbers[one] for one in self.hole_uses],
            words=self.words,
            word_values=[numbers[one] for one in self.word_uses],
            code_at=code_at,
            code_size=len(entries),
        )
        return model_section(model)

    def _is_usual(self) -> bool:
        undefined = self._undefined.values()
        return (
            not self._own_globals
            and not any(one.weak or one.name == CONSTRUCTORS_NAME for one in undefined)
            and all(
                _is_plain(one) and one.name == STACK_POINTER_NAME and one.type == b"\x7f\x01"
                for _, one in self._imported_globals
            )
            and not any(piece.flags & (WEAK | EXPORTED | NO_STRIP) or piece.section == ".bss" for piece in self._data)
            and len(undefined) < ADDENDS
        )

    def _values(self, outside_data: dict[bytes, int]) -> tuple[list[dict[int, int]], list[tuple[int, int]]] | None:
        """The model's values by class, and class and number of each use; None where one is unusual."""
        classes: list[dict[int, int]] = [{} for _ in range(SLOTS + 2)]
        first, code = len(self._imported), len(self._code)
        found: list[tuple[int, int]] = []
        for kind, addend, target, name in self._read:
            if isinstance(target, bytes):
                class_, key = TYPES, self._types[target]
            elif target.kind == FUNCTION:
                index = self._functions[name]
                class_, key = (OWN, index - first) if index >= first else (FAR, index)
                if kind in TABLE_KINDS:
                    class_ += SLOTS
            elif target.kind == GLOBAL:
                class_, key = STACK_POINTER, 0
            else:
                number = self._numbers[name] - code
                if number < len(self._data):
                    class_, key = OWN_DATA, self.addresses[number] + addend
                    if not 0 <= key <= self._size:
                        return None
                else:
                    class_, key = FAR_DATA, outside_data[name] + addend * ADDENDS
            values = classes[class_]
            found.append((class_, values.setdefault(key, len(values))))
        return classes, found


def _is_plain(one: Reference) -> bool:
    """Whether its import has the symbol's own name."""
    return (one.module or "env", one.field or one.name) == ("env", one.name)


def _host(name: bytes, one: Reference) -> tuple[bytes, bytes]:
    return string(one.module or "env"), string(one.field) if one.field else name


def _info(piece: DataPiece) -> bytes:
    name = piece.name[1:] if len(piece.name) < 129 else piece.name[2:] if len(piece.name) < 16386 else b""
    if not name:
        raise ValueError("a name of no length, or a very long one")
    full = piece.section.encode() + b"." + name
    return b"".join((uleb(len(full)), full, uleb(piece.align), b"\0"))
