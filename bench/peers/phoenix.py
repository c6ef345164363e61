"""Arize Phoenix on SQLite, its default. Two ways to keep rows in it: spans of a project, and examples of a dataset.

Spans are sent to its batch route and queued; they count as written once they can be read. Its SQLite runs with
`synchronous = OFF`: an acknowledged write may be lost when the machine fails, so its rate is not one of durable writes.
"""

from __future__ import annotations

import json
import time
from datetime import datetime, timedelta
from typing import Any

import driver
from driver import PAGE_ROWS, Answer, Driver, Failed, Row

BUSY_SECONDS = 1.0
SPAN = "id name startTime latencyMs statusCode attributes input { value } output { value }"
EXAMPLE = "id createdAt revision { input output metadata }"


class Phoenix(Driver):
    """What both ways share: the process and GraphQL."""

    package = "arize-phoenix"

    def serve(self) -> None:
        """Starts the server with telemetry off."""
        port, grpc = driver.port(), driver.port()
        env = {
            "PHOENIX_WORKING_DIR": str(self.folder),
            "PHOENIX_HOST": "127.0.0.1",
            "PHOENIX_PORT": str(port),
            "PHOENIX_GRPC_PORT": str(grpc),
            "PHOENIX_TELEMETRY_ENABLED": "false",
        }
        self.http = self.launch([str(self.home() / "bin" / "phoenix"), "serve"], port, "/healthz", env)
        self.ids: list[str] = []

    def ask(self, query: str, **variables: Any) -> Any:
        """A GraphQL query; its data."""
        reply = self.http.json("POST", "/graphql", {"query": query, "variables": variables})
        if reply.get("errors"):
            raise Failed(f"GraphQL: {reply['errors']}")
        return reply["data"]

    def one(self, kind: str, fields: str, turn: int) -> Answer:
        """One node by its id."""
        query = f"query($id: ID!) {{ node(id: $id) {{ ... on {kind} {{ {fields} }} }} }}"
        self.ask(query, id=self.ids[turn % len(self.ids)])
        return Answer(1, None)


class Spans(Phoenix):
    """Rows as LLM spans of a project."""

    name = "phoenix-spans"
    note = "SQLite with synchronous=OFF; spans are queued and counted as written when readable"

    def start(self) -> None:
        self.serve()
        self.project = ""

    def body(self, rows: list[Row]) -> bytes:
        return json.dumps({"data": [span(row) for row in rows]}).encode()

    def write(self, body: bytes) -> None:
        path = "/v1/projects/default/spans"
        while True:
            try:
                self.http.send("POST", path, body)
                return
            except Failed as error:
                # "Span ingestion queue is at capacity": it asks to come back later.
                if "-> 503" not in str(error):
                    raise
                time.sleep(BUSY_SECONDS)

    def settle(self, total: int, patience: float) -> None:
        if not self.project:
            found = self.ask("{ projects { edges { node { id name } } } }")["projects"]["edges"]
            self.project = next(edge["node"]["id"] for edge in found if edge["node"]["name"] == "default")
        deadline = time.monotonic() + patience
        while (there := self.of_project("recordCount")["recordCount"]) < total:
            if time.monotonic() > deadline:
                raise Failed(f"{there} of {total} spans can be read {patience:.0f} s after the last was taken")
            time.sleep(0.2)

    def of_project(self, fields: str) -> Any:
        """Fields of the project."""
        query = f"query($id: ID!) {{ node(id: $id) {{ ... on Project {{ {fields} }} }} }}"
        return self.ask(query, id=self.project)["node"]

    def list(self, sort: str, condition: str = "") -> Answer:
        """A page and the total, as its own user interface asks for them."""
        where = f", filterCondition: {json.dumps(condition)}" if condition else ""
        count = f"recordCount(filterCondition: {json.dumps(condition)})" if condition else "recordCount"
        spans = (
            f"spans(first: {PAGE_ROWS}, sort: {{col: {sort}, dir: desc}}{where}) {{ edges {{ node {{ {SPAN} }} }} }}"
        )
        found = self.of_project(f"{count} {spans}")
        edges = found["spans"]["edges"]
        self.ids = [edge["node"]["id"] for edge in edges] or self.ids
        return Answer(len(edges), found["recordCount"])

    def page(self, turn: int) -> Answer:
        return self.list("startTime")

    def filtered(self, model: str, turn: int) -> Answer:
        return self.list("latencyMs", f"llm.model_name == '{model}' and status_code == 'OK'")

    def row(self, turn: int) -> Answer:
        return self.one("Span", SPAN, turn)

    def search(self, text: str, turn: int) -> Answer:
        return self.list("startTime", f"'{text}' in input.value or '{text}' in output.value")

    def summary(self, turn: int) -> Answer:
        fields = (
            "recordCount tokenCountTotal tokenCountPrompt tokenCountCompletion costSummary { total { tokens cost } }"
        )
        return Answer(1, self.of_project(fields)["recordCount"])

    def export(self, turn: int) -> Answer:
        rows, cursor = 0, ""
        while True:
            after = f"&cursor={cursor}" if cursor else ""
            reply = self.http.json("GET", f"/v1/projects/default/spans?limit=1000{after}")
            rows, cursor = rows + len(reply["data"]), reply["next_cursor"]
            if not cursor:
                return Answer(rows, rows)


class Examples(Phoenix):
    """Rows as examples of a dataset."""

    name = "phoenix-dataset"
    note = "SQLite with synchronous=OFF; one version of the dataset per bulk call; pages are in order of insertion"

    def start(self) -> None:
        self.serve()
        self.dataset = ""

    def body(self, rows: list[Row]) -> Any:
        upload = {
            "name": "bench",
            "inputs": [{"messages": row["input"]} for row in rows],
            "outputs": [{"message": row["output"]} for row in rows],
            "metadata": [facts(row) for row in rows],
        }
        return upload

    def write(self, body: Any) -> None:
        body["action"] = "append" if self.dataset else "create"
        reply = self.http.json("POST", "/v1/datasets/upload?sync=true", body)
        self.dataset = reply["data"]["dataset_id"]

    def of_dataset(self, fields: str) -> Any:
        """Fields of the dataset."""
        query = f"query($id: ID!) {{ node(id: $id) {{ ... on Dataset {{ {fields} }} }} }}"
        return self.ask(query, id=self.dataset)["node"]

    def page(self, turn: int) -> Answer:
        # It has no order but that of insertion; `last` would be the newest, and is not offered with a count either.
        found = self.of_dataset(f"exampleCount examples(first: {PAGE_ROWS}) {{ edges {{ node {{ {EXAMPLE} }} }} }}")
        edges = found["examples"]["edges"]
        self.ids = [edge["node"]["id"] for edge in edges]
        return Answer(len(edges), found["exampleCount"])

    def row(self, turn: int) -> Answer:
        return self.one("DatasetExample", EXAMPLE, turn)

    def search(self, text: str, turn: int) -> Answer:
        # Looks in input, output and metadata; says no total.
        where = f"examples(first: {PAGE_ROWS}, filter: {json.dumps(text)})"
        found = self.of_dataset(f"{where} {{ edges {{ node {{ {EXAMPLE} }} }} }}")
        return Answer(len(found["examples"]["edges"]), None)

    def export(self, turn: int) -> Answer:
        rows = driver.lines(self.http.send("GET", f"/v1/datasets/{self.dataset}/jsonl"))
        return Answer(rows, rows)


def facts(row: Row) -> Row:
    """All of a row but its texts."""
    return {name: value for name, value in row.items() if name not in ("input", "output")}


def span(row: Row) -> Row:
    """A row as an LLM span with OpenInference attributes."""
    number = int(row["custom_identifier"].removeprefix("log-"))
    begin = datetime.fromisoformat(row["timestamp"])
    metrics = row["metrics"]
    attributes = {
        "llm.model_name": row["model"],
        "llm.token_count.prompt": metrics["prompt_tokens"],
        "llm.token_count.completion": metrics["completion_tokens"],
        "llm.token_count.total": metrics["prompt_tokens"] + metrics["completion_tokens"],
        "input.value": json.dumps(row["input"], ensure_ascii=False),
        "input.mime_type": "application/json",
        "output.value": row["output"]["content"],
        "user.id": row["customer_identifier"],
        "metadata": {**row["metadata"], "custom_identifier": row["custom_identifier"], "cost": metrics["cost"]},
    }
    return {
        "name": row.get("span_name", "chat"),
        "context": {"trace_id": f"{number + 1:032x}", "span_id": f"{number + 1:016x}"},
        "span_kind": "LLM",
        "start_time": row["timestamp"],
        "end_time": (begin + timedelta(seconds=metrics["latency"])).isoformat(),
        "status_code": "OK" if row["status_code"] == 200 else "ERROR",
        "status_message": row.get("error_message", ""),
        "attributes": attributes,
    }
