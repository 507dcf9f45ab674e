"""What cannot be represented is refused: with what it is, the exact reason, and the nearest way that works."""

from __future__ import annotations

import pytest

from scorer.errors import NotImportable
from tests.importers import table
from tests.importers.cases.everything import REFUSALS
from tests.importers.cases.refusal import Refusal

PAGE = table.PAGE.read_text("utf-8").splitlines()


@pytest.mark.parametrize("refusal", REFUSALS, ids=[f"{one.group}: {one.why}" for one in REFUSALS])
def test_refused_with_the_reason_and_the_nearest_way(refusal: Refusal) -> None:
    with pytest.raises(NotImportable, match=refusal.why) as caught:
        refusal.attempt()
    error = caught.value
    assert refusal.nearest in error.nearest
    assert error.nearest
    assert str(error) == f"{error.what} cannot be imported: {error.why}; {error.nearest}"
    assert error.exit_code == 13
    assert table.refused(refusal) in PAGE, "write the page again: python -m tests.importers.table"


def test_the_page_lists_nothing_else() -> None:
    """As many lines as there are refusals that say different things, in all sections."""
    sections = [k for k, line in enumerate(PAGE) if line.startswith(f"### {table.NOT}")]
    lines = [line for line in PAGE[sections[0] :] if line.startswith("| ") and line != table.line(table.REFUSED)]
    assert len(lines) - len(sections) == len({table.refused(one) for one in REFUSALS})
