"""What a worker counts, when it gives up, and why it says that it is not ready."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from typing import cast

import pytest

from scorer.errors import StreamBroken, TooManyDeadLetters, TransactionFailed
from scorer.observe.report import Report
from scorer.scoring.score import DeadLetter
from scorer.service.reporting import MOST_ABORTS, Reporter
from scorer.settings import Settings
from scorer.stream.seam import Position, Stream, StreamEvent

SETTINGS = Settings.model_validate(
    {
        "scorer": {"model": "m", "max_dead_letter_share": 0.0001},
        "schemas": {"events": {1: "event.avsc"}},
        "kafka": {"bootstrap_servers": "127.0.0.1:1"},
    }
)
LETTER = DeadLetter(0, "too_large", None, None, "the prediction is too large")


class Outside:
    """A stream that has not joined its group."""

    joined = False

    def events(self) -> list[StreamEvent]:
        """What the client complained of."""
        return [StreamEvent("waiting", "_TRANSPORT: connection refused")]

    def positions(self) -> Sequence[Position]:
        """Nothing is assigned."""
        return []

    def blocked(self) -> float:
        """Never."""
        return 0.0


@pytest.fixture
def reporter() -> Iterator[tuple[Reporter, multiprocessing.connection.Connection]]:
    """One, and where its reports arrive."""
    reports, theirs = multiprocessing.Pipe(duplex=False)
    yield Reporter(SETTINGS, 0, "scorer-0", theirs), reports
    reports.close()
    theirs.close()


Made = tuple[Reporter, multiprocessing.connection.Connection]


def test_aborts_that_do_not_help_end_in_a_new_process(reporter: Made) -> None:
    made, _ = reporter
    for _ in range(3):
        for _ in range(MOST_ABORTS - 1):
            made.aborted(TransactionFailed("not this time"))
        made.committed()
    for _ in range(MOST_ABORTS - 1):
        made.aborted(TransactionFailed("never"))
    with pytest.raises(StreamBroken, match=f"{MOST_ABORTS} transactions in a row were aborted.* never") as raised:
        made.aborted(TransactionFailed("never"))
    assert raised.value.restart


def test_predictions_that_are_too_large_count_as_dead_letters(reporter: Made) -> None:
    made, _ = reporter
    made.refused([])
    made.refused([LETTER])
    assert made.tally.counters == {("scorer_dead_letters", ("too_large",)): 1}
    with pytest.raises(TooManyDeadLetters, match="the prediction is too large"):
        made.refused([LETTER])


def test_what_was_met_in_a_sensitive_field_is_not_an_example_of_a_reason() -> None:
    sensitive = SETTINGS.model_copy(update={"scorer": SETTINGS.scorer.model_copy(update={"sensitive": ("born",)})})
    ours, theirs = multiprocessing.Pipe(duplex=False)
    with ours, theirs:
        made = Reporter(sensitive, 0, "scorer-0", theirs)
        letters = [
            DeadLetter(row, "time", "born", 9, "field `born`: the time 19700101 at byte 9 ...") for row in (0, 1)
        ]
        with pytest.raises(TooManyDeadLetters, match=r"field `born`: \*\*\*") as raised:
            made.refused(letters)
        assert "19700101" not in str(raised.value)


def test_outside_the_group_it_is_not_ready_and_says_what_the_client_says(reporter: Made) -> None:
    made, reports = reporter
    made.waiting("")
    made.stream = cast(Stream, Outside())
    with made:
        assert reports.poll(30)
        report = reports.recv()
    assert isinstance(report, Report)
    assert report.not_ready == ["joining the group; the Kafka client says: _TRANSPORT: connection refused"]
    made.leaving()
    with Reporter(SETTINGS, 0, "scorer-0", made._connection) as another:
        another.leaving()
        another._look()
        assert another.report.not_ready == ["leaving"]
