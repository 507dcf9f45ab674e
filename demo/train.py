"""Trains the demo's versions on January to March, and proves each against the library on raw rows.

``python -m demo.train`` writes those that are missing in coefficients/flights. ``python -m demo.train --check`` trains
again and compares: with the locked libraries the digests are the same on the same type of processor; elsewhere it
prints the largest difference of a score.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import sklearn
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # comes with scikit-learn

from demo import flights, pipelines
from demo.pipelines import CATEGORIES, GAPPY, INPUTS, INTEGERS, RAW, RECIPES
from scorer.batch import Floats
from scorer.model import build, golden
from scorer.model.build import Design, Part, Proof
from scorer.model.frame import predict, rows, values
from scorer.model.profile import profile
from scorer.model.version import VersionBytes
from scorer.registry.files import read_version, write_version

COEFFICIENTS = Path(__file__).parents[1] / "coefficients" / flights.MODEL
CLASSES = ("on time", "late")

NEAR = 1e-6
"""A version that is trained again may differ so much in a score before it counts as another model."""

_SAMPLES = 32
_THRESHOLDS = 3


@dataclass(frozen=True)
class Trained:
    """One version, and the fitted pipeline that it was made from."""

    name: str
    fitted: Pipeline
    stored: VersionBytes

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
        hard = hard_rows(learned, pipelines.parts_of_boosted(fitted[pipelines.BOOSTED])[1])
        return [_export(name, pipeline, learned, hard) for name, pipeline in fitted.items()]


def hard_rows(frame: pd.DataFrame, kernel: Part) -> pd.DataFrame:
    """Raw rows that a wrong version would score otherwise: golden rows.

    Some rows as they are; then each input missing where it may be; each category never seen before; each number on a
    threshold of the boosted trees, where it still goes left, and on the next number, where it goes right.
    """
    sample = frame[RAW].iloc[np.linspace(0, len(frame) - 1, _SAMPLES).astype(int)]
    sample = sample.astype(dict.fromkeys(INTEGERS, "int64") | dict.fromkeys(CATEGORIES, object))
    made = [sample]

    def changed(values: Mapping[str, str | float]) -> None:
        made.append(sample.iloc[[len(made) % _SAMPLES]].assign(**values))

    for name in (*GAPPY, "manufacturer"):
        changed({name: np.nan})
    changed(dict.fromkeys((*GAPPY, "manufacturer"), np.nan))
    for name in CATEGORIES:
        changed({name: "never seen"})
    changed(dict.fromkeys(CATEGORIES, "never seen"))
    inner = kernel.arrays["left"] != np.arange(len(kernel.arrays["left"]))
    for place, name in enumerate((*INTEGERS, *GAPPY)):
        thresholds = kernel.arrays["threshold"][inner & (kernel.arrays["feature"] == place)]
        if name in INTEGERS:
            thresholds = thresholds[thresholds == np.round(thresholds)].astype(np.int64)
        for threshold in np.unique(thresholds)[:_THRESHOLDS].tolist():
            changed({name: threshold})
            changed({name: threshold + 1 if name in INTEGERS else np.nextafter(threshold, np.inf)})
    return pd.concat(made, ignore_index=True)


def _export(name: str, fitted: Pipeline, learned: pd.DataFrame, hard: pd.DataFrame) -> Trained:
    recipe = RECIPES[name]
    steps, kernel = recipe.parts(fitted)
    shape = profile(INPUTS, values(INPUTS, learned), pipelines.late(fitted, learned)[None])
    library = ("scikit-learn", sklearn.__version__)
    design = Design(
        flights.MODEL, name, recipe.serial, library, INPUTS, steps, kernel, "binary", CLASSES, profile=shape
    )
    proof = Proof(rows(INPUTS, hard), pipelines.late(fitted, hard)[None], atol=1e-12, rtol=0.0)
    return Trained(name, fitted, build.version(design, proof))


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
    return int(worst > NEAR)


if __name__ == "__main__":
    raise SystemExit(main())
