"""Trains the demo's versions on January to March, and proves each against the library on raw rows.

``python -m demo.train`` writes those that are missing in coefficients/flights. ``python -m demo.train --check`` trains
again and compares: with the locked libraries the digests are the same on the same type of processor; elsewhere it
prints the largest difference of a score.
"""

from __future__ import annotations

import argparse
import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # comes with scikit-learn

from demo import flights
from demo.pipelines import INPUTS, RAW, RECIPES
from scorer.batch import Floats
from scorer.importers import Difference, import_model
from scorer.model import golden
from scorer.model.frame import predict
from scorer.model.version import VersionBytes
from scorer.registry.files import read_version, write_version

COEFFICIENTS = Path(__file__).parents[1] / "coefficients" / flights.MODEL
CLASSES = ("on time", "late")

NEAR = 1e-6
"""A version that is trained again may differ so much in a score before it counts as another model."""


@dataclass(frozen=True)
class Trained:
    """One version, the fitted pipeline that it was imported from, and how far the two are apart."""

    name: str
    fitted: Pipeline
    stored: VersionBytes
    differences: tuple[Difference, ...]

    @property
    def digest(self) -> bytes:
        """The sha256 of the manifest."""
        return hashlib.sha256(self.stored.manifest).digest()


def train(frame: pd.DataFrame) -> list[Trained]:
    """Both versions, fitted on the rows of ``frame`` from January to March that have a label."""
    learned = flights.training(frame)
    labels = learned["late"].to_numpy(np.int64)
    # Threads would add up in an order that changes from run to run.
    with threadpool_limits(1):
        fitted = {name: recipe.pipeline().fit(learned[RAW], labels) for name, recipe in RECIPES.items()}
        return [_import(name, pipeline, learned) for name, pipeline in fitted.items()]


def _import(name: str, fitted: Pipeline, learned: pd.DataFrame) -> Trained:
    """A version, held against the fitted pipeline on the rows that it learned from, and on odd ones.

    The library would take a flight without an hour, and airlines give none; the inputs say that such an event is wrong.
    """
    made = import_model(
        fitted,
        model=flights.MODEL,
        version=name,
        serial=RECIPES[name].serial,
        rows=learned[RAW],
        inputs=INPUTS,
        classes=CLASSES,
    )
    return Trained(name, fitted, made.stored, made.differences)


def scores(stored: VersionBytes, frame: pd.DataFrame) -> Floats:
    """The scores that a version gives to the raw rows of ``frame``."""
    return predict(golden.admit(stored), frame)["score"].to_numpy(np.float64)


def check(trained: Trained, frame: pd.DataFrame, folder: Path) -> tuple[str, float]:
    """How ``trained`` compares with the version of that name in ``folder``: in words, and the largest difference."""
    stored = read_version(folder / trained.name)
    digest = hashlib.sha256(stored.manifest).hexdigest()
    if trained.digest.hex() == digest:
        return f"{trained.name}: the same digest, {digest}", 0.0
    difference = float(np.abs(scores(stored, frame) - scores(trained.stored, frame)).max())
    return (
        f"{trained.name}: another digest, {trained.digest.hex()} instead of {digest}; over {len(frame):,} flights the "
        f"scores differ by at most {difference:.3g}",
        difference,
    )


def main() -> int:
    """Write or check the versions; 1 where one that was trained again is another model."""
    parser = argparse.ArgumentParser(prog="python -m demo.train", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare with the versions that are there; write nothing")
    parser.add_argument("--folder", type=Path, default=COEFFICIENTS, help="where the versions are (%(default)s)")
    arguments = parser.parse_args()
    frame = flights.load()
    worst = 0.0
    for trained in train(frame):
        if arguments.check:
            words, difference = check(trained, frame, arguments.folder)
            print(words)
            worst = max(worst, difference)
        else:
            write_version(arguments.folder / trained.name, trained.stored)
            sizes = f"manifest {len(trained.stored.manifest):,} bytes, tensors {len(trained.stored.tensors):,} bytes"
            print(f"{arguments.folder / trained.name}: digest {trained.digest.hex()}, {sizes}")
            for one in trained.differences:
                print(f"  {one.what}: {one.rows:,} rows, largest difference {one.absolute:.3g}")
    return int(worst > NEAR)


if __name__ == "__main__":
    raise SystemExit(main())
