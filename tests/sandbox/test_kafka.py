"""Real brokers: what they keep, what they lose, and that several clusters do not disturb each other."""

from __future__ import annotations

import shutil
import socket
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource
from confluent_kafka.cimpl import NewTopic

from sandbox import Kafka
from sandbox.broker import Ports, cluster_settings
from sandbox.errors import InUse, NotRunning, SandboxError, StartFailed
from sandbox.install import install
from sandbox.ports import HOST, free_ports, is_free
from tests.sandbox.support import await_true, command_line, is_gone, listening

NewKafka = Callable[..., Kafka]


def make_topic(kafka: Kafka, name: str = "t", partitions: int = 1) -> None:
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    admin.create_topics([NewTopic(name, partitions, -1)])[name].result(30)


def produce(kafka: Kafka, *values: bytes, topic: str = "t") -> None:
    producer = Producer({"bootstrap.servers": kafka.bootstrap, "enable.idempotence": True, "log_level": 0})
    for value in values:
        producer.produce(topic, value)
    assert producer.flush(60) == 0


def consume(kafka: Kafka, count: int, topic: str = "t", isolation: str = "read_committed") -> list[bytes | None]:
    consumer = Consumer(
        {"bootstrap.servers": kafka.bootstrap, "group.id": "reader", "isolation.level": isolation, "log_level": 0}
    )
    consumer.assign([TopicPartition(topic, 0, 0)])
    messages = consumer.consume(count, 60)
    consumer.close()
    return [message.value() for message in messages]


def test_what_is_written_is_there_after_stop_kill_and_freeze(new_kafka: NewKafka) -> None:
    kafka = new_kafka()
    make_topic(kafka)
    produce(kafka, b"first")

    kafka.stop(0)
    assert not kafka.running(0)
    assert is_free(int(kafka.bootstrap.rpartition(":")[2]))
    kafka.restart(0)
    produce(kafka, b"second")

    kafka.kill(0)
    kafka.restart()
    produce(kafka, b"third")

    kafka.freeze(0)
    with pytest.raises(KafkaException):
        AdminClient({"bootstrap.servers": kafka.bootstrap, "log_level": 0}).list_topics(timeout=0.5)
    assert kafka.running(0)
    kafka.thaw(0)
    produce(kafka, b"fourth")
    assert consume(kafka, 4) == [b"first", b"second", b"third", b"fourth"]


def test_the_first_transaction_does_not_wait_for_its_coordinator(new_kafka: NewKafka) -> None:
    kafka = new_kafka()
    text = kafka.log().read_text()
    for name in ("__transaction_state", "__consumer_offsets"):
        assert f"Finished loading of metadata from {name}" in text or f"from {name}-0" in text
    make_topic(kafka)
    producer = Producer({"bootstrap.servers": kafka.bootstrap, "transactional.id": "x"})
    producer.init_transactions(30)
    for value, end in ((b"aborted", producer.abort_transaction), (b"committed", producer.commit_transaction)):
        producer.begin_transaction()
        producer.produce("t", value)
        producer.flush(30)
        end(30)
    assert consume(kafka, 1) == [b"committed"]
    assert consume(kafka, 2, isolation="read_uncommitted") == [b"aborted", b"committed"]


def test_settings_reach_the_broker_and_java(new_kafka: NewKafka) -> None:
    kafka = new_kafka(settings={"message.max.bytes": "54321"}, java=["-Dmark=here"])
    resource = ConfigResource(ConfigResource.Type.BROKER, "0")
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    found = admin.describe_configs([resource])[resource].result(30)
    assert found["message.max.bytes"].value == "54321"
    assert found["auto.create.topics.enable"].value == "false"
    assert "-Dmark=here" in command_line(kafka.pid())


def test_a_cluster_id_may_begin_with_a_dash(new_kafka: NewKafka, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.kafka.uuid.uuid4", lambda: uuid.UUID(bytes=b"\xfb" + bytes(15)))
    assert new_kafka().cluster.startswith("-")


def test_it_listens_on_the_loopback_address_only(new_kafka: NewKafka) -> None:
    kafka = new_kafka()
    found = listening(kafka.pid())
    assert len(found) == 2
    assert {host for host, _ in found} == {HOST}


def test_a_directory_keeps_everything_for_the_next_start(new_kafka: NewKafka, tmp_path: Path) -> None:
    data = tmp_path / "with a space"
    first = new_kafka(data=data)
    make_topic(first)
    produce(first, b"kept")
    with pytest.raises(InUse, match="with a space"):
        Kafka.start(data=data)
    first.close()
    assert is_gone(first.pid())

    second = new_kafka(data=data)
    assert (second.cluster, second.bootstrap) == (first.cluster, first.bootstrap)
    assert consume(second, 1) == [b"kept"]
    second.close()

    with socket.create_server((HOST, int(first.bootstrap.rpartition(":")[2]))):
        third = new_kafka(data=data)
        assert third.cluster == first.cluster
        assert third.bootstrap != first.bootstrap
        assert consume(third, 1) == [b"kept"]
    third.close()

    with pytest.raises(SandboxError, match="holds 1 brokers, not 2"):
        Kafka.start(data=data, brokers=2)


def test_a_port_that_another_cluster_took_at_the_last_moment_is_replaced(
    new_kafka: NewKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = new_kafka()
    taken = int(first.bootstrap.rpartition(":")[2])
    offers = iter([[taken, *free_ports(1)], free_ports(2)])
    monkeypatch.setattr("sandbox.kafka.free_ports", lambda count, preferred: next(offers))
    second = new_kafka()
    assert next(offers, None) is None
    assert second.bootstrap != first.bootstrap
    make_topic(second)
    make_topic(first)


def test_a_broker_that_cannot_start_shows_its_log(new_kafka: NewKafka) -> None:
    with pytest.raises(StartFailed, match=r"num\.io\.threads") as caught:
        new_kafka(settings={"num.io.threads": "many"})
    assert "Traceback" not in str(caught.value)


def test_a_broker_that_does_not_answer_in_time_shows_its_log(new_kafka: NewKafka) -> None:
    with pytest.raises(StartFailed, match=r"not ready in time(.*\n)*.*The end of its log"):
        new_kafka(timeout=0.0)


def test_two_clusters_side_by_side_know_nothing_of_each_other(new_kafka: NewKafka) -> None:
    one, other = new_kafka(), new_kafka()
    assert one.cluster != other.cluster
    make_topic(one)
    assert "t" not in AdminClient({"bootstrap.servers": other.bootstrap}).list_topics(timeout=30).topics
    one.close()
    make_topic(other)
    produce(other, b"still here")
    assert consume(other, 1) == [b"still here"]


def test_three_brokers_carry_on_without_one(new_kafka: NewKafka) -> None:
    kafka = new_kafka(brokers=3)
    make_topic(kafka)
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap, "log_level": 0})
    await_true(lambda: len(admin.list_topics("t", timeout=30).topics["t"].partitions[0].isrs) == 3, "three in sync")
    leader = admin.list_topics("t", timeout=30).topics["t"].partitions[0].leader
    produce(kafka, b"before")
    kafka.kill(leader)
    assert [kafka.running(node) for node in range(3)].count(True) == 2
    with pytest.raises(StartFailed, match=f"broker {leader} ended with exit code 137"):
        kafka.check()
    with pytest.raises(NotRunning):
        kafka.freeze(leader)
    produce(kafka, b"without it")
    kafka.restart(leader)
    kafka.check()
    assert consume(kafka, 2) == [b"before", b"without it"]


def test_a_closed_cluster_leaves_neither_process_nor_file(new_kafka: NewKafka) -> None:
    kafka = new_kafka()
    pid, directory = kafka.pid(), kafka.log().parents[1]
    assert directory.exists()
    kafka.close()
    assert is_gone(pid)
    assert not directory.exists()


def test_without_a_startup_cache_it_starts_as_well(
    new_kafka: NewKafka, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jars = install().jars
    cache = tmp_path / "cache"
    (cache / "jars").mkdir(parents=True)
    for jar in jars:
        shutil.copy2(jar, cache / "jars")
    monkeypatch.setenv("SANDBOX_CACHE", str(cache))
    (cache / "startup").write_text("a file where a directory should be")
    kafka = new_kafka()
    make_topic(kafka)
    assert not any("AOTCache" in word for word in command_line(kafka.pid()))


@pytest.mark.parametrize(
    ("brokers", "replicas", "in_sync", "voters"),
    [(1, "1", "1", 1), (2, "2", "1", 1), (3, "3", "2", 3), (5, "3", "2", 3)],
)
def test_replication_by_the_number_of_brokers(brokers: int, replicas: str, in_sync: str, voters: int) -> None:
    settings = cluster_settings([Ports(2 * node, 2 * node + 1) for node in range(brokers)])
    for topic in ("offsets.topic", "transaction.state.log", "share.coordinator.state.topic"):
        assert settings[f"{topic}.replication.factor"] == replicas
    assert settings["min.insync.replicas"] == settings["transaction.state.log.min.isr"] == in_sync
    assert len(settings["controller.quorum.voters"].split(",")) == voters


def test_free_ports_are_free_different_and_preferred() -> None:
    ports = free_ports(20)
    assert len(set(ports)) == 20
    assert all(map(is_free, ports))
    assert free_ports(20, ports) == ports
    with socket.create_server((HOST, ports[3])):
        assert not is_free(ports[3])
        assert not {ports[3]} & set(free_ports(20, ports))
