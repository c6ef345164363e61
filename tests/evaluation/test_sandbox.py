"""Hostile and broken Python evaluators: each ends with a clear error in time, and nobody else notices.

Each is run alone on given inputs (V9) and over a dataset of three rows, while lists are asked for, another run goes on, and
the memory of the server and its children is looked at. Prints the table of errors. Knows the API and `/proc`; not how the
server keeps Python in bounds.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from evaluation.rows import fill, plain_rows
from harness import runs
from harness.api import Api
from harness.server import Server

# A hang guard: how long a row may take is the server's own affair.
IN_TIME_SECONDS = 60.0
SERVER_MB_MAX = 300
CHILDREN_MB_MAX = 1200
BODY = "def main(eval_inputs):\n"

# Name → (source, words of which one must be in the error). Those of the second table must fail as well, in whatever words.
ATTACKS: dict[str, tuple[str, tuple[str, ...]]] = {
    "read a file": (BODY + "    return open('/etc/passwd').read()\n", ("open", "file", "permission")),
    "write a file": (BODY + "    open('/tmp/evalset-was-here', 'w').write('x')\n    return 1\n", ("open", "file", "permission")),
    "read by pathlib": ("from pathlib import Path\n" + BODY + "    return Path('/etc/passwd').read_text()\n", ("path", "permission", "os")),
    "environment": ("import os\n" + BODY + "    return os.environ['EVALSET_API_KEY']\n", ("environ", "os")),
    "getenv": ("import os\n" + BODY + "    return os.getenv('EVALSET_API_KEY') + 'x'\n", ("getenv", "os", "none", "environ")),
    "socket": ("import socket\n" + BODY + "    socket.create_connection(('127.0.0.1', 80))\n    return 1\n", ("socket",)),
    "subprocess": ("import subprocess\n" + BODY + "    return subprocess.check_output(['id']).decode()\n", ("subprocess",)),
    "os.system": ("import os\n" + BODY + "    return os.system('id')\n", ("system",)),
    "fork loop": ("import os\n" + BODY + "    while True:\n        os.fork()\n", ("fork",)),
    "infinite loop": (BODY + "    while True:\n        pass\n", ("took longer", "time")),
    "infinite loop at the top": ("while True:\n    pass\n" + BODY + "    return 1\n", ("took longer", "time")),
    "deep recursion": ("def deep(n):\n    return deep(n + 1) + 1\n" + BODY + "    return deep(0)\n", ("recursion",)),
    "huge power": (BODY + "    return 10 ** (10 ** 8)\n", ("memory", "time", "large", "longer")),
    "huge text": (BODY + "    return len('x' * (10 * 1024 ** 3))\n", ("memory", "large")),
    "growing list": (BODY + "    found = []\n    while True:\n        found.append('x' * 1000000 + str(len(found)))\n", ("memory", "longer", "time")),
    "huge output": (BODY + "    return ['x' * 1000] * 1000000\n", ("memory", "large", "bytes", "more than", "longer")),
    "endless print": (BODY + "    while True:\n        print('x' * 10000)\n", ("longer", "time", "output", "memory")),
    "exception of huge text": (BODY + "    raise ValueError('boom ' + 'x' * 50000000)\n", ("valueerror", "memory")),
    "missing module": ("import numpy\n" + BODY + "    return 1\n", ("numpy",)),
    "missing module inside": (BODY + "    import pandas\n    return 1\n", ("pandas",)),
    "catastrophic pattern": ("import re\n" + BODY + "    return bool(re.match('(a+)+$', 'a' * 40 + 'b'))\n", ("longer", "time", "re", "backtrack")),
    "exit": ("import sys\n" + BODY + "    sys.exit(3)\n", ("exit", "sys")),
    "division by zero": (BODY + "    return 1 / 0\n", ("zerodivisionerror",)),
    "no number": (BODY + "    return 'many'\n", ("number",)),
    "not a number": (BODY + "    return float('nan')\n", ("finite", "nan")),
    "nothing": (BODY + "    pass\n", ("number", "null", "none")),
    "wrong arguments": ("def main():\n    return 1\n", ("argument",)),
    "eval": (BODY + "    return eval('1 + 1')\n", ("eval",)),
    "class tricks": (BODY + "    return len(().__class__.__bases__[0].__subclasses__())\n", ("attribute", "__class__", "__bases__", "type")),
}  # fmt: skip
# These may end with a score, if the sandbox makes them harmless; with one, it must be that.
HARMLESS: dict[str, Any] = {"catastrophic pattern": 0.0}
table: list[str] = []


class Memory(threading.Thread):
    """Looks at the memory of a process and its children until told to stop; keeps the most, in MB."""

    def __init__(self, process: int) -> None:
        super().__init__(daemon=True)
        self.process = process
        self.done = threading.Event()
        self.server_mb = self.children_mb = 0.0

    def run(self) -> None:
        """Twenty times a second."""
        while not self.done.wait(0.05):
            self.server_mb = max(self.server_mb, resident_mb(self.process))
            self.children_mb = max(self.children_mb, sum(map(resident_mb, children(self.process))))


def resident_mb(process: int) -> float:
    """Resident memory now; 0 when the process is gone."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024


def children(process: int) -> list[int]:
    """Children of all threads of a process."""
    found = []
    for path in Path(f"/proc/{process}/task").glob("*/children"):
        try:
            found += [int(word) for word in path.read_text().split()]
        except OSError:
            pass
    return found


class Prober(threading.Thread):
    """Asks for a list again and again; keeps the longest time an answer took, and every answer that was not 200."""

    def __init__(self, server: Server, dataset: str) -> None:
        super().__init__(daemon=True)
        self.api = Api(server.url, server.key)
        self.path = f"/api/datasets/{dataset}/logs/list/"
        self.done = threading.Event()
        self.longest = 0.0
        self.answers = 0
        self.wrong: list[str] = []

    def run(self) -> None:
        """Ten times a second."""
        while not self.done.wait(0.1):
            begun = time.monotonic()
            try:
                status = self.api.call("POST", self.path, {}).status_code
            except Exception as error:
                status, self.wrong = 0, [*self.wrong, repr(error)]
            if status != 200:
                self.wrong.append(str(status))
            self.answers += 1
            self.longest = max(self.longest, time.monotonic() - begun)


class Place:
    """Three rows to be scored by attackers, and a bigger dataset that another run works on."""

    def __init__(self, server: Server, api: Api) -> None:
        self.server, self.api = server, api
        self.three, rows = fill(api, "three rows", plain_rows(3))
        self.rows = set(rows)
        self.other, others = fill(api, "others", plain_rows(300))
        self.others = len(others)
        self.good = runs.snippet(api, BODY + "    return len(eval_inputs['llm_output'])\n")


@pytest.fixture(scope="module")
def server(serve: Callable[..., Server]) -> Server:
    """One that gives a row less time than usual, so that the table is done sooner."""
    return serve("sandbox", EVALSET_LIMITS__SANDBOX_SECONDS="2")


@pytest.fixture(scope="module")
def place(server: Server, api: Api) -> Iterator[Place]:
    assert server.process is not None
    place = Place(server, api)
    memory, prober = Memory(server.process.pid), Prober(server, place.three)
    memory.start()
    prober.start()
    yield place
    for thread in (memory, prober):
        thread.done.set()
        thread.join()
    print("\n".join(["", *table]))
    print(
        f"sandbox: {len(table)} attacks; {prober.answers} lists meanwhile, the slowest took {prober.longest:.2f} s; memory at "
        f"most {memory.server_mb:.0f} MB in the server, {memory.children_mb:.0f} MB in its children"
    )
    assert not prober.wrong, prober.wrong[:3]
    assert prober.longest < IN_TIME_SECONDS / 4
    assert memory.server_mb < SERVER_MB_MAX and memory.children_mb < CHILDREN_MB_MAX
    assert not Path("/tmp/evalset-was-here").exists()


def message_of(answer: Any) -> str:
    """What V9 says went wrong: an error answer, or a score that failed."""
    body = answer.json()
    if answer.status_code == 200:
        assert body["status"] == "failed" and body["error_message"], f"a score was given: {body}"
        return str(body["error_message"])
    assert answer.status_code in (400, 422, 500), answer.text[:600]
    return str(body["detail"])


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_fails_clearly_and_alone(place: Place, name: str) -> None:
    source, words = ATTACKS[name]
    api = place.api
    other = runs.start(api, place.other, [place.good])
    begun = time.monotonic()
    body = {"name": name, "type": "code", "score_value_type": "numerical", "code_config": {"eval_code_snippet": source}}
    made = api.call("POST", "/api/evaluators/", body)
    if made.status_code != 201:
        # What is wrong already when the module is run once may be refused there.
        assert made.status_code == 400 and "code_config.eval_code_snippet" in made.text, made.text[:600]
        said = {made.json()["detail"]}
        finish(place, name, words, said, begun, other, "at creation")
        return
    key = made.json()["id"]
    inputs = {"input": "i", "output": "o", "metadata": {}, "metrics": {}}
    answer = api.call("POST", f"/api/evaluators/{key}/run/", {"inputs": inputs})
    if name in HARMLESS and answer.status_code == 200 and answer.json()["status"] == "completed":
        assert answer.json()["numerical_value"] == HARMLESS[name]
        finish(place, name, ("harmless",), {"harmless: it gave the right score"}, begun, other, "nowhere")
        return
    said = {message_of(answer)}
    [task] = runs.run(api, place.three, [key])
    assert (task["status"], task["failed_logs_count"], task["evaluated_logs_count"]) == ("failed", 3, 0), task
    reasons = runs.failed(api, place.three, task["task_id"])
    assert set(reasons) == place.rows
    said |= set(reasons.values())
    finish(place, name, words, said, begun, other, "when run")


def finish(
    place: Place, name: str, words: tuple[str, ...], said: set[str], begun: float, other: list[runs.Task], where: str
) -> None:
    """The error is clear and short, all went in time, and the other run is right."""
    seconds = time.monotonic() - begun
    table.append(f"{name:26} {seconds:5.1f} s  {where:11}  {' | '.join(sorted(said))[:160]!r}")
    for text in said:
        assert any(word in text.lower() for word in words), f"`{text[:300]}` says none of {words}"
        assert len(text) < 5000 and "root:" not in text and place.server.key not in text
    assert seconds < IN_TIME_SECONDS, f"{seconds:.0f} s"
    [task] = runs.wait(place.api, place.other, other)
    assert (task["status"], task["evaluated_logs_count"], task["failed_logs_count"]) == (
        "completed",
        place.others,
        0,
    ), task
    assert place.server.healthy()


def test_many_at_once(place: Place) -> None:
    """Loops and memory hogs together; a good evaluator still gets its turn."""
    sources = [ATTACKS[name][0] for name in ("infinite loop", "growing list", "huge power", "endless print")]
    keys = [runs.snippet(place.api, source) for source in sources]
    hostile = runs.start(place.api, place.three, keys)
    [task] = runs.run(place.api, place.other, [place.good])
    assert (task["status"], task["evaluated_logs_count"]) == ("completed", place.others), task
    for task in runs.wait(place.api, place.three, hostile):
        assert (task["status"], task["failed_logs_count"]) == ("failed", 3), task


def test_rows_do_not_see_each_other(place: Place) -> None:
    source = "seen = []\n" + BODY + "    seen.append(1)\n    return len(seen)\n"
    [task] = runs.run(place.api, place.other, [key := runs.snippet(place.api, source)])
    assert task["score"] == 1.0, "a row saw what another left"
    scores = runs.scores_by_row(place.api, place.other)
    assert {row[key]["numerical_value"] for row in scores.values()} == {1.0}


def test_one_bad_row_spoils_no_other(place: Place) -> None:
    for fault in (
        "while True:\n            pass",
        "return 'x' * (10 * 1024 ** 3)",
        "return 1 / 0",
        "return [0] * 10 ** 10",
    ):
        source = BODY + f"    if eval_inputs['metadata']['number'] == 150:\n        {fault}\n    return 7\n"
        [task] = runs.run(place.api, place.other, [runs.snippet(place.api, source)])
        counts = (task["status"], task["evaluated_logs_count"], task["failed_logs_count"])
        assert counts == ("completed", place.others - 1, 1), f"{fault}: {task}"
        [reason] = runs.failed(place.api, place.other, task["task_id"]).values()
        print(f"{fault.split()[0:3]}: {reason[:120]}")
