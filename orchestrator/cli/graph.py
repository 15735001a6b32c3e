"""`wasmill graph`: which module depends on which."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace

import orchestrator
from orchestrator.cli import session
from orchestrator.cli.arguments import add_path, folder
from orchestrator.cli.output import Output
from orchestrator.config import load
from orchestrator.report import graph as report
from orchestrator.report.diagnostics import render_all
from orchestrator.report.paths import here
from orchestrator.report.terminal import Style

SUMMARY = "Show which module depends on which. Nothing is compiled."

DETAILS = """\
The tree begins at the entry; modules that nothing reaches follow. A module that was drawn
before is marked (above), one that closes a circle (cycle). An import that leads to no module
is an error, on standard error; the graph has all others.

examples:
  wasmill graph
  wasmill graph app --dot | dot -Tsvg > modules.svg

exit codes: 0 done, 1 the sources are wrong, 2 wrong usage or configuration, 3 wasmill failed
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
        elif graph.modules:
            output.out(report.tree(graph, config.entry.rpartition(".")[0]))
        diagnostics = graph.diagnostics
        if diagnostics:
            output.insist(render_all(diagnostics, Style.of(sys.stderr), here(config.root)))
        return 1 if any(each.severity == "error" for each in diagnostics) else 0

    return session.in_loop(body, output)
