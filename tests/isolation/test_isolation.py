"""Every route of the OpenAPI document without a key, with a revoked key, and with another organization's key.

Driven by `/openapi.json`, so a new route is covered or fails here: one with path parameters needs a line in `IDS`, one
whose body is checked before its id needs a line in `BODIES`. Knows which routes are public; not what any route does.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from harness.api import Api
from harness.server import Server

PUBLIC = {"/", "/healthz", "/readyz", "/metrics", "/openapi.json", "/docs"}
METHODS = {"get", "post", "put", "patch", "delete"}
MARK = "onlytheowner7f3a"
WIDE = "start_time=2020-01-01T00:00:00Z&end_time=2030-01-01T00:00:00Z"
WINDOW = {"start_time": "2020-01-01T00:00:00Z", "end_time": "2030-01-01T00:00:00Z"}
# Path up to the parameter -> what a real id there is. More than one: each is tried.
IDS: dict[str, list[str]] = {
    r"(/api)?(/evaluations)?/datasets/": ["dataset"],
    r"(/api)?/datasets/[^/]+/logs/": ["row"],
    r"(/api)?/request-logs/": ["log"],
    r"(/api)?/exports/": ["export"],
    r"(/api)?/jobs/": ["job"],
    r"(/api)?/evaluators/": ["evaluator"],
    r"(/api)?/evaluators/[^/]+/versions/": ["version"],
    r"(/api)?/datasets/[^/]+/eval-reports/": ["task"],
    r"(/api)?/scores/": ["score"],
    r"(/api)?/logs/": ["log"],
    r"(/api)?/logs/[^/]+/scores/": ["score"],
    # `_saved_logs` has paths of its own in some documents: every organization has the collection, the row is the owner's.
    r"(/api)?/datasets/_saved_logs/logs/": ["saved_row"],
}
# A body that is right, where `{}` is refused before the id is looked at.
BODIES: dict[str, Any] = {
    "post /datasets/": {"name": "mine", "is_empty": True},
    "post /datasets/create/": {"name": "mine", "is_empty": True},
    "patch /datasets/*/": {"description": "mine now"},
    "post /datasets/*/logs/": {"input": "x"},
    "patch /datasets/*/logs/*/": {"output": "mine now"},
    "put /datasets/*/logs/*/": {"input": "mine now"},
    "post /datasets/*/annotation/complete/": {"unique_id": "x"},
    "post /datasets/*/annotation/release/": {"unique_id": "x"},
    "post /datasets/*/logs/bulk/": {"logs": [{"input": "x"}]},
    "post /datasets/*/logs/import/": WINDOW,
    "post /datasets/*/logs/create/": WINDOW,
    "delete /datasets/*/logs/import/": {"is_deleting_all_logs": True},
    "delete /datasets/*/logs/delete/": {"is_deleting_all_logs": True},
    "post /evaluations/datasets/*/logs/": WINDOW,
    "put /llm-provider/": {"base_url": "http://127.0.0.1:9/v1"},
    "patch /llm-provider/": {"concurrency": 1},
    "post /datasets/*/eval-reports/create/": {"evaluator_ids": ["mine"]},
    "post /eval-reports/compare/": {"a": {"run": "mine"}, "b": {"run": "mine"}},
    "post /evaluators/*/run/": {"inputs": {"input": "x", "output": "x"}},
    "post /scores/": {"evaluator_slug": "mine", "log_id": "mine", "numerical_value": 1},
    "put /scores/*/": {"numerical_value": 1},
    "patch /scores/*/": {"numerical_value": 1},
    "post /logs/*/scores/": {"evaluator_slug": "mine", "numerical_value": 1},
    "put /logs/*/scores/*/": {"numerical_value": 1},
    "patch /logs/*/scores/*/": {"numerical_value": 1},
    "put /llm-provider/": {"base_url": "http://127.0.0.1:9/v1"},
    "post /evaluators/": {"name": "mine"},
    "put /evaluators/*/": {"name": "mine now"},
    "patch /evaluators/*/": {"name": "mine now"},
    "put /evaluators/*/versions/*/": {"name": "mine now"},
    "patch /evaluators/*/versions/*/": {"name": "mine now"},
    "post /request-logs/": {"model": "m", "input": "x"},
    "post /request-logs/create/": {"model": "m", "input": "x"},
    "post /request-logs/bulk/": {"logs": [{"model": "m", "input": "x"}]},
    "post /request-logs/batch/create/": {"logs": [{"model": "m", "input": "x"}]},
    "patch /request-logs/batch-update/": {"logs": [{"unique_id": "{log}", "note": "mine now"}]},
    "patch /request-logs/*/": {"note": "mine now"},
}
# Routes of contract B.20 that are served but left out of the document.
LEGACY = [
    "get /api/datasets/", "post /api/datasets/create/", "get /api/datasets/{dataset_id}/logs/",
    "post /api/datasets/{dataset_id}/logs/create/", "delete /api/datasets/{dataset_id}/logs/delete/",
    "post /api/evaluations/datasets/{dataset_id}/logs/", "post /api/request-logs/create/", "get /api/scores/list/",
]  # fmt: skip


@dataclass(frozen=True)
class Route:
    """One (path, method) of the document."""

    method: str
    path: str

    def body(self, ids: dict[str, str]) -> Any:
        """A body for it."""
        if self.method == "get":
            return None
        shape = re.sub(r"\{[^}]+\}", "*", self.path.removeprefix("/api").rstrip("/") + "/")
        shape = shape.replace("/_saved_logs/", "/*/")
        body = BODIES.get(f"{self.method} {shape}", {})
        if "{log}" in str(body):
            body = {"logs": [{**item, "unique_id": ids["log"]} for item in body["logs"]]}
        return body

    def filled(self, ids: dict[str, str]) -> str:
        """The path with the owner's real ids; fails for a parameter nobody knows an id for."""
        path = self.path
        while match := re.search(r"\{([^}]+)\}", path):
            before = path[: match.start()]
            known = [
                names
                for pattern, names in IDS.items()
                if re.fullmatch(pattern, re.sub(r"/[0-9a-f-]{32,36}/", "/x/", before))
            ]
            assert known, f"{self.method} {self.path}: no real id is known for {{{match.group(1)}}}; add a line to IDS"
            path = before + ids[known[-1][0]] + path[match.end() :]
        return path


@pytest.fixture(scope="module")
def routes(server: Server) -> list[Route]:
    document = Api(server.url, None).expect(200, "GET", "/openapi.json")
    found = [
        Route(method, path)
        for path, methods in document["paths"].items()
        for method in methods
        if method in METHODS and path not in PUBLIC
    ]
    assert len(found) >= 25, f"the document lists only {len(found)} routes"
    legacy = [Route(*line.split(" ", 1)) for line in LEGACY]
    return [*found, *(route for route in legacy if route not in found)]


@pytest.fixture(scope="module")
def ids(api: Api) -> dict[str, str]:
    """Real things of the first organization; every text of it carries the mark."""
    dataset = api.create_dataset(MARK)
    row = api.create_row(dataset, input=MARK, output=MARK, metadata={MARK: MARK})
    saved = api.create_row("_saved_logs", input=MARK, output=MARK)
    log = api.create_log(model=MARK, input=MARK, output=MARK, custom_identifier=MARK)
    ack = api.expect(202, "POST", f"/api/datasets/{dataset}/logs/list/", {"is_exporting": True, "name": MARK})
    api.wait_export(ack)
    api.expect(200, "PUT", "/api/llm-provider/", {"base_url": f"http://{MARK}/v1", "api_key": f"{MARK}-key"})
    job = str(api.jobs()[0]["id"])
    evaluator = api.expect(201, "POST", "/api/evaluators/", {"name": MARK, "description": MARK, "tags": [MARK]})
    spoken = {"evaluator_id": evaluator["id"], "numerical_value": 1, "explanation": MARK}
    score = api.expect(201, "POST", f"/api/logs/{log}/scores/", spoken)["id"]
    api.expect(201, "POST", "/api/scores/", {**spoken, "log_id": row, "dataset_id": dataset, "scorer": MARK})
    run = {"evaluator_ids": [evaluator["id"]], "experiment_id": MARK}
    [task] = api.expect(200, "POST", f"/api/datasets/{dataset}/eval-reports/create/", run)["created_tasks"]
    api.wait_jobs()
    provider = {"base_url": "http://127.0.0.1:9/v1", "api_key": MARK, "default_model": MARK}
    api.expect(200, "PUT", "/api/llm-provider/", provider)
    return {
        "dataset": dataset, "row": row, "saved_row": saved, "log": log, "export": ack["export_id"], "job": job,
        "evaluator": evaluator["id"], "version": evaluator["version_id"], "score": score, "task": task["task_id"],
    }  # fmt: skip


@pytest.fixture(scope="module")
def stranger(server: Server) -> Api:
    """Another organization's key."""
    return Api(server.url, server.create_key("strangers"))


def everything(api: Api, ids: dict[str, str]) -> Any:
    """All the first organization has, to compare before and after."""
    return {
        "datasets": api.expect(200, "POST", "/api/datasets/list/", {})["results"],
        "rows": api.rows(ids["dataset"]),
        "row": api.expect(200, "GET", f"/api/datasets/{ids['dataset']}/logs/{ids['row']}/"),
        "saved": api.rows("_saved_logs"),
        "logs": api.expect(200, "POST", f"/api/request-logs/list/?{WIDE}", {})["results"],
        "log": api.expect(200, "GET", f"/api/request-logs/{ids['log']}/"),
        "jobs": api.jobs(),
        "evaluators": api.expect(200, "POST", "/api/evaluators/list/", {})["results"],
        "versions": api.expect(200, "GET", f"/api/evaluators/{ids['evaluator']}/versions/")["results"],
        "export": api.expect(200, "GET", f"/api/exports/{ids['export']}/"),
        "provider": api.expect(200, "GET", "/api/llm-provider/"),
    }


def forms(path: str) -> list[str]:
    """The same route with and without prefix and slash (contract A.1)."""
    bare = path.removeprefix("/api")
    return sorted({path, path.rstrip("/") or "/", bare, bare.rstrip("/") or "/"})


def refused(caller: Api, routes: list[Route], ids: dict[str, str]) -> list[str]:
    """Routes that did not answer 401 in every form."""
    wrong = []
    for route in routes:
        for path in forms(route.filled(ids)):
            answer = caller.call(route.method.upper(), path, route.body(ids))
            if answer.status_code != 401 or MARK in answer.text:
                wrong.append(f"{route.method} {path}: {answer.status_code} {answer.text[:200]}")
    return wrong


def test_public_routes_need_no_key_and_show_nothing(server: Server, ids: dict[str, str]) -> None:
    nobody = Api(server.url, None)
    for path in ("/healthz", "/readyz", "/metrics", "/openapi.json", "/docs"):
        answer = nobody.call("GET", path)
        assert answer.status_code == 200, f"{path}: {answer.status_code}"
        assert not any(value in answer.text for value in (MARK, server.key, *ids.values())), (
            f"{path} shows what it must not"
        )


def test_without_a_key_every_route_is_401(server: Server, api: Api, routes: list[Route], ids: dict[str, str]) -> None:
    before = everything(api, ids)
    wrong = refused(Api(server.url, None), routes, ids)
    assert not wrong, "\n".join(wrong)
    assert everything(api, ids) == before
    print(f"isolation: {len(routes)} routes without a key: all 401")


def test_with_a_revoked_key_every_route_is_401(
    server: Server, api: Api, routes: list[Route], ids: dict[str, str]
) -> None:
    key = server.create_key("default", "to be revoked")
    caller = Api(server.url, key)
    assert caller.call("GET", f"/api/datasets/{ids['dataset']}/").status_code == 200, (
        "the key works before it is revoked"
    )
    server.revoke_key(key)
    before = everything(api, ids)
    wrong = refused(caller, routes, ids)
    assert not wrong, "\n".join(wrong)
    assert everything(api, ids) == before
    print(f"isolation: {len(routes)} routes with a revoked key: all 401")


def test_with_anothers_key_every_id_is_404(api: Api, stranger: Api, routes: list[Route], ids: dict[str, str]) -> None:
    before = everything(api, ids)
    wrong = []
    with_ids = [route for route in routes if "{" in route.path]
    assert len(with_ids) >= 15, f"only {len(with_ids)} routes have ids"
    for route in with_ids:
        answer = stranger.call(route.method.upper(), route.filled(ids), route.body(ids))
        if answer.status_code != 404 or MARK in answer.text:
            wrong.append(f"{route.method} {route.path}: {answer.status_code} {answer.text[:200]}")
    assert not wrong, "\n".join(wrong)
    assert everything(api, ids) == before
    print(f"isolation: {len(with_ids)} routes with another organization's key on real ids: all 404")


def test_with_anothers_key_nothing_of_the_owner_shows(
    api: Api, stranger: Api, routes: list[Route], ids: dict[str, str]
) -> None:
    before = everything(api, ids)
    wrong = []
    without_ids = [route for route in routes if "{" not in route.path]
    for route in without_ids:
        joint = f"?{WIDE}&page_size=100&group_by=model&fetch_filters=true"
        answer = stranger.call(route.method.upper(), route.path + joint, route.body(ids))
        if answer.status_code >= 500 or answer.status_code in (401, 405):
            wrong.append(f"{route.method} {route.path}: {answer.status_code} {answer.text[:200]}")
        own = [ids["log"]] if "batch-update" in route.path else []
        if MARK in answer.text or any(value in answer.text for value in ids.values() if value not in own):
            wrong.append(f"{route.method} {route.path} shows the owner's data: {answer.text[:300]}")
    assert not wrong, "\n".join(wrong)
    assert everything(api, ids) == before
    print(f"isolation: {len(without_ids)} routes without ids show nothing of another organization")


SAVED_ROW: dict[str, tuple[str, Any]] = {
    "GET": ("/api/datasets/_saved_logs/logs/{saved_row}/", None),
    "PATCH": ("/api/datasets/_saved_logs/logs/{saved_row}/", {"output": "mine"}),
    "PUT": ("/api/datasets/_saved_logs/logs/{saved_row}/", {"input": "mine"}),
    "DELETE": ("/api/datasets/_saved_logs/logs/{saved_row}/", None),
}


@pytest.mark.parametrize("method", SAVED_ROW)
def test_rows_of_saved_logs_stay_with_their_organization(
    api: Api, stranger: Api, ids: dict[str, str], method: str
) -> None:
    path, body = SAVED_ROW[method]
    assert stranger.call(method, path.format(**ids), body).status_code == 404
    assert [row["output"] for row in api.rows("_saved_logs")] == [MARK]


Attempt = Callable[[Api, dict[str, str]], Any]


def copy_the_dataset(stranger: Api, ids: dict[str, str]) -> None:
    stranger.expect(404, "POST", "/api/datasets/", {"name": "copy", "source_dataset_id": ids["dataset"]})


def fetch_logs_by_id(stranger: Api, ids: dict[str, str]) -> None:
    key = stranger.create_dataset("by ids")
    answer = stranger.call("POST", f"/api/datasets/{key}/logs/bulk/", {"log_ids": [ids["log"], ids["row"]]})
    assert answer.status_code < 500 and MARK not in answer.text, answer.text
    stranger.wait_jobs()
    assert stranger.rows(key) == []


def import_everything(stranger: Api, ids: dict[str, str]) -> None:
    key = stranger.create_dataset("everything", **WINDOW)
    assert MARK not in str(stranger.rows(key))


def filter_by_the_owners_ids(stranger: Api, ids: dict[str, str]) -> None:
    either = {
        "id": {"operator": "in", "value": list(ids.values())},
        "full_text": {"operator": "icontains", "value": MARK, "connector": "OR"},
    }
    for path in (f"/api/request-logs/list/?{WIDE}", "/api/datasets/_saved_logs/logs/list/"):
        assert stranger.expect(200, "POST", path, {"filters": either})["count"] == 0
    summary = stranger.expect(200, "POST", f"/api/request-logs/summary/?{WIDE}", {"filters": either})
    assert summary["number_of_requests"] == 0


def overwrite_a_log(stranger: Api, ids: dict[str, str]) -> None:
    stranger.call("POST", "/api/request-logs/", {"unique_id": ids["log"], "model": "stolen", "input": "stolen"})
    stranger.call(
        "POST", "/api/request-logs/bulk/", {"logs": [{"unique_id": ids["log"], "model": "stolen", "input": "x"}]}
    )


def overwrite_a_row(stranger: Api, ids: dict[str, str]) -> None:
    key = stranger.create_dataset("rows")
    stranger.call("POST", f"/api/datasets/{key}/logs/", {"unique_id": ids["row"], "input": "stolen"})
    assert MARK not in str(stranger.rows(key))


def take_an_evaluator(stranger: Api, ids: dict[str, str]) -> None:
    """By slug, by the id of its version, by both kinds of id in one path."""
    own = stranger.expect(201, "POST", "/api/evaluators/", {"name": "own"})["id"]
    for reference in (MARK, f"{MARK}:0", ids["version"], f"{ids['evaluator']}:0", f"{own}/versions/{ids['version']}"):
        stranger.expect(404, "GET", f"/api/evaluators/{reference}/")
        stranger.expect(404, "PATCH", f"/api/evaluators/{reference}/", {"name": "stolen"})
    # Slugs are unique in one organization only.
    stranger.expect(201, "POST", "/api/evaluators/", {"name": "mine", "evaluator_slug": MARK})


def use_what_is_the_owners_in_evaluations(stranger: Api, ids: dict[str, str]) -> None:
    """The owner's evaluator, dataset and logs, named in runs and scores of one's own."""
    key, own = (
        stranger.create_dataset("to evaluate"),
        stranger.expect(201, "POST", "/api/evaluators/", {"name": "me"})["id"],
    )
    start = f"/api/datasets/{key}/eval-reports/create/"
    value = {"numerical_value": 1, "log_id": "mine"}
    for path, body in (
        (start, {"evaluator_ids": [ids["evaluator"]]}),
        (start, {"evaluator_ids": [ids["version"]]}),
        ("/api/scores/", {**value, "evaluator_id": ids["evaluator"]}),
        ("/api/scores/", {**value, "evaluator_slug": "s", "dataset_id": ids["dataset"]}),
        (f"/api/evaluators/{own}/run/", {"dataset_id": ids["dataset"]}),
        (f"/api/evaluators/{own}/run/", {"log_ids": [ids["log"]]}),
        (f"/api/evaluators/{own}/run/", {"log_ids": [ids["row"]]}),
        (f"/api/evaluators/{own}/run/", {"inputs": {"output": "x"}, "evaluator_id": ids["evaluator"]}),
    ):
        answer = stranger.call("POST", path, body)
        assert answer.status_code in (400, 404) and MARK not in answer.text, f"{path} {body}: {answer.text[:300]}"


def compare_the_owners_scores(stranger: Api, ids: dict[str, str]) -> None:
    """By run, by dataset, and by the owner's evaluator over a dataset of one's own."""
    own = stranger.create_dataset("to compare")
    for side in (
        {"run": ids["task"]},
        {"dataset_id": ids["dataset"], "evaluator": ids["evaluator"]},
        {"dataset_id": ids["dataset"], "evaluator": MARK},
        {"dataset_id": own, "evaluator": ids["evaluator"]},
    ):
        answer = stranger.call("POST", "/api/eval-reports/compare/", {"a": side, "b": side})
        named = [str(value) for value in side.values()]
        assert answer.status_code == 400, answer.text
        shown = [value for value in (MARK, *ids.values()) if value in answer.text and value not in named]
        assert not shown, answer.text


def read_the_owners_scores(stranger: Api, ids: dict[str, str]) -> None:
    """By filters, and by a score of one's own on the owner's log."""
    for name in ("log", "evaluator", "dataset"):
        for value in (ids[name], ids["row"]):
            filters = {f"{name}_id": {"operator": "", "value": value}}
            assert stranger.expect(200, "POST", "/api/scores/list/", {"filters": filters})["count"] == 0
    body = {"evaluator_slug": "s", "log_id": ids["log"], "numerical_value": 1}
    made = stranger.expect(201, "POST", "/api/scores/", body)
    read = stranger.expect(200, "GET", f"/api/scores/{made['id']}/")
    assert MARK not in str(read) and not read["inputs"], read
    listed = stranger.expect(200, "GET", f"/api/logs/{ids['log']}/scores/")
    assert [score["id"] for score in listed["results"]] == [made["id"]]
    stranger.expect(204, "DELETE", f"/api/scores/{made['id']}/")


@pytest.mark.parametrize(
    "attempt",
    [
        # Before the stranger has a log of the same id.
        use_what_is_the_owners_in_evaluations,
        compare_the_owners_scores,
        read_the_owners_scores,
        copy_the_dataset,
        fetch_logs_by_id,
        import_everything,
        filter_by_the_owners_ids,
        overwrite_a_log,
        overwrite_a_row,
        take_an_evaluator,
    ],  # fmt: skip
    ids=lambda attempt: attempt.__name__,
)
def test_ids_inside_bodies_reach_nothing(api: Api, stranger: Api, ids: dict[str, str], attempt: Attempt) -> None:
    before = everything(api, ids)
    attempt(stranger, ids)
    assert everything(api, ids) == before


def test_environment_comes_from_the_key(server: Server) -> None:
    tester = Api(server.url, server.create_key("environments", "tests", environment="test"))
    log = tester.create_log(environment="prod")
    assert tester.expect(200, "GET", f"/api/request-logs/{log}/")["environment"] == "test"
