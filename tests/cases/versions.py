"""Small versions with cases, in a directory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from scorer.cases import form
from scorer.cases.folder import Folder
from scorer.cases.form import Bounds, Case
from scorer.model import build, golden
from scorer.model.build import Design, Proof
from scorer.model.inputs import Input, Raw
from scorer.model.model import Model
from scorer.model.version import VersionBytes
from scorer.registry.files import write_version

INPUTS = (Input("x", "float64", nullable=True), Input("n", "int64"), Input("word", "category", nullable=True))


def stored(name: str = "v1", slope: float = 1.0) -> VersionBytes:
    """p = sigmoid(slope x + 0.5 n + [word = a] - [word = b]) with a missing x as 0."""
    rows: list[list[Raw]] = [[float(x), n, word] for x in np.linspace(-3, 3, 9) for n, word in ((0, "a"), (2, "b"))]
    margins = [slope * x + 0.5 * n + (1 if word == "a" else -1) for x, n, word in rows]  # type: ignore[operator]
    design = Design(
        "m",
        name,
        1,
        ("numpy", np.__version__),
        INPUTS,
        [build.impute(["x"], ["x known"], [0.0]), build.one_hot("word", ["a", "b"])],
        build.logistic(["x known", "n", "word=a", "word=b"], [slope, 0.5, 1.0, -1.0], 0.0),
        "binary",
        ("no", "yes"),
    )
    return build.version(design, Proof(rows, 1 / (1 + np.exp(-np.array([margins])))))


def model(slope: float = 1.0) -> Model:
    """The same, ready to score."""
    return golden.admit(stored(slope=slope))


MIDDLE = Case("middle", "Nothing speaks for either class.", (0.0, 0, None), Bounds(((0.5, 0.5),)), ("missing",))


def directory(folder: Path, cases: Sequence[Case] = (MIDDLE,), slope: float = 1.0) -> Path:
    """A version's directory with these contrived cases."""
    made = folder / "coefficients" / "m" / "v1"
    write_version(made, stored(slope=slope))
    contrived(made, cases)
    return made


def contrived(made: Path, cases: Sequence[Case]) -> None:
    """Replace the contrived cases."""
    file = Folder(made).contrived
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(form.write(cases, INPUTS))


def sample(rows: int = 400) -> pd.DataFrame:
    """Labelled rows that the version with slope 1 was made for."""
    rng = np.random.default_rng(5)
    frame = pd.DataFrame(
        {"x": rng.normal(size=rows), "n": rng.integers(-2, 3, rows), "word": rng.choice(list("ab"), rows)}
    )
    margin = frame["x"] + 0.5 * frame["n"] + np.where(frame["word"] == "a", 1, -1)
    frame["label"] = np.where(rng.random(rows) < 1 / (1 + np.exp(-margin)), "yes", "no")
    frame["event_time"] = pd.Timestamp("2026-01-01", tz="UTC") + pd.to_timedelta(np.arange(rows), unit="h")
    return frame


REQUIRED = """
[[requirement]]
metric = "brier"
maximum = 0.2
window = "month"
judged = "continuously"
least_labels = 100000
"""
