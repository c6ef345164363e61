"""The stand-in provider keeps its rule, its faults and its counts: without the server."""

from __future__ import annotations

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from harness.provider import FAULTS, LOST, TEMPLATE, Provider, ProviderProcess, expected, fault_of, verdict


def prompt(unit: str, judged: str) -> str:
    """The template filled in by hand."""
    filled = TEMPLATE.replace("{{ metadata.unit }}", unit).replace("{{ input }}", "why?")
    return filled.replace("{{ output }}", judged)


def ask(client: httpx.Client, unit: str, judged: str, **more: Any) -> httpx.Response:
    """One request as a client sends it."""
    body = {"model": "m", "messages": [{"role": "user", "content": prompt(unit, judged)}], **more}
    return client.post("chat/completions", json=body, headers={"idempotency-key": f"key of {unit}"})


def units_with(kind: str | None, faults: dict[str, float], count: int = 1) -> list[str]:
    """The first units that get a fault."""
    return [f"u{n}" for n in range(10_000) if fault_of(f"u{n}", faults) == kind][:count]


def test_the_rule() -> None:
    scores = Counter(verdict(f"text {n}")[0] for n in range(1000))
    assert set(scores) == {1, 2, 3, 4, 5} and min(scores.values()) > 100
    assert verdict("")[0] in range(1, 6)
    for judged in ("", "plain", "with <<<judged>>> no, <<<end>>> inside", "größer 🙂\n\n"):
        with Provider() as provider, httpx.Client(base_url=provider.url, trust_env=False) as client:
            reply = ask(client, "a", judged).json()
            said = json.loads(reply["choices"][0]["message"]["content"])
            assert (said["score"], said["explanation"]) == verdict(judged)
            assert reply["usage"]["total_tokens"] > 0


def test_every_fault() -> None:
    faults = dict.fromkeys(FAULTS, 0.09)
    counts = Counter(fault_of(f"u{n}", faults) for n in range(10_000))
    assert all(600 < counts[kind] < 1200 for kind in FAULTS), counts
    with Provider(faults=faults, slow_seconds=0.2, retry_after=7) as provider:
        with httpx.Client(base_url=provider.url, trust_env=False) as client:
            for kind in FAULTS:
                [unit] = units_with(kind, faults)
                statuses = []
                for _ in range(3):
                    try:
                        statuses.append(ask(client, unit, "x").status_code)
                    except httpx.HTTPError:
                        statuses.append(0)
                wanted = {"busy": [429, 200, 200], "broken": [500, 500, 200], "dropped": [0, 200, 200]}
                always = {"down": 500, "refused": 400}.get(kind, 200)
                assert statuses == wanted.get(kind, [always] * 3), kind
                assert (expected(unit, "x", faults) is None) == (kind in LOST)
                content = "" if always != 200 else ask(client, unit, "x").json()["choices"][0]["message"]["content"]
                assert ("{" in content) == (kind not in LOST)
            assert ask(client, units_with("busy", faults, 2)[1], "x").headers["retry-after"] == "7"
        seen = provider.counts()
    assert seen["good"][units_with("broken", faults)[0]] == 2 and seen["asked"][units_with("down", faults)[0]] == 3
    assert not set(seen["good"]) & set(units_with("words", faults, 3))
    assert seen["good"][units_with("garbled", faults)[0]] == 3, "four times asked, the first answer was no JSON"
    assert (
        all(len(units) == 1 for units in seen["keys"].values())
        and seen["keys"]["key of " + units_with("slow", faults)[0]]
    )


def test_schemas_can_be_refused() -> None:
    with Provider(schema=False) as provider, httpx.Client(base_url=provider.url, trust_env=False) as client:
        assert ask(client, "a", "x", response_format={"type": "json_schema"}).status_code == 400
        assert ask(client, "a", "x", response_format={"type": "json_object"}).status_code == 200


@pytest.mark.parametrize("separate", [False, True])
def test_counts_and_settings(separate: bool) -> None:
    provider: Any = ProviderProcess(latency=0.02) if separate else Provider(latency=0.02).start()
    try:
        with httpx.Client(base_url=provider.url, trust_env=False) as client, ThreadPoolExecutor(8) as pool:
            replies = list(pool.map(lambda n: ask(client, f"u{n % 40}", "x").status_code, range(80)))
        assert replies == [200] * 80
        seen = provider.counts()
        assert set(seen["asked"].values()) == {2} == set(seen["good"].values()) and len(seen["asked"]) == 40
        assert 2 <= seen["most_working"] <= 8 and seen["working"] == 0
        assert 0.02 * 80 <= seen["busy_seconds"] <= 8 * seen["seconds"] + 1e-6
        assert seen["usage"]["prompt_tokens"] == seen["usage"]["good_prompt_tokens"] > 0
    finally:
        provider.stop()
