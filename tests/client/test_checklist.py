"""Checklist I of the contract, items 1 to 11 without evaluators. Items 2 and 11 have files of their own.

Knows the newest client. Item 10 starts a server with the hosted service's limits switched on.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import respan
from client.checks import Checks
from harness.api import Api
from harness.server import Server


class Recorder(httpx.Client):
    """The client's own HTTP client, remembering what it sent and got."""

    def __init__(self) -> None:
        super().__init__(timeout=60.0, follow_redirects=True, trust_env=False)
        self.seen: list[tuple[httpx.Request, httpx.Response]] = []

    def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        response = super().send(request, **options)
        self.seen.append((request, response))
        return response


@pytest.fixture()
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture()
def recorded(server: Server, recorder: Recorder) -> Any:
    """A client whose traffic can be looked at."""
    return respan.RespanClient(base_url=server.url, authorization="", respan_api_key=server.key, httpx_client=recorder)


def test_item_3_iteration_ends(client: Any, api: Api, check: Checks) -> None:
    for number in range(3):
        api.create_log(custom_identifier=f"span {number}")
    names = check.returns(
        "I3 list_spans(page_size=1)", lambda: [row["custom_identifier"] for row in client.spans.list_spans(page_size=1)]
    )
    check.equal("I3 each span once", sorted(names), ["span 0", "span 1", "span 2"])


def test_item_4_filters_by_membership_parse_back(client: Any, check: Checks) -> None:
    made = check.returns(
        "I4 create",
        lambda: client.datasets.create_dataset(
            name="i4", is_empty=True, initial_log_filters={"status_code": {"operator": "in", "value": [200, 201]}}
        ),
    )
    check.returns("I4 retrieve", lambda: client.datasets.retrieve_dataset(made.id))


def test_item_5_arrays_and_bundles_parse_in_lists(client: Any, api: Api, check: Checks) -> None:
    key = api.create_dataset("i5")
    for number in range(4):
        api.create_row(key, metrics={"latency": number}, metadata={"model": "a" if number < 2 else "b"})
    ranged = check.returns(
        "I5 array of conditions",
        lambda: client.datasets.list_dataset_logs(
            key, filters={"latency": [{"operator": "gte", "value": 1}, {"operator": "lt", "value": 3}]}
        ),
    )
    check.equal("I5 array of conditions filters", ranged.count, 2)
    bundle = {
        "connector": "AND",
        "filter_params": {"model": {"value": "a"}, "latency": {"operator": "gt", "value": 2, "connector": "OR"}},
    }
    bundled = check.returns("I5 bundle", lambda: client.datasets.list_dataset_logs(key, filters={"any": bundle}))
    check.equal("I5 bundle filters", bundled.count, 3)


def test_item_6_scores_parse_in_both_shapes(client: Any, api: Api, check: Checks) -> None:
    key = api.create_dataset("i6")
    row = api.create_row(key)
    listed = check.returns("I6 list", lambda: client.datasets.list_dataset_logs(key))
    check.equal("I6 object in the list", listed.results[0].scores, {})
    check.equal(
        "I6 array in detail", check.returns("I6", lambda: client.datasets.retrieve_dataset_log(key, row)).scores, []
    )


def test_item_7_export_parses_as_message(client: Any, api: Api, check: Checks) -> None:
    key = api.create_dataset("i7")
    ack = check.returns("I7 export", lambda: client.datasets.list_dataset_logs(key, is_exporting=True))
    check.equal("I7 variant", type(ack).__name__, "ListDatasetLogsResponseMessage")


def test_item_8_remove_is_a_delete_with_a_body(recorded: Any, recorder: Recorder, api: Api, check: Checks) -> None:
    key = api.create_dataset("i8")
    api.create_row(key)
    answer = check.returns("I8 remove", lambda: recorded.datasets.remove_dataset_logs(key, is_deleting_all_logs=True))
    request, response = recorder.seen[-1]
    check.equal("I8 method", request.method, "DELETE")
    check.equal("I8 body", request.content, b'{"is_deleting_all_logs":true}')
    check("I8 JSON back", response.status_code == 200 and answer.message, response.text)
    api.wait_jobs()
    check.equal("I8 rows are gone", api.rows(key), [])


def test_item_9_partial_and_total_bulk_failure(recorded: Any, recorder: Recorder, api: Api, check: Checks) -> None:
    key = api.create_dataset("i9")
    logs: list[Any] = [
        {"input": "good"},
        {"input": None},
        {"input": "x", "metrics": {"cost": "dear"}},
        {"input": "fine"},
    ]
    part = check.returns(
        "I9 partial failure returns", lambda: recorded.datasets.bulk_create_dataset_logs(key, logs=logs)
    )
    check.equal("I9 status", recorder.seen[-1][1].status_code, 201)
    check.equal("I9 indexed errors", [error.index for error in part.errors], [1, 2])
    check.equal("I9 good items are there", sorted(row["input"] for row in api.rows(key)), ["fine", "good"])
    error = check.raises(
        "I9 total failure raises",
        respan.BadRequestError,
        lambda: recorded.datasets.bulk_create_dataset_logs(key, logs=logs[1:3]),
    )
    body = recorder.seen[-1][1].json()
    check.equal("I9 body of a total failure", (body["success_count"], body["error_count"]), (0, 2))
    check("I9 detail", isinstance(body["detail"], str) and error.status_code == 400, body)
    spans = check.returns(
        "I9 spans", lambda: recorded.spans.bulk_create_spans(logs=[{"model": "m", "input": "x"}, {"model": "m"}])
    )
    check.equal("I9 spans errors", [item.index for item in spans.errors], [1])
    check.raises(
        "I9 spans total failure",
        respan.BadRequestError,
        lambda: recorded.spans.bulk_create_spans(logs=[{"model": "m"}]),
    )


def test_item_10_parity_limits(serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch, check: Checks) -> None:
    server = serve("parity", EVALSET_LIMITS__PARITY="true")
    api = Api(server.url, server.key)
    key = api.create_dataset("i10")
    path = f"/api/datasets/{key}/logs/bulk/"
    one = {"logs": [{"input": "x"}]}
    begun = time.monotonic()
    refused, calls = None, 0
    while refused is None and calls < 90:
        calls += 1
        answer = api.call("POST", path, one)
        if answer.status_code == 429:
            refused = answer
        else:
            assert answer.status_code == 201, answer.text
    check("I10 within one minute", time.monotonic() - begun < 60)
    check("I10 the 31st call is refused", refused is not None and calls == 31, calls)
    assert refused is not None
    seconds = refused.headers.get("retry-after", "")
    check("I10 Retry-After is seconds", seconds.isdigit() and 1 <= int(seconds) <= 60, refused.headers)
    body = refused.json()
    check("I10 body", isinstance(body["detail"], str) and body["retry_after"] >= 1, body)
    check.equal("I10 other calls go on", api.call("GET", f"/api/datasets/{key}/").status_code, 200)
    sibling = Api(server.url, server.create_key("default", "sibling"))
    check.equal("I10 all keys of the organization together", sibling.call("POST", path, one).status_code, 429)
    stranger = Api(server.url, server.create_key("other organization"))
    other = stranger.create_dataset("theirs")
    check.equal(
        "I10 another organization is free",
        stranger.call("POST", f"/api/datasets/{other}/logs/bulk/", one).status_code,
        201,
    )

    slept: list[float] = []
    monkeypatch.setattr("respan.core.http_client.time", SimpleNamespace(sleep=slept.append, time=time.time))
    recorder = Recorder()
    client = respan.RespanClient(
        base_url=server.url, authorization="", respan_api_key=server.key, httpx_client=recorder
    )
    error = check.raises(
        "I10 the client gives up in the end",
        respan.TooManyRequestsError,
        lambda: client.datasets.bulk_create_dataset_logs(key, logs=[{"input": "x"}]),
    )
    attempts = [response for _, response in recorder.seen]
    check.equal("I10 after two retries of its own", [r.status_code for r in attempts], [429, 429, 429])
    check.equal("I10 waiting as long as it was told", slept, [float(r.headers["retry-after"]) for r in attempts[:2]])
    check.equal("I10 status in the exception", error.status_code, 429)
