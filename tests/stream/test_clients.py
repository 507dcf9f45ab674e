"""What the Kafka clients are told."""

from __future__ import annotations

from typing import Any

import pytest

from scorer.errors import SettingsError
from scorer.settings import Settings
from scorer.settings.sections import PROTECTED
from scorer.stream import clients


def settings(properties: dict[str, str], **scorer: Any) -> Settings:
    """Settings that pass these properties on."""
    return Settings.model_validate(
        {
            "scorer": {"model": "m", **scorer},
            "schemas": {"events": {1: "event.avsc"}},
            "kafka": {"properties": properties},
        }
    )


@pytest.mark.parametrize("delivery", ["exactly-once", "at-least-once"])
@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_a_property_is_passed_on_or_refused_but_never_ignored(delivery: str, protocol: str) -> None:
    """Whatever is set behind the operator's properties must be protected, or those would have no effect."""
    made = settings({}, delivery=delivery, protocol=protocol)
    ours = {**clients.consumer(made, 0), **clients.producer(made, 0, 1_000_000)}.keys() - {"logger"}
    for name in ours - PROTECTED.keys():
        passed = settings({name: "7"}, delivery=delivery, protocol=protocol)
        assert "7" in {clients.consumer(passed, 0).get(name), clients.producer(passed, 0, 1_000_000).get(name)}, name


@pytest.mark.parametrize("name", sorted(PROTECTED))
def test_what_the_promises_rest_on_is_refused_with_the_reason(name: str) -> None:
    with pytest.raises(ValueError, match=name) as raised:
        settings({name: "1"})
    assert PROTECTED[name] in str(raised.value)


def test_the_refusal_is_one_of_the_mistakes_that_are_listed() -> None:
    with pytest.raises(SettingsError, match=r"isolation\.level"):
        Settings.load(None, {"SCORER_MODEL": "m", "KAFKA_PROPERTIES": '{"isolation.level": "read_uncommitted"}'})


def test_names_are_unique_and_stable() -> None:
    made = settings({}, instance="pod-3")
    assert clients.consumer(made, 2)["group.instance.id"] == "pod-3-2"
    assert clients.producer(made, 2, 1)["transactional.id"] == "m.scorer.pod-3-2"
    assert "group.instance.id" not in clients.consumer(settings({}, membership="dynamic"), 2)
    assert clients.consumer(made, 0)["session.timeout.ms"] == 6_000
    assert clients.producer(made, 0, 1)["transaction.timeout.ms"] == 10_000
