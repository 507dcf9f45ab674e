"""One worker process: puts the rooms together and runs the loop to its end."""

from __future__ import annotations

import gc
import logging
import os
import signal
import threading
import time
from collections.abc import Mapping
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from types import FrameType

from confluent_kafka import KafkaError, KafkaException

from scorer import schema_files
from scorer.errors import STUCK, ScorerError, SettingsError, StreamBroken, TransactionFailed
from scorer.observe import logs
from scorer.scoring.prediction import PredictionForm
from scorer.scoring.score import Scoring
from scorer.service import loop
from scorer.service.commits import CommitRule
from scorer.service.in_force import InForce
from scorer.service.reporting import Reporter
from scorer.settings import Settings
from scorer.stream import clients
from scorer.stream.at_least_once import AtLeastOnce
from scorer.stream.exactly_once import ExactlyOnce
from scorer.stream.seam import Stream
from scorer.wire.decode import Decoder
from scorer.wire.schema import parse

LOGGER = logging.getLogger(__name__)

WAIT_SECONDS = 0.1
RETRY_SECONDS = 1.0


class Worker:
    """Scores as one member of the group until SIGTERM, until its parent is gone, or until an error ends it."""

    def __init__(self, settings: Settings, slot: int, connection: Connection) -> None:
        self._settings = settings
        self._slot = slot
        self._instance = clients.identity(settings, slot)
        self._reporter = Reporter(settings, slot, self._instance, connection)
        # A plain flag, not an event: a signal handler must not need a lock that the interrupted code may hold.
        self._stop_requested = False

    def run(self) -> int:
        """Run to the end; the exit code."""
        scorer = self._settings.scorer
        logs.configure(scorer.log, scorer.log_level, self._instance)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent passes it on
        signal.signal(signal.SIGTERM, self._on_signal)
        threading.Thread(target=self._watch_parent, name="parent", daemon=True).start()
        with self._reporter as reporter:
            try:
                self._serve()
            except ScorerError as error:
                if isinstance(error, TransactionFailed) and self._stop_requested:
                    LOGGER.warning("stopped with an open transaction, whose events will be scored again: %s", error)
                    return 0
                # No traceback: the message says what was wrong, where, and what to do.
                reporter.report.failure = f"{type(error).__name__}: {error}"
                LOGGER.error(reporter.report.failure)  # noqa: TRY400
                return error.exit_code
            except Exception as error:  # a mistake in this program; logged, so that it is masked and has a time
                reporter.report.failure = f"{type(error).__name__}: {error}"
                LOGGER.exception("the worker has failed")
                return 1
        return 0

    def _serve(self) -> None:
        settings, reporter = self._settings, self._reporter
        scorer, schemas = settings.scorer, settings.schemas
        framing = schema_files.framing(schemas)
        decoder = Decoder(schema_files.events(schemas), framing)
        form = PredictionForm(
            scorer.model,
            parse(schema_files.own("prediction"), "prediction.avsc"),
            framing,
            schemas.prediction_id,
            scorer.id_field,
            scorer.time_field,
            scorer.carried,
        )
        scoring = Scoring(decoder, form)
        commits = CommitRule(scorer.commit_ms / 1e3, scorer.drained_commit_ms / 1e3)
        with InForce(settings, self._instance, decoder, reporter.instance_report, reporter.pointed) as in_force:
            reporter.status = in_force.watcher.status
            if not self._await_champion(in_force):
                return
            stream = self._connect()
            if stream is None:
                return
            try:
                reporter.stream = stream
                reporter.waiting("")
                # What exists by now lives as long as the process: the collector need not look at it again.
                gc.collect()
                gc.freeze()
                loop.run(stream, in_force, scoring, commits, reporter, self._stopping)
            finally:
                reporter.leaving()
                self._leave_soon()  # after an error, too: closing may hang, and then nobody would score
                stream.close()

    def _await_champion(self, in_force: InForce) -> bool:
        """Wait for the first version that can score; false when stopped before."""
        while not self._stopping():
            if in_force.ready:
                return True
            if in_force.watcher.polled.is_set():
                status = in_force.watcher.status()
                self._reporter.waiting(f"no champion yet: {_why(status, self._settings.scorer.model)}")
            time.sleep(WAIT_SECONDS)
        return False

    def _connect(self) -> Stream | None:
        """Join the group; while no broker answers, or topics are missing, wait. ``None`` when stopped before."""
        kind = ExactlyOnce if self._settings.scorer.delivery == "exactly-once" else AtLeastOnce
        while not self._stopping():
            try:
                return kind(self._settings, self._slot, self._stopping)
            except (StreamBroken, TransactionFailed) as error:
                self._reporter.waiting(str(error))
                time.sleep(RETRY_SECONDS)
            except KafkaException as error:
                cause: KafkaError = error.args[0]
                if cause.code() != KafkaError._INVALID_ARG:
                    raise StreamBroken(f"{cause.name()}: {cause.str()}") from error
                raise SettingsError(f"kafka.properties: {cause.str()}") from error
        return None

    def _stopping(self) -> bool:
        if self._reporter.failure is not None:
            raise StreamBroken(f"the reporter has failed: {self._reporter.failure}") from self._reporter.failure
        return self._stop_requested

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        if not self._stop_requested:
            self._stop_requested = True
            self._leave_soon()

    def _leave_soon(self) -> None:
        threading.Thread(target=self._leave_in_time, name="leave", daemon=True).start()

    def _leave_in_time(self) -> None:
        """However the clients hang, this process is gone in time; what it did not commit is scored again."""
        time.sleep(self._settings.scorer.shutdown_seconds)
        LOGGER.error("not done %g s after it began to leave: leaving now", self._settings.scorer.shutdown_seconds)
        os._exit(STUCK)

    def _watch_parent(self) -> None:
        parent = parent_process()
        if parent is not None:
            wait([parent.sentinel])
            LOGGER.warning("the parent is gone: finishing")
            os.kill(os.getpid(), signal.SIGTERM)


def _why(status: Mapping[str, object], model: str) -> str:
    """Why there is no champion, and what to do."""
    redis = status["redis"]
    if isinstance(redis, dict) and redis.get("error"):
        return f"Redis does not answer ({redis['error']}), and there is no last good version on disk"
    refusal = status.get("last_refusal")
    if isinstance(refusal, dict):
        return f"version {refusal.get('version')} is refused: {refusal.get('reason')}"
    return f"none is set; push one and point to it: scorer models push coefficients/{model}/V; scorer champion set V"
