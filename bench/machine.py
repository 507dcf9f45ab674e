"""The machine, and what processes use of it."""

from __future__ import annotations

import contextlib
import os
import platform
import time
from dataclasses import dataclass

import confluent_kafka
import numpy as np
import psutil  # type: ignore[import-untyped]

from sandbox.services import Services

_REFRESH = 0.5


def describe() -> str:
    """The machine in a line: what the figures depend on, and how busy it has been."""
    cores, memory = os.cpu_count(), psutil.virtual_memory().total / 2**30
    busy = f"load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    library = confluent_kafka.libversion()[0]
    versions = f"Python {platform.python_version()}, numpy {np.__version__}, librdkafka {library}"
    return f"{cores} cores ({platform.machine()}), {memory:.0f} GiB of memory, {busy} before the start; {versions}"


class Tree:
    """A process and all that it has started."""

    def __init__(self, pid: int) -> None:
        self._root = psutil.Process(pid)
        self._members = [self._root]
        self._looked = 0.0

    def cpu(self) -> float:
        """Seconds of processor time so far, user and system, children that have ended included."""
        total = 0.0
        for process in self._living():
            with contextlib.suppress(psutil.NoSuchProcess):
                total += sum(process.cpu_times()[:4])
        return total

    def memory(self) -> int:
        """Resident bytes; memory that several of its processes share is counted once where the system tells."""
        total = 0
        for process in self._living():
            with contextlib.suppress(psutil.NoSuchProcess):
                found = process.memory_full_info()
                total += int(getattr(found, "pss", found.rss))
        return total

    def _living(self) -> list[psutil.Process]:
        if time.monotonic() - self._looked > _REFRESH:
            with contextlib.suppress(psutil.NoSuchProcess):
                self._members = [self._root, *self._root.children(recursive=True)]
            self._looked = time.monotonic()
        return self._members


def busy() -> float:
    """Seconds of processor time that everything on this machine has used since it was started."""
    times = psutil.cpu_times()
    return float(sum(getattr(times, name, 0.0) for name in ("user", "nice", "system", "irq", "softirq")))


@dataclass(frozen=True)
class Use:
    """What had been used at the moment ``at``: seconds of processor time of the contender (``cpu``), of all that take
    part (``known``), and of everything on this machine.
    """

    at: float
    cpu: float
    known: float
    machine: float

    def others(self, later: Use) -> float:
        """The share of all cores that from here to ``later`` went to those that take no part."""
        used = (later.machine - self.machine) - (later.known - self.known)
        return used / max(later.at - self.at, 1e-9) / (os.cpu_count() or 1)


class Meter:
    """Reads off what a contender uses, and what the services and this process do."""

    def __init__(self, services: Services, pid: int) -> None:
        self.contender = Tree(pid)
        self._servers = [Tree(services.kafka.pid())] if services.kafka is not None else []
        self._servers += [Tree(services.valkey.pid)] if services.valkey is not None else []

    def read(self) -> Use:
        """Now."""
        cpu = self.contender.cpu()
        known = cpu + time.process_time() + sum(server.cpu() for server in self._servers)
        return Use(time.perf_counter(), cpu, known, busy())
