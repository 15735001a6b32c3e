"""`wasmill explain`: what a diagnostic code means."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace

from orchestrator.cli.output import Output
from orchestrator.codes import all_codes
from orchestrator.errors import UsageError
from orchestrator.report.explain import code_text
from orchestrator.report.terminal import Style
from orchestrator.settings import near_miss

SUMMARY = "Say what an error or warning code means, with a wrong and a right example."

DETAILS = """\
Without a CODE: the list of all codes.

example:
  wasmill explain E0501
"""


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("code", metavar="CODE", nargs="?", help="as it stands in brackets: E0501")


def execute(arguments: Namespace, output: Output) -> int:
    codes = all_codes()
    if arguments.code is None:
        output.out("\n".join(f"{code.code}  {code.title}" for _, code in sorted(codes.items())))
        return 0
    code = codes.get(arguments.code.upper())
    if code is None:
        hint = near_miss(arguments.code.upper(), tuple(codes)) or "`wasmill explain` lists all codes"
        raise UsageError(f"there is no code `{arguments.code}`", hint=hint)
    output.out(code_text(code, Style.of(sys.stdout)))
    return 0
