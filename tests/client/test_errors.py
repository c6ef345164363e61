"""Bodies of errors (contract A.4): which members each status carries.

Knows what provokes each status. The long table of bad requests is `bad_input`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from client.checks import Checks
from harness.api import Api
from harness.server import Server


@pytest.fixture(scope="module")
def dataset(api: Api) -> str:
    return api.create_dataset("errors")


def test_400_names_the_field(api: Api, check: Checks, dataset: str) -> None:
    answer = api.call("POST", "/api/datasets/", {"name": "x", "sampling": 400})
    body = answer.json()
    check.equal("400 status", answer.status_code, 400)
    check("400 has detail and error", isinstance(body["detail"], str) and isinstance(body["error"], str), body)
    check(
        "400 has errors by field", "sampling" in body["errors"] and isinstance(body["errors"]["sampling"], list), body
    )
    check("400 has the field itself", isinstance(body["sampling"], list) and isinstance(body["sampling"][0], str), body)
    check("400 says what is allowed", "100" in body["detail"], body)
    filters: dict[str, Any] = {"model": {"operator": "resembles", "value": "x"}}
    body = api.expect(400, "POST", f"/api/datasets/{dataset}/logs/list/", {"filters": filters})
    check("400 names the operator", "resembles" in body["detail"], body)
    check("400 names the filter", any("model" in field for field in body["errors"]), body)


def test_401(server: Server, check: Checks) -> None:
    for name, headers in {
        "no header": {},
        "empty header": {"authorization": ""},
        "wrong key": {"authorization": "Bearer wrongkey.0000000000000000000000000000000000000000"},
        "half a key": {"authorization": f"Bearer {server.key[:20]}"},
        "longer than the key": {"authorization": f"Bearer {server.key}0"},
        "another scheme": {"authorization": f"Basic {server.key}"},
        "another header": {"x-api-key": server.key},
        "key in the query only": {"x-nothing": server.key},
    }.items():
        answer = Api(server.url, None).call("POST", f"/api/datasets/list/?api_key={server.key}", {}, headers=headers)
        check.equal(f"401 with {name}", answer.status_code, 401)
        body = answer.json()
        check(
            f"401 with {name} has detail and error",
            isinstance(body["detail"], str) and isinstance(body["error"], str),
            body,
        )


def test_404(api: Api, check: Checks, dataset: str) -> None:
    unknown = "00000000-0000-4000-8000-000000000000"
    for path in (
        f"/api/datasets/{unknown}/",
        f"/api/datasets/{dataset}/logs/nothing/",
        "/api/request-logs/nothing/",
        "/api/datasets/not-a-uuid/",
    ):
        body = api.expect(404, "GET", path)
        check(f"404 {path}", isinstance(body["detail"], str) and isinstance(body["error"], str), body)
    for path in ("/api/", "/api/nothing/", "/nothing", "/api/datasets/x/y/z/"):
        check("404 unknown path", isinstance(api.expect(404, "GET", path)["detail"], str))


def test_405(api: Api, check: Checks, dataset: str) -> None:
    for method, path in (
        ("DELETE", "/api/datasets/"),
        ("PUT", f"/api/datasets/{dataset}/"),
        ("GET", f"/api/datasets/{dataset}/logs/import/"),
        ("DELETE", "/api/request-logs/"),
    ):
        body = api.expect(405, method, path)
        check(f"405 {method} {path}", isinstance(body["detail"], str), body)


def test_422(api: Api, check: Checks, dataset: str) -> None:
    for name, sent in {
        "empty": {"logs": []},
        "no array": {"logs": "x"},
        "none": {},
        "too many": {"logs": [{"input": "x"}] * 501},
    }.items():
        body = api.expect(422, "POST", f"/api/datasets/{dataset}/logs/bulk/", sent)
        check(f"422 {name}", isinstance(body["detail"], str) and isinstance(body["errors"], dict), body)
    check(
        "422 names the limit",
        "500"
        in api.expect(422, "POST", f"/api/datasets/{dataset}/logs/bulk/", {"logs": [{"input": "x"}] * 501})["detail"],
    )


def test_409_of_an_unfinished_export_is_documented_or_over(api: Api, check: Checks, dataset: str) -> None:
    ack = api.expect(202, "POST", f"/api/datasets/{dataset}/logs/list/", {"is_exporting": True})
    answer = api.call("GET", f"/api/exports/{ack['export_id']}/download/")
    check("a download is the file or 409", answer.status_code in (200, 409), answer.text)
    api.wait_export(ack)
    check.equal("200 when done", api.call("GET", f"/api/exports/{ack['export_id']}/download/").status_code, 200)


def test_413(serve: Callable[..., Server], check: Checks) -> None:
    server = serve("small", EVALSET_LIMITS__MAX_BODY_BYTES="200000", EVALSET_LIMITS__MAX_ROW_BYTES="20000")
    api = Api(server.url, server.key)
    key = api.create_dataset("small")
    body = api.expect(413, "POST", f"/api/datasets/{key}/logs/", {"input": "x" * 300_000})
    check("413 body", isinstance(body["detail"], str), body)
    answer = api.call("POST", f"/api/datasets/{key}/logs/", {"input": "x" * 30_000})
    check("413 or 400 row", answer.status_code in (400, 413) and isinstance(answer.json()["detail"], str), answer.text)
    part = api.expect(
        201, "POST", f"/api/datasets/{key}/logs/bulk/", {"logs": [{"input": "x" * 30_000}, {"input": "fits"}]}
    )
    check.equal("a large row fails alone in a bulk call", (part["success_count"], part["errors"][0]["index"]), (1, 0))
    check.equal(
        "413 for a span", api.call("POST", "/api/request-logs/", {"model": "m", "input": "x" * 30_000}).status_code, 413
    )
    check.equal("what fitted is there", [row["input"] for row in api.rows(key)], ["fits"])


def test_errors_carry_a_request_id(api: Api, check: Checks) -> None:
    answer = api.call("GET", "/api/request-logs/nothing/")
    ids = {name: value for name, value in answer.headers.items() if name == "x-request-id"}
    check("every answer has x-request-id", ids, dict(answer.headers))


def test_a_refused_request_leaves_its_connection_usable(server: Server, check: Checks) -> None:
    """A refusal before the body was read must not end in a connection that closes under the next request."""
    for name, key, method, path in (
        ("401", None, "POST", "/api/datasets/list/"),
        ("404", server.key, "POST", "/api/nothing/at/all/"),
        ("405", server.key, "PUT", "/api/datasets/list/"),
    ):
        caller = Api(server.url, key)
        broken = 0
        for _ in range(50):
            try:
                caller.call(method, path, {"name": "a body that nobody reads"})
            except httpx.HTTPError:
                broken += 1
        check.equal(f"{name}: 50 requests on kept connections", broken, 0)
