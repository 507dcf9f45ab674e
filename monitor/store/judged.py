"""What the judge knows, stored in the transaction of the step that taught it, and loaded with the same bits."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import closing
from typing import Any

import numpy as np
from duckdb import DuckDBPyConnection

from monitor.judge.judging import Judge, Setting
from monitor.judge.sequences import Watched
from monitor.judge.verdicts import Segment, Subject, Verdict
from monitor.judge.worst import Case
from monitor.stats.buckets import HOUR, Bucket, Key
from monitor.store import tables
from monitor.store.errors import StateRefused
from monitor.store.state import State
from monitor.store.step import Step, Ticked

_TEST, _FAST, _STALE = "test", "fast", "stale"
_NAME = "judge"

_KEYS = {
    "buckets": ("begin", "hours", "version", "role", "field", "value"),
    "verdicts": ("requirement", "number", "role", "version", "field", "value"),
    "sequences": ("kind", "requirement", "number", "role", "version", "field", "value"),
}
_VALUES = {
    "buckets": ("content",),
    "verdicts": ("window", "begin", "end", "verdict", "body"),
    "sequences": ("state",),
}
_WORST = ("day", "version", *Case._fields)


def load(state: State, setting: Setting) -> Judge:
    """The judge as it was last stored, or a new one. Raises StateRefused where other things were counted than
    ``setting`` asks for."""
    judge = Judge.new(setting)
    kept = state.kept(_NAME)
    if kept is None:
        return judge
    facts = json.loads(kept)
    if facts["plan"] != _plan(judge):
        raise StateRefused(
            "the requirements, outputs or segments of now need other counts than the state holds: it was made for "
            f"{facts['plan']}, and they need {_plan(judge)}. Set them back; or run `monitor replay --to DIRECTORY`, "
            "which counts anew from the topics with the settings of now, and put that directory in the place of "
            "monitor.state_directory"
        )
    judge.looked, judge.closed_before, judge.cells.merged = facts["looked"], facts["closed_before"], facts["merged"]
    # Who asks in the middle of a window has seen some of it, and its sequence would miss what was before.
    judge.since = {name: facts["since"].get(name, judge.closed_before) for name in judge.wanted}
    judge.cells.beyond = facts["beyond"]
    judge.cells.values = {name: dict.fromkeys(values) for name, values in facts["values"].items()}
    with closing(state.reader()) as reader:
        _load(reader, judge)
    for name in judge.wanted.keys() - facts["since"].keys():
        judge.ask(name)
    return judge


def _load(reader: DuckDBPyConnection, judge: Judge) -> None:
    for begin, hours, version, role, name, value, content in reader.execute("FROM buckets").fetchall():
        key = Key(begin // HOUR, version, role, _segment(name, value), hours)
        judge.cells.put(key, Bucket.unpack(content, judge.layout))
    for (body,) in reader.execute("SELECT body FROM verdicts").fetchall():
        verdict = Verdict.of_json(body)
        if verdict.provisional and verdict.requirement not in judge.wanted:
            judge.touched.add(verdict.subject)  # what is not required any more comes to no end
            continue
        judge.verdicts[verdict.subject] = verdict
        if verdict.provisional:
            judge.open.add(verdict.subject)
            asked = judge.wanted[verdict.requirement]
            if (verdict.minimum, verdict.maximum, verdict.guarded) != (asked.minimum, asked.maximum, asked.guarded):
                judge.stale.add(verdict.subject)  # another bound is in force, and nothing may come to it any more
    for kind, requirement, number, role, version, name, value, content in reader.execute("FROM sequences").fetchall():
        segment, numbers = _segment(name, value), np.frombuffer(content, np.float64).tolist()
        if kind == _FAST:
            judge.sequences.restore_fast(Watched(requirement, version, segment), numbers)
        elif kind == _TEST:
            judge.sequences.restore(Subject(requirement, number, role, version, segment), numbers)
        elif requirement in judge.wanted:
            judge.stale.add(Subject(requirement, number, role, version, segment))
    for day, version, *facts in reader.execute(
        'FROM worst ORDER BY loss DESC, time, partition, "offset", topic'
    ).fetchall():
        judge.worst.cases.setdefault((day, version), []).append(Case(*facts))


def tick(step: Step, judge: Judge, ticked: Ticked, time: int) -> list[Verdict]:
    """Judge what a tick brought, store it, and return the verdicts that are new or have changed."""
    found = judge.tick(ticked, step.cohorts(ticked.closed), step.closed_before, time, step.names, step.alike)
    store(step, judge)
    return found


def store(step: Step, judge: Judge) -> None:
    """Store what has changed since it was last stored."""
    connection, cells, sequences = step.connection, judge.cells, judge.sequences
    buckets = [
        (
            (key.hour * HOUR, key.hours, key.version, key.role, *_texts(key.segment)),
            _packed(cells.buckets.kept.get(key)),
        )
        for key in cells.touched
    ]
    _replace(connection, "buckets", buckets)
    verdicts = [(_subject(one), _verdict(judge.verdicts.get(one))) for one in judge.touched]
    _replace(connection, "verdicts", verdicts)
    states = [_sequence(judge, one) for one in sequences.touched]
    _replace(connection, "sequences", states)
    connection.execute("DELETE FROM sequences WHERE kind = ?", [_STALE])
    _replace(connection, "sequences", [((_STALE, *_subject(one)), (b"",)) for one in judge.stale])
    tables.remove(connection, "worst", ("day", "version"), list(judge.worst.touched))
    cases = [(*key, *case) for key in judge.worst.touched for case in judge.worst.cases.get(key, ())]
    tables.put(connection, "worst", _WORST, cases)
    facts = {
        "plan": _plan(judge), "looked": judge.looked, "closed_before": judge.closed_before, "merged": cells.merged,
        "beyond": cells.beyond, "values": {name: list(values) for name, values in cells.values.items()},
        "since": {name: judge.since.get(name, -(2**62)) for name in judge.wanted},
    }  # fmt: skip
    step.keep(_NAME, json.dumps(facts).encode())
    for touched in (cells.touched, judge.touched, sequences.touched, judge.worst.touched):
        touched.clear()


def _replace(
    connection: DuckDBPyConnection, table: str, rows: Sequence[tuple[tuple[Any, ...], tuple[Any, ...] | None]]
) -> None:
    """Let the rows of these keys be as given; ``None``: there are none."""
    tables.remove(connection, table, _KEYS[table], [key for key, _ in rows])
    there = [(*key, *values) for key, values in rows if values is not None]
    tables.put(connection, table, (*_KEYS[table], *_VALUES[table]), there)


def _packed(bucket: Bucket | None) -> tuple[bytes] | None:
    return None if bucket is None else (bucket.pack(),)


def _verdict(one: Verdict | None) -> tuple[Any, ...] | None:
    return None if one is None else (one.window, one.begin, one.end, one.verdict, one.to_json())


def _sequence(judge: Judge, one: Subject | Watched) -> tuple[tuple[Any, ...], tuple[bytes] | None]:
    if isinstance(one, Subject):
        ongoing = judge.sequences.ongoing.get(one)
        return (_TEST, *_subject(one)), None if ongoing is None else (np.array(ongoing.plain()).tobytes(),)
    fast = judge.sequences.fast.get(one)
    key = (_FAST, one.requirement, 0, "", one.version, *_texts(one.segment))
    return key, None if fast is None else (np.array(fast.plain()).tobytes(),)


def _subject(one: Subject) -> tuple[Any, ...]:
    return (one.requirement, one.number, one.role, one.version, *_texts(one.segment))


def _texts(segment: Segment | None) -> Segment:
    return segment or ("", "")


def _segment(name: str, value: str) -> Segment | None:
    return (name, value) if name else None


def _plan(judge: Judge) -> str:
    return repr(judge.cells.plan)
