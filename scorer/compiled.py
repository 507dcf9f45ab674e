"""The one door to numba: how functions are compiled, where machine code is cached, how memory is read by address.

Entry points (functions called from Python) are compiled for one explicit signature when their module is imported,
so nothing is ever compiled while events flow: not for a new schema, not for a new version, not for a new shape.
Helpers that only other compiled functions call are typed by their callers and inlined into them.

Floating point is strict IEEE 754: no fast-math, no contraction, no vector mathematics library, because a
prediction must have the same bits whatever its place in a batch.
"""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from numba import types
from numba.core import cgutils, config
from numba.extending import intrinsic

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": False}


def _cache_directory() -> str | None:
    """A private directory for machine code, named after the sources it was made from.

    Numba's own index looks only at the file of the entry point, so a changed helper in another file would go
    unnoticed; hence one directory per state of the sources. ``NUMBA_CACHE_DIR``, where set, is left alone.

    Returns ``None``, with a warning, where no directory can be written: every start then compiles anew.
    """
    if os.environ.get("NUMBA_CACHE_DIR"):
        return os.environ["NUMBA_CACHE_DIR"]
    here = Path(__file__).parent
    digest = hashlib.sha256(numba.__version__.encode())
    for source in sorted(
        [here / "batch.py", here / "compiled.py", *here.glob("wire/*.py"), *here.glob("model/**/*.py")]
    ):
        digest.update(source.read_bytes())
    base = os.environ.get("XDG_CACHE_HOME") or str(Path("~/.cache").expanduser())
    directory = Path(base) / "scorer" / f"compiled-{digest.hexdigest()[:16]}"
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        warnings.warn(f"no compiled code is cached, so every start takes long: {error}", RuntimeWarning, stacklevel=2)
        return None
    return str(directory)


if config.USING_SVML:
    raise ImportError("numba was imported before scorer, and uses Intel's vector library: import scorer first")
_CACHE = _cache_directory()
if _CACHE is not None:
    # Numba reads its settings again when it sees that the environment has changed since; that must not happen later,
    # because it would forget the directory.
    config.reload_config()
    config.CACHE_DIR = _CACHE


def entry(signature: Any) -> Callable[[F], F]:
    """Compile a function that Python calls, at import, for one ``signature``; its machine code is cached on disk."""
    return cast("Callable[[F], F]", numba.njit(signature, cache=_CACHE is not None, **_OPTIONS))


def helper(function: F) -> F:
    """Mark a function that only compiled code calls: compiled together with each caller."""
    return cast("F", numba.njit(**_OPTIONS)(function))


def borrowing(function: F) -> F:
    """A helper that borrows its arrays: it counts no references and cannot allocate, which the compiler checks.

    Counting costs two atomic operations for each array and call; for helpers that take a dozen arrays and run a block
    of rows, that was three quarters of the time of decoding.
    """
    return cast("F", numba.njit(_nrt=False, **_OPTIONS)(function))


def inlined(function: F) -> F:
    """A helper that is so small that it must never cost a call."""
    return cast("F", numba.njit(inline="always", **_OPTIONS)(function))


@intrinsic  # type: ignore[untyped-decorator]  # numba ships no types for it
def _pointer_u8(_context: Any, _address: Any) -> Any:
    signature = types.CPointer(types.uint8)(types.int64)

    def generate(_c: Any, builder: Any, _s: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], cgutils.voidptr_t)

    return signature, generate


@helper
def memory(address: int, length: int) -> Any:
    """The ``length`` bytes at ``address`` as a uint8 array. Compiled code only; the caller vouches for the bounds."""
    return numba.carray(_pointer_u8(address), length)
