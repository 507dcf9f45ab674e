"""Coefficient tables as R, statsmodels and Weka print them: read, proven, refused."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import scorer
from scorer.cli.app import run
from scorer.errors import NotImportable, SettingsError
from scorer.importers import import_model
from scorer.importers.estimates import Treatment
from scorer.importers.table import Refused, TableSource
from scorer.importers.terms import Factor, Known, read, reference
from scorer.model.frame import columns, predict
from scorer.model.golden import admit, score

KNOWN = Known(
    ["distance", "hour", "night", "a", "ab"], {"carrier": {"AA", "UA", "US", "A,B"}, "origin": {"JFK"}, "ab c": {"x"}}
)


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("(Intercept)", ()),
        ("const", ()),
        ("distance", (Factor("distance"),)),
        ("carrierUA", (Factor("carrier", ("UA",)),)),
        ("C(carrier)[T.UA]", (Factor("carrier", ("UA",)),)),
        ("C(carrier, Treatment(reference='AA'))[T.UA]", (Factor("carrier", ("UA",)),)),
        ("carrier[T.UA]", (Factor("carrier", ("UA",)),)),
        ("carrier[UA]", (Factor("carrier", ("UA",)),)),
        ("carrier=UA", (Factor("carrier", ("UA",)),)),
        ("carrier=UA,US", (Factor("carrier", ("UA", "US")),)),
        ("carrier=A,B", (Factor("carrier", ("A,B",)),)),
        ("nightTRUE", (Factor("night"),)),
        ("night[T.True]", (Factor("night"),)),
        ("night=true", (Factor("night"),)),
        ("distance:hour", (Factor("distance"), Factor("hour"))),
        ("carrierUA:distance", (Factor("carrier", ("UA",)), Factor("distance"))),
        (
            "C(carrier)[T.UA]:C(origin)[T.JFK]:hour",
            (Factor("carrier", ("UA",)), Factor("origin", ("JFK",)), Factor("hour")),
        ),
        ("I(distance^2)", (Factor("distance", power=2),)),
        ("I(distance ** 3)", (Factor("distance", power=3),)),
    ],
)
def test_a_term_is_read_as_its_program_names_it(text: str, term: tuple[Factor, ...]) -> None:
    assert read(text, KNOWN) == term


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("speed", "it names no column of the rows"),
        ("log(distance)", "it names no column"),
        ("poly(distance, 2)1", "it names no column"),
        ("1|2", "it names no column"),
        ("carrier", "holds text"),
        ("factor(hour)3", "takes it for a category"),
        ("C(hour)[T.3]", "takes it for a category"),
        ("factor(carrier)UA", "factor"),
    ],
)
def test_a_term_that_means_nothing_is_refused_with_the_nearest_way(text: str, why: str) -> None:
    with pytest.raises(NotImportable, match=why) as caught:
        read(text, KNOWN)
    assert caught.value.nearest


def test_a_term_that_may_mean_two_things_is_refused() -> None:
    known = Known([], {"air": {"line"}, "airl": {"ine"}})
    with pytest.raises(NotImportable, match="'air' is 'line' or 'airl' is 'ine'"):
        read("airline", known)
    assert read("airline", Known([], {"air": {"line"}, "airl": {"x"}})) == (Factor("air", ("line",)),)


def test_a_reference_that_is_stated_is_found() -> None:
    assert reference("C(carrier, Treatment(reference='A A'))[T.UA]") == ("carrier", "A A")
    assert reference('hour:C(carrier, Treatment("AA"))[T.UA]') == ("carrier", "AA")
    assert reference("C(carrier)[T.UA]") is None


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


CASES: dict[str, tuple[str, Treatment]] = {
    "r": (R_GLM, Treatment("binomial", classes=("no", "late"), references={"carrier": "AA"})),
    "statsmodels": (STATSMODELS, Treatment("gamma", link="log", program=("statsmodels", "0.14"))),
    "weka": (WEKA, Treatment("binomial", classes=("no", "late"), complete=frozenset({"carrier"}))),
    "multinom": (
        MULTINOM,
        Treatment("multinomial", classes=("on time", "late", "diverted"), references={"origin": "EWR"}),
    ),
}


def source(tmp_path: Path, text: str, treatment: Treatment) -> TableSource:
    (tmp_path / "table.csv").write_text(text, "utf-8")
    return TableSource(tmp_path / "table.csv", treatment, ROWS)


@pytest.mark.parametrize("unseen", ["refuse", "zero"])
@pytest.mark.parametrize("name", CASES)
def test_a_table_scores_as_its_program_would(tmp_path: Path, name: str, unseen: str) -> None:
    text, treatment = CASES[name]
    found = source(tmp_path, text, replace(treatment, unseen=unseen))
    imported = import_model(found, model="sample", version="v1", rows=ROWS)
    assert all(one.ok for one in imported.differences)
    model = admit(imported.stored)
    expected = np.atleast_2d(by_hand(name))
    np.testing.assert_allclose(score(model, columns(model.inputs, ROWS)).scores, expected, 1e-12)
    assert model.manifest.trained_with.library == treatment.program[0]
    if "carrier" in found.categories or "origin" in found.categories:
        odd = score(model, columns(model.inputs, ROWS.assign(carrier="XX", origin="XX")))
        assert ((odd.missing >= 0) == (unseen == "refuse")).all()
        assert unseen == "refuse" or (odd.flags & 4).all()
    gaps = score(model, columns(model.inputs, ROWS.assign(distance=np.nan)))
    assert (gaps.missing >= 0).all()


def test_estimates_of_the_first_of_two_classes_are_turned_round(tmp_path: Path) -> None:
    treatment = Treatment("binomial", classes=("late", "no"), complete=frozenset({"carrier"}))
    found = source(tmp_path, WEKA, treatment)
    np.testing.assert_allclose(found.answer(ROWS, "predict_proba")[0], 1 - by_hand("weka"), 1e-12)
    assert import_model(found, model="sample", version="v1", rows=ROWS).differences[0].ok


def test_terms_that_overlap_add_up(tmp_path: Path) -> None:
    """Weka joins levels in one term, and splits them in another."""
    table = 'term,estimate\ndistance,0.5\n"carrier=AA,UA,US",1\n"carrier=UA,US",20\ncarrier=US,300\n'
    found = source(tmp_path, table, Treatment("gaussian", complete=frozenset({"carrier"})))
    model = admit(import_model(found, model="sample", version="v1", rows=ROWS).stored)
    expected = 0.5 * ROWS["distance"] + ROWS["carrier"].map({"AA": 1, "UA": 21, "US": 321})
    np.testing.assert_allclose(predict(model, ROWS)["score"], expected, 1e-12)


def test_what_is_filled_is_scored_and_flagged(tmp_path: Path) -> None:
    text, treatment = CASES["r"]
    fills = {"distance": "733", "carrier": "US", "hour": "13"}
    imported = import_model(
        source(tmp_path, text, replace(treatment, fills=fills)), model="sample", version="v1", rows=ROWS
    )
    row = ROWS.iloc[[2]].assign(distance=np.nan, carrier=pd.Series([None], [2], object), hour=np.nan)
    got = predict(admit(imported.stored), row)
    np.testing.assert_allclose(got["score"], by_hand("r")[2:3], 1e-12)
    assert got["flags"].tolist() == [1]


@pytest.mark.parametrize(
    ("text", "treatment", "error", "said"),
    [
        (R_GLM, Treatment("binomial", classes=("no", "late")), SettingsError, "--reference carrier=LEVEL"),
        (R_GLM, Treatment("binomial", references={"carrier": "AA"}), SettingsError, "--classes"),
        (R_GLM, Treatment("binomial", classes=("a", "b", "c")), SettingsError, "--classes"),
        (R_GLM, Treatment("binomial", classes=("a", "b"), references={"carrier": "UA"}), SettingsError, "has a term"),
        (R_GLM, Treatment("binomial", link="probit", classes=("a", "b")), NotImportable, "probit"),
        (STATSMODELS, Treatment("gamma"), SettingsError, "--link log"),
        (STATSMODELS, Treatment("gamma", link="inverse"), NotImportable, "inverse"),
        (STATSMODELS, Treatment("tobit"), SettingsError, "tobit"),
        (STATSMODELS, Treatment("gaussian", classes=("a", "b")), SettingsError, "no classes"),
        (STATSMODELS, Treatment("gaussian", fills={"origin": "JFK"}), SettingsError, "'origin' is no column"),
        (STATSMODELS, Treatment("gaussian", fills={"carrier": "XX"}), SettingsError, "no such level, only AA, UA, US"),
        (STATSMODELS, Treatment("gaussian", fills={"distance": "far"}), SettingsError, "must be one"),
        (STATSMODELS, Treatment("gaussian", estimate="Estimate"), SettingsError, "Estimate"),
        (MULTINOM, Treatment("multinomial", classes=("a", "b", "c")), NotImportable, "class"),
        ("term,a,b\ndistance,1,2\n", Treatment("gaussian"), SettingsError, "--estimate"),
        ("term,estimate\ndistance,NA\n", Treatment("gaussian"), NotImportable, "'NA'"),
        ("term,estimate\ndistance\n", Treatment("gaussian"), NotImportable, "no number"),
        ("term,estimate\ndistance,inf\n", Treatment("gaussian"), NotImportable, "'inf'"),
        ("term,estimate\ndistance,1\ndistance,2\n", Treatment("gaussian"), NotImportable, "twice"),
        ("term,estimate\nnightTRUE,1\nnight,2\n", Treatment("gaussian"), NotImportable, "the same"),
        ("term,estimate\n", Treatment("gaussian"), NotImportable, "no terms"),
        ("", Treatment("gaussian"), NotImportable, "no CSV"),
    ],
)
def test_what_is_not_said_or_cannot_be_is_refused(
    tmp_path: Path, text: str, treatment: Treatment, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        source(tmp_path, text, treatment)


def test_a_table_of_a_constant_is_no_model(tmp_path: Path) -> None:
    found = source(tmp_path, "term,estimate\n(Intercept),1\n", Treatment("gaussian"))
    with pytest.raises(NotImportable, match="constant"):
        import_model(found, model="sample", version="v1", rows=ROWS)


def test_rows_that_the_program_would_not_predict_are_refused(tmp_path: Path) -> None:
    found = source(tmp_path, *CASES["r"])
    for rows in (ROWS.assign(carrier="XX"), ROWS.assign(distance=np.nan), ROWS.assign(carrier=None)):
        with pytest.raises(Refused):
            found.answer(rows, "predict_proba")


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    Path("glm.csv").write_text(R_GLM, "utf-8")
    ROWS.assign(predicted=np.round(by_hand("r"), 9)).to_csv("rows.csv", index=False)
    base = ["models", "import-table", "glm.csv", "--model", "flights", "--rows", "rows.csv", "--family", "binomial"]
    whole = [*base, "--version", "v1", "--classes", "no,late", "--reference", "carrier=AA", "--trained-with", "R 4.4.1"]
    assert run([*whole, "--expected", "predicted", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["expected_away"] < 1e-9
    assert "'predicted' of the rows" in facts["compared_with"]
    got = scorer.load("coefficients/flights/v1").predict(pd.read_csv("rows.csv"))
    np.testing.assert_allclose(got["score"], by_hand("r"), 1e-12)
    assert run(whole) == 0  # the same bytes again
    assert "plain pandas, term by term" in capsys.readouterr().out
    ROWS.assign(predicted=by_hand("r") + 1e-3).to_csv("rows.csv", index=False)
    for more, code, said in (
        (["--expected", "predicted"], 4, "0.001 away"),
        (["--expected", "other"], 3, "'other'"),
        (["--unseen", "ignore"], 2, "--unseen"),
        (["--fill", "distance"], 2, "NAME=VALUE"),
        (["--trained-with", "R"], 2, "release"),
    ):
        assert run([*whole, *more]) == code
        assert said in capsys.readouterr().err
    assert run([*base, "--version", "v2", "--classes", "no,late"]) == 2
    assert "--reference carrier=LEVEL" in capsys.readouterr().err


DOCUMENT = (Path(__file__).parents[2] / "docs" / "importing-tables.md").read_text("utf-8")


@pytest.mark.parametrize("place", [0, 1, 2])
def test_the_examples_of_the_document_run(place: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each command there, on the table that stands beside it."""
    monkeypatch.chdir(tmp_path)
    tables = re.findall(r"```csv\n(.*?)```", DOCUMENT, re.DOTALL)
    lines = DOCUMENT.replace("\\\n", "").splitlines()
    commands = [shlex.split(line) for line in lines if line.startswith("    scorer models import-table")]
    assert len(tables) == len(commands) == 3
    Path(commands[place][3]).write_text(tables[place], "utf-8")
    known = ["AA", "UA", "US"] if place == 2 else ["AA", "UA"]
    ROWS[ROWS["carrier"].isin(known)].to_csv("sample.csv", index=False)
    assert run(commands[place][1:]) == 0
