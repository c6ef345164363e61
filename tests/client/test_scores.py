"""Every method of `client.scores` of the newest client, for logs and for rows, and the traps of scores (T2, T3, T18, T19).

Knows the client's methods and contract F.2, F.3, F.5, F.6. How evaluators make scores is in `test_evaluation_runs.py`.
"""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
import respan
from client.checks import Checks
from harness import runs
from harness.api import Api
from respan.core.api_error import ApiError

UTC = dt.UTC
UNKNOWN = "00000000-0000-4000-8000-000000000000"
EXERCISED = {
    "create_score", "filter_scores", "retrieve_score", "replace_score", "delete_score", "update_score", "list_span_scores",
    "create_span_score", "retrieve_span_score", "replace_span_score", "delete_span_score", "update_span_score",
}  # fmt: skip
CHOICES = {"choices": [{"name": "Good", "value": 2}, {"name": "Bad", "value": "b"}]}
# Value type → (configuration, value field, a value, what is stored).
TYPES: dict[str, tuple[dict[str, Any], str, Any, Any]] = {
    "numerical": ({"score_config": {"min_score": 1, "max_score": 5}}, "numerical_value", 4.5, 4.5),
    "percentage": ({}, "numerical_value", 70, 70.0),
    "boolean": ({}, "boolean_value", False, False),
    "single_select": ({"score_config": CHOICES}, "categorical_value", ["Good"], ["Good"]),
    "multi_select": ({"score_config": CHOICES}, "categorical_value", ["Bad", "Good"], ["Bad", "Good"]),
    "categorical": ({"categorical_choices": CHOICES["choices"]}, "categorical_value", ["b"], ["Bad"]),
    "text": ({}, "string_value", "größer 🙂", "größer 🙂"),
    "comment": ({}, "string_value", "", ""),
    "json": ({}, "json_value", '{"b": 1, "a": [null]}', {"b": 1, "a": [None]}),
}


def human(api: Api, value_type: str, **config: Any) -> str:
    """An evaluator whose scores people write."""
    return runs.evaluator(api, f"people say {value_type}", type="human", score_value_type=value_type, **config)


def test_no_method_of_the_client_is_left_out(client: Any, check: Checks) -> None:
    public = {name for name in dir(client.scores) if not name.startswith("_") and name != "with_raw_response"}
    check.equal("every scores method is exercised here", public, EXERCISED)


@pytest.mark.parametrize("value_type", TYPES)
def test_every_value_type(client: Any, api: Api, check: Checks, value_type: str) -> None:
    config, field, given, stored = TYPES[value_type]
    dataset = api.create_dataset(value_type)
    row = api.create_row(dataset)
    key = human(api, value_type, **config)
    made = check.returns(
        f"create_score {value_type}",
        lambda: client.scores.create_score(evaluator_id=key, log_id=row, dataset_id=dataset, **{field: given}),
    )
    check(f"{value_type}: T19 id and created_at", made.id and isinstance(made.created_at, dt.datetime), made)
    check.equal(
        f"{value_type}: of the evaluator", (made.evaluator_id, made.log_id, made.dataset_id), (key, row, dataset)
    )
    check.equal(f"{value_type}: type and status", (made.type, made.status), ("human", "completed"))

    raw = api.expect(200, "GET", f"/api/scores/{made.id}/")
    check(f"{value_type}: T19 json_value is text", raw["json_value"] is None or isinstance(raw["json_value"], str), raw)
    if value_type == "json":
        check.equal("json: the text holds the value", json.loads(raw["json_value"]), stored)
    else:
        check.equal(f"{value_type}: the value", raw[field], stored)
    others = {"numerical_value", "boolean_value", "categorical_value", "string_value", "json_value"} - {field}
    check(f"{value_type}: no other value", all(raw[name] is None for name in others), raw)

    listed = api.expect(200, "POST", f"/api/datasets/{dataset}/logs/list/", {})["results"][0]["scores"]
    check(f"{value_type}: T2 an object in lists", isinstance(listed, dict) and set(listed) == {key}, listed)
    detail = api.expect(200, "GET", f"/api/datasets/{dataset}/logs/{row}/")["scores"]
    check(f"{value_type}: T3 an array in detail", isinstance(detail, list) and len(detail) == 1, detail)
    for summary in (listed[key], detail[0]):
        names = {
            "id",
            "evaluator_id",
            "evaluator_slug",
            "evaluator_name",
            "score_value_type",
            "is_passed",
            "explanation",
            "score_value",
        }
        check(
            f"{value_type}: a summary is whole",
            names <= set(summary) and summary["score_value_type"] == value_type,
            summary,
        )
    check.returns(f"{value_type}: T2 parses", lambda: client.datasets.list_dataset_logs(dataset))
    check.returns(f"{value_type}: T3 parses", lambda: client.datasets.retrieve_dataset_log(dataset, row))
    check.returns(
        f"{value_type}: T3 parses after PATCH", lambda: client.datasets.update_dataset_log(dataset, row, output="x")
    )
    check.returns(
        f"{value_type}: T3 parses after PUT", lambda: client.datasets.replace_dataset_log(dataset, row, input="x")
    )
    after = api.expect(200, "GET", f"/api/datasets/{dataset}/logs/{row}/")["scores"]
    check.equal(f"{value_type}: scores outlive PUT", [score["id"] for score in after], [made.id])
    summed = check.returns("summary", lambda: client.datasets.summarize_dataset_logs_filtered(dataset))
    if value_type in ("numerical", "percentage"):
        value = summed.scores[key]
        check.equal(f"{value_type}: mean", (value.avg_score, value.true_count, value.false_count), (stored, None, None))
        check.equal("the family is the evaluator", value.evaluator_family_id, key)
    elif value_type == "boolean":
        value = summed.scores[key]
        check.equal("boolean: counts", (value.avg_score, value.true_count, value.false_count), (None, 0, 1))
    else:
        check(f"{value_type} is not summed", key not in summed.scores, summed.scores)


def test_scores_of_a_row(client: Any, api: Api, check: Checks) -> None:
    scores = client.scores
    dataset = api.create_dataset("rows")
    row = api.create_row(dataset, metadata={"tier": "gold"}, metrics={"cost": 0.5})
    passing = {"primary_score": {"operator": "gte", "value": 3}}
    key = human(api, "numerical", passing_conditions=passing)
    fields: dict[str, Any] = {
        "evaluator_id": key, "log_id": row, "dataset_id": dataset, "scorer": "ann", "timestamp": dt.datetime(2025, 3, 1, tzinfo=UTC),
        "environment": "prod", "prompt_id": "p1", "prompt_version_number": 3, "automation_id": "a1", "explanation": "why",
    }  # fmt: skip
    made = check.returns("create_score, all fields", lambda: scores.create_score(**fields, numerical_value=4))
    check.equal("what was given is echoed", (made.scorer, made.prompt_id, made.prompt_version_number, made.automation_id,
        made.environment, made.explanation), ("ann", "p1", 3, "a1", "prod", "why"))  # fmt: skip
    check.equal("it passes", made.is_passed, True)
    again = check.returns("posting again updates", lambda: scores.create_score(**fields, numerical_value=2))
    check.equal("the same score", (again.id, again.numerical_value, again.is_passed), (made.id, 2.0, False))
    check.equal("first written then", again.created_at, made.created_at)
    other = scores.create_score(**{**fields, "scorer": "bob"}, numerical_value=5)
    check("another scorer, another score", other.id != made.id, other)
    elsewhere = scores.create_score(evaluator_id=key, log_id=row, scorer="ann", numerical_value=1)
    check("without the dataset it is another score", elsewhere.id not in (made.id, other.id), elsewhere)
    shown = client.datasets.list_dataset_logs(dataset).results[0].scores[key]
    check.equal("rows show the latest of several scorers", shown["id"], other.id)

    read = check.returns("retrieve_score", lambda: scores.retrieve_score(made.id))
    check.equal("read as written", (read.id, read.numerical_value, read.log_id), (made.id, 2.0, row))
    check.equal("inputs of the row", (read.inputs.input, read.inputs.output), ("question", "answer"))
    check.equal("metadata of the row", read.inputs.metadata, {"tier": "gold"})
    check.equal("metrics of the row", read.inputs.metrics["cost"], 0.5)
    check.equal("its evaluator", (read.evaluator["id"], read.evaluator["name"]), (key, "people say numerical"))
    changed = check.returns("update_score", lambda: scores.update_score(made.id, numerical_value=3.5))
    check.equal(
        "update keeps the rest", (changed.numerical_value, changed.explanation, changed.is_passed), (3.5, "why", True)
    )
    replaced = check.returns(
        "replace_score", lambda: scores.replace_score(made.id, numerical_value=1, explanation="new")
    )
    check.equal("replace sets anew", (replaced.numerical_value, replaced.explanation), (1.0, "new"))
    bare = scores.replace_score(made.id, numerical_value=2)
    check.equal("what is left out is emptied", bare.explanation, None)
    check.equal("identity stays", (bare.id, bare.log_id, bare.scorer), (made.id, row, "ann"))
    check.raises(
        "out of the type",
        respan.BadRequestError,
        lambda: scores.update_score(made.id, string_value="x", numerical_value=None),
    )

    found = check.returns(
        "filter_scores",
        lambda: scores.filter_scores(filters={"log_id": runs.is_(row)}, sort_by="-numerical_value", page_size=2),
    )
    check.equal(
        "filtered and sorted", (found.count, [score.numerical_value for score in found.results]), (3, [5.0, 2.0])
    )
    check("next is given", found.next and found.previous is None, found)
    of_row = scores.filter_scores(filters={"dataset_id": runs.is_(dataset), "scorer": runs.is_("ann")})
    check.equal("filters are joined", [score.id for score in of_row.results], [made.id])
    check.equal("deleting answers None", check.returns("delete_score", lambda: scores.delete_score(made.id)), None)
    check.raises("it is gone", respan.NotFoundError, lambda: scores.retrieve_score(made.id))
    api.expect(204, "DELETE", f"/api/datasets/{dataset}/logs/{row}/")
    left = scores.filter_scores(filters={"dataset_id": runs.is_(dataset)})
    check.equal("scores of a row go with it", left.count, 0)


def test_scores_of_a_log(client: Any, api: Api, check: Checks) -> None:
    scores = client.scores
    log = api.create_log()
    key = human(api, "boolean")
    empty = check.returns("list_span_scores, none", lambda: scores.list_span_scores(log))
    check.equal("none yet", (empty.count, empty.results), (0, []))
    made = check.returns(
        "create_span_score",
        lambda: scores.create_span_score(log, evaluator_id=key, boolean_value=True, explanation="e"),
    )
    check.equal(
        "of the log", (made.log_id, made.boolean_value, made.is_passed, made.explanation), (log, True, True, "e")
    )
    check("the scorer comes from the key", bool(made.scorer), made)
    body = {"evaluator_id": key, "boolean_value": False, "scorer": "somebody else"}
    again = api.call("POST", f"/api/logs/{log}/scores/", body)
    check.equal("again: 200 and the same score", (again.status_code, again.json()["id"]), (200, made.id))
    free = api.call("POST", f"/api/logs/{log}/scores/", {"evaluator_slug": "my-own", "numerical_value": 0.25})
    check.equal("new: 201", free.status_code, 201)
    check.equal(
        "a custom slug",
        (free.json()["evaluator_id"], free.json()["type"], free.json()["evaluator_slug"]),
        (None, "custom", "my-own"),
    )
    listed = check.returns("list_span_scores", lambda: scores.list_span_scores(log, page=1, page_size=1))
    check.equal("pages of one", (listed.count, len(listed.results)), (2, 1))
    span = check.returns("T21 a span with scores parses", lambda: client.spans.retrieve_span(log))
    check.equal("its scores", set(span.scores), {key, "my-own"})
    check.equal(
        "shown by value", (span.scores[key].boolean_value, span.scores["my-own"].numerical_value), (False, 0.25)
    )
    read = check.returns("retrieve_span_score", lambda: scores.retrieve_span_score(log, made.id))
    check.equal("read", (read.id, read.boolean_value), (made.id, False))
    changed = check.returns("update_span_score", lambda: scores.update_span_score(log, made.id, boolean_value=True))
    check.equal("changed", (changed.boolean_value, changed.is_passed), (True, True))
    put = check.returns("replace_span_score", lambda: scores.replace_span_score(log, made.id, boolean_value=False))
    check.equal("replaced", (put.boolean_value, put.id), (False, made.id))
    elsewhere = api.create_log()
    for name, call in {
        "retrieve": lambda: scores.retrieve_span_score(elsewhere, made.id),
        "update": lambda: scores.update_span_score(elsewhere, made.id, boolean_value=True),
        "delete": lambda: scores.delete_span_score(elsewhere, made.id),
        "unknown log": lambda: scores.create_span_score("nothing", evaluator_slug="s", numerical_value=1),
        "unknown log's list": lambda: scores.list_span_scores("nothing"),
    }.items():
        check.raises(f"{name} of another log", respan.NotFoundError, call)
    check.equal("delete", check.returns("delete_span_score", lambda: scores.delete_span_score(log, made.id)), None)
    check.equal("one is left", scores.list_span_scores(log).count, 1)
    later = check.returns(
        "S1 of a log to come", lambda: scores.create_score(evaluator_slug="s", log_id="to-come", numerical_value=1)
    )
    check.equal("stored anyway", later.log_id, "to-come")


def test_the_hour_window_of_the_older_list(api: Api, check: Checks) -> None:
    log = api.create_log()
    made = api.expect(201, "POST", f"/api/logs/{log}/scores/", {"evaluator_slug": "windowed", "numerical_value": 1})
    at = made["created_at"]
    for name, query, inside in (
        ("start is inside", f"start_time={at}", True),
        ("end is outside", f"end_time={at}", False),
        ("both", "start_time=2020-01-01T00:00:00Z&end_time=2100-01-01T00:00:00Z", True),
    ):
        for path in ("/api/scores/", "/api/scores/list/"):
            body = api.expect(200, "GET", f"{path}?page_size=100&{query}")
            check.equal(f"{name} by {path}", made["id"] in [score["id"] for score in body["results"]], inside)
            check(f"T18 {path}", isinstance(body["count"], int) and isinstance(body["results"], list), body)
    for path in ("/api/scores/list/", "/scores/list"):
        body = api.expect(200, "POST", path, {})
        check("T18 POST", isinstance(body["count"], int) and isinstance(body["results"], list), body)
        check.equal("count is the total", body["total_count"], body["count"])


def test_errors_raise_the_documented_kind(client: Any, check: Checks) -> None:
    scores = client.scores
    check.raises("no evaluator", respan.BadRequestError, lambda: scores.create_score(log_id="x", numerical_value=1))
    check.raises("no value", respan.BadRequestError, lambda: scores.create_score(log_id="x", evaluator_slug="s"))
    for name, call in {
        "retrieve": lambda: scores.retrieve_score(UNKNOWN),
        "replace": lambda: scores.replace_score(UNKNOWN, numerical_value=1),
        "update": lambda: scores.update_score(UNKNOWN, numerical_value=1),
        "delete": lambda: scores.delete_score(UNKNOWN),
    }.items():
        error = check.raises(f"{name} of an unknown score", ApiError, call)
        check.equal(f"{name} of an unknown score is 404", error.status_code, 404)
    check.raises(
        "a bad filter",
        respan.BadRequestError,
        lambda: scores.filter_scores(filters={"colour": {"operator": "", "value": 1}}),
    )
    stranger = respan.RespanClient(
        base_url=client._client_wrapper.get_base_url(), authorization="nobody", respan_api_key=None
    )
    check.raises("a wrong key", respan.UnauthorizedError, stranger.scores.filter_scores)
