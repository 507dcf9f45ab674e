"""What docker-compose.yml starts, started without Docker: the same commands with the same environment.

Kafka and Valkey are those of the sandbox, with the settings, rights and users of docker-compose.yml. Only addresses and
directories differ.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import fastavro
import psutil  # type: ignore[import-untyped]
import pytest
import redis
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from sandbox.install import install
from sandbox.ports import HOST, free_ports
from sandbox.process import Process
from sandbox.valkey import _binary
from scorer import schema_files
from tests import composed
from tests.composed import ROOT, Service
from tests.conftest import _start
from tests.integration.deployment import until

PASSWORDS = {f"VALKEY_{user}_PASSWORD": f"{user.lower()}.pw-1_~" for user in ("SCORER", "MONITOR", "OPERATOR")}
SERVICES = composed.services(PASSWORDS)
COMMANDS = Path(sys.executable).parent
PREDICTION = fastavro.parse_schema(schema_files.own("prediction"))
EVENTS = 40
WEB = {"scorer": "0.0.0.0:8080", "monitor": "0.0.0.0:8080 of the monitor"}
"""Both listen at the same port, each in a container of its own; here they need two."""
APRIL, JUNE = 1_365_000_000_000, 1_370_500_000_000
"""Milliseconds: 3 April 2013, and after the day on which April is judged."""


class Host:
    """Runs services as Docker would; whatever they name by a container's address or path is found on this machine."""

    def __init__(self, directory: Path) -> None:
        names = ("kafka:19092", "localhost:9092", "localhost:9093", "valkey:6379", *WEB.values())
        self.ports = dict(zip(names, free_ports(len(names)), strict=True))
        self.directory = directory
        self.processes: dict[str, Process] = {}

    def translated(self, service: Service, text: str) -> str:
        """``text`` with addresses and paths of this machine."""
        for name, port in self.ports.items():
            if name in WEB.values():
                if name == WEB.get(service.name):
                    text = text.replace("0.0.0.0:8080", f"{HOST}:{port}")
                continue
            host, _, number = name.partition(":")
            text = re.sub(rf"(?<![\w.])({re.escape(host)})?:{number}\b", f"{HOST}:{port}", text)
        for target, source in service.mounts.items():
            place = ROOT / source if source.startswith("./") else self.directory / "volumes" / source
            text = re.sub(rf"(?<![\w.])({re.escape(target)})(?![\w.])", str(place), text)
        return text.replace("/opt/scorer/probe.py", str(ROOT / "docker" / "probe.py"))

    def environment(self, service: Service) -> dict[str, str]:
        """The service's variables and its image's; of this machine's, what it needs to find commands and caches."""
        image = composed.image_environment() if service.ours else {}
        given = {name: value for name, value in image.items() if name not in {"PATH", "XDG_CACHE_HOME"}}
        given |= service.environment
        own = {name: os.environ[name] for name in ("HOME", "XDG_CACHE_HOME") if name in os.environ}
        path = f"{self.directory / 'bin'}:{COMMANDS}:{os.environ['PATH']}"
        temporary = self.home(service) / "tmp"
        temporary.mkdir(exist_ok=True)
        translated = {name: self.translated(service, value) for name, value in given.items()}
        return own | {"PATH": path, "TMPDIR": str(temporary)} | translated

    def home(self, service: Service) -> Path:
        """The working directory, with what is mounted below /srv."""
        home = self.directory / service.name
        if not home.exists():
            home.mkdir()
            for target, source in service.mounts.items():
                if not source.startswith("./"):
                    (self.directory / "volumes" / source).mkdir(parents=True, exist_ok=True)
                elif target.startswith("/srv/"):
                    (home / target.removeprefix("/srv/")).symlink_to(ROOT / source)
        return home

    def start(self, name: str, *more: str) -> Process:
        """Start a service; ``more`` are arguments that only this machine needs."""
        service = SERVICES[name]
        command = [self.translated(service, word) for word in service.command]
        return self.keep(name, [*command, *more], self.environment(service))

    def keep(self, name: str, command: list[str], environment: Mapping[str, str]) -> Process:
        """Start a process that is ended after the test, if it has not ended by itself."""
        directory = self.home(SERVICES[name])
        log = self.directory / f"{name}.log"
        self.processes[name] = Process(command, log=log, directory=directory, environment=environment)
        return self.processes[name]

    def run(self, name: str, *command: str) -> subprocess.CompletedProcess[str]:
        """What ``docker compose run --rm NAME COMMAND`` does."""
        service = SERVICES[name]
        return subprocess.run(
            [self.translated(service, word) for word in command or service.command],
            env=self.environment(service),
            cwd=self.home(service),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def log(self, name: str) -> str:
        """What a service has said so far."""
        return (self.directory / f"{name}.log").read_text("utf-8", "replace")

    def healthy(self, name: str) -> bool:
        """Whether the service's health check passes now."""
        kind, *command = SERVICES[name].facts["healthcheck"]["test"]
        assert kind == "CMD"
        self.processes[name].check(name)
        return self.run(name, *command).returncode == 0

    def stop(self, name: str) -> None:
        """SIGTERM to the first process, as Docker sends it; it must end well within its time."""
        process, grace = self.processes[name], composed.seconds(SERVICES[name].facts["stop_grace_period"])
        psutil.Process(process.pid).terminate()
        until(lambda: not process.running, f"{name} does not end", grace)
        assert process.returncode == 0, self.log(name)

    def close(self) -> None:
        """End what still runs."""
        for process in reversed(self.processes.values()):
            process.kill()


@pytest.fixture
def host() -> Iterator[Host]:
    with tempfile.TemporaryDirectory() as directory:  # a short path, as sockets need it
        made = Host(Path(directory))
        (made.directory / "bin").mkdir()
        (made.directory / "bin" / "valkey-server").symlink_to(_start("Valkey", _binary))
        yield made
        made.close()


def start_kafka(host: Host) -> None:
    """Kafka as its image starts it: KAFKA_A_B is the setting a.b, and there are no others."""
    service, installation = SERVICES["kafka"], _start("Kafka", install)
    home = host.home(service)
    properties = {
        name.removeprefix("KAFKA_").replace("_", ".").lower(): host.translated(service, value)
        for name, value in service.environment.items()
        if name != "KAFKA_HEAP_OPTS"
    }
    assert not any("__" in name for name in service.environment), "that would be a _ or - in the setting's name"
    file = home / "server.properties"
    file.write_text("".join(f"{name}={value}\n" for name, value in properties.items()))
    heap = service.environment["KAFKA_HEAP_OPTS"].split()

    def command(main: str, *arguments: str) -> list[str]:
        return installation.command(main, *arguments, temporary=home, options=heap)

    environment = {"PATH": os.environ["PATH"]}
    form = command("kafka.tools.StorageTool", "format", "--cluster-id=4L6g3nShT-eMCtK--X86sw", "-c", str(file))
    subprocess.run(form, env=environment, cwd=home, capture_output=True, check=True)
    process = host.keep("kafka", command("kafka.Kafka", str(file)), environment)
    client = AdminClient({"bootstrap.servers": f"{HOST}:{host.ports['kafka:19092']}", "log_level": 0})

    def answers() -> bool:
        process.check("Kafka")
        try:
            return bool(client.list_topics(timeout=0.5).brokers)
        except KafkaException:
            return False

    until(answers, "Kafka does not answer")


def start_valkey(host: Host) -> redis.Redis:
    """Valkey, and a client with an operator's rights."""
    host.start("valkey", "--bind", HOST, "--port", str(host.ports["valkey:6379"]))
    client = connect(host, "operator")

    def answers() -> bool:
        host.processes["valkey"].check("Valkey")
        try:
            return bool(client.ping())
        except redis.ConnectionError:
            return False

    until(answers, "Valkey does not answer")
    return client


def connect(host: Host, user: str) -> redis.Redis:
    password = PASSWORDS[f"VALKEY_{user.upper()}_PASSWORD"]
    return redis.Redis(host=HOST, port=host.ports["valkey:6379"], username=user, password=password)


def publish(host: Host) -> None:
    """Flights of April with their labels, one record that is none, and a label of June: then April can be judged."""
    bootstrap = f"{HOST}:{host.ports['localhost:9092']}"
    producer = Producer({"bootstrap.servers": bootstrap, "log_level": 0})
    event, label = (
        framed(*of) for of in ((ROOT / "schemas/flights/event.avsc", 1), (ROOT / "schemas/label.avsc", 1003))
    )
    for number in range(EVENTS):
        name = f"2013-04-{number}"
        fields = {
            "event_id": name, "scheduled": APRIL + number * 60_000, "carrier": "UA", "origin": "EWR", "dest": "ORD",
            "distance": 719, "month": 4, "weekday": number % 7, "hour": number % 24, "minute": 15, "plane_year": 2001,
            "seats": None, "manufacturer": "BOEING", "temp": 39.0, "dewp": 26.1, "humid": 59.4, "wind_speed": 10.4,
            "wind_gust": None, "precip": 0.0, "pressure": 1012.0, "visib": 10.0,
        }  # fmt: skip
        producer.produce("flights.events", event(fields), name)
        label_time = JUNE if number == EVENTS - 1 else APRIL + 86_400_000
        # To every partition: labels of another year wait for one of which nothing is known, until it is idle.
        producer.produce(
            "flights.labels",
            label({"event_id": name, "label": number % 2, "label_time": label_time * 1000}),
            partition=number % 4,
        )
    producer.produce("flights.events", b"garbage")
    assert producer.flush(30) == 0


def framed(file: Path, number: int) -> Callable[[Mapping[str, Any]], bytes]:
    schema = fastavro.parse_schema(json.loads(file.read_text()))

    def encoded(fields: Mapping[str, Any]) -> bytes:
        out = io.BytesIO()
        fastavro.schemaless_writer(out, schema, fields)
        return b"\0" + number.to_bytes(4, "big") + out.getvalue()

    return encoded


def read(host: Host, topic: str, count: int) -> list[bytes]:
    """So many committed records of a topic, from its beginning."""
    consumer = Consumer(
        {"bootstrap.servers": f"{HOST}:{host.ports['localhost:9092']}", "group.id": "reader", "log_level": 0}
    )
    partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
    assert len(partitions) == 4
    consumer.assign([TopicPartition(topic, number, 0) for number in partitions])
    found: list[bytes] = []

    def complete() -> bool:
        found.extend(bytes(message.value() or b"") for message in consumer.consume(count, 0.1) if not message.error())
        return len(found) >= count

    until(complete, f"there are not {count} records in {topic}")
    consumer.close()
    return found


def test_all_services_do_their_work_with_the_commands_and_environment_of_the_file(host: Host) -> None:
    start_kafka(host)
    operator = start_valkey(host)

    for expected in ("is stored", "was there already"):  # the second time, all that is missing is nothing
        done = host.run("topics")
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stdout.count(expected) == 2
        assert operator.get("scorer:flights:champion") == b"2013-q1-logistic"
    operator.set("scorer:flights:challenger", "2013-q1-boosted")

    host.start("scorer")
    host.start("monitor")
    until(lambda: host.healthy("scorer"), "the scorer is not ready")
    assert host.run("scorer", "python", "/opt/scorer/probe.py", "/health").returncode == 0
    publish(host)
    predictions = [
        fastavro.schemaless_reader(io.BytesIO(value[5:]), PREDICTION, None)
        for value in read(host, "flights.predictions", EVENTS)
    ]
    assert {one["event_id"] for one in predictions if isinstance(one, dict)} == {f"2013-04-{n}" for n in range(EVENTS)}
    assert {one["version"] for one in predictions if isinstance(one, dict)} == {"2013-q1-logistic"}
    assert read(host, "flights.dead-letters", 1) == [b"garbage"]
    until(lambda: host.healthy("monitor"), "the monitor is not ready")
    until(lambda: watched(host) == (EVENTS, EVENTS), "the monitor has not joined everything")

    assert_rights(host, operator)
    assert_operators_day(host)

    for name in ("monitor", "scorer"):
        host.stop(name)
    assert list((host.directory / "volumes" / "state" / "flights").glob("2013-q1-logistic-*.version"))
    left = {path.name for path in host.home(SERVICES["scorer"]).iterdir()}
    assert left == {"tmp", "scorer.toml", "schemas", "coefficients"}, "the container's file system is read-only"


def watched(host: Host) -> tuple[int, int]:
    """How many predictions and labels the monitor speaks of; it must know whom the pointers name."""
    done = host.run("monitor", "monitor", "status", "--json")
    if done.returncode:
        return 0, 0
    status = json.loads(done.stdout)
    assert (status["champion"], status["challengers"]) == ("2013-q1-logistic", ["2013-q1-boosted"])
    return status["coverage"]["predictions"], status["coverage"]["labelled"]


def assert_rights(host: Host, operator: redis.Redis) -> None:
    """Each user can do what it must, which the services have shown, and not much else."""
    checked = host.run("scorer", "scorer", "check", "--json")
    findings = {one["name"]: (one["status"], one["text"]) for one in json.loads(checked.stdout)["checks"]}
    assert checked.returncode == 0, findings
    assert {name for name, (status, _) in findings.items() if status == "warning"} == {"http"}, findings
    assert findings["redis rights"][0] == "ok"
    denied = redis.exceptions.NoPermissionError
    with connect(host, "monitor") as monitor:
        assert monitor.mget("scorer:flights:champion") == [b"2013-q1-logistic"]
        for key in ("scorer:flights:champion", "scorer:flights:instance:x"):
            with pytest.raises(denied):
                monitor.set(key, "x")
    for command in (["FLUSHALL"], ["CONFIG", "GET", "*"], ["ACL", "LIST"], ["SET", "elsewhere", "x"], ["SHUTDOWN"]):
        with pytest.raises(denied):
            operator.execute_command(*command)  # type: ignore[no-untyped-call]
    with redis.Redis(host=HOST, port=host.ports["valkey:6379"]) as nobody, pytest.raises(redis.AuthenticationError):
        nobody.ping()


def assert_operators_day(host: Host) -> None:
    """An operator's commands, with an operator's rights."""
    for words in (
        "status",
        "models list",
        "models verify 2013-q1-boosted",
        "champion set 2013-q1-boosted --expect 2013-q1-logistic",
        "champion rollback",
        "trial start 2013-q1-boosted --percent 10 --for 1h",
        "trial show",
        "trial stop",
        "dead-letters list",
        "topics show",
    ):
        done = host.run("topics", "scorer", *words.split())
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
    assert "2013-q1-logistic" in host.run("topics", "scorer", "champion", "show").stdout


@pytest.mark.parametrize("name", sorted(PASSWORDS))
@pytest.mark.parametrize("password", ["", "with space", "a@b"])
def test_valkey_does_not_start_without_good_passwords(host: Host, name: str, password: str) -> None:
    shell = shutil.which("sh") or "sh"
    done = subprocess.run(
        [shell, str(ROOT / "docker" / "valkey.sh")],
        env=host.environment(SERVICES["valkey"]) | {name: password},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode != 0
    assert name in done.stderr


def test_the_probe_says_what_is_wrong(host: Host) -> None:
    done = host.run("scorer", "python", "/opt/scorer/probe.py", "/ready")
    assert done.returncode == 1
    assert "/ready is not answered: " in done.stderr
