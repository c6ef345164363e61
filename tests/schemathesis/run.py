#!/usr/bin/env python3
"""Runs schemathesis over the server's OpenAPI document until a number of requests was made.

    .venv/bin/python tests/schemathesis/run.py --requests 10000 --seed 1 --binary target/release/evalset

Starts a server of its own, fills it a little, and runs the published command line, seeded, once or more times with
rising seeds until the requests are made. Fails on any 5xx and on any status the document does not name for the route.
Knows the tool's options; nothing of what a route means.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
TESTS = HERE.parent
# The folder of this script is called like the package: it must not be found first.
sys.path[:] = [str(TESTS), *(entry for entry in sys.path if Path(entry or ".").resolve() not in (HERE, TESTS))]

from harness.api import Api  # noqa: E402
from harness.server import Server, default_binary  # noqa: E402

CHECKS = "not_a_server_error,status_code_conformance"
# Shedding load is right and is tested elsewhere: here it would only hide what lies behind.
ENV = {
    "EVALSET_LIMITS__OPEN_JOBS": "1000000",
    "EVALSET_LIMITS__CONCURRENT_REQUESTS": "10000",
    "EVALSET_LOG__REQUESTS": "false",
}
RUNS_MAX = 20


def fill(api: Api) -> dict[str, list[str]]:
    """Some of everything; ids by the word that stands before them in paths."""
    datasets = [api.create_dataset(f"fuzzed {number}") for number in range(20)]
    rows = [api.create_row(dataset, metadata={"n": number}) for dataset in datasets for number in range(2)]
    rows += [api.create_row("_saved_logs") for _ in range(5)]
    logs = [api.create_log(metadata={"n": number}) for number in range(20)]
    acks = [api.expect(202, "POST", f"/api/datasets/{key}/logs/list/", {"is_exporting": True}) for key in datasets[:5]]
    evaluators = [
        api.expect(
            201, "POST", "/api/evaluators/", {"name": f"fuzzed {number}", "code_config": {"eval_code_snippet": "def main(eval_inputs):\n    return 1\n"}}
        )
        for number in range(10)
    ]
    for made in evaluators[:5]:
        api.expect(201, "POST", f"/api/evaluators/{made['id']}/versions/", {})
    jobs = [str(job["id"]) for job in api.wait_jobs()]
    return {
        "datasets": [*datasets, "_saved_logs"],
        "logs": rows,
        "request-logs": logs,
        "exports": [ack["export_id"] for ack in acks],
        "jobs": jobs,
        "evaluators": [made["id"] for made in evaluators],
        "versions": ["0", "1"],
    }


def operations(api: Api) -> int:
    """How many (path, method) pairs the document has."""
    document = api.expect(200, "GET", "/openapi.json")
    methods = {"get", "post", "put", "patch", "delete"}
    return sum(1 for item in document["paths"].values() for method in item if method in methods)


def one_run(
    server: Server, seed: int, examples: int, ids: dict[str, list[str]], folder: Path
) -> tuple[int, Counter[str]]:
    """One run of the command line: its exit status and the requests by status."""
    counts = folder / f"counts-{seed}.json"
    command = [
        str(Path(sys.executable).with_name("schemathesis")), "run", f"{server.url}/openapi.json",
        "--header", f"Authorization: Bearer {server.key}", "--seed", str(seed), "--max-examples", str(examples),
        "--checks", CHECKS, "--phases", "examples,coverage,fuzzing", "--suppress-health-check", "all",
        "--request-timeout", "60", "--generation-database", "none", "--continue-on-failure", "--warnings", "off",
        "--no-color", "--max-redirects", "0",
    ]  # fmt: skip
    environment = {
        **os.environ,
        "SCHEMATHESIS_HOOKS": "request_hooks",
        "PYTHONPATH": str(HERE),
        "EVALSET_TEST_IDS": json.dumps(ids),
        "EVALSET_TEST_COUNTS": str(counts),
        "EVALSET_TEST_SEED": str(seed),
    }
    status = subprocess.run(command, env=environment, cwd=folder, check=False).returncode
    return status, Counter(json.loads(counts.read_text())) if counts.exists() else Counter()


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=10_000, help="make at least this many")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--binary", type=Path, default=None)
    arguments = parser.parse_args()
    total: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="evalset-schemathesis-") as name:
        folder = Path(name)
        server = Server(folder, binary=(arguments.binary or default_binary()).resolve(), env=ENV).start()
        try:
            api = Api(server.url, server.key)
            per_operation = max(1, arguments.requests // operations(api) // 2)
            for run in range(RUNS_MAX):
                ids = fill(api)
                status, made = one_run(server, arguments.seed + run, per_operation, ids, folder)
                total += made
                if status != 0 or not server.alive():
                    print(
                        f"schemathesis: FAILED with seed {arguments.seed + run}, exit {status}; the server's log ends:"
                    )
                    print(server.log_tail())
                    return 1
                if total.total() >= arguments.requests:
                    break
            assert server.healthy(), "the server no longer answers /healthz"
        finally:
            server.kill() if not server.alive() else server.stop()
    faults = {status: count for status, count in total.items() if status.startswith("5")}
    by_status = ", ".join(f"{status}: {count}" for status, count in sorted(total.items()))
    print(f"schemathesis: {total.total()} requests from seed {arguments.seed} ({by_status}); no undocumented status")
    if faults or total.total() < arguments.requests:
        print(f"schemathesis: FAILED: 5xx {faults}, wanted {arguments.requests} requests")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
