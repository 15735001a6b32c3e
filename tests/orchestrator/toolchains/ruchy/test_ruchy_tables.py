"""Tables over the nodes of a tree: one that misses a node is an error when it is imported."""

import importlib
from typing import Union

import pytest

from orchestrator.toolchains.ruchy.check import checker, hir
from orchestrator.toolchains.ruchy.check.function import HANDLERS
from orchestrator.toolchains.ruchy.syntax import tree
from orchestrator.toolchains.ruchy.tables import complete


def test_a_table_that_misses_a_node():
    complete({int, str}, Union[int, str], "t")
    with pytest.raises(TypeError, match=r"t lacks \['str'\]"):
        complete({int}, Union[int, str], "t")
    with pytest.raises(TypeError, match=r"has \['float'\]"):
        complete({int: 1, str: 2, float: 3}, Union[int, str], "t")


@pytest.mark.parametrize("name", ["check.parts", "lower.table"])
def test_a_new_node_makes_the_import_fail(name, monkeypatch):
    module = importlib.import_module(f"orchestrator.toolchains.ruchy.{name}")
    monkeypatch.setattr(hir, "Expr", Union[hir.Expr, bytes])
    with pytest.raises(TypeError, match="bytes"):
        importlib.reload(module)
    monkeypatch.undo()
    importlib.reload(module)


def test_every_expression_has_a_handler(monkeypatch):
    monkeypatch.delitem(HANDLERS, tree.Comprehension)
    with pytest.raises(TypeError, match="Comprehension"):
        importlib.reload(checker)
    monkeypatch.undo()
    importlib.reload(checker)
