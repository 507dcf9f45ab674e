"""A test alarm to every channel, and what each said: for ``monitor alerts test``."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from monitor.alerts.channels import Channel, channels
from monitor.alerts.heartbeat import fetch
from monitor.alerts.post import Courier
from monitor.judge.incident import Incident, Letter, incident_id
from monitor.judge.sign import Point, Sign, Trend
from monitor.settings import Alerts


@dataclass(frozen=True, slots=True)
class Result:
    """What a channel said of the test alarm: ``error`` is "" where it took it. ``label`` may be shown."""

    label: str
    error: str


def test_alarm(model: str, time: int) -> Letter:
    """A letter that says that it is a test. ``time`` in microseconds since 1970."""
    points = tuple(
        Point(f"window {n + 1}", *point, "PASS") for n, point in enumerate([(0.8, 0.7, 0.9), (0.7, 0.6, 0.8)])
    )
    sign = Sign(
        "test",
        "",
        "WARNING",
        "this is a test",
        "Somebody has tried whether alarms arrive. Nothing is wrong. The picture shows invented numbers.",
        (("sent by", "monitor alerts test"),),
        (("This is how a command would be told that may help.", "monitor status"),),
        Trend("an example", points, 0.65, None),
    )
    incident = Incident(incident_id(model, sign.key, time), "test", "", "WARNING", sign.headline, time, time)
    return Letter(f"{incident.id}-1", model, "opened", time, incident, sign)


def send_test(alerts: Alerts, model: str, time: int) -> list[Result]:
    """Send it to every channel at once, fetch the heartbeat's address, and wait for what they say."""
    found, payload = channels(alerts), test_alarm(model, time).to_json()

    def deliver(channel: Channel) -> Result:
        return Result(channel.label, Courier(channel, alerts.timeout_seconds).deliver(payload))

    with ThreadPoolExecutor(max(1, len(found))) as pool:
        results = list(pool.map(deliver, found))
    if alerts.heartbeat_url is not None:
        results.append(Result("heartbeat", fetch(alerts.heartbeat_url)))
    return results
