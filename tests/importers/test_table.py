"""Coefficient tables as R, statsmodels and Weka print them: read, proven, refused."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import scorer
from scorer.cli.app import run
from scorer.errors import NotImportable, SettingsError
from scorer.importers import import_model
from scorer.importers.estimates import Treatment
from scorer.importers.table import Refused
from scorer.importers.terms import Factor, Known, read, reference
from scorer.model.frame import columns, predict
from scorer.model.golden import admit, score
from scorer.model.ops import IMPUTED, MISSING
from tests.importers.cases.tables import R_GLM, ROWS, STATSMODELS, TABLES, WEKA, by_hand, sigmoid, source

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


@pytest.mark.parametrize("text", [":".join(["no such"] * 20), ":".join(["distance"] * 3000)])
def test_products_without_end_are_refused_at_once(text: str) -> None:
    with pytest.raises(NotImportable, match=r"names no column|more than 20 colons"):
        read(text, KNOWN)


def test_a_term_that_may_mean_two_things_is_refused() -> None:
    known = Known([], {"air": {"line"}, "airl": {"ine"}})
    with pytest.raises(NotImportable, match="'air' is 'line' or 'airl' is 'ine'"):
        read("airline", known)
    assert read("airline", Known([], {"air": {"line"}, "airl": {"x"}})) == (Factor("air", ("line",)),)


def test_a_reference_that_is_stated_is_found() -> None:
    assert reference("C(carrier, Treatment(reference='A A'))[T.UA]") == ("carrier", "A A")
    assert reference('hour:C(carrier, Treatment("AA"))[T.UA]') == ("carrier", "AA")
    assert reference("C(carrier)[T.UA]") is None


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


TERMS: dict[str, Any] = {
    "(Intercept)": np.ones(len(ROWS)),
    "distance": ROWS["distance"],
    "hour": ROWS["hour"],
    "nightTRUE": ROWS["night"],
    "carrierUA": ROWS["carrier"] == "UA",
    "carrierUS": ROWS["carrier"] == "US",
    "originJFK": ROWS["origin"] == "JFK",
    "originLGA": ROWS["origin"] == "LGA",
    "I(hour^2)": ROWS["hour"] ** 2,
    "hour:carrierUA": ROWS["hour"] * (ROWS["carrier"] == "UA"),
    "nightTRUE:originJFK": ROWS["night"] & (ROWS["origin"] == "JFK"),
}
"""Terms, and what they are for the rows."""


@settings(max_examples=25, deadline=None)
@given(
    family=st.sampled_from(["gaussian", "binomial", "poisson", "gamma", "multinomial"]),
    terms=st.lists(st.sampled_from(list(TERMS)), min_size=1, unique=True).filter(lambda names: len(names) > 1),
    seed=st.integers(0, 2**16),
)
def test_tables_at_random(family: str, terms: list[str], seed: int) -> None:
    """Any terms in any order, with estimates of any sign, of all families."""
    count = 2 if family == "multinomial" else 1
    x = np.array([np.asarray(TERMS[name], np.float64) for name in terms])
    estimates = np.random.default_rng(seed).normal(size=(count, len(terms))) / np.abs(x).max(axis=1).clip(1)
    classes = {"binomial": ("no", "yes"), "multinomial": ("none", "one", "two")}.get(family, ())
    header = ["one", "two"] if count == 2 else ["estimate"]
    lines = [f"{name},{','.join(map(repr, column))}" for name, column in zip(terms, estimates.T.tolist(), strict=True)]
    text = "\n".join([",".join(["term", *header]), *lines, ""])
    known = {"carrier": "AA", "origin": "EWR"}
    used = {name: level for name, level in known.items() if any(name in term for term in terms)}
    link = "log" if family == "gamma" else None
    # Some levels have no term by chance: of those no estimate is added.
    treatment = Treatment(family, link, classes, used, unseen="zero")
    with TemporaryDirectory() as directory:
        found = source(Path(directory), text, treatment)
    model = admit(import_model(found, model="sample", version="v1", rows=ROWS).stored)
    margin = np.einsum("ct,tr->cr", estimates, x)
    if family == "multinomial":
        powers = np.exp(np.concatenate([np.zeros((1, len(ROWS))), margin]))
        expected = powers / powers.sum(axis=0)
    else:
        expected = {"gaussian": margin, "binomial": sigmoid(margin)}.get(family, np.exp(margin))
    got = score(model, columns(model.inputs, ROWS)).scores
    np.testing.assert_allclose(got, expected, rtol=1e-11, atol=1e-13)


def test_what_is_filled_is_scored_and_flagged(tmp_path: Path) -> None:
    text, treatment = TABLES["r"]
    fills = {"distance": "733", "carrier": "US", "hour": "13"}
    imported = import_model(
        source(tmp_path, text, replace(treatment, fills=fills)), model="sample", version="v1", rows=ROWS
    )
    row = ROWS.iloc[[2]].assign(distance=np.nan, carrier=pd.Series([None], [2], object), hour=np.nan)
    got = predict(admit(imported.stored), row)
    np.testing.assert_allclose(got["score"], by_hand("r")[2:3], 1e-12)
    assert got["flags"].tolist() == [IMPUTED | MISSING]


@pytest.mark.parametrize(
    ("text", "treatment", "said"),
    [
        (R_GLM, Treatment("binomial", classes=("no", "late")), "--reference carrier=LEVEL"),
        (R_GLM, Treatment("binomial", references={"carrier": "AA"}), "--classes"),
        (R_GLM, Treatment("binomial", classes=("a", "b", "c")), "--classes"),
        (R_GLM, Treatment("binomial", classes=("a", "b"), references={"carrier": "UA"}), "has a term"),
        (STATSMODELS, Treatment("gamma"), "--link log"),
        (STATSMODELS, Treatment("tobit"), "tobit"),
        (STATSMODELS, Treatment("gaussian", classes=("a", "b")), "no classes"),
        (STATSMODELS, Treatment("gaussian", fills={"origin": "JFK"}), "'origin' is no column"),
        (STATSMODELS, Treatment("gaussian", fills={"carrier": "XX"}), "no such level, only AA, UA, US"),
        (STATSMODELS, Treatment("gaussian", fills={"distance": "far"}), "must be one"),
        (STATSMODELS, Treatment("gaussian", estimate="Estimate"), "Estimate"),
        ("term,a,b\ndistance,1,2\n", Treatment("gaussian"), "--estimate"),
    ],
)
def test_what_is_not_said_must_be(tmp_path: Path, text: str, treatment: Treatment, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        source(tmp_path, text, treatment)


def test_a_table_of_a_constant_is_no_model(tmp_path: Path) -> None:
    found = source(tmp_path, "term,estimate\n(Intercept),1\n", Treatment("gaussian"))
    with pytest.raises(NotImportable, match="constant"):
        import_model(found, model="sample", version="v1", rows=ROWS)


def test_rows_that_the_program_would_not_predict_are_refused(tmp_path: Path) -> None:
    found = source(tmp_path, *TABLES["r"])
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
