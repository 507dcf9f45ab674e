"""A candidate's life with a real monitor, Kafka and Redis: every step by what is measured, and no way around one."""

from __future__ import annotations

import io
import json
import signal
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

import fastavro
import pandas as pd
import pytest
from redis import Redis

from monitor.commands import Command, send
from monitor.judge import floors
from monitor.judge.candidates.kept import Kept
from monitor.judge.floors import Floor, Floors
from monitor.store.reading import Snapshot
from scorer import schema_files
from scorer.registry import audit, pointers, versions
from scorer.registry.files import write_version
from scorer.registry.instances import Json
from tests.cli.conftest import write_contrived
from tests.integration.deployment import until, version
from tests.monitor.stage import HOUR, Running, Stage, first, flights, prediction, table

SetUp = Callable[..., Stage]

AUDIT = fastavro.parse_schema(schema_files.own("audit"))

REQUIRED = """
[[requirement]]
metric = "accuracy"
window = "month"
judged = "continuously"
minimum = 0.5
least_labels = 20
"""

ASKED = {"margins": {"brier": 0.0}, "shadow_hours": 1.0, "pairs": 200, "approve": [], "watch_hours": 1_000.0}


WORSE = ("v1", -0.5)


class Contest:
    """A stage whose champion ``v1`` is worse than ``v2``; files and corpus lie where the settings say."""

    def __init__(self, set_up: SetUp, redis: Redis, **asked: Any) -> None:
        self.redis = redis
        self.stage = stage = set_up(matures_after_hours=0.0, idle_seconds=3_600.0)
        self.home = stage.directory / "coefficients" / stage.model
        self.home.mkdir(parents=True)
        (self.home / "requirements.toml").write_text(REQUIRED)
        text = stage.file.read_text().replace('"requirements.toml"', json.dumps(str(self.home / "requirements.toml")))
        corpus = {"corpus": "corpus.csv", "corpus_time": "at"}
        made = {**ASKED, **corpus, **asked}
        tables = {f"candidates.{name}": made.pop(name) for name in ("margins", "ratchet") if name in made}
        more = "".join(table(name, values) for name, values in tables.items())
        stage.file.write_text(text + table("candidates", made) + more)
        past = flights(600, seed=9, start=first() - 90 * 24 * HOUR)
        labelled = [one for one in past if one.label is not None]
        self._past = pd.DataFrame(
            {
                "x": [one.x for one in labelled],
                "at": [datetime.fromtimestamp(one.at / 1e3, UTC).isoformat() for one in labelled],
                "label": [one.label for one in labelled],
            }
        )
        self._past.to_csv(stage.directory / "corpus.csv", index=False)
        self.make(*WORSE)
        redis.set(stage.keys.champion, "v1")

    def make(self, name: str, slope: float) -> None:
        """Write a version's files and push it."""
        made = version(self.stage.model, name, slope)
        write_version(self.home / name, made)
        write_contrived(self.home / name)
        pd.DataFrame({"x": self._past["x"], "label": self._past["label"]}).to_parquet(
            self.home / name / "cases" / "sample.parquet"
        )
        versions.push(self.redis, self.stage.keys, name, made, actor="test")

    def live(
        self,
        count: int,
        seed: int,
        days: tuple[float, float],
        by: tuple[str, float] = WORSE,
        *,
        upside_down: bool = False,
    ) -> None:
        """Events between these days, scored by a version of that slope, with their labels."""
        made = flights(count, seed=seed, start=first() + int(days[0] * 24 * HOUR), days=days[1] - days[0])
        made = [replace(one, id=f"{seed}-{one.id}") for one in made]
        if upside_down:
            made = [replace(one, label=None if one.label is None else 1 - one.label) for one in made]
        ids = {one.id for one in made}
        self.stage.publish_events(made)
        values = self.stage.predict(self.stage.models(self.stage.scoring(), *by))
        self.stage.publish_predictions([value for value in values if prediction(value)["event_id"] in ids])
        self.stage.publish_labels(made)

    def kept(self) -> Kept:
        """The candidates, as they were published last."""
        with self.stage.snapshot() as snapshot:
            return Kept.read(snapshot.kept)

    def shown(self, name: str = "v2") -> dict[str, Any]:
        """The last submission of a version, and its checks; the next snapshot has what was submitted just now."""
        kept = self.kept()
        own = [one for one in kept.register.of.values() if one.version == name]
        if not own:
            return {"candidate": None, "checks": []}
        return {"candidate": own[-1].plain(), "checks": list(map(asdict, kept.checks.get(own[-1].id, ())))}

    def await_state(self, state: str, running: Running, name: str = "v2") -> dict[str, Any]:
        def there() -> bool:
            assert running.process.poll() is None, running.log
            candidate = self.shown(name)["candidate"]
            if candidate is not None and candidate["state"] != state:
                assert candidate["state"] not in ("rejected", "withdrawn", "rolled back")
            return candidate is not None and candidate["state"] == state

        try:
            until(there, f"{name} is not {state}", 60.0)
        except AssertionError:
            raise AssertionError(f"{json.dumps(self.shown(name), indent=1)}\n{running.log}") from None
        return self.shown(name)

    def submit(self, name: str = "v2", code: int = 0) -> str:
        return self.stage.ask("candidate", "submit", name, "--why", "it is trained on later data", code=code)

    def required(self) -> Floor:
        """The one requirement in force."""
        with self.stage.snapshot() as snapshot:
            (one,) = Floors.of_json(snapshot.kept(floors.KEPT) or b"").of.values()
        return one

    def followed(self) -> tuple[str, tuple[str, ...]]:
        """Whom the monitor follows."""
        with self.stage.snapshot() as snapshot:
            found = snapshot.followed
        return ("", ()) if found is None else (found.champion, found.challengers)

    def champion(self) -> str | None:
        return pointers.read(self.redis, self.stage.keys).texts["champion"]

    def moves(self, name: str = "v2") -> list[str]:
        """What the audit topic says of a candidate."""
        values = [message.value() for message in self.stage.read(self.stage.settings.topics.audit)]
        records = [fastavro.schemaless_reader(io.BytesIO(value[5:]), AUDIT, None) for value in values if value]
        own = [one for one in records if isinstance(one, dict) and one["pointer"] == "candidate"]
        return [str(one["reason"]).split(":")[0] for one in own if one["version"] == name]

    def ready(self) -> None:
        """Wait until the monitor has published something."""
        until((self.stage.directory / "monitor" / f"{self.stage.model}.snapshot.duckdb").exists, "no snapshot")


WHOLE = ["submitted", "regression-tested", "back-tested", "shadowed", "promoted"]


@pytest.fixture
def contest(set_up: SetUp, redis: Redis) -> Callable[..., Contest]:
    def made(**asked: Any) -> Contest:
        found = Contest(set_up, redis, **asked)
        found.live(60, 1, (0, 2))
        return found

    return made


def test_a_better_version_becomes_the_champion_step_by_step(contest: Callable[..., Contest]) -> None:
    found = contest(trial=False, ratchet={"accuracy": 0.001})
    found.make("v2", 1.0)
    with found.stage.start() as running:
        found.ready()
        assert "v2 is submitted" in found.submit()
        assert "is a candidate already" in found.submit(code=6)
        known = found.await_state("back-tested", running)
        back = next(move for move in known["candidate"]["history"] if move["after"] == "back-tested")
        assert [check["standing"] for check in back["checks"]] == ["passed"]
        until(lambda: "pairs" in str(found.shown()["checks"]), "it is not compared")
        assert found.champion() == "v1", "nothing was compared yet"
        found.live(900, 2, (3, 40))
        known = found.await_state("promoted", running)
        until(lambda: found.champion() == "v2", "the champion is another one")
        gate = next(move for move in known["candidate"]["history"] if move["after"] == "shadowed")
        checks = {check["name"]: check for check in gate["checks"]}
        assert set(checks) == {"duration", "pairs", "matched", "gate brier",
                               "requirement accuracy//month/continuously", "patience"}  # fmt: skip
        assert checks["pairs"]["numbers"]["found"] >= 200
        until(lambda: found.moves() == WHOLE, f"the audit is {found.moves()}")
        until(lambda: found.required().revision == 2, "nothing is tightened")
        assert found.required().actor == "monitor"
        assert (found.required().requirement.minimum or 0.0) > 0.5
        assert "+minimum = " in found.stage.ask("requirements", "show", "--diff")
        listed = json.loads(found.stage.ask("candidate", "list", "--json"))
        assert [(one["version"], one["state"]) for one in listed] == [("v2", "promoted")]
        assert "promoted" in found.stage.ask("candidate", "show", "v2")
        said = json.loads(found.stage.ask("candidate", "show", "v2", "--json"))
        assert [one["name"] for one in said["checks"]] == ["watch"]
        assert [move["after"] for move in said["candidate"]["history"]] == WHOLE
        running.stop()


def test_one_that_is_worse_on_the_corpus_is_rejected_there(contest: Callable[..., Contest]) -> None:
    found = contest(trial=False, margins={"brier": 0.2})
    found.make("v2", 1.0)  # better, and not by so much
    with found.stage.start() as running:
        found.ready()
        found.submit()
        known = found.await_state("rejected", running)
        last = known["candidate"]["history"][-1]
        assert (last["before"], last["actor"]) == ("regression-tested", "monitor")
        assert last["why"].startswith("back-test brier")
        # A case that comes out otherwise ends it earlier.
        found.make("v3", 2.0)
        cases = found.home / "v3" / "cases" / "contrived.json"
        cases.write_text(cases.read_text().replace("0.5", "0.25"))
        found.submit("v3")
        assert found.await_state("rejected", running, "v3")["candidate"]["history"][-1]["before"] == "submitted"
        assert found.champion() == "v1"


def test_persons_agree_and_take_back_and_nobody_gives_the_monitors_own_commands(
    contest: Callable[..., Contest],
) -> None:
    found = contest(approve=["back-tested", "promoted"], approvers=["ann"])
    found.make("v2", 1.0)
    stage = found.stage
    with stage.start() as running:
        found.ready()
        found.submit()
        found.await_state("regression-tested", running)
        assert "may not approve" in stage.ask("candidate", "approve", "v2", "--why", "x", "--actor", "eve", code=6)
        forgeries: list[tuple[str, dict[str, Json]]] = [
            ("candidate report", {"id": "1", "state": "regression-tested", "checks": []}),
            ("candidate pointer", {"id": "1", "asked": None, "moves": 2, "done": True}),
        ]
        for kind, payload in forgeries:
            forged = Command(f"forged-{kind[-6:].strip()}", kind, "monitor", "", None, payload)
            assert not send(found.redis, stage.keys, forged).done
        running.process.send_signal(signal.SIGKILL)
        running.process.wait()
    with stage.start(log="second") as running:
        until(lambda: "open" not in {one["standing"] for one in found.shown()["checks"]}, "it is not back-tested")
        assert found.shown()["candidate"]["state"] == "regression-tested", "nobody has agreed"
        until(
            lambda: "approved" in stage.ask("candidate", "approve", "v2", "--why", "ok", "--actor", "ann"), "no answer"
        )
        assert found.await_state("back-tested", running)["candidate"]["history"][-1]["actor"] == "ann"
        stage.ask("candidate", "withdraw", "v2", "--why", "a bug")
        assert "withdrawn already" in stage.ask("candidate", "reject", "v2", "--why", "x", code=6)
        assert "family 2" in stage.ask("candidate", "new-family", "--reason", "new sensors")
        until(lambda: found.moves() == ["submitted", "regression-tested", "back-tested", "withdrawn"], "the audit")


def test_a_trial_begins_is_renewed_and_ends_with_its_candidate(contest: Callable[..., Contest]) -> None:
    found = contest(trial_hours=1_000.0, trial_percent=25.0)
    found.make("v2", 1.0)
    stage = found.stage
    with stage.start() as running:
        found.ready()
        found.submit()
        found.await_state("back-tested", running)
        until(lambda: "pairs" in str(found.shown()["checks"]), "it is not compared")
        found.live(900, 2, (3, 40))
        found.await_state("on trial", running)
        said = pointers.read(found.redis, stage.keys)
        assert said.trial is not None
        trial = json.loads(said.texts["trial"] or "")
        assert (trial["id"], trial["version"], trial["percent"]) == ("candidate-1", "v2", 25)
        # A person ends it: it is compared anew, and does not begin again by itself at once.
        pointers.stop_trial(found.redis, stage.keys, actor="ann", reason="complaints")
        moved = found.await_state("back-tested", running)["candidate"]
        assert "was removed" in moved["history"][-1]["why"]
        assert moved["comparison"] == 2
        # A person makes another one the champion: everybody is compared with that one.
        found.make("v3", 0.1)
        found.redis.set(stage.keys.champion, "v3")
        until(lambda: found.shown()["candidate"]["against"] == "v3", "it is compared with v1")
        assert found.shown()["candidate"]["comparison"] == 3
        stage.ask("candidate", "withdraw", "v2", "--why", "complaints")
        until(lambda: pointers.read(found.redis, stage.keys).texts["trial"] is None, "the trial goes on")
        assert found.champion() == "v3"


def test_where_the_old_champion_is_better_after_all_it_comes_back_once(contest: Callable[..., Contest]) -> None:
    found = contest(trial=False)
    found.make("v2", 1.0)
    with found.stage.start() as running:
        found.ready()
        found.submit()
        found.await_state("back-tested", running)
        until(lambda: "pairs" in str(found.shown()["checks"]), "it is not compared")
        found.live(900, 2, (3, 40))
        found.await_state("promoted", running)
        until(lambda: found.followed() == ("v2", ("v1",)), "the old champion does not challenge the new one")
        found.live(900, 3, (41, 80), ("v2", 1.0), upside_down=True)
        known = found.await_state("rolled back", running)
        checks = known["candidate"]["history"][-1]["checks"]
        assert [one["name"] for one in checks if one["standing"] == "failed"] == ["not worse: brier, beside v1"]
        until(lambda: found.champion() == "v1", "the champion stays")
        until(lambda: found.moves() == [*WHOLE, "rolled back"], f"the audit is {found.moves()}")
        until(lambda: found.followed() == ("v1", ()), "somebody is still watched")
        running.stop()
    # Built anew from the topics and the commands, it is the same life to the last bit.
    found.stage.ask("replay", "--to", str(found.stage.directory / "anew"))
    with Snapshot(found.stage.directory / "anew" / f"{found.stage.model}.snapshot.duckdb") as snapshot:
        anew = Kept.read(snapshot.kept)
    assert anew.parts == found.kept().parts


def test_a_kill_at_every_move_neither_loses_nor_repeats_one(contest: Callable[..., Contest]) -> None:
    found = contest(trial=False)
    found.make("v2", 1.0)
    moves, sent = 0, False
    for life in range(12):
        with found.stage.start(log=f"life{life}") as running:
            if not life:
                found.ready()
                found.submit()

            def moved(before: int = moves, running: Running = running) -> bool:
                assert running.process.poll() is None, running.log
                candidate = found.shown()["candidate"]
                return candidate is not None and len(candidate["history"]) > before

            if moves == len(WHOLE) - 2 and not sent:
                until(lambda: found.followed() == ("v1", ("v2",)), "it is not scored in the shadow")
                found.live(900, 2, (3, 40))
                sent = True
            until(moved, f"nothing has happened since {WHOLE[moves - 1]}")
            running.process.send_signal(signal.SIGKILL)
            running.process.wait()
        moves = len(found.shown()["candidate"]["history"])
        if moves == len(WHOLE):
            break
    with found.stage.start(log="last"):
        until(lambda: found.moves() == WHOLE, f"the audit is {found.moves()}")
    assert [move["after"] for move in found.shown()["candidate"]["history"]] == WHOLE
    changes = [one for one in audit.newest_first(found.redis, found.stage.keys) if one.pointer == "champion"]
    assert [(one.old, one.new) for one in changes] == [("v1", "v2")], "the champion was changed more than once"
