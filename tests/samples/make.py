"""Makes the sample of a schema version with the program of its time; see README.md.

    .venv/bin/python tests/samples/make.py --binary OLD/target/debug/evalset --program COMMIT

Data folders come of it. `stopped`: all jobs have ended, the server was stopped. `killed`: the same, then jobs were
begun and the server was killed amid them; the same program finished them afterwards, and what it answers then is what
the tests expect of today's program.
"""

from __future__ import annotations

import argparse
import shutil
import sqlite3
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness.api import Api  # noqa: E402
from harness.server import REPOSITORY, Server  # noqa: E402

from samples import content, keep, open_jobs, questions  # noqa: E402
from samples.content import EVALUATION, Sample  # noqa: E402
from samples.stand_in import StandIn  # noqa: E402

SAMPLES = REPOSITORY / "crates" / "embedded" / "samples"
KEY = "sample00.0123456789abcdef0123456789abcdef0123456789abcdef"
ATTEMPTS = 30
TEXT = 4  # the version that brought text indexes
# Small units, so that a kill finds a job amid its work; files of exports that do not expire.
LIMITS = {"CONCURRENT_JOBS": "1", "JOB_BATCH_ROWS": "1", "EXPORT_DAYS": "36500"}
RUN_LIMITS = {"CONCURRENT_RUNS": "1", "RUN_BATCH_ROWS": "1"}
TEXT_LIMITS = {"TEXT_INDEX_ROWS": "20"}


def limits(version: int) -> dict[str, str]:
    """The environment of a program of this version."""
    chosen = {**LIMITS, **(RUN_LIMITS if version >= EVALUATION else {}), **(TEXT_LIMITS if version >= TEXT else {})}
    return {f"EVALSET_LIMITS__{name}": value for name, value in chosen.items()}


def schema_version(data: Path) -> int:
    """What the data file says."""
    connection = sqlite3.connect(f"file:{data / 'evalset.db'}?mode=ro", uri=True)
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    connection.close()
    return version


def first_start(binary: Path) -> int:
    """The schema version that a program writes."""
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder), binary).start()
        version = schema_version(server.data)
        server.stop()
    return version


def server_of(folder: Path, binary: Path, version: int) -> Server:
    """A server with the key and the limits of samples."""
    server = Server(folder, binary, limits(version))
    server.key = KEY
    return server


def connect(sample: Sample, server: Server, keys: dict[str, str]) -> None:
    """Points the callers of a sample at a server."""
    sample.api, sample.other, sample.test = (Api(server.url, keys[who]) for who in questions.ASKERS)


def stopped(
    folder: Path, binary: Path, version: int, provider: StandIn | None
) -> tuple[Server, Sample, dict[str, Any]]:
    """A filled server, stopped, and what it answered."""
    server = server_of(folder, binary, version).start()
    keys = {"default": KEY, "other": server.create_key("other"), "test": server.create_key("default", "test", "test")}
    sample = Sample(version, *(Api(server.url, keys[who]) for who in questions.ASKERS), provider, server.data)
    content.fill(sample)
    answers = questions.ask(sample, questions.questions(sample))
    server.stop()
    assert schema_version(server.data) == version
    return server, sample, {"keys": keys, "answers": answers}


def late_datasets(sample: Sample) -> None:
    """Where jobs will be at work when the server is killed."""
    sample.datasets["late"] = sample.api.create_dataset("late")
    sample.datasets["removed late"] = sample.api.create_dataset(
        "removed late", initial_log_filters={"model": "tiny"}, sampling=100
    )
    sample.api.wait_jobs()


def killed(folder: Path, binary: Path, version: int, base: Path, sample: Sample, keys: dict[str, str]) -> Server | None:
    """A server killed amid its jobs, from a copy of a stopped one; none when a job ended too early."""
    shutil.rmtree(folder, ignore_errors=True)
    server = server_of(folder, binary, version)
    shutil.copytree(base, server.data)
    server.start()
    connect(sample, server, keys)
    late_datasets(sample)
    before = {job["id"] for job in open_jobs.jobs(server.data / "evalset.db")}
    open_jobs.start(sample)
    return server if open_jobs.kill_midway(server, sample, before) else None


def finish(server: Server, sample: Sample, keys: dict[str, str]) -> list[dict[str, Any]]:
    """Lets the same program end what was begun, and asks it."""
    if sample.provider:
        sample.provider.seconds = 0.0
    server.start()
    connect(sample, server, keys)
    sample.api.wait_jobs()
    del sample.datasets["removed late"]
    answers = questions.ask(sample, questions.questions(sample))
    server.stop()
    return answers


def make(binary: Path, program: str, out: Path) -> None:
    """Makes both folders of the version that `binary` writes, below `out`."""
    version = first_start(binary)
    provider = StandIn(version) if version >= EVALUATION else None
    target = out / f"v{version}"
    head = {"schema": version, "program": program, "provider": provider.url if provider else None}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        server, sample, found = stopped(folder / "stopped", binary, version, provider)
        keys = found["keys"]
        sizes = [
            keep.files(server.data, target / "stopped"),
            keep.answers({**head, **found}, target / "stopped.json.zst"),
        ]
        for attempt in range(ATTEMPTS):
            again = Sample(version, sample.api, sample.other, sample.test, provider, server.data)
            for name in ("datasets", "evaluators", "runs", "exports"):
                getattr(again, name).update(getattr(sample, name))
            dead = killed(folder / f"killed-{attempt}", binary, version, server.data, again, keys)
            if dead:
                break
        else:
            raise SystemExit(f"in {ATTEMPTS} attempts no job was amid its work when the server was killed")
        sizes.append(keep.files(dead.data, target / "killed"))
        jobs = open_jobs.jobs_of_copy(dead.data)
        answers = finish(dead, again, keys)
        sizes.append(
            keep.answers(
                {**head, "keys": keys, "killed_at": again.killed_at, "jobs": jobs, "answers": answers},
                target / "killed.json.zst",
            )
        )
    if provider:
        provider.stop()
    print(f"v{version}: bytes of each folder and its answers (stopped, killed): {sizes}")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Makes the sample of the schema version that a program writes.")
    parser.add_argument("--binary", type=Path, required=True, help="the program `evalset` of that time")
    parser.add_argument(
        "--program", required=True, help="the commit it was built from, for whoever looks at the sample"
    )
    parser.add_argument("--out", type=Path, default=SAMPLES, help=f"where to put it (default {SAMPLES})")
    arguments = parser.parse_args()
    make(arguments.binary.resolve(), arguments.program, arguments.out)


if __name__ == "__main__":
    main()
