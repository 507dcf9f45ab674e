"""The monitor's settings: the scorer's, from the same file, and a section of its own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, field_validator, model_validator

from monitor.judge.candidates.states import OPEN
from monitor.values import HttpUrl, Limit, Periods, SmtpUrl, Urls
from scorer.settings import Section, Settings, without_empty
from scorer.settings.values import Address, Names

Span = Annotated[float, Field(gt=0.0, le=86_400.0)]
"""Seconds."""


class Monitor(Section):
    """``[monitor]``."""

    requirements: Path = Field(
        Path(),
        description="The file with the requirements; default coefficients/MODEL/requirements.toml beside this file.",
    )
    group: str = Field("", description="The consumer group that shows how far it has read; default MODEL.monitor.")
    state_directory: Path = Field(
        Path("state"), description="Where the monitor keeps its state, what others read of it, reports and outcomes."
    )
    segments: Names = Field(
        (), description="Carried fields by whose values outcomes are told apart; default all of scorer.carried."
    )
    matures_after_hours: float = Field(
        72.0, ge=0.0, le=87_600.0, description="A cohort is judged so many hours after its own one ended."
    )
    retention_days: float = Field(
        45.0, gt=0.0, le=36_600.0, description="Predictions and labels are kept so many days after their event's."
    )
    idle_seconds: Span = Field(
        300.0, description="A partition that was read to its end and brings nothing for so long holds up no judgement."
    )
    ahead_seconds: Span = Field(
        300.0, description="Events and labels whose time lies further ahead of the clock are refused, and counted."
    )
    recorded_days: float = Field(
        90.0, gt=0.0, le=3_660.0, description="Ticks are recorded so many days, for `monitor replay`."
    )
    scheduled_reports: Periods = Field(
        ("day", "week", "month"),
        description="Of which periods reports are written by themselves, once all labels are in: HTML and JSON, in "
        "reports under state_directory; comma-separated: day, week, month.",
    )
    reports_days: float = Field(
        1_100.0, gt=0.0, le=36_600.0, description="Reports that were written by themselves are kept so many days."
    )
    outcomes_days: float = Field(
        400.0, gt=0.0, le=36_600.0, description="The files of matured outcomes are kept so many days, for training."
    )
    tick_seconds: Span = Field(1.0, description="How often time enters the state, and cohorts close.")
    implicit_negative: bool = Field(
        False, description="Whether a prediction without label counts as labelled 0 once its cohort has closed."
    )
    alpha: float = Field(
        0.05, gt=0.0, lt=0.5, description="The chance of any wrong verdict on one requirement, window and version."
    )
    mean_run: float = Field(
        100_000.0, ge=100.0, description="Outcomes between two false fast alarms, on average, at least."
    )
    memory: str = Field("320MB", pattern=r"^[0-9]+(MB|GB)$", description="The most memory that DuckDB may take.")
    http: Address | None = Field(
        None, description="Where /health, /ready and /metrics answer, host:port; none: nowhere."
    )
    page: Address = Field("127.0.0.1:8090", description="Where `monitor web` shows its page to people, host:port.")
    lease_seconds: Span = Field(15.0, description="A monitor that is gone for so long may be taken over from.")

    @model_validator(mode="after")
    def _kept_until_judged(self) -> Monitor:
        if self.retention_days * 24.0 < self.matures_after_hours + 24.0:
            raise ValueError(
                f"monitor.retention_days = {self.retention_days:g} is too short: what is judged after "
                f"{self.matures_after_hours:g} hours (monitor.matures_after_hours) is kept for a day longer than that; "
                f"keep it {self.matures_after_hours / 24.0 + 1.0:g} days or more"
            )
        return self


class Alerts(Section):
    """``[alerts]``. Of the limits, 0 stands for never."""

    urls: Urls = Field(
        (), description="Where alarms go besides mail: addresses as Apprise knows them, apart by spaces (Slack, SMS …)."
    )
    smtp: SmtpUrl | None = Field(
        None,
        description="The mail server: smtp://user:password@host:587 (STARTTLS), smtps://…:465 (TLS from the start), or "
        "smtp+plain://host:25 without encryption.",
    )
    smtp_ca: Path | None = Field(None, description="The certificates that the mail server's is checked against.")
    mail_from: str = Field("", description="The sender of mails.")
    mail_to: Names = Field((), description="Who gets mails, comma-separated.")
    oldest_days: float = Field(
        7.0,
        gt=0.0,
        description="A verdict on a window that ended longer ago raises no alarm: a backlog does not.",
    )
    remind_hours: float = Field(24.0, gt=0.0, description="How often an alarm that lasts is told again.")
    no_labels_hours: Limit = Field(72.0, description="Alarm when predictions, and no labels, come for so long.")
    no_predictions_minutes: Limit = Field(15.0, description="Alarm when events, and no predictions, come for so long.")
    stale_minutes: Limit = Field(60.0, description="Alarm when no events come for so long.")
    coverage_least: float = Field(
        0.5, ge=0.0, le=1.0, description="Alarm when less of a day's matured predictions have a label."
    )
    behind_minutes: Limit = Field(
        15.0, description="Alarm when the monitor has not been at the end of its topics for so long."
    )
    unscored_most: float = Field(
        0.01, ge=0.0, le=1.0, description="Alarm when a challenger could not score more of a day's events."
    )
    heartbeat_url: HttpUrl | None = Field(
        None, description="Fetched regularly while the monitor works: what watches it can tell when it does not."
    )
    heartbeat_seconds: Span = Field(60.0, description="How often that is.")
    timeout_seconds: Span = Field(
        60.0, description="A channel that has not taken an alarm within this time is tried again."
    )
    give_up_days: float = Field(
        3.0, gt=0.0, description="An alarm that a channel has not taken for so long is dropped."
    )

    @model_validator(mode="after")
    def _whole(self) -> Alerts:
        if self.smtp is not None and not (self.mail_from and self.mail_to):
            raise ValueError("alerts.smtp needs alerts.mail_from and alerts.mail_to: who writes to whom")
        if self.mail_to and self.smtp is None:
            raise ValueError("alerts.mail_to needs alerts.smtp, the server that takes the mail")
        return self


class Candidates(Section):
    """``[candidates]``: what is asked of a version before it may become the champion."""

    margins: dict[str, float] = Field(
        {},
        description="By metric, by how much a candidate must be better; below 0, by how much it may be worse. Default: "
        "brier = 0 for probabilities of classes; of other models none, and no candidate is taken.",
    )
    fields: Names = Field((), description="Segment fields in none of whose values a candidate may be worse.")
    alpha: float = Field(
        0.05, gt=0.0, lt=0.5, description="The chance that any candidate of a family passes that is no better."
    )
    approve: Names = Field(
        ("promoted",), description="The states that a candidate reaches only once a person has agreed; comma-separated."
    )
    approvers: Names = Field((), description="Who may agree, as --actor says it; none: anybody.")
    most_open: int = Field(4, ge=1, le=4, description="So many candidates are open at once at most.")
    corpus: Path | None = Field(
        None,
        description="Raw rows with labels for the back-test, as `monitor backtest` takes them; without, no candidate "
        "is taken.",
    )
    corpus_by: str = Field("month", description="By what the corpus is divided: hour, day, week, month or a field.")
    corpus_label: str = Field("label", description="The column of the labels in the corpus.")
    corpus_time: str = Field("", description="The column of the event times in the corpus; default scorer.time_field.")
    step_minutes: float = Field(120.0, gt=0.0, description="A regression test or back-test may take so long.")
    step_gigabytes: float = Field(4.0, gt=0.0, description="So much address space each of these may take.")
    shadow_hours: float = Field(24.0, ge=0.0, description="Events of so many hours are compared at least.")
    shadow_days: float = Field(30.0, gt=0.0, description="Who has not passed the gate after so many days is rejected.")
    pairs: int = Field(1_000, ge=1, description="So many labelled events are compared at least.")
    matched: float = Field(0.99, gt=0.0, le=1.0, description="Of so many of these the candidate must have a score.")
    trial: bool = Field(True, description="Whether a trial comes before the promotion.")
    trial_percent: float = Field(10.0, gt=0.0, lt=100.0, description="The share of the events that a trial gets.")
    trial_field: str = Field(
        "", description="Instead: the field by whose values a trial gets its events, as locations."
    )
    trial_values: Names = Field((), description="Those values; comma-separated.")
    trial_hours: float = Field(24.0, ge=0.0, description="How long that lasts at least.")
    trial_days: float = Field(14.0, gt=0.0, description="Whose trial has not passed after so many days is rejected.")
    watch_hours: float = Field(72.0, ge=0.0, description="For so long a new champion is held against the old one.")
    ratchet: dict[str, float] = Field(
        {},
        description="By metric, a margin: after a promotion requirements tighten to what the new champion has shown, "
        "less this. Those of other metrics stay.",
    )

    @field_validator("approve")
    @classmethod
    def _known_states(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [one for one in value if one not in (*OPEN[1:], "promoted")]
        if unknown:
            raise ValueError(f"{', '.join(unknown)}: write some of {', '.join((*OPEN[1:], 'promoted'))}")
        return value

    @model_validator(mode="after")
    def _whole(self) -> Candidates:
        if bool(self.trial_field) != bool(self.trial_values):
            raise ValueError("candidates.trial_field and candidates.trial_values come together")
        return self


OWN = ("monitor", "alerts", "candidates")
"""The sections that the monitor adds to the scorer's."""

_PATHS = ("requirements", "state_directory")
"""Relative to the settings file where they are written there."""


class MonitorSettings(Settings):
    """All settings of the monitor, checked and frozen."""

    monitor: Monitor = Monitor()
    alerts: Alerts = Alerts()
    candidates: Candidates = Candidates()

    @model_validator(mode="before")
    @classmethod
    def _monitor_named_after_the_model(cls, values: Any) -> Any:
        scorer, monitor = values.get("scorer"), values.get("monitor", {})
        if not isinstance(scorer, dict) or not isinstance(monitor, dict):
            return values
        model = scorer.get("model", "")
        named = {
            "group": f"{model}.monitor",
            "requirements": f"coefficients/{model}/requirements.toml",
            "segments": scorer.get("carried", ()),
        }
        return {**values, "monitor": named | without_empty(monitor, *named)}

    @classmethod
    def load(cls, file: Path | None, environ: Mapping[str, str]) -> Self:
        """Read ``file`` overlaid by ``environ``, as the scorer does."""
        settings = super().load(file, environ)
        if file is None:
            return settings
        inside = [name for name in _PATHS if not environ.get(f"MONITOR_{name.upper()}")]
        paths = {name: file.parent / getattr(settings.monitor, name) for name in inside}
        alerts = settings.alerts
        if alerts.smtp_ca is not None and not environ.get("ALERTS_SMTP_CA"):
            alerts = alerts.model_copy(update={"smtp_ca": file.parent / alerts.smtp_ca})
        candidates = settings.candidates
        if candidates.corpus is not None and not environ.get("CANDIDATES_CORPUS"):
            candidates = candidates.model_copy(update={"corpus": file.parent / candidates.corpus})
        monitor = settings.monitor.model_copy(update=paths)
        return settings.model_copy(update={"monitor": monitor, "alerts": alerts, "candidates": candidates})
