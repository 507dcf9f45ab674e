"""What a tick came to, as records in the outbox for the verdicts topic."""

from __future__ import annotations

import json
from dataclasses import asdict

from monitor.alerts.records import Records
from monitor.auditing import AUDIT, Auditing
from monitor.judge.candidates.candidate import Candidate, Transition
from monitor.sender import VERDICT
from monitor.service.watching import Told
from monitor.settings import MonitorSettings
from monitor.store.step import Step


class Telling:
    """Puts what is new or changed into the outbox of a step: verdicts, requirements in force, and incidents of which
    people are told."""

    def __init__(self, settings: MonitorSettings) -> None:
        self._records = Records(settings.scorer.model, settings.schemas)

    def __call__(self, step: Step, told: Told) -> None:
        """Put them there, under names that are unique within the tick."""
        records = [self._records.verdict(one) for one in told.verdicts]
        records += [self._records.incident(one, step.clock.time) for one in told.incidents]
        for record in records:
            step.send(VERDICT, record.key.decode(), record.packed())
        for floor in told.floors:
            record = self._records.floor(floor)
            step.send(VERDICT, f"{record.key.decode()}/{floor.revision}", record.packed())


class Moving:
    """Puts each move of a candidate into the outbox of a step, for the audit topic."""

    def __init__(self, auditing: Auditing) -> None:
        self._auditing = auditing

    def __call__(self, step: Step, one: Candidate, move: Transition) -> None:
        """Put it there: its state where scorers name a pointer, and all of it as JSON in the reason."""
        facts = {
            "id": one.id,
            "number": move.number,
            "why": move.why,
            "checks": [asdict(check) for check in move.checks],
        }
        record = self._auditing.record(
            move.time,
            done=True,
            pointer="candidate",
            version=one.version,
            digest=bytes.fromhex(one.digest),
            previous=move.before,
            reason=f"{move.after}: {json.dumps(facts, ensure_ascii=False)}",
            command=f"candidate-{one.id}-{move.number}",
            actor=move.actor,
            actor_reason=move.why,
        )
        step.send(AUDIT, f"candidate/{one.id}/{move.number}", record)
