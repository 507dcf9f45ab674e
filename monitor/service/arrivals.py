"""When something last came of each topic, and when its end was last reached: a part of the state, tick by tick."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from typing import Final

from monitor.judge.facts import Arrivals, Role
from monitor.rows import EVENTS, LABELS, PREDICTIONS, RETRY
from monitor.store.cohorts import Source

NAME: Final = "arrivals"
"""Under which name it is kept in the state."""

_TOPICS: Final[Mapping[Role, tuple[str, ...]]] = {
    "events": (EVENTS, RETRY),
    "predictions": (PREDICTIONS,),
    "labels": (LABELS,),
}


def advanced(
    before: Mapping[Role, Arrivals],
    sources: Mapping[str, Mapping[int, Source]],
    ended: Iterable[tuple[str, int]],
    time: int,
) -> dict[Role, Arrivals]:
    """What is known at the tick ``time``. ``sources`` are as they were read before it, ``ended`` the partitions that
    have been read to their end. A topic without partitions is not watched."""
    done, found = frozenset(ended), {}
    for role, topics in _TOPICS.items():
        places = {(topic, number): one for topic in topics for number, one in sources.get(topic, {}).items()}
        if not places:
            continue
        one = before.get(role, Arrivals(time))
        if any(source.next_offset != source.ticked for source in places.values() if source.ticked >= 0):
            one = replace(one, newest=time)
        if places.keys() <= done:
            one = replace(one, current=time)
        found[role] = one
    return found


def to_json(arrivals: Mapping[Role, Arrivals]) -> bytes:
    """As UTF-8 JSON."""
    return json.dumps({role: asdict(one) for role, one in arrivals.items()}).encode()


def of_json(data: bytes | None) -> dict[Role, Arrivals]:
    """What :meth:`to_json` gave; nothing where there is none."""
    return {} if data is None else {role: Arrivals(**values) for role, values in json.loads(data).items()}
