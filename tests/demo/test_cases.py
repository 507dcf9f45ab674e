"""The committed cases are those that the script writes, and are as canonical as it writes them."""

from __future__ import annotations

import pandas as pd
import pytest

from demo import cases
from demo.pipelines import RECIPES
from demo.train import COEFFICIENTS
from scorer.cases import form, sample
from scorer.cases.folder import Folder
from scorer.model import golden
from scorer.registry.files import read_version


@pytest.mark.parametrize("name", RECIPES)
def test_what_is_committed_is_what_the_script_writes(name: str, flown: pd.DataFrame) -> None:
    folder = Folder(COEFFICIENTS / name)
    model = golden.admit(read_version(folder.version))
    assert folder.contrived.read_bytes() == form.write(cases.contrived(name, model.inputs), model.inputs)
    found = sample.read(folder.sample)
    made = cases.sample(flown)
    assert folder.sample.stat().st_size < 200_000
    pd.testing.assert_frame_equal(found, made, check_dtype=False)


def test_the_sample_is_of_two_periods_and_leaves_none_out(flown: pd.DataFrame) -> None:
    """By chance: about as many flights are late in it as in the two periods."""
    rows = cases.sample(flown)
    months = rows["event_time"].dt.tz_convert("America/New_York").dt.month
    assert set(months) == {1, 2, 3, *cases.AUTUMN}
    for months_of in ((1, 2, 3), cases.AUTUMN):
        period = flown[flown["month"].isin(months_of) & flown["late"].notna()]
        drawn = rows[months.isin(months_of)]
        assert len(drawn) == cases.ROWS
        assert (drawn["label"] == "late").mean() == pytest.approx(period["late"].mean(), abs=0.03)
