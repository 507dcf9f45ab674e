"""A corpus as units of work: files, and of Parquet some row groups each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from scorer.errors import SettingsError
from scorer.rows import formats
from scorer.rows.piece import Reader

ROWS = 1 << 16
"""So many rows of a Parquet file make a unit, or a row group that is larger."""


class Unit(NamedTuple):
    """A file, and the row groups that are meant; ``None``: all of it."""

    file: Path
    form: str
    groups: tuple[int, ...] | None


def units(corpus: Path, said: str | None) -> list[Unit]:
    """Those of a file, or of all files below a directory whose ending names a format, in the order of their names.

    ``said`` is the format of a file whose ending does not say it. Raises SettingsError without any, SchemaError for a
    file that is not of its format.
    """
    if corpus.is_dir():
        files = sorted(one for one in corpus.rglob("*") if one.suffix.lower() in formats.ENDINGS and one.is_file())
        if not files:
            raise SettingsError(f"--corpus {corpus}: below it is no file of {', '.join(formats.FORMATS)}")
    elif corpus.is_file():
        files = [corpus]
    else:
        raise SettingsError(f"--corpus {corpus}: there is no such file or directory")
    return [unit for file in files for unit in _of_file(file, formats.format_of(file, said))]


def identities(units: list[Unit]) -> list[list[object]]:
    """By what one sees that a file is another now: its name, size and time of change."""
    files = sorted({unit.file for unit in units})
    return [[str(file.resolve()), file.stat().st_size, file.stat().st_mtime_ns] for file in files]


@contextmanager
def reading(unit: Unit) -> Iterator[Reader]:
    """A reader for the rows of a unit. Raises SchemaError and SettingsError."""
    with formats.reading(unit.file, unit.form, formats.Spelling()) as reader:
        if unit.groups is not None:
            from scorer.rows.parquet import ParquetReader  # noqa: PLC0415  # an extra, and slow to import

            assert isinstance(reader, ParquetReader)  # noqa: S101  # nothing else has row groups
            reader.only(unit.groups)
        yield reader


def _of_file(file: Path, form: str) -> list[Unit]:
    if form != "parquet":
        return [Unit(file, form, None)]
    from scorer.rows.parquet import ParquetReader  # noqa: PLC0415

    found: list[Unit] = []
    with formats.reading(file, form, formats.Spelling()) as reader:
        assert isinstance(reader, ParquetReader)  # noqa: S101  # by its form
        together: list[int] = []
        rows = 0
        for group, count in enumerate(reader.groups):
            together.append(group)
            rows += count
            if rows >= ROWS:
                found.append(Unit(file, form, tuple(together)))
                together, rows = [], 0
        if together:
            found.append(Unit(file, form, tuple(together)))
    return found
