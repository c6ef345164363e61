"""Label Studio on SQLite, its default: rows as tasks of a project, read as its data manager reads them."""

from __future__ import annotations

import json
import urllib.parse
from typing import Any

import driver
from driver import PAGE_ROWS, Answer, Driver, Failed, Row, prompt_text

TOKEN = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c"
CONFIG = '<View><Text name="input" value="$input"/><Text name="output" value="$output"/>\
<Choices name="ok" toName="output"><Choice value="yes"/><Choice value="no"/></Choices></View>'


class LabelStudio(Driver):
    """Tasks of a project."""

    name = "label-studio"
    package = "label-studio"
    batch = 1000
    note = (
        "analytics and error reports off; tasks have no order by a time in their data that is quicker than its own sort"
    )

    def start(self) -> None:
        port = driver.port()
        command = [str(self.home() / "bin" / "label-studio"), "start", "--no-browser", "--internal-host", "127.0.0.1"]
        command += ["--port", str(port), "--data-dir", str(self.folder / "data"), "--enable-legacy-api-token"]
        command += ["--username", "bench@example.com", "--password", "benchbench", "--user-token", TOKEN]
        off = {
            "COLLECT_ANALYTICS": "false",
            "SENTRY_DSN": "",
            "FRONTEND_SENTRY_DSN": "",
            "LATEST_VERSION_CHECK": "false",
        }
        self.http = self.launch(command, port, "/health", off, {"authorization": f"Token {TOKEN}"})
        made = self.http.json("POST", "/api/projects/", {"title": "bench", "label_config": CONFIG})
        self.project = made["id"]
        self.ids: list[int] = []

    def body(self, rows: list[Row]) -> bytes:
        return json.dumps([{"data": task(row)} for row in rows]).encode()

    def write(self, body: bytes) -> None:
        # In the open edition the call stores the tasks before it answers.
        reply = json.loads(self.http.send("POST", f"/api/projects/{self.project}/import", body))
        if "task_count" not in reply:
            raise Failed(f"the import was answered {reply}")

    def list(self, order: str, *conditions: tuple[str, str, str, Any], either: bool = False) -> Answer:
        """A page of tasks under the data manager's filters, and the total."""
        items = [
            {"filter": f"filter:tasks:data.{name}", "operator": how, "type": kind, "value": value}
            for name, how, kind, value in conditions
        ]
        query: Row = {"ordering": [order]}
        if items:
            query["filters"] = {"conjunction": "or" if either else "and", "items": items}
        text = urllib.parse.urlencode(
            {"project": self.project, "page": 1, "page_size": PAGE_ROWS, "fields": "all", "query": json.dumps(query)}
        )
        reply = self.http.json("GET", f"/api/tasks?{text}")
        self.ids = [found["id"] for found in reply["tasks"]] or self.ids
        return Answer(len(reply["tasks"]), reply["total"])

    def page(self, turn: int) -> Answer:
        return self.list("-tasks:data.timestamp")

    def filtered(self, model: str, turn: int) -> Answer:
        wanted = (("model", "equal", "String", model), ("status_code", "equal", "String", "200"))
        return self.list("-tasks:data.latency", *wanted)

    def row(self, turn: int) -> Answer:
        self.http.json("GET", f"/api/tasks/{self.ids[turn % len(self.ids)]}/")
        return Answer(1, None)

    def search(self, text: str, turn: int) -> Answer:
        wanted = [(name, "contains", "String", text) for name in ("input", "output")]
        return self.list("-tasks:data.timestamp", *wanted, either=True)

    def export(self, turn: int) -> Answer:
        path = f"/api/projects/{self.project}/export?exportType=JSON&download_all_tasks=true"
        rows = len(json.loads(self.http.send("GET", path)))
        return Answer(rows, rows)


def task(row: Row) -> Row:
    """A row as a task's data: texts as texts, the rest flat, as its columns want it."""
    data = {
        "input": prompt_text(row),
        "output": row["output"]["content"],
        "model": row["model"],
        "status_code": str(row["status_code"]),
        "timestamp": row["timestamp"],
        "customer_identifier": row["customer_identifier"],
        "custom_identifier": row["custom_identifier"],
    }
    return {**data, **row["metrics"], **row["metadata"]}
