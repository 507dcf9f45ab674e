"""What several tests of the demo need: the flights and the trained versions, made once."""

from __future__ import annotations

import pandas as pd
import pytest

from demo import flights, train
from demo.train import Trained


@pytest.fixture(scope="session")
def flown() -> pd.DataFrame:
    """All flights of the year."""
    return flights.load()


@pytest.fixture(scope="session")
def trained(flown: pd.DataFrame) -> dict[str, Trained]:
    """Both versions, trained here and now, by name."""
    return {one.name: one for one in train.train(flown)}
