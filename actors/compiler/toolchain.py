"""The protocol of a toolchain: plain functions that turn modules of one language into objects, and objects into a
program.

`identity` and `normalise` run in the Project's own process. `summarise`, `compile` and `link` run as jobs, possibly in
another process, so everything that they take and return can be encoded and decoded.

The planner knows no language. It resolves names with what `summarise` says (see `Summary`), and gives `compile` the
result: a `Binding` for each external name, and the `Interface` of each item that these names need.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import msgspec

from actors.diagnostics import Diagnostic, Finding
from actors.digests import Digest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from actors.codes import Code

FUNCTIONS_SECTION = "wasmill.functions"
"""The custom section in which an object lists its fragments: see `Object`."""


class JobValue(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The base of all values that jobs take and return. They are trees without cycles, so the garbage collector does
    not track them: a project of 1,000 modules has a hundred thousand."""


class Item(JobValue, frozen=True):
    """A definition at the top level of a module or in an inline module.

    `name` is qualified inside the module: `area`, `metric::scale`. `kind` is the language's own word ("function",
    "struct", ...; "module" for an inline module). `digest` is that of the item's tokens, without comments,
    blanks and positions. `interface` is what another module can see of it, in the toolchain's own form, which `compile`
    reads; `interface_names` are the names in it, resolved in the scope of this item. `names` are all names in the item
    that may mean something outside of it; `impl Name` is one that counts if it means an item of kind "trait". `line`
    counts from 1.

    `members` are the names inside of an item that a glob of it brings: the variants of an enum.

    `code`: the item is compiled to its own fragment and has a fingerprint; `digest` then covers all of its text that
    its code depends on. `inferred`: its signature is not completely written; `infer` returns it, and until then
    `interface` has what decides it. Text outside of items that items depend on (top-level statements, whose variables
    functions may read) is an item too ("<top>"). `start` and `stop` are the span of its text, in characters of the
    normalised source. `memo` is a note of the toolchain, by which it recognises an item of `SummariseJob.before`, and
    places in it, without reading its text.
    """

    name: str
    kind: str
    public: bool
    digest: Digest
    interface: bytes = b""
    interface_names: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    line: int = 0
    code: bool = False
    inferred: bool = False
    start: int = 0
    stop: int = 0
    memo: bytes = b""
    members: tuple[str, ...] = ()


class Use(JobValue, frozen=True):
    """An import. `path` is relative to the source root: `("a", "b")`; one that begins with "" ignores what the module
    itself has of that name. `scope` is the inline module in which it stands ("" for the file itself). `alias` is the
    name that it introduces; a glob introduces none."""

    path: tuple[str, ...]
    alias: str = ""
    glob: bool = False
    scope: str = ""
    public: bool = False
    line: int = 0
    column: int = 0
    length: int = 1


class Name(JobValue, frozen=True):
    """A name in the source: `helper`, `shapes::area`. `scope` is the inline module in which it occurs; `line` and
    `column` are those of its first occurrence there. A qualified name contains `::` and must resolve; one that begins
    with `::` does so from the source root. A plain name may be a local or a builtin, which only `compile` knows, so it
    is no error here if it resolves to nothing; nor is an `optional` one."""

    name: str
    scope: str = ""
    line: int = 0
    column: int = 0
    optional: bool = False


class Summary(JobValue, frozen=True):
    """What a module says about itself: a pure function of (toolchain identity, module, path, normalised source)."""

    items: tuple[Item, ...] = ()
    uses: tuple[Use, ...] = ()
    names: tuple[Name, ...] = ()
    statements_line: int = 0
    """Line of the first top-level statement, 0 where there is none. Only the entry module may have some."""


class SummariseJob(JobValue, frozen=True):
    """One module to summarise. `before` is the summary of an earlier text of the module, if there is one: unchanged
    parts may be copied from it, but the answer must not depend on it. `shown` asks the worker to return the text too,
    because a diagnostic will show a line of it; toolchains ignore it."""

    module: str
    path: str
    source: bytes
    before: Summary | None = None
    shown: bool = False


class Summarised(JobValue, frozen=True):
    """The summary, or None and the errors that prevent one."""

    summary: Summary | None = None
    diagnostics: tuple[Diagnostic, ...] = ()


class Binding(JobValue, frozen=True):
    """What an external name means, as the planner resolved it.

    `module` and `item` are what the name means (`item` is "" for the module itself); `rest` is the part of the name's
    path behind the item (`Colour::Red` with `item` "Colour": `rest` "Red"). `absent` lists the candidates that were
    looked for first and found absent. `failed`: an error about this name has been reported, so uses of it report none.
    """

    scope: str
    name: str
    module: str = ""
    item: str = ""
    rest: str = ""
    absent: tuple[str, ...] = ()
    failed: bool = False


class Interface(JobValue, frozen=True):
    """What other modules see of an item. `names` says what the names in it mean: name -> "module::item"."""

    module: str
    item: str
    kind: str
    interface: bytes
    names: dict[str, str] = msgspec.field(default_factory=dict)


class Signature(JobValue, frozen=True):
    """What other modules see of an inferred item: the types of its parameters and its result, and the text of its
    defaults, in the toolchain's own form. Equal types have equal bytes in all modules. `names` are the items that it
    needs ("module::item", sorted): the types, and what defaults name. `whole`: the types are others for each user, so
    all of the item's text is seen, and what is said here only marks it."""

    interface: bytes
    names: tuple[str, ...] = ()
    whole: bool = False


class Surroundings(JobValue, frozen=True):
    """Where a job is done, and under which limits: for a toolchain that calls other programs. No key has anything of
    it, so no byte of a result may depend on it.

    `root` is the absolute source root, "" for modules in memory; `project` is the project's folder. `seconds` and
    `memory` (bytes) are what a program may take, 0 for no limit: in a worker process the engine itself sees to that.
    """

    root: str = ""
    project: str = ""
    seconds: float = 0.0
    memory: int = 0


class CompileJob(JobValue, frozen=True):
    """One module to compile. `interfaces` has the keys "module::item" and is closed: each value of each `names` in it
    is a key of it, or an item of the job's own module. `options` are those that change code."""

    module: str
    path: str
    source: bytes
    resolution: tuple[Binding, ...] = ()
    interfaces: dict[str, Interface] = msgspec.field(default_factory=dict)
    options: dict[str, str] = msgspec.field(default_factory=dict)
    summary: Summary | None = None
    """The summary of the source, with the places of its items."""
    signatures: dict[str, Signature] = msgspec.field(default_factory=dict)
    """The signatures of the module's inferred items, by name, as `infer` returned them. They count as written."""
    fingerprints: dict[str, Digest] = msgspec.field(default_factory=dict)
    """The fingerprints of the module's items with code, by name. Empty where nothing is to be reused, now or later."""
    fragments: dict[Digest, bytes] = msgspec.field(default_factory=dict)
    """Fragments of earlier compiles, by fingerprint. An item whose fragment is here need not be compiled again, but the
    object must have the same bytes as without it. A fragment that cannot be read counts as missing."""
    earlier: Object | None = None
    """For a toolchain that `Reconsiders`: an object that this module had, perhaps of another text, other inputs and
    other settings."""
    around: Surroundings = Surroundings()


class Inference(JobValue, frozen=True):
    """The signatures of all inferred items of a module, by name. Empty where there is an error, which `compile` will
    report."""

    signatures: dict[str, Signature] = msgspec.field(default_factory=dict)


class Discovered(JobValue, frozen=True):
    """An input that only the compile discovered: its path, and the digest of its bytes, or "" where it was absent.

    No key covers it. The object is reused while all its inputs are the same, including the absent ones. The path is
    absolute, or relative to the source root. One in the project's folder is stored relative to the source root, so that
    another checkout with the same contents may reuse the object; its bytes must not depend on where that folder is.
    """

    path: str
    digest: Digest


class Object(JobValue, frozen=True):
    """A compiled module. `functions` are all its functions in source order, `compiled` those that were not reused. A
    function that belongs to an item of another name begins with that name and a dot.

    If the job had fingerprints, a custom section `FUNCTIONS_SECTION` of `data` lists the fragments that later compiles
    may reuse: msgpack, an array of [fingerprint as 32 raw bytes, offset, length], with the offset from the first byte
    of `data`. If something was `discovered`, none is reused, because no fingerprint covers that."""

    data: bytes
    functions: tuple[str, ...] = ()
    compiled: tuple[str, ...] = ()
    warnings: tuple[Diagnostic, ...] = ()
    discovered: tuple[Discovered, ...] = ()


class UnknownName(JobValue, frozen=True):
    """A plain name that means nothing at its place, where an error says so. Another module may define it, and then the
    planner adds a hint to that error."""

    name: str
    line: int
    column: int


class Compiled(JobValue, frozen=True):
    """The object, or None and the errors that prevent one. There may be no errors where the cause is in another module
    that this one depends on: that module reports it, and this one is blocked. `otherwise` are the errors to report if
    no such module failed."""

    object: Object | None = None
    diagnostics: tuple[Diagnostic, ...] = ()
    otherwise: tuple[Diagnostic, ...] = ()
    unknown: tuple[UnknownName, ...] = ()


class LinkInput(JobValue, frozen=True):
    """An object to link. `digest` is that of its bytes, for a linker that remembers; "" where it was not computed.
    `data` may be empty for a toolchain that `RemembersLinks`, except for the entry."""

    module: str
    path: str
    data: bytes
    digest: Digest = ""


class Linkage(JobValue, frozen=True):
    """An earlier link of the same entry by this toolchain in another process: the `state` that it left, and the bytes
    of its program, which was validated."""

    state: bytes
    program: bytes


class LinkJob(JobValue, frozen=True):
    """Objects in link order: the entry first, then by module name. `earlier` is a link from which to continue, if there
    is one. The program must not depend on it."""

    entry: str
    objects: tuple[LinkInput, ...]
    options: dict[str, str] = msgspec.field(default_factory=dict)
    fresh: bool = False
    """Whether nothing that is remembered of earlier links may be used."""
    earlier: Linkage | None = None
    around: Surroundings = Surroundings()


class Linked(JobValue, frozen=True):
    """The program, or None and the errors that prevent one: `findings` about the entry, or about the item of it that
    each names.

    `proof` is a smaller module that is valid exactly if the program is, to be validated in its place; empty: there is
    none. It is for a linker that changes its previous program, and was told that this one is valid
    (`RemembersLinks.accepted`).

    `needs` are objects (digests) that the job left out and the linker needs. Then nothing was linked, and the job comes
    again with them. `state` is what this toolchain needs in another process to continue from this program
    (`LinkJob.earlier`); empty where the state that it returned before is still good.
    """

    program: bytes | None = None
    exports: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    proof: bytes = b""
    needs: tuple[Digest, ...] = ()
    state: bytes = b""


class Toolchain(Protocol):
    """What every toolchain has. A toolchain is found through the entry-point group `wasmill.toolchains`, or named as
    `module:attribute`.

    The protocols below are optional parts. A toolchain has a part if it has its methods; nothing else declares it.
    """

    @property
    def name(self) -> str: ...

    @property
    def extensions(self) -> tuple[str, ...]:
        """The extensions of its source files, with the dot: (".ext",)."""
        ...

    @property
    def needs_import_objects(self) -> bool:
        """Whether a module can be compiled only after the objects of its imports exist."""
        ...

    def identity(self) -> Digest:
        """Digest of everything about the toolchain that changes its output."""
        ...

    def files(self) -> tuple[str, ...]:
        """Absolute paths of the files from which the identity comes, so that a caller can notice a change without
        computing the identity; () where there are none."""
        ...

    def normalise(self, raw: bytes) -> bytes:
        """Returns the normalised text. Digest, lexer, columns and diagnostics all use it, and never `raw`. Raises
        `SourceError` with a `Finding` (line 0: about the whole file) where `raw` is no text of the language."""
        ...

    def summarise(self, job: SummariseJob) -> Summarised: ...

    def compile(self, job: CompileJob) -> Compiled: ...

    def link(self, job: LinkJob) -> Linked: ...


@runtime_checkable
class Infers(Protocol):
    """A toolchain whose summaries have `inferred` items."""

    def infer(self, job: CompileJob) -> Inference:
        """Returns the signatures of the module's inferred items. It runs as a job before `compile`, so the job has
        neither signatures nor fingerprints."""
        ...


@runtime_checkable
class Prepares(Protocol):
    """A toolchain that takes a while to load."""

    def prepare(self) -> None:
        """Imports all that jobs need. A worker process calls this before its first job, so that no job is charged for
        it."""
        ...


@runtime_checkable
class Compares(Protocol):
    """A toolchain that can describe differences of its objects and programs."""

    def difference(self, old: bytes, new: bytes) -> str:
        """Describes where two objects, or two programs, begin to differ."""
        ...


@runtime_checkable
class RemembersLinks(Protocol):
    """A toolchain whose linker changes its previous program instead of linking from scratch.

    It gets only some of the objects, and asks for those that it needs (`Linked.needs`).
    """

    def accepted(self, program: bytes) -> None:
        """Notes that the program was validated, so that the next `proof` may rely on it. It is called in the process in
        which the toolchain linked."""
        ...


@runtime_checkable
class NamesEntry(Protocol):
    """A toolchain whose default entry is not a file `main` with one of its extensions."""

    @property
    def entry_names(self) -> tuple[str, ...]:
        """The file names of a default entry, in the order in which they are looked for."""
        ...


@runtime_checkable
class LinksKinds(Protocol):
    """A toolchain whose objects another linker takes, or whose linker takes objects of other toolchains.

    Other toolchains make objects of a kind with their own name, and link only these."""

    @property
    def object_kind(self) -> str:
        """The kind of its objects, a name."""
        ...

    @property
    def linked_kinds(self) -> tuple[str, ...]:
        """The kinds of objects that `link` takes together in one program."""
        ...


@runtime_checkable
class CallsPrograms(Protocol):
    """A toolchain whose jobs wait for other programs. Its jobs run in threads of the Project's own process, as many at
    a time as the build has slots, because worker processes would only wait too."""

    def interrupt(self) -> None:
        """Ends the programs that jobs of this toolchain wait for, because their build was cancelled. What the jobs then
        return counts for nothing."""
        ...


@runtime_checkable
class LinksWhole(Protocol):
    """A toolchain whose modules do not say what they need of one another, as in C. A program that has a module of such
    a toolchain has all modules of all such toolchains."""

    links_whole: bool


@runtime_checkable
class FreeNames(Protocol):
    """A toolchain whose files may have any name, because nothing imports its modules by their names alone. Other files
    are named like identifiers."""

    free_names: bool


@runtime_checkable
class Reconsiders(Protocol):
    """A toolchain that can tell from an earlier object of a module whether a compile would make the same bytes again.
    It then returns the object of `CompileJob.earlier`, with the inputs as they are now."""

    reconsiders: bool


@runtime_checkable
class RunsForeignCode(Protocol):
    """A toolchain whose settings may name programs to run. They do so only in a folder that the user trusts."""

    def foreign_code(self) -> str:
        """What of its settings runs code that the project chose, "" for nothing."""
        ...


@runtime_checkable
class TakesOptions(Protocol):
    """A toolchain with settings of its own, under `[toolchain.NAME]` of wasmill.toml."""

    @property
    def options(self) -> Mapping[str, str]:
        """By name of an option: what is allowed. It completes the sentence "... must be"."""
        ...

    def with_option(self, name: str, value: object) -> Toolchain:
        """Another toolchain, with this option set. `value` is as in the file: text, a number, a boolean, or a list or
        table of these. An option that changes the output changes `identity`, and so is in every key; others do not.
        Raises ValueError where the value is not allowed."""
        ...


@runtime_checkable
class Explains(Protocol):
    """A toolchain with its own diagnostic codes, beside those of the engine."""

    def codes(self) -> Mapping[str, Code]:
        """The registry, by code (`actors.codes.registry`). It has no codes of the engine or of other toolchains."""
        ...


def load_toolchain(name: str) -> Toolchain:
    """Returns the toolchain at "module:attribute", an instance or a class to instantiate. Raises ImportError or
    AttributeError."""
    from importlib import import_module

    module, _, attribute = name.partition(":")
    member: Any = import_module(module)
    for part in attribute.split("."):
        member = getattr(member, part)
    toolchain: Toolchain = member() if isinstance(member, type) else member
    return toolchain
