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
import pickle
import stat
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from numba import types
from numba.core import cgutils, config
from numba.core.caching import UserProvidedCacheLocator
from numba.extending import intrinsic

F = TypeVar("F", bound=Callable[..., Any])

_PACKAGE = Path(__file__).absolute().parent
_OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": False}


def _cache_directory() -> str | None:
    """A private directory for machine code, named after the sources it was made from.

    Numba's own index looks only at the file of the entry point, so a changed helper in another file would go
    unnoticed; hence one directory per state of the sources. ``NUMBA_CACHE_DIR``, where set, is left alone.

    It may be one that can only be read, as in a container's image. What lies there is run, so nobody but this user and
    the superuser may write to it. Returns ``None``, with a warning, where there is none and none can be made: every
    start then compiles anew.
    """
    if os.environ.get("NUMBA_CACHE_DIR"):
        return os.environ["NUMBA_CACHE_DIR"]
    digest = hashlib.sha256(numba.__version__.encode())
    own = [_PACKAGE / "batch.py", _PACKAGE / "compiled.py"]
    for source in sorted([*own, *_PACKAGE.glob("wire/*.py"), *_PACKAGE.glob("model/**/*.py")]):
        digest.update(source.read_bytes())
    place = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "scorer" / f"compiled-{digest.hexdigest()[:16]}"
    try:
        directory = place.expanduser()
    except RuntimeError:
        _warn(str(place), "this user has no home; set HOME or XDG_CACHE_HOME")
        return None
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        facts = directory.stat()
    except OSError as error:
        _not_cached(str(directory), error)
        return None
    if facts.st_uid not in (0, os.geteuid()) or facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        _warn(str(directory), "others may write to it, so delete it")
        return None
    return str(directory)


def _not_cached(directory: str, error: Exception) -> None:
    _warn(directory, str(error.strerror) if isinstance(error, OSError) else f"{type(error).__name__}, so delete it")


@cache  # once for each reason; what the warnings module remembers, it forgets whenever numba changes its filters
def _warn(directory: str, why: str) -> None:
    text = f"machine code for this processor and these sources is neither in {directory} nor can be kept there ({why})"
    warnings.warn(f"{text}: every start compiles anew, which takes long", RuntimeWarning, stacklevel=1)


class Place(UserProvidedCacheLocator):  # type: ignore[misc]  # numba ships no types for it
    """Tells numba to keep machine code in ``config.CACHE_DIR`` and nowhere else.

    Numba's own locators pass over a directory that cannot be written, even if all that is wanted lies there.
    """

    @classmethod
    def from_function(cls, function: Any, file: str) -> Place:
        """Called by numba: the place for what is compiled from ``function``, which was read from ``file``."""
        return cls(function, file)

    @classmethod
    def get_suitable_cache_subpath(cls, file: str) -> str:
        """Called by numba: the folder for ``file``; the same wherever this package is installed."""
        source = Path(file).absolute()
        inside = source.parent.relative_to(_PACKAGE) if source.is_relative_to(_PACKAGE) else None
        return str(super().get_suitable_cache_subpath(file) if inside is None else inside)


if config.USING_SVML:
    raise ImportError("numba was imported before scorer, and uses Intel's vector library: import scorer first")
_CACHE = _cache_directory()


@contextmanager
def _place() -> Iterator[None]:
    """While this lasts, functions of which numba is to keep the machine code get their place; others keep theirs."""
    before = config.CACHE_DIR, config.CACHE_LOCATOR_CLASSES
    config.CACHE_DIR, config.CACHE_LOCATOR_CLASSES = _CACHE, f"{__name__}.{Place.__name__}"
    try:
        yield
    finally:
        config.CACHE_DIR, config.CACHE_LOCATOR_CLASSES = before


def entry(signature: Any) -> Callable[[F], F]:
    """Compile a function that Python calls, at import, for one ``signature``; its machine code is cached on disk."""

    def compiled(function: F) -> F:
        with _place():
            dispatcher = numba.njit(cache=_CACHE is not None, **_OPTIONS)(function)
        try:
            dispatcher.compile(signature)
        except (OSError, EOFError, pickle.UnpicklingError) as error:
            _not_cached(str(_CACHE), error)
            if not dispatcher.signatures:  # it is compiled before it is written, but not before it is read
                dispatcher = numba.njit(**_OPTIONS)(function)
                dispatcher.compile(signature)
        dispatcher.disable_compile()
        return cast("F", dispatcher)

    return compiled


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
