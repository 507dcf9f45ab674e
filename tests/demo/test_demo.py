"""The demo itself, for a few days: as a person runs it, and stopped in its midst."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest
from confluent_kafka.admin import AdminClient
from redis import Redis

import demo.__main__
import demo.reader
from demo.__main__ import DAYS, INTERRUPTED, LEAST_DAYS, ROOT, Plan, finish
from demo.deployment import Names
from demo.errors import DemoError
from demo.pipelines import BOOSTED, LOGISTIC
from demo.reader import Reader
from sandbox.services import KAFKA, REDIS, Services
from tests.conftest import SharedKafka, SharedRedis

DEMO = [sys.executable, "-m", "demo", "--days", str(LEAST_DAYS)]
EVENTS = 5_681
"""The flights of the first six days of April."""


@pytest.mark.usefixtures("kafka", "redis_server")  # so that it is skipped, loudly, where these cannot run
def test_six_days(tmp_path: Path) -> None:
    done = subprocess.run([*DEMO, "--folder", str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    summary = json.loads((tmp_path / "summary.json").read_text())
    kinds = 7
    assert summary["predictions"] == EVENTS
    assert summary["dead_letters"] == 2 * 3 * kinds
    assert summary["events"] == EVENTS + summary["dead_letters"]
    assert not any(summary[name] for name in ("lost", "doubled", "extra", "misplaced", "wrong_version", "wrong_score"))
    assert set(summary["versions"]) == {LOGISTIC, BOOSTED}
    assert sum(summary["versions"].values()) == EVENTS
    assert summary["killed"]
    assert 0 < summary["latency_ms"]["p50"] <= summary["latency_ms"]["p99"]
    assert summary["flip_gap_ms"]["longest"] > 0
    assert "wrong scores" in done.stdout
    judged = summary["verdicts"]["2013-04"]
    assert {one["metric"] for one in judged} == {"accuracy", "auc", "brier"}
    assert {one["version"] for one in judged} == {LOGISTIC, BOOSTED}
    assert all(one["provisional"] for one in judged), "April is not over"
    assert summary["metric_difference"]["compared"] == 4, "an AUC is judged when its window has closed"
    assert summary["outcomes"] + summary["coverage"]["never_labelled"] == EVENTS
    assert "<html" in (tmp_path / "report.html").read_text()
    log = (tmp_path / "scorer.log").read_text()
    assert "ended by SIGKILL" in log
    assert log.rstrip().endswith("ended with exit code 0")


@pytest.fixture
def elsewhere(
    kafka: SharedKafka, redis_server: SharedRedis, redis: Redis, admin: AdminClient
) -> Iterator[dict[str, str]]:
    """An environment that names services which others use as well."""
    before = set(admin.list_topics(timeout=10).topics)
    yield {**os.environ, KAFKA: kafka.bootstrap, REDIS: redis_server.url}
    made = set(admin.list_topics(timeout=10).topics) - before
    for done in admin.delete_topics([name for name in made if name.startswith("demo-")]).values() if made else ():
        done.result(30)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopping_it_stops_everything(elsewhere: dict[str, str], tmp_path: Path, number: signal.Signals) -> None:
    command = [*DEMO, "--folder", str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, env=elsewhere, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        for line in running.stdout:
            if line.startswith("Metrics"):
                break
        started = psutil.Process(running.pid).children(recursive=True)
        assert len(started) > 4, "parent, workers, monitor"
        running.send_signal(number)
        assert running.wait(60) == INTERRUPTED
        assert "stopped" in running.stdout.read()
    _, alive = psutil.wait_procs(started, timeout=20)
    assert not alive
    assert not (tmp_path / "summary.json").exists()


def test_what_takes_too_long_or_fails_ends_the_demo_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo.__main__, "JOB_SECONDS", 0.1)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as slow:
        with pytest.raises(DemoError, match=r"library is not done after 0.1 s; see .*library\.log"):
            finish(slow, tmp_path / "library.log")
        slow.kill()
    with subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"]) as failed:
        failed.wait()
    with pytest.raises(DemoError, match="rescore failed"):
        finish(failed, tmp_path / "rescore.log")
    monkeypatch.setattr(demo.reader, "_PATIENCE", 0.1)
    with pytest.raises(DemoError, match="does not begin to read"), Reader("127.0.0.1:1", "p", "d", tmp_path / "x.npz"):
        pytest.fail("it cannot begin")


def test_names_are_an_operators_own_or_nobodys() -> None:
    shared = Services("kafka:9092", "redis://redis", None, None)
    one, other = Names.on(shared), Names.on(shared)
    assert one.prefix != other.prefix
    assert one["dead_letters"] == f"{one.redis_prefix}.flights.dead-letters"
    assert one.key("champion") == f"{one.redis_prefix}:flights:champion"
    assert Names("", "scorer")["events"] == "flights.events"
    assert Names("", "scorer").key("champion") == "scorer:flights:champion"


def test_nothing_happens_twice_on_one_day() -> None:
    for days in range(LEAST_DAYS, DAYS + 1):
        plan = Plan(days)
        taken = [*plan.malformed, *(plan.kill[0] + k for k in range(plan.kill[1]))]
        taken += [plan.flip[0] + k for k in range(plan.flip[1])]
        assert len(taken) == len(set(taken))
        assert min(taken) >= 1
        assert max(taken) <= days
