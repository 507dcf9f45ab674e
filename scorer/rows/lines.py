"""JSON lines: one object a line, in UTF-8. A line keeps its bytes; a field that it lacks is no value."""

from __future__ import annotations

import json
import math
from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from itertools import islice
from typing import Any, BinaryIO, NoReturn

from scorer.errors import SchemaError
from scorer.model.inputs import Input
from scorer.rows.piece import Made, Piece
from scorer.rows.values import Typed, from_objects, shown


class LinesPiece:
    """Some lines: ``text`` as they are, ``objects`` as they were read, ``None`` where one could not be."""

    def __init__(self, lines: Sequence[bytes]) -> None:
        self.text, wrong = lines, dict[int, str]()
        self.objects: list[dict[str, Any] | None] = []
        for row, line in enumerate(lines):
            try:
                self.objects.append(_object(line))
            except (ValueError, RecursionError) as error:
                self.objects.append(None)
                wrong[row] = f"the line is not a JSON object in UTF-8: {error}"
        self.unreadable: Mapping[int, str] = wrong

    def __len__(self) -> int:
        return len(self.text)

    def values(self, entry: Input) -> Typed:
        """The values of an input."""
        return from_objects(entry, self.column(entry.name))

    def column(self, name: str) -> Sequence[object]:
        """A field of each object, ``None`` where there is none."""
        return [None if found is None else found.get(name) for found in self.objects]


def _object(line: bytes) -> dict[str, Any]:
    found = json.loads(
        line.decode(), parse_float=_finite_number, parse_constant=_no_constant, object_pairs_hook=_unique
    )
    if not isinstance(found, dict):
        raise ValueError(f"it is {shown(found)}")  # noqa: TRY004  # a line that is wrong, not a mistake in the program
    return found


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a field occurs twice")
    return found


def _finite_number(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"{digits[:40]} is beyond what 64 bits hold")
    return number


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


class LinesReader:
    """Reads JSON lines from a binary file."""

    names = None

    def __init__(self, file: BinaryIO, total: int | None) -> None:
        self.total, self.done = total, 0
        self._file = file

    def pieces(self, rows: int) -> Iterator[LinesPiece]:
        """The rows in their order, so many at a time; empty lines are none."""
        lines = (line.strip() for line in self._counted())
        while found := list(islice(filter(None, lines), rows)):
            yield LinesPiece(found)

    def _counted(self) -> Iterator[bytes]:
        for line in self._file:
            begin = self.done == 0
            self.done += len(line)
            yield line.removeprefix(BOM_UTF8) if begin else line


class LinesWriter:
    """Writes JSON lines to a binary file. ``names`` of ``None`` keeps the lines that were read, whatever they hold."""

    def __init__(self, file: BinaryIO, names: Sequence[str] | None, made: Mapping[str, str]) -> None:
        self._file, self._names, self._made = file, names, frozenset(made)

    def write(self, piece: Piece, made: Made) -> None:
        """Append rows."""
        columns = [[_finite(value) for value in run.tolist()] for run in made.values()]
        new = (dict(zip(made, row, strict=True)) for row in zip(*columns, strict=True))
        if self._names is None:
            assert isinstance(piece, LinesPiece)  # noqa: S101  # nothing else is opened so
            self._file.writelines(map(self._joined, piece.text, piece.objects, new))
            return
        taken = {name: [_finite(value) for value in piece.column(name)] for name in self._names}
        for row, more in enumerate(new):
            self._file.write(_line({name: run[row] for name, run in taken.items()} | more))

    def _joined(self, text: bytes, found: Mapping[str, Any] | None, more: Mapping[str, object]) -> bytes:
        """A line and its new fields; a line that is no object becomes the field ``line`` of one."""
        if found is None:
            return _line({"line": text.decode(errors="replace"), **more})
        for name in self._made.intersection(found):
            raise SchemaError(f"a line has a field {name!r} already: name the new ones otherwise with --prefix")
        return text[:-1].rstrip() + b", " + _line(more)[1:] if found else _line(more)

    def close(self) -> None:
        """Nothing comes last."""


def _line(found: Mapping[str, object]) -> bytes:
    try:
        return json.dumps(found, ensure_ascii=False, allow_nan=False, default=_plain).encode() + b"\n"
    except UnicodeEncodeError:  # half of a surrogate pair, which JSON can hold as an escape only
        return json.dumps(found, allow_nan=False, default=_plain).encode() + b"\n"


def _finite(value: object) -> object:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _plain(value: object) -> str:
    if isinstance(value, datetime | date):
        return value.isoformat()
    raise SchemaError(f"JSON cannot hold {shown(value)}: choose other columns (--columns), or another format")
