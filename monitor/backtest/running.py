"""A back-test at work: units scored in processes, each result kept on disk until all are there.

Killed at any point, the same command goes on with the units that are not there yet, and comes to the same numbers.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from monitor.backtest import corpus
from monitor.backtest.asked import WINDOWS, Asked
from monitor.backtest.corpus import Unit
from monitor.backtest.part import Part
from scorer.errors import SchemaError
from scorer.model.golden import admit
from scorer.model.model import Model
from scorer.registry.files import read_version
from scorer.rows import labelled
from scorer.rows.piece import PIECE, Piece


@dataclass(frozen=True, slots=True)
class Job:
    """What every process needs to know: the question, and the directories of the versions."""

    asked: Asked
    directories: tuple[Path, ...]


def run(job: Job, units: Sequence[Unit], folder: Path, workers: int, told: Callable[[int, int], None]) -> Part:
    """All units, in up to ``workers`` processes; ``folder`` holds what is done, and goes when all is.

    ``told`` hears how many units are done, and of how many. Raises SchemaError for a file that cannot be used.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for draft in folder.glob("*.partial"):
        draft.unlink()  # of a process that was killed
    missing = [number for number in range(len(units)) if not _file(folder, number).exists()]
    done = len(units) - len(missing)
    told(done, len(units))
    for _ in _worked(job, units, missing, folder, workers):
        done += 1
        told(done, len(units))
    whole = Part.empty(job.asked.layout)
    for number in range(len(units)):
        whole.merge(Part.of_json(_file(folder, number).read_bytes(), job.asked.layout))
    if not whole.rows:
        raise SchemaError("there are no rows in the corpus")
    shutil.rmtree(folder)
    return whole


def _worked(job: Job, units: Sequence[Unit], missing: Sequence[int], folder: Path, workers: int) -> Iterator[None]:
    if workers == 1 or len(missing) < 2:
        models = _models(job.directories)
        for number in missing:
            _keep(folder, number, score(job.asked, models, units[number]))
            yield
        return
    begun = (job.asked.plain(), job.directories, folder)
    pool = ProcessPoolExecutor(min(workers, len(missing)), get_context("spawn"), _begin, begun)
    try:
        for future in as_completed([pool.submit(_work, number, units[number]) for number in missing]):
            future.result()
            yield
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def score(asked: Asked, models: Sequence[Model], unit: Unit) -> Part:
    """What all versions say of the rows of a unit. Raises SchemaError that names the file."""
    part = Part.empty(asked.layout)
    fields = sorted({*asked.fields, *({asked.by} if asked.by not in WINDOWS else set())})
    wanted = [*(entry.name for model in models for entry in model.inputs), asked.label, *fields]
    try:
        with corpus.reading(unit) as reader:
            labelled.need(reader, [*wanted, *([asked.time] if asked.time is not None else [])])
            for piece in reader.pieces(PIECE):
                tables = [labelled.of_piece(model, piece, asked.label, asked.time) for model in models]
                part.add(asked, tables, {name: _texts(piece, name) for name in fields})
    except SchemaError as error:
        text = str(error)
        raise SchemaError(text if text.startswith(str(unit.file)) else f"{unit.file}: {text}") from None
    return part


def _texts(piece: Piece, name: str) -> list[str | None]:
    """The values of a field as text; an empty one is none."""
    return [None if cell is None or cell == "" or cell != cell else str(cell) for cell in piece.column(name)]  # noqa: PLR0124  # NaN


def _models(directories: Sequence[Path]) -> list[Model]:
    return [admit(read_version(directory)) for directory in directories]


def _file(folder: Path, number: int) -> Path:
    return folder / f"unit-{number:06}.json"


def _keep(folder: Path, number: int, part: Part) -> None:
    """Put a result there whole or not at all."""
    draft = folder / f"unit-{number:06}.{os.getpid()}.partial"
    with draft.open("wb") as file:
        file.write(part.to_json())
        file.flush()
        os.fsync(file.fileno())
    draft.replace(_file(folder, number))


_OWN: list[tuple[Asked, list[Model], Path]] = []
"""What a worker process was begun with."""


def _begin(facts: Mapping[str, Any], directories: Sequence[Path], folder: Path) -> None:
    _OWN.append((Asked.of_plain(facts), _models(directories), folder))


def _work(number: int, unit: Unit) -> None:
    [(asked, models, folder)] = _OWN
    _keep(folder, number, score(asked, models, unit))
