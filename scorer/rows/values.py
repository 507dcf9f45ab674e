"""Raw values from what files hold: text, or the objects of a reader. A value of the wrong type spoils its row alone.

What counts as which value, in every format:

=============  =====================================================================================================
``float64``    numbers; true and false as 1 and 0
``int64``      integers of 64 bits, whole numbers, true and false, moments (microseconds since 1970; without a zone in
               UTC), days (since 1970)
``category``   text as it is
=============  =====================================================================================================

In text, numbers and moments (ISO 8601) are spelt out. NaN is no value, as in the stream.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

import numpy as np

from scorer.model.inputs import Input, Raw
from scorer.model.table import Values, values_of

_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)
_INTEGER = re.compile(r"\s*[+-]?\d+\s*", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d")
_WORDS = {
    "true": 1.0, "false": 0.0, "nan": math.nan, "inf": math.inf, "+inf": math.inf, "-inf": -math.inf,
    "infinity": math.inf, "+infinity": math.inf, "-infinity": -math.inf,
}  # fmt: skip
_WANTED = {"float64": "a number", "int64": "an integer of 64 bits", "category": "text"}
_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
_SHOWN = 40


class Typed(NamedTuple):
    """The values of one input in some rows, and what is wrong with those that are of another type (and count as none).

    ``wrong`` has a text by row.
    """

    values: Values
    wrong: Mapping[int, str]


class WrongType(ValueError):
    """Raised inside of this module for a value that is not of the input's type."""


def from_text(entry: Input, cells: Sequence[str], missing: Collection[str]) -> Typed:
    """The values that ``cells`` spell; those in ``missing`` are none."""
    if entry.dtype == "float64":
        quick = _quick_floats(cells, missing)
        if quick is not None:
            return Typed(quick, {})
    return _each(entry, (None if cell in missing else cell for cell in cells), _spelt)


def from_objects(entry: Input, found: Iterable[object]) -> Typed:
    """The values that objects are; ``None`` is none."""
    return _each(entry, found, _value)


def _quick_floats(cells: Sequence[str], missing: Collection[str]) -> Values | None:
    """The values, where Python reads all of them as floats and no spelling is doubtful."""
    text = "".join(cells)
    if "_" in text or not text.isascii():
        return None
    try:
        numbers = np.array([math.nan if cell in missing else float(cell) for cell in cells], np.float64)
    except ValueError:
        return None
    if np.isinf(numbers).any():  # written out, or the overflow of a number
        return None
    return numbers, ~np.isnan(numbers)


def _each(entry: Input, found: Iterable[object], convert: Callable[[Input, object], Raw]) -> Typed:
    raw: list[Raw] = []
    wrong: dict[int, str] = {}
    for row, value in enumerate(found):
        try:
            raw.append(None if value is None else convert(entry, value))
        except WrongType:
            raw.append(None)
            wrong[row] = f"{entry.name}: expected {_WANTED[entry.dtype]}, found {shown(value)}"
    [values] = values_of([entry], [(value,) for value in raw])
    return Typed(values, wrong)


def shown(value: object) -> str:
    """A value as messages show it, not too long."""
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _spelt(entry: Input, cell: object) -> Raw:
    assert isinstance(cell, str)  # noqa: S101  # cells of text files are
    if entry.dtype == "category":
        return cell
    if entry.dtype == "int64":
        if _INTEGER.fullmatch(cell):
            return _sixty_four_bits(_whole(cell))
        if _MOMENT.match(cell):
            return _moment(_iso(cell))
    if _NUMBER.fullmatch(cell):
        number = float(cell)
        if math.isinf(number):  # not what is written there: nothing is approximated in silence
            raise WrongType
    elif cell.strip().lower() in _WORDS:
        number = _WORDS[cell.strip().lower()]
    else:
        raise WrongType
    return _number(entry, number)


def _value(entry: Input, value: object) -> Raw:
    if entry.dtype == "category":
        if isinstance(value, str) and _is_unicode(value):
            return value
        raise WrongType
    if isinstance(value, bool | int):
        return _sixty_four_bits(int(value)) if entry.dtype == "int64" else _float(value)
    if isinstance(value, float | Decimal):
        return _number(entry, _float(value))
    if entry.dtype == "int64":
        if isinstance(value, datetime):
            return _moment(value)
        if isinstance(value, date):
            return value.toordinal() - _EPOCH.toordinal()
        if isinstance(value, str) and _MOMENT.match(value):
            return _moment(_iso(value))
    raise WrongType


def _number(entry: Input, number: float) -> Raw:
    if math.isnan(number):
        return None
    if entry.dtype == "float64":
        return number
    if not math.isfinite(number) or number != int(number):
        raise WrongType
    return _sixty_four_bits(int(number))


def _float(value: float | Decimal) -> float:
    try:
        return float(value)
    except (OverflowError, ValueError):  # an integer with hundreds of digits; a signalling NaN
        raise WrongType from None


def _whole(cell: str) -> int:
    try:
        return int(cell)
    except ValueError:  # thousands of digits
        raise WrongType from None


def _sixty_four_bits(value: int) -> int:
    if not -(2**63) <= value < 2**63:
        raise WrongType
    return value


def _iso(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise WrongType from None


def _moment(found: datetime) -> int:
    zoned = found if found.tzinfo else found.replace(tzinfo=UTC)
    return (zoned - _EPOCH) // _MICROSECOND


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
