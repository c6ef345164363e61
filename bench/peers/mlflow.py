"""MLflow on SQLite, its default. Two ways to keep rows in it: traces of an experiment, and records of an evaluation dataset.

Traces go in through its OTLP route, one span each. A page of full rows with a total takes three of its calls: search (the
rows' heads), batchGet (their contents) and the count among its metrics. Filters are the ones its search documents;
searches with a filter say no total.
"""

from __future__ import annotations

import json
import urllib.parse
from datetime import datetime
from typing import Any

import driver
from driver import PAGE_ROWS, Answer, Driver, Row

EXPORT_ROWS = 500
GET_ROWS = 100


class Mlflow(Driver):
    """What both ways share: the process and an experiment."""

    package = "mlflow"

    def serve(self) -> None:
        """Starts the server with its default four workers, telemetry off."""
        port = driver.port()
        python = str(self.home() / "bin" / "python")
        command = [python, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
        path = f"{self.home() / 'bin'}:/usr/local/bin:/usr/bin:/bin"
        env = {"PATH": path, "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
        self.http = self.launch(command, port, "/health", env)
        made = self.http.json("POST", "/api/2.0/mlflow/experiments/create", {"name": "bench"})
        self.experiment = made["experiment_id"]


class Traces(Mlflow):
    """Rows as traces of one span each."""

    name = "mlflow-traces"
    note = "page = search + batchGet + count; filtered and text searches say no total; model is looked up as a span attribute"

    def start(self) -> None:
        self.serve()
        self.http.headers["x-mlflow-experiment-id"] = self.experiment
        self.ids: list[str] = []

    def body(self, rows: list[Row]) -> bytes:
        spans = b"".join(field(2, span(row)) for row in rows)
        return field(1, field(2, spans))

    def write(self, body: bytes) -> None:
        self.http.send("POST", "/v1/traces", body, "application/x-protobuf")

    def find(self, order: str, filters: str = "", limit: int = PAGE_ROWS, token: str = "") -> tuple[list[str], str]:
        """Ids of traces, and the token of the next page."""
        place = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": self.experiment}}
        ask = {"locations": [place], "max_results": limit, "order_by": [order], "filter": filters, "page_token": token}
        reply = self.http.json("POST", "/api/3.0/mlflow/traces/search", ask)
        return [trace["trace_id"] for trace in reply.get("traces", [])], reply.get("next_page_token", "")

    def contents(self, ids: list[str]) -> int:
        """Reads whole traces; how many came."""
        came = 0
        for first in range(0, len(ids), GET_ROWS):
            names = urllib.parse.urlencode([("trace_ids", name) for name in ids[first : first + GET_ROWS]])
            came += len(self.http.json("GET", f"/api/3.0/mlflow/traces/batchGet?{names}").get("traces", []))
        return came

    def metric(self, name: str, kind: str) -> float:
        """One number over all traces."""
        ask = {"experiment_ids": [self.experiment], "view_type": "TRACES", "metric_name": name}
        ask["aggregations"] = [{"aggregation_type": kind}]
        points = self.http.json("POST", "/api/3.0/mlflow/traces/metrics", ask)["data_points"]
        return float(next(iter(points[0]["values"].values())))

    def page(self, turn: int) -> Answer:
        self.ids, _ = self.find("timestamp_ms DESC")
        return Answer(self.contents(self.ids), int(self.metric("trace_count", "COUNT")))

    def filtered(self, model: str, turn: int) -> Answer:
        filters = f"trace.status = 'OK' AND span.attributes.model LIKE '%{model}%'"
        ids, _ = self.find("execution_time_ms DESC", filters)
        return Answer(self.contents(ids), None)

    def row(self, turn: int) -> Answer:
        self.http.send("GET", f"/api/3.0/mlflow/traces/get?trace_id={self.ids[turn % len(self.ids)]}")
        return Answer(1, None)

    def search(self, text: str, turn: int) -> Answer:
        ids, _ = self.find("timestamp_ms DESC", f"trace.text LIKE '%{text}%'")
        return Answer(self.contents(ids), None)

    def summary(self, turn: int) -> Answer:
        self.metric("total_tokens", "SUM")
        return Answer(1, int(self.metric("trace_count", "COUNT")))

    def export(self, turn: int) -> Answer:
        rows, token = 0, ""
        while True:
            ids, token = self.find("timestamp_ms DESC", limit=EXPORT_ROWS, token=token)
            rows += self.contents(ids)
            if not token:
                return Answer(rows, rows)


class Records(Mlflow):
    """Rows as records of an evaluation dataset."""

    name = "mlflow-dataset"
    note = "records have no filter, no search and no route for one of them; pages are in order of insertion"

    def start(self) -> None:
        self.serve()
        made = self.http.json(
            "POST", "/api/3.0/mlflow/datasets/create", {"name": "bench", "experiment_ids": [self.experiment]}
        )
        self.dataset = f"/api/3.0/mlflow/datasets/{made['dataset']['dataset_id']}"

    def body(self, rows: list[Row]) -> bytes:
        records = [{"inputs": inputs(row), "outputs": row["output"], "tags": {"model": row["model"]}} for row in rows]
        return json.dumps({"records": json.dumps(records)}).encode()

    def write(self, body: bytes) -> None:
        self.http.send("POST", f"{self.dataset}/records", body)

    def records(self, limit: int, token: str = "") -> tuple[int, str]:
        """A page of records: how many, and the token of the next."""
        query = urllib.parse.urlencode({"max_results": limit, **({"page_token": token} if token else {})})
        reply = self.http.json("GET", f"{self.dataset}/records?{query}")
        return len(json.loads(reply["records"])), reply.get("next_page_token", "")

    def page(self, turn: int) -> Answer:
        rows, _ = self.records(PAGE_ROWS)
        profile = self.http.json("GET", self.dataset)["dataset"]["profile"]
        return Answer(rows, json.loads(profile)["num_records"])

    def export(self, turn: int) -> Answer:
        rows, token = 0, ""
        while True:
            more, token = self.records(1000, token)
            rows += more
            if not token:
                return Answer(rows, rows)


def inputs(row: Row) -> Row:
    """What a record holds beside its output."""
    return {"messages": row["input"], **{name: value for name, value in row.items() if name not in ("input", "output")}}


# OTLP in its binary form, as its SDKs send it: the few message fields that a span needs.


def varint(number: int) -> bytes:
    """A protobuf variable-length integer."""
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def field(number: int, value: bytes | str | int) -> bytes:
    """A protobuf field: bytes, text or a fixed 64-bit number."""
    if isinstance(value, int):
        return varint(number << 3 | 1) + value.to_bytes(8, "little")
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def attribute(name: str, value: Any) -> bytes:
    """A span attribute; MLflow reads its values as JSON text."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return field(9, field(1, name) + field(2, field(1, text)))


def span(row: Row) -> bytes:
    """A row as an OTLP span with MLflow's attributes."""
    number = int(row["custom_identifier"].removeprefix("log-")) + 1
    begin = round(datetime.fromisoformat(row["timestamp"]).timestamp() * 1e6) * 1000
    metrics = row["metrics"]
    usage = {"input_tokens": metrics["prompt_tokens"], "output_tokens": metrics["completion_tokens"]}
    usage["total_tokens"] = sum(usage.values())
    others = {name: row[name] for name in ("model", "customer_identifier", "custom_identifier", "metadata")}
    attributes = {
        "mlflow.spanType": json.dumps("CHAT_MODEL"),
        "mlflow.spanInputs": row["input"],
        "mlflow.spanOutputs": row["output"],
        "mlflow.chat.tokenUsage": usage,
        **others,
    }
    status = varint(3 << 3) + varint(1 if row["status_code"] == 200 else 2)
    return b"".join(
        [
            field(1, number.to_bytes(16, "big")),
            field(2, number.to_bytes(8, "big")),
            field(5, row.get("span_name", "chat")),
            field(7, begin),
            field(8, begin + round(metrics["latency"] * 1e9)),
            *(attribute(name, value) for name, value in attributes.items()),
            field(15, status),
        ]
    )
