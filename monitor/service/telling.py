"""What a tick came to, as records in the outbox for the verdicts topic."""

from __future__ import annotations

from monitor.alerts.records import Records
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
