"""The real ``scorer run`` as a process tree, with settings of a deployment."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.integration.deployment import Deployment, until

PROPERTY = {"log_level": "3"}


def environment(deployment: Deployment, **scorer: object) -> dict[str, str]:
    """All settings of a deployment as environment variables; ``scorer`` are keys of [scorer] that differ."""
    values = deployment.settings.model_dump(mode="json") | {"redis": {"url": deployment.redis_url}}
    values["scorer"] |= {key: value for key, value in scorer.items() if value is not None}
    found = {}
    for section, keys in values.items():
        for key, value in keys.items():
            if value is not None:
                text = (
                    ",".join(value)
                    if isinstance(value, list)
                    else json.dumps(value)
                    if isinstance(value, dict)
                    else value
                )
                found[f"{section}_{key}".upper()] = str(text)
    return found


class Tree:
    """A running ``scorer run``."""

    def __init__(
        self,
        deployment: Deployment,
        *,
        module: str = "scorer.cli",
        variables: Mapping[str, str] | None = None,
        **scorer: object,
    ) -> None:
        self.log = Path(deployment.directory) / f"tree-{len(list(Path(deployment.directory).glob('tree-*')))}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", module, "run"],
                env={**os.environ, **environment(deployment, **scorer), **(variables or {})},
                stderr=log,
                stdout=log,
                start_new_session=True,
            )

    def __enter__(self) -> Tree:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError(f"it does not end:\n{self.text()[-4000:]}") from None

    def text(self) -> str:
        """Its log so far."""
        return self.log.read_text("utf-8", "replace")

    def address(self) -> str:
        """Where its HTTP answers."""
        marker = "answers /health"
        until(lambda: marker in self.text() or self.process.poll() is not None, "it does not start")
        [line] = [line for line in self.text().splitlines() if marker in line]
        return line.split("http://")[1].split()[0]

    def get(self, path: str) -> tuple[int, str]:
        """Status and body of an HTTP answer."""
        try:
            with urllib.request.urlopen(f"http://{self.address()}{path}", timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def ready(self) -> dict[str, Any]:
        """What /ready says."""
        status, body = self.get("/ready")
        answer: dict[str, Any] = json.loads(body)
        assert status == (503 if any(worker["not_ready"] for worker in answer["workers"]) else 200)
        return answer

    def not_ready(self) -> str:
        """Every reason why it is not ready; empty when it is."""
        return "; ".join(why for worker in self.ready()["workers"] for why in worker["not_ready"])

    def await_ready(self) -> None:
        """Wait until every worker scores."""
        until(lambda: self.process.poll() is not None or not self.not_ready(), f"not ready:\n{self.text()[-2000:]}")
        assert self.process.poll() is None, f"it has ended:\n{self.text()[-4000:]}"

    def metric(self, name: str, **labels: str) -> float:
        """The sum of a metric over all workers, of the series that have these labels."""
        lines = [line for line in self.get("/metrics")[1].splitlines() if line.startswith(name + "{")]
        chosen = [line for line in lines if all(f'{key}="{value}"' in line for key, value in labels.items())]
        return sum(float(line.rsplit(" ", 1)[1]) for line in chosen)

    def workers(self) -> list[int]:
        """The process ids of the workers, as the log tells them, latest first for each slot."""
        found: dict[str, int] = {}
        for line in self.text().splitlines():
            if " started, process " in line:
                slot, pid = line.split("worker ")[1].split(" started, process ")
                found[slot] = int(pid)
        return list(found.values())

    def kill(self) -> None:
        """SIGKILL to every process of the tree."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(30)
