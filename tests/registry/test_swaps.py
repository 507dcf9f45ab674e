"""Golden rows are checked before every swap of a scorer: at the first to a version, and at every later one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import redis

from sandbox import Valkey
from scorer import schema_files
from scorer.model.canonical import encode
from scorer.model.version import VersionBytes
from scorer.registry import pointers, versions
from scorer.registry.following import Follower
from scorer.registry.keys import Keys
from scorer.scoring.models import Active
from scorer.service.in_force import InForce
from scorer.settings import Settings
from scorer.wire.decode import Decoder
from tests.registry.test_signatures import version

SCHEMA = {"type": "record", "name": "E", "fields": [{"name": "x", "type": "double"}]}


@pytest.fixture
def follower(server: Valkey, tmp_path: Path) -> Follower[Active]:
    """What a worker follows the pointers with; its rounds are run by the test."""
    (tmp_path / "event.avsc").write_text(json.dumps(SCHEMA))
    settings = Settings.model_validate(
        {
            "scorer": {"model": "flights", "state_directory": tmp_path / "state"},
            "redis": {"url": server.url},
            "schemas": {"framing": "bare", "events": {0: tmp_path / "event.avsc"}},
        }
    )
    decoder = Decoder(schema_files.events(settings.schemas), schema_files.framing(settings.schemas))
    return InForce(settings, "scorer-0", decoder, dict, lambda _event: None).watcher.follower


def spoilt(name: str) -> VersionBytes:
    """A version that is sound but for one golden row, which it does not reproduce."""
    stored = version(name, key=None)
    document = json.loads(stored.manifest)
    document["golden"]["expected"][5][0] += 1e-6
    return VersionBytes(encode(document), stored.tensors)


def flip(client: redis.Redis, keys: Keys, follower: Follower[Active], name: str) -> tuple[str | None, str]:
    """Point to a version; what scores then, and why that one is refused."""
    pointers.set_champion(client, keys, name, actor="ann", reason="better")
    follower.poll()
    about = follower.status()["champion"]
    assert isinstance(about, dict)
    return None if about["version"] is None else str(about["version"]), str(about["reason"])


def test_a_version_that_does_not_reproduce_its_golden_rows_changes_nothing(
    client: redis.Redis, keys: Keys, follower: Follower[Active]
) -> None:
    versions.push(client, keys, "v1", version("v1", key=None), actor="ann")
    versions.push(client, keys, "v2", spoilt("v2"), actor="ann")
    assert flip(client, keys, follower, "v2")[0] is None, "nor does it begin with it"
    assert flip(client, keys, follower, "v1") == ("v1", "None")
    scoring, why = flip(client, keys, follower, "v2")
    assert scoring == "v1"
    assert why.startswith("golden: golden row 5: expected ")


def test_they_are_checked_again_when_a_version_comes_back(
    client: redis.Redis, keys: Keys, follower: Follower[Active], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though it is in stock and prepared: something in this process may not be what it was."""
    for name in ("v1", "v2"):
        versions.push(client, keys, name, version(name, key=None), actor="ann")
    made = []
    for name in ("v1", "v2", "v1", "v2"):
        assert flip(client, keys, follower, name) == (name, "None")
        assert follower.current.champion is not None
        made.append(follower.current.champion.made)
    assert made[0] is made[2], "it is not prepared again"
    model = made[0].bound.model
    monkeypatch.setattr(model, "_tables", model._tables._replace(floats=model._tables.floats + 1e-3))
    scoring, why = flip(client, keys, follower, "v1")
    assert (scoring, why[:8]) == ("v2", "golden: ")
