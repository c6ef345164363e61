"""Every bad request of `cases.py` gets its status and names its fault; afterwards the server is healthy and nothing changed.

Knows how to send a case. What is bad and why is in the table.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from bad_input.cases import CASES, UNKNOWN, Case
from harness.api import Api
from harness.server import Server


@dataclass
class State:
    """What the server holds before the first bad request."""

    ids: dict[str, str]
    before: Any


def snapshot(api: Api, ids: dict[str, str]) -> Any:
    """Everything a bad request could have changed."""
    window = "start_time=2020-01-01T00:00:00Z&end_time=2030-01-01T00:00:00Z"
    return {
        "datasets": api.expect(200, "POST", "/api/datasets/list/?page_size=100", {})["results"],
        "rows": api.rows(ids["dataset"]),
        "saved": api.rows("_saved_logs"),
        "logs": api.expect(200, "POST", f"/api/request-logs/list/?{window}&sort_by=id", {})["results"],
        "jobs": api.wait_jobs(),
        "evaluators": api.expect(200, "POST", "/api/evaluators/list/?page_size=100", {})["results"],
        "versions": api.expect(200, "GET", f"/api/evaluators/{ids['evaluator']}/versions/?page_size=100")["results"],
    }


@pytest.fixture(scope="module")
def state(api: Api) -> State:
    dataset = api.create_dataset("good")
    row = api.create_row(dataset, metadata={"k": 1})
    api.create_row("_saved_logs")
    log = api.create_log(timestamp="2025-01-10T00:00:00Z")
    evaluator = api.expect(201, "POST", "/api/evaluators/", {"name": "good"})["id"]
    api.expect(201, "POST", f"/api/evaluators/{evaluator}/versions/", {})
    ids = {"dataset": dataset, "row": row, "log": log, "evaluator": evaluator, "unknown": UNKNOWN}
    return State(ids, snapshot(api, ids))


def send(server: Server, case: Case, ids: dict[str, str]) -> httpx.Response:
    """Sends a case, whatever is wrong with it."""
    path = case.path
    for name, value in ids.items():
        path = path.replace("{" + name + "}", value)
    key = server.key if case.key == "ours" else case.key
    headers = {} if key is None else {"authorization": f"Bearer {key}".encode()}
    api = Api(server.url, None)
    if case.raw is not None:
        return api.call(case.method, path, content=case.raw, headers={**headers, "content-type": "application/json"})
    return api.call(case.method, path, case.body, headers=headers)


def test_the_table_is_long_enough_and_names_are_unique() -> None:
    twice = [name for name, count in Counter(case.name for case in CASES).items() if count > 1]
    assert not twice, twice
    assert len(CASES) >= 80
    print(f"bad requests in the table: {len(CASES)}")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_bad_request(server: Server, state: State, case: Case) -> None:
    answer = send(server, case, state.ids)
    assert answer.status_code in case.status, f"{answer.status_code}: {answer.text[:600]}"
    assert answer.headers["content-type"].startswith("application/json"), answer.headers
    assert isinstance(answer.json()["detail"], str), answer.text
    assert case.says.lower() in answer.text.lower(), f"`{case.says}` is not in {answer.text[:600]}"


def test_the_server_is_healthy_and_nothing_changed(server: Server, api: Api, state: State) -> None:
    assert server.healthy() and server.alive()
    assert snapshot(api, state.ids) == state.before


LIMITS = {
    "EVALSET_LIMITS__MAX_BODY_BYTES": "100000",
    "EVALSET_LIMITS__MAX_ROW_BYTES": "10000",
    "EVALSET_LIMITS__BULK_ITEMS": "5",
}


def test_limits_can_be_configured_and_hold(serve: Any) -> None:
    server = serve("limits", **LIMITS)
    api = Api(server.url, server.key)
    key = api.create_dataset("small")
    for name, status, method, path, body in (
        ("body", 413, "POST", f"/api/datasets/{key}/logs/", {"input": "x" * 200_000}),
        ("body of a bulk", 413, "POST", "/api/request-logs/bulk/", {"logs": [{"input": "x" * 60_000}] * 2}),
        ("row", 413, "POST", f"/api/datasets/{key}/logs/", {"input": "x" * 20_000}),
        ("span", 413, "POST", "/api/request-logs/", {"input": "x" * 20_000}),
        ("bulk", 422, "POST", f"/api/datasets/{key}/logs/bulk/", {"logs": [{"input": "x"}] * 6}),
        ("bulk of logs", 422, "POST", "/api/request-logs/bulk/", {"logs": [{"input": "x"}] * 6}),
    ):
        answer = api.call(method, path, body)
        assert answer.status_code == status, f"{name}: {answer.status_code} {answer.text[:300]}"
        assert isinstance(answer.json()["detail"], str)
    row = api.create_row(key)
    grown = api.call("PATCH", f"/api/datasets/{key}/logs/{row}/", {"output": "x" * 20_000})
    assert grown.status_code == 413, grown.text[:300]
    assert [found["output"] for found in api.rows(key)] == ["answer"]
    assert server.healthy()


@pytest.mark.parametrize("page", [1, 10**9, 10**18, 10**30])
def test_huge_pages_are_no_fault(api: Api, state: State, page: int) -> None:
    answer = api.call("POST", f"/api/datasets/{state.ids['dataset']}/logs/list/?page={page}", {})
    assert answer.status_code in (200, 400), answer.text
