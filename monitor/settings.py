"""The monitor's settings: the scorer's, from the same file, and a section of its own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import Field, model_validator

from scorer.settings import Section, Settings, without_empty


class Monitor(Section):
    """``[monitor]``."""

    requirements: Path = Field(
        Path(),
        description="The file with the requirements; default coefficients/MODEL/requirements.toml beside this file.",
    )
    group: str = Field("", description="The consumer group that shows how far it has read; default MODEL.monitor.")
    close_after_days: float = Field(
        3.0, ge=0.0, le=3_660.0, description="A month is judged by the labels known so many days after its end."
    )
    pending_events: int = Field(
        2_000_000,
        ge=1,
        description="Most events that wait for a label or a prediction, at some 600 bytes each; beyond that the oldest "
        "are dropped, and counted.",
    )
    remembered_events: int = Field(
        250_000,
        ge=1,
        description="So many events that have both are remembered, at some 700 bytes each: duplicates are recognised.",
    )


class MonitorSettings(Settings):
    """All settings of the monitor, checked and frozen."""

    monitor: Monitor = Monitor()

    @model_validator(mode="before")
    @classmethod
    def _monitor_named_after_the_model(cls, values: Any) -> Any:
        scorer, monitor = values.get("scorer"), values.get("monitor", {})
        if not isinstance(scorer, dict) or not isinstance(monitor, dict):
            return values
        model = scorer.get("model", "")
        named = {"group": f"{model}.monitor", "requirements": f"coefficients/{model}/requirements.toml"}
        return {**values, "monitor": named | without_empty(monitor, "group", "requirements")}

    @classmethod
    def load(cls, file: Path | None, environ: Mapping[str, str]) -> Self:
        """Read ``file`` overlaid by ``environ``, as the scorer does."""
        settings = super().load(file, environ)
        if file is None or environ.get("MONITOR_REQUIREMENTS"):
            return settings
        monitor = settings.monitor.model_copy(update={"requirements": file.parent / settings.monitor.requirements})
        return settings.model_copy(update={"monitor": monitor})
