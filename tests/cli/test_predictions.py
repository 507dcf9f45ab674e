"""``scorer predictions show`` against a real broker: which version scored an event."""

from __future__ import annotations

import io
from typing import Any

import fastavro

from scorer import schema_files
from tests.cli.conftest import Command
from tests.integration.deployment import Deployment, until
from tests.integration.loops import Loop

SCHEMA = fastavro.parse_schema(schema_files.own("prediction"))


def prediction(event: str, offset: int, version: str, **more: Any) -> dict[str, Any]:
    """A record as fastavro writes it."""
    return {
        "event_id": event, "source_topic": "t.events", "source_partition": 3, "source_offset": offset, "model": "m",
        "version": version, "digest": bytes(range(32)), "role": "champion", "score": 0.25, "class": "late",
        "scores": [], "event_time": None, "scored_time": 1_700_000_000_000_000, "flags": 0, "carried": {}, **more,
    }  # fmt: skip


def put(deployment: Deployment, *records: dict[str, Any] | bytes) -> None:
    """Write them as they come, each into the next partition."""
    header = schema_files.framing(deployment.settings.schemas).header(deployment.settings.schemas.prediction_id)
    for number, one in enumerate(records):
        out = io.BytesIO()
        if isinstance(one, dict):
            out.write(header)
            fastavro.schemaless_writer(out, SCHEMA, one)
        value = one if isinstance(one, bytes) else out.getvalue()
        # The broker's own time decides what is newer.
        deployment.producer.produce(deployment.settings.topics.predictions, value, partition=number % 4)
        assert deployment.producer.flush(30) == 0


def test_what_the_scorer_wrote_is_found_by_id_and_by_place(command: Command, deployment: Deployment) -> None:
    deployment.send(8)
    with Loop(deployment):
        until(lambda: len(deployment.read(deployment.settings.topics.predictions)) == 8, "not all are scored")
    found = command("predictions", "show", "e5", "--json").json[0]
    assert (found["event_id"], found["role"], found["class"]) == ("e5", "champion", "yes")
    assert found["version"]
    assert len(found["digest"]) == 64
    assert command("predictions", "show", found["source"], "--json").json == [found]
    said = command("predictions", "show", "e5").out
    assert f"version       {found['version']}" in said
    assert f"which was at  {found['source']}" in said


def test_the_newest_comes_first_and_nobody_elses(command: Command, deployment: Deployment) -> None:
    put(
        deployment,
        prediction("a", 1, "v1"),
        prediction("ab", 2, "v2", carried={"place": "a"}),  # has the text in it, and is another event
        b"\0\0\0\0\1garbage with an a",
        b"a",
        prediction("a", 9, "v3", role="trial", flags=0b10101, event_time=-(2**62)),  # before all of Python's years
    )
    found = command("predictions", "show", "a", "--limit", "9", "--json").json
    assert [(one["version"], one["role"]) for one in found] == [("v3", "trial"), ("v1", "champion")]
    assert found[0]["flags"] == ["imputed", "unseen category", "outside"]
    assert found[0]["event_time"] is None
    assert [one["version"] for one in command("predictions", "show", "a", "--json").json] == ["v3"]
    assert command("predictions", "show", "a", "--limit", "9").out.count("digest") == 2


def test_where_there_is_none_it_is_said_what_may_be(command: Command, deployment: Deployment) -> None:
    put(deployment, prediction("a", 1, "v1"))
    for words in (("b",), ("a", "--since", "2100-01-01"), (f"{deployment.settings.topics.events}-0-7",)):
        ran = command("predictions", "show", *words)
        assert ran.code == 2
        assert "scorer dead-letters list" in ran.err
    assert command("predictions", "show", "a", "--since", "soon").code == 2
