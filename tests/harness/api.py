"""Raw HTTP to the server: what a client without any SDK sends.

Knows headers and statuses. Never follows a redirect, so that one shows as a failure. Does not know what a route means,
but for the few calls at the end that wait for background work (contract B.1 status, B.19 export, `/api/jobs/`).
"""

from __future__ import annotations

import time
from typing import Any

import httpx

ENDED = {"completed", "failed", "cancelled"}
WAIT_SECONDS = 120.0


class Api:
    """Calls with one API key; without one when `key` is None."""

    def __init__(self, url: str, key: str | None, timeout: float = 60.0) -> None:
        headers = {} if key is None else {"authorization": f"Bearer {key}"}
        self.http = httpx.Client(
            base_url=url, headers=headers, timeout=timeout, follow_redirects=False, trust_env=False
        )

    def call(self, method: str, path: str, json: Any = None, **options: Any) -> httpx.Response:
        """Any call; `json` is left out when None."""
        if json is not None:
            options["json"] = json
        return self.http.request(method, path, **options)

    def expect(self, status: int, method: str, path: str, json: Any = None, **options: Any) -> Any:
        """A call that must answer `status`; returns its JSON body (None for an empty one)."""
        response = self.call(method, path, json, **options)
        assert response.status_code == status, f"{method} {path} -> {response.status_code}: {response.text[:600]}"
        return response.json() if response.content else None

    def create_dataset(self, name: str, **fields: Any) -> str:
        """A dataset, empty unless `fields` say otherwise; its id once it is ready."""
        body = {"name": name, **(fields or {"is_empty": True})}
        made = self.expect(201, "POST", "/api/datasets/", body)
        ready = self.wait_dataset(made["id"])
        assert ready["status"] == "ready", ready
        return str(made["id"])

    def create_row(self, dataset: str, **fields: Any) -> str:
        """A row; its id."""
        body = {"input": "question", "output": "answer", **fields}
        return str(self.expect(201, "POST", f"/api/datasets/{dataset}/logs/", body)["unique_id"])

    def create_log(self, **fields: Any) -> str:
        """A request log; its id."""
        body = {"model": "m", "input": "question", "output": "answer", **fields}
        return str(self.expect(201, "POST", "/api/request-logs/", body)["unique_id"])

    def rows(self, dataset: str, filters: Any = None, sort_by: str = "unique_id") -> list[dict[str, Any]]:
        """All rows of a dataset, page by page."""
        found: list[dict[str, Any]] = []
        page = 1
        while True:
            path = f"/api/datasets/{dataset}/logs/list/?page={page}&page_size=100&sort_by={sort_by}"
            body = self.expect(200, "POST", path, {"filters": filters or {}})
            found.extend(body["results"])
            if not body["results"] or len(found) >= body["count"]:
                return found
            page += 1

    def wait_dataset(self, dataset: str, seconds: float = WAIT_SECONDS) -> dict[str, Any]:
        """The dataset once it is `ready` or `failed`."""
        deadline = time.monotonic() + seconds
        while True:
            body = self.expect(200, "GET", f"/api/datasets/{dataset}/")
            if body["status"] in ("ready", "failed"):
                return dict(body)
            assert time.monotonic() < deadline, f"dataset still {body['status']} after {seconds} s"
            time.sleep(0.03)

    def jobs(self) -> list[dict[str, Any]]:
        """The newest 100 jobs."""
        return list(self.expect(200, "GET", "/api/jobs/?page_size=100")["results"])

    def wait_jobs(self, seconds: float = WAIT_SECONDS) -> list[dict[str, Any]]:
        """The newest jobs once all of them have ended."""
        deadline = time.monotonic() + seconds
        while True:
            jobs = self.jobs()
            if all(job_state(job) in ENDED for job in jobs):
                return jobs
            assert time.monotonic() < deadline, f"jobs still open after {seconds} s: {jobs}"
            time.sleep(0.03)

    def export(self, dataset: str, export_format: str, **body: Any) -> tuple[dict[str, Any], bytes]:
        """Exports and waits: the final status object and the file."""
        request = {"is_exporting": True, "export_format": export_format, **body}
        ack = self.expect(202, "POST", f"/api/datasets/{dataset}/logs/list/", request)
        status = self.wait_export(ack)
        assert status["status"] == "completed", status
        file = self.call("GET", f"/api/exports/{ack['export_id']}/download/")
        assert file.status_code == 200, file.text[:600]
        return status, file.content

    def wait_export(self, ack: dict[str, Any], seconds: float = WAIT_SECONDS) -> dict[str, Any]:
        """The status object of an export once it has ended."""
        deadline = time.monotonic() + seconds
        while True:
            status = self.expect(200, "GET", f"/api/exports/{ack['export_id']}/")
            if status["status"] in ENDED:
                return dict(status)
            assert time.monotonic() < deadline, f"export still {status['status']} after {seconds} s"
            time.sleep(0.03)


def job_state(job: dict[str, Any]) -> str:
    """State of a job object."""
    return str(job.get("state") or job.get("status"))
