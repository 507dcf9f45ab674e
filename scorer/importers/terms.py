"""The terms of coefficient tables, as R, statsmodels and Weka name them.

===============  =====================  ===============================  ==================================
what             R                      statsmodels                      Weka
===============  =====================  ===============================  ==================================
constant         ``(Intercept)``        ``Intercept``, ``const``         ``Intercept``
number           ``distance``           ``distance``                     ``distance``
level            ``carrierUA``          ``C(carrier)[T.UA]``,            ``carrier=UA``; one of several
                                        ``carrier[T.UA]``                levels: ``carrier=UA,US``
true             ``nightTRUE``          ``night[T.True]``                ``night=true``
product          ``a:b``                ``a:b``                          none
power            ``I(x^2)``             ``I(x ** 2)``                    none
===============  =====================  ===============================  ==================================

The columns of the rows say which of them a term is about. A term that can be read in two ways is refused.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import pandas as pd
from pandas.api import types

from scorer.errors import NotImportable

INTERCEPTS = ("(Intercept)", "Intercept", "intercept", "const")

_PATSY = re.compile(r"(?:C\((?P<inside>.+)\)|(?P<plain>[^\[\]]+))\[(?:T\.)?(?P<level>.*)\]", re.DOTALL)
_REFERENCE = re.compile(r"Treatment\((?:reference\s*=\s*)?(?P<quote>['\"])(?P<level>.*)(?P=quote)\)", re.DOTALL)
_POWER = re.compile(r"I\(\s*(?P<name>.+?)\s*(?:\^|\*\*)\s*(?P<power>[2-9])\s*\)", re.DOTALL)
_TRUE = ("TRUE", "True", "true")
_MOST_COLONS = 20
_NEAREST = "make a column of it in the rows and the events, under the name of the term"


@dataclass(frozen=True, slots=True)
class Factor:
    """What a term multiplies: a number to a power, or 1 where a category is one of ``levels`` and else 0."""

    column: str
    levels: tuple[str, ...] = ()
    power: int = 1


Term = tuple[Factor, ...]
"""A product; empty for the constant."""


@dataclass(frozen=True, slots=True)
class Known:
    """The columns of the rows: those that hold numbers, and the levels that those with text show."""

    numbers: Collection[str]
    levels: Mapping[str, Collection[str]]

    @classmethod
    def of(cls, rows: pd.DataFrame) -> Known:
        """What a frame shows."""
        numbers = [str(name) for name in rows.columns if types.is_numeric_dtype(rows[name].dtype)]
        others = [name for name in rows.columns if str(name) not in numbers]
        return cls(numbers, {str(name): set(rows[name].dropna().astype(str)) for name in others})


def read(text: str, known: Known) -> Term:
    """What a term means. Raises ``NotImportable`` where it means nothing, or two things."""
    if text in INTERCEPTS and text not in known.numbers:
        return ()
    if text.count(":") > _MOST_COLONS:
        raise _refused(f"{text[:40]}…", f"it has more than {_MOST_COLONS} colons", _NEAREST)
    found = list(dict.fromkeys([*_factors(text, known), *_products(text, known)]))
    if len(found) > 1:
        shown = [term for term in found if all(_is_shown(factor, known) for factor in term)]
        found = shown or found
    if len(found) > 1:
        ways = " or ".join(" times ".join(map(_worded, term)) for term in found)
        raise _refused(text, f"it may mean {ways}", "give rows in which its levels occur, or rename the columns")
    if not found:
        columns = ", ".join([*known.numbers, *known.levels])
        raise _refused(text, f"it names no column of the rows, which have {columns}", _NEAREST)
    return found[0]


def reference(text: str) -> tuple[str, str] | None:
    """The column and reference level that a term of statsmodels states, if it does."""
    for part in text.split(":"):
        match = _PATSY.fullmatch(part)
        stated = _REFERENCE.search(match["inside"]) if match and match["inside"] else None
        if match and stated:
            return match["inside"].split(",")[0].strip(), stated["level"]
    return None


def _factors(text: str, known: Known) -> list[Term]:
    """The ways in which the whole text is one factor."""
    return [(factor,) for factor in _single(text, known)]


def _products(text: str, known: Known) -> list[Term]:
    """The ways in which the text is a product of factors, with a colon between them."""
    found: list[Term] = []
    for place in (match.start() for match in re.finditer(":", text)):
        left, right = _factors(text[:place], known), text[place + 1 :]
        if left:
            found += [one + other for one, other in product(left, [*_factors(right, known), *_products(right, known)])]
    return found


def _single(text: str, known: Known) -> Iterator[Factor]:
    if text in known.numbers:
        yield Factor(text)
        return
    if text in known.levels:
        why = f"column {text!r} holds text, so it cannot be multiplied by an estimate"
        raise _refused(text, why, "give it as numbers in the rows, as the library had it")
    if (power := _POWER.fullmatch(text)) and power["name"] in known.numbers:
        yield Factor(power["name"], power=int(power["power"]))
    if match := _PATSY.fullmatch(text):
        name = (match["plain"] or match["inside"].split(",")[0]).strip()
        if name in known.levels:
            yield Factor(name, (match["level"],))
        elif name in known.numbers and not match["inside"] and match["level"] in _TRUE:
            yield Factor(name)
        elif name in known.numbers:
            raise _as_text(text, name)
        return
    yield from _named(text, known)


def _named(text: str, known: Known) -> Iterator[Factor]:
    """``column=level`` and ``columnlevel``."""
    for name in (*known.levels, *known.numbers):
        if not text.startswith(name) and text.startswith(f"factor({name})"):
            raise _as_text(text, name) if name in known.numbers else _refused(text, "factor() is in it", _NEAREST)
        rest = text[len(name) :] if text.startswith(name) else ""
        if name in known.numbers:
            if rest.lstrip("=") in _TRUE:
                yield Factor(name)
            continue
        if rest.startswith("=") and len(rest) > 1:
            yield from _one_of(name, rest[1:], known)
        if rest and (not rest.startswith("=") or rest in known.levels[name]):
            yield Factor(name, (rest,))


def _one_of(name: str, text: str, known: Known) -> Iterator[Factor]:
    """A level, or one of several with commas between them, as the rows show."""
    several = tuple(text.split(","))
    if text in known.levels[name] or len(several) == 1:
        yield Factor(name, (text,))
    else:
        yield Factor(name, several)


def _is_shown(factor: Factor, known: Known) -> bool:
    return factor.column in known.numbers or all(level in known.levels[factor.column] for level in factor.levels)


def _worded(factor: Factor) -> str:
    if factor.levels:
        return f"{factor.column!r} is {' or '.join(map(repr, factor.levels))}"
    return repr(factor.column) if factor.power == 1 else f"{factor.column!r} to the power {factor.power}"


def _as_text(term: str, name: str) -> NotImportable:
    why = f"column {name!r} holds numbers, but the term takes it for a category"
    return _refused(term, why, "give it as text in the rows and the events")


def _refused(term: str, why: str, nearest: str) -> NotImportable:
    return NotImportable(f"term {term!r}", why, nearest)


def columns(terms: Sequence[Term]) -> tuple[str, ...]:
    """The columns that the terms take, each once, in their order."""
    return tuple(dict.fromkeys(factor.column for term in terms for factor in term))


def levels(terms: Sequence[Term], column: str) -> tuple[str, ...]:
    """The levels of a column that the terms name, each once, in their order."""
    return tuple(
        dict.fromkeys(level for term in terms for factor in term if factor.column == column for level in factor.levels)
    )
