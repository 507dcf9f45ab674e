"""Which prediction and which label of an event count, and what that changes: pure functions of the rows.

- Of several predictions with one id and version (and of one kind, ``rows.kinds``) the *first* by the source
  coordinates of its event counts, whenever it is read. (Those of one event, which a scorer that writes at least once
  leaves, are told apart by their own place.)
- Of several labels with one id the *last* counts, by revision, then label time, then place in the topic. A retraction
  is a label like others, and says that there is none.

Both are the least or greatest of a set, so the result depends on what was read, not on its order, its batches or how
often it came.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from monitor.rows import HELD_LABEL, OUTCOME, Bools, Int64s, Rows, UInt64s, count, joined, kinds, take

FIRST = ("source_topic", "source_partition", "source_offset", "partition", "position")
LAST = ("revision", "time", "partition", "position")

NONE = -1


@dataclass(frozen=True, slots=True)
class Settled:
    """What becomes of held and fresh rows.

    ``added`` predictions and ``added_labels`` are to be stored, those at ``gone`` and ``gone_labels`` (masks over what
    was held) are not any more. ``passed_over`` predictions and labels do not count, and are told by number alone.
    ``changes`` are predictions with what is known of their outcome and a ``sign``: -1 what was said before and does
    not hold any more, +1 what holds now.
    """

    added: Rows
    gone: Bools
    passed_over: int
    added_labels: Rows
    gone_labels: Bools
    passed_over_labels: int
    changes: Rows


def settle(held: Rows, fresh: Rows, held_labels: Rows, fresh_labels: Rows) -> Settled:
    """Settle fresh rows with those that were held for the same ids.

    ``held`` and ``held_labels`` are all that is stored under the ids of fresh rows: at most one prediction for an id
    and version, and one label for an id. All that is stored under another id may be among them, and stays.
    """
    columns = {name: column.dtype.str for name, column in fresh.items()}
    predictions = joined([held, fresh], columns)
    old, old_labels = count(held), count(held_labels)
    fresh_labels = {**fresh_labels, "matched": np.zeros(count(fresh_labels), bool), "until": fresh_labels["time"]}
    labels = joined([held_labels, fresh_labels], HELD_LABEL)
    high = np.concatenate([predictions["id_high"], labels["id_high"]])
    low = np.concatenate([predictions["id_low"], labels["id_low"]])
    numbers, groups = numbered(high, low)
    of_prediction, of_label = numbers[: count(predictions)], numbers[count(predictions) :]

    first = _least(_keys(of_prediction, kinds(predictions)), [predictions[name] for name in FIRST])
    last = _greatest(of_label, [labels[name] for name in LAST])

    before, now = np.full(groups, NONE), np.full(groups, NONE)
    before[of_label[:old_labels]] = np.arange(old_labels)
    now[of_label[last]] = np.flatnonzero(last)

    kept, rewritten = _kept(labels, of_label, predictions, of_prediction, first, groups)
    rewritten[old_labels:] = True
    added_labels = take({**labels, **kept}, last & rewritten)
    gone_labels = ~last[:old_labels] | rewritten[:old_labels]

    said_before, said_now = _outcomes(labels, before[of_prediction]), _outcomes(labels, now[of_prediction])
    changed = np.zeros(count(predictions), bool)
    for name in OUTCOME:
        changed |= said_before[name] != said_now[name]
    is_held = np.arange(count(predictions)) < old
    minus, plus = is_held & (changed | ~first), first & (changed | ~is_held)
    lost, won = np.flatnonzero(minus), np.flatnonzero(plus)
    changes = take(predictions, np.concatenate([lost, won]))
    for name in OUTCOME:
        changes[name] = np.concatenate([said_before[name][lost], said_now[name][won]])
    changes["sign"] = np.repeat(np.array([-1, 1], np.int8), [len(lost), len(won)])
    return Settled(
        take(predictions, first & ~is_held),
        ~first[:old],
        int((~first).sum()),
        added_labels,
        gone_labels,
        int((~last).sum()),
        changes,
    )


def with_labels(predictions: Rows, labels: Rows) -> Rows:
    """Stored predictions with their outcomes; ``labels`` has at most one for an id."""
    numbers, groups = numbered(
        np.concatenate([predictions["id_high"], labels["id_high"]]),
        np.concatenate([predictions["id_low"], labels["id_low"]]),
    )
    which = np.full(groups, NONE)
    which[numbers[count(predictions) :]] = np.arange(count(labels))
    return {**predictions, **_outcomes(labels, which[numbers[: count(predictions)]])}


def with_implicit(rows: Rows, value: float | None, closed: Bools) -> Rows:
    """``rows``, the unlabelled ones of ``closed`` cohorts with the label ``value``; ``None`` leaves all as they are."""
    if value is None:
        return rows
    implied = closed & ~rows["labelled"]
    return {
        **rows,
        "labelled": rows["labelled"] | implied,
        "implicit": rows["implicit"] | implied,
        "value": np.where(implied, value, rows["value"]),
    }


def in_order(outcomes: Rows) -> Rows:
    """Outcomes by event time, then source coordinates, then version: the order in which sequential tests see them."""
    by = ("source_offset", "source_partition", "source_topic", "time")
    return take(outcomes, np.lexsort([kinds(outcomes), *(outcomes[name] for name in by)]))


def numbered(high: UInt64s, low: UInt64s) -> tuple[Int64s, int]:
    """A number for each row, from 0, equal where both halves of its id are; and how many numbers there are."""
    order = np.argsort(high)
    new = np.ones(len(high), bool)
    upper, lower = high[order], low[order]
    new[1:] = upper[1:] != upper[:-1]
    # Two ids with one upper half are so rare that only then both halves are sorted.
    if np.any((lower[1:] != lower[:-1]) & ~new[1:]):
        order = np.lexsort([low, high])
        new[1:] = (high[order][1:] != high[order][:-1]) | (low[order][1:] != low[order][:-1])
    numbers = np.empty(len(high), np.int64)
    numbers[order] = np.cumsum(new) - 1
    return numbers, int(new.sum())


def _keys(numbers: Int64s, kinds: Int64s) -> Int64s:
    """One number for id and kind."""
    found, codes = np.unique(kinds, return_inverse=True)
    return np.asarray(numbers * max(len(found), 1) + codes)


def _least(keys: Int64s, order: Sequence[Int64s]) -> Bools:
    """For each key, its least row by ``order``."""
    return _ends(keys, order, 0)


def _greatest(keys: Int64s, order: Sequence[Int64s]) -> Bools:
    """For each key, its greatest row by ``order``."""
    return _ends(keys, order, 1)


def _ends(keys: Int64s, order: Sequence[Int64s], at: int) -> Bools:
    several = np.flatnonzero(np.bincount(keys)[keys] > 1) if len(keys) else np.empty(0, np.int64)
    chosen = np.ones(len(keys), bool)
    if len(several):
        ranked = several[np.lexsort([*(column[several] for column in reversed(order)), keys[several]])]
        border = keys[ranked][1:] != keys[ranked][:-1]
        chosen[several] = False
        chosen[ranked[np.r_[border, True] if at else np.r_[True, border]]] = True
    return chosen


def _kept(
    labels: Rows, of_label: Int64s, predictions: Rows, of_prediction: Int64s, first: Bools, groups: int
) -> tuple[Rows, Bools]:
    """Whether each label has met a prediction, and until which time it is kept; and where that is new.

    A label is kept as long as the predictions that count are, or those of its own time, whichever is later.
    """
    met, until = np.zeros(groups, bool), np.full(groups, np.iinfo(np.int64).min)
    met[of_prediction] = True
    met[of_label[labels["matched"]]] = True
    np.maximum.at(until, of_prediction[first], predictions["time"][first])
    rows: Rows = {"matched": met[of_label], "until": np.maximum(labels["time"], until[of_label])}
    return rows, (rows["matched"] != labels["matched"]) | (rows["until"] != labels["until"])


def _outcomes(labels: Rows, which: Int64s) -> Rows:
    labelled = which != NONE
    labelled[labelled] = ~labels["retracted"][which[labelled]]
    value, time = np.zeros(len(which)), np.zeros(len(which), np.int64)
    value[labelled], time[labelled] = labels["value"][which[labelled]], labels["time"][which[labelled]]
    return {"labelled": labelled, "implicit": np.zeros(len(which), bool), "value": value, "label_time": time}
