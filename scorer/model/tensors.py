"""Tensors to and from a safetensors blob: only what the manifest declares, byte for byte, and nothing else.

The format: 8 bytes with the length of the header (little endian), the header (a JSON object that gives dtype, shape
and ``[begin, end)`` of each tensor in the rest), the values. Blobs are written by the safetensors library. They are
read here, because every check must come before anything is allocated.

Source: https://github.com/huggingface/safetensors, section Format of its README.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from safetensors.numpy import save

from scorer.errors import VersionRefused
from scorer.model import canonical
from scorer.model.canonical import Reader
from scorer.model.limits import DEFAULT, Limits
from scorer.model.manifest import Blob, TensorType

Tensor: TypeAlias = "npt.NDArray[Any]"
"""An array of one of the closed list of dtypes; who takes it out of the blob checks which."""

_STORED: Mapping[str, tuple[str, np.dtype[Any]]] = {
    "float64": ("F64", np.dtype("<f8")),
    "float32": ("F32", np.dtype("<f4")),
    "int64": ("I64", np.dtype("<i8")),
    "int32": ("I32", np.dtype("<i4")),
    "uint8": ("U8", np.dtype("u1")),
}


def write(tensors: Mapping[str, Tensor]) -> tuple[bytes, Blob]:
    """The blob of ``tensors`` and its declaration. The same tensors give the same bytes.

    Raises ``VersionRefused("tensors", ...)`` for a dtype that is not on the list. No metadata is written: with
    several keys their order would change from run to run.
    """
    declared = {}
    rows = {}
    for name, tensor in tensors.items():
        if tensor.dtype.name not in _STORED:
            raise VersionRefused(
                "tensors", f"tensor {name!r} has dtype {tensor.dtype}; use one of {', '.join(_STORED)}"
            )
        # The library writes the memory of a transposed or strided array as it lies, scrambled.
        rows[name] = np.require(tensor, _STORED[tensor.dtype.name][1], "C")
        declared[name] = TensorType(tensor.dtype.name, tuple(int(size) for size in tensor.shape))
    blob = save(rows)
    info = Blob(hashlib.sha256(blob).hexdigest(), len(blob), declared)
    for name, found in read(blob, info).items():
        if not np.array_equal(found, tensors[name], equal_nan=found.dtype.kind == "f"):
            raise VersionRefused("tensors", f"tensor {name!r} changed while it was written; this is a bug")
    return blob, info


def read(blob: bytes, declared: Blob, limits: Limits = DEFAULT) -> dict[str, Tensor]:
    """The tensors of a blob, as arrays that cannot be written to.

    Raises ``VersionRefused("tensors", ...)`` unless size, sha256, names, dtypes and shapes are those declared, and
    the values lie side by side without gap or overlap.
    """
    if len(blob) > limits.blob_bytes or len(blob) != declared.size:
        raise VersionRefused(
            "tensors",
            f"the tensors have {len(blob)} bytes; the manifest says {declared.size}, and at most "
            f"{limits.blob_bytes} are read",
        )
    if hashlib.sha256(blob).hexdigest() != declared.sha256:
        raise VersionRefused("tensors", "the tensors are not those of the manifest: their sha256 differs")
    begin = 8 + int.from_bytes(blob[:8], "little")
    if not 8 < begin <= min(len(blob), 8 + limits.manifest_bytes) or begin % 8:
        raise VersionRefused("tensors", "the length of the tensors' header is impossible")
    try:
        return _read(blob, begin, declared.tensors)
    except VersionRefused as error:
        raise VersionRefused("tensors", f"header of the tensors: {error}") from None


def _read(blob: bytes, begin: int, declared: Mapping[str, TensorType]) -> dict[str, Tensor]:
    header = Reader(canonical.decode(blob[8:begin], "it"), "header")
    found = dict(zip(declared, header.fields(*declared), strict=True))
    spans = []
    tensors: dict[str, Tensor] = {}
    for name, entry in found.items():
        dtype, shape, offsets = entry.fields("dtype", "shape", "data_offsets")
        stored, numpy_dtype = _STORED[declared[name].dtype]
        dtype.one_of(stored)
        sizes = tuple(size.integer(0, len(blob)) for size in shape.items(0, 4))
        if sizes != declared[name].shape:
            shape.refuse(f"the declared shape {list(declared[name].shape)}")
        start, end = (offset.integer(0, len(blob) - begin) for offset in offsets.items(2, 2))
        if end - start != math.prod(sizes) * numpy_dtype.itemsize or start % numpy_dtype.itemsize:
            offsets.refuse("offsets that fit dtype and shape")
        # Beside a 0 the other sizes say nothing about the bytes, and numpy cannot hold any that it likes.
        if math.prod(max(size, 1) for size in sizes) > len(blob):
            shape.refuse("sizes that the blob could hold")
        spans.append((start, end))
        values = np.frombuffer(blob, numpy_dtype, math.prod(sizes), begin + start)
        tensors[name] = values.astype(numpy_dtype.newbyteorder("="), copy=False).reshape(sizes)
        tensors[name].flags.writeable = False
    place = 0
    for start, end in sorted(spans):
        if start != place:
            header.refuse("tensors side by side")
        place = end
    if place != len(blob) - begin:
        header.refuse("tensors up to the end of the blob")
    return tensors
