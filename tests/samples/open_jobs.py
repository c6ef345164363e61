"""Leaves a server with work begun and work waiting, by SIGKILL at a moment when the data file says so.

Knows which jobs a version has and how to start them. Reads the job table as every version has it. What the jobs do when
they go on is for the program that opens the file.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import tempfile
import time
from pathlib import Path
from typing import Any

from harness import runs
from harness.server import Server

from samples.content import END, START, Sample

PATIENCE_SECONDS = 20.0
# An answer of the judge's model takes so long, that its run lasts until the other jobs are there.
SLOW_SECONDS = 0.03
Job = dict[str, Any]


def start(sample: Sample) -> None:
    """One job of each kind, that which takes longest first: with one worker the others wait for it."""
    api, made = sample.api, sample.datasets
    window = {"start_time": START, "end_time": END, "sampling_percentage": 90}
    if sample.provider:
        sample.provider.seconds = SLOW_SECONDS
        filled, rules = made["filled"], sample.evaluators
        sample.runs["begun"] = runs.start(api, filled, [rules["judge"], rules["length"]])
    api.expect(200, "POST", f"/api/datasets/{made['late']}/logs/import/", window)
    made["late copy"] = api.expect(201, "POST", "/api/datasets/", {"source_dataset_id": made["traces"]})["id"]
    api.expect(200, "DELETE", f"/api/datasets/{made['late']}/logs/import/", {"filters": {"model": "large"}})
    ask = {"is_exporting": True, "export_format": ".jsonl", "name": "late"}
    ack = api.expect(202, "POST", f"/api/datasets/{made['late']}/logs/list/", ask)
    sample.exports["late"] = ack["export_id"]
    api.expect(204, "DELETE", f"/api/datasets/{made['removed late']}/")


def jobs(database: Path) -> list[Job]:
    """The jobs of a data file, oldest first, as its table has them."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    lines = connection.execute("SELECT id, kind, state, progress FROM job ORDER BY number").fetchall()
    connection.close()
    return [{"id": key, "kind": kind, "state": state, "progress": json.loads(how)} for key, kind, state, how in lines]


def jobs_of_copy(data: Path) -> list[Job]:
    """The jobs of the folder of a killed server, which stays as it is: whoever opens a data file folds its log."""
    with tempfile.TemporaryDirectory() as folder:
        for file in data.glob("evalset.db*"):
            if not file.name.endswith("-shm"):
                shutil.copy(file, folder)
        copy = Path(folder) / "evalset.db"
        sqlite3.connect(copy).close()
        return jobs(copy)


def amid(job: Job) -> bool:
    """Whether some of a job's rows are done, and some are not."""
    return job["state"] == "running" and 1 < job["progress"]["done"] < (job["progress"]["total"] or 0)


def kill_midway(server: Server, sample: Sample, before: set[str]) -> bool:
    """Kills the server when jobs have begun and others wait, but for those in `before`; false when it was too late."""
    database = server.data / "evalset.db"
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        now = [job for job in jobs(database) if job["id"] not in before]
        if any(job["state"] in ("completed", "failed") for job in now):
            break
        begun = {job["kind"] for job in now if amid(job)}
        if begun >= ({"import", "evaluate"} if sample.evaluates else {"import"}):
            server.kill()
            sample.killed_at = time.time_ns() // 1000
            return midway(server.data, sample, before)
    server.kill()
    return False


def midway(data: Path, sample: Sample, before: set[str]) -> bool:
    """Whether the file of a killed server holds one begun job of each lane, and one waiting of each other kind."""
    now = [job for job in jobs_of_copy(data) if job["id"] not in before]
    running = sorted(job["kind"] for job in now if amid(job))
    queued = sorted(job["kind"] for job in now if job["state"] == "queued")
    print("   at the kill: running", running, "queued", queued)
    evaluate = ["evaluate"] if sample.evaluates else []
    return running == sorted([*evaluate, "import"]) and queued == sorted(
        [*evaluate, "duplicate", "export", "purge", "remove"]
    )
