"""The fast linker: a layout with slack, so that a change in one module moves nothing of another module.

    model.py     what linking needs of one object; our compiler keeps it in the object's `wasmill.link` section, and of
                 other compilers' objects it is made when they are linked
    positions.py position-independent code, without the globals that it takes addresses from
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
imports are sorted, and so are the table slots of functions that several modules can name, because pointers to one
function are equal. Dead code is removed from the runtime and from archives only.

The fast linker raises `UnusualError` for everything that it does not handle: weak symbols that nothing defines, globals
of several modules, init functions in COMDAT groups, and all errors. Then `orchestrator.wasm.linker` links, and it
also reports the errors. So the fast linker needs no messages for users.
"""
