"""`wasmill trust`: say that a folder may choose programs that its builds run."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace

from orchestrator.cli.arguments import add_path, add_quiet, folder
from orchestrator.cli.output import Output
from orchestrator.report.terminal import shown
from orchestrator.trust import change

SUMMARY = "Say that a folder may choose programs that its builds run."

DETAILS = """\
A wasmill.toml may name a compiler, or a flag with which a compiler loads code. Such settings
are refused until the folder, or one around it, is trusted. Read the file before. Compilers
that wasmill finds by itself need no trust. WASMILL_TRUST does the same for one process: it
holds folders, separated by colons, or 1 for all.

exit codes: 0 done, 2 wrong usage, 3 the list cannot be written
"""


def configure(parser: ArgumentParser) -> None:
    add_path(parser)
    parser.add_argument("--remove", action="store_true", help="trust it no longer")
    add_quiet(parser)


def execute(arguments: Namespace, output: Output) -> int:
    place = os.path.abspath(folder(arguments))
    changed = change(place, trust=not arguments.remove)
    if arguments.remove:
        state = "is no longer trusted" if changed else "was not trusted"
    else:
        state = "is trusted" if changed else "was trusted already"
    output.say(f"{shown(place)} {state}")
    return 0
