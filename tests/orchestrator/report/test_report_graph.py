"""The graph as a tree, as DOT, as JSON; and the graph's own answers."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest

from orchestrator.dependencies import DependencyGraph
from orchestrator.errors import ProjectError
from orchestrator.report.graph import as_json, dot, tree


def graph(*edges: str, alone: str = "") -> DependencyGraph:
    pairs = sorted((edge[0], edge[1]) for edge in edges)
    modules = sorted({module for pair in pairs for module in pair} | set(alone))
    return DependencyGraph(modules=tuple(modules), edges=tuple(pairs))


DIAMOND = graph("ab", "ac", "bd", "cd", alone="e")


def test_answers() -> None:
    assert DIAMOND.has_edge("a", "b")
    assert not DIAMOND.has_edge("b", "a")
    assert not DIAMOND.has_edge("a", "d")
    assert not DIAMOND.has_edge("a", "nowhere")
    assert DIAMOND.dependencies("a") == ["b", "c"]
    assert DIAMOND.dependencies("a", transitive=True) == ["b", "c", "d"]
    assert DIAMOND.dependents("d") == ["b", "c"]
    assert DIAMOND.dependents("d", transitive=True) == ["a", "b", "c"]
    assert DIAMOND.dependencies("e", transitive=True) == []
    with pytest.raises(ProjectError, match="there is no module `x`"):
        DIAMOND.dependents("x")


def test_a_cycle_does_not_hold_itself() -> None:
    cycle = graph("ab", "ba", "bc", "cc")
    assert cycle.dependencies("a", transitive=True) == ["b", "c"]
    assert cycle.dependents("a", transitive=True) == ["b"]
    assert cycle.dependencies("c") == []


def test_a_tree_draws_what_is_shared_once() -> None:
    shared = graph("ab", "ac", "bd", "cd", "de", alone="f")
    assert tree(shared) == "a\n├─ b\n│  └─ d\n│     └─ e\n└─ c\n   └─ d  (above)\nf"


def test_a_shared_leaf_has_nothing_above_to_look_for() -> None:
    assert tree(DIAMOND) == "a\n├─ b\n│  └─ d\n└─ c\n   └─ d\ne"


def test_the_entry_comes_first() -> None:
    assert tree(DIAMOND, "e").splitlines()[0] == "e"
    assert tree(DIAMOND, "missing").splitlines()[0] == "a"


def test_cycles_end() -> None:
    assert tree(graph("ab", "ba")) == "a\n└─ b\n   └─ a  (cycle)"
    assert tree(graph("ab", "bc", "cb"), "a") == "a\n└─ b\n   └─ c\n      └─ b  (cycle)"


def test_a_chain_longer_than_the_stack() -> None:
    names = [f"m{number:05}" for number in range(1_500)]
    chain = DependencyGraph(modules=tuple(names), edges=tuple(pairwise(names)))
    assert tree(chain).splitlines()[-1].endswith("└─ m01499")


def test_dot_and_json() -> None:
    small = DependencyGraph(modules=("a", 'q"x'), edges=(("a", 'q"x'),))
    assert dot(small) == 'digraph modules {\n  "a";\n  "q\\"x";\n  "a" -> "q\\"x";\n}'
    assert json.loads(as_json(small)) == {"modules": ["a", 'q"x'], "edges": [["a", 'q"x']]}
    assert tree(DependencyGraph(modules=(), edges=())) == ""
