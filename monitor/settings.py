"""The monitor's settings: the scorer's, from the same file, and a section of its own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

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


OWN = ("monitor", "alerts")
"""The sections that the monitor adds to the scorer's."""

_PATHS = ("requirements", "state_directory")
"""Relative to the settings file where they are written there."""


class MonitorSettings(Settings):
    """All settings of the monitor, checked and frozen."""

    monitor: Monitor = Monitor()
    alerts: Alerts = Alerts()

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
        monitor = settings.monitor.model_copy(update=paths)
        return settings.model_copy(update={"monitor": monitor, "alerts": alerts})
