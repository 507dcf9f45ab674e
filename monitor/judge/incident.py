"""An incident, from its first sign to its end, and the letters that tell of it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from hashlib import sha256
from typing import Any, Literal

from monitor.judge.sign import Kind, Point, Severity, Sign, Trend

Event = Literal["opened", "again", "reminder", "resolved"]
"""What a letter tells: it is new; it has come back; it lasts; it is over."""


@dataclass(frozen=True, slots=True)
class Incident:
    """One incident. Times are ticks, microseconds since 1970.

    ``opened`` is the tick of the first sign, ``told`` that of the last letter, ``letters`` how many there were.
    ``window`` is the number of the last window that failed. ``gone`` is the first tick without a sign since the last
    one with a sign (``None``: the sign is there), ``missed`` the ticks without, counted up to ``incidents.MISSED``.
    ``relapses``: how often it came back after its end. ``resolved``: when it ended; ``None`` while it is open.
    ``headline`` is the sign's when it was told last. ``acknowledged`` is who has seen to it: then nobody is reminded.
    """

    id: str
    kind: Kind
    subject: str
    severity: Severity
    headline: str
    opened: int
    told: int
    letters: int = 1
    window: int = 0
    gone: int | None = None
    missed: int = 0
    relapses: int = 0
    resolved: int | None = None
    acknowledged: str | None = None

    @property
    def key(self) -> str:
        """Kind and subject, as the sign has it."""
        return f"{self.kind}/{self.subject}" if self.subject else self.kind


@dataclass(frozen=True, slots=True)
class Letter:
    """What is told to people: ``event`` of ``incident``, at the tick ``time``; ``sign`` as it is then, or was last.

    ``others`` are further incidents that changed at the same tick; they have no letter of their own. ``id`` is the same
    however often the step is done again.
    """

    id: str
    model: str
    event: Event
    time: int
    incident: Incident
    sign: Sign
    others: tuple[Incident, ...] = ()

    @property
    def incidents(self) -> tuple[Incident, ...]:
        """All that it tells of."""
        return (self.incident, *self.others)

    def to_json(self) -> bytes:
        """All of it as UTF-8 JSON with the names above; what is absent is null."""
        return json.dumps(asdict(self), ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()

    @staticmethod
    def of_json(data: bytes) -> Letter:
        """What :meth:`to_json` gave."""
        values = json.loads(data)
        values["incident"] = Incident(**values["incident"])
        values["sign"] = sign_of(values["sign"])
        values["others"] = tuple(Incident(**one) for one in values["others"])
        return Letter(**values)


def incident_id(model: str, key: str, opened: int) -> str:
    """Sixteen hexadecimal digits by which an incident is known everywhere."""
    return sha256(f"{model}\n{key}\n{opened}".encode()).hexdigest()[:16]


def sign_of(values: dict[str, Any]) -> Sign:
    """The sign whose ``dataclasses.asdict`` went through JSON."""
    values = {one.name: values[one.name] for one in fields(Sign)}
    for name in ("numbers", "advice"):
        values[name] = tuple((first, second) for first, second in values[name])
    if (trend := values["trend"]) is not None:
        values["trend"] = Trend(**(trend | {"points": tuple(Point(**point) for point in trend["points"])}))
    return Sign(**values)
