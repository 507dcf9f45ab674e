"""Which format a file has, and how it is opened for reading and writing."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from scorer.errors import SchemaError, SettingsError
from scorer.rows.avro import AvroReader, AvroWriter
from scorer.rows.delimited import DelimitedReader, DelimitedWriter
from scorer.rows.lines import LinesReader, LinesWriter
from scorer.rows.piece import Reader, Writer

ENDINGS = {
    ".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".avro": "avro", ".parquet": "parquet", ".pq": "parquet",
}  # fmt: skip
FORMATS = ("csv", "jsonl", "avro", "parquet")
PIPED = ("csv", "jsonl")
"""The formats that can be read from and written to a pipe."""

STANDARD = Path("-")
"""Stands for standard input and standard output."""


@dataclass(frozen=True, slots=True)
class Spelling:
    """How a CSV file is spelt: between cells, and which cells are no value besides the empty one."""

    delimiter: str = ","
    missing: Collection[str] = ()


def format_of(path: Path, said: str | None) -> str:
    """The format of a file: by its ending, else as ``said``. Raises ``SettingsError`` where neither says."""
    found = ENDINGS.get(path.suffix.lower(), said)
    if found not in FORMATS:
        raise SettingsError(f"{path}: its ending names no format: say --format {' or '.join(FORMATS)}")
    if path == STANDARD and found not in PIPED:
        raise SettingsError(f"{found} cannot be piped; only {' and '.join(PIPED)} can")
    return found


@contextmanager
def reading(path: Path, form: str, spelling: Spelling) -> Iterator[Reader]:
    """A reader for a file. Raises ``SchemaError`` where it is not of this format, ``SettingsError`` without file."""
    if path == STANDARD:
        yield _reader(sys.stdin.buffer, None, form, spelling)
        return
    try:
        file = path.open("rb")
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from None
    with file:
        try:
            yield _reader(file, path.stat().st_size, form, spelling)
        except SchemaError as error:
            raise SchemaError(f"{path}: {error}") from None


def _reader(file: BinaryIO, total: int | None, form: str, spelling: Spelling) -> Reader:
    if form == "csv":
        return DelimitedReader(file, total, spelling.delimiter, spelling.missing)
    if form == "jsonl":
        return LinesReader(file, total)
    if form == "avro":
        return AvroReader(file, total)
    from scorer.rows.parquet import ParquetReader  # noqa: PLC0415  # an extra, and slow to import

    return ParquetReader(file)


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A new file beside ``path``, which takes its place when all is written, and vanishes if anything fails.

    Where ``path`` is a link, the file that it leads to is replaced. Raises ``SettingsError`` where it cannot be
    written, or ``path`` is a device, a pipe or a directory.
    """
    if path == STANDARD:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    if path.exists() and not path.is_file():
        raise SettingsError(f"{path} is no file, and only a file is replaced; - is standard output")
    target = path.resolve()
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".partial", dir=target.parent)
    except OSError as error:
        raise SettingsError(f"{path} cannot be written: {error.strerror}") from None
    draft = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.chmod(0o666 & ~_umask())
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def _umask() -> int:
    """What this process takes away from the rights of new files; it can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def writer(
    file: BinaryIO, form: str, reader: Reader, chosen: Sequence[str] | None, made: Mapping[str, str], delimiter: str
) -> Writer:
    """A writer for the columns ``chosen`` of what ``reader`` reads (``None``: all of them) and those that are new.

    Raises ``SchemaError`` where a column is not there or a new one is there already, and where the format would have to
    guess the columns or their types.
    """
    names = reader.names if chosen is None else tuple(chosen)
    if len(set(names or ())) != len(names or ()):
        raise SchemaError(f"a column is named twice: {', '.join(names or ())}")
    for name in names or ():
        if reader.names is not None and name not in reader.names:
            raise SchemaError(f"there is no column {name!r}; there are {', '.join(reader.names)}")
        if name in made:
            raise SchemaError(f"there is a column {name!r} already: name the new ones otherwise with --prefix")
    if form == "jsonl":
        return LinesWriter(file, names, made)
    if names is None:
        raise SchemaError(f"lines of JSON may differ in their fields, so {form} needs --columns, or --only-scores")
    if form == "csv":
        return DelimitedWriter(file, names, made, delimiter)
    return cast("Writer", _typed_writer(file, form, reader, names, made))


def _typed_writer(file: BinaryIO, form: str, reader: Reader, names: Sequence[str], made: Mapping[str, str]) -> object:
    """A writer of a format in which columns have types: those of the file that they come from."""
    if form == "avro":
        source = reader if isinstance(reader, AvroReader) else None
        _need_types(form, source, names)
        return AvroWriter(file, source, names, made)
    from scorer.rows.parquet import ParquetReader, ParquetWriter  # noqa: PLC0415  # an extra, and slow to import

    columns = reader if isinstance(reader, ParquetReader) else None
    _need_types(form, columns, names)
    return ParquetWriter(file, columns, names, made)


def _need_types(form: str, source: Reader | None, names: Sequence[str]) -> None:
    if source is None and names:
        text = f"{form} must know the types of columns, which only a file in {form} says"
        raise SchemaError(f"{text}: write another format, or --only-scores")
