"""Trouble of our own, of a toolchain, of linking."""

from __future__ import annotations

from orchestrator.toolchains.ruchy.codes.entry import Code, registry

CODES: dict[str, Code] = registry(
    Code(
        "E0901",
        "internal",
        "internal error",
        "The compiler failed on this module. That is a bug of ours: please report it with the source.",
        "",
        "",
    ),
    Code(
        "E0902",
        "internal",
        "toolchain failed",
        "A program that the toolchain runs ended with an error; its output follows.",
        "",
        "",
    ),
    Code(
        "E0903",
        "internal",
        "cannot link",
        "The objects do not make a program.",
        "",
        "",
    ),
    Code(
        "E0904",
        "internal",
        "toolchain gave no result in time",
        "A job took longer than the timeout, or more memory than the limit.",
        "",
        "",
    ),
)
