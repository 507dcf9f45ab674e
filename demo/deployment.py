"""A scorer and a monitor for the demo, set up with an operator's own commands, and gone when the demo ends."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pandas as pd
import psutil  # type: ignore[import-untyped]
import redis

from demo import flights
from demo.errors import DemoError
from demo.mailbox import RECIPIENT, SENDER
from demo.pipelines import BOOSTED, LOGISTIC
from demo.records import EVENT_ID, EVENT_SCHEMA, LABEL_ID
from demo.train import COEFFICIENTS
from sandbox.ports import HOST, free_ports
from sandbox.process import Process
from sandbox.services import Services

COMMANDS = Path(sys.executable).parent
"""Where the commands ``scorer`` and ``monitor`` are."""

PARTITIONS = 4
WORKERS = 2

_SECOND = 1_000_000
_PATIENCE = 60.0
_STOP = 30.0
_SETTINGS = """\
# Written by the demo, anew each time.
[scorer]
model = {model}
id_field = "event_id"
time_field = "scheduled"
carried = ["carrier", "origin"]
instance = "demo"
group = {group}
workers = {workers}
http = {http}
state_directory = "state"

[monitor]
group = {monitor_group}
requirements = {requirements}
state_directory = "monitor"
http = {monitor_http}
# The year passes within minutes: whoever is silent for a while may still have something to say about it.
idle_seconds = 3600
# Nor are there nights in which to write reports: the demo asks for one at its end.
scheduled_reports = []

[alerts]
smtp = {mailbox}
mail_from = {sender}
mail_to = [{recipient}]
# What is judged here happened in 2013.
oldest_days = 36500

[kafka]
bootstrap_servers = {bootstrap}

[redis]
url = {url}
prefix = {prefix}

[schemas]
events = {{ {event_id} = {schema} }}
label_id = {label_id}

[topics]
{topics}
"""


@dataclass(frozen=True)
class Names:
    """What the demo's topics, groups and keys are called.

    On a Kafka and Redis of its own as an operator would call them; on others', with a prefix that nobody has used.
    """

    prefix: str
    redis_prefix: str

    @classmethod
    def on(cls, services: Services) -> Names:
        """The names to use on these services."""
        if services.kafka and services.valkey:
            return cls("", "scorer")
        run = f"demo-{secrets.token_hex(4)}"
        return cls(f"{run}.", run)

    def __getitem__(self, kind: str) -> str:
        """The topic or group of that kind: events, predictions, scorer …"""
        return f"{self.prefix}{flights.MODEL}.{kind.replace('_', '-')}"

    def key(self, rest: str) -> str:
        """A key in Redis."""
        return f"{self.redis_prefix}:{flights.MODEL}:{rest}"


class Deployment:
    """The running scorer and monitor, whose alarms go to ``mailbox``.

    ``url`` answers the scorer's /metrics; ``folder`` has settings, logs and state.
    """

    def __init__(self, services: Services, folder: Path, mailbox: str) -> None:
        self.names = Names.on(services)
        self.bootstrap = services.bootstrap
        self.folder = folder
        self._redis = redis.Redis.from_url(services.redis_url)
        self._mailbox = mailbox
        self._address, self._monitor_address = (f"{HOST}:{port}" for port in free_ports(2))
        self.url = f"http://{self._address}"
        self._services: dict[str, Process] = {}
        self.settings = folder / "settings.toml"
        self.settings.write_text(self._text(services), encoding="utf-8")

    def __enter__(self) -> Self:
        try:
            self.scorer("topics", "create", "--partitions", str(PARTITIONS))
            for version in (LOGISTIC, BOOSTED):
                self.scorer("models", "push", str(COEFFICIENTS / version))
            self.scorer("champion", "set", LOGISTIC, "--reason", "the first champion of the demo")
            self.set_pointer("challenger", BOOSTED)
            self._start("scorer", "--settings", str(self.settings), "run", "--workers", str(WORKERS))
            self._start("monitor", "--settings", str(self.settings), "run")
            self._await_ready("scorer", self._address)
            self._await_ready("monitor", self._monitor_address)
            self.partitions()  # what is published before the workers have them would wait
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def scorer(self, *words: str) -> None:
        """Run one of an operator's commands. Raises ``DemoError`` where it fails."""
        self._run("scorer", *words)

    def set_pointer(self, name: str, version: str) -> None:
        """What ``redis-cli SET`` does."""
        self._redis.set(self.names.key(name), version)

    def pointer(self, name: str) -> str:
        """What ``redis-cli GET`` says."""
        value = self._redis.get(self.names.key(name))
        return value.decode() if isinstance(value, bytes) else ""

    def workers(self) -> dict[str, dict[str, Any]]:
        """What each living worker says of itself in Redis, by instance."""
        keys = sorted(self._redis.scan_iter(self.names.key("instance:*"), 1_000))
        values = self._redis.mget(keys) if keys else []
        return {
            key.decode().rpartition(":")[2]: json.loads(value) for key, value in zip(keys, values, strict=True) if value
        }

    def champions(self) -> set[str | None]:
        """The versions that the workers score with."""
        found = set()
        for worker in self.workers().values():
            champion = worker["registry"]["champion"]
            found.add(champion["version"] if champion else None)
        return found

    def partitions(self) -> dict[str, list[int]]:
        """The partitions of the events that each worker has, by instance; waits until the workers have told of all."""
        prefix, deadline = f"{self.names['events']}-", time.monotonic() + _PATIENCE
        while True:
            found = {
                instance: [int(name.removeprefix(prefix)) for name in report["partitions"] if name.startswith(prefix)]
                for instance, report in self.workers().items()
            }
            if sorted(chain.from_iterable(found.values())) == list(range(PARTITIONS)):
                return found
            self.check()
            if time.monotonic() > deadline:
                raise DemoError(f"the workers do not have all partitions: {found}; see {self.log('scorer')}")
            time.sleep(0.1)

    def victim(self) -> tuple[str, int]:
        """The worker that has most events to score, and its process."""
        partitions = self.partitions()
        instance = max(partitions, key=lambda name: len(partitions[name]))
        pid = int(self.workers()[instance]["pid"])
        if pid not in {child.pid for child in psutil.Process(self._services["scorer"].pid).children(recursive=True)}:
            raise DemoError(f"process {pid} of worker {instance} is none of this demo")
        return instance, pid

    def check(self) -> None:
        """Raise ``StartFailed`` where scorer or monitor has ended."""
        for name, process in self._services.items():
            process.check(f"The {name}")

    def log(self, name: str) -> Path:
        """The log file of a service."""
        return self.folder / f"{name}.log"

    def monitor(self, *words: str) -> str:
        """Run one of the monitor's commands; what it prints. Raises ``DemoError`` where it fails."""
        return self._run("monitor", *words)

    def judged(self) -> int:
        """Up to which event time the monitor has judged, in microseconds since 1970, once it has drawn all conclusions
        from what was read before this was asked."""
        asked, deadline = time.time_ns() // 1_000, time.monotonic() + _PATIENCE
        while True:
            self.check()
            status = json.loads(self.monitor("status", "--json"))
            ticked = int(pd.Timestamp(status["tick"]).value) // 1_000
            if ticked > asked + _SECOND:
                return int(pd.Timestamp(status["closed_before"]).value) // 1_000
            if time.monotonic() > deadline:
                raise DemoError(f"the monitor makes no progress; see {self.log('monitor')}")
            time.sleep(0.1)

    def stop(self) -> None:
        """End both in good order; those that have ended already are no matter."""
        for name in list(self._services):
            self._end(name)
        self._redis.close()

    def _run(self, command: str, *words: str) -> str:
        full = [str(COMMANDS / command), "--settings", str(self.settings), *words]
        done = subprocess.run(full, capture_output=True, text=True, check=False)
        if done.returncode:
            said = done.stdout + done.stderr
            raise DemoError(f"{command} {' '.join(words)} failed with exit code {done.returncode}:\n{said}")
        return done.stdout

    def _start(self, name: str, *words: str) -> None:
        self.log(name).unlink(missing_ok=True)
        command = [str(COMMANDS / name), *words]
        # Under a keeper of the sandbox: it ends with the demo, whatever ends the demo.
        self._services[name] = Process(
            command, log=self.log(name), directory=self.folder, environment=dict(os.environ), grace=_STOP
        )

    def _end(self, name: str) -> None:
        process = self._services.pop(name)
        # To the parent alone, which tells its workers; the keeper would signal all of them at once.
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGTERM)
        deadline = time.monotonic() + _STOP
        while process.running and time.monotonic() < deadline:
            time.sleep(0.02)
        process.stop(0.0)

    def _await_ready(self, name: str, address: str) -> None:
        deadline = time.monotonic() + _PATIENCE
        while True:
            self.check()
            try:
                with urllib.request.urlopen(f"http://{address}/ready", timeout=1):  # an address of our own
                    return
            except urllib.error.HTTPError as error:
                why = error.read().decode(errors="replace")
            except OSError as error:
                why = str(error)
            if time.monotonic() > deadline:
                raise DemoError(f"the {name} is not ready: {why}; see {self.log(name)}")
            time.sleep(0.05)

    def _text(self, services: Services) -> str:
        texts = {
            "model": flights.MODEL,
            "group": self.names["scorer"],
            "monitor_group": self.names["monitor"],
            "http": self._address,
            "monitor_http": self._monitor_address,
            "mailbox": self._mailbox,
            "sender": SENDER,
            "recipient": RECIPIENT,
            "requirements": str(COEFFICIENTS / "requirements.toml"),
            "bootstrap": services.bootstrap,
            "url": services.redis_url,
            "prefix": self.names.redis_prefix,
            "schema": str(EVENT_SCHEMA),
        }
        kinds = ("events", "retry", "predictions", "dead_letters", "audit", "labels", "verdicts")
        return _SETTINGS.format(
            **{name: json.dumps(text) for name, text in texts.items()},
            workers=WORKERS,
            event_id=EVENT_ID,
            label_id=LABEL_ID,
            topics="\n".join(f"{kind} = {json.dumps(self.names[kind])}" for kind in kinds),
        )
