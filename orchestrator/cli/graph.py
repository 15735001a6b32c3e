"""`wasmill graph`: which module depends on which."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

import orchestrator
from orchestrator.cli import session
from orchestrator.cli.arguments import add_path, folder
from orchestrator.cli.output import Output
from orchestrator.config import load
from orchestrator.report import graph as report

SUMMARY = "Show which module depends on which. Nothing is compiled."

DETAILS = """\
The tree begins at the entry; modules that nothing reaches follow. A module that was drawn
before is marked (above), one that closes a circle (cycle).

examples:
  wasmill graph
  wasmill graph app --dot | dot -Tsvg > modules.svg
"""


def configure(parser: ArgumentParser) -> None:
    add_path(parser)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help='{"modules": [...], "edges": [[module, imported], ...]}')
    form.add_argument("--dot", action="store_true", help="for Graphviz")


def execute(arguments: Namespace, output: Output) -> int:
    config = load(folder(arguments))

    async def body() -> int:
        async with orchestrator.open(arguments.path) as project:
            graph = await project.graph()
        if arguments.json:
            output.out(report.as_json(graph))
        elif arguments.dot:
            output.out(report.dot(graph))
        else:
            output.out(report.tree(graph, config.entry.rpartition(".")[0]))
        return 0

    return session.in_loop(body, output)
