"""What the training library itself says of every flight: probabilities of the pipelines, trained anew, on raw rows.

``python -m demo.library FILE`` writes them by event id. Where this machine trains other numbers than those in
coefficients/, its predictions cannot be compared with the stream directly; then the version that was trained here is
scored by our code on the same rows, and that is compared.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from demo import flights, pipelines, train
from demo.pipelines import RECIPES
from demo.train import Trained
from scorer.batch import Bools, Floats
from scorer.registry.files import read_version

TOLERANCE = 1e-12


@dataclass(frozen=True, eq=False)
class Library:
    """By version: the library's probabilities, in the order of ``event_ids``.

    ``ours`` has the scores that our code gives with the numbers trained here, ``same`` whether these are the committed
    ones.
    """

    event_ids: pd.Index
    expected: dict[str, Floats]
    ours: dict[str, Floats]
    same: dict[str, bool]

    @classmethod
    def read(cls, file: Path) -> Self:
        """What ``main`` wrote."""
        with np.load(file) as found:
            return cls(
                pd.Index(found["event_ids"].astype(object)),
                {version: found[f"{version}.expected"] for version in RECIPES},
                {version: found[f"{version}.ours"] for version in RECIPES},
                {version: bool(found[f"{version}.same"]) for version in RECIPES},
            )

    def write(self, file: Path) -> None:
        """For ``read``."""
        arrays: dict[str, npt.NDArray[Any]] = {"event_ids": self.event_ids.to_numpy(np.str_)}
        for version in RECIPES:
            arrays[f"{version}.expected"] = self.expected[version]
            arrays[f"{version}.ours"] = self.ours[version]
            arrays[f"{version}.same"] = np.array(self.same[version])
        np.savez(file, allow_pickle=False, **arrays)

    def differences(self, event_ids: pd.Series, versions: pd.Series, scores: pd.Series) -> Floats:
        """How far each prediction is from the library; infinite for a flight or version that it does not know."""
        found = np.full(len(scores), np.inf)
        places = self.event_ids.get_indexer(pd.Index(event_ids))
        for version, expected in self.expected.items():
            mine: Bools = (versions == version).to_numpy() & (places >= 0)
            given = scores.to_numpy()[mine] if self.same[version] else self.ours[version][places[mine]]
            found[mine] = np.abs(given - expected[places[mine]])
        return found


def collect(frame: pd.DataFrame, versions: Sequence[Trained]) -> Library:
    """What the fitted pipelines say of the flights in ``frame``."""
    committed = {version: read_version(train.COEFFICIENTS / version).manifest for version in RECIPES}
    return Library(
        pd.Index(frame["event_id"]),
        {one.name: pipelines.late(one.fitted, frame) for one in versions},
        {one.name: train.scores(one.stored, frame) for one in versions},
        {one.name: one.stored.manifest == committed[one.name] for one in versions},
    )


def main(file: str) -> None:
    """Train, predict and write."""
    frame = flights.load()
    collect(flights.replayed(frame), train.train(frame)).write(Path(file))


if __name__ == "__main__":
    main(*sys.argv[1:])
