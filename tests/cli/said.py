"""What scorers say of themselves: instance keys and audit records, made by hand."""

from __future__ import annotations

import io
from collections.abc import Sequence

import fastavro
from redis import Redis

from scorer.registry import instances
from scorer.registry.instances import Json
from scorer.registry.keys import Keys
from tests.integration.deployment import AUDIT, Deployment


def instance(
    client: Redis,
    keys: Keys,
    name: str,
    version: str | None,
    digest: str | None,
    *,
    pointer: str | None = None,
    state: str = "applied",
    reason: str | None = None,
    trial: dict[str, Json] | None = None,
    troubles: list[Json] | None = None,
    last_refusal: Json = None,
    **more: Json,
) -> None:
    """Write the key of a process that scores with ``version``, and reads the same in the pointer or ``pointer``."""
    champion: dict[str, Json] = {
        "version": version,
        "digest": digest,
        "pointer": pointer or version,
        "seen": 1.0,
        "state": state,
        "reason": reason,
    }
    absent: dict[str, Json] = {"version": None, "digest": None, "pointer": None, "state": "absent", "reason": None}
    refusal: Json = {"pointer": "champion", "version": pointer, "reason": reason} if state == "refused" else None
    report: dict[str, Json] = {
        "instance": name,
        "pid": 1,
        "state": "scoring",
        "not_ready": [],
        "partitions": [f"{keys.model}.events-0"],
        "lag": 3,
        "registry": {
            "source": "redis",
            "champion": champion,
            "trial": trial or absent,
            "last_refusal": refusal or last_refusal,
            "troubles": troubles or [],
            "redis": {"seconds_since_answer": 0.2, "error": None},
        },
    }
    instances.renew(client, keys, name, report | more, 60.0)


def audit(deployment: Deployment, records: Sequence[dict[str, object] | bytes]) -> None:
    """Write records to the audit topic; each is a few fields of an applied champion, or bytes as they are."""
    for number, record in enumerate(records):
        value = record if isinstance(record, bytes) else _encoded(deployment, number, record)
        deployment.producer.produce(deployment.settings.topics.audit, value, None, 0)
    assert deployment.producer.flush(30) == 0


def _encoded(deployment: Deployment, number: int, record: dict[str, object]) -> bytes:
    fields: dict[str, object] = {
        "at": 1_700_000_000_000_000 + number * 1_000_000,
        "model": deployment.model,
        "instance": f"{deployment.model}-0",
        "event": "applied",
        "pointer": "champion",
        "version": "v1",
        "digest": b"\1" * 32,
        "previous": None,
        "seen": 1_700_000_000_000_000,
        **dict.fromkeys(("reason", "command", "actor", "actor_reason", "trial")),
    }
    out = io.BytesIO(b"\0" + deployment.settings.schemas.audit_id.to_bytes(4, "big"))
    out.seek(0, io.SEEK_END)
    fastavro.schemaless_writer(out, AUDIT, fields | record, strict=True)
    return out.getvalue()
