"""The graph against obviously right, slow computations."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from actors.planner.graph import Graph

NAMES = [f"m{number}" for number in range(8)]
graphs = st.dictionaries(st.sampled_from(NAMES), st.lists(st.sampled_from(NAMES), max_size=4), min_size=1).map(
    lambda found: {name: found.get(name, []) for name in NAMES[: max(1, len(found))] + list(found)}
)


def reach(imports: dict[str, list[str]], start: str) -> set[str]:
    found, stack = set(), [start]
    while stack:
        for target in imports[stack.pop()]:
            if target in imports and target not in found:
                found.add(target)
                stack.append(target)
    return found


def test_a_diamond() -> None:
    graph = Graph({"a": ["b", "c"], "b": ["d"], "c": ["d"], "d": []})
    assert graph.imports == {"a": ("b", "c"), "b": ("d",), "c": ("d",), "d": ()}
    assert graph.dependents == {"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c")}
    assert graph.edge_count == 4
    assert graph.transitive_imports(["a"]) == {"a", "b", "c", "d"}
    assert graph.transitive_dependents(["d"]) == {"a", "b", "c", "d"}
    assert graph.components == [("d",), ("b",), ("c",), ("a",)]


def test_edges_to_oneself_and_out_of_the_project_are_left_out() -> None:
    assert Graph({"a": ["a", "elsewhere"]}).imports == {"a": ()}


def test_a_cycle_is_one_component() -> None:
    graph = Graph({"a": ["b"], "b": ["c"], "c": ["a", "d"], "d": [], "e": ["a"]})
    assert graph.components == [("d",), ("a", "b", "c"), ("e",)]


def test_a_chain_of_twenty_thousand_is_no_deeper_than_one() -> None:
    chain = {f"m{number}": [f"m{number + 1}"] for number in range(20_000)}
    graph = Graph({**chain, "m20000": []})
    assert len(graph.components) == 20_001
    assert graph.components[0] == ("m20000",)
    assert graph.remaining_path(dict.fromkeys(graph.imports, 1.0))["m20000"] == 20_001


def test_the_remaining_path_counts_what_is_built_upon_a_module() -> None:
    graph = Graph({"top": ["left", "right"], "left": ["base"], "right": ["base"], "base": [], "alone": []})
    durations = {"top": 1.0, "left": 5.0, "right": 2.0, "base": 3.0, "alone": 4.0}
    assert graph.remaining_path(durations) == {"top": 1.0, "left": 6.0, "right": 3.0, "base": 9.0, "alone": 4.0}


@given(graphs)
def test_reach_and_components_equal_the_slow_ones(imports: dict[str, list[str]]) -> None:
    graph = Graph(imports)
    reached = {name: reach(imports, name) for name in imports}
    for name in imports:
        assert graph.transitive_imports([name]) == reached[name] | {name}
        assert graph.transitive_dependents([name]) == {n for n in imports if name in reached[n]} | {name}
        mates = {n for n in imports if n == name or (n in reached[name] and name in reached[n])}
        assert set(graph.components[graph.component_of[name]]) == mates
    position = graph.component_of
    assert all(position[target] <= position[name] for name, targets in graph.imports.items() for target in targets)


@given(graphs, st.randoms(use_true_random=False))
def test_the_order_in_which_modules_were_listed_does_not_show(imports: dict[str, list[str]], random: object) -> None:
    shuffled = list(imports.items())
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert Graph(dict(shuffled)).components == Graph(imports).components
