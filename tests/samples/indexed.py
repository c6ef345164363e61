"""Rows alike, just so many that their column index is written to files when the server stops.

Knows from which version on that is, and how many rows it takes; the rows say nothing that the other folders do not.
"""

from __future__ import annotations

from typing import Any

from harness.api import Api

SNAPSHOTS = 3  # the version that brought files of column indexes
ROWS, BATCH = 20_000, 5_000
TIME = "2026-01-02T00:00:00Z"
WINDOW = "start_time=2026-01-01T00:00:00Z&end_time=2026-02-01T00:00:00Z"


def fill(api: Api) -> None:
    """Writes the rows and has their index opened."""
    for first in range(0, ROWS, BATCH):
        alike = {"input": "q", "output": "a", "timestamp": TIME, "start_time": TIME}
        logs = [{"unique_id": f"log-{n:05}", **alike} for n in range(first, first + BATCH)]
        api.expect(201, "POST", "/api/request-logs/batch/create/", {"logs": logs})
    api.expect(200, "GET", f"/api/request-logs/summary/?{WINDOW}")


def questions() -> list[dict[str, Any]]:
    """Answered from the index."""
    list_of = f"/api/request-logs/list/?{WINDOW}&include_fields=unique_id&page_size=3"
    some = {"filters": {"unique_id": {"operator": "endswith", "value": "777"}}}
    return [
        {"as": "default", "method": "GET", "path": f"/api/request-logs/summary/?{WINDOW}"},
        {"as": "default", "method": "POST", "path": f"{list_of}&page=4000&sort_by=unique_id", "body": {}},
        {"as": "default", "method": "POST", "path": f"{list_of}&sort_by=-unique_id", "body": some},
    ]
