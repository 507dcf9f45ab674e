"""The pages for people: what is so now, and the reports that are written. They only read."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from monitor.reports import gather, writing
from monitor.reports.gather import Asked
from monitor.store.errors import SnapshotMissing, StateRefused
from monitor.store.reading import Snapshot
from monitor.web import shown

FRESH_SECONDS = 1.0
"""So long a page is shown again as it was, however many ask: about as often there is a new snapshot."""

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
"""With every page: no script runs, whatever an event, a version or a report has in its texts."""


class Pages:
    """``/``, ``/status.json`` and ``/reports/NAME``. Answered by several threads, one at a time at the snapshot."""

    def __init__(self, snapshot: Path, reports: Path, asked: Asked) -> None:
        self._snapshot, self._reports, self._asked = snapshot, reports, asked
        self._lock = threading.Lock()
        self._made: tuple[float, int, str] = (-FRESH_SECONDS, 200, "")

    @property
    def routes(self) -> list[BaseRoute]:
        """For a server."""
        return [
            Route("/", self._page),
            Route("/status.json", self._status),
            Route("/reports/{name}", self._report),
        ]

    def _page(self, _request: Request) -> Response:
        with self._lock:
            if time.monotonic() >= self._made[0] + FRESH_SECONDS:
                code, text = self._render()
                self._made = time.monotonic(), code, text
            _, code, text = self._made
        return HTMLResponse(text, code, HEADERS)

    def _render(self) -> tuple[int, str]:
        try:
            with Snapshot(self._snapshot) as snapshot:
                found = shown.gathered(snapshot, self._asked, shown.files(self._reports), time.time_ns() // 1000)
        except (SnapshotMissing, StateRefused) as error:
            return 503, shown.excuse(self._asked.model, str(error))
        return 200, shown.html(found)

    def _status(self, _request: Request) -> Response:
        try:
            with self._lock, Snapshot(self._snapshot) as snapshot:
                found = gather.now(snapshot, self._asked, time.time_ns() // 1000)
        except (SnapshotMissing, StateRefused) as error:
            return JSONResponse({"error": str(error)}, 503, HEADERS)
        return Response(writing.as_json(found), 200, HEADERS, "application/json")

    def _report(self, request: Request) -> Response:
        name = request.path_params["name"]
        try:
            # Only the name of a report leads to a file: nothing else in the directory, nor beside it, is shown.
            text = (self._reports / name).read_bytes() if shown.listed([name], self._asked.model) else None
        except FileNotFoundError:
            text = None
        if text is None:
            return HTMLResponse(shown.excuse(self._asked.model, f"there is no report {name}"), 404, HEADERS)
        return HTMLResponse(text, 200, HEADERS)
