"""Requirements as the text of a file, which ``requirements.parse`` reads back; and what one file requires less."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields

from scorer.quality.metrics import CONTINUOUSLY
from scorer.quality.requirement import EACH, Baseline, Requirement, Segments


def to_toml(requirements: Iterable[Requirement], head: str) -> str:
    """The text of a file; ``head`` stands above as a comment."""
    comment = "".join(f"# {line}".rstrip() + "\n" for line in head.splitlines())
    return "\n".join([comment, *("\n".join(_entry(one)) + "\n" for one in requirements)])


def loosened(old: Sequence[Requirement], new: Sequence[Requirement]) -> list[str]:
    """All that ``old`` requires and ``new`` does not, a sentence for each."""
    found = []
    for one in old:
        same = [other for other in new if _same(one, other)]
        if not same:
            found.append(f"{one.name} {one.bounds} ({one.window}) is dropped")
        found += [f"{one.name} ({one.window}): {why}" for other in same[:1] for why in _looser(one, other)]
    return found


def _same(one: Requirement, other: Requirement) -> bool:
    """Whether they are about the same thing; how it is judged may differ."""
    return (one.metric, one.parameters, one.window, one.segments, one.season) == (
        other.metric,
        other.parameters,
        other.window,
        other.segments,
        other.season,
    )


def _looser(old: Requirement, new: Requirement) -> Iterator[str]:
    lowest, highest = -math.inf, math.inf
    before = (lowest if old.minimum is None else old.minimum, highest if old.maximum is None else old.maximum)
    after = (lowest if new.minimum is None else new.minimum, highest if new.maximum is None else new.maximum)
    if after[0] < before[0] or after[1] > before[1]:
        yield f"{old.bounds} becomes {new.bounds}"
    if new.least_labels > old.least_labels:
        yield f"it takes {new.least_labels:,} labels to decide anything, and took {old.least_labels:,}"
    if old.judged == CONTINUOUSLY and new.judged != CONTINUOUSLY:
        yield "it is no longer judged continuously"
    if old.guarded and not new.guarded:
        yield "it is no longer guarded"


def _entry(one: Requirement) -> Iterator[str]:
    yield "[[requirement]]"
    yield f"metric = {_text(one.metric.name)}"
    for key, value in one.parameters.given().items():
        yield f"{key} = {_value(value)}"
    for key, bound in (("minimum", one.minimum), ("maximum", one.maximum)):
        if bound is not None:
            yield f"{key} = {bound!r}"
    yield f"window = {_text(one.window)}"
    yield f"judged = {_text(one.judged)}"
    yield f"least_labels = {one.least_labels}"
    if one.segments:
        yield f"segments = {{ {', '.join(map(_segments, one.segments))} }}"
    if one.season:
        yield f"season = {list(one.season)}"
    if not one.guarded:
        yield "guarded = false"
    if one.baseline is not None:
        yield from _baseline(one.baseline)


def _baseline(one: Baseline) -> Iterator[str]:
    yield ""
    yield "[requirement.baseline]"
    for name in (field.name for field in fields(Baseline)):
        value = getattr(one, name)
        if value is not None:
            yield f"{name} = {value if name == 'date' else _value(value)}"


def _segments(one: Segments) -> str:
    return f"{_text(one.field)} = {_value(list(one.values)) if one.values else _text(EACH)}"


def _value(value: object) -> str:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_value, value))}]"
    return repr(value)


def _text(text: str) -> str:
    """A basic string: JSON's escapes are TOML's, which wants one for DEL too."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
