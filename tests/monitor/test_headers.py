"""What headers say: of dead letters when and why, of retractions their revision, in whatever order they come."""

from __future__ import annotations

import tempfile
from contextlib import closing
from pathlib import Path

import pytest
from confluent_kafka import Message
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.headers import REVISION, letter, revisions
from monitor.records import Records
from monitor.rows import LABELS, PREDICTIONS
from scorer.stream import batches
from tests.monitor.intake.scene import Scene, numbers
from tests.monitor.intake.support import START, label, prediction, read

EVENTS = 3
LEAST, MOST = -(2**63), 2**63 - 1


def retraction(*headers: tuple[str, str | bytes | None], key: str = "e0", offset: int = 0, time: int = 0) -> Message:
    return Message(topic="t", partition=0, offset=offset, key=key.encode(), headers=list(headers), timestamp=(1, time))


def revision_of(*headers: tuple[str, str | bytes | None]) -> dict[int, int | None]:
    messages = [retraction(*headers)]
    return revisions(messages, batches.build(messages, ("t",))[0])


def test_a_dead_letter_of_any_time_can_be_counted() -> None:
    assert 2**62 < letter(Message(topic="t", timestamp=(1, 2**63 - 1))).time * 1000 < 2**63


@pytest.mark.parametrize(
    ("value", "number"),
    [(b"0", 0), (b"17", 17), (b"-3", -3), (b"%d" % MOST, MOST), (b"%d" % LEAST, LEAST), (b"007", 7)],
)
def test_a_revision_is_a_decimal_number_of_64_bits(value: bytes, number: int) -> None:
    assert revision_of((REVISION, value)) == {0: number}
    assert revision_of((REVISION, b"x"), ("other", b"1"), (REVISION, value)) == {0: number}, "the last one counts"


@pytest.mark.parametrize(
    "value", [b"", None, b"1.0", b"+1", b" 1", b"1\n", b"1_0", b"\xff", "٣".encode(), b"9" * 19, b"-" + b"9" * 30]
)
def test_anything_else_is_none(value: bytes | None) -> None:
    assert revision_of((REVISION, value)) == {0: None}


def test_only_retractions_are_asked() -> None:
    labelled = Message(topic="t", partition=0, offset=1, value=label("e0"), headers=[(REVISION, b"5")])
    messages = [retraction(), labelled, retraction(("other", b"5"))]
    assert revisions(messages, batches.build(messages, ("t",))[0]) == {}


_SAID = st.tuples(
    st.integers(0, EVENTS - 1),
    st.none() | st.sampled_from([0.0, 1.0]),  # a retraction, or a label
    st.integers(-1, 3),
    st.booleans(),  # whether 0 is written, or left out
)


@settings(max_examples=15, deadline=None)
@given(st.lists(_SAID, min_size=1, max_size=12), st.data())
def test_the_greatest_revision_counts_in_whatever_order_labels_and_retractions_come(
    said: list[tuple[int, float | None, int, bool]], data: st.DataObject
) -> None:
    """Each has a time of its own, so that the oracle need not know places."""
    timed = [(number, *one) for number, one in enumerate(said)]
    last: dict[int, float | None] = {}
    for _, event, value, _, _ in sorted(timed, key=lambda one: (one[3], one[0])):
        last[event] = value
    order = data.draw(st.permutations(timed))
    cut = data.draw(st.integers(0, len(order)))
    with tempfile.TemporaryDirectory() as directory, closing((scene := Scene(Path(directory))).state):
        scene.take({PREDICTIONS: read([prediction(event_id=f"e{k}", source_offset=k) for k in range(EVENTS)])})
        found: dict[int, float | None] = {}
        for begin, end in ((0, cut), (cut, len(order))):
            messages = [_message(offset, *order[offset]) for offset in range(begin, end)]
            if messages:
                batch, _ = batches.build(messages, ("t",))
                with scene.state.step() as step:
                    scene.intake.take(step, Records(batches={LABELS: batch}, revisions=revisions(messages, batch)))
            changes = scene.tick(1).changes
            rows = zip(
                *(numbers(changes[name]) for name in ("sign", "source_offset", "labelled", "value")), strict=True
            )
            found |= {event: value if labelled else None for sign, event, labelled, value in rows if sign > 0}
    assert found == {event: last.get(event) for event in range(EVENTS)}


def _message(offset: int, time: int, event: int, value: float | None, revision: int, written: bool) -> Message:
    at = START // 1000 + time
    if value is None:
        headers = [(REVISION, b"%d" % revision)] if revision or written else []
        return retraction(*headers, key=f"e{event}", offset=offset, time=at)
    told = revision if revision or written else None
    return Message(
        topic="t", partition=0, offset=offset, value=label(f"e{event}", value, at * 1000, told), timestamp=(1, at)
    )
