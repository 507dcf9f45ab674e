"""From settings to the parts that the loop and a replay are made of."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import cast

from monitor.files import Files
from monitor.judge import floors
from monitor.judge.candidates import states
from monitor.judge.candidates.kept import Kept
from monitor.judge.candidates.policy import Policy
from monitor.judge.facts import HOUR, Rules
from monitor.judge.floors import Floor, Floors
from monitor.judge.outputs import KEPT, Outputs, carried
from monitor.rows import DAY, EVENTS, RETRY, Layout
from monitor.settings import Alerts, MonitorSettings
from monitor.store.cohorts import Timing
from monitor.store.state import Limits, State, kept_in
from scorer import schema_files
from scorer.quality.requirement import Requirement
from scorer.wire.decode import Decoder

LOGGER = logging.getLogger(__name__)

_SECOND = HOUR // 3_600


def decoder(settings: MonitorSettings) -> Decoder:
    """Reads events."""
    return Decoder(schema_files.events(settings.schemas), schema_files.framing(settings.schemas))


def outputs_of(file: Path) -> Outputs | None:
    """What scores mean in a state; ``None`` where there is none yet. Raises StateHeld and StateRefused."""
    kept = kept_in(file, KEPT)
    return None if kept is None else Outputs.of_json(kept)


def floors_of(kept: bytes | None, elsewhere: Iterable[Floor], written: Sequence[Requirement], now: int) -> Floors:
    """The requirements in force: by what a state has ``kept``, by the verdicts topic (``elsewhere``) and by what is
    written down. ``now``: microseconds since 1970."""
    held = (Floors() if kept is None else Floors.of_json(kept)).join(elsewhere)
    for sentence in floors.less(held, written):
        LOGGER.warning(
            "%s asks for less than is in force, which stays: %s; a person may loosen it: monitor requirements loosen",
            floors.FILE,
            sentence,
        )
    return held.meet(written, now)


def opened(settings: MonitorSettings, outputs: Outputs, files: Files, lists: Sequence[str] = ()) -> State:
    """The state of the model, made where there is none; ``lists`` are the carried fields that name lists. Raises
    StateHeld and StateRefused."""
    monitor = settings.monitor
    state = State(
        files.state,
        Layout(carried(outputs, monitor.segments, lists)),
        timing(settings),
        implicit=0.0 if monitor.implicit_negative else None,
        limits=Limits(monitor.memory),
    )
    if state.kept(KEPT) is None:
        with state.step() as step:
            step.keep(KEPT, outputs.to_json())
    return state


def timing(settings: MonitorSettings) -> Timing:
    """When cohorts close and days are forgotten."""
    monitor = settings.monitor
    return Timing(
        matures_after=round(monitor.matures_after_hours * HOUR),
        retention=round(monitor.retention_days * DAY),
        idle_after=round(monitor.idle_seconds * _SECOND),
        ahead=round(monitor.ahead_seconds * _SECOND),
        recorded_for=round(monitor.recorded_days * DAY),
    )


def policy(settings: MonitorSettings, outputs: Outputs) -> Policy:
    """What is asked of candidates."""
    asked = settings.candidates
    plain = {"brier": 0.0} if outputs.kind != "regression" and outputs.scale == "probability" else {}
    return Policy(
        approve=frozenset(cast("tuple[states.State, ...]", asked.approve)),
        approvers=asked.approvers,
        most_open=asked.most_open,
        alpha=asked.alpha,
        margins=asked.margins or plain,
        fields=asked.fields,
        trial=asked.trial,
        shadow_least=round(asked.shadow_hours * HOUR),
        shadow_most=round(asked.shadow_days * DAY),
        pairs_least=asked.pairs,
        matched_least=asked.matched,
        trial_least=round(asked.trial_hours * HOUR),
        trial_most=round(asked.trial_days * DAY),
        watch=round(asked.watch_hours * HOUR),
        corpus=asked.corpus is not None,
        ratchet=asked.ratchet,
    )


def sources(settings: MonitorSettings) -> dict[str, str]:
    """The names in Kafka of the topics of which predictions come."""
    return {EVENTS: settings.topics.events, RETRY: settings.topics.retry}


def shadowed(settings: MonitorSettings, files: Files, outputs: Outputs | None) -> tuple[str, ...]:
    """The versions that the candidates of a state want to be scored in the shadow, before it is opened."""
    if outputs is None:
        return ()
    return Kept.read(partial(kept_in, files.state)).wanted(time.time_ns() // 1_000, policy(settings, outputs))


def rules(alerts: Alerts) -> Rules:
    """When to alarm."""
    minute = HOUR // 60
    return Rules(
        oldest=round(alerts.oldest_days * DAY),
        remind=round(alerts.remind_hours * HOUR),
        no_labels=round(alerts.no_labels_hours * HOUR),
        no_predictions=round(alerts.no_predictions_minutes * minute),
        stale=round(alerts.stale_minutes * minute),
        coverage_least=alerts.coverage_least,
        behind=round(alerts.behind_minutes * minute),
        unscored_most=alerts.unscored_most,
    )
