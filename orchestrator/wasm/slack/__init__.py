"""The fast linker: a layout with slack, so that a change in one module moves nothing of another module.

    model.py     what linking needs of one object; computed once and kept in the object's `wasmill.link` section
    library.py   the runtime, of which only the reachable part is linked
    chunk.py     one module's part of a program
    image.py     a program as ranges and chunks of its modules, and the replacement of one module
    program.py   the bytes of an image, and the proof that a change to it is valid
    resident.py  the last image of a Project that stays open
    frozen.py    that image as bytes, so that another process can continue from it
    outline.py   what a frozen image says of each module

The layout is a pure function of the objects, never of history: relinking gives the same bytes as linking from scratch.
This is what lets an incremental link be checked against a full one, and a cached program be shared.

Each module owns ranges of function indices, addresses and table slots. The size of a range is rounded up to a size
class, so that a module can grow a little without moving its neighbours; spare function indices trap. Types and host
imports are sorted. Dead code is removed from the runtime only. A module that takes the address of a function gets its
own table slot for it, so pointers to one function differ between modules; Ruchy cannot compare them.

The fast linker raises `UnusualError` for everything that it does not handle: init functions, exports that objects ask
for, aliases, undefined weak symbols, imported globals, and all errors. Then `orchestrator.wasm.linker` links, and it
also reports the errors. So the fast linker needs no messages for users.
"""
