"""Preparation steps, one algorithm a file, and the closed list of them.

Each file has the step as a version gives it (``read`` with all checks, ``emit`` into a program, ``reference`` in plain
numpy) and the function that compiled code calls for its operation. If the bits of a step ever change, it gets a new
revision beside the old one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from scorer.model.limits import Limits
from scorer.model.preparation import (
    bins,
    clip,
    date,
    encode,
    float32,
    function,
    impute,
    indicators,
    is_missing,
    missing_if,
    normalise,
    one_hot,
    ordinal,
    polynomial,
    power,
    quantiles,
    require,
    scale,
    standardise,
)
from scorer.model.preparation.prepared import Prepared
from scorer.model.program import Given, Program


class Step(Protocol):
    """A preparation step of one version."""

    def emit(self, program: Program) -> None:
        """Append its operations and make its columns."""

    def reference(self, prepared: Prepared) -> None:
        """Make its columns in plain numpy."""


class StepType(Protocol):
    """How a step is read out of a manifest."""

    def read(self, given: Given, limits: Limits) -> Step:
        """Check what a version gives; raises ``VersionRefused``."""


STEPS: Mapping[str, StepType] = {
    impute.NAME: impute.Impute,
    standardise.NAME: standardise.Standardise,
    one_hot.NAME: one_hot.OneHot,
    ordinal.NAME: ordinal.Ordinal,
    encode.NAME: encode.Encode,
    indicators.NAME: indicators.Indicators,
    is_missing.NAME: is_missing.IsMissing,
    missing_if.NAME: missing_if.MissingIf,
    require.NAME: require.Require,
    float32.NAME: float32.Float32,
    scale.NAME: scale.Scale,
    clip.NAME: clip.Clip,
    polynomial.NAME: polynomial.Polynomial,
    normalise.NAME: normalise.Normalise,
    bins.NAME: bins.Bins,
    quantiles.NAME: quantiles.Quantiles,
    power.NAME: power.Power,
    function.NAME: function.FunctionOf,
    date.NAME: date.Date,
}
"""All steps that a manifest may name."""
