"""Logs: lines for people on a terminal, JSON lines for machines; on standard error, secrets masked."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Collection
from datetime import UTC, datetime

FORMAT = "%(asctime)s %(levelname)-7s %(name)s %(message)s"

# user:password@ in addresses, and key=value pairs whose key says that the value is secret.
SECRETS = re.compile(r"(?<=//)[^/@\s]*@|(?i:(?<=password=)|(?<=secret=)|(?<=token=))[^\s,;&]+")


def mask(text: str) -> str:
    """The text without the secrets that it may hold."""
    return SECRETS.sub("***", text)


def reason(field: str | None, text: str, sensitive: Collection[str]) -> str:
    """Why an event could not be scored; where the field is sensitive, without what was met in it."""
    return f"field `{field}`: ***" if field in sensitive else text


class _Masked(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return mask(super().format(record))


class _Json(logging.Formatter):
    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        # Masked before it is quoted: a secret ends where its text does, not at a quotation mark.
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "process": self._process,
            "pid": record.process,
            "message": mask(record.getMessage()),
        }
        if record.exc_info:
            line["exception"] = mask(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False)


class Throttle(logging.Filter):
    """Lets the same complaint of the Kafka client through once in ``seconds``: it repeats them many times a second."""

    def __init__(self, seconds: float = 10.0) -> None:
        super().__init__()
        self._seconds = seconds
        self._last: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to log it. What differs in numbers alone is the same."""
        kind = re.sub(r"\d+", "#", record.getMessage())[:200]
        if record.created - self._last.get(kind, float("-inf")) < self._seconds:
            return False
        if len(self._last) > 1_000:
            self._last.clear()
        self._last[kind] = record.created
        return True


def configure(form: str, level: str, process: str) -> None:
    """Log to standard error from now on; ``process`` is the name of this process in every line."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        _Json(process) if form == "json" else _Masked(FORMAT.replace("%(name)s", f"{process} %(name)s"))
    )
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    client = logging.getLogger("scorer.kafka")
    client.filters = [Throttle()]
