#!/usr/bin/env python3
"""Runs the same work on evalset and its peers, one after another, and appends every figure to a file of JSON lines.

    python3 bench/peers/run.py --scale 1k,10k,50k                 # all; installs what is missing (PyPI)
    python3 bench/peers/run.py --scale 1k,10k --only phoenix      # those whose names begin so, again

Needs the release binaries of evalset and evalset-bench. A system that fails is told, and the others go on; it is repeated
with --only. Of repeated figures the last one counts. Ends with status 1 when a system failed or answered wrongly.
"""

from __future__ import annotations

import argparse
import http.client
import json
import platform
import shutil
import signal
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from driver import Driver, Failed, Row
from evalset import BINARY, Evalset
from label_studio import LabelStudio
from measure import Work, measure
from mlflow import Records, Traces
from phoenix import Examples, Spans

SYSTEMS: list[type[Driver]] = [Evalset, Spans, Examples, Traces, Records, LabelStudio]
RESULTS = Path(__file__).resolve().parents[1] / "results" / "peers.jsonl"


def count(text: str) -> int:
    """`50k` → 50000."""
    unit = {"k": 1_000, "m": 1_000_000}.get(text[-1].lower(), 0)
    return int(text[:-1]) * unit if unit else int(text)


def machine() -> str:
    """What it ran on."""
    told = [line.partition(":") for line in Path("/proc/cpuinfo").read_text().splitlines()]
    models = [value.strip() for name, _, value in told if name.strip() == "model name"]
    return f"{len(models)} cores of {models[0] if models else '?'}, Linux {platform.release().split('-')[0]}"


def run(system: type[Driver], options: argparse.Namespace) -> bool:
    """One system; whether all went well."""
    system.install()
    folder = Path(tempfile.mkdtemp(prefix=f"bench-{system.name}-", dir=options.folder))
    driver = system(folder)
    about = {"system": system.name, "version": driver.version(), "machine": machine(), "note": system.note}
    about["command"] = " ".join(["bench/peers/run.py", *sys.argv[1:]])
    good = True

    def keep(figures: Row) -> None:
        nonlocal good
        good = good and "invalid" not in figures
        line = {**about, "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"), **figures}
        with open(options.results, "a") as file:
            file.write(json.dumps(line) + "\n")
        shown = {name: round(value, 2) if isinstance(value, float) else value for name, value in figures.items()}
        print(f"{system.name:16} {shown}", file=sys.stderr, flush=True)

    begin = time.monotonic()
    try:
        measure(driver, Work(options.bench, options.seed, options.scale, options.patience), keep)
    except (Failed, OSError, KeyError, ValueError, http.client.HTTPException) as error:
        print(f"{system.name} failed: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
        if driver.process is not None:
            print(driver.process.last_words(), file=sys.stderr)
        good = False
    finally:
        driver.stop()
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{system.name}: {time.monotonic() - begin:.0f} s", file=sys.stderr, flush=True)
    return good


def leave(*_: object) -> None:
    """On SIGTERM: ends as on an error, so that no server is left behind."""
    raise SystemExit("stopped by SIGTERM")


def main() -> int:
    """Command line."""
    signal.signal(signal.SIGTERM, leave)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", default="1k,10k,50k", type=lambda text: sorted(map(count, text.split(","))))
    parser.add_argument("--only", default="", help="names, or how they begin, comma-separated")
    parser.add_argument("--seed", default=1, type=int)
    parser.add_argument(
        "--patience", default=300.0, type=float, help="seconds a system may take to fill a step, else it ends there"
    )
    parser.add_argument(
        "--bench", default=BINARY.parent / "evalset-bench", type=Path, help="the program that makes the rows"
    )
    parser.add_argument("--results", default=RESULTS, type=Path)
    parser.add_argument("--folder", default=None, help="where data folders are made; the system's temporary folder")
    options = parser.parse_args()
    options.results.parent.mkdir(parents=True, exist_ok=True)
    wanted = [name for name in options.only.split(",") if name]
    systems = [each for each in SYSTEMS if not wanted or any(each.name.startswith(name) for name in wanted)]
    if not systems:
        parser.error(f"no system is called {options.only}: there are {', '.join(each.name for each in SYSTEMS)}")
    if not BINARY.exists():
        parser.error(f"no server at {BINARY}: cargo build --release -p evalset -p evalset-bench, or set EVALSET_BIN")
    outcomes = [run(system, options) for system in systems]
    return 0 if all(outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
