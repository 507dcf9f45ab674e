"""Samples of kernels other than trees, and of steps that combine scores."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from scorer.model import build, build_scores
from scorer.model.build import Part
from scorer.model.outputs import MARGIN
from tests.conformance.samples.sample import Sample, of_design, of_kernel, of_steps
from tests.model.samples import everything

TAKEN = ["plain", "whole"]
COEF = np.array([[0.5, -1e-3], [1 / 3, 2.0], [-1.0, 0.25]])


def scored(kernel: Part, made: list[str], scores: str) -> Part:
    """A kernel as a step."""
    return replace(kernel, made=made, params={**kernel.params, "scores": scores})


def of_margins(classes: tuple[str, ...]) -> Sample:
    """Outputs that are margins."""
    count = 1 if len(classes) == 2 else len(classes)
    kind = "binary" if count == 1 else "multiclass"
    whole = of_kernel(build.linear(TAKEN, COEF[:count], np.arange(count)), "multiclass", ("a", "b", "c"))
    return of_design(replace(whole.design, kind=kind, classes=classes, scale=MARGIN))


SIGMOIDS = scored(build.logistic(TAKEN, COEF[:1], [0.1]), ["p"], "probability")
SHARES = scored(build.logistic(TAKEN, COEF, [0.1, 0.2, 0.3]), ["p0", "p1", "p2"], "probability")
OTHERS = scored(build.logistic(TAKEN, -COEF, [0.3, 0.2, 0.1]), ["q0", "q1", "q2"], "probability")
MARGINS = scored(build.linear(TAKEN, COEF, [0.0, 0.0, 1.0]), ["m0", "m1", "m2"], "margin")
POINTS = np.array([-2.0, -0.5, 0.0, 0.75, 3.0]), np.array([0.0, 0.1, 0.1, 0.5, 1.0])
POINTS_32 = np.float32(POINTS[0]), np.float32(POINTS[1])
CURVES = [
    build_scores.calibrate_isotonic(
        "plain", f"x{k}", POINTS[0], [0.0, 0.1 + 0.01 * k, 0.2, 0.3 + 0.05 * k, 1 - 0.1 * k]
    )
    for k in range(3)
]

SAMPLES: dict[str, Sample] = {
    "every step, linear": of_design(everything("linear@1")),
    "every step, logistic": of_design(everything("logistic@1")),
    "every step, multinomial": of_design(everything("multinomial")),
    "loglinear": of_kernel(build_scores.loglinear(TAKEN, [1e-3, -0.5], 0.25), ulps=2),
    "margin": of_margins(("no", "yes")),
    "margins": of_margins(("a", "b", "c")),
    "columns, estimate": of_kernel(build_scores.columns(["plain"])),
    "columns, missing": of_kernel(build_scores.columns(["gaps"])),
    "columns of a kernel": of_kernel(build_scores.columns(SHARES.made), "multiclass", ("a", "b", "c"), steps=[SHARES]),
    "kernels on kernels": of_kernel(
        build.logistic([*SIGMOIDS.made, "plain"], [[3.0, 0.1]], [-1.0]), "binary", ("no", "yes"), steps=[SIGMOIDS]
    ),
    "average": of_steps(
        SHARES, OTHERS, build_scores.average([*SHARES.made, *OTHERS.made], ["a", "b", "c"], [1.0, 2.5]), ulps=4
    ),
    "average of one": of_steps(build_scores.average(["plain"], ["a"], [7.0])),
    "calibrate_sigmoid": of_steps(
        build_scores.calibrate_sigmoid(["plain", "whole"], ["a", "b"], [-1.5, 1e-3], [0.5, 0.0]), ulps=2
    ),
    "calibrate_isotonic": of_steps(build_scores.calibrate_isotonic("plain", "a", *POINTS)),
    "calibrate_isotonic, missing": of_steps(
        build_scores.calibrate_isotonic("whole", "a", *POINTS, outside="missing"),
    ),
    "calibrate_isotonic, float32": of_steps(
        build_scores.calibrate_isotonic("plain", "a", *POINTS_32, dtype="float32"),
    ),
    "calibrate_isotonic, one point": of_steps(build_scores.calibrate_isotonic("plain", "a", [0.5], [0.25])),
    "shares": of_steps(SHARES, build_scores.shares(SHARES.made, ["a", "b", "c"]), ulps=6),
    "shares of nothing": of_steps(
        build.one_hot("carrier", ["AA", "B6"], made=["i", "j"]),
        build_scores.shares(["i", "j"], ["a", "b"]),
        build_scores.shares(["i", "j"], ["c", "d"], when_zero="zeros"),
    ),
    "choose": of_steps(
        MARGINS,
        build_scores.choose(MARGINS.made, ["a", "b", "c"]),
        build_scores.choose(MARGINS.made, ["k"]),
        build_scores.choose(["plain"], ["above"], 0.25),
    ),
    "log_odds": of_steps(
        *CURVES,
        build_scores.log_odds(["x0"], ["a"], 1e-9),
        build_scores.log_odds(["x0", "x1", "x2"], ["b", "c", "d"], 1e-9),
        ulps=1 << 16,  # differences of logarithms that almost cancel
    ),
}
