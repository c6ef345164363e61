"""evalset, driven like its peers: one Python client, one connection."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import driver
from driver import PAGE_ROWS, Answer, Driver, Failed, Row
from process import folder_bytes

KEY = "benchkey.0f1e2d3c4b5a69788796a5b4c3d2e1f0"
REPOSITORY = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("EVALSET_BIN", REPOSITORY / "target" / "release" / "evalset")).resolve()
#: Fewer rows have no text index (`limits.text_index_rows`).
TEXT_ROWS_MIN = 1_000
#: What a row was written with, and its id: what the others give. Without `include_fields` a row has forms of the same texts beside it.
FIELDS = (
    "unique_id,timestamp,input,output,model,status_code,error_message,customer_identifier,custom_identifier,trace_unique_id,"
    "log_type,metadata,prompt_tokens,completion_tokens,cost,latency,time_to_first_token"
)


class Evalset(Driver):
    """A dataset in evalset."""

    name = "evalset"
    batch = 500
    note = "each bulk call is on disk (fsync) before it is answered; reads begin when the text index has all rows"

    def version(self) -> str:
        return subprocess.run([str(BINARY), "--version"], capture_output=True, text=True, check=True).stdout.strip()

    def start(self) -> None:
        port = driver.port()
        command = [str(BINARY), "serve", "--data", str(self.folder / "data"), "--listen", f"127.0.0.1:{port}"]
        bearer = {"authorization": f"Bearer {KEY}"}
        self.http = self.launch(command, port, "/healthz", {"EVALSET_API_KEY": KEY}, bearer)
        dataset = self.http.json("POST", "/api/datasets/", {"name": "bench", "is_empty": True})["id"]
        self.logs = f"/api/datasets/{dataset}/logs"
        self.ids: list[str] = []

    def disk_bytes(self) -> int:
        # Files of the exports of earlier steps are not the rows.
        return super().disk_bytes() - folder_bytes(self.folder / "data" / "exports")

    def body(self, rows: list[Row]) -> bytes:
        return json.dumps({"logs": rows}).encode()

    def write(self, body: bytes) -> None:
        reply = json.loads(self.http.send("POST", f"{self.logs}/bulk/", body))
        if reply["error_count"]:
            raise Failed(f"a bulk call lost rows: {reply['errors']}")

    def catch_up(self, total: int, patience: float) -> float | None:
        if total < TEXT_ROWS_MIN:
            return None
        begin = time.monotonic()
        while self.text_rows() < total:
            if time.monotonic() - begin > patience:
                raise Failed(f"the text index has {self.text_rows()} of {total} rows after {patience:.0f} s")
            time.sleep(0.05)
        return time.monotonic() - begin

    def text_rows(self) -> int:
        """Rows that the text index has."""
        lines = self.http.send("GET", "/metrics").decode().splitlines()
        values = [line.split()[1] for line in lines if line.startswith("evalset_store_text_index_rows ")]
        return int(float(values[0])) if values else 0

    def list(self, filters: Any, sort: str, page: int = 1) -> Answer:
        """One page."""
        path = f"{self.logs}/list/?page={page}&page_size={PAGE_ROWS}&sort_by={sort}&include_fields={FIELDS}"
        reply = self.http.json("POST", path, {"filters": filters})
        self.ids = [row["unique_id"] for row in reply["results"]] or self.ids
        return Answer(len(reply["results"]), reply["count"])

    def page(self, turn: int) -> Answer:
        return self.list({}, "-timestamp")

    def filtered(self, model: str, turn: int) -> Answer:
        return self.list({"model": model, "status_code": 200}, "-latency")

    def row(self, turn: int) -> Answer:
        self.http.json("GET", f"{self.logs}/{self.ids[turn % len(self.ids)]}/")
        return Answer(1, None)

    def search(self, text: str, turn: int) -> Answer:
        either = {
            "input": {"operator": "contains", "value": text},
            "output": {"operator": "contains", "value": text, "connector": "OR"},
        }
        return self.list(either, "-timestamp")

    def summary(self, turn: int) -> Answer:
        return Answer(1, self.http.json("POST", f"{self.logs}/summary/", {})["number_of_requests"])

    def export(self, turn: int) -> Answer:
        body = self.http.send("POST", f"{self.logs}/export/?export_format=.jsonl&include_fields={FIELDS}", b"{}")
        rows = driver.lines(body)
        return Answer(rows, rows)
