"""/health, /ready and /metrics: what they say when, and that they stay small whatever comes."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from monitor.judge.incidents import KEPT, Incidents
from monitor.judge.sign import Sign
from monitor.judge.verdicts import Verdict
from monitor.metrics import FAMILIES, LONGEST_LABEL, MOST_SERIES, STEP, Metrics
from monitor.rows import HOUR
from monitor.web.condition import SILENT_SECONDS, Condition
from monitor.web.published import fill
from monitor.web.serving import server
from scorer.errors import SettingsError
from scorer.observe.http import Server
from tests.monitor.store.test_state import START, Bench, label, prediction

VERDICT = Verdict(
    requirement="brier//day/continuously", metric="brier", name="brier", window="day", number=7, begin=0, end=1,
    role="champion", version="v1", segment=None, judged="continuously", verdict="PASS", value=0.1, error=0.0, low=0.05,
    high=0.15, n=1_000, predictions=2_000, minimum=None, maximum=0.2, guarded=True, provisional=False, revision=0,
    reason="", time=1,
)  # fmt: skip

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def samples(text: bytes) -> Samples:
    """Everything that is exposed, read back by Prometheus' own parser, each series once."""
    found: Samples = {}
    for family in text_string_to_metric_families(text.decode()):
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in found, f"{key} is there twice"
            found[key] = sample.value
    return found


def get(address: str, path: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(f"http://{address}{path}", timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


class Clock:
    """A steady clock that goes when it is told to."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path / "state")
    with closing(made.state):
        yield made


@pytest.fixture
def condition() -> Condition:
    return Condition(clock=Clock())


@pytest.fixture
def pages(condition: Condition, tmp_path: Path) -> Iterator[tuple[Server, Metrics]]:
    metrics = Metrics()
    made = server("127.0.0.1:0", condition, metrics, tmp_path / "snapshot")
    made.start()
    yield made, metrics
    made.stop()


def test_a_loop_that_goes_round_is_healthy_and_one_that_hangs_is_not() -> None:
    clock = Clock()
    condition = Condition(clock=clock)
    clock.now += SILENT_SECONDS
    assert condition.health() == (True, {"seconds_without_step": SILENT_SECONDS})
    clock.now += 0.001
    assert not condition.health()[0]
    condition.moved()
    assert condition.health() == (True, {"seconds_without_step": 0.0})


def test_it_is_ready_when_nothing_is_in_the_way_any_more(condition: Condition) -> None:
    assert not condition.ready()[0]
    for name in ("lease", "topics", "champion", "reading"):
        assert not condition.ready()[0]
        condition.obstacle(name, "")
    assert condition.ready() == (True, {"not_ready": []})
    condition.obstacle("lease", "the lease is held by 7 one")
    condition.tell({"lag": 5})
    assert condition.ready() == (False, {"not_ready": ["the lease is held by 7 one"], "lag": 5})
    assert condition.health()[0], "who stands by must not be restarted"


def test_the_pages(pages: tuple[Server, Metrics], condition: Condition, bench: Bench, tmp_path: Path) -> None:
    made, _ = pages
    assert get(made.address, "/health")[0] == 200
    status, body = get(made.address, "/ready")
    assert status == 503
    assert "the lease was not asked for yet" in json.loads(body)["not_ready"]
    bench.state.publish(tmp_path / "snapshot")
    found = samples(get(made.address, "/metrics")[1])
    assert (found["monitor_ready", ()], found["monitor_lease_held", ()]) == (0.0, 0.0)
    assert ("monitor_ticks_total", ()) not in found, "another process shows what is published"
    for name in tuple(condition.obstacles):
        condition.obstacle(name, "")
    assert get(made.address, "/ready")[0] == 200
    found = samples(get(made.address, "/metrics")[1])
    assert (found["monitor_ready", ()], found["monitor_lease_held", ()]) == (1.0, 1.0)
    assert found["monitor_ticks_total", ()] == 1.0


def test_an_address_that_is_taken_is_a_clear_error(pages: tuple[Server, Metrics], tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"monitor\.http: cannot listen on"):
        server(pages[0].address, Condition(), Metrics(), tmp_path / "snapshot")


def test_what_is_published_is_shown(bench: Bench, tmp_path: Path) -> None:
    for event in range(4):
        bench.read(prediction(event, event, START + event))
    bench.read(label(1, 0, START + HOUR), prediction(9, 4, START + 10 * HOUR))  # the last lies too far ahead
    bench.tick(1)
    bench.read(prediction(10, 5, START + HOUR))
    bench.tick(3 * HOUR)
    bench.read(prediction(11, 6, START + 3 * HOUR), label(10, 1, START + 3 * HOUR), label(12, 2, START + 3 * HOUR))
    bench.tick(3 * HOUR, ended=True)
    with bench.state.step() as step:
        step.codes("version", ["v1"])
        step.send("mail", "a", b"")
        step.send("mail", "b", b"")
        kept, _ = Incidents("flights").take([Sign("requirement", "brier", "FAIL", "brier above 0.2")], 7)
        step.keep(KEPT, kept.to_json())
        for one in (VERDICT, replace(VERDICT, number=9, verdict="FAIL"), replace(VERDICT, segment=("carrier", "AA"))):
            field, value = one.segment or ("", "")
            facts = [one.requirement, one.number, one.role, one.version, field, value, one.window]
            step.connection.execute(
                f"INSERT INTO verdicts VALUES ({', '.join('?' * 11)})",  # noqa: S608
                [*facts, one.begin, one.end, one.verdict, one.to_json()],
            )
    bench.state.publish(tmp_path / "snapshot")
    metrics = Metrics()
    fill(metrics, tmp_path / "snapshot")
    found = samples(metrics.expose())
    assert found["monitor_ticks_total", ()] == bench.state.clock.number
    assert found["monitor_tick_timestamp_seconds", ()] == (START + 3 * HOUR) / 1e6
    refused = (("reason", "future"), ("topic", "predictions"))
    assert found["monitor_rows_refused_total", refused] == 1.0
    assert found["monitor_outbox", (("kind", "mail"),)] == 2.0
    assert found["monitor_outbox", (("kind", "verdict"),)] == 0.0
    assert found["monitor_pending_predictions", (("version", "v1"),)] == 4.0
    assert found["monitor_judged_timestamp_seconds", ()] == (START + 2 * HOUR) / 1e6
    assert found["monitor_coverage", (("version", "v1"),)] == 0.4
    verdicts = {dict(labels)["segment"]: value for (name, labels), value in found.items() if name == "monitor_verdict"}
    assert verdicts == {"": -1.0, "carrier=AA": 1.0}
    assert found["monitor_incidents_open", (("kind", "requirement"), ("severity", "FAIL"))] == 1.0
    assert found["monitor_snapshot_timestamp_seconds", ()] == (tmp_path / "snapshot").stat().st_mtime


def test_before_anything_is_judged_there_is_no_time_of_it(bench: Bench, tmp_path: Path) -> None:
    bench.state.publish(tmp_path / "snapshot")
    metrics = Metrics()
    fill(metrics, tmp_path / "snapshot")
    found = samples(metrics.expose())
    assert ("monitor_judged_timestamp_seconds", ()) not in found
    assert not any(name == "monitor_coverage" for name, _ in found)


def test_without_a_snapshot_there_is_no_timestamp_of_one(tmp_path: Path) -> None:
    metrics = Metrics()
    metrics.set("monitor_snapshot_timestamp_seconds", 1.0)
    for content in (None, b"", b"no snapshot"):
        if content is not None:
            (tmp_path / "snapshot").write_bytes(content)
        fill(metrics, tmp_path / "snapshot")
        assert ("monitor_snapshot_timestamp_seconds", ()) not in samples(metrics.expose())


def test_the_newest_window_of_each_verdict_is_shown() -> None:
    metrics = Metrics()
    segment = replace(VERDICT, segment=("carrier", "AA"), verdict="FAIL", value=None)
    other = replace(VERDICT, number=8, verdict="INSUFFICIENT", value=0.3, n=5)
    metrics.verdicts([other, VERDICT, segment])
    found = samples(metrics.expose())
    labels = {"metric": "brier", "window": "day", "judged": "continuously", "role": "champion", "version": "v1"}
    whole = tuple(sorted((labels | {"segment": ""}).items()))
    part = tuple(sorted((labels | {"segment": "carrier=AA"}).items()))
    assert (found["monitor_verdict", whole], found["monitor_value", whole]) == (0.0, 0.3)
    assert found["monitor_value_labels", whole] == 5.0
    assert (found["monitor_value_low", whole], found["monitor_value_high", whole]) == (0.05, 0.15)
    assert found["monitor_verdict", part] == -1.0
    assert ("monitor_value", part) not in found
    metrics.verdicts([])
    assert ("monitor_verdict", whole) not in samples(metrics.expose())


def test_no_metric_grows_without_end_and_what_fails_is_shown_first() -> None:
    metrics = Metrics()
    many = [replace(VERDICT, segment=("carrier", str(n))) for n in range(MOST_SERIES + 9)]
    metrics.verdicts([*many, replace(VERDICT, segment=("carrier", "last"), verdict="FAIL")])
    for number in range(MOST_SERIES + 9):
        metrics.count("monitor_commands", str(number), "done")
    found = samples(metrics.expose())
    assert sum(name == "monitor_verdict" for name, _ in found) == MOST_SERIES
    assert sum(name == "monitor_commands_total" for name, _ in found) == MOST_SERIES
    assert [value for (name, _), value in found.items() if name == "monitor_verdict"].count(-1.0) == 1
    assert found["monitor_series_left_out", (("name", "monitor_verdict"),)] == 10.0


def test_long_and_odd_labels_are_cut_and_read_back() -> None:
    metrics = Metrics()
    odd = 'quote " back\\slash\nline é ü'
    metrics.count("monitor_rows_refused", "labels", odd)
    metrics.count("monitor_rows_refused", "labels", "x" * 10_000)
    metrics.count("monitor_rows_refused", "labels", "x" * 10_000, by=2.0)
    found = samples(metrics.expose())
    assert found["monitor_rows_refused_total", (("reason", odd), ("topic", "labels"))] == 1.0
    assert found["monitor_rows_refused_total", (("reason", "x" * LONGEST_LABEL), ("topic", "labels"))] == 3.0


def test_a_metric_has_the_labels_that_it_was_given() -> None:
    with pytest.raises(ValueError, match="has the labels"):
        Metrics().set("monitor_lag", 1.0)
    with pytest.raises(KeyError):
        Metrics().set("monitor_unknown", 1.0)


def test_steps_are_counted_in_a_cumulative_histogram() -> None:
    metrics = Metrics()
    for seconds in (0.001, 0.01, 0.3, 100.0):
        metrics.took(seconds)
    found = samples(metrics.expose())
    bounds = {dict(labels)["le"]: value for (name, labels), value in found.items() if name == f"{STEP}_bucket"}
    assert (bounds["0.01"], bounds["0.2"], bounds["0.5"], bounds["30.0"], bounds["+Inf"]) == (2.0, 2.0, 3.0, 3.0, 4.0)
    assert found[f"{STEP}_count", ()] == 4.0
    assert found[f"{STEP}_sum", ()] == pytest.approx(100.311)


def test_every_metric_is_described() -> None:
    text = (Path(__file__).parents[2] / "docs" / "monitor-operations.md").read_text("utf-8")
    listed = re.findall(r"^\| `(monitor_[a-z_]+)`", text, re.MULTILINE)
    wanted = {name + ("_total" if family.kind == "counter" else "") for name, family in FAMILIES.items()} | {STEP}
    assert sorted(listed) == sorted(wanted)
