"""What the server should answer, computed over the file in plain Python.

Written from the contract (sections A.6, B.17, C and D), never from the server. A filter here is a Python predicate beside
the JSON that should mean the same; there is no parser of filters, so that the two cannot share a mistake.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

Record = dict[str, Any]
Predicate = Callable[[Record], bool]

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def micros(text: str) -> int:
    """Microseconds since 1970 of an ISO instant with `Z`."""
    delta = datetime.fromisoformat(text.replace("Z", "+00:00")) - EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def instant(at: int) -> str:
    """ISO instant with six digits and `Z` (A.2)."""
    seconds, fraction = divmod(at, 1_000_000)
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S") + f".{fraction:06}Z"


def compact(value: Any) -> str:
    """Compact JSON text, as a filter sees a structure (C.8)."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def as_text(value: Any) -> str:
    """Text a filter sees of `input` or `output`: a string itself, a structure as compact JSON."""
    return value if isinstance(value, str) else compact(value)


def prompt_of(value: Any) -> str:
    """Text view of an input (D.3): a string, or the messages that are no system messages, joined by blank lines."""
    if isinstance(value, str):
        return value
    return "\n\n".join(part["content"] for part in value if part["role"] not in ("system", "developer"))


def record(sent: Record) -> Record:
    """A log as stored: what was sent, with the defaults of D.1 and D.5."""
    log = dict(sent)
    log["at"] = micros(sent["timestamp"])
    log["start"] = log["at"] - round(sent["latency"] * 1_000_000)
    log["environment"] = "prod"
    log["failed"] = sent["status_code"] >= 400 or bool(sent.get("error_message"))
    log["status"] = "error" if log["failed"] else "success"
    log["total_request_tokens"] = sent["prompt_tokens"] + sent["completion_tokens"]
    log["tokens_per_second"] = sent["completion_tokens"] / sent["latency"] if sent["latency"] else None
    log["prompt"] = prompt_of(sent["input"])
    log["completion"] = sent["output"] if isinstance(sent["output"], str) else sent["output"]["content"]
    log["input_text"] = as_text(sent["input"])
    log["output_text"] = as_text(sent["output"])
    for name in ("error_message", "customer_identifier"):
        log.setdefault(name, None)
    return log


def words(text: str) -> set[str]:
    """Lower-case words: runs of letters and digits."""
    return set(re.findall(r"[^\W_]+", text.lower()))


def ordered(records: Iterable[Record], key: Callable[[Record], Any], descending: bool) -> list[Record]:
    """Nulls last in both directions, ties by `unique_id` ascending (A.6)."""
    by_id = sorted(records, key=lambda log: log["unique_id"])
    present = [log for log in by_id if key(log) is not None]
    present.sort(key=key, reverse=descending)
    return present + [log for log in by_id if key(log) is None]


def summary(records: list[Record]) -> dict[str, float]:
    """The nine keys of B.17 without scores."""

    def mean(name: str) -> float:
        values = [log[name] for log in records if log.get(name) is not None]
        return math.fsum(values) / len(values) if values else 0.0

    return {
        "number_of_requests": len(records),
        "total_cost": math.fsum(log["cost"] for log in records),
        "total_tokens": sum(log["total_request_tokens"] for log in records),
        "total_prompt_tokens": sum(log["prompt_tokens"] for log in records),
        "total_completion_tokens": sum(log["completion_tokens"] for log in records),
        "avg_latency": mean("latency"),
        "avg_tps": mean("tokens_per_second"),
        "avg_ttft": mean("time_to_first_token"),
    }


# Sort names on the wire and what they order by.
SORTS: dict[str, Callable[[Record], Any]] = {
    "id": lambda log: log["unique_id"],
    "unique_id": lambda log: log["unique_id"],
    "timestamp": lambda log: log["at"],
    "created_at": lambda log: log["at"],
    "start_time": lambda log: log["start"],
    "metadata__turn": lambda log: log["metadata"].get("turn"),
    "metadata__tier": lambda log: log["metadata"].get("tier"),
    "metadata__cached": lambda log: log["metadata"].get("cached"),
    "all_tokens": lambda log: log["total_request_tokens"],
    **{
        name: lambda log, name=name: log[name]  # type: ignore[misc]
        for name in (
            "cost", "latency", "time_to_first_token", "tokens_per_second", "prompt_tokens", "completion_tokens",
            "total_request_tokens", "model", "status", "status_code", "error_message", "customer_identifier",
            "custom_identifier", "log_type", "failed",
        )
    },
}  # fmt: skip


@dataclass(frozen=True)
class Combination:
    """A filter, what it means, and an order."""

    name: str
    filters: Any
    keeps: Predicate
    sort_by: str

    def expected(self, records: list[Record]) -> list[Record]:
        """All matching records in order."""
        name = self.sort_by.removeprefix("-")
        return ordered(filter(self.keeps, records), SORTS[name], self.sort_by.startswith("-"))


class Vocabulary:
    """Values of the data at hand that make filters select something: nothing is tied to one set of logs."""

    def __init__(self, records: list[Record]) -> None:
        models = Counter(log["model"] for log in records)
        self.models = sorted(models)
        self.two_models = self.models[:2]
        self.tiers = sorted({log["metadata"]["tier"] for log in records if "tier" in log["metadata"]})
        self.tier = self.tiers[0]
        self.customer = Counter(
            log["customer_identifier"] for log in records if log["customer_identifier"]
        ).most_common(2)[1][0]
        self.error = Counter(log["error_message"] for log in records if log["error_message"]).most_common(1)[0][0]
        self.latency = quantile(records, "latency")
        self.cost = quantile(records, "cost")
        self.tokens = quantile(records, "completion_tokens")
        self.total = quantile(records, "total_request_tokens")
        times = sorted(log["at"] for log in records)
        self.first, self.last = times[0], times[-1]
        self.early, self.late = times[len(times) // 4], times[3 * len(times) // 4]
        self.ids = [log["unique_id"] for log in records[:: max(1, len(records) // 40)]]
        self.prompt_words = stable_words(records, "prompt", "input_text")
        capitals = Counter(word for log in records for word in set(re.findall("[A-Z][a-z]{4,}", log["prompt"])))
        self.capital = capitals.most_common(3)[-1][0]
        self.answer_words = stable_words(records, "completion", "output_text")


def quantile(records: list[Record], name: str) -> tuple[Any, Any, Any]:
    """Values at a quarter, half and three quarters."""
    values = sorted(log[name] for log in records)
    return tuple(values[len(values) * part // 4] for part in (1, 2, 3))  # type: ignore[return-value]


def stable_words(records: list[Record], plain: str, structured: str) -> list[str]:
    """Ten ASCII words in 0.5 % to 20 % of the records, which match the same records whether one looks at the text view
    or the JSON text, and whether `_` and `'` end a word or not: there the contract leaves room."""
    alone = re.compile(r"(?<![\w'’\\])[a-z]{5,}(?![\w'’])")
    strict: dict[str, set[int]] = defaultdict(set)
    loose: dict[str, set[int]] = defaultdict(set)
    in_json: dict[str, set[int]] = defaultdict(set)
    for number, log in enumerate(records):
        for word in set(alone.findall(log[plain].lower())):
            strict[word].add(number)
        for word in words(log[plain]):
            loose[word].add(number)
        for word in words(log[structured]):
            in_json[word].add(number)
    chosen = [
        word
        for word, found in strict.items()
        if len(records) / 200 <= len(found) <= len(records) / 5 and found == loose[word] == in_json[word]
    ]
    assert len(chosen) >= 3, "the data has too few usable words"
    chosen.sort(key=lambda word: (len(strict[word]), word))
    return (chosen[:: max(1, len(chosen) // 10)] * 4)[:10]
