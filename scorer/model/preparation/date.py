"""date@1: a part of a moment.

``in`` is a moment in microseconds since 1970 in UTC, without leap seconds, as events and frames have it. Parameter
``part``: ``year``, ``month`` (1 to 12), ``day`` (1 to 31), ``day_of_year`` (1 to 366), ``weekday`` (Monday is 0),
``hour`` or ``minute``, in the proleptic Gregorian calendar. Parameter ``wave``: null gives the part itself; ``"sin"``
and ``"cos"`` give that function of ``2 pi (part - first) / length``, so that the end of a cycle lies beside its
beginning: ``length`` 12, 31, 366, 7, 24, 60. Years have no cycle.

Column by column. A missing value stays missing; a moment beyond 2**53 (before 1684 or after 2255), which a float64
does not hold to the microsecond, refuses the row.

Equal to :class:`scorer.importers.sklearn.dates.DateParts`; waves to 2 units in the last place.

Source: H. Hinnant, chrono-Compatible Low-Level Date Algorithms (days to civil).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from scorer.batch import Floats, Int64s
from scorer.compiled import helper
from scorer.model.inputs import WHOLE
from scorer.model.limits import Limits
from scorer.model.ops import DATE
from scorer.model.preparation.prepared import Prepared
from scorer.model.program import Given, Program

NAME = "date@1"

YEAR, MONTH, DAY, DAY_OF_YEAR, WEEKDAY, HOUR, MINUTE = range(7)
PARTS: Mapping[str, int] = {
    "year": YEAR, "month": MONTH, "day": DAY, "day_of_year": DAY_OF_YEAR, "weekday": WEEKDAY, "hour": HOUR,
    "minute": MINUTE,
}  # fmt: skip
FIRST = (0, 1, 1, 1, 0, 0, 0)
LENGTH = (0, 12, 31, 366, 7, 24, 60)
"""Of each part, its first value and how many there are; a year has no cycle."""
WAVES = ("sin", "cos")

_MINUTE = 60_000_000
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR
_THURSDAY = 3
"""The weekday of 1970-01-01."""
_LIMIT = float(WHOLE)


@dataclass(frozen=True, slots=True, eq=False)
class Date:
    """The step as a version gives it; ``wave`` is ``""`` for the part itself."""

    given: Given
    part: str
    wave: str

    @classmethod
    def read(cls, given: Given, limits: Limits) -> Date:  # noqa: ARG003 - all steps are read alike
        """Check what the version gives. Raises ``VersionRefused``."""
        given.expect(["part", "wave"], [])
        if len(given.outputs) != len(given.inputs):
            raise given.refused(f"takes {len(given.inputs)} columns and must make as many, not {len(given.outputs)}")
        part, wave = given.params["part"].one_of(*PARTS), given.params["wave"]
        if wave.value is not None and part == "year":
            raise given.refused("a year has no cycle, so 'wave' must be null")
        return cls(given, part, "" if wave.value is None else wave.one_of(*WAVES))

    def emit(self, program: Program) -> None:
        """Write one operation per column."""
        for source, made in zip(self.given.inputs, self.given.outputs, strict=True):
            column = program.number(source, self.given)
            target = program.make(made, may_be_missing=column.may_be_missing)
            refusal = program.refusal(source, "it is no moment from 1684 to 2255 in microseconds since 1970")
            wave = 0 if not self.wave else 1 + WAVES.index(self.wave)
            program.op(DATE, target, column.register, PARTS[self.part], wave, refusal)

    def reference(self, prepared: Prepared) -> None:
        """The same in plain numpy."""
        for source, made in zip(self.given.inputs, self.given.outputs, strict=True):
            column = prepared.numbers[source]
            prepared.refuse(np.abs(column) > _LIMIT)
            prepared.numbers[made] = part_of(column, self.part, self.wave)


def part_of(moments: Floats, part: str, wave: str) -> Floats:
    """The part of each moment, NaN where there is none, by numpy's calendar; see the module."""
    known = np.abs(moments) <= _LIMIT
    moment = np.where(known, moments, 0).astype(np.int64).astype("datetime64[us]")
    day, month, year = (moment.astype(f"datetime64[{unit}]") for unit in "DMY")
    if part in ("hour", "minute"):
        whole = (
            (moment - day).astype(np.int64) // (_HOUR if part == "hour" else _MINUTE) % (24 if part == "hour" else 60)
        )
    elif part == "weekday":
        whole = (day.astype(np.int64) + _THURSDAY) % 7
    else:
        since = {"year": np.datetime64(0, "Y") - 1970, "month": year, "day": month, "day_of_year": year}[part]
        unit = {"year": year, "month": month, "day": day, "day_of_year": day}[part]
        whole = (unit - since).astype(np.int64) + FIRST[PARTS[part]]
    found = np.where(known, whole.astype(np.float64), np.nan)
    if not wave:
        return found
    angle = 2 * np.pi * (found - FIRST[PARTS[part]]) / LENGTH[PARTS[part]]
    return np.sin(angle) if wave == "sin" else np.cos(angle)


@helper
def _calendar(day: int, part: int) -> int:
    """Year, month, day or day of the year of the ``day``-th day since 1970-01-01."""
    shifted = day + 719_468  # days since 0000-03-01: years that begin in March end with the leap day
    era = shifted // 146_097
    of_era = shifted - era * 146_097
    year_of_era = (of_era - of_era // 1_460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    march = (5 * of_year + 2) // 153
    month = march + 3 if march < 10 else march - 9
    year = year_of_era + era * 400 + (1 if month <= 2 else 0)
    if part == YEAR:
        return int(year)
    if part == MONTH:
        return int(month)
    if part == DAY:
        return int(of_year - (153 * march + 2) // 5 + 1)
    leap = 1 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 0
    return int(of_year + 60 + leap if month > 2 else of_year - 305)


@helper
def _part(moment: int, part: int) -> int:
    day = moment // _DAY
    if part == HOUR:
        return int((moment - day * _DAY) // _HOUR)
    if part == MINUTE:
        return int((moment - day * _DAY) // _MINUTE % 60)
    if part == WEEKDAY:
        return int((day + _THURSDAY) % 7)
    return int(_calendar(day, part))


@helper
def date(
    registers: Floats, target: int, source: int, part: int, wave: int, refusal: int, missing: Int64s, width: int
) -> None:
    """The operation DATE on the first ``width`` rows of a block."""
    for j in range(width):
        moment = registers[source + j]
        if not abs(moment) <= _LIMIT:
            if not np.isnan(moment) and missing[j] < 0:
                missing[j] = refusal
            registers[target + j] = np.nan
            continue
        found = float(_part(int(moment), part))
        if wave:
            angle = 2 * math.pi * (found - FIRST[part]) / LENGTH[part]
            found = math.sin(angle) if wave == 1 else math.cos(angle)
        registers[target + j] = found
