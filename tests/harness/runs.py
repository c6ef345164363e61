"""Evaluators, runs over a dataset, and what came of them, through the API.

Knows contract B.18 and F and our additions (`results`, `cancel`, `continue`, `/api/llm-provider/`). Does not know what any
evaluator should say.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from harness.api import ENDED, Api
from harness.provider import TEMPLATE

PATIENCE_SECONDS = 300.0
Task = dict[str, Any]


def set_provider(api: Api, url: str, **settings: Any) -> None:
    """Where LLM evaluators ask; quick to give up unless `settings` say otherwise."""
    body = {
        "base_url": url,
        "api_key": "key-of-the-tests",
        "default_model": "judge-1",
        "timeout_seconds": 20,
        **settings,
    }
    api.expect(200, "PUT", "/api/llm-provider/", body)


def evaluator(api: Api, name: str, **body: Any) -> str:
    """A new evaluator; its id."""
    return str(api.expect(201, "POST", "/api/evaluators/", {"name": name, **body})["id"])


def builtin(api: Api, builtin_name: str, value_type: str = "boolean", **parameters: Any) -> str:
    """A new built-in evaluator."""
    code = {"builtin": builtin_name, "parameters": parameters}
    return evaluator(api, builtin_name, type="code", score_value_type=value_type, code_config=code)


def snippet(api: Api, source: str, value_type: str = "numerical", **body: Any) -> str:
    """A new Python evaluator."""
    code = {"eval_code_snippet": source}
    return evaluator(api, "python", type="code", score_value_type=value_type, code_config=code, **body)


def judge(api: Api, model: str = "judge-1", **body: Any) -> str:
    """A new LLM evaluator on the stand-in provider's template, scores 1 to 5."""
    config = {"model": model, "evaluator_definition": TEMPLATE, "temperature": 0, **body.pop("llm_config", {})}
    score = {"min_score": 1, "max_score": 5}
    fields = {"type": "llm", "score_value_type": "numerical", "score_config": score, **body}
    return evaluator(api, "judge", llm_config=config, **fields)


def start(api: Api, dataset: str, evaluators: list[str], **body: Any) -> list[Task]:
    """Starts runs, in the order of the evaluators."""
    path = f"/api/datasets/{dataset}/eval-reports/create/"
    answer = api.expect(200, "POST", path, {"evaluator_ids": evaluators, **body})
    assert len(answer["created_tasks"]) == len(evaluators), answer
    return list(answer["created_tasks"])


def task(api: Api, dataset: str, task_id: str) -> Task:
    """A run as it stands."""
    return dict(api.expect(200, "GET", f"/api/datasets/{dataset}/eval-reports/{task_id}/"))


def wait_until(what: str, holds: Callable[[], Any], seconds: float = PATIENCE_SECONDS) -> Any:
    """Polls until `holds` gives something true, and returns that."""
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < deadline, f"after {seconds} s still not: {what}"
        time.sleep(0.03)
    return found


def wait(api: Api, dataset: str, tasks: list[Task], seconds: float = PATIENCE_SECONDS) -> list[Task]:
    """The runs once all have ended."""

    def ended() -> list[Task] | None:
        now = [task(api, dataset, each["task_id"]) for each in tasks]
        return now if all(each["status"] in ENDED for each in now) else None

    return list(wait_until(f"runs ended: {[each['task_id'] for each in tasks]}", ended, seconds))


def run(api: Api, dataset: str, evaluators: list[str], **body: Any) -> list[Task]:
    """Starts runs and waits for them."""
    return wait(api, dataset, start(api, dataset, evaluators, **body))


def results(api: Api, dataset: str, task_id: str, query: str = "") -> list[dict[str, Any]]:
    """All results of a run, page by page."""
    found: list[dict[str, Any]] = []
    page = 1
    while True:
        path = f"/api/datasets/{dataset}/eval-reports/{task_id}/results/?page={page}&page_size=100&{query}"
        body = api.expect(200, "GET", path)
        found.extend(body["results"])
        if not body["results"] or len(found) >= body["count"]:
            assert len(found) == body["count"], f"{len(found)} results listed, {body['count']} counted"
            return found
        page += 1


def failed(api: Api, dataset: str, task_id: str) -> dict[str, str]:
    """Row → why it failed."""
    found = results(api, dataset, task_id, "failed=true")
    assert all(each["status"] == "failed" and each["error_message"] for each in found), found[:3]
    return {each["unique_id"]: each["error_message"] for each in found}


def scores_by_row(api: Api, dataset: str) -> dict[str, dict[str, Any]]:
    """Row → evaluator → summary, of all rows of a dataset."""
    found: dict[str, dict[str, Any]] = {}
    page = 1
    while True:
        query = f"page={page}&page_size=100&sort_by=unique_id&include_fields=scores"
        body = api.expect(200, "POST", f"/api/datasets/{dataset}/logs/list/?{query}", {})
        found.update({row["unique_id"]: row["scores"] for row in body["results"]})
        if not body["results"] or len(found) >= body["count"]:
            return found
        page += 1


def scores_of(api: Api, filters: dict[str, Any]) -> list[dict[str, Any]]:
    """All score objects that match, page by page."""
    found: list[dict[str, Any]] = []
    page = 1
    while True:
        body = api.expect(200, "POST", f"/api/scores/list/?page={page}&page_size=100", {"filters": filters})
        found.extend(body["results"])
        if not body["results"] or len(found) >= body["count"]:
            return found
        page += 1


def is_(value: Any) -> dict[str, Any]:
    """A condition of equality."""
    return {"operator": "", "value": value}
