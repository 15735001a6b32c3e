"""The modules that get no object in a build, and why: their own errors, or a module that they depend on.

Which of two failures comes first depends on the schedule, and the result must not. So a failed module blocks everything
above it, whether that was compiled or had failed itself.
"""

from __future__ import annotations

from collections.abc import Iterable

from actors.diagnostics import Diagnostic
from actors.planner.graph import Graph
from actors.planner.state import State, States


class Failures:
    """`states` are the states of the build's modules: failing and blocking moves modules there."""

    def __init__(self, states: States) -> None:
        self._states = states
        self.marked: dict[str, list[Diagnostic]] = {}
        """Modules that fail whatever their compile finds, and the errors known before it."""
        self.errors: dict[str, list[Diagnostic]] = {}
        """Of failed modules."""
        self.unexplained: dict[str, list[Diagnostic]] = {}
        """Modules that have no object because of something that another module reports, and what to report if none
        does. They count as running until all others have ended."""
        self.blocked_by: dict[str, str] = {}
        """The failed module, by blocked module. A running module may stand here before it is blocked."""

    def mark_failed(self, module: str, errors: Iterable[Diagnostic]) -> None:
        """The module fails, whatever its compile finds."""
        self.marked.setdefault(module, []).extend(errors)

    def fail(self, module: str, errors: Iterable[Diagnostic], graph: Graph) -> list[str]:
        """The module failed. Everything that depends on it is blocked, unless it is in a cycle with it. Returns the
        modules that became blocked."""
        self.errors[module] = list(errors)
        self._states.set(module, State.FAILED)
        newly: list[str] = []
        component = graph.component_of[module]
        for dependent in sorted(graph.transitive_dependents([module])):
            state = self._states[dependent]
            if graph.component_of[dependent] == component or state is State.BLOCKED:
                continue
            # A worker has it: it is blocked when its outcome is here, because only then its slot is free.
            if state is State.RUNNING:
                self.blocked_by.setdefault(dependent, module)
                continue
            self.block(dependent, module)
            newly.append(dependent)
        return newly

    def block(self, module: str, by: str) -> None:
        """The module gets no object, because `by` failed. Its own errors are dropped: had `by` failed first, nobody
        would have compiled it."""
        self._states.set(module, State.BLOCKED)
        self.blocked_by.setdefault(module, by)
        self.errors.pop(module, None)

    def blocker(self, module: str, graph: Graph) -> str:
        """The failed module outside of this one's cycle that it depends on, or ""."""
        if module in self.blocked_by:
            return self.blocked_by[module]
        if not self._states.counts[State.FAILED]:
            return ""
        component = graph.component_of[module]
        for below in sorted(graph.transitive_imports([module])):
            if graph.component_of[below] != component and self._states[below] is State.FAILED:
                return below
        return ""

    def only_unexplained_left(self) -> bool:
        """Whether all modules have ended, except the unexplained ones and those that wait for them."""
        counts = self._states.counts
        return bool(self.unexplained) and self._states.open_count == len(self.unexplained) + counts[State.WAITING]

    def explanations(self, graph: Graph) -> list[tuple[str, str]]:
        """The unexplained modules, each with the failed one that it depends on, in a cycle or not; "" where there is
        none. To be asked when all others have ended."""
        failed = set(self._states.members(State.FAILED))
        below = graph.transitive_imports
        return [(module, min(failed & below([module]), default="")) for module in sorted(self.unexplained)]

    def reported(self) -> list[Diagnostic]:
        """The errors of all modules that failed and are not blocked."""
        return [one for module, errors in self.errors.items() if self._states[module] is State.FAILED for one in errors]
