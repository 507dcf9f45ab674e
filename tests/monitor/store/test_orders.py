"""The state depends on what was read and on the ticks: not on the order, the batches, or how often something came."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.rows import HELD_LABEL, HOUR, LABEL, LABELS, OUTCOME, PREDICTIONS, Rows, joined, take
from monitor.store.tally import EDGES
from tests.monitor.store.oracle import SAID, Oracle, as_table
from tests.monitor.store.run import Seen, canonical, contents, opened, run
from tests.monitor.store.world import LAYOUT, shuffled, world

SEEDS = st.integers(0, 2**32 - 1)
IMPLICIT = st.sampled_from([None, 0.0])


def tabled(rows: Rows, *more: str) -> list[tuple[object, ...]]:
    types = {**LAYOUT.prediction, **OUTCOME, **dict.fromkeys(more, "i8")}
    return [
        tuple(row) for row in zip(*(rows[name].astype(dtype).tolist() for name, dtype in types.items()), strict=True)
    ]


@settings(max_examples=8, deadline=None)
@given(SEEDS, IMPLICIT)
def test_a_run_comes_to_what_pandas_says(seed: int, implicit: float | None) -> None:
    made = world(seed)
    expected = Oracle(implicit).run(made)
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "state"
        seen = run(path, made, implicit=implicit)
        found = contents(path)
    agree(found, seen, expected)


def agree(found: dict[str, list[tuple[object, ...]]], seen: Seen, expected: Oracle) -> None:
    held = [row for name in found if name.startswith("predictions_") for row in found[name]]
    assert sorted(held) == as_table(expected.predictions, LAYOUT.prediction)
    labels = [row for name in found if name.startswith("labels_") for row in found[name]]
    assert sorted(labels) == as_table(expected.labels, HELD_LABEL)
    assert {(topic, why): n for topic, why, n in found["counts"]} == expected.counts
    outcomes = expected.outcomes().assign(hour=lambda frame: frame["time"] // HOUR * HOUR)
    by_hour = outcomes.groupby(["hour", "version"], as_index=False).agg(
        n=("time", "size"), labelled=("labelled", "sum")
    )
    columns = {"hour": "i8", "version": "i8", "shadow": "i8", "n": "i8", "labelled": "i8"}
    assert found["coverage"] == as_table(by_hour.assign(shadow=0), columns)
    told = outcomes[outcomes["labelled"]]
    bins = pd.cut(told["label_time"] - told["time"], [-np.inf, *EDGES, np.inf], right=False, labels=False)
    delays = told.assign(bin=bins).groupby(["hour", "version", "bin"], as_index=False).size()
    assert found["delays"] == as_table(
        delays.assign(shadow=0), {"hour": "i8", "version": "i8", "shadow": "i8", "bin": "i8", "size": "i8"}
    )
    assert [hour for hour, _ in seen.closed] == [hour for hour, _ in expected.closed]
    for (_, rows), (_, frame) in zip(seen.closed, expected.closed, strict=True):
        wanted = {name: frame[name].to_numpy() for name in [*LAYOUT.prediction, *SAID]}
        assert tabled(rows) == tabled(wanted)
    assert [one[:2] for one in seen.revisions] == [one[:2] for one in expected.revisions]
    for (*_, rows), (*_, frame) in zip(seen.revisions, expected.revisions, strict=True):
        wanted = {name: frame[name].to_numpy() for name in [*LAYOUT.prediction, *SAID, "sign"]}
        assert sorted(tabled(rows, "sign")) == sorted(tabled(wanted, "sign"))


@settings(max_examples=8, deadline=None)
@given(SEEDS, SEEDS, IMPLICIT)
def test_any_order_any_batches_and_any_redelivery_come_to_the_same(
    seed: int, order: int, implicit: float | None
) -> None:
    made = world(seed)
    with tempfile.TemporaryDirectory() as directory:
        paths = Path(directory) / "plain", Path(directory) / "shuffled"
        plain = run(paths[0], made, implicit=implicit)
        other = run(paths[1], made, partial(shuffled, rng=np.random.default_rng(order)), implicit)
        assert contents(paths[0]) == contents(paths[1])
    assert [(hour, tabled(rows)) for hour, rows in plain.closed] == [
        (hour, tabled(rows)) for hour, rows in other.closed
    ]
    for one, another in zip(plain.changes, other.changes, strict=True):
        ranked, reranked = canonical(one), canonical(another)
        assert all(np.array_equal(one[name][ranked], another[name][reranked]) for name in one)


def test_a_replay_of_the_topics_with_the_recorded_ticks_comes_to_the_same(tmp_path: Path) -> None:
    made = world(11)
    run(tmp_path / "first", made, partial(shuffled, rng=np.random.default_rng(1)))
    first = opened(tmp_path / "first")
    recorded = first.ticks()
    first.close()
    topics = {key: joined([one.rows[key][0] for one in made.intervals], columns(key[0])) for key in made.partitions}
    refused = {key: np.concatenate([one.rows[key][1] for one in made.intervals]) for key in made.partitions}
    replayed = opened(tmp_path / "replayed")
    ended = dict.fromkeys(made.partitions, False)
    for number, time, moved in recorded:
        with replayed.step() as step:
            for (topic, partition), (offset, done) in moved.items():
                ended[topic, partition] = done
                if number == 1:
                    step.assign(topic, partition, offset)
                    continue
                before = topics[topic, partition]["position"] < offset
                rows = take(topics[topic, partition], before)
                (step.predictions if topic == PREDICTIONS else step.labels)(rows, refused[topic, partition][before])
            step.tick(time, [key for key in ended if ended[key]])
    replayed.close()
    found, expected = contents(tmp_path / "replayed"), contents(tmp_path / "first")
    for name in ("kept", "outbox"):  # what steps keep and send is theirs
        assert (found.pop(name), bool(expected.pop(name))) == ([], True)
    assert found == expected


def columns(topic: str) -> dict[str, str]:
    return LAYOUT.prediction if topic == PREDICTIONS else LABEL


def test_the_worlds_have_all_that_is_claimed() -> None:
    oracles = [Oracle(0.0).run(world(seed)) for seed in range(6)]
    reasons = {key for one in oracles for key in one.counts}
    both = {(topic, why) for topic in (PREDICTIONS, LABELS) for why in ("passed_over", "future", "expired")}
    assert both | {(LABELS, "never_predicted"), (LABELS, "unknown_class")} <= reasons
    assert sum(len(one.closed) for one in oracles) > 30
    assert sum(len(one.revisions) for one in oracles) > 6
