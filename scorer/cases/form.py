"""A case: one raw row, what must come of it, and why that is understood; and how cases are written.

A file holds ``{"cases": [...], "format_version": 1}``. It is written with sorted keys and one value a line, so that
every change is a small diff, and is read strictly, whatever its layout: people edit it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from scorer.model import canonical
from scorer.model.canonical import Json, Reader, number_to_json
from scorer.model.inputs import Input, Raw
from scorer.scoring.score import FLAGS

FORMAT = 1

_MOST = 100_000
_LONGEST = 2_000
_FEWEST_WORDS = 3


@dataclass(frozen=True, slots=True)
class Scores:
    """The scores, one for each output; ours may differ by ``atol + rtol · |score|``."""

    values: tuple[float, ...]
    atol: float
    rtol: float


@dataclass(frozen=True, slots=True)
class Bounds:
    """The least and the greatest score of each output, both allowed."""

    ranges: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Unscored:
    """A dead letter: its code, and the field that it names, if any."""

    code: str
    field: str | None


Expected: TypeAlias = Scores | Bounds | Unscored


@dataclass(frozen=True, slots=True)
class Source:
    """Where a case was met in operation; ``None`` for what is not known.

    ``time`` is the event's broker timestamp (ISO 8601, UTC), ``version`` the one that scored it or was to,
    ``reason`` why it became a dead letter, ``file`` where somebody handed it in.
    """

    topic: str | None = None
    partition: int | None = None
    offset: int | None = None
    time: str | None = None
    version: str | None = None
    reason: str | None = None
    file: str | None = None

    def to_json(self) -> dict[str, Json]:
        """As files hold it."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def read(cls, reader: Reader) -> Source:
        """Read one."""
        topic, partition, offset, time, version, reason, file = reader.fields(*cls.__slots__)
        texts = [None if one.value is None else one.text(_LONGEST) for one in (topic, time, version, reason, file)]
        places = [None if one.value is None else one.integer(0, 2**63 - 1) for one in (partition, offset)]
        return cls(texts[0], places[0], places[1], *texts[1:])


@dataclass(frozen=True, slots=True)
class Case:
    """A raw row in the order of the version's inputs. ``flags`` (names) are compared where they are given."""

    name: str
    why: str
    row: tuple[Raw, ...]
    expected: Expected
    flags: tuple[str, ...] | None = None
    source: Source | None = None


def write(cases: Sequence[Case], inputs: Sequence[Input]) -> bytes:
    """The canonical bytes of a file: what is read from them gives the same bytes again."""
    document = {"cases": [to_json(case, inputs) for case in cases], "format_version": FORMAT}
    return (json.dumps(document, indent=1, sort_keys=True, allow_nan=False, ensure_ascii=False) + "\n").encode()


def read(data: bytes, inputs: Sequence[Input], outputs: int, name: str, *, sourced: bool) -> list[Case]:
    """The cases in a file. ``sourced``: they must say where they were met; else they must not.

    Raises ``VersionRefused("manifest", ...)`` that says what is wrong where.
    """
    document = Reader(canonical.decode(data, name), name)
    listed, revision = document.fields("cases", "format_version")
    if revision.integer(1, 2**31) != FORMAT:
        revision.refuse(f"{FORMAT}, the only form that this release reads")
    cases = [_read_case(entry, inputs, outputs, sourced) for entry in listed.items(0, _MOST)]
    names = [case.name for case in cases]
    if len(set(names)) != len(names):
        listed.refuse("cases whose names differ from each other")
    return cases


def is_sentence(why: str) -> bool:
    """Whether somebody has said why."""
    return len(why.split()) >= _FEWEST_WORDS


def to_json(case: Case, inputs: Sequence[Input]) -> dict[str, Json]:
    """As files hold it."""
    row: dict[str, Json] = {
        entry.name: entry.value_to_json(value) for entry, value in zip(inputs, case.row, strict=True)
    }
    found: dict[str, Json] = {
        "name": case.name,
        "why": case.why,
        "row": row,
        "expected": _expected_to_json(case.expected),
        "flags": None if case.flags is None else list(case.flags),
    }
    return found if case.source is None else found | {"source": case.source.to_json()}


def _expected_to_json(expected: Expected) -> Json:
    if isinstance(expected, Scores):
        scores: list[Json] = [number_to_json(value) for value in expected.values]
        return {"scores": scores, "atol": expected.atol, "rtol": expected.rtol}
    if isinstance(expected, Bounds):
        return {"between": [[number_to_json(low), number_to_json(high)] for low, high in expected.ranges]}
    return {"dead_letter": {"code": expected.code, "field": expected.field}}


def _read_case(reader: Reader, inputs: Sequence[Input], outputs: int, sourced: bool) -> Case:
    name, why, row, expected, flags, *rest = reader.fields(
        "name", "why", "row", "expected", "flags", *(("source",) if sourced else ())
    )
    if not is_sentence(why.text(_LONGEST)):
        why.refuse("a sentence on why this outcome is understood")
    values = row.fields(*(entry.name for entry in inputs))
    return Case(
        name.text(),
        why.text(_LONGEST),
        tuple(raw_value(entry, one) for entry, one in zip(inputs, values, strict=True)),
        _read_expected(expected, outputs),
        None if flags.value is None else tuple(one.one_of(*FLAGS.values()) for one in flags.items(0, len(FLAGS))),
        Source.read(rest[0]) if sourced else None,
    )


def raw_value(entry: Input, reader: Reader) -> Raw:
    """A raw value; whoever writes 3 where a float64 is meant is understood."""
    if entry.dtype == "float64" and type(reader.value) is int:
        return float(reader.value)
    return entry.read_value(reader)


def _read_expected(reader: Reader, outputs: int) -> Expected:
    kinds = reader.value if isinstance(reader.value, dict) else {}
    if "between" in kinds:
        [between] = reader.fields("between")
        ranges = [tuple(map(_number, pair.items(2, 2))) for pair in between.items(outputs, outputs)]
        if any(not low <= high for low, high in ranges):
            between.refuse("for each output the least score and then the greatest")
        return Bounds(tuple((low, high) for low, high in ranges))
    if "dead_letter" in kinds:
        [letter] = reader.fields("dead_letter")
        code, field = letter.fields("code", "field")
        return Unscored(code.text(), None if field.value is None else field.text())
    if "scores" not in kinds:
        reader.refuse('an object with "scores", "between" or "dead_letter"')
    scores, atol, rtol = reader.fields("scores", "atol", "rtol")
    tolerances = [_number(one) for one in (atol, rtol)]
    if not all(0.0 <= tolerance < math.inf for tolerance in tolerances):
        reader.refuse("tolerances that are not negative")
    return Scores(tuple(map(_number, scores.items(outputs, outputs))), *tolerances)


def _number(reader: Reader) -> float:
    return float(reader.value) if type(reader.value) is int else reader.any_number()
