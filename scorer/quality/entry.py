"""One table of a TOML file, read key by key; what is wrong with it is noted with its line, not raised."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable, Mapping
from typing import TypeGuard

import numpy as np

_MOST = float(np.finfo(np.float64).max)
_LARGEST = 2**53
"""The largest count that float64 holds exactly, too."""


class Lines:
    """Finds the line on which an entry or one of its keys stands, as far as the text is laid out as usual."""

    def __init__(self, text: str, entries: int) -> None:
        self._lines = text.splitlines()
        self._starts = [at for at, line in enumerate(self._lines) if re.match(r"\s*\[\[\s*requirement\s*\]\]", line)]
        if len(self._starts) != entries:  # written in another way, or quoted in a text: rather no line than a wrong one
            self._starts = []

    def find(self, place: int, path: tuple[str, ...]) -> int | None:
        """The line, counted from 1, of a key (the last of ``path``) of an entry, or of the entry."""
        if not self._starts:
            return None
        start, end = self._starts[place], [*self._starts, len(self._lines)][place + 1]
        at = start
        for key in path:
            pattern = rf"\s*(?:\[\s*requirement\.{re.escape(key)}\s*\]|[\"']?{re.escape(key)}[\"']?\s*=)"
            at = next((line for line in range(at, end) if re.match(pattern, self._lines[line])), at)
        return at + 1


class Entry:
    """The values of one table. Each method takes the value of a key, and notes a mistake where it is not as wanted."""

    def __init__(
        self,
        values: Mapping[str, object],
        mistakes: list[str],
        lines: Lines,
        place: int,
        outer: Entry | None = None,
        path: tuple[str, ...] = (),
    ) -> None:
        self.failed = False
        self._values, self._mistakes, self._lines = values, mistakes, lines
        self._place, self._outer, self._path = place, outer, path
        self._known: dict[str, None] = {}

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def wrong(self, key: str, why: str) -> None:
        """Note a mistake at ``key``."""
        self.failed = True
        path = (*self._path, key)
        if self._outer is not None:
            self._outer.wrong(".".join(path), why)
            return
        line = self._lines.find(self._place, tuple(key.split(".")))
        metric = self._values.get("metric")
        where = f"requirement {self._place + 1}" + (f" ({metric})" if isinstance(metric, str) else "")
        self._mistakes.append(f"{'' if line is None else f'line {line}, '}{where}: {key}: {why}")

    def take(self, key: str) -> object:
        """Whatever stands there; ``None`` for nothing."""
        self._known[key] = None
        return self._values.get(key)

    def text(self, key: str, *, needed: bool = False) -> str | None:
        """A text that is not empty."""
        value = self.take(key)
        if isinstance(value, str) and value.strip():
            return value
        self._refuse(key, value, "a text", needed=needed)
        return None

    def flag(self, key: str) -> bool | None:
        """True or false."""
        value = self.take(key)
        if isinstance(value, bool):
            return value
        self._refuse(key, value, "true or false", needed=False)
        return None

    def choice(self, key: str, choices: Iterable[str]) -> str | None:
        """One of these texts; it is needed."""
        value = self.take(key)
        choices = list(choices)
        if isinstance(value, str) and value in choices:
            return value
        close = suggestion(value, choices) if isinstance(value, str) else ""
        self._refuse(key, value, f"one of {', '.join(map(repr, choices))}{close}", needed=True)
        return None

    def integer(self, key: str, low: int, high: int = _LARGEST, *, needed: bool = False) -> int | None:
        """A whole number of at least ``low`` and at most ``high``."""
        value = self.take(key)
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return value
        most = f" and at most {high:,}" if isinstance(value, int) and value > high else ""
        self._refuse(key, value, f"a whole number of at least {low}{most}", needed=needed)
        return None

    def number(
        self, key: str, *, above: float = -math.inf, below: float = math.inf, needed: bool = False
    ) -> float | None:
        """A finite number, above the one and below the other."""
        value = self.take(key)
        if is_number(value) and above < value < below:
            return float(value)
        limits = [f"above {above:g}"] * (above > -math.inf) + [f"below {below:g}"] * (below < math.inf)
        self._refuse(key, value, " ".join(["a number", " and ".join(limits)]).strip(), needed=needed)
        return None

    def date(self, key: str) -> str | None:
        """A day, as TOML or as text, in the form 2013-12-31; it is needed."""
        value = self.take(key)
        if not isinstance(value, int) and _is_day(str(value)):
            return str(value)
        self._refuse(key, value, "a day such as 2013-12-31", needed=True)
        return None

    def inside(self, key: str) -> Entry | None:
        """The table at ``key``, whose mistakes are noted with this one's."""
        value = self.take(key)
        if isinstance(value, Mapping):
            return Entry(value, self._mistakes, self._lines, self._place, self, (*self._path, key))
        self._refuse(key, value, "a table", needed=False)
        return None

    def nothing_else(self) -> None:
        """Note every key that nobody has asked for."""
        for key in self._values:
            if key not in self._known:
                self.wrong(key, f"is no key{suggestion(key, self._known)}; there are {', '.join(self._known)}")

    def _refuse(self, key: str, value: object, wanted: str, *, needed: bool) -> None:
        if value is None and needed:
            self.wrong(key, f"is missing; it must be {wanted}")
        elif value is not None:
            self.wrong(key, f"{_quoted(value)} must be {wanted}")


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether it is a finite number that float64 can hold."""
    return isinstance(value, int | float) and not isinstance(value, bool) and -_MOST <= value <= _MOST


def suggestion(word: str, words: Iterable[str]) -> str:
    """`` (did you mean 'x'?)`` where one of ``words`` is like ``word``; else nothing."""
    close = difflib.get_close_matches(word, list(words), 1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def said(number: int, what: str) -> str:
    """``1 thing`` or ``2 things``."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def _quoted(value: object) -> str:
    if isinstance(value, int) and abs(value) > _LARGEST:
        return "a number so large"  # Python refuses to spell one of thousands of digits
    text = repr(value) if isinstance(value, str | int | float) else type(value).__name__
    return text if len(text) <= 60 else f"{text[:59]}…"


def _is_day(text: str) -> bool:
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        return False
    month, day = text[:7], int(text[8:])
    if not 1 <= int(month[5:]) <= 12:
        return False
    start = np.datetime64(month, "M")
    return 1 <= day <= int((start + 1).astype("datetime64[D]").astype(int) - start.astype("datetime64[D]").astype(int))
