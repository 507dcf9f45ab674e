"""Flights as Kafka records: events and labels in Avro with Confluent's framing, and records that are none."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fastavro
import numpy as np
import pandas as pd

from demo import flights

SCHEMAS = Path(__file__).parents[1] / "schemas"
EVENT_SCHEMA = SCHEMAS / "flights" / "event.avsc"
EVENT_ID, LABEL_ID = 1, 1003
"""The schema ids in the frames; they are in the settings as well."""


@dataclass(frozen=True, slots=True)
class Record:
    """One message for a topic; ``value`` is ``None`` for a tombstone."""

    label: bool
    key: bytes
    value: bytes | None


@dataclass(frozen=True, slots=True)
class Day:
    """One simulated day in New York: its records in the order of their times, and how many of them are events."""

    date: str
    records: list[Record]
    events: int


def schema(file: Path) -> Mapping[str, Any]:
    """An Avro schema as parsed JSON."""
    found: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return found


def days(frame: pd.DataFrame) -> Iterator[Day]:
    """The flights of ``frame`` as records, one day at a time; a last day, without events, has the labels that remain.

    Encoded when asked for. A label belongs to the day on which it is published.
    """
    write_event, write_label = _writer(EVENT_SCHEMA, EVENT_ID), _writer(SCHEMAS / "label.avsc", LABEL_ID)
    labelled = frame[frame["late"].notna()]
    published = labelled["label_time"].dt.tz_convert(flights.ZONE).dt.strftime("%Y-%m-%d")
    events, labels = dict(list(frame.groupby("date"))), dict(list(labelled.groupby(published)))
    for date in sorted({*events, *labels}):
        timed: list[tuple[int, bool, str, bytes]] = []
        if date in events:
            rows = _rows(events[date])
            times = _milliseconds(events[date]["scheduled"])
            timed += [(time, False, row["event_id"], write_event(row)) for time, row in zip(times, rows, strict=True)]
        if date in labels:
            part = labels[date]
            moments = _milliseconds(part["label_time"])
            for time, name, late in zip(moments, part["event_id"], part["late"], strict=True):
                row = {"event_id": name, "label": late, "label_time": time * 1000}
                timed.append((time, True, name, write_label(row)))
        timed.sort(key=lambda entry: entry[:3])
        records = [Record(label, name.encode(), value) for _, label, name, value in timed]
        yield Day(date, records, len(events.get(date, ())))


def malformed(good: bytes) -> dict[str, bytes | None]:
    """What producers get wrong, by name, made from a good event: each must become one dead letter."""
    name = good.index(b"2013-")
    return {
        "truncated": good[: len(good) // 2],
        "empty": b"",
        "tombstone": None,
        "garbage": b"\xde\xad\xbe\xef" * 8,
        "unknown schema id": b"\0" + (4711).to_bytes(4, "big") + good[5:],
        "bad UTF-8": good[:name] + b"\xff\xfe" + good[name + 2 :],
        "trailing bytes": good + b"\0",
    }


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Events as fastavro takes them: timestamps as milliseconds, what is missing as ``None``."""
    columns: list[list[Any]] = []
    for name in flights.FIELDS:
        column = frame[name]
        if name == "scheduled":
            columns.append(_milliseconds(column))
        elif name in ("plane_year", "seats"):
            columns.append([None if np.isnan(value) else int(value) for value in column.tolist()])
        else:
            missing = column.isna().tolist()
            values = zip(column.tolist(), missing, strict=True)
            columns.append([None if gap else value for value, gap in values])
    return [dict(zip(flights.FIELDS, row, strict=True)) for row in zip(*columns, strict=True)]


def _milliseconds(moments: pd.Series) -> list[int]:
    found: list[int] = moments.dt.tz_convert(None).to_numpy("datetime64[ms]").astype(np.int64).tolist()
    return found


def _writer(file: Path, number: int) -> Callable[[Mapping[str, Any]], bytes]:
    parsed = fastavro.parse_schema(dict(schema(file)))
    header = b"\0" + number.to_bytes(4, "big")

    def write(record: Mapping[str, Any]) -> bytes:
        out = io.BytesIO(header)
        out.seek(len(header))
        fastavro.schemaless_writer(out, parsed, record)
        return out.getvalue()

    return write
