"""Figures by month against pandas and scikit-learn."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, brier_score_loss

from monitor.joining import Cell, Label, Outcome, Prediction, Shadow
from monitor.monthly import DAY, Monthly
from scorer.quality.requirements import parse

REQUIREMENTS = parse(
    """
    [[requirement]]
    metric = "accuracy"
    window = "month"
    judged = "once per closed window"
    minimum = 0.5
    least_labels = 3
    [[requirement]]
    metric = "brier"
    window = "month"
    judged = "once per closed window"
    maximum = 0.2
    least_labels = 3
    """,
    "requirements.toml",
)


def month(text: str) -> int:
    return int(np.datetime64(text, "M").astype(np.int64))


def micros(text: str) -> int:
    return int(np.datetime64(text, "us").astype(np.int64))


def outcome(
    score: float,
    truth: int | None = None,
    *,
    shadow: float | None = None,
    when: str = "2013-04",
    role: str = "champion",
    version: str = "v1",
    known: str = "2013-04-30",
) -> Outcome:
    return Outcome(
        Prediction(0, 1, score, Cell(month(when), role, version)),
        None if truth is None else Label(micros(known), truth),
        None if shadow is None else Shadow("c1", shadow),
    )


def summed(*outcomes: Outcome, days: float = 3.0) -> Monthly:
    monthly = Monthly(days)
    for each in outcomes:
        monthly.fold(each, +1)
    return monthly


def test_figures_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(3)
    n = 5_000
    frame = pd.DataFrame(
        {
            "month": rng.choice(["2013-04", "2013-05"], n),
            "score": np.round(rng.random(n), rng.integers(1, 17)),
            "shadow": rng.random(n) ** 9,
            "truth": rng.integers(0, 2, n),
            "version": rng.choice(["v1", "v2"], n),
        }
    )
    rows = frame.itertuples(index=False)
    monthly = summed(
        *(outcome(r.score, r.truth, shadow=r.shadow, when=r.month, version=r.version) for r in rows)  # type: ignore[arg-type]
    )
    for name, part in frame.groupby("month"):
        found = monthly.figures(month(str(name)), [])
        assert (found.month, found.predictions, found.outcomes) == (name, len(part), len(part))
        assert found.champion.versions == part["version"].value_counts().to_dict()
        [challenger] = found.others
        for figures, scores in ((found.champion, part["score"]), (challenger, part["shadow"])):
            assert figures.accuracy == accuracy_score(part["truth"], scores > 0.5)
            assert figures.brier == pytest.approx(brier_score_loss(part["truth"], scores), rel=0, abs=1e-15)


def test_sums_are_exact_in_any_order() -> None:
    rng = np.random.default_rng(4)
    outcomes = [outcome(score, shadow=score / 3, truth=1) for score in (rng.random(500) ** 20).tolist()]
    first = summed(*outcomes).figures(month("2013-04"), REQUIREMENTS)
    other = summed(*(outcomes[place] for place in rng.permutation(len(outcomes))))
    for each in outcomes[:100]:
        other.fold(each, -1)
        other.fold(each, +1)
    assert other.figures(month("2013-04"), REQUIREMENTS) == first


def test_one_half_is_the_first_class() -> None:
    found = summed(outcome(0.5, 0), outcome(np.nextafter(0.5, 1), 1), outcome(0.5, 1)).figures(month("2013-04"), [])
    assert found.champion.accuracy == pytest.approx(2 / 3)


def test_challengers_are_judged_on_the_champions_outcomes_that_they_scored() -> None:
    found = summed(
        outcome(0.9, 1, shadow=0.2),
        outcome(0.9, 1, version="v2"),
        outcome(0.9, shadow=0.2),
        outcome(0.1, 1, shadow=0.2, role="trial", version="t"),
    ).figures(month("2013-04"), [])
    assert (found.predictions, found.outcomes, found.labelled) == (3, 2, 2 / 3)
    assert found.champion.versions == {"v1": 1, "v2": 1}
    challenger, trial = found.others
    assert (challenger.role, challenger.versions, challenger.accuracy) == ("challenger", {"c1": 1}, 0.0)
    assert (trial.role, trial.versions, trial.accuracy) == ("trial", {"t": 1}, 0.0)


def test_a_month_closes_some_days_after_its_end() -> None:
    monthly = summed(days=1.5)
    assert monthly.closes(month("2012-02")) == micros("2012-03-01") + DAY * 3 // 2
    assert monthly.closes(month("2013-12")) == micros("2014-01-02T12:00:00")
    ends = [monthly.closes(number) - DAY * 3 // 2 for number in range(12 * 43, 12 * 44 + 1)]
    assert sum(end - start for start, end in pairwise(ends)) == 365 * DAY


def test_labels_known_later_are_late() -> None:
    monthly = summed(
        outcome(0.9, 1, known="2013-05-04"),
        outcome(0.9, 1, known="2013-05-04T00:00:00.000001"),
        outcome(0.9),
    )
    found = monthly.figures(month("2013-04"), [])
    assert (found.predictions, found.outcomes, found.late) == (3, 1, 1)


def test_what_was_taken_back_is_gone() -> None:
    moved = outcome(0.9, 1, when="2013-05")
    monthly = summed(moved, outcome(0.9, 1))
    monthly.fold(moved, -1)
    assert monthly.months() == [month("2013-04")]


@pytest.mark.parametrize(
    ("scores", "verdicts"),
    [
        ([], ["INSUFFICIENT", "INSUFFICIENT"]),
        ([0.9, 0.9], ["INSUFFICIENT", "INSUFFICIENT"]),
        ([0.9, 0.9, 0.9], ["PASS", "PASS"]),
        ([0.1, 0.1, 0.9, 0.9], ["PASS", "FAIL"]),
        ([0.1, 0.1, 0.1], ["FAIL", "FAIL"]),
    ],
)
def test_verdicts(scores: list[float], verdicts: list[str]) -> None:
    monthly = summed(outcome(0.3), *(outcome(score, 1) for score in scores))
    found = monthly.figures(month("2013-04"), REQUIREMENTS)
    assert [each.verdict for each in found.champion.verdicts] == verdicts
