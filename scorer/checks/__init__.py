"""What ``scorer check`` looks at before a scorer is started, or when one does not do what it should.

Each check ends in findings: what was found, and what to do where it is not right. Nothing that a running scorer uses is
changed: what is written to find out whether it can be is removed at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from scorer.checks import events, kafka, redis, surroundings, versions
from scorer.checks.finding import Finding
from scorer.registry.signatures import Trust
from scorer.settings import Settings


def check(settings: Settings, environ: Mapping[str, str]) -> Iterator[Finding]:
    """All checks of a deployment, one after the other."""
    yield from surroundings.misspelt(environ)
    yield from surroundings.state_directory(settings)
    yield from surroundings.http_port(settings)
    decoder = yield from events.check(settings)
    yield from kafka.check(settings)
    registry = yield from redis.check(settings)
    if registry is None:
        yield Finding("champion", "skipped", "not checked, because Redis cannot be read")
    else:
        yield from versions.in_force(registry, decoder, Trust.of(settings.scorer))
