"""Links programs of several compilers: fast where only some modules changed, else from scratch, else not at all.

    fast          `slack`: a layout with slack, of which changed modules are replaced
    from scratch  `linker`: where the fast linker finds anything unusual, and to say what is wrong
    not at all    `MixedProgram.beyond` says why; then `wasm-ld` can be asked

The program is the same whatever was linked before. Objects of archives, and the runtime of a language, are one module
behind all others, of which a program has what it reaches (`slack.library`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from actors.digests import digest
from orchestrator.wasm.archive import Archive
from orchestrator.wasm.cursor import ObjectError
from orchestrator.wasm.gather import Gathered, InputError, Named, is_archive
from orchestrator.wasm.linker import STACK_SIZE, BeyondError, LinkError, input_error, link
from orchestrator.wasm.object_file import ObjectFile
from orchestrator.wasm.reader import read_object
from orchestrator.wasm.slack.library import Library
from orchestrator.wasm.slack.model import UnusualError
from orchestrator.wasm.slack.resident import FEW_MODULES, NeedsError, Resident

Parts = Callable[[Sequence[str]], Sequence[tuple[str, bytes]]]


class MixedObject(msgspec.Struct, frozen=True, gc=False):
    """An object to link: the name that messages have for it, its digest, and its bytes, which may be left out (empty)
    where the linker was given them before."""

    name: str
    digest: str
    data: bytes


class MixedProgram(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The program; or the digests of objects that are needed after all; or what is wrong, or beyond this linker, in
    lines. `proof` and `state` are as in `actors.compiler.toolchain.Linked`."""

    program: bytes | None = None
    proof: bytes = b""
    state: bytes = b""
    needs: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    beyond: tuple[str, ...] = ()


class Libraries:
    """What is linked by need: archives, and the runtime of a language.

    `start` is an object that begins the program, such as `crt1-command.o`, empty for none. Raises InputError for an
    archive that cannot be read."""

    def __init__(
        self,
        archives: Sequence[tuple[str, bytes]],
        *,
        start: bytes = b"",
        runtime_names: Sequence[str] = (),
        runtime: Parts | None = None,
    ) -> None:
        """`runtime` returns the parts (name, object) of a language's runtime that define given ones of its names, or
        are needed by them."""
        self.inputs = list(archives)
        self.start = start
        self.runtime_names, self.runtime = frozenset(runtime_names), runtime
        self._archives: list[tuple[str, Archive]] = []
        for name, data in archives:
            try:
                self._archives.append((name, Archive(data)))
            except ObjectError as error:
                raise InputError(name, error) from error
        self._known: dict[bytes, ObjectFile] = {}

    def library(self) -> Library:
        """The libraries as the fast linker takes them."""
        archived = {name for _, archive in self._archives for name in archive.symbols}
        return Library([*self.runtime_names, *archived], self.objects, archived - self.runtime_names)

    def objects(self, wanted: Sequence[str], replaced: Sequence[str]) -> list[Named]:
        """What these names need, the runtime first and then the archives' members in their order. Raises LinkError."""
        gathered = Gathered(self._read, replaced)
        try:
            for name, archive in self._archives:
                gathered.offer(name, archive)
            for name, data in self.parts([name for name in wanted if name in self.runtime_names]):
                gathered.take(name, data)
            for name in wanted:
                gathered.need(name)
        except InputError as error:
            raise input_error(error) from error
        order = sorted(range(len(gathered.objects)), key=lambda number: gathered.places[number])
        return [gathered.objects[number] for number in order]

    def parts(self, names: Sequence[str]) -> Sequence[tuple[str, bytes]]:
        """The parts of the runtime that these names of it need."""
        return self.runtime(names) if self.runtime is not None and names else ()

    def _read(self, data: bytes) -> ObjectFile:
        known = self._known.get(data)
        if known is None:
            known = self._known[data] = read_object(data)
        return known


class MixedLinker:
    """Links, and remembers the last link. For one thread at a time."""

    def __init__(self, libraries: Libraries, *, stack_size: int = STACK_SIZE, few: int = FEW_MODULES) -> None:
        self._libraries = libraries
        self._stack_size = stack_size
        self._fast = Resident(libraries.library(), few, stack_size=stack_size)

    def accepted(self, program: bytes) -> None:
        """Notes that this program was validated."""
        self._fast.accepted(program)

    def restore(self, state: bytes, program: bytes) -> None:
        """Continues from a link of another process, whose program was validated."""
        self._fast.restore(state, program)

    def link(
        self,
        objects: Sequence[MixedObject],
        *,
        entry: str | None = "_start",
        exports: Mapping[str, str] | None = None,
        keep: bool = True,
    ) -> MixedProgram:
        """Links these objects with the libraries. `entry` and `exports` are as in `linker.link`. `keep`: return a state
        for other processes, where that is worth it."""
        wanted = {**({} if entry is None else {entry: entry}), **(exports or {})}
        inputs = [(object_.digest or digest(object_.data), object_.data) for object_ in objects]
        try:
            program, proof = self._fast.link(inputs, self._libraries.start, wanted)
            return MixedProgram(program=program, proof=proof, state=self._fast.freeze() if keep else b"")
        except NeedsError as error:
            return MixedProgram(needs=error.digests)
        except UnusualError:
            pass
        missing = tuple([one.digest for one in objects if not one.data])
        return MixedProgram(needs=missing) if missing else self._from_scratch(objects, entry, exports or {})

    def _from_scratch(
        self, objects: Sequence[MixedObject], entry: str | None, exports: Mapping[str, str]
    ) -> MixedProgram:
        libraries = self._libraries
        start = [("the start of programs", libraries.start)] if libraries.start else []
        own = [(object_.name, object_.data) for object_ in objects]
        try:
            inputs = [*start, *own, *libraries.parts(_runtime_uses(own, libraries)), *libraries.inputs]
            return MixedProgram(program=link(inputs, entry=entry, exports=exports, stack_size=self._stack_size))
        except BeyondError as error:
            return MixedProgram(beyond=tuple(str(error).splitlines()))
        except LinkError as error:
            return MixedProgram(errors=tuple(str(error).splitlines()))


def _runtime_uses(objects: Sequence[tuple[str, bytes]], libraries: Libraries) -> list[str]:
    """The names of the runtime that these objects refer to."""
    if not libraries.runtime_names:
        return []
    symbols = set[str]()
    for name, data in objects:
        if not is_archive(data):
            try:
                symbols.update([symbol.name for symbol in read_object(data).symbols])
            except ObjectError as error:
                raise input_error(InputError(name, error)) from error
    return sorted(libraries.runtime_names & symbols)
