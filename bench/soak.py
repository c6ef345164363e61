"""Mixed load for as long as is asked: five writers, eight readers and jobs, with memory and latency minute by minute.

Starts the server binary on a free port with a fresh folder, fills a dataset, then lets all of them work at a steady pace. Ends with an
error when a request fails, a count is wrong, memory keeps growing or latency drifts. Standard library only; run as
`python3 bench/soak.py --minutes 20`.
"""

import argparse
import http.client
import json
import os
import random
import shutil
import socket
import statistics
import subprocess
import tempfile
import threading
import time

KEY = "soakkey1.0f1e2d3c4b5a69788796a5b4c3d2e1f0"
WORDS = "refund invoice shipping error model answer question apple river cloud total order status customer token".split()


class Api:
    """One connection of one thread."""

    def __init__(self, port):
        self.port, self.connection = port, None

    def call(self, method, path, body=None):
        if self.connection is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=90)
        data = None if body is None else json.dumps(body)
        headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
        self.connection.request(method, path, data, headers)
        reply = self.connection.getresponse()
        answer = reply.read()
        if reply.status >= 300:
            raise RuntimeError(f"{method} {path}: {reply.status} {answer[:300]!r}")
        return json.loads(answer) if answer else None


def log(rng, number):
    """A made-up log of about a kilobyte."""
    return {
        "custom_identifier": f"log-{number}",
        "model": rng.choice(["gpt-4o", "gpt-4o-mini", "claude", "llama"]),
        "status_code": rng.choice([200] * 9 + [500]),
        "cost": rng.random() / 50,
        "latency": rng.expovariate(1.0),
        "customer_identifier": f"customer-{rng.randrange(500)}",
        "metadata": {"tier": rng.choice(["free", "pro"]), "turn": rng.randrange(20)},
        "input": " ".join(rng.choices(WORDS, k=60)),
        "output": " ".join(rng.choices(WORDS, k=60)),
    }


class Soak:
    """The state all threads share."""

    def __init__(self, port, dataset, end):
        self.port, self.dataset, self.end = port, dataset, end
        self.lock = threading.Lock()
        self.taken, self.errors = [], []
        self.rows, self.number = 0, 0

    def numbers(self, count):
        with self.lock:
            self.number += count
            return range(self.number - count, self.number)

    def worker(self, act, pause, seed):
        """Acts again and again until the end, at most once a pause."""
        api, rng = Api(self.port), random.Random(seed)
        while time.time() < self.end and not self.errors:
            due = time.perf_counter() + pause
            begin = time.perf_counter()
            try:
                name = act(self, api, rng)
            except Exception as error:  # noqa: BLE001: whatever it is ends the soak
                with self.lock:
                    self.errors.append(repr(error))
                return
            with self.lock:
                self.taken.append((time.time(), name, time.perf_counter() - begin))
            time.sleep(max(0.0, due - time.perf_counter()))


def write(soak, api, rng):
    """A bulk call, a single row, a change or a removal of rows that this writer made."""
    path, kind = f"/api/datasets/{soak.dataset}/logs/", rng.randrange(10)
    if kind < 5:
        rows = [log(rng, number) for number in soak.numbers(10)]
        api.call("POST", path + "bulk/", {"logs": rows})
        with soak.lock:
            soak.rows += len(rows)
        return "bulk"
    made = api.call("POST", path, log(rng, soak.numbers(1)[0]))
    if kind < 8:
        api.call("PATCH", f"{path}{made['unique_id']}/", {"metadata": {"reviewed": True}})
        with soak.lock:
            soak.rows += 1
        return "create+patch"
    api.call("DELETE", f"{path}{made['unique_id']}/")
    return "create+delete"


def read(soak, api, rng):
    """A page by some filter and sort, a summary, or a search."""
    path, kind = f"/api/datasets/{soak.dataset}/logs/", rng.randrange(10)
    if kind < 6:
        filters = rng.choice([
            {},
            {"status_code": {"operator": "", "value": [500]}},
            {"metadata__tier": {"operator": "", "value": ["pro"]}, "cost": {"operator": "gt", "value": [0.01]}},
            {"customer_identifier": {"operator": "", "value": [f"customer-{rng.randrange(500)}"]}},
        ])
        sort = rng.choice(["-timestamp", "-cost", "latency", "model"])
        api.call("POST", f"{path}list/?page={rng.randrange(1, 40)}&page_size=25&sort_by={sort}", {"filters": filters})
        return "page"
    if kind < 8:
        api.call("POST", f"{path}summary/", {"filters": {"model": {"operator": "", "value": ["claude"]}}})
        return "summary"
    filters = {"output": {"operator": "icontains", "value": [f"{rng.choice(WORDS)} {rng.choice(WORDS)} {rng.choice(WORDS)}"]}}
    api.call("POST", f"{path}list/?page_size=25", {"filters": filters})
    return "search"


def work(soak, api, rng):
    """A dataset of its own, filled, exported and deleted again."""
    made = api.call("POST", "/api/datasets/", {"name": f"soak {rng.random()}", "is_empty": True})
    api.call("POST", f"/api/datasets/{made['id']}/logs/bulk/", {"logs": [log(rng, number) for number in range(200)]})
    job = api.call("POST", f"/api/datasets/{made['id']}/logs/list/", {"is_exporting": True, "export_format": ".jsonl"})
    for _ in range(600):
        state = api.call("GET", f"/api/exports/{job['export_id']}/")["status"]
        if state in ("completed", "failed"):
            break
        time.sleep(0.1)
    if state != "completed":
        raise RuntimeError(f"export {state}")
    api.call("DELETE", f"/api/datasets/{made['id']}/")
    return "job"


def memory(pid):
    """Anonymous and file memory of the server in MB."""
    with open(f"/proc/{pid}/status") as status:
        fields = dict(line.split(":", 1) for line in status)
    return tuple(int(fields[name].split()[0]) // 1024 for name in ("RssAnon", "RssFile"))


def shares(values):
    """Median and 99th percentile in ms."""
    values = sorted(values)
    return statistics.median(values) * 1000, values[min(len(values) - 1, int(len(values) * 0.99))] * 1000


def report(soak, minutes, marks):
    """A line per minute and operation; returns what is wrong."""
    begin, names = soak.taken[0][0], sorted({name for _, name, _ in soak.taken})
    faults = list(soak.errors)
    print("minute  memory MB (own, file)  " + "  ".join(f"{name} n/p50/p99 ms" for name in names))
    table = {name: [] for name in names}
    for minute in range(minutes):
        cells = []
        for name in names:
            took = [took for at, kind, took in soak.taken if kind == name and int((at - begin) // 60) == minute]
            table[name].append(shares(took) if took else (0, 0))
            cells.append(f"{len(took)} / {table[name][-1][0]:.1f} / {table[name][-1][1]:.1f}")
        print(f"{minute:6}  {marks[minute] if minute < len(marks) else ''}  " + "  ".join(cells))
    third = max(1, minutes // 3)
    for name in names:
        early, late = (statistics.median(p50 for p50, _ in part) for part in (table[name][:third], table[name][-third:]))
        print(f"{name}: median of p50 {early:.1f} ms in the first third, {late:.1f} ms in the last")
        if late > 2 * early + 5:
            faults.append(f"{name} became slower: {early:.1f} to {late:.1f} ms")
    return faults


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", default="target/release/evalset")
    parser.add_argument("--minutes", type=int, default=20)
    parser.add_argument("--rows", type=int, default=300_000, help="rows there are at the beginning")
    arguments = parser.parse_args()
    folder, port = tempfile.mkdtemp(prefix="evalset-soak-"), free_port()
    environment = os.environ | {"EVALSET_API_KEY": KEY}
    command = [arguments.binary, "serve", "--data", folder, "--listen", f"127.0.0.1:{port}"]
    with open(os.path.join(folder, "server.log"), "wb") as out:
        server = subprocess.Popen(command, env=environment, stdout=out, stderr=out)
    try:
        faults = run(arguments, port, server.pid)
    finally:
        server.terminate()
        code = server.wait(60)
    print(f"server ended with {code}")
    shutil.rmtree(folder)
    if faults or code != 0:
        raise SystemExit("\n".join(["soak failed:", *faults]))
    print("no error, no drift")


def run(arguments, port, pid):
    api, rng = Api(port), random.Random(1)
    for _ in range(300):
        try:
            api.call("GET", "/healthz")
            break
        except OSError:
            api.connection = None
            time.sleep(0.1)
    dataset = api.call("POST", "/api/datasets/", {"name": "soak", "is_empty": True})["id"]
    soak = Soak(port, dataset, time.time() + 3600)
    while soak.rows < arguments.rows:
        api.call("POST", f"/api/datasets/{dataset}/logs/bulk/", {"logs": [log(rng, number) for number in soak.numbers(500)]})
        soak.rows += 500
    soak.end = time.time() + arguments.minutes * 60
    crew = [(write, 0.1, seed) for seed in range(5)] + [(read, 0.1, seed) for seed in range(5, 13)] + [(work, 5.0, 13)]
    threads = [threading.Thread(target=soak.worker, args=member) for member in crew]
    for thread in threads:
        thread.start()
    marks = []
    while time.time() < soak.end and not soak.errors:
        time.sleep(min(60, max(0.1, soak.end - time.time())))
        marks.append(memory(pid))
    for thread in threads:
        thread.join()
    faults = report(soak, arguments.minutes, marks)
    if soak.errors:
        return faults
    # Its own connection rested for as long as all others worked, and the server has closed it.
    count = Api(port).call("POST", f"/api/datasets/{dataset}/logs/list/?page_size=1", {})["count"]
    print(f"{count} rows, expected {soak.rows}")
    if count != soak.rows:
        faults.append(f"{count} rows instead of {soak.rows}")
    third = max(1, len(marks) // 3)
    early, late = (statistics.median(own for own, _ in part) for part in (marks[:third], marks[-third:]))
    print(f"memory of its own: {early} MB in the first third, {late} MB in the last")
    if late > early * 1.3 + 50:
        faults.append(f"memory grew: {early} to {late} MB")
    return faults


if __name__ == "__main__":
    main()
