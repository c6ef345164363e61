"""The independent calculation itself, without a server: it must not be wrong in a way that agrees with everything.

Knows small hand-made records and the sample.
"""

from __future__ import annotations

from real_logs import source
from real_logs.combinations import all_combinations
from real_logs.independent import Vocabulary, instant, micros, ordered, prompt_of, record, summary, words

# These are about finding nothing.
EMPTY = {"no such rows", "half a word is no word"}


def test_order_puts_nulls_last_both_ways_and_breaks_ties_by_id() -> None:
    logs = [{"unique_id": key, "v": value} for key, value in (("d", 1), ("a", None), ("c", 1), ("b", 2), ("e", None))]
    rising = [log["unique_id"] for log in ordered(logs, lambda log: log["v"], False)]
    falling = [log["unique_id"] for log in ordered(logs, lambda log: log["v"], True)]
    assert (rising, falling) == (["c", "d", "b", "a", "e"], ["b", "c", "d", "a", "e"])


def test_times_keep_their_microseconds() -> None:
    assert instant(micros("2025-10-16T17:52:29.550118Z")) == "2025-10-16T17:52:29.550118Z"
    assert instant(micros("1969-12-31T23:59:59.000001Z")) == "1969-12-31T23:59:59.000001Z"


def test_derived_fields() -> None:
    log = record(
        {
            "unique_id": "a", "timestamp": "2025-01-01T00:00:10Z", "latency": 2.5, "prompt_tokens": 3, "completion_tokens": 5,
            "status_code": 500, "cost": 1.0, "metadata": {}, "model": "m", "custom_identifier": "c",
            "input": [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}, {"role": "user", "content": "w"}],
            "output": {"role": "assistant", "content": "Don't stop_now"},
        }
    )  # fmt: skip
    assert instant(log["start"]) == "2025-01-01T00:00:07.500000Z"
    assert (log["status"], log["failed"], log["total_request_tokens"], log["tokens_per_second"]) == (
        "error",
        True,
        8,
        2.0,
    )
    assert (log["prompt"], log["completion"]) == ("u\n\nw", "Don't stop_now")
    assert log["output_text"] == '{"role":"assistant","content":"Don\'t stop_now"}'
    assert prompt_of("as it is") == "as it is"
    assert words("Don't stop_now, Größe 42!") == {"don", "t", "stop", "now", "größe", "42"}
    assert summary([log])["avg_tps"] == 2.0 and summary([])["avg_tps"] == 0.0


def test_every_combination_selects_something_and_not_everything_is_all() -> None:
    records = [record(log) for log in source.read(source.SAMPLE)]
    assert len(records) == 200
    combinations = all_combinations(Vocabulary(records))
    sizes = {combination.name: len(combination.expected(records)) for combination in combinations}
    assert len(sizes) == len(combinations), "names repeat"
    assert {name for name, size in sizes.items() if size == 0} == EMPTY
    partial = [name for name, size in sizes.items() if 0 < size < len(records)]
    assert len(partial) >= 70, sizes
