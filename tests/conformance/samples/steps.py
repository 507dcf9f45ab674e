"""Samples of preparation steps."""

from __future__ import annotations

from scorer.model import build
from tests.conformance.samples.sample import Sample, of_steps
from tests.model.samples import NUMBERS, WORDS

SAMPLES: dict[str, Sample] = {
    "impute": of_steps(build.impute(NUMBERS, [f"{name}.filled" for name in NUMBERS], [0.5, -1.25, 1e-3, 7.0, 0.0])),
    "impute, categories": of_steps(
        build.impute_categories(["maker"], ["maker.filled"], ["Zürich"]),
        build.ordinal("maker.filled", "maker.code", WORDS, unknown=-1.0),
    ),
    "standardise": of_steps(
        build.standardise(NUMBERS, [f"{name}.scaled" for name in NUMBERS], [0, 1, -2, 1 / 3, 0], [1, 1e3, -3, 7, 1e-9])
    ),
    "one_hot": of_steps(build.one_hot("carrier", WORDS, made=[f"carrier.{code}" for code in range(6)])),
    "one_hot, drop and missing": of_steps(build.one_hot("maker", WORDS[:3], drop="B6", missing_column=True)),
    "ordinal": of_steps(build.ordinal("maker", "maker.code", WORDS[::-1], unknown=99.0, missing=-2.0)),
    "ordinal, gaps": of_steps(build.ordinal("maker", "maker.code", WORDS)),
}
