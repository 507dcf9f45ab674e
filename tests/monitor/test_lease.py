"""One monitor at a time: who has the lease, who gets it next, and what an owner does who is not sure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
import redis

from monitor.lease import Lease, LeaseLost, Standing
from sandbox import Valkey
from scorer.errors import RegistryConflict
from scorer.registry.client import connect
from scorer.registry.keys import Keys
from scorer.registry.transaction import transaction
from tests.registry.servers import Proxy, nobody, until

KEYS = Keys("flights")
SECONDS = 10.0


@dataclass
class Clock:
    """A steady clock that goes when it is told to."""

    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def lease(registry: Valkey, clock: Clock) -> Iterator[Callable[..., Lease]]:
    """Makes leases, each with a client of its own, whose thread does not run: the test asks."""
    with ExitStack() as stack:

        def make(holder: str, url: str = registry.url, seconds: float = SECONDS) -> Lease:
            return Lease(stack.enter_context(connect(url, timeout=0.3)), KEYS, seconds, holder=holder, clock=clock)

        yield make


@pytest.fixture
def client(registry: Valkey) -> Iterator[redis.Redis]:
    with connect(registry.url) as connected:
        yield connected


def test_the_first_one_has_it_and_the_second_one_waits(lease: Callable[..., Lease], clock: Clock) -> None:
    one, two = lease("one"), lease("two")
    assert one.standing(clock.now) is Standing.WAITING
    for each in (one, two, one, two):
        each.ask()
    assert (one.standing(clock.now), two.standing(clock.now)) == (Standing.HELD, Standing.WAITING)
    assert two.number == 0
    assert two.problem == f"the lease is held by {one.number} one"
    two.check()  # to wait is no loss


def test_it_is_released_to_the_next_one_whose_number_is_greater(lease: Callable[..., Lease], clock: Clock) -> None:
    one, two = lease("one"), lease("two")
    one.ask()
    one.release()
    two.ask()
    assert two.standing(clock.now) is Standing.HELD
    assert two.number > one.number > 0


def test_who_ends_in_good_order_releases_it(registry: Valkey, client: redis.Redis) -> None:
    with connect(registry.url) as own, Lease(own, KEYS, SECONDS) as one:
        until(lambda: one.number > 0, "the lease is held")
        assert client.exists(KEYS.lease)
    assert not client.exists(KEYS.lease)


def test_what_another_one_has_is_not_released(lease: Callable[..., Lease], client: redis.Redis) -> None:
    one, two = lease("one"), lease("two")
    one.ask()
    client.delete(KEYS.lease)
    two.ask()
    one.release()
    assert client.get(KEYS.lease) == f"{two.number} two".encode()


def test_it_expires_unless_it_is_renewed(lease: Callable[..., Lease], client: redis.Redis) -> None:
    one = lease("one")
    one.ask()
    client.pexpire(KEYS.lease, 1_000)
    one.ask()
    left = client.pttl(KEYS.lease)
    assert isinstance(left, int)
    assert 1_000 < left <= SECONDS * 1_000


def test_the_time_counts_from_before_it_was_asked_for(registry: Valkey, clock: Clock) -> None:
    def slowly(_request: bytes) -> bool:
        clock.now += 4.0
        return True

    with Proxy(registry.port, slowly) as proxy, connect(proxy.url) as client:
        one = Lease(client, KEYS, SECONDS, holder="one", clock=clock)
        one.ask()
        assert clock.now >= 104.0
        assert one.standing(100.0 + SECONDS - 0.001) is Standing.HELD
        assert one.standing(100.0 + SECONDS) is not Standing.HELD


def test_an_owner_that_slept_is_not_sure_until_it_has_asked(lease: Callable[..., Lease], clock: Clock) -> None:
    one = lease("one")
    one.ask()
    clock.now += SECONDS
    assert one.standing(clock.now) is Standing.UNSURE
    assert not one.standing(clock.now).writes
    one.ask()
    assert one.standing(clock.now) is Standing.HELD


def test_an_owner_whose_lease_was_taken_has_lost_it_for_good(
    lease: Callable[..., Lease], clock: Clock, client: redis.Redis
) -> None:
    one, two = lease("one"), lease("two")
    one.ask()
    client.delete(KEYS.lease)  # as if it had run out
    two.ask()
    assert one.standing(clock.now) is Standing.HELD  # it cannot know yet
    one.ask()
    assert one.standing(clock.now) is Standing.LOST
    with pytest.raises(LeaseLost, match=rf"number {one.number}, has lost its lease to {two.number} two"):
        one.check()


def test_who_had_it_in_between_is_known_when_it_is_free_again(
    lease: Callable[..., Lease], clock: Clock, client: redis.Redis
) -> None:
    one, two = lease("one"), lease("two")
    one.ask()
    client.delete(KEYS.lease)
    two.ask()
    two.release()
    one.ask()
    assert one.standing(clock.now) is Standing.LOST
    assert client.get(KEYS.lease) is None


def test_an_owner_takes_it_anew_where_nobody_had_it_meanwhile(
    lease: Callable[..., Lease], clock: Clock, client: redis.Redis
) -> None:
    one = lease("one")
    one.ask()
    before = one.number
    client.delete(KEYS.lease)
    one.ask()
    assert one.standing(clock.now) is Standing.HELD
    assert one.number > before


def test_after_a_flush_numbers_go_on_growing(lease: Callable[..., Lease], clock: Clock, client: redis.Redis) -> None:
    one, two = lease("one"), lease("two")
    one.ask()
    before = one.number
    client.flushall()
    two.ask()
    one.ask()
    assert two.number > before
    assert one.standing(clock.now) is Standing.LOST
    client.flushall()
    two.ask()
    assert two.standing(clock.now) is Standing.HELD


def test_an_old_copy_of_redis_does_not_turn_numbers_back(lease: Callable[..., Lease], client: redis.Redis) -> None:
    one = lease("one")
    one.ask()
    old = client.get(KEYS.lease)
    client.delete(KEYS.lease)
    one.ask()
    newer = one.number
    client.set(KEYS.lease, old or b"")
    one.ask()
    assert one.number > newer


def test_an_answer_that_is_lost_does_not_make_an_owner_lose_to_itself(registry: Valkey, clock: Clock) -> None:
    lost = iter([False])
    with Proxy(registry.port, lambda _: next(lost, True)) as proxy, connect(proxy.url, timeout=0.3) as client:
        one = Lease(client, KEYS, SECONDS, holder="one", clock=clock)
        one.ask()
        assert one.standing(clock.now) is Standing.WAITING
        one.ask()
        assert one.standing(clock.now) is Standing.HELD
    with connect(registry.url) as direct:
        assert direct.get(KEYS.lease) == f"{one.number} one".encode()


def test_an_owner_that_took_it_anew_unheard_has_not_lost_it(registry: Valkey, clock: Clock) -> None:
    answering = True
    with Proxy(registry.port, lambda _: answering) as proxy, connect(proxy.url, timeout=0.3) as client:
        one = Lease(client, KEYS, SECONDS, holder="one", clock=clock)
        one.ask()
        with connect(registry.url) as direct:
            direct.delete(KEYS.lease)
            answering = False
            one.ask()  # it has a greater number now, and does not know
            assert direct.get(KEYS.lease) != f"{one.number} one".encode()
            direct.delete(KEYS.lease)
        answering = True
        one.ask()
        assert one.standing(clock.now) is Standing.HELD


def test_without_redis_an_owner_goes_on_and_a_stand_by_does_not_begin(
    lease: Callable[..., Lease], registry: Valkey, clock: Clock
) -> None:
    one, two = lease("one"), lease("two")
    one.ask()
    registry.freeze()
    try:
        clock.now += SECONDS / 2
        for each in (one, two):
            each.ask()
        assert one.standing(clock.now) is Standing.HELD
        clock.now += SECONDS / 2
        assert one.standing(clock.now) is Standing.UNSURE
        for each in (one, two):
            each.ask()
        assert (one.standing(clock.now), two.standing(clock.now)) == (Standing.AWAY, Standing.WAITING)
        assert one.standing(clock.now).writes
        assert "frozen" in one.problem
        clock.now += SECONDS  # asleep beside a server that is still away: what it knew is too old
        assert one.standing(clock.now) is Standing.UNSURE
    finally:
        registry.thaw()
    one.ask()
    assert one.standing(clock.now) is Standing.HELD
    assert not one.problem


def test_a_redis_that_is_not_there_keeps_everybody_waiting(lease: Callable[..., Lease], clock: Clock) -> None:
    one = lease("one", url=nobody())
    one.ask()
    assert one.standing(clock.now) is Standing.WAITING
    assert "check that it runs" in one.problem
    one.release()


def test_pointers_are_changed_only_under_the_lease(lease: Callable[..., Lease], client: redis.Redis) -> None:
    one, two = lease("one"), lease("two")
    one.ask()

    def change(of: Lease) -> None:
        def body(pipe: redis.client.Pipeline) -> None:
            of.require(pipe)
            pipe.multi()
            pipe.set("pointer", of.number)

        transaction(client, "change it", [KEYS.lease], body)

    change(one)
    client.delete(KEYS.lease)
    two.ask()
    with pytest.raises(RegistryConflict, match="not ours any more"):
        change(one)
    assert client.get("pointer") == str(one.number).encode()
    change(two)


def test_a_key_that_somebody_else_wrote_keeps_the_lease_and_is_named(
    lease: Callable[..., Lease], clock: Clock, client: redis.Redis
) -> None:
    client.set(KEYS.lease, "maintenance until noon")
    one = lease("one")
    one.ask()
    assert one.standing(clock.now) is Standing.WAITING
    assert "held by maintenance until noon" in one.problem


@pytest.mark.parametrize("junk", [b"9" * 400 + b" x", b"9" * 400, b"", b"maintenance", b"\xff\0 x", b"-5 x", b"1e9 x"])
def test_a_fence_that_is_no_number_keeps_nobody_from_the_lease(
    lease: Callable[..., Lease], clock: Clock, client: redis.Redis, junk: bytes
) -> None:
    client.set(KEYS.fence, junk)
    one = lease("one")
    one.ask()
    assert one.standing(clock.now) is Standing.HELD
    assert 10**15 < one.number < 2**53
    assert client.get(KEYS.fence) == f"{one.number} one".encode()
    client.delete(KEYS.lease)
    client.set(KEYS.fence, junk)
    before = one.number
    one.ask()
    assert one.standing(clock.now) is Standing.HELD
    assert one.number > before


def test_keys_of_another_type_are_named_or_replaced(
    lease: Callable[..., Lease], clock: Clock, client: redis.Redis
) -> None:
    client.rpush(KEYS.fence, "a list")
    one, two = lease("one"), lease("two")
    one.ask()
    assert one.standing(clock.now) is Standing.HELD
    client.delete(KEYS.lease)
    client.rpush(KEYS.lease, "a list")
    for each in (one, two):
        each.ask()
    assert (one.standing(clock.now), two.standing(clock.now)) == (Standing.LOST, Standing.WAITING)
    assert two.problem == f"the lease is held by what is no text, under {KEYS.lease}"
    client.delete(KEYS.lease)
    two.ask()
    assert two.standing(clock.now) is Standing.HELD


def test_a_thread_that_ends_is_noticed(registry: Valkey) -> None:
    def broken() -> float:
        raise ValueError("the clock is broken")

    with connect(registry.url) as client, Lease(client, KEYS, SECONDS, clock=broken) as one:

        def seen() -> bool:
            try:
                one.check()
            except ValueError:
                return True
            return False

        until(seen, "the failure is raised")
