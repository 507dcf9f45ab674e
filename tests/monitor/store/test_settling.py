"""Which prediction and which label count."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.rows import HELD_LABEL, LABEL, Layout, Rows, count, empty, joined, take
from monitor.store.settling import FIRST, LAST, Settled, numbered, settle

COLUMNS = Layout().prediction
SMALL = st.integers(0, 2)


def table(columns: dict[str, str]) -> st.SearchStrategy[Rows]:
    """A few rows whose numbers often meet, each at a place of its own."""
    row = st.lists(SMALL, min_size=len(columns), max_size=len(columns))

    def made(rows: list[list[int]]) -> Rows:
        whole = np.array(rows, np.int64).reshape(-1, len(columns))
        found = {name: whole[:, n].astype(dtype) for n, (name, dtype) in enumerate(columns.items())}
        return {**found, "position": np.arange(len(rows))}

    return st.lists(row, max_size=12).map(made)


def in_batches(predictions: Sequence[Rows], labels: Sequence[Rows]) -> tuple[Rows, Rows, list[Settled]]:
    """What is held after these batches, and what each brought."""
    held, held_labels, settled = empty(COLUMNS), empty(HELD_LABEL), []
    for fresh, fresh_labels in zip(predictions, labels, strict=True):
        one = settle(held, fresh, held_labels, fresh_labels)
        held = joined([take(held, ~one.gone), one.added], COLUMNS)
        held_labels = joined([take(held_labels, ~one.gone_labels), one.added_labels], HELD_LABEL)
        settled.append(one)
    return held, held_labels, settled


def as_set(rows: Rows) -> set[tuple[object, ...]]:
    found = set(zip(*(column.tolist() for column in rows.values()), strict=True))
    assert len(found) == count(rows)
    return found


@settings(max_examples=200)
@given(table(COLUMNS), table(LABEL))
def test_the_first_prediction_and_the_last_label_count(predictions: Rows, labels: Rows) -> None:
    held, held_labels, (settled,) = in_batches([predictions], [labels])
    firsts: dict[tuple[object, ...], tuple[int, ...]] = {}
    for row in range(count(predictions)):
        key = tuple(predictions[name][row] for name in ("id_high", "id_low", "version"))
        place = tuple(predictions[name][row] for name in FIRST)
        firsts[key] = min(firsts.get(key, place), place)
    assert {tuple(held[name][row] for name in FIRST) for row in range(count(held))} == set(firsts.values())
    assert settled.passed_over == count(predictions) - len(firsts)
    lasts: dict[tuple[object, ...], tuple[int, ...]] = {}
    for row in range(count(labels)):
        key = tuple(labels[name][row] for name in ("id_high", "id_low"))
        place = tuple(labels[name][row] for name in LAST)
        lasts[key] = max(lasts.get(key, place), place)
    assert {tuple(held_labels[name][row] for name in LAST) for row in range(count(held_labels))} == set(lasts.values())
    assert settled.passed_over_labels == count(labels) - len(lasts)
    known = {key[:2] for key in firsts}
    for row in range(count(held_labels)):
        assert held_labels["matched"][row] == ((held_labels["id_high"][row], held_labels["id_low"][row]) in known)


@settings(max_examples=200)
@given(table(COLUMNS), table(LABEL), st.data())
def test_in_whatever_order_and_batches(predictions: Rows, labels: Rows, data: st.DataObject) -> None:
    held, held_labels, (whole,) = in_batches([predictions], [labels])
    parts = []
    for rows in (predictions, labels):
        order = np.array(data.draw(st.permutations(range(count(rows)))), np.int64)
        cuts = sorted(data.draw(st.lists(st.integers(0, count(rows)), min_size=2, max_size=2)))
        parts.append([take(rows, piece) for piece in np.split(order, cuts)])
    other, other_labels, settled = in_batches(*parts)
    assert as_set(other) == as_set(held)
    assert as_set(other_labels) == as_set(held_labels)
    assert sum(one.passed_over for one in settled) == whole.passed_over
    assert sum(one.passed_over_labels for one in settled) == whole.passed_over_labels
    assert net(settled) == net([whole])


def net(settled: Sequence[Settled]) -> dict[tuple[object, ...], int]:
    """The sum of signs of each thing that was said."""
    sums: dict[tuple[object, ...], int] = {}
    for one in settled:
        names = [name for name in one.changes if name != "sign"]
        rows = zip(*(one.changes[name].tolist() for name in names), strict=True)
        for row, sign in zip(rows, one.changes["sign"].tolist(), strict=True):
            sums[row] = sums.get(row, 0) + sign
    return {row: sign for row, sign in sums.items() if sign}


@pytest.mark.parametrize("high", [2**64, 1])
@given(st.data())
def test_ids_are_told_apart_by_both_halves(high: int, data: st.DataObject) -> None:
    row = st.tuples(st.integers(0, high - 1) if high > 1 else st.just(7), st.integers(0, 3))
    ids = np.array(data.draw(st.lists(row, max_size=30)), np.uint64).reshape(-1, 2)
    numbers, groups = numbered(ids[:, 0], ids[:, 1])
    expected, which = np.unique(ids, axis=0, return_inverse=True)
    assert groups == len(expected)
    assert np.array_equal(numbers, which.ravel())
