"""The thread that follows the pointers, against a real server that is frozen, killed, flushed and flapping."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest
import redis

from sandbox import Valkey
from scorer.errors import RegistryUnavailable
from scorer.model.version import VersionBytes
from scorer.registry import instances, pointers
from scorer.registry.client import connect
from scorer.registry.following import Follower
from scorer.registry.instances import Json
from scorer.registry.keys import Keys
from scorer.registry.lastgood import LastGood
from scorer.registry.watcher import Heartbeat, Watcher
from tests.registry.made import Made, prepare, push, unchecked
from tests.registry.servers import nobody, until

NEVER = 3_600.0
SOON = 0.02

Start = Callable[..., Watcher[Made]]


@pytest.fixture
def start(keys: Keys, tmp_path: Path) -> Iterator[Start]:
    """Starts watchers that are stopped in the end."""
    with ExitStack() as stack:

        def started(
            server: Valkey,
            *,
            poll_seconds: float = SOON,
            heartbeat: Heartbeat | None = None,
            timeout: float = 0.2,
            made_by: Callable[[VersionBytes, str, str], Made] = prepare,
        ) -> Watcher[Made]:
            client = stack.enter_context(connect(server.url, timeout=timeout))
            state = LastGood(tmp_path / "state", keys.model)
            follower = Follower(client, keys, made_by, check=unchecked, state=state)
            return stack.enter_context(Watcher(follower, poll_seconds=poll_seconds, heartbeat=heartbeat))

        yield started


def runs(watcher: Watcher[Made], version: str) -> Callable[[], bool]:
    def check() -> bool:
        champion = watcher.current.champion
        return champion is not None and champion.version == version

    return check


def redis_error(watcher: Watcher[Made]) -> Json:
    status = watcher.status()["redis"]
    assert isinstance(status, dict)
    return status["error"]


def until_rounds(watcher: Watcher[Made], more: int) -> None:
    """Wait until the thread has gone through some more rounds."""
    first = watcher.follower.rounds
    until(lambda: watcher.follower.rounds >= first + more, f"{more} more rounds")


def test_a_bare_set_is_found_by_polling(server: Valkey, client: redis.Redis, keys: Keys, start: Start) -> None:
    push(client, keys, "v1", "v2")
    client.set(keys.champion, "v1")
    watcher = start(server)
    until(runs(watcher, "v1"), "v1 runs")
    client.set(keys.champion, "v2")
    until(runs(watcher, "v2"), "v2 runs")
    assert [event.version for event in watcher.events.take()] == ["v1", "v2"]


def test_a_command_wakes_a_watcher_that_polls_rarely(
    server: Valkey, client: redis.Redis, keys: Keys, start: Start
) -> None:
    push(client, keys, "v1", "v2")
    watcher = start(server, poll_seconds=NEVER)
    until(lambda: watcher.status()["wake"] == {"listening": True, "problem": None}, "it listens")
    for version in ("v1", "v2"):
        pointers.set_champion(client, keys, version, actor="ann", reason="")
        until(runs(watcher, version), f"{version} runs")


def test_a_push_wakes_a_watcher_that_refused_the_version(
    server: Valkey, client: redis.Redis, keys: Keys, start: Start
) -> None:
    client.set(keys.champion, "v1")
    watcher = start(server, poll_seconds=NEVER)
    until(lambda: watcher.status()["last_refusal"] is not None, "v1 is refused")
    until(lambda: watcher.status()["wake"] == {"listening": True, "problem": None}, "it listens")
    push(client, keys, "v1")
    until(runs(watcher, "v1"), "v1 runs")


def test_the_wake_up_connects_again_and_makes_up_for_what_it_missed(
    own_server: Valkey, keys: Keys, start: Start
) -> None:
    with own_server.client() as admin:
        push(admin, keys, "v1", "v2")
        admin.set(keys.champion, "v1")
        watcher = start(own_server, poll_seconds=NEVER)
        until(runs(watcher, "v1"), "v1 runs")
        until(lambda: watcher.status()["wake"] == {"listening": True, "problem": None}, "it listens")
        admin.set(keys.champion, "v2")
        admin.client_kill_filter(_type="pubsub")
        until(runs(watcher, "v2"), "v2 runs: the new connection looks without being told")
        pointers.set_champion(admin, keys, "v1", actor="ann", reason="")
        until(runs(watcher, "v1"), "v1 runs")


def test_a_flood_of_wake_ups_does_not_become_a_flood_of_looks(
    server: Valkey, client: redis.Redis, keys: Keys, start: Start
) -> None:
    watcher = start(server, poll_seconds=NEVER)
    until(lambda: watcher.status()["wake"] == {"listening": True, "problem": None}, "it listens")

    def looks() -> int:
        return int(client.info("commandstats").get("cmdstat_mget", {}).get("calls", 0))

    before, began = looks(), time.monotonic()
    for _ in range(20):
        with client.pipeline(transaction=False) as pipe:
            for _ in range(500):
                pipe.publish(keys.wake, "x")
            pipe.execute()
    watcher.stop()
    assert 0 < looks() - before <= (time.monotonic() - began) / 0.02 + 2


def test_a_frozen_server_stops_neither_the_thread_nor_the_reader(
    server: Valkey, client: redis.Redis, keys: Keys, start: Start
) -> None:
    push(client, keys, "v1", "v2")
    client.set(keys.champion, "v1")
    watcher = start(server)
    until(runs(watcher, "v1"), "v1 runs")
    before = watcher.current
    server.freeze()
    try:
        until(lambda: redis_error(watcher) is not None, "the freeze is noticed")
        until_rounds(watcher, 3)
        assert watcher.current is before
        assert "frozen, overloaded or unreachable" in str(redis_error(watcher))
        assert watcher.failure is None
    finally:
        server.thaw()
    until(lambda: redis_error(watcher) is None, "the thaw is noticed")
    client.set(keys.champion, "v2")
    until(runs(watcher, "v2"), "v2 runs")


def test_what_is_in_the_way_is_logged_once_and_so_is_its_end(
    own_server: Valkey, keys: Keys, start: Start, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "scorer.registry.watcher")
    with own_server.client() as admin:
        push(admin, keys, "v1")
        admin.set(keys.champion, "v1")
        admin.set(keys.audit, "not a stream")
        admin.rpush(keys.instance("pod-0"), "SET replaces it")
        (tmp_path / "state").write_text("a file where the directory should be")
        watcher = start(own_server, heartbeat=Heartbeat("pod-0", dict, seconds=0.01))
        until(runs(watcher, "v1"), "v1 runs")
        until(lambda: "cannot be saved" in caplog.text, "the disk is complained of")
        own_server.kill()
        until(lambda: "Redis: cannot read the pointers" in caplog.text, "the outage is said")
        until_rounds(watcher, 3)
        own_server.restart()
        until(lambda: "Redis: all right again" in caplog.text, "its end is said")
        admin.execute_command("ACL", "SETUSER", "default", "-set", "-subscribe")
        until(lambda: "its key: cannot renew the instance key" in caplog.text, "the missing right is said")
        admin.client_kill_filter(_type="pubsub")
        until(lambda: "wake-ups: cannot listen for changes" in caplog.text, "the other one, too")
    for once in (
        "Redis: cannot",
        "the audit: scorer:flights:audit: WRONGTYPE",
        "the last good version: cannot be saved",
    ):
        assert caplog.text.count(once) == 1
    said = watcher.status()["troubles"]
    assert isinstance(said, list)
    assert [str(one).partition(":")[0] for one in said] == ["the last good version"]


def test_nothing_is_in_the_way_of_a_first_start(server: Valkey, start: Start, caplog: pytest.LogCaptureFixture) -> None:
    watcher = start(server)
    until_rounds(watcher, 3)
    assert watcher.status()["troubles"] == []
    assert caplog.text == ""


def test_a_start_with_a_frozen_server_scores_from_disk(
    server: Valkey, client: redis.Redis, keys: Keys, start: Start
) -> None:
    push(client, keys, "v1", "v2")
    client.set(keys.champion, "v1")
    first = start(server)
    until(runs(first, "v1"), "v1 runs")
    until(lambda: first.status()["last_good"] == {"saved": True, "problem": None}, "v1 is saved")
    first.stop()
    client.set(keys.champion, "v2")
    server.freeze()
    try:
        second = start(server)
        until(runs(second, "v1"), "v1 runs")
        assert second.current.source == "disk"
        assert second.status()["source"] == "disk"
    finally:
        server.thaw()
    until(runs(second, "v2"), "v2 runs")
    until(lambda: second.status()["source"] == "redis", "Redis is the source again")


def test_a_killed_and_an_empty_server_change_nothing(own_server: Valkey, keys: Keys, start: Start) -> None:
    with own_server.client() as admin:
        push(admin, keys, "v1", "v2")
        admin.set(keys.champion, "v1")
        watcher = start(own_server)
        until(runs(watcher, "v1"), "v1 runs")
        before = watcher.current
        own_server.kill()
        until(lambda: redis_error(watcher) is not None, "the outage is noticed")
        own_server.restart()
        until(lambda: redis_error(watcher) is None, "the end of the outage is noticed")
        until_rounds(watcher, 2)
        assert watcher.current is before
        about = watcher.status()["redis"]
        assert isinstance(about, dict)
        assert about["outages"] == 1
        assert isinstance(about["last_error"], dict)
        assert isinstance(about["seconds_since_answer"], float)
        push(admin, keys, "v2")
        pointers.set_champion(admin, keys, "v2", actor="ann", reason="")
        until(runs(watcher, "v2"), "v2 runs")


def test_flips_arrive_although_connections_break_all_the_time(own_server: Valkey, keys: Keys, start: Start) -> None:
    with own_server.client() as admin:
        push(admin, keys, "v1", "v2", size=300_000)
        admin.set(keys.champion, "v1")
        watcher = start(own_server)
        until(runs(watcher, "v1"), "v1 runs")
        flapping = threading.Event()

        def flap() -> None:
            with own_server.client() as other:
                while not flapping.wait(0.005):
                    other.client_kill_filter(_type="normal", skipme=True)
                    other.client_kill_filter(_type="pubsub")

        thread = threading.Thread(target=flap)
        thread.start()
        try:
            for turn in range(10):
                version = f"v{turn % 2 + 1}"
                until(partial(flipped, own_server, keys, version), "the flip goes through")
                until(runs(watcher, version), f"{version} runs")
                assert watcher.failure is None
        finally:
            flapping.set()
            thread.join(10)


def flipped(server: Valkey, keys: Keys, version: str) -> bool:
    try:
        with server.client() as admin:
            return bool(admin.set(keys.champion, version))
    except redis.ConnectionError:
        return False


def test_the_instance_says_what_it_runs_until_it_stops(
    server: Valkey, client: redis.Redis, keys: Keys, start: Start
) -> None:
    push(client, keys, "v1")
    client.set(keys.champion, "v1")
    started: list[Watcher[Made]] = []

    def report() -> dict[str, Json]:
        return started[0].status() if started else {}

    watcher = start(server, heartbeat=Heartbeat("pod-0", report, seconds=0.01, expires=60.0))
    started.append(watcher)

    def reported() -> bool:
        for instance in instances.live(client, keys):
            champion = (instance.report or {}).get("champion")
            if instance.name == "pod-0" and isinstance(champion, dict) and champion["version"] == "v1":
                return True
        return False

    until(reported, "the instance's key says that v1 runs")
    assert client.pttl(keys.instance("pod-0")) > 0
    watcher.stop()
    assert instances.live(client, keys) == []


def test_a_stop_does_not_wait_for_the_next_poll(server: Valkey, start: Start) -> None:
    watcher = start(server, poll_seconds=NEVER)
    until(watcher.polled.is_set, "it has polled")
    stopping = threading.Thread(target=watcher.stop, args=(NEVER,), daemon=True)
    stopping.start()
    until(lambda: not stopping.is_alive(), "it has stopped")
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("registry-")]


def test_an_exception_that_nobody_expected_is_kept(
    server: Valkey, client: redis.Redis, keys: Keys, start: Start
) -> None:
    push(client, keys, "v1")
    client.set(keys.champion, "v1")

    def report() -> dict[str, Json]:
        raise ZeroDivisionError("a mistake in the report")

    watcher = start(server, heartbeat=Heartbeat("pod-0", report))
    until(lambda: watcher.failure is not None, "the failure shows")
    assert isinstance(watcher.failure, ZeroDivisionError)
    assert watcher.status()["failure"] == "ZeroDivisionError: a mistake in the report"
    assert runs(watcher, "v1")()


def test_a_version_that_takes_long_to_prepare_does_not_hold_up_the_reader(
    server: Valkey, client: redis.Redis, keys: Keys, start: Start
) -> None:
    push(client, keys, "v1", "v2")
    client.set(keys.champion, "v1")
    go_on = threading.Event()

    def slow(loaded: VersionBytes, model: str, version: str) -> Made:
        if version == "v2":
            assert go_on.wait(30)
        return prepare(loaded, model, version)

    watcher = start(server, made_by=slow)
    until(runs(watcher, "v1"), "v1 runs")
    client.set(keys.champion, "v2")
    until(lambda: "wanted" in str(watcher.status()["champion"]), "v2 is wanted")
    assert runs(watcher, "v1")()
    go_on.set()
    until(runs(watcher, "v2"), "v2 runs")


@pytest.mark.parametrize(("jitter", "pause"), [(0.0, 0.8), (0.5, 1.0), (1.0, 1.2)])
def test_the_pause_is_what_was_set_give_or_take_a_fifth(
    server: Valkey, keys: Keys, jitter: float, pause: float
) -> None:
    with connect(server.url) as client:
        watcher = Watcher(Follower(client, keys, prepare, check=unchecked), poll_seconds=1.0, jitter=lambda: jitter)
    assert watcher.pause() == pytest.approx(pause)


def test_a_stop_removes_nothing_where_redis_is_away(own_server: Valkey, keys: Keys, start: Start) -> None:
    watcher = start(own_server, heartbeat=Heartbeat("pod-0", dict, seconds=0.01, expires=60.0))
    with own_server.client() as admin:
        until(lambda: instances.live(admin, keys), "the instance's key is there")
    own_server.kill()
    until(lambda: redis_error(watcher) is not None, "the outage is noticed")
    watcher.stop()
    assert watcher.failure is None


def test_the_key_is_not_renewed_where_redis_just_failed_to_answer(keys: Keys) -> None:
    with connect(nobody()) as client:
        follower = Follower(client, keys, prepare, check=unchecked)
        watcher = Watcher(follower, poll_seconds=SOON, heartbeat=Heartbeat("pod-0", dict, seconds=0.0))
        with watcher:
            until_rounds(watcher, 3)
        assert watcher.status()["instance"] == {"problem": None}


def test_reading_the_instances_of_a_dead_server_is_an_error(own_server: Valkey, keys: Keys) -> None:
    own_server.kill()
    with connect(own_server.url) as client, pytest.raises(RegistryUnavailable, match="list the instances"):
        instances.live(client, keys)
