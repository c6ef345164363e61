"""Every method of `client.datasets` of the newest client, on an empty and on a filled dataset; the two of evaluation are
exercised in `test_evaluation_runs.py`.

Knows the client's methods and contract B. Does not look at raw JSON: `test_traps.py` does.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import respan
from client.checks import Checks
from harness.api import Api
from respan.core.api_error import ApiError

UTC = dt.timezone.utc
START = dt.datetime(2025, 3, 1, tzinfo=UTC)
END = dt.datetime(2025, 3, 31, 23, 59, 59, tzinfo=UTC)
EXERCISED = {
    "create_dataset", "list_datasets", "retrieve_dataset", "update_dataset", "delete_dataset", "create_dataset_log",
    "list_dataset_logs", "retrieve_dataset_log", "update_dataset_log", "delete_dataset_log", "replace_dataset_log",
    "bulk_create_dataset_logs", "import_dataset_logs", "remove_dataset_logs", "summarize_dataset_logs_filtered",
}  # fmt: skip
ELSEWHERE = {"run_eval_on_dataset", "list_dataset_eval_runs"}
SUMMARY_KEYS = {
    "number_of_requests", "total_cost", "total_tokens", "total_prompt_tokens", "total_completion_tokens",
    "avg_latency", "avg_tps", "avg_ttft", "scores",
}  # fmt: skip


def test_no_method_of_the_client_is_left_out(client: Any, check: Checks) -> None:
    public = {name for name in dir(client.datasets) if not name.startswith("_") and name != "with_raw_response"}
    check.equal("every datasets method is exercised", public, EXERCISED | ELSEWHERE)


def test_empty_dataset(client: Any, api: Api, check: Checks) -> None:
    datasets = client.datasets
    made = check.returns("create empty", lambda: datasets.create_dataset(name="empty", is_empty=True))
    check.equal("an empty dataset is ready at once", (made.status, made.log_count), ("ready", 0))
    check.equal("defaults of a dataset", (made.type, made.granularity, made.description), ("sampling", "logs", ""))
    key = made.id
    named = check.returns("create with nothing but a name", lambda: datasets.create_dataset(name="only a name"))
    check.equal("only a name: empty and ready", (named.status, named.log_count), ("ready", 0))

    listed = check.returns(
        "list_datasets", lambda: datasets.list_datasets(filters={"id": {"operator": "", "value": key}})
    )
    check.equal("list_datasets finds it by id", [row.id for row in listed.results], [key])
    found = check.returns("retrieve_dataset", lambda: datasets.retrieve_dataset(key))
    check.equal(
        "retrieve gives name and counts", (found.name, found.log_count, found.running_status), ("empty", 0, "pending")
    )
    changed = check.returns(
        "update_dataset",
        lambda: datasets.update_dataset(key, name="emptier", description="words", starred=True, tags=["1", "vip"]),
    )
    check.equal("update changes what was given", (changed.name, changed.description), ("emptier", "words"))
    check.equal(
        "update changes stars and tags", (changed.starred, [tag["id"] for tag in changed.tags]), (True, ["1", "vip"])
    )
    kept = check.returns("update_dataset, one field", lambda: datasets.update_dataset(key, description="other"))
    check.equal(
        "update keeps what was not given", (kept.name, kept.starred, kept.description), ("emptier", True, "other")
    )

    logs = check.returns("list_dataset_logs, empty", lambda: datasets.list_dataset_logs(key))
    check.equal(
        "no rows", (logs.count, logs.total_count, logs.results, logs.next, logs.previous), (0, 0, [], None, None)
    )
    summary = check.returns("summary, empty", lambda: datasets.summarize_dataset_logs_filtered(key))
    check.equal(
        "summary of nothing", (summary.number_of_requests, summary.total_cost, summary.avg_latency), (0, 0.0, 0.0)
    )
    check.equal("summary has nine keys", SUMMARY_KEYS <= set(summary.model_dump()), True)
    filtered = check.returns(
        "filtered summary, empty",
        lambda: datasets.summarize_dataset_logs_filtered(key, filters={"model": {"operator": "", "value": ["x"]}}),
    )
    check.equal("filtered summary of nothing", filtered.number_of_requests, 0)

    for name, call in {
        "retrieve_dataset_log": lambda: datasets.retrieve_dataset_log(key, "nothing"),
        "update_dataset_log": lambda: datasets.update_dataset_log(key, "nothing", output="x"),
        "replace_dataset_log": lambda: datasets.replace_dataset_log(key, "nothing", input="x"),
    }.items():
        check.raises(f"{name} of an unknown row", respan.NotFoundError, call)
    error = check.raises("delete_dataset_log, unknown", ApiError, lambda: datasets.delete_dataset_log(key, "nothing"))
    check.equal("deleting an unknown row is 404", error.status_code, 404)

    imported = check.returns(
        "import into empty", lambda: datasets.import_dataset_logs(key, start_time=START, end_time=END)
    )
    check("import answers a message", isinstance(imported.message, str) and imported.message, imported)
    check.equal("import of nothing ends ready", api.wait_dataset(key)["status"], "ready")
    removed = check.returns(
        "remove all of nothing", lambda: datasets.remove_dataset_logs(key, is_deleting_all_logs=True)
    )
    check("remove answers a message", isinstance(removed.message, str) and removed.message, removed)
    exported = check.returns("export of nothing", lambda: datasets.list_dataset_logs(key, is_exporting=True))
    check("export parses as the message variant", isinstance(exported.message, str), exported)
    check.equal("deleting answers None", check.returns("delete_dataset", lambda: datasets.delete_dataset(key)), None)
    gone = check.raises("retrieve_dataset after delete", ApiError, lambda: datasets.retrieve_dataset(key))
    check.equal("a deleted dataset is 404", gone.status_code, 404)


@pytest.fixture(scope="module")
def logs(client: Any) -> list[str]:
    """20 request logs of March 2025: 12 of model alpha, 8 of beta; every fifth one failed."""
    items = []
    for number in range(20):
        items.append(
            {
                "model": "alpha" if number < 12 else "beta",
                "input": [{"role": "user", "content": f"question {number}"}],
                "output": {"role": "assistant", "content": f"answer {number}"},
                "timestamp": f"2025-03-{number + 1:02}T12:00:00Z",
                "status_code": 500 if number % 5 == 4 else 200,
                "prompt_tokens": 10 + number,
                "completion_tokens": number,
                "cost": 0.001 * number,
                "latency": 0.5,
                "metadata": {"tier": "gold" if number % 2 else "free", "turn": number},
                "custom_identifier": f"c-{number}",
            }
        )
    answer = client.spans.bulk_create_spans(logs=items)
    assert (answer.success_count, answer.error_count) == (20, 0), answer
    return [item["custom_identifier"] for item in items]


def test_dataset_filled_by_filters(client: Any, api: Api, check: Checks, logs: list[str]) -> None:
    datasets = client.datasets
    made = check.returns(
        "create by window, filters and sampling",
        lambda: datasets.create_dataset(
            name="half of the good",
            start_time=START,
            end_time=END,
            sampling=50,
            initial_log_filters={"status_code": {"operator": "eq", "value": 200}},
        ),
    )
    ready = api.wait_dataset(made.id)
    check.equal("16 good logs, half of them", (ready["status"], ready["log_count"]), ("ready", 8))
    rows = check.returns("list_dataset_logs", lambda: datasets.list_dataset_logs(made.id, page_size=100))
    check.equal("all rows match", {row.status_code for row in rows.results}, {200})
    check("identifiers come from the logs", {row.custom_identifier for row in rows.results} <= set(logs), rows)
    back = check.returns("retrieve keeps the filters", lambda: datasets.retrieve_dataset(made.id))
    check.equal("filters are echoed", back.initial_log_filters.status_code.value, 200)

    first = [row.unique_id for row in rows.results]
    again = check.returns(
        "import once more",
        lambda: datasets.import_dataset_logs(
            made.id,
            start_time=START,
            end_time=END,
            sampling_percentage=50,
            filters={"status_code": {"operator": "eq", "value": 200}},
        ),
    )
    check("import answers a message", isinstance(again.message, str), again)
    check.equal("the same import adds nothing", api.wait_dataset(made.id)["log_count"], 8)
    api.wait_jobs()
    same = datasets.list_dataset_logs(made.id, page_size=100)
    check.equal("the same rows", sorted(row.unique_id for row in same.results), sorted(first))

    copy = check.returns("duplicate", lambda: datasets.create_dataset(source_dataset_id=made.id))
    done = api.wait_dataset(copy.id)
    check.equal("the copy is complete", (done["status"], done["log_count"]), ("ready", 8))
    check.equal("the copy's name", done["name"], "half of the good (copy)")


def test_filled_dataset(client: Any, api: Api, check: Checks) -> None:
    datasets = client.datasets
    key = datasets.create_dataset(name="filled", is_empty=True).id
    one = check.returns(
        "create_dataset_log",
        lambda: datasets.create_dataset_log(
            key,
            input=[{"role": "user", "content": "How do I get a refund?"}],
            output={"role": "assistant", "content": "Open the order page."},
            expected_output="Use the order page.",
            metadata={"tier": "gold", "custom_identifier": "row-1", "model": "alpha", "_hidden": 1},
            metrics={"prompt_tokens": 20, "completion_tokens": 5, "cost": 0.0001, "latency": 0.5, "quality": 3},
        ),
    )
    check("create answers message and id", isinstance(one.message, str) and one.unique_id, one)
    bulk = check.returns(
        "bulk_create_dataset_logs",
        lambda: datasets.bulk_create_dataset_logs(
            key,
            logs=[
                {"input": f"in {n}", "output": f"out {n}", "metadata": {"n": n}, "metrics": {"cost": 1.0 * n}}
                for n in range(30)
            ],
        ),
    )
    check.equal("bulk counts", (bulk.success_count, bulk.error_count, bulk.errors), (30, 0, []))
    check.equal("bulk names the new ids", len({*bulk.unique_ids}), 30)

    page = check.returns("list_dataset_logs", lambda: datasets.list_dataset_logs(key))
    check.equal("default page of 25 of 31", (page.count, page.total_count, len(page.results)), (31, 31, 25))
    check("next is given, previous is not", page.next and page.previous is None, (page.next, page.previous))
    last = check.returns("second page", lambda: datasets.list_dataset_logs(key, page=2))
    check.equal("rest on page 2", (len(last.results), last.next), (6, None))
    dear = check.returns(
        "filter and sort",
        lambda: datasets.list_dataset_logs(
            key, sort_by="-cost", page_size=3, filters={"metadata__n": {"operator": "gte", "value": [10]}}
        ),
    )
    check.equal("filter and sort are right", (dear.count, [row.cost for row in dear.results]), (20, [29.0, 28.0, 27.0]))
    check("current_filters echo the field", "metadata__n" in dear.current_filters, dear.current_filters)
    few = check.returns("include_fields", lambda: datasets.list_dataset_logs(key, include_fields="cost,log_method"))
    check("included fields are present", all(row.unique_id and row.cost is not None for row in few.results), few)

    row = check.returns("retrieve_dataset_log", lambda: datasets.retrieve_dataset_log(key, one.unique_id))
    check.equal("the row as written", row.input, [{"role": "user", "content": "How do I get a refund?"}])
    check.equal("text views", (row.prompt, row.completion), ("How do I get a refund?", "Open the order page."))
    check.equal("expected output", row.expected_output, "Use the order page.")
    check.equal(
        "metrics became fields", (row.prompt_tokens, row.completion_tokens, row.total_request_tokens), (20, 5, 25)
    )
    check.equal("metadata became fields", (row.model, row.custom_identifier), ("alpha", "row-1"))
    check.equal("unknown metrics are kept", row.metrics, {"quality": 3})
    check("`_` keys are hidden", "_hidden" not in row.metadata and row.metadata["tier"] == "gold", row.metadata)
    check.equal("row defaults", (row.status_code, row.status, row.annotation_status), (200, "success", "pending"))

    patched = check.returns(
        "update_dataset_log",
        lambda: datasets.update_dataset_log(key, one.unique_id, output="No.", metadata={"tier": None, "x": 1}),
    )
    check.equal("patch sets and derives", (patched.output, patched.completion), ("No.", "No."))
    check("patch merges metadata, null deletes", "tier" not in patched.metadata and patched.metadata["x"] == 1, patched)
    check.equal("patch keeps the rest", (patched.expected_output, patched.prompt_tokens), ("Use the order page.", 20))
    nulled = check.returns(
        "patch with null", lambda: datasets.update_dataset_log(key, one.unique_id, expected_output=None)
    )
    check.equal("null is not absent", nulled.expected_output, None)
    failed = check.returns(
        "patch of error fields",
        lambda: datasets.update_dataset_log(key, one.unique_id, error_code="E1", error_message="bad"),
    )
    check.equal("error fields", (failed.error_code, failed.error_message), ("E1", "bad"))
    put = check.returns("replace_dataset_log", lambda: datasets.replace_dataset_log(key, one.unique_id, input="only"))
    check.equal("put removes what is left out", (put.input, put.output, put.error_code), ("only", None, None))
    check.equal("put keeps identity and measures", (put.unique_id, put.prompt_tokens), (one.unique_id, 20))

    summary = check.returns("summary", lambda: datasets.summarize_dataset_logs_filtered(key))
    check.equal("summary counts", (summary.number_of_requests, summary.total_prompt_tokens), (31, 20))
    check("summary adds cost", abs(summary.total_cost - (sum(range(30)) + 0.0001)) < 1e-9, summary.total_cost)
    part = check.returns(
        "filtered summary",
        lambda: datasets.summarize_dataset_logs_filtered(key, filters={"cost": {"operator": "gt", "value": 27}}),
    )
    check.equal("filtered summary", (part.number_of_requests, part.total_cost), (2, 57.0))

    check.equal(
        "delete_dataset_log", check.returns("delete row", lambda: datasets.delete_dataset_log(key, one.unique_id)), None
    )
    check.raises("the row is gone", respan.NotFoundError, lambda: datasets.retrieve_dataset_log(key, one.unique_id))
    check.equal("log_count follows", datasets.retrieve_dataset(key).log_count, 30)
    some = check.returns(
        "remove by filter",
        lambda: datasets.remove_dataset_logs(key, filters={"metadata__n": {"operator": "lt", "value": 10}}),
    )
    check("remove answers a message", isinstance(some.message, str), some)
    api.wait_jobs()
    check.equal("removed by filter", datasets.list_dataset_logs(key).count, 20)
    check.returns("remove all", lambda: datasets.remove_dataset_logs(key, is_deleting_all_logs=True))
    api.wait_jobs()
    check.equal(
        "removed all", (datasets.list_dataset_logs(key).count, datasets.retrieve_dataset(key).log_count), (0, 0)
    )
    check.returns("delete_dataset, filled", lambda: datasets.delete_dataset(key))


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_export(client: Any, api: Api, check: Checks, suffix: str) -> None:
    key = api.create_dataset("to export")
    for number in range(3):
        api.create_row(key, metadata={"number": number})
    ack = check.returns(
        f"export {suffix}",
        lambda: client.datasets.list_dataset_logs(
            key,
            is_exporting=True,
            export_format=suffix,
            name="my file",
            filters={"metadata__number": {"operator": "lt", "value": 2}},
        ),
    )
    check(
        "the acknowledgement keeps its extras",
        ack.message and ack.export_id and ack.status_url and ack.download_url,
        ack,
    )
    status = api.wait_export({"export_id": ack.export_id})
    check.equal(f"{suffix} status", (status["status"], status["row_count"], status["format"]), ("completed", 2, suffix))
    for name in ("id", "name", "created_at", "completed_at", "error_message", "download_url"):
        check(f"{suffix} status has {name}", name in status, status)
    file = api.call("GET", f"/api/exports/{ack.export_id}/download/")
    check.equal(f"{suffix} download", file.status_code, 200)
    check.equal(f"{suffix} lines", len(file.text.splitlines()), 3 if suffix == ".csv" else 2)
    check(
        "the file carries the asked name",
        f"my file{suffix}" in file.headers.get("content-disposition", ""),
        file.headers,
    )


def test_wrong_keys_and_other_errors_raise_the_documented_kind(server: Any, client: Any, check: Checks) -> None:
    stranger = respan.RespanClient(base_url=server.url, authorization="Bearer nobody.0000", respan_api_key=None)
    check.raises("a wrong key", respan.UnauthorizedError, stranger.datasets.list_datasets)
    check.raises("no name", respan.BadRequestError, lambda: client.datasets.create_dataset(is_empty=True))
    unknown = "00000000-0000-4000-8000-000000000000"
    check.raises(
        "unknown source", respan.NotFoundError, lambda: client.datasets.create_dataset(source_dataset_id=unknown)
    )
    check.raises(
        "no row in an unknown dataset",
        respan.NotFoundError,
        lambda: client.datasets.create_dataset_log(unknown, input="x"),
    )
    check.raises(
        "neither flag nor filters",
        respan.BadRequestError,
        lambda: client.datasets.remove_dataset_logs(client.datasets.create_dataset(name="r", is_empty=True).id),
    )
    for name, call in {
        "retrieve_dataset": lambda: client.datasets.retrieve_dataset(unknown),
        "update_dataset": lambda: client.datasets.update_dataset(unknown, name="x"),
        "delete_dataset": lambda: client.datasets.delete_dataset(unknown),
        "list_dataset_logs": lambda: client.datasets.list_dataset_logs(unknown),
        "import_dataset_logs": lambda: client.datasets.import_dataset_logs(unknown, start_time=START, end_time=END),
        "remove_dataset_logs": lambda: client.datasets.remove_dataset_logs(unknown, is_deleting_all_logs=True),
        "summarize_dataset_logs_filtered": lambda: client.datasets.summarize_dataset_logs_filtered(unknown),
        "bulk_create_dataset_logs": lambda: client.datasets.bulk_create_dataset_logs(unknown, logs=[{"input": "x"}]),
    }.items():
        error = check.raises(f"{name} of an unknown dataset", ApiError, call)
        check.equal(f"{name} of an unknown dataset is 404", error.status_code, 404)


@pytest.mark.parametrize("form", ["{key}", "Bearer {key}", "bearer {key}", "BEARER {key}"])
def test_the_header_as_older_code_sends_it(server: Any, check: Checks, form: str) -> None:
    header = form.format(key=server.key)
    client = respan.RespanClient(base_url=server.url + "/", authorization=header, respan_api_key=None)
    check.returns(f"authorization `{form}`, base URL with a slash", client.datasets.list_datasets)
