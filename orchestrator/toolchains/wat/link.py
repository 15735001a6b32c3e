"""Links objects of WebAssembly text with Wasmill's own linker."""

from __future__ import annotations

from actors.compiler.toolchain import Linked, LinkJob
from actors.diagnostics import Finding
from orchestrator.wasm.fragment import FUNCTION, LOCAL, UNDEFINED
from orchestrator.wasm.linker import LinkError, link
from orchestrator.wasm.reader import read_object

START = "_start"
UNLINKED = "E1102"


def link_text(job: LinkJob) -> Linked:
    """The program. It begins with the function that is exported as `_start`; without one it is a library, which exports
    what its entry does."""
    entry = job.objects[0]
    defined = [
        symbol.name
        for symbol in read_object(entry.data).symbols
        if symbol.kind == FUNCTION and not symbol.flags & (LOCAL | UNDEFINED)
    ]
    exports = {name: name for name in defined if name != START}
    objects = [(linked.path, linked.data) for linked in job.objects]
    try:
        program = link(objects, entry=START if START in defined else None, exports=exports)
    except LinkError as error:
        return Linked(findings=tuple([Finding(UNLINKED, line) for line in str(error).splitlines()]))
    return Linked(program=program, exports=tuple(sorted(exports)))
