"""Writes the cases of the demo's versions: rows that somebody thought of, and a labelled sample.

``python -m demo.cases`` writes coefficients/flights/V/cases. The sample is drawn once, by chance, from the training
months and from autumn, which no version was trained on. It leaves out summer, where the logistic regression misses its
requirements, and is known to: coefficients/flights/requirements.toml says so, and the monitor finds it.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd

from demo import flights, train
from demo.pipelines import INTEGERS, LOGISTIC, RAW, RECIPES
from scorer.cases import form
from scorer.cases.folder import Folder
from scorer.cases.form import Bounds, Case, Expected, Unscored
from scorer.cases.sample import LABEL, TIME
from scorer.model import golden
from scorer.model.inputs import Input, Raw
from scorer.registry.files import read_version

ROWS = 2_000
"""From each of the two periods."""

AUTUMN = (9, 10, 11)

AVERAGE = 0.2284
"""The share of the training flights that were late: what to say of a flight of which nothing is known."""

_SEED = 2013

_CALM: dict[str, Raw] = {
    "distance": 1000, "weekday": 2, "hour": 6, "minute": 0, "plane_year": 2005.0, "seats": 150.0, "temp": 45.0,
    "dewp": 25.0, "humid": 45.0, "wind_speed": 4.0, "wind_gust": None, "precip": 0.0, "pressure": 1022.0,
    "visib": 10.0, "carrier": "DL", "origin": "JFK", "dest": "ATL", "manufacturer": "BOEING",
}  # fmt: skip
"""The first wave of a clear winter's Wednesday."""

_STORM: dict[str, Raw] = {
    "hour": 19, "temp": 38.0, "dewp": 37.0, "humid": 98.0, "wind_speed": 28.0, "wind_gust": 40.0, "precip": 0.4,
    "pressure": 996.0, "visib": 0.5,
}  # fmt: skip
_NO_WEATHER: dict[str, Raw] = dict.fromkeys(flights.WEATHER)
_NO_PLANE: dict[str, Raw] = dict.fromkeys(("plane_year", "seats", "manufacturer"))
_NOBODY: dict[str, Raw] = {"carrier": "ZZ", "origin": "XXX", "dest": "XXX", "manufacturer": "NEW WORKS"}

_LIKELIER, _LESS_LIKELY = Bounds(((AVERAGE, 1.0),)), Bounds(((0.0, AVERAGE),))
_NOT_CALLED_LATE = Bounds(((0.0, 0.5),))


def contrived(version: str, inputs: tuple[Input, ...]) -> list[Case]:
    """The cases of one version, in the order of its inputs."""
    return [
        Case(name, why, tuple({**_CALM, **changed}[entry.name] for entry in inputs), expected, flags)
        for name, why, changed, expected, flags in _thought_of(version == LOGISTIC)
    ]


def _thought_of(linear: bool) -> Iterator[tuple[str, str, Mapping[str, Raw], Expected, tuple[str, ...] | None]]:
    """Names, reasons, what is changed in the calm morning, expectations, flags. The trees take gaps as they are."""
    gap = ("imputed",) if linear else ()
    missing = (*gap, "missing")
    yield (
        "first wave of a calm day",
        "Delays pile up in the course of a day, and nothing holds this flight up, so it must be less likely to be late "
        "than the average flight. Where there are no gusts the gust is missing, as in most rows.",
        {},
        _LESS_LIKELY,
        missing,
    )
    yield (
        "evening in a storm",
        "Rain, half a mile of sight and gusts close runways, and in the evening there is no slack left, so it must be "
        "likelier to be late than the average flight. Every value is there, so nothing is imputed, but it rains harder "
        "than it did in any hour of the training data, which must be flagged.",
        _STORM,
        _LIKELIER,
        ("outside",),
    )
    yield (
        "the weather station is silent",
        "Without any weather the schedule still says that it is early: missing values must not make it late.",
        _NO_WEATHER,
        _LESS_LIKELY,
        missing,
    )
    yield (
        "nothing known but the schedule",
        "A midday flight of an unregistered plane without weather is close to the average, which is on time.",
        _NO_WEATHER | _NO_PLANE | {"hour": 13},
        _NOT_CALLED_LATE,
        missing,
    )
    yield (
        "a carrier that is new",
        "A category that was never seen says nothing of a calm morning, and the prediction must be flagged.",
        {"carrier": "ZZ"},
        _LESS_LIKELY,
        (*gap, "unseen", "missing"),
    )
    yield (
        "everything is new",
        "With no word known, schedule and weather remain, which are good: not called late, but flagged.",
        _NOBODY | {"hour": 13},
        _NOT_CALLED_LATE,
        (*gap, "unseen", "missing"),
    )
    yield (
        "no hour",
        "The hour matters most and is in every schedule; an event without it is broken, and must not be guessed at.",
        {"hour": None},
        Unscored("missing_input", "hour"),
        None,
    )
    yield (
        "plane built in the year 0",
        "An obvious mistake in the register. A linear term has no limits, so the score runs away to 1: a known "
        "weakness, and a reason to have the register corrected." if linear else
        "An obvious mistake in the register. Trees know only older and newer, so it counts as the oldest plane.",
        {"plane_year": 0.0},
        Bounds(((0.999, 1.0),)) if linear else _LESS_LIKELY,
        (*missing, "outside"),
    )  # fmt: skip


def sample(frame: pd.DataFrame) -> pd.DataFrame:
    """Labelled raw rows of both periods, in the order of their events."""
    autumn = frame[frame["month"].isin(AUTUMN) & frame["late"].notna()]
    drawn = [period.sample(ROWS, random_state=_SEED) for period in (flights.training(frame), autumn)]
    rows = pd.concat(drawn).sort_values(["scheduled", "event_id"], ignore_index=True)
    taken = rows[RAW].assign(**{LABEL: rows["late"].map(dict(enumerate(train.CLASSES))), TIME: rows["scheduled"]})
    return taken.astype(dict.fromkeys(INTEGERS, "int64"))


def write(folder: Path, frame: pd.DataFrame) -> None:
    """Write the cases of all versions in ``folder``."""
    rows = sample(frame)
    for version in RECIPES:
        at = Folder(folder / version)
        model = golden.admit(read_version(at.version))
        at.contrived.parent.mkdir(exist_ok=True)
        at.contrived.write_bytes(form.write(contrived(version, model.inputs), model.inputs))
        rows.to_parquet(at.sample, compression="zstd", index=False)


def main() -> None:
    """Write them."""
    parser = argparse.ArgumentParser(prog="python -m demo.cases", description=__doc__)
    parser.add_argument("--folder", type=Path, default=train.COEFFICIENTS, help="where the versions are (%(default)s)")
    write(parser.parse_args().folder, flights.load())


if __name__ == "__main__":
    main()
