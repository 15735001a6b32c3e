"""The end of a build: what the next one starts from is written down."""

from __future__ import annotations

from actors.messages import Message, Record, Recorded
from actors.planner.outcome import build_done, record_of, record_of_lookup
from actors.planner.phases.step import Step
from actors.planner.run import Phase, Run


class Recording(Step):
    """One `Record`, and then the answer."""

    def advance(self, run: Run) -> None:
        """The build is finished."""
        if run.phase is Phase.RECORDING:
            return
        desk = self.desk
        run.go(Phase.RECORDING)
        if run.settings.goal == "lookup":
            key = desk.facts.key
            if any(desk.planned_object(module, key(module)) for module in run.looked_up_in_vain()):
                desk.doubt()  # The last build says that it is there.
            desk.ask(run, record_of_lookup(run))
            return
        run.before = desk.plan
        desk.plan, request = record_of(run, desk.facts, desk.plan)
        desk.believes = desk.remembers
        if desk.remembers and not run.from_plan:
            used = {row.key for row in desk.facts.rows.values()}
            desk.known_entries = {key: entry for key, entry in desk.known_entries.items() if key in used}
        desk.ask(run, request)

    def answered(self, run: Run, request: Message, answer: Message) -> None:
        if not isinstance(answer, Recorded) or not isinstance(request, Record):
            super().answered(run, request, answer)
            return
        run.cache_needed_bytes = answer.needed_bytes
        cancelled = not request.finished
        run.done = build_done(run, self.desk.facts, self.desk.milliseconds(run), cancelled=cancelled)
        run.record = request
        run.go(Phase.ANSWERED)
