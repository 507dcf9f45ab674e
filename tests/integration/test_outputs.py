"""What is written where: sizes that Kafka takes, partitions, keys and headers."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from tests.integration.deployment import Deployment, until
from tests.integration.loops import Loop, opened, read
from tests.integration.steps import limit

Deploy = Callable[..., Deployment]


# -- sizes ---------------------------------------------------------------------------------------------------------


def test_a_prediction_that_is_too_large_becomes_a_dead_letter(deploy: Deploy) -> None:
    deployment = deploy()
    limit(deployment, deployment.settings.topics.predictions, 4_000)
    deployment.send(1, headers=[("large", b"x" * 5_000)])
    deployment.send(10)
    with Loop(deployment):
        deployment.await_committed(11)
    [letter] = [o for o in deployment.assert_exactly_once() if o.prediction is None]
    assert letter.headers["scorer.code"] == b"too_large"
    assert letter.headers["large"] == b"x" * 5_000
    assert letter.message.value() == deployment.event(0)


def test_a_dead_letter_that_is_too_large_is_cut(deploy: Deploy) -> None:
    deployment = deploy()
    limit(deployment, deployment.settings.topics.dead_letters, 4_000)
    poison = b"\xff" * 100_000
    deployment.send([poison])
    deployment.send([poison], headers=[("large", b"h" * 50_000)], key=b"k" * 50_000)
    with Loop(deployment):
        deployment.await_committed(2)
    first, second = sorted(deployment.assert_exactly_once(), key=lambda o: len(o.headers))
    for letter in (first, second):
        assert letter.headers["scorer.value.cut"] == b"true"
        assert letter.headers["scorer.value.length"] == b"100000"
        assert letter.headers["scorer.value.sha256"] == hashlib.sha256(poison).hexdigest().encode()
        assert poison.startswith(letter.message.value() or b"-")
    assert len(first.message.value() or b"") > 2_000
    assert second.headers["scorer.headers.dropped"] == b"true"
    assert "large" not in second.headers
    assert second.message.key() is None


# -- partitions and headers ----------------------------------------------------------------------------------------


def test_four_partitions_in_three_out_keep_their_order(deploy: Deploy) -> None:
    deployment = deploy(partitions=4)
    names = deployment.settings.topics
    deployment.admin.delete_topics([names.predictions])[names.predictions].result(10)
    until(lambda: names.predictions not in deployment.admin.list_topics(timeout=10).topics, "the topic stays")
    from confluent_kafka.admin import NewTopic  # noqa: PLC0415

    deployment.admin.create_topics([NewTopic(names.predictions, 3, 1)])[names.predictions].result(10)
    deployment.await_leaders(names.predictions, 3)
    for partition in range(4):
        deployment.send(50, partition=partition, key=None)
        deployment.send(50, partition=partition, key=b"abc")
    with Loop(deployment):
        deployment.await_committed(400)
    places: dict[tuple[int, bytes | None], list[tuple[int, int]]] = {}
    for output in deployment.assert_exactly_once():
        key = output.message.key()
        places.setdefault((output.source[1], key), []).append((int(output.message.partition() or 0), output.source[2]))
    for (partition, key), found in places.items():
        # Java's murmur2 of "abc" is 479470107.
        assert {place for place, _ in found} == {479470107 % 3 if key else partition % 3}
        assert [offset for _, offset in found] == sorted(offset for _, offset in found)


def test_key_and_headers_pass_through(deploy: Deploy) -> None:
    deployment = deploy()
    headers = [("traceparent", b"00-1-2-03"), ("none", None), ("twice", b"1"), ("twice", b"2")]
    deployment.send(3, headers=headers, key=b"customer", partition=3)
    with Loop(deployment):
        deployment.await_committed(3)
    for output in deployment.assert_exactly_once():
        assert output.message.headers() == headers
        assert output.message.key() == b"customer"
        assert output.message.partition() == 3


def test_reading_more_than_one_batch_keeps_to_the_size(deploy: Deploy) -> None:
    deployment = deploy(scorer={"batch_events": 64})
    deployment.send(1_000)
    with opened(deployment) as stream:
        sizes = [len(batch) for batch in read(stream, 1_000)]
    assert max(sizes) <= 100  # the first batch, before any size is known
    assert all(size <= 64 for size in sizes[1:])


def test_small_limits_of_output_topics_are_kept(deploy: Deploy) -> None:
    """The client's batches and its own limit must fit what the topics take, however little or much that is."""
    deployment = deploy()
    limit(deployment, deployment.settings.topics.predictions, 5_000)
    for topic in (deployment.settings.topics.events, deployment.settings.topics.dead_letters):
        limit(deployment, topic, 3_000_000)
    deployment.send(2_000)
    deployment.send([b"\xff" * 2_000_000])
    with Loop(deployment):
        deployment.await_committed(2_001)
    [letter] = [o for o in deployment.assert_exactly_once() if o.prediction is None]
    assert len(letter.message.value() or b"") == 2_000_000
