"""Checklist item 11: every dataset route with and without `/api` and the trailing slash; the GET forms and the legacy
routes L1 to L11 of contract B.20 as the older SDK sends them.

Raw HTTP, redirects never followed. Knows paths and answers of sections A.1, B.0, B.20, C.7.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from client.checks import Checks
from harness.api import Api

MAY = {"start_time": "2025-05-01T00:00:00Z", "end_time": "2025-05-31T23:59:59Z"}
FORMS = {
    "as documented": lambda path: path,
    "no slash": lambda path: path.rstrip("/"),
    "no prefix": lambda path: path.removeprefix("/api"),
    "neither": lambda path: path.removeprefix("/api").rstrip("/"),
}


@pytest.fixture(scope="module")
def logs(api: Api) -> list[str]:
    """Ten logs of May 2025, models a and b in turn; their ids, oldest first."""
    body = {
        "logs": [
            {"model": "ab"[n % 2], "input": f"in {n}", "output": f"out {n}", "cost": n, "timestamp": f"2025-05-{n + 1:02}T00:00:00Z",
             "metadata": {"tier": "gold" if n < 3 else "free", "place": n}}
            for n in range(10)
        ]
    }  # fmt: skip
    return list(api.expect(201, "POST", "/api/request-logs/bulk/", body)["unique_ids"])


@pytest.fixture(scope="module")
def dataset(api: Api, logs: list[str]) -> str:
    """The ten logs as a dataset."""
    key = api.create_dataset("routes", **MAY)
    assert len(api.rows(key)) == 10
    return key


def comparable(body: Any) -> Any:
    """An answer without its links, which repeat the path as it was called."""
    if isinstance(body, dict):
        return {name: value for name, value in body.items() if name not in ("next", "previous")}
    return body


READS: dict[str, tuple[str, str, Any]] = {
    "D2": ("POST", "/api/datasets/list/?page_size=1", {"filters": {"name": "routes"}}),
    "L1": ("GET", "/api/datasets/list/?name=routes", None),
    "L2": ("GET", "/api/datasets/?page_size=1", None),
    "D3": ("GET", "/api/datasets/{dataset}/", None),
    "D7": ("POST", "/api/datasets/{dataset}/logs/list/?page_size=3&sort_by=cost", {}),
    "L3": ("GET", "/api/datasets/{dataset}/logs/list/?page_size=3&sort_by=cost&model=a", None),
    "L4": ("GET", "/api/datasets/{dataset}/logs/?page=2&page_size=3", None),
    "D8": ("GET", "/api/datasets/{dataset}/logs/{row}/", None),
    "D15": ("GET", "/api/datasets/{dataset}/logs/summary/", None),
    "D16": ("POST", "/api/datasets/{dataset}/logs/summary/", {"filters": {"model": "a"}}),
    "I4": ("POST", "/api/request-logs/list/?start_time=2025-05-01T00:00:00Z&end_time=2025-06-01T00:00:00Z", {}),
    "I4 GET": ("GET", "/api/request-logs/list/?start_time=2025-05-01T00:00:00Z&end_time=2025-06-01T00:00:00Z", None),
    "I6": ("GET", "/api/request-logs/{row}/", None),
    "I9": ("POST", "/api/request-logs/summary/?start_time=2025-05-01T00:00:00Z&end_time=2025-06-01T00:00:00Z", {}),
    "I10": (
        "GET",
        "/api/request-logs/groups/?group_by=model&start_time=2025-05-01T00:00:00Z&end_time=2025-06-01T00:00:00Z",
        None,
    ),
}


@pytest.mark.parametrize("name", READS)
def test_item_11_reads_are_the_same_in_every_form(
    api: Api, check: Checks, dataset: str, logs: list[str], name: str
) -> None:
    method, template, body = READS[name]
    path, _, query = template.format(dataset=dataset, row=logs[0]).partition("?")
    answers = {}
    for form, of in FORMS.items():
        answer = api.call(method, f"{of(path)}?{query}" if query else of(path), body)
        check.equal(f"I11 {name} {form}: status", answer.status_code, 200)
        answers[form] = comparable(answer.json())
    for form, answer in answers.items():
        check(f"I11 {name} {form}: same answer", answer == answers["as documented"], answer)


def writes(api: Api, key: str) -> dict[str, tuple[int, str, str, Any]]:
    """Each writing route once, on a dataset made for it: status, method, path, body."""
    first, second = api.create_row(key), api.create_row(key)
    root = f"/api/datasets/{key}"
    return {
        "D1": (201, "POST", "/api/datasets/", {"name": "made", "is_empty": True}),
        "D4": (200, "PATCH", f"{root}/", {"description": "x"}),
        "D6": (201, "POST", f"{root}/logs/", {"input": "x"}),
        "D9": (200, "PATCH", f"{root}/logs/{first}/", {"output": "y"}),
        "D11": (200, "PUT", f"{root}/logs/{first}/", {"input": "z"}),
        "D10": (204, "DELETE", f"{root}/logs/{second}/", None),
        "D12": (201, "POST", f"{root}/logs/bulk/", {"logs": [{"input": "x"}]}),
        "D13": (200, "POST", f"{root}/logs/import/", MAY),
        "D14": (200, "DELETE", f"{root}/logs/import/", {"filters": {"model": "none"}}),
        "D7 export": (202, "POST", f"{root}/logs/list/", {"is_exporting": True}),
        "L5": (
            201,
            "POST",
            "/api/datasets/create/",
            {"name": "made", "description": "", "type": "llm", "initial_log_filters": {}},
        ),
        "L7": (200, "POST", f"{root}/logs/create/", {"filters": {}, "start_time": "2025-05-01T00:00:00"}),
        "L8": (200, "DELETE", f"{root}/logs/delete/", {"filters": {"model": "none"}}),
        "L9": (200, "POST", f"{root}/logs/bulk/", MAY),
        "I1": (201, "POST", "/api/request-logs/", {"model": "m", "input": "x"}),
        "I1 create": (201, "POST", "/api/request-logs/create/", {"model": "m", "input": "x"}),
        "I2": (201, "POST", "/api/request-logs/bulk/", {"logs": [{"model": "m", "input": "x"}]}),
        "D5": (204, "DELETE", f"{root}/", None),
    }


def test_item_11_writes_are_the_same_in_every_form(api: Api, check: Checks, logs: list[str]) -> None:
    shapes: dict[str, set[str]] = {}
    for form, of in FORMS.items():
        for name, (status, method, path, body) in writes(api, api.create_dataset(f"writes {form}")).items():
            answer = api.call(method, of(path), body)
            check(
                f"I11 {name} {form}: status {status}", answer.status_code == status, (answer.status_code, answer.text)
            )
            seen = set(answer.json()) if answer.content else set()
            check.equal(f"I11 {name} {form}: same members", seen, shapes.setdefault(name, seen))
            if name in ("D13", "D14", "L7", "L8", "L9"):
                api.wait_jobs()


def test_links_of_a_page_lead_on(api: Api, check: Checks, dataset: str) -> None:
    path = f"/api/datasets/{dataset}/logs/list/?page_size=4&sort_by=cost"
    first = api.expect(200, "POST", path, {"filters": {"cost": {"gte": 1}}})
    check.equal("first page", [row["cost"] for row in first["results"]], [1, 2, 3, 4])
    check(
        "next is absolute and keeps the query",
        str(first["next"]).startswith("http") and "sort_by=cost" in first["next"] and "page=2" in first["next"],
        first["next"],
    )
    second = api.expect(200, "POST", first["next"], {"filters": {"cost": {"gte": 1}}})
    check.equal("second page", [row["cost"] for row in second["results"]], [5, 6, 7, 8])
    back = api.expect(200, "POST", second["previous"], {"filters": {"cost": {"gte": 1}}})
    check.equal("previous leads back", comparable(back), comparable(first))
    last = api.expect(200, "POST", second["next"], {"filters": {"cost": {"gte": 1}}})
    check.equal("last page", ([row["cost"] for row in last["results"]], last["next"]), ([9], None))
    for name in ("count", "total_count", "current_filters", "filters_data", "filter_options"):
        check(f"envelope has {name}", name in first, first)
    check.equal("totals are equal", (first["count"], first["total_count"]), (9, 9))


PAGES: dict[str, tuple[str, Any, Callable[[Any], Any], Any]] = {
    "default page_size of rows": ("", {}, lambda b: len(b["results"]), 10),
    "page_size 0 is the default": ("page_size=0", {}, lambda b: len(b["results"]), 10),
    "negative page_size is the default": ("page_size=-3", {}, lambda b: len(b["results"]), 10),
    "page_size in words is the default": ("page_size=many", {}, lambda b: len(b["results"]), 10),
    "page_size is clamped": ("page_size=100000", {}, lambda b: len(b["results"]), 10),
    "page in the body": ("", {"page": 2, "page_size": 6}, lambda b: len(b["results"]), 4),
    "the query wins over the body": ("page=1", {"page": 2, "page_size": 6}, lambda b: len(b["results"]), 6),
    "sort_by in the body": ("", {"sort_by": "-cost"}, lambda b: b["results"][0]["cost"], 9),
    "order_by is sort_by": ("order_by=cost", {}, lambda b: b["results"][0]["cost"], 0),
    "default order is newest first": ("", {}, lambda b: b["results"][0]["cost"], 9),
    "sort by a metadata key": ("sort_by=metadata__place", {}, lambda b: b["results"][0]["cost"], 0),
    "unknown retrieval_mode is ignored": ("retrieval_mode=whatever", {}, lambda b: b["count"], 10),
    "unknown body members are ignored": ("", {"whatever": 1}, lambda b: b["count"], 10),
    "include_fields takes unknown names": (
        "include_fields=cost,nothing",
        {},
        lambda b: {"id", "unique_id", "cost"} <= set(b["results"][0]),
        True,
    ),
    "include_fields adds detail fields": (
        "include_fields=log_method,messages",
        {},
        lambda b: {"log_method", "messages"} <= set(b["results"][0]),
        True,
    ),
}


@pytest.mark.parametrize("name", PAGES)
def test_paging_and_order(api: Api, check: Checks, dataset: str, name: str) -> None:
    query, body, look, wanted = PAGES[name]
    got = look(api.expect(200, "POST", f"/api/datasets/{dataset}/logs/list/?{query}", body))
    check.equal(name, got, wanted)


URL_FILTERS = {
    "model=a": 5,
    "model[value]=a&model[operator]=not": 5,
    "cost[value]=7&cost[operator]=gte": 3,
    "model=a&cost[value]=8&cost[operator]=gt&cost[connector]=OR": 6,
    "metadata__tier=gold": 3,
    "tier=gold": 3,
    "place=3": 1,
    "output[value]=OUT&output[operator]=icontains": 10,
    "page_size=5&include_fields=cost&retrieval_mode=async": 10,
}


@pytest.mark.parametrize("query", URL_FILTERS)
def test_url_filters(api: Api, check: Checks, dataset: str, query: str) -> None:
    body = api.expect(200, "GET", f"/api/datasets/{dataset}/logs/list/?{query}")
    check.equal(f"C7 {query} on dataset logs", body["count"], URL_FILTERS[query])
    window = "start_time=2025-05-01T00:00:00Z&end_time=2025-06-01T00:00:00Z"
    body = api.expect(200, "GET", f"/api/request-logs/list/?{window}&{query}")
    check.equal(f"C7 {query} on request logs", body["count"], URL_FILTERS[query])


def test_url_and_body_filters_are_joined(api: Api, check: Checks) -> None:
    path = "/api/request-logs/list/?start_time=2025-05-01T00:00:00Z&end_time=2025-06-01T00:00:00Z&model=a"
    both = api.expect(200, "POST", path, {"filters": {"cost": {"operator": "lt", "value": [3]}}})
    check.equal("URL AND body", both["count"], 2)
    either = {
        "filters": {"cost": {"operator": "lt", "value": [3]}, "model": {"operator": "", "value": ["b"]}},
        "operator": "OR",
    }
    plain = api.expect(200, "POST", path.replace("&model=a", ""), either)
    check.equal("top-level operator OR joins the entries", plain["count"], 7)


def test_l1_simple_filters_of_the_dataset_list(api: Api, check: Checks, dataset: str) -> None:
    for query, found in {
        "name=routes": True, "name=nothing": False, "type=sampling&name=routes": True, "type=llm&name=routes": False,
        "status=ready&name=routes": True, "created_after=2020-01-01T00:00:00&name=routes": True,
        "created_before=2020-01-01T00:00:00&name=routes": False,
    }.items():  # fmt: skip
        body = api.expect(200, "GET", f"/datasets/list?{query}")
        check.equal(f"L1 {query}", [row["id"] for row in body["results"]], [dataset] if found else [])


def test_l5_create_as_the_older_sdk(api: Api, check: Checks) -> None:
    body = api.expect(
        201, "POST", "/datasets/create", {"name": "old", "description": "", "type": "llm", "initial_log_filters": {}}
    )
    for name in ("id", "name", "created_at", "updated_at", "organization", "description", "type", "status", "log_ids"):
        check(f"L5 T25 {name}", body.get(name) is not None, body)
    check.equal("L5 type is echoed", (body["type"], body["description"], body["log_ids"]), ("llm", "", []))
    six = {"initializing", "ready", "failed", "loading", "running", "completed"}
    check("L5 status is one of the six", body["status"] in six, body)


def test_l6_retrieve_update_delete(api: Api, check: Checks) -> None:
    key = api.create_dataset("l6")
    check.equal("L6 GET", api.expect(200, "GET", f"/datasets/{key}")["id"], key)
    check.equal("L6 PATCH", api.expect(200, "PATCH", f"/datasets/{key}", {"name": "renamed"})["name"], "renamed")
    check.equal("L6 DELETE", api.call("DELETE", f"/datasets/{key}").status_code, 204)
    check.equal("L6 gone", api.call("GET", f"/datasets/{key}").status_code, 404)


def test_l7_to_l11_import_forms(api: Api, check: Checks, logs: list[str]) -> None:
    gold = {"metadata__tier": {"operator": "", "value": "gold"}}
    window = {"start_time": "2025-05-01T00:00:00", "end_time": "2025-05-31T00:00:00"}

    key = api.create_dataset("l7")
    body = api.expect(200, "POST", f"/datasets/{key}/logs/create", {**window, "filters": gold})
    check(
        "L7 answer", isinstance(body["message"], str) and type(body["count"]) is int and body["dataset_id"] == key, body
    )
    check.equal(
        "L7 rows", (api.wait_dataset(key)["log_count"], sorted(r["id"] for r in api.rows(key))), (3, sorted(logs[:3]))
    )
    open_ended = api.create_dataset("l7 open")
    api.expect(
        200,
        "POST",
        f"/datasets/{open_ended}/logs/create",
        {"start_time": "2025-05-09T00:00:00", "filters": {"model": {"operator": "in", "value": ["a", "b"]}}},
    )
    check.equal("L7 a missing bound is open", api.wait_dataset(open_ended)["log_count"], 2)

    for path in (f"/datasets/{key}/logs/delete", f"/api/datasets/{key}/logs/delete/"):
        one = api.rows(key)[0]["id"]
        body = api.expect(200, "DELETE", path, {"filters": {"id": {"operator": "in", "value": [one]}}})
        check("L8 answers a message", isinstance(body["message"], str), body)
        api.wait_jobs()
        check("L8 removed the row", one not in [row["id"] for row in api.rows(key)])
    left = api.rows(key)[0]
    api.expect(
        200,
        "DELETE",
        f"/datasets/{key}/logs/delete",
        {"is_deleting_all_logs": True, "start_time": "2030-01-01T00:00:00", "end_time": "2031-01-01T00:00:00"},
    )
    api.wait_jobs()
    check.equal("L8 times narrow the removal", [row["id"] for row in api.rows(key)], [left["id"]])

    key = api.create_dataset("l9")
    body = api.expect(
        200, "POST", f"/api/datasets/{key}/logs/bulk/", {**window, "filters": gold, "sampling_percentage": 100}
    )
    check("L9 answers a message", isinstance(body["message"], str), body)
    check.equal("L9 rows", api.wait_dataset(key)["log_count"], 3)

    key = api.create_dataset("l10")
    answer = api.call("POST", f"/api/datasets/{key}/logs/bulk/", {"log_ids": logs[:2]})
    check("L10 is a success", answer.status_code in (200, 201), answer.text)
    body = answer.json()
    check(
        "L10 superset",
        isinstance(body["message"], str) and {"success_count", "error_count", "errors", "total_errors"} <= set(body),
        body,
    )
    check.equal("L10 counts", (body["success_count"], body["error_count"]), (2, 0))
    check.equal("L10 rows", sorted(r["id"] for r in api.rows(key)), sorted(logs[:2]))

    key = api.create_dataset("l11")
    body = api.expect(200, "POST", f"/evaluations/datasets/{key}/logs/", {**window, "filters": gold})
    check("L11 answers a message", isinstance(body["message"], str), body)
    check.equal("L11 rows", api.wait_dataset(key)["log_count"], 3)


def test_window_bounds_are_inclusive_and_times_come_in_many_forms(api: Api, check: Checks, logs: list[str]) -> None:
    forms = {
        "2025-05-03T00:00:00Z": "2025-05-05T00:00:00Z",
        "2025-05-03T02:00:00+02:00": "2025-05-04T22:00:00-02:00",
        "2025-05-03 00:00:00": "2025-05-05 00:00:00",
        "2025-05-03T00:00:00": "2025-05-05T00:00:00.000000",
    }
    for start, end in forms.items():
        key = api.create_dataset(f"window {start}", start_time=start, end_time=end)
        check.equal(f"H8 {start} to {end}", sorted(row["id"] for row in api.rows(key)), sorted(logs[2:5]))


def test_other_routes_of_request_logs(api: Api, check: Checks) -> None:
    made = api.expect(
        201, "POST", "/api/request-logs/batch/create", {"logs": [{"model": "m", "input": "x"}, {"model": "m"}]}
    )
    check.equal("I3 results in order", [item["status"] for item in made["results"]], ["success", "error"])
    key = made["results"][0]["id"]
    patched = api.expect(
        200, "PATCH", f"/api/request-logs/{key}/", {"note": "n", "positive_feedback": True, "metadata": {"a": 1}}
    )
    check.equal("I7 merged", (patched["metadata"], patched["positive_feedback"]), ({"a": 1}, True))
    cleared = api.expect(200, "PATCH", f"/api/request-logs/{key}/", {"positive_feedback": None})
    check.equal("I7 null clears", cleared["positive_feedback"], None)
    many = api.expect(
        200,
        "PATCH",
        "/api/request-logs/batch-update/",
        {"logs": [{"unique_id": key, "note": "m"}, {"unique_id": "nothing"}]},
    )
    check.equal("I8 counts", (many["success_count"], many["error_count"], many["errors"][0]["index"]), (1, 1, 1))
    again = api.expect(201, "POST", "/api/request-logs/", {"unique_id": key, "model": "other", "input": "y"})
    check.equal(
        "a given unique_id is kept and overwrites",
        (again["unique_id"], api.expect(200, "GET", f"/api/request-logs/{key}/")["model"]),
        (key, "other"),
    )
    dropped = api.call(
        "POST", "/api/request-logs/", {"model": "m", "input": "never", "disable_log": True, "unique_id": "dropped"}
    )
    check("disable_log is accepted", dropped.status_code in (200, 201), dropped.text)
    check.equal("disable_log drops", api.call("GET", "/api/request-logs/dropped/").status_code, 404)
    legacy = api.expect(201, "POST", "/request-logs/create", {"model": "m", "input": "x"})
    check("the older SDK reads a message", isinstance(legacy["message"], str), legacy)
    check.equal("environment is the key's", legacy["environment"], "prod")
