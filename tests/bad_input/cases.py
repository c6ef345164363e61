"""Bad requests: what is sent, the status it must get, and a piece of text the answer must contain.

From contract A.4, A.6, B, C, E and F.1. `{dataset}`, `{row}`, `{log}`, `{evaluator}`, `{unknown}` in paths and bodies are
filled in by the test. Where the contract allows two statuses both are given. Knows nothing of how the server checks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

UNKNOWN = "00000000-0000-4000-8000-000000000000"
WINDOW = {"start_time": "2025-01-01T00:00:00Z", "end_time": "2025-02-01T00:00:00Z"}
BACKWARDS = {"start_time": "2025-02-01T00:00:00Z", "end_time": "2025-01-01T00:00:00Z"}


@dataclass(frozen=True)
class Case:
    """One bad request. `raw` is sent as it is instead of `body`."""

    name: str
    method: str
    path: str
    body: Any
    status: tuple[int, ...]
    says: str
    raw: bytes | None = None
    key: str | None = "ours"


def nested(depth: int) -> dict[str, Any]:
    """A filter of bundles inside bundles."""
    filters: dict[str, Any] = {"model": {"operator": "", "value": "x"}}
    for _ in range(depth):
        filters = {"bundle": {"filter_params": filters}}
    return filters


def condition(value: Any, operator: Any = "", **more: Any) -> dict[str, Any]:
    """One condition."""
    return {"operator": operator, "value": value, **more}


# name -> (filters, what the answer must mention); every one is refused by every list, summary, import and removal.
BAD_FILTERS: dict[str, tuple[Any, str]] = {
    "filters as text": ("model = x", "filters"),
    "filters as number": (7, "filters"),
    "unknown operator": ({"model": condition("x", "resembles")}, "resembles"),
    "operator as number": ({"model": condition("x", 5)}, "operator"),
    "words for an integer": ({"status_code": condition("fine")}, "status_code"),
    "half an integer": ({"status_code": condition(1.5)}, "status_code"),
    "words for a float": ({"cost": condition("dear", "gt")}, "cost"),
    "not a number": ({"cost": condition("NaN", "gt")}, "cost"),
    "words for an instant": ({"timestamp": condition("soon", "gte")}, "timestamp"),
    "words for a boolean": ({"stream": condition("perhaps")}, "stream"),
    "isnull of a word": ({"model": condition("perhaps", "isnull")}, "model"),
    "object as value": ({"model": condition({"a": 1})}, "model"),
    "list inside a list": ({"model": condition([["a"]])}, "model"),
    "unfinished pattern": ({"model": condition("(", "regex")}, "regex"),
    "members that are no operators": ({"model": {"colour": 1}}, "model"),
    "unknown connector": ({"model": condition("x"), "cost": condition(1, "gt", connector="XOR")}, "connector"),
    "unknown operator_function": ({"metadata": {"operator_function": "mapContainsValue", "operator_args": ["k"], "operator": "", "value": True}}, "mapContains"),
    "bundle that is no object": ({"b": {"filter_params": 5}}, "filter_params"),
    "array form without a field": ([{"operator": "", "value": 1}], "field"),
    "array form of words": (["model"], "filters"),
    "nested too deep": (nested(17), "16"),
    "too many conditions": ({f"metadata__k{n}": condition(n) for n in range(1001)}, "1000"),
}  # fmt: skip


def filter_cases() -> list[Case]:
    """Bad filters on the list of rows; a few of them everywhere else filters are taken."""
    cases = [
        Case(f"rows, {name}", "POST", "/api/datasets/{dataset}/logs/list/", {"filters": filters}, (400,), says)
        for name, (filters, says) in BAD_FILTERS.items()
    ]
    places: dict[str, tuple[str, str, dict[str, Any]]] = {
        "summary": ("POST", "/api/datasets/{dataset}/logs/summary/", {}),
        "import": ("POST", "/api/datasets/{dataset}/logs/import/", dict(WINDOW)),
        "remove": ("DELETE", "/api/datasets/{dataset}/logs/import/", {}),
        "span list": ("POST", "/api/request-logs/list/", {}),
        "span summary": ("POST", "/api/request-logs/summary/", {}),
        "groups": ("POST", "/api/request-logs/groups/?group_by=model", {}),
        "export": ("POST", "/api/datasets/{dataset}/logs/list/", {"is_exporting": True}),
    }
    for place, (method, path, body) in places.items():
        for name in ("unknown operator", "words for an integer", "unfinished pattern", "nested too deep"):
            filters, says = BAD_FILTERS[name]
            cases.append(Case(f"{place}, {name}", method, path, {**body, "filters": filters}, (400,), says))
    for name in ("unknown operator", "words for a float", "filters as text"):
        filters, says = BAD_FILTERS[name]
        body = {"name": "bad", "initial_log_filters": filters}
        cases.append(
            Case(
                f"create dataset, {name}",
                "POST",
                "/api/datasets/",
                body,
                (400,),
                says if says != "filters" else "initial_log_filters",
            )
        )
    return cases


DATASETS = "/api/datasets/"
ONE = "/api/datasets/{dataset}/"
ROWS = "/api/datasets/{dataset}/logs/"
ROW = "/api/datasets/{dataset}/logs/{row}/"
LIST = "/api/datasets/{dataset}/logs/list/"
BULK = "/api/datasets/{dataset}/logs/bulk/"
IMPORT = "/api/datasets/{dataset}/logs/import/"
LOGS = "/api/request-logs/"


def named(**fields: Any) -> dict[str, Any]:
    """A dataset body that is right but for `fields`."""
    return {"name": "bad", "is_empty": True, **fields}


def dataset_cases() -> list[Case]:
    """D1 to D5."""
    return [
        Case("create, nothing", "POST", DATASETS, {}, (400,), "name"),
        Case("create, empty name", "POST", DATASETS, named(name=""), (400,), "name"),
        Case("create, null name", "POST", DATASETS, named(name=None), (400,), "name"),
        Case("create, name a list", "POST", DATASETS, named(name=["x"]), (400,), "name"),
        Case("create, description an object", "POST", DATASETS, named(description={}), (400,), "description"),
        Case("create, sampling 0", "POST", DATASETS, {"name": "bad", "sampling": 0}, (400,), "sampling"),
        Case("create, sampling below 0", "POST", DATASETS, {"name": "bad", "sampling": -5}, (400,), "sampling"),
        Case("create, sampling above 100", "POST", DATASETS, {"name": "bad", "sampling": 101}, (400,), "100"),
        Case("create, sampling in words", "POST", DATASETS, {"name": "bad", "sampling": "many"}, (400,), "sampling"),
        Case("create, unknown granularity", "POST", DATASETS, named(granularity="rows"), (400,), "traces"),
        Case("create, window backwards", "POST", DATASETS, {"name": "bad", **BACKWARDS}, (400,), "time"),
        Case("create, start in words", "POST", DATASETS, {"name": "bad", "start_time": "yesterday"}, (400,), "start_time"),
        Case("create, end a number", "POST", DATASETS, {"name": "bad", "end_time": 12}, (400,), "end_time"),
        Case("create, is_empty in words", "POST", DATASETS, named(is_empty="perhaps"), (400,), "is_empty"),
        Case("create, unknown source", "POST", DATASETS, {"name": "bad", "source_dataset_id": UNKNOWN}, (404,), "detail"),
        Case("create, source that is no id", "POST", DATASETS, {"name": "bad", "source_dataset_id": "x y"}, (404,), "detail"),
        Case("create, array body", "POST", DATASETS, [], (400,), "object"),
        Case("create, text body", "POST", DATASETS, "name", (400,), "object"),
        Case("create, broken JSON", "POST", DATASETS, None, (400,), "json", raw=b'{"name": "bad"'),
        Case("create, NaN", "POST", DATASETS, None, (400,), "json", raw=b'{"name": "bad", "sampling": NaN}'),
        Case("create, not UTF-8", "POST", DATASETS, None, (400,), "detail", raw=b'{"name": "\xff\xfe"}'),
        Case("create, half a surrogate pair", "POST", DATASETS, None, (400,), "detail", raw=b'{"name": "\\ud800"}'),
        Case("create, deep JSON", "POST", DATASETS, None, (400,), "detail", raw=b'{"name": ' + b"[" * 100_000),
        Case("create, no body", "POST", DATASETS, None, (400,), "name"),
        Case("datasets, unknown field", "POST", "/api/datasets/list/", {"filters": {"colour": condition("x")}}, (400,), "colour"),
        Case("datasets, unknown operator", "POST", "/api/datasets/list/", {"filters": {"name": condition("x", "~")}}, (400,), "~"),
        Case("datasets, words for a count", "POST", "/api/datasets/list/", {"filters": {"log_count": condition("x", "gt")}}, (400,), "log_count"),
        Case("datasets, words for a time", "POST", "/api/datasets/list/", {"filters": {"created_at": condition("x", "gt")}}, (400,), "created_at"),
        Case("datasets, unknown sort", "POST", "/api/datasets/list/?sort_by=colour", {}, (400,), "created_at"),
        Case("datasets, page 0", "POST", "/api/datasets/list/?page=0", {}, (400,), "page"),
        Case("datasets, page in words", "GET", "/api/datasets/list/?page=two", None, (400,), "page"),
        Case("retrieve, unknown", "GET", "/api/datasets/{unknown}/", None, (404,), "detail"),
        Case("retrieve, no id", "GET", "/api/datasets/not-an-id/", None, (404,), "detail"),
        Case("retrieve, NUL", "GET", "/api/datasets/%00/", None, (400, 404), "detail"),
        Case("retrieve, bytes that are no text", "GET", "/api/datasets/%FF%FE/", None, (400, 404), "detail"),
        Case("update, empty name", "PATCH", ONE, {"name": ""}, (400,), "name"),
        Case("update, null name", "PATCH", ONE, {"name": None}, (400,), "name"),
        Case("update, starred in words", "PATCH", ONE, {"starred": "perhaps"}, (400,), "starred"),
        Case("update, tags as text", "PATCH", ONE, {"tags": "vip"}, (400,), "tags"),
        Case("update, tags of objects", "PATCH", ONE, {"tags": [{}]}, (400,), "tags"),
        Case("update, array body", "PATCH", ONE, [], (400,), "object"),
        Case("update, unknown", "PATCH", "/api/datasets/{unknown}/", {"name": "x"}, (404,), "detail"),
        Case("delete, unknown", "DELETE", "/api/datasets/{unknown}/", None, (404,), "detail"),
        Case("update saved logs", "PATCH", "/api/datasets/_saved_logs/", {"name": "x"}, (400,), "_saved_logs"),
        Case("delete saved logs", "DELETE", "/api/datasets/_saved_logs/", None, (400,), "_saved_logs"),
    ]  # fmt: skip


def row_cases() -> list[Case]:
    """D6 to D16."""
    good = {"input": "x"}
    return [
        Case("row, nothing", "POST", ROWS, {}, (400,), "input"),
        Case("row, null input", "POST", ROWS, {"input": None, "output": "x"}, (400,), "input"),
        Case("row, metadata as text", "POST", ROWS, {**good, "metadata": "x"}, (400,), "metadata"),
        Case("row, metrics as text", "POST", ROWS, {**good, "metrics": "x"}, (400,), "metrics"),
        Case("row, cost in words", "POST", ROWS, {**good, "metrics": {"cost": "dear"}}, (400,), "cost"),
        Case("row, half a token", "POST", ROWS, {**good, "metrics": {"prompt_tokens": 1.5}}, (400,), "prompt_tokens"),
        Case("row, latency a list", "POST", ROWS, {**good, "metrics": {"latency": []}}, (400,), "latency"),
        Case("row, timestamp in words", "POST", ROWS, {**good, "timestamp": "noon"}, (400,), "timestamp"),
        Case("row, model an object", "POST", ROWS, {**good, "model": {}}, (400,), "model"),
        Case("row, status_code in words", "POST", ROWS, {**good, "status_code": "fine"}, (400,), "status_code"),
        Case("row, number too large", "POST", ROWS, None, (400,), "detail", raw=b'{"input": "x", "cost": 1e999}'),
        Case("row, array body", "POST", ROWS, [good], (400,), "object"),
        Case("row, unknown dataset", "POST", "/api/datasets/{unknown}/logs/", good, (404,), "detail"),
        Case("retrieve row, unknown", "GET", ROWS + "nothing/", None, (404,), "detail"),
        Case("retrieve row, unknown dataset", "GET", "/api/datasets/{unknown}/logs/{row}/", None, (404,), "detail"),
        Case("patch row, unknown", "PATCH", ROWS + "nothing/", {"output": "x"}, (404,), "detail"),
        Case("patch row, metadata a list", "PATCH", ROW, {"metadata": []}, (400,), "metadata"),
        Case("patch row, cost in words", "PATCH", ROW, {"cost": "dear"}, (400,), "cost"),
        Case("patch row, unknown annotation status", "PATCH", ROW, {"annotation_status": "done"}, (400,), "annotation_status"),
        Case("patch row, timestamp in words", "PATCH", ROW, {"timestamp": "never"}, (400,), "timestamp"),
        Case("patch row, text body", "PATCH", ROW, "x", (400,), "object"),
        Case("put row, unknown", "PUT", ROWS + "nothing/", good, (404,), "detail"),
        Case("put row, metadata as text", "PUT", ROW, {"input": "x", "metadata": "x"}, (400,), "metadata"),
        Case("delete row, unknown", "DELETE", ROWS + "nothing/", None, (404,), "detail"),
        Case("rows, unknown sort", "POST", LIST + "?sort_by=colour", {}, (400,), "timestamp"),
        Case("rows, sort by text of the payload", "POST", LIST + "?sort_by=-input", {}, (400,), "sort_by"),
        Case("rows, page 0", "POST", LIST + "?page=0", {}, (400,), "page"),
        Case("rows, page below 0", "POST", LIST + "?page=-2", {}, (400,), "page"),
        Case("rows, page in words", "POST", LIST + "?page=two", {}, (400,), "page"),
        Case("rows, page in the body", "POST", LIST, {"page": 0}, (400,), "page"),
        Case("rows, unknown dataset", "POST", "/api/datasets/{unknown}/logs/list/", {}, (404,), "detail"),
        Case("rows, unknown dataset by GET", "GET", "/api/datasets/{unknown}/logs/list/", None, (404,), "detail"),
        Case("rows, unknown operator in the URL", "GET", LIST + "?model[operator]=resembles&model[value]=x", None, (400,), "resembles"),
        Case("rows, words for a float in the URL", "GET", LIST + "?cost[operator]=gt&cost[value]=dear", None, (400,), "cost"),
        Case("rows, words for an integer in the URL", "GET", LIST + "?status_code=fine", None, (400,), "status_code"),
        Case("rows, unknown connector in the URL", "GET", LIST + "?model=x&cost[value]=1&cost[connector]=XOR", None, (400,), "connector"),
        Case("export, unknown format", "POST", LIST, {"is_exporting": True, "export_format": ".pdf"}, (400,), ".jsonl"),
        Case("export, flag in words", "POST", LIST, {"is_exporting": "perhaps"}, (400,), "is_exporting"),
        Case("export, name a number in a list", "POST", LIST, {"is_exporting": True, "name": [1]}, (400,), "name"),
        Case("bulk, nothing", "POST", BULK, {}, (422,), "logs"),
        Case("bulk, empty", "POST", BULK, {"logs": []}, (422,), "logs"),
        Case("bulk, text", "POST", BULK, {"logs": "x"}, (422,), "logs"),
        Case("bulk, null", "POST", BULK, {"logs": None}, (422,), "logs"),
        Case("bulk, too many", "POST", BULK, {"logs": [good] * 501}, (422,), "500"),
        Case("bulk, all bad", "POST", BULK, {"logs": [{}, {"input": None}]}, (400,), '"success_count":0'),
        Case("bulk, items that are no objects", "POST", BULK, {"logs": [1, "x", None]}, (400,), '"error_count":3'),
        Case("bulk, unknown dataset", "POST", "/api/datasets/{unknown}/logs/bulk/", {"logs": [good]}, (404,), "detail"),
        Case("bulk, log_ids as text", "POST", BULK, {"log_ids": "x"}, (400, 422), "log_ids"),
        Case("import, nothing", "POST", IMPORT, {}, (400,), "start_time"),
        Case("import, no end", "POST", IMPORT, {"start_time": WINDOW["start_time"]}, (400,), "end_time"),
        Case("import, no start", "POST", IMPORT, {"end_time": WINDOW["end_time"]}, (400,), "start_time"),
        Case("import, start in words", "POST", IMPORT, {**WINDOW, "start_time": "noon"}, (400,), "start_time"),
        Case("import, backwards", "POST", IMPORT, BACKWARDS, (400,), "time"),
        Case("import, sampling 0", "POST", IMPORT, {**WINDOW, "sampling_percentage": 0}, (400,), "sampling_percentage"),
        Case("import, sampling above 100", "POST", IMPORT, {**WINDOW, "sampling_percentage": 101}, (400,), "sampling_percentage"),
        Case("import, sampling in words", "POST", IMPORT, {**WINDOW, "sampling_percentage": "half"}, (400,), "sampling_percentage"),
        Case("import, unknown dataset", "POST", "/api/datasets/{unknown}/logs/import/", WINDOW, (404,), "detail"),
        Case("import, saved logs", "POST", "/api/datasets/_saved_logs/logs/import/", WINDOW, (404,), "detail"),
        Case("remove, nothing", "DELETE", IMPORT, {}, (400,), "is_deleting_all_logs"),
        Case("remove, no body", "DELETE", IMPORT, None, (400,), "is_deleting_all_logs"),
        Case("remove, empty filters", "DELETE", IMPORT, {"filters": {}}, (400,), "filters"),
        Case("remove, flag false", "DELETE", IMPORT, {"is_deleting_all_logs": False}, (400,), "is_deleting_all_logs"),
        Case("remove, flag in words", "DELETE", IMPORT, {"is_deleting_all_logs": "perhaps"}, (400,), "is_deleting_all_logs"),
        Case("remove, unknown field", "DELETE", IMPORT, {"filters": {"colour": condition("x")}}, (400,), "colour"),
        Case("remove, unknown field and the flag", "DELETE", IMPORT, {"is_deleting_all_logs": True, "filters": {"colour": condition("x")}}, (400,), "colour"),
        Case("remove, unknown dataset", "DELETE", "/api/datasets/{unknown}/logs/import/", {"is_deleting_all_logs": True}, (404,), "detail"),
        Case("remove, saved logs", "DELETE", "/api/datasets/_saved_logs/logs/import/", {"is_deleting_all_logs": True}, (404,), "detail"),
        Case("legacy remove, nothing", "DELETE", "/datasets/{dataset}/logs/delete", {}, (400,), "is_deleting_all_logs"),
        Case("summary, unknown dataset", "POST", "/api/datasets/{unknown}/logs/summary/", {}, (404,), "detail"),
        Case("summary by GET, unknown dataset", "GET", "/api/datasets/{unknown}/logs/summary/", None, (404,), "detail"),
    ]  # fmt: skip


def other_cases() -> list[Case]:
    """Request logs, exports, jobs, paths, methods, keys."""
    return [
        Case("log, nothing", "POST", LOGS, {}, (400,), "input"),
        Case("log, only a model", "POST", LOGS, {"model": "m"}, (400,), "input"),
        Case("log, cost in words", "POST", LOGS, {"input": "x", "cost": "dear"}, (400,), "cost"),
        Case("log, timestamp in words", "POST", LOGS, {"input": "x", "timestamp": "noon"}, (400,), "timestamp"),
        Case("log, stream in words", "POST", LOGS, {"input": "x", "stream": "perhaps"}, (400,), "stream"),
        Case("log, metadata a list", "POST", LOGS, {"input": "x", "metadata": [1]}, (400,), "metadata"),
        Case("log, array body", "POST", LOGS, [], (400,), "object"),
        Case("logs, nothing", "POST", LOGS + "bulk/", {}, (422,), "logs"),
        Case("logs, empty", "POST", LOGS + "bulk/", {"logs": []}, (422,), "logs"),
        Case("logs, too many", "POST", LOGS + "bulk/", {"logs": [{"input": "x"}] * 501}, (422,), "500"),
        Case("logs, all bad", "POST", LOGS + "bulk/", {"logs": [{"model": "m"}]}, (400,), '"success_count":0'),
        Case("batch, nothing", "POST", LOGS + "batch/create", {}, (400, 422), "logs"),
        Case("batch update, nothing", "PATCH", LOGS + "batch-update/", {}, (400, 422), "logs"),
        Case("span list, page 0", "POST", LOGS + "list/?page=0", {}, (400,), "page"),
        Case("span list, start in words", "POST", LOGS + "list/?start_time=noon", {}, (400,), "start_time"),
        Case("span list, end in words", "GET", LOGS + "list/?end_time=noon", None, (400,), "end_time"),
        Case("span list, unknown sort", "POST", LOGS + "list/?sort_by=colour", {}, (400,), "timestamp"),
        Case("span summary, start in words", "POST", LOGS + "summary/?start_time=noon", {}, (400,), "start_time"),
        Case("groups, unknown key", "GET", LOGS + "groups/?group_by=colour", None, (400,), "group_by"),
        Case("span, unknown", "GET", LOGS + "nothing/", None, (404,), "detail"),
        Case("patch span, unknown", "PATCH", LOGS + "nothing/", {"note": "x"}, (404,), "detail"),
        Case("patch span, feedback in words", "PATCH", LOGS + "{log}/", {"positive_feedback": "perhaps"}, (400,), "positive_feedback"),
        Case("patch span, metadata as text", "PATCH", LOGS + "{log}/", {"metadata": "x"}, (400,), "metadata"),
        Case("export status, unknown", "GET", "/api/exports/{unknown}/", None, (404,), "detail"),
        Case("export status, no id", "GET", "/api/exports/nothing/", None, (404,), "detail"),
        Case("export file, unknown", "GET", "/api/exports/{unknown}/download/", None, (404,), "detail"),
        Case("job, unknown", "GET", "/api/jobs/{unknown}/", None, (404,), "detail"),
        Case("job, no id", "GET", "/api/jobs/nothing/", None, (404,), "detail"),
        Case("jobs, page 0", "GET", "/api/jobs/?page=0", None, (400,), "page"),
        Case("unknown path", "GET", "/api/nothing/", None, (404,), "detail"),
        Case("unknown path, POST", "POST", "/api/datasets/{dataset}/nothing/at/all/", {}, (404,), "detail"),
        Case("path upwards", "GET", "/api/datasets/..%2f..%2fetc%2fpasswd/", None, (400, 404), "detail"),
        Case("wrong method on a list", "PUT", "/api/datasets/list/", {}, (405,), "detail"),
        Case("wrong method on datasets", "DELETE", "/api/datasets/", None, (405,), "detail"),
        Case("wrong method on a dataset", "PUT", ONE, {}, (405,), "detail"),
        Case("wrong method on import", "PATCH", IMPORT, {}, (405,), "detail"),
        Case("wrong method on logs", "DELETE", LOGS, None, (405,), "detail"),
        Case("wrong method on an export", "POST", "/api/exports/{unknown}/", {}, (405,), "detail"),
        Case("no key", "POST", "/api/datasets/list/", {}, (401,), "key", key=None),
        Case("wrong key", "POST", "/api/datasets/list/", {}, (401,), "key", key="nobody00.0123456789abcdef0123456789abcdef"),
        Case("key of strange bytes", "POST", "/api/datasets/list/", {}, (401,), "key", key="käse"),
        Case("very long key", "POST", "/api/datasets/list/", {}, (401,), "key", key="x" * 5_000),
        Case("no key on an unknown id", "GET", "/api/datasets/{unknown}/", None, (401,), "key", key=None),
    ]  # fmt: skip


EVALUATORS = "/api/evaluators/"
EVALUATOR = "/api/evaluators/{evaluator}/"
COMMITTED = "/api/evaluators/{evaluator}/versions/0/"


def evaluator_cases() -> list[Case]:
    """Evaluators and their versions; settings that cannot be meant. `{evaluator}` has a committed version 0 and a draft 1."""
    judge = {"evaluator_definition": "Rate {{output}}"}
    return [
        Case("evaluator, nothing", "POST", EVALUATORS, {}, (400,), "name"),
        Case("evaluator, array body", "POST", EVALUATORS, [], (400,), "object"),
        Case("evaluator, empty name", "POST", EVALUATORS, {"name": "  "}, (400,), "name"),
        Case("evaluator, long name", "POST", EVALUATORS, {"name": "x" * 1_001}, (400,), "1000"),
        Case("evaluator, unknown type", "POST", EVALUATORS, {"name": "x", "type": "colour"}, (400,), "human_boolean"),
        Case("evaluator, unknown value type", "POST", EVALUATORS, {"name": "x", "score_value_type": "colour"}, (400,), "multi_select"),
        Case("evaluator, slug with a colon", "POST", EVALUATORS, {"name": "x", "evaluator_slug": "a:1"}, (400,), "evaluator_slug"),
        Case("evaluator, slug like an id", "POST", EVALUATORS, {"name": "x", "evaluator_slug": UNKNOWN}, (400,), "UUID"),
        Case("evaluator, taken slug", "POST", EVALUATORS, {"name": "x", "evaluator_slug": "good"}, (400,), "evaluator_slug"),
        Case("evaluator, LLM without a template", "POST", EVALUATORS, {"name": "x", "type": "llm"}, (400,), "evaluator_definition"),
        Case("evaluator, template without output", "POST", EVALUATORS, {"name": "x", "llm_config": {"evaluator_definition": "{{input}}"}}, (400,), "{{output}}"),
        Case("evaluator, temperature in words", "POST", EVALUATORS, {"name": "x", "llm_config": {**judge, "temperature": "hot"}}, (400,), "llm_config.temperature"),
        Case("evaluator, half a token", "POST", EVALUATORS, {"name": "x", "llm_config": {**judge, "max_tokens": 1.5}}, (400,), "llm_config.max_tokens"),
        Case("evaluator, config as text", "POST", EVALUATORS, {"name": "x", "llm_config": "gpt"}, (400,), "llm_config"),
        Case("evaluator, code without a snippet", "POST", EVALUATORS, {"name": "x", "type": "code"}, (400,), "eval_code_snippet"),
        Case("evaluator, snippet as number", "POST", EVALUATORS, {"name": "x", "code_config": {"eval_code_snippet": 1}}, (400,), "eval_code_snippet"),
        Case("evaluator, select without choices", "POST", EVALUATORS, {"name": "x", "score_value_type": "single_select"}, (400,), "choices"),
        Case("evaluator, choices as text", "POST", EVALUATORS, {"name": "x", "score_config": {"choices": ["a"]}}, (400,), "score_config.choices.0"),
        Case("evaluator, bounds upside down", "POST", EVALUATORS, {"name": "x", "score_config": {"min_score": 2, "max_score": 1}}, (400,), "min_score"),
        Case("evaluator, conditions of no operator", "POST", EVALUATORS, {"name": "x", "passing_conditions": {"primary_score": condition(1, "resembles")}}, (400,), "resembles"),
        Case("evaluator, too large", "POST", EVALUATORS, {"name": "x", "description": "x" * 600_000}, (413,), "evaluator_bytes"),
        Case("evaluators, unknown field", "POST", EVALUATORS + "list/", {"filters": {"colour": condition("x")}}, (400,), "colour"),
        Case("evaluators, unknown operator", "POST", EVALUATORS + "list/", {"filters": {"name": condition("x", "resembles")}}, (400,), "resembles"),
        Case("evaluators, unknown sort", "POST", EVALUATORS + "list/?sort_by=colour", {}, (400,), "updated_at"),
        Case("evaluators, page 0", "GET", EVALUATORS + "?page=0", None, (400,), "page"),
        Case("evaluators by URL, star in words", "GET", EVALUATORS + "?starred=perhaps", None, (400,), "starred"),
        Case("evaluator summary, unknown field", "POST", EVALUATORS + "summary/", {"filters": {"colour": condition("x")}}, (400,), "colour"),
        Case("evaluator, unknown", "GET", "/api/evaluators/{unknown}/", None, (404,), UNKNOWN),
        Case("evaluator, unknown slug", "GET", "/api/evaluators/nothing/", None, (404,), "nothing"),
        Case("evaluator, unknown version", "GET", "/api/evaluators/good:7/", None, (404,), "good:7"),
        Case("put evaluator, no name", "PUT", EVALUATOR, {}, (400,), "name"),
        Case("patch evaluator, null name", "PATCH", EVALUATOR, {"name": None}, (400,), "name"),
        Case("patch evaluator, another slug", "PATCH", EVALUATOR, {"evaluator_slug": "better"}, (400,), "fixed"),
        Case("patch evaluator, unknown", "PATCH", "/api/evaluators/{unknown}/", {"name": "x"}, (404,), "detail"),
        Case("delete one version", "DELETE", "/api/evaluators/{evaluator}:0/", None, (400,), "alone"),
        Case("commit, description as number", "POST", EVALUATOR + "versions/", {"version_description": 5}, (400,), "version_description"),
        Case("commit, bad settings", "POST", EVALUATOR + "versions/", {"type": "llm"}, (400,), "evaluator_definition"),
        Case("patch a committed version", "PATCH", COMMITTED, {"name": "x"}, (403,), "read-only"),
        Case("put a committed version", "PUT", COMMITTED, {"name": "x"}, (403,), "read-only"),
        Case("version, in words", "GET", EVALUATOR + "versions/first/", None, (404,), "first"),
        Case("wrong method on a version", "DELETE", COMMITTED, None, (405,), "detail"),
        Case("wrong method on the evaluator list", "PUT", EVALUATORS + "list/", {}, (405,), "detail"),
    ]  # fmt: skip


CASES = [*filter_cases(), *dataset_cases(), *row_cases(), *other_cases(), *evaluator_cases()]
