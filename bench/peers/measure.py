"""The work that every system does, and how it is timed and checked.

The rows are those of `evalset-bench rows`. They are written in steps; after each step the same operations are asked, one
after another by one client, and every answer that says a total is compared with what the rows say. Only the calls are
timed, not the making of their bodies. A wrong total makes the operation's line invalid, and is told.
"""

from __future__ import annotations

import json
import re
import statistics
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from driver import PAGE_ROWS, REPLY_SECONDS, Answer, Driver, Failed, Row

SAMPLE = 1000
REQUESTS_MAX = 100
REQUESTS_MIN = 3
SECONDS_MAX = 6.0
#: A question that is not answered by then is not asked again. An export may take longer.
ANSWER_SECONDS = 60.0
EXPORT_SECONDS = 300.0
MODELS = ("gpt-4o-mini", "gpt-4o", "claude-sonnet-4", "gemini-2.5-flash")
#: A text that is searched for is found in at least and at most this share of the first rows.
RARE = (0.004, 0.02)


class TooSlow(Exception):
    """A system did not take the rows in time; the rate until then."""


@dataclass
class Facts:
    """What the answers should be, counted while rows are written."""

    needles: list[str]
    rows: int = 0
    models: Counter[str] = field(default_factory=Counter)
    texts: Counter[str] = field(default_factory=Counter)

    def add(self, row: Row) -> None:
        """Counts a row in."""
        self.rows += 1
        if row["status_code"] == 200:
            self.models[row["model"]] += 1
        text = text_of(row)
        for needle in self.needles:
            self.texts[needle] += needle in text


def text_of(row: Row) -> str:
    """Input and output of a row as one text."""
    return "\n".join([*(message["content"] for message in row["input"]), row["output"]["content"]])


def needles(rows: list[Row]) -> list[str]:
    """Rare pieces of words to search for. They lack the first letter, so no row has them in capitals."""
    texts = [text_of(row) for row in rows]
    pieces = Counter(piece for text in texts for piece in {word[1:] for word in re.findall(r"\b[a-z]{8,12}\b", text)})
    found = []
    for piece in sorted(pieces):
        share = sum(piece in text for text in texts) / len(texts)
        if RARE[0] <= share <= RARE[1] and not any(
            piece.upper() in text.upper() and piece not in text for text in texts
        ):
            found.append(piece)
        if len(found) == 4:
            break
    if not found:
        raise Failed("the rows hold no rare words to search for")
    return found


def generated(binary: Path, count: int, seed: int) -> Generator[Row, None, None]:
    """Rows of the generator. Closing it early ends the generator's process."""
    command = [str(binary), "rows", "--rows", str(count), "--seed", str(seed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as made:
        assert made.stdout is not None
        try:
            for line in made.stdout:
                yield json.loads(line)
        except GeneratorExit:
            made.kill()
            raise
    if made.returncode:
        raise Failed(f"{' '.join(command)} ended with {made.returncode}")


def fill(driver: Driver, rows: Iterator[Row], facts: Facts, until: int, patience: float) -> float:
    """Writes rows until there are `until`; rows a second of the calls. Gives up after `patience` seconds."""
    first, seconds = facts.rows, 0.0
    while facts.rows < until:
        if seconds > patience:
            raise TooSlow((facts.rows - first) / seconds)
        batch = list(islice(rows, min(driver.batch, until - facts.rows)))
        if not batch:
            raise Failed(f"the generator ended after {facts.rows} rows")
        for row in batch:
            facts.add(row)
        body = driver.body(batch)
        begin = time.perf_counter()
        driver.write(body)
        seconds += time.perf_counter() - begin
    begin = time.perf_counter()
    driver.settle(until, patience)
    return (until - first) / (seconds + time.perf_counter() - begin)


def timed(ask: Callable[[int], Answer | None], wanted: Callable[[int], tuple[int, int]]) -> dict[str, Any] | None:
    """Asks until there are enough answers or the time is up. `wanted` says rows and total of a turn."""
    times: list[float] = []
    says_total = True
    begin = time.perf_counter()
    for turn in range(REQUESTS_MAX + 1):
        start = time.perf_counter()
        answer = ask(turn)
        took = time.perf_counter() - start
        if answer is None:
            return None
        rows, total = wanted(turn)
        says_total = answer.total is not None
        if answer.rows != rows or (answer.total is not None and answer.total != total):
            return {"invalid": f"{answer.rows} rows of {answer.total}, expected {rows} of {total}"}
        # The first one warms up; one that alone takes all the time there is must do.
        if turn or took > SECONDS_MAX:
            times.append(took * 1000)
        if took > SECONDS_MAX or (len(times) >= REQUESTS_MIN and time.perf_counter() - begin > SECONDS_MAX):
            break
    ordered = sorted(times)
    share = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    return {"p50_ms": statistics.median(times), "p99_ms": share, "requests": len(times), "says_total": says_total}


def operations(driver: Driver, facts: Facts, given_up: dict[str, float]) -> Iterator[tuple[str, dict[str, Any] | None]]:
    """Asks everything but what was given up before; name and figures of each operation."""
    page = min(PAGE_ROWS, facts.rows)

    def of_model(turn: int) -> tuple[int, int]:
        total = facts.models[MODELS[turn % 4]]
        return min(PAGE_ROWS, total), total

    def of_text(turn: int) -> tuple[int, int]:
        total = facts.texts[facts.needles[turn % len(facts.needles)]]
        return min(PAGE_ROWS, total), total

    questions: dict[str, tuple[Callable[[int], Answer | None], Callable[[int], tuple[int, int]]]] = {
        "nothing": (driver.nothing, lambda _: (0, 0)),
        "page": (driver.page, lambda _: (page, facts.rows)),
        "filtered": (lambda turn: driver.filtered(MODELS[turn % 4], turn), of_model),
        "row": (driver.row, lambda _: (1, 0)),
        "search": (lambda turn: driver.search(facts.needles[turn % len(facts.needles)], turn), of_text),
        "summary": (driver.summary, lambda _: (1, facts.rows)),
        "export": (driver.export, lambda _: (facts.rows, facts.rows)),
    }
    for name, (ask, wanted) in questions.items():
        if name in given_up:
            yield name, {"slower_than_ms": given_up[name] * 1000}
            continue
        limit = EXPORT_SECONDS if name == "export" else ANSWER_SECONDS
        driver.http.within(limit)
        try:
            yield name, timed(ask, wanted)
        except TimeoutError:
            given_up[name] = limit
            yield name, {"slower_than_ms": limit * 1000}
            driver.restart()
    driver.http.within(REPLY_SECONDS)


@dataclass(frozen=True)
class Work:
    """What is to be done: the program that makes the rows, their seed, the steps, and seconds a step may take to fill."""

    generator: Path
    seed: int
    steps: list[int]
    patience: float


def measure(driver: Driver, work: Work, keep: Callable[[Row], None]) -> None:
    """Everything on one system, smallest step first; `keep` gets a line for each figure."""
    rows = generated(work.generator, work.steps[-1], work.seed)
    facts = Facts(needles(list(generated(work.generator, SAMPLE, work.seed))))
    given_up: dict[str, float] = {}
    driver.start()
    try:
        for step in work.steps:
            rate = fill(driver, rows, facts, step, work.patience)
            keep({"rows": step, "scenario": "bulk", "value": rate, "unit": "rows/s"})
            # Before the reads: files of exports would count otherwise.
            keep({"rows": step, "scenario": "disk", "value": driver.disk_bytes() / 1e6, "unit": "MB"})
            if (behind := driver.catch_up(step, work.patience)) is not None:
                keep({"rows": step, "scenario": "behind", "value": behind, "unit": "s"})
            for name, figures in operations(driver, facts, given_up):
                keep({"rows": step, "scenario": name, **(figures or {"absent": True})})
            memory = driver.process.memory_bytes() if driver.process else 0
            keep({"rows": step, "scenario": "memory", "value": memory / 1e6, "unit": "MB"})
    except TooSlow as slow:
        keep({"rows": step, "scenario": "bulk", "value": slow.args[0], "unit": "rows/s", "gave_up": facts.rows})
    finally:
        driver.stop()
        rows.close()
