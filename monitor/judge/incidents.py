"""What becomes of signs over time: one incident from first sign to resolution, and the few letters that tell of it.

::

                 sign, often enough            gone, long enough
        nothing ──────────────────▶ open ─────────────────────────▶ resolved
                  letter "opened"   │  ▲    letter "resolved"          │
                                    │  │                               │
              every day "reminder" ─┘  └───────────────────────────────┘
                                            sign within RELAPSE: "again"

An incident that came back takes twice as long to end, each time: what flaps is told ever more seldom, and is open
meanwhile. Nobody is reminded of one that a person has acknowledged. All of it depends on signs, ticks and such commands
alone, so a step that is done again makes the same letters.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import NamedTuple

from monitor.judge.facts import HOUR
from monitor.judge.incident import Event, Incident, Letter, incident_id
from monitor.judge.sign import SEVERITIES, Kind, Sign

KEPT = "incidents"
"""Under which name they are kept in the state."""

MISSED = 3
"""So many ticks in a row must be without the sign, however much time lies between them."""

RELAPSE = 6 * HOUR
"""What comes back within this time is the same incident."""

LONGEST_QUIET = 24 * HOUR

LETTERS = 5
"""Most letters at one tick that tell of one incident each; the last of them names all others."""

OPEN = 500
RESOLVED = 200


class Nature(NamedTuple):
    """``onset``: so many ticks in a row with the sign make an incident. ``quiet``: so long must it be gone."""

    onset: int
    quiet: int


_MINUTE = HOUR // 60
_JUDGED = Nature(1, 10 * _MINUTE)
_SILENCE = Nature(30, 2 * _MINUTE)  # so that a monitor which was down can read first what came meanwhile
NATURES: Mapping[Kind, Nature] = {
    "requirement": _JUDGED,
    "falling": Nature(1, LONGEST_QUIET),  # its sign is there for a single tick
    "challenger": _JUDGED,
    "coverage": _JUDGED,
    "unscored": _JUDGED,
    "flip": Nature(1, _MINUTE),
    "no labels": _SILENCE,
    "no predictions": _SILENCE,
    "stale stream": _SILENCE,
    "behind": _SILENCE,
}


@dataclass(frozen=True, slots=True)
class Incidents:
    """All that are open, by key, and the last that ended, the oldest first. Immutable: ``take`` gives new ones.

    ``pending`` counts the ticks in a row at which a sign was there that is no incident yet. ``seen`` holds by detector
    how many of its alarms were taken in. ``passed_over`` counts incidents for which there was no room.
    """

    model: str
    open: Mapping[str, Incident] = field(default_factory=dict)
    ended: tuple[Incident, ...] = ()
    pending: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    seen: Mapping[str, int] = field(default_factory=dict)
    passed_over: int = 0

    def take(self, signs: Iterable[Sign], time: int, remind: int = 24 * HOUR) -> tuple[Incidents, list[Letter]]:
        """What is after the signs of the tick ``time``, and what is to be told. ``remind``: how often, in microseconds.

        Equal to what was before where nothing has changed. Signs have different keys; their order does not matter.
        """
        turn = _Turn(self, time, remind)
        found = {sign.key: sign for sign in signs}
        for key in sorted(found.keys() | self.open.keys()):
            sign = found.get(key)
            if key in self.open:
                turn.go_on(self.open[key], sign)
            elif sign is not None:
                turn.begin(sign)
        after = Incidents(
            self.model, turn.open, tuple(turn.ended[-RESOLVED:]), turn.pending, turn.seen, turn.passed_over
        )
        return after, _together(turn.letters)

    def acknowledge(self, name: str, actor: str) -> Incidents:
        """The open incident of this id is seen to by ``actor``: nobody is reminded of it, until it ends or comes back.

        Raises KeyError where there is none.
        """
        [key] = [key for key, one in self.open.items() if one.id == name] or [name]
        return replace(self, open={**self.open, key: replace(self.open[key], acknowledged=actor)})

    def to_json(self) -> bytes:
        """As UTF-8 JSON."""
        values = {
            "model": self.model,
            "open": [asdict(one) for one in self.open.values()],
            "ended": [asdict(one) for one in self.ended],
            "pending": self.pending,
            "seen": self.seen,
            "passed_over": self.passed_over,
        }
        return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode()

    @staticmethod
    def of_json(data: bytes) -> Incidents:
        """What :meth:`to_json` gave."""
        values = json.loads(data)
        opened = [Incident(**one) for one in values["open"]]
        return Incidents(
            values["model"],
            {one.key: one for one in opened},
            tuple(Incident(**one) for one in values["ended"]),
            {key: (first, ticks) for key, (first, ticks) in values["pending"].items()},
            values["seen"],
            values["passed_over"],
        )


class _Turn:
    """One tick: what is becomes what will be."""

    def __init__(self, before: Incidents, time: int, remind: int) -> None:
        self._before, self._time, self._remind = before, time, remind
        self.open, self.ended = dict(before.open), list(before.ended)
        self.pending: dict[str, tuple[int, int]] = {}
        self.seen: dict[str, int] = {}
        self.passed_over = before.passed_over
        self.letters: list[Letter] = []

    def begin(self, sign: Sign) -> None:
        """A sign of which there is no open incident."""
        if not self._acts(sign) or not sign.opens:
            return
        first, ticks = self._before.pending.get(sign.key, (self._time, 0))
        if ticks + 1 < NATURES[sign.kind].onset:
            if len(self.pending) < OPEN:
                self.pending[sign.key] = (first, ticks + 1)
            return
        back = next((one for one in reversed(self.ended) if one.key == sign.key), None)
        if back is not None and back.resolved is not None and self._time - back.resolved <= RELAPSE:
            self.ended.remove(back)
            again = replace(back, resolved=None, relapses=back.relapses + 1, severity=sign.severity, window=sign.window)
            self._tell("again", replace(again, gone=None, missed=0, acknowledged=None), sign)
        elif len(self.open) < OPEN:
            name = incident_id(self._before.model, sign.key, first)
            new = Incident(name, sign.kind, sign.subject, sign.severity, "", first, 0, 0, sign.window)
            self._tell("opened", new, sign)
        else:
            self.passed_over += 1

    def go_on(self, one: Incident, sign: Sign | None) -> None:
        """An open incident, with a sign or without."""
        if sign is not None and self._acts(sign):
            present = replace(one, gone=None, missed=0, window=max(one.window, sign.window))
            self._stay(present, sign)
        elif sign is not None and sign.holding and sign.window == one.window:
            self._stay(replace(one, gone=None, missed=0), _plain(one))
        else:
            self._miss(one, sign)

    def _acts(self, sign: Sign) -> bool:
        """Whether this is a reason to alarm now."""
        if not sign.detector:
            return not (sign.holding or sign.over)
        known = self._before.seen.get(sign.detector, 0)
        self.seen[sign.detector] = max(sign.alarms, known)
        return sign.alarms > known

    def _stay(self, one: Incident, sign: Sign) -> None:
        if self._time - one.told >= self._remind and one.acknowledged is None:
            self._tell("reminder", one, sign)
        else:
            self.open[one.key] = one

    def _miss(self, one: Incident, sign: Sign | None) -> None:
        gone = self._time if one.gone is None else one.gone
        one = replace(one, gone=gone, missed=min(one.missed + 1, MISSED))
        shortest = NATURES[one.kind].quiet
        quiet = min(shortest << min(one.relapses, 20), max(LONGEST_QUIET, shortest))
        if one.missed >= MISSED and self._time - gone >= quiet:
            del self.open[one.key]
            words = sign if sign is not None and sign.over else _plain(one)
            self.ended.append(self._told("resolved", replace(one, resolved=self._time), words))
        else:
            self.open[one.key] = one

    def _tell(self, event: Event, one: Incident, sign: Sign) -> None:
        self.open[one.key] = self._told(event, one, sign)

    def _told(self, event: Event, one: Incident, sign: Sign) -> Incident:
        headline = one.headline if event == "resolved" else sign.headline
        told = replace(one, headline=headline, told=self._time, letters=one.letters + 1)
        name = f"{told.id}-{told.letters}"
        self.letters.append(Letter(name, self._before.model, event, self._time, told, sign))
        return told


def _plain(one: Incident) -> Sign:
    """What is known of an incident whose sign is not there."""
    return Sign(one.kind, one.subject, one.severity, one.headline)


def _together(letters: list[Letter]) -> list[Letter]:
    """The letters of one tick: the gravest first, and those beyond ``LETTERS`` within the last of them."""
    ordered = sorted(letters, key=lambda one: (-SEVERITIES.index(one.incident.severity), one.incident.key))
    told, rest = ordered[:LETTERS], ordered[LETTERS:]
    if rest:
        told[-1] = replace(told[-1], others=tuple(one.incident for one in rest))
    return told
