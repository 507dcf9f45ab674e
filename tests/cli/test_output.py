"""Tables for people, lines for pipes, and nothing that could move a terminal's cursor."""

from __future__ import annotations

import io
import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scorer.cli import output


class Terminal(io.StringIO):
    """What ``sys.stdout`` is when somebody looks."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        """It is."""
        return True


@given(st.text())
def test_nothing_printed_can_do_anything_to_a_terminal(text: str) -> None:
    shown = output.clean(text)
    assert shown.isprintable()
    assert (shown == text) == text.isprintable()


def test_what_is_made_visible() -> None:
    assert output.clean("a\x1b[31mb\n\u202ec") == "a\\x1b[31mb\\n\\u202ec"


def test_lines_in_a_pipe_are_aligned_and_never_cut(capsys: pytest.CaptureFixture[str]) -> None:
    output.table(("name", "n"), [("a", 1), ("b" * 300, None)])
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["name" + " " * 298 + "n", "a" + " " * 301 + "1", "b" * 300]


def test_a_table_on_a_terminal_shows_markup_as_text(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stdout", screen)
    output.table(("name", "n"), [("[red]a[/red]", "\x1b]0;x\x07")], ["red"])
    output.line("[bold]x", "red")
    assert "[red]a[/red]" in screen.getvalue()
    assert "\\x1b]0;x\\x07" in screen.getvalue()
    assert "[bold]x" in screen.getvalue()


def test_json_is_one_document_whatever_it_holds(capsys: pytest.CaptureFixture[str]) -> None:
    output.emit(True, {"a": b"\xff", "b": ("ü", None)}, lambda: None)
    assert json.loads(capsys.readouterr().out) == {"a": "ff", "b": ["ü", None]}


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "1970-01-01T00:00:00.000+00:00"),
        (1_700_000_000_123, "2023-11-14T22:13:20.123+00:00"),
        (-1, None),
        (None, None),
        (10**17, "100000000000000000 ms"),
    ],
)
def test_times(milliseconds: int | None, text: str | None) -> None:
    assert output.when(milliseconds) == text
