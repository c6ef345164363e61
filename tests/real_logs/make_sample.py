#!/usr/bin/env python3
"""Writes `tests/sample_logs.jsonl`: 200 request logs of invented texts, always the same for the same seed.

    python3 tests/real_logs/make_sample.py

Has what real logs have and tests need: ties, nulls, empty answers, failures, system messages, plain-string inputs, several
languages, emoji, cells that a spreadsheet would run, missing and nested metadata. Knows nothing of the server.
"""

from __future__ import annotations

import json
import random
from datetime import datetime, timedelta, timezone
from pathlib import Path

OUTPUT = Path(__file__).resolve().parents[1] / "sample_logs.jsonl"
SEED = 20251101
LINES = 200
MODELS = ["harbor-small", "harbor-large", "Lantern-7b", "meadow-1.5-chat", "quartz_mini"]
TOPICS = ["tides", "bread", "bicycles", "glaciers", "chess", "beehives", "lighthouses", "violins", "compost", "maps"]
QUESTIONS = [
    "Explain {} to a ten year old.",
    "Write a short poem about {}.",
    "List three common mistakes people make with {}.",
    "Translate into German: I have been thinking about {} all day.",
    "¿Qué debería saber sobre {}?",
    "Compare {} and clocks in one table.",
    "Is {} mentioned in the document at https://example.org/{}?",
]
ANSWERS = [
    "Here is a simple picture of {}: think of a slow and patient machine.",
    "- first, know your {}\n- second, take your time\n- third, write it down",
    "=SUM(A1:A3) is what a spreadsheet would say about {}.",
    "+1 for {}, said everybody in 1987.",
    "@friends: {} are back 🙂🌊",
    'A quote, a comma, and a "word" about {}, then\na new line.',
    "Über {} lässt sich viel sagen; größere Worte folgen später.",
    "关于 {} 的简短说明。",
    "```python\nfor item in {}:\n    print(item)\n```",
    "On 2024-05-17 the committee for {} met for the first time.",
]
ERRORS = {500: "upstream closed the stream", 429: "slow down", 400: "prompt was empty"}


def line(rng: random.Random, number: int) -> dict[str, object]:
    """One log."""
    topic = rng.choice(TOPICS)
    question = rng.choice(QUESTIONS).replace("{}", topic)
    answer = rng.choice(ANSWERS).replace("{}", topic)
    status = rng.choices([200, 500, 429, 400], [88, 5, 5, 2])[0]
    if status != 200:
        answer = ""
    latency = round(rng.uniform(0.05, 9.0), 3)
    moment = datetime(2025, 11, 1, tzinfo=timezone.utc) + timedelta(microseconds=rng.randrange(28 * 86_400 * 1_000_000))
    metadata: dict[str, object] = {"subset": rng.choice(["garden", "kitchen", "workshop"]), "turn": rng.randint(1, 9)}
    if rng.random() < 0.9:
        metadata["tier"] = rng.choice(["free", "pro", "enterprise"])
    if rng.random() < 0.8:
        metadata["cached"] = rng.random() < 0.2
    if rng.random() < 0.3:
        metadata["trial"] = {"arm": rng.choice("ab"), "weight": round(rng.uniform(-1, 1), 2)}
    log: dict[str, object] = {
        "custom_identifier": f"sample/{number}",
        "timestamp": moment.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "model": rng.choice(MODELS),
    }
    if rng.random() < 0.8:
        system = [{"role": "system", "content": "Answer briefly."}] if rng.random() < 0.3 else []
        log["log_type"] = "chat"
        log["input"] = [*system, {"role": "user", "content": question}]
        log["output"] = {"role": "assistant", "content": answer}
    else:
        log["log_type"] = "completion"
        log["input"] = question
        log["output"] = answer
    log.update(
        status_code=status,
        prompt_tokens=len(question.split()) + 3,
        completion_tokens=len(answer.split()),
        cost=round(rng.uniform(0, 0.01), 6),
        latency=latency,
        time_to_first_token=round(latency * rng.uniform(0.1, 0.6), 3),
        metadata=metadata,
    )
    if rng.random() < 0.9:
        log["customer_identifier"] = f"customer_{min(9, int(rng.expovariate(0.5)))}"
    if status != 200:
        log["error_message"] = ERRORS[status]
    return log


def main() -> None:
    """Writes the file."""
    rng = random.Random(SEED)
    lines = [json.dumps(line(rng, number), ensure_ascii=False) for number in range(LINES)]
    OUTPUT.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
