"""The fast linker: a layout with slack, so that a change in one module moves nothing that belongs to another.

    model.py     what linking needs of one object, digested once, and kept in the object's own `wasmill.link` section
    library.py   the runtime, of which only what is reached gets linked
    image.py     a program: where every module's ranges lie, its bytes by module, and what replaces one of them
    resident.py  the last image of a Project that stays open
    frozen.py    that image as bytes, from which another process goes on; outline.py, what it says of each module

The layout is a pure function of the objects, never of history: relinking gives, byte for byte, what linking from
scratch does. Each module owns ranges of function indices, addresses and table slots, rounded up to a size class of its
own size; spare indices are functions that trap. Types and host imports are sorted. No dead code is removed, but from
the runtime. A module that takes the address of a function gets a table slot of its own for it, so pointers to one
function differ between modules: Ruchy cannot compare them.

Whatever it does not handle, errors included, raises `UnusualError`, and `orchestrator.wasm.linker` takes over: init
functions, exports of the objects' own, aliases, undefined weak symbols, imported globals.
"""
