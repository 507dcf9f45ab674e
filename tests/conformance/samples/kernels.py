"""Samples of kernels other than trees, and of steps that combine scores."""

from __future__ import annotations

from tests.conformance.samples.sample import Sample, of_design
from tests.model.samples import everything

SAMPLES: dict[str, Sample] = {
    "every step, linear": of_design(everything("linear@1")),
    "every step, logistic": of_design(everything("logistic@1")),
    "every step, multinomial": of_design(everything("multinomial")),
}
