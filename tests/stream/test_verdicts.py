"""What an error of the consuming client means."""

from __future__ import annotations

import math

import pytest
from confluent_kafka import KafkaError

from scorer.errors import Fenced, StreamBroken
from scorer.stream import verdicts

FENCE = "Static consumer fenced by other consumer with same group.instance.id"


@pytest.mark.parametrize("code", [KafkaError.FENCED_INSTANCE_ID, KafkaError._FENCED])
def test_a_fence_is_a_rival_unless_a_broker_was_missed_just_before(code: int) -> None:
    error = KafkaError(code, FENCE)
    assert verdicts.beyond_repair(error)
    for untroubled in (math.inf, verdicts.TROUBLED_SECONDS):
        assert isinstance(verdicts.final(error, untroubled), Fenced)
    doubtful = verdicts.final(error, verdicts.TROUBLED_SECONDS - 1)
    assert isinstance(doubtful, StreamBroken)
    assert doubtful.restart
    assert FENCE in str(doubtful)


def test_what_is_no_fence_is_mended_by_a_new_process() -> None:
    error = KafkaError(KafkaError._FATAL, "an idempotent producer lost its place", True)
    assert verdicts.beyond_repair(error)
    assert isinstance(verdicts.final(error, math.inf), StreamBroken)


def test_what_the_client_mends_by_itself_is_passing() -> None:
    for code in (KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN, KafkaError.COORDINATOR_LOAD_IN_PROGRESS):
        assert verdicts.passing(KafkaError(code))
        assert not verdicts.beyond_repair(KafkaError(code))
    assert not verdicts.passing(KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED))
