"""The same, plainly, in pandas: all rows anew at every tick, with merges and sorts."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from monitor.rows import DAY, HELD_LABEL, HOUR, LABELS, PREDICTIONS
from monitor.store.admission import REASONS
from tests.monitor.store.world import LAYOUT, START, TIMING, Interval, Partition, World

KEY = ["id_high", "id_low"]
SAID = ["labelled", "implicit", "value", "label_time"]


@dataclass
class Oracle:
    """What a run of a world must come to."""

    implicit: float | None = None
    predictions: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(LAYOUT.prediction)))
    labels: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(HELD_LABEL)))
    counts: dict[tuple[str, str], int] = field(default_factory=dict)
    closed: list[tuple[int, pd.DataFrame]] = field(default_factory=list)
    revisions: list[tuple[int, int, pd.DataFrame]] = field(default_factory=list)
    marks: dict[Partition, int] = field(default_factory=dict)
    alive: dict[Partition, int] = field(default_factory=dict)
    reached: int = -(2**62)
    tick: int = START

    def run(self, world: World) -> Oracle:
        """Run a world."""
        self.alive = dict.fromkeys(world.partitions, START)
        self.marks = dict.fromkeys(world.partitions, -(2**62))
        self.reached = self._reached(START)
        for interval in world.intervals:
            self._interval(interval)
        return self

    def outcomes(self) -> pd.DataFrame:
        """All predictions that count, with their labels."""
        told = self.labels[~self.labels["retracted"].astype(bool)]
        told = told[[*KEY, "value", "time"]].rename(columns={"time": "label_time"})
        both = self.predictions.merge(told, on=KEY, how="left")
        both["labelled"] = both["value"].notna()
        both["implicit"] = False
        both["value"] = both["value"].fillna(0.0).astype(float)
        both["label_time"] = both["label_time"].fillna(0).astype("int64")
        return both

    def _interval(self, interval: Interval) -> None:
        fresh: dict[str, list[pd.DataFrame]] = {PREDICTIONS: [], LABELS: []}
        first_day = (self.reached - TIMING.retention) // DAY
        for partition, (rows, refused) in interval.rows.items():
            frame = pd.DataFrame(rows)
            frame["why"] = [REASONS[n] for n in refused]
            fine = frame["why"] == ""
            frame.loc[fine & (frame["time"] > self.tick + TIMING.ahead), "why"] = "future"
            fine = frame["why"] == ""
            frame.loc[fine & (frame["time"] < first_day * DAY), "why"] = "expired"
            for why, n in frame.loc[frame["why"] != "", "why"].value_counts().items():
                self._count(partition[0], str(why), int(n))
            good = frame[frame["why"] == ""].drop(columns="why")
            if len(frame):
                self.alive[partition] = max(self.alive[partition], self.tick)
            if len(good) and "retracted" in good:
                telling = good[~good["retracted"].astype(bool)]
                if len(telling):
                    self.marks[partition] = max(self.marks[partition], int(telling["time"].max()))
            elif len(good):
                self.marks[partition] = max(self.marks[partition], int(good["time"].max()))
            fresh[partition[0]].append(good)
        self._tick(interval, pd.concat(fresh[PREDICTIONS]), pd.concat(fresh[LABELS]))

    def _tick(self, interval: Interval, predictions: pd.DataFrame, labels: pd.DataFrame) -> None:
        first_day = (self.reached - TIMING.retention) // DAY
        self.predictions = self.predictions[self.predictions["time"] // DAY >= first_day]
        gone = self.labels["until"] // DAY < first_day
        self._count(LABELS, "never_predicted", int((~self.labels[gone]["matched"].astype(bool)).sum()))
        self.labels = self.labels[~gone]
        before = self.outcomes()
        self._settle(predictions, labels)
        after = self.outcomes()
        for partition in self.alive:
            if partition not in interval.ended:
                self.alive[partition] = interval.tick
        open_from, self.tick = self._closed(), interval.tick
        self.reached = max(self.reached, self._reached(interval.tick))
        self._revise(self._implied(before, open_from), self._implied(after, open_from), open_from)
        found = self._implied(after, self._closed())
        found = found[(found["time"] >= open_from) & (found["time"] < self._closed())]
        order = ["time", "source_topic", "source_partition", "source_offset", "version"]
        for hour, rows in found.sort_values(order).groupby(found["time"] // HOUR * HOUR):
            self.closed.append((int(str(hour)), rows.reset_index(drop=True)))

    def _settle(self, predictions: pd.DataFrame, labels: pd.DataFrame) -> None:
        every = pd.concat([self.predictions, predictions]).astype(LAYOUT.prediction)
        order = ["source_topic", "source_partition", "source_offset", "partition", "position"]
        firsts = every.sort_values(order).drop_duplicates([*KEY, "version"], keep="first")
        self._count(PREDICTIONS, "passed_over", len(every) - len(firsts))
        labels = labels.assign(matched=False, until=labels["time"])
        known = pd.concat([self.labels, labels]).astype({**HELD_LABEL, "matched": bool, "retracted": bool})
        winners = known.sort_values(["revision", "time", "partition", "position"]).drop_duplicates(KEY, keep="last")
        self._count(LABELS, "passed_over", len(known) - len(winners))
        longest = pd.concat([winners[[*KEY, "time"]], firsts[[*KEY, "time"]]]).rename(columns={"time": "until"})
        until = longest.groupby(KEY, as_index=False)["until"].max()
        matched = (
            known.groupby(KEY, as_index=False)["matched"]
            .max()
            .merge(every[KEY].drop_duplicates().assign(met=True), on=KEY, how="left")
        )
        matched["matched"] |= matched.pop("met").notna()
        winners = winners.drop(columns=["matched", "until"]).merge(until, on=KEY).merge(matched, on=KEY)
        self.predictions, self.labels = firsts, winners

    def _revise(self, before: pd.DataFrame, after: pd.DataFrame, open_from: int) -> None:
        columns = [*LAYOUT.prediction, *SAID]
        old, new = (frame.loc[frame["time"] < open_from, columns] for frame in (before, after))
        both = pd.concat([old.assign(sign=-1), new.assign(sign=1)])
        both = both[~both.duplicated(columns, keep=False)]
        for hour, rows in both.groupby(both["time"] // HOUR * HOUR):
            number = 1 + sum(1 for one, _, _ in self.revisions if one == hour)
            self.revisions.append((int(str(hour)), number, rows))

    def _implied(self, frame: pd.DataFrame, closed: int) -> pd.DataFrame:
        if self.implicit is None:
            return frame
        implied = ~frame["labelled"] & (frame["time"] < closed)
        return frame.assign(
            labelled=frame["labelled"] | implied,
            implicit=implied,
            value=frame["value"].where(~implied, self.implicit),
        )

    def _closed(self) -> int:
        return (self.reached - TIMING.matures_after) // HOUR * HOUR

    def _reached(self, tick: int) -> int:
        marks = []
        for topic in (PREDICTIONS, LABELS):
            ours = [p for p in self.marks if p[0] == topic and tick - self.alive[p] <= TIMING.idle_after]
            marks.append(min([tick, *(self.marks[p] for p in ours)]) if ours else tick - TIMING.idle_after)
        return min(marks)

    def _count(self, topic: str, reason: str, n: int) -> None:
        if n:
            self.counts[topic, reason] = self.counts.get((topic, reason), 0) + n


def as_table(frame: pd.DataFrame, columns: dict[str, str]) -> list[tuple[object, ...]]:
    """The rows of these columns as DuckDB gives them, sorted."""
    typed = frame[list(columns)].astype(columns)
    return sorted(tuple(value.item() if isinstance(value, np.generic) else value for value in row)
                  for row in typed.itertuples(index=False, name=None))  # fmt: skip
