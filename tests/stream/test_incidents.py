"""What callbacks note: the gravest error is raised once, events are told once, and both stay bounded."""

from __future__ import annotations

import pytest
from confluent_kafka import KafkaError, KafkaException

from scorer.errors import Fenced, StreamBroken, StreamError, TransactionFailed
from scorer.stream.incidents import Incidents

ABORT, BROKEN, RIVAL = TransactionFailed("abort"), StreamBroken("broken"), Fenced("rival")


@pytest.mark.parametrize(
    ("errors", "raised"),
    [
        ([ABORT, BROKEN], BROKEN),
        ([BROKEN, ABORT], BROKEN),
        ([RIVAL, BROKEN], RIVAL),
        ([ABORT], ABORT),
    ],
)
def test_an_error_that_ends_the_process_outranks_an_abort_and_is_raised_once(
    errors: list[StreamError], raised: StreamError
) -> None:
    incidents = Incidents()
    for error in errors:
        incidents.defer(error)
    with pytest.raises(type(raised)) as caught:
        incidents.raise_deferred()
    assert caught.value is raised
    incidents.raise_deferred()


def test_what_a_guarded_call_raises_is_raised_later() -> None:
    def fails() -> None:
        raise KafkaException(KafkaError(KafkaError._STATE))

    incidents = Incidents()
    incidents.guard(fails)
    with pytest.raises(StreamBroken, match="while partitions moved"):
        incidents.raise_deferred()


def test_events_are_told_once_and_only_the_latest_are_kept() -> None:
    incidents = Incidents()
    for number in range(1500):
        incidents.note("waiting", str(number))
    told = incidents.events()
    assert len(told) == 1000
    assert told[-1].text == "1499"
    assert incidents.events() == []
