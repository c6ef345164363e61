"""Loaded by schemathesis (`SCHEMATHESIS_HOOKS`): counts requests by status and puts real ids into paths.

Ids made up at random are never found, so that most code behind them would stay untouched: half of the calls with path
parameters get ids that exist. Knows parameter places only by the word before them in the path.
"""

from __future__ import annotations

import json
import os
import random
import re
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import schemathesis

IDS: dict[str, list[str]] = json.loads(os.environ.get("EVALSET_TEST_IDS", "{}"))
COUNTS = Path(os.environ["EVALSET_TEST_COUNTS"])
SHARE = 0.5

chance = random.Random(int(os.environ.get("EVALSET_TEST_SEED", "1")))
statuses: Counter[str] = Counter()
lock = threading.Lock()


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    """Real ids, at times."""
    template = case.operation.path
    for match in re.finditer(r"([\w-]+)/\{([^}]+)\}", template):
        known = IDS.get(match.group(1))
        with lock:
            if known and case.path_parameters and chance.random() < SHARE:
                case.path_parameters[match.group(2)] = chance.choice(known)


@schemathesis.hook
def after_call(context: Any, case: Any, response: Any) -> None:
    """Counts, on disk at once: nobody tells a hook about the end."""
    with lock:
        statuses[str(response.status_code)] += 1
        COUNTS.write_text(json.dumps(statuses))
