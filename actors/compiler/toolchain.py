"""What a toolchain is: plain functions that turn modules of one language into objects, and objects into a program.

`identity` and `normalise` run in the Project's own process; `summarise`, `compile` and `link` run as jobs, possibly
in another process, so everything that they take and give is a Struct that encodes and decodes.

The planner knows no language. It resolves names from what `summarise` says (see `Summary`), and hands `compile` the
answer: a `Binding` for every external name, and the `Interface` of everything those names drag in.
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


class Struct(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Base of everything that crosses a job's border. Such values are trees: the garbage collector, which looks at a
    hundred thousand of them in a project of 1,000 modules, need not know of them."""


class Item(Struct, frozen=True):
    """Something that a module defines at its top level or in an inline module.

    `name` is qualified inside the module: `area`, `metric::scale`. `kind` is the language's own word ("function",
    "struct", ...; "module" for an inline module). `digest` names the item's tokens (comments, blanks and positions
    left out). `interface` is what another module can see of it, in the toolchain's own form, for `compile` to read
    back; `interface_names` are the names that occur in it, resolved in the scope of this item. `names` are all names
    that occur in the item and may mean something outside of it. `line` counts from 1.

    `code`: it is compiled to a fragment of its own, and has a fingerprint; `digest` then covers all of its own text
    that its code depends on. `inferred`: its signature is not all written; `infer` says what it is, and until then
    `interface` holds whatever decides it. Where text is seen that an own item alone depends on (statements of the top
    level, whose variables functions may read), that is an item too ("<top>"). `start` and `stop` are the span of its
    text, in characters of the normalised source; `memo` is the toolchain's own note, by which it knows an item of
    `SummariseJob.before` again, and places in it, without reading it.
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


class Use(Struct, frozen=True):
    """An import. `path` counts from the source root: `("a", "b")`; one that begins with "" does whatever the module has
    of that name itself. `scope` is the inline module that it stands in
    ("" for the file itself). `alias` is the name that it introduces; a glob introduces none."""

    path: tuple[str, ...]
    alias: str = ""
    glob: bool = False
    scope: str = ""
    public: bool = False
    line: int = 0
    column: int = 0
    length: int = 1


class Name(Struct, frozen=True):
    """A name that occurs: `helper`, `shapes::area`. `scope` is the inline module it occurs in; the place is that of
    its first occurrence there. `qualified` names contain `::` and must resolve, from the source root where they begin
    with it; a plain one may turn out to be a local or a builtin, which only `compile` can tell, so one that resolves to
    nothing is no error here."""

    name: str
    scope: str = ""
    line: int = 0
    column: int = 0


class Summary(Struct, frozen=True):
    """What a module says about itself: a pure function of (toolchain identity, module, path, normalised source)."""

    items: tuple[Item, ...] = ()
    uses: tuple[Use, ...] = ()
    names: tuple[Name, ...] = ()
    statements_line: int = 0
    """Line of the first top-level statement, 0 where there is none. Only the entry module may have some."""


class SummariseJob(Struct, frozen=True):
    """`before` is a summary of an earlier text of the module, if one is at hand: what has not changed since may be
    taken over from it. The answer must not depend on it. `shown`: the text itself is wanted too, for something is to be
    said of it; that is for the worker, no toolchain need look at it."""

    module: str
    path: str
    source: bytes
    before: Summary | None = None
    shown: bool = False


class Summarised(Struct, frozen=True):
    """The summary, or None and the errors that prevent one."""

    summary: Summary | None = None
    diagnostics: tuple[Diagnostic, ...] = ()


class Binding(Struct, frozen=True):
    """What an external name means: the answer of the planner's resolution.

    `module` and `item` are the winner (`item` "" where the name means the module itself); `rest` is what of the
    name's path follows the item (`Colour::Red` with `item` "Colour": `rest` "Red"). `absent` lists the candidates that
    were looked for before the winner, and found missing. `failed`: an error about this name has been reported; what
    uses it must stay silent.
    """

    scope: str
    name: str
    module: str = ""
    item: str = ""
    rest: str = ""
    absent: tuple[str, ...] = ()
    failed: bool = False


class Interface(Struct, frozen=True):
    """What other modules see of an item, and what the names in it mean there: name -> "module::item"."""

    module: str
    item: str
    kind: str
    interface: bytes
    names: dict[str, str] = msgspec.field(default_factory=dict)


class Signature(Struct, frozen=True):
    """What others see of an inferred item, now that it is known: the types of its parameters and of its result, and the
    text of its defaults, in the toolchain's own form; equal bytes for equal types, whoever looks. `names` are the items
    ("module::item", sorted) that it drags in: the types, and what defaults name."""

    interface: bytes
    names: tuple[str, ...] = ()


class CompileJob(Struct, frozen=True):
    """One module to compile. `interfaces` is keyed by "module::item" and closed: every value of every `names` in it is
    a key of it, or an item of the job's own module. `options` are those that change code."""

    module: str
    path: str
    source: bytes
    resolution: tuple[Binding, ...] = ()
    interfaces: dict[str, Interface] = msgspec.field(default_factory=dict)
    options: dict[str, str] = msgspec.field(default_factory=dict)
    summary: Summary | None = None
    """That of the source: where its items stand."""
    signatures: dict[str, Signature] = msgspec.field(default_factory=dict)
    """Of the module's inferred items, by name: the answer of `infer`. They count as if they were written."""
    fingerprints: dict[str, Digest] = msgspec.field(default_factory=dict)
    """Of the module's items with code, by name. Empty where nothing is to be reused, now or later."""
    fragments: dict[Digest, bytes] = msgspec.field(default_factory=dict)
    """Fragments of earlier compiles, by fingerprint. An item whose fragment is here need not be compiled again; the
    object must be the same bytes as without it. One that cannot be read is none."""


class Inference(Struct, frozen=True):
    """The signatures of all inferred items of a module, by name. Empty where something is wrong, which `compile` will
    report."""

    signatures: dict[str, Signature] = msgspec.field(default_factory=dict)


class Discovered(Struct, frozen=True):
    """An input that only the compile found out about: its path and digest, or "" where it was absent.

    No key covers it, and the planner does not look at it again. So an object that has one is compiled in every build.
    """

    path: str
    digest: Digest


class Object(Struct, frozen=True):
    """A compiled module. `functions` are all its functions in source order, `compiled` those that were not reused. One
    that belongs to an item of another name begins with that name and a dot.

    If the job had fingerprints, a custom section `FUNCTIONS_SECTION` of `data` lists the fragments that later compiles
    may reuse: msgpack, an array of [fingerprint as 32 raw bytes, offset, length], the offset counting from the
    first byte of `data`."""

    data: bytes
    functions: tuple[str, ...] = ()
    compiled: tuple[str, ...] = ()
    warnings: tuple[Diagnostic, ...] = ()
    discovered: tuple[Discovered, ...] = ()


class Unknown(Struct, frozen=True):
    """A plain name that means nothing where it stands: an error says so there. Another module may have it."""

    name: str
    line: int
    column: int


class Compiled(Struct, frozen=True):
    """The object, or None and the errors that prevent one. There may be none of these where all that is wrong stands in
    another module that this one is built upon, or stands in a circle with: that one tells it, and this one is blocked.
    `otherwise` is what to say of it should none of them have failed."""

    object: Object | None = None
    diagnostics: tuple[Diagnostic, ...] = ()
    otherwise: tuple[Diagnostic, ...] = ()
    unknown: tuple[Unknown, ...] = ()


class LinkInput(Struct, frozen=True):
    """An object to link. `digest` names its bytes, for a linker that remembers; "" where nobody computed it. `data` may
    be left out (empty) for a toolchain that `RemembersLinks`: the entry's never is."""

    module: str
    path: str
    data: bytes
    digest: Digest = ""


class Linkage(Struct, frozen=True):
    """An earlier link of the same entry, by this toolchain in another process: the `state` that it left, and the bytes
    of its program, which was validated."""

    state: bytes
    program: bytes


class LinkJob(Struct, frozen=True):
    """Objects in link order: the entry first, then by module name. `earlier`: a link to go on from, if one is at hand.
    The program must not depend on it."""

    entry: str
    objects: tuple[LinkInput, ...]
    options: dict[str, str] = msgspec.field(default_factory=dict)
    fresh: bool = False
    """Nothing remembered from an earlier link may be used."""
    earlier: Linkage | None = None


class Linked(Struct, frozen=True):
    """The program, or None and the errors that prevent one: `findings` about the entry, or about the item of it that
    each names.

    `proof` is a smaller module that is valid exactly if the program is, to be validated in its place; empty: there is
    none. It is for a linker that changes the program it made before, and was told that this one is valid
    (`RemembersLinks.accepted`).

    `needs`: nothing was linked, for these objects (digests) were left out of the job, and are needed: it comes again
    with them. `state`: what this toolchain wants to have, in another process, to go on from this program
    (`LinkJob.earlier`); empty where a state that it gave before will do.
    """

    program: bytes | None = None
    exports: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    proof: bytes = b""
    needs: tuple[Digest, ...] = ()
    state: bytes = b""


class Toolchain(Protocol):
    """A language: what every toolchain has. Found through the entry-point group `wasmill.toolchains`, or named as
    `module:attribute`.

    The protocols below are its optional parts. A toolchain has a part if it has the methods; nothing else declares it.
    """

    @property
    def name(self) -> str: ...

    @property
    def extensions(self) -> tuple[str, ...]:
        """What its files' names end in, with the dot: (".ext",)."""
        ...

    @property
    def needs_import_objects(self) -> bool:
        """Whether a module can be compiled only when the objects of its imports are there."""
        ...

    def identity(self) -> Digest:
        """Digest of everything about the toolchain that changes its output."""
        ...

    def files(self) -> tuple[str, ...]:
        """Absolute paths of the files that its identity comes from, for whoever wants to know, without asking for it,
        whether it may have changed; () where there are none."""
        ...

    def normalise(self, raw: bytes) -> bytes:
        """The bytes that count: digest, lexer, columns and diagnostics all see these and no others. Raises
        `SourceError` with a `Finding` (of line 0: about the whole file) where `raw` is no text of the language."""
        ...

    def summarise(self, job: SummariseJob) -> Summarised: ...

    def compile(self, job: CompileJob) -> Compiled: ...

    def link(self, job: LinkJob) -> Linked: ...


@runtime_checkable
class Infers(Protocol):
    """A toolchain whose summaries have `inferred` items."""

    def infer(self, job: CompileJob) -> Inference:
        """The signatures of the module's inferred items. Runs as a job, before `compile`; so the job has neither
        signatures nor fingerprints."""
        ...


@runtime_checkable
class Prepares(Protocol):
    """A toolchain that takes a while to load."""

    def prepare(self) -> None:
        """Import all that jobs need. A worker process calls this before it takes the first job, so that no job is
        charged for it."""
        ...


@runtime_checkable
class Compares(Protocol):
    """A toolchain that can say more about its objects and programs than which byte differs."""

    def difference(self, old: bytes, new: bytes) -> str:
        """Where two objects, or two programs, begin to differ, in words."""
        ...


@runtime_checkable
class RemembersLinks(Protocol):
    """A toolchain whose linker changes the program that it made before.

    It is given only some of the objects to link, and asks for those that it needs (`Linked.needs`).
    """

    def accepted(self, program: bytes) -> None:
        """The program was validated. Called where the toolchain linked, with each program that was: the next `proof`
        may take this one for granted."""
        ...


@runtime_checkable
class NamesEntry(Protocol):
    """A toolchain whose programs do not begin in a file `main` with one of its extensions."""

    @property
    def entry_names(self) -> tuple[str, ...]:
        """File names that are a project's entry where nobody names one, in the order in which they are looked for."""
        ...


@runtime_checkable
class LinksKinds(Protocol):
    """A toolchain whose objects another linker takes, or whose linker takes objects of other toolchains.

    One that does not say so makes objects of a kind with its own name, and links these alone."""

    @property
    def object_kind(self) -> str:
        """The kind of its objects."""
        ...

    @property
    def linked_kinds(self) -> tuple[str, ...]:
        """The kinds of objects that `link` takes, in one program."""
        ...


@runtime_checkable
class Explains(Protocol):
    """A toolchain with diagnostic codes of its own, beside those of the engine."""

    def codes(self) -> Mapping[str, Code]:
        """The registry, by code (`actors.codes.registry`). No code of the engine or of another toolchain is in it."""
        ...


def load_toolchain(name: str) -> Toolchain:
    """The toolchain at "module:attribute": an instance, or a class to make one of. Raises ImportError or
    AttributeError."""
    from importlib import import_module

    module, _, attribute = name.partition(":")
    found: Any = import_module(module)
    for part in attribute.split("."):
        found = getattr(found, part)
    made: Toolchain = found() if isinstance(found, type) else found
    return made
