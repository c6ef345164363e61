"""One writer of the crash test: what it sends, what it may rely on, and the comparison after a restart.

Its journal is `model.py`'s: an operation is in doubt from before it is sent until it is answered. Knows the API; nothing
of processes and kills.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from typing import Any

import httpx
from crash.look import dataset_named, logs_of, rows_of, verify_export
from crash.model import Doubt, Filled, Lost, Row, Rows
from harness.api import Api

SOURCES = 10
SOURCE_LOGS = 3_000
PER_SOURCE = SOURCE_LOGS // SOURCES
SOURCE_WINDOW = {"start_time": "2025-01-01T00:00:00Z", "end_time": "2025-01-31T00:00:00Z"}
ROWS_TO_START_ANEW = 600
BULK = 40


class Worker:
    """One writer: its rows, its request logs, its datasets filled by jobs. Lives over all rounds."""

    def __init__(self, number: int, seed: int) -> None:
        self.number = number
        self.random = random.Random(f"{seed}/{number}")
        self.sequence = 0
        self.dataset = ""
        self.rows = Rows()
        self.logs = Rows()
        self.era = 0
        self.frozen: list[tuple[str, Rows]] = []
        self.frozen_logs: list[tuple[str, Rows]] = []
        self.unsettled: list[Filled] = []
        self.pool: list[Filled] = []
        self.gone: list[Filled] = []
        self.exports: list[tuple[str, int]] = []
        self.copied_from = ""
        self.done: Counter[str] = Counter()
        self.problems: list[str] = []

    def shelf(self) -> str:
        """What marks the request logs of this worker that are looked at after every kill; older ones only at the end."""
        return f"{self.number}/{self.era}"

    def tag(self) -> str:
        """A name never used before."""
        self.sequence += 1
        return f"w{self.number}-{self.sequence}"

    def run(self, url: str, key: str, stop: threading.Event) -> None:
        """Writes until told to stop or the server is gone."""
        api = Api(url, key, timeout=30.0)
        operations = [
            (self.create, 6), (self.bulk, 4), (self.patch, 5), (self.delete, 3), (self.log, 3), (self.bulk_logs, 2),
            (self.create_imported, 1), (self.import_into, 1), (self.remove, 1), (self.duplicate, 0.5),
            (self.export, 0.5), (self.drop, 1),
        ]  # fmt: skip
        choices, weights = [operation for operation, _ in operations], [weight for _, weight in operations]
        try:
            while not stop.is_set():
                self.random.choices(choices, weights)[0](api)
        except httpx.HTTPError:
            self.done["in doubt"] += 1
        except Exception as error:  # noqa: BLE001 - reported by the main thread
            self.problems.append(f"worker {self.number}: {type(error).__name__}: {error}")
        finally:
            api.http.close()

    def send(self, api: Api, what: str, wanted: int, method: str, path: str, body: Any = None) -> Any:
        """One request. Its JSON once acknowledged; None when it was refused for load, which changes nothing."""
        answer = api.call(method, path, body)
        if answer.status_code in (429, 503):
            self.done["refused"] += 1
            return None
        if answer.status_code != wanted:
            raise Lost(f"{what}: {method} {path} -> {answer.status_code} {answer.text[:300]}")
        self.done[what] += 1
        return answer.json() if answer.content else {}

    def with_doubt(
        self, rows: Rows, doubt: Doubt, api: Api, wanted: int, method: str, path: str, body: Any = None
    ) -> Any:
        """A request that is in doubt until it is answered."""
        rows.doubts.append(doubt)
        answer = self.send(api, doubt.kind, wanted, method, path, body)
        rows.doubts.pop()
        return answer

    # Single rows and bulks of this worker's own dataset.

    def create(self, api: Api) -> None:
        tag = self.tag()
        answer = self.with_doubt(
            self.rows, Doubt("create", [tag]), api, 201, "POST", f"/api/datasets/{self.dataset}/logs/", item(tag)
        )
        if answer is not None:
            self.rows.present[tag] = Row(answer["unique_id"], 0)

    def bulk(self, api: Api) -> None:
        tags = [self.tag() for _ in range(self.random.randint(2, BULK))]
        body = {"logs": [item(tag, batch=tags[0]) for tag in tags]}
        answer = self.with_doubt(
            self.rows, Doubt("bulk", tags), api, 201, "POST", f"/api/datasets/{self.dataset}/logs/bulk/", body
        )
        if answer is not None:
            self.rows.present.update({tag: Row(row, 0) for tag, row in zip(tags, answer["unique_ids"], strict=True)})

    def patch(self, api: Api) -> None:
        if not self.rows.present:
            return
        tag = self.random.choice(list(self.rows.present))
        row = self.rows.present[tag]
        path = f"/api/datasets/{self.dataset}/logs/{row.id}/"
        body = {"output": f"version {row.version + 1}"}
        answer = self.with_doubt(self.rows, Doubt("patch", [tag], row.version + 1), api, 200, "PATCH", path, body)
        if answer is not None:
            self.rows.present[tag] = Row(row.id, row.version + 1)

    def delete(self, api: Api) -> None:
        if not self.rows.present:
            return
        tag = self.random.choice(list(self.rows.present))
        path = f"/api/datasets/{self.dataset}/logs/{self.rows.present[tag].id}/"
        if self.with_doubt(self.rows, Doubt("delete", [tag]), api, 204, "DELETE", path) is not None:
            del self.rows.present[tag]

    # Request logs.

    def log(self, api: Api) -> None:
        tag = self.tag()
        answer = self.with_doubt(
            self.logs, Doubt("create log", [tag]), api, 201, "POST", "/api/request-logs/", log_item(tag, self.shelf())
        )
        if answer is not None:
            self.logs.present[tag] = Row(answer["unique_id"], 0)

    def bulk_logs(self, api: Api) -> None:
        tags = [self.tag() for _ in range(self.random.randint(2, BULK))]
        body = {"logs": [log_item(tag, self.shelf()) for tag in tags]}
        answer = self.with_doubt(self.logs, Doubt("bulk logs", tags), api, 201, "POST", "/api/request-logs/bulk/", body)
        if answer is not None:
            self.logs.present.update({tag: Row(row, 0) for tag, row in zip(tags, answer["unique_ids"], strict=True)})

    # Jobs.

    def pick_sources(self) -> tuple[dict[str, Any], int]:
        """A filter over the source logs and how many match."""
        chosen = self.random.sample(range(SOURCES), self.random.randint(1, SOURCES))
        return {"metadata__src": {"operator": "in", "value": chosen}}, len(chosen)

    def create_imported(self, api: Api) -> None:
        filters, parts = self.pick_sources()
        target = Filled(self.tag(), {parts * PER_SOURCE}, may_be_absent=True, parts=parts)
        self.unsettled.append(target)
        body = {"name": target.name, "initial_log_filters": filters, **SOURCE_WINDOW}
        if self.send(api, "create with import", 201, "POST", "/api/datasets/", body) is not None:
            target.may_be_absent = False

    def import_into(self, api: Api) -> None:
        filters, parts = self.pick_sources()
        target = Filled(self.tag(), {0, parts * PER_SOURCE}, may_be_absent=True, parts=parts)
        self.unsettled.append(target)
        made = self.send(api, "create empty", 201, "POST", "/api/datasets/", {"name": target.name, "is_empty": True})
        if made is None:
            return
        target.may_be_absent = False
        body = {"filters": filters, **SOURCE_WINDOW}
        if self.send(api, "import", 200, "POST", f"/api/datasets/{made['id']}/logs/import/", body) is None:
            target.allowed = {0}
        else:
            target.allowed = {parts * PER_SOURCE}

    def duplicate(self, api: Api) -> None:
        target = Filled(self.tag(), {SOURCE_LOGS}, may_be_absent=True, parts=SOURCES)
        self.unsettled.append(target)
        body = {"name": target.name, "source_dataset_id": self.copied_from}
        if self.send(api, "duplicate", 201, "POST", "/api/datasets/", body) is not None:
            target.may_be_absent = False

    def remove(self, api: Api) -> None:
        whole = [target for target in self.pool if not target.removed and target.allowed != {0}]
        if not whole:
            return
        target = self.random.choice(whole)
        self.pool.remove(target)
        self.unsettled.append(target)
        before = max(target.allowed)
        after = before // 2
        target.removed = True
        target.allowed = {before, after}
        body = {"filters": {"metadata__half": {"operator": "", "value": 0}}}
        if self.send(api, "remove", 200, "DELETE", f"/api/datasets/{target.id}/logs/import/", body) is None:
            target.allowed = {before}
        else:
            target.allowed = {after}

    def drop(self, api: Api) -> None:
        if len(self.pool) < 2:
            return
        target = self.pool.pop(self.random.randrange(len(self.pool)))
        self.unsettled.append(target)
        target.may_be_absent = True
        if self.send(api, "delete dataset", 204, "DELETE", f"/api/datasets/{target.id}/") is None:
            target.may_be_absent = False
        else:
            target.may_be_present = False

    def export(self, api: Api) -> None:
        body = {"is_exporting": True, "export_format": self.random.choice([".csv", ".jsonl"])}
        answer = self.send(api, "export", 202, "POST", f"/api/datasets/{self.copied_from}/logs/list/", body)
        if answer is not None:
            self.exports.append((answer["export_id"], SOURCE_LOGS))

    # After a restart.

    def verify(self, api: Api, everything: bool) -> int:
        """Compares the server with the journal; the number of facts looked at."""
        facts = self.rows.settle(f"dataset of worker {self.number}", rows_of(api, self.dataset))
        facts += self.logs.settle(f"logs {self.shelf()}", logs_of(api, self.shelf()))
        for target in self.unsettled:
            facts += 1
            exists = target.settle(dataset_named(api, target.name))
            if exists and target.may_be_present:
                self.pool.append(target)
                count = api.expect(200, "POST", f"/api/datasets/{target.id}/logs/list/?page_size=1")["count"]
                if {count} != target.allowed:
                    raise Lost(f"dataset {target.name} lists {count} rows and counts {target.allowed}")
            elif not target.may_be_present:
                self.gone.append(target)
        self.unsettled = []
        for export, wanted in self.exports:
            facts += verify_export(api, export, wanted)
        self.exports = []
        if everything:
            for dataset, rows in self.frozen:
                facts += rows.settle(f"older dataset of worker {self.number}", rows_of(api, dataset))
            for shelf, logs in self.frozen_logs:
                facts += logs.settle(f"older logs {shelf}", logs_of(api, shelf))
            for target in [*self.pool, *self.gone]:
                facts += 1
                target.settle(dataset_named(api, target.name))
            return facts
        if len(self.rows.present) > ROWS_TO_START_ANEW:
            self.frozen.append((self.dataset, self.rows))
            self.rows, self.dataset = Rows(), api.create_dataset(self.tag())
        if len(self.logs.present) > ROWS_TO_START_ANEW:
            self.frozen_logs.append((self.shelf(), self.logs))
            self.logs, self.era = Rows(), self.era + 1
        return facts


def item(tag: str, batch: str | None = None) -> dict[str, Any]:
    """A row; the tag is how it is found again when its id was never told."""
    return {"input": f"input of {tag} " + "x" * 200, "output": "version 0", "metadata": {"tag": tag, "batch": batch}}


def log_item(tag: str, shelf: str) -> dict[str, Any]:
    """A request log of February 2025."""
    return {"model": "m", "timestamp": "2025-02-10T00:00:00Z", **item(tag), "metadata": {"tag": tag, "shelf": shelf}}
