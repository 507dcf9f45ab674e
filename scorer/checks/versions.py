"""Versions: everything that one must pass before it scores, step by step; and those that the pointers name."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import numpy as np

from scorer.checks.finding import Finding, failed
from scorer.checks.redis import Registry
from scorer.errors import ScorerError, VersionRefused
from scorer.model import golden, version
from scorer.model.model import Model
from scorer.model.table import from_rows
from scorer.model.version import VersionBytes
from scorer.registry import versions
from scorer.registry.pointers import Refused
from scorer.registry.signatures import Trust
from scorer.scoring.routing import Share
from scorer.wire.decode import Decoder


def examine(
    stored: VersionBytes,
    decoder: Decoder | None,
    trust: Trust,
    *,
    model: str | None = None,
    name: str | None = None,
) -> Generator[Finding, None, Model | None]:
    """Check a version step by step, up to the first one that fails; returns the model if none does.

    ``model`` and ``name`` are what it should be; ``decoder`` says which fields the events have, where that is known.
    """
    try:
        yield _signature(stored, trust)
        loaded = version.load(stored, model=model, version=name)
        manifest = loaded.manifest
        about = f"{manifest.model} {manifest.version}, serial {manifest.serial}, {len(stored.manifest):,} bytes"
        yield Finding("manifest", "ok", about)
        trust.check_serial(manifest.serial)
        yield Finding("digest", "ok", loaded.digest.hex())
        count = len(loaded.tensors)
        yield Finding("tensors", "ok", f"{count} tensors, {len(stored.tensors):,} bytes, sha256 {manifest.blob.sha256}")
        compiled = Model(loaded)
        steps = [step.name for step in manifest.pipeline]
        yield Finding("algorithms", "ok", f"{', '.join([*steps, manifest.kernel.name])} accept them")
        golden.check(compiled)
        rows = f"{len(manifest.golden.inputs)} rows, largest difference {_difference(compiled):.2g}"
        yield Finding("golden rows", "ok", f"{rows} (atol {manifest.golden.atol:g}, rtol {manifest.golden.rtol:g})")
        if decoder is None:
            yield Finding("inputs", "skipped", "not checked against the events: no schema of theirs is known")
        else:
            compiled.bind(decoder.layout)
            yield Finding("inputs", "ok", f"the events have all {len(manifest.inputs)} inputs")
    except VersionRefused as error:
        yield Finding(_STEPS.get(error.reason, error.reason), "failed", str(error), exit_code=error.exit_code)
        return None
    return compiled


def _signature(stored: VersionBytes, trust: Trust) -> Finding:
    """Raises ``VersionRefused`` where the version is not trusted. Without pinned keys, all there is to say is said."""
    trust.check_signature(stored.manifest, stored.signature)
    standing = trust.standing(stored.manifest, stored.signature)
    if trust.public_keys:
        return Finding("signature", "ok", f"{standing.text}, which is pinned")
    if stored.signature is None or standing.problem is None:
        return Finding("signature", "ok", f"{standing.text}; no key is pinned, so none is needed")
    advice = "scorers do not look at it, because no key is pinned; remove it, and sign the version again"
    return Finding("signature", "warning", standing.problem, advice)


def in_force(registry: Registry, decoder: Decoder | None, trust: Trust) -> Iterator[Finding]:
    """The versions that champion and trial point to: there, whole, sound, and fit for the events."""
    said = registry.pointers
    if said.champion is None:
        text = f"none is set: {registry.keys.champion} is absent"
        advice = f"scorer models push coefficients/{registry.keys.model}/V; scorer champion set V"
        yield Finding("champion", "failed", text, advice, VersionRefused.exit_code)
    elif isinstance(said.champion, Refused):
        yield Finding("champion", "failed", said.champion.reason, "scorer champion set V", VersionRefused.exit_code)
    else:
        yield from _fetched("champion", said.champion, registry, decoder, trust)
    if isinstance(said.trial, Refused):
        yield Finding("trial", "failed", said.trial.reason, "scorer trial stop", VersionRefused.exit_code)
    elif said.trial is not None:
        yield from _fetched("trial", said.trial.version, registry, decoder, trust)
        trial = said.trial
        if decoder is not None:
            try:
                Share(trial.id, trial.percent, trial.by, trial.field, trial.values).check(decoder.layout)
            except VersionRefused as error:
                yield failed("trial", error)


def _fetched(pointer: str, name: str, registry: Registry, decoder: Decoder | None, trust: Trust) -> Iterator[Finding]:
    """One line where all is well, else the step that fails."""
    try:
        stored = versions.fetch(registry.client, registry.keys, name)
    except ScorerError as error:
        yield failed(pointer, error)
        return
    found = [*examine(stored, decoder, trust, model=registry.keys.model, name=name)]
    wrong = [one for one in found if one.status != "ok"]
    for one in wrong:
        yield Finding(pointer, one.status, f"version {name}: {one.name}: {one.text}", one.advice, one.exit_code)
    if not wrong:
        digest = next(one.text for one in found if one.name == "digest")
        rows = next(one.text for one in found if one.name == "golden rows")
        signed = next(one.text for one in found if one.name == "signature")
        text = (
            f"version {name} ({digest[:8]}) is whole; {signed}; golden rows: {rows}; the events have all of its inputs"
        )
        yield Finding(pointer, "ok", text)


def _difference(model: Model) -> float:
    """How far the golden rows are from what the training library gave, at most."""
    told = model.manifest.golden
    got = golden.score(model, from_rows(model.inputs, told.inputs)).scores
    with np.errstate(invalid="ignore"):
        apart = np.abs(got - np.array(told.expected).T)
    return float(np.nanmax(apart, initial=0.0))


_STEPS = {
    "signature": "signature",
    "serial": "manifest",
    "manifest": "manifest",
    "identity": "manifest",
    "tensors": "tensors",
    "pipeline": "algorithms",
    "golden": "golden rows",
    "inputs": "inputs",
}
