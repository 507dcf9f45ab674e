"""A real Apache Kafka cluster on this machine: KRaft, one or several brokers, without Docker or root."""

from __future__ import annotations

import base64
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

from sandbox.broker import Broker, Installation, Ports, await_answers
from sandbox.errors import PortTaken, SandboxError
from sandbox.home import Home
from sandbox.install import install
from sandbox.ports import free_ports
from sandbox.warm import warm

_TRIES = 5


class Kafka:
    """A running cluster; make one with ``Kafka.start()``, best in a ``with`` statement.

    ``bootstrap`` is what clients connect to, ``cluster`` its id. Brokers are numbered from 0; they keep their ports
    and their data over ``stop``, ``kill`` and ``restart``. Where a broker may be named, none means all.
    """

    def __init__(self, home: Home, brokers: Sequence[Broker], cluster: str) -> None:
        self._home = home
        self.brokers = tuple(brokers)
        self.cluster = cluster

    @classmethod
    def start(
        cls,
        *,
        brokers: int | None = None,
        data: Path | None = None,
        settings: Mapping[str, str] | None = None,
        java: Sequence[str] = (),
        timeout: float = 120.0,
    ) -> Self:
        """Start a cluster; returns when every broker answers and both coordinators are ready.

        ``brokers``: how many, by default as many as ``data`` holds, else 1. Three or more replicate everything
        three times, of which two must be in sync; three of them are controllers. With two, the first is the only
        controller. ``data`` is a directory that outlives the cluster; the next start with it has the same cluster
        id, and the same ports if they are free. ``settings`` are added to every broker's server.properties,
        ``java`` to its Java options. ``timeout`` (seconds) is for the start itself, not for a download before it.

        Raises ``Unavailable`` where Kafka cannot run, ``InUse``, ``StartFailed``.
        """
        installation = install()
        home = Home(data, "kafka")
        try:
            for attempt in range(1, _TRIES + 1):
                kafka = cls._in(home, installation, brokers, settings or {})
                try:
                    kafka._begin(java, time.monotonic() + timeout)
                    break
                except PortTaken:
                    if attempt == _TRIES:
                        raise
        except BaseException:
            home.close()
            raise
        return kafka

    @classmethod
    def _in(cls, home: Home, installation: Installation, brokers: int | None, settings: Mapping[str, str]) -> Self:
        """The cluster that this directory holds, or a new one in it; not started yet."""
        facts = home.recall()
        stored, cluster = facts.get("ports"), facts.get("cluster")
        if not isinstance(stored, list) or not isinstance(cluster, str):
            stored, cluster = [], base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        count = brokers or len(stored) // 2 or 1
        if stored and len(stored) != 2 * count:
            raise SandboxError(f"{home.path} holds {len(stored) // 2} brokers, not {count}; choose another directory")
        numbers = free_ports(2 * count, stored)
        home.remember({"cluster": cluster, "ports": numbers})
        ports = [Ports(*pair) for pair in zip(numbers[::2], numbers[1::2], strict=True)]
        return cls(home, [Broker(installation, home, node, ports, settings) for node in range(count)], cluster)

    @property
    def bootstrap(self) -> str:
        """For ``bootstrap.servers``: all brokers' addresses."""
        return ",".join(broker.address for broker in self.brokers)

    def running(self, broker: int = 0) -> bool:
        """Whether the broker has not ended. A frozen one still runs."""
        return self.brokers[broker].running

    def log(self, broker: int = 0) -> Path:
        """The broker's log file."""
        return self.brokers[broker].log

    def pid(self, broker: int = 0) -> int:
        """The process id of the broker's Java machine."""
        return self.brokers[broker].process.pid

    def check(self) -> None:
        """Raise ``StartFailed``, with the end of its log, if a broker has ended."""
        for broker in self.brokers:
            broker.process.check(f"Kafka's broker {broker.node}")

    def stop(self, broker: int | None = None) -> None:
        """Shut down in good order, as an upgrade does."""
        self._at_once(self._chosen(broker), Broker.stop)

    def kill(self, broker: int | None = None) -> None:
        """SIGKILL."""
        for one in self._chosen(broker):
            one.kill()

    def freeze(self, broker: int | None = None) -> None:
        """SIGSTOP: connections stay open, but nothing is answered until ``thaw``."""
        for one in self._chosen(broker):
            one.process.freeze()

    def thaw(self, broker: int | None = None) -> None:
        """Undo ``freeze``."""
        for one in self._chosen(broker):
            one.process.thaw()

    def restart(self, broker: int | None = None, timeout: float = 60.0) -> None:
        """Start again, after a shut-down in good order if it still runs; returns when it answers.

        After ``kill`` that takes up to 3 s longer, until the cluster has given the old session up.
        """
        chosen = self._chosen(broker)
        self.stop(broker)
        deadline = time.monotonic() + timeout
        for one in chosen:
            one.launch()
        await_answers(chosen, self.cluster, deadline)

    def close(self) -> None:
        """Stop everything for good; a temporary directory is removed."""
        if self._home.temporary:
            self.kill()
        else:
            self.stop()
        self._home.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _chosen(self, broker: int | None) -> Sequence[Broker]:
        return self.brokers if broker is None else (self.brokers[broker],)

    def _begin(self, java: Sequence[str], deadline: float) -> None:
        self._at_once(self.brokers, lambda one: one.format(self.cluster))
        try:
            for one in self.brokers:
                one.launch(java)
            await_answers(self.brokers, self.cluster, deadline)
            warm(self.bootstrap, deadline)
        except BaseException:
            self.kill()
            raise

    @staticmethod
    def _at_once(brokers: Sequence[Broker], action: Callable[[Broker], None]) -> None:
        """Do the same with several brokers side by side; the first failure is raised when all are through."""
        with ThreadPoolExecutor(len(brokers)) as pool:
            for done in [pool.submit(action, one) for one in brokers]:
                done.result()
