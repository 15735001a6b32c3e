"""Trouble of our own, of a toolchain, of linking."""

from __future__ import annotations

from orchestrator.toolchains.ruchy.codes.entry import Code, registry

CODES: dict[str, Code] = registry(
    Code(
        "E0901",
        "internal",
        "internal error",
        "The compiler failed on this module. That is a bug of ours: please report it with the source.",
        "(a module that makes the compiler itself fail)",
        "(report it; until it is mended, write that part in another way)",
    ),
    Code(
        "E0902",
        "internal",
        "toolchain failed",
        "A program that the toolchain runs ended with an error; its output follows.",
        "(a program that the toolchain needs is broken, or is given what it does not understand)",
        "(read its output, and cure what that names)",
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
        "E0904",
        "internal",
        "toolchain gave no result in time",
        "A job took longer than the timeout, or more memory than the limit.",
        "(a module that takes longer to compile than `timeout` allows)",
        "[build]\ntimeout = 600",
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
)
