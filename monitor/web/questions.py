"""What people ask, the command that answers it, and the section of the page that does. Pure."""

from __future__ import annotations

from typing import NamedTuple


class Question(NamedTuple):
    """``name`` is that of the section, ``command`` what is typed; words in capitals are to be filled in."""

    name: str
    text: str
    command: str


QUESTIONS = (
    Question("good", "Is the model still good?", "monitor status"),
    Question("versions", "Which version scored this?", "scorer predictions show EVENT"),
    Question("flips", "Why did the flip not take?", "scorer status"),
    Question("promotion", "What happens if I promote?", "monitor candidate show VERSION"),
)
"""One of each, in the order of the page."""
