#!/usr/bin/env python3
"""Kills the server with SIGKILL at random moments under mixed writes and checks that nothing acknowledged is lost.

    .venv/bin/python tests/crash/kill.py --rounds 100 --seed 7 --binary target/release/evalset

Each round: several workers write (single rows, bulks, PATCH, DELETE, request logs, import, remove, duplicate, export,
dataset deletion) until the process is killed; it is started again (at times killed again while it recovers or resumes
jobs); then everything the journal says is compared with what the API shows. The journal is kept in this process, which
lives on: `worker.py` writes it, `model.py` judges it. Knows processes and jobs; nothing of how the server stores. Ends
with 0 and a summary line, or with 1.
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

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))

from crash.model import Lost  # noqa: E402
from crash.worker import SOURCE_LOGS, SOURCE_WINDOW, SOURCES, Worker  # noqa: E402
from harness.api import Api, job_state  # noqa: E402
from harness.server import Server, default_binary, free_port  # noqa: E402

WORKERS = 6
# Small units of work, so that a kill falls between two of them.
ENV = {"EVALSET_LIMITS__JOB_BATCH_ROWS": "100", "EVALSET_LOG__REQUESTS": "false"}


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
