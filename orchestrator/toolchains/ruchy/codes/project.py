"""Files and the project around the sources."""

from __future__ import annotations

from orchestrator.toolchains.ruchy.codes.entry import Code, registry

CODES: dict[str, Code] = registry(
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
        "Brackets, blocks, types and patterns nest at most 128 deep.",
        "((((...))))",
        "let inner = f(x); g(inner)",
    ),
    Code(
        "E0804",
        "project",
        "module name not usable",
        "A module's file and folders are named like identifiers: letters, digits and `_`.",
        "my-module.ruchy",
        "my_module.ruchy",
    ),
    Code(
        "E0805",
        "project",
        "names collide",
        "Two module names differ only in case or in Unicode form, and are one file on some systems.",
        "Shapes.ruchy and shapes.ruchy",
        "shapes.ruchy and figures.ruchy",
    ),
    Code(
        "E0806",
        "project",
        "one module, two files",
        "`a.ruchy` and `a/mod.ruchy` would both be the module `a`.",
        "a.ruchy and a/mod.ruchy",
        "a/mod.ruchy alone",
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
        'entry = "mian.ruchy"',
        'entry = "main.ruchy"',
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
        "// shapes.ruchy\nprintln(1);",
        "// shapes.ruchy\npub fun show() { println(1) }",
    ),
    Code(
        "E0811",
        "project",
        "no sources",
        "There is no module under the source root.",
        "an empty folder",
        "a folder with main.ruchy in it",
    ),
)
