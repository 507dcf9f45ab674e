"""Offsets that a transaction left pending in the group for ever: nobody is told the group's offsets until it ends."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox import Kafka
from scorer.stream import placing
from tests.integration.deployment import Deployment, until
from tests.integration.loops import Loop

INIT_PRODUCER_ID, WRITE_TXN_MARKERS, TXN_OFFSET_COMMIT = 22, 27, 28


def test_offsets_that_are_pending_for_ever_are_named_and_nobody_guesses_what_they_are(
    new_kafka: Callable[..., Kafka],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Where the transaction was committed, going back would double its events, and else going on would lose them."""
    monkeypatch.setattr(placing, "PLACE_SECONDS", 1.0)
    monkeypatch.setattr(placing, "REQUEST_SECONDS", 2.0)
    # Else a broker takes no offsets of a transaction that it does not know of.
    kafka = new_kafka(settings={"transaction.partition.verification.enable": "false"})
    deployment = Deployment(tmp_path, kafka.bootstrap)
    deployment.send(100)
    with Loop(deployment):
        deployment.await_committed(100)
    host, port = kafka.bootstrap.split(":")
    with socket.create_connection((host, int(port)), 30) as broker:
        producer = leave_pending(broker, deployment)
        assert not deployment.committed(), "nothing is pending"
        deployment.send(100)
        with Loop(deployment) as loop:
            until(lambda: "see Hanging transactions" in caplog.text, "nobody is told")
            assert "where to begin" in str(loop.aborts[0])
            abort(broker, *producer)  # as kafka-transactions.sh does it
            deployment.await_committed(200)
    deployment.assert_exactly_once()


def leave_pending(broker: socket.socket, deployment: Deployment) -> tuple[int, int]:
    """Write offsets into the group, in no transaction that anybody would end; the producer's id and epoch."""
    answer = ask(broker, INIT_PRODUCER_ID, 1, text("somebody") + struct.pack(">i", 10_000))
    error, producer, epoch = struct.unpack_from(">hqh", answer, 4)
    assert error == 0
    partitions = b"".join(struct.pack(">iqi", number, 1, -1) + text("") for number in range(4))
    topics = struct.pack(">i", 1) + text(deployment.settings.topics.events) + struct.pack(">i", 4) + partitions
    head = text("somebody") + text(deployment.settings.scorer.group) + struct.pack(">qh", producer, epoch)
    answer = ask(broker, TXN_OFFSET_COMMIT, 2, head + topics)
    assert answer[-24:] == b"".join(struct.pack(">ih", number, 0) for number in range(4))
    return producer, epoch


def abort(broker: socket.socket, producer: int, epoch: int) -> None:
    """Write the end of the producer's transaction into the group's partition."""
    name = b"__consumer_offsets"
    topics = b"\2" + bytes([len(name) + 1]) + name + b"\2" + struct.pack(">i", 0) + b"\0"
    marker = struct.pack(">qhb", producer, epoch, 0) + topics + struct.pack(">i", 0) + b"\0"
    answer = ask(broker, WRITE_TXN_MARKERS, 1, b"\2" + marker + b"\0", flexible=True)
    assert struct.unpack_from(">ih", answer, answer.index(name) + len(name) + 1) == (0, 0)


def ask(broker: socket.socket, request: int, version: int, body: bytes, *, flexible: bool = False) -> bytes:
    """One request of Kafka's protocol; the body of the answer."""
    message = struct.pack(">hhi", request, version, 1) + text("test") + (b"\0" if flexible else b"") + body
    broker.sendall(struct.pack(">i", len(message)) + message)
    [size] = struct.unpack(">i", exactly(broker, 4))
    return exactly(broker, size)[4:]


def exactly(broker: socket.socket, size: int) -> bytes:
    """So many bytes."""
    data = b""
    while len(data) < size:
        more = broker.recv(size - len(data))
        assert more, "the broker hangs up"
        data += more
    return data


def text(value: str) -> bytes:
    """A string in Kafka's protocol."""
    return struct.pack(">h", len(value)) + value.encode()
