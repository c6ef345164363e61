"""What the server shows, read through the API after a restart, in the terms of `model.py`.

Knows lists, datasets by name, exports. Does not know what should be there.
"""

from __future__ import annotations

from typing import Any

from crash.model import Lost, Row
from harness.api import Api

LOGS_WINDOW = "start_time=2025-02-01T00:00:00Z&end_time=2025-02-28T00:00:00Z"


def by_tag(found: list[dict[str, Any]]) -> dict[str, Row]:
    """Rows of a list by their tag; a tag twice is a write done twice."""
    rows: dict[str, Row] = {}
    for row in found:
        tag = row["metadata"]["tag"]
        if tag in rows:
            raise Lost(f"row {tag} is there twice: {rows[tag].id} and {row['unique_id']}")
        rows[tag] = Row(row["unique_id"], int(row["output"].removeprefix("version ")))
    return rows


def pages(api: Api, path: str, body: dict[str, Any], page_size: int) -> list[dict[str, Any]]:
    """All rows of a list, and that its total is right."""
    found: list[dict[str, Any]] = []
    page = 1
    while True:
        answer = api.expect(200, "POST", f"{path}page={page}&page_size={page_size}&sort_by=unique_id", body)
        found.extend(answer["results"])
        if len(answer["results"]) < page_size:
            if len(found) != answer["count"]:
                raise Lost(f"{path} lists {len(found)} rows and counts {answer['count']}")
            return found
        page += 1


def rows_of(api: Api, dataset: str) -> dict[str, Row]:
    """Rows of a dataset by tag; its `log_count` must agree."""
    rows = by_tag(pages(api, f"/api/datasets/{dataset}/logs/list/?", {}, 100))
    count = api.expect(200, "GET", f"/api/datasets/{dataset}/")["log_count"]
    if count != len(rows):
        raise Lost(f"dataset {dataset} has log_count {count} and lists {len(rows)} rows")
    return rows


def logs_of(api: Api, shelf: str) -> dict[str, Row]:
    """Request logs with this mark by tag."""
    body = {"filters": {"metadata__shelf": {"operator": "", "value": shelf}}}
    return by_tag(pages(api, f"/api/request-logs/list/?{LOGS_WINDOW}&", body, 1000))


def dataset_named(api: Api, name: str) -> dict[str, object] | None:
    """The dataset with this name, if there is one."""
    found = api.expect(200, "POST", "/api/datasets/list/", {"filters": {"name": {"operator": "", "value": name}}})[
        "results"
    ]
    if len(found) > 1:
        raise Lost(f"dataset {name} is there {len(found)} times")
    return dict(found[0]) if found else None


def verify_export(api: Api, export: str, wanted: int) -> int:
    """An acknowledged export ends with all rows."""
    status = api.wait_export({"export_id": export})
    if status["status"] != "completed" or status["row_count"] != wanted:
        raise Lost(f"export {export} ended {status}")
    file = api.call("GET", f"/api/exports/{export}/download/")
    lines = file.text.splitlines()
    header = 1 if status["format"] == ".csv" else 0
    if file.status_code != 200 or len(lines) != wanted + header or len(set(lines)) != len(lines):
        raise Lost(f"export {export} has {len(lines)} lines, {len(set(lines))} different")
    return wanted
