"""The manifest: which inputs a version takes, how it prepares them, which kernel scores them, and what proves it.

This module knows the manifest's form and that its parts fit together by name. What the parameters and tensors of a
preparation step or kernel must be is checked beside each algorithm, when the version is compiled.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain

from scorer.errors import VersionRefused
from scorer.model import canonical, evidence
from scorer.model.canonical import Json, Reader
from scorer.model.evidence import Golden, Profile
from scorer.model.inputs import Input
from scorer.model.limits import DEFAULT, Limits
from scorer.model.outputs import Outputs

FORMAT = 1
"""The revision of the manifest's form that this release reads and writes."""

DTYPES = ("float64", "float32", "int64", "int32", "uint8")

_SHA256 = re.compile(r"[0-9a-f]{64}")
_LONGEST_SIDE = 1 << 40


@dataclass(frozen=True, slots=True)
class Algorithm:
    """A preparation step or the kernel: its name and revision, the columns it takes and makes, what it was fitted to.

    ``params`` holds numbers, text, flags, null and lists of these; ``tensors`` names a tensor for each role. A kernel
    makes no named columns: its ``outputs`` are empty.
    """

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    params: Mapping[str, Json]
    tensors: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class TensorType:
    """The declared dtype and shape of one tensor."""

    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Blob:
    """The safetensors blob: the sha256 of its bytes in hexadecimal, its size in bytes, what is in it."""

    sha256: str
    size: int
    tensors: Mapping[str, TensorType]


@dataclass(frozen=True, slots=True)
class TrainedWith:
    """The library that fitted the coefficients, and its release."""

    library: str
    version: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """All that there is to say about a version besides its tensors."""

    model: str
    version: str
    serial: int
    trained_with: TrainedWith
    inputs: tuple[Input, ...]
    pipeline: tuple[Algorithm, ...]
    kernel: Algorithm
    outputs: Outputs
    blob: Blob
    profile: Profile | None
    golden: Golden

    def to_bytes(self) -> bytes:
        """The canonical bytes; their sha256 is the version's digest."""
        return canonical.encode(
            {
                "format_version": FORMAT,
                "model": self.model,
                "version": self.version,
                "serial": self.serial,
                "trained_with": {"library": self.trained_with.library, "version": self.trained_with.version},
                "inputs": [entry.to_json() for entry in self.inputs],
                "pipeline": [{"op": step.name, "out": list(step.outputs), **_common(step)} for step in self.pipeline],
                "kernel": {"name": self.kernel.name, **_common(self.kernel)},
                "outputs": self.outputs.to_json(),
                "blob": {
                    "sha256": self.blob.sha256,
                    "size": self.blob.size,
                    "tensors": {
                        name: {"dtype": tensor.dtype, "shape": list(tensor.shape)}
                        for name, tensor in self.blob.tensors.items()
                    },
                },
                "profile": None if self.profile is None else self.profile.to_json(),
                "golden": self.golden.to_json(),
            }
        )


def _common(part: Algorithm) -> dict[str, Json]:
    return {"in": list(part.inputs), "params": dict(part.params), "tensors": dict(part.tensors)}


def parse(data: bytes, limits: Limits = DEFAULT) -> Manifest:
    """Read and check a manifest.

    Raises ``VersionRefused("manifest", ...)`` with the path and the reason for anything that is not exactly what
    :meth:`Manifest.to_bytes` would write.
    """
    if len(data) > limits.manifest_bytes:
        raise VersionRefused(
            "manifest", f"the manifest has {len(data)} bytes; at most {limits.manifest_bytes} are read"
        )
    document = Reader(canonical.decode(data, "the manifest"), "manifest")
    _check_format(document)
    (_, model, version, serial, trained, inputs, pipeline, kernel, outputs, blob, profile, golden) = document.fields(
        "format_version", "model", "version", "serial", "trained_with", "inputs", "pipeline", "kernel", "outputs",
        "blob", "profile", "golden",
    )  # fmt: skip
    library, release = trained.fields("library", "version")
    declared = tuple(Input.read(entry) for entry in inputs.items(1, limits.inputs))
    scores = Outputs.read(outputs, limits)
    manifest = Manifest(
        model=model.identifier(),
        version=version.identifier(),
        serial=serial.integer(0, 2**63 - 1),
        trained_with=TrainedWith(library.text(), release.text()),
        inputs=declared,
        pipeline=tuple(_step(entry, limits) for entry in pipeline.items(0, limits.steps)),
        kernel=_kernel(kernel, limits),
        outputs=scores,
        blob=_blob(blob, limits),
        profile=None if profile.value is None else evidence.read_profile(profile, declared, scores.count),
        golden=evidence.read_golden(golden, declared, scores.count, limits),
    )
    _check_names(manifest, limits)
    if manifest.to_bytes() != data:
        raise VersionRefused(
            "manifest",
            "the manifest is not in canonical form (sorted keys, no blanks, no newline at the end, shortest numbers); "
            "write it with this package's tools instead of editing it by hand",
        )
    return manifest


def _check_format(document: Reader) -> None:
    """Before anything else, so that a newer form is named as such and not as an unknown field."""
    if not isinstance(document.value, dict):
        document.refuse("an object")
    found = Reader(document.value.get("format_version"), "manifest.format_version").integer(1, 2**31)
    if found != FORMAT:
        raise VersionRefused("manifest", f"the manifest has format_version {found}; this release reads {FORMAT} only")


def _algorithm(name: Reader, taken: Reader, params: Reader, tensors: Reader, limits: Limits) -> Algorithm:
    return Algorithm(
        name=name.text(),
        inputs=tuple(entry.text() for entry in taken.items(1, limits.columns)),
        outputs=(),
        params={key: _parameter(value, limits) for key, value in params.entries(100)},
        tensors={role: value.text() for role, value in tensors.entries(100)},
    )


def _step(reader: Reader, limits: Limits) -> Algorithm:
    name, taken, made, params, tensors = reader.fields("op", "in", "out", "params", "tensors")
    common = _algorithm(name, taken, params, tensors, limits)
    outputs = tuple(entry.text() for entry in made.items(1, limits.columns))
    return Algorithm(common.name, common.inputs, outputs, common.params, common.tensors)


def _kernel(reader: Reader, limits: Limits) -> Algorithm:
    name, taken, params, tensors = reader.fields("name", "in", "params", "tensors")
    return _algorithm(name, taken, params, tensors, limits)


def _parameter(reader: Reader, limits: Limits) -> Json:
    """A scalar or a list of scalars: whatever a step may want, it cannot be nested."""
    entries = reader.items(0, limits.categories) if isinstance(reader.value, list) else [reader]
    for entry in entries:
        if isinstance(entry.value, str):
            entry.raw_text(limits.category_bytes)
        elif isinstance(entry.value, list | dict):
            entry.refuse("a number, a string, true, false or null")
    return reader.value


def _blob(reader: Reader, limits: Limits) -> Blob:
    sha256, size, tensors = reader.fields("sha256", "size", "tensors")
    if not _SHA256.fullmatch(sha256.raw_text(64)):
        sha256.refuse("64 hexadecimal digits in lower case")
    declared = {}
    for name, entry in tensors.entries(limits.tensors):
        dtype, shape = entry.fields("dtype", "shape")
        sizes = tuple(length.integer(0, _LONGEST_SIDE) for length in shape.items(0, 4))
        declared[name] = TensorType(dtype.one_of(*DTYPES), sizes)
    return Blob(sha256.raw_text(64), size.integer(8, limits.blob_bytes), declared)


def _check_names(manifest: Manifest, limits: Limits) -> None:
    """A column is made once and before it is taken; a tensor is declared once and used once."""
    made: set[str] = set()
    for name in (entry.name for entry in manifest.inputs):
        _make(made, name, "inputs")
    for position, step in enumerate(manifest.pipeline):
        _take(made, step, f"pipeline[{position}]")
        for name in step.outputs:
            _make(made, name, f"pipeline[{position}].out")
    _take(made, manifest.kernel, "kernel")
    if len(made) > limits.columns:
        raise VersionRefused("manifest", f"the version makes {len(made)} columns; at most {limits.columns} are allowed")
    taken = set(chain.from_iterable(part.inputs for part in (*manifest.pipeline, manifest.kernel)))
    for entry in manifest.inputs:
        if entry.name not in taken:
            raise VersionRefused(
                "manifest", f"input {entry.name!r} is used by no step and not by the kernel; remove it"
            )
    used = sorted(chain.from_iterable(part.tensors.values() for part in (*manifest.pipeline, manifest.kernel)))
    for name in used:
        if name not in manifest.blob.tensors:
            raise VersionRefused("manifest", f"tensor {name!r} is used but not declared in blob.tensors")
    if used != sorted(manifest.blob.tensors):
        raise VersionRefused("manifest", "every tensor in blob.tensors must be used by exactly one role of one part")


def _make(made: set[str], name: str, where: str) -> None:
    if name in made:
        raise VersionRefused("manifest", f"{where}: column {name!r} exists already; a name is made once")
    made.add(name)


def _take(made: set[str], part: Algorithm, where: str) -> None:
    for name in part.inputs:
        if name not in made:
            raise VersionRefused(
                "manifest", f"{where}: column {name!r} is neither an input nor made by an earlier step"
            )
