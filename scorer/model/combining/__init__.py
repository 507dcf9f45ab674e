"""Steps that combine the scores of estimators in the pipeline, one algorithm a file, and the closed list of them.

Each file is like one of :mod:`scorer.model.preparation`. They take what kernels in the pipeline scored and make
columns again, which ``columns@1`` or another kernel takes. If the bits of a step ever change, it gets a new revision
beside the old one.
"""

from __future__ import annotations

from collections.abc import Mapping

from scorer.model.combining import average, calibrate_isotonic, calibrate_sigmoid, choose, log_odds, shares
from scorer.model.preparation import StepType

COMBINING: Mapping[str, StepType] = {
    average.NAME: average.Average,
    calibrate_sigmoid.NAME: calibrate_sigmoid.CalibrateSigmoid,
    calibrate_isotonic.NAME: calibrate_isotonic.CalibrateIsotonic,
    shares.NAME: shares.Shares,
    choose.NAME: choose.Choose,
    log_odds.NAME: log_odds.LogOdds,
}
"""All combining steps that a manifest may name."""
