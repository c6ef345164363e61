"""One scenario for the older releases of the client: run by `test_old_clients.py` in a process of its own.

    python old_client.py FOLDER_WITH_RESPAN VERSION BASE_URL KEY

Knows how the releases differ: up to 0.1.25 each method takes `authorization` and the client takes no key; `granularity`
and `expected_output` came later; `summarize_dataset_logs` and `update_span` left. Prints one JSON line per check:
`{"name", "holds", "seen"}`. Imports nothing of this repository, so that only the old client's folder decides.
"""

from __future__ import annotations

import datetime as dt
import inspect
import json
import sys
import time
from collections.abc import Callable
from typing import Any

FOLDER, VERSION, BASE_URL, KEY = sys.argv[1:5]
sys.path.insert(0, FOLDER)

import respan  # noqa: E402
from respan.core.api_error import ApiError  # noqa: E402

UTC = dt.timezone.utc
SEPTEMBER = {"start_time": dt.datetime(2025, 9, 1, tzinfo=UTC), "end_time": dt.datetime(2025, 9, 30, tzinfo=UTC)}


def report(name: str, holds: Any, seen: Any = "") -> None:
    """Prints one check."""
    print(json.dumps({"name": f"{VERSION} {name}", "holds": bool(holds), "seen": repr(seen)[:600]}), flush=True)


def client() -> Any:
    """The client as this release is made."""
    accepted = inspect.signature(respan.RespanClient.__init__).parameters
    options: dict[str, Any] = {"base_url": BASE_URL}
    if "authorization" in accepted:
        options["authorization"] = f"Bearer {KEY}"
    if "respan_api_key" in accepted:
        options["respan_api_key"] = KEY
    return respan.RespanClient(**options)


def call(method: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """Calls a method, adding what this release demands, and reports that it returned."""
    accepted = inspect.signature(method).parameters
    if "authorization" in accepted:
        options["authorization"] = f"Bearer {KEY}"
    if "operator" in accepted and "operator" not in options:
        options["operator"] = "AND"
    name = method.__name__
    try:
        returned = method(*arguments, **options)
    except Exception as error:
        report(f"{name} returns", False, f"{type(error).__name__}: {error}")
        raise
    report(f"{name} returns", True)
    return returned


def refused(status: int, method: Callable[..., Any], *arguments: Any, **options: Any) -> None:
    """Reports that a call raises ApiError with this status."""
    if "authorization" in inspect.signature(method).parameters:
        options["authorization"] = f"Bearer {KEY}"
    try:
        returned = method(*arguments, **options)
    except ApiError as error:
        report(f"{method.__name__} raises {status}", error.status_code == status, error)
    else:
        report(f"{method.__name__} raises {status}", False, returned)


def wait_ready(datasets: Any, key: str) -> Any:
    """The dataset once it is idle."""
    accepted = inspect.signature(datasets.retrieve_dataset).parameters
    options = {"authorization": f"Bearer {KEY}"} if "authorization" in accepted else {}
    deadline = time.monotonic() + 60
    while True:
        found = datasets.retrieve_dataset(key, **options)
        if found.status in ("ready", "failed") or time.monotonic() > deadline:
            return found
        time.sleep(0.03)


def spans(api: Any, tag: str) -> str:
    """Every method of `spans` that this release has; returns the id of a span."""
    made = call(
        api.spans.create_span,
        model="old",
        input=[{"role": "user", "content": "hello"}],
        output={"role": "assistant", "content": "hi"},
        timestamp=dt.datetime(2025, 9, 5, tzinfo=UTC),
        custom_identifier=tag,
        cost=1.5,
    )
    report("create_span gives an id", made.unique_id, made)
    if hasattr(api.spans, "bulk_create_spans"):
        logs = [
            {"model": "old", "input": f"{n}", "timestamp": "2025-09-06T00:00:00Z", "custom_identifier": tag}
            for n in range(3)
        ]
        answer = call(api.spans.bulk_create_spans, logs=logs)
        report("bulk_create_spans counts", (answer.success_count, answer.error_count) == (3, 0), answer)
    filters = {"custom_identifier": {"operator": "", "value": [tag]}}
    found = list(call(api.spans.list_spans, filters=filters, page_size=1, **SEPTEMBER))
    report("list_spans pages end", {row["custom_identifier"] for row in found} == {tag}, found)
    report("retrieve_span is the span", call(api.spans.retrieve_span, made.unique_id).id == made.unique_id)
    if hasattr(api.spans, "update_span"):
        call(api.spans.update_span, made.unique_id, note="seen", is_pinned=True, metadata={"reviewed": True})
        back = call(api.spans.retrieve_span, made.unique_id)
        report("update_span merged metadata", (back.metadata or {}).get("reviewed") is True, back.metadata)
    summary = call(api.spans.get_spans_summary, filters=filters, **SEPTEMBER)
    report("get_spans_summary counts", summary.number_of_requests == len(found), summary)
    return str(made.unique_id)


def empty(datasets: Any) -> None:
    """The methods of `datasets` on an empty one."""
    made = call(datasets.create_dataset, name=f"empty {VERSION}", is_empty=True, description="d")
    report("create_dataset is ready", made.status == "ready" and made.id, made)
    listed = call(datasets.list_dataset_logs, made.id)
    report("list_dataset_logs is empty", (listed.count, listed.results) == (0, []), listed)
    report(
        "filtered summary of nothing", call(datasets.summarize_dataset_logs_filtered, made.id).number_of_requests == 0
    )
    if hasattr(datasets, "summarize_dataset_logs"):
        report("GET summary of nothing", call(datasets.summarize_dataset_logs, made.id).number_of_requests == 0)
    report(
        "import answers a message",
        call(
            datasets.import_dataset_logs,
            made.id,
            start_time=dt.datetime(2001, 1, 1, tzinfo=UTC),
            end_time=dt.datetime(2001, 1, 2, tzinfo=UTC),
        ).message,
    )
    wait_ready(datasets, made.id)
    refused(404, datasets.retrieve_dataset_log, made.id, "nothing")
    call(datasets.remove_dataset_logs, made.id, is_deleting_all_logs=True)
    report(
        "export answers a message",
        call(datasets.list_dataset_logs, made.id, is_exporting=True, export_format=".jsonl").message,
    )
    report("delete_dataset gives None", call(datasets.delete_dataset, made.id) is None)
    refused(404, datasets.retrieve_dataset, made.id)


def filled(datasets: Any, tag: str, span: str) -> None:
    """The methods of `datasets` on one filled from spans and by hand."""
    filters = {"custom_identifier": {"operator": "", "value": [tag]}}
    made = call(
        datasets.create_dataset, name=f"filled {VERSION}", initial_log_filters=filters, sampling=100, **SEPTEMBER
    )
    ready = wait_ready(datasets, made.id)
    report("create_dataset imported", ready.status == "ready" and ready.log_count >= 1, ready)
    one = call(
        datasets.create_dataset_log, made.id, input={"q": 1}, output=[1, 2], metadata={"n": 1}, metrics={"cost": 2.0}
    )
    report("create_dataset_log answers", one.message and one.unique_id, one)
    bulk = call(datasets.bulk_create_dataset_logs, made.id, logs=[{"input": "a", "output": "b"}, {"input": "c"}])
    report("bulk_create_dataset_logs counts", (bulk.success_count, bulk.error_count, bulk.errors) == (2, 0, []), bulk)
    if VERSION in ("0.1.12", "0.1.25"):
        report("bulk total_errors", bulk.total_errors == 0, bulk)
        part = call(datasets.bulk_create_dataset_logs, made.id, logs=[{"input": "a"}, {"output": "b", "input": None}])
        report("bulk total_errors of a partial failure", (part.total_errors, part.error_count) == (1, 1), part)
    listed = call(
        datasets.list_dataset_logs,
        made.id,
        sort_by="-cost",
        page_size=2,
        filters={"cost": [{"operator": "gt", "value": 1}, {"operator": "lte", "value": 2}]},
    )
    report("list_dataset_logs filters and sorts", [row.cost for row in listed.results][:2] == [2.0, 1.5], listed)
    if "retrieval_mode" in inspect.signature(datasets.list_dataset_logs).parameters:
        call(datasets.list_dataset_logs, made.id, retrieval_mode="async", include_fields="cost")
    report("retrieve_dataset_log of the span", call(datasets.retrieve_dataset_log, made.id, span).unique_id == span)
    patched = call(datasets.update_dataset_log, made.id, one.unique_id, expected_output="target", metadata={"m": 2})
    report(
        "update_dataset_log merges",
        patched.metadata == {"n": 1, "m": 2} and patched.expected_output == "target",
        patched,
    )
    put = call(datasets.replace_dataset_log, made.id, one.unique_id, input="new")
    report("replace_dataset_log replaces", put.input == "new" and put.output is None, put)
    if hasattr(datasets, "summarize_dataset_logs"):
        whole, posted = (
            call(datasets.summarize_dataset_logs, made.id),
            call(datasets.summarize_dataset_logs_filtered, made.id),
        )
        report(
            "GET and POST summary agree",
            whole.number_of_requests == posted.number_of_requests and whole.total_cost == posted.total_cost,
            whole,
        )
    report("delete_dataset_log", call(datasets.delete_dataset_log, made.id, one.unique_id) is None)
    updated = call(datasets.update_dataset, made.id, name=f"renamed {VERSION}", starred=True, tags=["5"])
    report("update_dataset renames", updated.name == f"renamed {VERSION}", updated)
    named = call(
        datasets.list_datasets, filters={"name": {"operator": "icontains", "value": f"renamed {VERSION}"}}, page_size=50
    )
    report("list_datasets finds it", [row.id for row in named.results] == [made.id], named)
    copy = call(datasets.create_dataset, source_dataset_id=made.id, name=f"copy {VERSION}")
    report(
        "a copy is made", wait_ready(datasets, copy.id).log_count == call(datasets.retrieve_dataset, made.id).log_count
    )
    report("remove_dataset_logs answers", call(datasets.remove_dataset_logs, made.id, filters=filters).message)
    refused(400, datasets.remove_dataset_logs, made.id)


def evaluators(api: Any) -> None:
    """Every method of `evaluators` of this release but the one that runs them. Before 0.1.16 lists have another shape (contract 0.2)."""
    nouns = api.evaluators
    made = call(
        nouns.create_evaluator,
        name=f"judge {VERSION}",
        type="llm",
        score_value_type="numerical",
        llm_config={"model": "m", "evaluator_definition": "Rate {{output}}", "stop": ["END"]},
        passing_conditions={"primary_score": {"operator": "gte", "value": 3}},
    )
    report("create_evaluator gives draft 0", (made.version, made.is_read_only) == (0, False), made)
    changed = call(nouns.update_evaluator, made.id, llm_config={"temperature": 0.5})
    report("update_evaluator merges", (changed.llm_config.model, changed.llm_config.temperature) == ("m", 0.5), changed)
    filters = {"evaluator_slug": {"operator": "", "value": made.evaluator_slug}}
    listed = call(nouns.list_evaluators, filters=filters, page_size=5)
    report("list_evaluators finds it", [row.id for row in listed.results] == [made.id], listed)
    if hasattr(nouns, "list_evaluators_root"):
        found = call(nouns.list_evaluators_root, search=VERSION)
        report("list_evaluators_root searches", [row.id for row in found.results] == [made.id], found)
        report("get_evaluators_summary counts", call(nouns.get_evaluators_summary).total_count >= 1)
    report("summary counts", call(nouns.get_filtered_evaluators_summary, filters=filters).total_count == 1)
    draft = call(nouns.create_evaluator_version, made.id, version_description="first", description="d")
    report("create_evaluator_version gives the next draft", (draft.version, draft.description) == (1, "d"), draft)
    first = call(nouns.retrieve_evaluator_version, made.id, 0)
    report("retrieve_evaluator_version", (first.is_read_only, first.version_description) == (True, "first"), first)
    rows = call(nouns.list_evaluator_versions, made.id).results
    report("list_evaluator_versions, newest first", [row.version for row in rows] == [1, 0], rows)
    refused(403, nouns.update_evaluator_version, made.id, 0, name="x")
    call(nouns.update_evaluator_version, made.id, 1, description="e")
    required = {"type": "human", "score_value_type": "boolean"}
    put = call(nouns.replace_evaluator_version, made.id, 1, name="new", **required)
    report("replace_evaluator_version resets", (put.name, put.description) == ("new", ""), put)
    call(nouns.replace_evaluator, made.id, name="newer", **required)
    report("retrieve_evaluator", call(nouns.retrieve_evaluator, made.id).name == "newer")
    report("delete_evaluator gives None", call(nouns.delete_evaluator, made.id) is None)
    refused(404, nouns.retrieve_evaluator, made.id)


def main() -> None:
    """Runs the scenario; an exception ends it with status 1 after its check was printed."""
    api = client()
    tag = f"client {VERSION}"
    span = spans(api, tag)
    empty(api.datasets)
    filled(api.datasets, tag, span)
    if VERSION != "0.1.12":
        evaluators(api)


if __name__ == "__main__":
    main()
