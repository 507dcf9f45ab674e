"""Loading is paranoid: whatever the bytes, a version is refused or is exactly the one that was asked for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scorer.errors import VersionRefused
from scorer.model import golden
from scorer.model.canonical import encode
from scorer.model.limits import Limits
from scorer.model.version import VersionBytes, load
from tests.model import samples

SMALL = samples.store(samples.small())
TREES = samples.store(samples.forest([5, 9, 2], "binary"))
DIGEST = hashlib.sha256(SMALL.manifest).digest()


def test_a_version_knows_its_digest_and_names() -> None:
    version = load(SMALL, model="sample", version="v1", digest=DIGEST)
    assert version.digest == DIGEST
    assert version.manifest.model == "sample"


@pytest.mark.parametrize("asked", [{"model": "other"}, {"version": "v2"}, {"digest": bytes(32)}])
def test_another_version_than_the_one_that_was_asked_for_is_refused(asked: dict[str, Any]) -> None:
    with pytest.raises(VersionRefused) as caught:
        golden.admit(SMALL, **asked)
    assert caught.value.reason == "identity"


def mutations(data: bytes, count: int, seed: int) -> list[bytes]:
    """Every bit that can flip, up to ``count`` of them, and as many cuts, insertions, doublings and swaps."""
    dice = np.random.default_rng(seed)
    bits = [(place, bit) for place in range(len(data)) for bit in range(8)]
    found = []
    for place, bit in dice.permutation(bits)[:count].tolist():
        found.append(data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :])
    for _ in range(count):
        a, b = sorted(dice.integers(len(data), size=2).tolist())
        found.append(data[:a] + data[b:])
        found.append(data[:a] + dice.bytes(1) + data[a:])
        found.append(data[:b] + data[a:])
        found.append(data[:a] + bytes([data[b]]) + data[a + 1 : b] + bytes([data[a]]) + data[b + 1 :])
    return [changed for changed in found if changed != data]


@pytest.mark.parametrize("stored", [SMALL, TREES], ids=["logistic", "trees"])
def test_every_mutated_tensor_byte_is_refused(stored: VersionBytes) -> None:
    for place in range(len(stored.tensors)):
        changed = stored.tensors[:place] + bytes([stored.tensors[place] ^ 1 << place % 8]) + stored.tensors[place + 1 :]
        with pytest.raises(VersionRefused):
            load(VersionBytes(stored.manifest, changed))
    for changed in mutations(stored.tensors, 1000, 1):
        with pytest.raises(VersionRefused):
            load(VersionBytes(stored.manifest, changed))


@pytest.mark.parametrize("stored", [SMALL, TREES], ids=["logistic", "trees"])
def test_every_mutated_manifest_is_refused_or_is_another_sound_version(stored: VersionBytes) -> None:
    """A manifest is bound by its digest alone: some changed ones are sound, but none is taken for the original."""
    digest = hashlib.sha256(stored.manifest).digest()
    refused = 0
    for changed in mutations(stored.manifest, 2000, 2):
        with pytest.raises(VersionRefused):
            golden.admit(VersionBytes(changed, stored.tensors), digest=digest)
        try:
            other = golden.admit(VersionBytes(changed, stored.tensors))
        except VersionRefused:
            refused += 1
            continue
        assert other.digest != digest
        assert other.manifest.to_bytes() == changed
    assert refused > 6000


@settings(max_examples=300)
@given(st.binary(max_size=400), st.binary(max_size=400))
def test_no_bytes_raise_anything_else(manifest: bytes, blob: bytes) -> None:
    with pytest.raises(VersionRefused):
        load(VersionBytes(manifest, blob))
    with pytest.raises(VersionRefused):
        load(VersionBytes(SMALL.manifest, blob))


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where every value of a document lies."""
    found = [path] if path else []
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else []
    for key, entry in inside:
        found += paths(entry, (*path, key))
    return found


OTHERS: list[object] = [
    None, True, False, 0, 1, -1, 2**31, 2**63, 2**64, 10**300, 0.0, -0.0, 1.5, 1e308, "", "a", "NaN", "Infinity",
    "\x00", "\ud800", [], [[]], {}, {"a": {}}, [None], ["a", "a"], "x" * 5000,
]  # fmt: skip


@pytest.mark.parametrize("stored", [SMALL, TREES], ids=["logistic", "trees"])
def test_every_value_of_the_manifest_may_be_anything(stored: VersionBytes) -> None:
    """Each value replaced by each of many others: refused, or a sound version with another digest."""
    document = json.loads(stored.manifest)
    everywhere = paths(document)
    few = [path for path in everywhere if path[0] != "golden" or len(path) < 4 or path[2] == 0]
    for path in few:
        for other in OTHERS:
            changed = json.loads(stored.manifest)
            at = changed
            for key in path[:-1]:
                at = at[key]
            at[path[-1]] = other
            data = json.dumps(changed, sort_keys=True, separators=(",", ":")).encode()
            try:
                model = golden.admit(VersionBytes(data, stored.tensors))
            except VersionRefused:
                continue
            assert model.manifest.to_bytes() == data


def drop(*path: Any) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        at: Any = document
        for key in path[:-1]:
            at = at[key]
        del at[path[-1]]

    return change


def put(*path_and_value: Any) -> Callable[[dict[str, Any]], None]:
    *path, value = path_and_value

    def change(document: dict[str, Any]) -> None:
        at: Any = document
        for key in path[:-1]:
            at = at[key]
        at[path[-1]] = value

    return change


REFUSALS: dict[str, tuple[Callable[[dict[str, Any]], None], str, str]] = {
    "newer format": (put("format_version", 2), "manifest", "format_version 2"),
    "no format": (drop("format_version"), "manifest", "format_version"),
    "unknown field": (put("author", "me"), "manifest", "'author' is not known"),
    "missing field": (drop("serial"), "manifest", "'serial' is missing"),
    "model's name": (put("model", "a/b"), "manifest", "manifest.model"),
    "negative serial": (put("serial", -1), "manifest", "manifest.serial"),
    "no inputs": (put("inputs", []), "manifest", "manifest.inputs"),
    "dtype": (put("inputs", 0, "dtype", "float16"), "manifest", r"inputs\[0\].dtype"),
    "sentinel of a wrong type": (put("inputs", 0, "missing_sentinel", 1), "manifest", "missing_sentinel"),
    "column made twice": (put("pipeline", 0, "out", ["plain"]), "manifest", "'plain' exists already"),
    "column from nowhere": (put("kernel", "in", ["plain", "gap"]), "manifest", "'gap' is neither"),
    "unused input": (put("kernel", "in", ["gaps.filled"]), "manifest", "'plain' is used by no step"),
    "undeclared tensor": (put("kernel", "tensors", "coef", "other"), "manifest", "'other' is used but not declared"),
    "tensor used twice": (
        put("kernel", "tensors", "coef", "logistic@1.intercept"),
        "manifest",
        "exactly one role",
    ),
    "unknown step": (put("pipeline", 0, "op", "impute@2"), "pipeline", "impute@1, standardise@1"),
    "unknown kernel": (put("kernel", "name", "eval@1"), "pipeline", "linear@1, logistic@1"),
    "kernel for another kind": (put("kernel", "name", "linear@1"), "pipeline", "kind binary"),
    "one class": (put("outputs", "classes", ["yes"]), "manifest", "outputs.classes"),
    "equal classes": (put("outputs", "classes", ["yes", "yes"]), "manifest", "differ"),
    "nested parameter": (put("kernel", "params", "a", [[1]]), "manifest", r"kernel.params.a\[0\]"),
    "upper-case sha256": (lambda d: d["blob"].update(sha256=d["blob"]["sha256"].upper()), "manifest", "lower case"),
    "another size": (lambda d: d["blob"].update(size=d["blob"]["size"] + 1), "tensors", "bytes"),
    "another shape": (put("blob", "tensors", "logistic@1.coef", "shape", [2]), "tensors", "declared shape"),
    "no golden rows": (lambda d: d["golden"].update(inputs=[], expected=[]), "manifest", "golden.inputs"),
    "golden tolerance": (put("golden", "rtol", 0.01), "manifest", "golden.rtol"),
    "golden score": (put("golden", "expected", 0, [0.0]), "golden", "golden row 0: expected"),
    "golden row without its input": (put("golden", "inputs", 0, 0, None), "golden", "'plain': it has no value"),
    "golden row with a wrong type": (put("golden", "inputs", 0, 0, "a"), "manifest", r"golden.inputs\[0\]\[0\]"),
    "gap left for a sum": (put("kernel", "in", ["plain", "gaps"]), "pipeline", "may be missing"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals_say_what_and_where(name: str) -> None:
    change, reason, text = REFUSALS[name]
    with pytest.raises(VersionRefused, match=text) as caught:
        golden.admit(samples.edited(SMALL, change))
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    "change",
    [
        put("x" * 3_000_000, 1),
        lambda d: d["pipeline"][0].update(params={f"{n:0200}": 1 for n in range(100)}),
        lambda d: d["pipeline"].append(
            {
                "op": "one_hot@1",
                "in": ["plain"],
                "out": ["hot"],
                "params": {"categories": [f"{n:01000}" for n in range(3_000)], "drop": "other", "missing": "zeros"},
                "tensors": {},
            }
        ),
    ],
    ids=["field", "parameters", "categories"],
)
def test_a_refusal_is_short_however_long_what_it_refuses(change: Callable[[dict[str, Any]], None]) -> None:
    """It becomes a record of the audit topic, in the transaction of the predictions."""
    with pytest.raises(VersionRefused) as caught:
        golden.admit(samples.edited(SMALL, change))
    assert 100 < len(str(caught.value)) <= VersionRefused.LONGEST


def test_bytes_that_are_not_canonical_are_refused() -> None:
    document = json.loads(SMALL.manifest)
    for data in (
        SMALL.manifest + b"\n",
        b" " + SMALL.manifest,
        json.dumps(document, sort_keys=True).encode(),
        json.dumps(document, indent=1, sort_keys=True).encode(),
        json.dumps(dict(reversed(document.items())), separators=(",", ":")).encode(),
        SMALL.manifest.replace(b'"sample"', b'"s\\u0061mple"'),
        SMALL.manifest.replace(b'"atol":1e-12', b'"atol":1.0e-12'),
        SMALL.manifest.replace(b'"atol":1e-12', b'"atol":0.000000000001'),
        SMALL.manifest.replace(b'"serial":3', b'"serial":3.0'),
        SMALL.manifest.replace(b'"serial":3', b'"serial":3e0'),
        SMALL.manifest.replace(b'"serial":3', b'"serial":-0'),
    ):
        assert data != SMALL.manifest
        with pytest.raises(VersionRefused) as caught:
            load(VersionBytes(data, SMALL.tensors))
        assert caught.value.reason == "manifest"
    assert encode(document) == SMALL.manifest


@pytest.mark.parametrize(
    ("limits", "text"),
    [
        (Limits(manifest_bytes=100), "at most 100"),
        (Limits(blob_bytes=64), "64"),
        (Limits(inputs=1), "inputs"),
        (Limits(steps=0), "pipeline"),
        (Limits(columns=2), "3 columns"),
        (Limits(tensors=2), "tensors"),
        (Limits(golden_rows=3), "golden"),
    ],
)
def test_limits_are_kept(limits: Limits, text: str) -> None:
    golden.admit(SMALL)
    with pytest.raises(VersionRefused, match=text):
        golden.admit(SMALL, limits)
