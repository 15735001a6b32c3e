"""Diagnostic codes: the form of an entry, and the registry of those that the engine itself reports.

| range | kind |
|---|---|
| E0501-E0506 | import: how names resolve across modules |
| E0801-E0899 | project: files and the project around the sources |
| E0901-E0999 | internal: trouble of our own, of a toolchain, of linking |
| W0801-W0899 | warning: files that are left out |

A toolchain has its own registry (`actors.compiler.toolchain.Explains`). It may report these codes too, with the same
meaning, but must not define them. A code never changes its meaning. Examples are in no particular language: `.ext`
stands for the extension of a toolchain.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Kind = Literal[
    "syntax",
    "name",
    "type",
    "arity",
    "return",
    "import",
    "duplicate",
    "unsupported",
    "project",
    "internal",
    "warning",
]


class Code(msgspec.Struct, frozen=True):
    """One code. `wrong` is a small program (or situation) that causes it, `right` is the corrected one."""

    code: str
    kind: Kind
    title: str
    explanation: str
    wrong: str
    right: str


def registry(*entries: Code) -> dict[str, Code]:
    """The entries by code. Raises ValueError where two entries have the same code."""
    by_code = {entry.code: entry for entry in entries}
    if len(by_code) != len(entries):
        raise ValueError("a diagnostic code is defined twice")
    return by_code


CODES: dict[str, Code] = registry(
    Code(
        "E0501",
        "import",
        "unknown module",
        "No file of the project is this module. `a::b` is `a/b.ext` or `a/b/mod.ext` under the source root.",
        "use shpaes::area;",
        "use shapes::area;",
    ),
    Code(
        "E0502",
        "import",
        "unknown item in a module",
        "The module exists, and defines nothing of this name.",
        "use shapes::aera;",
        "use shapes::area;",
    ),
    Code(
        "E0503",
        "import",
        "private item",
        "Only what is written `pub` can be used from another module.",
        "// shapes.ext: fun area() { }\nuse shapes::area;",
        "// shapes.ext: pub fun area() { }\nuse shapes::area;",
    ),
    Code(
        "E0504",
        "import",
        "ambiguous name",
        "Two imports of one rank give this name. Import the one that is meant by its own name, or write its path.",
        "use a::*; use b::*; f();",
        "use a::f; use b::*; f();",
    ),
    Code(
        "E0505",
        "import",
        "no such standard module",
        "The standard library of the reference implementation is not part of this target.",
        "use std::fs;",
        "// read the input on standard input instead",
    ),
    Code(
        "E0506",
        "import",
        "a module imports itself",
        "A module sees its own items without an import.",
        "// shapes.ext\nuse shapes::area;",
        "// shapes.ext\nfun area() { }",
    ),
    Code(
        "E0801",
        "project",
        "not UTF-8",
        "Source files are UTF-8 text.",
        "a file saved as Latin-1",
        "the same file saved as UTF-8",
    ),
    Code(
        "E0802",
        "project",
        "file too large",
        "A source file has at most 16 MiB.",
        "a generated table of 20 MiB",
        "the table cut into several modules",
    ),
    Code(
        "E0803",
        "project",
        "nesting too deep",
        "Brackets, blocks, types and patterns nest at most 128 deep, and a path has at most 128 parts.",
        "((((...))))",
        "let inner = f(x); g(inner)",
    ),
    Code(
        "E0804",
        "project",
        "module name not usable",
        "A module's file and folders are named like identifiers: letters, digits and `_`.",
        "my-module.ext",
        "my_module.ext",
    ),
    Code(
        "E0805",
        "project",
        "names collide",
        "Two module names differ only in case or in Unicode form, and are one file on some systems.",
        "Shapes.ext and shapes.ext",
        "shapes.ext and figures.ext",
    ),
    Code(
        "E0806",
        "project",
        "one module, two files",
        "`a.ext` and `a/mod.ext` would both be the module `a`; so would an inline module `b` of `a.ext` and the "
        "file `a/b.ext` both be `a::b`.",
        "a.ext and a/mod.ext",
        "a/mod.ext alone",
    ),
    Code(
        "E0807",
        "project",
        "unreadable file",
        "The file exists and cannot be read.",
        "a file without read permission",
        "the same file with it",
    ),
    Code(
        "E0808",
        "project",
        "no such entry",
        "The entry named on the command line or in the settings does not exist.",
        'entry = "mian.ext"',
        'entry = "main.ext"',
    ),
    Code(
        "E0809",
        "project",
        "source kept changing",
        "The file changed each time it was read, so no build of it would be true.",
        "a script that rewrites the file all the time",
        "build when it has finished",
    ),
    Code(
        "E0810",
        "project",
        "statements outside the entry",
        "Only the entry module may have statements at its top level.",
        "// shapes.ext\nprintln(1);",
        "// shapes.ext\npub fun show() { println(1) }",
    ),
    Code(
        "E0811",
        "project",
        "no sources",
        "There is no module under the source root.",
        "an empty folder",
        "a folder with an entry module in it",
    ),
    Code(
        "E0814",
        "project",
        "program not written",
        "The program was linked, and could not be written to its place: no room, no permission, or no folder.",
        'output = "/no/such/place.wasm"',
        'output = "build"',
    ),
    Code(
        "E0815",
        "project",
        "program outside of the project",
        "A link leads from the output's place out of the project, where nobody asked for a program: what is there may "
        "be somebody else's. A setting that names the place itself is followed.",
        'build is a link to /srv/www, and `output = "build"`',
        'output = "/srv/www"',
    ),
    Code(
        "E0901",
        "internal",
        "internal error",
        "The compiler failed on this module. That is a bug of ours: please report it with the source.",
        "(a module that makes the compiler itself fail)",
        "(report it; until it is fixed, write that part in another way)",
    ),
    Code(
        "E0903",
        "internal",
        "cannot link",
        "The objects do not make a program.",
        "(objects that contradict one another: a cache that somebody else wrote to, or a bug of ours)",
        "wasmill build --force",
    ),
    Code(
        "E0905",
        "internal",
        "not what a fresh build makes",
        "`--verify` compiled an object again, or linked the program again, from the same manifest, and the bytes "
        "differ. Something depends on more than its manifest says, or the toolchain does not always give the same.",
        "(a toolchain that reads a file, or the clock, and does not say so)",
        "(make the toolchain name all its inputs; then `wasmill cache clear`, and build again)",
    ),
    Code(
        "E0906",
        "internal",
        "no linker for these objects",
        "A program is linked by one toolchain: the entry's own, or another one of the project that takes all kinds of "
        "objects which the entry's modules are compiled to. There is none for these.",
        "(an entry that uses modules of two languages, neither of whose linkers takes the objects of the other)",
        "(use modules of one language, or a toolchain whose linker takes both)",
    ),
    Code(
        "W0801",
        "warning",
        "file skipped",
        "A source file whose name, or a folder on whose path, can name no module is left out: names are identifiers. "
        "The entry alone may have any name. The same is said of what is no regular file.",
        "my-helpers.ext",
        "my_helpers.ext",
    ),
    Code(
        "W0802",
        "warning",
        "linked folder skipped",
        "Links to folders are not followed, because they may lead out of the project or in a circle, and there are "
        "sources behind this one. Links to files are followed where they stay inside of the source root.",
        "lib -> ../shared, and `use lib::shapes;`",
        "a copy of ../shared at lib, or both projects under one source root",
    ),
    Code(
        "W0803",
        "warning",
        "sources in the output folder",
        "The folder that programs are written to is not searched for sources, and there are some in it.",
        "build/config.ext, where `output` is `build`",
        'src/config.ext, or `output = "dist"`',
    ),
)
