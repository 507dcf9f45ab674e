"""What a worker counts and judges while its loop runs, and what it tells its parent about it."""

from __future__ import annotations

import concurrent.futures
import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection

import numpy as np
from confluent_kafka import IsolationLevel, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from scorer.batch import Batch
from scorer.errors import HUNG, StreamBroken, TransactionFailed
from scorer.observe import logs
from scorer.observe.memory import peak_resident_bytes
from scorer.observe.metrics import LATENCY_BOUNDS, Tally
from scorer.observe.report import Report
from scorer.registry.events import PointerEvent
from scorer.registry.instances import Json
from scorer.scoring.score import DeadLetter, Scored
from scorer.service.dead_letter_share import DeadLetterShare
from scorer.settings import Settings
from scorer.stream import topics
from scorer.stream.progress import Progress, Standing, stalled
from scorer.stream.seam import Stream, StreamEvent
from scorer.stream.transaction import HUNG_SECONDS

LOGGER = logging.getLogger(__name__)

REPORT_SECONDS = 0.25
PROGRESS_SECONDS = 2.0
REQUEST_SECONDS = 5.0
# What a new attempt does not mend, a new process may (the limits of a topic were changed), or people, who are told by
# then: restarts back off, aborts do not.
MOST_ABORTS = 10


class Reporter:
    """Counts for the loop, judges progress, and reports to the parent from a thread of its own.

    ``status`` is the registry's state, ``Watcher.status``; it is set once the registry is followed.
    """

    def __init__(self, settings: Settings, slot: int, instance: str, connection: Connection) -> None:
        self._settings, self._connection, self._instance = settings, connection, instance
        self.report = Report(slot, os.getpid())
        self.tally = Tally()
        self.status: Callable[[], dict[str, Json]] = dict
        self.stream: Stream | None = None
        self._admin: AdminClient | None = None
        self._share = DeadLetterShare(settings.scorer.max_dead_letter_share)
        self._progress = Progress()
        self._progress_at = 0.0
        self._waiting = "starting"
        self._aborts = 0  # since the last commit
        self._complaint = ""  # the latest of the Kafka client, until it is given partitions again
        self._bounds = np.array(LATENCY_BOUNDS)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="reporter", daemon=True)
        self.failure: BaseException | None = None

    def __enter__(self) -> Reporter:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join(REQUEST_SECONDS + 1.0)
        self._send()

    def waiting(self, why: str) -> None:
        """The worker is not ready, and why; logged when it changes. Empty: it is."""
        if why and why != self._waiting:
            LOGGER.warning("not ready: %s", why)
        self._waiting = why

    def leaving(self) -> None:
        """The stream is about to be closed: nobody scores here any more."""
        self._waiting, self.stream = "leaving", None

    # -- called by the loop ----------------------------------------------------------------------------------------

    def scored(self, batch: Batch, scored: Scored) -> None:
        """Count a batch; raises TooManyDeadLetters."""
        tally = self.tally
        tally.count("scorer_events", by=scored.events)
        tally.count("scorer_batches")
        for (version, role), number in scored.by_version.items():
            tally.count("scorer_predictions", version, role, by=number)
        for flag, number in scored.by_flag.items():
            tally.count("scorer_flagged", flag, by=number)
        for letter in scored.dead_letters:
            tally.count("scorer_dead_letters", letter.code)
        waited = np.maximum(scored.at / 1e6 - batch.time / 1e3, 0.0)
        counts = np.bincount(np.searchsorted(self._bounds, waited), minlength=len(tally.latency))
        tally.latency = [a + b for a, b in zip(tally.latency, counts.tolist(), strict=True)]
        tally.latency_sum += float(waited.sum())
        self._share.add(
            scored.events, [letter.row for letter in scored.dead_letters], self._example(scored.dead_letters)
        )

    def refused(self, letters: Sequence[DeadLetter]) -> None:
        """Count dead letters that were found while the batch was written; raises TooManyDeadLetters."""
        for letter in letters:
            self.tally.count("scorer_dead_letters", letter.code)
        if letters:
            self._share.refused(len(letters), self._example(letters))

    def _example(self, letters: Sequence[DeadLetter]) -> str:
        """One of the reasons, as it may be logged."""
        if not letters:
            return ""
        return logs.reason(letters[-1].field, letters[-1].text, self._settings.scorer.sensitive)

    def committed(self) -> None:
        """A commit has succeeded."""
        self._aborts = 0
        self.tally.count("scorer_commits")
        self._share.committed()

    def aborted(self, reason: TransactionFailed) -> None:
        """The transaction is about to be aborted."""
        LOGGER.warning("the transaction is aborted and its events are read again: %s", reason)
        self.tally.count("scorer_aborts")
        self._share.aborted()
        self._aborts += 1
        if self._aborts >= MOST_ABORTS:
            raise StreamBroken(
                f"{self._aborts} transactions in a row were aborted, the last one because: {reason}. A new process "
                "will ask anew what the topics take"
            )

    def pointed(self, event: PointerEvent) -> None:
        """A pointer was applied or refused."""
        self.tally.count("scorer_flips", event.pointer, event.event)
        why = "" if event.reason is None else f": {event.reason}"
        who = "" if event.actor is None else f", set by {event.actor}"
        version = "none" if event.version is None else event.version
        level = logging.WARNING if event.event == "refused" else logging.INFO
        LOGGER.log(level, "%s %s %s%s%s", event.pointer, version, event.event, who, why)

    # -- the thread ------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while not self._stopping.wait(REPORT_SECONDS):
                self._look()
                self._send()
        except BaseException as error:  # noqa: BLE001  # kept for the loop, which raises it in the main thread
            self.failure = error

    def _look(self) -> None:
        """Bring the report up to date."""
        report, status = self.report, self.status()
        champion, trial = _versions(status)
        report.champion, report.trial, report.source = champion[0], trial[0], str(status.get("source", "")) or None
        refusal = status.get("last_refusal")
        report.refusal = f"{refusal['version']}: {refusal['reason']}" if isinstance(refusal, dict) else None
        self.tally.show("scorer_champion_info", {} if champion[0] is None else {(champion[0], champion[1] or ""): 1.0})
        self.tally.show("scorer_peak_resident_bytes", {(): peak_resident_bytes()})
        self.tally.show("scorer_registry_silent_seconds", _silence(status))
        stream = self.stream
        if stream is not None:
            self._leave_if_hung(stream)
            self._tell(stream.events())
            if time.monotonic() >= self._progress_at:
                self._judge_progress(stream)
                self._progress_at = time.monotonic() + PROGRESS_SECONDS
        joining = ""
        if stream is not None and not stream.joined:
            joining = "joining the group" + (f"; the Kafka client says: {self._complaint}" if self._complaint else "")
        report.not_ready = [why for why in (self._waiting, joining, *report.stalled) if why]
        report.state = "waiting" if self._waiting or joining else "scoring"
        self.tally.show("scorer_ready", {(): float(not report.not_ready)})

    def _tell(self, events: list[StreamEvent]) -> None:
        """Log what happened to the stream; the same for many partitions in one line."""
        told: dict[tuple[str, str], list[tuple[str, int]]] = {}
        for event in events:
            told.setdefault((event.kind, event.text), []).extend(event.partitions)
            if event.kind in ("assigned", "revoked", "lost"):
                self.tally.count("scorer_rebalances", event.kind)
        for (kind, text), partitions in told.items():
            names = ", ".join(f"{topic}-{number}" for topic, number in sorted(partitions))
            level = logging.INFO if kind in ("assigned", "revoked") else logging.WARNING
            LOGGER.log(level, "%s: %s %s", kind, text, names)
            self._complaint = text if kind in ("waiting", "lost") else ""

    def _leave_if_hung(self, stream: Stream) -> None:
        """A client that never returns cannot be stopped, but replaced: the next process aborts what is open."""
        seconds = stream.blocked()
        if seconds > HUNG_SECONDS:
            LOGGER.error("the Kafka client has not returned for %.0f s: leaving, to be started again", seconds)
            os._exit(HUNG)

    def _judge_progress(self, stream: Stream) -> None:
        standings = self._progress.update(stream.positions(), self._ends(stream), time.monotonic())
        names = sorted(f"{s.topic}-{s.partition}" for s in standings)
        found = stalled(standings, self._settings.scorer.stall_seconds)
        if found and not self.report.stalled:
            LOGGER.error("stalled: %s", "; ".join(found))
        elif self.report.stalled and not found:
            LOGGER.warning("no partition is stalled any more")
        self.report.partitions, self.report.stalled = names, found
        known = [s.lag for s in standings if s.lag is not None]
        self.report.lag = sum(known) if len(known) == len(standings) else None
        self.tally.show("scorer_partition_lag", {_labels(s): float(s.lag) for s in standings if s.lag is not None})
        self.tally.show("scorer_partition_still_seconds", {_labels(s): s.still for s in standings})

    def _ends(self, stream: Stream) -> dict[tuple[str, int], int]:
        """The end of each assigned partition, as far as the brokers tell in time."""
        positions = stream.positions()
        if not positions:
            return {}
        self._admin = self._admin or topics.admin(self._settings)
        asked = {TopicPartition(p.topic, p.partition): OffsetSpec.latest() for p in positions}  # type: ignore[no-untyped-call]
        ends = {}
        futures = self._admin.list_offsets(
            asked, isolation_level=IsolationLevel.READ_UNCOMMITTED, request_timeout=REQUEST_SECONDS
        )
        done, _ = concurrent.futures.wait(futures.values(), REQUEST_SECONDS)
        for tp, future in futures.items():
            try:
                if future in done:
                    ends[tp.topic, tp.partition] = int(future.result().offset)
            except KafkaException as error:
                LOGGER.debug("%s-%d: its end is unknown: %s", tp.topic, tp.partition, error)
        return ends

    def _send(self) -> None:
        report = self.report
        # Copied while nothing else runs; the loop goes on counting while the copy is sent.
        tally = Tally(
            dict(self.tally.counters), dict(self.tally.gauges), list(self.tally.latency), self.tally.latency_sum
        )
        try:
            self._connection.send(
                Report(**{name: getattr(report, name) for name in Report.__slots__} | {"tally": tally})
            )
        except OSError:
            LOGGER.debug("the parent no longer listens")

    def instance_report(self) -> dict[str, Json]:
        """What the instance key in Redis says of this worker; called by the registry's thread."""
        report, status = self.report, self.status()
        return {
            "instance": self._instance,
            "pid": report.pid,
            "state": report.state,
            "not_ready": list(report.not_ready),
            "partitions": list(report.partitions),
            "lag": report.lag,
            "events": self.tally.counters.get(("scorer_events", ()), 0.0),
            "registry": status,
        }


def _silence(status: dict[str, Json]) -> dict[tuple[str, ...], float]:
    """How long ago Redis last answered, by the registry's status."""
    redis = status.get("redis")
    seconds = redis.get("seconds_since_answer") if isinstance(redis, dict) else None
    return {} if seconds is None else {(): float(str(seconds))}


def _labels(standing: Standing) -> tuple[str, str]:
    return standing.topic, str(standing.partition)


def _versions(status: dict[str, Json]) -> tuple[tuple[str | None, str | None], tuple[str | None, str | None]]:
    """(version, digest) of the champion and of the trial, from the registry's status."""

    def of(pointer: str) -> tuple[str | None, str | None]:
        about = status.get(pointer)
        if not isinstance(about, dict) or about.get("version") is None:
            return None, None
        return str(about["version"]), str(about["digest"])

    return of("champion"), of("trial")
