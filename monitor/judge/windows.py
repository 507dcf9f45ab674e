"""Buckets by hour and day, how changes are folded into them, and how they make up windows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np

from monitor.judge.outputs import ROLES, VERSION, Outputs, list_column, segment_column, segment_kind, table
from monitor.judge.verdicts import Segment
from monitor.rows import DAY, HOUR, Rows, distinct, take
from monitor.stats.buckets import Bucket, Buckets, Key, together
from monitor.stats.layout import Layout
from monitor.stats.listing import fold
from scorer.batch import Int64s
from scorer.quality.requirement import Requirement, Window
from scorer.quality.windows import window_of

VALUES: Final = 100
"""So many values of a segment field are told apart, besides those that requirements name; rows of others are counted
with all, and told by number."""

HOURS_FOR: Final = 10 * 24
"""For so many hours after they closed there are buckets of single hours; then those of a day are merged."""

BUCKETS_FOR: Final = 400 * 24
"""For so many hours buckets are kept."""

Names = Callable[[str], Mapping[int, str]]
"""The texts behind codes of a kind."""


class Group(NamedTuple):
    """Whose outcomes are together."""

    version: str
    role: str
    segment: Segment | None


@lru_cache(maxsize=4096)
def bounds(number: int, window: Window) -> tuple[int, int]:
    """Begin and end of a window, microseconds since 1970, UTC; the end is exclusive."""
    if window == "week":
        begin = (number * 7 - 3) * DAY  # 1970 began on a Thursday
        return begin, begin + 7 * DAY
    if window == "month":
        months = np.array([number, number + 1]).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
        return int(months[0]) * DAY, int(months[1]) * DAY
    length = HOUR if window == "hour" else DAY
    return number * length, (number + 1) * length


def in_season(requirement: Requirement, hours: Int64s) -> Int64s:
    """Those of ``hours``, counted from 1970, in which a requirement holds."""
    if not requirement.season:
        return hours
    months = hours.astype("datetime64[h]").astype("datetime64[M]").astype(np.int64) % 12 + 1
    return hours[np.isin(months, requirement.season)]


def concerns(requirement: Requirement, segment: Segment | None) -> bool:
    """Whether a requirement is about these outcomes."""
    if segment is None or not requirement.segments:
        return segment is None and not requirement.segments
    name, value = segment
    return any(one.field == name and (not one.values or value in one.values) for one in requirement.segments)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is counted of a model, and how finely: follows from outputs, segment fields and requirements.

    All outcomes have buckets of an hour with histograms. Those of segments are of a day, unless a requirement judges
    them by the hour, and have histograms only where one of their requirements takes scores.
    """

    layout: Layout
    fields: tuple[str, ...]
    hourly: tuple[bool, ...]
    binned: tuple[bool, ...]
    named: tuple[tuple[str, ...], ...]

    @staticmethod
    def of(requirements: Sequence[Requirement], outputs: Outputs, fields: Sequence[str]) -> Plan:
        """Raises ``ValueError`` for a requirement about a field that is not among ``fields``."""
        about: dict[str, list[Requirement]] = {name: [] for name in fields}
        values: dict[str, set[str]] = {name: set() for name in fields}
        for one in requirements:
            for segments in one.segments:
                if segments.field not in about:
                    raise ValueError(f"{one.name} is about segments by {segments.field!r}, which is no segment field")
                about[segments.field].append(one)
                values[segments.field].update(segments.values)
        return Plan(
            outputs.layout(requirements),
            tuple(fields),
            tuple(any(one.window == "hour" for one in about[name]) for name in fields),
            tuple(any(one.metric.name in _BINNED for one in about[name]) for name in fields),
            tuple(tuple(sorted(values[name])) for name in fields),
        )


@dataclass(slots=True)
class Cells:
    """All buckets of a model, by hour or day and group. ``values`` are those of each field that are told apart,
    ``beyond`` counts for each the predictions of other values. ``merged`` is the hour before which only whole days are
    kept. ``touched`` are the keys whose bucket has changed since they were last stored."""

    plan: Plan
    outputs: Outputs
    buckets: Buckets
    values: dict[str, dict[str, None]] = field(default_factory=dict)
    beyond: dict[str, int] = field(default_factory=dict)
    merged: int = -(2**40)
    touched: set[Key] = field(default_factory=set)
    of_group: dict[Group, dict[int, Key]] = field(default_factory=dict)

    @staticmethod
    def empty(plan: Plan, outputs: Outputs) -> Cells:
        """Without any rows."""
        cells = Cells(plan, outputs, Buckets(plan.layout))
        for name, named in zip(plan.fields, plan.named, strict=True):
            cells.values[name] = dict.fromkeys(named)
            cells.beyond[name] = 0
        return cells

    def put(self, key: Key, bucket: Bucket) -> None:
        """Take in a bucket that was stored."""
        self.buckets.kept[key] = bucket
        self.of_group.setdefault(_group(key), {})[key.hour] = key

    def add(self, rows: Rows, names: Names) -> dict[Group, list[Key]]:
        """Fold changes with their signs; returns the keys of buckets that changed, of each group."""
        if not len(rows["time"]):
            return {}
        keys, of_row, binned = self._keys(rows, names)
        self.buckets.add(keys, of_row, table(rows, self.outputs), rows["sign"].astype(np.int64), binned)
        for place, name in enumerate(self.plan.fields):
            beyond = (rows[segment_column(place)] >= 0) & (of_row[1 + place] < 0) & (rows["sign"] > 0)
            self.beyond[name] += int(beyond.sum())
        return self._changed(keys)

    def add_lists(self, rows: Rows, names: Names, number: int) -> dict[Group, list[Key]]:
        """The same of the lists that the column of this number names. ``rows`` hold all of each list: of those that are
        taken back, as it was when it was added."""
        judged, name = table(rows, self.outputs), list_column(number)
        valid, large = self.plan.layout.usable(judged)
        usable = judged.labelled & valid & ~large & (rows[name] != 0)
        rows, judged = take(rows, usable), judged.take(usable)
        if not len(rows["time"]):
            return {}
        keys, of_row, _ = self._keys(rows, names)
        group = self.plan.layout.list_fields[number]
        found = [Bucket.empty(self.plan.layout)] * len(keys)
        for cells in of_row:
            at = np.flatnonzero(cells >= 0)
            known = [cells[at], rows["time"][at] // HOUR, rows[name][at], rows["sign"][at].astype(np.int64)]
            lists, list_of = np.unique(np.stack(known), axis=1, return_inverse=True)
            parts = fold(
                self.plan.layout, group, judged.labels[at], judged.scores[0][at], list_of.ravel(), lists[0], lists[3],
                len(keys),
            )  # fmt: skip
            found = [one.merge(part) for one, part in zip(found, parts, strict=True)]
        for key, bucket in zip(keys, found, strict=True):
            self.buckets.put(key, bucket)
        return self._changed(keys)

    def _changed(self, keys: list[Key]) -> dict[Group, list[Key]]:
        """Note that these buckets have changed; returns the keys by group."""
        changed: dict[Group, list[Key]] = {}
        for key in keys:
            group = _group(key)
            if key in self.buckets.kept:
                self.of_group.setdefault(group, {})[key.hour] = key
            else:
                self._forget(key)
            changed.setdefault(group, []).append(key)
        self.touched.update(keys)
        return changed

    def window(self, group: Group, begin: int, end: int, requirement: Requirement) -> Bucket:
        """All outcomes of a group from ``begin`` up to ``end``, microseconds, in the requirement's season."""
        of_hour = self.of_group.get(group, {})
        first, last = begin // HOUR, end // HOUR
        if last - first < len(of_hour):
            hours = [hour for hour in range(first, last) if hour in of_hour]
        else:
            hours = [hour for hour in of_hour if first <= hour < last]
        kept = in_season(requirement, np.array(hours, np.int64)).tolist()
        return together([self.buckets.kept[of_hour[hour]] for hour in kept], self.plan.layout)

    def age(self, closed_before: int) -> None:
        """Merge the hours of days that closed long ago, and forget what is older than is kept."""
        merged = (closed_before // HOUR - HOURS_FOR) // 24 * 24
        if merged <= self.merged:
            return
        for key in [key for key in self.buckets.kept if key.hour < merged]:
            bucket = self.buckets.kept[key]
            if key.hour < merged - BUCKETS_FOR:
                self._drop(key)
            elif key.hours == 1:
                self._drop(key)
                day = key._replace(hour=key.hour // 24 * 24, hours=24)
                self.buckets.put(day, bucket)
                self.of_group.setdefault(_group(day), {})[day.hour] = day
                self.touched.add(day)
        self.merged = merged

    def _drop(self, key: Key) -> None:
        del self.buckets.kept[key]
        self._forget(key)
        self.touched.add(key)

    def _forget(self, key: Key) -> None:
        of_hour = self.of_group.get(_group(key), {})
        if of_hour.get(key.hour) == key:
            del of_hour[key.hour]
            if not of_hour:
                del self.of_group[_group(key)]

    def _keys(self, rows: Rows, names: Names) -> tuple[list[Key], Int64s, list[bool]]:
        """The keys of all buckets that rows go into, and for each row its places among them."""
        hour = rows["time"] // HOUR
        versions, version = distinct(rows["version"].astype(np.int64))
        called = names(VERSION)
        texts = [called[code] for code in versions.tolist()]
        who = version * len(ROLES) + rows["role"]
        keys: list[Key] = []
        of_row = np.full((1 + len(self.plan.fields), len(hour)), -1)

        def number(group: int, where: Int64s, begin: Int64s, value: Int64s, values: list[str]) -> None:
            starts, start = distinct(begin)
            found, places = distinct((start * (len(texts) * len(ROLES)) + who[where]) * max(1, len(values)) + value)
            of_row[group, where] = places + len(keys)
            name = self.plan.fields[group - 1] if group else ""
            hourly = group == 0 or self.plan.hourly[group - 1]
            for code in found.tolist():
                rest, of_value = divmod(code, max(1, len(values)))
                rest, role = divmod(rest, len(ROLES))
                at, of_version = divmod(rest, len(texts))
                begins = int(starts[at])
                segment = (name, values[of_value]) if group else None
                single = hourly and begins >= self.merged
                keys.append(Key(begins, texts[of_version], ROLES[role], segment, 1 if single else 24))

        every = np.arange(len(hour))
        number(0, every, self._begins(hour, True), np.zeros(len(hour), np.int64), [])
        for place, name in enumerate(self.plan.fields):
            where, value, values = self._values(rows, place, name, names)
            if len(where):
                number(1 + place, where, self._begins(hour[where], self.plan.hourly[place]), value, values)
        return keys, of_row, [True, *self.plan.binned]

    def _begins(self, hour: Int64s, hourly: bool) -> Int64s:
        day = hour // 24 * 24
        return np.where(hour >= self.merged, hour, day) if hourly else day

    def _values(self, rows: Rows, place: int, name: str, names: Names) -> tuple[Int64s, Int64s, list[str]]:
        """Rows with a value that is told apart, which of the values it is, and these."""
        given = rows[segment_column(place)]
        where = np.flatnonzero(given >= 0)
        codes, code = distinct(given[where].astype(np.int64))
        called, known = names(segment_kind(name)), self.values[name]
        texts = [called[one] for one in codes.tolist()]
        room = VALUES + len(self.plan.named[place]) - len(known)
        known.update(dict.fromkeys(sorted({text for text in texts if text not in known})[:room]))
        told = np.array([text in known for text in texts], np.bool_)
        if told.all():
            return where, code, texts
        kept = told[code]
        return where[kept], code[kept], texts


def numbers(requirement: Requirement, keys: Iterable[Key]) -> list[int]:
    """The windows of a requirement that buckets lie in, as far as it holds in them."""
    whole = requirement.window != "hour"
    held = in_season(requirement, np.array([key.hour for key in keys if whole or key.hours == 1], np.int64))
    found: list[int] = np.unique(window_of(held * HOUR, requirement.window)).tolist()
    return found


def _group(key: Key) -> Group:
    return Group(key.version, key.role, key.segment)


_BINNED = ("auc", "average_precision", "calibration_error", "calibration_slope", "calibration_intercept")
