#!/usr/bin/env python3
"""Kills the server with SIGKILL at random moments under mixed writes and checks that nothing acknowledged is lost.

    .venv/bin/python tests/crash/kill.py --rounds 100 --seed 7 --binary target/release/evalset

Each round: several workers write (single rows, bulks, PATCH, DELETE, request logs, import, remove, duplicate, export,
dataset deletion) until the process is killed; it is started again (at times killed again while it recovers or resumes
jobs); then everything the journal says is compared with what the API shows. The journal is kept by `model.py` in this
process, which lives on. Knows the API; nothing of how the server stores. Ends with 0 and a summary line, or with 1.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))

from crash.model import Doubt, Filled, Lost, Row, Rows  # noqa: E402
from harness.api import Api, job_state  # noqa: E402
from harness.server import Server, default_binary, free_port  # noqa: E402

WORKERS = 6
SOURCES = 10
SOURCE_LOGS = 3_000
PER_SOURCE = SOURCE_LOGS // SOURCES
SOURCE_WINDOW = {"start_time": "2025-01-01T00:00:00Z", "end_time": "2025-01-31T00:00:00Z"}
LOGS_WINDOW = "start_time=2025-02-01T00:00:00Z&end_time=2025-02-28T00:00:00Z"
ROWS_TO_START_ANEW = 600
BULK = 40
# Small units of work, so that a kill falls between two of them.
ENV = {"EVALSET_LIMITS__JOB_BATCH_ROWS": "100", "EVALSET_LOG__REQUESTS": "false"}


class Worker:
    """One writer: its rows, its request logs, its datasets filled by jobs. Lives over all rounds."""

    def __init__(self, number: int, seed: int) -> None:
        self.number = number
        self.random = random.Random(f"{seed}/{number}")
        self.sequence = 0
        self.dataset = ""
        self.rows = Rows()
        self.logs = Rows()
        self.frozen: list[tuple[str, Rows]] = []
        self.unsettled: list[Filled] = []
        self.pool: list[Filled] = []
        self.gone: list[Filled] = []
        self.exports: list[tuple[str, int]] = []
        self.copied_from = ""
        self.done: Counter[str] = Counter()
        self.problems: list[str] = []

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
            self.logs, Doubt("create log", [tag]), api, 201, "POST", "/api/request-logs/", log_item(tag, self.number)
        )
        if answer is not None:
            self.logs.present[tag] = Row(answer["unique_id"], 0)

    def bulk_logs(self, api: Api) -> None:
        tags = [self.tag() for _ in range(self.random.randint(2, BULK))]
        body = {"logs": [log_item(tag, self.number) for tag in tags]}
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
        facts += self.logs.settle(f"logs of worker {self.number}", logs_of(api, self.number))
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
            for target in [*self.pool, *self.gone]:
                facts += 1
                target.settle(dataset_named(api, target.name))
        elif len(self.rows.present) > ROWS_TO_START_ANEW:
            self.frozen.append((self.dataset, self.rows))
            self.rows, self.dataset = Rows(), api.create_dataset(self.tag())
        return facts


def item(tag: str, batch: str | None = None) -> dict[str, Any]:
    """A row; the tag is how it is found again when its id was never told."""
    return {"input": f"input of {tag} " + "x" * 200, "output": "version 0", "metadata": {"tag": tag, "batch": batch}}


def log_item(tag: str, worker: int) -> dict[str, Any]:
    """A request log of February 2025."""
    return {"model": "m", "timestamp": "2025-02-10T00:00:00Z", **item(tag), "metadata": {"tag": tag, "worker": worker}}


def by_tag(found: list[dict[str, Any]]) -> dict[str, Row]:
    """Rows of a list by their tag; a tag twice is a write done twice."""
    rows: dict[str, Row] = {}
    for row in found:
        tag = row["metadata"]["tag"]
        if tag in rows:
            raise Lost(f"row {tag} is there twice: {rows[tag].id} and {row['unique_id']}")
        rows[tag] = Row(row["unique_id"], int(row["output"].removeprefix("version ")))
    return rows


def pages(api: Api, path: str, body: dict[str, Any], page_size: int) -> list[dict[str, Any]]:
    """All rows of a list, and that its total is right."""
    found: list[dict[str, Any]] = []
    page = 1
    while True:
        answer = api.expect(200, "POST", f"{path}page={page}&page_size={page_size}&sort_by=unique_id", body)
        found.extend(answer["results"])
        if len(answer["results"]) < page_size:
            if len(found) != answer["count"]:
                raise Lost(f"{path} lists {len(found)} rows and counts {answer['count']}")
            return found
        page += 1


def rows_of(api: Api, dataset: str) -> dict[str, Row]:
    """Rows of a dataset by tag; its `log_count` must agree."""
    rows = by_tag(pages(api, f"/api/datasets/{dataset}/logs/list/?", {}, 100))
    count = api.expect(200, "GET", f"/api/datasets/{dataset}/")["log_count"]
    if count != len(rows):
        raise Lost(f"dataset {dataset} has log_count {count} and lists {len(rows)} rows")
    return rows


def logs_of(api: Api, worker: int) -> dict[str, Row]:
    """Request logs of a worker by tag."""
    body = {"filters": {"metadata__worker": {"operator": "", "value": worker}}}
    return by_tag(pages(api, f"/api/request-logs/list/?{LOGS_WINDOW}&", body, 1000))


def dataset_named(api: Api, name: str) -> dict[str, object] | None:
    """The dataset with this name, if there is one."""
    found = api.expect(200, "POST", "/api/datasets/list/", {"filters": {"name": {"operator": "", "value": name}}})[
        "results"
    ]
    if len(found) > 1:
        raise Lost(f"dataset {name} is there {len(found)} times")
    return dict(found[0]) if found else None


def verify_export(api: Api, export: str, wanted: int) -> int:
    """An acknowledged export ends with all rows."""
    status = api.wait_export({"export_id": export})
    if status["status"] != "completed" or status["row_count"] != wanted:
        raise Lost(f"export {export} ended {status}")
    file = api.call("GET", f"/api/exports/{export}/download/")
    lines = file.text.splitlines()
    header = 1 if status["format"] == ".csv" else 0
    if file.status_code != 200 or len(lines) != wanted + header or len(set(lines)) != len(lines):
        raise Lost(f"export {export} has {len(lines)} lines, {len(set(lines))} different")
    return wanted


def set_up(api: Api, workers: list[Worker]) -> None:
    """The logs that imports read, the dataset that copies and exports read, a dataset for each worker."""
    for begin in range(0, SOURCE_LOGS, 500):
        logs = [
            {
                "model": "source", "input": f"question {n}", "output": "answer", "timestamp": f"2025-01-{n % 28 + 1:02}T00:00:00Z",
                "metadata": {"src": n % SOURCES, "half": n // SOURCES % 2},
            }
            for n in range(begin, begin + 500)
        ]  # fmt: skip
        api.expect(201, "POST", "/api/request-logs/bulk/", {"logs": logs})
    whole = api.create_dataset("source of copies", **SOURCE_WINDOW)
    for worker in workers:
        worker.copied_from = whole
        worker.dataset = api.create_dataset(worker.tag())


def write_and_kill(server: Server, workers: list[Worker], chance: random.Random) -> None:
    """One round of writes, ended by SIGKILL."""
    stop = threading.Event()
    threads = [threading.Thread(target=worker.run, args=(server.url, server.key, stop)) for worker in workers]
    for thread in threads:
        thread.start()
    time.sleep(chance.uniform(0.02, 1.2))
    if not server.alive():
        raise Lost(f"the server ended by itself; log:\n{server.log_tail()}")
    server.kill()
    stop.set()
    for thread in threads:
        thread.join()
    problems = [problem for worker in workers for problem in worker.problems]
    if problems:
        raise Lost("; ".join(problems))


def restart(server: Server, chance: random.Random) -> int:
    """Starts again, at times killing the process while it opens its files or resumes its jobs; the number of those kills."""
    kills = 0
    while chance.random() < 0.25:
        kills += 1
        if chance.random() < 0.5:
            command = [str(server.binary), "serve", "--data", str(server.data), "--listen", f"127.0.0.1:{free_port()}"]
            with open(server.log, "ab") as log:
                process = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=server.environment()
                )
            time.sleep(chance.uniform(0.0, 0.1))
            process.kill()
            process.wait()
        else:
            server.start()
            time.sleep(chance.uniform(0.0, 0.2))
            server.kill()
    server.start()
    return kills


def verify(api: Api, workers: list[Worker], everything: bool) -> int:
    """Lets the jobs end and compares everything with the journal."""
    jobs = api.wait_jobs()
    failed = [job for job in jobs if job_state(job) == "failed"]
    if failed:
        raise Lost(f"jobs failed: {failed[:3]}")
    return sum(worker.verify(api, everything) for worker in workers)


def run(rounds: int, seed: int, binary: Path, folder: Path) -> str:
    """All rounds; the summary line. Raises `Lost` at the first loss."""
    chance = random.Random(seed)
    server = Server(folder, binary=binary, env=ENV)
    server.start()
    workers = [Worker(number, seed) for number in range(WORKERS)]
    facts = kills = extra = number = 0
    begun = time.monotonic()
    try:
        api = Api(server.url, server.key)
        set_up(api, workers)
        for number in range(1, rounds + 1):
            write_and_kill(server, workers, chance)
            kills += 1
            extra += restart(server, chance)
            api = Api(server.url, server.key)
            facts += verify(api, workers, everything=number == rounds)
            if number % 10 == 0:
                print(
                    f"round {number}: {facts} facts hold, {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True
                )
        status = server.stop()
        if status != 0:
            raise Lost(f"exit status {status} after SIGTERM")
    except Exception as error:
        raise Lost(f"round {number}, seed {seed}: {error}; data kept in {folder}") from error
    finally:
        server.kill()
    done: Counter[str] = sum((worker.done for worker in workers), Counter())
    doubts = done.pop("in doubt", 0)
    refused = done.pop("refused", 0)
    kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(done.items()))
    return (
        f"crash: {kills} kills under writes + {extra} while starting, seed {seed}: {sum(done.values())} acknowledged "
        f"operations ({kinds}), {doubts} in doubt, {refused} refused; {facts} facts checked, 0 lost, "
        f"{time.monotonic() - begun:.0f} s"
    )


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--binary", type=Path, default=None)
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="evalset-crash-"))
    try:
        line = run(arguments.rounds, arguments.seed, (arguments.binary or default_binary()).resolve(), folder)
    except Lost as lost:
        print(f"crash: FAILED: {lost}")
        return 1
    for file in sorted(folder.rglob("*"), reverse=True):
        file.unlink() if not file.is_dir() else file.rmdir()
    folder.rmdir()
    print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
