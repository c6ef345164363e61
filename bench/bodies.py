#!/usr/bin/env python3
"""What request bodies cost in memory.

    bench/bodies.py PROGRAM [PROGRAM …] [--only WORD] [--rest SECONDS] [--check]

Each case gets a fresh server of its own and prints, for each program, the size of the body or file, the answer, the seconds it
took, the most memory above that of the server at the start (`VmHWM`), and what is left of it after a rest. `--check` ends with
status 1 when a case of the last program misses a line of the goal: no request takes more than four times its body and 64 MB,
three calls of 95 MB at once stay under 1 GB, and rest comes back to within 100 MB of the start.

Needs Linux and nothing but the standard library.
"""

import argparse
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

MB = 1_000_000
KEY = "bodies-key-0123456789"


def nested(size, unit="[1]"):
    """A JSON array of so many bytes that is made of many small values."""
    return "[" + ",".join([unit] * ((size - 2) // (len(unit) + 1))) + "]"


def row(size, unit="[1]"):
    return '{"input":' + nested(size - 12, unit) + "}"


def rows(*texts):
    return '{"logs":[' + ",".join(texts) + "]}"


def ordinary(size):
    """Rows as they are sent: messages, an answer, some metadata."""
    each = size // 490
    words = "The quick brown fox jumps over the lazy dog, said number {}. "
    text = "".join(words.format(number * number) for number in range(each // 70 + 1))
    one = json.dumps({
        "input": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": text[: each * 2 // 3]}],
        "output": {"role": "assistant", "content": text[: each // 3 - 200]},
        "metadata": {"tier": "gold", "n": 1},
        "model": "m",
    })
    return rows(*[one] * (size // len(one)))


class Server:
    def __init__(self, program, environment=None):
        self.folder = tempfile.mkdtemp(prefix="bodies-")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        command = [program, "serve", "--data", f"{self.folder}/data", "--listen", f"127.0.0.1:{self.port}"]
        environment = os.environ | {"EVALSET_API_KEY": KEY} | (environment or {})
        self.log = open(f"{self.folder}/log", "wb")
        self.process = subprocess.Popen(command, env=environment, stdout=self.log, stderr=self.log)
        for _ in range(600):
            try:
                if self.call("GET", "/healthz")[0] == 200:
                    break
            except OSError:
                time.sleep(0.05)
        self.dataset = self.call("POST", "/api/datasets/", '{"name": "bodies"}')[1]["id"]
        self.call("POST", f"/api/datasets/{self.dataset}/logs/bulk/", rows('{"input": "first"}'))
        time.sleep(0.5)
        self.start = self.status("VmRSS")
        pathlib.Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def status(self, name):
        lines = pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))

    def call(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)
        headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
        connection.request(method, path, body.encode() if isinstance(body, str) else body, headers)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, json.loads(text) if len(text) < MB and text[:1] == b"{" else text

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        self.log.close()
        shutil.rmtree(self.folder)


class Case:
    """A case: `make` gives the body, `run` sends it and answers with the status."""

    def __init__(self, name, make, run=None, most=None, prepare=None):
        self.name, self.make, self.most = name, make, most
        self.run = run or (lambda server, body: bulk(server, body))
        self.prepare = prepare or (lambda server, body: None)


def bulk(server, body):
    return server.call("POST", f"/api/datasets/{server.dataset}/logs/bulk/", body)[0]


def create(server, body):
    return server.call("POST", f"/api/datasets/{server.dataset}/logs/", body)[0]


def at_once(count):
    def run(server, body):
        answers = [None] * count

        def one(index):
            answers[index] = bulk(server, body)

        threads = [threading.Thread(target=one, args=[index]) for index in range(count)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        return "/".join(str(answer) for answer in answers)

    return run


def put_row(server, body):
    server.row = server.call("POST", f"/api/datasets/{server.dataset}/logs/bulk/", rows(body))[1]["unique_ids"][0]
    time.sleep(0.5)


def path_of_row(server):
    return f"/api/datasets/{server.dataset}/logs/{server.row}/"


def patch_row(server, body):
    return server.call("PATCH", path_of_row(server), '{"metadata": {"seen": true}}')[0]


def patch_with(server, body):
    return server.call("PATCH", path_of_row(server), body)[0]


def read_row(server, body):
    return "/".join(str(server.call("GET", path_of_row(server))[0]) for _ in range(4))


def list_rows(server, body):
    return server.call("GET", f"/api/datasets/{server.dataset}/logs/list/?preview=200")[0]


def search(server, body):
    text = '{"filters": {"input": {"operator": "contains", "value": "nowhere"}}}'
    return server.call("POST", f"/api/datasets/{server.dataset}/logs/list/", text)[0]


def evaluate(server, body):
    """The row is what a built-in evaluator is given."""
    new = {"name": "valid", "evaluator_slug": "valid", "type": "code", "score_value_type": "boolean"}
    new["code_config"] = {"builtin": "json_valid", "parameters": {}}
    status, evaluator = server.call("POST", "/api/evaluators/", json.dumps(new))
    if status >= 300:
        return f"{status} {evaluator}"
    return server.call("POST", f"/api/evaluators/{evaluator['id']}/run/", '{"inputs":' + body + "}")[0]


def half_sent(server, body):
    """Thirty bodies of which most was sent and the rest never comes."""
    head = (
        f"POST /api/datasets/{server.dataset}/logs/bulk/ HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\n"
        "Content-Length: 104000000\r\n\r\n"
    )
    sockets, refused = [], 0
    for _ in range(30):
        peer = socket.create_connection(("127.0.0.1", server.port))
        peer.sendall(head.encode())
        peer.settimeout(0.3)
        try:
            refused += peer.recv(15).startswith(b"HTTP/1.1 503")
        except TimeoutError:
            peer.settimeout(60)
            try:
                peer.sendall(body.encode())
            except OSError:
                refused += 1
        sockets.append(peer)
    time.sleep(0.5)
    answered = server.call("GET", "/api/datasets/")[0]
    [peer.close() for peer in sockets]
    return f"{answered}, {refused} refused"


def deep(size):
    one = "[" * 99 + "1" + "]" * 99
    return rows('{"input":' + nested(size, one) + "}")


CASES = [
    Case("row of 4 MB, [[1],[1],…]", lambda: rows(row(4 * MB))),
    Case("row of 19 MB, [[1],[1],…]", lambda: rows(row(19 * MB))),
    Case("the same, created alone", lambda: row(19 * MB), create),
    Case("five rows of 19 MB, [[1],[1],…]", lambda: rows(*[row(19 * MB)] * 5)),
    Case("unknown member of 88 MB", lambda: '{"logs":[{"input":"a"}],"x":' + nested(88 * MB) + "}"),
    Case("95 MB of ordinary rows", lambda: ordinary(95 * MB)),
    Case("95 MB of ordinary rows, three calls", lambda: ordinary(95 * MB), at_once(3), most=1000 * MB),
    Case("95 MB of [[1],…] rows, three calls", lambda: rows(*[row(19 * MB)] * 5), at_once(3), most=1000 * MB),
    Case("15 MB of small objects, three calls", lambda: rows(*[row(5 * MB, '{"a":1}')] * 3), at_once(3)),
    Case("arrays 100 deep, 19 MB", lambda: deep(19 * MB)),
    Case("one object of 1.5M members, 19 MB", lambda: rows(
        '{"input":{' + ",".join(f'"{number:07}":1' for number in range(1_580_000)) + "}}")),
    Case("row of 1M members, unknown", lambda: rows(
        '{"input":"a",' + ",".join(f'"{number:07}":1' for number in range(1_000_000)) + "}")),
    Case("metadata of 19 MB, [[1],…]", lambda: rows('{"input":"a","metadata":{"x":' + nested(19 * MB - 40) + "}}")),
    Case("text of escapes, 19 MB", lambda: rows('{"input":"' + '\\"\\n\\u00e4' * (19 * MB // 10) + '"}')),
    Case("numbers that grow, 5 MB", lambda: rows('{"input":' + nested(5 * MB, "1e15") + "}")),
    Case("JSON in a string, 19 MB", lambda: rows(json.dumps({"messages": "[" + '{"role":[]},' * 1_100_000 + '{"role":1}]'}))),
    Case("PATCH of a row of 4 MB", lambda: row(4 * MB), patch_row, prepare=put_row),
    Case("PATCH of a row of 19 MB", lambda: row(19 * MB), patch_row, prepare=put_row),
    Case("PATCH with 19 MB", lambda: row(19 * MB), patch_with, prepare=lambda server, body: put_row(server, '{"input":1}')),
    Case("four reads of a row of 4 MB", lambda: row(4 * MB), read_row, prepare=put_row),
    Case("list with a preview of it", lambda: row(4 * MB), list_rows, prepare=put_row),
    Case("text filter over it", lambda: row(4 * MB), search, prepare=put_row),
    Case("filter body of 19 MB, [[1],…]", lambda: '{"filters":' + nested(19 * MB) + "}", lambda server, body: server.call(
        "POST", f"/api/datasets/{server.dataset}/logs/list/", body)[0]),
    Case("inputs of an evaluator, 4 MB", lambda: row(4 * MB), evaluate),
    Case("30 bodies of 100 MB, half sent", lambda: " " * (95 * MB), half_sent, most=1500 * MB),
]


def measured(program, case, rest):
    body = case.make()
    server = Server(program)
    try:
        if case.prepare:
            case.prepare(server, body)
            time.sleep(0.5)
        before = server.status("VmRSS")
        pathlib.Path(f"/proc/{server.process.pid}/clear_refs").write_text("5")
        begin = time.monotonic()
        try:
            answer = case.run(server, body)
        except (OSError, http.client.HTTPException) as error:
            answer = type(error).__name__
        took = time.monotonic() - begin
        peak = server.status("VmHWM")
        time.sleep(rest)
        left = server.status("VmRSS")
        return len(body), answer, took, peak - (before if before < server.start else server.start), left - server.start
    finally:
        server.stop()


def import_measured(program, size):
    """A file with such rows, added by the command line: the memory of that process."""
    folder = tempfile.mkdtemp(prefix="bodies-")
    try:
        file = pathlib.Path(folder, "rows.jsonl")
        file.write_text((row(size) + "\n") * 3)
        command = [program, "import", str(file), "--data", f"{folder}/data"]
        begin = time.monotonic()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        took = time.monotonic() - begin
        return file.stat().st_size, os.waitstatus_to_exitcode(status), took, usage.ru_maxrss * 1024, 0
    finally:
        shutil.rmtree(folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", nargs="+")
    parser.add_argument("--only", help="cases whose name has this word")
    parser.add_argument("--rest", type=float, default=10.0, help="seconds of rest (default 10)")
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    print("| case | program | body MB | answer | s | peak above start, MB | rest above start, MB | |")
    print("|---|---|---|---|---|---|---|---|")
    missed = 0
    wanted = [case for case in CASES if not arguments.only or arguments.only in case.name]
    runs = [(case.name, lambda program, case=case: measured(program, case, arguments.rest), case.most) for case in wanted]
    if not arguments.only or arguments.only in "import":
        runs.append(("import of a file, 3 rows of 19 MB", lambda program: import_measured(program, 19 * MB), None))
    for name, run, most in runs:
        for number, program in enumerate(arguments.program):
            size, answer, took, peak, left = run(program)
            bound = most or 4 * size + 64 * MB
            verdict = "" if peak <= bound and left <= 100 * MB else "missed"
            if verdict and number == len(arguments.program) - 1:
                missed += 1
            label = f"{number + 1}" if len(arguments.program) > 1 else ""
            figures = f"{size / MB:.0f} | {answer} | {took:.1f} | {peak / MB:.0f} | {left / MB:.0f}"
            print(f"| {name} | {label} | {figures} | {verdict} |", flush=True)
    if arguments.check and missed:
        sys.exit(f"{missed} cases missed their line")


if __name__ == "__main__":
    main()
