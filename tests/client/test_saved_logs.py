"""`_saved_logs` (contract B.21): the collection every organization has without making it.

Uses the client for the seven methods that name it, raw HTTP for the refusals.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import respan
from client.checks import Checks
from harness.api import Api
from harness.server import Server

SAVED = "_saved_logs"


def test_saved_logs_by_the_client(client: Any, api: Api, check: Checks) -> None:
    datasets = client.datasets
    first = check.returns("D7 empty", lambda: datasets.list_dataset_logs(SAVED))
    check.equal("always there, empty at first", (first.count, first.results), (0, []))
    one = check.returns("D6", lambda: datasets.create_dataset_log(SAVED, input="q", output="a", metadata={"k": 1}))
    bulk = check.returns("D12", lambda: datasets.bulk_create_dataset_logs(SAVED, logs=[{"input": "x"}, {"input": "y"}]))
    check.equal("D12 counts", (bulk.success_count, bulk.error_count), (2, 0))
    row = check.returns("D8", lambda: datasets.retrieve_dataset_log(SAVED, one.unique_id))
    check.equal("rows say where they are", row.dataset_id, SAVED)
    listed = check.returns(
        "D7", lambda: datasets.list_dataset_logs(SAVED, filters={"metadata__k": {"operator": "", "value": 1}})
    )
    check.equal("D7 filters", [item.unique_id for item in listed.results], [one.unique_id])
    check.equal("D7 rows say where they are", listed.results[0].dataset_id, SAVED)
    patched = check.returns("D9", lambda: datasets.update_dataset_log(SAVED, one.unique_id, output="b"))
    check.equal("D9 changes", patched.output, "b")
    put = check.returns("D11", lambda: datasets.replace_dataset_log(SAVED, one.unique_id, input="only"))
    check.equal("D11 replaces", (put.input, put.output), ("only", None))
    check.equal("D10", check.returns("D10 returns", lambda: datasets.delete_dataset_log(SAVED, one.unique_id)), None)
    check.raises("D10 is gone", respan.NotFoundError, lambda: datasets.retrieve_dataset_log(SAVED, one.unique_id))
    ack = check.returns("export", lambda: datasets.list_dataset_logs(SAVED, is_exporting=True, export_format=".jsonl"))
    check.equal("export holds the rows", api.wait_export({"export_id": ack.export_id})["row_count"], 2)


def test_summary_of_saved_logs(api: Api, check: Checks) -> None:
    for method in ("GET", "POST"):
        body = api.expect(200, method, f"/api/datasets/{SAVED}/logs/summary/")
        check.equal(f"{method} summary", body["number_of_requests"], 2)


def test_saved_logs_is_no_dataset(api: Api, check: Checks) -> None:
    names = api.expect(200, "POST", "/api/datasets/list/?page_size=100")
    check("not in the list", all(row["id"] != SAVED for row in names["results"]), names)
    check("D3 is a synthetic object or 404", api.call("GET", f"/api/datasets/{SAVED}/").status_code in (200, 404))
    window = {"start_time": "2025-01-01T00:00:00Z", "end_time": "2025-01-02T00:00:00Z"}
    for name, status, method, path, body in (
        ("D4", 400, "PATCH", "", {"name": "x"}),
        ("D5", 400, "DELETE", "", None),
        ("D13", 404, "POST", "logs/import/", window),
        ("D14", 404, "DELETE", "logs/import/", {"is_deleting_all_logs": True}),
        ("L9", 404, "POST", "logs/bulk/", window),
    ):
        answer = api.call(method, f"/api/datasets/{SAVED}/{path}", body)
        check(f"{name} is {status}", answer.status_code == status, (answer.status_code, answer.text))
    answer = api.call("POST", "/api/datasets/", {"name": "copy", "source_dataset_id": SAVED})
    check("it cannot be copied from by a wrong id", answer.status_code in (201, 404), answer.text)


@pytest.mark.parametrize(
    "form", ["/api/datasets/_saved_logs/logs", "/datasets/_saved_logs/logs", "/datasets/_saved_logs/logs/"]
)
def test_saved_logs_without_slash_or_prefix(api: Api, check: Checks, form: str) -> None:
    check.equal(f"{form}", api.expect(200, "GET", form)["count"], 2)


def test_each_organization_has_its_own(server: Server, check: Checks, serve: Callable[..., Server]) -> None:
    stranger = Api(server.url, server.create_key("another"))
    check.equal(
        "empty for another organization", stranger.expect(200, "POST", f"/api/datasets/{SAVED}/logs/list/")["count"], 0
    )
    tester = Api(server.url, server.create_key("default", "tests", environment="test"))
    key = tester.create_row(SAVED)
    row = tester.expect(200, "GET", f"/api/datasets/{SAVED}/logs/{key}/")
    check.equal("a test key writes test rows into the same collection", row["environment"], "test")
