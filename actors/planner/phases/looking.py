"""Between sources and objects: the facts that a build is for are made, and what is missing for that is had first."""

from __future__ import annotations

from collections.abc import Mapping

from actors.digests import digest
from actors.events import GraphResolved
from actors.messages import Find, Found, Load, Loaded, Message
from actors.planner.desk import Desk
from actors.planner.diagnostics import nothing_there, unread
from actors.planner.layers import Layer
from actors.planner.phases.compiling import Compiling
from actors.planner.phases.inferring import Inferring
from actors.planner.phases.linking import Linking
from actors.planner.phases.step import Step
from actors.planner.phases.summarising import Summarising
from actors.planner.run import Phase, Run
from actors.planner.state import PlannedModule


class Looking(Step):
    """Updates the facts. Where they need something, the build goes to summarise or to infer, and comes back."""

    def __init__(
        self, desk: Desk, summarising: Summarising, inferring: Inferring, compiling: Compiling, linking: Linking
    ) -> None:
        super().__init__(desk)
        self._summarising = summarising
        self._inferring = inferring
        self._compiling = compiling
        self._linking = linking

    def advance(self, run: Run) -> None:
        if run.phase is Phase.SCANNED:
            run.restart()
        facts, settings = self.desk.facts, run.settings
        last = Layer.RESOLUTION if settings.goal == "graph" else Layer.PARTS
        objects = self.desk.believed(settings)
        need = facts.update(settings, objects, last)
        if need is not None and need.summaries:
            self._summarising.begin(run, need.summaries)
        elif need is not None:
            self._inferring.begin(run, need.inferences)
        elif silent := unread(facts, settings.entry):
            self._summarising.show(run, silent)
        elif settings.goal == "graph":
            self._graph_known(run)
        else:
            self._keys_known(run, objects)

    def _graph_known(self, run: Run) -> None:
        facts, settings = self.desk.facts, run.settings
        self._tell_graph(run)
        run.settle(facts.sources, {})
        self._compiling.condemn(run)
        run.diagnostics += nothing_there(settings, run.diagnostics, facts.sources)
        for found in run.condemned.values():  # nothing is compiled, so nobody else will say it
            run.diagnostics += found
        run.go(Phase.ANSWERED)

    def _tell_graph(self, run: Run) -> None:
        events, graph = self.desk.events, self.desk.facts.graph
        if events.wanted:
            modules, components = len(graph.imports), len(graph.components)
            events.emit(GraphResolved(build=run.id, modules=modules, edges=graph.edge_count, components=components))

    def _keys_known(self, run: Run, objects: Mapping[str, PlannedModule]) -> None:
        """On to what the build is for. Where the last one answers for every module, and was one of these modules, what
        it had to say is said again; one whose program is gone finds out when it asks for it to be in its place."""
        facts, settings, plan = self.desk.facts, run.settings, self.desk.plan
        touched = set(facts.touched)
        run.settle(
            facts.sources,
            {one: objects[one] for one in facts.sources if one in objects and one not in touched and facts.key(one)},
        )
        every = plan is not None and plan.succeeded and len(run.settled) == len(facts.sources) == len(plan.modules)
        if plan is not None and every and not run.diagnostics and not run.program_lost:
            run.from_plan = True
            run.program, run.program_key = plan.program, plan.program_key
            self._linking.publish(run)
            return
        self._tell_graph(run)
        if settings.goal == "lookup":
            keys = [facts.key(module) or digest(b"no such module") for module in settings.lookup]
            run.go(Phase.LOOKING_UP)
            self.desk.ask(run, Find(build=run.id, keys=tuple(keys)))
        else:
            self._compiling.begin(run)


class LookingUp(Step):
    """Asks for no more than what the cache has of some modules."""

    def answered(self, run: Run, request: Message, answer: Message) -> None:
        if isinstance(answer, Found):
            for module in run.settings.lookup:
                entry = answer.entries.get(self.desk.facts.key(module))
                if entry is not None:
                    run.looked_up[module] = entry
            digests = sorted({entry.digest for entry in run.looked_up.values()})
            if digests:
                self.desk.ask(run, Load(build=run.id, digests=tuple(digests)))
                return
        elif isinstance(answer, Loaded):
            run.fresh.update(answer.data)
        else:
            super().answered(run, request, answer)
        run.go(Phase.FINISHED)

    def advance(self, run: Run) -> None:
        pass
