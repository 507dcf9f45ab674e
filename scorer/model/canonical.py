"""Canonical JSON: one value, one sequence of bytes; and a reader that says what is wrong where.

Canonical means: keys sorted by code point, no blanks, no trailing newline, UTF-8 without escapes that JSON does not
demand, numbers as Python's ``repr`` writes them, and no NaN or infinity (where those are allowed they are the strings
``"NaN"``, ``"Infinity"``, ``"-Infinity"``). Bytes that differ from the canonical form of their own value are refused,
so that equal manifests have equal digests.
"""

from __future__ import annotations

import json
import math
import re
import reprlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn, TypeAlias

from scorer.errors import VersionRefused

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

# Neither megabytes of text for a large value nor an end of the stack for a deep one.
_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxlong = 100

_NON_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def encode(value: Json) -> bytes:
    """The canonical bytes of ``value``.

    Raises ``ValueError`` for NaN, infinity and text that is not Unicode (lone surrogates).
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
    return text.encode()


def decode(data: bytes, what: str) -> Json:
    """Parse JSON strictly: no duplicate keys, no NaN, no infinity, no integer beyond 64 bits, no deep nesting.

    Whether ``data`` is canonical shows when the value is encoded again. Raises ``VersionRefused("manifest", ...)``;
    ``what`` names the document in its message.
    """
    try:
        parsed: Json = json.loads(
            data.decode(),
            object_pairs_hook=_unique,
            parse_int=_short_integer,
            parse_float=_finite,
            parse_constant=_no_constant,
        )
    except RecursionError:
        raise VersionRefused("manifest", f"{what} is nested too deeply") from None
    except ValueError as error:
        raise VersionRefused("manifest", f"{what} is not strict JSON in UTF-8: {error}") from None
    return parsed


def _unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key occurs twice in one object")
    return found


def _short_integer(digits: str) -> int:
    if len(digits) > 20:
        raise ValueError(f"the integer {digits[:20]}… has more digits than 64 bits hold")
    return int(digits)


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"the number {digits[:40]} is beyond what a float64 holds")
    return number


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number; write it as a string where it is allowed")


def number_to_json(number: float) -> float | str:
    """A float as JSON holds it: itself, or one of the three strings for what is not finite."""
    if math.isfinite(number):
        return float(number)
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"


@dataclass(frozen=True, slots=True)
class Reader:
    """One value of a parsed document and the path to it; every method checks what it returns.

    All of them raise ``VersionRefused("manifest", ...)`` naming the path, what was expected and what was found.
    """

    value: Json
    path: str

    def refuse(self, expected: str) -> NoReturn:
        """Say that something else was expected here."""
        found = _SHORT.repr(self.value)
        raise VersionRefused(
            "manifest", f"{self.path}: expected {expected}, found {found if len(found) <= 80 else found[:80] + '…'}"
        )

    def fields(self, *names: str) -> list[Reader]:
        """The values of an object that has exactly these fields, in this order."""
        if not isinstance(self.value, dict):
            self.refuse("an object")
        for name in names:
            if name not in self.value:
                raise VersionRefused("manifest", f"{self.path}: the field {name!r} is missing")
        for name in self.value:
            if name not in names:
                raise VersionRefused("manifest", f"{self.path}: the field {name!r} is not known to this release")
        return [Reader(self.value[name], f"{self.path}.{name}") for name in names]

    def entries(self, high: int) -> Iterator[tuple[str, Reader]]:
        """The entries of an object with at most ``high`` free names."""
        if not isinstance(self.value, dict) or len(self.value) > high:
            self.refuse(f"an object with at most {high} fields")
        for name, value in self.value.items():
            Reader(name, f"{self.path}, a field's name").text()
            yield name, Reader(value, f"{self.path}.{name}")

    def items(self, low: int, high: int) -> list[Reader]:
        """The items of a list of ``low`` to ``high`` items."""
        if not isinstance(self.value, list) or not low <= len(self.value) <= high:
            size = len(self.value) if isinstance(self.value, list) else None
            expected = f"a list of {low if low == high else f'{low} to {high}'} items"
            self.refuse(expected if size is None else f"{expected} (it has {size})")
        return [Reader(value, f"{self.path}[{position}]") for position, value in enumerate(self.value)]

    def raw_text(self, high: int) -> str:
        """Any Unicode text of at most ``high`` UTF-8 bytes, also empty."""
        if not isinstance(self.value, str):
            self.refuse("a string")
        try:
            size = len(self.value.encode())
        except UnicodeEncodeError:
            raise VersionRefused("manifest", f"{self.path}: half of a surrogate pair is not text") from None
        if size > high:
            self.refuse(f"a string of at most {high} bytes")
        return self.value

    def text(self, high: int = 200) -> str:
        """Text for people: not empty, on one line."""
        found = self.raw_text(high)
        if not found or _CONTROL.search(found):
            self.refuse("a string that is not empty and has no control characters")
        return found

    def identifier(self) -> str:
        """A name that is safe in keys and paths: letters, digits, ``.``, ``_``, ``-``."""
        found = self.raw_text(100)
        if not _IDENTIFIER.fullmatch(found):
            self.refuse("a name of at most 100 letters, digits, '.', '_' or '-', beginning with one of the first two")
        return found

    def one_of(self, *choices: str) -> str:
        """One of a few words."""
        if not isinstance(self.value, str) or self.value not in choices:
            self.refuse(f"one of {', '.join(choices)}")
        return self.value

    def flag(self) -> bool:
        """``true`` or ``false``."""
        if not isinstance(self.value, bool):
            self.refuse("true or false")
        return self.value

    def integer(self, low: int, high: int) -> int:
        """An integer from ``low`` to ``high``."""
        if type(self.value) is not int or not low <= self.value <= high:
            self.refuse(f"an integer from {low} to {high}")
        return self.value

    def number(self) -> float:
        """A finite float64, written with a point or an exponent."""
        if type(self.value) is not float:
            self.refuse("a number with a decimal point")
        return self.value

    def any_number(self) -> float:
        """A float64, or one of the strings ``"NaN"``, ``"Infinity"``, ``"-Infinity"``."""
        if isinstance(self.value, str) and self.value in _NON_FINITE:
            return _NON_FINITE[self.value]
        if type(self.value) is not float:
            self.refuse('a number with a decimal point, or "NaN", "Infinity", "-Infinity"')
        return self.value
