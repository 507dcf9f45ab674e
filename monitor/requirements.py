"""The written floors of a model, and what they say of a figure."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from scorer.errors import SettingsError

Metric = Literal["accuracy", "brier"]


class Requirement(BaseModel):
    """One ``[[requirement]]``: ``minimum`` and ``maximum`` are inclusive; fewer labels than ``least_labels`` decide
    nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    metric: Metric
    window: Literal["month"]
    minimum: float | None = Field(None, allow_inf_nan=False)
    maximum: float | None = Field(None, allow_inf_nan=False)
    least_labels: int = Field(1, ge=1)

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if self.minimum is None and self.maximum is None:
            raise ValueError("give a minimum, a maximum or both")
        return self

    @property
    def bounds(self) -> str:
        """The requirement in words."""
        parts = [("at least", self.minimum), ("at most", self.maximum)]
        return " and ".join(f"{words} {bound:g}" for words, bound in parts if bound is not None)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a requirement says: PASS, FAIL, or INSUFFICIENT where there were too few labels."""

    metric: Metric
    requirement: str
    verdict: Literal["PASS", "FAIL", "INSUFFICIENT"]


def parse(text: str, name: str) -> tuple[Requirement, ...]:
    """The requirements in a file's text. Raises SettingsError, naming the file, which lists all mistakes."""

    class File(BaseModel):
        model_config = ConfigDict(extra="forbid")
        requirement: tuple[Requirement, ...] = ()

    try:
        return File.model_validate(tomllib.loads(text)).requirement
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{name}: is not TOML: {error}") from None
    except ValidationError as error:
        mistakes = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors(include_url=False)]
        raise SettingsError(f"{name}: {'; '.join(mistakes)}") from None


def judge(requirement: Requirement, value: float | None, labels: int) -> Verdict:
    """What ``requirement`` says of ``value``, which was calculated from so many labels; ``None``: from none."""
    if value is None or labels < requirement.least_labels:
        return Verdict(requirement.metric, requirement.bounds, "INSUFFICIENT")
    low = requirement.minimum is not None and value < requirement.minimum
    high = requirement.maximum is not None and value > requirement.maximum
    return Verdict(requirement.metric, requirement.bounds, "FAIL" if low or high else "PASS")
