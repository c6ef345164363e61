"""What is asked of a sample: by the program that made it, and by each that opens it later.

Every question is a read whose answer depends on what is stored alone: never on the clock, on the port or on what was
asked before. Knows the API as its oldest version had it, so that no question is of something that came later.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from harness.api import Api

from samples.content import END, START, WORDS, Sample

Question = dict[str, Any]
# Who asks: a key of the organization `default` for prod, one of another organization, one of `default` for test.
ASKERS = ("default", "other", "test")
WINDOW = f"start_time={START}&end_time={END}"


def ask(sample: Sample, questions: list[Question]) -> list[Question]:
    """The questions with what the server says: `status` and `answer`, without its own address and the request's id."""
    return [{**question, **_answer(sample, question)} for question in questions]


def _answer(sample: Sample, question: Question) -> Question:
    api: Api = {"default": sample.api, "other": sample.other, "test": sample.test}[question["as"]]
    response = api.call(question["method"], question["path"], question.get("body"))
    assert response.status_code < 500, f"{question} -> {response.status_code}: {response.text[:600]}"
    text = response.text.replace(str(api.http.base_url).rstrip("/"), "{url}")
    if response.headers.get("content-type", "").startswith("application/json"):
        found = json.loads(text)
        if isinstance(found, dict):
            found.pop("request_id", None)
        return {"status": response.status_code, "answer": found}
    return {"status": response.status_code, "answer": text}


def questions(sample: Sample) -> list[Question]:
    """All of them, for this sample's ids."""
    found = [*_logs(), *_datasets(sample), *_rows(sample), *_jobs(sample)]
    if sample.evaluates:
        found += [*_evaluators(sample), *_scores(sample), *_runs(sample)]
    return found


def _get(path: str, who: str = "default") -> Question:
    return {"as": who, "method": "GET", "path": path}


def _post(path: str, body: Any, who: str = "default") -> Question:
    return {"as": who, "method": "POST", "path": path, "body": body}


def _logs() -> Iterator[Question]:
    for who in ASKERS:
        yield _get(f"/api/request-logs/summary/?{WINDOW}", who)
    for who in ("default", "other"):
        yield _post(f"/api/request-logs/list/?{WINDOW}&page_size=200&sort_by=unique_id", {}, who)
    for key in ("log-every", "log-plain", "log-large", "log-005", "span-1-0", "not-there", "log-lone"):
        yield _get(f"/api/request-logs/{key}/")
    for filters in (
        {"model": {"operator": "in", "value": ["small", "tiny"]}, "cost": {"operator": "gt", "value": 1}},
        {"metadata__mixed": 4}, {"metadata__tier": {"operator": "not", "value": "gold"}}, {"status_code": 500},
        {"input": {"operator": "icontains", "value": WORDS[1].lower()}},
        {"output": {"operator": "contains", "value": "answer 4"}},
    ):  # fmt: skip
        yield _post(
            f"/api/request-logs/list/?{WINDOW}&page_size=5&include_fields=unique_id&sort_by=-cost", {"filters": filters}
        )
    yield _post(f"/api/request-logs/groups/?{WINDOW}&group_by=model", {})


def _datasets(sample: Sample) -> Iterator[Question]:
    for who in ASKERS:
        yield _post("/api/datasets/list/?page_size=100&sort_by=name", {}, who)
    yield _post("/api/datasets/list/", {"filters": {"name": {"operator": "icontains", "value": "ROW"}}})
    for dataset in sample.datasets.values():
        yield _get(f"/api/datasets/{dataset}/")
        yield _get(f"/api/datasets/{dataset}/", "other")
        yield _get(f"/api/datasets/{dataset}/logs/summary/")


def _rows(sample: Sample) -> Iterator[Question]:
    for dataset in sample.datasets.values():
        yield _post(f"/api/datasets/{dataset}/logs/list/?page_size=100&sort_by=unique_id", {})
    yield _post("/api/datasets/_saved_logs/logs/list/", {})
    rows = sample.datasets["rows"]
    for row in sample.api.rows(rows):
        yield _get(f"/api/datasets/{rows}/logs/{row['unique_id']}/")
    query = "page_size=100&sort_by=-metadata__turn&include_fields=unique_id"
    path = f"/api/datasets/{sample.datasets['filled']}/logs/list/?{query}"
    for word in WORDS:
        yield _post(path, {"filters": {"input": {"operator": "icontains", "value": word}}})
    for filters in (
        {"output": {"operator": "endswith", "value": "answer 81"}},
        {"expected_output": {"operator": "isnull", "value": True}},
        {"full_text": {"operator": "contains", "value": "answer 1"}}, {"annotation_status": "pending"},
        {"metadata__mixed": {"operator": "isnull", "value": True}}, {"model": {"operator": "regex", "value": "^s"}},
    ):  # fmt: skip
        yield _post(path, {"filters": filters})
    yield _get(f"/api/datasets/{rows}/logs/export/?export_format=.jsonl&sort_by=unique_id")


def _jobs(sample: Sample) -> Iterator[Question]:
    yield _get("/api/jobs/?page_size=100")
    yield _get("/api/jobs/?page_size=100", "other")
    yield _get("/api/exports/?page_size=100")
    for export in sample.exports.values():
        yield _get(f"/api/exports/{export}/")
        yield _get(f"/api/exports/{export}/download/")


def _evaluators(sample: Sample) -> Iterator[Question]:
    yield _get("/api/llm-provider/")
    yield _get("/api/llm-provider/", "other")
    yield _get("/api/evaluators/?page_size=100&sort_by=name")
    yield _get("/api/evaluators/?page_size=100", "other")
    for evaluator in sample.evaluators.values():
        yield _get(f"/api/evaluators/{evaluator}/")
    for name in ("length", "judge"):
        yield _get(f"/api/evaluators/{sample.evaluators[name]}/versions/?page_size=100")
        yield _get(f"/api/evaluators/{sample.evaluators[name]}/versions/0/")


def _scores(sample: Sample) -> Iterator[Question]:
    for who in ("default", "other"):
        yield _post("/api/scores/list/?page_size=100&sort_by=created_at", {}, who)
    yield _post("/api/scores/list/?page_size=100&page=2&sort_by=created_at", {})
    yield _get("/api/logs/log-002/scores/?page_size=100")
    filled, length = sample.datasets["filled"], sample.evaluators["length"]
    path = f"/api/datasets/{filled}/logs/list/?page_size=100&include_fields=unique_id,scores"
    yield _post(f"{path}&sort_by=-scores__{length}", {"filters": {f"scores__{length}": {"operator": "gt", "value": 0}}})
    yield _get(f"/api/datasets/{sample.datasets['mixed']}/annotation/progress/")


def _runs(sample: Sample) -> Iterator[Question]:
    filled = sample.datasets["filled"]
    path = f"/api/datasets/{filled}/eval-reports/"
    yield _get(f"{path}list/?page_size=100")
    tasks = {name: [task["task_id"] for task in tasks] for name, tasks in sample.runs.items()}
    for task in (task for group in tasks.values() for task in group):
        yield _get(f"{path}{task}/")
        yield _get(f"{path}{task}/results/?page_size=100")
    sides = [{"run": task} for task in (tasks["rules"][1], tasks["judged"][0])]
    yield _post("/api/eval-reports/compare/", {"a": sides[0], "b": sides[1], "resamples": 100, "seed": 7})
