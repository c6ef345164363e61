"""Parse traps of contract 0.3, one test each: shapes that make the published client raise.

Each looks at the raw JSON first and then lets the client parse the same answer. T16, T17, T19, and T2, T3, T18 with scores and
runs are in `test_evaluators.py`, `test_scores.py` and `test_evaluation_runs.py`; those of traces belong to their own issue.
"""

from __future__ import annotations

from typing import Any

import pytest
import respan
from client.checks import Checks
from harness.api import Api

WINDOW = "start_time=2025-01-01T00:00:00Z&end_time=2025-12-31T00:00:00Z"
SUMMARY_INTS = ("number_of_requests", "total_tokens", "total_prompt_tokens", "total_completion_tokens")
SUMMARY_FLOATS = ("total_cost", "avg_latency", "avg_tps", "avg_ttft")


@pytest.fixture(scope="module")
def dataset(api: Api) -> str:
    """A dataset with one row of every shape that input and output may have."""
    key = api.create_dataset("traps")
    shapes: list[Any] = [
        "text", ["a", "b"], [1, 2], {"question": "x"}, [{"role": "user", "content": "hi"}], [], {}, "", 7, True,
        {"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]},
        '[{"role":"user","content":"as text"}]',
        [{"role": "user", "content": [{"type": "text", "text": "part"}, {"type": "image_url", "image_url": {"url": "x"}}]}],
    ]  # fmt: skip
    for number, shape in enumerate(shapes):
        api.create_row(
            key, input=shape, output=shape, metadata={"shape": number, "custom_identifier": number, "model": 4}
        )
    return key


def listed(api: Api, dataset: str, query: str = "page_size=100", **body: Any) -> dict[str, Any]:
    return dict(api.expect(200, "POST", f"/api/datasets/{dataset}/logs/list/?{query}", body))


def detail(api: Api, dataset: str) -> list[dict[str, Any]]:
    rows = listed(api, dataset)["results"]
    return [api.expect(200, "GET", f"/api/datasets/{dataset}/logs/{row['unique_id']}/") for row in rows]


def test_t1_list_has_count_and_results_or_message(api: Api, client: Any, check: Checks, dataset: str) -> None:
    body = listed(api, dataset)
    check("T1 count is an integer", type(body["count"]) is int, body["count"])
    check("T1 results is an array", isinstance(body["results"], list), body["results"])
    for suffix in (".csv", ".jsonl"):
        path = f"/api/datasets/{dataset}/logs/list/"
        ack = api.expect(202, "POST", path, {"is_exporting": True, "export_format": suffix})
        check(f"T1 export to {suffix} has a message", isinstance(ack["message"], str), ack)
        check("T1 export has neither count nor results", not {"count", "results"} & set(ack), ack)
    parsed = check.returns("T1 parses", lambda: client.datasets.list_dataset_logs(dataset))
    check.equal("T1 parses as the list variant", parsed.count, 13)


def test_t2_scores_of_a_list_row_is_an_object(api: Api, client: Any, check: Checks, dataset: str) -> None:
    for query in ("page_size=100", "page_size=100&include_fields=scores"):
        rows = listed(api, dataset, query)["results"]
        check(f"T2 scores is an object with {query}", all(isinstance(row["scores"], dict) for row in rows), rows)
    check.returns("T2 parses", lambda: client.datasets.list_dataset_logs(dataset, page_size=100))


def test_t3_scores_of_a_detail_row_is_an_array(api: Api, client: Any, check: Checks, dataset: str) -> None:
    row = detail(api, dataset)[0]
    path = f"/api/datasets/{dataset}/logs/{row['unique_id']}/"
    check("T3 GET", isinstance(row["scores"], list), row)
    check("T3 PATCH", isinstance(api.expect(200, "PATCH", path, {"error_code": "e"})["scores"], list))
    same = {"input": row["input"], "output": row["output"], "metadata": row["metadata"]}
    check("T3 PUT", isinstance(api.expect(200, "PUT", path, same)["scores"], list))
    check.returns("T3 parses", lambda: client.datasets.retrieve_dataset_log(dataset, row["unique_id"]))


def test_t4_text_fields_are_strings_or_null(api: Api, client: Any, check: Checks, dataset: str) -> None:
    names = ("prompt", "completion", "custom_identifier", "model", "environment", "log_type")
    for row in listed(api, dataset)["results"] + detail(api, dataset):
        for name in names:
            check(
                f"T4 {name}", row[name] is None or isinstance(row[name], str), {name: row[name], "input": row["input"]}
            )
        check("T4 a numeric identifier became text", row["custom_identifier"] == str(row["metadata"]["shape"]), row)
        check.equal("T4 a numeric model became text", row["model"], "4")
    span = api.create_log(
        custom_identifier=12, input=[{"role": "user", "content": "x"}], timestamp="2025-06-01T00:00:00Z"
    )
    check.equal(
        "T4 numeric identifier of a log",
        api.expect(200, "GET", f"/api/request-logs/{span}/")["custom_identifier"],
        "12",
    )
    for row in listed(api, dataset)["results"]:
        check.returns("T4 parses", lambda row=row: client.datasets.retrieve_dataset_log(dataset, row["unique_id"]))


def test_t5_metadata_tokens_and_times(api: Api, client: Any, check: Checks) -> None:
    key = api.create_dataset("t5")
    api.create_row(key, metrics={"prompt_tokens": 3.0, "completion_tokens": "4"})
    api.create_row(key, metadata=None)
    api.create_row(key, timestamp="2025-05-05 10:00:00", start_time="2025-05-05T09:59:59.5")
    for row in listed(api, key)["results"] + detail(api, key):
        check("T5 metadata is an object or null", row["metadata"] is None or isinstance(row["metadata"], dict), row)
        for name in ("prompt_tokens", "completion_tokens", "total_request_tokens"):
            check(f"T5 {name} is integral", type(row[name]) is int, row[name])
        for name in ("timestamp", "start_time"):
            text = row[name]
            check(
                f"T5 {name} is a full instant", isinstance(text, str) and text.endswith("Z") and len(text) == 27, text
            )
    bad = api.call("POST", f"/api/datasets/{key}/logs/", {"input": "x", "metrics": {"prompt_tokens": 1.5}})
    check.equal("T5 half a token is refused", bad.status_code, 400)
    check.equal("T5 parses", len(check.returns("T5 list", lambda: client.datasets.list_dataset_logs(key)).results), 3)


def test_t6_messages_is_an_array_of_objects_or_null(api: Api, check: Checks, dataset: str, client: Any) -> None:
    for row in detail(api, dataset):
        value = row["messages"]
        good = value is None or (isinstance(value, list) and all(isinstance(part, dict) for part in value))
        check("T6 messages", good, {"input": row["input"], "messages": value})
        check.returns("T6 parses", lambda row=row: client.datasets.retrieve_dataset_log(dataset, row["unique_id"]))


def test_t7_running_progress_is_integral(api: Api, client: Any, check: Checks, dataset: str) -> None:
    check("T7 retrieve", type(api.expect(200, "GET", f"/api/datasets/{dataset}/")["running_progress"]) is int)
    patched = api.expect(200, "PATCH", f"/api/datasets/{dataset}/", {"description": "d"})
    check("T7 update", type(patched["running_progress"]) is int, patched)
    check.returns("T7 parses", lambda: client.datasets.update_dataset(dataset, description="e"))


def test_t8_organization_is_an_integer_in_datasets_and_text_in_rows(
    api: Api, client: Any, check: Checks, dataset: str
) -> None:
    got = api.expect(200, "GET", f"/api/datasets/{dataset}/")
    row = api.expect(200, "POST", "/api/datasets/list/", {})["results"][0]
    check("T8 organization", type(got["organization"]) is int, got)
    check("T8 organization_id in lists", type(row["organization_id"]) is int, row)
    check(
        "T8 organization_id of rows",
        all(isinstance(r["organization_id"], str) for r in listed(api, dataset)["results"]),
    )
    check.returns("T8 parses", lambda: (client.datasets.retrieve_dataset(dataset), client.datasets.list_datasets()))


T9_FILTERS = [
    {"status_code": {"operator": "eq", "value": 200}},
    {"status_code": {"operator": "", "value": [200]}},
    {"status_code": {"operator": "in", "value": [200, 201]}},
    {"status_code": [{"operator": "gte", "value": 200}, {"operator": "lt", "value": 300}]},
    {"status_code": [{"operator": "gte", "value": 200}]},
    {"status_code": 200},
    {"status_code": {"gte": 200, "lt": 300}},
    {"status_code": {"operator": "isnull", "value": [False]}},
    {"status_code": {"operator": "eq", "value": "200"}, "model": {"operator": "in", "value": ["a", "b"]}},
    {
        "either": {
            "filter_params": {
                "status_code": {"operator": "", "value": [500]},
                "model": {"value": "x", "connector": "OR"},
            }
        }
    },
]


@pytest.mark.parametrize("filters", T9_FILTERS, ids=str)
def test_t9_initial_log_filters_parse(api: Api, client: Any, check: Checks, filters: dict[str, Any]) -> None:
    made = api.expect(201, "POST", "/api/datasets/", {"name": "t9", "initial_log_filters": filters, "is_empty": True})
    for body in (
        api.expect(200, "GET", f"/api/datasets/{made['id']}/"),
        api.expect(200, "PATCH", f"/api/datasets/{made['id']}/", {"description": "x"}),
    ):
        shown = body["initial_log_filters"].get("status_code")
        scalar = shown is None or (isinstance(shown, dict) and not isinstance(shown.get("value"), (list, dict)))
        check("T9 status_code is an object with a scalar value", scalar, body["initial_log_filters"])
    check.returns("T9 parses on retrieve", lambda: client.datasets.retrieve_dataset(made["id"]))
    check.returns("T9 parses on update", lambda: client.datasets.update_dataset(made["id"], starred=True))


T10_FILTERS = [
    {"status_code": [{"operator": "gte", "value": 200}, {"operator": "lt", "value": 300}]},
    {
        "g": {
            "connector": "AND",
            "filter_params": {"cost": {"operator": "gte", "value": 0}, "model": {"value": "4", "connector": "OR"}},
        }
    },
    {"model": "4"},
    {"timestamp": {"gte": "2020-01-01T00:00:00Z"}},
    [{"field": "model", "operator": "=", "value": "4"}],
    {"metadata": {"operator_function": "mapContainsKey", "operator_args": ["shape"], "operator": "", "value": [True]}},
    {},
]


@pytest.mark.parametrize("filters", T10_FILTERS, ids=str)
def test_t10_current_filters_values_are_objects(
    api: Api, client: Any, check: Checks, dataset: str, filters: Any
) -> None:
    body = listed(api, dataset, filters=filters)
    echo = body["current_filters"]
    check("T10 every echoed value is an object", all(isinstance(value, dict) for value in echo.values()), echo)
    check.equal("T10 nothing is echoed when none was given", bool(echo), bool(filters))
    check.equal("T10 the filter matches all rows", body["count"], 13)
    check.returns("T10 parses", lambda: client.datasets.list_dataset_logs(dataset, filters=filters))


def test_t10_in_the_list_of_datasets(api: Api, client: Any, check: Checks, dataset: str) -> None:
    filters = {"log_count": [{"operator": "gte", "value": 13}, {"operator": "lt", "value": 14}]}
    body = api.expect(200, "POST", "/api/datasets/list/", {"filters": filters})
    check(
        "T10 datasets",
        all(isinstance(value, dict) for value in body["current_filters"].values()),
        body["current_filters"],
    )
    check.equal("T10 datasets filter", [row["id"] for row in body["results"]], [dataset])
    check.returns("T10 datasets parse", lambda: client.datasets.list_datasets(filters=filters))


def test_t11_tags_are_objects_with_text_ids(api: Api, client: Any, check: Checks, dataset: str) -> None:
    api.expect(200, "PATCH", f"/api/datasets/{dataset}/", {"tags": ["1", "vip"]})
    filters = {"id": {"operator": "", "value": dataset}}
    tags = api.expect(200, "POST", "/api/datasets/list/", {"filters": filters})["results"][0]["tags"]
    check.equal(
        "T11 unknown ids become tags named so",
        tags,
        [{"id": "1", "name": "1", "color": ""}, {"id": "vip", "name": "vip", "color": ""}],
    )
    parsed = check.returns("T11 parses", lambda: client.datasets.list_datasets(filters=filters))
    check.equal("T11 typed", [tag.id for tag in parsed.results[0].tags], ["1", "vip"])
    by_tag = api.expect(200, "POST", "/api/datasets/list/", {"filters": {"tags": {"operator": "in", "value": ["vip"]}}})
    check.equal("T11 tags filter", [row["id"] for row in by_tag["results"]], [dataset])


def test_t12_create_log_answers_message_and_unique_id(api: Api, check: Checks, dataset: str) -> None:
    body = api.expect(201, "POST", f"/api/datasets/{api.create_dataset('t12')}/logs/", {"input": "x"})
    check("T12 message", isinstance(body["message"], str), body)
    check("T12 unique_id", isinstance(body["unique_id"], str) and body["unique_id"], body)


def test_t13_background_calls_answer_a_message(api: Api, check: Checks) -> None:
    key = api.create_dataset("t13")
    window = {"start_time": "2025-01-01T00:00:00Z", "end_time": "2025-01-02T00:00:00Z"}
    for name, (status, method, path, body) in {
        "import": (200, "POST", "import", window),
        "remove all": (200, "DELETE", "import", {"is_deleting_all_logs": True}),
        "remove some": (200, "DELETE", "import", {"filters": {"model": {"operator": "", "value": "x"}}}),
        "export": (202, "POST", "list", {"is_exporting": True}),
    }.items():
        answer = api.expect(status, method, f"/api/datasets/{key}/logs/{path}/", body)
        check(f"T13 {name}", isinstance(answer["message"], str) and answer["message"], answer)
    api.wait_jobs()


def test_t14_bulk_answer(api: Api, client: Any, check: Checks) -> None:
    key = api.create_dataset("t14")
    body = api.expect(
        201,
        "POST",
        f"/api/datasets/{key}/logs/bulk/",
        {"logs": [{"input": "a"}, {"output": "no input"}, {"input": "c"}]},
    )
    check.equal("T14 counts", (body["success_count"], body["error_count"], body["total_errors"]), (2, 1, 1))
    check("T14 errors", [sorted(error) for error in body["errors"]] == [["error", "index"]], body["errors"])
    check.equal("T14 index", body["errors"][0]["index"], 1)
    check("T14 the error is words about input", "input" in body["errors"][0]["error"], body["errors"])
    ids = body["unique_ids"]
    check("T14 ids in input order", ids[1] is None and ids[0] and ids[2], ids)
    parsed = check.returns(
        "T14 parses", lambda: client.datasets.bulk_create_dataset_logs(key, logs=[{"input": "a"}, {"input": None}])
    )
    check.equal("T14 typed", (parsed.success_count, parsed.errors[0].index), (1, 1))
    logs = api.expect(201, "POST", "/api/request-logs/bulk/", {"logs": [{"input": "a", "model": "m"}, {"model": "m"}]})
    check.equal(
        "T14 request logs",
        (logs["success_count"], logs["error_count"], logs["total_errors"], logs["errors"][0]["index"]),
        (1, 1, 1, 1),
    )


def test_t15_summaries_have_nine_keys(api: Api, client: Any, check: Checks, dataset: str) -> None:
    empty = api.create_dataset("t15")
    answers = {}
    for key in (empty, dataset):
        for method in ("GET", "POST"):
            answers[f"{method} {key}"] = api.expect(200, method, f"/api/datasets/{key}/logs/summary/")
    for method in ("GET", "POST"):
        answers[f"{method} spans"] = api.expect(200, method, f"/api/request-logs/summary/?{WINDOW}")
    for name, body in answers.items():
        for field in SUMMARY_INTS:
            check(f"T15 {name} {field}", type(body[field]) is int, body)
        for field in SUMMARY_FLOATS:
            check(
                f"T15 {name} {field}", isinstance(body[field], (int, float)) and not isinstance(body[field], bool), body
            )
        check(f"T15 {name} scores", isinstance(body["scores"], dict), body)
    check.equal("T15 GET and POST agree", answers[f"GET {dataset}"], answers[f"POST {dataset}"])
    check.returns("T15 parses", lambda: client.datasets.summarize_dataset_logs_filtered(empty))
    check.returns("T15 spans parse", lambda: client.spans.get_spans_summary())


def test_t18_lists_have_count_and_results(api: Api, check: Checks, dataset: str) -> None:
    for method, path in (
        ("POST", "/api/datasets/list/"), ("GET", "/api/datasets/list/"), ("GET", "/api/datasets/"),
        ("POST", f"/api/datasets/{dataset}/logs/list/"), ("GET", f"/api/datasets/{dataset}/logs/list/"),
        ("GET", f"/api/datasets/{dataset}/logs/"), ("POST", "/api/request-logs/list/"),
        ("GET", "/api/request-logs/list/"), ("GET", "/api/request-logs/"),
        ("GET", "/api/request-logs/groups/?group_by=model"), ("POST", "/api/request-logs/groups/?group_by=model"),
    ):  # fmt: skip
        body = api.expect(200, method, path)
        check(
            f"T18 {method} {path.split('?')[0]}", type(body["count"]) is int and isinstance(body["results"], list), body
        )


def test_t20_pages_beyond_the_end_are_empty(api: Api, client: Any, check: Checks, dataset: str) -> None:
    api.create_log(timestamp="2025-02-02T00:00:00Z")
    for path in (
        f"/api/request-logs/list/?{WINDOW}", "/api/datasets/list/?", f"/api/datasets/{dataset}/logs/list/?",
    ):  # fmt: skip
        for page in (50, 1_000_000, 2_000_000_000):
            body = api.expect(200, "POST", f"{path}&page={page}")
            check.equal(f"T20 page {page} of {path.split('?')[0]}", (body["results"], body["next"]), ([], None))
            check("T20 the total stays", body["count"] >= 1, body)
    spans = check.returns("T20 full iteration ends", lambda: list(client.spans.list_spans(page_size=1)))
    check("T20 iteration gives spans", isinstance(spans, list), spans)


def test_t21_retrieve_span_has_id_and_scores_object(api: Api, client: Any, check: Checks) -> None:
    for value in ("text", ["a"], {"k": 1}, 5, True, [{"role": "user", "content": "x"}]):
        key = api.create_log(input=value, output=value, timestamp="2025-02-02T00:00:00Z")
        body = api.expect(200, "GET", f"/api/request-logs/{key}/")
        check("T21 id", isinstance(body["id"], str) and body["id"] == body["unique_id"], body)
        check("T21 scores is an object", isinstance(body["scores"], dict), body)
        check.equal("T21 input as sent", body["input"], value)
        check.returns("T21 parses", lambda key=key: client.spans.retrieve_span(key))


def test_t24_every_error_is_json(api: Api, check: Checks, dataset: str) -> None:
    stranger = Api(str(api.http.base_url), "nobody.00000000")
    broken = {"content": b'{"name": ', "headers": {"content-type": "application/json"}}
    answers = {
        400: api.call("POST", "/api/datasets/", {"name": ""}),
        401: stranger.call("POST", "/api/datasets/list/", {}),
        404: api.call("GET", f"/api/datasets/{dataset}/logs/nothing/"),
        405: api.call("PUT", "/api/datasets/list/", {}),
        422: api.call("POST", f"/api/datasets/{dataset}/logs/bulk/", {"logs": []}),
    }
    for status, answer in answers.items():
        check.equal(f"T24 {status}", answer.status_code, status)
        check(f"T24 {status} is JSON", answer.headers["content-type"].startswith("application/json"), answer.headers)
        check(f"T24 {status} has detail", isinstance(answer.json()["detail"], str), answer.text)
    for name, answer in {
        "broken JSON": api.http.post("/api/datasets/", **broken),
        "not UTF-8": api.http.post(
            "/api/datasets/", content=b'{"name":"\xff"}', headers={"content-type": "application/json"}
        ),
        "a JSON array": api.call("POST", "/api/datasets/", [1]),
        "unknown path": api.call("GET", "/api/nothing/here/"),
        "unknown root": api.call("GET", "/nothing"),
    }.items():
        check(f"T24 {name} is a 4xx", 400 <= answer.status_code < 500, answer.text)
        check(f"T24 {name} has JSON detail", isinstance(answer.json()["detail"], str), answer.text)
    client = respan.RespanClient(base_url=str(api.http.base_url), authorization="nobody", respan_api_key=None)
    error = check.raises("T24 the client keeps the body", respan.UnauthorizedError, client.datasets.list_datasets)
    check(
        "T24 body is parsed",
        isinstance(error.body, dict) or hasattr(error.body, "detail") or hasattr(error.body, "error"),
        error.body,
    )
