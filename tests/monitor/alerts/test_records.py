"""Verdicts and incidents as records that others read with the schema alone."""

from __future__ import annotations

import io
import math
from dataclasses import replace
from typing import Any

import fastavro
import pytest

from monitor.alerts.records import Record, Records
from monitor.judge.floors import Floors
from monitor.judge.incident import Incident, Letter
from scorer import schema_files
from scorer.quality.metrics import CONTINUOUSLY, METRICS
from scorer.quality.parameters import Parameters
from scorer.quality.requirement import Requirement
from scorer.settings import Schemas
from tests.monitor.judge.made import at, verdict

SCHEMA = fastavro.parse_schema(schema_files.own("verdict"))


def read(record: Record) -> dict[str, Any]:
    """By fastavro, behind Confluent's header; times as numbers."""
    assert record.value[:5] == b"\0\0\0\x03\xec"
    found = fastavro.schemaless_reader(io.BytesIO(record.value[5:]), SCHEMA, None)
    assert isinstance(found, dict)
    return found


@pytest.fixture
def records() -> Records:
    return Records("flights", Schemas())


def test_a_verdict_is_whole(records: Records) -> None:
    one = verdict(segment=("origin", "JFK"), low=-math.inf, alarms=2, level=0.5, error=None, reason="r", revision=3)
    record = records.verdict(one)
    found = read(record)
    assert record.key == b"verdict/accuracy//month/once/521/champion/v1/origin=JFK"
    assert found["subject"] == record.key.decode()
    assert (found["kind"], found["model"], found["segment_field"], found["segment_value"]) == (
        "verdict", "flights", "origin", "JFK",
    )  # fmt: skip
    assert found["headline"] == ("FAIL champion v1: accuracy of origin JFK 0.612 in June 2013, required at least 0.68")
    for name in ("verdict", "requirement", "metric", "name", "judged", "window", "number", "role", "version", "value"):
        assert found[name] == getattr(one, name)
    for name in ("error", "high", "n", "predictions", "minimum", "maximum", "guarded", "provisional", "revision"):
        assert found[name] == getattr(one, name)
    assert (found["reason"], found["alarms"], found["level"], found["low"]) == ("r", 2, 0.5, None)
    assert found["begin"].isoformat() == "2013-06-01T00:00:00+00:00"
    assert {found[name] for name in ("incident", "state", "severity", "opened", "resolved", "letters")} == {None}


def test_a_key_is_a_subject_of_its_own(records: Records) -> None:
    one = verdict()
    others = [
        replace(one, number=522), replace(one, version="v2"), replace(one, role="trial"), replace(one, requirement="x"),
        replace(one, segment=("origin", "JFK")), replace(one, segment=("origin", "EWR")),
    ]  # fmt: skip
    keys = {records.verdict(other).key for other in (one, *others)}
    assert len(keys) == 7
    again = replace(one, time=one.time + 1, value=0.7, verdict="PASS", revision=1, n=1)
    assert records.verdict(again).key == records.verdict(one).key


def test_an_incident(records: Records, letter: Letter) -> None:
    time = at("2013-07-04")
    record = records.incident(letter.incident, time)
    found = read(record)
    assert record.key == b"incident/requirement/accuracy//month/once"
    assert (found["kind"], found["state"], found["severity"], found["letters"]) == ("incident", "open", "FAIL", 1)
    assert found["headline"] == letter.incident.headline
    assert found["incident"] == letter.incident.id
    assert found["verdict"] is found["window"] is found["value"] is None
    over = read(records.incident(replace(letter.incident, resolved=time, acknowledged="ann"), time))
    assert (over["state"], over["acknowledged"], over["resolved"].year) == ("resolved", "ann", 2013)


def test_an_open_incident_without_subject(records: Records) -> None:
    assert records.incident(Incident("id", "no labels", "", "ALARM", "h", 0, 0), 1).key == b"incident/no labels"


def test_packed_and_unpacked() -> None:
    for record in (Record(b"", b""), Record(b"key", b"\0value"), Record("ö".encode() * 300, b"")):
        assert Record.unpacked(record.packed()) == record


def test_bare_records_have_no_header() -> None:
    bare = Records("flights", Schemas(framing="bare")).verdict(verdict()).value
    assert bare == Records("flights", Schemas()).verdict(verdict()).value[5:]


def test_a_requirement_in_force_comes_back_whole(records: Records) -> None:
    accuracy = Requirement(METRICS["accuracy"], Parameters(threshold=0.4), "month", CONTINUOUSLY, 20, minimum=0.6)
    floors = Floors().meet([accuracy], 1_364_774_400_000_001).of
    for dropped in (False, True):
        [one] = [replace(floor, dropped=dropped, actor="ann", why="a new sensor") for floor in floors.values()]
        record = records.floor(one)
        found = read(record)
        assert record.key == b"floor/accuracy/threshold=0.4/month/continuously"
        assert records.floor_of(record.value) == one
        assert (found["kind"], found["minimum"], found["guarded"], found["revision"], found["actor"]) == (
            "floor", 0.6, not dropped, 1, "ann",
        )  # fmt: skip
        assert found["state"] == ("dropped" if dropped else "in force")
        assert "a new sensor" in found["headline"]
