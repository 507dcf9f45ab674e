"""Tables of coefficients in the manner of R, statsmodels and Weka, and what each program predicts, written out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd

from scorer.importers import Difference, import_model
from scorer.importers.estimates import Treatment
from scorer.importers.table import TableSource
from scorer.model.frame import columns
from scorer.model.golden import admit, score
from tests.importers.cases.case import Case

GROUP = "tables of coefficients"

ROWS = pd.DataFrame(
    {
        "distance": [200.0, 1400.5, 733.0, 2475.0, 96.0, 1000.0, 502.0, 762.0],
        "hour": [5, 6, 13, 23, 0, 9, 18, 12],
        "night": [True, False, False, True, True, False, False, False],
        "carrier": ["AA", "UA", "US", "AA", "UA", "US", "US", "AA"],
        "origin": ["JFK", "EWR", "LGA", "JFK", "EWR", "LGA", "JFK", "EWR"],
    }
)

R_GLM = """"","Estimate","Std. Error","z value","Pr(>|z|)"
"(Intercept)",-2.3718563012,0.0534,-44.4,0
"distance",-0.000241532,2.1e-05,-11.2,3e-29
"hour",0.1103841,0.0019,57.2,0
"nightTRUE",0.25,0.02,11,1e-10
"carrierUA",0.2148,0.021,10,1e-20
"carrierUS",-0.31725,0.034,-9.1,6e-20
"hour:carrierUA",0.01,0.004,2.5,0.01
"hour:carrierUS",-0.02,0.004,-2.5,0.01
"""
STATSMODELS = """,Coef.,Std.Err.,z,P>|z|,[0.025,0.975]
Intercept,1.5021,0.2,7.5,0,1.1,1.9
"C(carrier, Treatment(reference='AA'))[T.UA]",0.31,0.1,3,0.002,0.1,0.5
"C(carrier, Treatment(reference='AA'))[T.US]",-0.07,0.1,-0.7,0.5,-0.2,0.1
distance,0.00031,0.00001,31,0,0.0003,0.0004
I(hour ** 2),-0.0012,0.0001,-12,0,-0.002,-0.001
"""
WEKA = """Variable,late
"carrier=AA",-0.1127
"carrier=UA,US",0.2931
distance,-0.0004
hour,0.1203
Intercept,-2.9
"""
MULTINOM = """term,diverted,late
(Intercept),-4.1,-1.2
distance,0.0005,-0.0001
originLGA,0.3,0.2
originJFK,-0.1,0.4
"""


def sigmoid(margin: Any) -> Any:
    return 1 / (1 + np.exp(-margin))


def by_hand(case: str) -> Any:
    """What each program predicts for ROWS, written out."""
    x = ROWS
    ua, us = (x["carrier"] == "UA").astype(float), (x["carrier"] == "US").astype(float)
    if case == "r":
        margin = -2.3718563012 - 0.000241532 * x["distance"] + 0.1103841 * x["hour"] + 0.25 * x["night"] + 0.2148 * ua
        return sigmoid(margin - 0.31725 * us + 0.01 * x["hour"] * ua - 0.02 * x["hour"] * us).to_numpy()
    if case == "statsmodels":
        return np.asarray(np.exp(1.5021 + 0.31 * ua - 0.07 * us + 0.00031 * x["distance"] - 0.0012 * x["hour"] ** 2))
    if case == "weka":
        margin = (
            -0.1127 * (x["carrier"] == "AA") + 0.2931 * (ua + us) - 0.0004 * x["distance"] + 0.1203 * x["hour"] - 2.9
        )
        return sigmoid(margin).to_numpy()
    lga, jfk = (x["origin"] == "LGA").astype(float), (x["origin"] == "JFK").astype(float)
    powers = np.exp(
        [
            0 * x["distance"],
            -1.2 - 0.0001 * x["distance"] + 0.2 * lga + 0.4 * jfk,
            -4.1 + 0.0005 * x["distance"] + 0.3 * lga - 0.1 * jfk,
        ]
    )
    return powers / powers.sum(axis=0)


TABLES: dict[str, tuple[str, Treatment]] = {
    "r": (R_GLM, Treatment("binomial", classes=("no", "late"), references={"carrier": "AA"})),
    "statsmodels": (STATSMODELS, Treatment("gamma", link="log", program=("statsmodels", "0.14"))),
    "weka": (WEKA, Treatment("binomial", classes=("no", "late"), complete=frozenset({"carrier"}))),
    "multinom": (
        MULTINOM,
        Treatment("multinomial", classes=("on time", "late", "diverted"), references={"origin": "EWR"}),
    ),
}


PROGRAMS = {"r": "R", "statsmodels": "statsmodels", "weka": "Weka", "multinom": "nnet::multinom"}


def source(directory: Path, text: str, treatment: Treatment) -> TableSource:
    """A table as a file, which is read."""
    (directory / "table.csv").write_text(text, "utf-8")
    return TableSource(directory / "table.csv", treatment, ROWS)


def tried(name: str, unseen: str) -> Case:
    """A table, with unseen levels refused or taken for none; the version predicts what is written out above."""
    text, treatment = TABLES[name]

    def differences() -> Sequence[Difference]:
        with TemporaryDirectory() as directory:
            found = source(Path(directory), text, replace(treatment, unseen=unseen))
            imported = import_model(found, model="sample", version="v1", rows=ROWS)
        model = admit(imported.stored)
        expected = np.atleast_2d(by_hand(name))
        np.testing.assert_allclose(score(model, columns(model.inputs, ROWS)).scores, expected, 1e-12)
        assert model.manifest.trained_with.library == treatment.program[0]
        odd = score(model, columns(model.inputs, ROWS.assign(carrier="XX", origin="XX")))
        assert ((odd.missing >= 0) == (unseen == "refuse")).all()
        assert unseen == "refuse" or (odd.flags & 4).all()
        gaps = score(model, columns(model.inputs, ROWS.assign(distance=np.nan)))
        assert (gaps.missing >= 0).all()
        return imported.differences

    return Case(GROUP, f"{treatment.family}, as of {PROGRAMS[name]}", f"--unseen {unseen}", differences)


def _all() -> Iterator[Case]:
    for name in TABLES:
        for unseen in ("refuse", "zero"):
            yield tried(name, unseen)


CASES = tuple(_all())
"""All of them."""
