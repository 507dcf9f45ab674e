"""The page: whole, self-contained, escaped, and in words where something is missing."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Final
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pytest

from monitor.judge.verdicts import Verdict, identity
from monitor.reports.cases import Error
from monitor.reports.document import Report, report
from monitor.reports.drifting import Input
from monitor.reports.material import Material
from monitor.reports.page import html
from monitor.stats.layout import Layout
from tests.monitor.reports.rows import CLASSES, DAY, JUNE, bucket, frame, material, required

EVIL: Final = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>&amp;\x1b[31m\u202e$x_{$\\frac"
VOID = {"meta", "br", "link", "img", "input", "hr"}


class Page(HTMLParser):
    """Tags, attributes and texts; fails where tags do not match."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text: list[str] = []
        self.ids: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        self.ids += [value for name, value in attrs if name == "id" and value is not None]
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"</{tag}> closes nothing"
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.text).split())


def rows() -> pd.DataFrame:
    return pd.concat([frame(0, 3_000, JUNE, 35), frame(1, 1_000, JUNE - 30 * DAY, 30)])


def verdict(given: Material, place: int, **facts: object) -> Verdict:
    """A verdict on a requirement of the material's, on its first window."""
    one = given.requirements[place]
    return Verdict(
        **{  # type: ignore[arg-type]  # a mapping of any
            "requirement": identity(one), "metric": one.metric.name, "name": one.name, "window": one.window,
            "number": 521, "begin": given.span.begin, "end": given.span.end, "role": "champion",
            "version": "2013-q1-boosted", "segment": None, "judged": one.judged, "verdict": "PASS", "value": 0.74,
            "error": 0.0, "low": 0.72, "high": 0.76, "n": 22_000, "predictions": 24_000, "minimum": one.minimum,
            "maximum": one.maximum, "guarded": one.guarded, "provisional": False, "revision": 0, "reason": "",
            "time": given.tick,
        } | facts
    )  # fmt: skip


@pytest.fixture(scope="module")
def month() -> Report:
    given = material(rows(), closed_before=JUNE + 29 * DAY)
    verdicts = [
        verdict(given, 0),
        verdict(given, 1, verdict="FAIL", low=0.21, high=0.26, value=0.23, provisional=True, revision=2, alarms=1),
        verdict(given, 3, segment=("origin", "JFK"), verdict="INSUFFICIENT", value=None, n=3, reason="too few labels"),
    ]
    return report(replace(given, verdicts=verdicts))


@pytest.fixture(scope="module")
def written(month: Report) -> str:
    """Its page."""
    return html(month)


def test_the_page_is_well_formed_and_has_every_section(month: Report, written: str) -> None:
    page = Page(written)
    sections = ("requirements", "trends", "segments", "scores", "labels", "estimates", "drift", "versions", "cases")
    assert set(page.ids) >= {*sections, "dead-letters"}
    assert len(page.ids) == len(set(page.ids))
    assert page.tags.count("svg") == len(month.trends) + 1 + 1 + 2 + 4
    assert ("viewport" in [value for name, value in page.attributes if name == "name"]) is True
    assert "@media print" in page.words


def test_nothing_comes_from_outside_and_nothing_runs(written: str) -> None:
    text = written
    page = Page(text)
    assert "://" not in text
    assert "@import" not in text
    assert not {
        "script",
        "link",
        "img",
        "iframe",
        "object",
        "embed",
        "base",
        "form",
        "image",
        "foreignobject",
        "animate",
    } & set(page.tags)
    for name, value in page.attributes:
        assert not name.startswith("on")
        assert name not in {"src", "srcset", "action", "data", "poster", "background"}
        if name == "href":
            assert value is not None
            assert value.startswith("#")
            assert value[1:] in page.ids
    assert set(re.findall(r"url\(([^)]*)\)", text)) <= {f"#{one}" for one in page.ids}


def test_figures_are_svg_by_themselves(written: str) -> None:
    for one in re.findall(r"<svg.*?</svg>", written, flags=re.DOTALL):
        root = ET.fromstring(one)  # noqa: S314  # our own
        assert root.get("role") == "img"
        assert root.get("aria-label")
        assert root.get("viewBox")
        assert root.get("width") is None


def test_verdicts_are_shown(written: str) -> None:
    words = Page(written).words
    assert "2013-06: 1 requirement failed" in words
    brier = "✗ FAIL brier at most 0.2 0.23 0.21 to 0.26 22,000 day 2013-06-01, continuously"
    assert f"{brier} provisional 2 corrections 0 / 1 / 0" in words
    assert "✓ PASS accuracy at least 0.7 0.74 0.72 to 0.76 22,000 month 2013-06, continuously 1 / 0 / 0" in words
    assert "? INSUFFICIENT precision (class late) origin = JFK" in words
    assert "too few labels" in words
    assert "? INSUFFICIENT auc at least 0.6 - - 0 week, continuously no window of it has been judged" in words
    assert "Provisional." in words


def test_the_same_report_is_the_same_page(month: Report, written: str) -> None:
    assert html(month) == written


def test_texts_from_data_are_escaped(written: str) -> None:
    classes = ("on time", EVIL)
    given = material(rows(), layout=Layout.of(required(), "binary", CLASSES, "probability"))
    evil = replace(
        given,
        model=EVIL,
        layout=replace(given.layout, classes=classes),
        requirements=[one for one in given.requirements if one.parameters.klass is None],
        champion=EVIL,
        challengers=(EVIL,),
        hours={(begin, EVIL, role): one for (begin, version, role), one in given.hours.items() if role == "champion"},
        segments={(EVIL, EVIL): given.segments["origin", "<b>EWR</b>"]},
        letters={EVIL: 3},
        inputs=[Input(EVIL, None, np.array([1000, 5]), np.array([1000, 700]))],
        errors=[Error(EVIL, 1.0, 0.9, 1.0, JUNE, EVIL, 0, 1)],
        verdicts=[verdict(given, 0, version=EVIL, segment=(EVIL, EVIL), reason=EVIL, name=EVIL)],
    )
    made = html(report(evil))
    page, plain = Page(made), Page(written)
    assert "<script" not in made
    assert "<img" not in made
    assert set(page.tags) <= set(plain.tags)
    assert {name for name, _ in page.attributes} <= {name for name, _ in plain.attributes}
    assert page.words.count("<script>alert(1)</script>") >= 10
    assert "\x1b" not in made
    assert "\u202e" not in made


def test_very_long_texts_are_cut_and_say_so() -> None:
    given = material(rows())
    long = "x" * 100_000
    segments = {("field", long): next(iter(given.segments.values()))}
    made = html(report(replace(given, segments=segments, errors=[replace(given.errors[0], topic=long)])))
    assert len(made) < 600_000
    assert f"{'x' * 80}… (100,000 characters)" in Page(made).words


@pytest.mark.parametrize("which", ["nothing", "no labels", "one class", "one row", "all invalid", "constant"])
@pytest.mark.parametrize("kind", ["binary", "regression", "multiclass", "margin"])
def test_what_is_missing_is_said_in_words(which: str, kind: str) -> None:
    sample = frame(3, 60)
    sample = {
        "nothing": sample.head(0),
        "no labels": sample.assign(label=np.nan),
        "one class": sample.assign(label=1.0, predicted=1),
        "one row": sample.head(1),
        "all invalid": sample.assign(score=np.nan),
        "constant": sample.assign(score=0.5),
    }[which]
    layout = {
        "binary": Layout.of(required(), "binary", CLASSES, "probability"),
        "margin": Layout("binary", CLASSES, "margin"),
        "regression": Layout("regression", (), "probability", thresholds=(0.5,)),
        "multiclass": Layout("multiclass", ("a", "b", "c"), "probability"),
    }[kind]
    given = material(frame(3, 0), wanted=required() if kind == "binary" else (), layout=layout)
    if kind != "multiclass":
        given = material(sample, wanted=given.requirements, layout=layout)
    made = html(report(replace(given, inputs=[], errors=[], letters={}, delays={}, trained=None)))
    page = Page(made)
    assert not re.search(r"\bnan\b|\binf\b|NaN|None\b(?!:)", page.words.partition("2013-06")[2].replace("None.", ""))
    if which == "nothing" or kind == "multiclass":
        assert "no predictions" in page.words
    if kind == "regression":
        assert "the scores are not probabilities of classes" in page.words


def test_a_bucket_without_histograms_has_no_auc() -> None:
    """Segments are counted without scores where no requirement of theirs asks for them."""
    given = material(rows())
    bare = replace(given.segments["origin", "JFK"], scores=bucket(frame(1, 0), given.layout).scores)
    found = report(replace(given, segments={("origin", "JFK"): bare}))
    assert {one.metric for one in found.worst_segments} <= {"accuracy", "brier", "precision (class late)"}


def test_delays_that_are_kept_no_longer_are_no_missing_labels() -> None:
    given = material(rows())
    words = Page(html(report(replace(given, delays={})))).words
    assert "It is not known any more" in words
    assert "There are no labels" not in words


def test_tables_are_lists_on_a_phone(written: str) -> None:
    """Each of their cells bears its column's name, and only as text."""
    for name in ("Requirements", "Worst segments", "Drift", "Versions"):
        begin = written.index(f'aria-label="{name}"')
        table = written[begin : written.index("</table>", begin)]
        assert 'class="stack"' in table
        body = table[table.index("<tbody>") :]
        cells = len(re.findall(r"<t[dh][ >]", body))
        assert cells == body.count('data-label="') == body.count('<span class="cell">') > 0
