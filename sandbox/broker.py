"""One Kafka broker: its settings, its files, its Java machine."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from sandbox.errors import NotRunning, StartFailed
from sandbox.home import Home
from sandbox.ports import HOST
from sandbox.process import Process

STOP = 20.0  # seconds for a shut-down in good order

_LOG4J = Path(__file__).with_name("log4j2.xml")
_HEAP = ("-Xms256m", "-Xmx512m")
_JAVA = (
    # The first compiler only: over 1 and over 12 million events, a broker then needs less processor time in all than
    # with the second one, which on two cores takes from the clients what it uses.
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",  # one small heap on few cores
    "-XX:-UsePerfData",  # would leave files of killed brokers in the system's temporary directory
    "-Djava.awt.headless=true",
    "-Xlog:all=error:stdout",
    "--enable-native-access=ALL-UNNAMED",  # Kafka's compression libraries; without these two it prints warnings
    "--sun-misc-unsafe-memory-access=allow",
    f"-Dlog4j2.configurationFile={_LOG4J}",
)
# Variables that would change how Java or Kafka behaves here.
_FOREIGN = re.compile(r"_?JAVA_.*|JDK_.*|CLASSPATH|KAFKA_.*")


@dataclass(frozen=True)
class Installation:
    """What is needed to run a broker: the Java executable, Kafka's jars, and Java's start-up cache if there is one."""

    java: Path
    jars: tuple[Path, ...]
    startup: Path | None

    def command(self, main: str, *arguments: str, temporary: Path, options: Sequence[str] = ()) -> list[str]:
        """The command that runs the class ``main``; its native libraries are unpacked below ``temporary``."""
        cache = [f"-XX:AOTCache={self.startup}"] if self.startup else []
        places = [f"-Djava.io.tmpdir={temporary}", "-cp", ":".join(map(str, self.jars))]
        return [str(self.java), *_HEAP, *_JAVA, *cache, *options, *places, main, *arguments]


@dataclass(frozen=True)
class Ports:
    """Where one broker listens: for clients and other brokers, and as a controller."""

    clients: int
    controller: int


def controllers(brokers: int) -> int:
    """How many of the brokers are controllers too: three vote where there are three, else one decides."""
    return 3 if brokers >= 3 else 1


def cluster_settings(ports: Sequence[Ports]) -> dict[str, str]:
    """What all brokers of a cluster have in common, for as many brokers as there are ``ports``."""
    replicas = str(min(3, len(ports)))
    in_sync = str(max(1, int(replicas) - 1))
    voters = enumerate(ports[: controllers(len(ports))])
    return {
        "controller.quorum.voters": ",".join(f"{node}@{HOST}:{port.controller}" for node, port in voters),
        "controller.listener.names": "CONTROLLER",
        "auto.create.topics.enable": "false",  # a misspelt topic is an error, not a new topic
        "default.replication.factor": replicas,
        "min.insync.replicas": in_sync,
        "offsets.topic.replication.factor": replicas,
        "offsets.topic.num.partitions": "1",
        "transaction.state.log.replication.factor": replicas,
        "transaction.state.log.min.isr": in_sync,
        "transaction.state.log.num.partitions": "1",
        "share.coordinator.state.topic.replication.factor": replicas,
        "share.coordinator.state.topic.min.isr": in_sync,
        "share.coordinator.state.topic.num.partitions": "1",
        "group.initial.rebalance.delay.ms": "0",
        # A broker that was killed may come back only when its old session has ended; by default after 9 s.
        "broker.session.timeout.ms": "3000",
        "broker.heartbeat.interval.ms": "500",
        "log.cleaner.dedupe.buffer.size": str(32 << 20),  # a quarter of the default, of a heap of 512 MB
        # A lone broker that lets go of its partitions before it stops takes them for deleted ones, and forgets to write
        # the ends of transactions to them.
        "controlled.shutdown.enable": str(len(ports) > 1).lower(),
    }


class Broker:
    """One broker of a cluster. ``address`` is ``host:port``, ``log`` its log file; both stay the same for ever."""

    def __init__(
        self, installation: Installation, home: Home, node: int, ports: Sequence[Ports], settings: Mapping[str, str]
    ) -> None:
        self.node = node
        self.address = f"{HOST}:{ports[node].clients}"
        self.directory = home.path / f"broker-{node}"
        self.log = self.directory / "broker.log"
        self._installation, self._home = installation, home
        self._process: Process | None = None
        self._settings = self._own_settings(ports) | cluster_settings(ports) | dict(settings)

    @property
    def running(self) -> bool:
        """Whether the broker has not ended. A frozen one still runs."""
        return self._process is not None and self._process.running

    @property
    def process(self) -> Process:
        """The latest process. ``NotRunning`` if there was none yet."""
        if self._process is None:
            raise NotRunning(f"broker {self.node} was never started")
        return self._process

    def stop(self) -> None:
        """Shut down in good order; not running: nothing to do."""
        if self._process:
            self._process.stop(STOP)

    def kill(self) -> None:
        """SIGKILL; not running: nothing to do."""
        if self._process:
            self._process.kill()

    def format(self, cluster: str) -> None:
        """Write the settings, and make the data directory where there is none yet."""
        (self.directory / "tmp").mkdir(parents=True, exist_ok=True)
        text = "".join(f"{name}={value}\n" for name, value in self._settings.items())
        self._file.write_text(text, encoding="utf-8")
        if (self.directory / "data" / "meta.properties").exists():
            return
        command = self._command("kafka.tools.StorageTool", "format", f"--cluster-id={cluster}", "-c", str(self._file))
        done = subprocess.run(command, cwd=self.directory, env=_environment(), capture_output=True, check=False)
        if done.returncode:
            said = (done.stdout + done.stderr).decode(errors="replace")
            raise StartFailed(f"Kafka's data directory could not be made:\n{said}")

    def launch(self, options: Sequence[str] = ()) -> None:
        """Start the process without waiting; ``options`` are for Java."""
        self._process = Process(
            self._command("kafka.Kafka", str(self._file), options=options),
            log=self.log,
            directory=self.directory,
            environment=_environment(),
            grace=0.0 if self._home.temporary else STOP,
            home=self._home.removed_with_parent,
            hold=self._home.hold,
        )

    @property
    def _file(self) -> Path:
        return self.directory / "server.properties"

    def _own_settings(self, ports: Sequence[Ports]) -> dict[str, str]:
        votes = self.node < controllers(len(ports))
        controller = f",CONTROLLER://{HOST}:{ports[self.node].controller}" if votes else ""
        return {
            "process.roles": "broker,controller" if votes else "broker",
            "node.id": str(self.node),
            "listeners": f"PLAINTEXT://{self.address}{controller}",
            "advertised.listeners": f"PLAINTEXT://{self.address}",
            "log.dirs": str(self.directory / "data"),
        }

    def _command(self, main: str, *arguments: str, options: Sequence[str] = ()) -> list[str]:
        return self._installation.command(main, *arguments, temporary=self.directory / "tmp", options=options)


def await_answers(brokers: Sequence[Broker], cluster: str, deadline: float) -> None:
    """Wait until each broker itself answers as a member of ``cluster``, at latest at the monotonic ``deadline``."""
    for broker in brokers:
        client = AdminClient(client_settings(broker.address))
        while reason := _unready(client, cluster, broker.node):
            for one in brokers:
                one.process.check(f"Kafka's broker {one.node}")
            if time.monotonic() > deadline:
                end = broker.process.log_end()
                raise StartFailed(f"Kafka's broker {broker.node} is not ready in time: {reason}. {end}")


def _unready(client: AdminClient, cluster: str, node: int) -> str:
    """Ask once, for at most 0.3 s; why the broker does not count as ready, empty if it does."""
    try:
        found = client.list_topics(timeout=0.3)
    except KafkaException as error:
        return str(error)
    answering: str | None = found.cluster_id  # the library types it as always None
    if answering != cluster:
        return f"cluster {answering} answers on its port"
    return "" if node in found.brokers else f"it is not among the cluster's brokers {sorted(found.brokers)}"


def client_settings(bootstrap: str) -> dict[str, str | int | float | bool]:
    """For a client that asks again quickly and is silent about brokers that are not there yet."""
    return {
        "bootstrap.servers": bootstrap,
        "reconnect.backoff.ms": 20,
        "reconnect.backoff.max.ms": 100,
        "log_level": 0,
    }


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not _FOREIGN.fullmatch(name)}
