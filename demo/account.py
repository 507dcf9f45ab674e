"""What became of it all, by readers that know nothing of the scorer's own counts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from demo import outcomes
from demo.deployment import Names
from demo.library import TOLERANCE, Library
from demo.mailbox import Mail
from demo.pipelines import RECIPES
from demo.reader import Arrivals
from demo.records import SCHEMAS, schema
from demo.replay import Facts
from demo.train import COEFFICIENTS
from demo.verdicts import Verdict
from sandbox import judge, stamps
from sandbox.judge import Places
from sandbox.stamps import Reign, Stamps

Int64s = npt.NDArray[np.int64]

EXACT = 1e-9
"""How far a figure of the monitor may be from scikit-learn's, beyond the bound that it gives itself."""

BEFORE, AFTER = 50_000, 200_000
"""Around a flip means: from so many microseconds before it was first seen until so long after a worker applied it."""


@dataclass(frozen=True, eq=False)
class Account:
    """All figures of the end. ``broken`` says which promises were not kept."""

    summary: dict[str, Any]
    broken: list[str]


@dataclass(frozen=True, eq=False)
class Watched:
    """What was seen while the year went by: the last verdict under each key, up to which event time (microseconds since
    1970) the monitor had judged in the end, the mails, where the report lies."""

    facts: Facts
    arrivals: Arrivals
    verdicts: list[Verdict]
    closed_before: int
    mails: list[Mail]
    report: Path


@dataclass(frozen=True, eq=False)
class Evidence:
    """Where the account finds what it needs. ``flown`` are the flights with their labels."""

    bootstrap: str
    names: Names
    watched: Watched
    flown: pd.DataFrame
    library: Path
    rescored: Path


def take(evidence: Evidence) -> Account:
    """Count, compare and measure."""
    names, watched, kafka = evidence.names, evidence.watched, evidence.bootstrap
    facts = watched.facts
    prediction = schema(SCHEMAS / "prediction.avsc")
    events = judge.inputs(kafka, [names["events"], names["retry"]])
    predicted = judge.predictions(kafka, names["predictions"], prediction)
    count = judge.count(events, predicted, judge.dead_letters(kafka, names["dead_letters"]))
    table = _table(kafka, names["predictions"], prediction)
    audit = stamps.audit(kafka, names["audit"], schema(SCHEMAS / "audit.avsc"))
    history = {role: stamps.reigns(audit, role) for role in ("champion", "trial")}
    wrong_stamps = stamps.wrong(_stamps(table), history, digests())
    library = Library.read(evidence.library)
    differences = library.differences(table["event_id"], table["version"], table["score"])
    rescored = json.loads(evidence.rescored.read_text("utf-8"))
    places = pd.MultiIndex.from_frame(table[["source_partition", "source_offset"]])
    unlike = places.isin([tuple(place) for place in rescored["wrong"]])
    wrong_scores = unlike | (differences > TOLERANCE)
    waited = latency(events, watched.arrivals, names["events"])
    summary = {
        "events": count.events,
        "predictions": count.predictions,
        "dead_letters": count.dead_letters,
        "lost": count.lost,
        "doubled": count.doubled,
        "wrong_version": int(wrong_stamps.sum()),
        "wrong_score": int(wrong_scores.sum()),
        "versions": {version: int(number) for version, number in table["version"].value_counts(sort=False).items()},
        "events_per_second": round(facts.events / ((facts.ended - facts.begun) / 1e6), 1),
        "latency_ms": {name: round(float(np.quantile(waited, share)), 1) for name, share in _SHARES.items()},
        "flip_gap_ms": flip_gap(table, audit, history["champion"], facts),
        "busiest_events_per_second": busiest(watched.arrivals.received),
        "extra": count.extra,
        "misplaced": count.misplaced,
        "published": facts.events,
        "malformed": facts.malformed,
        "killed": facts.killed,
        "recovery_seconds": round(facts.recovery_seconds, 2),
        "library": {
            "same_digest": library.same,
            "largest_difference": float(differences.max(initial=0.0)),
            "rescored": rescored["checked"],
        },
        **_monitored(table, evidence),
    }
    wrong = {"wrong_version": wrong_stamps, "wrong_score": wrong_scores}
    shown = {
        name: [f"{names['events']}-{partition}-{offset}" for partition, offset in places[rows][:3]]
        for name, rows in wrong.items()
    }
    return Account(summary, _broken(summary, {**count.examples, **shown}))


def _monitored(table: pd.DataFrame, evidence: Evidence) -> dict[str, Any]:
    """What the monitor found, and how far it is from what pandas and scikit-learn find in the raw data."""
    joined = outcomes.joined(table, evidence.flown)
    months = outcomes.by_month(evidence.watched.verdicts)
    mails = evidence.watched.mails
    return {
        "outcomes": int(joined["late"].notna().sum()),
        "coverage": outcomes.coverage(joined),
        "verdicts": months,
        "alarms": [{"subject": mail.subject, "file": mail.file.name} for mail in mails],
        "mails": str(mails[0].file.parent) if mails else "",
        "metric_difference": outcomes.difference(joined, months, evidence.watched.closed_before),
        "report": str(evidence.watched.report),
    }


_SHARES = {"p50": 0.5, "p99": 0.99}


def digests() -> dict[str, str]:
    """The digest of each committed version, by the bytes of its file."""
    files = {version: COEFFICIENTS / version / "manifest.json" for version in RECIPES}
    return {version: hashlib.sha256(file.read_bytes()).hexdigest() for version, file in files.items()}


def latency(events: Places, arrivals: Arrivals, topic: str) -> npt.NDArray[np.float64]:
    """Milliseconds from each event's Kafka timestamp to the arrival of its prediction."""
    numbers = np.array([partition if name == topic else -1 for name, partition in events.sources], np.int64)
    mine = numbers[events.source] >= 0
    keys = numbers[events.source][mine] << 44 | events.offset[mine]
    order = np.argsort(keys)
    wanted = arrivals.partition << 44 | arrivals.offset
    found = order[np.searchsorted(keys, wanted, sorter=order)]
    return np.asarray(arrivals.received / 1e3 - events.time[mine][found])


def busiest(received: Int64s, window: int = 1_000_000) -> int:
    """The most predictions that arrived within one second."""
    times = np.sort(received)
    return int((np.searchsorted(times, times + window) - np.arange(len(times))).max(initial=0))


def flip_gap(
    table: pd.DataFrame, audit: list[dict[str, Any]], reigns: list[Reign], facts: Facts
) -> dict[str, float | None]:
    """The longest time between two batches of one worker around the flip; beside it, the median in the busy stretch and
    the longest in it away from the flip. In ms; ``None`` where no worker scored then.

    A batch is known by its time of scoring.
    """
    nothing: dict[str, float | None] = dict.fromkeys(("longest", "median", "longest_elsewhere"))
    if len(reigns) < 2:
        return nothing
    begin, version = reigns[1].begin - BEFORE, reigns[1].version
    applied = [record for record in audit if record["event"] == "applied" and record["pointer"] == "champion"]
    by_instance = [
        min(record["at"] for record in applied if record["version"] == version and record["instance"] == instance)
        for instance in {record["instance"] for record in applied if record["version"] == version}
    ]
    end = max(by_instance) + AFTER
    near, far = [], []
    for partitions in facts.workers.values():
        times = np.unique(table["scored_time"][table["source_partition"].isin(partitions)].to_numpy(np.int64))
        times = times[(times >= facts.busy[0]) & (times <= facts.busy[1])]
        gaps = np.diff(times) / 1e3
        around = (times[1:] >= begin) & (times[:-1] <= end)
        near += gaps[around].tolist()
        far += gaps[~around].tolist()
    if not near or not far:
        return nothing
    figures = max(near), float(np.median([*near, *far])), max(far)
    return {name: round(figure, 1) for name, figure in zip(nothing, figures, strict=True)}


def _table(bootstrap: str, topic: str, prediction: Mapping[str, Any]) -> pd.DataFrame:
    """All predictions, one row each."""
    decode = judge.decoder(prediction)
    names = ("event_id", "source_partition", "source_offset", "version", "digest", "role", "score", "class",
             "scored_time")  # fmt: skip
    columns: dict[str, list[Any]] = {name: [] for name in names}
    for messages in judge.read(bootstrap, topic):
        for record in filter(None, map(decode, (message.value() for message in messages))):
            for name in names:
                columns[name].append(record[name])
    table = pd.DataFrame(columns)
    table["digest"] = [digest.hex() for digest in columns["digest"]]
    return table


def _stamps(table: pd.DataFrame) -> Stamps:
    role, version, digest = (table[name].to_numpy(np.str_) for name in ("role", "version", "digest"))
    return Stamps(role, version, digest, table["scored_time"].to_numpy(np.int64))


def _broken(summary: Mapping[str, Any], examples: Mapping[str, Sequence[str]]) -> list[str]:
    """Each promise that was broken, in words."""
    broken = []
    for name in ("lost", "doubled", "extra", "misplaced", "wrong_version", "wrong_score"):
        if summary[name]:
            where = ", ".join(examples.get(name, ())[:3])
            broken.append(f"{name}: {summary[name]}" + (f", for example {where}" if where else ""))
    if summary["events"] != summary["published"]:
        broken.append(f"events: {summary['published']} were published, {summary['events']} are in Kafka")
    apart = summary["metric_difference"]
    if apart["missing"] or apart["counts"] or apart["exact"] > EXACT or apart["beyond_bound"] > EXACT:
        broken.append(f"metric_difference: the monitor's figures are not those of pandas and scikit-learn: {apart}")
    if summary["dead_letters"] != sum(summary["malformed"].values()):
        broken.append(
            f"dead_letters: {summary['dead_letters']}, of {sum(summary['malformed'].values())} malformed records"
        )
    return broken
