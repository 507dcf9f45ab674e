"""Samples of preparation steps."""

from __future__ import annotations

import numpy as np

from scorer.model import build, build_steps
from scorer.model.preparation.date import PARTS, WAVES
from scorer.model.preparation.function import _TRANSCENDENT, FUNCTIONS
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
    "encode text, refuse": of_steps(
        build_steps.encode("maker", ["a", "b"], WORDS, np.arange(12) / 3, unknown="refuse", missing="missing")
    ),
    "encode text, values": of_steps(
        build_steps.encode("maker", ["a", "b"], WORDS, np.arange(12) / 3, unknown=[7.5, -1], missing=[0.1, 0.2])
    ),
    "encode text, gap": of_steps(
        build_steps.missing_if(["maker", "carrier"], ["maker.gap", "carrier.gap"], "B6"),
        build_steps.encode("maker.gap", ["a"], WORDS, [1, 2, 3, 4, 5, 6], unknown="missing", missing="unknown"),
        build.impute_categories(["carrier.gap"], ["carrier.filled"], ["Zürich"]),
        build_steps.encode("carrier.filled", ["b"], ["AA", "Zürich"], [1, 2], unknown=[9], missing="unknown"),
    ),
    "encode numbers": of_steps(
        build_steps.encode(
            "counted", ["a"], np.array([-3.0, 0.0, 1.0, 2.0]), [5, 1, 1, -2], unknown=[8], missing="unknown"
        ),
        build_steps.encode("gaps", ["b"], np.array([-1.0, 0.0, 0.5]), [5, 1, 1], unknown="refuse", missing=[3]),
        build_steps.encode("plain", ["c"], np.array([0.0]), [4], unknown="missing", missing="unknown"),
    ),
    "encode, indicators": of_steps(
        build_steps.encode("maker", ["code"], WORDS, [0, 1, 2, 2, 3, -1], unknown=[2], missing=[4]),
        build_steps.indicators("code", ["i", "j", "k"], [0, 4, 2]),
    ),
    "is_missing": of_steps(build_steps.is_missing(["gaps", "counted", "maker"], ["a", "b", "c"])),
    "missing_if": of_steps(build_steps.missing_if(["plain", "whole", "gaps"], ["a", "b", "c"], 0.0)),
    "require": of_steps(
        build_steps.require(["gaps", "counted", "plain"], ["a", "b", "c"], missing_too=True),
        build_steps.require(["gaps", "marked"], ["d", "e"], missing_too=False),
    ),
    "float32": of_steps(build_steps.float32(["plain", "gaps", "whole"], ["a", "b", "c"])),
    "scale": of_steps(
        build_steps.scale(NUMBERS, [f"{n}.s" for n in NUMBERS], [3, 1 / 3, -1, 0, 1e9], [0, 1, -2, 3, 4])
    ),
    "clip": of_steps(build_steps.clip(NUMBERS, [f"{name}.c" for name in NUMBERS], -0.5, 1.0)),
    "clip, one bound": of_steps(
        build_steps.clip(["plain", "gaps"], ["a", "b"], None, 0.25), build_steps.clip(["whole"], ["c"], 0.0, None)
    ),
    "polynomial": of_steps(
        build.impute(["gaps"], ["filled"], [0.5]),
        build_steps.polynomial(
            ["plain", "filled", "whole"], list("abcde"), [[0, 0, 0], [1, 0, 0], [1, 2, 1], [0, 0, 3], [4, 1, 0]]
        ),
    ),
    **{
        f"normalise, {norm}": of_steps(
            build.impute(["gaps"], ["filled"], [0.0]),
            build_steps.normalise(["plain", "filled", "whole"], ["a", "b", "c"], norm),
        )
        for norm in ("l1", "l2", "max")
    },
    "bins": of_steps(
        build_steps.bins(["plain", "whole"], ["a", "b"], [[-2.0, -0.5, 0.0, 0.5, 1.0], [-4.0, 4.0]]),
    ),
    **{
        f"quantiles, {output}": of_steps(
            build_steps.quantiles(
                ["plain", "gaps", "whole"],
                ["a", "b", "c"],
                np.array([[-2, -1, -5], [-0.5, 0, -1], [0, 0, 0], [0, 0, 1], [0.7, 0.3, 3], [1.5, 0.3, 3]]),
                [0, 0.2, 0.4, 0.6, 0.8, 1],
                output,
            ),
            ulps=64 if output == "normal" else 0,
        )
        for output in ("uniform", "normal")
    },
    "power, yeo-johnson": of_steps(
        build_steps.power(NUMBERS, [f"{n}.p" for n in NUMBERS], [0.5, 0, 2, -1.3, 1], "yeo-johnson"), ulps=8
    ),
    "power, box-cox": of_steps(
        build_steps.power(["plain", "gaps", "marked"], ["a", "b", "c"], [0.5, 0, -1.3], "box-cox"), ulps=8
    ),
    **{
        f"function, {name}": of_steps(
            build_steps.function(["plain", "gaps", "whole"], ["a", "b", "c"], name), ulps=ulps
        )
        for names, ulps in ((list(FUNCTIONS)[:_TRANSCENDENT], 2), (list(FUNCTIONS)[_TRANSCENDENT:], 0))
        for name in names
    },
    **{f"date, {part}": of_steps(build_steps.date(["moment", "plain"], ["a", "b"], part)) for part in PARTS},
    "date, waves": of_steps(
        *(build_steps.date(["moment"], [f"{part}.{wave}"], part, wave) for part in list(PARTS)[1:] for wave in WAVES),
        ulps=2,
    ),
}
