"""``coefficients/M/requirements.toml``: its text read and checked, with every mistake named at once."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import get_args

from scorer.errors import SettingsError
from scorer.quality.entry import Entry, Lines, is_number, said, suggestion
from scorer.quality.lateness import edge_of, edges_in_words
from scorer.quality.metrics import CONTINUOUSLY, METRICS, ONCE, OPERATIONAL, Metric, Mode
from scorer.quality.parameters import KEYS, Costs, Parameters
from scorer.quality.requirement import EACH, Baseline, Requirement, Segments, Window

_MOST_BINS = 10_000


def parse(text: str, name: str) -> tuple[Requirement, ...]:
    """The requirements in the text of the file ``name``. Raises ``SettingsError`` that lists all mistakes.

    A mistake is named by its line, the number of its requirement, and what to write instead.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{name}: is not TOML: {error}") from None
    except (ValueError, RecursionError):
        raise SettingsError(f"{name}: a number has thousands of digits, or lists are nested too deeply") from None
    mistakes = [
        f"{key}: is no key; requirements stand under [[requirement]]" for key in document if key != "requirement"
    ]
    entries = document.get("requirement", [])
    if not isinstance(entries, list) or not all(isinstance(values, dict) for values in entries):
        entries, mistakes = [], [*mistakes, "requirement: write each under a line of its own, [[requirement]]"]
    lines, found = Lines(text, len(entries)), []
    first: dict[tuple[object, ...], int] = {}
    for place, values in enumerate(entries):
        entry = Entry(values, mistakes, lines, place)
        requirement = _read(entry)
        if requirement is None:
            continue
        found.append(requirement)
        if (before := first.setdefault(requirement.subject, place)) != place:
            entry.wrong(
                "metric", f"asks the same as requirement {before + 1}: give both bounds there, and remove this one"
            )
    if mistakes:
        raise SettingsError(f"{name}: {said(len(mistakes), 'mistake')}:\n" + "\n".join(f"  {one}" for one in mistakes))
    return tuple(found)


def _read(entry: Entry) -> Requirement | None:
    """The requirement of an entry; ``None`` where there is anything wrong with it, which is noted then."""
    metric = _metric(entry)
    parameters = _parameters(entry, metric)
    window, judged = entry.choice("window", get_args(Window)), entry.choice("judged", get_args(Mode))
    least = entry.integer("least_labels", 1, needed=True)
    minimum, maximum = entry.number("minimum"), entry.number("maximum")
    segments, season = _segments(entry), _season(entry)
    guarded = entry.flag("guarded")
    baseline = _baseline(entry, metric, parameters)
    entry.nothing_else()
    if metric is not None:
        _check_mode(entry, metric, judged)
        _check_bounds(entry, metric, parameters, minimum, maximum)
        if segments and metric.name in OPERATIONAL:
            entry.wrong("segments", f"{metric.name} is counted of all events together; remove them")
    if entry.failed or metric is None or window is None or judged is None or least is None:
        return None
    return Requirement(
        metric,
        parameters,
        window,  # type: ignore[arg-type]  # one of the choices
        judged,  # type: ignore[arg-type]
        least,
        minimum,
        maximum,
        segments,
        season,
        True if guarded is None else guarded,
        baseline,
    )


def _metric(entry: Entry) -> Metric | None:
    name = entry.text("metric", needed=True)
    if name is None or name in METRICS:
        return METRICS.get(name or "")
    entry.wrong("metric", f"{name!r} is not known{suggestion(name, METRICS)}; there are {', '.join(METRICS)}")
    return None


def _parameters(entry: Entry, metric: Metric | None) -> Parameters:
    """All that a metric may be given. Of a metric that is not known, whatever is well-formed."""
    allowed = KEYS.values() if metric is None else (*metric.needs, *metric.takes)
    for key in KEYS.values():
        if key in entry and key not in allowed and metric is not None:
            entry.wrong(key, f"has no meaning for {metric.name}; remove it")
        elif metric is not None and key in metric.needs and key not in entry:
            entry.wrong(key, f"is needed: {_MEANINGS[key]}")
    return Parameters(
        threshold=entry.number("threshold"),
        klass=entry.text("class"),
        clip=entry.number("clip", above=0.0, below=0.5),
        bins=entry.integer("bins", 2, _MOST_BINS),
        bound=entry.number("bound", above=0.0),
        quantile=entry.number("quantile", above=0.0, below=1.0),
        costs=_costs(entry),
        group=entry.text("group"),
        at=entry.integer("at", 1),
        within=_within(entry),
    )


_MEANINGS = {
    "clip": "the least probability that counts, between 0 and 0.5, such as 0.000001",
    "bins": "how many bins, such as 10",
    "quantile": "the quantile that the scores estimate, between 0 and 1",
    "costs": "a list of rows, one for each true class, with a cost for each predicted one",
    "group": "the field that names the list which a row belongs to",
    "within": "how many seconds after its event a prediction is too late, such as 0.5",
    "bound": "the most that the error of one row counts, in the label's unit",
}


def _within(entry: Entry) -> float | None:
    seconds = entry.number("within", above=0.0)
    if seconds is not None and edge_of(seconds) is None:
        entry.wrong("within", f"latency is counted in bins; write one of these seconds: {edges_in_words()}")
    return seconds


def _costs(entry: Entry) -> Costs | None:
    rows = entry.take("costs")
    if rows is None:
        return None
    if not isinstance(rows, list) or len(rows) < 2 or not all(_is_row(row, len(rows)) for row in rows):
        entry.wrong(
            "costs", "must be a square of finite numbers: a row for each true class, a column for each predicted"
        )
        return None
    return tuple(tuple(float(cost) for cost in row) for row in rows)


def _is_row(row: object, size: int) -> bool:
    return isinstance(row, list) and len(row) == size and all(map(is_number, row))


def _segments(entry: Entry) -> tuple[Segments, ...]:
    given = entry.take("segments")
    if given is None:
        return ()
    if not isinstance(given, Mapping) or not given:
        entry.wrong("segments", f'must be a table of fields, as in {{ origin = "{EACH}", carrier = ["AA", "UA"] }}')
        return ()
    found = []
    for field, value in given.items():
        values = [value] if isinstance(value, str) and value != EACH else value
        if values == EACH:
            found.append(Segments(field, ()))
        elif isinstance(values, list) and values and all(isinstance(one, str) for one in values):
            found.append(Segments(field, tuple(dict.fromkeys(values))))
        else:
            entry.wrong("segments", f'{field} must be "{EACH}", a value as text, or a list of values')
    return tuple(found)


def _season(entry: Entry) -> tuple[int, ...]:
    months = entry.take("season")
    if months is None:
        return ()
    if not isinstance(months, list) or not months or not all(type(one) is int and 1 <= one <= 12 for one in months):
        entry.wrong("season", "must be a list of months of the year from 1 to 12, as in [12, 1, 2]")
        return ()
    return tuple(sorted(set(months)))


def _baseline(entry: Entry, metric: Metric | None, parameters: Parameters) -> Baseline | None:
    inner = entry.inside("baseline")
    if inner is None:
        return None
    value = inner.number("value", needed=True)
    version, data = inner.text("version", needed=True), inner.text("data", needed=True)
    date, labels = inner.date("date"), inner.integer("labels", 1)
    sha256 = inner.text("sha256")
    worst, worst_window = inner.number("worst"), inner.text("worst_window")
    margin = inner.number("margin")
    inner.nothing_else()
    if metric is not None and not inner.failed:
        for key, one in (("value", value), ("worst", worst)):
            _check_range(inner, key, metric, parameters, one)
    if value is None or version is None or data is None or date is None:
        return None
    return Baseline(value, version, data, date, labels, sha256, worst, worst_window, margin)


def _check_mode(entry: Entry, metric: Metric, judged: str | None) -> None:
    if judged != CONTINUOUSLY:
        return
    if metric.continuous is None:
        others = ", ".join(name for name, one in METRICS.items() if one.continuous)
        entry.wrong(
            "judged",
            f"{metric.name} has no bounds that hold however often one looks; write {ONCE!r}, or use one of {others}",
        )
    for key in metric.continuous_needs:
        if key not in entry:
            entry.wrong(key, f"is needed to judge {metric.name} continuously: {_MEANINGS[key]}")


def _check_bounds(
    entry: Entry, metric: Metric, parameters: Parameters, minimum: float | None, maximum: float | None
) -> None:
    for key, bound in (("minimum", minimum), ("maximum", maximum)):
        _check_range(entry, key, metric, parameters, bound)
    if minimum is None and maximum is None:
        entry.wrong("metric", "give a minimum, a maximum or both")
    elif minimum is not None and maximum is not None and minimum > maximum:
        entry.wrong("minimum", f"{minimum:g} is above the maximum, {maximum:g}: nothing can satisfy both")
    elif metric.better == "larger" and minimum is None:
        entry.wrong("maximum", f"larger is better for {metric.name}: give a minimum, with or without a maximum")
    elif metric.better == "smaller" and maximum is None:
        entry.wrong("minimum", f"smaller is better for {metric.name}: give a maximum, with or without a minimum")


def _check_range(entry: Entry, key: str, metric: Metric, parameters: Parameters, bound: float | None) -> None:
    low, high = metric.range(parameters, None)
    if bound is None or low <= bound <= high:
        return
    hint = f"; for {bound:g} % write {bound / 100:g}" if high in (1.0, 2.0) and high < bound <= 100.0 else ""
    entry.wrong(key, f"{metric.name} lies between {low:g} and {high:g}, and {bound:g} does not{hint}")
